// Package lab is a small company in one process: DNS, a certificate
// authority, a director and two SIP front ends with presence, resource lists
// and a message store, an MSRP relay, XCAP, LDAP, CalDAV, and people who live.
//
// It is strict where the client is tolerant: it answers 400 to what the
// standards forbid. It imports wire/ and nothing else of ours, so that the
// client's thinking never tests itself. Begin with New, then Company.Dial (in
// memory) or Company.Listen (real ports).
//
// Standards: RFC 3261, 3263, 3428, 3856, 3903, 4662, 5626, 5627 (SIP), RFC 1035,
// 2782, 2308 (DNS), RFC 4976 (MSRP relay), RFC 4511 to 4518 and 2696 (LDAP), RFC 4825, 4826 and 7616 (XCAP),
// RFC 4791, 5545, 6638 and 6764 (calendars).
package lab

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options of a Company.
type Options struct {
	Domain        string           // default contoso.test
	People        int              // default 200
	Still         bool             // people do not act by themselves
	FrontEnds     int              // default 2, at most 9
	Director      bool             // SRV names the director, which redirects to the front ends; default: SRV names the front ends
	AnonymousLDAP bool             // the directory answers without a bind
	Filter        []string         // messages with any of these texts are refused (606); case does not matter
	NoFiles       bool             // offers of files are refused likewise
	Now           func() time.Time // default time.Now
	Log           *slog.Logger     // default: silent
}

// Company is the running lab. Its methods may be called from any goroutine.
type Company struct {
	options   Options
	staff     *staff
	authority *authority
	view      view
	pool      *pool
	frontEnds []*frontEnd
	freezers  []*freezer // of the front ends
	director  *director  // in memory
	relay     *msrpRelay
	ldap      *ldapServer
	calendars *calendarServer
	web       *http.Server
	webInbox  *inbox
	network   *network
	crowd     *crowd
	serving   sync.WaitGroup // everything that has its own goroutine here

	mu     sync.Mutex
	open   []io.Closer // real ports
	second *director   // on real ports: its redirects name them; nil before Listen
	remove func()      // takes away a folder that was made for the run; nil before Listen
	closed bool
}

const mostPeople = 200_000

