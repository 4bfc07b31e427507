package im

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"communicator/plain"
	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
	"github.com/google/uuid"
)

// A shared conversation is one that everyone sees: each line goes to every
// member with the list of all of them (grouplist.go), and what anybody answers
// goes to all. No server knows of it: roster.go has the rules by which its
// members agree on who they are.

// circle is what a shared conversation has more than another.
type circle struct {
	roster
	plain  map[string]*told // members whose clients take plain text only
	proven map[string]bool  // members who have written with a list
	mine   map[string]bool  // whom one has added oneself
	began  bool             // by oneself
}

// told is what such a member has been told of the others.
type told struct {
	to    string // the line that says who they are
	quiet bool   // has not answered since the last line to him
}

// keyOf is the key of the shared conversation with that ID.
func keyOf(id string) string { return "group:" + id }

// Together makes a conversation that everyone sees. The title may be empty.
func (b *Book) Together(title string, members ...string) *Conversation {
	c := b.Joint(Group{ID: uuid.NewString(), Title: title, Members: append([]string{b.o.Self}, members...)})
	b.mu.Lock()
	c.circle.began = true
	b.mu.Unlock()
	return c
}

// Joint returns the shared conversation with the ID of g; one that is not known,
// nor stored, is made with the title and members of g.
func (b *Book) Joint(g Group) *Conversation {
	b.recollect(g.ID)
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.joint(g)
}

// joint does what Joint says; b.mu is held.
func (b *Book) joint(g Group) *Conversation {
	c := b.talks[keyOf(g.ID)]
	if c == nil {
		c = b.join(&roster{id: g.ID, title: plain.Cut(plain.Line(g.Title), maxTitle), in: each(g.Members)})
	}
	return c
}

// join makes a shared conversation; b.mu is held.
func (b *Book) join(r *roster) *Conversation {
	c := &Conversation{b: b, key: keyOf(r.id), circle: &circle{roster: *r, plain: map[string]*told{}, proven: map[string]bool{}, mine: map[string]bool{}}}
	b.hold(c)
	return c
}

// Shared says whether everyone in the conversation sees everyone.
func (c *Conversation) Shared() bool {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	return c.circle != nil
}

// Title is what a shared conversation is called; empty: nothing.
func (c *Conversation) Title() string {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	if c.circle == nil {
		return ""
	}
	return c.circle.title
}

// Gone says whether one has left the conversation. Who sends again is back.
func (c *Conversation) Gone() bool {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	return c.circle != nil && !slices.Contains(c.circle.in, c.b.o.Self)
}

var errNotShared = errors.New("this is no conversation that everyone sees: begin one with these people")

// Add takes more people into a shared conversation and tells everybody. They see
// what follows, not what was said before. It waits as Send does.
func (c *Conversation) Add(ctx context.Context, members ...string) error {
	return c.change(ctx, said{notice: Joined, list: members, added: members})
}

// Leave tells everybody that one is no longer in a shared conversation. What was
// said stays; what others send before they have heard of it still comes. Who
// sends again is back.
func (c *Conversation) Leave(ctx context.Context) error {
	return c.change(ctx, said{notice: Left})
}

// Rename gives a shared conversation another title, for everybody.
func (c *Conversation) Rename(ctx context.Context, title string) error {
	return c.change(ctx, said{notice: Renamed, title: title})
}

// change tells everybody of a change of the members or the title by a line. The
// conversation itself changes by the line, here as at all others.
func (c *Conversation) change(ctx context.Context, s said) error {
	b := c.b
	s.from = b.o.Self
	s = s.clean()
	b.mu.Lock()
	if c.circle == nil {
		b.mu.Unlock()
		return errNotShared
	}
	r := c.circle.copy()
	b.mu.Unlock()
	if s.notice != Left {
		r.admit(s.from) // who had left and acts is back
	}
	n := r.hear(s)
	switch {
	case n.full:
		return fmt.Errorf("add people: at most %d can be in a conversation", MaxMembers)
	case len(n.added) == 0 && !n.left && !n.renamed:
		return nil
	}
	m := b.newMessage(c.key, b.speaker().says(s.from, n, r.title), r.others(s.from)) // who is new comes last, so that nobody hears from him before he hears of him
	m.Notice, m.Group = s.notice, r.group()
	m.Group.Added = n.added
	_, legs, err := c.write(m)
	if err != nil {
		return err
	}
	b.deliverAll(ctx, legs)
	return nil
}

