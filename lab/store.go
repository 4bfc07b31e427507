package lab

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

const (
	keptLimit = 200            // messages per person
	keptLife  = 24 * time.Hour // msilo's expire_time in our Kamailio recipe
)

// store keeps messages for those who cannot be reached now, and delivers them
// at their next sign-in: same sender and Call-ID, with the Date of their sending
// (RFC 3428 §7), and with that before a plain text, as Kamailio's msilo (5.6)
// puts it.
type store struct {
	pool *pool

	mu    sync.Mutex
	boxes map[string]*box // by user
}

// box holds one person's messages, the oldest first.
type box struct {
	kept []keptMessage
	busy bool     // they are being delivered
	next *binding // who signed in meanwhile; tried when the present delivery fails
}

type keptMessage struct {
	request *sip.Request
	until   time.Time
}

func newStore(p *pool) *store { return &store{pool: p, boxes: map[string]*box{}} }

// message handles MESSAGE (RFC 3428): all devices get it; when none takes it
// because none is there, it is kept.
func (r *request) message() *refusal {
	targets, x := r.targets()
	if x != nil {
		return x
	}
	kept := r.onward()
	if len(targets) == 0 {
		return r.keep(kept, nil)
	}
	r.fork(targets, func(best *sip.Response, silent bool) {
		if best != nil && !absent(best.StatusCode) {
			r.respond(best)
			return
		}
		r.answer(r.keep(kept, targets))
	})
	return nil
}

// absent says whether a status means that nobody was there to judge the message.
func absent(code int) bool {
	return code == 408 || code == 430 || code == 477 || code == 480 || code >= 500 && code < 600
}

// keep stores a message and says so. tried are the contacts that did not take
// it; a newer one, of somebody who came back meanwhile, gets it at once.
func (r *request) keep(q *sip.Request, tried []*binding) *refusal {
	if kind := value(r.Request, "Content-Type"); strings.HasPrefix(strings.ToLower(kind), "application/im-iscomposing") {
		return refuse(202, "Dropped") // RFC 3994 §4: of no use later.
	}
	user, _, _ := r.pool.registrar.gruus.resolve(r.Recipient)
	if !r.pool.kept.add(user, q) {
		return refuse(480, "Temporarily Unavailable", sip.NewHeader("Warning", `399 lab "too many messages are waiting already"`))
	}
	for _, b := range r.pool.registrar.reachable(user, "") {
		if !slices.ContainsFunc(tried, func(t *binding) bool { return t.flow == b.flow }) {
			r.pool.kept.deliver(user, b)
			break
		}
	}
	return refuse(202, "Stored")
}

