package im

import (
	"fmt"
	"slices"
	"time"
)

// newestLines is how many stored lines a conversation begins with.
const newestLines = 100

// keepOwn stores an own message before it is sent, and returns what the Store has
// of each delivery then: what the next process is to make of it if this one ends
// before there is an answer. What is queued is sent, what is sending repeated. A
// script's is unknown from the start, so that nobody takes it up. A function of
// b.tell calls it, so that it comes in the order of things.
func (b *Book) keepOwn(m Message) ([]State, error) {
	online := !b.offline()
	stored := make([]State, len(m.Delivered))
	m.Delivered = slices.Clone(m.Delivered)
	for i, d := range m.Delivered {
		switch {
		case !b.o.Queue:
			stored[i] = Unknown
		case online && b.peerOf(d.To).once:
			stored[i] = Sending
		default:
			stored[i] = Queued
		}
		m.Delivered[i].State = stored[i]
	}
	if b.o.Store.Keep == nil {
		return stored, nil
	}
	if _, err := b.o.Store.Keep(m); err != nil {
		return nil, fmt.Errorf("the message could not be stored: %w", err)
	}
	return stored, nil
}

// record stores where a delivery stands.
func (b *Book) record(with string, d Delivery) {
	if b.o.Store.Settled == nil {
		return
	}
	if err := b.o.Store.Settled(with, d); err != nil {
		b.o.Log.Error("what became of a message could not be stored", "to", d.To, "state", d.State, "error", err)
	}
}

// open reads the newest stored lines, once.
func (c *Conversation) open() {
	b := c.b
	b.mu.Lock()
	opened := c.opened
	b.mu.Unlock()
	if opened || b.o.Store.Newest == nil {
		return
	}
	stored := b.o.Store.Newest(c.key, time.Time{}, newestLines)
	b.mu.Lock()
	defer b.mu.Unlock()
	if !c.opened {
		c.opened = true
		c.prepend(stored)
		if len(c.lines) > 0 && !slices.ContainsFunc(c.lines, func(l line) bool { return !l.Request }) {
			c.ask(c.lines[0].Message)
		}
	}
}

// Earlier reads n stored lines that are older than those in Messages and returns
// how many there were.
func (c *Conversation) Earlier(n int) int {
	c.open()
	b := c.b
	b.mu.Lock()
	var before time.Time
	if len(c.lines) > 0 {
		before = c.lines[0].Time
	}
	b.mu.Unlock()
	if b.o.Store.Newest == nil || before.IsZero() {
		return 0
	}
	stored := b.o.Store.Newest(c.key, before, n)
	b.mu.Lock()
	defer b.mu.Unlock()
	return c.prepend(stored)
}

// prepend puts stored lines that are not here yet before the others, as many as
// a conversation may hold, and returns how many; b.mu is held.
func (c *Conversation) prepend(stored []Message) int {
	n := 0
	for _, m := range slices.Backward(stored) {
		m.With = c.key
		l := line{m}
		if len(c.lines) >= keepLines || c.bytes+l.size() > keepBytes {
			break
		}
		if slices.ContainsFunc(c.lines, func(l line) bool { return l.same(m) }) {
			continue
		}
		c.lines = slices.Insert(c.lines, 0, l)
		c.grow(l.size())
		n++
	}
	return n
}

// same says whether a line is that message.
func (l line) same(m Message) bool {
	return l.ID == m.ID && l.From == m.From && l.Text == m.Text && (l.Delivered == nil) == (m.Delivered == nil)
}

// has says whether a message is among the newest lines already; b.mu is held.
func (c *Conversation) has(m Message) bool {
	return c.opened && slices.ContainsFunc(c.lines[max(0, len(c.lines)-newestLines):], func(l line) bool { return l.same(m) })
}
