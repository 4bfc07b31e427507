// Package autoconfig finds the SIP server of a domain and connects to it.
//
// The order is _sipinternaltls._tcp, _sipinternal._tcp, _sip._tls, _sip._tcp,
// _sips._tcp, then the address of sip.DOMAIN at port 5061 and 443: every target
// of every record and every address of every target, by priority and weight,
// until one stands. Each step is recorded in words. Begin with New and
// Search.Next. It speaks no SIP: a redirect is told to it by Search.Redirect.
//
// A look-up that got no answer is never taken for "no such record": further TLS
// names are tried after it, plain TCP is not.
//
// Standards: RFC 2782 (SRV), RFC 3263 (locating SIP servers), RFC 5922 (domain
// certificates), RFC 8305 (several addresses).
package autoconfig

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/netip"
	"slices"
	"time"
)

// Query says what to look for.
type Query struct {
	Domain   string                                                            // of the sign-in address
	Server   string                                                            // by hand: HOST[:PORT][;transport=tls|tcp]; empty: ask the DNS
	Resolver string                                                            // HOST[:PORT] of the DNS server to ask; empty: the system's
	Avoid    string                                                            // HOST:PORT of a target that has just failed: tried after the others of its name
	Busy     map[string]time.Time                                              // IP:PORT of servers that want to be left alone until then: passed over
	AllowTCP bool                                                              // plain TCP is allowed; otherwise TLS only, and records for TCP are refused by name
	Roots    *x509.CertPool                                                    // nil: the system's
	Further  []*x509.Certificate                                               // authorities that are trusted beside Roots
	Dial     func(ctx context.Context, network, addr string) (net.Conn, error) // nil: the real network; must obey ctx
	Trace    func(Step)                                                        // hears each step as it ends; may be nil
}

// Step is one step of the search, with its result.
type Step struct {
	Step   string   // srv, address, connect, tls, redirect
	Name   string   // what was asked or tried
	Result string   // found, none, timeout, servfail, refused, untrusted, busy
	Answer []Record // srv
	Addrs  []string // address: what was found; connect, tls: the address used
	Text   string   // the same in words, for people
	Took   time.Duration
}

// Results of a Step.
const (
	Found     = "found"
	None      = "none"      // there is certainly no such record
	Timeout   = "timeout"   // no answer: nothing is known
	Servfail  = "servfail"  // the DNS server answered that it cannot: nothing is known
	Refused   = "refused"   // the other side refused, or we do
	Untrusted = "untrusted" // the certificate does not prove that it is the server
	Busy      = "busy"      // it wants to be left alone for a while (Query.Busy)
)

// Record is one SRV record.
type Record struct {
	Priority uint16 `json:"priority"`
	Weight   uint16 `json:"weight"`
	Port     uint16 `json:"port"`
	Target   string `json:"target"` // absolute, with the last dot; "." means: not offered here
}

// Target is where a connection goes.
type Target struct {
	Host      string `json:"host"`
	Port      uint16 `json:"port"`
	Transport string `json:"transport"` // tls or tcp
	Address   string `json:"address"`   // IP address
}

// Link is a standing connection to a server of the domain; its certificate has
// been verified unless Transport is tcp.
type Link struct {
	Target Target
	Record string // the record or rule it came from, e.g. "_sip._tls.example.com"
	Conn   net.Conn
	TLS    *tls.ConnectionState // nil for tcp
}

// searchTime bounds one Next or Redirect, whatever the DNS sends us through.
const searchTime = 60 * time.Second

// maxTargets bounds the targets taken from one SRV answer.
const maxTargets = 100

// services are the SRV names in the order in which they are used. The first
// four are those of the product's papers; _sips._tcp is RFC 3263 §4.1.
var services = [...]struct {
	name string
	tls  bool
}{
	{"_sipinternaltls._tcp", true},
	{"_sipinternal._tcp", false},
	{"_sip._tls", true},
	{"_sip._tcp", false},
	{"_sips._tcp", true},
}

