package simple

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"communicator/presence"
	"communicator/wire/pidf"
	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

const (
	publishFor     = time.Hour           // asked for while we are there to refresh
	publishOnceFor = 12 * time.Hour      // asked for by a command that leaves; servers cut it
	lastWordFor    = 30 * 24 * time.Hour // asked for at sign-out: the note outlives it for as long as the server grants
	publishAtLeast = time.Minute         // least asked for
	retryPublish   = 30 * time.Second    // after a refresh that failed
	awaitTag       = time.Second         // for the answer to what is on its way, when nobody wants to wait any more
)

const conditionFailed = 412 // RFC 3903 §11.2.1: Conditional Request Failed

// publisher keeps one publication of the user (RFC 3903). Publishing again and
// refreshing take turns; the state of the publication is in published, and in
// Options.Dir, so that the next process replaces it.
type publisher struct {
	s    *Server
	turn chan struct{} // holds one token; who takes it may send PUBLISH

	mu        sync.Mutex
	ctx       context.Context // that of Start
	keeping   bool            // keep runs for ctx
	wake      chan struct{}   // tells keep that the due time has changed
	state     presence.State  // what is to be published
	current   bool            // state is published on this connection
	published publication
	unwritten bool        // published could not be written to the file
	stale     publication // what the file had then
}

func (p *publisher) init(s *Server) {
	p.s, p.turn, p.wake = s, make(chan struct{}, 1), make(chan struct{}, 1)
	p.turn <- struct{}{}
}

// start makes ctx the one that bounds refreshing. What was published on an
// earlier connection must be said again on this one.
func (p *publisher) start(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ctx, p.keeping, p.current = ctx, false, false
}

func (p *publisher) publish(ctx context.Context, state presence.State) error {
	return p.inTurn(ctx, func() error {
		kept := p.load()
		p.mu.Lock()
		same := p.current && sameState(p.state, state) && kept.ETag == p.published.ETag // else another process has said something else
		p.mu.Unlock()
		if same {
			return nil
		}
		if err := p.send(ctx, state, publishFor); err != nil {
			return fmt.Errorf("publish presence: %w", err)
		}
		p.keep(state)
		return nil
	})
}

// doubt makes the next publish send what it thinks is published already.
func (p *publisher) doubt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.current = false
}

// once publishes state and leaves it to run out, after ask if the server grants it.
func (p *publisher) once(ctx context.Context, state presence.State, ask time.Duration) (until time.Time, err error) {
	err = p.inTurn(ctx, func() error {
		p.doubt() // nobody refreshes it
		if rest := state.Until.Sub(p.s.o.Now()); !state.Until.IsZero() && rest < ask {
			ask = max(rest, publishAtLeast)
		}
		if err := p.send(ctx, state, ask); err != nil {
			return fmt.Errorf("publish presence: %w", err)
		}
		p.mu.Lock()
		until = p.published.Expires
		p.mu.Unlock()
		return nil
	})
	return until, err
}

func (p *publisher) remove(ctx context.Context) error {
	return p.inTurn(ctx, func() error {
		p.doubt()
		pub := p.load()
		if pub.ETag == "" {
			return nil
		}
		res, err := p.request(ctx, sipconn.Body{}, pub.ETag, 0)
		if err != nil && !tagRefused(res) { // refused: it is gone already
			return fmt.Errorf("take presence back: %w", err)
		}
		pub.ETag, pub.Expires = "", time.Time{}
		return p.store(pub)
	})
}

