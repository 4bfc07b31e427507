//go:build interop

package interop

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"communicator/im"
	"communicator/presence"
	"communicator/session"
)

const (
	flowing    = 200                  // messages each way
	every      = 4 * time.Millisecond // one is sent
	killedAt   = 60                   // the front end goes after that many
	afterShock = 15 * time.Second     // a second copy would come within that: Kamailio's timers are 5 s
)

// A front end is killed (kill -9) while messages flow between two of our clients.
func TestFailover(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, bobAt string }{
		{"both were at the front end that dies", ""},
		{"one was at the other", "fe2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := startPool(t)
			failover(t, p, c.bobAt)
		})
	}
}

func failover(t *testing.T, p *pool, bobAt string) {
	a := p.place().signIn(t, alice)
	b := p.place().signIn(t, bob, func(o *session.Options) {
		if bobAt != "" {
			o.Server = bobAt + "." + domain + ":" + strconv.Itoa(p.base+61)
		}
	})
	markA, markB := a.heard(), b.heard()
	var killed time.Time
	kill := make(chan struct{}) // closed when enough were sent
	both := sync.WaitGroup{}
	var sentA, sentB map[string]outcome
	both.Go(func() { sentA = flow(a, bob, "a", kill) })
	both.Go(func() { sentB = flow(b, alice, "b", nil) })
	<-kill
	killed = time.Now()
	p.kill(t, "fe1", syscall.SIGKILL)
	back := func(c *client, mark int) {
		e := await(c, mark, "being signed in again", func(e session.StateChanged) bool {
			return e.State.Phase == session.SignedIn && e.State.Target.Host == "fe2."+domain
		})
		t.Logf("FIGURE %s: signed in at fe2 %v after kill -9 of fe1", c.user, e.State.Since.Sub(killed).Round(100*time.Microsecond))
		first := await(c, mark, "trying to sign in again", func(e session.StateChanged) bool { return e.State.Phase == session.SigningIn })
		if first.State.Target.Host != "fe2."+domain {
			t.Errorf("%s: tried %s first", c.user, first.State.Target.Host)
		}
	}
	back(a, markA)
	if bobAt == "" {
		back(b, markB)
	}
	both.Wait()
	if left := time.Until(killed.Add(afterShock)); left > 0 {
		time.Sleep(left) // nothing tells that no second copy will come
	}
	compare(t, "alice to bob", a.became(sentA), b, killed)
	compare(t, "bob to alice", b.became(sentB), a, killed)
}

// A front end hangs: its connections stay open, and nothing comes back. The client
// finds out by its keep-alive, and a message that was on the way is repeated by
// the other front end: a user sees it arrive, once. The database frees what the
// front end had locked, so that the other is not held up.
func TestHangingFrontEnd(t *testing.T) {
	t.Parallel() // it mostly waits
	p := startPool(t)
	keepList(t, p, "alice", []string{bob, carol, dave})
	a := p.place().signIn(t, alice)
	b := p.place().signIn(t, bob, func(o *session.Options) { o.Server = "fe2." + domain + ":" + strconv.Itoa(p.base+61) })
	a.sees(bob, "available", func(s presence.State) bool { return s.Availability == presence.Available })
	if got := delivery(t, a, bob, "before"); got.State != im.Delivered {
		t.Fatalf("%+v", got)
	}
	mark, markB := a.heard(), b.heard()
	p.hang(t, "fe1")
	t.Cleanup(func() { p.kill(t, "fe1", syscall.SIGKILL) }) // it cannot be asked to stop
	stopped := time.Now()
	m, err := a.IM.With(bob).Send(within(t), "into the void")
	if err != nil || m.Delivered[0].State != im.Sending {
		t.Errorf("%+v, %v; want sending: bob's client shows it once, however often it comes", m.Delivered, err)
	}
	e := await(a, mark, "being signed in again", func(e session.StateChanged) bool {
		return e.State.Phase == session.SignedIn && e.State.Target.Host == "fe2."+domain
	})
	t.Logf("signed in at fe2 %v after fe1 began to hang", e.State.Since.Sub(stopped).Round(time.Millisecond))
	b.gets(markB, "into the void")
	await(a, mark, "that it was delivered", func(e im.DeliveryChanged) bool { return e.Delivery.ID == m.ID && e.Delivery.State == im.Delivered })
	if _, err := b.Presence.Set(within(t), presence.State{Availability: presence.Busy}); err != nil {
		t.Error(err)
	}
	a.sees(bob, "busy", func(s presence.State) bool { return s.Availability == presence.Busy })
	// Kamailio waits 5 s for the dead flow before it looks for another one.
	if got := delivery(t, b, alice, "after"); got.State != im.Delivered && got.State != im.Accepted {
		t.Errorf("%+v, want delivered or accepted", got)
	}
	a.gets(mark, "after")
	if n := b.count()["into the void"]; n != 1 {
		t.Errorf("what was written into the void came %d times", n)
	}
}

