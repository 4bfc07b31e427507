package session

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"communicator/contacts"
	"communicator/lab"
)

// The server's store is wiped while one is signed in: within minutes the user is
// asked, his list stays until he answers, and his answer is done.
func TestStoreWipedWhileSignedIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{})
		o := options(co, co.Newcomer())
		o.Dir = t.TempDir()
		c := signedIn(t, o)
		if _, err := c.Contacts.Loaded(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, p := range co.People()[10:15] {
			if err := c.Contacts.Edit(t.Context(), contacts.Edit{Op: contacts.Add, User: p.User, Name: p.Name, Group: "Friends"}); err != nil {
				t.Fatal(err)
			}
		}
		co.Do("wipe " + co.Newcomer().User)
		time.Sleep(readEvery + time.Minute)
		if asked := got[ContactsDoubt](c); len(asked) != 1 || asked[0].Over || asked[0].Before != 5 || asked[0].Now != 0 {
			t.Fatalf("asked: %+v", asked)
		}
		if g, _ := c.Contacts.List().Group("Friends"); len(g.Members) != 5 {
			t.Errorf("meanwhile %d friends are shown", len(g.Members))
		}
		var doubt *contacts.DoubtError
		if err := c.Contacts.Edit(t.Context(), contacts.Edit{Op: contacts.AddGroup, Group: "Club"}); !errors.As(err, &doubt) {
			t.Errorf("a change before the answer: %v", err)
		}
		if _, open := c.Contacts.Doubt(); !open {
			t.Error("no question is open")
		}
		if err := c.Contacts.Answer(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		if asked := got[ContactsDoubt](c); len(asked) != 2 || !asked[1].Over {
			t.Errorf("afterwards: %+v", asked)
		}
		other := signedIn(t, options(co, co.Newcomer()))
		if _, err := other.Contacts.Loaded(t.Context()); err != nil {
			t.Fatal(err)
		}
		if g, _ := other.Contacts.List().Group("Friends"); len(g.Members) != 5 {
			t.Errorf("%d friends are on the server again", len(g.Members))
		}
	})
}

// A group of the organisation chart is hidden, and so it is at the next client;
// somebody of the chart has the name that the user gave him.
func TestHideAndRename(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{})
		o := options(co, co.Newcomer())
		c := signedIn(t, o)
		if _, err := c.Contacts.Loaded(t.Context()); err != nil {
			t.Fatal(err)
		}
		boss, _ := c.Contacts.List().Group("My manager")
		for _, e := range []contacts.Edit{
			{Op: contacts.Hide, Group: "my peers"},
			{Op: contacts.Rename, User: boss.Members[0].User, Name: "Chief"},
			{Op: contacts.Copy, User: boss.Members[0].User, To: "Friends"},
		} {
			if err := c.Contacts.Edit(t.Context(), e); err != nil {
				t.Fatal(e.Op, err)
			}
		}
		other := signedIn(t, o)
		if _, err := other.Contacts.Loaded(t.Context()); err != nil {
			t.Fatal(err)
		}
		list := other.Contacts.List()
		if _, shown := list.Group("My peers"); shown || len(other.Contacts.Hidden()) != 1 {
			t.Errorf("hidden are %+v", other.Contacts.Hidden())
		}
		for _, name := range []string{"My manager", "Friends"} {
			if g, _ := list.Group(name); len(g.Members) != 1 || g.Members[0].Name != "Chief" {
				t.Errorf("%s: %+v", name, g.Members)
			}
		}
		if err := other.Contacts.Edit(t.Context(), contacts.Edit{Op: contacts.Show, Group: "My Peers"}); err != nil {
			t.Error(err)
		}
		if _, shown := other.Contacts.List().Group("My peers"); !shown {
			t.Error("it is still hidden")
		}
	})
}
