package im

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"communicator/lab"
	"communicator/wire/auth"
	"communicator/wire/msrp"
)

// labRelay connects somebody to the lab's relay.
func labRelay(c *lab.Company, who lab.Person, dialled chan<- net.Conn) func(context.Context) (Relay, error) {
	return func(ctx context.Context) (Relay, error) {
		nc, err := c.Dial(ctx, "tcp", "msrp.contoso.test:2855")
		if err != nil {
			return Relay{}, err
		}
		if dialled != nil {
			dialled <- nc
		}
		user, domain, _ := strings.Cut(who.User, "@")
		account := auth.NewClient(user, domain, func() (string, error) { return who.Password, nil })
		return Relay{Conn: tls.Client(nc, &tls.Config{RootCAs: c.Roots(), ServerName: "msrp.contoso.test"}),
			URI: msrp.URI{Secure: true, Host: "msrp.contoso.test", Port: 2855}, Sign: account.Authorization}, nil
	}
}

// twoInTheLab are two people at different front ends; the second has a relay
// only if both is true.
func twoInTheLab(t *testing.T, both bool) (c *lab.Company, anna, bruno *record, end func()) {
	t.Helper()
	c, err := lab.New(lab.Options{People: 20, Still: true})
	if err != nil {
		t.Fatal(err)
	}
	me, you := c.Newcomer(), c.People()[0]
	anna, leave := signIn(t, c, me, "fe1.contoso.test:5061")
	bruno, leave2 := signIn(t, c, you, "fe2.contoso.test:5061")
	anna.o.Relay = labRelay(c, me, nil)
	if both {
		bruno.o.Relay = labRelay(c, you, nil)
	}
	return c, anna, bruno, func() {
		leave()
		leave2()
		_ = c.Close()
	}
}

// received takes the next message out of the events.
func (r *record) received(t *testing.T) Message {
	t.Helper()
	for {
		if e, is := r.next(t).(Received); is {
			return e.Message
		}
	}
}

func TestLongTextThroughTheRelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, anna, bruno, end := twoInTheLab(t, true)
		defer end()
		talk := anna.With(bruno.o.Self)
		for i, size := range []int{100_000, MaxSession, MaxText + 1} {
			text := strings.Repeat("ü", size/2)
			m, err := talk.Send(t.Context(), text)
			if err != nil || m.Delivered[0].State != Delivered {
				t.Fatalf("%d bytes: %+v, %v", size, m.Delivered, err)
			}
			if g := bruno.received(t); g.Text != text || g.From != anna.o.Self || g.ID != m.ID {
				t.Errorf("%d bytes arrived of %s as %s", len(g.Text), g.From, g.ID)
			}
			if i == 0 && c.Relayed() < size {
				t.Errorf("the relay has seen %d bytes", c.Relayed())
			}
		}
		if n := len(anna.chats[bruno.o.Self]); n != 1 {
			t.Errorf("%d sessions", n)
		}
		// What is short goes by page mode all the same; the answer goes to whom it may.
		if m, err := talk.Send(t.Context(), "short"); err != nil || m.Delivered[0].State != Delivered || bruno.received(t).Text != "short" {
			t.Errorf("%+v, %v", m, err)
		}
		if m, err := bruno.With(anna.o.Self).Send(t.Context(), "answer"); err != nil || m.Delivered[0].State != Delivered || anna.received(t).Text != "answer" {
			t.Errorf("%+v, %v", m, err)
		}
		var long *TooLongError
		if _, err := talk.Send(t.Context(), strings.Repeat("x", MaxSession+1)); !errors.As(err, &long) || long.Max != MaxSession {
			t.Errorf("over 1 MB: %v", err)
		}
		time.Sleep(idleTime + time.Minute)
		synctest.Wait()
		if len(anna.chats)+len(bruno.chats) != 0 {
			t.Error("a session outlives its silence")
		}
	})
}

// Both begin at the same moment: two sessions, and every text arrives once.
func TestBothBeginAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, anna, bruno, end := twoInTheLab(t, true)
		defer end()
		one := sent(t.Context(), anna.With(bruno.o.Self), strings.Repeat("a", 50_000))
		two := sent(t.Context(), bruno.With(anna.o.Self), strings.Repeat("b", 50_000))
		for _, done := range []<-chan Message{one, two} {
			if d := (<-done).Delivered[0]; d.State != Delivered {
				t.Errorf("%+v", d)
			}
		}
		if a, b := anna.received(t).Text, bruno.received(t).Text; a != strings.Repeat("b", 50_000) || b != strings.Repeat("a", 50_000) {
			t.Errorf("%d and %d bytes arrived", len(a), len(b))
		}
	})
}

