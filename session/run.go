package session

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"communicator/autoconfig"
	"communicator/dialect/simple"
	"communicator/wire/auth"
	"communicator/wire/sipconn"
)

// How long a connection may be silent before it is asked for a sign of life,
// for which it then has 10 s at first, and later 7 s (RFC 5626 §4.4.1).
const (
	ping      = 20 * time.Second // at any server
	closePing = 7 * time.Second  // at one that says it speaks RFC 5626, so that its loss is noticed within 15 s
)

// lasting is how long one must have been signed in for it to count.
const lasting = 30 * time.Second

// runner executes what next decides, for one Run.
type runner struct {
	s        *Session
	all      context.Context // that of Run; ends with cancel when Run does
	cancel   context.CancelFunc
	search   *autoconfig.Search
	link     autoconfig.Link
	conn     *sipconn.Conn
	reg      *registration
	leave    context.CancelFunc   // ends what belongs to the connection
	sent     []string             // where the server sends us
	avoid    string               // the target that has just failed
	busy     map[string]time.Time // IP:PORT of servers that want to be left alone until then
	began    time.Time            // of signing in
	urn      string               // of this installation
	xcap     chan store           // its look-up
	web      *http.Client
	group    sync.WaitGroup // everything started here
	calendar sync.Once      // its agenda runs from the first sign-in on
	clock    *time.Timer    // bounds the REGISTER under way; stopped while a person types the password
}

// Run signs in and stays signed in until ctx ends (then it signs out and
// returns nil) or the server says never (a *SignInError). It is called once.
func (s *Session) Run(ctx context.Context) error {
	all, cancel := context.WithCancel(ctx)
	r := &runner{s: s, all: all, cancel: cancel, began: time.Now(), urn: s.instance(), leave: func() {}, busy: map[string]time.Time{}}
	r.web = &http.Client{
		// The contact list and its password go where the DNS or the configuration
		// said, over TLS, and nowhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: s.query().DialHost, DialTLSContext: s.query().DialTLS,
			IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 4,
		}}
	m, e := machine{phase: SignedOut}, event{what: start}
	if s.bad != nil {
		e = event{what: rejected, err: &SignInError{What: "Not signed in", Why: s.bad.Error(), Remedy: "Check the sign-in address", Err: s.bad}}
	}
	if s.o.Dial == nil {
		r.work(func() { r.followNetwork(all) })
	}
	if !s.o.Silent {
		s.Requests.restore()
		s.IM.TakeUp() // what an earlier process could not send
		r.work(func() { s.History.tidy(all) })
	}
	for {
		var do action
		if m, do = next(m, e); do == end {
			return r.end(ctx, m)
		}
		e = r.execute(ctx, m, do)
		if ctx.Err() != nil {
			e = event{what: stop}
		}
	}
}

func (r *runner) execute(ctx context.Context, m machine, do action) event {
	switch do {
	case search:
		return r.locate(ctx, m)
	case another:
		r.drop()
		r.show(m)
		e := r.connected(r.search.Next(ctx))
		if e.what == noServer && m.err != nil {
			e.err = nil // why the last one did not register us says more
		}
		return e
	case follow:
		r.drop()
		r.show(m)
		e := r.connected(r.search.Redirect(ctx, r.sent))
		if e.what == noServer { // not there; but perhaps the next candidate takes us
			if l, err := r.search.Next(ctx); err == nil {
				return r.connected(l, nil)
			}
		}
		return e
	case register:
		return r.register(ctx, m)
	case hold:
		return r.hold(ctx, m)
	}
	return r.rest(ctx, m)
}

// show tells the state of m.
func (r *runner) show(m machine) {
	r.s.change(func(st *State) {
		*st = State{Phase: m.phase, User: st.User, Name: st.Name, Since: st.Since, Err: m.err}
		if m.phase == SigningIn || m.phase == SignedIn {
			st.Target = r.link.Target
			if r.link.TLS != nil {
				st.TLS = tls.VersionName(r.link.TLS.Version)
			}
		}
		if m.phase == SignedIn {
			st.Took = time.Since(r.began)
		}
	})
}

