package im

import (
	"slices"
	"strings"
	"time"

	"communicator/wire/cpim"
	"communicator/wire/sipconn"

	"github.com/google/uuid"
)

// owed is what the sender of a message wants to hear of it (RFC 5438 §6.2).
type owed struct {
	id                   string // what he calls it; empty: nothing is wanted
	delivered, displayed bool
	sent                 time.Time // when he says that he sent it; it goes back unread
}

// receiptFor is how long a receipt waits for a connection.
const receiptFor = 24 * time.Hour

// longID is from how many bytes on a name of a message is no name: ours are 36.
const longID = 200

// wanted is what the sender of a message wants to hear of it.
func (c content) wanted() owed {
	if c.id() == "" {
		return owed{}
	}
	w := c.wrapping
	return owed{id: w.ID, delivered: w.Wants(cpim.PositiveDelivery), displayed: w.Wants(cpim.Display), sent: w.Time}
}

// thank tells the sender of a message that it is here, if he asked. A stranger
// learns nothing before he is admitted. b.mu is held.
func (b *Book) thank(m Message) {
	if m.owes.delivered && !m.Request && m.From != b.o.Self {
		b.put(b.receipt(m, cpim.Delivery, "delivered"))
	}
}

// receipt is a receipt for a message that came.
func (b *Book) receipt(m Message, kind cpim.Kind, status string) letter {
	r := cpim.Receipt{ID: m.owes.id, Kind: kind, Status: status, Time: m.owes.sent}
	return letter{to: m.From, body: b.notification(m.From, r), until: b.o.Now().Add(receiptFor)}
}

// notification wraps a receipt (RFC 5438 §7.2.1.2); none is ever wanted for it.
func (b *Book) notification(to string, r cpim.Receipt) sipconn.Body {
	w := cpim.Message{From: "sip:" + b.o.Self, To: []string{"sip:" + to}, Time: b.o.Now(), ID: uuid.NewString(),
		Content: cpim.Part{Type: cpim.TypeReceipt, Disposition: "notification", Body: r.Bytes()}}
	return sipconn.Body{Type: cpim.TypeMessage, Content: w.Bytes()}
}

// MarkRead says that the user has seen all that has come. Who asked hears of it,
// unless Options.HideReading, and so do the user's other devices.
func (c *Conversation) MarkRead() {
	b := c.b
	b.mu.Lock()
	var last Message
	var letters []letter
	for i := range c.lines {
		l := &c.lines[i]
		if l.Delivered != nil || l.Read {
			continue
		}
		l.Read, last = true, l.Message
		if l.owes.displayed && !l.Request && !b.o.HideReading && l.From != b.o.Self {
			letters = append(letters, b.receipt(l.Message, cpim.Displayed, "displayed"))
		}
	}
	if last.ID != "" {
		b.tellSeen(Seen{c.key, last.Time})
	}
	b.mu.Unlock()
	b.tell.Flush()
	for _, l := range letters {
		b.post(l)
	}
	if last.ID != "" {
		b.copySeen(last)
	}
}

// tellSeen stores what the user has seen and tells of it; b.mu is held.
func (b *Book) tellSeen(s Seen) {
	b.tell.Add(func() {
		if b.o.Store.Seen != nil {
			if err := b.o.Store.Seen(s.With, s.UpTo); err != nil {
				b.o.Log.Error("what was read could not be stored", "with", s.With, "error", err)
			}
		}
		b.o.Emit(s)
	})
}

// receipted takes what from says of one of our messages: that his client has it,
// or that it was shown to him. About a message that was never sent to him, or of
// which more is known, he can say nothing.
func (b *Book) receipted(from string, r cpim.Receipt) {
	if !r.Good() {
		return // RFC 5438 §7.2: an error, or something on the way
	}
	state := Delivered
	if r.Kind == cpim.Displayed {
		state = Read
	}
	if !b.raise(from, r.ID, state) && b.recall(from, r.ID) {
		b.raise(from, r.ID, state)
	}
	b.tell.Flush()
}

// raise makes the state of the message better that went to somebody under that
// name; false: there is no such message.
func (b *Book) raise(who, call string, state State) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, at := b.sentTo(who, call)
	if c == nil {
		return false
	}
	if at.State != Queued && at.State.rank() < state.rank() {
		b.settleAt(c, at, state, "")
	}
	return true
}

// sentTo finds the message that went to somebody under that name; b.mu is held.
func (b *Book) sentTo(who, call string) (*Conversation, *Delivery) {
	id := call
	if _, after, several := strings.Cut(call, "."); several && callOf(after, who) == call {
		id = after
	}
	if c := b.talks[who]; c != nil {
		if at := c.delivery(id, who); at != nil {
			return c, at
		}
	}
	for _, c := range b.talks {
		if id != call && len(c.members) != 1 { // a shared one has none of its own
			if at := c.delivery(id, who); at != nil {
				return c, at
			}
		}
	}
	return nil, nil
}

// recall reads the stored conversation with somebody if the message with that
// name is among its newest lines: it was sent by an earlier process. false: it
// is not there.
func (b *Book) recall(who, id string) bool {
	b.mu.Lock()
	c := b.talks[who]
	read := c != nil && c.opened
	b.mu.Unlock()
	if read || b.o.Store.Newest == nil {
		return false
	}
	stored := b.o.Store.Newest(who, time.Time{}, newestLines)
	if !slices.ContainsFunc(stored, func(m Message) bool { return m.ID == id && m.Delivered != nil }) {
		return false
	}
	b.With(who).open()
	return true
}
