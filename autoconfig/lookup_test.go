package autoconfig

import (
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"
)

func TestDirectories(t *testing.T) {
	for name, c := range map[string]struct{ zone, want string }{
		"none":             {"", ""},
		"ldaps":            {"_ldaps._tcp.contoso.test. 60 IN SRV 0 0 636 dc1.contoso.test.", "ldaps://dc1.contoso.test:636"},
		"both":             {"_ldap._tcp.contoso.test. 60 IN SRV 0 0 389 dc1.contoso.test.\n_ldaps._tcp.contoso.test. 60 IN SRV 0 0 636 dc1.contoso.test.", "ldaps://dc1.contoso.test:636 ldap://dc1.contoso.test:389"},
		"Active Directory": {"_ldap._tcp.dc._msdcs.contoso.test. 60 IN SRV 0 100 389 dc1.contoso.test.", "ldap://dc1.contoso.test:389"},
		"outside":          {"_ldaps._tcp.contoso.test. 60 IN SRV 0 0 636 dc1.evil.test.", "error: the DNS names dc1.evil.test as directory of contoso.test; it lies outside the domain and was not asked"},
		"not":              {"_ldaps._tcp.contoso.test. 60 IN SRV 0 0 0 .", ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, strings.FieldsFunc(c.zone, func(r rune) bool { return r == '\n' })...)
				urls, err := w.query().Directories(t.Context())
				got := strings.Join(urls, " ")
				if err != nil {
					got = "error: " + err.Error()
				}
				if got != c.want {
					t.Errorf("got %s, want %s", got, c.want)
				}
			})
		})
	}
}

func TestCalendars(t *testing.T) {
	const srv = "_caldavs._tcp.contoso.test. 60 IN SRV "
	for name, c := range map[string]struct{ zone, want string }{
		"none":     {"", ""},
		"one":      {srv + "0 0 443 cal.contoso.test.", "https://cal.contoso.test:443"},
		"a path":   {srv + "0 0 8443 cal.contoso.test.\n_caldavs._tcp.contoso.test. 60 IN TXT \"path=/dav/\"", "https://cal.contoso.test:8443/dav/"},
		"two":      {srv + "5 0 443 cal2.contoso.test.\n" + srv + "1 0 443 cal1.contoso.test.", "https://cal1.contoso.test:443 https://cal2.contoso.test:443"},
		"bad path": {srv + "0 0 443 cal.contoso.test.\n_caldavs._tcp.contoso.test. 60 IN TXT \"path=@evil.test/\"", "https://cal.contoso.test:443"},
		"outside":  {srv + "0 0 443 cal.evil.test.", "error: the DNS names cal.evil.test as calendar of contoso.test; it lies outside the domain and was not asked"},
		"not":      {srv + "0 0 0 .", ""},
		"in clear": {"_caldav._tcp.contoso.test. 60 IN SRV 0 0 80 cal.contoso.test.", ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, strings.FieldsFunc(c.zone, func(r rune) bool { return r == '\n' })...)
				urls, err := w.query().Calendars(t.Context())
				got := strings.Join(urls, " ")
				if err != nil {
					got = "error: " + err.Error()
				}
				if got != c.want {
					t.Errorf("got %s, want %s", got, c.want)
				}
			})
		})
	}
}

func TestRelays(t *testing.T) {
	const srv = "_msrps._tcp.contoso.test. 60 IN SRV "
	for name, c := range map[string]struct{ zone, want string }{
		"none":    {"", ""},
		"two":     {srv + "5 0 2855 msrp2.contoso.test.\n" + srv + "1 0 5061 fe1.contoso.test.", "fe1.contoso.test:5061 msrp2.contoso.test:2855"},
		"outside": {srv + "0 0 2855 msrp.evil.test.", "error: the DNS names msrp.evil.test as relay for long messages of contoso.test; it lies outside the domain and was not asked"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, strings.FieldsFunc(c.zone, func(r rune) bool { return r == '\n' })...)
				relays, err := w.query().Relays(t.Context())
				got := strings.Join(relays, " ")
				if err != nil {
					got = "error: " + err.Error()
				}
				if got != c.want {
					t.Errorf("got %s, want %s", got, c.want)
				}
			})
		})
	}
}

