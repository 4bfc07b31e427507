package im

import (
	"cmp"
	"context"
	"sync"
	"time"
)

// Bulk is one message to many recipients, each separately. It is stored once and
// enters the one-to-one conversation with each, or is a line of a shared one.
type Bulk struct {
	// ID is that of the message; empty: a new one. A run and its resumption have
	// the same, so that who got it from both shows it once. Letters, digits and -.
	ID   string
	In   *Conversation // a shared one; nil: separately
	To   []string      // each is messaged once however often it appears; of In, those members who do not have it yet
	Text string
	Rate int            // at most so many a second; 0: no limit
	Each func(Delivery) // as each becomes final or waits for a connection; calls do not overlap
}

// SendEach sends a Bulk and returns when every recipient has a final state, or
// waits for a connection (Options.Queue). When ctx ends, what was not sent is
// not sent and gets no Delivery; the error is then that of ctx. Any other error
// concerns the message as a whole, as with Conversation.Send.
func (b *Book) SendEach(ctx context.Context, o Bulk) error {
	text, err := b.bulkText(o)
	if err != nil {
		return err
	}
	m := b.newMessage("", text, unique(o.To))
	m.ID = cmp.Or(o.ID, m.ID)
	for i := range m.Delivered {
		m.Delivered[i].ID = m.ID
	}
	if o.In != nil {
		m.With, m.Group = o.In.key, o.In.groupNow()
	}
	var stored []State
	kept := make(chan struct{})
	b.tell.Add(func() {
		defer close(kept)
		stored, err = b.keepOwn(m)
	})
	b.tell.Flush()
	if <-kept; err != nil {
		return err
	}
	results := make(chan Delivery)
	var unsent error
	go func() { // ends when ctx does, or with the last transaction
		defer close(results)
		unsent = b.sendPaced(ctx, paced{m, text, m.list(), stored, o.Rate}, results)
	}()
	for d := range results {
		if o.Each != nil {
			o.Each(d)
		}
	}
	return unsent
}

// unique are the addresses, each once.
func unique(to []string) []string {
	seen := make(map[string]bool, len(to))
	var each []string
	for _, t := range to {
		if t = canonical(t); !seen[t] {
			seen[t] = true
			each = append(each, t)
		}
	}
	return each
}

// bulkText is the text of a Bulk as it will be sent, or why it cannot be.
func (b *Book) bulkText(o Bulk) (string, error) {
	if o.In != nil {
		return o.In.sendable(o.Text)
	}
	return sendable(o.Text, b.longest())
}

// paced is a Bulk that is stored.
type paced struct {
	Message
	text   string
	list   []byte  // of members; nil: it goes to each separately
	stored []State // per delivery
	rate   int
}

// sendPaced starts one delivery after the other, at the rate of m and a bounded
// number at a time, and returns when all have ended.
func (b *Book) sendPaced(ctx context.Context, m paced, results chan<- Delivery) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, inFlight)
	start := time.Now()
	for i := range m.Delivered {
		if m.rate > 0 && !sleepUntil(ctx, start.Add(time.Duration(i)*time.Second/time.Duration(m.rate))) {
			b.dropRest(m, i)
			return ctx.Err()
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			b.dropRest(m, i)
			return ctx.Err()
		}
		l := b.enterOne(m, i)
		l.held = true
		b.launch(ctx, slots, l)
		wg.Go(func() { // ends with the leg
			select {
			case <-l.done:
			case <-ctx.Done():
				b.giveUp(l)
				<-l.done
			}
			results <- b.stands(l)
		})
	}
	return nil
}

// enterOne adds the line of a Bulk to the conversation with its recipient i.
func (b *Book) enterOne(m paced, i int) *leg {
	defer b.tell.Flush()
	b.mu.Lock()
	defer b.mu.Unlock()
	to, one := m.Delivered[i].To, m.Message
	c := b.talks[m.With]
	if m.Group == nil {
		c = b.with([]string{to})
		one.With, one.Delivered = c.key, []Delivery{m.Delivered[i]}
	} else if c == nil {
		c = b.joint(*m.Group)
	}
	l := c.leg(m.ID, to, m.text, m.list)
	l.call, l.stored = callOf(m.ID, to), m.stored[i]
	l.copied = (len(m.Delivered) == 1 || m.Group != nil) && b.copied(m.Message) // one line
	if c.find(m.ID) != nil {
		return l // the line of all, which came with the first
	}
	c.admit() // whoever answers has admitted
	c.add(line{one})
	one = line{one}.snapshot()
	b.tell.Add(func() {
		b.o.Emit(Sent{one})
		if l.copied {
			b.copyOut(one)
		}
	})
	c.heardOwn(one)
	return l
}

// dropRest stores that a Bulk was not sent to its recipients from number i on.
func (b *Book) dropRest(m paced, i int) {
	for _, d := range m.Delivered[i:] {
		d.State, d.Reason = Failed, "stopped: not sent"
		b.tell.Add(func() { b.record(m.With, d) })
	}
	b.tell.Flush()
}

// sleepUntil waits for t; false: ctx ended first.
func sleepUntil(ctx context.Context, t time.Time) bool {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
