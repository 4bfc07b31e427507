package lab

import (
	"context"
	"fmt"
	randv2 "math/rand/v2"
	"strings"
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
	inbox    []letter
	owes     map[string]bool // to whom an answer is under way
	answered int
}

// letter is a message that reached a simulated client.
type letter struct {
	Time time.Time `json:"time"`
	From string    `json:"from"` // sip:user@domain
	Text string    `json:"text"`
	key  string    // tells a repetition
}

const (
	mostPhantoms = 5000 // of a larger company only the first are signed in
	inboxLetters = 1000 // then the oldest go
	letterBytes  = 16 << 10
)

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
		c.pool.attach(user, func(r *sip.Request) int { return c.deliver(p, r) })
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

// letters is what reached the simulated client of user, oldest first.
func (c *crowd) letters(user string) []letter {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.phantoms[user]; p != nil {
		return append([]letter{}, p.inbox...)
	}
	return []letter{}
}

// deliver is called by the pool with each request for the simulated client; it
// returns the status code.
func (c *crowd) deliver(p *phantom, r *sip.Request) int {
	switch r.Method {
	case sip.MESSAGE:
		return c.deliverMessage(p, r)
	case sip.OPTIONS, sip.NOTIFY:
		return sip.StatusOK
	case sip.INVITE: // they have neither microphone nor phone
		return sip.StatusNotAcceptableHere
	case sip.BYE, sip.CANCEL:
		return sip.StatusCallTransactionDoesNotExists
	}
	return sip.StatusMethodNotAllowed
}

func (c *crowd) deliverMessage(p *phantom, r *sip.Request) int {
	kind := "text/plain" // RFC 3261 §20.15 leaves none only for an empty body
	if h := r.ContentType(); h != nil {
		kind, _, _ = strings.Cut(strings.ToLower(h.Value()), ";")
	}
	switch strings.TrimSpace(kind) {
	case "text/plain":
	case "application/im-iscomposing+xml", "message/imdn+xml": // heard, with nothing to show
		return sip.StatusOK
	default: // RFC 3428 §4
		return sip.StatusUnsupportedMediaType
	}
	if len(r.Body()) > letterBytes {
		return sip.StatusRequestEntityTooLarge
	}
	from := ""
	if f := r.From(); f != nil {
		from = userOf(f.Address)
	}
	text := strings.ToValidUTF8(string(r.Body()), "\uFFFD")
	l := letter{Time: c.now(), From: "sip:" + from, Text: text, key: keyOf(r)}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, old := range p.inbox { // a repetition after a lost answer is shown once
		if old.key == l.key && l.key != "" {
			return sip.StatusOK
		}
	}
	if p.inbox = append(p.inbox, l); len(p.inbox) > inboxLetters {
		p.inbox = p.inbox[1:]
	}
	c.mayAnswer(p, from, text)
	return sip.StatusOK
}

// keyOf is the same for repetitions of a message: its Call-ID and text.
func keyOf(r *sip.Request) string {
	if id := r.CallID(); id != nil {
		return id.Value() + "\n" + string(r.Body())
	}
	return ""
}