func TestLongTextToOneWithoutRelayGoesInParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, anna, bruno, end := twoInTheLab(t, false)
		defer end()
		text := strings.Repeat("word ", 4000)
		m, err := anna.With(bruno.o.Self).Send(t.Context(), text)
		if err != nil || m.Delivered[0].State != Delivered {
			t.Fatalf("%+v, %v", m.Delivered, err)
		}
		one, two := bruno.received(t).Text, bruno.received(t).Text
		if whole := strings.TrimPrefix(one, "(1/2) ") + strings.TrimPrefix(two, "(2/2) "); whole != text {
			t.Errorf("%d bytes of %d arrived: %.20q %.20q", len(whole), len(text), one, two)
		}
		m, err = anna.With(bruno.o.Self).Send(t.Context(), strings.Repeat("x", MaxParted+1))
		if d := m.Delivered; err != nil || d[0].State != Failed || !strings.Contains(d[0].Reason, "at most 102400 bytes") {
			t.Errorf("%+v, %v", m.Delivered, err)
		}
	})
}

// What is not stored is not delivered, whoever took it on the way.
func TestLongTextThatIsNotStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, anna, bruno, end := twoInTheLab(t, true)
		defer end()
		bruno.o.Store.Keep = func(Message) (bool, error) { return false, errors.New("disk full") }
		m, err := anna.With(bruno.o.Self).Send(t.Context(), strings.Repeat("x", MaxParted+1))
		if err != nil || m.Delivered[0].State != Failed {
			t.Errorf("%+v, %v", m.Delivered, err)
		}
	})
}

// The connection to the relay goes in the middle of a text, and at the end of it.
func TestRelayIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, anna, bruno, end := twoInTheLab(t, true)
		defer end()
		dialled := make(chan net.Conn, 10)
		anna.o.Relay = labRelay(c, c.Newcomer(), dialled)
		stored := make(chan struct{})
		bruno.o.Store.Keep = func(Message) (bool, error) { <-stored; return false, nil }
		done := sent(t.Context(), anna.With(bruno.o.Self), strings.Repeat("x", 100_000))
		nc := <-dialled
		synctest.Wait() // all was sent, and the recipient's disk is slow
		nc.Close()
		if d := (<-done).Delivered[0]; d.State != Unknown {
			t.Errorf("%+v", d)
		}
		close(stored)
		synctest.Wait()
		if len(anna.chats) != 0 {
			t.Error("the session is still known")
		}
		done = sent(t.Context(), anna.With(bruno.o.Self), strings.Repeat("y", 100_000))
		if d := (<-done).Delivered[0]; d.State != Delivered {
			t.Errorf("the next text: %+v", d)
		}
	})
}

func TestConnectionIsLostInASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, anna, bruno, end := twoInTheLab(t, true)
		defer end()
		if d := (<-sent(t.Context(), anna.With(bruno.o.Self), strings.Repeat("x", 20_000))).Delivered[0]; d.State != Delivered {
			t.Fatal(d)
		}
		conn, err := anna.line.Conn()
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		<-conn.Done()
		synctest.Wait()
		if len(anna.chats) != 0 {
			t.Error("a session outlives its connection")
		}
		anna.line.Set(nil)
		if d := (<-sent(t.Context(), anna.With(bruno.o.Self), strings.Repeat("x", 20_000))).Delivered[0]; d.State != Failed {
			t.Errorf("signed out: %+v", d)
		}
	})
}

