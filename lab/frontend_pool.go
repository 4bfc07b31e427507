package lab

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// account is somebody who may sign in.
type account struct {
	address  string // user@domain, lower case
	name     string // display name
	password string
}

// pool is what all front ends share: who may sign in, where everybody can be
// reached, presence, kept messages and XCAP documents. Each part has its own
// lock; none is held while something is sent.
type pool struct {
	domain        string
	accounts      map[string]account // by address; never changed
	now           func() time.Time
	log           *slog.Logger
	administrator string          // the account that may write everybody's documents; empty: none may
	ctx           context.Context // ends with the pool
	cancel        context.CancelFunc

	policy    *policy
	digest    *digest
	registrar *registrar
	presence  *agent
	kept      *store
	xcap      *documents

	mu     sync.Mutex
	flows  map[string]*flow  // living connections by flow.id
	routes map[string]int    // requests on their way, to notice loops
	arrive func(user string) // see onSignIn; may be nil
}

// newPool makes the shared state of a domain's front ends. now may be nil (time.Now).
func newPool(domain string, accounts []account, now func() time.Time, log *slog.Logger) *pool {
	if now == nil {
		now = time.Now
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	p := &pool{
		domain: strings.ToLower(domain), accounts: map[string]account{}, now: now, log: log,
		flows: map[string]*flow{}, routes: map[string]int{},
	}
	for _, a := range accounts {
		a.address = strings.ToLower(a.address)
		p.accounts[a.address] = a
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.policy = newPolicy(Options{Domain: p.domain})
	p.digest = newDigest(p.domain, now)
	p.registrar = newRegistrar(p)
	p.presence = newAgent(p)
	p.kept = newStore(p)
	p.xcap = &documents{all: map[string]document{}}
	return p
}

// close ends all timers and goroutines of the pool. Stop the front ends first.
func (p *pool) close() {
	p.cancel()
	p.presence.close()
}

// local says whether a domain is ours.
func (p *pool) local(host string) bool { return strings.EqualFold(host, p.domain) }

// addFlow and dropFlow keep the table of living connections.
func (p *pool) addFlow(l *flow) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flows[l.id] = l
}

// dropFlow forgets a connection: the contacts that came over it stay until
// they run out, but cannot be reached; its subscriptions end.
func (p *pool) dropFlow(l *flow) {
	p.mu.Lock()
	delete(p.flows, l.id)
	p.mu.Unlock()
	p.presence.dropFlow(l)
}

// flow finds a living connection.
func (p *pool) flow(id string) *flow {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.flows[id]
}

// signedIn lists the addresses (user@domain, sorted) with at least one
// registered contact that can be reached.
func (p *pool) signedIn() []string { return p.registrar.signedIn() }

// onSignIn sets who hears that somebody registered a real contact (first
// binding of that user over a connection). Called without a lock held, once, before serving.
func (p *pool) onSignIn(f func(user string)) { p.arrive = f }

// challenges are the WWW-Authenticate values (Digest SHA-256, then MD5) of a new nonce, for HTTP as for SIP.
func (p *pool) challenges(stale bool) []string { return p.digest.challenges(stale) }

// authorize checks an Authorization value (Digest) and returns whose it is
// ("user@domain"). stale: the answer is right but the nonce is old, so
// challenge again with stale.
func (p *pool) authorize(authorization, method string) (user string, stale bool, err error) {
	c, err := p.digest.parseCredentials(authorization)
	if err != nil {
		return "", false, err
	}
	a, stale, err := p.whose(c, method)
	return a.address, stale, err
}

// whose finds the account that credentials belong to and checks them. The
// username is the part before the @, or the whole address.
func (p *pool) whose(c credentials, method string) (a account, stale bool, err error) {
	name := c.params["username"]
	if !strings.Contains(name, "@") {
		name += "@" + p.domain
	}
	a, known := p.accounts[strings.ToLower(name)]
	if !known {
		return a, false, errWrongPassword
	}
	stale, err = p.digest.check(c, method, a.password)
	return a, stale, err
}

// document is an XCAP document (RFC 4825).
type document struct {
	content []byte
	etag    string // with its quotes
}

// documents are all XCAP documents, by "auid user".
type documents struct {
	mu  sync.Mutex
	all map[string]document
}

// errPrecondition: If-Match or If-None-Match did not hold; HTTP 412.
var errPrecondition = errors.New("precondition failed")

// condition is what a write demands of the document that is there now. The zero value demands nothing.
type condition struct {
	match     string // an entity tag with its quotes, or * (any)
	noneMatch string // *: there is none yet
}

// getXCAP returns the document of an application usage ("resource-lists",
// "rls-services", "pres-rules") of user ("user@domain").
func (p *pool) getXCAP(auid, user string) (document, bool) {
	p.xcap.mu.Lock()
	defer p.xcap.mu.Unlock()
	d, found := p.xcap.all[auid+" "+user]
	return d, found
}

// putXCAP replaces the document, tells the presence agent, and returns the new
// one; created: there was none. A nil content deletes. errPrecondition when
// the condition does not hold. The caller has checked that content is
// well-formed and of the right kind.
func (p *pool) putXCAP(auid, user string, content []byte, c condition) (d document, created bool, err error) {
	d, created, err = p.xcap.put(auid+" "+user, content, c)
	if err == nil {
		p.presence.documentChanged(auid, user)
	}
	return d, created, err
}

func (x *documents) put(key string, content []byte, c condition) (d document, created bool, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	old, found := x.all[key]
	switch {
	case c.match == "*" && !found, c.match != "" && c.match != "*" && c.match != old.etag,
		c.noneMatch == "*" && found, c.noneMatch != "" && c.noneMatch == old.etag:
		return old, false, errPrecondition // RFC 4825 §7.11.
	}
	if content == nil {
		delete(x.all, key)
		return document{}, false, nil
	}
	d = document{content, `"` + token() + `"`}
	x.all[key] = d
	return d, !found, nil
}

// token is a random word of 80 bits, fit for tags and ids.
func token() string {
	b := make([]byte, 10)
	rand.Read(b) // never fails
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b))
}