// query is what autoconfig is asked.
func (s *Session) query() autoconfig.Query {
	return autoconfig.Query{Domain: s.domain, Server: s.o.Server, Resolver: s.o.Resolver, AllowTCP: s.o.AllowTCP, Roots: s.o.Roots, Further: s.o.Further, Dial: s.o.Dial}
}

// locate begins a full discovery: no name of a server outlives a connection.
func (r *runner) locate(ctx context.Context, m machine) event {
	r.show(m)
	if r.began.IsZero() {
		r.began = time.Now()
	}
	r.calm() // this is the try
	r.lookUpStore()
	q := r.s.query()
	q.Avoid, r.avoid = r.avoid, ""
	maps.DeleteFunc(r.busy, func(_ string, until time.Time) bool { return !until.After(time.Now()) })
	q.Busy = maps.Clone(r.busy)
	q.Trace = func(st autoconfig.Step) {
		if st.Step == "address" && st.Result == autoconfig.Found {
			r.s.change(func(s *State) { s.Phase = Connecting })
		}
		r.s.emit(Step{st})
	}
	r.search = autoconfig.New(q)
	return r.connected(r.search.Next(ctx))
}

// calm forgets what TryNow asked for.
func (r *runner) calm() {
	select {
	case <-r.s.nudge:
	default:
	}
}

// connected takes what a search came to.
func (r *runner) connected(l autoconfig.Link, err error) event {
	if err != nil {
		after, failed := r.search.Patience()
		return event{what: noServer, err: err, after: after, hope: failed}
	}
	r.link = l
	return event{what: linked}
}

// drop ends the connection to a server that did not register us.
func (r *runner) drop() {
	if r.conn != nil {
		_ = r.conn.Close() // its error is why we leave
		r.conn = nil
	}
}

// register registers on a fresh connection.
func (r *runner) register(ctx context.Context, m machine) event {
	r.show(m)
	s := r.s
	s.mu.Lock()
	name := s.state.Name
	s.mu.Unlock()
	user, _, _ := strings.Cut(s.self, "@")
	// The account of one server: nonces of another would be refused by it.
	account := auth.NewClient(user, s.domain, func() (string, error) { return r.password(ctx) })
	r.conn = sipconn.New(r.link.Conn, sipconn.Options{
		Self: s.self, Name: name, UserAgent: userAgent, Auth: account, Handle: s.handle,
		Ping: ping, Log: s.log, Trace: s.ring.add, MaxMessage: maxMessage,
	})
	r.reg = &registration{conn: r.conn, self: s.self, contact: r.conn.Contact(), instance: r.urn}
	r.reg.target = net.JoinHostPort(r.link.Target.Host, strconv.Itoa(int(r.link.Target.Port)))
	e := r.registerNow(ctx)
	if e.what == redirected {
		r.sent = e.contacts
	}
	return e
}

// registerNow sends a REGISTER and gives the server registerTime to answer.
func (r *runner) registerNow(ctx context.Context) event {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r.clock = time.AfterFunc(registerTime, cancel)
	defer r.clock.Stop()
	e := r.reg.do(ctx, registerFor)
	server := net.JoinHostPort(r.link.Target.Address, strconv.Itoa(int(r.link.Target.Port)))
	delete(r.busy, server)
	if e.after > 0 { // it binds this server, not its neighbours
		r.busy[server] = time.Now().Add(e.after)
	}
	return e
}

// password asks for the password; a person may take long.
func (r *runner) password(ctx context.Context) (string, error) {
	r.clock.Stop()
	defer r.clock.Reset(registerTime)
	return r.s.password(ctx)
}

// hold stays signed in: it registers again in time and notices the end.
func (r *runner) hold(ctx context.Context, m machine) event {
	mine, leave := context.WithCancel(context.WithoutCancel(ctx))
	r.leave = leave
	r.s.line.Set(r.conn)
	r.meetDevices() // what is written from now on is copied
	r.show(m)
	r.calm()
	r.began = time.Time{}
	r.begin(mine)
	begin := time.Now()
	e := r.held(ctx)
	e.brief = time.Since(begin) < lasting
	if e.what != stop {
		r.s.line.Set(nil)
		leave()
		if e.err != errSlept { // that was not the server's fault
			r.avoid = r.reg.target
		}
		r.drop()
	}
	return e
}

