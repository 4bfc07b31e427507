package session

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"communicator/im"
	"communicator/lab"
	"communicator/presence"
)

// company starts a lab in memory.
func company(t *testing.T, o lab.Options) *lab.Company {
	t.Helper()
	if o.People == 0 {
		o.People = 40
	}
	o.Still = true
	c, err := lab.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// client is a session that is being run, and what it told.
type client struct {
	*Session
	stop context.CancelFunc
	done chan error

	mu     sync.Mutex
	events []any
}

func options(c *lab.Company, p lab.Person) Options {
	return Options{User: p.User, Password: func() (string, error) { return p.Password, nil }, Resolver: c.Resolver(), Roots: c.Roots(), Dial: c.Dial}
}

// run runs a session until the test ends.
func run(t *testing.T, o Options) *client {
	t.Helper()
	c := &client{done: make(chan error, 1)}
	o.Notify = func(e any) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.events = append(c.events, e)
	}
	c.Session = New(o)
	ctx, stop := context.WithCancel(context.Background())
	c.stop = sync.OnceFunc(func() {
		stop()
		c.done <- <-c.done
	})
	go func() { c.done <- c.Run(ctx) }()
	t.Cleanup(c.stop)
	return c
}

// signedIn runs a session and waits until it is signed in.
func signedIn(t *testing.T, o Options) *client {
	t.Helper()
	c := run(t, o)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := c.SignedIn(ctx); err != nil {
		t.Fatal(err)
	}
	return c
}

// got returns the events of one type.
func got[E any](c *client) (list []E) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.events {
		if e, ok := e.(E); ok {
			list = append(list, e)
		}
	}
	return list
}

// requests are the first lines of what the client sent.
func (c *client) requests() (list []string) {
	for _, m := range c.Trace() {
		line, _, _ := strings.Cut(m.Message, "\r\n")
		if m.Sent && !strings.HasPrefix(line, "SIP/2.0") {
			list = append(list, line)
		}
	}
	return list
}

// A newcomer types an address: found by SRV, signed in by TLS, the list filled
// from the org chart, everybody's state known, with at most six requests.
func TestSignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{People: 200})
		me := co.Newcomer()
		c := signedIn(t, options(co, me))
		st := c.State()
		if st.User != me.User || !strings.HasPrefix(st.TLS, "TLS 1.") || st.Target.Transport != "tls" || st.Target.Host == "" {
			t.Errorf("%+v", st)
		}
		chart, err := c.Contacts.Loaded(t.Context())
		if chart != nil || err != nil {
			t.Fatal(chart, err)
		}
		if err := c.Presence.Known(t.Context()); err != nil {
			t.Fatal(err)
		}
		list := c.Contacts.List()
		for _, g := range []string{"My manager", "My direct reports", "My peers"} {
			if g, ok := list.Group(g); !ok || len(g.Members) == 0 {
				t.Errorf("no group %s in %+v", g.Name, list)
			}
		}
		if name := c.State().Name; name != me.Name {
			t.Errorf("own name %q", name)
		}
		time.Sleep(10 * time.Second)
		if n := c.requests(); len(n) > 6 {
			t.Errorf("%d requests: %s", len(n), strings.Join(n, "\n"))
		}
		if own, chosen := c.Presence.Self(); own.Availability != presence.Available || own.Old || chosen != "auto" {
			t.Errorf("own state %+v %s", own, chosen)
		}
		c.stop()
		if st := c.State(); st.Phase != SignedOut || st.Err != nil {
			t.Errorf("%+v", st)
		}
		if who := co.Do("who"); strings.Contains(who, me.User) {
			t.Errorf("still signed in: %s", who)
		}
	})
}

