//go:build interop

package interop

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"communicator/contacts"
	"communicator/im"
	"communicator/presence"
	"communicator/session"
)

// stories are what users do, the same at the lab and at a real server.
var stories = []struct {
	name string
	tell func(*testing.T, place)
}{
	{"sign in by SRV", signInBySRV},
	{"wrong password", wrongPassword},
	{"unknown user", unknownUser},
	{"contact list from the org chart", contactsFromChart},
	{"contact list kept by XCAP", contactsKept},
	{"presence both ways", presenceBothWays},
	{"note of somebody who has signed out", noteOfTheAbsent},
	{"command beside a window", commandBesideWindow},
	{"two computers of one user", twoComputers},
	{"one list subscription", oneListSubscription},
	{"somebody watches me", somebodyWatches},
	{"message delivered", messageDelivered},
	{"message kept", messageKept},
	{"message to many", messageToMany},
	{"typing and receipts", typingAndReceipts},
	{"two devices", twoDevices},
	{"commands", commands},
}

func tellAll(t *testing.T, p place) {
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) { s.tell(t, p) })
	}
}

func TestStoriesAtTheLab(t *testing.T) { tellAll(t, startLab(t, 60)) }

func TestStoriesAtKamailio(t *testing.T) {
	p := startPool(t)
	startSlapd(t, p)
	tellAll(t, p.place())
}

func signInBySRV(t *testing.T, p place) {
	s := p.signIn(t, p.me).State()
	if !strings.HasSuffix(s.Target.Host, "."+domain) || s.Target.Transport != "tls" || !strings.HasPrefix(s.TLS, "TLS 1.") {
		t.Errorf("signed in at %+v, %q; want a front end of %s by TLS", s.Target, s.TLS, domain)
	}
	if s.Name != p.of(p.me).name && s.Name != "" { // the directory may still be silent
		t.Errorf("own name %q", s.Name)
	}
}

func wrongPassword(t *testing.T, p place) { refused(t, p, p.me, "not-her-password") }
func unknownUser(t *testing.T, p place)   { refused(t, p, "stranger@"+domain, "x") }

// refused: the client gives up for good, and says what to do.
func refused(t *testing.T, p place, user, password string) {
	err := p.open(t, user, password).SignedIn(within(t))
	var e *session.SignInError
	if !errors.As(err, &e) || e.What == "" || e.Why == "" || e.Remedy == "" {
		t.Fatalf("%s: %#v, want a SignInError with what, why and remedy", user, err)
	}
	t.Logf("%s. %s. %s", e.What, e.Why, e.Remedy)
}

