//go:build cgo || !darwin

package ui

import (
	"context"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"

	"communicator/history"
	"communicator/im"
	"communicator/ui/theme"
	"communicator/ui/view"
	"communicator/ui/widgets"
)

// pastPage is the tab in which earlier conversations are found: the latest ones,
// or the lines that have what is typed.
type pastPage struct {
	app   *App
	box   fyne.CanvasObject
	entry *widgets.Entry
	list  *container.Scroll
	asked int // counts searches: a late answer to an earlier one is dropped
}

const (
	pastKey   = "past"
	pastRows  = 50
	pastHits  = 100
	jumpLines = 500   // are read at a time on the way to a date
	jumpMost  = 10000 // and in all
)

func (p *pastPage) key() string                { return pastKey }
func (p *pastPage) title() string              { return lang.L("Earlier conversations") }
func (p *pastPage) icon() fyne.Resource        { return theme.Tinted("ui-clock", theme.Secondary) }
func (p *pastPage) content() fyne.CanvasObject { return p.box }
func (p *pastPage) focus()                     { p.app.talks.window.Canvas().Focus(p.entry) }
func (p *pastPage) refresh()                   {}

func (p *pastPage) build() {
	text := ""
	if p.entry != nil {
		text = p.entry.Text
	}
	p.entry = widgets.NewEntry(lang.L("Search what was said"))
	p.entry.Icon = theme.Tinted("ui-search", theme.Secondary)
	p.list = container.NewVScroll(container.NewStack())
	p.box = widgets.Page(widgets.Inset(8, 13, 4, 13, p.entry), p.list, nil)
	p.entry.SetText(text)
	p.entry.OnChanged = func(string) { p.search() }
	p.search()
}

// search fills the list from the file, off the user-interface goroutine.
func (p *pastPage) search() {
	s, text, self, names := p.app.session, strings.TrimSpace(p.entry.Text), p.app.user, p.app.names
	if s == nil {
		return
	}
	p.asked++
	asked := p.asked
	p.app.do(lang.L("The history could not be read."), func(context.Context) error {
		store, err := s.History.Open()
		if err != nil {
			return err
		}
		rows, err := pastOf(store, text, self, names)
		p.app.post(func() {
			if asked == p.asked {
				p.show(rows)
			}
		})
		return err
	})
}

// pastOf are the rows for what is typed; nothing typed: the latest conversations.
func pastOf(store *history.Store, text, self string, names view.Names) ([]view.Past, error) {
	if text == "" {
		talks, err := store.Talks(pastRows)
		return view.Talks(talks, self, names, time.Now()), err
	}
	found, err := store.Search(history.Query{Text: text, Limit: pastHits})
	return view.Found(found, self, names, time.Now()), err
}

func (p *pastPage) show(rows []view.Past) {
	list := widgets.Column(0)
	for _, r := range rows {
		words := widgets.Column(0,
			widgets.Row(8, 0, widgets.NewText(r.Title, theme.Body, "").Strong().Short(), widgets.NewText(r.Mark, theme.Caption, theme.Primary), widgets.NewText(r.When, theme.Caption, theme.Secondary)),
			widgets.NewText(r.Text, theme.Caption, theme.Secondary).Short())
		open := widgets.NewSmallButton(lang.L("Open"), "", func() { p.open(r) })
		list.Add(widgets.Inset(6, 13, 6, 13, widgets.Row(12, 0, words, open)))
		list.Add(widgets.NewLine())
	}
	if len(rows) == 0 {
		list.Add(widgets.Inset(12, 13, 0, 13, widgets.NewText(lang.L("Nothing found."), theme.Body, theme.Secondary)))
	}
	p.list.Content = list
	p.list.Refresh()
	p.list.ScrollToTop()
}

// open shows a conversation, at the line that was found.
func (p *pastPage) open(r view.Past) {
	w := p.app.talks
	c := w.conversation(r)
	if c == nil {
		return
	}
	talk := w.talk(c).(*talkPage)
	w.choose(talk.key())
	if p.entry.Text != "" {
		talk.jump(r.At)
	}
}

// conversation is the one that a row tells of.
func (w *talksWindow) conversation(r view.Past) *im.Conversation {
	s := w.app.session
	if s == nil {
		return nil
	}
	if id, shared := strings.CutPrefix(r.With, "group:"); shared {
		return s.IM.Joint(im.Group{ID: id, Title: r.Called, Members: r.Members})
	}
	return s.IM.With(strings.Split(r.With, ",")...)
}

// openPast shows the tab of earlier conversations.
func (w *talksWindow) openPast() {
	if w.at(pastKey) < 0 {
		w.add(&pastPage{app: w.app})
	}
	w.current = pastKey
	w.show()
}

// jump shows the first line of that time or later, and reads on disk as far back.
func (p *talkPage) jump(at time.Time) {
	p.app.do(lang.L("The earlier messages were not read."), func(ctx context.Context) error {
		for ctx.Err() == nil {
			lines := p.with.Messages()
			if len(lines) == 0 || !lines[0].Time.After(at) || len(lines) >= jumpMost || p.with.Earlier(jumpLines) == 0 {
				break
			}
		}
		p.app.post(func() {
			lines := p.with.Messages()
			i := 0
			for i < len(lines)-1 && lines[i].Time.Before(at) {
				i++
			}
			p.shown = max(p.shown, len(lines)-i+pageOfMessages/2)
			p.refresh()
			p.messages.Reveal(len(p.messages.Entries()) - (len(lines) - i))
		})
		return nil
	})
}

// askDate asks for the day to go to.
func (p *talkPage) askDate() {
	p.ask(lang.L("Go to a date"), lang.L("As in 2026-05-31"), time.Now().Format(time.DateOnly), func(text string) {
		day, err := time.ParseInLocation(time.DateOnly, text, time.Local)
		if err != nil {
			p.app.main.notice(view.Problem{What: lang.L("{{.Text}} is no date.", map[string]any{"Text": text}), Remedy: lang.L("Write year, month and day, as in 2026-05-31.")})
			return
		}
		p.jump(day)
	})
}
