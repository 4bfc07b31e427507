package lab

import (
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// ask gives the answer in the text form of zone files, one record a line, sorted as sent.
func ask(z *zone, name string, kind uint16) (rcode string, answer, authority []string) {
	r := z.answer(new(dns.Msg).SetQuestion(name, kind))
	text := func(records []dns.RR) (lines []string) {
		for _, rr := range records {
			lines = append(lines, strings.Join(strings.Fields(rr.String())[3:], " "))
		}
		return lines
	}
	return dns.RcodeToString[r.Rcode], text(r.Answer), text(r.Ns)
}

func TestZone(t *testing.T) {
	v := memoryView(Options{Domain: "Contoso.test", FrontEnds: 2})
	soa := "SOA dns.contoso.test. hostmaster.contoso.test. 1 3600 600 86400 60"
	for _, c := range []struct {
		name   string
		kind   uint16
		rcode  string
		answer string // joined by |
		soa    bool
	}{
		{"_sipinternaltls._tcp.contoso.test.", dns.TypeSRV, "NOERROR", "SRV 0 10 5061 fe1.Contoso.test.|SRV 10 10 5061 fe2.Contoso.test.", false},
		{"_SIP._TLS.CONTOSO.TEST.", dns.TypeSRV, "NOERROR", "SRV 0 10 5061 fe1.Contoso.test.|SRV 10 10 5061 fe2.Contoso.test.", false},
		{"_sip._tcp.contoso.test.", dns.TypeSRV, "NOERROR", "SRV 0 10 5060 fe1.Contoso.test.|SRV 10 10 5060 fe2.Contoso.test.", false},
		{"_ldaps._tcp.contoso.test.", dns.TypeSRV, "NOERROR", "SRV 0 10 636 ldap.Contoso.test.", false},
		{"_msrps._tcp.contoso.test.", dns.TypeSRV, "NOERROR", "SRV 0 10 2855 msrp.Contoso.test.", false},
		{"fe2.contoso.test.", dns.TypeA, "NOERROR", "A 192.0.2.102", false},
		{"fe2.contoso.test.", dns.TypeAAAA, "NOERROR", "AAAA 2001:db8::102", false},
		{"sip.contoso.test.", dns.TypeA, "NOERROR", "A 192.0.2.101", false},
		{"xcap.contoso.test.", dns.TypeTXT, "NOERROR", `TXT "https://xcap.Contoso.test/xcap"`, false},
		{"contoso.test.", dns.TypeNAPTR, "NOERROR", `NAPTR 10 50 "s" "SIPS+D2T" "" _sips._tcp.contoso.test.|NAPTR 20 50 "s" "SIP+D2T" "" _sip._tcp.contoso.test.`, false},
		{"contoso.test.", dns.TypeA, "NOERROR", "", true},
		{"_tcp.contoso.test.", dns.TypeSRV, "NOERROR", "", true},
		{"fe2.contoso.test.", dns.TypeMX, "NOERROR", "", true},
		{"fe3.contoso.test.", dns.TypeA, "NXDOMAIN", "", true},
		{"_sip._udp.contoso.test.", dns.TypeSRV, "NXDOMAIN", "", true},
		{"example.com.", dns.TypeA, "REFUSED", "", false},
		{"notcontoso.test.", dns.TypeA, "REFUSED", "", false},
	} {
		rcode, answer, authority := ask(newZone(v), c.name, c.kind)
		if rcode != c.rcode || strings.Join(answer, "|") != c.answer {
			t.Errorf("%s %s: %s %q, want %s %q", c.name, dns.TypeToString[c.kind], rcode, answer, c.rcode, c.answer)
		}
		if got := strings.Join(authority, "|"); (got == soa) != c.soa {
			t.Errorf("%s %s: authority %q", c.name, dns.TypeToString[c.kind], got)
		}
	}
}

func TestZoneNamesTheDirectorWhenToldSo(t *testing.T) {
	z := newZone(memoryView(Options{Domain: "contoso.test", FrontEnds: 2, Director: true}))
	for _, name := range []string{"_sipinternaltls._tcp", "_sip._tls"} {
		if _, answer, _ := ask(z, name+".contoso.test.", dns.TypeSRV); strings.Join(answer, "|") != "SRV 0 10 5061 director.contoso.test." {
			t.Errorf("%s: %q", name, answer)
		}
	}
	if _, answer, _ := ask(z, "fe1.contoso.test.", dns.TypeA); len(answer) != 1 {
		t.Errorf("the front ends have addresses %q", answer)
	}
}

func TestZoneRefusesOddQueries(t *testing.T) {
	z := newZone(memoryView(Options{Domain: "contoso.test", FrontEnds: 1}))
	if r := z.answer(new(dns.Msg)); r.Rcode != dns.RcodeFormatError {
		t.Errorf("no question: %s", dns.RcodeToString[r.Rcode])
	}
	update := new(dns.Msg).SetUpdate("contoso.test.")
	if r := z.answer(update); r.Rcode != dns.RcodeNotImplemented {
		t.Errorf("update: %s", dns.RcodeToString[r.Rcode])
	}
	chaos := new(dns.Msg).SetQuestion("contoso.test.", dns.TypeTXT)
	chaos.Question[0].Qclass = dns.ClassCHAOS
	if r := z.answer(chaos); r.Rcode != dns.RcodeRefused {
		t.Errorf("chaos: %s", dns.RcodeToString[r.Rcode])
	}
}

// Any query that can be read has an answer that can be sent.
func FuzzDNS(f *testing.F) {
	z := newZone(memoryView(Options{Domain: "contoso.test", FrontEnds: 2}))
	for _, name := range []string{"_sip._tls.contoso.test.", "contoso.test.", "example.com.", "."} {
		m := new(dns.Msg).SetQuestion(name, dns.TypeANY)
		m.SetEdns0(4096, true)
		b, _ := m.Pack()
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		q := new(dns.Msg)
		if q.Unpack(b) != nil {
			return
		}
		r := z.answer(q)
		if r.Id != q.Id || !r.Response {
			t.Errorf("answer %v to %v", r, q)
		}
		if _, err := r.Pack(); err != nil && len(q.Question) == 1 {
			t.Errorf("answer to %v: %v", q, err)
		}
	})
}