func contactsFromChart(t *testing.T, p place) {
	c := p.signIn(t, p.me)
	chart, err := c.Contacts.Loaded(within(t))
	if err != nil || chart != nil {
		t.Fatalf("contacts: %v, chart: %v", err, chart)
	}
	boss := p.of(p.me).manager
	for name, want := range map[string][]string{
		"My manager":        {boss},
		"My direct reports": p.reports(p.me),
		"My peers":          slices.DeleteFunc(p.reports(boss), func(u string) bool { return u == p.me }),
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
	if everyone < 0 || !slices.Contains(members(c.Contacts.List().Groups[everyone]), p.cousin()) {
		t.Errorf("no group of everyone under the second manager with %s: %+v", p.cousin(), c.Contacts.List())
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
func contactsKept(t *testing.T, p place) {
	me, far, near, other := p.reports(p.me)[1], p.cousin(), p.reports(p.me)[0], p.reports(p.me)[2]
	c := p.signIn(t, me)
	if _, err := c.Contacts.Loaded(within(t)); err != nil {
		t.Fatal(err)
	}
	for _, e := range []contacts.Edit{
		{Op: contacts.AddGroup, Group: `Friends & "family"`},
		{Op: contacts.Add, User: far, Name: "Kate <K>", Group: `Friends & "family"`},
		{Op: contacts.Add, User: near, Name: "Bob", Group: `Friends & "family"`},
		{Op: contacts.AddGroup, Group: "Łódź"},
		{Op: contacts.Move, User: near, Group: `Friends & "family"`, To: "Łódź"},
		{Op: contacts.Add, User: other, Name: "Dave", Group: "Łódź"},
		{Op: contacts.Remove, User: other, Group: "Łódź"},
	} {
		if err := c.Contacts.Edit(within(t), e); err != nil {
			t.Fatalf("%s %s: %v", e.Op, e.User, err)
		}
	}
	c.stop()
	again := p.signIn(t, me)
	if _, err := again.Contacts.Loaded(within(t)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]contacts.Contact{
		`Friends & "family"`: {{User: far, Name: "Kate <K>"}},
		"Łódź":               {{User: near, Name: "Bob"}},
	} {
		g, found := again.Contacts.List().Group(name)
		if !found || !slices.Equal(g.Members, want) {
			t.Errorf("%s: %+v after signing in again, want %+v", name, g.Members, want)
		}
	}
}

func presenceBothWays(t *testing.T, p place) {
	bob := p.reports(p.me)[0]
	a, b := p.signIn(t, p.me), p.signIn(t, bob)
	if _, err := b.Presence.Set(within(t), presence.State{Availability: presence.Busy, Note: "In Łódź, back <at> 3"}); err != nil {
		t.Fatal(err)
	}
	a.sees(bob, "busy with a note", func(s presence.State) bool {
		return s.Availability == presence.Busy && s.Note == "In Łódź, back <at> 3"
	})
	if _, err := a.Presence.Set(within(t), presence.State{Availability: presence.Available, Note: "Here"}); err != nil {
		t.Fatal(err)
	}
	b.sees(p.me, "available with a note", func(s presence.State) bool {
		return s.Availability == presence.Available && s.Note == "Here"
	})
	b.stop()
	a.sees(bob, "offline", func(s presence.State) bool { return s.Availability == presence.Offline })
}

// oneListSubscription: the client asks for the whole list first, and once. (Then,
// one by one, for those of whom a busy server's list says nothing.)
func oneListSubscription(t *testing.T, p place) {
	c := p.signIn(t, p.me)
	if err := c.Presence.Known(within(t)); err != nil {
		t.Fatal(err)
	}
	people := append(c.Contacts.List().Users(), p.me) // one watches oneself, too: one has other devices
	standing := map[string]bool{}                     // subscriptions to lists, by Call-ID; an Expires of 0 ends one
	first := ""
	for _, m := range c.Trace() {
		if !m.Sent || !strings.HasPrefix(m.Message, "SUBSCRIBE ") || !presenceEvent.MatchString(m.Message) {
			continue
		}
		to, _, _ := strings.Cut(strings.TrimPrefix(m.Message, "SUBSCRIBE sip:"), " ")
		if first == "" {
			first = to
		}
		if id := callID.FindString(m.Message); !slices.Contains(people, to) {
			standing[id] = true
			if over.MatchString(m.Message) {
				delete(standing, id)
			}
		}
	}
	if len(people) < 5 || len(standing) != 1 || slices.Contains(people, first) {
		t.Errorf("%d contacts; %s was asked for first, %d subscriptions to lists stand; want one list, and that first", len(people), first, len(standing))
	}
}

var (
	presenceEvent = regexp.MustCompile(`(?m)^Event: presence\r?$`)
	over          = regexp.MustCompile(`(?m)^Expires: 0\r?$`)
	callID        = regexp.MustCompile(`(?m)^Call-ID: .*$`)
)

func somebodyWatches(t *testing.T, p place) {
	a, k := p.signIn(t, p.of(p.of(p.me).manager).manager), p.signIn(t, p.cousin())
	mark := a.heard()
	if err := k.Presence.Watch(within(t), a.user); err != nil {
		t.Fatal(err)
	}
	await(a, mark, "the news that somebody watches", func(e session.WatcherChanged) bool { return e.User == k.user })
}

func messageDelivered(t *testing.T, p place) {
	bob := p.reports(p.me)[0]
	a, b := p.signIn(t, p.me), p.signIn(t, bob)
	const text = "Grüße aus Łódź 👋"
	got := delivery(t, a, bob, text)
	if got.State != im.Delivered || got.Code != 200 {
		t.Errorf("%+v, want delivered with 200", got)
	}
	m := b.gets(0, text)
	if m.From != p.me || m.Stored {
		t.Errorf("%+v, want it from %s and not stored", m, p.me)
	}
	if got := delivery(t, b, p.me, "And back"); got.State != im.Delivered {
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

func messageKept(t *testing.T, p place) {
	dave := p.reports(p.me)[2]
	p.away(t, dave)
	a := p.signIn(t, p.me)
	before := time.Now().Add(-2 * time.Second)
	sent := delivery(t, a, dave, "While you were out")
	if sent.State != im.Accepted || sent.Code != 202 {
		t.Errorf("%+v, want accepted with 202", sent)
	}
	m := p.signIn(t, dave).gets(0, "While you were out")
	if !m.Stored || m.From != p.me || m.Time.Before(before) || m.Time.After(time.Now()) {
		t.Errorf("%+v, want it stored, from %s, with its time", m, p.me)
	}
	if m.ID != sent.ID { // by this a client knows it that had the original after all
		t.Errorf("the copy has the id %q, the original %q", m.ID, sent.ID)
	}
}

func messageToMany(t *testing.T, p place) {
	bob, carol := p.reports(p.me)[0], p.reports(p.me)[1]
	p.away(t, carol)
	a, b := p.signIn(t, p.me), p.signIn(t, bob)
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
