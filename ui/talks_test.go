//go:build cgo || !darwin

package ui

import (
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"communicator/im"
	"communicator/presence"
	"communicator/ui/view"
	"communicator/ui/widgets"
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
		d.talk().messages.OnAgain(e[0])
		d.settle()
		if e := d.talk().messages.Entries(); len(e) != 2 {
			t.Errorf("got %+v", e)
		}
	})
}

func TestMessageToAGroup(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.wait(time.Second)
		header := d.row(view.GroupRow, "My direct reports")
		menu := d.main.groupMenu(header)
		if menu.Items[0].Label != "Send an instant message to all…" {
			t.Fatalf("the first item is %q", menu.Items[0].Label)
		}
		menu.Items[0].Action()
		p := d.talks.pages[0].(*groupPage)
		plan := texts(d.talks.window)
		for _, want := range []string{"To: My direct reports", "5 people", "gets it at next sign-in", "Send to 5 people", "Everybody gets a private copy"} {
			if !strings.Contains(plan, want) {
				t.Errorf("%q is missing in:\n%s", want, plan)
			}
		}
		test.Type(p.entry, "The office closes at 16:00 today.")
		test.Tap(button(t, d.talks.window, "Send to 5 people"))
		d.wait(time.Second)
		if p.send.Running() || p.send.Count(im.Delivered) == 0 || p.send.Count(im.Accepted) == 0 || p.send.Count(im.Failed) != 0 {
			t.Errorf("result: %s", p.send.Summary())
		}
		for _, r := range p.send.People(d.of) {
			if r.State == im.Delivered && !slices.Contains(d.inbox(r.User), "The office closes at 16:00 today.") {
				t.Errorf("%s shows as delivered, but has nothing", r.Name)
			}
		}
		result := texts(d.talks.window)
		if !strings.Contains(result, "Sent to 5 people") || strings.Contains(result, "failed") {
			t.Errorf("got:\n%s", result)
		}
		test.Tap(button(t, d.talks.window, "Copy report"))
		if report := d.o.App.Clipboard().Content(); strings.Count(report, "\n") != 6 || !strings.HasPrefix(report, "to\tname\tstate") {
			t.Errorf("the report is %q", report)
		}
	})
}

func TestMessageToManyAsksFirst(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.wait(time.Second)
		g := d.list.Groups[0]
		for i := range 60 {
			g.Members = append(g.Members, g.Members[0])
			g.Members[len(g.Members)-1].User = strings.Repeat("x", i+1) + "@contoso.test"
		}
		d.talks.openGroup(g)
		p := d.talks.pages[0].(*groupPage)
		test.Type(p.entry, "Hello")
		p.submit()
		if p.started {
			t.Error("a message to 61 people goes out without a question")
		}
		asked := ""
		for _, o := range d.talks.window.Canvas().Overlays().List() {
			walk(o, func(o fyne.CanvasObject) {
				if l, is := o.(*widget.Label); is {
					asked += l.Text
				}
			})
		}
		if !strings.Contains(asked, "61 people will get this message") {
			t.Errorf("it asks %q", asked)
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

func TestFind(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.wait(time.Second)
		who := d.report()
		d.main.people.SelectKey(who.Key)
		d.main.find.focus()
		test.Type(d.main.find.entry, who.Name[:4])
		if len(d.main.people.Rows()) < 2 || d.main.people.Rows()[1].Name != who.Name {
			t.Errorf("contacts are not found at once: %+v", d.main.people.Rows())
		}
		d.wait(time.Second)
		if r := d.row(view.PersonRow, who.Name); r.Note == "" || r.Match[1] != 4 {
			t.Errorf("the address book adds nothing: %+v", r)
		}
		press(d.window, fyne.KeyReturn)
		if d.talk().title() != who.Name {
			t.Errorf("Return opens %q", d.talk().title())
		}
		d.main.find.focus()
		press(d.window, fyne.KeyEscape)
		if r, ok := d.main.people.Selected(); !ok || r.Key != who.Key {
			t.Errorf("the selection is now %+v", r)
		}
		test.Type(d.main.find.entry, "qqqxyz")
		d.wait(time.Second)
		if rows := d.main.people.Rows(); len(rows) != 1 || rows[0].Note != "Nobody called ‘qqqxyz’ was found." {
			t.Errorf("got %+v", rows)
		}
	})
}

