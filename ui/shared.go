//go:build cgo || !darwin

package ui

import (
	"context"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"

	"communicator/contacts"
)

// sharedItems are what the menu of a conversation that everyone sees has besides.
func (p *talkPage) sharedItems() []*fyne.MenuItem {
	return []*fyne.MenuItem{
		item(lang.L("Add people…"), "ui-plus", func() {
			p.ask(lang.L("Add people"), lang.L("Addresses, separated by commas. They see what is written from now on."), "", p.add)
		}),
		item(lang.L("Rename the conversation…"), "ui-pencil", func() {
			p.ask(lang.L("Rename the conversation"), lang.L("The new name is for everybody."), p.with.Title(), func(title string) {
				p.app.do(lang.L("The conversation was not renamed."), func(ctx context.Context) error { return p.with.Rename(ctx, title) })
			})
		}),
		item(lang.L("Leave the conversation"), "ui-right", func() {
			p.app.do(lang.L("The others were not told."), func(ctx context.Context) error { return p.with.Leave(ctx) })
		}),
	}
}

// ask asks for a line of text.
func (p *talkPage) ask(title, hint, text string, done func(string)) {
	entry := widget.NewEntry()
	entry.SetText(text)
	field := widget.NewFormItem("", entry)
	field.HintText = hint
	form := dialog.NewForm(title, lang.L("OK"), lang.L("Cancel"), []*widget.FormItem{field}, func(ok bool) {
		if ok && strings.TrimSpace(entry.Text) != "" {
			done(strings.TrimSpace(entry.Text))
		}
	}, p.app.talks.window)
	form.Resize(fyne.NewSize(420, 0))
	form.Show()
	p.app.talks.window.Canvas().Focus(entry)
}

// add takes more people in.
func (p *talkPage) add(addresses string) {
	p.app.do(lang.L("Nobody was added."), func(ctx context.Context) error {
		var users []string
		for _, a := range strings.Split(addresses, ",") {
			user, err := contacts.Canonical(strings.TrimSpace(a))
			if err != nil {
				return err
			}
			users = append(users, user)
		}
		return p.with.Add(ctx, users...)
	})
}
