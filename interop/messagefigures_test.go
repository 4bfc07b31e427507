//go:build interop

package interop

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"communicator/im"
	"communicator/session"
)

// From Send until the peer's client tells of the message: one after the other,
// both with a history on disk, over TLS on loopback.
func TestFiguresMessage(t *testing.T) {
	t.Run("lab", func(t *testing.T) {
		p := startLab(t, 20)
		messageFigures(t, p, p.me, p.of(p.me).manager)
	})
	t.Run("Kamailio", func(t *testing.T) { messageFigures(t, startPool(t).place(), alice, bob) })
}

func messageFigures(t *testing.T, p place, from, to string) {
	p.away(t, to)
	shown := make(chan time.Time, 1)
	b := p.signIn(t, to, func(o *session.Options) {
		note := o.Notify
		o.Notify = func(e any) {
			note(e)
			if _, is := e.(im.Received); is {
				shown <- time.Now()
			}
		}
	})
	a := p.signIn(t, from)
	delivery(t, b, from, "We know each other")
	const rounds = 1000
	var took []time.Duration
	for i := range rounds {
		began := time.Now()
		go func() { // ends with the answer
			if _, err := a.IM.With(to).Send(within(t), fmt.Sprint("Message ", i)); err != nil {
				t.Error(err)
			}
		}()
		select {
		case at := <-shown:
			took = append(took, at.Sub(began))
		case <-time.After(patience):
			t.Fatalf("message %d was not shown", i)
		}
	}
	slices.Sort(took)
	t.Logf("FIGURE send to shown at the peer: p50 %v, p95 %v, longest %v of %d", took[rounds/2].Round(10*time.Microsecond),
		took[rounds*95/100].Round(10*time.Microsecond), took[rounds-1].Round(10*time.Microsecond), rounds)
}
