//go:build cgo || !darwin

package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"

	"communicator/contacts"
	"communicator/ui/theme"
	"communicator/ui/view"
	"communicator/ui/widgets"
)

// contextMenu opens the menu of a row.
func (p *mainPage) contextMenu(r view.Row, at fyne.Position) {
	menu := p.personMenu(r)
	if r.Kind == view.GroupRow {
		menu = p.groupMenu(r)
	}
	widget.ShowPopUpMenuAtPosition(menu, p.app.window.Canvas(), at)
}

// item is a menu item with one of our icons.
func item(label, icon string, action func()) *fyne.MenuItem {
	i := fyne.NewMenuItem(label, action)
	i.Icon = theme.Blank()
	if icon != "" {
		i.Icon = theme.Icon(icon)
	}
	return i
}

// groupMenu is that of a group's header. Its first item is the default.
func (p *mainPage) groupMenu(r view.Row) *fyne.Menu {
	sorting := item(lang.L("Sort by"), "", nil)
	sorting.ChildMenu = fyne.NewMenu("", p.sortItems()...)
	items := []*fyne.MenuItem{
		item(lang.L("Send an instant message to all…"), "ui-message", func() { p.messageAll(r.Group) }),
		fyne.NewMenuItemSeparator(),
		item(lang.L("Expand all"), "ui-menu", func() { p.foldAll(false) }),
		item(lang.L("Collapse all"), "ui-right", func() { p.foldAll(true) }),
		sorting,
		fyne.NewMenuItemSeparator(),
	}
	change := func(label string, op contacts.Op) *fyne.MenuItem {
		return item(label, "", func() { p.edit(lang.L("The list was not changed."), contacts.Edit{Op: op, Group: r.Group}) })
	}
	if r.Org {
		items = append(items, change(lang.L("Hide this group"), contacts.Hide))
	} else {
		items = append(items, change(lang.L("Move up"), contacts.MoveUp), change(lang.L("Move down"), contacts.MoveDown),
			item(lang.L("Rename…"), "", func() { p.rename(r.Group) }),
			item(lang.L("Delete…"), "", func() { p.remove(r.Group) }))
	}
	return fyne.NewMenu("", items...)
}

func (p *mainPage) sortItems() []*fyne.MenuItem {
	by := func(label string, o view.Order) *fyne.MenuItem {
		i := fyne.NewMenuItem(label, func() { p.order = o; p.arranged() })
		i.Checked = p.order == o
		return i
	}
	return []*fyne.MenuItem{by(lang.L("Name"), view.ByName), by(lang.L("Availability"), view.ByAvailability)}
}

func (p *mainPage) foldAll(fold bool) {
	for _, g := range p.app.list.Groups {
		p.folded[g.Name] = fold
	}
	p.arranged()
}

func (p *mainPage) rename(group string) {
	p.askName(lang.L("Rename the group"), lang.L("Name of the group"), group, func(to string) {
		p.edit(lang.L("The group was not renamed."), contacts.Edit{Op: contacts.RenameGroup, Group: group, To: to})
	})
}

// nickname asks how the user wants to call a person; nothing is the name in the
// directory again.
func (p *mainPage) nickname(r view.Row) {
	p.askName(lang.L("Rename the contact"), lang.L("Empty: as in the directory"), r.Name, func(name string) {
		p.edit(lang.L("The contact was not renamed."), contacts.Edit{Op: contacts.Rename, User: r.User, Name: name})
	})
}

// askName asks for a name; hint stands where there is none.
func (p *mainPage) askName(title, hint, name string, done func(string)) {
	entry := widgets.NewEntry(hint)
	entry.SetText(name)
	d := dialog.NewCustomConfirm(title, lang.L("OK"), lang.L("Cancel"), widgets.Sized(entry, 260, 0), func(ok bool) {
		if ok {
			done(entry.Text)
		}
	}, p.app.window)
	entry.OnReturn = func() { d.Confirm() }
	d.Show()
	p.app.window.Canvas().Focus(entry)
}

func (p *mainPage) remove(group string) {
	dialog.ShowConfirm(lang.L("Delete the group"),
		lang.L("Delete the group “{{.Group}}”? The people in it stay in your other groups.", map[string]any{"Group": group}),
		func(ok bool) {
			if ok {
				p.edit(lang.L("The group was not deleted."), contacts.Edit{Op: contacts.RemoveGroup, Group: group})
			}
		}, p.app.window)
}

