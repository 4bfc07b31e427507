package lab

import (
	"context"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

const (
	// answerTime is how long a client may take for a request that no person
	// has to answer; Kamailio's fr_timer in our recipe.
	answerTime = 5 * time.Second
	// ringTime is timer C (RFC 3261 §16.6).
	ringTime = 3 * time.Minute
	// routeMark begins the user part of our Record-Route; the two connections
	// of the dialog follow.
	routeMark = "lab-"
)

// own says whether a URI names this server.
func (p *pool) own(l *flow, u sip.Uri) bool {
	host := strings.ToLower(u.Host)
	if strings.HasPrefix(u.User, routeMark) || host == p.domain || strings.HasSuffix(host, "."+p.domain) {
		return true
	}
	at, port, err := net.SplitHostPort(l.conn.LocalAddr().String())
	return err == nil && strings.Trim(host, "[]") == at && (u.Port == 0 || strconv.Itoa(u.Port) == port)
}

// forward sends a request to all contacts of the one it is for.
func (r *request) forward() *refusal {
	targets, x := r.targets()
	if x != nil {
		return x
	}
	if len(targets) == 0 {
		return refuse(480, "Temporarily Unavailable")
	}
	r.fork(targets, func(best *sip.Response, silent bool) {
		if best != nil {
			r.respond(best)
			return
		}
		x := refuse(480, "Temporarily Unavailable")
		if silent {
			x = refuse(408, "Request Timeout")
		}
		r.answer(x)
	})
	return nil
}

// targets finds the contacts that the Request-URI stands for. None and no
// refusal: the user exists and cannot be reached.
func (r *request) targets() ([]*binding, *refusal) {
	user, instance, ok := r.pool.registrar.gruus.resolve(r.Recipient)
	if _, known := r.pool.accounts[user]; !ok || !known {
		return nil, refuse(404, "Not found")
	}
	return r.pool.registrar.reachable(user, instance), nil
}

// fork is one request on its way to several contacts (RFC 3261 §16.6-16.7).
type fork struct {
	r      *request
	ctx    context.Context
	cancel context.CancelFunc
	key    string
	end    func(best *sip.Response, silent bool) // nobody said 2xx

	mu     sync.Mutex
	open   int           // branches without a final answer
	won    bool          // a 2xx was passed on
	best   *sip.Response // of the others
	silent bool          // somebody did not answer in time
}

// fork sends the request to all targets at once. The first 2xx is passed on;
// when there is none, end gets the best of the other answers (nil: no answer).
func (r *request) fork(targets []*binding, end func(best *sip.Response, silent bool)) {
	f := &fork{r: r, end: end, open: len(targets)}
	if r.Method == sip.INVITE {
		r.reply(100, "Trying", sipconn.Body{})
		// Ends with CANCEL, with the final answer and with the caller's connection.
		f.ctx, f.cancel = context.WithTimeout(r.in.Context(), ringTime)
	} else {
		f.ctx, f.cancel = context.WithTimeout(r.pool.ctx, answerTime)
	}
	var looped bool
	if f.key, looped = r.pool.enter(r.Request); looped {
		f.cancel()
		r.answer(refuse(482, "Loop Detected")) // RFC 3261 §16.3.
		return
	}
	// All copies are made before the first is sent: answers may come at once.
	copies := make([]*sip.Request, len(targets))
	for i, b := range targets {
		copies[i] = r.copyFor(b)
	}
	for i, b := range targets {
		b.send(f.ctx, copies[i], f.progress, f.answered)
	}
}

// send passes a request to a contact; done is called once, perhaps before send returns.
func (b *binding) send(ctx context.Context, q *sip.Request, progress func(*sip.Response), done func(*sip.Response, error)) {
	if b.deliver == nil {
		b.flow.send(ctx, q, progress, done)
		return
	}
	a := b.deliver(q)
	res := sip.NewResponseFromRequest(q, a.code, phrase(a.code), nil)
	for _, h := range a.headers {
		res.AppendHeader(h)
	}
	if a.after == 0 {
		done(res, nil)
		return
	}
	go func() { // ends with ctx
		t := time.NewTimer(a.after)
		defer t.Stop()
		select {
		case <-t.C:
			done(res, nil)
		case <-ctx.Done():
			done(nil, ctx.Err())
		}
	}()
}

// progress passes 1xx on, except 100 (RFC 3261 §16.7 step 5).
func (f *fork) progress(res *sip.Response) {
	f.mu.Lock()
	won := f.won
	f.mu.Unlock()
	if res.StatusCode > 100 && !won {
		f.r.respond(res)
	}
}

// answered takes the final answer of one branch.
func (f *fork) answered(res *sip.Response, err error) {
	f.mu.Lock()
	f.open--
	last := f.open == 0
	first, extra := false, false
	switch {
	case res == nil:
		f.silent = f.silent || err != sipconn.ErrOffline && err != sipconn.ErrLost
	case res.IsSuccess():
		first, extra = !f.won, f.won
		f.won = true
	case f.best == nil || rank(res.StatusCode) < rank(f.best.StatusCode):
		f.best = res
	}
	won, best, silent := f.won, f.best, f.silent
	f.mu.Unlock()

	switch {
	case first:
		f.r.respond(res)
	case extra && f.r.Method == sip.INVITE:
		_ = f.r.in.Conn.Write(res) // RFC 3261 §16.7 step 5: every 2xx to an INVITE.
	}
	if f.r.Method == sip.INVITE && (first || res != nil && res.StatusCode >= 600) {
		f.cancel() // RFC 3261 §16.7 step 10: CANCEL to the others.
	}
	if !last {
		return
	}
	f.cancel()
	f.r.pool.leave(f.key)
	if !won {
		f.end(best, silent)
	}
}

// rank orders final answers (RFC 3261 §16.7 step 6): 6xx first, then by class.
// 401 and 407 win within theirs, 487 (our own CANCEL) and 408 come last.
func rank(code int) int {
	switch {
	case code >= 600:
		return 0
	case code == 401 || code == 407:
		return 400
	case code == 408 || code == 487:
		return 499
	}
	return code/100*100 + 1
}

// enter notes a request on its way; looped: the same is on its way already
// and has come back with more than its sender's Via (RFC 3261 §16.3 step 4).
func (p *pool) enter(q *sip.Request) (key string, looped bool) {
	tag, _ := q.From().Params.Get("tag")
	key = strings.Join([]string{q.CallID().Value(), tag, q.CSeq().Value(), q.Recipient.String()}, " ")
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.routes[key] > 0 && len(q.GetHeaders("Via")) > 1 {
		return "", true
	}
	p.routes[key]++
	return key, false
}

func (p *pool) leave(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.routes[key]--; p.routes[key] <= 0 {
		delete(p.routes, key)
	}
}

// copyFor makes the request that goes to a contact (RFC 3261 §16.6).
func (r *request) copyFor(b *binding) *sip.Request {
	q := r.onward()
	if b.deliver == nil {
		var u sip.Uri
		if sip.ParseUri(b.uri, &u) == nil { // it was parsed when it registered
			q.Recipient = u
		}
		if r.Method == sip.INVITE || r.Method == sip.REFER {
			r.recordRoute(q, b.flow)
		}
	}
	return q
}

// onward copies the request for the next hop: one hop fewer, without what was
// meant for us, and with who sent it (RFC 3325 §5: never the client's word).
func (r *request) onward() *sip.Request {
	q := r.Clone()
	hops := sip.MaxForwardsHeader(r.MaxForwards().Val() - 1)
	q.ReplaceHeader(&hops)
	for _, h := range slices.Clone(q.Headers()) {
		switch strings.ToLower(h.Name()) {
		case "proxy-authorization", "authorization":
			if strings.Contains(h.Value(), `realm="`+r.pool.domain+`"`) {
				q.RemoveHeader(h.Name())
			}
		case "p-asserted-identity", "p-preferred-identity":
			q.RemoveHeader(h.Name())
		}
	}
	if r.user != "" {
		q.AppendHeader(sip.NewHeader("P-Asserted-Identity", "<sip:"+r.user+">"))
	}
	return q
}

// recordRoute keeps us in the dialog: once when both ends see the same
// address of ours, else once for each side (RFC 5658 §5).
func (r *request) recordRoute(q *sip.Request, to *flow) {
	user := routeMark + r.flow.id + "." + to.id
	near, far := r.flow.uri(user, ";lr"), to.uri(user, ";lr")
	q.PrependHeader(recordRoute(near))
	if near != far {
		q.PrependHeader(recordRoute(far))
	}
}

func recordRoute(uri string) sip.Header {
	h := &sip.RecordRouteHeader{}
	_ = sip.ParseUri(uri, &h.Address) // flow.uri is well-formed
	return h
}

// inDialog passes a request on along its dialog, or hands it to the
// subscription it belongs to. It is not challenged, as ACK and CANCEL could not be.
func (r *request) inDialog() *refusal {
	if r.Method == sip.SUBSCRIBE {
		if s := r.pool.presence.find(r.Request); s != nil {
			return r.resubscribe(s)
		}
	}
	if x := r.pool.policy.judge(r.Request); x != nil {
		return x
	}
	if to := r.peer(); to != nil {
		return r.along(to)
	}
	// Without a route of ours: a client that came back over another connection.
	b := r.contactNamed()
	switch {
	case b == nil || b.deliver != nil:
		return refuse(481, "Call/Transaction Does Not Exist")
	case r.IsAck():
		return r.along(b.flow)
	}
	if x := r.authenticate(); x != nil {
		return x
	}
	return r.along(b.flow)
}

// peer is the other connection of the dialog, as our Record-Route said; nil:
// none that lives.
func (r *request) peer() *flow {
	for _, pair := range r.routed {
		a, b, _ := strings.Cut(pair, ".")
		if b == r.flow.id {
			a, b = b, a
		}
		if to := r.pool.flow(b); a == r.flow.id && to != nil && to.alive() {
			return to
		}
	}
	return nil
}

// contactNamed finds the contact that the Request-URI names: by GRUU, or by
// the very URI that the one in To registered.
func (r *request) contactNamed() *binding {
	if r.Recipient.UriParams.Has("gr") {
		if all, x := r.targets(); x == nil && len(all) > 0 {
			return all[0]
		}
		return nil
	}
	return r.pool.registrar.at(userOf(r.To().Address), r.Recipient.String())
}

// along sends a request within a dialog over one connection.
func (r *request) along(to *flow) *refusal {
	q := r.onward()
	if r.IsAck() {
		if err := to.conn.Write(q); err != nil {
			r.pool.log.Debug("ACK not passed on", "err", err)
		}
		return nil
	}
	ctx, cancel := context.WithTimeout(r.pool.ctx, answerTime)
	if r.Method == sip.INVITE {
		cancel()
		ctx, cancel = context.WithTimeout(r.in.Context(), ringTime)
	}
	progress := func(res *sip.Response) {
		if res.StatusCode > 100 {
			r.respond(res)
		}
	}
	to.send(ctx, q, progress, func(res *sip.Response, err error) {
		cancel()
		if res == nil {
			r.answer(refuse(408, "Request Timeout"))
			return
		}
		r.respond(res)
	})
	return nil
}

// phrase is the reason phrase of the codes that contacts in this process give.
func phrase(code int) string {
	switch code {
	case 200:
		return "OK"
	case 202:
		return "Accepted"
	case 404:
		return "Not Found"
	case 415:
		return "Unsupported Media Type"
	case 480:
		return "Temporarily Unavailable"
	case 486:
		return "Busy Here"
	case 488:
		return "Not Acceptable Here"
	case 501:
		return "Not Implemented"
	case 600:
		return "Busy Everywhere"
	case 603:
		return "Decline"
	}
	return "Status " + strconv.Itoa(code)
}
