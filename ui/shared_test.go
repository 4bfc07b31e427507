//go:build cgo || !darwin

package ui

import (
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"communicator/ui/view"
)

// One conversation for everyone: it gets a tab of its own, says who is in it, and
// who does not see the others.
func TestOneConversationForEveryone(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.wait(time.Second)
		d.OpenGroup("My direct reports", "The office closes at 16:00 today.")
		showing(d.talks.window, func(o fyne.CanvasObject) {
			if choice, is := o.(*widget.RadioGroup); is {
				choice.SetSelected("One conversation for everyone")
			}
		})
		if !strings.Contains(texts(d.talks.window), "replies go to everyone") {
			t.Errorf("the choice is not explained:\n%s", texts(d.talks.window))
		}
		test.Tap(button(t, d.talks.window, "Send to 5 people"))
		d.wait(time.Second)
		p := d.talk()
		if !p.with.Shared() || p.title() != "My direct reports" || len(p.with.Members()) != 5 {
			t.Fatalf("the page is %q with %q", p.title(), p.with.Members())
		}
		e := p.messages.Entries()
		if len(e) != 1 || e[0].Mark != view.Ticked || !strings.Contains(e[0].Words, "delivered to") {
			t.Errorf("the window shows %+v", e)
		}
		if shown := texts(d.talks.window); !strings.Contains(shown, "and 1 more") {
			t.Errorf("who is in it does not show:\n%s", shown)
		}
	})
}

// What was written long before the connection came back is asked about, and goes
// only then.
func TestLateMessagesAreAskedAbout(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.wait(time.Second)
		who := d.report()
		d.OpenConversation(who.User)
		d.lab("stop-front-end 1")
		d.lab("stop-front-end 2")
		d.wait(10 * time.Second)
		for _, text := range []string{"Lunch now?", "The second one"} {
			test.Type(d.talk().entry, text)
			press(d.talks.window, fyne.KeyReturn)
		}
		d.wait(5 * time.Minute)
		d.lab("start-front-end 1")
		d.lab("start-front-end 2")
		for !d.connected() {
			d.wait(time.Second)
		}
		d.wait(time.Second)
		if got := d.inbox(who.User); len(got) != 0 {
			t.Fatalf("sent unasked: %q", got)
		}
		if shown := texts(d.window); !strings.Contains(shown, "Still send this to") || !strings.Contains(shown, "Lunch now?") {
			t.Fatalf("nobody is asked:\n%s", shown)
		}
		test.Tap(button(t, d.window, "Discard")) // the last question is the second message's
		d.wait(time.Second)
		test.Tap(button(t, d.window, "Send it"))
		d.wait(time.Second)
		if got := d.inbox(who.User); len(got) != 1 || got[0] != "Lunch now?" {
			t.Errorf("the other side has %q", got)
		}
		if strings.Contains(texts(d.window), "Still send this") {
			t.Error("the question stays")
		}
	})
}
