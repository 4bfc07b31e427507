//go:build cgo || !darwin

package ui

import (
	"context"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"

	"communicator/presence"
	"communicator/ui/theme"
	"communicator/ui/view"
	"communicator/ui/widgets"
)

// ownHeader is oneself: name, state, note.
type ownHeader struct {
	app     *App
	content *fyne.Container
	icon    *widgets.Icon
	name    *widgets.Text
	second  *widgets.Text
	button  *widgets.Button
	note    *widgets.NoteLine
	shown   view.Own
}

func newOwnHeader(a *App) *ownHeader {
	h := &ownHeader{app: a}
	h.icon = widgets.NewIcon(theme.Presence("unknown"), theme.IconSelf)
	h.name = widgets.NewText("", theme.Title, "").Strong().Short()
	h.second = widgets.NewText("", theme.Caption, theme.Secondary).Short()
	h.button = widgets.NewButton("", "", widgets.Plain, nil)
	h.button.Arrow = true
	h.button.OnTapped = func() { widgets.Below(h.button, h.menu()) }
	h.note = widgets.NewNoteLine(lang.L("Set a note that others see"), presence.MaxNote, func(note string) { h.setNote(note, time.Time{}) })
	h.note.Focus = func(o fyne.Focusable) { a.window.Canvas().Focus(o) }
	row := widgets.Row(12, 1, h.icon, widgets.Column(0, h.name, h.second), h.button)
	body := widgets.Inset(11, 13, 8, 13, widgets.Column(0, row, widgets.Inset(0, 0, 0, 40, h.note)))
	h.content = container.NewStack(widgets.NewFill(theme.Chrome, "", ""), container.NewBorder(nil, widgets.NewLine(), nil, nil, body))
	return h
}

func (h *ownHeader) refresh(now time.Time) {
	if h.app.session == nil {
		return
	}
	shown, chosen := h.app.session.Presence.Self()
	own := view.OwnLine(h.app.state, shown, chosen, now)
	if own == h.shown {
		return
	}
	h.shown = own
	h.icon.Set(theme.Presence(own.Face))
	h.name.Set(own.Name)
	h.second.Set(own.Second)
	setVisible(h.second, own.Second != "")
	h.button.SetText(own.Button)
	h.note.Set(own.Note, own.Clears)
	h.content.Refresh()
}

// menu is the status menu.
func (h *ownHeader) menu() *fyne.Menu {
	_, chosen := h.app.session.Presence.Self()
	var items []*fyne.MenuItem
	for _, c := range view.Choices() {
		item := fyne.NewMenuItem(c.Words, func() { h.choose(c.State) })
		if c.State == presence.Automatic {
			items = append(items, fyne.NewMenuItemSeparator())
			item.Checked = chosen == "auto" || chosen == ""
		} else {
			item.Icon = theme.Presence(c.Face)
			item.Checked = chosen == string(c.State)
		}
		items = append(items, item)
	}
	return fyne.NewMenu("", append(items, h.noteItems()...)...)
}

// noteItems are what can be done with one's note.
func (h *ownHeader) noteItems() []*fyne.MenuItem {
	items := []*fyne.MenuItem{fyne.NewMenuItemSeparator(), fyne.NewMenuItem(lang.L("Set a note…"), h.note.Edit)}
	shown, _ := h.app.session.Presence.Self()
	if recent := h.app.session.Presence.RecentNotes(); len(recent) > 0 {
		again := fyne.NewMenuItem(lang.L("Recent notes"), nil)
		again.ChildMenu = fyne.NewMenu("")
		for _, note := range recent {
			again.ChildMenu.Items = append(again.ChildMenu.Items, fyne.NewMenuItem(view.Shortened(note, 40), func() { h.setNote(note, time.Time{}) }))
		}
		items = append(items, again)
	}
	if shown.Note != "" {
		clearing := fyne.NewMenuItem(lang.L("Clear the note"), nil)
		clearing.ChildMenu = fyne.NewMenu("", fyne.NewMenuItem(lang.L("Now"), func() { h.setNote("", time.Time{}) }))
		for _, at := range view.ClearTimes(time.Now()) {
			clearing.ChildMenu.Items = append(clearing.ChildMenu.Items, fyne.NewMenuItem(at.Words, func() { h.setNote(shown.Note, at.Time) }))
		}
		items = append(items, clearing)
	}
	return items
}

// choose sets one's state; the note stays.
func (h *ownHeader) choose(a presence.Availability) {
	if s := h.app.session; s != nil {
		h.publish(func(ctx context.Context) error {
			_, err := s.Presence.SetState(ctx, a, time.Time{})
			return err
		})
	}
}

// setNote sets one's note, until the time at which it is to be cleared (zero:
// not); the state stays as it was chosen.
func (h *ownHeader) setNote(note string, until time.Time) {
	if s := h.app.session; s != nil {
		h.publish(func(ctx context.Context) error {
			_, err := s.Presence.SetNote(ctx, strings.TrimSpace(note), until)
			return err
		})
	}
}

func (h *ownHeader) publish(set func(ctx context.Context) error) {
	h.app.do(lang.L("Others do not see the change yet."), func(ctx context.Context) error {
		err := set(ctx)
		h.app.post(h.app.refresh)
		return err
	})
}
