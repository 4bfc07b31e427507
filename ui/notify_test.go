//go:build cgo || !darwin

package ui

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"communicator/contacts"
	"communicator/presence"
	"communicator/session"
	"communicator/ui/theme"
	"communicator/ui/widgets"
)

// However many states change, the list is refreshed at most ten times a
// second, and the last change is shown.
func TestPresenceStormsAreMerged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handed := make(chan time.Time, 2000)
		p := newPump(&App{o: Options{Post: func(func()) { handed <- time.Now() }}}, 0)
		for i := range 1000 {
			p.notify(session.PresenceChanged{User: fmt.Sprintf("p%d@contoso.test", i), State: presence.State{Availability: presence.Busy}})
			time.Sleep(time.Millisecond)
		}
		last := time.Now()
		time.Sleep(time.Second)
		synctest.Wait()
		if n := len(handed); n < 5 || n > 12 {
			t.Errorf("%d hand-overs in a second", n)
		}
		var end time.Time
		for len(handed) > 0 {
			end = <-handed
		}
		if end.Before(last.Add(-time.Millisecond)) || end.After(last.Add(handOver)) {
			t.Errorf("the last change is shown %v after it", end.Sub(last))
		}
		p.notify(session.PresenceChanged{})
		p.stop()
		time.Sleep(time.Second)
		synctest.Wait()
		if len(handed) > 1 {
			t.Error("it goes on after it was stopped")
		}
	})
}

// An event of a session that has been left is no news.
func TestEventsOfAnEarlierSessionAreDropped(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		old := newPump(d.App, d.visit-1)
		old.notify(session.StateChanged{State: session.State{Phase: session.SignedOut}})
		d.settle()
		if !d.connected() {
			t.Error("an earlier session's end is taken for this one's")
		}
	})
}

// At any text size and width nothing that must be readable is cut off.
func TestNothingIsClipped(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.wait(time.Second)
		for _, c := range []struct {
			percent int
			width   float32
		}{{100, 420}, {100, 320}, {200, 640}, {80, 420}} {
			d.setLook(theme.Light, c.percent)
			d.window.Resize(fyne.NewSize(c.width, 800))
			d.OpenConversation(d.report().User)
			d.settle()
			for _, w := range []fyne.Window{d.window, d.talks.window} {
				walk(w.Canvas().Content(), func(o fyne.CanvasObject) {
					text, is := o.(*widgets.Text)
					if is && !text.Cut && text.Text != "" && (text.Size().Width < text.MinSize().Width-.5 || text.Size().Height < text.MinSize().Height-.5) {
						t.Errorf("%d %%, %v wide: %q has %v, needs %v", c.percent, c.width, text.Text, text.Size(), text.MinSize())
					}
					if b, is := o.(*widgets.Button); is && b.Size().Width < b.MinSize().Width-.5 {
						t.Errorf("%d %%, %v wide: button %q has %v, needs %v", c.percent, c.width, b.Text, b.Size(), b.MinSize())
					}
				})
			}
		}
	})
}

// The find box, the list and what is being written survive a change of looks.
func TestLookChangesNothingElse(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.wait(time.Second)
		who := d.report()
		d.OpenConversation(who.User)
		test.Type(d.talk().entry, "draft")
		d.Fold("My manager", true)
		d.setLook(theme.Dark, 120)
		if d.talk().entry.Text != "draft" || !d.main.folded["My manager"] {
			t.Error("something was lost")
		}
		test.Type(d.main.find.entry, who.Name[:3])
		d.setLook(theme.Light, 100)
		if d.main.find.entry.Text != who.Name[:3] {
			t.Error("the search was lost")
		}
	})
}

// Every action has a menu item, and no two share a key.
func TestMenuKeys(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		taken := map[string]string{}
		for _, m := range d.mainMenu().Items {
			for _, i := range m.Items {
				if i.Shortcut == nil {
					continue
				}
				k := i.Shortcut.ShortcutName()
				if taken[k] != "" {
					t.Errorf("%s is for %q and for %q", k, taken[k], i.Label)
				}
				taken[k] = i.Label
				if i.Action == nil {
					t.Errorf("%q does nothing", i.Label)
				}
			}
		}
		for _, want := range []string{"Find a person", "Edit note", "Message the selected group", "Busy"} {
			found := false
			for _, label := range taken {
				found = found || label == want
			}
			if !found {
				t.Errorf("no key for %q", want)
			}
		}
		d.showKeys()
		keys := ""
		for _, o := range d.window.Canvas().Overlays().List() {
			walk(o, func(o fyne.CanvasObject) {
				if text, is := o.(*widgets.Text); is {
					keys += text.Text + "\n"
				}
			})
		}
		if !strings.Contains(keys, "Ctrl+F") || !strings.Contains(keys, "Find a person") {
			t.Errorf("the list of keys reads\n%s", keys)
		}
	})
}

