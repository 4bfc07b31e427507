//go:build cgo || !darwin

package ui

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2/storage"

	"communicator/contacts"
	"communicator/session"
	"communicator/ui/theme"
	"communicator/ui/view"
)

// The server's list is suddenly empty: the list stays as it was, and the user
// is asked.
func TestDoubtfulList(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.wait(time.Second)
		who := d.report()
		d.main.edit("", contacts.Edit{Op: contacts.Add, User: who.User, Name: who.Name, Group: "Harbour"})
		d.wait(time.Second)
		lost := contacts.Doubt{Loss: contacts.Loss{Before: 12, Now: 0}}
		d.main.doubt(session.ContactsDoubt{Doubt: lost})
		said := texts(d.window)
		if !strings.Contains(said, "Your contact list on the server is empty") || !strings.Contains(said, "You had 12 people there, now 0. Nothing is lost") {
			t.Errorf("the question is not asked:\n%s", said)
		}
		button(t, d.window, "Keep mine")
		d.main.doubt(session.ContactsDoubt{Over: true})
		if strings.Contains(texts(d.window), "Keep mine") {
			t.Error("the question stays though it is settled")
		}
	})
}

func TestTellWhenAvailable(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.wait(time.Second)
		who := d.report()
		d.lab("state " + who.User + " busy")
		d.settle()
		d.main.tellMe(who.User)
		d.settle()
		for _, i := range d.main.personMenu(who).Items {
			if i.Label == "Tell me when available" && !i.Checked {
				t.Error("the menu does not say that it was asked for")
			}
		}
		if strings.Contains(texts(d.window), "is available now") {
			t.Error("told too early")
		}
		d.lab("state " + who.User + " available At my desk")
		d.settle()
		if !strings.Contains(texts(d.window), who.Name+" is available now\nAt my desk") {
			t.Errorf("not told:\n%s", texts(d.window))
		}
		button(t, d.window, "Message").Tapped(nil)
		d.settle()
		if d.talk().title() != who.Name {
			t.Errorf("the button opens %q", d.talk().title())
		}
	})
}

// A file of another program is added to the list; what cannot be is said.
func TestImport(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.wait(time.Second)
		who := d.report()
		d.main.edit("", contacts.Edit{Op: contacts.Add, User: who.User, Name: who.Name, Group: "Harbour"})
		d.wait(time.Second)
		file := "name,address,group\nBob,bob@contoso.test,Harbour\nNobody,,Harbour\nEve,eve@contoso.test,Harbour\n"
		said, err := addFrom(t.Context(), d.session, "people.csv", strings.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		if said.Title != "2 people were added to the list" || !strings.HasPrefix(said.Text, "1 could not be added · line 3: ") {
			t.Errorf("it says %+v", said)
		}
		d.settle()
		if g, _ := d.session.Contacts.List().Group("Harbour"); len(g.Members) != 3 {
			t.Errorf("the list has %+v", g)
		}
		d.undo()
		d.settle()
		if g, _ := d.session.Contacts.List().Group("Harbour"); len(g.Members) != 1 || !strings.Contains(texts(d.window), "The last change was taken back") {
			t.Errorf("not undone:\n%s", texts(d.window))
		}
	})
}

// The list goes to a file in the format of its name. Of one that could not be
// written nothing is left.
func TestExport(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.wait(time.Second)
		who := d.report()
		d.main.edit("", contacts.Edit{Op: contacts.Add, User: who.User, Name: who.Name, Group: "Harbour"})
		d.wait(time.Second)
		for name, want := range map[string]string{"people.csv": who.User, "people.doc": ""} {
			path := filepath.Join(t.TempDir(), name)
			file, err := storage.Writer(storage.NewFileURI(path))
			if err != nil {
				t.Fatal(err)
			}
			err = writeTo(t.Context(), d.session, file)
			if b, _ := os.ReadFile(path); (err != nil) != (want == "") || !strings.Contains(string(b), want) {
				t.Errorf("%s: %v %q", name, err, b)
			}
			if _, gone := os.Stat(path); (gone != nil) != (want == "") {
				t.Errorf("%s: %v", name, gone)
			}
		}
	})
}

// Who asks to see one's state is answered once; who is blocked looks so.
func TestAccess(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.wait(time.Second)
		const eve = "eve@contoso.test"
		d.main.asks(session.WatcherAsks{User: eve, Name: "Eve"})
		if !strings.Contains(texts(d.window), "Eve wants to see your state\n"+eve) {
			t.Errorf("not asked:\n%s", texts(d.window))
		}
		d.setLook(theme.Dark, 100) // everything is built anew
		d.settle()
		button(t, d.window, "Allow").Tapped(nil)
		d.settle()
		if got := d.session.Contacts.AccessOf(eve); got != contacts.Allow || strings.Contains(texts(d.window), "Eve wants") {
			t.Errorf("access %q, and the window shows\n%s", got, texts(d.window))
		}
		who := d.report()
		d.main.access(who.User, contacts.Block)
		d.settle()
		if r := d.row(view.PersonRow, who.Name); r.Face != "blocked" || r.Words != "Blocked" {
			t.Errorf("got %+v", r)
		}
		for _, i := range d.main.accessItem(who.User).ChildMenu.Items {
			if i.Checked != (i.Label == "Block") {
				t.Errorf("%q checked: %v", i.Label, i.Checked)
			}
		}
	})
}
