//go:build cgo || !darwin

package ui

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"

	"communicator/ui/theme"
	"communicator/ui/view"
	"communicator/ui/widgets"
)

// Every shortcut is an item of the main menu: these work while somebody is
// typing, and are listed.

// key is a menu item with a shortcut.
func key(label string, name fyne.KeyName, modifier fyne.KeyModifier, action func()) *fyne.MenuItem {
	i := fyne.NewMenuItem(label, action)
	i.Shortcut = &desktop.CustomShortcut{KeyName: name, Modifier: modifier}
	return i
}

const ctrl = fyne.KeyModifierShortcutDefault

// mainMenu is the menu bar. Actions on a session do nothing without one.
func (a *App) mainMenu() *fyne.MainMenu {
	return fyne.NewMainMenu(a.programMenu(), a.contactsMenu(), a.viewMenu(), a.helpMenu())
}

func (a *App) programMenu() *fyne.Menu {
	items := []*fyne.MenuItem{}
	for i, c := range view.Choices() {
		n := fyne.KeyName(rune('1' + i))
		one := key(c.Words, n, ctrl, a.signedIn(func() { a.main.own.choose(c.State) }))
		if c.State == "" {
			one = fyne.NewMenuItem(c.Words, one.Action)
		} else {
			one.Icon = theme.Presence(c.Face)
		}
		items = append(items, one)
	}
	quit := key(lang.L("Quit"), fyne.KeyQ, ctrl, a.o.App.Quit)
	quit.IsQuit = true
	items = append(items, fyne.NewMenuItemSeparator(),
		key(lang.L("Edit note"), fyne.KeyE, ctrl, a.signedIn(func() { a.main.own.note.Edit() })),
		fyne.NewMenuItemSeparator(),
		fyne.NewMenuItem(lang.L("Sign out"), a.signedIn(a.signOut)), quit)
	return fyne.NewMenu(lang.L("Communicator"), items...)
}

func (a *App) contactsMenu() *fyne.Menu {
	row := func(f func(view.Row)) func() {
		return a.signedIn(func() {
			if r, ok := a.main.people.Selected(); ok {
				f(r)
			}
		})
	}
	items := []*fyne.MenuItem{
		key(lang.L("Find a person"), fyne.KeyF, ctrl, a.signedIn(func() { a.window.RequestFocus(); a.main.find.focus() })),
		key(lang.L("Contact list"), fyne.KeyL, ctrl, a.signedIn(func() { a.window.RequestFocus(); a.main.focus() })),
		key(lang.L("New message to…"), fyne.KeyN, ctrl, a.signedIn(func() { a.window.RequestFocus(); a.main.find.focus() })),
		key(lang.L("Message the selected group"), fyne.KeyG, ctrl, row(func(r view.Row) { a.main.messageAll(r.Group) })),
		key(lang.L("Next pane"), fyne.KeyF6, 0, a.signedIn(a.nextPane)),
		fyne.NewMenuItemSeparator(),
		fyne.NewMenuItem(lang.L("Show contact card"), row(func(r view.Row) {
			if r.Kind == view.PersonRow {
				a.main.card(r)
			}
		})),
		fyne.NewMenuItem(lang.L("Conversations"), a.signedIn(a.talks.show)),
		key(lang.L("Earlier conversations"), fyne.KeyH, ctrl, a.signedIn(a.talks.openPast)),
		fyne.NewMenuItemSeparator(),
	}
	return fyne.NewMenu(lang.L("Contacts"), append(items, a.listMenu()...)...)
}

func (a *App) viewMenu() *fyne.Menu {
	check := func(label string, on bool, action func()) *fyne.MenuItem {
		i := fyne.NewMenuItem(label, action)
		i.Checked = on
		return i
	}
	look := func(label string, m theme.Mode) *fyne.MenuItem {
		return check(label, a.mode == m, func() { a.setLook(m, a.percent) })
	}
	sorting := fyne.NewMenuItem(lang.L("Sort by"), nil)
	sorting.ChildMenu = fyne.NewMenu("", a.main.sortItems()...)
	return fyne.NewMenu(lang.L("View"),
		check(lang.L("Compact list"), a.main.compact, func() {
			a.main.compact = !a.main.compact
			a.main.arranged()
		}),
		sorting,
		fyne.NewMenuItemSeparator(),
		look(lang.L("Light"), theme.Light), look(lang.L("Dark"), theme.Dark), look(lang.L("Like the system"), theme.System),
		fyne.NewMenuItemSeparator(),
		key(lang.L("Larger text"), fyne.KeyPlus, ctrl, func() { a.setLook(a.mode, a.percent+20) }),
		key(lang.L("Smaller text"), fyne.KeyMinus, ctrl, func() { a.setLook(a.mode, a.percent-20) }),
		key(lang.L("Text at 100 %"), fyne.Key0, ctrl, func() { a.setLook(a.mode, 100) }))
}

func (a *App) helpMenu() *fyne.Menu {
	return fyne.NewMenu(lang.L("Help"),
		key(lang.L("List of keys"), fyne.KeyF1, 0, a.showKeys),
		fyne.NewMenuItem(lang.L("Copy connection details"), func() { a.o.App.Clipboard().SetContent(a.signIn.details()) }),
		fyne.NewMenuItem(lang.L("Diagnostics…"), a.diagnostics))
}

// signedIn is an action that needs the main page.
func (a *App) signedIn(f func()) func() {
	return func() {
		if a.been {
			f()
		}
	}
}

// nextPane moves the focus from the list to the find box to the note and back.
func (a *App) nextPane() {
	c := a.window.Canvas()
	switch c.Focused() {
	case fyne.Focusable(a.main.people):
		a.main.find.focus()
	case fyne.Focusable(a.main.find.entry):
		c.Focus(a.main.own.button)
	default:
		a.main.focus()
	}
}

// showKeys lists the shortcuts of the main menu.
func (a *App) showKeys() {
	list := widgets.Column(4)
	for _, m := range a.mainMenu().Items {
		for _, i := range m.Items {
			if s, is := i.Shortcut.(*desktop.CustomShortcut); is {
				keys := widgets.Sized(widgets.NewText(keyName(s), theme.Caption, theme.Secondary), 110, 0)
				list.Add(widgets.Row(8, 1, keys, widgets.NewText(i.Label, theme.Body, "").Short()))
			}
		}
	}
	for keys, does := range map[string]string{
		lang.L("Menu, Shift+F10"): lang.L("Context menu"), lang.L("Return"): lang.L("Send a message to the selected person"),
		lang.L("Space"): lang.L("Show contact card"),
	} {
		k := widgets.Sized(widgets.NewText(keys, theme.Caption, theme.Secondary), 110, 0)
		list.Add(widgets.Row(8, 1, k, widgets.NewText(does, theme.Body, "").Short()))
	}
	dialog.ShowCustom(lang.L("List of keys"), lang.L("Close"), widgets.Sized(list, 340, 0), a.window)
}

// keyName is a shortcut as people write it: "Ctrl+F".
func keyName(s *desktop.CustomShortcut) string {
	name := string(s.KeyName)
	if s.Modifier&fyne.KeyModifierControl != 0 {
		name = "Ctrl+" + name
	}
	if s.Modifier&fyne.KeyModifierSuper != 0 {
		name = "⌘" + strings.TrimPrefix(name, "Ctrl+")
	}
	return name
}

// popUp shows content over a window.
func popUp(content fyne.CanvasObject, w fyne.Window) *widget.PopUp {
	p := widget.NewModalPopUp(content, w.Canvas())
	p.Show()
	return p
}