func TestContactCard(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.wait(time.Second)
		who := d.report()
		d.main.card(who)
		d.wait(time.Second)
		card := texts(d.window)
		for _, want := range []string{who.Name, who.User, who.Words, "Work", "+49", "Manager:", "Anna Albers", "From the organisation chart: My direct reports", "Free for the rest of the day"} {
			if !strings.Contains(card, want) {
				t.Errorf("%q is missing in\n%s", want, card)
			}
		}
		press(d.window, fyne.KeyEscape)
		d.main.people.SelectKey(who.Key)
		d.main.focus()
		d.main.people.TypedRune(' ')
		if d.main.open == nil || d.main.open.row.User != who.User {
			t.Error("Space does not open the card")
		}
		press(d.window, fyne.KeyEscape)
		if strings.Contains(texts(d.window), "Free for the rest") {
			t.Error("Escape does not close the card")
		}
		d.main.card(who)
		d.main.find.focus()
		test.Type(d.main.find.entry, "x")
		if strings.Contains(texts(d.window), "Manager:") || d.main.find.entry.Text != "x" {
			t.Error("the card lies over the field that has the focus")
		}
	})
}

// Editing the list goes to the server and comes back.
func TestEditTheList(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.wait(time.Second)
		who := d.report()
		edit := func(e contacts.Edit) {
			t.Helper()
			e.User = who.User
			d.main.edit("The list was not changed.", e)
			d.wait(time.Second)
		}
		edit(contacts.Edit{Op: contacts.Add, Name: who.Name, Group: "Project Harbour"})
		g, ok := d.session.Contacts.List().Group("Project Harbour")
		if !ok || len(g.Members) != 1 || g.Members[0].User != who.User {
			t.Fatalf("got %+v", d.session.Contacts.List())
		}
		var row = who
		for _, r := range d.main.people.Rows() {
			if r.Group == "Project Harbour" && r.User == who.User {
				row = r
			}
		}
		menu := d.main.personMenu(row)
		last := menu.Items[len(menu.Items)-1]
		if last.Label != "Remove from this group" {
			t.Fatalf("the last item is %q", last.Label)
		}
		last.Action()
		d.wait(time.Second)
		if g, _ := d.session.Contacts.List().Group("Project Harbour"); len(g.Members) != 0 {
			t.Errorf("still there: %+v", g)
		}
		edit(contacts.Edit{Op: contacts.Move, Group: who.Group, To: "Nowhere"}) // out of an org-chart group: refused, and said
		if !strings.Contains(texts(d.window), "The list was not changed.") {
			t.Errorf("a refused change is not told:\n%s", texts(d.window))
		}
	})
}

// A banner that pushes the list down does not pull a row from under the pointer.
func TestRowsStayUnderThePointer(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.wait(time.Second)
		d.main.foldAll(false)
		d.window.Resize(fyne.NewSize(420, 400))
		d.main.people.ScrollToOffset(100)
		list := func() float32 { return d.main.top.Size().Height - d.main.people.GetScrollOffset() }
		before, top := list(), d.main.top.MinSize().Height
		d.lab("stop-front-end 1")
		d.lab("stop-front-end 2")
		d.wait(3 * time.Second)
		if d.main.top.MinSize().Height <= top {
			t.Fatal("no banner came")
		}
		if now := list(); now != before {
			t.Errorf("the rows have moved by %v", now-before)
		}
	})
}

// How the list was arranged is there again at the next start.
func TestArrangementIsRemembered(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.main.people.OnFold("My manager", true)
		d.main.compact = true
		d.main.arranged()
		d.SetLook(theme.Dark, 120)
		again, err := New(d.o)
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		if !again.main.folded["My manager"] || !again.main.compact || again.mode != theme.Dark || again.percent != 120 {
			t.Errorf("folded %v, compact %v, look %v at %d %%", again.main.folded, again.main.compact, again.mode, again.percent)
		}
	})
}
