package lab

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"testing"

	"communicator/wire/auth"
	"communicator/wire/msrp"
)

// relayConn connects to the relay as its DNS record says.
func relayConn(t *testing.T, c *Company) *tls.Conn {
	t.Helper()
	nc, err := c.Dial(t.Context(), "tcp", "msrp.contoso.test:2855")
	if err != nil {
		t.Fatal(err)
	}
	s := tls.Client(nc, &tls.Config{RootCAs: c.Roots(), ServerName: "msrp.contoso.test", Time: c.options.Now})
	t.Cleanup(func() { _ = s.Close() })
	return s
}

var relayURI = msrp.URI{Secure: true, Host: "msrp.contoso.test", Port: 2855}

// member is a client with a path of its own.
func member(t *testing.T, c *Company, user, password string, o msrp.Options) (*msrp.Conn, msrp.Path) {
	t.Helper()
	o.Self = msrp.NewURI("client.invalid", true)
	conn := msrp.New(relayConn(t, c), o)
	t.Cleanup(func() { _ = conn.Close() })
	account := auth.NewClient(user, "contoso.test", func() (string, error) { return password, nil })
	use, _, err := conn.Auth(t.Context(), relayURI, account.Authorization)
	if err != nil {
		t.Fatal(err)
	}
	return conn, append(use, o.Self)
}

func TestRelayCarriesBetweenItsClients(t *testing.T) {
	c := company(t, Options{People: 5, Still: true})
	anna, bruno := c.staff.accounts()[0], c.staff.accounts()[1]
	got := make(chan msrp.Message, 1)
	a, aPath := member(t, c, user(anna.User), anna.Password, msrp.Options{})
	b, bPath := member(t, c, user(bruno.User), bruno.Password, msrp.Options{Receive: func(m msrp.Message) error { got <- m; return nil }, Max: 200_000})
	a.Open(append(aPath[:1:1], bPath...))
	b.Open(append(bPath[:1:1], aPath...))
	text := strings.Repeat("long ", 20_000)
	if err := a.Send(t.Context(), msrp.Message{ID: "one1", Type: "text/plain", Body: []byte(text), Report: true}); err != nil {
		t.Fatal(err)
	}
	if m := <-got; string(m.Body) != text || c.Relayed() != len(text) {
		t.Errorf("%d bytes arrived, %d were passed on", len(m.Body), c.Relayed())
	}
	var refused *msrp.StatusError
	if err := a.Send(t.Context(), msrp.Message{ID: "two2", Type: "text/plain", Body: make([]byte, 200_001), Report: true}); !errors.As(err, &refused) || refused.Code != msrp.TooLarge {
		t.Errorf("too large: %v", err)
	}
	_ = b.Close()
	<-b.Done()
	for range 2 { // the first may be on its way to who is just leaving
		if err := a.Send(t.Context(), msrp.Message{ID: "three3", Type: "text/plain", Body: []byte("x"), Report: true}); err == nil {
			t.Error("delivered to nobody")
		}
	}
}

func user(address string) string {
	name, _, _ := strings.Cut(address, "@")
	return name
}

// Word for word, as RFC 4976 has it.
func TestRelayIsStrict(t *testing.T) {
	c := company(t, Options{People: 5, Still: true})
	anna := c.staff.accounts()[0]
	mine, path := member(t, c, user(anna.User), anna.Password, msrp.Options{})
	_ = mine
	nc := relayConn(t, c)
	r := msrp.NewReader(nc, 1000)
	from := "From-Path: msrps://x.invalid:2855/x;tcp"
	for what, q := range map[string]struct{ method, to, header, want string }{
		"who are you":            {"AUTH", relayURI.String(), "X: y", "401 Unauthorized"},
		"nonsense":               {"AUTH", relayURI.String(), `Authorization: Digest realm="contoso.test"`, "403 Digest Credentials Without username (RFC 7616 3.4)"},
		"no path of this relay":  {"SEND", "msrps://msrp.contoso.test:2855/guess;tcp msrps://y.invalid:1/y;tcp", "Message-ID: x", "481 No Such Session"},
		"somebody else's path":   {"SEND", path[0].String() + " msrps://elsewhere.invalid:1/r;tcp msrps://y.invalid:1/y;tcp", "Message-ID: x", "481 No Such Session"},
		"a method of the future": {"NICKNAME", relayURI.String(), "X: y", "501 Method Not Understood"},
	} {
		fmt.Fprintf(nc, "MSRP abcd %s\r\nTo-Path: %s\r\n%s\r\n%s\r\n-------abcd$\r\n", q.method, q.to, from, q.header)
		f, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%d %s", f.Code, f.Comment); got != q.want || f.ID != "abcd" {
			t.Errorf("%s: %s, want %s", what, got, q.want)
		}
	}
	mine.Open(msrp.Path{path[0], {Secure: true, Host: "elsewhere.invalid", Port: 1, Session: "r"}, {Secure: true, Host: "y.invalid", Port: 1, Session: "y"}})
	var refused *msrp.StatusError
	if err := mine.Send(t.Context(), msrp.Message{ID: "out1", Type: "text/plain", Body: []byte("x")}); !errors.As(err, &refused) || refused.Code != msrp.Forbidden {
		t.Errorf("to another relay: %v, want 403", err)
	}
}
