//go:build cgo || !darwin

package ui

import (
	"context"
	"errors"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"

	"communicator/session"
	"communicator/ui/theme"
	"communicator/ui/view"
	"communicator/ui/widgets"
)

// settle is how long after the last key the address book is asked.
const settle = 150 * time.Millisecond

// findBox is the field over the list; while there is text in it, what was
// found takes the list's place.
type findBox struct {
	page    *mainPage
	content fyne.CanvasObject
	entry   *widgets.Entry
	hint    *fyne.Container // "Ctrl+F"
	clear   *widgets.Button
	search  view.Search
	asked   int // counts searches, so that a late answer to an earlier one is dropped
	cancel  context.CancelFunc
	before  string // the selection to go back to
}

func newFindBox(p *mainPage) *findBox {
	f := &findBox{page: p}
	f.entry = widgets.NewEntry(lang.L("Find a person"))
	f.entry.Icon = theme.Tinted("ui-search", theme.Secondary)
	f.entry.OnChanged = f.changed
	f.entry.OnReturn, f.entry.OnEscape = f.first, f.leave
	f.entry.OnDown = func() { p.focus() }
	f.clear = widgets.NewButton("", "ui-close", widgets.Quiet, f.leave)
	f.hint = container.NewStack(widgets.NewFill(theme.Chrome, theme.Separator, theme.Radius),
		widgets.Inset(0, 6, 0, 6, widgets.NewText("Ctrl+F", theme.Caption, theme.Secondary)))
	right := container.NewBorder(nil, nil, nil, widgets.Row(0, -1, widgets.Inset(0, 10, 0, 0, f.hint), f.clear))
	f.clear.Hide()
	f.content = widgets.Inset(8, 13, 4, 13, container.NewStack(f.entry, right))
	return f
}

func (f *findBox) searching() bool { return strings.TrimSpace(f.entry.Text) != "" }

func (f *findBox) focus() {
	if f.page.open != nil { // it lies over the field
		f.page.open.close()
	}
	f.page.app.window.Canvas().Focus(f.entry)
}

// leave restores the list and its selection.
func (f *findBox) leave() {
	f.entry.SetText("")
	f.page.focus()
}

// changed searches for what is typed now: the contacts at once, the address
// book when the keys have settled.
func (f *findBox) changed(string) {
	if f.cancel != nil {
		f.cancel()
		f.cancel = nil
	}
	f.asked++
	setVisible(f.hint, f.entry.Text == "")
	setVisible(f.clear, f.entry.Text != "")
	f.content.Refresh()
	if !f.searching() {
		f.search = view.Search{}
		f.page.people.SelectKey(f.before)
		f.before = ""
		f.page.refresh()
		return
	}
	if row, ok := f.page.people.Selected(); ok && f.before == "" && f.search.Text == "" {
		f.before = row.Key
	}
	text := strings.TrimSpace(f.entry.Text)
	f.search = view.Search{Text: text, Found: session.Found{Hits: view.InList(f.page.app.list, text)}, State: f.page.app.of, Busy: true}
	f.ask(text, f.asked)
	f.page.refresh()
}

// ask searches the address book: the copy on this computer at once, the
// directory when the keys have settled.
func (f *findBox) ask(text string, asked int) {
	s := f.page.app.session
	if s == nil {
		return
	}
	ctx, cancel := context.WithCancel(f.page.app.ctx)
	f.cancel = cancel
	f.page.app.do("", func(context.Context) error {
		defer cancel()
		if s.People.Book().Entries == 0 {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(settle):
			}
		}
		found, err := s.People.Find(ctx, text, view.FindLimit)
		if errors.Is(err, context.Canceled) {
			return nil
		}
		f.page.app.post(func() {
			if asked == f.asked {
				f.search.Found, f.search.Err, f.search.Busy = found, err, false
				f.page.refresh()
			}
		})
		return nil
	})
}

// again searches anew while the address book is being filled.
func (f *findBox) again() {
	if f.searching() && !f.search.Busy {
		f.asked++
		f.ask(f.search.Text, f.asked)
	}
}

// refresh shows the results; the first is selected, for Return.
func (f *findBox) refresh(now time.Time) {
	f.search.Now, f.search.Book = now, f.page.app.book
	rows := f.search.Rows()
	f.page.people.SetRows(rows)
	f.page.empty.Hide()
	if _, ok := f.page.people.Selected(); ok {
		return
	}
	for _, r := range rows {
		if r.Kind == view.PersonRow {
			f.page.people.SelectKey(r.Key)
			return
		}
	}
}

// first is Return: a message to the selected result, or to an address that
// nobody knows.
func (f *findBox) first() {
	if row, ok := f.page.people.Selected(); ok && row.User != "" && row.Kind == view.PersonRow {
		f.page.message(row.User, row.Name)
		return
	}
	if user, ok := view.Address(f.entry.Text); ok {
		f.page.message(user, "")
	}
}
