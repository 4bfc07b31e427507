package im

import (
	"context"
	"sync"
	"time"
)

// Bulk is one message to many recipients, each separately. It enters the
// one-to-one conversation with each.
type Bulk struct {
	To   []string // each is messaged once however often it appears
	Text string
	Rate int            // at most so many a second; 0: no limit
	Each func(Delivery) // as each becomes final; calls do not overlap
}

// SendEach sends a Bulk and returns when every recipient has a final state.
// When ctx ends, what was not sent is not sent and gets no Delivery; the error
// is then that of ctx.
func (b *Book) SendEach(ctx context.Context, m Bulk) error {
	text, err := sendable(m.Text)
	if err != nil {
		return err
	}
	results := make(chan Delivery)
	var unsent error
	go func() { // ends when ctx does, or with the last transaction
		defer close(results)
		unsent = b.sendPaced(ctx, m, text, results)
	}()
	for d := range results {
		if m.Each != nil {
			m.Each(d)
		}
	}
	return unsent
}

// sendPaced starts one delivery after the other, at the rate of m and a bounded
// number at a time, and returns when all have ended.
func (b *Book) sendPaced(ctx context.Context, m Bulk, text string, results chan<- Delivery) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, inFlight)
	start, sent := time.Now(), 0
	done := map[string]bool{}
	for _, to := range m.To {
		if to = canonical(to); done[to] {
			continue
		}
		done[to] = true
		if m.Rate > 0 && !sleepUntil(ctx, start.Add(time.Duration(sent)*time.Second/time.Duration(m.Rate))) {
			return ctx.Err()
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		sent++
		_, legs, err := b.With(to).enter(text)
		if err != nil {
			<-slots
			return err
		}
		wg.Go(func() {
			d := b.deliver(ctx, legs[0])
			<-slots
			results <- d
		})
	}
	return nil
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
