package lab

import (
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// Ports on the in-memory network, where each server has addresses of its own.
const (
	dnsPort   = 53
	sipPort   = 5060
	sipsPort  = 5061
	ldapPort  = 389
	ldapsPort = 636
	xcapPort  = 443
)

// place is where one server is, as seen from one network.
type place struct {
	host     string // name below the domain
	addrs    []netip.Addr
	tcp, tls uint16 // ports; 0: none
}

// view is where everything is: one for the network in memory, one for real ports.
type view struct {
	domain    string
	frontEnds []place // in order of preference
	director  place
	ldap      place
	xcap      place
	relay     place // MSRP
	redirect  bool  // SRV names the director instead of the front ends
}

// name is the host's full name.
func (v view) name(p place) string { return p.host + "." + v.domain }

// xcapRoot is the XCAP root URL (RFC 4825 §6.1).
func (v view) xcapRoot() string {
	host := v.name(v.xcap)
	if v.xcap.tls != xcapPort {
		host = fmt.Sprintf("%s:%d", host, v.xcap.tls)
	}
	return "https://" + host + "/xcap"
}

// memoryView gives everybody an address of the documentation ranges
// (RFC 5737 §3, RFC 3849 §2).
func memoryView(o Options) view {
	at := func(host string, n int, tcp, tls uint16) place {
		return place{host, []netip.Addr{
			netip.AddrFrom4([4]byte{192, 0, 2, byte(n)}),
			netip.MustParseAddr(fmt.Sprintf("2001:db8::%d", n)),
		}, tcp, tls}
	}
	v := view{
		domain: o.Domain, redirect: o.Director,
		director: at("director", 10, sipPort, sipsPort),
		ldap:     at("ldap", 20, ldapPort, ldapsPort), xcap: at("xcap", 21, 0, xcapPort),
		relay: at("msrp", 22, 0, relayPort),
	}
	for i := range o.FrontEnds {
		v.frontEnds = append(v.frontEnds, at(fmt.Sprintf("fe%d", i+1), 101+i, sipPort, sipsPort))
	}
	return v
}

// memoryResolver is where the DNS server is in memory.
func memoryResolver() netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr("192.0.2.53"), dnsPort)
}

// zone answers for the domain (RFC 1035) and for nothing else.
type zone struct {
	origin  string // with the last dot, lower case
	soa     *dns.SOA
	records map[string][]dns.RR     // by name, lower case; a name in between has an entry without records
	hosts   map[string][]netip.Addr // by name without the last dot
}

// ttl is short because front ends come and go.
const ttl = 60

// newZone writes the domain's records: the four names that clients of LCS
// look for, those of RFC 3263, the directory's (RFC 4513 has none; RFC 2782
// names it), and the XCAP root as text at xcap.DOMAIN. The bare domain has no
// address, on purpose.
func newZone(v view) *zone {
	z := &zone{origin: dns.Fqdn(strings.ToLower(v.domain)), records: map[string][]dns.RR{}, hosts: map[string][]netip.Addr{}}
	z.soa = &dns.SOA{
		Hdr: z.header(z.origin, dns.TypeSOA), Ns: "dns." + z.origin, Mbox: "hostmaster." + z.origin,
		Serial: 1, Refresh: 3600, Retry: 600, Expire: 86400, Minttl: ttl,
	}
	z.add(z.soa, &dns.NS{Hdr: z.header(z.origin, dns.TypeNS), Ns: z.soa.Ns})
	z.host("dns", v.ldap.addrs)
	// RFC 3263 §4.1: TLS is preferred.
	z.naptr(10, "SIPS+D2T", "_sips._tcp")
	z.naptr(20, "SIP+D2T", "_sip._tcp")

	servers := v.frontEnds
	if v.redirect {
		servers = []place{v.director}
	}
	for i, p := range servers {
		for _, service := range []string{"_sipinternaltls._tcp", "_sip._tls", "_sips._tcp"} {
			z.srv(service, 10*i, p.tls, v.name(p))
		}
		for _, service := range []string{"_sipinternal._tcp", "_sip._tcp"} {
			z.srv(service, 10*i, p.tcp, v.name(p))
		}
	}
	for _, p := range v.frontEnds {
		z.host(p.host, p.addrs)
	}
	z.host(v.director.host, v.director.addrs)
	z.host("sip", servers[0].addrs)
	z.host(v.ldap.host, v.ldap.addrs)
	z.srv("_ldaps._tcp", 0, v.ldap.tls, v.name(v.ldap))
	z.srv("_ldap._tcp", 0, v.ldap.tcp, v.name(v.ldap)) // StartTLS is offered there
	z.host(v.xcap.host, v.xcap.addrs)
	z.add(&dns.TXT{Hdr: z.header(v.name(v.xcap), dns.TypeTXT), Txt: []string{v.xcapRoot()}})
	z.host(v.relay.host, v.relay.addrs)
	z.srv("_msrps._tcp", 0, v.relay.tls, v.name(v.relay))
	z.srv("_caldavs._tcp", 0, v.xcap.tls, v.name(v.xcap))
	z.add(&dns.TXT{Hdr: z.header("_caldavs._tcp."+v.domain, dns.TypeTXT), Txt: []string{"path=" + davRoot}}) // RFC 6764 §4
	return z
}