// present is the group as it is with the next line of one's own: who had left
// and writes is back. nil: the conversation is not shared; b.mu is held.
func (c *Conversation) present() *Group {
	if c.circle == nil {
		return nil
	}
	r := c.circle.copy()
	r.admit(c.b.o.Self)
	return r.group()
}

// groupNow is the group as it is with the next line of one's own.
func (c *Conversation) groupNow() *Group {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	return c.present()
}

// heardOwn changes the members as a line of one's own says; b.mu is held.
func (c *Conversation) heardOwn(m Message) {
	if c.circle == nil {
		return
	}
	for _, who := range m.Group.Added {
		c.circle.mine[who] = true
	}
	if c.circle.hear(m.says()).any() {
		c.membersChanged()
	}
}

// membersChanged tells of the members as they are now; b.mu is held.
func (c *Conversation) membersChanged() {
	e := MembersChanged{c.key, c.others()}
	c.b.tell.Add(func() { c.b.o.Emit(e) })
}

func (b *Book) speaker() speaker { return speaker{b.o.Self, b.o.Name} }

// sendable returns the text as it will be sent, or why it cannot be: in a shared
// conversation the list of members takes room.
func (c *Conversation) sendable(text string) (string, error) {
	g := c.groupNow()
	if g == nil {
		return sendable(text, c.b.longest())
	}
	if len(g.Members) < 2 {
		return "", errors.New("nobody else is in the conversation: add people first")
	}
	if len(g.Members) > MaxMembers {
		return "", fmt.Errorf("%d people are too many for one conversation, at most %d can be in it: send to each separately", len(g.Members), MaxMembers)
	}
	body := withList(sipconn.Text(""), Message{Group: g}.list())
	return sendable(text, MaxText-len(body.Content))
}

// list is what the legs of a line have to say of the members; nil: nothing.
func (m Message) list() []byte {
	if m.Group == nil {
		return nil
	}
	return m.says().document()
}

// inWords is the text of a leg to a client that takes no list of members: who
// else gets it is said before it, when that is new to this member.
func (l *leg) inWords() string {
	b, circle := l.talk.b, l.talk.circle
	b.mu.Lock()
	members := slices.Clone(circle.in)
	b.mu.Unlock()
	words := b.speaker().to(members, l.to)
	b.mu.Lock()
	defer b.mu.Unlock()
	t := circle.plain[l.to]
	if t == nil {
		t = &told{}
		circle.plain[l.to] = t
	}
	t.quiet = true
	if l.plain != "" {
		return l.plain
	}
	l.plain = l.text
	if words != t.to {
		t.to = words
		if words != "" {
			l.plain = words + "\n" + l.text
		}
	}
	return l.plain
}

// aside tells in a shared conversation that a member has answered outside of it,
// as his client does not know of it. In which one he meant it is only known when
// it is one. It runs in the order of events.
func (b *Book) aside(m Message) {
	var talks []*Conversation
	var r roster
	b.mu.Lock()
	for _, c := range b.talks {
		if c.circle != nil && c.circle.plain[m.From] != nil && c.circle.plain[m.From].quiet {
			talks = append(talks, c)
		}
	}
	if len(talks) == 1 {
		talks[0].circle.plain[m.From].quiet = false
		r = talks[0].circle.copy()
	}
	b.mu.Unlock()
	if len(talks) == 1 {
		n := notice{Aside, b.speaker().aside(m.From)}.line(m, &r)
		b.take(n, func() *Conversation { return talks[0] }) // the answer itself is safe
	}
}

// line is a line about the members that goes with m.
func (n notice) line(m Message, r *roster) Message {
	return Message{ID: m.ID + "/" + n.kind, With: keyOf(r.id), From: m.From, Text: plain.Text(n.text), Time: m.Time, Stored: m.Stored, Request: m.Request, Notice: n.kind, Group: r.group()}
}

