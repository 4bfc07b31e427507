//go:build interop

package interop

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"communicator/autoconfig"
	"communicator/contacts"
	"communicator/im"
	"communicator/presence"
	"communicator/session"
)

const (
	alice = "alice@" + domain
	bob   = "bob@" + domain
	carol = "carol@" + domain
	dave  = "dave@" + domain
	kate  = "kate@" + domain
	erin  = "erin@fabrikam.test"
)

// Our client against Kamailio over TLS, found by SRV.
func TestKamailio(t *testing.T) {
	p := startPool(t)
	startSlapd(t, p)
	for _, story := range []struct {
		name string
		tell func(*testing.T, *pool)
	}{
		{"sign in by SRV", signInBySRV},
		{"wrong password", wrongPassword},
		{"unknown user", unknownUser},
		{"director sends on", directorSendsOn},
		{"bad certificates", badCertificates},
		{"contact list from the org chart", contactsFromChart},
		{"contact list kept by XCAP", contactsKept},
		{"presence both ways", presenceBothWays},
		{"one list subscription", oneListSubscription},
		{"somebody watches me", somebodyWatches},
		{"a stranger waits for leave", strangerWaits},
		{"account made and removed", accountMadeAndRemoved},
		{"message delivered", messageDelivered},
		{"message kept", messageKept},
		{"message to many", messageToMany},
		{"commands", commands},
	} {
		t.Run(story.name, func(t *testing.T) { story.tell(t, p) })
	}
}

func signInBySRV(t *testing.T, p *pool) {
	s := p.site().signIn(t, alice).State()
	if s.Target.Host != "fe1."+domain || s.Target.Transport != "tls" || !strings.HasPrefix(s.TLS, "TLS 1.") {
		t.Errorf("signed in at %+v, %q; want fe1.%s by TLS", s.Target, s.TLS, domain)
	}
	if s.Name != "Alice Abel" && s.Name != "" { // the directory may still be silent
		t.Errorf("own name %q", s.Name)
	}
}

func wrongPassword(t *testing.T, p *pool) { refused(t, p, alice, "not-her-password") }
func unknownUser(t *testing.T, p *pool)   { refused(t, p, "stranger@"+domain, "x") }

// refused: the client gives up for good, and says what to do.
func refused(t *testing.T, p *pool, user, password string) {
	err := p.site().open(t, user, password).SignedIn(within(t))
	var e *session.SignInError
	if !errors.As(err, &e) || e.What == "" || e.Why == "" || e.Remedy == "" {
		t.Fatalf("%s: %#v, want a SignInError with what, why and remedy", user, err)
	}
	t.Logf("%s. %s. %s", e.What, e.Why, e.Remedy)
}

func directorSendsOn(t *testing.T, p *pool) {
	s := p.site().signIn(t, erin).State()
	if s.Target.Host != "fe1.fabrikam.test" {
		t.Errorf("signed in at %q, want fe1.fabrikam.test, where the director sends its users", s.Target.Host)
	}
}

// badCertificates: three faults, three sentences.
func badCertificates(t *testing.T, p *pool) {
	said := map[string]string{}
	for _, d := range doors {
		search := autoconfig.New(autoconfig.Query{Domain: d.domain, Resolver: p.env["RESOLVER"], Roots: p.roots})
		link, err := search.Next(within(t))
		var e *autoconfig.NotFoundError
		if !errors.As(err, &e) {
			t.Errorf("%s: %+v, %v; want no server", d.domain, link.Target, err)
			continue
		}
		if e.Why == "" || e.Remedy == "" || !slices.ContainsFunc(e.Steps, func(s autoconfig.Step) bool { return s.Result == "untrusted" }) {
			t.Errorf("%s: %+v; want why, a remedy and an untrusted step", d.domain, e)
		}
		sentence := strings.ReplaceAll(e.Why, d.domain, "DOMAIN")
		if other, twice := said[sentence]; twice {
			t.Errorf("%s and %s: both say %q", d.domain, other, sentence)
		}
		said[sentence] = d.domain
		t.Logf("%s: %s %s", d.domain, e.Why, e.Remedy)
	}
}

