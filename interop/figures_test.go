//go:build interop

package interop

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"communicator/contacts"
	"communicator/presence"
	"communicator/session"
)

// The figures of docs/performance.md that need real parts; make bench prints them.

// From process start to registered, over TLS on loopback, in one run. All trust
// the pool's authority alone, ours also beside the system's authorities (--ca). linphonec
// writes its log meanwhile, as nothing else tells when it is registered.
func TestFiguresSignIn(t *testing.T) {
	p := startPool(t)
	ours := build(t)
	at := p.place()
	more := at.shell(t, ours, alice, at.of(alice).password)
	alone := more
	alone.args = alone.args[:4:4] // as and resolver
	alone.env = append(slices.Clone(more.env), "SSL_CERT_FILE="+p.env["CA"], "SSL_CERT_DIR=/nonexistent")
	watch := func(s shell) *program { return start(t, "communicator watch", s.command("watch", "--json")) }
	const rounds = 9
	for _, m := range []struct {
		name, pattern string
		launch        func() *program
	}{
		{"communicator watch", `"event":"signed-in"`, func() *program { return watch(alone) }},
		{"communicator watch --ca", `"event":"signed-in"`, func() *program { return watch(more) }},
		{"baresip", `200 OK.*binding`, func() *program { return startBaresip(t, at, bob).program }},
		{"linphonec", `to \[LinphoneRegistrationOk\]`, func() *program { return startLinphone(t, at, carol) }},
	} {
		var took []time.Duration
		for range rounds {
			began := time.Now()
			it := m.launch()
			it.expect(0, m.pattern)
			took = append(took, time.Since(began))
			it.stop()
		}
		slices.Sort(took)
		t.Logf("FIGURE process start to registered: %-23s median %v, %v to %v of %d", m.name,
			took[rounds/2].Round(time.Millisecond), took[0].Round(time.Millisecond), took[rounds-1].Round(time.Millisecond), rounds)
	}
}

// Signing in with 200 contacts until the state of each is known, at the lab and at Kamailio.
func TestFiguresContacts(t *testing.T) {
	t.Run("lab", func(t *testing.T) {
		p := startLab(t, 260)
		var others []string
		for _, x := range p.people {
			if x.user != p.me && len(others) < 200 {
				others = append(others, x.user)
			}
		}
		edit(t, p, others)
		contactFigures(t, p, others, 6)
	})
	t.Run("Kamailio", func(t *testing.T) {
		p := startPool(t) // without a directory: its people have never published a state
		others := crowd(t, p, 200)
		keepList(t, p, "alice", others)
		// The client asks again, one by one, for those for whom a busy server takes seconds.
		contactFigures(t, p.place(), others, 6+len(others))
	})
}

// crowd makes n more accounts, each with a state.
func crowd(t *testing.T, p *pool, n int) []string {
	t.Helper()
	var users []string
	var list strings.Builder
	for i := range n {
		users = append(users, fmt.Sprintf("u%03d@%s", i, domain))
		fmt.Fprintf(&list, "%s u%03d-pw\n", users[i], i)
	}
	cmd := exec.Command("../deploy/kamailio/users.sh", "add")
	cmd.Env, cmd.Stdin = append(os.Environ(), "DB="+p.env["DB"]), strings.NewReader(list.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("users.sh: %v\n%s", err, out)
	}
	var all sync.WaitGroup
	lanes := make(chan struct{}, 8)
	for i, user := range users {
		lanes <- struct{}{}
		all.Go(func() {
			defer func() { <-lanes }()
			c := p.place().open(t, user, strings.SplitN(user, "@", 2)[0]+"-pw", func(o *session.Options) { o.Silent = true })
			defer c.stop()
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			if err := c.SignedIn(ctx); err != nil {
				t.Errorf("%s: %v", user, err)
				return
			}
			if _, err := c.Presence.Set(ctx, presence.State{Availability: presence.Busy, Note: fmt.Sprint("Desk ", i)}); err != nil {
				t.Errorf("%s: %v", user, err)
			}
		})
	}
	all.Wait()
	return users
}

// edit puts a contact list together, as a client does that watches nobody meanwhile.
func edit(t *testing.T, p place, others []string) {
	t.Helper()
	c := p.signIn(t, p.me, func(o *session.Options) { o.Silent = true })
	defer c.stop()
	if _, err := c.Contacts.Loaded(within(t)); err != nil {
		t.Fatal(err)
	}
	edits := []contacts.Edit{{Op: contacts.AddGroup, Group: "Everybody"}}
	for _, user := range others {
		edits = append(edits, contacts.Edit{Op: contacts.Add, User: user, Name: user, Group: "Everybody"})
	}
	for _, e := range edits {
		if err := c.Contacts.Edit(within(t), e); err != nil {
			t.Fatal(err)
		}
	}
}

