package lab

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

// What the registrar grants; the figures are those of our Kamailio recipe.
const (
	registerDefault = 600 * time.Second
	registerMin     = 10 * time.Second // less is raised, not refused, as Kamailio 5.6 does
	registerMax     = time.Hour
	contactLimit    = 8
	flowTimer       = "25" // seconds between pings, RFC 5626 §4.4
)

// registrar knows where everybody can be reached (RFC 3261 §10).
type registrar struct {
	pool  *pool
	gruus *gruus

	mu    sync.Mutex
	users map[string][]*binding // by address of record
}

// binding is one registered contact.
type binding struct {
	uri      string // as registered, without <>
	instance string // urn of +sip.instance; empty: none
	regID    string // reg-id; empty: none
	q        string
	callID   string
	cseq     uint32
	expires  time.Time
	flow     *flow // the connection it came over; nil: in this process
	deliver  taker // the contact in this process; nil: over flow
}

// taker is a contact in this process: it takes a request and says how it is
// answered, without blocking.
type taker func(*sip.Request) answer

// answer is what a contact in this process says.
type answer struct {
	code    int
	after   time.Duration // it takes so long; longer than answerTime is no answer
	headers []sip.Header
}

func newRegistrar(p *pool) *registrar {
	return &registrar{pool: p, gruus: newGRUUs(p.domain), users: map[string][]*binding{}}
}

func (b *binding) alive(now time.Time) bool {
	return b.deliver != nil || b.expires.After(now) && b.flow.alive()
}

// replaces says whether a new binding takes the place of b: same instance and
// flow number (RFC 5626 §6), or the same URI.
func (b *binding) replaces(old *binding) bool {
	if b.instance != "" && b.regID != "" {
		return old.instance == b.instance && old.regID == b.regID
	}
	return old.uri == b.uri
}

// register handles REGISTER (RFC 3261 §10.3).
func (r *request) register() *refusal {
	if !r.pool.local(r.Recipient.Host) && !r.pool.own(r.flow, r.Recipient) {
		return refuse(403, "Not this domain")
	}
	if x := unsupported(r.Request, "Require", "path", "outbound", "gruu"); x != nil {
		return x
	}
	who := userOf(r.To().Address)
	if _, known := r.pool.accounts[who]; !known {
		return refuse(404, "Not found")
	}
	if x := r.authenticate(); x != nil {
		return x
	}
	if who != r.user {
		return refuse(403, "Not your address")
	}
	wanted, x := r.contacts()
	if x != nil {
		return x
	}
	bound, first, x := r.pool.registrar.bind(r, wanted)
	if x != nil {
		return x
	}
	r.registered(wanted, bound)
	if i := slices.IndexFunc(wanted, func(b *binding) bool { return !b.expires.IsZero() }); i >= 0 {
		r.pool.kept.deliver(r.user, wanted[i])
		if first && r.pool.arrive != nil {
			r.pool.arrive(r.user)
		}
	}
	return nil
}

// contacts reads the Contact headers; a zero expires means removal.
func (r *request) contacts() ([]*binding, *refusal) {
	var all []*binding
	now := r.pool.now()
	for _, h := range r.GetHeaders("Contact") {
		c, is := h.(*sip.ContactHeader)
		if !is {
			return nil, forbidden("Malformed Contact (RFC 3261 20.10)")
		}
		b := &binding{
			uri: c.Address.String(), instance: strings.Trim(param(c.Params, "+sip.instance"), `"<>`), regID: param(c.Params, "reg-id"), q: param(c.Params, "q"),
			callID: r.CallID().Value(), cseq: r.CSeq().SeqNo, flow: r.flow,
		}
		if c.Address.Wildcard {
			b.uri = "*"
		} else if !sipURI(c.Address) {
			return nil, forbidden("Contact Is No SIP Address (RFC 3261 10.2.1)")
		}
		if x := b.check(); x != nil {
			return nil, x
		}
		life, x := r.lifetime(c.Params)
		if x != nil {
			return nil, x
		}
		if life > 0 {
			b.expires = now.Add(life)
		}
		all = append(all, b)
	}
	if len(all) > contactLimit {
		return nil, refuse(503, "Too many registered contacts")
	}
	return all, nil
}

// check looks at the parameters of a contact.
func (b *binding) check() *refusal {
	if q, err := strconv.ParseFloat(cmp.Or(b.q, "1"), 64); err != nil || q < 0 || q > 1 {
		return forbidden("q Is Not Between 0 and 1 (RFC 3261 20.10)")
	}
	if n, err := strconv.ParseUint(cmp.Or(b.regID, "1"), 10, 31); err != nil || n == 0 {
		return forbidden("reg-id Is Not Between 1 and 2^31-1 (RFC 5626 4.2)")
	}
	if b.instance == "" {
		b.regID = "" // RFC 5626 §6: without an instance it counts for nothing.
	}
	return nil
}

// lifetime is what a contact asks for, cut to what is granted (RFC 3261
// §10.3 step 7); 0 removes.
func (r *request) lifetime(p sip.HeaderParams) (time.Duration, *refusal) {
	asked := cmp.Or(param(p, "expires"), value(r, "Expires"))
	if asked == "" {
		return registerDefault, nil
	}
	n, err := strconv.ParseUint(asked, 10, 32)
	switch {
	case err != nil:
		return 0, forbidden("expires Is No Number (RFC 3261 20.10)")
	case n == 0:
		return 0, nil
	}
	return min(max(time.Duration(n)*time.Second, registerMin), registerMax), nil
}

