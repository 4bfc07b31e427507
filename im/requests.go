package im

import "sort"

// Waiting says whether the conversation waits to be admitted: all its lines are
// from strangers, and nothing was written into it here.
func (c *Conversation) Waiting() bool {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	return c.waits
}

// Waits is Waiting of the conversation with this key, if there is one.
func (b *Book) Waits(key string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.talks[key]
	return c != nil && c.waits
}

// Requests returns the conversations that wait to be admitted, the one that
// began first at the beginning.
func (b *Book) Requests() []*Conversation {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]*Conversation, 0, b.waiting)
	for _, c := range b.talks {
		if c.waits {
			all = append(all, c)
		}
	}
	sort.Slice(all, func(i, j int) bool {
		if a, b := all[i].lines[0].Time, all[j].lines[0].Time; !a.Equal(b) {
			return a.Before(b)
		}
		return all[i].key < all[j].key
	})
	return all
}

// Admit makes a conversation that waits an ordinary one and returns its lines,
// oldest first; nil: it did not wait.
func (b *Book) Admit(key string) []Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.talks[key]
	if c == nil || !c.waits {
		return nil
	}
	c.admit()
	out := make([]Message, len(c.lines))
	for i, l := range c.lines {
		out[i] = l.snapshot()
	}
	return out
}

// Dismiss forgets a conversation that waits; false: it did not wait. Its lines
// are still recognised when they come again.
func (b *Book) Dismiss(key string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.talks[key]
	if c == nil || !c.waits {
		return false
	}
	b.forget(c)
	return true
}

// Await reads a stored conversation that waited when the last process ended, and
// has it wait again. m is any of its lines.
func (b *Book) Await(m Message) {
	b.mu.Lock()
	var c *Conversation
	if m.Group != nil {
		c = b.joint(*m.Group)
	} else {
		c = b.with([]string{m.With})
	}
	b.mu.Unlock()
	c.open()
}

// stranger says whether a new line of from in the conversation with this key is
// a request: he is a stranger, and it has no other lines than such.
func (b *Book) stranger(key, from string) bool {
	if b.o.Stranger == nil || !b.o.Stranger(key, from) {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.talks[key]
	return c == nil || c.waits || len(c.lines) == 0
}

// ask has the conversation wait when a new line is a request; a line of
// somebody known admits what waits. b.mu is held.
func (c *Conversation) ask(m Message) {
	switch {
	case !m.Request:
		c.admit()
	case !c.waits:
		c.waits = true
		c.b.waiting++
	}
}

// admit ends the waiting of a conversation; b.mu is held.
func (c *Conversation) admit() {
	if !c.waits {
		return
	}
	c.waits = false
	c.b.waiting--
	for i := range c.lines {
		if l := &c.lines[i]; l.Request {
			l.Request = false
			c.b.thank(l.Message)
		}
	}
}
