//go:build cgo || !darwin

package ui

import (
	"context"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"communicator/directory"
	"communicator/ui/theme"
	"communicator/ui/view"
	"communicator/ui/widgets"
)

// card shows what is known of a person. The directory is asked when the card
// opens; what it says is added when it comes.
func (p *mainPage) card(r view.Row) {
	body := container.NewStack()
	var shown *widget.PopUp
	fill := func(who *directory.Person, manager string) {
		body.Objects = []fyne.CanvasObject{p.cardBody(r, who, manager, func() { shown.Hide() })}
		body.Refresh()
	}
	p.app.watch(r.User)
	fill(nil, "")
	shown = popUp(widgets.Sized(widgets.Inset(12, 12, 12, 12, body), 360, 0), p.app.window)
	s := p.app.session
	if s == nil || r.User == "" {
		return
	}
	p.app.do("", func(ctx context.Context) error {
		if chart, err := s.People.Chart(ctx, r.User); err == nil { // without a directory the card stays small
			p.app.post(func() {
				manager := ""
				if chart.Manager != nil {
					manager = chart.Manager.Name
				}
				fill(&chart.Self, manager)
				shown.Resize(shown.MinSize())
			})
		}
		return nil
	})
}

func (p *mainPage) cardBody(r view.Row, who *directory.Person, manager string, hide func()) fyne.CanvasObject {
	now := time.Now()
	state := p.app.of(r.User)
	titles := widgets.Column(0, widgets.NewText(r.Name, theme.Title, "").Strong().Short())
	if who != nil {
		titles.Add(widgets.NewText(view.Dotted(who.Title, who.Department), theme.Body, theme.Secondary).Short())
	}
	if manager != "" {
		titles.Add(widgets.NewText(lang.L("Manager: {{.Name}}", map[string]any{"Name": manager}), theme.Caption, theme.Secondary).Short())
	}
	head := widgets.Row(12, 1, widgets.NewMonogram(r.User, r.Name, 56), titles)
	words := widgets.Column(2, widgets.Row(8, 1, widgets.NewIcon(theme.Presence(view.Face(state)), theme.IconRow),
		widgets.NewText(view.Words(state, now), theme.Body, "").Strong().Short()))
	if note := view.Note(state, now); note != "" {
		words.Add(widgets.Inset(0, 0, 0, 24, paragraph("", note, false)))
	}
	rows := widgets.Column(8, head, p.cardButtons(r, hide), widgets.NewLine(), words, widgets.NewLine())
	if who != nil {
		for _, n := range who.Numbers {
			rows.Add(cardRow(view.NumberKind(n.Kind), n.Number, p.copyButton(n.Number)))
		}
		if who.Office != "" {
			rows.Add(cardRow(lang.L("Office"), who.Office, nil))
		}
	}
	if r.User != "" {
		rows.Add(cardRow(lang.L("Address"), r.User, p.copyButton(r.User)))
	}
	return rows
}

func (p *mainPage) cardButtons(r view.Row, hide func()) fyne.CanvasObject {
	message := widgets.NewButton(lang.L("Message"), "ui-message", widgets.Filled, func() { hide(); p.message(r.User, r.Name) })
	message.Enable(r.User != "")
	return widgets.Row(8, 1, message, layout.NewSpacer(), widgets.NewButton(lang.L("Close"), "", widgets.Plain, hide))
}

func (p *mainPage) copyButton(text string) *widgets.Button {
	return widgets.NewSmallButton(lang.L("Copy"), "ui-copy", func() { p.app.o.App.Clipboard().SetContent(text) })
}

func cardRow(name, value string, button *widgets.Button) fyne.CanvasObject {
	row := widgets.Row(8, 1, widgets.Sized(widgets.NewText(name, theme.Body, theme.Secondary), 72, 24),
		widgets.NewText(value, theme.Body, "").Short())
	if button != nil {
		row.Add(button)
	}
	return row
}
