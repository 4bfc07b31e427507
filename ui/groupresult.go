//go:build cgo || !darwin

package ui

import (
	"strconv"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/layout"

	"communicator/im"
	"communicator/ui/theme"
	"communicator/ui/view"
	"communicator/ui/widgets"
)

// result is the page once it is being sent.
func (p *groupPage) result() fyne.CanvasObject {
	people := p.send.People(p.app.of)
	done := p.send.Total() - p.send.Count(im.Sending)
	title := lang.L("Sent to {{.N}} people", map[string]any{"N": p.send.Total()})
	if p.send.Running() {
		title = lang.L("Sending to {{.N}} people · {{.M}} done", map[string]any{"N": p.send.Total(), "M": done})
	}
	head := widgets.Row(8, 1, widgets.NewText(title, theme.Body, "").Strong(), layout.NewSpacer())
	if p.send.Running() {
		head.Add(widgets.NewSmallButton(lang.L("Stop"), "ui-close", func() { p.stop() }))
	}
	head.Add(widgets.NewSmallButton(lang.L("Copy report"), "ui-copy", func() { p.app.o.App.Clipboard().SetContent(p.send.Report()) }))
	rows := widgets.Column(10, p.bubble(), head, widgets.NewProgress(
		p.send.Count(im.Failed)+p.send.Count(im.Unknown), p.send.Count(im.Delivered), p.send.Count(im.Accepted), p.send.Count(im.Sending)),
		p.counts())
	if failed := with(people, im.Failed, im.Unknown); len(failed) > 0 {
		rows.Add(p.failures(failed))
	}
	for _, part := range []struct {
		state im.State
		name  string
	}{{im.Sending, lang.L("Waiting")}, {im.Delivered, lang.L("Delivered")}, {im.Accepted, lang.L("Offline, kept by the server")}} {
		if some := with(people, part.state); len(some) > 0 {
			rows.Add(p.part(part.state, part.name, some))
		}
	}
	return rows
}

// counts says the result in numbers, each with its sign.
func (p *groupPage) counts() fyne.CanvasObject {
	signs := map[im.State]fyne.Resource{
		im.Failed: theme.Tinted("ui-warning", theme.Error), im.Unknown: theme.Tinted("ui-warning", theme.Error),
		im.Delivered: theme.Tinted("ui-check", theme.Success), im.Accepted: theme.Tinted("ui-mail", theme.Secondary),
		im.Sending: theme.Tinted("ui-pending", theme.Secondary),
	}
	row := widgets.Flow(20)
	for _, c := range p.send.Counts() {
		row.Add(widgets.Row(5, -1, widgets.NewIcon(signs[c.State], theme.IconSmall),
			widgets.NewText(strconv.Itoa(c.N), theme.Body, "").Strong(), widgets.NewText(c.Words, theme.Body, "")))
	}
	return row
}

// bubble is the message itself.
func (p *groupPage) bubble() fyne.CanvasObject {
	text := widgets.Sized(paragraph("", p.text, false), 300, 0)
	back := container.NewStack(widgets.NewFill(theme.BubbleMine, "", theme.BubbleRadius), widgets.Inset(6, 11, 6, 11, text))
	return container.NewBorder(nil, nil, nil, back)
}

func with(people []view.Recipient, states ...im.State) []view.Recipient {
	var some []view.Recipient
	for _, r := range people {
		for _, s := range states {
			if r.State == s {
				some = append(some, r)
			}
		}
	}
	return some
}

// failures are listed with their reasons and remedies.
func (p *groupPage) failures(failed []view.Recipient) fyne.CanvasObject {
	var again []string
	for _, r := range failed {
		if r.Retry {
			again = append(again, r.User)
		}
	}
	head := widgets.Row(8, 0, widgets.NewText(lang.L("{{.N}} failed", map[string]any{"N": len(failed)}), theme.Body, "").Strong())
	if len(again) > 1 && !p.send.Running() {
		head.Add(widgets.NewSmallButton(lang.L("Try all again"), "ui-retry", func() { p.deliver(again) }))
	}
	rows := widgets.Column(0, container.NewStack(topTint(), widgets.Sized(widgets.Inset(5, 8, 5, 9, head), 0, 36)))
	for _, r := range failed {
		rows.Add(widgets.NewLine())
		rows.Add(widgets.Sized(widgets.Inset(5, 8, 5, 9, p.failure(r)), 0, 36))
	}
	return container.NewStack(widgets.NewFill("", theme.ErrorLine, theme.PanelRadius), widgets.Inset(1, 1, 1, 1, rows))
}

func (p *groupPage) failure(r view.Recipient) fyne.CanvasObject {
	row := widgets.Row(8, 3, widgets.NewIcon(theme.Tinted("ui-warning", theme.Error), theme.IconRow),
		widgets.NewIcon(theme.Presence(r.Face), theme.IconRow),
		widgets.Sized(widgets.NewText(r.Name, theme.Body, "").Short(), 150, 0),
		widgets.NewText(r.Reason, theme.Body, theme.Secondary).Short())
	switch {
	case !r.Retry:
		row.Add(widgets.NewSmallButton(lang.L("Copy"), "ui-copy", func() { p.app.o.App.Clipboard().SetContent(r.User) }))
	case !p.send.Running():
		row.Add(widgets.NewSmallButton(lang.L("Try again"), "ui-retry", func() { p.deliver([]string{r.User}) }))
	}
	return row
}

// part is a folded list of those to whom the same happened.
func (p *groupPage) part(state im.State, name string, people []view.Recipient) fyne.CanvasObject {
	icon := "ui-right"
	if p.open[state] {
		icon = "ui-menu"
	}
	fold := widgets.NewButton(name, icon, widgets.Quiet, func() {
		p.open[state] = !p.open[state]
		p.refresh()
	})
	head := widgets.Row(8, 1, fold, layout.NewSpacer(), widgets.NewText(strconv.Itoa(len(people)), theme.Caption, theme.Secondary))
	rows := widgets.Column(0, head)
	if p.open[state] {
		for _, r := range people {
			rows.Add(widgets.Sized(widgets.Inset(0, 0, 0, 34, widgets.Row(8, 1,
				widgets.NewIcon(theme.Presence(r.Face), theme.IconRow), widgets.NewText(r.Name, theme.Body, "").Short())), 0, 29))
		}
	}
	return rows
}
