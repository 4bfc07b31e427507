package lab

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

const (
	presenceMin = 10 * time.Second    // less is refused with 423
	presenceMax = time.Hour           // of a subscription
	publishMax  = 30 * 24 * time.Hour // of a publication: a note may outlive its writer's sign-out, as in deploy/kamailio
	publishMany = 16                  // publications per user and event
)

// packages are the event packages and the type of their documents.
var packages = map[string]string{
	"presence":        pidfType,
	"dialog":          "application/dialog-info+xml",
	"message-summary": "application/simple-message-summary",
	"presence.winfo":  "application/watcherinfo+xml",
}

// agent is the presence agent of the whole pool: what everybody publishes
// (RFC 3903), who watches whom (RFC 3856, RFC 6665), lists of people
// (RFC 4662) and who watches me (RFC 3857). A watcher is told over the
// connection on which it subscribed.
//
// One lock guards everything below it: publications, subscriptions and what
// still has to be sent. Each subscription has at most one sender at work, so
// its NOTIFYs keep their order and a slow watcher delays nobody else; what
// changes while one is on its way is sent with the next.
type agent struct {
	pool *pool

	mu     sync.Mutex
	closed bool
	things map[string]*presentity            // by event and user
	subs   map[string]*subscription          // by dialog
	flows  map[*flow]map[*subscription]bool  // to end them with their connection
	lists  map[string]map[*subscription]bool // subscriptions to lists, by subscriber
	winfos map[*presentity][]*subscription   // who is told who watches
	rules  map[string]presenceRules          // pres-rules by user; absent: not read yet
}

// presentity is what one user shows in one event package.
type presentity struct {
	user, event string
	published   []*publication
	shown       []byte // what an allowed watcher gets; nil: nothing yet
	watches     map[*watch]bool
}

// publication is what one device published.
type publication struct {
	etag  string
	body  []byte
	timer *time.Timer // ends it; nil: stays (in this process)
}

func newAgent(p *pool) *agent {
	return &agent{
		pool: p, things: map[string]*presentity{}, subs: map[string]*subscription{}, flows: map[*flow]map[*subscription]bool{},
		lists: map[string]map[*subscription]bool{}, winfos: map[*presentity][]*subscription{}, rules: map[string]presenceRules{},
	}
}

// close stops all timers; nothing is sent any more.
func (a *agent) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	for _, t := range a.things {
		for _, p := range t.published {
			if p.timer != nil {
				p.timer.Stop()
			}
		}
	}
	for _, s := range a.subs {
		s.timer.Stop()
	}
}

// thing finds or makes the presentity; a.mu is held.
func (a *agent) thing(event, user string) *presentity {
	key := event + " " + user
	t := a.things[key]
	if t == nil {
		t = &presentity{user: user, event: event, watches: map[*watch]bool{}}
		a.things[key] = t
	}
	return t
}

// publish handles PUBLISH (RFC 3903 §6).
func (r *request) publish() *refusal {
	event := eventOf(r.Request)
	kind, known := packages[event]
	if !known || event == "presence.winfo" {
		return refuse(489, "Bad Event", sip.NewHeader("Allow-Events", allowEvents))
	}
	user := userOf(r.Recipient)
	if _, is := r.pool.accounts[user]; !is {
		return refuse(404, "Not found")
	}
	if user != r.user {
		return refuse(403, "Not your address")
	}
	if x := unsupported(r.Request, "Require"); x != nil {
		return x
	}
	life, x := r.granted(publishMax)
	if x != nil {
		return x
	}
	body := r.Body()
	if len(body) > 0 {
		if x := checkPublished(r.Request, kind, body); x != nil {
			return x
		}
	}
	etag, x := r.pool.presence.publish(event, user, publishing{value(r.Request, "SIP-If-Match"), bytes.Clone(body), life})
	if x != nil {
		return x
	}
	r.reply(200, "OK", sipconn.Body{}, sip.NewHeader("SIP-ETag", etag), sip.NewHeader("Expires", strconv.Itoa(int(life/time.Second))))
	return nil
}

// checkPublished refuses a body of another type or form than the event has.
func checkPublished(r *sip.Request, kind string, body []byte) *refusal {
	got, _, _ := strings.Cut(value(r, "Content-Type"), ";")
	if !strings.EqualFold(strings.TrimSpace(got), kind) {
		return refuse(415, "Unsupported Media Type", sip.NewHeader("Accept", kind))
	}
	if e := value(r, "Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return refuse(415, "Unsupported Content Encoding", sip.NewHeader("Accept-Encoding", "identity"))
	}
	switch kind {
	case pidfType:
		return checkPIDF(body)
	case "application/dialog-info+xml":
		if _, err := readXML(body); err != nil {
			return forbidden("Body Is Not Well-Formed XML (RFC 4235 4.1)")
		}
	}
	return nil
}

// eventOf is the package named in Event, without parameters.
func eventOf(r *sip.Request) string {
	event, _, _ := strings.Cut(value(r, "Event"), ";")
	return strings.TrimSpace(event)
}

