package im

import (
	"context"
	"slices"
	"sync"
	"time"
)

// What becomes of an own message, for each of its recipients. Every arrow is
// stored before the user hears of it, and none leads to less than is known.
//
//	        no connection  ┌─────────┐   connected    ┌─────────┐    202   ┌──────────┐
//	 Send ───────────────▶ │ queued  │ ─────────────▶ │ sending │ ───────▶ │ accepted │
//	                       └─────────┘ ◀───────────── └─────────┘          └──────────┘
//	        older than 2 min │   │ not written, lost    │  │  │                │ receipt
//	        when connected:  │   │                      │  │  │      200       ▼
//	        Aged; it waits   │   │ Discard      refused │  │  └─────────▶ ┌───────────┐ receipt ┌──────┐
//	        for Again  ◀─────┘   ▼                      │  │              │ delivered │ ──────▶ │ read │
//	                       ┌────────┐ ◀─────────────────┘  │              └───────────┘         └──────┘
//	        Again ◀─────── │ failed │                      │ written, not answered  ▲
//	                       └────────┘            ┌─────────┐                        │
//	        Again ◀───────────────────────────── │ unknown │ ────── receipt ────────┘
//	                                             └─────────┘
//
// What was written and not answered when the connection or the process was lost
// is unknown, unless the recipient's client shows a repeated message once: then
// it stays sending and is repeated under its Call-ID when connected. A refusal
// "not now" with Retry-After of up to a minute is obeyed once, meanwhile it is
// sending. Without Options.Queue (a script) nothing waits for a connection.

const (
	aged = 2 * time.Minute // what has waited longer is not sent unasked
	skew = time.Minute     // what was written so long after now has no known age
)

// lane is what is on its way to one recipient, in order: RFC 3428 §8 wants one
// MESSAGE outstanding to a recipient at a time, and lines must not swap.
type lane struct {
	legs []*leg
	busy bool // the first is being sent
}

// enqueue puts a leg behind all earlier ones to the same recipient; it goes when
// it is launched. b.mu is held.
func (b *Book) enqueue(l *leg) {
	q := b.lanes[l.to]
	if q == nil {
		q = &lane{}
		b.lanes[l.to] = q
	}
	done := make(chan struct{})
	l.done, l.free = done, sync.OnceFunc(func() { close(done) })
	q.legs = append(q.legs, l)
}

// launch lets legs go, a bounded number at a time. ctx ends them; nil: nothing
// does but their transaction.
func (b *Book) launch(ctx context.Context, slots chan struct{}, legs ...*leg) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range legs {
		l.ctx, l.slots, l.ready = ctx, slots, true
		b.start(l.to)
	}
}

// deliverAll sends legs and returns when each has a final state, or waits for
// a connection. When ctx ends, a script's are given up; others go on.
func (b *Book) deliverAll(ctx context.Context, legs []*leg) {
	bound := ctx
	if b.o.Queue {
		bound = nil
	}
	b.launch(bound, make(chan struct{}, inFlight), legs...)
	for _, l := range legs {
		select {
		case <-l.done:
			continue
		case <-ctx.Done():
		}
		if bound == nil {
			return
		}
		b.giveUp(l)
		<-l.done
	}
}

// giveUp takes a leg whose turn has not come out of its lane.
func (b *Book) giveUp(l *leg) {
	b.mu.Lock()
	if b.withdraw(l) {
		b.move(l, Delivery{State: Failed, Reason: "cancelled: not sent"})
		l.free()
	}
	b.mu.Unlock()
	b.tell.Flush()
}

// withdraw takes a leg out of its lane; false: it is being sent, or has been.
// b.mu is held.
func (b *Book) withdraw(l *leg) bool {
	q := b.lanes[l.to]
	if q == nil {
		return false
	}
	i := slices.Index(q.legs, l)
	if i < 0 || i == 0 && q.busy {
		return false
	}
	if q.legs = slices.Delete(q.legs, i, i+1); len(q.legs) == 0 {
		delete(b.lanes, l.to)
	}
	return true
}

// start sends what waits for a recipient, unless that is being done; b.mu is held.
func (b *Book) start(to string) {
	if q := b.lanes[to]; q != nil && !q.busy {
		q.busy = true
		b.running++
		go b.serve(to, q) // ends when all is sent, with the connection, or (a script's) with its context
	}
}

// serve sends the legs of a lane one after the other.
func (b *Book) serve(to string, q *lane) {
	for {
		l, round := b.first(to, q)
		if l == nil {
			return
		}
		if !b.deliver(l) {
			b.finish(q)
			l.free()
		} else if b.park(q, round) {
			return
		}
	}
}

// first is the leg of a lane to be sent now, nil if there is none, and the number
// of the connection. What has grown old while it waited is taken out.
func (b *Book) first(to string, q *lane) (*leg, int) {
	defer b.tell.Flush()
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(q.legs) > 0 && q.legs[0].ready {
		l := q.legs[0]
		if !l.parked || !old(l.since, b.o.Now()) {
			return l, b.round
		}
		q.legs = q.legs[1:]
		b.age(l)
	}
	b.leave(q)
	if len(q.legs) == 0 {
		delete(b.lanes, to)
	}
	return nil, 0
}

