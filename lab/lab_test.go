package lab

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// company makes a lab in memory that ends with the test.
func company(t testing.TB, o Options) *Company {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// bubble runs f with a company under a fake clock.
func bubble(t *testing.T, o Options, f func(t *testing.T, c *Company)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close() //nolint
		f(t, c)
	})
}

// resolver asks the lab's DNS as a client would.
func (c *Company) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return c.Dial(ctx, network, c.Resolver())
	}}
}

func (c *Company) dialTLS(t testing.TB, addr string) *tls.Conn {
	t.Helper()
	nc, err := c.Dial(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	s := tls.Client(nc, &tls.Config{RootCAs: c.Roots(), ServerName: c.options.Domain})
	if err := s.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func (c *Company) dialLDAP(t testing.TB) *ldap.Conn {
	t.Helper()
	l := ldap.NewConn(c.dialTLS(t, "ldap."+c.options.Domain+":636"), true)
	l.Start()
	return l
}

// Not in a bubble: Go's resolver keeps a channel for the whole process, which
// only the first bubble could use.
func TestEverythingIsFoundByDNSInMemory(t *testing.T) {
	c := company(t, Options{People: 20, Still: true})
	_, all, err := c.resolver().LookupSRV(t.Context(), "sipinternaltls", "tcp", "contoso.test")
	if err != nil || len(all) != 2 {
		t.Fatalf("SRV: %v, %v", all, err)
	}
	ips, err := c.resolver().LookupNetIP(t.Context(), "ip4", all[0].Target)
	if err != nil {
		t.Fatal(err)
	}
	s := c.dialTLS(t, net.JoinHostPort(ips[0].String(), "5061"))
	defer s.Close() //nolint
	if _, err := s.Write([]byte("OPTIONS sip:contoso.test SIP/2.0\r\nVia: SIP/2.0/TLS x;branch=z9hG4bK1\r\nFrom: <sip:a@contoso.test>;tag=1\r\n" +
		"To: <sip:contoso.test>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	_ = s.SetReadDeadline(time.Now().Add(time.Minute))
	b := make([]byte, 4096)
	if n, err := s.Read(b); err != nil || !strings.HasPrefix(string(b[:n]), "SIP/2.0 ") {
		t.Errorf("answer %q, %v", b[:n], err)
	}
}
