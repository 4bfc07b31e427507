//go:build cgo || !darwin

package ui

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"communicator/im"
	"communicator/lab"
	"communicator/ui/view"
)

// What was said is found again by a word of it, and its place in a conversation
// that is longer than what is in memory.
func TestSearchWhatWasSaid(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.wait(time.Second)
		who := d.report()
		for i := range 240 {
			d.lab(fmt.Sprintf("say %s %s Line %d about the %s", who.User, d.who.User, i, map[bool]string{true: "harbour", false: "offer"}[i == 20]))
			time.Sleep(time.Second)
		}
		d.wait(time.Second)
		d.talks.openPast()
		d.settle()
		if shown := texts(d.talks.window); !strings.Contains(shown, "Line 239") || !strings.Contains(shown, who.Name) {
			t.Fatalf("the latest conversations are\n%s", shown)
		}
		test.Type(d.talks.pages[d.talks.at(pastKey)].(*pastPage).entry, "harb")
		d.settle()
		if shown := texts(d.talks.window); !strings.Contains(shown, "Line 20 about the harbour") || strings.Contains(shown, "Line 239") {
			t.Fatalf("found\n%s", shown)
		}
		test.Tap(button(t, d.talks.window, "Open"))
		d.settle()
		found := false
		for _, e := range d.talk().messages.Entries() {
			found = found || e.Text == "Line 20 about the harbour"
		}
		if !found || d.talk().messages.GetScrollOffset() > 2000 {
			t.Errorf("there: %v; scrolled to %v", found, d.talk().messages.GetScrollOffset())
		}
	})
}

// Who writes is seen writing, until he stops; and learns that his line was read.
func TestTypingAndReading(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.wait(time.Second)
		who := d.report()
		d.lab("signout " + who.User)
		i := slices.IndexFunc(d.company.People(), func(p lab.Person) bool { return p.User == who.User })
		his := d.another(d.company.People()[i])
		d.OpenConversation(who.User)
		test.Type(d.talk().entry, "Hello")
		press(d.talks.window, fyne.KeyReturn)
		d.wait(time.Second)
		his.IM.With(d.who.User).Typing(true)
		d.wait(time.Second)
		if shown := texts(d.talks.window); !strings.Contains(shown, who.Name+" is typing…") {
			t.Errorf("the window shows\n%s", shown)
		}
		d.wait(20 * time.Second)
		if shown := texts(d.talks.window); strings.Contains(shown, "is typing…") {
			t.Errorf("it stays:\n%s", shown)
		}
		m, err := his.IM.With(d.who.User).Send(t.Context(), "Hello, Anna")
		d.wait(2 * time.Second)
		if m = latest(his.IM.With(d.who.User)); err != nil || m.Delivered[0].State != im.Read {
			t.Errorf("he sees %+v, %v", m.Delivered, err)
		}
		his.IM.With(d.who.User).MarkRead()
		test.Type(d.talk().entry, "Are you there?")
		press(d.talks.window, fyne.KeyReturn)
		d.wait(time.Second)
		his.IM.With(d.who.User).MarkRead()
		d.wait(2 * time.Second)
		if e := d.talk().messages.Entries(); e[len(e)-1].Mark != view.Seen || e[len(e)-1].Words != "read" {
			t.Errorf("the window shows %+v", e[len(e)-1])
		}
	})
}

// latest is the last line of a conversation.
func latest(c *im.Conversation) im.Message {
	lines := c.Messages()
	return lines[len(lines)-1]
}
