//go:build cgo || !darwin

package ui

import (
	"context"
	"reflect"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"communicator/calendar"
	"communicator/directory"
	"communicator/ui/theme"
	"communicator/ui/view"
	"communicator/ui/widgets"
)

// card shows what is known of a person. The directory and the calendar are
// asked when it opens; what they say is added when it comes, and the state
// stays as fresh as in the list.
type card struct {
	page    *mainPage
	row     view.Row
	who     directory.Person
	manager directory.Person
	said    view.Card // what it shows
	body    *fyne.Container
	first   *widgets.Button // has the focus when the card opens
	shown   *widget.PopUp
	asking  int               // how many have not answered yet
	periods []calendar.Period // what the calendar server says
	told    bool              // it has said something
}

// card opens the contact card of a person in the list or among what was found.
func (p *mainPage) card(r view.Row) {
	c := &card{page: p, row: r, who: p.known(r), body: container.NewStack()}
	p.app.watch(r.User)
	c.said = c.now()
	c.fill()
	c.shown = popUp(widgets.Sized(widgets.Inset(12, 0, 12, 0, c.body), cardWidth, 0), p.app.window)
	p.open = c
	c.focus()
	c.ask()
}

// focus puts the focus into the card, so that Return and Escape are for it.
func (c *card) focus() { c.page.app.window.Canvas().Focus(c.first) }

const cardWidth = 396

// known is what the copy of the address book says of a person, under the name
// that the user gives him.
func (p *mainPage) known(r view.Row) directory.Person {
	var who directory.Person
	if p.app.session != nil {
		who, _ = p.app.session.People.Person(r.User)
	}
	who.User = r.User
	if r.Name != "" {
		who.Name = r.Name
	}
	return who
}

// ask asks the directory for the person and the manager, and the calendar
// server for the next days.
func (c *card) ask() {
	s := c.page.app.session
	if s == nil || c.row.User == "" {
		return
	}
	c.asking = 2
	c.page.app.do("", func(ctx context.Context) error {
		chart, err := s.People.Chart(ctx, c.row.User)
		c.page.app.post(func() {
			if c.asking--; err == nil { // without a directory the card stays small
				c.belongs(chart)
			}
		})
		return nil
	})
	c.page.app.do("", func(ctx context.Context) error {
		now := time.Now()
		periods, err := s.FreeBusy(ctx, c.row.User, now, now.Add(agendaAhead))
		c.page.app.post(func() {
			c.asking--
			c.periods, c.told = periods, err == nil
			c.refresh()
		})
		return nil
	})
}

// agendaAhead holds eight working hours whenever it begins.
const agendaAhead = 5 * 24 * time.Hour

// belongs takes the person's place in the organisation.
func (c *card) belongs(chart directory.Chart) {
	c.who = chart.Self
	if c.row.Name != "" {
		c.who.Name = c.row.Name // as the user calls him
	}
	if chart.Manager != nil {
		c.manager = *chart.Manager
	}
	c.refresh()
}

// now is what there is to say now.
func (c *card) now() view.Card {
	said := view.CardOf(c.who, c.page.app.of(c.row.User), time.Now())
	said.Manager = c.manager.Name
	if c.told {
		agenda := view.AgendaOf(c.periods, time.Now())
		said.Agenda = &agenda
	}
	said.Origin = view.Origin(c.page.app.list, c.row.User)
	return said
}

// refresh shows what has changed.
func (c *card) refresh() {
	said := c.now()
	if c.shown.Hidden || reflect.DeepEqual(said, c.said) {
		return
	}
	c.said = said
	c.fill()
	c.shown.Resize(c.shown.MinSize())
	c.focus()
}

func (c *card) close() {
	c.page.open = nil
	c.shown.Hide()
}

func (c *card) fill() {
	section := func(o fyne.CanvasObject) fyne.CanvasObject { return widgets.Inset(8, 16, 8, 16, o) }
	parts := widgets.Column(0, section(widgets.Column(12, c.head(), c.buttons())), widgets.NewLine(), section(c.state()),
		widgets.NewLine(), section(c.agenda()))
	if lines := c.lines(); len(lines.Objects) > 0 {
		parts.Add(widgets.NewLine())
		parts.Add(section(lines))
	}
	c.body.Objects = []fyne.CanvasObject{parts}
	c.body.Refresh()
}