// Two clients see each other's states and exchange lines; a one-shot command's
// publication stays after it.
func TestTwoClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{})
		people := co.People()
		anna, bruno := signedIn(t, options(co, people[1])), signedIn(t, options(co, people[2]))
		if err := bruno.Presence.Watch(t.Context(), people[1].User); err != nil {
			t.Fatal(err)
		}
		if _, err := anna.Presence.Set(t.Context(), presence.State{Availability: presence.Busy, Note: "In Lyon"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		if p := bruno.Presence.Of(people[1].User); p.Availability != presence.Busy || p.Note != "In Lyon" || p.Old {
			t.Errorf("seen: %+v", p)
		}
		if _, err := anna.IM.With(people[2].User).Send(t.Context(), "hello"); err != nil {
			t.Fatal(err)
		}
		in := got[im.Received](bruno)
		if len(in) != 1 || in[0].Message.Text != "hello" || in[0].Message.From != people[1].User {
			t.Errorf("received %+v", in)
		}
		o := options(co, people[3])
		o.Silent, o.Dir = true, t.TempDir()
		once := signedIn(t, o)
		until, err := once.Presence.Set(t.Context(), presence.State{Availability: presence.DoNotDisturb, Note: "exam"})
		if err != nil || time.Until(until) < time.Minute {
			t.Fatal(until, err)
		}
		once.stop()
		time.Sleep(5 * time.Second) // what the lab has to say of it is said
		if err := anna.Presence.Known(t.Context(), people[3].User); err != nil {
			t.Fatal(err)
		}
		if p := anna.Presence.Of(people[3].User); p.Availability != presence.DoNotDisturb || p.Note != "exam" {
			t.Errorf("after the command has ended: %+v", p)
		}
		again := New(o)
		if shown, chosen := again.Presence.Self(); chosen != "dnd" || shown.Note != "exam" {
			t.Errorf("next command: %+v %s", shown, chosen)
		}
	})
}

// A front end is stopped: signed in at the other within a second; what was
// known is old until it is heard again; lines flow again.
func TestFrontEndStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{})
		people := co.People()
		c, peer := signedIn(t, options(co, people[1])), signedIn(t, options(co, people[2]))
		if err := c.Presence.Known(t.Context(), people[2].User); err != nil {
			t.Fatal(err)
		}
		first := c.State().Target
		number := "1"
		if strings.Contains(first.Host, "2") {
			number = "2"
		}
		begin := time.Now()
		co.Do("stop-front-end " + number)
		synctest.Wait()
		if err := c.SignedIn(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(begin); d > time.Second {
			t.Errorf("took %v", d)
		}
		if now := c.State().Target; now == first {
			t.Errorf("still at %v", now)
		}
		old := false
		for _, e := range got[PresenceChanged](c) {
			old = old || e.User == people[2].User && e.State.Old
		}
		if !old {
			t.Error("the state was not marked as old meanwhile")
		}
		if err := peer.SignedIn(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		if p := c.Presence.Of(people[2].User); p.Old || p.Availability != presence.Available {
			t.Errorf("heard again: %+v", p)
		}
		if m, err := c.IM.With(people[2].User).Send(t.Context(), "still there?"); err != nil || m.Delivered[0].State != im.Delivered {
			t.Errorf("%+v %v", m, err)
		}
		if len(got[im.Received](peer)) != 1 {
			t.Error("not received once")
		}
	})
}

// Over hours the registration is renewed and nobody else notices.
func TestStaysSignedIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{})
		c := signedIn(t, options(co, co.People()[1]))
		time.Sleep(5 * time.Hour)
		if st := c.State(); st.Phase != SignedIn || time.Since(st.Since) < 5*time.Hour-time.Minute {
			t.Errorf("%+v", st)
		}
		n := 0
		for _, e := range got[StateChanged](c) {
			if e.State.Phase == SignedIn && e.State.Name == c.State().Name {
				n++
			}
		}
		if n != 1 {
			t.Errorf("signed in %d times", n)
		}
		if !strings.Contains(co.Do("who"), co.People()[1].User) {
			t.Error("the registrar has lost us")
		}
	})
}

// SRV names a director that sends us on.
func TestDirector(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{Director: true})
		c := signedIn(t, options(co, co.People()[1]))
		if h := c.State().Target.Host; !strings.HasPrefix(h, "fe") {
			t.Errorf("signed in at %s", h)
		}
	})
}

// What cannot be cured by trying again ends Run, with words.
func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"wrong password": {func(o *Options) { o.Password = func() (string, error) { return "wrong", nil } }, "name or password was not accepted"},
		"unknown user":   {func(o *Options) { o.User = "nobody@contoso.test" }, "nobody@contoso.test"},
		"no password":    {func(o *Options) { o.Password = nil }, "no password was given"},
		"not an address": {func(o *Options) { o.User = "anna" }, "anna"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				co := company(t, lab.Options{})
				o := options(co, co.People()[1])
				c.change(&o)
				s := run(t, o)
				err := s.SignedIn(t.Context())
				var e *SignInError
				if e, _ = err.(*SignInError); e == nil || !strings.Contains(e.Error(), c.want) || e.Remedy == "" {
					t.Fatalf("%T %v", err, err)
				}
				s.stop()
				if got := <-s.done; got != err {
					t.Errorf("Run: %v", got)
				}
				if st := s.State(); st.Phase != SignedOut || st.Err == nil {
					t.Errorf("%+v", st)
				}
				t.Log(err)
			})
		})
	}
}
