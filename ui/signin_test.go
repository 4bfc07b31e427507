//go:build cgo || !darwin

package ui

import (
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"communicator/contacts"
	"communicator/session"
	"communicator/ui/view"
)

func TestSignInByAddressShowsTheTeam(t *testing.T) {
	atDesk(t, false, func(t *testing.T, d *desk) {
		test.Type(d.signIn.address, "SIP:"+strings.Replace(d.who.User, "contoso", "Contoso", 1))
		test.Tap(button(t, d.window, "Sign in"))
		d.settle()
		if !d.SignedIn() {
			t.Fatalf("not signed in: %s", texts(d.window))
		}
		if r := d.row(view.GroupRow, "My direct reports"); !r.Org || r.Count == "" {
			t.Errorf("got %+v", r)
		}
		d.wait(time.Second)
		if r := d.report(); r.Face == "unknown" {
			t.Errorf("%s is signed in, but shows as %s", r.Name, r.Words)
		}
		if s := texts(d.window); !strings.Contains(s, "Signed in as "+d.who.User+" · TLS") {
			t.Errorf("the status line is missing in:\n%s", s)
		}
	})
}

func TestSignInAsksForThePassword(t *testing.T) {
	atDesk(t, false, func(t *testing.T, d *desk) {
		other := d.company.People()[0]
		test.Type(d.signIn.address, other.User)
		test.Tap(button(t, d.window, "Sign in"))
		d.settle()
		if d.signIn.secret.Hidden {
			t.Fatalf("the password is not asked for:\n%s", texts(d.window))
		}
		if d.window.Canvas().Focused() != d.signIn.password {
			t.Error("the password field has not got the focus")
		}
		test.Type(d.signIn.password, other.Password)
		test.Tap(button(t, d.window, "Sign in"))
		d.settle()
		if !d.SignedIn() {
			t.Errorf("not signed in:\n%s", texts(d.window))
		}
	})
}

func TestSignInSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		address, password string
		want              []string
	}{
		{"anna", "", []string{"This is not a sign-in address.", "Why"}},
		{"somebody@nowhere.example", "", []string{"Cannot look up nowhere.example.", "Why"}},
		{"newcomer", "wrong", []string{"not accepted"}},
	} {
		atDesk(t, false, func(t *testing.T, d *desk) {
			address := c.address
			if address == "newcomer" {
				address = d.company.People()[0].User
			}
			test.Type(d.signIn.address, address)
			test.Tap(button(t, d.window, "Sign in"))
			d.settle()
			if !d.signIn.secret.Hidden {
				test.Type(d.signIn.password, c.password)
				test.Tap(button(t, d.window, "Sign in"))
			}
			d.wait(40 * time.Second)
			said := texts(d.window)
			for _, want := range append(c.want, "Not signed in", "What you can do") {
				if !strings.Contains(said, want) {
					t.Errorf("%s: %q is missing in:\n%s", c.address, want, said)
				}
			}
		})
	}
}

func TestTryItOnThisComputer(t *testing.T) {
	atDesk(t, false, func(t *testing.T, d *desk) {
		test.Tap(button(t, d.window, "Try it on this computer"))
		d.settle()
		if !d.SignedIn() {
			t.Errorf("not signed in:\n%s", texts(d.window))
		}
	})
}

func TestSignOutGoesBack(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.signOut()
		d.settle()
		if d.SignedIn() || !strings.Contains(texts(d.window), "Sign-in address") {
			t.Errorf("got:\n%s", texts(d.window))
		}
		d.begin(d.who.User)
		d.settle()
		if !d.SignedIn() {
			t.Error("signing in again does not work")
		}
	})
}

// What one user was told and asked is not there for the next.
func TestNextUserStartsAfresh(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.wait(time.Second)
		who := d.report()
		d.lab("say " + who.User + " " + d.who.User + " between us")
		d.main.asks(session.WatcherAsks{User: "eve@contoso.test", Name: "Eve"})
		d.main.doubt(session.ContactsDoubt{Doubt: contacts.Doubt{Loss: contacts.Loss{Before: 12}}})
		d.main.card(who)
		d.settle()
		if said := texts(d.window); !strings.Contains(said, "between us") || !strings.Contains(said, "Eve wants") || !strings.Contains(said, "Keep mine") {
			t.Fatalf("got:\n%s", said)
		}
		d.signOut()
		d.settle()
		d.begin(d.company.People()[7].User)
		if d.list.Groups != nil {
			t.Errorf("the list of the user before: %+v", d.list)
		}
		d.been = true // as when the password has been given
		d.present()
		for _, left := range []string{"between us", "Eve wants", "Keep mine", who.Name} {
			if strings.Contains(texts(d.window), left) {
				t.Errorf("%q is left of the user before:\n%s", left, texts(d.window))
			}
		}
	})
}

