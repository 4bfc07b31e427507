package autoconfig

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

const (
	lookupTime = 6 * time.Second         // one look-up: an answer after four seconds is still an answer
	nextServer = 1200 * time.Millisecond // without an answer the next DNS server is asked too, or the same again
	otherKind  = time.Second             // how much longer than the A the AAAA answer may take, and the other way round
	maxAliases = 8                       // CNAME after CNAME
)

// servers asks DNS servers, the first one first.
type servers struct {
	list  []string // HOST:PORT
	dial  func(ctx context.Context, network, addr string) (net.Conn, error)
	hosts bool // the system's file of hosts counts too
}

// systemServers are the DNS servers of this computer; none where the system
// does not tell them in a file.
func systemServers() []string {
	conf, err := dns.ClientConfigFromFile("/etc/resolv.conf")
	if err != nil {
		return nil
	}
	var list []string
	for _, s := range conf.Servers {
		list = append(list, net.JoinHostPort(s, conf.Port))
	}
	return list[:min(len(list), 4)]
}

func (s *servers) srv(ctx context.Context, name string) ([]Record, error) {
	list, err := s.lookup(ctx, name, dns.TypeSRV)
	if err != nil {
		return nil, err
	}
	return srvRecords(list), nil
}

func srvRecords(list []dns.RR) []Record {
	var records []Record
	for _, rr := range list {
		if r, ok := rr.(*dns.SRV); ok {
			records = append(records, Record{r.Priority, r.Weight, r.Port, strings.ToLower(dns.Fqdn(r.Target))})
		}
	}
	return records
}

func (s *servers) txt(ctx context.Context, name string) ([]string, error) {
	list, err := s.lookup(ctx, name, dns.TypeTXT)
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, rr := range list {
		if r, ok := rr.(*dns.TXT); ok {
			texts = append(texts, strings.Join(r.Txt, ""))
		}
	}
	return texts, nil
}

// exists asks for the SOA record of a domain; only NXDOMAIN says no.
func (s *servers) exists(ctx context.Context, domain string) bool {
	m, err := s.ask(ctx, domain+".", dns.TypeSOA)
	return err != nil || m.Rcode != dns.RcodeNameError
}

// addrs asks for A and AAAA at once.
func (s *servers) addrs(ctx context.Context, name string) ([]netip.Addr, error) {
	if s.hosts {
		if list := fromHostsFile(ctx, name); len(list) > 0 {
			return list, nil
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type answer struct {
		list []netip.Addr
		err  error
	}
	answers := make(chan answer, 2)
	for _, kind := range []uint16{dns.TypeAAAA, dns.TypeA} {
		go func() {
			list, err := s.lookup(ctx, name, kind)
			answers <- answer{ips(list), err}
		}()
	}
	one := <-answers
	var two answer
	if one.err == nil {
		// RFC 8305 §3: a DNS server that is slow for one kind must not hold up the other.
		t := time.AfterFunc(otherKind, cancel)
		defer t.Stop()
	}
	two = <-answers
	if list := interleave(append(one.list, two.list...)); len(list) > 0 {
		return list, nil
	}
	for _, err := range []error{one.err, two.err} {
		if err != nil && dnsResult(err) != None {
			return nil, err // not knowing one kind is not knowing
		}
	}
	if one.err == nil {
		return nil, &dnsError{None, "has no usable address"}
	}
	return nil, one.err
}

// fromHostsFile asks the system for what an administrator wrote into its file
// of hosts; the search list is not used and no DNS server is asked.
func fromHostsFile(ctx context.Context, name string) []netip.Addr {
	r := net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("only the file")
	}}
	list, err := r.LookupNetIP(ctx, "ip", name)
	if err != nil {
		return nil
	}
	return interleave(list)
}

func ips(list []dns.RR) []netip.Addr {
	var found []netip.Addr
	for _, rr := range list {
		var ip net.IP
		switch r := rr.(type) {
		case *dns.A:
			ip = r.A
		case *dns.AAAA:
			ip = r.AAAA
		}
		if a, ok := netip.AddrFromSlice(ip); ok {
			found = append(found, a.Unmap())
		}
	}
	return found
}

// lookup returns the records of one kind, following CNAME.
func (s *servers) lookup(ctx context.Context, name string, kind uint16) ([]dns.RR, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, lookupTime, errLookupTime)
	defer cancel()
	for range maxAliases {
		m, err := s.ask(ctx, name, kind)
		if err != nil {
			return nil, err
		}
		last, found := follow(m.Answer, name, kind)
		switch {
		case len(found) > 0:
			return found, nil
		case m.Rcode == dns.RcodeNameError:
			return nil, &dnsError{None, "does not exist (NXDOMAIN)"}
		case last == name:
			return nil, &dnsError{None, "has no " + dns.TypeToString[kind] + " record"}
		}
		name = last
	}
	return nil, &dnsError{Servfail, "is an alias that leads nowhere (CNAME after CNAME)"}
}

