package lab

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// conduct is how a simulated client was told to behave; the zero value is as
// clients should.
type conduct struct {
	after time.Duration // it takes so long for each answer
	code  int           // it refuses every message and invitation; 0: it does not
	stop  func()        // ends the coming and going; nil: there is none
}

// end ends what goes on.
func (d *conduct) end() {
	if d.stop != nil {
		d.stop()
	}
	*d = conduct{}
}

// Bounds of conduct.
const (
	slowest     = time.Minute
	quickestOff = 100 * time.Millisecond // coming and going
)

const clientUsage = "client USER slow DURATION | absent | refusing CODE | flapping DURATION | normal"

// client obeys the command of that name.
func (c *Company) client(words []string) (any, error) {
	user, err := c.user(words[0])
	if err != nil {
		return nil, err
	}
	what := strings.Join(words[1:], " ")
	kind, arg, _ := strings.Cut(what, " ")
	d := conduct{}
	switch kind {
	case "normal", "absent":
		if arg != "" {
			return nil, fmt.Errorf("usage: %s", clientUsage)
		}
	case "slow", "flapping":
		if d.after, err = time.ParseDuration(arg); err != nil || d.after <= 0 || d.after > slowest {
			return nil, fmt.Errorf("%s wants a duration such as 2s up to %v, not %q", kind, slowest, arg)
		}
	case "refusing":
		if d.code, err = strconv.Atoi(arg); err != nil || d.code < 300 || d.code > 699 {
			return nil, fmt.Errorf("refusing wants a status code from 300 to 699, not %q", arg)
		}
	default:
		return nil, fmt.Errorf("usage: %s", clientUsage)
	}
	return okay, c.crowd.behave(user, kind, d)
}

// behave has the simulated client of user behave so from now on. All but the
// absent are signed in for it.
func (c *crowd) behave(user, kind string, d conduct) error {
	c.mu.Lock()
	p := c.of(user)
	p.conduct.end()
	present := p.signedIn
	c.mu.Unlock()
	switch {
	case kind == "absent":
		return c.set(user, mood{state: "offline"}, true)
	case kind == "flapping":
		return c.flap(p, max(d.after, quickestOff))
	case !present:
		if err := c.set(user, mood{state: "available"}, true); err != nil {
			return err
		}
	}
	c.mu.Lock()
	p.conduct = d
	c.mu.Unlock()
	return nil
}

// flap has the client of p come and go until it is told otherwise, its user
// signs in for real, or the company closes.
func (c *crowd) flap(p *phantom, every time.Duration) error {
	if err := c.set(p.user, mood{state: "available"}, true); err != nil {
		return err
	}
	stopped := make(chan struct{})
	c.mu.Lock()
	p.conduct = conduct{stop: func() { close(stopped) }}
	c.mu.Unlock()
	c.working.Go(func() {
		t := time.NewTicker(every)
		defer t.Stop()
		for there := true; ; there = !there {
			select {
			case <-t.C:
			case <-stopped:
				return
			case <-c.ctx.Done():
				return
			}
			state := "available"
			if there {
				state = "offline"
			}
			if c.set(p.user, mood{state: state}, true) != nil {
				return // its user is there for real
			}
		}
	})
	return nil
}
