package im

import (
	"context"
	"slices"
	"time"
)

// News of members: a list without a text. Who sees by a line that its writer has
// not heard of what he himself has done tells him, so that two who add somebody
// at the same moment, and those whom they added, hear of each other at once, and
// whoever missed that one has left hears of it when he writes.

// newsFor is how long such news waits for a connection.
const newsFor = 24 * time.Hour

// missed is what the writer of a line has not heard of, in the words of a line of
// our own, and who is to be told; nobody: he has heard of everything we did.
func (c *circle) missed(s said, self string) (news said, to []string) {
	news = said{from: self, id: c.id, title: c.title, list: slices.Clone(c.in)}
	if slices.Contains(c.gone, self) {
		if s.notice != "" || !slices.Contains(s.list, self) || s.from == self {
			return news, nil
		}
		news.notice = Left
		return news, []string{s.from}
	}
	for _, who := range c.in {
		if c.mine[who] && !slices.Contains(s.list, who) && who != s.from {
			news.added = append(news.added, who)
		}
	}
	switch {
	case s.notice == Left || s.from == self:
		return news, nil
	case len(news.added) == 0 && c.began && slices.ContainsFunc(c.in, func(who string) bool { return !slices.Contains(s.list, who) && who != s.from }):
		return news, []string{s.from} // he may have read of some only, or not have heard that somebody left
	case len(news.added) == 0:
		return news, nil
	}
	others := without(s.added, self)
	news.notice, news.added = Joined, append(news.added, others...) // they may hear of it by this first
	return news, append([]string{s.from}, others...)
}

// tellMissed posts news to those of these people whose clients take it. It never
// blocks.
func (b *Book) tellMissed(news said, to []string) {
	if len(to) == 0 {
		return
	}
	body := listAlone(news.document())
	for _, who := range to {
		go func() { // ends after askPatience
			if b.askFirst(context.Background(), who).lists {
				b.post(letter{to: who, kind: "members " + keyOf(news.id), body: body, until: b.o.Now().Add(newsFor)})
			}
		}()
	}
}

// heardMembers takes such news, of a member of a conversation that is known here or
// of who says that one is in it from now on.
func (b *Book) heardMembers(m Message, s said) {
	s.from = m.From
	if s = s.clean(); s.id == "" {
		return
	}
	b.tell.Add(func() {
		b.recollect(s.id)
		b.mu.Lock()
		c := b.talks[keyOf(s.id)]
		known := c != nil && c.circle.knows(s.from) || c == nil && slices.Contains(s.added, b.o.Self)
		b.mu.Unlock()
		if m.Request = b.stranger(keyOf(s.id), m.From); known {
			b.receiveShared(m, s, func(int) {})
		}
	})
	b.tell.Flush()
}