func contactsFromChart(t *testing.T, p *pool) {
	c := p.site().signIn(t, alice)
	chart, err := c.Contacts.Loaded(within(t))
	if err != nil || chart != nil {
		t.Fatalf("contacts: %v, chart: %v", err, chart)
	}
	for name, want := range map[string][]string{
		"My manager":        {"mary@" + domain},
		"My direct reports": {bob, carol, dave},
		"My peers":          {"ivan@" + domain, "judy@" + domain},
	} {
		g, found := c.Contacts.List().Group(name)
		if !found || g.Source != contacts.Org {
			t.Errorf("no group %q from the org chart", name)
			continue
		}
		if got := members(g); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	everyone := slices.IndexFunc(c.Contacts.List().Groups, func(g contacts.Group) bool { return strings.HasPrefix(g.Name, "Everyone under") })
	if everyone < 0 || !slices.Contains(members(c.Contacts.List().Groups[everyone]), kate) {
		t.Errorf("no group of everyone under the second manager with %s: %+v", kate, c.Contacts.List())
	}
}

func members(g contacts.Group) []string {
	var users []string
	for _, m := range g.Members {
		users = append(users, m.User)
	}
	slices.Sort(users)
	return users
}

// contactsKept: what one client changes, another of the same user finds.
func contactsKept(t *testing.T, p *pool) {
	c := p.site().signIn(t, carol)
	if _, err := c.Contacts.Loaded(within(t)); err != nil {
		t.Fatal(err)
	}
	for _, e := range []contacts.Edit{
		{Op: contacts.AddGroup, Group: `Friends & "family"`},
		{Op: contacts.Add, User: kate, Name: "Kate <K>", Group: `Friends & "family"`},
		{Op: contacts.Add, User: bob, Name: "Bob", Group: `Friends & "family"`},
		{Op: contacts.AddGroup, Group: "Łódź"},
		{Op: contacts.Move, User: bob, Group: `Friends & "family"`, To: "Łódź"},
		{Op: contacts.Add, User: dave, Name: "Dave", Group: "Łódź"},
		{Op: contacts.Remove, User: dave, Group: "Łódź"},
	} {
		if err := c.Contacts.Edit(within(t), e); err != nil {
			t.Fatalf("%s %s: %v", e.Op, e.User, err)
		}
	}
	c.stop()
	again := p.site().signIn(t, carol)
	if _, err := again.Contacts.Loaded(within(t)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]contacts.Contact{
		`Friends & "family"`: {{User: kate, Name: "Kate <K>"}},
		"Łódź":               {{User: bob, Name: "Bob"}},
	} {
		g, found := again.Contacts.List().Group(name)
		if !found || !slices.Equal(g.Members, want) {
			t.Errorf("%s: %+v after signing in again, want %+v", name, g.Members, want)
		}
	}
}

func presenceBothWays(t *testing.T, p *pool) {
	a, b := p.site().signIn(t, alice), p.site().signIn(t, bob)
	if _, err := b.Presence.Set(within(t), presence.State{Availability: presence.Busy, Note: "In Łódź, back <at> 3"}); err != nil {
		t.Fatal(err)
	}
	a.sees(bob, "busy with a note", func(s presence.State) bool {
		return s.Availability == presence.Busy && s.Note == "In Łódź, back <at> 3"
	})
	if _, err := a.Presence.Set(within(t), presence.State{Availability: presence.Available, Note: "Here"}); err != nil {
		t.Fatal(err)
	}
	b.sees(alice, "available with a note", func(s presence.State) bool {
		return s.Availability == presence.Available && s.Note == "Here"
	})
	b.stop()
	a.sees(bob, "offline", func(s presence.State) bool { return s.Availability == presence.Offline })
}

// oneListSubscription: the server's own tables say that one subscription serves all contacts.
func oneListSubscription(t *testing.T, p *pool) {
	c := p.site().signIn(t, alice)
	if err := c.Presence.Known(within(t)); err != nil {
		t.Fatal(err)
	}
	lists := p.sql(t, "SELECT count(*) FROM rls_watchers WHERE watcher_username='alice' AND event='presence'")
	single := p.sql(t, "SELECT count(*) FROM active_watchers WHERE watcher_username='alice' AND event='presence' AND contact NOT LIKE '%rls@%'")
	if lists != "1" || single != "0" {
		t.Errorf("%s list subscriptions and %s single ones; want 1 and 0", lists, single)
	}
}

// sql asks the pool's database.
func (p *pool) sql(t *testing.T, query string) string {
	t.Helper()
	out, err := exec.Command("psql", "-X", "-At", "-d", p.env["DB"], "-c", query).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", query, err, out)
	}
	return strings.TrimSpace(string(out))
}

func somebodyWatches(t *testing.T, p *pool) {
	a, k := p.site().signIn(t, "harriet@"+domain), p.site().signIn(t, kate)
	mark := a.heard()
	if err := k.Presence.Watch(within(t), a.user); err != nil {
		t.Fatal(err)
	}
	await(a, mark, "the news that kate watches", func(e session.WatcherChanged) bool { return e.User == kate })
}