func TestXCAP(t *testing.T) {
	for text, want := range map[string]string{
		"":                                     "",
		"https://xcap.contoso.test:8443/root/": "https://xcap.contoso.test:8443/root",
		"https://contoso.test/xcap":            "https://contoso.test/xcap",
		"http://xcap.contoso.test/xcap":        "not encrypted",
		"https://xcap.evil.test/xcap":          "outside contoso.test",
		"https://contoso.test@evil.test/xcap":  "not the address",
		"https://xcap.contoso.test/x?u=1":      "not the address",
		"v=spf1 -all":                          "not an address",
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			if text != "" {
				w.zone = []string{`xcap.contoso.test. 60 IN TXT "` + text + `"`}
			}
			got, err := w.query().XCAP(t.Context())
			if err != nil {
				got = err.Error()
			}
			if got != want && (err == nil || !strings.Contains(got, want)) {
				t.Errorf("%q: got %q, want %q", text, got, want)
			}
		})
	}
}

// DialHost finds hosts of the domain by the same resolver.
func TestDialHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, fe1)
		w.listen["10.0.0.11:636"] = func(c net.Conn) { c.Close() }
		c, err := w.query().DialHost(t.Context(), "tcp", "fe1.contoso.test:636")
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		for _, bad := range []string{"fe1.contoso.test:1", "nobody.contoso.test:636", "fe1.contoso.test"} {
			if _, err := w.query().DialHost(t.Context(), "tcp", bad); err == nil {
				t.Errorf("%s: connected", bad)
			}
		}
	})
}

// On the real network UDP comes first; an answer that is cut short is asked
// for again by TCP, and a server without EDNS is served too.
func TestTruncated(t *testing.T) {
	w := newWorld(t)
	for range 60 {
		w.zone = append(w.zone, "_sip._tls.contoso.test. 60 IN SRV 0 0 5061 a-rather-long-name-for-a-server.contoso.test.")
	}
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", pc.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	var byUDP, byTCP atomic.Int32
	serve := func(n *atomic.Int32, cut bool) dns.HandlerFunc {
		return func(rw dns.ResponseWriter, q *dns.Msg) {
			n.Add(1)
			m := w.answer(q)
			if q.IsEdns0() != nil {
				m = new(dns.Msg).SetRcode(q, dns.RcodeFormatError)
			} else if cut {
				m.Truncate(512)
			}
			_ = rw.WriteMsg(m)
		}
	}
	for _, s := range []*dns.Server{{PacketConn: pc, Handler: serve(&byUDP, true)}, {Listener: l, Handler: serve(&byTCP, false)}} {
		go s.ActivateAndServe()
		t.Cleanup(func() { _ = s.Shutdown() })
	}
	q := Query{Domain: "contoso.test", Resolver: pc.LocalAddr().String()}
	records, err := q.lookuper().srv(t.Context(), "_sip._tls.contoso.test.")
	if err != nil || len(records) != 60 {
		t.Errorf("%d records, %v", len(records), err)
	}
	if byUDP.Load() != 2 || byTCP.Load() != 1 {
		t.Errorf("%d by UDP, %d by TCP", byUDP.Load(), byTCP.Load())
	}
}

// Of several DNS servers a dead one does not hold up the others.
func TestSeveralServers(t *testing.T) {
	for name, dead := range map[string]func(w *world){
		"refuses": func(w *world) {},
		"silent":  func(w *world) { w.silent["10.0.0.1:53"] = true },
		"servfail": func(w *world) {
			sick := newWorld(w.t)
			sick.rcode["all"] = dns.RcodeServerFailure
			w.listen["10.0.0.1:53"] = sick.serveDNS
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, fe1)
				dead(w)
				s := &servers{list: []string{"10.0.0.1:53", "10.0.0.53:53"}, dial: w.dial}
				if list, err := s.addrs(t.Context(), "fe1.contoso.test."); err != nil || len(list) != 1 {
					t.Error(list, err)
				}
			})
		})
	}
}