// hang stops a front end at the worst moment: in a transaction that holds one of
// the table locks which its list server takes many times a second.
func (p *pool) hang(t *testing.T, part string) {
	t.Helper()
	ctx := within(t)
	for tries := 1; ; tries++ {
		p.kill(t, part, syscall.SIGSTOP)
		if p.locks(t, "5ms") && p.locks(t, "100ms") {
			t.Logf("%s stopped in a transaction, at try %d", part, tries)
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("%s was never in a transaction", part)
		}
		p.kill(t, part, syscall.SIGCONT)
		time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond) // another moment of its round
	}
}

// locks reports whether somebody has sat on a lock of a whole table for so long, doing nothing.
func (p *pool) locks(t *testing.T, least string) bool {
	t.Helper()
	n := p.sql(t, `SELECT pg_sleep_for('`+least+`'); SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE granted AND mode = 'ExclusiveLock'
		AND relation IS NOT NULL AND state = 'idle in transaction' AND clock_timestamp() - state_change > '`+least+`'`)
	return n != "0"
}

// outcome is what became of a message that was given to the client at a time.
type outcome struct {
	im.Delivery
	at time.Time
}

// became returns what is known of each message by now: some were repeated after
// their connection was lost.
func (c *client) became(sent map[string]outcome) map[string]outcome {
	c.mu.Lock()
	defer c.mu.Unlock()
	newest := map[string]im.Delivery{}
	for _, e := range c.events {
		if d, is := e.(im.DeliveryChanged); is {
			newest[d.Delivery.ID] = d.Delivery
		}
	}
	for text, o := range sent {
		if d, changed := newest[o.ID]; changed {
			o.Delivery = d
			sent[text] = o
		}
	}
	return sent
}

// flow sends numbered messages at a steady pace, without waiting for the state
// of one before the next, and returns what became of each. kill is closed on the way.
func flow(c *client, to, prefix string, kill chan<- struct{}) map[string]outcome {
	ctx, cancel := context.WithTimeout(context.Background(), 45*time.Second)
	defer cancel()
	pace := time.NewTicker(every)
	defer pace.Stop()
	var (
		mu    sync.Mutex
		all   = map[string]outcome{}
		going sync.WaitGroup
	)
	for i := range flowing {
		if i == killedAt && kill != nil {
			close(kill)
		}
		<-pace.C
		going.Go(func() {
			text, at := fmt.Sprintf("%s-%03d", prefix, i), time.Now()
			m, err := c.IM.With(to).Send(ctx, text)
			mu.Lock()
			defer mu.Unlock()
			if err != nil || len(m.Delivered) != 1 {
				all[text] = outcome{im.Delivery{State: "none", Reason: fmt.Sprint(err)}, at}
				return
			}
			all[text] = outcome{m.Delivered[0], at}
		})
	}
	going.Wait()
	return all
}

// compare holds what the sender was told with what the receiver got: what was said
// to be delivered or accepted arrived exactly once; nothing arrived twice; every
// message has a final state.
func compare(t *testing.T, way string, sent map[string]outcome, receiver *client, killed time.Time) {
	t.Helper()
	got := receiver.count()
	reasons := map[string]int{}
	first, last := time.Hour, -time.Hour
	states, arrived := map[im.State]int{}, map[im.State]int{}
	for text, d := range sent {
		states[d.State]++
		if d.State != im.Delivered {
			first, last = min(first, d.at.Sub(killed)), max(last, d.at.Sub(killed))
			reasons[fmt.Sprintf("%s: %d %s", d.State, d.Code, d.Reason)]++
		}
		n := got[text]
		arrived[d.State] += min(n, 1)
		switch {
		case n > 1:
			t.Errorf("%s: %s arrived %d times (%s, %d %s)", way, text, n, d.State, d.Code, d.Reason)
		case n == 0 && (d.State == im.Delivered || d.State == im.Accepted):
			t.Errorf("%s: %s is lost, but the sender was told %s (%d %s)", way, text, d.State, d.Code, d.Reason)
		case n == 1 && d.State == im.Failed && d.Code < 300:
			t.Errorf("%s: %s arrived, but the sender was told that it was not sent (%s)", way, text, d.Reason)
		}
		if !slices.Contains([]im.State{im.Delivered, im.Accepted, im.Failed, im.Unknown}, d.State) {
			t.Errorf("%s: %s has no final state: %+v", way, text, d)
		}
	}
	line := way + ":"
	for _, s := range []im.State{im.Delivered, im.Accepted, im.Failed, im.Unknown} {
		line += fmt.Sprintf(" %d %s (%d arrived)", states[s], s, arrived[s])
	}
	t.Log(line)
	if len(reasons) > 0 {
		t.Logf("%s: the others were written between %v and %v after the kill; reasons: %v", way, first.Round(time.Millisecond), last.Round(time.Millisecond), reasons)
	}
	if states[im.Delivered] < flowing/10 {
		t.Errorf("%s: only %d of %d were delivered; the flow did not recover", way, states[im.Delivered], flowing)
	}
}
