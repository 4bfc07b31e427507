//go:build cgo || !darwin

package ui

import (
	"context"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/lang"

	"communicator/contacts"
	"communicator/im"
	"communicator/ui/theme"
	"communicator/ui/view"
	"communicator/ui/widgets"
)

// talksWindow is the one window of all conversations, a tab for each.
type talksWindow struct {
	app     *App
	window  fyne.Window
	tabs    *widgets.Tabs
	body    *fyne.Container
	pages   []page
	current string
	unread  map[string]int
	visible bool
}

// page is what a tab shows: a conversation, or a message to a group.
type page interface {
	key() string
	title() string
	icon() fyne.Resource
	build()                     // makes the content anew, in the current theme
	content() fyne.CanvasObject // the same until build
	refresh()
	focus()
}

func newTalksWindow(a *App) *talksWindow {
	w := &talksWindow{app: a, unread: map[string]int{}, body: container.NewStack(), tabs: widgets.NewTabs()}
	w.tabs.OnSelect, w.tabs.OnClose = w.choose, w.close
	w.tabs.OnNew = func() { a.window.Show(); a.window.RequestFocus(); a.main.find.focus() }
	w.window = a.o.App.NewWindow(lang.L("Conversations"))
	w.window.SetPadded(false)
	w.window.SetContent(container.NewStack(widgets.NewFill(theme.Background, "", ""),
		widgets.Page(w.tabs, w.body, nil)))
	w.window.SetMainMenu(w.menu())
	w.window.SetCloseIntercept(w.hide)
	return w
}

// menu lists what the keys of this window do.
func (w *talksWindow) menu() *fyne.MainMenu {
	next := fyne.NewMenuItem(lang.L("Next conversation"), w.next)
	next.Shortcut = &desktop.CustomShortcut{KeyName: fyne.KeyTab, Modifier: fyne.KeyModifierControl}
	return fyne.NewMainMenu(fyne.NewMenu(lang.L("Conversation"), next,
		key(lang.L("Close conversation"), fyne.KeyW, ctrl, func() { w.close(w.current) }),
		fyne.NewMenuItemSeparator(),
		key(lang.L("New message to…"), fyne.KeyN, ctrl, w.tabs.OnNew),
		key(lang.L("Earlier conversations"), fyne.KeyH, ctrl, w.app.signedIn(w.openPast)),
		key(lang.L("Contact list"), fyne.KeyL, ctrl, w.app.signedIn(func() { w.app.window.RequestFocus(); w.app.main.focus() }))))
}

// show raises the window.
func (w *talksWindow) show() {
	if !w.visible {
		w.window.Resize(fyne.NewSize(theme.Px(700), theme.Px(520)))
	}
	w.visible = true
	w.window.Show()
	w.window.RequestFocus()
	w.choose(w.current)
}

func (w *talksWindow) hide() {
	w.visible = false
	w.window.Hide()
}

// reset forgets all tabs: another session has begun.
func (w *talksWindow) reset() {
	w.pages, w.current, w.unread = nil, "", map[string]int{}
	w.hide()
	w.refresh()
}

// rebuild makes every page anew, in the current theme.
func (w *talksWindow) rebuild() {
	for _, p := range w.pages {
		p.build()
	}
	w.refresh()
}

// open shows the conversation with somebody.
func (w *talksWindow) open(user string) {
	if w.app.session == nil {
		return
	}
	w.current = w.talk(w.app.session.IM.With(user)).key()
	w.show()
}

// openGroup shows a message to everybody of a group.
func (w *talksWindow) openGroup(g contacts.Group) {
	p := newGroupPage(w.app, g)
	if i := w.at(p.key()); i >= 0 && !w.pages[i].(*groupPage).started {
		w.current = p.key()
	} else {
		if i >= 0 { // a finished one makes room; its result has been read
			w.pages = slices.Delete(w.pages, i, i+1)
		}
		w.add(p)
		w.current = p.key()
	}
	w.show()
}

// startShared sends the first line of a conversation that everyone sees; its page
// takes the place of the one where it was written.
func (w *talksWindow) startShared(from *groupPage, text string) {
	if w.app.session == nil {
		return
	}
	p := w.talk(w.app.session.IM.Together(from.group.Name, from.send.To()...)).(*talkPage)
	w.pages = slices.DeleteFunc(w.pages, func(x page) bool { return x == page(from) })
	w.choose(p.key())
	p.post(text)
}

// talk returns the page of a conversation, made if need be.
func (w *talksWindow) talk(c *im.Conversation) page {
	if i := w.at(c.Key()); i >= 0 {
		return w.pages[i]
	}
	return w.add(newTalkPage(w.app, c))
}

func (w *talksWindow) add(p page) page {
	w.pages = append(w.pages, p)
	p.build()
	if w.current == "" {
		w.current = p.key()
	}
	return p
}

func (w *talksWindow) at(key string) int {
	return slices.IndexFunc(w.pages, func(p page) bool { return p.key() == key })
}