// granted is the time that a PUBLISH or SUBSCRIBE gets, at most max, and an
// hour if it does not say; 423 to too little.
func (r *request) granted(max time.Duration) (time.Duration, *refusal) {
	n, err := strconv.ParseUint(value(r.Request, "Expires"), 10, 32)
	life := time.Duration(n) * time.Second
	switch {
	case err != nil: // strict has seen that it is absent, not malformed
		return presenceMax, nil
	case n > 0 && life < presenceMin:
		return 0, refuse(423, "Interval Too Brief", sip.NewHeader("Min-Expires", strconv.Itoa(int(presenceMin/time.Second))))
	}
	return min(life, max), nil
}

// publishing is what a PUBLISH asks for.
type publishing struct {
	match string // entity tag of the publication meant; empty: a new one
	body  []byte // nil: as before
	life  time.Duration
}

// publish does it and returns the new entity tag.
func (a *agent) publish(event, user string, w publishing) (etag string, x *refusal) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.thing(event, user)
	i := slices.IndexFunc(t.published, func(p *publication) bool { return p.timer != nil && p.etag == w.match })
	etag = token() // RFC 3903 §4.1: an ETag is used once.
	switch {
	case w.match != "" && i < 0:
		return "", refuse(412, "Conditional Request Failed")
	case w.match == "" && w.life == 0:
		return etag, nil // RFC 3903 §6: published and gone
	case w.match == "" && len(t.published) >= publishMany:
		return "", refuse(503, "Too many publications")
	case w.match == "":
		p := &publication{etag: etag, body: w.body}
		p.timer = time.AfterFunc(w.life, func() { a.lapse(t, p) }) // stopped by withdraw and close
		t.published = append(t.published, p)
		a.changed(t)
		return etag, nil
	}
	p := t.published[i]
	if w.life == 0 {
		a.withdraw(t, p)
		return etag, nil
	}
	p.etag = etag
	p.timer.Reset(w.life)
	if len(w.body) > 0 {
		p.body = w.body
		a.changed(t)
	}
	return etag, nil
}

// lapse ends a publication that was not refreshed.
func (a *agent) lapse(t *presentity, p *publication) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed && slices.Contains(t.published, p) {
		a.withdraw(t, p)
	}
}

// withdraw takes a publication away; a.mu is held.
func (a *agent) withdraw(t *presentity, p *publication) {
	if p.timer != nil {
		p.timer.Stop()
	}
	t.published = slices.DeleteFunc(t.published, func(o *publication) bool { return o == p })
	if len(t.published) == 0 && t.event == "presence" {
		t.shown = closedPIDF(t.user, p.body)
	}
	a.changed(t)
}

// publishLocal sets the PIDF document that the in-process client of user
// publishes; it does not run out. nil takes it back. It may be called without
// attach (somebody offline who left a note).
func (p *pool) publishLocal(user string, document []byte) {
	a := p.presence
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.thing("presence", user)
	i := slices.IndexFunc(t.published, func(p *publication) bool { return p.timer == nil })
	switch {
	case document == nil && i >= 0:
		a.withdraw(t, t.published[i])
	case document == nil:
	case i >= 0:
		t.published[i].body = document
		a.changed(t)
	default:
		t.published = append(t.published, &publication{body: document})
		a.changed(t)
	}
}

// changed shows the new state to everybody who may see it; a.mu is held.
func (a *agent) changed(t *presentity) {
	if n := len(t.published); n > 0 {
		if t.event == "presence" {
			bodies := make([][]byte, n)
			for i, p := range t.published {
				bodies[i] = p.body
			}
			t.shown = mergePIDF(bodies)
		} else {
			t.shown = t.published[n-1].body
		}
	} else if t.event != "presence" {
		t.shown = nil
	}
	for w := range t.watches {
		if w.state == active && !w.polite {
			w.sub.tell(w)
		}
	}
}

// decide applies the user's rules to a watcher; a.mu is held.
func (a *agent) decide(t *presentity, watcher string) handling {
	if t.event != "presence" || watcher == t.user {
		return allowed
	}
	return a.rulesOf(t).decide(watcher)
}

// shows says what of the state the watcher may see; a.mu is held.
func (a *agent) shows(t *presentity, watcher string) grants {
	if t.event != "presence" || watcher == t.user {
		return nil
	}
	return a.rulesOf(t).shows(watcher)
}

// rulesOf returns the rules of a user; a.mu is held.
func (a *agent) rulesOf(t *presentity) presenceRules {
	rules, read := a.rules[t.user]
	if !read {
		if d, found := a.pool.getXCAP("pres-rules", t.user); found {
			rules = readRules(d.content)
		}
		a.rules[t.user] = rules
	}
	return rules
}

// documentChanged looks at what an XCAP document of user decides.
func (a *agent) documentChanged(auid, user string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch auid {
	case "pres-rules", "org.openmobilealliance.pres-rules":
		delete(a.rules, user)
		t := a.thing("presence", user)
		for w := range t.watches {
			a.judge(w)
		}
	case "rls-services", "resource-lists":
		for s := range a.lists[user] {
			if s.stored {
				a.reread(s)
			}
		}
	}
}