// Search walks through the candidates of one Query. Its methods are not for
// use by several goroutines at once.
type Search struct {
	q        Query
	dns      lookuper
	domain   string            // in ASCII
	manual   server            // host empty: ask the DNS
	bad      error             // the Query itself is unusable
	srv      map[string]*asked // by service
	next     int               // next of services; after them sip.DOMAIN, then the end
	queue    []candidate
	tried    map[string]bool // "IP:PORT/tls"
	stood    map[string]bool // "HOST:PORT" of every link so far
	steps    []Step
	patience time.Duration // until the first of those that were passed over may be asked; 0: none was
	secure   bool          // the last link was TLS
	doubt    bool          // a TLS name got no answer, or a server was not trusted: no plain TCP now
}

// candidate is a host and port that may be a server of the domain.
type candidate struct {
	host   string
	port   uint16
	tls    bool
	record string
	names  []string     // any of which its certificate may bear
	addrs  []netip.Addr // nil: to be looked up
	looked bool
}

// New starts a search; nothing is asked yet. A Query that cannot be used shows
// as *NotFoundError at the first Next.
func New(q Query) *Search {
	s := &Search{q: q, dns: q.lookuper(), srv: map[string]*asked{}, tried: map[string]bool{}, stood: map[string]bool{}}
	if s.domain, s.bad = hostname(q.Domain); s.bad != nil {
		return s
	}
	if q.Server != "" {
		s.manual, s.bad = parseServer(q.Server)
	}
	return s
}

// Next connects to the next candidate that stands. After the last one, or when
// ctx ends, it returns *NotFoundError (errors.As).
func (s *Search) Next(ctx context.Context) (Link, error) {
	if s.bad != nil {
		return Link{}, s.unusable()
	}
	ctx, cancel := context.WithTimeout(ctx, searchTime)
	defer s.settle()
	defer cancel()
	for ctx.Err() == nil {
		if len(s.queue) > 0 {
			c := s.queue[0]
			s.queue = s.queue[1:]
			if l, ok := s.try(ctx, c); ok {
				return l, nil
			}
			continue
		}
		if !s.expand(ctx) {
			break
		}
	}
	return Link{}, s.notFound(ctx)
}

// expand puts the candidates of the next name into the queue; false: there is none.
func (s *Search) expand(ctx context.Context) bool {
	i := s.next
	s.next++
	switch {
	case s.manual.host != "":
		if i == 0 {
			s.queue = s.byHand()
		}
		return i == 0
	case net.ParseIP(s.domain) != nil: // an address has no records
		if i == 0 {
			s.queue = s.fixed(s.domain, "the address itself")
		}
		return i == 0
	case i < len(services):
		s.askAhead(ctx, i)
		s.expandSRV(ctx, i)
		return true
	case i == len(services):
		s.queue = s.fixed("sip."+s.domain, "sip."+s.domain)
		return true
	}
	return false
}

// fixed are the two ports that are tried without a record.
func (s *Search) fixed(host, record string) []candidate {
	names := []string{s.domain}
	if host != s.domain {
		names = append(names, host)
	}
	return []candidate{
		{host: host, port: 5061, tls: true, record: record, names: names},
		{host: host, port: 443, tls: true, record: record, names: names},
	}
}

// byHand are the candidates of Query.Server.
func (s *Search) byHand() []candidate {
	m := s.manual
	if m.tcp && !s.q.AllowTCP {
		s.step(Step{Step: "connect", Name: m.String(), Result: Refused,
			Text: "plain TCP was asked for by hand, but unencrypted connections are not allowed"})
		return nil
	}
	cs := s.fixed(m.host, "the server entered by hand")
	if m.port != 0 || m.tcp {
		cs = cs[:1]
		cs[0].port, cs[0].tls = m.port, !m.tcp
		if m.port == 0 {
			cs[0].port = 5060
		}
	}
	return cs
}

// Patience is how long to wait for the first of the servers that were passed
// over (Query.Busy); 0: none was. failed: something else went wrong, which may be
// over sooner.
func (s *Search) Patience() (wait time.Duration, failed bool) {
	failed = slices.ContainsFunc(s.steps, func(st Step) bool {
		return st.Result == Timeout || st.Result == Servfail || st.Result == Untrusted || st.Result == Refused && st.Step != "srv"
	})
	return s.patience, failed
}

// step records a step and tells whoever listens.
func (s *Search) step(st Step) {
	s.steps = append(s.steps, st)
	if s.q.Trace != nil {
		s.q.Trace(st)
	}
}