// choose shows a tab and puts the focus where one writes.
func (w *talksWindow) choose(key string) {
	w.current = key
	delete(w.unread, key)
	w.refresh()
	if i := w.at(key); i >= 0 && w.visible {
		w.pages[i].focus()
	}
	w.seen()
}

// seen says that the user has read the conversation that shows, unless another
// program is before it.
func (w *talksWindow) seen() {
	i := w.at(w.current)
	if i < 0 || !w.visible || w.app.away {
		return
	}
	if p, is := w.pages[i].(*talkPage); is {
		w.app.do(lang.L("That it was read was not noted."), func(context.Context) error { p.with.MarkRead(); return nil })
	}
}

func (w *talksWindow) next() {
	if len(w.pages) > 0 {
		w.choose(w.pages[(w.at(w.current)+1)%len(w.pages)].key())
	}
}

// close takes a tab away. The conversation is kept.
func (w *talksWindow) close(key string) {
	i := w.at(key)
	if i < 0 {
		return
	}
	w.pages = slices.Delete(w.pages, i, i+1)
	if len(w.pages) == 0 {
		w.current = ""
		w.hide()
		w.refresh()
		return
	}
	w.choose(w.pages[min(i, len(w.pages)-1)].key())
}

// received shows that a message has come, without taking the focus.
func (w *talksWindow) received(m im.Message) {
	if w.app.session == nil {
		return
	}
	for _, c := range w.app.session.IM.Conversations() {
		if c.Key() != m.With {
			continue
		}
		w.talk(c)
		if !w.visible || m.With != w.current {
			w.unread[m.With]++
		}
		if !w.visible {
			w.tell(m)
		}
		w.changed(m.With)
		if m.With == w.current {
			w.seen()
		}
		return
	}
}

// delivered shows how far a message got: in its conversation, and in the result of
// a message to a group.
func (w *talksWindow) delivered(e im.DeliveryChanged) {
	for _, p := range w.pages {
		if g, is := p.(*groupPage); is && g.started && g.id == e.Delivery.ID {
			g.update(e.Delivery)
		}
	}
	w.changed(e.With)
}

// typing shows who is writing.
func (w *talksWindow) typing(e im.Typing) {
	if i := w.at(e.With); i >= 0 {
		if p, is := w.pages[i].(*talkPage); is {
			p.typing(e.From, e.Active)
		}
	}
}

// aged asks whether what was written long ago, while not connected, is still to
// be sent.
func (w *talksWindow) aged(e im.Aged) {
	if w.app.session == nil {
		return
	}
	all := w.app.session.IM.Conversations()
	i := slices.IndexFunc(all, func(c *im.Conversation) bool { return c.Key() == e.With })
	if i < 0 {
		return
	}
	for _, m := range all[i].Messages() { // of no other: those may have to be read from the disk
		if m.ID == e.ID && m.From == w.app.user {
			w.app.main.late(w.talk(all[i]).(*talkPage), m)
			return
		}
	}
}

// tell announces a message while the window does not show.
func (w *talksWindow) tell(m im.Message) {
	name := w.app.names.Of(m.From)
	read := widgets.NewSmallButton(lang.L("Read"), "ui-message", func() {
		w.current = m.With
		w.show()
	})
	w.app.main.announce(m.With, name, m.Text, read)
	w.app.o.App.SendNotification(fyne.NewNotification(name, m.Text))
}

// changed shows a conversation as it is now.
func (w *talksWindow) changed(key string) {
	if i := w.at(key); i >= 0 {
		w.pages[i].refresh()
	}
	w.strip()
}

// refresh shows everything as it is now.
func (w *talksWindow) refresh() {
	w.strip()
	w.body.Objects = nil
	if i := w.at(w.current); i >= 0 {
		w.pages[i].refresh()
		w.body.Objects = []fyne.CanvasObject{w.pages[i].content()}
	}
	w.body.Refresh()
}

// strip shows the tabs, and the current one's name in the title bar.
func (w *talksWindow) strip() {
	var tabs []widgets.Tab
	title := lang.L("Conversations")
	for _, p := range w.pages {
		tabs = append(tabs, widgets.Tab{Key: p.key(), Title: p.title(), Icon: p.icon(), Unread: w.unread[p.key()]})
		if p.key() == w.current {
			title = p.title()
		}
	}
	if !slices.Equal(tabs, w.tabs.Tabs()) || w.current != w.tabs.Current() {
		w.tabs.Set(tabs, w.current)
	}
	w.window.SetTitle(title + " – " + lang.L("Communicator"))
}

// names are the display names of some addresses.
func (a *App) namesOf(users []string) string {
	names := make([]string, len(users))
	for i, u := range users {
		names[i] = a.names.Of(u)
	}
	return strings.Join(names, ", ")
}

// faceOf is the icon of somebody's state now.
func (a *App) faceOf(user string) fyne.Resource { return theme.Presence(view.Face(a.of(user))) }
