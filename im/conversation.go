package im

import (
	"cmp"
	"container/list"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"communicator/plain"

	"github.com/google/uuid"
)

// inFlight is how many recipients of one message are served at the same time.
const inFlight = 32

// Conversation is a talk with one person or several. Several get each message
// separately and do not see each other, unless it is shared (group.go).
type Conversation struct {
	b       *Book
	key     string
	members []string // of one that is not shared

	// Guarded by b.mu.
	circle  *circle // nil: it is not shared
	writing composing
	lines   []line
	bytes   int           // of lines
	place   *list.Element // in b.order; nil: the book has forgotten it
	newest  uint64        // number of the newest line
	waits   bool          // to be admitted
	opened  bool          // the newest lines that are stored are here
	spoken  time.Time     // when the last own line was written, in this process
}

// line is a Message in its conversation.
type line struct{ Message }

// typed is what must be sent again to repeat it.
func (l line) typed() string { return cmp.Or(l.Raw, l.Text) }

// Key identifies the conversation in events: its members, joined.
func (c *Conversation) Key() string { return c.key }

// Members are the others, as "user@domain".
func (c *Conversation) Members() []string {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	return slices.Clone(c.others())
}

// others are those who get what is written; b.mu is held.
func (c *Conversation) others() []string {
	if c.circle != nil {
		return c.circle.others(c.b.o.Self)
	}
	return c.members
}

// Messages returns the lines so far, oldest first: at first the newest that are
// stored. Earlier fetches more.
func (c *Conversation) Messages() []Message {
	c.open()
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	out := make([]Message, len(c.lines))
	for i, l := range c.lines {
		out[i] = l.snapshot()
	}
	return out
}

// Send sends text to every member and waits until each has a final state, or
// waits for a connection (Options.Queue). When ctx ends it waits no longer;
// without Queue what has no answer by then is Unknown. The error is for what
// concerns the message as a whole (empty, *TooLongError, it cannot be stored):
// it was not sent. What concerns a recipient is in its Delivery.
func (c *Conversation) Send(ctx context.Context, text string) (Message, error) {
	text, err := c.sendable(text)
	if err != nil {
		return Message{}, err
	}
	m, legs, err := c.enter(text)
	if err != nil {
		return Message{}, err
	}
	c.goesOn()
	c.b.deliverAll(ctx, legs)
	return c.message(m.ID)
}

// Submit sends as Send does, but returns as soon as the message is stored and has
// its place in the order of its recipients; what becomes of it is told by
// DeliveryChanged.
func (c *Conversation) Submit(text string) error {
	text, err := c.sendable(text)
	if err != nil {
		return err
	}
	_, legs, err := c.enter(text)
	if err != nil {
		return err
	}
	c.goesOn()
	c.b.launch(context.Background(), make(chan struct{}, inFlight), legs...)
	return nil
}

// Again repeats a message to those of its recipients whose state is failed or
// unknown, or queued and Aged, under the same Call-ID, and waits as Send does.
func (c *Conversation) Again(ctx context.Context, id string) (Message, error) {
	legs, err := c.reopen(id)
	if err != nil {
		return Message{}, err
	}
	c.b.tell.Flush()
	c.b.deliverAll(ctx, legs)
	return c.message(id)
}

// sendable returns the text as it will be sent, of at most max bytes, or why it
// cannot be.
func sendable(text string, max int) (string, error) {
	text = strings.ToValidUTF8(text, "\uFFFD")
	switch {
	case strings.TrimSpace(text) == "":
		return "", fmt.Errorf("the message is empty")
	case len(text) > max:
		return "", &TooLongError{Size: len(text), Max: max}
	}
	return text, nil
}

// enter stores an own message, adds its line and returns what is to be sent, one
// leg per member. The legs have their place in the order of each recipient from
// now on.
func (c *Conversation) enter(text string) (Message, []*leg, error) {
	b := c.b
	b.mu.Lock()
	to, group := c.others(), c.present()
	b.mu.Unlock()
	m := b.newMessage(c.key, text, to)
	m.Group = group
	return c.write(m)
}

// write does what enter says with a message as it is. What is written first is
// stored, shown and sent first.
func (c *Conversation) write(m Message) (Message, []*leg, error) {
	b := c.b
	var err error
	var legs []*leg
	entered := make(chan struct{})
	b.tell.Add(func() {
		defer close(entered)
		var stored []State
		if stored, err = b.keepOwn(m); err != nil {
			return
		}
		b.mu.Lock()
		list, copied := m.list(), b.copied(m)
		for i, d := range m.Delivered {
			l := c.leg(m.ID, d.To, line{m}.typed(), list)
			l.stored, l.copied = stored[i], copied
			legs = append(legs, l)
		}
		c.admit() // whoever answers has admitted
		c.add(line{m})
		c.stopTyping()
		m = line{m}.snapshot()
		c.heardOwn(m)
		b.mu.Unlock()
		b.o.Emit(Sent{m})
		if copied {
			b.copyOut(m)
		}
	})
	b.tell.Flush()
	<-entered
	return m, legs, err
}

// newMessage makes an own message.
func (b *Book) newMessage(with, text string, to []string) Message {
	m := Message{ID: uuid.NewString(), With: with, From: b.o.Self, Text: plain.Text(text), Time: b.o.Now()}
	if m.Text != text {
		m.Raw = text
	}
	state := Sending
	if b.o.Queue && b.offline() {
		state = Queued
	}
	for _, t := range to {
		m.Delivered = append(m.Delivered, Delivery{ID: m.ID, To: t, State: state})
	}
	return m
}

