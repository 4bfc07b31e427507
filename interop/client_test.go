//go:build interop

package interop

import (
	"context"
	"sync"
	"testing"
	"time"

	"communicator/im"
	"communicator/presence"
	"communicator/session"
)

// client is our client of one user, with everything that it was told.
type client struct {
	t    *testing.T
	user string
	dir  string // its profile
	*session.Session
	stop func() // signs out; waits until Run has returned

	mu      sync.Mutex
	events  []any
	changed chan struct{} // closed and replaced at every event
}

// open starts a client without waiting for it.
func (p place) open(t *testing.T, user, password string, tune ...func(*session.Options)) *client {
	t.Helper()
	c := &client{t: t, user: user, changed: make(chan struct{})}
	o := session.Options{
		User: user, Password: func() (string, error) { return password, nil },
		Resolver: p.resolver, Roots: p.roots, Dir: t.TempDir(), Notify: c.note,
	}
	for _, f := range tune {
		f(&o)
	}
	c.dir = o.Dir
	c.Session = session.New(o)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { // ends with ctx
		defer close(ended)
		_ = c.Run(ctx) // SignedIn says the same
	}()
	c.stop = sync.OnceFunc(func() {
		cancel()
		<-ended
	})
	t.Cleanup(c.stop)
	return c
}

// signIn starts a client of user and waits until it is signed in.
func (p place) signIn(t *testing.T, user string, tune ...func(*session.Options)) *client {
	t.Helper()
	c := p.open(t, user, p.of(user).password, tune...)
	if err := c.SignedIn(within(t)); err != nil {
		t.Fatalf("%s: sign in: %v", user, err)
	}
	return c
}

// within is a context that lasts as long as a test is patient.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func (c *client) note(event any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events = append(c.events, event)
	close(c.changed)
	c.changed = make(chan struct{})
}

// heard is how many events there were so far, for a later await.
func (c *client) heard() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.events)
}

// await waits for an event of type E that fits, from event number from on.
func await[E any](c *client, from int, what string, fits func(E) bool) E {
	c.t.Helper()
	late := time.After(patience)
	for {
		c.mu.Lock()
		for ; from < len(c.events); from++ {
			if e, is := c.events[from].(E); is && fits(e) {
				c.mu.Unlock()
				return e
			}
		}
		changed := c.changed
		c.mu.Unlock()
		select {
		case <-changed:
		case <-late:
			c.t.Fatalf("%s: %s did not come within %v", c.user, what, patience)
		}
	}
}

// sees waits until the client shows a current state of user that fits.
func (c *client) sees(user, what string, fits func(presence.State) bool) presence.State {
	c.t.Helper()
	late := time.After(patience)
	for {
		c.mu.Lock()
		changed := c.changed
		c.mu.Unlock()
		if s := c.Presence.Of(user); !s.Old && fits(s) {
			return s
		}
		select {
		case <-changed:
		case <-late:
			c.t.Fatalf("%s: %s as %s was not seen within %v; last: %+v", c.user, user, what, patience, c.Presence.Of(user))
		}
	}
}

// gets waits for a message with this text.
func (c *client) gets(from int, text string) im.Message {
	c.t.Helper()
	return await(c, from, "the message "+text, func(e im.Received) bool { return e.Message.Text == text }).Message
}

// count returns how often each text was received so far. What came as the request
// of a stranger is told of again when he is known to be none.
func (c *client) count() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, asked := map[string]int{}, map[string]int{}
	for _, e := range c.events {
		if r, is := e.(im.Received); is && r.Message.Request {
			asked[r.Message.Text]++
		} else if is {
			n[r.Message.Text]++
		}
	}
	for text, times := range asked {
		n[text] = max(n[text], times)
	}
	return n
}