// inTurn runs f while nobody else sends a PUBLISH.
func (p *publisher) inTurn(ctx context.Context, f func() error) error {
	select {
	case <-p.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { p.turn <- struct{}{} }()
	return f()
}

// send publishes state in full: in place of the former publication if there is
// one, else as a new one.
func (p *publisher) send(ctx context.Context, state presence.State, ask time.Duration) error {
	if state.Availability == presence.Unknown || state.Availability == "" {
		return errors.New("no state to publish")
	}
	pub := p.load()
	doc := author{p.s.o.Self, pub.Device, p.s.o.Device}.document(state, p.s.o.Now())
	body := sipconn.Body{Type: pidf.ContentType, Content: doc.Marshal()}
	res, err := p.request(ctx, body, pub.ETag, ask)
	if pub.ETag != "" && tagRefused(res) {
		// RFC 3903 §4.1: 412, the publication is gone: a new one. Kamailio 5.6 says 500 to a tag it cannot read.
		res, err = p.request(ctx, body, "", ask)
	}
	if err != nil {
		return err
	}
	return p.accepted(pub, res, ask)
}

// refresh prolongs the publication; one that the server lost is made anew.
func (p *publisher) refresh(ctx context.Context) error {
	pub := p.load()
	if pub.ETag != "" && p.s.o.Now().Before(pub.Expires) {
		res, err := p.request(ctx, sipconn.Body{}, pub.ETag, publishFor) // RFC 3903 §4.3: no body
		if err == nil {
			return p.accepted(pub, res, publishFor)
		}
		if !tagRefused(res) {
			return err
		}
		pub.ETag = ""
		if err := p.store(pub); err != nil {
			return err
		}
	}
	p.mu.Lock()
	state := p.state
	p.mu.Unlock()
	return p.send(ctx, state, publishFor)
}

// request sends one PUBLISH. An interval that is too brief is asked for again
// as long as the server wants it (RFC 3903 §4.2, 423).
func (p *publisher) request(ctx context.Context, body sipconn.Body, tag string, ask time.Duration) (*sip.Response, error) {
	conn, err := p.s.o.Line.Conn()
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	ctx, cancel := outlive(ctx)
	defer cancel()
	for first := true; ; first = false {
		r, err := conn.NewRequest("PUBLISH", p.s.o.Self, body)
		if err != nil {
			return nil, err
		}
		r.AppendHeader(sip.NewHeader("Event", "presence"))
		r.AppendHeader(sip.NewHeader("Expires", strconv.Itoa(int(ask/time.Second))))
		if tag != "" {
			r.AppendHeader(sip.NewHeader("SIP-If-Match", tag)) // RFC 3903 §4.1: an ETag is used once
		}
		res, err := conn.Do(ctx, r, nil)
		least := seconds(res, "Min-Expires")
		if !first || ask == 0 || res == nil || res.StatusCode != sip.StatusIntervalToBrief || least <= ask || least > 24*time.Hour {
			return res, err
		}
		ask = least
	}
}

// outlive is ctx, but ends a little later: the answer has the tag without which
// what was sent can neither be changed nor taken back at a sign-out.
func outlive(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(awaitTag):
			cancel()
		case <-longer.Done():
		}
	})
	return longer, func() { stop(); cancel() }
}

// accepted keeps what the server granted.
func (p *publisher) accepted(pub publication, res *sip.Response, asked time.Duration) error {
	granted := seconds(res, "Expires")
	if granted <= 0 {
		granted = asked
	}
	pub.ETag, pub.Expires = "", p.s.o.Now().Add(granted)
	if h := res.GetHeader("SIP-ETag"); h != nil && len(h.Value()) <= 256 {
		pub.ETag = strings.TrimSpace(h.Value())
	}
	return p.store(pub)
}

// tagRefused says that the server does not know the ETag.
func tagRefused(res *sip.Response) bool {
	return res != nil && (res.StatusCode == conditionFailed || res.StatusCode == sip.StatusInternalServerError)
}

// seconds reads a header that is a number of seconds; -1: not there.
func seconds(res *sip.Response, name string) time.Duration {
	if res == nil {
		return -1
	}
	h := res.GetHeader(name)
	if h == nil {
		return -1
	}
	n, err := strconv.ParseUint(strings.TrimSpace(h.Value()), 10, 31)
	if err != nil {
		return -1
	}
	return time.Duration(n) * time.Second
}

// keep remembers what is published and sees that it is refreshed.
func (p *publisher) keep(state presence.State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state, p.current = state, true
	if p.ctx == nil {
		return
	}
	if !p.keeping {
		p.keeping = true
		go p.refreshUntilDone(p.ctx) // ends with ctx
	}
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// refreshUntilDone refreshes the publication whenever it is due.
func (p *publisher) refreshUntilDone(ctx context.Context) {
	var again time.Duration // after a failure: when to try again
	for {
		p.mu.Lock()
		due, wanted := refreshAt(p.s.o.Now(), p.published.Expires), p.current
		p.mu.Unlock()
		switch {
		case !wanted:
			due = publishFor // nothing to refresh: until woken
		case again > 0:
			due = again
		}
		timer := time.NewTimer(due)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-p.wake:
			timer.Stop()
			again = 0
			continue
		case <-timer.C:
		}
		err := p.inTurn(ctx, func() error {
			p.mu.Lock()
			wanted := p.current && p.ctx == ctx
			p.mu.Unlock()
			if !wanted {
				return nil
			}
			return p.refresh(ctx)
		})
		if again = retryAfter(err, retryPublish); again > 0 && ctx.Err() == nil {
			p.s.o.Log.Warn("presence not refreshed", "error", err)
		}
	}
}

// retryAfter is how long to wait after err: as long as the server says, but
// least at least; 0 if there is no error.
func retryAfter(err error, least time.Duration) time.Duration {
	var status *sipconn.StatusError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status) && status.RetryAfter > least:
		return status.RetryAfter
	}
	return least
}

// refreshAt is how long to wait with the refresh: each one makes the server
// tell all watchers, so it comes late, but with time left for a second try.
func refreshAt(now, expires time.Time) time.Duration {
	left := expires.Sub(now)
	return max(left-min(left/5, time.Minute), time.Second)
}

// sameState says that b need not be published after a.
func sameState(a, b presence.State) bool {
	return a.Looks(b) && a.Chosen.Equal(b.Chosen)
}