var domainName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$`)

// complete fills in what was left out and refuses what cannot be.
func (o Options) complete() (Options, error) {
	if o.Domain == "" {
		o.Domain = "contoso.test"
	}
	if o.Domain = strings.ToLower(o.Domain); !domainName.MatchString(o.Domain) || len(o.Domain) > 200 {
		return o, fmt.Errorf("%q is no domain name such as contoso.test", o.Domain)
	}
	if o.People == 0 {
		o.People = 200
	}
	if o.People < 1 || o.People > mostPeople {
		return o, fmt.Errorf("a company has 1 to %d people, not %d", mostPeople, o.People)
	}
	if o.FrontEnds == 0 {
		o.FrontEnds = 2
	}
	if o.FrontEnds < 1 || o.FrontEnds > 9 {
		return o, fmt.Errorf("a company has 1 to 9 front ends, not %d", o.FrontEnds)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

// New makes the company and starts its servers on an in-memory network.
func New(o Options) (*Company, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	c := &Company{options: o, view: memoryView(o), staff: newStaff(o.Domain, o.People)}
	if c.authority, err = newAuthority(o.Domain, o.Now); err != nil {
		return nil, err
	}
	secure, err := c.serverTLS(c.view)
	if err != nil {
		return nil, err
	}
	accounts := make([]account, 0, len(c.staff.people)+1)
	for _, p := range c.staff.accounts() {
		accounts = append(accounts, account{p.User, p.Name, p.Password})
	}
	c.pool = newPool(o.Domain, accounts, o.Now, o.Log)
	c.pool.policy = newPolicy(o)
	c.pool.administrator = c.staff.administrator.User
	for _, p := range c.view.frontEnds {
		c.frontEnds = append(c.frontEnds, newFrontEnd(c.pool, c.view.name(p), int(p.tls)))
		c.freezers = append(c.freezers, &freezer{})
	}
	c.director = newDirector(c.view.targets(), o.Log)
	c.relay = newRelay(c.pool)
	c.ldap = &ldapServer{tree: newTree(o.Domain, c.staff), tls: secure, anonymous: o.AnonymousLDAP}
	diaries := &diaries{staff: c.staff, began: o.Now(), now: o.Now}
	c.calendars = newCalendarServer(c.pool, diaries)
	c.crowd = newCrowd(c.staff, c.pool, diaries, o)
	c.startMemory(secure)
	c.crowd.start()
	return c, nil
}

// targets are the Contact values that a director gives.
func (v view) targets() []string {
	var all []string
	for _, p := range v.frontEnds {
		all = append(all, fmt.Sprintf("<sip:%s:%d;transport=tls>", v.name(p), p.tls))
	}
	return all
}

// serverTLS makes a certificate for all hosts and addresses of a view.
func (c *Company) serverTLS(v view) (*tls.Config, error) {
	hosts := []string{v.domain, "localhost"}
	for _, h := range []string{"sip", "dns", v.director.host, v.ldap.host, v.xcap.host, v.relay.host} {
		hosts = append(hosts, h+"."+v.domain)
	}
	ips := []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	for _, p := range append(slices.Clone(v.frontEnds), v.director, v.ldap, v.xcap, v.relay) {
		if host := v.name(p); !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
		for _, a := range p.addrs {
			if ip := net.IP(a.AsSlice()); !slices.ContainsFunc(ips, ip.Equal) {
				ips = append(ips, ip)
			}
		}
	}
	cert, err := c.authority.issue(v.domain, hosts, ips)
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, Time: c.options.Now}, nil
}

// startMemory puts every server on the network in memory.
func (c *Company) startMemory(secure *tls.Config) {
	v, z := c.view, newZone(c.view)
	c.network = newNetwork(z)
	c.network.listen([]netip.Addr{memoryResolver().Addr()}, dnsPort, z.serveStream)
	for i, p := range v.frontEnds {
		c.network.listen(p.addrs, p.tcp, c.freezers[i].within(serveTCP(c.frontEnds[i])))
		c.network.listen(p.addrs, p.tls, c.freezers[i].within(serveTLS(c.frontEnds[i], secure)))
	}
	c.network.listen(v.director.addrs, v.director.tcp, serveTCP(c.director))
	c.network.listen(v.director.addrs, v.director.tls, serveTLS(c.director, secure))
	c.network.listen(v.relay.addrs, v.relay.tls, c.relay.serveTLSRelay(secure, v.name(v.relay), v.relay.tls))
	c.network.listen(v.ldap.addrs, v.ldap.tcp, func(nc net.Conn) { c.ldap.serve(nc, false) })
	c.network.listen(v.ldap.addrs, v.ldap.tls, serveLDAPS(c.ldap, secure))

	c.web = &http.Server{
		Handler: c.webHandler(), ErrorLog: slog.NewLogLogger(c.options.Log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: handshakeTime, MaxHeaderBytes: 32 << 10, ConnState: c.countWeb,
	}
	c.webInbox = newInbox(net.TCPAddrFromAddrPort(netip.AddrPortFrom(v.xcap.addrs[0], v.xcap.tls)))
	c.network.listen(v.xcap.addrs, v.xcap.tls, c.webInbox.serve)
	c.serving.Go(func() { c.serveWeb(c.webInbox, secure) })
}

// webHandler shares one port among XCAP and CalDAV.
func (c *Company) webHandler() http.Handler {
	xcap := &xcapServer{c.pool}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path+"/", davRoot) || r.URL.Path == "/.well-known/caldav" {
			c.calendars.ServeHTTP(w, r)
			return
		}
		xcap.ServeHTTP(w, r)
	})
}

// serveWeb answers HTTPS until the listener ends.
func (c *Company) serveWeb(l net.Listener, secure *tls.Config) {
	if err := c.web.Serve(tls.NewListener(l, secure)); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		c.options.Log.Warn("lab: XCAP server ended", "error", err)
	}
}

// directors are the director in memory and the one on real ports.
func (c *Company) directors() []*director {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.second == nil {
		return []*director{c.director}
	}
	return []*director{c.director, c.second}
}

// countWeb has Close wait for connections of the HTTP server, which does not.
func (c *Company) countWeb(_ net.Conn, s http.ConnState) {
	switch s {
	case http.StateNew:
		c.serving.Add(1)
	case http.StateClosed, http.StateHijacked:
		c.serving.Done()
	}
}

// sipServer is a front end or the director.
type sipServer interface {
	serve(nc net.Conn, transport string)
	halted() bool
}

// handshakeTime is how long a client may take for TLS or an HTTP header.
const handshakeTime = 10 * time.Second

// serveTLS shakes hands before the server sees the connection. One that is
// stopped resets without a handshake, as a machine does whose process is gone.
func serveTLS(s sipServer, secure *tls.Config) func(net.Conn) {
	return func(nc net.Conn) {
		if s.halted() {
			reset(nc)
			return
		}
		t := tls.Server(nc, secure)
		if shakeHands(t) != nil {
			_ = nc.Close() // the client knows why
			return
		}
		s.serve(t, "TLS")
	}
}

func serveTCP(s sipServer) func(net.Conn) {
	return func(nc net.Conn) { s.serve(nc, "TCP") }
}

func serveLDAPS(s *ldapServer, secure *tls.Config) func(net.Conn) {
	return func(nc net.Conn) {
		t := tls.Server(nc, secure)
		if shakeHands(t) != nil {
			_ = nc.Close() // the client knows why
			return
		}
		s.serve(t, true)
	}
}

// shakeHands does the TLS handshake within a bounded time.
func shakeHands(t *tls.Conn) error {
	ctx, cancel := context.WithTimeout(context.Background(), handshakeTime)
	defer cancel()
	return t.HandshakeContext(ctx)
}

// Dial reaches the servers by their names and addresses in memory: DNS at
// Resolver, SIP, LDAP and HTTP as the DNS says. A drop-in for
// session.Options.Dial. DNS over "udp" comes as a stream, which Go's resolver
// and miekg/dns notice by themselves.
func (c *Company) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	return c.network.dial(ctx, network, addr)
}

// Resolver is the address of the lab's DNS server in memory, for
// Options.Resolver of a session.
func (c *Company) Resolver() string { return memoryResolver().String() }

// Roots holds the lab's certificate authority.
func (c *Company) Roots() *x509.CertPool { return c.authority.pool() }

// Close stops everything, in memory and on real ports.
func (c *Company) Close() error {
	c.mu.Lock()
	open, remove, again := c.open, c.remove, c.closed
	c.open, c.remove, c.closed = nil, nil, true
	c.mu.Unlock()
	if again {
		return nil
	}
	c.crowd.stop()
	for _, l := range open {
		_ = l.Close() // it is to be gone either way
	}
	_ = c.webInbox.Close()
	_ = c.web.Close()
	for _, f := range c.frontEnds {
		f.stop()
	}
	for _, d := range c.directors() {
		d.stop()
	}
	c.network.close()
	c.pool.close()
	c.crowd.wait()
	c.serving.Wait()
	if remove != nil {
		remove()
	}
	return nil
}