// A long text to many people keeps no connection for each.
func TestSessionsOfOursMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, anna, bruno, end := twoInTheLab(t, true)
		defer end()
		var idle []*chat
		anna.chats = map[string][]*chat{}
		for i := range maxChats {
			c := newChat(anna.Book, fmt.Sprintf("p%d@contoso.test", i))
			c.conn, c.first, c.busy = new(msrp.Conn), i%4 == 0, i%3
			anna.chats[c.with] = []*chat{c}
			idle = append(idle, c)
		}
		for range 3 {
			if d := (<-sent(t.Context(), anna.With(bruno.o.Self), strings.Repeat("x", 20_000))).Delivered[0]; d.State != Delivered {
				t.Fatal(d)
			}
		}
		ended := 0
		for _, c := range idle {
			if len(c.enough) > 0 {
				ended++
				if c.first || c.busy > 0 {
					t.Error("a session was ended that the peer began, or that was sending")
				}
			}
		}
		if ended != 1 || len(anna.chats[bruno.o.Self]) != 1 {
			t.Errorf("%d sessions were ended for one", ended)
		}
	})
}

// A stranger may write, but nobody keeps a connection to a relay for him.
func TestStrangerBeginsNoLongSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, anna, bruno, end := twoInTheLab(t, true)
		defer end()
		bruno.o.Stranger = func(string, string) bool { return true }
		if d := (<-sent(t.Context(), anna.With(bruno.o.Self), strings.Repeat("x", 20_000))).Delivered[0]; d.State != Delivered {
			t.Fatal(d)
		}
		if m := bruno.received(t); !m.Request || !strings.HasPrefix(m.Text, "(1/2) ") {
			t.Errorf("a stranger's long text came as %.10q, request %v", m.Text, m.Request)
		}
	})
}

// A client of another make offers MSRP and has a relay: our answer names ours,
// and what it writes comes through that. What waited for a connection goes there,
// and is done with then.
func TestForeignPeerByMSRP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := lab.New(lab.Options{People: 20, Still: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		r := newRecord()
		r.o.Relay, r.o.Queue = labRelay(c, c.Newcomer(), nil), true
		if d := (<-sent(t.Context(), r.With(bob), "An answer")).Delivered[0]; d.State != Queued {
			t.Fatalf("%+v", d)
		}
		p := connect(t, r.line, r.Book)
		theirs, err := labRelay(c, c.People()[0], nil)(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		self := msrp.NewURI("10.0.0.5", true)
		conn := msrp.New(theirs.Conn, msrp.Options{Self: self, Receive: func(m msrp.Message) error {
			if string(m.Body) != "An answer" {
				t.Errorf("the peer got %q", m.Body)
			}
			return nil
		}})
		defer conn.Close()
		use, _, err := conn.Auth(t.Context(), theirs.URI, theirs.Sign)
		if err != nil {
			t.Fatal(err)
		}
		p.send(invitation("call1", "v=0\no=- 1 1 IN IP4 a.test\ns=-\nc=IN IP4 a.test\nt=0 0\nm=message 2855 TCP/TLS/MSRP *\na=accept-types:text/plain\na=path:"+append(use, self).String()+"\n"))
		m := p.next()
		answer, err := readSDP([]byte(m.body))
		if m.start != "SIP/2.0 200 OK" || err != nil || len(answer) != 1 || len(answer[0].path) != 2 || answer[0].path[0].Host != "msrp.contoso.test" {
			t.Fatalf("%s\n%s", m.start, m.body)
		}
		p.send(within("call1", "ACK", 1, m.h.Get("To"), "", ""))
		conn.Open(append(use, answer[0].path...))
		if err := conn.Send(t.Context(), msrp.Message{ID: "87652491", Type: "text/plain", Body: []byte("Hey Anna, are you there?"), Report: true}); err != nil {
			t.Fatal(err)
		}
		if g := r.received(t); g.Text != "Hey Anna, are you there?" || g.From != "bob@contoso.test" {
			t.Errorf("received %+v", g)
		}
		synctest.Wait() // whoever took the invitation knows the session
		r.Connected()
		if d := r.state(); d.State != Delivered {
			t.Errorf("the answer in the session: %+v", d)
		}
		var status *msrp.StatusError
		if err := conn.Send(t.Context(), msrp.Message{ID: "toolong", Type: "text/plain", Body: make([]byte, 2<<20), Report: true}); !errors.As(err, &status) || status.Code != msrp.TooLarge {
			t.Errorf("2 MB: %v, want 413", err)
		}
		if err := conn.Send(t.Context(), msrp.Message{ID: "image", Type: "image/png", Body: []byte("x"), Report: true}); !errors.As(err, &status) || status.Code != msrp.UnknownType {
			t.Errorf("an image: %v, want 415", err)
		}
		conn.Close()
	})
}
