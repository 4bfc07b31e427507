//go:build cgo || !darwin

package ui

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"

	"communicator/im"
	"communicator/inorder"
	"communicator/ui/theme"
	"communicator/ui/view"
	"communicator/ui/widgets"
)

// pageOfMessages is how many messages are drawn at first, and added each time.
const pageOfMessages = 200

// storedMessages is how many of them a conversation has in memory at first;
// with fewer, there are no others.
const storedMessages = 100

// talkPage is one conversation: who it is with, what was said, and where one
// writes.
type talkPage struct {
	app      *App
	with     *im.Conversation
	box      fyne.CanvasObject
	top      *fyne.Container
	face     *widgets.Icon
	name     *widgets.Text
	words    *widgets.Text
	note     *widgets.Text
	earlier  *widgets.Button // shows older messages
	shown    int             // how many messages at most
	all      bool            // nothing earlier is stored
	leaving  inorder.Queue   // what was written and is not stored yet
	messages *widgets.MessageList
	entry    *widgets.Entry
	send     *widgets.Button
	hint     *widgets.Text
	typers   []string // who is writing
	typed    *widgets.Text
}

func newTalkPage(a *App, c *im.Conversation) *talkPage {
	return &talkPage{app: a, with: c, shown: pageOfMessages}
}

func (p *talkPage) key() string { return p.with.Key() }

func (p *talkPage) title() string {
	if title := p.with.Title(); title != "" {
		return title
	}
	return p.app.namesOf(p.with.Members())
}

func (p *talkPage) content() fyne.CanvasObject { return p.box }
func (p *talkPage) focus()                     { p.app.talks.window.Canvas().Focus(p.entry) }

func (p *talkPage) icon() fyne.Resource {
	if m := p.with.Members(); len(m) == 1 {
		return p.app.faceOf(m[0])
	}
	return theme.Icon("ui-people")
}

// build makes the page; what was being written stays.
func (p *talkPage) build() {
	draft := ""
	if p.entry != nil {
		draft = p.entry.Text
	}
	p.messages = widgets.NewMessageList()
	p.messages.OnAgain = func(e view.Entry) { p.again(e.ID) }
	p.messages.OnMail = p.mail
	p.messages.OnLink = p.app.follow
	p.messages.OnEdit = func(e view.Entry) { // the draft stays, behind it
		p.entry.SetText(strings.TrimSpace(e.Edit + "\n" + p.entry.Text))
		p.focus()
	}
	p.earlier = widgets.NewButton(lang.L("Show earlier messages"), "", widgets.Link, p.showEarlier)
	p.earlier.Hide()
	p.with.Opened()
	head := widgets.Column(0, p.head(), container.NewCenter(p.earlier))
	p.box = widgets.Page(head, widgets.Box(p.messages), p.composer(draft))
}

func (p *talkPage) head() fyne.CanvasObject {
	p.face = widgets.NewIcon(p.icon(), theme.IconHead)
	p.name = widgets.NewText(p.title(), theme.Title, "").Strong()
	p.words = widgets.NewText("", theme.Body, theme.Secondary).Short()
	p.note = widgets.NewText("", theme.Caption, theme.Secondary).Short()
	text := widgets.Column(0, widgets.Row(8, 1, p.name, p.words), p.note)
	more := widgets.NewButton("", "ui-more", widgets.Plain, nil)
	more.OnTapped = func() { widgets.Below(more, p.menu()) }
	p.top = widgets.Sized(widgets.Inset(6, 13, 6, 13, widgets.Row(12, 1, p.face, text, more)), 0, 54)
	return p.top
}

// showEarlier shows another page of messages, those on disk at last.
func (p *talkPage) showEarlier() {
	p.shown += pageOfMessages
	p.refresh()
	if len(p.with.Messages()) >= p.shown {
		return
	}
	p.app.do(lang.L("The earlier messages were not read."), func(context.Context) error {
		found := p.with.Earlier(pageOfMessages)
		p.app.post(func() { p.all = found == 0; p.refresh() })
		return nil
	})
}

func (p *talkPage) menu() *fyne.Menu {
	items := []*fyne.MenuItem{item(lang.L("Copy the conversation"), "ui-copy", p.copyAll),
		item(lang.L("Go to a date…"), "ui-calendar", p.askDate), item(lang.L("Search what was said"), "ui-search", p.app.talks.openPast)}
	if m := p.with.Members(); len(m) == 1 {
		row := view.Row{Kind: view.PersonRow, User: m[0], Name: p.app.names.Of(m[0])}
		items = append(items, item(lang.L("Show contact card"), "ui-person", func() {
			p.app.window.RequestFocus()
			p.app.main.card(row)
		}))
	}
	if p.with.Shared() {
		items = append(items, p.sharedItems()...)
	}
	return fyne.NewMenu("", items...)
}