// bind changes the bindings of r.user, all or nothing. first: before, nobody
// could be reached there over a connection.
func (g *registrar) bind(r *request, wanted []*binding) (bound []*binding, first bool, x *refusal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.pool.now()
	old := slices.DeleteFunc(slices.Clone(g.users[r.user]), func(b *binding) bool { return b.deliver == nil && !b.expires.After(now) })
	first = !slices.ContainsFunc(old, func(b *binding) bool { return b.deliver == nil && b.alive(now) })
	next := old
	for _, w := range wanted {
		gone := func(b *binding) bool { return b.deliver == nil && (w.uri == "*" || w.replaces(b)) }
		for _, b := range next {
			// RFC 3261 §10.3: a request out of order changes nothing.
			if gone(b) && b.callID == w.callID && b.cseq >= w.cseq {
				return nil, false, forbidden("CSeq Not Higher Than Before (RFC 3261 10.3)")
			}
		}
		next = slices.DeleteFunc(slices.Clone(next), gone)
		if !w.expires.IsZero() {
			next = append(next, w)
		}
	}
	if len(next) > contactLimit {
		return nil, false, refuse(503, "Too many registered contacts") // as Kamailio 5.6
	}
	if len(next) == 0 {
		delete(g.users, r.user)
	} else {
		g.users[r.user] = next
	}
	return next, first, nil
}

// registered answers with all bindings (RFC 3261 §10.3 step 8).
func (r *request) registered(wanted, bound []*binding) {
	now := r.pool.now()
	headers := []sip.Header{}
	wantsGRUU := supports(r.Request, "gruu")
	for _, b := range bound {
		if b.deliver == nil {
			headers = append(headers, sip.NewHeader("Contact", r.pool.registrar.contact(r.user, b, wantsGRUU, now)))
		}
	}
	outbound := supports(r.Request, "outbound") && slices.ContainsFunc(wanted, func(b *binding) bool { return b.regID != "" && !b.expires.IsZero() })
	if outbound {
		headers = append(headers, sip.NewHeader("Require", "outbound"), sip.NewHeader("Flow-Timer", flowTimer)) // RFC 5626 §6.
	}
	if r.info != "" {
		headers = append(headers, sip.NewHeader("Authentication-Info", r.info))
	}
	headers = append(headers, sip.NewHeader("Supported", supported), sip.NewHeader("Allow-Events", allowEvents),
		sip.NewHeader("Date", date(now))) // RFC 3261 §20.17.
	r.reply(200, "OK", sipconn.Body{}, headers...)
}

// contact writes one binding as a Contact value.
func (g *registrar) contact(user string, b *binding, gruu bool, now time.Time) string {
	s := fmt.Sprintf("<%s>;expires=%d", b.uri, int((b.expires.Sub(now)+time.Second-1)/time.Second))
	if b.q != "" {
		s += ";q=" + b.q
	}
	if b.instance == "" {
		return s
	}
	s += fmt.Sprintf(`;+sip.instance="<%s>"`, b.instance)
	if b.regID != "" {
		s += ";reg-id=" + b.regID
	}
	if gruu {
		s += fmt.Sprintf(`;pub-gruu="%s";temp-gruu="%s"`, g.gruus.public(user, b.instance), g.gruus.temporary(user, b.instance))
	}
	return s
}

// attach signs user in with a contact in this process: deliver gets each
// request that reaches user (MESSAGE, INVITE, ...). It replaces an earlier one.
// It is no transport: no socket, no goroutine, no timer but that of a slow
// answer, so thousands cost little.
func (p *pool) attach(user string, deliver taker) {
	p.detach(user)
	b := &binding{uri: "sip:" + user, deliver: deliver}
	p.registrar.mu.Lock()
	p.registrar.users[user] = append(p.registrar.users[user], b)
	p.registrar.mu.Unlock()
	p.kept.deliver(user, b)
}

// detach signs the in-process contact of user out.
func (p *pool) detach(user string) {
	g := p.registrar
	g.mu.Lock()
	defer g.mu.Unlock()
	g.users[user] = slices.DeleteFunc(slices.Clone(g.users[user]), func(b *binding) bool { return b.deliver != nil })
	if len(g.users[user]) == 0 {
		delete(g.users, user)
	}
}

// reachable returns the contacts of user that can be reached now: of several
// flows of one instance only the newest (RFC 5626 §5.3).
func (g *registrar) reachable(user, instance string) []*binding {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.pool.now()
	var all []*binding
	for _, b := range g.users[user] {
		if !b.alive(now) || instance != "" && b.instance != instance {
			continue
		}
		all = slices.DeleteFunc(all, func(o *binding) bool { return b.instance != "" && o.instance == b.instance })
		all = append(all, b)
	}
	return all
}

// at returns the contact of user that registered exactly this URI; nil: none.
func (g *registrar) at(user, uri string) *binding {
	for _, b := range g.reachable(user, "") {
		if b.uri == uri {
			return b
		}
	}
	return nil
}

func (g *registrar) signedIn() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.pool.now()
	var all []string
	for user, bound := range g.users {
		if slices.ContainsFunc(bound, func(b *binding) bool { return b.alive(now) }) {
			all = append(all, user)
		}
	}
	slices.Sort(all)
	return all
}

// param finds a parameter whatever the case of its name.
func param(p sip.HeaderParams, name string) string {
	for _, kv := range p {
		if strings.EqualFold(kv.K, name) {
			return kv.V
		}
	}
	return ""
}
