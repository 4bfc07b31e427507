//go:build cgo || !darwin

package ui

import (
	"context"
	"slices"
	"strconv"
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

// requestsPage is the tab of what strangers have written: read, let in, blocked
// or put away. Nothing leaves this computer before that.
type requestsPage struct {
	app    *App
	box    *fyne.Container
	scroll *container.Scroll
}

const requestsKey = "requests"

func (p *requestsPage) key() string { return requestsKey }
func (p *requestsPage) title() string {
	return lang.L("Requests") + " (" + strconv.Itoa(len(p.app.requests())) + ")"
}
func (p *requestsPage) icon() fyne.Resource        { return theme.Tinted("ui-mail", theme.Secondary) }
func (p *requestsPage) content() fyne.CanvasObject { return p.box }
func (p *requestsPage) focus()                     {}

func (p *requestsPage) build() {
	p.scroll = container.NewVScroll(container.NewStack())
	p.box = container.NewStack(p.scroll)
	p.refresh()
}

func (p *requestsPage) refresh() {
	list := widgets.Column(12, widgets.NewText(lang.L("People you do not know have written. They are not told that you have read it."), theme.Caption, theme.Secondary).Short())
	requests := view.Requests(p.app.requests(), p.app.names, time.Now())
	for _, r := range requests {
		list.Add(p.request(r))
	}
	if len(requests) == 0 {
		list.Add(widgets.NewText(lang.L("Nothing waits here."), theme.Body, ""))
	}
	offset := p.scroll.Offset
	p.scroll.Content = widgets.Inset(12, 16, 12, 16, list)
	p.scroll.Refresh()
	p.scroll.ScrollToOffset(offset)
}

// request is one stranger with what he wrote. Links in it are plain text.
func (p *requestsPage) request(r view.Asking) fyne.CanvasObject {
	s := p.app.session
	head := widgets.Row(8, 0, widgets.NewText(r.Who, theme.Body, "").Strong().Short(), widgets.NewText(r.When, theme.Caption, theme.Secondary))
	lines := widgets.Column(4, head, widgets.NewText(dotted(r.Address, r.Outside, r.Count), theme.Caption, theme.Secondary).Short())
	for _, text := range r.Lines {
		lines.Add(paragraph("", text, false))
	}
	answers := widgets.Row(8, -1,
		widgets.NewSmallButton(lang.L("Accept"), "ui-check", func() { p.accept(r.With) }),
		widgets.NewSmallButton(lang.L("Block"), "ui-close", func() {
			p.app.do(lang.L("The sender was not blocked."), func(ctx context.Context) error { return s.Requests.Block(ctx, r.With) })
		}),
		widgets.NewSmallButton(lang.L("Put away"), "", func() {
			p.app.do(lang.L("The request was not put away."), func(context.Context) error { return s.Requests.Dismiss(r.With) })
		}))
	lines.Add(widgets.Inset(4, 0, 0, 0, answers))
	return widgets.Panel(widgets.NewFill(theme.BubbleTheirs, "", theme.PanelRadius), 12, lines)
}

// accept lets a stranger in and shows the conversation with him.
func (p *requestsPage) accept(key string) {
	a, s := p.app, p.app.session
	a.do(lang.L("The request was not accepted."), func(context.Context) error {
		if err := s.Requests.Accept(key); err != nil {
			return err
		}
		a.post(func() {
			for _, c := range s.IM.Conversations() {
				if c.Key() == key && s == a.session {
					a.talks.current = a.talks.talk(c).key()
				}
			}
			a.talks.refresh()
		})
		return nil
	})
}

// requests are those who wait now.
func (a *App) requests() []session.Request {
	if a.session == nil {
		return nil
	}
	return a.session.Requests.List()
}

// requestsChanged shows the box as it is now: a line in the main window, without
// a sound, and the tab if it is open.
func (a *App) requestsChanged() {
	a.main.requested(len(a.requests()))
	a.talks.changed(requestsKey)
}

// openRequests shows the box.
func (w *talksWindow) openRequests() {
	if w.at(requestsKey) < 0 {
		w.add(&requestsPage{app: w.app})
	}
	w.current = requestsKey
	w.show()
}

// requested says how many strangers wait; none: nothing.
func (p *mainPage) requested(n int) {
	if old := p.announced[requestsKey]; old != nil {
		p.dismiss(old)
		delete(p.announced, requestsKey)
	}
	if n == 0 {
		return
	}
	show := widgets.NewSmallButton(lang.L("Show"), "", p.app.talks.openRequests)
	p.announced[requestsKey] = p.banner(theme.BubbleTheirs, "ui-mail", theme.Secondary, view.RequestsLine(n), lang.L("They wait until you let them in."), show)
}

// outside is the mark of somebody of another organisation; empty for others.
func (a *App) outside(user string) string {
	return view.OutsideMark(a.session != nil && a.session.Outside(user))
}

// dotted joins what is not empty.
func dotted(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), " · ")
}
