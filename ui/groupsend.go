//go:build cgo || !darwin

package ui

import (
	"context"
	"strconv"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"
	"github.com/google/uuid"

	"communicator/contacts"
	"communicator/im"
	"communicator/ui/theme"
	"communicator/ui/view"
	"communicator/ui/widgets"
)

// manyPeople is from how many recipients on the window asks once more.
const manyPeople = 50

// chipsShown is how many people are listed one by one before it is sent.
const chipsShown = 24

// groupPage is one message to everybody of a group: who will get it, then who
// got it, failures first.
type groupPage struct {
	app      *App
	group    contacts.Group
	send     *view.GroupSend
	text     string
	id       string // of the message: trying again repeats it, and who has it shows it once
	started  bool
	together bool // they see each other
	stop     context.CancelFunc
	stale    bool              // something has changed and is not shown
	open     map[im.State]bool // parts of the result that are unfolded

	box    *fyne.Container
	scroll *container.Scroll
	entry  *widgets.Entry
	count  *widgets.Text
}

func newGroupPage(a *App, g contacts.Group) *groupPage {
	return &groupPage{app: a, group: g, send: view.NewGroupSend(g.Members), open: map[im.State]bool{}}
}

func (p *groupPage) key() string                { return "group:" + p.group.Name }
func (p *groupPage) title() string              { return p.group.Name + " (" + strconv.Itoa(p.send.Total()) + ")" }
func (p *groupPage) icon() fyne.Resource        { return theme.Icon("ui-people") }
func (p *groupPage) content() fyne.CanvasObject { return p.box }

func (p *groupPage) focus() {
	if !p.started {
		p.app.talks.window.Canvas().Focus(p.entry)
	}
}

func (p *groupPage) build() {
	draft := ""
	if p.entry != nil {
		draft = p.entry.Text
	}
	p.entry = widgets.NewTextEntry(lang.L("Write the message"), 5)
	p.count = widgets.NewText("", theme.Caption, theme.Secondary).Short()
	p.entry.OnReturn = p.submit
	p.entry.OnChanged = func(text string) {
		p.count.Set(lang.L("{{.N}} characters", map[string]any{"N": len([]rune(text))}))
	}
	p.entry.SetText(draft)
	p.entry.OnChanged(draft)
	p.scroll = container.NewVScroll(container.NewStack())
	p.box = container.NewStack(p.scroll)
	p.refresh()
}

func (p *groupPage) refresh() {
	offset := p.scroll.Offset
	content := p.plan
	if p.started {
		content = p.result
	}
	p.scroll.Content = widgets.Inset(12, 16, 12, 16, content())
	p.scroll.Refresh()
	p.scroll.ScrollToOffset(offset)
}

// plan is the page before it is sent.
func (p *groupPage) plan() fyne.CanvasObject {
	plan := p.send.Plan(p.app.of)
	chips := widgets.Flow(6)
	for i, r := range plan {
		if i == chipsShown {
			more := lang.L("and {{.N}} more", map[string]any{"N": len(plan) - chipsShown})
			chips.Add(widgets.Inset(5, 4, 5, 4, widgets.NewText(more, theme.Caption, theme.Secondary)))
			break
		}
		chips.Add(chip(r))
	}
	to := widgets.Row(4, 1, widgets.NewText(lang.L("To: {{.Group}}", map[string]any{"Group": p.group.Name}), theme.Body, "").Strong(),
		widgets.NewText("— "+view.Headline(plan), theme.Body, theme.Secondary).Short())
	words := lang.L("Send to {{.N}} people", map[string]any{"N": p.send.Total()})
	button := widgets.NewButton(words, "ui-send", widgets.Filled, p.submit)
	button.Enable(p.app.connected())
	return widgets.Column(12, to, chips, p.how(), p.entry, widgets.Row(8, 0, p.count, button))
}

// how lets the user say whether they see each other.
func (p *groupPage) how() fyne.CanvasObject {
	each, all := lang.L("Separately to each"), lang.L("One conversation for everyone")
	words := widgets.NewText("", theme.Caption, theme.Secondary).Short()
	say := func() {
		words.Set(lang.L("Everybody gets a private copy; replies come to you alone."))
		if p.together {
			words.Set(lang.L("They see each other; replies go to everyone."))
		}
	}
	choice := widget.NewRadioGroup([]string{each, all}, nil)
	choice.Horizontal, choice.Required, choice.Selected = true, true, each
	if p.together {
		choice.Selected = all
	}
	choice.OnChanged = func(chosen string) { p.together = chosen == all; say() }
	say()
	return widgets.Panel(widgets.NewFill(theme.Selection, theme.Primary, theme.Radius), 9, widgets.Column(0, choice, words))
}

// chip is one recipient before it is sent.
func chip(r view.Recipient) fyne.CanvasObject {
	row := widgets.Row(6, -1, widgets.NewIcon(theme.Presence(r.Face), theme.IconRow), widgets.NewText(r.Name, theme.Body, ""))
	if r.Hint != "" {
		row.Add(widgets.NewText(r.Hint, theme.Caption, theme.Secondary))
	}
	return container.NewStack(widgets.NewFill("", theme.Separator, theme.ChipRadius), widgets.Inset(4, 10, 4, 9, row))
}

// submit sends it, after asking once more when many people would get it.
func (p *groupPage) submit() {
	text := strings.TrimSpace(p.entry.Text)
	if text == "" || p.started || !p.app.connected() {
		return
	}
	if p.send.Total() <= manyPeople {
		p.begin(text)
		return
	}
	dialog.ShowConfirm(lang.L("Message many people"),
		lang.L("{{.N}} people will get this message. Send it?", map[string]any{"N": p.send.Total()}),
		func(ok bool) {
			if ok {
				p.begin(text)
			}
		}, p.app.talks.window)
}

// begin sends to everybody.
func (p *groupPage) begin(text string) {
	if p.together {
		p.app.talks.startShared(p, text)
		return
	}
	p.started, p.text, p.id = true, text, uuid.NewString()
	p.deliver(p.send.To())
}

// update takes where the message stands at somebody. However many change, the page
// is drawn anew ten times a second at most.
func (p *groupPage) update(d im.Delivery) {
	p.send.Update(d)
	if p.stale {
		return
	}
	p.stale = true
	time.AfterFunc(handOver, func() { // what it posts is harmless when the window has closed
		p.app.post(func() { p.stale = false; p.refresh() })
	})
}

// deliver sends to these people and shows the state of each as it comes.
func (p *groupPage) deliver(to []string) {
	s := p.app.session
	if s == nil || len(to) == 0 {
		return
	}
	p.send.Begin(to...)
	ctx, stop := context.WithCancel(p.app.ctx)
	p.stop = stop
	p.refresh()
	p.app.work.Add(1)
	go func() { // ends when every recipient has a final state, or after stop
		defer p.app.work.Done()
		defer stop()
		err := s.IM.SendEach(ctx, im.Bulk{ID: p.id, To: to, Text: p.text, Each: func(d im.Delivery) {
			p.app.post(func() { p.update(d) })
		}})
		p.app.post(func() {
			p.send.Stopped()
			if err != nil && ctx.Err() == nil {
				p.app.main.notice(view.Explain(lang.L("The message was not sent."), err))
			}
			p.refresh()
		})
	}()
}
