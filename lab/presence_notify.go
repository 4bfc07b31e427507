package lab

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"time"

	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

// tell makes a watcher's news due; a.mu is held.
func (s *subscription) tell(w *watch) {
	w.news = true
	s.notify()
}

// notify makes a NOTIFY due and sees to it that somebody sends; a.mu is held.
func (s *subscription) notify() {
	s.due = true
	if !s.sending && !s.agent.closed {
		s.sending = true
		go s.agent.send(s) // ends when nothing is due, or with the connection
	}
}

// send sends what is due, one NOTIFY after the other.
func (a *agent) send(s *subscription) {
	for {
		a.mu.Lock()
		if !s.due || a.closed || a.subs[s.key] != s {
			s.sending = false
			a.mu.Unlock()
			return
		}
		s.due = false
		q, last := s.next()
		l := s.flow
		a.mu.Unlock()
		res, _ := l.conn.Do(a.pool.ctx, q, nil)
		if last || unwanted(res) {
			a.mu.Lock()
			a.remove(s)
			a.mu.Unlock()
		}
	}
}

// unwanted says whether the answer to a NOTIFY ends the subscription: no answer
// in time, or one that means that nobody listens (RFC 6665 §4.2.2).
func unwanted(res *sip.Response) bool {
	if res == nil {
		return true
	}
	switch res.StatusCode {
	case 404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604:
		return true
	}
	return false
}

// next makes the NOTIFY that is due; last: nothing follows it. a.mu is held.
func (s *subscription) next() (q *sip.Request, last bool) {
	b, more := s.body()
	s.due = s.due || more
	last = s.ended != "" && !s.due
	s.ours++
	q = sip.NewRequest(sip.NOTIFY, s.target)
	for _, route := range s.routes {
		q.AppendHeader(sip.NewHeader("Route", route))
	}
	hops, id := sip.MaxForwardsHeader(70), sip.CallIDHeader(s.callID)
	from, to := &sip.FromHeader{}, &sip.ToHeader{}
	from.DisplayName, _ = sip.ParseAddressValue(s.local, &from.Address, &from.Params) // both came from a parsed request
	to.DisplayName, _ = sip.ParseAddressValue(s.remote, &to.Address, &to.Params)
	for _, h := range []sip.Header{&hops, from, to, &id, &sip.CSeqHeader{SeqNo: s.ours, MethodName: sip.NOTIFY},
		sip.NewHeader("Contact", "<"+s.flow.uri("", "")+">"), sip.NewHeader("Event", s.event),
		sip.NewHeader("Subscription-State", s.status(last))} {
		q.AppendHeader(h)
	}
	if s.list {
		q.AppendHeader(sip.NewHeader("Require", "eventlist")) // RFC 4662 §5.3.
	}
	s.etag = token()[:8]
	q.AppendHeader(sip.NewHeader("SIP-ETag", s.etag)) // RFC 5839 §5.1.
	if len(b.Content) > 0 {
		kind := sip.ContentTypeHeader(b.Type)
		q.AppendHeader(&kind)
	}
	if s.zip && len(b.Content) > worthZipping {
		b.Content = zipped(b.Content)
		q.AppendHeader(sip.NewHeader("Content-Encoding", "gzip")) // RFC 3261 §20.12.
	}
	q.SetBody(b.Content)
	return q, last
}

// worthZipping: what is shorter gains nothing.
const worthZipping = 200

func zipped(text []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(text) // to memory: cannot fail
	_ = w.Close()
	return b.Bytes()
}

// status is the Subscription-State (RFC 6665 §8.2.3).
func (s *subscription) status(last bool) string {
	if last {
		return "terminated;reason=" + s.ended
	}
	left := max(0, int((s.expires.Sub(s.agent.pool.now())+time.Second-1)/time.Second))
	state := active
	if !s.list && len(s.watches) == 1 && s.watches[0].state == pending {
		state = pending
	}
	return fmt.Sprintf("%s;expires=%d", state, left)
}

// body is what the next NOTIFY carries; more: it did not hold everything. a.mu is held.
func (s *subscription) body() (b sipconn.Body, more bool) {
	switch {
	case s.winfo != nil:
		return s.watcherInfo(), false
	case s.list:
		return s.listInfo()
	}
	w := s.watches[0]
	s.full, w.news = false, false
	if w.on == nil || w.state != active || w.polite || w.on.shown == nil {
		return sipconn.Body{}, false // as Kamailio 5.6: active and nothing in it
	}
	return sipconn.Body{Type: packages[w.on.event], Content: w.may.filter(w.on.shown)}, false
}
