package sipconn

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Calls, subscriptions and messages both ways at once, given up at any moment,
// until the connection breaks: whatever happens, everybody gets an answer or an
// error that fits, in time, and nothing is left running.
func TestEverythingAtOnce(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			a, b := pipe()
			x := New(a, Options{Self: "x@example.com", Handle: moody(seed)})
			y := New(b, Options{Self: "y@example.com", Handle: moody(seed + 100)})
			var wg sync.WaitGroup
			for i := range 200 {
				c, after, patience := x, time.Duration(random.IntN(60_000))*time.Millisecond, time.Duration(random.IntN(40_000))*time.Millisecond
				if i%2 == 1 {
					c = y
				}
				kind := random.IntN(3)
				wg.Go(func() {
					time.Sleep(after)
					ctx, stop := context.WithTimeout(t.Context(), patience)
					defer stop()
					begun := time.Now()
					err := attempt(ctx, c, kind)
					if !fits(err) || time.Since(begun) > patience+unsubscribeFor+timeout64 {
						t.Errorf("seed %d, kind %d: %v after %v of %v", seed, kind, err, time.Since(begun), patience)
					}
				})
			}
			time.Sleep(time.Duration(random.IntN(90)) * time.Second)
			a.Close()
			wg.Wait()
			<-x.Done()
			<-y.Done()
		})
	}
}

// moody answers at once, late, twice, with a refusal, or not at all.
func moody(seed uint64) func(*Incoming) {
	random := rand.New(rand.NewPCG(seed, 2))
	return func(in *Incoming) {
		late, mood := time.Duration(random.IntN(5000))*time.Millisecond, random.IntN(5)
		answer := func() {
			switch r := in.Request; {
			case mood == 0:
				_ = in.Reply(486, "Busy Here", Body{})
			case mood == 1: // never
			case r.Method == sip.INVITE || r.Method == sip.SUBSCRIBE:
				_ = in.Reply(180, "Ringing", Body{})
				if d, err := in.Accept(Body{}, sip.NewHeader("Expires", "20")); err == nil {
					d.Handle(ok)
				}
			default:
				ok(in)
				_ = in.Reply(500, "Again", Body{})
			}
		}
		if mood%2 == 0 {
			answer()
			return
		}
		time.AfterFunc(late, answer)
	}
}

func attempt(ctx context.Context, c *Conn, kind int) error {
	switch kind {
	case 0:
		d, err := c.Invite(ctx, "z@example.com", sdp, func(*sip.Response) {})
		if err != nil {
			return err
		}
		if _, err := d.Do(ctx, "INFO", Body{}); err != nil {
			return err
		}
		return d.Bye(ctx)
	case 1:
		return c.Subscribe(ctx, Subscription{To: "z@example.com", Event: "presence", Expires: time.Minute, Notify: func(*sip.Request) {}})
	}
	r, err := c.NewRequest("MESSAGE", "z@example.com", Text("hello"))
	if err == nil {
		_, err = c.Do(ctx, r, nil)
	}
	return err
}

func fits(err error) bool {
	var status *StatusError
	return err == nil || errors.As(err, &status) || errors.Is(err, ErrLost) || errors.Is(err, ErrOffline) ||
		errors.Is(err, ErrNoAnswer) || errors.Is(err, context.DeadlineExceeded)
}
