package autoconfig

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// lookuper asks the DNS. Names are absolute, with the last dot. An error is a
// *dnsError, or that of ctx.
type lookuper interface {
	srv(ctx context.Context, name string) ([]Record, error)
	addrs(ctx context.Context, name string) ([]netip.Addr, error)
	txt(ctx context.Context, name string) ([]string, error)
	exists(ctx context.Context, domain string) bool // false: certainly not
}

// dnsError: no records, or no answer.
type dnsError struct {
	result string // None, Timeout, Servfail
	words  string
}

func (e *dnsError) Error() string { return e.words }

// dnsResult is the result of a failed look-up for its Step.
func dnsResult(err error) string {
	if e, ok := errors.AsType[*dnsError](err); ok {
		return e.result
	}
	return Timeout
}

// lookuper chooses who is asked: the named DNS server, the system's servers, or
// the system itself where it does not tell its servers (Windows).
func (q Query) lookuper() lookuper {
	if q.Resolver != "" {
		server := q.Resolver
		if _, _, err := net.SplitHostPort(server); err != nil {
			server = net.JoinHostPort(strings.Trim(server, "[]"), "53")
		}
		return &servers{list: []string{server}, dial: q.dialer()}
	}
	list := systemServers()
	if len(list) == 0 {
		return &system{net.Resolver{PreferGo: q.Dial != nil, Dial: q.Dial}}
	}
	return &servers{list: list, dial: q.dialer(), hosts: q.Dial == nil}
}

// dialer is the door to the network.
func (q Query) dialer() func(context.Context, string, string) (net.Conn, error) {
	if q.Dial != nil {
		return q.Dial
	}
	return (&net.Dialer{}).DialContext
}

// directories are the services at which a directory is found; the last names
// the domain controllers of Active Directory ([MS-ADTS] §6.3.2.3), and is asked
// if the others name nobody.
var directories = []struct{ scheme, service string }{
	{"ldaps", "_ldaps._tcp"}, {"ldap", "_ldap._tcp"}, {"ldap", "_ldap._tcp.dc._msdcs"},
}

// Directories finds the LDAP servers of the domain (RFC 2782: _ldaps._tcp and
// _ldap._tcp) as URLs, best first. None is not an error. A server outside the
// domain is left out: the certificate of such a one would prove nothing.
func (q Query) Directories(ctx context.Context) ([]string, error) {
	domain, err := hostname(q.Domain)
	if err != nil {
		return nil, err
	}
	var urls, outside []string
	for i, d := range directories {
		if i == 2 && len(urls) > 0 {
			break
		}
		records, err := q.lookuper().srv(ctx, d.service+"."+domain+".")
		if err != nil && dnsResult(err) != None {
			return nil, fmt.Errorf("look up the directory of %s: %w", domain, err)
		}
		for _, r := range order(records, rand.IntN) {
			host := strings.TrimSuffix(r.Target, ".")
			switch {
			case host == "" || r.Port == 0 || !validHost(host):
			case !inside(host, domain):
				outside = append(outside, host)
			default:
				urls = append(urls, d.scheme+"://"+hostPort(host, r.Port))
			}
		}
	}
	if len(urls) == 0 && len(outside) > 0 {
		return nil, fmt.Errorf("the DNS names %s as directory of %s; it lies outside the domain and was not asked", short(outside[0]), domain)
	}
	return urls, nil
}

// Calendars finds the CalDAV servers of the domain (RFC 6764 §6: SRV and, for
// the path, TXT of _caldavs._tcp) as URLs, best first. None is not an error. One
// outside the domain is left out: the user's password is sent there.
func (q Query) Calendars(ctx context.Context) ([]string, error) {
	domain, err := hostname(q.Domain)
	if err != nil {
		return nil, err
	}
	name := "_caldavs._tcp." + domain + "."
	hosts, err := q.inside(ctx, name, "calendar")
	if err != nil || len(hosts) == 0 {
		return nil, err
	}
	path := ""
	texts, _ := q.lookuper().txt(ctx, name) // without it the well-known path serves
	for _, text := range texts {
		if p, is := strings.CutPrefix(text, "path="); is && strings.HasPrefix(p, "/") && len(p) <= 500 {
			path = p
		}
	}
	urls := make([]string, len(hosts))
	for i, host := range hosts {
		urls[i] = (&url.URL{Scheme: "https", Host: host, Path: path}).String()
	}
	return urls, nil
}

// Relays finds the MSRP relays of the domain (RFC 4976 §5.1: SRV of _msrps._tcp)
// as HOST:PORT, best first. None is not an error. One outside the domain is left
// out: it would read what people write.
func (q Query) Relays(ctx context.Context) ([]string, error) {
	domain, err := hostname(q.Domain)
	if err != nil {
		return nil, err
	}
	return q.inside(ctx, "_msrps._tcp."+domain+".", "relay for long messages")
}

// inside are the servers inside the domain that an SRV name has, as HOST:PORT,
// best first; what they are is said in words.
func (q Query) inside(ctx context.Context, name, what string) ([]string, error) {
	domain, err := hostname(q.Domain)
	if err != nil {
		return nil, err
	}
	records, err := q.lookuper().srv(ctx, name)
	if err != nil {
		if dnsResult(err) == None {
			return nil, nil
		}
		return nil, fmt.Errorf("look up the %s of %s: %w", what, domain, err)
	}
	var hosts, outside []string
	for _, r := range order(records, rand.IntN) {
		host := strings.TrimSuffix(r.Target, ".")
		switch {
		case host == "" || r.Port == 0 || !validHost(host):
		case !inside(host, domain):
			outside = append(outside, host)
		default:
			hosts = append(hosts, hostPort(host, r.Port))
		}
	}
	if len(hosts) == 0 && len(outside) > 0 {
		return nil, fmt.Errorf("the DNS names %s as %s of %s; it lies outside the domain and was not asked", short(outside[0]), what, domain)
	}
	return hosts, nil
}