// add puts a message into the box of user; false: it is full.
func (s *store) add(user string, q *sip.Request) bool {
	now := s.pool.now()
	if header(q, "Date") == nil {
		q.AppendHeader(sip.NewHeader("Date", date(now)))
	}
	if mediaType(value(q, "Content-Type")) == "text/plain" {
		q.SetBody(append([]byte(storedMark+now.UTC().Format(time.ANSIC)+"] "), q.Body()...))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.boxes[user]
	if b == nil {
		b = &box{}
		s.boxes[user] = b
	}
	if !b.busy { // whoever delivers holds the first
		b.kept = slices.DeleteFunc(b.kept, func(k keptMessage) bool { return !k.until.After(now) })
	}
	if len(b.kept) >= keptLimit {
		return false
	}
	b.kept = append(b.kept, keptMessage{q, now.Add(lifeOf(q))})
	return true
}

// storedMark begins what stands before the body of a message that was kept.
const storedMark = "[Offline message - "

// unmarked is the body of a request without the mark of a store.
func unmarked(q *sip.Request) []byte {
	if rest, marked := bytes.CutPrefix(q.Body(), []byte(storedMark)); marked && header(q, "Date") != nil {
		if _, body, whole := bytes.Cut(rest, []byte("] ")); whole {
			return body
		}
	}
	return q.Body()
}

// lifeOf is how long a message is kept: as long as its Expires says (RFC 3428
// §7), at most keptLife.
func lifeOf(q *sip.Request) time.Duration {
	n, err := strconv.Atoi(value(q, "Expires"))
	if err != nil {
		return keptLife
	}
	return min(time.Duration(n)*time.Second, keptLife)
}

// deliver sends what waits for user to the contact b, one after the other.
func (s *store) deliver(user string, b *binding) {
	s.mu.Lock()
	x := s.boxes[user]
	start := x != nil && len(x.kept) > 0 && !x.busy
	if start {
		x.busy = true
	} else if x != nil && x.busy {
		x.next = b
	}
	s.mu.Unlock()
	if start {
		go s.empty(x, b) // ends when all is delivered or b fails
	}
}

func (s *store) empty(x *box, b *binding) {
	for {
		now := s.pool.now()
		s.mu.Lock()
		x.kept = slices.DeleteFunc(x.kept, func(k keptMessage) bool { return !k.until.After(now) })
		if len(x.kept) == 0 || s.pool.ctx.Err() != nil {
			x.busy, x.next = false, nil
			s.mu.Unlock()
			return
		}
		q := x.kept[0].request.Clone()
		s.mu.Unlock()
		done := s.handOver(q, b)
		s.mu.Lock()
		next := x.next
		switch {
		case done:
			x.kept = slices.Delete(x.kept, 0, 1)
		case next != nil:
			b, x.next = next, nil
		default:
			x.busy = false
		}
		s.mu.Unlock()
		if !done && next == nil {
			return
		}
	}
}

// handOver sends one kept message; false: try again at the next sign-in.
func (s *store) handOver(q *sip.Request, b *binding) bool {
	if b.deliver == nil {
		var u sip.Uri
		if sip.ParseUri(b.uri, &u) == nil { // it was parsed when it registered
			q.Recipient = u
		}
		for q.RemoveHeader("Via") { // the store sends it, nobody waits behind
		}
	}
	ctx, cancel := context.WithTimeout(s.pool.ctx, answerTime)
	defer cancel()
	answer := make(chan *sip.Response, 1)
	b.send(ctx, q, nil, func(res *sip.Response, err error) { answer <- res })
	res := <-answer
	return res != nil && !absent(res.StatusCode)
}

// message sends a page-mode MESSAGE (text/plain) from user from to user to
// (both user@domain) through the pool as if from a signed-in client, forked and kept for the
// absent like any; it returns the final status code and reason.
func (p *pool) message(from, to, text string) (code int, reason string) {
	return p.send(from, to, sipconn.Text(text))
}

// send is message with any body.
func (p *pool) send(from, to string, b sipconn.Body) (code int, reason string) {
	q, err := localRequest(sip.MESSAGE, from, to, b)
	if err != nil {
		return 484, "Address Incomplete"
	}
	if a := p.accounts[from]; a.name != "" {
		q.From().DisplayName = quotable(a.name)
	}
	answer := make(chan *refusal, 1)
	r := &request{Request: q, pool: p, user: from, local: func(code int, reason string) { answer <- refuse(code, reason) }}
	if x := r.forSomebody(); x != nil {
		return x.code, x.reason
	}
	x := <-answer // the fork ends after answerTime at the latest
	return x.code, x.reason
}

// localRequest makes a request as a client of from would send it.
func localRequest(method sip.RequestMethod, from, to string, b sipconn.Body) (*sip.Request, error) {
	f, t := &sip.FromHeader{Params: sip.HeaderParams{{K: "tag", V: token()}}}, &sip.ToHeader{}
	if err := sip.ParseUri("sip:"+from, &f.Address); err != nil {
		return nil, err
	}
	if err := sip.ParseUri("sip:"+to, &t.Address); err != nil {
		return nil, err
	}
	q := sip.NewRequest(method, t.Address)
	id, hops, kind := sip.CallIDHeader(token()), sip.MaxForwardsHeader(70), sip.ContentTypeHeader(b.Type)
	for _, h := range []sip.Header{f, t, &id, &sip.CSeqHeader{SeqNo: 1, MethodName: method}, &hops, &kind} {
		q.AppendHeader(h)
	}
	q.SetBody(b.Content)
	return q, nil
}

// date is a SIP-date (RFC 3261 §20.17).
func date(t time.Time) string { return t.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT") }
