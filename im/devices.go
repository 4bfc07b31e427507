package im

import (
	"context"
	"errors"

	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

// device is another client of the user's, known by an address of just this one
// (its GRUU, RFC 5627). Only this program gets copies: another would show them as
// messages from oneself.
type device struct {
	ours  bool // it has said that it is this program
	other bool // it has said that it is another: nothing waits for it
}

// mostDevices are known; a server lets nobody have so many.
const mostDevices = 10

// Devices says where else the user is signed in: the public GRUUs of other
// clients, as the registrar has them. contact is our own, by which they may find
// us at once; empty: they are not to. Each is asked what it is. Call it whenever
// the registrar has answered; it does not wait.
func (b *Book) Devices(contact string, gruus ...string) {
	b.mu.Lock()
	had := b.devices
	b.devices = map[string]*device{}
	var fresh []string
	for _, u := range gruus[:min(len(gruus), mostDevices)] {
		if b.devices[u] = had[u]; b.devices[u] == nil {
			b.devices[u] = &device{}
			fresh = append(fresh, u)
		}
	}
	for u := range had {
		if b.devices[u] == nil {
			b.dropLetters(u)
		}
	}
	b.mu.Unlock()
	for _, u := range fresh {
		b.askDevice(u, contact)
	}
}

// askDevice asks a device what it is, and tells it where we are.
func (b *Book) askDevice(gruu, contact string) {
	c, err := b.o.Line.Conn()
	if err != nil {
		return
	}
	go func() { // ends after askTime, or with the connection
		ctx, cancel := context.WithTimeout(context.Background(), askTime)
		defer cancel()
		r, err := c.NewRequest("OPTIONS", gruu, sipconn.Body{})
		if err != nil {
			return
		}
		if contact != "" {
			r.AppendHeader(sip.NewHeader("Contact", "<"+contact+">")) // RFC 3261 §11.1
		}
		res, err := c.Do(ctx, r, nil)
		if err == nil && ours(res.GetHeaders("Server")) {
			b.meet(gruu)
			return
		}
		b.notMet(gruu, err == nil)
	}()
}

// notMet notes that a device is not this program, if it has said so; else it is
// asked again when the registrar has named it again.
func (b *Book) notMet(gruu string, answered bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.devices[gruu]
	if d == nil || d.ours {
		return // it is gone, or has introduced itself
	}
	if d.other = answered; !answered {
		delete(b.devices, gruu)
	}
	b.dropLetters(gruu)
}

// Met takes an OPTIONS with which another client of the user's introduces itself.
func (b *Book) Met(r *sip.Request) {
	h := r.Contact()
	if h == nil || sender(r) != b.o.Self || !ours(r.GetHeaders("User-Agent")) {
		return
	}
	gruu := h.Address.String()
	if canonical(h.Address.User+"@"+h.Address.Host) != b.o.Self || !h.Address.UriParams.Has("gr") || len(gruu) > longID {
		return
	}
	b.meet(gruu)
}

// meet notes that a device is this program.
func (b *Book) meet(gruu string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.devices[gruu]
	if d == nil && len(b.devices) >= mostDevices {
		return
	}
	if d == nil {
		if b.devices == nil {
			b.devices = map[string]*device{}
		}
		d = &device{}
		b.devices[gruu] = d
	}
	d.ours, d.other = true, false
	b.sendLetters(gruu)
}

// toDevices posts a letter to each of the user's other devices. For one that has
// not said yet what it is, it waits.
func (b *Book) toDevices(l letter) {
	b.mu.Lock()
	var to []string
	for u, d := range b.devices {
		if !d.other {
			to = append(to, u)
		}
	}
	b.mu.Unlock()
	for _, u := range to {
		l.to = u
		l.heard = func(err error) { b.deviceGone(u, err) }
		b.post(l)
	}
}

// deviceGone forgets a device that can no longer be reached.
func (b *Book) deviceGone(gruu string, err error) {
	var status *sipconn.StatusError
	if !errors.As(err, &status) || status.Code != 404 && status.Code != 410 && status.Code != 415 && status.Code != 480 {
		return
	}
	b.mu.Lock()
	delete(b.devices, gruu)
	b.dropLetters(gruu)
	b.mu.Unlock()
}
