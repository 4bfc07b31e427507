package autoconfig

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"
)

const srv = "_sip._tls.contoso.test. 60 IN SRV 0 0 5061 fe1.contoso.test."

// What a person reads when signing in cannot even begin.
func TestSentences(t *testing.T) {
	const empty = `contoso.test. 60 IN TXT "nothing here"`
	say(t, map[string]saying{
		"nothing announced": {func(w *world, q *Query) { w.zone = []string{empty, "contoso.test. 60 IN SOA ns. me. 1 2 3 4 5"} },
			"No server is announced for contoso.test. Checked: 5 SRV names and sip.contoso.test."},
		"no such domain": {func(w *world, q *Query) {},
			"There is no domain contoso.test. Checked: 5 SRV names and sip.contoso.test."},
		"servfail": {func(w *world, q *Query) { w.rcode["all"] = dns.RcodeServerFailure },
			"Cannot look up contoso.test: the DNS server 10.0.0.53:53 could not answer (SERVFAIL), for _sipinternaltls._tcp.contoso.test and 5 more. So it is not known whether there is a server."},
		"one servfail": {func(w *world, q *Query) { w.rcode["_sip._tls.contoso.test."] = dns.RcodeServerFailure },
			"Cannot look up contoso.test: the DNS server 10.0.0.53:53 could not answer (SERVFAIL), for _sip._tls.contoso.test. So it is not known whether there is a server."},
		"resolver mute": {func(w *world, q *Query) { w.mute["all"] = true },
			"Cannot look up contoso.test. The DNS server 10.0.0.53 does not answer."},
		"resolver gone": {func(w *world, q *Query) { q.Resolver = "10.0.0.99" },
			"Cannot look up contoso.test. The DNS server 10.0.0.99 does not answer."},
		"not offered": {func(w *world, q *Query) {
			w.zone = []string{"contoso.test. 60 IN SOA ns. me. 1 2 3 4 5", "_sip._tls.contoso.test. 60 IN SRV 0 0 0 ."}
		},
			"No server is announced for contoso.test. Checked: 5 SRV names and sip.contoso.test. _sip._tls.contoso.test says that this service is not offered here."},
		"not usable": {func(w *world, q *Query) {
			w.zone = []string{"sip.contoso.test. 60 IN A 10.0.0.11", "_sip._tls.contoso.test. 60 IN SRV 0 0 0 fe1.contoso.test."}
		},
			"sip.contoso.test:5061 does not answer. Also tried: sip.contoso.test:443. _sip._tls.contoso.test names no server that can be used: fe1.contoso.test:0."},
		"mistyped, with a fallback": {func(w *world, q *Query) { w.zone = []string{srv, "sip.contoso.test. 60 IN A 10.0.0.11"} },
			"fe1.contoso.test, the server of contoso.test, has no address in the DNS."},
		"no address": {func(w *world, q *Query) { w.zone = []string{srv} },
			"fe1.contoso.test, the server of contoso.test, has no address in the DNS."},
		"address servfail": {func(w *world, q *Query) {
			w.zone, w.rcode["fe1.contoso.test."] = []string{srv}, dns.RcodeRefused
		},
			"fe1.contoso.test, the server of contoso.test, could not be looked up: the DNS server 10.0.0.53:53 could not answer (REFUSED)."},
		"nothing listens": {func(w *world, q *Query) { w.zone = []string{srv, fe1} },
			"fe1.contoso.test:5061 does not answer."},
		"also tried": {func(w *world, q *Query) { w.zone = []string{"sip.contoso.test. 60 IN A 10.0.0.11"} },
			"sip.contoso.test:5061 does not answer. Also tried: sip.contoso.test:443."},
		"silent": {func(w *world, q *Query) { w.zone = []string{srv, fe1}; w.silent["10.0.0.11:5061"] = true },
			"fe1.contoso.test:5061 does not answer."},
		"silent after connect": {func(w *world, q *Query) {
			w.zone = []string{srv, fe1}
			w.listen["10.0.0.11:5061"] = func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) }
		},
			"fe1.contoso.test:5061 accepts the connection, but then does not answer."},
		"only without encryption": {func(w *world, q *Query) {
			w.zone = []string{"_sip._tcp.contoso.test. 60 IN SRV 0 0 5060 fe1.contoso.test.", fe1}
		},
			"contoso.test offers only connections without encryption (_sip._tcp.contoso.test). They are not allowed."},
		"TCP by hand": {func(w *world, q *Query) { q.Server = "fe1.contoso.test;transport=tcp" },
			"The server fe1.contoso.test;transport=tcp was entered for plain TCP. Connections without encryption are not allowed."},
		"by hand, no address": {func(w *world, q *Query) { q.Server = "nowhere.test" },
			"nowhere.test, the server of contoso.test, has no address in the DNS."},
		"by hand, not a server": {func(w *world, q *Query) { q.Server = "what is this" },
			"\"what is this\" is not the name of a domain or server."},
		"not a domain": {func(w *world, q *Query) { q.Domain = "con\x1btoso" },
			"\"contoso\" is not the name of a domain or server."},
	})
}

