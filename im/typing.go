package im

import (
	"slices"
	"time"

	"communicator/wire/cpim"
	"communicator/wire/sipconn"
)

// Typing: somebody has begun to write, or no longer does.
type Typing struct {
	With, From string // conversation, and who
	Active     bool
}

// How long "active" holds at the others, and when it is said again or taken back
// (RFC 3994 §3.2).
const (
	composingHolds = 120 * time.Second // they are told
	composingAgain = 60 * time.Second  // it is said again while the user goes on writing
	composingIdle  = 15 * time.Second  // after the last letter
	composingLate  = 10 * time.Second  // news of it that has waited longer is of no use
	mostWriters    = 1000              // who are watched
)

// composing is the state of what the user writes into a conversation; guarded by
// Book.mu.
type composing struct {
	active      bool
	idle, again *time.Timer // stopped when it is no longer active
}

// Typing tells the others that the user is writing, or has stopped: those whose
// clients take such news, and nobody in a conversation of more than 20. It never
// blocks. Say true at every letter; sending the line stops it by itself, and so
// do 15 s without a letter.
func (c *Conversation) Typing(active bool) {
	if len(c.Members()) > smallTalk {
		return
	}
	b := c.b
	b.mu.Lock()
	began := active && !c.writing.active
	switch {
	case began:
		c.writing = composing{active: true,
			idle:  time.AfterFunc(composingIdle, func() { c.Typing(false) }),
			again: time.AfterFunc(composingAgain, c.stillTyping)}
	case active:
		c.writing.idle.Reset(composingIdle)
	case !c.writing.active:
		b.mu.Unlock()
		return
	default:
		c.stopTyping()
	}
	b.mu.Unlock()
	if began {
		c.Opened()
	}
	if began || !active {
		c.tellTyping(active)
	}
}

// stopTyping says nothing: who gets the line knows (RFC 3994 §3.2). b.mu is held.
func (c *Conversation) stopTyping() {
	if c.writing.active {
		c.writing.idle.Stop()
		c.writing.again.Stop()
		c.writing = composing{}
	}
}

// stillTyping says again that the user is writing.
func (c *Conversation) stillTyping() {
	c.b.mu.Lock()
	active := c.writing.active
	if active {
		c.writing.again.Reset(composingAgain)
	}
	c.b.mu.Unlock()
	if active {
		c.tellTyping(true)
	}
}

// tellTyping posts the news to those who take it. In a shared conversation it
// says in which.
func (c *Conversation) tellTyping(active bool) {
	b := c.b
	b.mu.Lock()
	members, list := slices.Clone(c.others()), Message{Group: c.present()}.list()
	b.mu.Unlock()
	for _, m := range members {
		if p := b.peerOf(m); p.composing && (list == nil || p.lists) {
			b.postTyping(m, active, list)
		}
	}
}

func (b *Book) postTyping(to string, active bool, list []byte) {
	news := cpim.Composing{Active: active, Refresh: composingHolds}
	body := sipconn.Body{Type: cpim.TypeComposing, Content: news.Bytes()}
	if list != nil {
		body = withList(body, list)
	}
	b.post(letter{to: to, kind: "typing", until: b.o.Now().Add(composingLate), body: body})
}

// typingTo tells somebody whose client has just said what it takes that the user
// is writing to him.
func (b *Book) typingTo(user string) {
	b.mu.Lock()
	c := b.talks[user]
	tell := c != nil && c.writing.active && b.acquaintance(user).composing
	b.mu.Unlock()
	if tell {
		b.postTyping(user, true, nil)
	}
}

// writer is somebody who is writing into a conversation.
type writer struct{ with, from string }

// composes takes the news that somebody is writing to us. Nobody hears it of a
// stranger: there must be a conversation.
func (b *Book) composes(w writer, c cpim.Composing) {
	b.mu.Lock()
	talk := b.talks[w.with]
	timer, was := b.writers[w]
	switch {
	case talk == nil || talk.waits || !slices.Contains(talk.others(), w.from):
	case !c.Active:
		b.writesNoMore(w)
	case was:
		timer.Reset(c.Refresh)
	case len(b.writers) < mostWriters:
		if b.writers == nil {
			b.writers = map[writer]*time.Timer{}
		}
		b.writers[w] = time.AfterFunc(c.Refresh, func() { b.lapsed(w) }) // RFC 3994 §3.3
		b.tellWriter(w, true)
	}
	b.mu.Unlock()
	b.tell.Flush()
}

// lapsed ends what was not said again.
func (b *Book) lapsed(w writer) {
	b.mu.Lock()
	b.writesNoMore(w)
	b.mu.Unlock()
	b.tell.Flush()
}

// writesNoMore says that somebody writes no longer, if he did; b.mu is held.
func (b *Book) writesNoMore(w writer) {
	if timer, was := b.writers[w]; was {
		timer.Stop()
		delete(b.writers, w)
		b.tellWriter(w, false)
	}
}

// tellWriter tells who is writing; b.mu is held.
func (b *Book) tellWriter(w writer, active bool) {
	e := Typing{With: w.with, From: w.from, Active: active}
	b.tell.Add(func() { b.o.Emit(e) })
}
