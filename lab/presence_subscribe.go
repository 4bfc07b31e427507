package lab

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

const subscribeMany = 2000 // subscriptions per connection

// The states of a watcher (RFC 3857 §4.7.1).
const (
	active     = "active"
	pending    = "pending"
	terminated = "terminated"
)

// subscription is one SUBSCRIBE dialog in which we are the notifier (RFC 6665
// §4.2). It is guarded by agent.mu.
type subscription struct {
	agent *agent
	key   string // of the dialog
	user  string // the subscriber
	flow  *flow  // where its NOTIFYs go
	event string // the whole Event value
	about string // the URI subscribed to
	timer *time.Timer

	local, remote, callID string // From and To of NOTIFY
	target                sip.Uri
	routes                []string
	seq                   uint32 // last CSeq from the subscriber
	ours                  uint32 // our last CSeq

	expires time.Time
	ended   string   // reason; empty: it lasts
	watches []*watch // one; for a list one per entry; none for winfo
	list    bool     // a list: what is sent is RLMI
	stored  bool     // the list comes from the subscriber's XCAP documents
	winfo   *presentity
	changes []watcher // for winfo: who changed since the last NOTIFY

	etag    string // of what the last NOTIFY has shown (RFC 5839 §5.1)
	zip     bool   // the subscriber takes gzip
	full    bool   // the next NOTIFY shows everything
	version int
	due     bool // a NOTIFY is to be sent
	sending bool // somebody sends
}

// watch is one watcher of one presentity: a subscription, or one entry of a list.
type watch struct {
	id     string
	sub    *subscription
	on     *presentity // nil: nobody has this address
	uri    string      // as the list has it
	name   string      // display name in the list
	state  string
	reason string // of terminated
	polite bool   // polite block: active, but nothing is shown
	may    grants // what of the state is shown
	news   bool   // a list has not sent this one's last state yet
}

// subscribe handles a SUBSCRIBE that begins a dialog.
func (r *request) subscribe() *refusal {
	event := eventOf(r.Request)
	if _, known := packages[event]; !known {
		return refuse(489, "Bad Event", sip.NewHeader("Allow-Events", allowEvents))
	}
	if x := unsupported(r.Request, "Require", "eventlist", "recipient-list-subscribe", "gruu", "outbound", "path"); x != nil {
		return x
	}
	life, x := r.granted(presenceMax)
	if x != nil {
		return x
	}
	s := r.newSubscription(life)
	x = s.aim(r, event)
	if x != nil {
		return x
	}
	if !r.pool.presence.enter(s) {
		return refuse(503, "Too many subscriptions")
	}
	headers := r.subscribed(life)
	if s.list {
		headers = append(headers, sip.NewHeader("Require", "eventlist")) // RFC 4662 §5.2.
	}
	r.answerTagged(s, headers)
	r.pool.presence.begin(s, life)
	return nil
}

// newSubscription reads the dialog out of the request (RFC 3261 §12.1.1).
func (r *request) newSubscription(life time.Duration) *subscription {
	tag := token()
	to := sip.HeaderClone(r.To()).(*sip.ToHeader)
	to.Params.Add("tag", tag)
	s := &subscription{
		agent: r.pool.presence, user: r.user, flow: r.flow, event: value(r.Request, "Event"), about: r.Recipient.Addr(),
		local: to.Value(), remote: r.From().Value(), callID: r.CallID().Value(), target: r.Contact().Address,
		seq: r.CSeq().SeqNo, expires: r.pool.now().Add(life), full: true,
		zip: slices.Contains(tokens(r.Request, "Accept-Encoding"), "gzip"),
	}
	s.key = dialogKey(s.callID, tag, param(r.From().Params, "tag"))
	for _, h := range r.GetHeaders("Record-Route") {
		s.routes = append(s.routes, h.Value())
	}
	return s
}

func dialogKey(callID, local, remote string) string { return callID + " " + local + " " + remote }

// aim finds out what is watched.
func (s *subscription) aim(r *request, event string) *refusal {
	listed, x := r.listed(s, event)
	if x != nil || listed {
		return x
	}
	user, _, ok := r.pool.registrar.gruus.resolve(r.Recipient)
	if _, known := r.pool.accounts[user]; !ok || !known {
		return refuse(404, "Not found")
	}
	if !accepts(r.Request, packages[event]) {
		return refuse(406, "Not Acceptable", sip.NewHeader("Accept", packages[event]))
	}
	a := r.pool.presence
	a.mu.Lock()
	defer a.mu.Unlock()
	if event == "presence.winfo" {
		if user != r.user {
			return refuse(403, "Not your watchers")
		}
		s.winfo = a.thing("presence", user)
		return nil
	}
	s.watches = []*watch{s.watch(user, s.about, "")}
	return nil
}