// finish takes the leg that has been sent out of its lane.
func (b *Book) finish(q *lane) {
	b.mu.Lock()
	defer b.mu.Unlock()
	q.legs = q.legs[1:]
}

// leave notes that a lane is no longer served; b.mu is held.
func (b *Book) leave(q *lane) {
	q.busy = false
	if b.running--; b.running == 0 {
		b.idle.Broadcast()
	}
}

// park lets the legs of a lane wait for the next connection; false: that has
// come meanwhile.
func (b *Book) park(q *lane, round int) bool {
	defer b.tell.Flush()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range q.legs {
		if !l.ready {
			continue
		}
		if !l.written {
			b.move(l, Delivery{State: Queued, Reason: "waits for a connection"})
		}
		l.ctx, l.slots, l.parked = nil, b.slots, true
		l.free()
	}
	if b.round != round {
		return false
	}
	b.leave(q)
	return true
}

// old says whether something of that time is too old to be sent unasked. Either
// clock may mislead: the one that stops while a computer sleeps, and the time of
// day, which may be wrong by a year.
func old(since, now time.Time) bool {
	wall := now.Round(0).Sub(since.Round(0))
	return now.Sub(since) > aged || wall > aged || wall < -skew
}

// age leaves a leg to the user, who says Again or Discard; b.mu is held.
func (b *Book) age(l *leg) {
	if l.written {
		b.move(l, Delivery{State: Unknown, Reason: noAnswer})
	}
	with, id := l.talk.key, l.id
	b.tell.Add(func() { b.o.Emit(Aged{with, id}) })
}

const noAnswer = "the connection was lost before the answer came"

// Connected sends what waits for a connection, to each recipient in order. Call
// it at every sign-in. It does not wait.
func (b *Book) Connected() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.round++
	for to := range b.lanes {
		b.start(to)
	}
	for to := range b.letters {
		b.sendLetters(to)
	}
}

// Rest waits until nothing is being sent. It is for the end of a process, after
// the connection has ended: what waits for another one is stored.
func (b *Book) Rest() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.running > 0 {
		b.idle.Wait()
	}
}

// TakeUp takes over what the Store has unsent, because an earlier process of the
// same user ended before it. Call it once, before Connected, and in one process
// at a time. What that process had written, and the Store has as sending, is
// repeated: the recipient's client shows it once.
func (b *Book) TakeUp() {
	if b.o.Store.Unsent == nil {
		return
	}
	unsent := b.o.Store.Unsent()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range unsent {
		if m.Group != nil {
			b.takeUp(b.joint(*m.Group), m)
			continue
		}
		if m.With != "" {
			b.takeUp(b.with(recipients(m)), m)
			continue
		}
		for _, d := range m.Delivered { // of a Bulk
			one := m
			one.Delivered = []Delivery{d}
			b.takeUp(b.with([]string{d.To}), one)
		}
	}
}

// takeUp puts the unsent legs of a message into their lanes; b.mu is held.
func (b *Book) takeUp(c *Conversation, m Message) {
	bulk := m.With == ""
	m.With = c.key
	l := line{m}
	if c.find(m.ID) == nil {
		c.add(l)
	}
	list := m.list()
	for _, d := range m.Delivered {
		if d.State != Queued && d.State != Sending || b.waitingLeg(c, m.ID, d.To) != nil {
			continue
		}
		leg := c.leg(m.ID, d.To, l.typed(), list)
		if bulk {
			leg.call = callOf(m.ID, d.To)
		}
		leg.since, leg.stored, leg.written = m.Time, d.State, d.State == Sending
		leg.ready, leg.parked, leg.slots = true, true, b.slots
		leg.free()
	}
}

// recipients are those of an own message.
func recipients(m Message) []string {
	var to []string
	for _, d := range m.Delivered {
		to = append(to, d.To)
	}
	return to
}

// waitingLeg is the leg of a message to one recipient, nil if it has none; b.mu is
// held.
func (b *Book) waitingLeg(c *Conversation, id, to string) *leg {
	if q := b.lanes[to]; q != nil {
		for _, l := range q.legs {
			if l.talk == c && l.id == id {
				return l
			}
		}
	}
	return nil
}

// Discard gives up what waits for the user or for a connection: it will not be
// sent. What may have arrived becomes unknown.
func (c *Conversation) Discard(id string) {
	b := c.b
	defer b.tell.Flush()
	b.mu.Lock()
	defer b.mu.Unlock()
	m := c.find(id)
	if m == nil {
		return
	}
	for _, d := range m.Delivered {
		l := b.waitingLeg(c, id, d.To)
		switch {
		case l != nil && !b.withdraw(l): // it is being sent
			continue
		case l == nil:
			l = &leg{talk: c, id: id, to: d.To, free: func() {}}
		}
		if d.State == Queued {
			b.move(l, Delivery{State: Failed, Reason: "discarded: not sent"})
		} else if d.State == Sending {
			b.move(l, Delivery{State: Unknown, Reason: noAnswer})
		}
		l.free()
	}
}
