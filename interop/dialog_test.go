//go:build interop

package interop

import (
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"communicator/im"
	"communicator/wire/auth"
	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

// A client that takes messages in a dialog only, as those of LCS 2005 do, at both
// places: what the proxy does to a dialog between two connections must be right.
func TestMessagesInADialogAtTheLab(t *testing.T) { inDialog(t, startLab(t, 20), "") }
func TestMessagesInADialogAtKamailio(t *testing.T) {
	p := startPool(t)
	inDialog(t, p.place(), p.env["FE2"])
}

// offered is the session description of Communicator 2005.
const offered = "v=0\r\no=- 0 0 IN IP4 10.0.0.5\r\ns=session\r\nc=IN IP4 10.0.0.5\r\nt=0 0\r\nm=x-ms-message 5060 sip null\r\na=accept-types:text/plain\r\n"

// messenger is such a client.
type messenger struct {
	conn   *sipconn.Conn
	texts  chan string
	dialog chan *sipconn.Dialog // in which it was invited
}

func inDialog(t *testing.T, p place, door string) {
	c := p.signIn(t, p.me)
	who := p.reports(p.me)[0]
	m := startMessenger(t, p, who, door)

	if d := delivery(t, c, who, "one"); d.State != im.Delivered {
		t.Fatalf("%+v, want delivered", d)
	}
	if d := delivery(t, c, who, "two"); d.State != im.Delivered {
		t.Fatalf("%+v, want delivered", d)
	}
	for _, want := range []string{"one", "two"} {
		if got := m.next(t); got != want {
			t.Errorf("the peer got %q, want %q", got, want)
		}
	}
	mark := c.heard()
	d := <-m.dialog
	if _, err := d.Do(within(t), "MESSAGE", sipconn.Text("three")); err != nil {
		t.Error(err)
	}
	c.gets(mark, "three")
	if err := d.Bye(within(t)); err != nil {
		t.Error(err)
	}

	// It invites us: what we write goes there, and its BYE ends it.
	d, err := m.conn.Invite(within(t), c.user, sipconn.Body{Type: "application/sdp", Content: []byte(offered)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	d.Handle(m.within)
	if body := string(d.Remote().Body()); !strings.Contains(body, "m=x-ms-message 5060 sip sip:"+c.user) {
		t.Errorf("our answer is\n%s", body)
	}
	if _, err := d.Do(within(t), "MESSAGE", sipconn.Text("four")); err != nil {
		t.Error(err)
	}
	c.gets(mark, "four")
	if d := delivery(t, c, who, "five"); d.State != im.Delivered || m.next(t) != "five" {
		t.Errorf("%+v, want delivered", d)
	}
	if err := d.Bye(within(t)); err != nil {
		t.Error(err)
	}
}

// startMessenger signs the client in at a door; empty: that of the place.
func startMessenger(t *testing.T, p place, who, door string) *messenger {
	t.Helper()
	if door == "" {
		door = p.door
	}
	nc, err := tls.Dial("tcp", door, &tls.Config{RootCAs: p.roots, ServerName: domain})
	if err != nil {
		t.Fatal(err)
	}
	m := &messenger{texts: make(chan string, 100), dialog: make(chan *sipconn.Dialog, 10)}
	user, _, _ := strings.Cut(who, "@")
	password := p.of(who).password
	m.conn = sipconn.New(nc, sipconn.Options{Self: who, Handle: m.handle, Auth: auth.NewClient(user, domain, func() (string, error) { return password, nil })})
	t.Cleanup(func() { m.conn.Close(); <-m.conn.Done() })
	r, err := m.conn.NewRequest("REGISTER", "sip:"+domain, sipconn.Body{})
	if err != nil {
		t.Fatal(err)
	}
	r.ReplaceHeader(&sip.ToHeader{Address: sip.Uri{Scheme: "sip", User: user, Host: domain}})
	r.AppendHeader(sip.NewHeader("Contact", "<"+m.conn.Contact()+">"))
	if _, err := m.conn.Do(within(t), r, nil); err != nil {
		t.Fatal(err)
	}
	return m
}

// handle takes what comes outside dialogs.
func (m *messenger) handle(in *sipconn.Incoming) {
	switch in.Request.Method {
	case sip.INVITE:
		if !strings.Contains(string(in.Request.Body()), "m=x-ms-message 5060 sip") {
			_ = in.Reply(488, "Not Acceptable Here", sipconn.Body{})
			return
		}
		if d, err := in.Accept(sipconn.Body{Type: "application/sdp", Content: []byte(offered)}); err == nil {
			d.Handle(m.within)
			m.dialog <- d
		}
	default:
		_ = in.Reply(405, "Method Not Allowed", sipconn.Body{})
	}
}

func (m *messenger) within(in *sipconn.Incoming) {
	if in.Request.Method == sip.MESSAGE {
		m.texts <- string(in.Request.Body())
	}
	_ = in.Reply(200, "OK", sipconn.Body{})
}

func (m *messenger) next(t *testing.T) string {
	t.Helper()
	select {
	case text := <-m.texts:
		return text
	case <-time.After(patience):
		t.Fatal("the peer got nothing")
		return ""
	}
}
