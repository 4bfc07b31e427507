package session

import (
	"testing"
	"testing/synctest"
	"time"

	"communicator/im"
	"communicator/lab"
)

// What a window writes while no server can be reached leaves when one can, in
// order; a command beside it is told at once that it was not sent.
func TestWrittenWhileOffline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{})
		me, other := co.People()[1], co.People()[2]
		window, peer := signedIn(t, options(co, me)), signedIn(t, options(co, other))
		command := options(co, me)
		command.Silent = true
		script := signedIn(t, command)
		co.Do("stop-front-end 1")
		co.Do("stop-front-end 2")
		synctest.Wait()
		for _, text := range []string{"one", "two"} {
			if m, err := window.IM.With(other.User).Send(t.Context(), text); err != nil || m.Delivered[0].State != im.Queued {
				t.Errorf("%s: %+v, %v", text, m.Delivered, err)
			}
		}
		if m, err := script.IM.With(other.User).Send(t.Context(), "three"); err != nil || m.Delivered[0].State != im.Failed {
			t.Errorf("a command: %+v, %v", m.Delivered, err)
		}
		co.Do("start-front-end 1")
		co.Do("start-front-end 2")
		time.Sleep(90 * time.Second)
		var came []string
		for _, e := range got[im.Received](peer) {
			if !e.Message.Request { // told of again when the list is read and he is no stranger
				came = append(came, e.Message.Text)
			}
		}
		if len(came) != 2 || came[0] != "one" || came[1] != "two" {
			t.Errorf("received %q", came)
		}
	})
}
