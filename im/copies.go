package im

import (
	"context"
	"time"

	"communicator/plain"
	"communicator/wire/cpim"
	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

// Copies: what the user writes on one device is shown on his others as his own,
// in the same conversation, with what becomes of it; and what he has read on one
// is read on all. A copy is the message in CPIM, from him and to whom he wrote,
// sent to his own device (RFC 5627), under the same name; news of a delivery is
// an IMDN that names the recipient (RFC 5438 §7.2.1.2, recipient-uri).
//
// A Bulk to several is not copied, nor what goes to more than 20 people, nor what
// is too long for one message.

// copyFor is how long a copy waits for a connection.
const copyFor = 24 * time.Hour

// copied says whether the user's other devices get copies of m; b.mu is held.
func (b *Book) copied(m Message) bool {
	return len(b.devices) > 0 && len(m.Delivered) <= smallTalk && len(line{m}.typed())+len(m.list())*4/3+wrapRoom <= MaxText
}

// copyOut sends copies of an own message.
func (b *Book) copyOut(m Message) {
	w := cpim.Message{From: "sip:" + b.o.Self, Time: m.Time, ID: m.ID,
		Content: cpim.Part{Type: "text/plain;charset=UTF-8", Body: []byte(line{m}.typed())}}
	for _, d := range m.Delivered {
		w.To = append(w.To, "sip:"+d.To)
	}
	body := sipconn.Body{Type: cpim.TypeMessage, Content: w.Bytes()}
	if list := m.list(); list != nil {
		body = withList(body, list)
	}
	b.toDevices(letter{body: body, until: b.o.Now().Add(copyFor)})
}

// copyState tells the other devices what has become of a leg.
func (b *Book) copyState(call string, d Delivery) {
	r := cpim.Receipt{ID: call, Recipient: "sip:" + d.To, Time: b.o.Now()}
	switch d.State {
	case Accepted:
		r.Kind, r.Status = cpim.Processing, "stored"
	case Delivered:
		r.Kind, r.Status = cpim.Delivery, "delivered"
	case Failed:
		r.Kind, r.Status = cpim.Delivery, "failed"
	default:
		return
	}
	b.toDevices(letter{body: b.notification(b.o.Self, r), until: b.o.Now().Add(copyFor)})
}

// copySeen tells the other devices that the user has read a line and all before.
func (b *Book) copySeen(m Message) {
	r := cpim.Receipt{ID: m.ID, Kind: cpim.Displayed, Status: "displayed", Recipient: "sip:" + b.o.Self, Time: b.o.Now()}
	b.toDevices(letter{kind: "seen " + m.With, body: b.notification(b.o.Self, r), until: b.o.Now().Add(copyFor)})
}

// own takes what comes in the user's own name: copies and news from his other
// devices. From anybody else it is forged, and refused. false: it is neither.
func (b *Book) own(in *sipconn.Incoming, from string, c content) bool {
	if c.wrapping == nil || canonical(c.wrapping.From) != b.o.Self {
		return false
	}
	to := without(each(c.wrapping.To), b.o.Self)
	switch {
	case from != b.o.Self:
		_ = in.Reply(sip.StatusForbidden, "From In The Message Is Not Yours", sipconn.Body{}) // no connection: nobody to tell
	case c.receipt != nil && canonical(c.receipt.Recipient) == b.o.Self:
		b.seenElsewhere(c.receipt.ID)
		_ = in.Reply(sip.StatusOK, "OK", sipconn.Body{})
	case c.receipt != nil:
		b.settledElsewhere(*c.receipt)
		_ = in.Reply(sip.StatusOK, "OK", sipconn.Body{})
	case len(to) == 0 || c.id() == "" || plain.Text(c.text) == "":
		return false
	default:
		b.takeCopy(c, to, answer(in))
	}
	return true
}

// without is a list without somebody.
func without(list []string, who string) (rest []string) {
	for _, l := range list {
		if l != who {
			rest = append(rest, l)
		}
	}
	return rest
}

// takeCopy stores the copy of a message that was written on another device, and
// shows it as one's own. What has become of it is not known yet.
func (b *Book) takeCopy(c content, to []string, answer func(code int)) {
	m := Message{ID: c.id(), From: b.o.Self, Text: plain.Text(c.text), Time: c.wrapping.Time.In(b.o.Now().Location())}
	if now := b.o.Now(); c.wrapping.Time.IsZero() || m.Time.After(now) {
		m.Time = now
	}
	if m.Text != c.text {
		m.Raw = c.text
	}
	for _, t := range to {
		m.Delivered = append(m.Delivered, Delivery{ID: m.ID, To: t, State: Unknown, Reason: "sent by another of your devices"})
	}
	b.tell.Add(func() {
		talk := b.copyTalk(&m, c, to)
		b.mu.Lock()
		known := talk.find(m.ID) != nil
		b.mu.Unlock()
		if !known && b.o.Store.Keep != nil {
			if _, err := b.o.Store.Keep(m); err != nil {
				b.o.Log.Error("a message of another device could not be stored", "error", err)
				answer(sip.StatusInternalServerError)
				return
			}
		}
		if !known {
			b.mu.Lock()
			talk.admit()
			talk.add(line{m})
			talk.heardOwn(m)
			b.mu.Unlock()
			b.o.Emit(Sent{line{m}.snapshot()})
		}
		answer(sip.StatusOK)
	})
	b.tell.Flush()
}

// copyTalk is the conversation that a copy belongs to.
func (b *Book) copyTalk(m *Message, c content, to []string) *Conversation {
	talk := (*Conversation)(nil)
	if c.list != nil && c.list.id != "" {
		s := *c.list
		s.from = b.o.Self
		s = s.clean()
		m.Group, m.Notice = &Group{ID: s.id, Title: s.title, Members: s.list, Added: s.added}, s.notice
		talk = b.Joint(*m.Group)
	} else {
		talk = b.With(to...)
	}
	m.With = talk.key
	return talk
}

// settledElsewhere takes what has become of a message that was written on another
// device.
func (b *Book) settledElsewhere(r cpim.Receipt) {
	state, reason := Failed, "refused; see the device it was written on"
	switch {
	case r.Kind == cpim.Processing && r.Status == "stored":
		state, reason = Accepted, ""
	case r.Kind == cpim.Delivery && r.Status == "delivered":
		state, reason = Delivered, ""
	case r.Kind != cpim.Delivery || r.Status != "failed":
		return
	}
	b.mu.Lock()
	if c, at := b.sentTo(canonical(r.Recipient), r.ID); c != nil && (at.State == Unknown || at.State.rank() < state.rank()) {
		b.settleAt(c, at, state, reason)
	}
	b.mu.Unlock()
	b.tell.Flush()
}

// settleAt changes a delivery that has no leg here; b.mu is held.
func (b *Book) settleAt(c *Conversation, at *Delivery, state State, reason string) {
	at.State, at.Code, at.Reason = state, 0, reason
	key, d := c.key, *at
	b.tell.Add(func() {
		b.record(key, d)
		b.o.Emit(DeliveryChanged{key, d})
	})
}

// seenElsewhere marks as read a line that was read on another device, and all
// that came before it.
func (b *Book) seenElsewhere(id string) {
	b.mu.Lock()
	for _, c := range b.talks {
		last := len(c.lines) - 1
		for last >= 0 && (c.lines[last].Delivered != nil || c.lines[last].ID != id) {
			last--
		}
		if last < 0 {
			continue
		}
		unread := false
		for i := range c.lines[:last+1] {
			if l := &c.lines[i]; l.Delivered == nil && !l.Read {
				l.Read, unread = true, true
			}
		}
		if unread {
			b.tellSeen(Seen{c.key, c.lines[last].Time})
		}
		break
	}
	b.mu.Unlock()
	b.tell.Flush()
}

// Farewell waits until the letters to the user's other devices have left, or ctx
// ends. It is for the end of a process, before the connection ends.
func (b *Book) Farewell(ctx context.Context) {
	b.mu.Lock()
	empty := make(chan struct{})
	if b.waitingLetters == 0 {
		close(empty)
	} else {
		b.empty = append(b.empty, empty)
	}
	b.mu.Unlock()
	select {
	case <-empty:
	case <-ctx.Done():
	}
}
