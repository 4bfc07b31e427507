//go:build cgo || !darwin

package ui

import (
	"context"
	"io"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/storage"

	"communicator/contacts"
	"communicator/session"
	"communicator/ui/theme"
	"communicator/ui/view"
	"communicator/ui/widgets"
)

// listMenu is what can be done with the contact list as a whole.
func (a *App) listMenu() []*fyne.MenuItem {
	return []*fyne.MenuItem{
		fyne.NewMenuItem(lang.L("Read the list again"), a.signedIn(func() {
			a.do(lang.L("The contact list was not read."), func(ctx context.Context) error { return a.session.Contacts.Refresh(ctx) })
		})),
		fyne.NewMenuItem(lang.L("Take back the last change"), a.signedIn(a.undo)),
		fyne.NewMenuItem(lang.L("Import…"), a.signedIn(a.importList)),
		fyne.NewMenuItem(lang.L("Export…"), a.signedIn(a.exportList)),
		fyne.NewMenuItem(lang.L("Show hidden groups"), a.signedIn(a.showHidden)),
	}
}

// undo takes the last change of the list back and says which version it is now.
func (a *App) undo() {
	s := a.session
	a.do(lang.L("The last change was not taken back."), func(ctx context.Context) error {
		c, err := s.Contacts.Undo(ctx)
		if err == nil {
			a.post(func() { a.main.told(view.Restored(c.Time, c.People)) })
		}
		return err
	})
}

func (a *App) showHidden() {
	s := a.session
	a.do(lang.L("The list was not changed."), func(ctx context.Context) error {
		for _, g := range s.Contacts.Hidden() {
			if err := s.Contacts.Edit(ctx, contacts.Edit{Op: contacts.Show, Group: g.Name, Kind: g.Kind}); err != nil {
				return err
			}
		}
		return nil
	})
}

// importList asks for a file and adds the people in it to the list. Nobody is
// dropped.
func (a *App) importList() {
	s, doing := a.session, lang.L("The file was not imported.")
	dialog.NewFileOpen(func(file fyne.URIReadCloser, err error) {
		if file == nil && err == nil {
			return // cancelled
		}
		a.do(doing, func(ctx context.Context) error {
			if err != nil {
				return err
			}
			defer file.Close()
			said, err := addFrom(ctx, s, file.URI().Name(), file)
			if err == nil {
				a.post(func() { a.main.told(said) })
			}
			return err
		})
	}, a.window).Show()
}

// addFrom adds the people in a file to the list and says what became of them.
func addFrom(ctx context.Context, s *session.Session, name string, file io.Reader) (view.Told, error) {
	f, err := session.FormatOf("", name)
	if err != nil {
		return view.Told{}, err
	}
	b, err := io.ReadAll(io.LimitReader(file, contacts.MaxFile+1))
	if err != nil {
		return view.Told{}, err
	}
	rows, bad, err := session.ParseContacts(f, b)
	if err != nil {
		return view.Told{}, err
	}
	done, err := s.Contacts.Import(ctx, rows, false)
	return view.Imported(append(bad, done...)), err
}

// exportList asks where to and writes the list there, in the format that the
// end of the name says.
func (a *App) exportList() {
	s := a.session
	d := dialog.NewFileSave(func(file fyne.URIWriteCloser, err error) {
		if file == nil && err == nil {
			return // cancelled
		}
		a.do(lang.L("The file was not written."), func(ctx context.Context) error {
			if err != nil {
				return err
			}
			return writeTo(ctx, s, file)
		})
	}, a.window)
	d.SetFileName("contacts.csv")
	d.Show()
}

// writeTo writes the list to a file.
func writeTo(ctx context.Context, s *session.Session, file fyne.URIWriteCloser) error {
	f, err := session.FormatOf("", file.URI().Name())
	var b []byte
	if err == nil {
		b, err = s.Contacts.Export(ctx, f)
	}
	return finish(file, b, err)
}

// finish writes what is to be in a file, and closes it. When there is nothing to
// write because of err, or it cannot be written, no part of a file is left.
func finish(file fyne.URIWriteCloser, b []byte, err error) error {
	if err == nil {
		_, err = file.Write(b)
	}
	if e := file.Close(); err == nil {
		err = e
	}
	if err != nil {
		_ = storage.Delete(file.URI()) // err is what the user hears of
	}
	return err
}

// told says what has been done.
func (p *mainPage) told(t view.Told) {
	p.banner(theme.BubbleTheirs, "ui-check", theme.Success, t.Title, t.Text, nil)
}

// doubt asks whether the list that has shrunk on the server is to be kept or
// taken; nil: it is settled.
func (p *mainPage) doubt(e session.ContactsDoubt) {
	if p.doubted != nil {
		p.dismiss(p.doubted)
		p.doubted = nil
	}
	if e.Over {
		return
	}
	answer := func(keep bool) func() {
		return func() {
			s := p.app.session
			p.app.do(lang.L("The contact list was not changed."), func(ctx context.Context) error { return s.Contacts.Answer(ctx, keep) })
		}
	}
	said := view.Doubted(e.Doubt)
	p.doubted = p.question(said.Title, said.Text,
		widgets.NewSmallButton(lang.L("Keep mine"), "", answer(true)), widgets.NewSmallButton(lang.L("Take the server's"), "", answer(false)))
}

// available tells that somebody whom the user waits for can be talked to.
func (p *mainPage) available(e session.BecameAvailable) {
	name := p.app.names.Of(e.User)
	p.banner(theme.BubbleTheirs, "ui-bell", theme.Success, lang.L("{{.Name}} is available now", map[string]any{"Name": name}), e.State.Note,
		widgets.NewSmallButton(lang.L("Message"), "ui-message", func() { p.message(e.User, name) }))
}
