package sipconn

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Subscription says what to subscribe to and who hears of it (RFC 6665).
type Subscription struct {
	To       string              // "user@domain" or URI
	Event    string              // event package, e.g. "presence"
	Accept   []string            // content types
	Expires  time.Duration       // asked for; what the server grants decides the refresh. 0: fetch the state once
	Headers  []sip.Header        // more headers, e.g. Supported: eventlist
	Body     Body                // optional
	Accepted func(*sip.Response) // each 2xx to a SUBSCRIBE, on the dispatcher; may be nil
	Notify   func(*sip.Request)  // each NOTIFY, in order, on the dispatcher; it has been answered 200
	Lapsed   func()              // the subscription is not in force just now and is being renewed, on the dispatcher; may be nil
	Refresh  <-chan struct{}     // a value asks for a refresh now, which brings the full state; may be nil
	Late     bool                // a NOTIFY that later ones have overtaken is handed over too: its document says its own version
}

// EndedError: the server ended the subscription for good.
type EndedError struct{ Reason string } // reason of Subscription-State: rejected, noresource, ...

func (e *EndedError) Error() string { return "subscription ended: " + e.Reason }

const (
	refreshLead    = time.Minute      // how long before its end a long subscription is refreshed
	retryFirst     = 5 * time.Second  // before the second attempt after a failure; doubles
	retryMost      = 5 * time.Minute  // at most
	steady         = time.Minute      // a subscription that lived this long starts the doubling anew
	unsubscribeFor = 5 * time.Second  // for the answer and the final NOTIFY
	fetchFor       = 32 * time.Second // for the NOTIFY of a fetch
	longestGrant   = 24 * time.Hour
)

// subscription is one dialog of a Subscription; after a lapse there is a new one.
type subscription struct {
	conn *Conn
	s    *Subscription
	key  string
	tag  string        // ours
	wake chan struct{} // has one element when something below changed

	mu      sync.Mutex
	dialog  *Dialog
	until   time.Time // the end of what was granted
	granted time.Duration
	state   substate // of the last NOTIFY that ended it
	etag    string   // of the state that the last NOTIFY brought; empty: not known, or not all of them came
	heard   uint32   // CSeq of the last NOTIFY
}

// substate is a Subscription-State (RFC 6665 §8.4).
type substate struct {
	word       string // active, pending, terminated, ...
	reason     string
	expires    time.Duration
	hasExpires bool
	retryAfter time.Duration
}

func (s substate) terminated() bool { return s.word == "terminated" }

func subscriptionState(r *sip.Request) (s substate) {
	h := r.GetHeader("Subscription-State")
	if h == nil {
		return s
	}
	parts := split(h.Value(), ';')
	s.word = strings.ToLower(strings.TrimSpace(parts[0]))
	for _, p := range parts[1:] {
		name, value, _ := strings.Cut(p, "=")
		value = strings.TrimSpace(value)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "reason":
			s.reason = shown(strings.ToLower(value), 40)
		case "expires":
			s.expires, s.hasExpires = seconds(value), value != ""
		case "retry-after":
			s.retryAfter = seconds(value)
		}
	}
	return s
}

// Subscribe subscribes, refreshes before the granted time ends, starts anew
// after 481, a time-out or terminated with deactivated, timeout or probation,
// and returns when it has ended for good: with *StatusError or *EndedError
// when the server refused, ErrLost with the connection, or, after
// unsubscribing, the error of ctx. A server error (5xx, 480) ends a
// subscription that never was in force, and only delays one that was.
// A fetch (Expires 0) returns nil after its NOTIFY.
func (c *Conn) Subscribe(ctx context.Context, s Subscription) error {
	ever, failures := false, 0
	for {
		sub := &subscription{conn: c, s: &s, wake: make(chan struct{}, 1)}
		begun := time.Now()
		accepted, wait, err := sub.run(ctx, ever)
		c.leave(sub)
		ever = ever || accepted
		if err != nil || s.Expires == 0 {
			return err
		}
		if failures++; accepted && time.Since(begun) >= steady {
			failures = 0
		}
		if s.Lapsed != nil {
			c.in.add(s.Lapsed)
		}
		select {
		case <-time.After(max(wait, retryDelay(failures))):
		case <-ctx.Done():
			return ctx.Err()
		case <-c.done:
			return ErrLost
		}
	}
}

// retryDelay spreads what thousands of clients would do at the same moment.
func retryDelay(failures int) time.Duration {
	if failures == 0 {
		return rand.N(time.Second)
	}
	d := min(retryFirst<<min(failures-1, 10), retryMost)
	return d/2 + rand.N(d)
}

