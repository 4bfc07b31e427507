package autoconfig

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
)

// Which certificates prove that a server speaks for contoso.test.
func TestCertificates(t *testing.T) {
	for name, c := range map[string]struct {
		cert   string // names in the certificate
		target string // of the SRV record
		ok     bool
	}{
		"domain":                    {"contoso.test", "fe1.contoso.test.", true},
		"domain, foreign target":    {"contoso.test", "host.hoster.test.", true},
		"target inside":             {"fe1.contoso.test", "fe1.contoso.test.", true},
		"target outside":            {"host.hoster.test", "host.hoster.test.", false},
		"two domains":               {"fabrikam.test contoso.test", "fe1.contoso.test.", true},
		"other domain":              {"fabrikam.test", "fe1.contoso.test.", false},
		"ends alike":                {"evilcontoso.test", "evilcontoso.test.", false},
		"wildcard":                  {"*.contoso.test", "fe1.contoso.test.", true},
		"URI and foreign host name": {"sip:contoso.test host.hoster.test", "host.hoster.test.", true},
		"URI of another":            {"sip:fabrikam.test host.hoster.test", "host.hoster.test.", false},
		"URI of a user":             {"sip:anna@contoso.test host.hoster.test", "host.hoster.test.", false},
		"URI of the web":            {"https://contoso.test host.hoster.test", "host.hoster.test.", false},
		"URI alone":                 {"sip:contoso.test", "fe1.contoso.test.", false},
		"expired":                   {"expired contoso.test", "fe1.contoso.test.", false},
		"for clients":               {"client contoso.test", "fe1.contoso.test.", false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				host := strings.TrimSuffix(c.target, ".")
				w := newWorld(t, "_sip._tls.contoso.test. 60 IN SRV 0 0 5061 "+c.target, host+". 60 IN A 10.0.0.11")
				w.secure("10.0.0.11:5061", strings.Fields(c.cert)...)
				l, e := next(t, w.query())
				if (e == nil) != c.ok {
					t.Errorf("%v %v", l.Target, e)
				}
				if e != nil && !strings.Contains(e.Why, "not safe") {
					t.Errorf("does not warn: %s", e.Why)
				}
			})
		})
	}
}

// After an untrusted server the next is tried, but it stays visible.
func TestUntrustedThenGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "_sip._tls.contoso.test. 60 IN SRV 1 0 5061 fe1.contoso.test.", "_sip._tls.contoso.test. 60 IN SRV 2 0 5061 fe2.contoso.test.", fe1, fe2)
		w.listen["10.0.0.11:5061"] = newAuthority(t).serve(newAuthority(t).issue("contoso.test"))
		w.secure("10.0.0.12:5061", "contoso.test")
		var steps []string
		q := w.query()
		q.Trace = func(s Step) { steps = append(steps, s.Step+" "+s.Result) }
		l, e := next(t, q)
		if e != nil || l.Target.Host != "fe2.contoso.test" {
			t.Fatal(l.Target, e)
		}
		want := "srv none, srv none, srv found, address found, connect found, tls untrusted, address found, connect found, tls found"
		if got := strings.Join(steps, ", "); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

// TLS below 1.2 is refused.
func TestOldTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "sip.contoso.test. 60 IN A 10.0.0.11")
		cert := w.ca.issue("contoso.test")
		w.listen["10.0.0.11:5061"] = func(c net.Conn) {
			defer c.Close()
			_, _ = io.Copy(io.Discard, tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}))
		}
		if l, e := next(t, w.query()); e == nil {
			t.Error(l.TLS.Version)
		}
	})
}
