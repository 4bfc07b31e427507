//go:build interop

package interop

import (
	"regexp"
	"testing"
	"time"

	"communicator/im"
)

// typingAndReceipts: a message is delivered and then read, its writer is seen
// writing, and a receipt reaches who was away when it was written.
func typingAndReceipts(t *testing.T, p place) {
	bob := p.reports(p.me)[0]
	a, b := p.signIn(t, p.me), p.signIn(t, bob)
	contactsLoaded(t, a, b)
	toBob, toAnna := a.IM.With(bob), b.IM.With(p.me)
	mark := b.heard()
	toBob.Typing(true)
	await(b, mark, "typing", func(e im.Typing) bool { return e.From == p.me && e.Active })
	mark = a.heard()
	d := delivery(t, a, bob, "Lunch?")
	await(b, 0, "the line", func(e im.Received) bool { return e.Message.Text == "Lunch?" })
	await(b, 0, "no typing", func(e im.Typing) bool { return e.From == p.me && !e.Active })
	toAnna.MarkRead()
	read := func(id string) func(im.DeliveryChanged) bool {
		return func(e im.DeliveryChanged) bool { return e.Delivery.ID == id && e.Delivery.State == im.Read }
	}
	await(a, mark, "read", read(d.ID))

	// He comes back when she is away: the receipt waits for her.
	b.stop()
	d = delivery(t, a, bob, "And tomorrow?")
	if d.State != im.Accepted {
		t.Errorf("to one who is away: %+v", d)
	}
	b = p.signIn(t, bob)
	contactsLoaded(t, b)
	await(b, 0, "what was kept", func(e im.Received) bool { return e.Message.Text == "And tomorrow?" && e.Message.Stored })
	await(a, 0, "delivered", func(e im.DeliveryChanged) bool { return e.Delivery.ID == d.ID && e.Delivery.State == im.Delivered })
	b.IM.With(p.me).MarkRead()
	await(a, 0, "read", read(d.ID))
}

// twoDevices: what is written on one device is on the other as one's own, with
// what became of it; what was read on one is read on both within 2 s.
func twoDevices(t *testing.T, p place) {
	bob := p.reports(p.me)[0]
	desk, laptop, b := p.signIn(t, p.me), p.signIn(t, p.me), p.signIn(t, bob)
	contactsLoaded(t, desk, laptop, b)
	for _, c := range [][2]*client{{desk, laptop}, {laptop, desk}} {
		here, there := c[0], c[1]
		mark := there.heard()
		d := delivery(t, here, bob, "Lunch?")
		await(there, mark, "the copy", func(e im.Sent) bool { return e.Message.ID == d.ID && e.Message.With == bob })
		await(there, mark, "what became of it", func(e im.DeliveryChanged) bool { return e.Delivery.ID == d.ID && e.Delivery.State == im.Delivered })
	}
	for range 2 {
		mark := [2]int{desk.heard(), laptop.heard()}
		delivery(t, b, p.me, "At one")
		for i, c := range []*client{desk, laptop} {
			await(c, mark[i], "the line", func(e im.Received) bool { return e.Message.Text == "At one" })
		}
		began := time.Now()
		laptop.IM.With(bob).MarkRead()
		await(desk, mark[0], "that it was read", func(e im.Seen) bool { return e.With == bob })
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("read on both after %v", took)
		}
	}
	for _, c := range []*client{desk, laptop} {
		if n := len(c.IM.With(bob).Messages()); n != 4 {
			t.Errorf("%d lines: %+v", n, c.IM.With(bob).Messages())
		}
	}
}

// contactsLoaded waits until the lists are known, so that nobody on them is a
// stranger.
func contactsLoaded(t *testing.T, clients ...*client) {
	t.Helper()
	for _, c := range clients {
		if _, err := c.Contacts.Loaded(within(t)); err != nil {
			t.Fatal(err)
		}
	}
}

// foreignReceipts: linphonec names the Call-ID of a message in its receipt,
// unasked; baresip sends none and takes none. Neither says what it takes, so
// neither is told of typing.
func foreignReceipts(t *testing.T, c *client, l *program, theirs, other string) {
	mark := l.said()
	m, err := c.IM.With(other).Send(within(t), "Is this read?")
	if err != nil || m.Delivered[0].State != im.Delivered {
		t.Fatal(m, err)
	}
	l.expect(mark, `<message-id>`+regexp.QuoteMeta(m.ID)+`</message-id>.*<delivered/>`)
	c.IM.With(other).Typing(true)
	c.IM.With(theirs).Typing(true)
	delivery(t, c, other, "Not typed")
	delivery(t, c, theirs, "Not typed")
	for _, s := range c.Trace() {
		if s.Sent && regexp.MustCompile(`(?s)^MESSAGE .*im-iscomposing`).MatchString(s.Message) {
			t.Errorf("told of typing: %s", s.Message)
		}
	}
}
