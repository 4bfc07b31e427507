//go:build interop

package interop

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"communicator/im"
	"communicator/session"
	"communicator/wire/auth"
	"communicator/wire/msrp"
)

// TestLongTexts: what is too long for one MESSAGE goes by MSRP through the
// relays of the pool, between two front ends and at one, and arrives whole.
func TestLongTexts(t *testing.T) {
	p := startPool(t)
	at := func(user, frontEnd string) *client {
		_, port, _ := net.SplitHostPort(p.env["FE1"]) // both have the same
		c := p.place().open(t, user, p.place().of(user).password, func(o *session.Options) { o.Server = frontEnd + "." + domain + ":" + port })
		if err := c.SignedIn(within(t)); err != nil {
			t.Fatal(err)
		}
		return c
	}
	a, b, c := at(alice, "fe1"), at(bob, "fe2"), at(carol, "fe1")
	for _, x := range []*client{b, c} { // a stranger's first message would be kept short
		for _, way := range [][2]*client{{x, a}, {a, x}} {
			if d := delivery(t, way[0], way[1].user, "Hello"); d.State != im.Delivered {
				t.Fatalf("%+v, want delivered", d)
			}
		}
	}
	for _, way := range []struct {
		name     string
		from, to *client
		size     int
	}{
		{"between two front ends", a, b, 102_400}, {"back", b, a, 102_400}, {"at one front end", a, c, 102_400},
		{"1 MB", a, b, im.MaxSession},
	} {
		t.Run(way.name, func(t *testing.T) {
			text := strings.Repeat("Häuser ", way.size/8)
			mark, begun := way.to.heard(), time.Now()
			defer func() { t.Logf("%d bytes in %v", len(text), time.Since(begun).Round(time.Millisecond)) }()
			if d := delivery(t, way.from, way.to.user, text); d.State != im.Delivered {
				t.Fatalf("%+v, want delivered", d)
			}
			got := await(way.to, mark, "the text", func(e im.Received) bool { return e.Message.From == way.from.user && len(e.Message.Text) > 100 })
			if got.Message.Text != text {
				t.Errorf("%d bytes arrived, beginning %.40q, want %d", len(got.Message.Text), got.Message.Text, len(text))
			}
		})
	}
}

// TestRelayOfThePool: Digest with SHA-256, and who gets nothing from the relay,
// in plain text as RFC 4976 has it.
func TestRelayOfThePool(t *testing.T) {
	p := startPool(t, "DIGEST=SHA-256")
	path := p.pathOf(t, alice, p.place().of(alice).password)
	if !strings.HasPrefix(path, "msrps://fe1."+domain+":") {
		t.Errorf("the path is %q", path)
	}
	if got := p.pathOf(t, alice, "not-her-password"); got != "" {
		t.Errorf("with a wrong password the path %q was given", got)
	}
	if got := p.pathOf(t, "x' OR '1'='1@"+domain, ""); got != "" {
		t.Errorf("with a made-up name the path %q was given", got)
	}
	for what, c := range map[string]struct{ to, want string }{
		"a path that nobody has": {"msrps://fe1.contoso.test:1/127.0.0.1-1-0123456789abcdef0123456789abcdef;tcp msrps://c.invalid:1/c;tcp", "481"},
		"somebody else's path":   {path + " msrps://fe2.contoso.test:1/127.0.0.2-1-0123456789abcdef0123456789abcdef;tcp msrps://c.invalid:1/c;tcp", "481"},
		"straight to somebody":   {"msrps://127.0.0.1:1/c;tcp", "481"},
		"a relay somewhere else": {"msrps://relay.invalid:1/x;tcp msrps://127.0.0.1:1/c;tcp", "481"},
	} {
		if got := p.relayed(t, "SEND", c.to, "Message-ID: abcd", "Content-Type: text/plain", "", "x"); !strings.HasPrefix(got, "MSRP abcd "+c.want) {
			t.Errorf("%s: %q, want %s", what, got, c.want)
		}
	}
	if got := p.relayed(t, "NICKNAME", "msrps://fe1.contoso.test:1;tcp"); !strings.HasPrefix(got, "MSRP abcd 501") {
		t.Errorf("another method: %q", got)
	}
}