// follow walks the CNAME records of an answer from name on and returns the last
// name with its records of that kind. Records of other names do not count.
func follow(answer []dns.RR, name string, kind uint16) (string, []dns.RR) {
	for range maxAliases {
		var found []dns.RR
		alias := ""
		for _, rr := range answer {
			if !strings.EqualFold(rr.Header().Name, name) {
				continue
			}
			if c, ok := rr.(*dns.CNAME); ok {
				alias = dns.Fqdn(c.Target)
			} else if rr.Header().Rrtype == kind {
				found = append(found, rr)
			}
		}
		if len(found) > 0 || alias == "" {
			return name, found
		}
		name = alias
	}
	return name, nil
}

var errLookupTime = errors.New("look-up time is over")

// ask puts one question, to the next server when one does not answer in time
// or cannot answer, each twice at most. The first answer that says something
// counts, however late.
func (s *servers) ask(ctx context.Context, name string, kind uint16) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, lookupTime, errLookupTime)
	defer cancel()
	type answer struct {
		m   *dns.Msg
		err error
	}
	answers := make(chan answer, 2*len(s.list))
	started, pending := 0, 0
	start := func() {
		if started < 2*len(s.list) {
			server := s.list[started%len(s.list)]
			started++
			pending++
			go func() {
				m, err := s.exchange(ctx, server, name, kind)
				answers <- answer{m, err}
			}()
		}
	}
	start()
	next := time.NewTicker(nextServer)
	defer next.Stop()
	why := error(&dnsError{Timeout, "no answer from the DNS server " + strings.Join(s.list, ", ")})
	for pending > 0 {
		select {
		case <-next.C:
			start()
		case <-ctx.Done():
			if context.Cause(ctx) == errLookupTime {
				return nil, why
			}
			return nil, ctx.Err()
		case a := <-answers:
			pending--
			if a.err == nil {
				return a.m, nil
			}
			if dnsResult(a.err) == Servfail || dnsResult(why) == Timeout {
				why = a.err
			}
			if started < len(s.list) || dnsResult(a.err) == Servfail && started < 2*len(s.list) && pending == 0 {
				start()
			}
		}
	}
	if ctx.Err() != nil && context.Cause(ctx) != errLookupTime {
		return nil, ctx.Err()
	}
	return nil, why
}

// exchange asks one server: by UDP, and by TCP when the answer was cut short or
// there is no UDP.
func (s *servers) exchange(ctx context.Context, server, name string, kind uint16) (*dns.Msg, error) {
	q := new(dns.Msg).SetQuestion(name, kind)
	q.SetEdns0(1232, false) // fits any path without fragments
	m, err := s.over(ctx, "udp", server, q)
	if err == nil && m.Rcode == dns.RcodeFormatError {
		q.Extra = nil // RFC 6891 §7: a server that does not know EDNS
		m, err = s.over(ctx, "udp", server, q)
	}
	if err == nil && m.Truncated || errors.Is(err, errNoUDP) {
		m, err = s.over(ctx, "tcp", server, q)
	}
	switch {
	case err != nil:
		return nil, &dnsError{Timeout, fmt.Sprintf("no answer from the DNS server %s (%s)", server, dialWords(err))}
	case m.Rcode == dns.RcodeSuccess || m.Rcode == dns.RcodeNameError:
		return m, nil
	}
	return nil, &dnsError{Servfail, fmt.Sprintf("the DNS server %s could not answer (%s)", server, dns.RcodeToString[m.Rcode])}
}

var errNoUDP = errors.New("no UDP here")

// over asks on one connection. An answer to another question is as good as none.
func (s *servers) over(ctx context.Context, network, server string, q *dns.Msg) (*dns.Msg, error) {
	conn, err := s.dial(ctx, network, server)
	if err != nil {
		if network == "udp" {
			return nil, errNoUDP
		}
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if d, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(d) // a connection without deadlines is closed by ctx
	}
	c := dns.Client{Net: network, UDPSize: 1232, Timeout: lookupTime}
	m, _, err := c.ExchangeWithConnContext(ctx, q, &dns.Conn{Conn: conn, UDPSize: 1232})
	if err != nil {
		return nil, err
	}
	if !m.Response || len(m.Question) != 1 || !strings.EqualFold(m.Question[0].Name, q.Question[0].Name) || m.Question[0].Qtype != q.Question[0].Qtype {
		return nil, errors.New("it answered another question")
	}
	return m, nil
}
