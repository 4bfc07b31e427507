package autoconfig

import (
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// A director sends us on; where to, and where not.
func TestRedirect(t *testing.T) {
	for name, c := range map[string]struct{ contacts, want string }{
		"by q":           {"<sip:fe2.contoso.test:5061;transport=tls>;q=0.5 <sip:fe1.contoso.test:5061;transport=tls>", "10.0.0.11:5061"},
		"q first":        {"<sip:fe2.contoso.test:5061;transport=tls>;q=0.7 <sip:fe1.contoso.test;transport=tls>;q=0.2", "10.0.0.12:5061"},
		"no port":        {"<sip:fe1.contoso.test;transport=tls>", "10.0.0.11:5061"},
		"sips":           {"<sips:fe1.contoso.test>", "10.0.0.11:5061"},
		"no transport":   {"sip:fe1.contoso.test", "10.0.0.11:5061"},
		"user part":      {"<sip:anna@fe1.contoso.test:5061;transport=tls>", "10.0.0.11:5061"},
		"address":        {"<sip:10.0.0.12:5061;transport=tls>", "10.0.0.12:5061"},
		"other domain":   {"<sip:fe1.fabrikam.test;transport=tls>", "The server sends us to fe1.fabrikam.test. This was not done: it lies outside contoso.test."},
		"ends alike":     {"<sip:evilcontoso.test;transport=tls>", "The server sends us to evilcontoso.test. This was not done: it lies outside contoso.test."},
		"step down":      {"<sip:fe1.contoso.test:5060;transport=tcp>", "The server sends us to fe1.contoso.test. This was not done: it would be a step from an encrypted connection to plain TCP."},
		"UDP":            {"<sip:fe1.contoso.test;transport=udp>", "The server sends us to fe1.contoso.test. This was not done: this program does not use UDP."},
		"web":            {"<https://contoso.test/>", "not done"},
		"garbage":        {"<<>>;;q=x", "not done"},
		"itself":         {"<sip:director.contoso.test;transport=tls>", "The server sends us to director.contoso.test:5061. This was not done: it was asked already, so we would go round in a circle."},
		"nothing":        {"", "The server sends us to nowhere. This was not done: its answer names no address."},
		"one bad":        {"<sip:fe1.fabrikam.test> <sip:fe1.contoso.test;transport=tls>;q=0.1", "10.0.0.11:5061"},
		"dead, then on":  {"<sip:dead.contoso.test;transport=tls> <sip:fe2.contoso.test;transport=tls>;q=0.1", "10.0.0.12:5061"},
		"wrong identity": {"<sip:bad.contoso.test;transport=tls>", "not safe"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "_sip._tls.contoso.test. 60 IN SRV 1 0 5061 director.contoso.test.", "director.contoso.test. 60 IN A 10.0.0.10", fe1, fe2,
					"dead.contoso.test. 60 IN A 10.0.0.19", "bad.contoso.test. 60 IN A 10.0.0.18", "fe1.fabrikam.test. 60 IN A 10.0.0.66", "evilcontoso.test. 60 IN A 10.0.0.66")
				for _, a := range []string{"10.0.0.10", "10.0.0.11", "10.0.0.12", "10.0.0.66"} {
					w.secure(a+":5061", "contoso.test")
				}
				w.secure("10.0.0.18:5061", "fabrikam.test")
				q := w.query()
				q.AllowTCP = true
				s := New(q)
				l, err := s.Next(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				l.Conn.Close()
				var got string
				if l, err = s.Redirect(t.Context(), strings.Fields(c.contacts)); err == nil {
					l.Conn.Close()
					got = hostPort(l.Target.Address, l.Target.Port)
				} else if e, ok := errors.AsType[*NotFoundError](err); ok {
					got = e.Why
				}
				if !strings.Contains(got, c.want) {
					t.Errorf("got  %s\nwant %s", got, c.want)
				}
				if slices.ContainsFunc(w.dialed, func(a string) bool { return strings.HasPrefix(a, "10.0.0.66") }) {
					t.Error("a server outside the domain was contacted")
				}
			})
		})
	}
}

// Whatever a server writes into Contact, only hosts of the domain come out.
func FuzzRedirect(f *testing.F) {
	for _, c := range []string{
		"<sip:fe1.contoso.test:5061;transport=tls>;q=0.5", "sip:fe1.contoso.test", `"A, B" <sips:fe1.contoso.test>;expires=5`,
		"<sip:fe1.fabrikam.test>", "<sip:[2001:db8::1]:5061;transport=tls>", "<sip:10.0.0.1>", "*", "<tel:+49>", "<sip:@>;q=2",
	} {
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, contact string) {
		s := New(Query{Domain: "contoso.test", Resolver: "192.0.2.1"})
		s.secure = true
		for _, r := range byQ([]string{contact}) {
			c, ok := s.redirected(r)
			if ok && (!c.tls || c.port == 0 || !inside(c.host, "contoso.test") && net.ParseIP(c.host) == nil) {
				t.Errorf("%q leads to %+v", contact, c)
			}
		}
	})
}