// pathOf is the path that the relay gives; empty: none.
func (p *pool) pathOf(t *testing.T, user, password string) string {
	t.Helper()
	nc := p.relay(t)
	conn := msrp.New(nc, msrp.Options{Self: msrp.NewURI("c.invalid", true)})
	defer conn.Close()
	_, port, _ := net.SplitHostPort(p.env["FE1"])
	n, _ := strconv.Atoi(port)
	name, realm, _ := strings.Cut(user, "@")
	account := auth.NewClient(name, realm, func() (string, error) { return password, nil })
	use, _, err := conn.Auth(within(t), msrp.URI{Secure: true, Host: "fe1." + domain, Port: uint16(n)}, account.Authorization)
	if err != nil && !errors.Is(err, msrp.ErrRejected) {
		t.Errorf("%s: %v", user, err)
	}
	return use.String()
}

// relay connects to the relay of the first front end.
func (p *pool) relay(t *testing.T) *tls.Conn {
	t.Helper()
	nc, err := tls.Dial("tcp", p.env["FE1"], &tls.Config{RootCAs: p.roots, ServerName: "fe1." + domain})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	return nc
}

// relayed is the first line of the relay's answer to a request on a connection of
// its own.
func (p *pool) relayed(t *testing.T, method, to string, lines ...string) string {
	t.Helper()
	nc := p.relay(t)
	fmt.Fprintf(nc, "MSRP abcd %s\r\nTo-Path: %s\r\nFrom-Path: msrps://c.invalid:2855/me;tcp\r\n", method, to)
	for _, l := range lines {
		fmt.Fprintf(nc, "%s\r\n", l)
	}
	fmt.Fprint(nc, "-------abcd$\r\n")
	nc.SetReadDeadline(time.Now().Add(patience))
	line, err := bufio.NewReader(nc).ReadString('\n')
	if err != nil {
		t.Errorf("%s to %s: %v", method, to, err)
	}
	return line
}

// TestLongTextWhileAFrontEndDies: what is said of the text is true, whichever
// moment the sender's front end, and with it his relay, is killed at.
func TestLongTextWhileAFrontEndDies(t *testing.T) {
	p := startPool(t)
	_, port, _ := net.SplitHostPort(p.env["FE2"])
	b := p.place().open(t, bob, p.place().of(bob).password, func(o *session.Options) { o.Server = "fe2." + domain + ":" + port })
	if err := b.SignedIn(within(t)); err != nil {
		t.Fatal(err)
	}
	a := p.place().signIn(t, alice)
	for _, way := range [][2]*client{{b, a}, {a, b}} {
		if d := delivery(t, way[0], way[1].user, "Hello"); d.State != im.Delivered {
			t.Fatalf("%+v, want delivered", d)
		}
	}
	text, mark, moment := strings.Repeat("Häuser ", im.MaxSession/8), a.heard(), rand.N(500*time.Millisecond)
	go func() { // ends with the kill
		time.Sleep(moment)
		p.kill(t, "fe1", syscall.SIGKILL)
	}()
	_ = delivery(t, a, bob, text)
	end := await(a, mark, "a final state", func(e im.DeliveryChanged) bool {
		return e.Delivery.State == im.Delivered || e.Delivery.State == im.Unknown || e.Delivery.State == im.Failed
	}).Delivery
	time.Sleep(2 * time.Second) // for what may still be on its way
	n := b.count()[text]
	t.Logf("killed after %v: %s (%s), arrived %d times", moment, end.State, end.Reason, n)
	if n > 1 || end.State == im.Delivered && n != 1 || end.State == im.Failed && n != 0 {
		t.Errorf("said to be %s, arrived %d times", end.State, n)
	}
}
