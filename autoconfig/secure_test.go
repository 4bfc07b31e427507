package autoconfig

import (
	"crypto/x509"
	"errors"
	"testing"
	"testing/synctest"
)

// Whether an authority is trusted as one of the system's or as a further one
// makes no difference to what it may vouch for.
func TestFurtherAuthorities(t *testing.T) {
	for name, c := range map[string]struct {
		system, further bool   // who knows the authority that issued the certificate
		names           string // in the certificate
		ok              bool
	}{
		"a further one":                   {further: true, names: "contoso.test", ok: true},
		"the system's":                    {system: true, names: "contoso.test", ok: true},
		"neither":                         {names: "contoso.test"},
		"a further one, for another":      {further: true, names: "fabrikam.test"},
		"the system's, for another":       {system: true, names: "fabrikam.test"},
		"a further one, expired":          {further: true, names: "expired"},
		"a further one, made for clients": {further: true, names: "client"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "_sip._tls.contoso.test. 60 IN SRV 0 0 5061 fe1.contoso.test.", fe1)
				issued := []string{c.names}
				if c.names == "expired" || c.names == "client" {
					issued = append(issued, "contoso.test", "fe1.contoso.test")
				}
				w.secure("10.0.0.11:5061", issued...)
				q := w.query()
				q.Roots, q.Further = newAuthority(t).pool(), []*x509.Certificate{newAuthority(t).cert}
				if c.system {
					q.Roots = w.ca.pool()
				}
				if c.further {
					q.Further = append(q.Further, w.ca.cert)
				}
				if l, e := next(t, q); (e == nil) != c.ok {
					t.Errorf("sign-in: %v %v", l.Target, e)
				}
			})
		})
	}
}

// The contact store's certificate is verified for its host, by the same authorities.
func TestDialTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "xcap.contoso.test. 60 IN A 10.0.0.20")
		w.secure("10.0.0.20:443", "xcap.contoso.test")
		q := w.query()
		conn, err := q.DialTLS(t.Context(), "tcp", "xcap.contoso.test:443")
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		q.Roots, q.Further = newAuthority(t).pool(), []*x509.Certificate{w.ca.cert}
		if conn, err = q.DialTLS(t.Context(), "tcp", "xcap.contoso.test:443"); err != nil {
			t.Fatal(err)
		}
		conn.Close()
		w.secure("10.0.0.20:443", "other.contoso.test")
		if _, err = q.DialTLS(t.Context(), "tcp", "xcap.contoso.test:443"); !errors.As(err, new(x509.HostnameError)) {
			t.Errorf("another name is accepted: %v", err)
		}
		q.Further = []*x509.Certificate{newAuthority(t).cert}
		if _, err = q.DialTLS(t.Context(), "tcp", "xcap.contoso.test:443"); err == nil {
			t.Error("an unknown authority is accepted")
		}
	})
}
