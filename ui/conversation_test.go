//go:build cgo || !darwin

package ui

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"

	"communicator/ui/view"
)

func TestTypingReachesTheOtherSide(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.wait(time.Second)
		who := d.report()
		d.main.people.SelectKey(who.Key)
		d.window.Canvas().Focus(d.main.people)
		press(d.window, fyne.KeyReturn)
		if d.talks.window.Canvas().Focused() != d.talk().entry {
			t.Error("one cannot write at once")
		}
		test.Type(d.talk().entry, "Do you have the numbers?")
		test.Tap(button(t, d.talks.window, "Send"))
		d.settle()
		if got := d.inbox(who.User); !slices.Equal(got, []string{"Do you have the numbers?"}) {
			t.Errorf("the other side has %q", got)
		}
		e := d.talk().messages.Entries()
		if len(e) != 1 || !e[0].Mine || e[0].Mark != view.Ticked || e[0].Words != "delivered" {
			t.Errorf("the window shows %+v", e)
		}
		if d.talk().entry.Text != "" {
			t.Errorf("%q is still in the field", d.talk().entry.Text)
		}
	})
}

func TestShiftReturnBeginsALine(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.wait(time.Second)
		who := d.report()
		d.OpenConversation(who.User)
		entry := d.talk().entry
		test.Type(entry, "one")
		entry.KeyDown(&fyne.KeyEvent{Name: desktop.KeyShiftLeft})
		press(d.talks.window, fyne.KeyReturn)
		entry.KeyUp(&fyne.KeyEvent{Name: desktop.KeyShiftLeft})
		test.Type(entry, "two")
		press(d.talks.window, fyne.KeyReturn)
		press(d.talks.window, fyne.KeyReturn) // nothing to send
		d.settle()
		if got := d.inbox(who.User); !slices.Equal(got, []string{"one\ntwo"}) {
			t.Errorf("the other side has %q", got)
		}
	})
}

func TestAMessageArrivesWithoutTakingTheFocus(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.wait(time.Second)
		who := d.report()
		d.main.find.focus()
		d.lab("say " + who.User + " " + d.who.User + " Morning!")
		d.wait(time.Second)
		if d.talks.visible || d.window.Canvas().Focused() != d.main.find.entry {
			t.Error("a message that arrives takes the focus")
		}
		tabs := d.talks.tabs.Tabs()
		if len(tabs) != 1 || tabs[0].Title != who.Name || tabs[0].Unread != 1 {
			t.Errorf("tabs: %+v", tabs)
		}
		if !strings.Contains(texts(d.window), "Morning!") {
			t.Errorf("nothing tells of it in:\n%s", texts(d.window))
		}
		d.lab("say " + who.User + " " + d.who.User + " Hello?")
		d.wait(time.Second)
		if s := texts(d.window); strings.Contains(s, "Morning!") || !strings.Contains(s, "Hello?") {
			t.Error("each message of one person has its own banner")
		}
		test.Tap(button(t, d.window, "Read"))
		if e := d.talk().messages.Entries(); len(e) != 2 || e[0].Text != "Morning!" || e[1].Head {
			t.Errorf("the conversation shows %+v", e)
		}
		if tabs := d.talks.tabs.Tabs(); tabs[0].Unread != 0 {
			t.Error("what was read counts as unread")
		}
		if strings.Contains(texts(d.window), "Hello?") {
			t.Error("the banner stays after it was read")
		}
	})
}

func TestFailedMessageSaysWhyAndCanBeSentAgain(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.OpenConversation("nobody.there@" + strings.SplitAfter(d.who.User, "@")[1])
		test.Type(d.talk().entry, "Hello?")
		press(d.talks.window, fyne.KeyReturn)
		d.settle()
		e := d.talk().messages.Entries()
		if len(e) != 1 || e[0].Mark != view.Trouble || e[0].Words != "Not delivered: address unknown (404)" || !e[0].Retry {
			t.Fatalf("got %+v", e)
		}
	})
}

// What is sent again is the same message: it stands there once, and so it
// does at the other side.
func TestSendAgain(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		who := d.report()
		d.OpenConversation(who.User)
		d.lab("fault refuse all 488")
		test.Type(d.talk().entry, "Hello?")
		press(d.talks.window, fyne.KeyReturn)
		d.settle()
		e := d.talk().messages.Entries()
		if len(e) != 1 || e[0].Mark != view.Trouble || !e[0].Retry {
			t.Fatalf("refused, but got %+v", e)
		}
		d.lab("fault none all")
		d.talk().messages.OnAgain(e[0])
		d.settle()
		if e := d.talk().messages.Entries(); len(e) != 1 || e[0].Mark == view.Trouble {
			t.Errorf("sent again, and got %+v", e)
		}
		if n := strings.Count(d.lab("inbox "+who.User), "Hello?"); n != 1 {
			t.Errorf("the other side has it %d times", n)
		}
	})
}

func TestLongConversationsComeInPages(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.wait(time.Second)
		who := d.report()
		for i := range 203 {
			d.lab(fmt.Sprintf("say %s %s Line %d", who.User, d.who.User, i))
		}
		d.wait(time.Second)
		d.OpenConversation(who.User)
		if e := d.talk().messages.Entries(); len(e) != 200 || e[199].Text != "Line 202" {
			t.Errorf("%d messages, the last is %+v", len(e), e[len(e)-1])
		}
		test.Tap(button(t, d.talks.window, "Show earlier messages"))
		d.settle()
		if e := d.talk().messages.Entries(); len(e) != 203 || e[0].Text != "Line 0" {
			t.Errorf("%d messages, the first is %+v", len(e), e[0])
		}
		if strings.Contains(texts(d.talks.window), "Show earlier messages") {
			t.Error("there is nothing earlier to show")
		}
	})
}

func TestTabs(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.wait(time.Second)
		var people []view.Row
		for _, r := range d.main.people.Rows() {
			if r.Kind == view.PersonRow && r.Group == "My direct reports" {
				people = append(people, r)
			}
		}
		d.OpenConversation(people[0].User)
		d.OpenConversation(people[1].User)
		d.OpenConversation(people[0].User)
		if n := len(d.talks.tabs.Tabs()); n != 2 {
			t.Fatalf("%d tabs", n)
		}
		if d.talks.current != people[0].User {
			t.Errorf("current is %q", d.talks.current)
		}
		d.talks.next()
		if d.talk().title() != people[1].Name || !strings.HasPrefix(d.talks.window.Title(), people[1].Name) {
			t.Errorf("after Ctrl+Tab: %q", d.talks.window.Title())
		}
		d.talks.close(d.talks.current)
		if d.talk().title() != people[0].Name {
			t.Errorf("after closing: %q", d.talk().title())
		}
		d.talks.close(d.talks.current)
		if d.talks.visible {
			t.Error("an empty window stays")
		}
	})
}

// What a filter of the organisation refuses is not repeated; its text comes back
// to be changed.
func TestBlockedTextCanBeEdited(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.wait(time.Second)
		who := d.report()
		d.lab("filter add casino")
		d.OpenConversation(who.User)
		test.Type(d.talk().entry, "A casino for all")
		press(d.talks.window, fyne.KeyReturn)
		d.settle()
		e := d.talk().messages.Entries()
		if len(e) != 1 || e[0].Retry || !strings.Contains(e[0].Words, "blocked by your organisation") {
			t.Fatalf("got %+v", e)
		}
		test.Type(d.talk().entry, "draft")
		d.talk().messages.OnEdit(e[0])
		if got := d.talk().entry.Text; got != "A casino for all\ndraft" {
			t.Errorf("the field has %q", got)
		}
	})
}