// run is one dialog from SUBSCRIBE to its end. An error is for good; without
// one the subscription is to be begun anew, after wait at least.
func (b *subscription) run(ctx context.Context, ever bool) (accepted bool, wait time.Duration, err error) {
	c := b.conn
	r, err := c.NewRequest("SUBSCRIBE", b.s.To, b.s.Body)
	if err != nil {
		return false, 0, err
	}
	b.tag = tag(r.From().Params)
	b.key = string(*r.CallID()) + " " + b.tag
	if !c.join(b) { // before it is written: the first NOTIFY may overtake the 200
		return false, 0, ErrOffline
	}
	b.dress(r, b.s.Expires)
	for {
		again, wait, err := b.ask(ctx, r, ever || accepted)
		if err != nil || again {
			return accepted, wait, err
		}
		accepted = true
		over, wait, err := b.keep(ctx)
		if err != nil || over {
			return true, wait, err
		}
		r = b.current().NewRequest("SUBSCRIBE", b.s.Body)
		b.dress(r, b.s.Expires)
		b.condition(r)
	}
}

// condition asks a notifier that gives entity tags not to repeat what we have
// (RFC 5839 §4.3.2).
func (b *subscription) condition(r *sip.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.etag != "" {
		r.AppendHeader(sip.NewHeader("Suppress-If-Match", b.etag))
	}
}

// dress gives a SUBSCRIBE its headers.
func (b *subscription) dress(r *sip.Request, expires time.Duration) {
	r.AppendHeader(sip.NewHeader("Event", b.s.Event))
	r.AppendHeader(sip.NewHeader("Expires", itoa(int(expires/time.Second))))
	if len(b.s.Accept) > 0 {
		r.AppendHeader(sip.NewHeader("Accept", strings.Join(b.s.Accept, ", ")))
	}
	r.AppendHeader(sip.NewHeader("Accept-Encoding", acceptEncoding))
	for _, h := range b.s.Headers {
		r.AppendHeader(sip.HeaderClone(h))
	}
}

// ask sends a SUBSCRIBE. again: it failed in a way that asks for a new start.
func (b *subscription) ask(ctx context.Context, r *sip.Request, ever bool) (again bool, wait time.Duration, err error) {
	res, err := b.conn.do(ctx, r, nil, b.accept)
	var refused *StatusError
	switch {
	case err == nil:
		return !b.grant(res), 0, nil
	case ctx.Err() != nil:
		b.unsubscribe(ctx)
		return false, 0, ctx.Err()
	case errors.Is(err, ErrOffline):
		return false, 0, ErrLost
	case errors.Is(err, ErrNoAnswer):
		return true, 0, nil
	case !errors.As(err, &refused):
		return false, 0, err
	case refused.Code == 423 && res != nil:
		return b.longer(res, err)
	case refused.Code == 481 || refused.Code == 408:
		return true, refused.RetryAfter, nil
	case ever && (refused.Code == 480 || refused.Code >= 500 && refused.Code < 600 && refused.Code != 501 && refused.Code != 505):
		return true, refused.RetryAfter, nil
	}
	return false, 0, err
}

// longer takes Min-Expires of a 423 for the next attempt (RFC 6665 §4.2.1.1).
func (b *subscription) longer(res *sip.Response, err error) (bool, time.Duration, error) {
	h := res.GetHeader("Min-Expires")
	if h == nil || seconds(h.Value()) <= b.s.Expires {
		return false, 0, err
	}
	b.s.Expires = seconds(h.Value())
	return true, 0, nil
}

// accept is called by the reader for each 2xx to a SUBSCRIBE.
func (b *subscription) accept(r *sip.Request, res *sip.Response) {
	b.mu.Lock()
	if b.dialog == nil {
		b.dialog = b.conn.newDialog(r, res)
	}
	d := b.dialog
	b.mu.Unlock()
	d.follow(r.CSeq().SeqNo)
	if tag(res.To().Params) == tag(d.peer.Params) {
		d.retarget(res)
	}
	if b.s.Accepted != nil && res.StatusCode != 204 { // RFC 5839 §4.3.2: 204 says only that nothing is new
		b.conn.in.add(func() { b.s.Accepted(res) })
	}
}

// follow notes the CSeq of a request of ours that the dialog did not number.
func (d *Dialog) follow(seq uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seq = max(d.seq, seq)
}

func (b *subscription) current() *Dialog {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.dialog
}

// grant notes how long the subscription is in force; false for not at all.
func (b *subscription) grant(res *sip.Response) bool {
	granted := b.s.Expires
	if h := res.GetHeader("Expires"); h != nil {
		granted = seconds(h.Value())
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.granted = min(granted, longestGrant)
	b.until = time.Now().Add(b.granted)
	return b.granted > 0 || b.s.Expires == 0
}

// untilRefresh is how long to wait before the next SUBSCRIBE.
func (b *subscription) untilRefresh() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	lead := min(b.granted/2, refreshLead)
	lead += rand.N(lead/4 + 1)
	return max(time.Until(b.until)-lead, time.Second) // never a storm, whatever was granted
}