// keepList puts a contact list where the server's XCAP has it.
func keepList(t *testing.T, p *pool, user string, others []string) {
	t.Helper()
	var list strings.Builder
	list.WriteString(`<?xml version="1.0" encoding="UTF-8"?><resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"><list name="Everybody">`)
	for _, o := range others {
		fmt.Fprintf(&list, `<entry uri="sip:%[1]s"><display-name>%[1]s</display-name></entry>`, o)
	}
	list.WriteString(`</list></resource-lists>`)
	const resourceLists = 4 // Kamailio's number of the application usage
	p.sql(t, fmt.Sprintf(`INSERT INTO xcap(username,domain,doc,doc_type,etag,source,doc_uri,port)
		VALUES ('%[1]s','%[2]s',convert_to('%[3]s','UTF8'),%[4]d,'"first"',0,'/xcap-root/resource-lists/users/sip:%[1]s@%[2]s/index',0)`,
		user, domain, list.String(), resourceLists))
}

// contactFigures signs in with a list that holds others, and counts. More than most
// requests are too many.
func contactFigures(t *testing.T, p place, others []string, most int) *client {
	t.Helper()
	if t.Failed() {
		t.FailNow()
	}
	var bytes atomic.Int64
	began := time.Now()
	c := p.open(t, p.me, p.of(p.me).password, func(o *session.Options) { o.Dial = counting(&bytes) })
	traffic := c.listen()
	if err := c.SignedIn(within(t)); err != nil {
		t.Fatal(err)
	}
	registered := time.Since(began)
	if err := c.Presence.Known(within(t)); err != nil {
		t.Fatal(err)
	}
	known := time.Since(began)
	requests, sip := traffic()
	sent := 0
	for what, n := range requests {
		if strings.HasSuffix(what, "sent") {
			sent += n
		}
	}
	n := len(c.Contacts.List().Users())
	t.Logf("FIGURE %d contacts: registered after %v, all states known after %v", n, registered.Round(time.Millisecond), known.Round(time.Millisecond))
	t.Logf("FIGURE %d contacts: %d SIP requests sent, %d bytes of SIP both ways; %d bytes on all connections (TLS, LDAP, XCAP)", n, sent, sip, bytes.Load())
	t.Logf("FIGURE %d contacts: %v", n, requests)
	if sent > most {
		t.Errorf("%d SIP requests for one sign-in; want at most %d, however many contacts", sent, most)
	}
	for _, user := range []string{others[0], others[len(others)-1]} {
		if s := c.Presence.Of(user); s.Availability == presence.Unknown {
			t.Errorf("%s is %s", user, s.Availability)
		}
	}
	return c
}

// listen counts requests by method and direction, and the bytes of all SIP messages,
// until the result is asked for. The client keeps only its latest 500 messages.
func (c *client) listen() (result func() (requests map[string]int, sip int)) {
	requests, sip, last := map[string]int{}, 0, time.Now()
	look := func() {
		for _, m := range c.Trace() {
			if !m.Time.After(last) {
				continue
			}
			last = m.Time
			sip += len(m.Message)
			if method, _, _ := strings.Cut(m.Message, " "); method != "SIP/2.0" {
				requests[method+map[bool]string{true: " sent", false: " received"}[m.Sent]]++
			}
		}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() { // ends when the result is asked for
		defer close(ended)
		for tick := time.NewTicker(10 * time.Millisecond); ; {
			select {
			case <-tick.C:
				look()
			case <-done:
				tick.Stop()
				look()
				return
			}
		}
	}()
	return func() (map[string]int, int) {
		close(done)
		<-ended
		return requests, sip
	}
}

// counting dials the real network and counts the bytes of all TCP connections.
func counting(n *atomic.Int64) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		nc, err := new(net.Dialer).DialContext(ctx, network, addr)
		if _, packets := nc.(net.PacketConn); err != nil || packets {
			return nc, err // DNS over UDP is left out: it must be seen to be a PacketConn
		}
		return &counted{nc, n}, nil
	}
}

type counted struct {
	net.Conn
	n *atomic.Int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.n.Add(int64(n))
	return n, err
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.n.Add(int64(n))
	return n, err
}