func (r *runner) held(ctx context.Context) event {
	for again := r.fetchAfter(); ; again = registerFor {
		switch err := r.awake(ctx, min(again, refreshAfter(r.reg.granted))); {
		case ctx.Err() != nil:
			return event{what: stop}
		case err != nil:
			return event{what: lost, err: err}
		}
		e := r.registerNow(ctx)
		for left := r.reg.granted / 5; e.what == unavailable && e.after > 0 && e.after < left; left -= e.after {
			if !r.pause(ctx, e.after) { // the registration outlasts what the server asks for
				break
			}
			e = r.registerNow(ctx)
		}
		switch {
		case ctx.Err() != nil:
			return event{what: stop}
		case r.conn.Err() != nil:
			return event{what: lost, err: r.conn.Err()}
		case e.what == accepted:
			r.meetDevices()
		case e.what == rejected:
			return e
		default: // not now, or elsewhere: find a server anew
			return event{what: lost, err: e.err}
		}
	}
}

// meetDevices tells the conversations where else the user is signed in. A client
// that takes no messages is not to be found by the others.
func (r *runner) meetDevices() {
	contact := r.reg.gruu
	if r.s.o.Deaf {
		contact = ""
	}
	r.s.IM.Devices(contact, r.reg.others...)
}

// fetchAfter is when to register for the second time. Servers hand over what they
// have kept at a REGISTER only (msilo of Kamailio 5.6); what was on its way to the
// connection before this one is kept when it has failed, up to 32 s later (RFC
// 3261 §17.1.2.2, timer F), and would lie there until the next REGISTER.
func (r *runner) fetchAfter() time.Duration {
	if r.s.o.Silent {
		return registerFor
	}
	return 40*time.Second + rand.N(8*time.Second)
}

// pause waits; false: ctx or the connection has ended.
func (r *runner) pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.conn.Done():
	case <-ctx.Done():
	}
	return false
}

// rest waits before the next round.
func (r *runner) rest(ctx context.Context, m machine) event {
	r.drop()
	d := delay(m, rand.Float64())
	r.s.log.Info("not signed in", "error", m.err, "again in", d.Round(time.Second))
	r.s.change(func(st *State) {
		*st = State{Phase: Waiting, User: st.User, Name: st.Name, Since: st.Since, Until: time.Now().Add(d), Err: m.err}
	})
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.s.nudge: // servers that asked for patience get it all the same
	case <-ctx.Done():
	}
	return event{what: timer}
}

// end signs out and ends everything that Run has started.
func (r *runner) end(ctx context.Context, m machine) error {
	r.signOut(ctx)
	r.leave()
	r.cancel()
	r.drop()
	r.s.IM.Rest()
	r.s.People.closeAll()
	r.s.Requests.end()
	r.group.Wait()
	r.s.History.Close()
	if r.s.dialect() != nil {
		r.s.Contacts.keep()
	}
	r.web.CloseIdleConnections()
	s := r.s
	s.mu.Lock()
	s.ended, s.secret = true, ""
	s.mu.Unlock()
	r.show(m)
	if m.err != nil {
		return m.err
	}
	return nil
}

// signOut takes back, within signOutTime, what the server has of us: the
// publication but for the note, subscriptions, and our own contact.
func (r *runner) signOut(ctx context.Context) {
	if _, err := r.s.line.Conn(); err != nil || r.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), signOutTime)
	defer cancel()
	r.lettersLeave(ctx)
	server := r.s.dialect()
	r.leave() // ends the subscriptions
	if server != nil {
		if err := r.s.Presence.signOff(ctx, server); err != nil {
			r.s.log.Info("sign out", "error", err)
		}
	}
	r.clock = time.NewTimer(time.Hour) // the password is known by now
	defer r.clock.Stop()
	if e := r.reg.do(ctx, 0); e.what != accepted {
		r.s.log.Info("sign out", "error", e.err)
	}
	r.s.line.Set(nil)
	if server != nil {
		r.bidFarewell(ctx, server)
	}
}