func (z *zone) header(name string, kind uint16) dns.RR_Header {
	return dns.RR_Header{Name: dns.Fqdn(name), Rrtype: kind, Class: dns.ClassINET, Ttl: ttl}
}

// add stores records, and makes the names above them exist (RFC 8020: a name
// with something below it is not NXDOMAIN).
func (z *zone) add(records ...dns.RR) {
	for _, r := range records {
		name := strings.ToLower(r.Header().Name)
		z.records[name] = append(z.records[name], r)
		for name != z.origin {
			name = name[strings.IndexByte(name, '.')+1:]
			z.records[name] = append(z.records[name], nil...)
		}
	}
}

func (z *zone) srv(service string, priority int, port uint16, target string) {
	if port == 0 {
		return
	}
	z.add(&dns.SRV{Hdr: z.header(service+"."+z.origin, dns.TypeSRV), Priority: uint16(priority), Weight: 10, Port: port, Target: dns.Fqdn(target)})
}

func (z *zone) naptr(order uint16, service, replacement string) {
	z.add(&dns.NAPTR{Hdr: z.header(z.origin, dns.TypeNAPTR), Order: order, Preference: 50, Flags: "s", Service: service, Replacement: replacement + "." + z.origin})
}

func (z *zone) host(name string, addrs []netip.Addr) {
	name += "." + z.origin
	for _, a := range addrs {
		if a.Is4() {
			z.add(&dns.A{Hdr: z.header(name, dns.TypeA), A: net.IP(a.AsSlice())})
		} else {
			z.add(&dns.AAAA{Hdr: z.header(name, dns.TypeAAAA), AAAA: net.IP(a.AsSlice())})
		}
	}
	z.hosts[strings.TrimSuffix(name, ".")] = addrs
}

// answer answers a query; it never asks anybody else.
func (z *zone) answer(q *dns.Msg) *dns.Msg {
	r := new(dns.Msg).SetReply(q)
	r.RecursionAvailable = false
	if o := q.IsEdns0(); o != nil {
		r.SetEdns0(dns.DefaultMsgSize, false)
		if o.Version() != 0 { // RFC 6891 §6.1.3
			return r.SetRcode(q, dns.RcodeBadVers)
		}
	}
	switch {
	case q.Opcode != dns.OpcodeQuery:
		r.Rcode = dns.RcodeNotImplemented
	case len(q.Question) != 1:
		r.Rcode = dns.RcodeFormatError
	case q.Question[0].Qclass != dns.ClassINET, !dns.IsSubDomain(z.origin, strings.ToLower(q.Question[0].Name)):
		r.Rcode = dns.RcodeRefused
	default:
		z.lookUp(r, q.Question[0])
	}
	return r
}

func (z *zone) lookUp(r *dns.Msg, q dns.Question) {
	r.Authoritative = true
	records, exists := z.records[strings.ToLower(q.Name)]
	for _, rr := range records {
		if q.Qtype == rr.Header().Rrtype || q.Qtype == dns.TypeANY {
			r.Answer = append(r.Answer, rr)
		}
	}
	if len(r.Answer) == 0 {
		// RFC 2308 §2: a negative answer carries the SOA record.
		r.Ns = append(r.Ns, z.soa)
		if !exists {
			r.Rcode = dns.RcodeNameError
		}
		return
	}
	z.addGlue(r)
}

// addGlue spares the client a question: the addresses of SRV targets (RFC 2782).
func (z *zone) addGlue(r *dns.Msg) {
	for _, rr := range r.Answer {
		s, is := rr.(*dns.SRV)
		if !is {
			continue
		}
		for _, a := range z.records[strings.ToLower(s.Target)] {
			if t := a.Header().Rrtype; t == dns.TypeA || t == dns.TypeAAAA {
				r.Extra = append(r.Extra, a)
			}
		}
	}
}

// serveStream answers queries on a connection, one after the other (RFC 7766).
func (z *zone) serveStream(nc net.Conn) {
	c := &dns.Conn{Conn: nc}
	for {
		q, err := c.ReadMsg()
		if err != nil {
			return
		}
		if c.WriteMsg(z.answer(q)) != nil {
			return
		}
	}
}

// ServeDNS answers a query on a real port.
func (z *zone) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	r := z.answer(q)
	if _, udp := w.LocalAddr().(*net.UDPAddr); udp {
		size := dns.MinMsgSize
		if o := q.IsEdns0(); o != nil {
			size = max(size, int(o.UDPSize()))
		}
		r.Truncate(size)
	}
	_ = w.WriteMsg(r) // the other side is gone; it will ask again
}
