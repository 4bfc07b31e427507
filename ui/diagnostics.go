//go:build cgo || !darwin

package ui

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"

	"communicator/session"
	"communicator/ui/view"
	"communicator/ui/widgets"
)

// diagnostics shows what would be handed to an administrator before it leaves
// the window: it can be read, copied or saved, and nothing is sent anywhere.
func (a *App) diagnostics() {
	var messages []session.Traced
	if a.session != nil {
		messages = a.session.Trace()
	}
	text := view.Diagnostics(a.state, &a.steps, messages, time.Now())
	shown := widget.NewMultiLineEntry()
	shown.SetText(text)
	shown.Wrapping = fyne.TextWrapOff
	var page *widget.PopUp
	buttons := widgets.Row(8, 0, widgets.NewText(lang.L("Without passwords, and without what people wrote."), "", "").Short(),
		widgets.NewButton(lang.L("Copy"), "ui-copy", widgets.Plain, func() { a.o.App.Clipboard().SetContent(text) }),
		widgets.NewButton(lang.L("Save…"), "", widgets.Plain, func() { a.save("communicator.txt", text) }),
		widgets.NewButton(lang.L("Close"), "", widgets.Filled, func() { page.Hide() }))
	size := a.window.Canvas().Size()
	page = popUp(widgets.Inset(12, 12, 12, 12, widgets.Page(
		widgets.Inset(0, 0, 8, 0, widgets.NewText(lang.L("Diagnostics"), "", "").Strong()), shown, widgets.Inset(8, 0, 0, 0, buttons))), a.window)
	page.Resize(fyne.NewSize(size.Width*0.95, size.Height*0.9))
}

// save asks where to and writes text there.
func (a *App) save(name, text string) {
	d := dialog.NewFileSave(func(w fyne.URIWriteCloser, err error) {
		if w == nil && err == nil {
			return // cancelled
		}
		if err == nil {
			err = finish(w, []byte(text), nil)
		}
		if err != nil {
			a.main.notice(view.Explain(lang.L("The file was not written."), err))
		}
	}, a.window)
	d.SetFileName(name)
	d.Show()
}