// personMenu is that of a person. Its first item is the default.
func (p *mainPage) personMenu(r view.Row) *fyne.Menu {
	if r.User == "" {
		return fyne.NewMenu("", item(lang.L("Show contact card"), "ui-person", func() { p.card(r) }))
	}
	tell := item(lang.L("Tell me when available"), "ui-bell", func() { p.tellMe(r.User) })
	tell.Checked = p.app.session != nil && p.app.session.Presence.Telling(r.User)
	items := []*fyne.MenuItem{
		item(lang.L("Send message"), "ui-message", func() { p.message(r.User, r.Name) }),
		fyne.NewMenuItemSeparator(),
		item(lang.L("Show contact card"), "ui-person", func() { p.card(r) }),
		tell,
		item(lang.L("Copy address"), "ui-copy", func() { p.app.o.App.Clipboard().SetContent(r.User) }),
		p.accessItem(r.User),
		fyne.NewMenuItemSeparator(),
	}
	return fyne.NewMenu("", append(items, p.listItems(r)...)...)
}

// accessItem is the choice of what somebody gets of one's own state.
func (p *mainPage) accessItem(user string) *fyne.MenuItem {
	var choices []*fyne.MenuItem
	for _, c := range view.Accesses() {
		i := fyne.NewMenuItem(c.Words, func() { p.access(user, c.Access) })
		i.Checked = p.app.session != nil && p.app.session.Contacts.AccessOf(user) == c.Access
		choices = append(choices, i)
	}
	choice := item(lang.L("What they see of me"), "ui-eye", nil)
	choice.ChildMenu = fyne.NewMenu("", choices...)
	return choice
}

// tellMe asks to be told when somebody is available, or takes that back.
func (p *mainPage) tellMe(user string) {
	if s := p.app.session; s != nil {
		s.Presence.TellWhenAvailable(user, !s.Presence.Telling(user))
	}
}

// listItems are those that change the contact list.
func (p *mainPage) listItems(r view.Row) []*fyne.MenuItem {
	if r.Group == "" || p.fromChart(r.Group) {
		return append([]*fyne.MenuItem{p.into(lang.L("Add to group"), r, contacts.Edit{Op: contacts.Add, Name: r.Name})}, p.renameItems(r)...)
	}
	items := append([]*fyne.MenuItem{
		p.into(lang.L("Move to group"), r, contacts.Edit{Op: contacts.Move, Group: r.Group}),
		p.into(lang.L("Copy to group"), r, contacts.Edit{Op: contacts.Copy}),
	}, p.renameItems(r)...)
	return append(items, item(lang.L("Remove from this group"), "", func() {
		p.edit(lang.L("The contact was not removed."), contacts.Edit{Op: contacts.Remove, User: r.User, Group: r.Group})
	}))
}

// renameItems are for people on the list only.
func (p *mainPage) renameItems(r view.Row) []*fyne.MenuItem {
	if r.Group == "" {
		return nil
	}
	return []*fyne.MenuItem{item(lang.L("Rename…"), "", func() { p.nickname(r) })}
}

// into is a choice of the user's own groups, where e then happens to a person.
func (p *mainPage) into(label string, r view.Row, e contacts.Edit) *fyne.MenuItem {
	do := func(group string) {
		e := e
		e.User = r.User
		if e.To = group; e.Op == contacts.Add {
			e.Group, e.To = group, ""
		}
		p.edit(lang.L("The list was not changed."), e)
	}
	var groups []*fyne.MenuItem
	for _, g := range p.app.list.Groups {
		if g.Source == contacts.Own && g.Name != r.Group {
			groups = append(groups, fyne.NewMenuItem(g.Name, func() { do(g.Name) }))
		}
	}
	groups = append(groups, fyne.NewMenuItem(lang.L("New group…"), func() {
		p.askName(lang.L("New group"), lang.L("Name of the group"), "", do)
	}))
	choice := item(label, "", nil)
	choice.ChildMenu = fyne.NewMenu("", groups...)
	return choice
}

func (p *mainPage) fromChart(group string) bool {
	g, ok := p.app.list.Group(group)
	return ok && g.Source == contacts.Org
}