func TestNoteAndState(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.main.own.note.Edit()
		if d.window.Canvas().Focused() != d.main.own.note.Entry() {
			t.Error("the note cannot be typed at once")
		}
		test.Type(d.main.own.note.Entry(), "In Lyon")
		press(d.window, fyne.KeyReturn)
		d.settle()
		d.main.own.choose(presence.Busy)
		d.settle()
		shown, chosen := d.session.Presence.Self()
		if shown.Note != "In Lyon" || chosen != "busy" {
			t.Errorf("others see %+v, chosen %q", shown, chosen)
		}
		if d.main.own.button.Text != "Busy" {
			t.Errorf("the button says %q", d.main.own.button.Text)
		}
		d.main.own.note.Edit()
		test.Type(d.main.own.note.Entry(), "nonsense ")
		press(d.window, fyne.KeyEscape)
		d.settle()
		if shown, _ := d.session.Presence.Self(); shown.Note != "In Lyon" {
			t.Errorf("Escape saved %q", shown.Note)
		}
	})
}

func TestFoldAndHide(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		before := len(d.main.people.Rows())
		d.main.people.SelectKey("My direct reports")
		d.window.Canvas().Focus(d.main.people)
		press(d.window, fyne.KeyLeft)
		if r := d.row(view.GroupRow, "My direct reports"); !r.Fold || len(d.main.people.Rows()) != before-5 {
			t.Errorf("Left does not fold: %+v", r)
		}
		press(d.window, fyne.KeyRight)
		press(d.window, fyne.KeyRight)
		if r, _ := d.main.people.Selected(); r.Kind != view.PersonRow || r.Group != "My direct reports" {
			t.Errorf("Right goes to %+v", r)
		}
		press(d.window, fyne.KeyLeft)
		if r, _ := d.main.people.Selected(); r.Kind != view.GroupRow {
			t.Errorf("Left from a person goes to %+v", r)
		}
		menu := d.main.groupMenu(d.row(view.GroupRow, "My direct reports"))
		last := menu.Items[len(menu.Items)-1]
		if last.Label != "Hide this group" {
			t.Fatalf("an org-chart group offers %q", last.Label)
		}
		last.Action()
		for _, r := range d.main.people.Rows() {
			if r.Group == "My direct reports" {
				t.Errorf("still there: %+v", r)
			}
		}
	})
}

func TestTypeAhead(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		who := d.report()
		d.window.Canvas().Focus(d.main.people)
		for _, r := range who.Name[:3] {
			d.main.people.TypedRune(r)
		}
		if r, _ := d.main.people.Selected(); r.Name != who.Name {
			t.Errorf("typing %q goes to %q", who.Name[:3], r.Name)
		}
	})
}

// focusOrder names what gets the focus, Tab by Tab, once around.
func focusOrder(w fyne.Window) []string {
	var order []string
	c := w.Canvas()
	c.Unfocus()
	for range 12 {
		c.FocusNext()
		name := ""
		switch o := c.Focused().(type) {
		case *widgets.Button:
			name = o.Text + o.Icon
		case *widgets.Entry:
			name = o.PlaceHolder
		case *widgets.ContactList:
			name = "list"
		case *widgets.NoteLine:
			name = "note"
		case *widgets.MessageList:
			name = "messages"
		case fyne.Accessible:
			name = o.AccessibilityLabel()
		}
		if len(order) > 0 && name == order[0] {
			break
		}
		order = append(order, name)
	}
	return order
}

func TestFocusOrder(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.wait(time.Second)
		if got, want := focusOrder(d.window), []string{"Available", "note", "Find a person", "list"}; !slices.Equal(got, want) {
			t.Errorf("main window: %q, want %q", got, want)
		}
		d.OpenConversation(d.report().User)
		name := d.talk().title()
		want := []string{name, "ui-close", "ui-plus", "ui-more", "messages", "Write a message — Enter sends, Shift+Enter for a new line", "Sendui-send"}
		if got := focusOrder(d.talks.window); !slices.Equal(got, want) {
			t.Errorf("conversation: %q, want %q", got, want)
		}
	})
}
