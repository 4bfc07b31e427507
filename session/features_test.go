package session

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"communicator/contacts"
	"communicator/im"
	"communicator/lab"
	"communicator/presence"
	"communicator/wire/sipconn"
)

// The list is there at once the next time, before anything is contacted; the
// states are not.
func TestListIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{})
		o := options(co, co.Newcomer())
		o.Dir = t.TempDir()
		c := signedIn(t, o)
		if chart, err := c.Contacts.Loaded(t.Context()); chart != nil || err != nil {
			t.Fatal(chart, err)
		}
		stranger := co.People()[len(co.People())-1].User
		if err := c.Contacts.Edit(t.Context(), contacts.Edit{Op: contacts.Add, User: stranger, Name: "Last One", Group: "Friends"}); err != nil {
			t.Fatal(err)
		}
		if err := c.Presence.Known(t.Context(), stranger); err != nil {
			t.Fatal(err)
		}
		if n := len(got[ContactsChanged](c)); n == 0 || n > 4 {
			t.Errorf("%d ContactsChanged", n)
		}
		c.stop()

		again := New(o)
		list := again.Contacts.List()
		if g, ok := list.Group("Friends"); !ok || len(g.Members) != 1 {
			t.Errorf("own group: %+v", g)
		}
		if g, ok := list.Group("My manager"); !ok || len(g.Members) != 1 || g.Source != contacts.Org {
			t.Errorf("org group: %+v", g)
		}
		if p := again.Presence.Of(stranger); p.Availability != presence.Unknown {
			t.Errorf("state without asking: %+v", p)
		}
		if again.State().Name != co.Newcomer().Name {
			t.Errorf("name %q", again.State().Name)
		}
		o.User = co.People()[3].User
		if other := New(o); len(other.Contacts.List().Groups) != 0 {
			t.Error("another user sees the list")
		}
		if err := New(options(co, co.Newcomer())).Contacts.Edit(t.Context(), contacts.Edit{Op: contacts.AddGroup, Group: "X"}); !errors.Is(err, sipconn.ErrOffline) {
			t.Errorf("edit while offline: %v", err)
		}
	})
}

// Without a directory the list stays, and the reason is said.
func TestNoDirectory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{})
		o := options(co, co.Newcomer())
		o.Dir = t.TempDir()
		c := signedIn(t, o)
		if chart, err := c.Contacts.Loaded(t.Context()); chart != nil || err != nil {
			t.Fatal(chart, err)
		}
		c.stop()
		o.Directory = "ldaps://nowhere.contoso.test:636"
		c = signedIn(t, o)
		chart, err := c.Contacts.Loaded(t.Context())
		if chart == nil || err != nil {
			t.Errorf("chart: %v, list: %v", chart, err)
		}
		if _, ok := c.Contacts.List().Group("My manager"); !ok {
			t.Error("the org chart as last known has gone")
		}
		if _, err := c.People.Filter(t.Context(), "(cn=a*)"); err == nil {
			t.Error("a search without a directory says nothing")
		}
	})
}

// A damaged file in Dir is as good as none.
func TestDamagedFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"list.anna@contoso.test.json", "own.anna@contoso.test.json", idFile} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("{\x00"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := New(Options{User: "anna@contoso.test", Dir: dir})
	if list := s.Contacts.List(); len(list.Groups) != 0 {
		t.Errorf("%+v", list)
	}
	if urn := s.instance(); urn != s.instance() || !strings.HasPrefix(urn, "urn:uuid:") {
		t.Errorf("the instance changes: %s", urn)
	}
	silent := New(Options{User: "anna@contoso.test", Dir: dir, Silent: true})
	if silent.instance() == s.instance() {
		t.Error("a command would take the place of the window")
	}
}

