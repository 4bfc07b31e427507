//go:build interop

package interop

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"communicator/contacts"
	"communicator/im"
	"communicator/presence"
	"communicator/session"
)

// Contact lists and presence rules on a real XCAP server.
func TestContacts(t *testing.T) {
	p := startPool(t)
	for _, story := range []struct {
		name string
		tell func(*testing.T, *pool)
	}{
		{"store wiped while signed in", storeWiped},
		{"change after the store was wiped", changeAfterWipe},
		{"long list", longList},
		{"allowed, blocked", whoSeesWhat},
		{"a stranger is answered once", strangerAnswered},
	} {
		t.Run(story.name, func(t *testing.T) { story.tell(t, p) })
	}
}

// wipe loses everything that XCAP keeps of a user, or only his contact list.
func (p *pool) wipe(t *testing.T, user, and string) {
	t.Helper()
	name, _, _ := strings.Cut(user, "@")
	out, err := exec.Command("psql", "-X", "-At", "-d", p.env["DB"], "-c", fmt.Sprintf("DELETE FROM xcap WHERE username = '%s' %s", name, and)).CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) == "DELETE 0" {
		t.Fatalf("wipe: %v, %s", err, out)
	}
}

// withFriends is a client with a group of five.
func withFriends(t *testing.T, p *pool, user string) *client {
	t.Helper()
	c := p.place().signIn(t, user)
	if _, err := c.Contacts.Loaded(within(t)); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if err := c.Contacts.Edit(within(t), contacts.Edit{Op: contacts.Add, User: fmt.Sprintf("friend%d@%s", i, domain), Name: fmt.Sprint("Friend ", i), Group: "Friends"}); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func friends(c *client) int {
	g, _ := c.Contacts.List().Group("Friends")
	return len(g.Members)
}

// storeWiped: nothing is lost, the user is asked, and his answer is done.
func storeWiped(t *testing.T, p *pool) {
	c := withFriends(t, p, alice)
	mark := c.heard()
	p.wipe(t, alice, "AND doc_type = 4")
	if err := c.Contacts.Refresh(within(t)); err != nil {
		t.Fatal(err)
	}
	asked := await(c, mark, "the question", func(e session.ContactsDoubt) bool { return !e.Over })
	if asked.Before != 5 || asked.Now != 0 || friends(c) != 5 {
		t.Errorf("asked %+v; %d friends are shown", asked, friends(c))
	}
	if err := c.Contacts.Answer(within(t), true); err != nil {
		t.Fatal(err)
	}
	again := p.place().signIn(t, alice)
	if _, err := again.Contacts.Loaded(within(t)); err != nil || friends(again) != 5 {
		t.Errorf("on the server again: %d friends, %v", friends(again), err)
	}
}

// changeAfterWipe: the client has not noticed yet when the user changes something.
func changeAfterWipe(t *testing.T, p *pool) {
	c := withFriends(t, p, bob)
	p.wipe(t, bob, "AND doc_type = 4")
	var doubt *contacts.DoubtError
	if err := c.Contacts.Edit(within(t), contacts.Edit{Op: contacts.AddGroup, Group: "Club"}); !errors.As(err, &doubt) || friends(c) != 5 {
		t.Errorf("%v; %d friends are shown", err, friends(c))
	}
	if err := c.Contacts.Answer(within(t), true); err != nil {
		t.Error(err)
	}
	if err := c.Contacts.Edit(within(t), contacts.Edit{Op: contacts.AddGroup, Group: "Club"}); err != nil {
		t.Error(err)
	}
}

// longList: more than 100,000 characters.
func longList(t *testing.T, p *pool) {
	unwatched := func(o *session.Options) { o.Silent = true } // 1,000 people who do not exist
	c := p.place().signIn(t, carol, unwatched)
	if _, err := c.Contacts.Loaded(within(t)); err != nil {
		t.Fatal(err)
	}
	var rows []contacts.Row
	for i := range 1000 {
		rows = append(rows, contacts.Row{User: fmt.Sprintf("person%d@%s", i, domain), Name: fmt.Sprint("Somebody Number ", i), Group: fmt.Sprint("G", i%10)})
	}
	if _, err := c.Contacts.Import(within(t), rows, false); err != nil {
		t.Fatal(err)
	}
	doc, err := c.Contacts.Export(within(t), session.FormatXML)
	t.Logf("%d bytes, %v", len(doc), err)
	again := p.place().signIn(t, carol, unwatched)
	if _, err := again.Contacts.Loaded(within(t)); err != nil || len(again.Contacts.List().Users()) < 1000 {
		t.Errorf("%d people, %v", len(again.Contacts.List().Users()), err)
	}
	for _, g := range again.Contacts.List().Without(contacts.Org).Groups { // too many to be watched by the next story
		if err := again.Contacts.Edit(within(t), contacts.Edit{Op: contacts.RemoveGroup, Group: g.Name}); err != nil {
			t.Fatal(err)
		}
	}
}

// whoSeesWhat: Kamailio obeys the rules that we write, but for "limited" (5.6.3
// lets notes through); messages are refused by us.
func whoSeesWhat(t *testing.T, p *pool) {
	a, k := p.place().signIn(t, alice), p.place().signIn(t, kate)
	if _, err := a.Presence.Set(within(t), presence.State{Availability: presence.Busy, Note: "In Lyon"}); err != nil {
		t.Fatal(err)
	}
	if err := k.Presence.Watch(within(t), alice); err != nil {
		t.Fatal(err)
	}
	k.sees(alice, "busy with a note", func(s presence.State) bool { return s.Availability == presence.Busy && s.Note == "In Lyon" })
	allow := func(access contacts.Access) {
		t.Helper()
		if err := a.Contacts.SetAccess(within(t), kate, access); err != nil {
			t.Fatal(err)
		}
	}
	allow(contacts.Polite)
	k.sees(alice, "offline", func(s presence.State) bool { return s.Availability == presence.Offline })
	mark := k.heard()
	allow(contacts.Block)
	await(k, mark, "the end of the state", func(e session.PresenceChanged) bool {
		return e.User == alice && (e.State.Old || e.State.Availability == presence.Unknown)
	})
	m, err := k.IM.With(alice).Send(within(t), "hello")
	if err != nil || m.Delivered[0].State != im.Failed || m.Delivered[0].Code != 603 {
		t.Errorf("who is blocked writes: %+v, %v", m.Delivered, err)
	}
	if a.count()["hello"] != 0 {
		t.Error("the message came through")
	}
	allow(contacts.Undecided)
	fresh := p.place().signIn(t, kate)
	if err := fresh.Presence.Watch(within(t), alice); err != nil {
		t.Fatal(err)
	}
	fresh.sees(alice, "busy with a note again", func(s presence.State) bool { return s.Note == "In Lyon" })
}

// strangerAnswered: he waits, is allowed, sees, and is not asked about again.
func strangerAnswered(t *testing.T, p *pool) {
	j, e := p.place().signIn(t, "judy@"+domain), p.place().signIn(t, erin)
	if _, err := j.Presence.Set(within(t), presence.State{Availability: presence.Available, Note: "Hello"}); err != nil {
		t.Fatal(err)
	}
	if err := e.Presence.Watch(within(t), j.user); err != nil {
		t.Fatal(err)
	}
	await(j, 0, "the question", func(w session.WatcherAsks) bool { return w.User == erin })
	if err := j.Contacts.SetAccess(within(t), erin, contacts.Allow); err != nil {
		t.Fatal(err)
	}
	e.sees(j.user, "available with a note", func(s presence.State) bool { return s.Note == "Hello" })
	e.stop()
	j.stop()
	j, e = p.place().signIn(t, "judy@"+domain), p.place().signIn(t, erin)
	if err := e.Presence.Watch(within(t), j.user); err != nil {
		t.Fatal(err)
	}
	await(j, 0, "the news that erin watches", func(w session.WatcherChanged) bool { return w.User == erin && w.Status == "active" })
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, event := range j.events {
		if w, is := event.(session.WatcherAsks); is {
			t.Errorf("asked again: %+v", w)
		}
	}
}
