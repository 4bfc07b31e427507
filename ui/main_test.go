//go:build cgo || !darwin

package ui

import (
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"communicator/presence"
	"communicator/ui/idle"
	"communicator/ui/view"
	"communicator/ui/widgets"
)

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
		if rows := d.main.people.Rows(); len(rows) != 1 || rows[0].Note != "Nobody called ‘qqqxyz’ in 40 entries." {
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
		items := d.main.own.noteItems()
		clearing := items[len(items)-1]
		if clearing.Label != "Clear the note" || clearing.ChildMenu.Items[1].Label != "In an hour" {
			t.Fatalf("the menu ends with %q", clearing.Label)
		}
		clearing.ChildMenu.Items[1].Action()
		d.settle()
		if !strings.Contains(texts(d.window), "clears 01:0") {
			t.Errorf("it is not said when the note clears:\n%s", texts(d.window))
		}
		d.main.own.choose(presence.Away)
		d.settle()
		if shown, _ := d.session.Presence.Self(); shown.Note != "In Lyon" || shown.NoteUntil.IsZero() {
			t.Errorf("another state changes the note: %+v", shown)
		}
		d.main.own.note.Edit()
		test.Type(d.main.own.note.Entry(), "nonsense ")
		press(d.window, fyne.KeyEscape)
		d.settle()
		if shown, _ := d.session.Presence.Self(); shown.Note != "In Lyon" {
			t.Errorf("Escape saved %q", shown.Note)
		}
		d.wait(61 * time.Minute)
		if shown, _ := d.session.Presence.Self(); shown.Note != "" || shown.Availability != presence.Away {
			t.Errorf("after an hour: %+v", shown)
		}
		again := d.main.own.noteItems()
		recent := again[len(again)-1]
		if recent.Label != "Recent notes" || recent.ChildMenu.Items[0].Label != "In Lyon" {
			t.Fatalf("the menu ends with %q", recent.Label)
		}
		recent.ChildMenu.Items[0].Action()
		d.settle()
		if shown, _ := d.session.Presence.Self(); shown.Note != "In Lyon" {
			t.Errorf("the recent note is not back: %+v", shown)
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
		d.settle()
		for _, r := range d.main.people.Rows() {
			if r.Group == "My direct reports" {
				t.Errorf("still there: %+v", r)
			}
		}
		d.showHidden()
		d.settle()
		d.row(view.GroupRow, "My direct reports")
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

func TestDiagnostics(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		who := d.report()
		d.OpenConversation(who.User)
		test.Type(d.talk().entry, "between us")
		press(d.talks.window, fyne.KeyReturn)
		d.settle()
		d.diagnostics()
		button(t, d.window, "Copy").Tapped(nil)
		said := d.o.App.Clipboard().Content()
		for _, want := range []string{"Signed in as " + d.who.User, "REGISTER sip:", "MESSAGE sip:" + who.User, "Authorization: ..."} {
			if !strings.Contains(said, want) {
				t.Errorf("%q is missing", want)
			}
		}
		for _, secret := range []string{"between us", d.who.Password, "response="} {
			if strings.Contains(said, secret) {
				t.Errorf("it tells %q", secret)
			}
		}
	})
}

// Nobody touches the computer: others see it after a while, and one's own line
// says why.
func TestIdle(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.idle(idle.State{Known: true, Since: time.Now()})
		d.wait(6 * time.Minute)
		if said := texts(d.window); !strings.Contains(said, "Inactive") || !strings.Contains(said, "no key was touched") {
			t.Errorf("after six minutes:\n%s", said)
		}
		d.wait(10 * time.Minute)
		if d.main.own.button.Text != "Away" && !strings.HasPrefix(d.main.own.button.Text, "Away ") {
			t.Errorf("after a quarter of an hour the button says %q", d.main.own.button.Text)
		}
		d.idle(idle.State{Known: true})
		d.settle()
		if d.main.own.button.Text != "Available" {
			t.Errorf("back at the keys the button says %q", d.main.own.button.Text)
		}
	})
}