// One search over contacts and directory, contacts first, nobody twice.
func TestFind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{})
		c := signedIn(t, options(co, co.Newcomer()))
		if _, err := c.Contacts.Loaded(t.Context()); err != nil {
			t.Fatal(err)
		}
		found, err := c.People.Find(t.Context(), "e", 1000)
		if err != nil {
			t.Fatal(err)
		}
		seen, sources := map[string]bool{}, ""
		for _, h := range found.Hits {
			if seen[h.User] {
				t.Errorf("%s is there twice", h.User)
			}
			seen[h.User] = true
			if !strings.HasSuffix(sources, h.Source) {
				sources += " " + h.Source
			}
			if h.Source == "contact" && h.DN == "" {
				t.Errorf("contact %s without what the directory knows", h.User)
			}
		}
		if sources != " contact directory" {
			t.Errorf("order of sources:%s", sources)
		}
		synctest.Wait() // the address book has been filled: only then is it known how many there are
		if found, _ := c.People.Find(t.Context(), "e", 2); len(found.Hits) != 2 || found.Total < 10 {
			t.Errorf("%d hits of at most 2, of %d", len(found.Hits), found.Total)
		}
	})
}

// A choice made offline is published at the next sign-in, and ends at its time.
func TestChoice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{})
		people := co.People()
		watcher := signedIn(t, options(co, people[2]))
		o := options(co, people[1])
		o.Dir = t.TempDir()
		s := New(o)
		until := time.Now().Add(time.Hour)
		if _, err := s.Presence.Set(t.Context(), presence.State{Availability: presence.Busy, Note: "deep work", Until: until}); err != nil {
			t.Fatal(err)
		}
		if own, chosen := s.Presence.Self(); !own.Old || own.Availability != presence.Busy || chosen != "busy" {
			t.Errorf("while offline: %+v %s", own, chosen)
		}
		c := signedIn(t, o)
		time.Sleep(10 * time.Second)
		if own := got[PresenceChanged](c); !slices.ContainsFunc(own, func(e PresenceChanged) bool {
			return e.User == people[1].User && e.State.Note == "deep work" && !e.State.Old
		}) {
			t.Error("the own state was not told")
		}
		if err := watcher.Presence.Known(t.Context(), people[1].User); err != nil {
			t.Fatal(err)
		}
		if p := watcher.Presence.Of(people[1].User); p.Availability != presence.Busy || p.Note != "deep work" {
			t.Errorf("published: %+v", p)
		}
		time.Sleep(time.Hour)
		if p := watcher.Presence.Of(people[1].User); p.Availability != presence.Available || p.Note != "deep work" {
			t.Errorf("after its end: %+v", p)
		}
		if shown, chosen := c.Presence.Self(); shown.Availability != presence.Available || chosen != "auto" {
			t.Errorf("own: %+v %s", shown, chosen)
		}
		for _, bad := range []presence.State{
			{Availability: presence.Unknown}, {Note: strings.Repeat("ü", presence.MaxNote+1)}, {Availability: presence.Busy, Until: time.Now().Add(-time.Second)},
		} {
			if _, err := c.Presence.Set(t.Context(), bad); err == nil {
				t.Errorf("%+v was taken", bad)
			}
		}
	})
}

// A stranger who writes is shown with his state.
func TestStranger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{People: 300})
		me := co.Newcomer()
		c := signedIn(t, options(co, me))
		if chart, err := c.Contacts.Loaded(t.Context()); chart != nil || err != nil {
			t.Fatal(chart, err)
		}
		known := c.Contacts.List().Users()
		i := slices.IndexFunc(co.People(), func(p lab.Person) bool { return p.User != me.User && !slices.Contains(known, p.User) })
		stranger := co.People()[i]
		other := signedIn(t, options(co, stranger))
		if m, err := other.IM.With(me.User).Send(t.Context(), "you do not know me"); err != nil || m.Delivered[0].State != im.Delivered {
			t.Fatal(m, err)
		}
		time.Sleep(5 * time.Second)
		if p := c.Presence.Of(stranger.User); p.Availability != presence.Available {
			t.Errorf("%+v", p)
		}
	})
}

// A list whose states do not fit one message is shown whole all the same.
func TestLargeList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{People: 700})
		c := signedIn(t, options(co, co.Newcomer()))
		begin := time.Now()
		if err := c.Presence.Known(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := len(c.Contacts.List().Users()); n < 300 {
			t.Errorf("%d contacts", n)
		}
		if d := time.Since(begin); d > 3*time.Second {
			t.Errorf("took %v", d)
		}
		if n := c.requests(); len(n) > 6 {
			t.Errorf("%d requests: %s", len(n), strings.Join(n, "\n"))
		}
	})
}