// lettersLeave lets the copies for other devices leave.
func (r *runner) lettersLeave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, farewell)
	defer cancel()
	r.s.IM.Farewell(ctx)
}

// bidFarewell lets the subscriptions end. That was asked for while the rest was
// taken back, so mostly nothing is to be waited for.
func (r *runner) bidFarewell(ctx context.Context, server *simple.Server) {
	ctx, cancel := context.WithTimeout(ctx, farewell)
	defer cancel()
	select {
	case <-server.Over():
	case <-r.conn.Done():
	case <-ctx.Done():
	}
}

// work runs f on its own goroutine; Run does not return before f has.
func (r *runner) work(f func()) { r.group.Go(f) }

// store is what looking up the XCAP root came to.
type store struct {
	root string
	err  error
}

// storeUnknownError: where the contact list is kept could not be looked up.
type storeUnknownError struct{ err error }

func (e *storeUnknownError) Error() string {
	return "where the contact list is kept could not be found out: " + e.err.Error()
}
func (e *storeUnknownError) Unwrap() error { return e.err }

// lookUpStore looks up the XCAP root while the server is being searched.
func (r *runner) lookUpStore() {
	found := make(chan store, 1)
	r.xcap = found
	if root := r.s.o.XCAP; root != "" {
		var err error
		if !strings.HasPrefix(root, "https://") {
			root, err = "", &storeUnknownError{fmt.Errorf("%q does not begin with https://", root)}
		}
		found <- store{root, err}
		return
	}
	r.work(func() { // ends with Run, or when the look-up does
		root, err := r.s.query().XCAP(r.all)
		if err != nil {
			err = &storeUnknownError{err}
		}
		found <- store{root, err}
	})
}

// serverFor returns the server as we speak to it, made anew only when its
// contact store has changed: it remembers what it published. With an error it
// can be used, but the contact list is not known. nil: ctx has ended.
func (r *runner) serverFor(ctx context.Context, found <-chan store) (*simple.Server, error) {
	var st store
	select {
	case st = <-found:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s := r.s
	s.mu.Lock()
	known, root := s.simple, s.root
	s.mu.Unlock()
	if known != nil && (root == st.root || st.err != nil) {
		return known, st.err
	}
	user, _, _ := strings.Cut(s.self, "@")
	server := simple.New(simple.Options{
		Self: s.self, Line: s.line, XCAP: st.root, HTTP: r.web, Device: s.device(), Dir: s.o.Dir, Log: s.log,
		Auth: auth.NewClient(user, s.domain, func() (string, error) { return s.password(r.all) }),
		Sink: simple.Sink{
			Contacts: s.Contacts.set,
			Doubt:    s.Contacts.doubts,
			Presence: s.Presence.hear,
			Rules:    s.Contacts.setRules,
			Watcher:  s.Contacts.watcher,
		},
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.simple == nil {
		close(s.made)
	}
	s.simple, s.root = server, st.root
	return server, st.err
}

// passwordError: there is no password to sign in with.
type passwordError struct{ err error }

func (e *passwordError) Error() string { return e.err.Error() }
func (e *passwordError) Unwrap() error { return e.err }

// password returns the password, asking for it once. It stops waiting, though
// not the question, when ctx ends.
func (s *Session) password(ctx context.Context) (string, error) {
	select {
	case s.asking <- struct{}{}:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	s.mu.Lock()
	secret := s.secret
	s.mu.Unlock()
	if secret != "" || s.o.Password == nil {
		<-s.asking
		if secret == "" {
			return "", &passwordError{errors.New("no password was given")}
		}
		return secret, nil
	}
	type answer struct {
		secret string
		err    error
	}
	answered := make(chan answer, 1)
	go func() { // ends when the question is answered
		p, err := s.o.Password()
		s.mu.Lock()
		s.secret = p
		s.mu.Unlock()
		<-s.asking
		answered <- answer{p, err}
	}()
	select {
	case a := <-answered:
		if a.err != nil {
			return "", &passwordError{a.err}
		}
		return a.secret, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