// accepts says whether a body of this type may be sent: without Accept the
// default of the package holds (RFC 6665 §3.1.3).
func accepts(r *sip.Request, kind string) bool {
	types := tokens(r, "Accept")
	major, _, _ := strings.Cut(kind, "/")
	return header(r, "Accept") == nil || slices.Contains(types, kind) || slices.Contains(types, "*/*") || slices.Contains(types, major+"/*")
}

// watch makes a watcher of s and decides whether it may watch; a.mu is held.
func (s *subscription) watch(user, uri, name string) *watch {
	w := &watch{id: token()[:8], sub: s, uri: uri, name: name}
	event := eventName(s.event)
	if _, known := s.agent.pool.accounts[user]; !known {
		w.state, w.reason = terminated, "noresource"
		return w
	}
	w.on = s.agent.thing(event, user)
	w.state, w.polite, w.reason = outcome(s.agent.decide(w.on, s.user))
	w.may = s.agent.shows(w.on, s.user)
	return w
}

func eventName(v string) string {
	v, _, _ = strings.Cut(v, ";")
	return strings.TrimSpace(v)
}

// outcome turns a handling into the state of a watcher.
func outcome(h handling) (state string, polite bool, reason string) {
	switch h {
	case allowed:
		return active, false, ""
	case politeBlock:
		return active, true, ""
	case confirm:
		return pending, false, ""
	}
	return terminated, false, "rejected"
}

// subscribed are the headers of a 200 to SUBSCRIBE.
func (r *request) subscribed(life time.Duration) []sip.Header {
	return []sip.Header{
		sip.NewHeader("Expires", strconv.Itoa(int(life/time.Second))),
		sip.NewHeader("Contact", "<"+r.flow.uri("", "")+">"),
		sip.NewHeader("Allow-Events", allowEvents),
	}
}

// answerTagged sends the 200 with the tag of the dialog.
func (r *request) answerTagged(s *subscription, headers []sip.Header) {
	res := sip.NewResponse(200, "OK")
	for _, h := range r.Headers() {
		switch full(h.Name()) {
		case "via", "from", "call-id", "cseq", "record-route":
			res.AppendHeader(sip.HeaderClone(h))
		}
	}
	res.AppendHeader(sip.NewHeader("To", s.local))
	for _, h := range headers {
		res.AppendHeader(h)
	}
	res.SetBody(nil)
	r.respond(res)
}

// enter puts the subscription into the tables; false: too many.
func (a *agent) enter(s *subscription) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed || len(a.flows[s.flow]) >= subscribeMany {
		return false
	}
	a.subs[s.key] = s
	a.onFlow(s, s.flow)
	if s.list {
		if a.lists[s.user] == nil {
			a.lists[s.user] = map[*subscription]bool{}
		}
		a.lists[s.user][s] = true
	}
	s.timer = time.AfterFunc(time.Hour, func() { a.timeout(s) }) // set right by begin, stopped by remove and close
	return true
}

func (a *agent) onFlow(s *subscription, l *flow) {
	if a.flows[l] == nil {
		a.flows[l] = map[*subscription]bool{}
	}
	a.flows[l][s] = true
}

// begin makes the subscription count, after its 200 is on its way: the first
// NOTIFY goes out at once (RFC 6665 §4.2.1.2).
func (a *agent) begin(s *subscription, life time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if life == 0 { // RFC 6665 §4.4.3: a fetch
		s.end("timeout")
		return
	}
	s.timer.Reset(life)
	for _, w := range s.watches {
		if w.on != nil && w.state != terminated {
			w.on.watches[w] = true
		}
		w.told("subscribe")
	}
	if s.winfo != nil {
		a.winfos[s.winfo] = append(a.winfos[s.winfo], s)
	}
	if !s.list && len(s.watches) == 1 && s.watches[0].state == terminated {
		s.ended = s.watches[0].reason
	}
	s.notify()
}

// find returns the lasting subscription a SUBSCRIBE belongs to; nil: none.
func (a *agent) find(q *sip.Request) *subscription {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.subs[dialogKey(q.CallID().Value(), param(q.To().Params, "tag"), param(q.From().Params, "tag"))]
	if s == nil || s.ended != "" {
		return nil
	}
	return s
}