// saying is how to make a search fail, and what is then said.
type saying struct {
	set  func(*world, *Query)
	want string
}

func say(t *testing.T, sentences map[string]saying) {
	for name, c := range sentences {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				q := w.query()
				c.set(w, &q)
				_, e := next(t, q)
				if e == nil {
					t.Fatal("found a server")
				}
				if e.Why != c.want && !(name == "chain without end" && strings.HasPrefix(e.Why, c.want)) { // its length differs
					t.Errorf("\ngot  %s\nwant %s", e.Why, c.want)
				}
			})
		})
	}
}

// What a person reads of a server that does not prove who it is.
func TestSentencesOfEncryption(t *testing.T) {
	say(t, map[string]saying{
		"speaks no TLS": {func(w *world, q *Query) {
			w.zone = []string{srv, fe1}
			w.listen["10.0.0.11:5061"] = func(c net.Conn) {
				_, _ = c.Read(make([]byte, 999))
				_, _ = c.Write([]byte("SSH-2.0-OpenSSH_9.9\r\n"))
				c.Close()
			}
		},
			"fe1.contoso.test:5061 answers, but not as a SIP server should: it does not speak TLS on this port."},
		"wrong name": {func(w *world, q *Query) { w.zone = []string{srv, fe1}; w.secure("10.0.0.11:5061", "sip.corp.local") },
			"The certificate of fe1.contoso.test:5061 is not for contoso.test (it names sip.corp.local), issued by “Test CA”, valid until 2000-01-31. Signing in is not safe."},
		"expired": {func(w *world, q *Query) {
			w.zone = []string{srv, fe1}
			w.secure("10.0.0.11:5061", "contoso.test", "expired")
		},
			"The certificate of fe1.contoso.test:5061 expired on 1999-12-31, issued by “Test CA”. Signing in is not safe."},
		"not yet valid": {func(w *world, q *Query) {
			w.zone = []string{srv, fe1}
			w.secure("10.0.0.11:5061", "contoso.test", "future")
		},
			"The certificate of fe1.contoso.test:5061 is valid only from 2000-01-02, and this computer's clock says 2000-01-01. Signing in is not safe."},
		"only a common name": {func(w *world, q *Query) {
			w.zone = []string{srv, fe1}
			w.secure("10.0.0.11:5061", "CN=contoso.test")
		},
			"The certificate of fe1.contoso.test:5061 names contoso.test only as its common name, which no longer counts: it needs a subject alternative name, issued by “Test CA”, valid until 2000-01-31. Signing in is not safe."},
		"old encryption": {func(w *world, q *Query) {
			w.zone = []string{srv, fe1}
			cert := w.ca.issue("contoso.test")
			w.listen["10.0.0.11:5061"] = func(c net.Conn) {
				defer c.Close()
				_ = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}).Handshake()
			}
		},
			"fe1.contoso.test:5061 answers, but not as a SIP server should: it has no encryption that is safe today (TLS 1.2 or later)."},
		"chain without end": {func(w *world, q *Query) {
			w.zone = []string{srv, fe1}
			cert := w.ca.issue("contoso.test")
			for range 1000 {
				cert.Certificate = append(cert.Certificate, cert.Certificate[0])
			}
			w.listen["10.0.0.11:5061"] = w.ca.serve(cert)
		},
			"fe1.contoso.test:5061 answers, but not as a SIP server should: it fails at the start of encryption: handshake message of length"},
		"unknown issuer": {func(w *world, q *Query) {
			w.zone = []string{srv, fe1}
			w.secure("10.0.0.11:5061", "contoso.test")
			q.Roots = newAuthority(w.t).pool()
		},
			"The certificate of fe1.contoso.test:5061 was issued by “Test CA”, which this computer does not trust, valid until 2000-01-31. Signing in is not safe."},
	})
}

// Without a resolver of one's own, silence means that the computer is offline.
func TestOffline(t *testing.T) {
	s := New(Query{Domain: "contoso.test"})
	for _, service := range services {
		s.step(Step{Step: "srv", Name: service.name, Result: Timeout})
	}
	s.step(Step{Step: "address", Name: "sip.contoso.test.", Result: Timeout})
	want := "Cannot look up contoso.test. This computer seems to be offline."
	if e := s.notFound(t.Context()); e.Why != want {
		t.Errorf("got %s", e.Why)
	}
}

func ExampleNotFoundError() {
	e := New(Query{Domain: "exa mple.com"})
	_, err := e.Next(context.Background())
	fmt.Println(err)
	// Output: "exa mple.com" is not the name of a domain or server.
}