func TestLostConnection(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.wait(time.Second)
		who := d.report()
		d.OpenConversation(who.User)
		test.Type(d.talk().entry, "half a sen")
		d.lab("stop-front-end 1")
		d.lab("stop-front-end 2")
		d.wait(12 * time.Second)
		said := texts(d.window)
		if !strings.Contains(said, "Connection lost 1") || !strings.Contains(said, "What you send leaves when you are connected again.") {
			t.Errorf("no banner in:\n%s", said)
		}
		if r := d.row(view.GroupRow, who.Group); !strings.HasPrefix(r.Count, "–/") {
			t.Errorf("the count reads %q", r.Count)
		}
		if r := d.row(view.PersonRow, who.Name); r.Face != "unknown" || r.Words != "Status unknown" {
			t.Errorf("last known presence is shown as current: %+v", r)
		}
		if !strings.Contains(texts(d.talks.window), "Not connected: what you send leaves when you are connected again.") {
			t.Error("nothing says what becomes of a message")
		}
		test.Type(d.talk().entry, "tence")
		press(d.talks.window, "Return")
		d.settle()
		if e := d.talk().messages.Entries(); len(e) != 1 || e[0].Mark != view.Pending || e[0].Words != "waits here until you are connected" || !e[0].Below {
			t.Errorf("the window shows %+v", e)
		}
		test.Type(d.talk().entry, "draft")
		d.lab("start-front-end 1")
		d.lab("start-front-end 2")
		for d.state.Phase != session.Waiting {
			d.wait(time.Second)
		}
		button(t, d.window, "Now").Tapped(nil)
		d.settle()
		if strings.Contains(texts(d.window), "Connection lost") || !d.connected() {
			t.Fatalf("not back:\n%s", texts(d.window))
		}
		d.wait(time.Second)
		if r := d.row(view.PersonRow, who.Name); r.Face == "unknown" {
			t.Errorf("still unknown after the connection is back: %+v", r)
		}
		if got := d.inbox(who.User); !slices.Contains(got, "half a sentence") {
			t.Errorf("the other side has %q", got)
		}
		if d.talk().entry.Text != "draft" {
			t.Errorf("what was being written is %q", d.talk().entry.Text)
		}
	})
}

func TestServerByHand(t *testing.T) {
	atDesk(t, false, func(t *testing.T, d *desk) {
		test.Type(d.signIn.address, "anna@nowhere.example")
		test.Tap(button(t, d.window, "Sign in"))
		d.wait(time.Minute)
		if said := texts(d.window); !strings.Contains(said, "next try in") {
			t.Errorf("nothing says when it is tried again:\n%s", said)
		}
		test.Tap(button(t, d.window, "Enter server by hand"))
		if d.session != nil || d.window.Canvas().Focused() != d.signIn.server {
			t.Fatal("one cannot enter a server")
		}
		d.signIn.address.SetText(d.who.User)
		test.Type(d.signIn.server, "fe1.contoso.test")
		press(d.window, fyne.KeyReturn)
		d.settle()
		if !d.SignedIn() || d.state.Target.Host != "fe1.contoso.test" {
			t.Errorf("signed in at %+v:\n%s", d.state.Target, texts(d.window))
		}
	})
}

func TestPasswordIsKeptOnlyWhenAcceptedAndWanted(t *testing.T) {
	atDesk(t, false, func(t *testing.T, d *desk) {
		other := d.company.People()[0]
		saved := map[string]string{}
		d.o.Keyring = &Keyring{
			Save:   func(user, password string) error { saved[user] = password; return nil },
			Forget: func(user string) error { delete(saved, user); return nil },
		}
		d.build()
		try := func(password string, keep bool) {
			d.signIn.keep.SetChecked(keep)
			test.Type(d.signIn.password, password)
			press(d.window, fyne.KeyReturn)
			d.settle()
		}
		test.Type(d.signIn.address, other.User)
		test.Tap(button(t, d.window, "Sign in"))
		d.settle()
		try("wrong", true)
		if len(saved) > 0 {
			t.Error("a password that was not accepted is kept")
		}
		test.Tap(button(t, d.window, "Forget saved password"))
		d.settle()
		if d.signIn.secret.Hidden {
			t.Fatalf("it does not ask again:\n%s", texts(d.window))
		}
		try(other.Password, true)
		if !d.SignedIn() || saved[other.User] != other.Password {
			t.Errorf("signed in: %v; kept: %v", d.SignedIn(), len(saved) > 0)
		}
	})
}
