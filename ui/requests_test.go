//go:build cgo || !darwin

package ui

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2/test"

	"communicator/lab"
	"communicator/session"
	"communicator/ui/view"
)

// What somebody unknown writes waits quietly: no tab, no text in the main window,
// until the user looks; then he lets the sender in, and the conversation is there.
func TestStrangersWait(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.wait(time.Minute)                        // the address book is there: whoever is in it is no stranger
		stranger := d.company.Administrator().User // is not in the directory
		his := d.another(d.company.Administrator())
		say := func(text string) {
			if _, err := his.IM.With(d.who.User).Send(t.Context(), text); err != nil {
				t.Fatal(err)
			}
		}
		say("You have won https://contoso.test/prize")
		d.wait(2 * time.Second)
		if len(d.talks.pages) != 0 || strings.Contains(texts(d.window), "You have won") {
			t.Error("what a stranger writes shows at once")
		}
		if shown := texts(d.window); !strings.Contains(shown, "Somebody you do not know has written") {
			t.Fatalf("nothing says that somebody has written:\n%s", shown)
		}
		test.Tap(button(t, d.window, "Show"))
		d.settle()
		if shown := texts(d.talks.window); !strings.Contains(shown, "You have won https://contoso.test/prize") {
			t.Errorf("the box shows\n%s", shown)
		}
		test.Tap(button(t, d.talks.window, "Accept"))
		d.wait(time.Second)
		if e := d.talk().messages.Entries(); len(e) != 1 || e[0].From != stranger {
			t.Errorf("the conversation has %+v", e)
		}
		if strings.Contains(texts(d.window), "Somebody you do not know has written") {
			t.Error("the line in the main window stays")
		}
		say("Thank you")
		d.wait(2 * time.Second)
		if e := d.talk().messages.Entries(); !slices.ContainsFunc(e, func(x view.Entry) bool { return x.Text == "Thank you" }) {
			t.Errorf("who was accepted writes, and the conversation has %+v", e)
		}
	})
}

// another signs somebody else in, with a client like ours.
func (d *desk) another(who lab.Person) *session.Session {
	d.t.Helper()
	s := session.New(session.Options{
		User: who.User, Password: func() (string, error) { return who.Password, nil },
		Resolver: d.company.Resolver(), Roots: d.company.Roots(), Dial: d.company.Dial,
	})
	ctx, leave := context.WithCancel(d.t.Context())
	left := make(chan struct{})
	go func() { // ends when the test does
		defer close(left)
		_ = s.Run(ctx)
	}()
	d.t.Cleanup(func() { leave(); <-left })
	if err := s.SignedIn(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	return s
}