// addressed returns the key of the conversation that a line with a list belongs
// to, and what the list says; nil: the two are among themselves.
func (b *Book) addressed(from string, s said) (key string, list *said) {
	s.from = from
	s = s.clean()
	if s.id == "" && len(each(append([]string{b.o.Self, from}, s.list...))) < 3 {
		return canonical(from), nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	s = s.named(b.o.Self)
	return keyOf(b.ours(s).id), &s
}

// receiveShared keeps a line and puts it into the shared conversation that it
// names, after what it brings to tell of the members, and then answers.
func (b *Book) receiveShared(m Message, s said, answer func(code int)) {
	b.tell.Add(func() {
		refused := b.refusedOf(s.list)
		b.recollect(s.id)
		b.mu.Lock()
		s = b.ours(s) // only now all that came before is heard
		r, n, before := b.foresee(s)
		b.mu.Unlock()
		lines := b.linesOf(m, s, r, n)
		refused = slices.DeleteFunc(refused, func(who string) bool { return slices.Contains(before, who) || !slices.Contains(r.in, who) })
		if len(refused) > 0 {
			lines = slices.Insert(lines, 0, notice{Blocked, b.speaker().blocked(refused)}.line(m, r))
		}
		for _, l := range lines {
			if code := b.take(l, func() *Conversation { return b.heed(s) }); code != sip.StatusOK {
				answer(code)
				return
			}
		}
		b.mu.Lock()
		c := b.heed(s) // also when there was nothing to tell
		missed, to := c.circle.missed(s, b.o.Self)
		b.mu.Unlock()
		b.tellMissed(missed, to)
		answer(sip.StatusOK)
	})
	b.tell.Flush()
}

// ours gives a line of somebody who is not in the conversation that it names one
// of its own; b.mu is held.
func (b *Book) ours(s said) said {
	if c := b.talks[keyOf(s.id)]; c != nil && !c.circle.knows(s.from) {
		return s.strange()
	}
	return s
}

// foresee returns the members as they will be after a line, what is new, and who
// was there before; b.mu is held.
func (b *Book) foresee(s said) (r *roster, n news, before []string) {
	c := b.talks[keyOf(s.id)]
	if c == nil {
		r, n = begin(s, b.o.Self)
		return r, n, nil
	}
	copied := c.circle.copy()
	before = slices.Clone(copied.in)
	return &copied, copied.hear(s), before
}

// linesOf are the lines that a message brings: what it tells of the members, and
// itself, unless it only tells that.
func (b *Book) linesOf(m Message, s said, r *roster, n news) (lines []Message) {
	for _, o := range b.speaker().notices(s.from, n, r) {
		lines = append(lines, o.line(m, r))
	}
	if s.notice == "" && m.Text != "" {
		m.With, m.Group = keyOf(s.id), r.group()
		lines = append(lines, m)
	}
	return lines
}

// heed changes the members as a line says, and returns its conversation; b.mu is
// held.
func (b *Book) heed(s said) *Conversation {
	c := b.talks[keyOf(s.id)]
	if c == nil {
		r, _ := begin(s, b.o.Self)
		c = b.join(r)
		c.membersChanged()
	} else if c.circle.hear(s).any() {
		c.membersChanged()
	}
	if !s.words && len(c.circle.proven) < 2*MaxMembers {
		c.circle.proven[s.from] = true
	}
	return c
}

// proven says whether somebody has written into the conversation by a client that
// knows of members.
func (c *Conversation) proven(user string) bool {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	return c.circle.proven[user]
}

// recollect makes a shared conversation that is stored as it was with its last line.
// Who was in it and is not has left.
func (b *Book) recollect(id string) {
	b.mu.Lock()
	known := b.talks[keyOf(id)] != nil
	b.mu.Unlock()
	if known || b.o.Store.Newest == nil {
		return
	}
	var r *roster
	proven := map[string]bool{}
	for _, m := range b.o.Store.Newest(keyOf(id), time.Time{}, newestLines) {
		if m.Group == nil {
			continue
		}
		now := roster{id: id, title: m.Group.Title, in: each(m.Group.Members)}
		if r != nil {
			for _, was := range slices.Concat(r.gone, r.in) {
				if !slices.Contains(now.in, was) {
					now.gone = append(now.gone, was)
				}
			}
		}
		r = &now
		proven[m.From] = proven[m.From] || m.Notice != Aside && m.Notice != Blocked
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if r != nil && b.talks[keyOf(id)] == nil {
		b.join(r).circle.proven = proven
	}
}

// refusedOf are those of whom no messages are taken.
func (b *Book) refusedOf(people []string) (refused []string) {
	if b.o.Refuse == nil {
		return nil
	}
	for _, who := range people {
		if code, _ := b.o.Refuse(who); code != 0 && who != b.o.Self {
			refused = append(refused, who)
		}
	}
	return refused
}