// head is who it is.
func (c *card) head() fyne.CanvasObject {
	titles := widgets.Column(0, widgets.NewText(c.said.Name, theme.Title, "").Strong().Short())
	if c.said.Role != "" {
		titles.Add(widgets.NewText(c.said.Role, theme.Body, theme.Secondary).Short())
	}
	if c.said.Manager != "" {
		manager := widgets.NewButton(c.said.Manager, "", widgets.Link, c.toManager)
		manager.Small = true
		titles.Add(widgets.Row(4, -1, widgets.NewText(lang.L("Manager:"), theme.Caption, theme.Secondary), manager))
	}
	if c.said.Origin != "" {
		titles.Add(widgets.NewText(c.said.Origin, theme.Caption, theme.Secondary).Short())
	}
	return widgets.Row(16, 1, widgets.NewMonogram(c.row.User, c.said.Name, 56), titles)
}

// toManager turns to the manager's card.
func (c *card) toManager() {
	c.close()
	c.page.card(view.Row{Kind: view.PersonRow, User: c.manager.User, Name: c.manager.Name})
}

func (c *card) buttons() fyne.CanvasObject {
	message := widgets.NewButton(lang.L("Message"), "ui-message", widgets.Filled, func() { c.close(); c.page.message(c.row.User, c.said.Name) })
	message.Enable(c.row.User != "")
	message.OnEscape, c.first = c.close, message
	more := widgets.NewButton("", "ui-more", widgets.Plain, nil)
	more.OnTapped = func() { widgets.Below(more, c.page.personMenu(c.row)) }
	return widgets.Row(8, 1, message, layout.NewSpacer(), more, widgets.NewButton(lang.L("Close"), "", widgets.Plain, c.close))
}

// state is what others see, with its age and its source.
func (c *card) state() fyne.CanvasObject {
	indent := func(o fyne.CanvasObject) fyne.CanvasObject { return widgets.Inset(0, 0, 0, 24, o) }
	rows := widgets.Column(3, widgets.Row(8, 1, widgets.NewIcon(theme.Presence(c.said.Face), theme.IconRow),
		widgets.NewText(c.said.Words, theme.Body, "").Strong().Short()))
	if c.said.Note != "" {
		rows.Add(indent(paragraph("", c.said.Note, false)))
	}
	rows.Add(indent(widgets.NewText(view.Dotted(c.said.NoteSet, c.said.Age), theme.Caption, theme.Secondary).Short()))
	for _, d := range c.said.Devices {
		rows.Add(widgets.Row(8, 2, widgets.NewIcon(theme.Tinted(d.Icon, theme.Secondary), theme.IconRow),
			widgets.NewText(d.Name, theme.Caption, ""), widgets.NewText("— "+d.Words, theme.Caption, theme.Secondary).Short()))
	}
	return rows
}

// agenda is free and busy, in words first. Nothing known is never an empty
// bar, which looks like free.
func (c *card) agenda() fyne.CanvasObject {
	icon := widgets.NewIcon(theme.Tinted("ui-calendar", theme.Secondary), theme.IconRow)
	a := c.said.Agenda
	if a == nil {
		return widgets.Row(8, 1, icon, widgets.NewText(lang.L("Calendar not available"), theme.Body, theme.Secondary).Short())
	}
	then := ""
	if a.Then != "" {
		then = "· " + a.Then
	}
	return widgets.Column(6,
		widgets.Row(8, 2, icon, widgets.NewText(a.Headline, theme.Body, "").Strong(), widgets.NewText(then, theme.Body, theme.Secondary).Short()),
		widgets.NewAgendaBar(*a),
		widgets.NewAgendaKey(lang.L("free"), lang.L("tentative"), lang.L("busy"), lang.L("out of office")))
}

func (c *card) lines() *fyne.Container {
	rows := widgets.Column(6)
	for _, l := range c.said.Lines {
		color := theme.Foreground
		if l.Missing {
			color = theme.Secondary
		}
		row := widgets.Row(8, 2, widgets.NewIcon(theme.Tinted(l.Icon, theme.Secondary), theme.IconRow),
			widgets.Sized(widgets.NewText(l.Kind, theme.Body, theme.Secondary), 68, 24), widgets.NewText(l.Value, theme.Body, color).Short())
		if !l.Missing {
			row.Add(c.page.copyButton(l.Value))
		}
		rows.Add(row)
	}
	return rows
}

func (p *mainPage) copyButton(text string) *widgets.Button {
	return widgets.NewSmallButton(lang.L("Copy"), "ui-copy", func() { p.app.o.App.Clipboard().SetContent(text) })
}