func (b *Book) offline() bool {
	_, err := b.o.Line.Conn()
	return err != nil
}

// reopen sets the failed and unknown deliveries of a message, and those that wait
// for the user, back to sending and returns their legs.
func (c *Conversation) reopen(id string) ([]*leg, error) {
	b := c.b
	b.mu.Lock()
	defer b.mu.Unlock()
	l := c.find(id)
	if l == nil {
		return nil, fmt.Errorf("send again: no such message")
	}
	var legs []*leg
	list := l.list()
	for i, d := range l.Delivered {
		if d.Blocked || d.State != Failed && d.State != Unknown && d.State != Queued || b.waitingLeg(c, id, d.To) != nil {
			continue
		}
		again := c.leg(id, d.To, l.typed(), list)
		again.written, again.stored = d.State == Unknown, d.State
		d = Delivery{ID: id, To: d.To, State: Sending}
		l.Delivered[i] = d
		b.tell.Add(func() { b.o.Emit(DeliveryChanged{c.key, d}) })
		legs = append(legs, again)
	}
	return legs, nil
}

// leg makes the leg of message id to one member, with the list of all if the
// conversation is shared, and puts it behind all earlier ones to the same; b.mu is
// held.
func (c *Conversation) leg(id, to, text string, list []byte) *leg {
	l := &leg{talk: c, id: id, call: id, to: to, of: len(c.members), text: text, list: list, since: c.b.o.Now()}
	if c.circle != nil {
		l.of = len(c.circle.in)
	}
	if l.of > 1 || c.circle != nil {
		l.call = callOf(id, to)
	}
	c.b.enqueue(l)
	return l
}

// move records where the delivery of a leg stands and tells of it, unless better
// is known; b.mu is held. What was certainly not sent may go back to queued.
func (b *Book) move(l *leg, d Delivery) {
	c := l.talk
	d.ID, d.To = l.id, l.to
	at := c.delivery(d.ID, d.To)
	if at != nil {
		back := d.State == Queued && at.State == Sending
		if *at == d || d.State.rank() < at.State.rank() && !back {
			return
		}
		*at = d
	}
	l.stands = d
	if d.State != Sending { // that is stored before it is sent, see mark
		l.stored = d.State
	}
	b.tell.Add(func() {
		if d.State != Sending {
			b.record(c.key, d)
		}
		if l.copied {
			b.copyState(l.call, d)
		}
		b.o.Emit(DeliveryChanged{c.key, d})
	})
}

// stands is where the delivery of a leg stands.
func (b *Book) stands(l *leg) Delivery {
	b.mu.Lock()
	defer b.mu.Unlock()
	return l.stands
}

// delivery returns where the delivery of an own message to one member stands, or
// nil; b.mu is held.
func (c *Conversation) delivery(id, to string) *Delivery {
	l := c.find(id)
	if l == nil {
		return nil
	}
	for i := range l.Delivered {
		if l.Delivered[i].To == to {
			return &l.Delivered[i]
		}
	}
	return nil
}

// add appends a line and forgets the oldest beyond the limits; b.mu is held.
func (c *Conversation) add(l line) {
	if c.has(l.Message) {
		return // it was read from the Store a moment ago
	}
	c.b.lines++
	c.newest = c.b.lines
	c.lines = append(c.lines, l)
	c.grow(l.size())
	for len(c.lines) > keepLines || (c.bytes > keepBytes && len(c.lines) > 1) {
		c.grow(-c.lines[0].size())
		c.lines[0] = line{}
		c.lines = c.lines[1:]
	}
	if c.place == nil {
		return // whoever still holds it may go on
	}
	c.b.order.MoveToBack(c.place)
	for c.b.bytes > keepAll && c.b.order.Len() > 1 {
		c.b.forgetOldest()
	}
}

// grow notes that the lines have become longer by n bytes; b.mu is held.
func (c *Conversation) grow(n int) {
	c.bytes += n
	if c.place != nil {
		c.b.bytes += n
	}
}

// What a line and each of its deliveries take beside the texts, in bytes.
const (
	lineSize     = 250
	deliverySize = 350 // with a reason
	memberSize   = 4
)

// size is how much memory a line takes, more or less.
func (l line) size() int {
	members := 0
	if l.Group != nil {
		members = len(l.Group.Members) // most lines share them
	}
	return lineSize + memberSize*members + len(l.Text) + len(l.Raw) + len(l.ID) + len(l.Delivered)*deliverySize
}

// find returns the own line of that ID, or nil; b.mu is held. What comes in may
// have any ID, also that of an own line.
func (c *Conversation) find(id string) *line {
	for i := len(c.lines) - 1; i >= 0; i-- {
		if c.lines[i].ID == id && c.lines[i].Delivered != nil {
			return &c.lines[i]
		}
	}
	return nil
}

// message returns a line as it is now.
func (c *Conversation) message(id string) (Message, error) {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	l := c.find(id)
	if l == nil {
		return Message{}, fmt.Errorf("message %s: no longer kept", id)
	}
	return l.snapshot(), nil
}

// snapshot is a copy that its holder may keep.
func (l line) snapshot() Message {
	m := l.Message
	m.Delivered = slices.Clone(m.Delivered)
	return m
}