func (p *talkPage) copyAll() {
	p.app.o.App.Clipboard().SetContent(view.Plain(p.with.Messages(), p.app.user, p.app.names, time.Now()))
}

func (p *talkPage) composer(draft string) fyne.CanvasObject {
	p.entry = widgets.NewTextEntry(lang.L("Write a message — Enter sends, Shift+Enter for a new line"), 2)
	p.entry.OnReturn = p.submit
	p.entry.SetText(draft)
	p.entry.OnChanged = func(text string) {
		p.entry.SetMinRowsVisible(min(max(strings.Count(text, "\n")+1, 2), 6))
		p.with.Typing(strings.TrimSpace(text) != "")
	}
	p.typed = widgets.NewText("", theme.Caption, theme.Secondary).Short()
	p.typed.Hide()
	p.send = widgets.NewButton(lang.L("Send"), "ui-send", widgets.Filled, p.submit)
	p.hint = widgets.NewText(lang.L("Not connected: what you send leaves when you are connected again."), theme.Caption, theme.Warning)
	p.hint.Hide()
	side := container.NewBorder(nil, p.send, nil, nil)
	row := widgets.Beside(p.entry, widgets.Inset(0, 0, 0, 8, side))
	return container.NewBorder(widgets.NewLine(), nil, nil, nil, widgets.Inset(8, 13, 10, 13, widgets.Column(4, p.typed, row, p.hint)))
}

// typing notes who is writing.
func (p *talkPage) typing(who string, active bool) {
	p.typers = slices.DeleteFunc(p.typers, func(t string) bool { return t == who })
	if active {
		p.typers = append(p.typers, who)
	}
	p.refresh()
}

// submit sends what was written. While not connected it waits in the outbox.
func (p *talkPage) submit() {
	text := strings.TrimSpace(p.entry.Text)
	if text == "" {
		return
	}
	p.entry.SetText("")
	p.post(text)
}

// again repeats a message under its own Call-ID, to those whom it has not
// reached for certain: whoever got it after all shows it once.
func (p *talkPage) again(id string) {
	p.app.do(lang.L("The message was not sent."), func(ctx context.Context) error {
		_, err := p.with.Again(ctx, id)
		p.app.post(p.refresh)
		return err
	})
}

// discard gives up a message that waits to be sent.
func (p *talkPage) discard(id string) {
	p.app.do("", func(context.Context) error { // it is written to the disk
		p.with.Discard(id)
		p.app.post(p.refresh)
		return nil
	})
}

// post sends a message, after those that were written before it. One that cannot
// be sent at all goes back to the field.
func (p *talkPage) post(text string) {
	p.leaving.Add(func() {
		err := p.with.Submit(text)
		p.app.post(func() {
			if err != nil {
				p.app.main.notice(view.Explain(lang.L("The message was not sent."), err))
				if p.entry.Text == "" {
					p.entry.SetText(text)
				}
			}
			p.refresh()
		})
	})
	p.app.do("", func(context.Context) error { p.leaving.Flush(); return nil })
}

// mail hands a failed message to the mail program.
func (p *talkPage) mail(e view.Entry) {
	u := &url.URL{Scheme: "mailto", Opaque: url.PathEscape(strings.Join(p.with.Members(), ",")),
		RawQuery: "body=" + url.PathEscape(e.Text)}
	if err := p.app.o.App.OpenURL(u); err != nil {
		p.app.main.notice(view.Explain(lang.L("The mail program did not start."), err))
	}
}

func (p *talkPage) refresh() {
	now := time.Now()
	p.face.Set(p.icon())
	p.name.Set(p.title())
	if m := p.with.Members(); len(m) == 1 {
		s := p.app.of(m[0])
		p.words.Set(dotted(view.Words(s, now), p.app.outside(m[0])))
		p.note.Set(view.Note(s, now))
	} else {
		p.words.Set(view.Company(p.with.Shared(), m, p.app.names))
	}
	setVisible(p.note, p.note.Text != "")
	p.top.Refresh()
	entries := view.Transcript(p.with.Messages(), p.app.user, p.app.names, now)
	more := len(entries) > p.shown || len(entries) >= storedMessages && !p.all
	p.messages.SetEntries(entries[max(len(entries)-p.shown, 0):])
	if p.earlier.Visible() != more {
		setVisible(p.earlier, more)
		p.box.Refresh()
	}
	p.typed.Set(view.Typing(p.typers, p.app.names))
	if p.typed.Visible() != (len(p.typers) > 0) {
		setVisible(p.typed, len(p.typers) > 0)
		p.box.Refresh()
	}
	if p.hint.Visible() == p.app.connected() {
		setVisible(p.hint, !p.app.connected())
		p.box.Refresh()
	}
}