// keep waits until it is time to refresh, or the subscription is over.
func (b *subscription) keep(ctx context.Context) (over bool, wait time.Duration, err error) {
	for {
		if over, wait, err := b.verdict(); over {
			return true, wait, err
		}
		next := b.untilRefresh()
		if b.s.Expires == 0 {
			next = fetchFor
		}
		timer := time.NewTimer(next)
		select {
		case <-timer.C:
			return b.s.Expires == 0, 0, nil
		case <-b.s.Refresh:
			timer.Stop()
			b.forget()
			return false, 0, nil
		case <-b.wake:
		case <-ctx.Done():
			timer.Stop()
			b.unsubscribe(ctx)
			return true, 0, ctx.Err()
		case <-b.conn.done:
			timer.Stop()
			return true, 0, ErrLost
		}
		timer.Stop()
	}
}

// verdict says what a terminated NOTIFY means (RFC 6665 §4.1.3).
func (b *subscription) verdict() (over bool, wait time.Duration, err error) {
	b.mu.Lock()
	s := b.state
	b.mu.Unlock()
	if !s.terminated() {
		return false, 0, nil
	}
	if b.s.Expires == 0 {
		return true, 0, nil
	}
	switch s.reason {
	case "deactivated", "timeout", "probation", "":
		return true, s.retryAfter, nil
	}
	return true, 0, &EndedError{s.reason}
}

// notified takes a NOTIFY (or BENOTIFY) from the dispatcher.
func (b *subscription) notified(in *Incoming) {
	r := in.Request
	if e := r.GetHeader("Event"); e != nil {
		if name, _, _ := strings.Cut(e.Value(), ";"); !strings.EqualFold(strings.TrimSpace(name), b.s.Event) {
			_ = in.Reply(489, "Bad Event", Body{})
			return
		}
	}
	b.mu.Lock()
	if b.dialog == nil {
		b.dialog = b.conn.newServerDialog(r, b.tag)
	}
	d := b.dialog
	b.mu.Unlock()
	if tag(r.From().Params) != tag(d.peer.Params) { // RFC 6665 §4.4.1: of a fork we keep the first
		_ = in.Reply(481, "Subscription Does Not Exist", Body{})
		return
	}
	late := !d.inOrder(r.CSeq().SeqNo)
	if late && !b.s.Late {
		_ = in.Reply(500, "CSeq Out of Order", Body{}) // RFC 3261 §12.2.2
		return
	}
	if !late {
		d.retarget(r)
	}
	b.tagged(r, late)
	_ = in.Reply(200, "OK", Body{}) // fails only with the connection
	if b.s.Notify != nil {
		b.s.Notify(r)
	}
	if !late {
		b.note(subscriptionState(r))
	}
}

// tagged notes the entity tag of the state that a NOTIFY brings. One that was
// overtaken, or one before it that never came, leaves none: then the next
// refresh is to bring everything.
func (b *subscription) tagged(r *sip.Request, late bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	seq := r.CSeq().SeqNo
	gap := b.heard != 0 && seq != b.heard+1
	b.etag, b.heard = etag(r), max(b.heard, seq)
	if late || gap {
		b.etag = ""
	}
}

// forget makes the next refresh bring everything.
func (b *subscription) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.etag = ""
}

// note takes what a NOTIFY says about the subscription itself.
func (b *subscription) note(s substate) {
	b.mu.Lock()
	switch {
	case s.terminated():
		b.state = s
	case s.hasExpires && s.expires > 0 && !b.until.IsZero():
		if end := time.Now().Add(s.expires); end.Before(b.until) { // the notifier may shorten it
			b.until, b.granted = end, s.expires
		}
	}
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// unsubscribe ends the subscription and waits a little for the final NOTIFY.
func (b *subscription) unsubscribe(ctx context.Context) {
	d := b.current()
	if over, _, _ := b.verdict(); over || d == nil {
		return
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), unsubscribeFor)
	defer stop()
	r := d.NewRequest("SUBSCRIBE", Body{})
	b.dress(r, 0)
	if _, err := b.conn.do(ctx, r, nil, nil); err != nil {
		return // over all the same: it will not be refreshed
	}
	for {
		if over, _, _ := b.verdict(); over {
			return
		}
		select {
		case <-b.wake:
		case <-ctx.Done():
			return
		case <-b.conn.done:
			return
		}
	}
}

// join enters a subscription into the table; false when the connection has ended.
func (c *Conn) join(b *subscription) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return false
	}
	c.subs[b.key] = b
	return true
}

func (c *Conn) leave(b *subscription) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.subs, b.key)
}
