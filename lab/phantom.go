package lab

import (
	"context"
	"fmt"
	randv2 "math/rand/v2"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// crowd is everybody whom nobody plays: clients in this process, without
// sockets and goroutines, so that thousands cost little.
type crowd struct {
	staff   *staff
	pool    *pool
	diaries *diaries
	still   bool
	now     func() time.Time
	ctx     context.Context // ends with the company
	cancel  context.CancelFunc
	working sync.WaitGroup // those who live and answer

	turn sync.Mutex // one change at a time goes to the pool; never held together with mu

	mu       sync.Mutex
	phantoms map[string]*phantom // by address
	random   *randv2.Rand
}

// phantom is the simulated client of one person.
type phantom struct {
	user     string
	signedIn bool
	mood     mood
	keeps    bool // life does not change the mood: it was commanded, or its user came for real
	conduct  conduct
	inbox    mailbox
	owes     map[string]bool // to whom an answer is under way
	answered int
}

const mostPhantoms = 10_000 // of a larger company only the first are signed in

func newCrowd(s *staff, p *pool, d *diaries, o Options) *crowd {
	c := &crowd{
		staff: s, pool: p, diaries: d, still: o.Still, now: o.Now,
		phantoms: make(map[string]*phantom, min(len(s.people), mostPhantoms)),
		random:   randv2.New(randv2.NewPCG(seed, uint64(len(s.people)))),
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// start signs people in, all but the newcomer, and lets them live. A simulated
// client makes room as soon as its user signs in for real.
func (c *crowd) start() {
	c.pool.onSignIn(c.leave)
	for i, p := range c.staff.people[:min(len(c.staff.people), mostPhantoms)] {
		if i != c.staff.newcomer {
			m, keeps := c.firstMood(i)
			_ = c.set(p.User, m, keeps) // nobody else has signed in yet
		}
	}
	if !c.still {
		c.working.Go(c.live)
	}
}

// stop ends all that people are about to do; wait waits for it.
func (c *crowd) stop() { c.cancel() }
func (c *crowd) wait() { c.working.Wait() }

// of returns the simulated client of a user, made when first needed. Under c.mu.
func (c *crowd) of(user string) *phantom {
	p := c.phantoms[user]
	if p == nil {
		p = &phantom{user: user, mood: mood{state: "offline"}}
		c.phantoms[user] = p
	}
	return p
}

// set gives a user's simulated client a state, and signs it in or out as that
// demands; keeps: life does not change it. Somebody who is signed in for real
// cannot be simulated.
func (c *crowd) set(user string, m mood, keeps bool) error {
	c.turn.Lock()
	defer c.turn.Unlock()
	c.mu.Lock()
	p := c.of(user)
	was := p.signedIn
	c.mu.Unlock()
	online := m.state != "offline"
	if !was && len(c.pool.registrar.reachable(user, "")) > 0 {
		return fmt.Errorf("%s is signed in with a client that is not simulated", user)
	}
	c.mu.Lock()
	p.mood, p.signedIn, p.keeps = m, online, keeps
	c.mu.Unlock()
	switch {
	case online && !was:
		c.pool.attach(user, func(r *sip.Request) answer { return c.deliver(p, r) })
	case !online && was:
		c.pool.detach(user)
	}
	c.pool.publishLocal(user, m.document(user, c.now()))
	return nil
}

// leave takes a simulated client away, because its user signed in for real.
func (c *crowd) leave(user string) {
	c.turn.Lock()
	defer c.turn.Unlock()
	c.mu.Lock()
	p := c.of(user)
	was := p.signedIn || p.mood.note != ""
	p.signedIn, p.mood, p.keeps = false, mood{state: "offline"}, true
	p.conduct.end()
	c.mu.Unlock()
	if was {
		c.pool.detach(user)
		c.pool.publishLocal(user, nil)
	}
}

// simulates says whether the simulated client of user is signed in, and its mood.
func (c *crowd) simulates(user string) (mood, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.phantoms[user]
	if p == nil {
		return mood{}, false
	}
	return p.mood, p.signedIn
}

// deliver is called by the pool with each request for the simulated client.
func (c *crowd) deliver(p *phantom, r *sip.Request) answer {
	c.mu.Lock()
	does := p.conduct
	c.mu.Unlock()
	switch {
	case r.Method != sip.MESSAGE && r.Method != sip.INVITE:
	case does.code != 0:
		return answer{code: does.code, after: does.after}
	}
	a := c.judge(p, r)
	a.after = does.after
	return a
}

// judge says how a client answers a request.
func (c *crowd) judge(p *phantom, r *sip.Request) answer {
	switch r.Method {
	case sip.MESSAGE:
		return c.take(p, r)
	case sip.OPTIONS: // RFC 3261 §11.2
		return answer{code: sip.StatusOK, headers: []sip.Header{sip.NewHeader("Accept", accepted), sip.NewHeader("Allow", "MESSAGE, OPTIONS, NOTIFY")}}
	case sip.NOTIFY:
		return answer{code: sip.StatusOK}
	case sip.INVITE: // they have neither microphone nor phone
		return answer{code: sip.StatusNotAcceptableHere}
	case sip.BYE, sip.CANCEL:
		return answer{code: sip.StatusCallTransactionDoesNotExists}
	}
	return answer{code: sip.StatusMethodNotAllowed}
}
