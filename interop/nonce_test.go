//go:build interop

package interop

import (
	"testing"
	"time"

	"communicator/im"
	"communicator/presence"
)

// Kamailio's nonce is over, as after a quiet hour: the next message, state and
// subscription go through.
func TestKamailioNonceIsOver(t *testing.T) {
	p := startPool(t, "NONCE_LIFE=2").place()
	a, b := p.signIn(t, alice), p.signIn(t, bob)
	for range 2 {
		time.Sleep(4 * time.Second) // of Kamailio's clock
		if d := delivery(t, a, bob, "After a quiet hour"); d.State != im.Delivered {
			t.Errorf("%+v, want delivered", d)
		}
	}
	time.Sleep(4 * time.Second)
	if _, err := b.Presence.Set(within(t), presence.State{Availability: presence.Busy, Note: "Late"}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(4 * time.Second)
	if err := a.Presence.Watch(within(t), bob); err != nil {
		t.Fatal(err)
	}
	a.sees(bob, "busy", func(s presence.State) bool { return s.Availability == presence.Busy && s.Note == "Late" })
	if n := b.count()["After a quiet hour"]; n != 2 {
		t.Errorf("bob got %d of 2 messages", n)
	}
}