// resubscribe handles a SUBSCRIBE within the dialog: refresh or end. It may
// come over a new connection, which then counts.
func (r *request) resubscribe(s *subscription) *refusal {
	life, x := r.granted(presenceMax)
	if x != nil {
		return x
	}
	a := r.pool.presence
	a.mu.Lock()
	if r.CSeq().SeqNo <= s.seq {
		a.mu.Unlock()
		return refuse(500, "CSeq Not Higher Than Before") // RFC 3261 §12.2.2.
	}
	if eventOf(r.Request) != eventName(s.event) {
		a.mu.Unlock()
		return refuse(489, "Bad Event", sip.NewHeader("Allow-Events", allowEvents))
	}
	s.seq, s.target = r.CSeq().SeqNo, r.Contact().Address
	if s.flow != r.flow {
		delete(a.flows[s.flow], s)
		s.flow = r.flow
		a.onFlow(s, r.flow)
	}
	s.expires = r.pool.now().Add(life)
	known := life > 0 && s.shown(value(r.Request, "Suppress-If-Match"))
	if known {
		s.timer.Reset(life)
	}
	tag := s.etag
	a.mu.Unlock()
	headers := r.subscribed(life)
	if s.list {
		headers = append(headers, sip.NewHeader("Require", "eventlist"))
	}
	if known { // RFC 5839 §5.3: nothing is repeated
		r.reply(204, "No Notification", sipconn.Body{}, append(headers, sip.NewHeader("SIP-ETag", tag))...)
		return nil
	}
	r.reply(200, "OK", sipconn.Body{}, headers...)
	a.mu.Lock()
	defer a.mu.Unlock()
	s.full = true // RFC 4662 §5.2: full state after a refresh
	if life == 0 {
		s.end("timeout")
		return nil
	}
	s.timer.Reset(life)
	s.notify()
	return nil
}

// shown says whether a tag stands for all that there is to show; a.mu is held.
func (s *subscription) shown(tag string) bool {
	return s.etag != "" && !s.due && (tag == s.etag || tag == "*")
}

// timeout ends a subscription that was not refreshed.
func (a *agent) timeout(s *subscription) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed && a.subs[s.key] == s && s.ended == "" {
		s.end("timeout")
	}
}

// end sends the last NOTIFY with the reason; a.mu is held.
func (s *subscription) end(reason string) {
	if s.ended == "" {
		s.ended = reason
	}
	s.full = true
	s.notify()
}

// judge applies the rules anew to a running watcher; a.mu is held.
func (a *agent) judge(w *watch) {
	state, polite, reason := outcome(a.decide(w.on, w.sub.user))
	may := a.shows(w.on, w.sub.user)
	if state == w.state && polite == w.polite {
		if !maps.Equal(may, w.may) || (may == nil) != (w.may == nil) {
			w.may = may
			w.sub.tell(w)
		}
		return
	}
	w.may = may
	event := "approved"
	if state == terminated {
		event = "rejected"
	} else if state == pending {
		event = "subscribe"
	}
	w.state, w.polite, w.reason = state, polite, reason
	w.told(event)
	if state == terminated {
		delete(w.on.watches, w)
		if !w.sub.list {
			w.sub.end(reason)
			return
		}
	}
	w.sub.tell(w)
}

// remove forgets a subscription; a.mu is held.
func (a *agent) remove(s *subscription) {
	if a.subs[s.key] != s {
		return
	}
	s.timer.Stop()
	delete(a.subs, s.key)
	if delete(a.flows[s.flow], s); len(a.flows[s.flow]) == 0 {
		delete(a.flows, s.flow)
	}
	if delete(a.lists[s.user], s); len(a.lists[s.user]) == 0 {
		delete(a.lists, s.user)
	}
	for _, w := range s.watches {
		w.leave("timeout")
	}
	if s.winfo != nil {
		left := slices.DeleteFunc(a.winfos[s.winfo], func(o *subscription) bool { return o == s })
		if a.winfos[s.winfo] = left; len(left) == 0 {
			delete(a.winfos, s.winfo)
		}
	}
}

// leave takes a watcher off its presentity.
func (w *watch) leave(event string) {
	if w.on == nil || !w.on.watches[w] {
		return
	}
	delete(w.on.watches, w)
	w.state = terminated
	w.told(event)
}

// dropFlow ends the subscriptions that came over a lost connection; nobody is
// left to be told.
func (a *agent) dropFlow(l *flow) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for s := range a.flows[l] {
		a.remove(s)
	}
	delete(a.flows, l)
}
