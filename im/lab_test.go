package im

import (
	"crypto/tls"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"communicator/lab"
	"communicator/wire/auth"
	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

// signIn registers somebody of the lab at a front end, with a book.
func signIn(t *testing.T, c *lab.Company, who lab.Person, frontEnd string) (*record, func()) {
	t.Helper()
	nc, err := c.Dial(t.Context(), "tcp", frontEnd)
	if err != nil {
		t.Fatal(err)
	}
	tc := tls.Client(nc, &tls.Config{RootCAs: c.Roots(), ServerName: "contoso.test"})
	if err := tc.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := newRecord()
	r.o.Self = who.User
	r.o.Name = func(user string) string { name, _, _ := strings.Cut(user, "@"); return name }
	user, _, _ := strings.Cut(who.User, "@")
	conn := sipconn.New(tc, sipconn.Options{Self: who.User, Handle: func(in *sipconn.Incoming) {
		if !r.Handle(in) && !r.Invited(in) {
			_ = in.Reply(200, "OK", sipconn.Body{}, sip.NewHeader("Accept", Accept)) // OPTIONS
		}
	},
		Auth: auth.NewClient(user, "contoso.test", func() (string, error) { return who.Password, nil })})
	q, err := conn.NewRequest("REGISTER", "sip:contoso.test", sipconn.Body{})
	if err != nil {
		t.Fatal(err)
	}
	q.ReplaceHeader(&sip.ToHeader{Address: sip.Uri{Scheme: "sip", User: user, Host: "contoso.test"}})
	q.AppendHeader(sip.NewHeader("Contact", "<"+conn.Contact()+">"))
	q.AppendHeader(sip.NewHeader("Supported", "path"))
	if _, err := conn.Do(t.Context(), q, nil); err != nil {
		t.Fatal(err)
	}
	r.line.Set(conn)
	return r, func() {
		conn.Close()
		<-conn.Done()
	}
}

// A message to a group in the lab: one is at the other front end, one is away,
// one does not exist; and what the one who was away finds when he comes.
func TestMessageToAGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := lab.New(lab.Options{People: 20, Still: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		people := c.People()
		anna, leave := signIn(t, c, c.Newcomer(), "fe1.contoso.test:5061")
		defer leave()
		here, leave := signIn(t, c, people[0], "fe2.contoso.test:5061")
		defer leave()
		m, err := anna.With(people[0].User, "nobody@contoso.test").Send(t.Context(), "Lunch?")
		if err != nil {
			t.Fatal(err)
		}
		if d := m.Delivered; d[0].State != Delivered || d[1].State != Failed || d[1].Code != 404 {
			t.Errorf("deliveries %+v", d)
		}
		if e, _ := here.next(t).(Received); e.Message.Text != "Lunch?" || e.Message.From != c.Newcomer().User || e.Message.Stored {
			t.Errorf("received %+v", e.Message)
		}
		for i := range 100 {
			done := sent(t.Context(), here.With(c.Newcomer().User), fmt.Sprint(i))
			synctest.Wait()
			if d := (<-done).Delivered[0]; d.State != Delivered {
				t.Fatalf("line %d: %+v", i, d)
			}
		}
		for i, m := range anna.With(people[0].User).Messages() {
			if m.Text != fmt.Sprint(i) {
				t.Errorf("line %d is %q", i, m.Text)
			}
		}
	})
}

func TestKeptForOneWhoIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := lab.New(lab.Options{People: 20, Still: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		me := c.Newcomer()
		boss, leave := signIn(t, c, c.People()[0], "fe1.contoso.test:5061")
		defer leave()
		began := time.Now()
		for _, text := range []string{"one", "two"} {
			if d := (<-sent(t.Context(), boss.With(me.User), text)).Delivered[0]; d.State != Accepted || d.Code != 202 {
				t.Fatalf("to one who is away: %+v", d)
			}
		}
		time.Sleep(time.Hour)
		anna, leave := signIn(t, c, me, "fe2.contoso.test:5061")
		defer leave()
		for _, text := range []string{"one", "two"} {
			e, _ := anna.next(t).(Received)
			if m := e.Message; m.Text != text || !m.Stored || m.Time.Sub(began).Abs() > time.Second {
				t.Errorf("received %+v", m)
			}
		}
	})
}

// Many strangers with long messages: no more is kept than keepAll, the newest of
// all, and the conversation one is in.
func TestBookIsBounded(t *testing.T) {
	b := New(Options{Self: "anna@contoso.test"})
	long := strings.Repeat("x", 60000)
	receive := func(id, from string) {
		b.receive(Message{ID: id, From: from + "@contoso.test", Text: long}, func(int) {})
	}
	kept := func() (n int) {
		for _, c := range b.Conversations() {
			for _, m := range c.Messages() {
				n += len(m.Text)
			}
		}
		return n
	}
	mine := b.With("boss@contoso.test")
	for i := range 3000 {
		receive(fmt.Sprint(i), fmt.Sprint("u", i))
		if i%500 == 0 {
			receive(fmt.Sprint("b", i), "boss")
		}
	}
	if n := kept(); n > keepAll || n < keepAll*9/10 {
		t.Errorf("%d bytes are kept", n)
	}
	if n := len(mine.Messages()); n != 6 || b.With("boss@contoso.test") != mine {
		t.Errorf("%d lines with the boss", n)
	}
	if all := b.Conversations(); all[0].Key() != "u2999@contoso.test" {
		t.Errorf("the newest is %s", all[0].Key())
	}
}

// A person has one conversation, however the address is written.
func TestOneConversationPerPerson(t *testing.T) {
	b := New(Options{Self: "anna@contoso.test"})
	c := b.With("j%C3%BCrgen@contoso.test")
	for _, a := range []string{"sip:jürgen@Contoso.test", "j%c3%bcrgen@contoso.test", "pres:jürgen@contoso.test", `"J" <sip:jürgen@contoso.test;gr=x>`, "jürgen@contoso.test."} {
		if other := b.With(a); other != c {
			t.Errorf("%s is %s", a, other.Key())
		}
	}
}

func TestConversationsAreBounded(t *testing.T) {
	b := New(Options{Self: "anna@contoso.test"})
	for i := range keepConversations + 100 {
		b.receive(Message{ID: fmt.Sprint(i), From: fmt.Sprintf("u%d@contoso.test", i), Text: "x"}, func(int) {})
	}
	all := b.Conversations()
	if len(all) != keepConversations || all[0].Key() != fmt.Sprintf("u%d@contoso.test", keepConversations+99) || all[len(all)-1].Key() != "u100@contoso.test" {
		t.Errorf("%d conversations", len(all))
	}
}