// strangerWaits: the rules that users.sh gives a new account let its own domain in and nobody else.
func strangerWaits(t *testing.T, p *pool) {
	h, e := p.site().signIn(t, "harriet@"+domain), p.site().signIn(t, erin)
	mark := h.heard()
	if _, err := h.Presence.Set(within(t), presence.State{Availability: presence.Available, Note: "For colleagues"}); err != nil {
		t.Fatal(err)
	}
	if err := e.Presence.Watch(within(t), h.user); err != nil {
		t.Fatal(err)
	}
	await(h, mark, "the news that erin asks", func(w session.WatcherChanged) bool { return w.User == erin && w.Status == "pending" })
	if s := e.Presence.Of(h.user); s.Availability == presence.Available || s.Note != "" {
		t.Errorf("a stranger sees %+v", s)
	}
}

// accountMadeAndRemoved: an administrator changes the accounts of a running pool.
func accountMadeAndRemoved(t *testing.T, p *pool) {
	const zoe, password = "zoe@" + domain, `p\ä"':$s\\`
	users := func(input string, args ...string) {
		cmd := exec.Command("../deploy/kamailio/users.sh", args...)
		cmd.Env, cmd.Stdin = append(os.Environ(), "DB="+p.env["DB"]), strings.NewReader(input)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("users.sh %s: %v\n%s", args, err, out)
		}
	}
	users("# new\n\n"+zoe+"\t"+password+"\n", "add")
	c := p.site().open(t, zoe, password)
	if err := c.SignedIn(within(t)); err != nil {
		t.Fatal(err)
	}
	c.stop()
	users("", "remove", zoe)
	refused(t, p, zoe, password)
}

func messageDelivered(t *testing.T, p *pool) {
	a, b := p.site().signIn(t, alice), p.site().signIn(t, bob)
	const text = "Grüße aus Łódź 👋"
	got := delivery(t, a, bob, text)
	if got.State != im.Delivered || got.Code != 200 {
		t.Errorf("%+v, want delivered with 200", got)
	}
	m := b.gets(0, text)
	if m.From != alice || m.Stored {
		t.Errorf("%+v, want it from %s and not stored", m, alice)
	}
	if got := delivery(t, b, alice, "And back"); got.State != im.Delivered {
		t.Errorf("%+v, want delivered", got)
	}
	a.gets(0, "And back")
}

// delivery sends a message to one person and returns what became of it.
func delivery(t *testing.T, from *client, to, text string) im.Delivery {
	t.Helper()
	m, err := from.IM.With(to).Send(within(t), text)
	if err != nil || len(m.Delivered) != 1 {
		t.Fatalf("send to %s: %+v, %v", to, m, err)
	}
	return m.Delivered[0]
}

func messageKept(t *testing.T, p *pool) {
	a := p.site().signIn(t, alice)
	before := time.Now().Add(-2 * time.Second)
	sent := delivery(t, a, dave, "While you were out")
	if sent.State != im.Accepted || sent.Code != 202 {
		t.Errorf("%+v, want accepted with 202", sent)
	}
	m := p.site().signIn(t, dave).gets(0, "While you were out")
	if !m.Stored || m.From != alice || m.Time.Before(before) || m.Time.After(time.Now()) {
		t.Errorf("%+v, want it stored, from %s, with its time", m, alice)
	}
	if m.ID != sent.ID { // by this a client knows it that had the original after all
		t.Errorf("the copy has the id %q, the original %q", m.ID, sent.ID)
	}
}

func messageToMany(t *testing.T, p *pool) {
	a, b := p.site().signIn(t, alice), p.site().signIn(t, bob)
	got := map[string]im.Delivery{}
	err := a.IM.SendEach(within(t), im.Bulk{
		To: []string{bob, carol, "nobody@" + domain, bob}, Text: "To all of you",
		Each: func(d im.Delivery) { got[d.To] = d },
	})
	if err != nil {
		t.Fatal(err)
	}
	for to, want := range map[string]im.State{bob: im.Delivered, carol: im.Accepted, "nobody@" + domain: im.Failed} {
		if got[to].State != want {
			t.Errorf("%s: %+v, want %s", to, got[to], want)
		}
	}
	if d := got["nobody@"+domain]; d.Code != 404 || d.Reason == "" {
		t.Errorf("%+v, want 404 with a reason", d)
	}
	b.gets(0, "To all of you")
	if n := b.count()["To all of you"]; n != 1 {
		t.Errorf("bob got it %d times", n)
	}
}

// The same with SHA-256 instead of MD5 for every challenge, of SIP and of XCAP.
func TestKamailioSHA256(t *testing.T) {
	p := startPool(t, "DIGEST=SHA-256")
	c := p.site().signIn(t, alice)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := c.Contacts.Loaded(ctx); err != nil {
		t.Fatal(err)
	}
	if err := c.Contacts.Edit(ctx, contacts.Edit{Op: contacts.AddGroup, Group: "New"}); err != nil {
		t.Fatal(err)
	}
	if got := delivery(t, c, bob, "hello"); got.State != im.Accepted {
		t.Errorf("%+v, want accepted", got)
	}
	refused(t, p, bob, "not-his-password")
}