// XCAP finds the XCAP root of the domain: the TXT record of xcap.DOMAIN
// (RFC 4825 §6). "" means none. It must be https, and inside the domain.
func (q Query) XCAP(ctx context.Context) (string, error) {
	domain, err := hostname(q.Domain)
	if err != nil {
		return "", err
	}
	texts, err := q.lookuper().txt(ctx, "xcap."+domain+".")
	if err != nil {
		if dnsResult(err) == None {
			return "", nil
		}
		return "", fmt.Errorf("look up the contact store of %s: %w", domain, err)
	}
	err = nil
	for _, text := range texts {
		root, bad := CheckXCAP(text, domain)
		if bad == nil {
			return root, nil
		}
		err = fmt.Errorf("the DNS names a contact store for %s that cannot be used: %w", domain, bad)
	}
	return "", err
}

// DialHost connects to HOST:PORT, looking the host up at this Query's
// resolver and trying every address: for the directory and the contact store.
func (q Query) DialHost(ctx context.Context, network, addr string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if q.Resolver == "" || net.ParseIP(host) != nil {
		conn, err := q.dialer()(ctx, network, addr)
		if err != nil {
			return nil, &dialError{addr, err}
		}
		return conn, nil
	}
	ips, err := q.lookuper().addrs(ctx, strings.TrimSuffix(host, ".")+".")
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", short(host), err)
	}
	conn, _, failed := race(ctx, q.dialer(), port, ips)
	if conn == nil {
		return nil, &dialError{addr, failed[len(failed)-1].err}
	}
	return conn, nil
}

// dialError says in words why HOST:PORT was not reached.
type dialError struct {
	addr string
	err  error
}

func (e *dialError) Error() string { return short(e.addr) + ": " + dialWords(e.err) }
func (e *dialError) Unwrap() error { return e.err }

// interleave puts addresses in the order in which they are tried: IPv6 and
// IPv4 in turn (RFC 8305 §4).
func interleave(addrs []netip.Addr) []netip.Addr {
	var six, four, both []netip.Addr
	for _, a := range addrs {
		if a = a.Unmap(); !a.IsValid() || a.IsUnspecified() || a.IsMulticast() || slices.Contains(both, a) {
			continue
		}
		if both = append(both, a); a.Is4() {
			four = append(four, a)
		} else {
			six = append(six, a)
		}
	}
	both = both[:0]
	for i := range max(len(six), len(four)) {
		if i < len(six) {
			both = append(both, six[i])
		}
		if i < len(four) {
			both = append(both, four[i])
		}
	}
	return both[:min(len(both), maxAddrs)]
}

// maxAddrs bounds the addresses taken of one host.
const maxAddrs = 32

// system asks the system's own resolver.
type system struct{ r net.Resolver }

func (s *system) srv(ctx context.Context, name string) ([]Record, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	_, list, err := s.r.LookupSRV(ctx, "", "", name)
	if len(list) == 0 {
		return nil, systemError(err)
	}
	var records []Record
	for _, r := range list {
		records = append(records, Record{r.Priority, r.Weight, r.Port, strings.ToLower(r.Target)})
	}
	return records, nil
}

func (s *system) addrs(ctx context.Context, name string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	list, err := s.r.LookupNetIP(ctx, "ip", name)
	if list = interleave(list); len(list) == 0 {
		return nil, systemError(err)
	}
	return list, nil
}

func (s *system) txt(ctx context.Context, name string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	list, err := s.r.LookupTXT(ctx, name)
	if len(list) == 0 {
		return nil, systemError(err)
	}
	return list, nil
}

func (s *system) exists(ctx context.Context, domain string) bool { return true } // it cannot tell

// systemError tells apart what net.Resolver can tell apart.
func systemError(err error) error {
	e, ok := errors.AsType[*net.DNSError](err)
	switch {
	case err == nil || ok && e.IsNotFound:
		return &dnsError{None, "does not exist, or has no such record"}
	case ok && e.IsTimeout || errors.Is(err, context.DeadlineExceeded):
		return &dnsError{Timeout, "no answer from the DNS"}
	}
	return &dnsError{Servfail, "the DNS could not answer"}
}

// CheckXCAP returns the XCAP root that text names, without a last slash. It
// must be https, and its host the domain or below it, because the user's
// credentials are sent there.
func CheckXCAP(text, domain string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || len(text) > 2000 || u.Host == "" {
		return "", fmt.Errorf("%q is not an address of the web", short(text))
	}
	host, err := hostname(u.Hostname())
	switch {
	case err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", fmt.Errorf("%q is not the address of a contact store", short(text))
	case u.Scheme != "https":
		return "", fmt.Errorf("%q is not encrypted (https)", short(text))
	case !inside(host, domain):
		return "", fmt.Errorf("%s lies outside %s", short(host), domain)
	}
	return strings.TrimRight(u.String(), "/"), nil
}
