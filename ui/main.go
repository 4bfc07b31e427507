//go:build cgo || !darwin

package ui

import (
	"context"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"

	"communicator/contacts"
	"communicator/im"
	"communicator/session"
	"communicator/ui/theme"
	"communicator/ui/view"
	"communicator/ui/widgets"
)

// mainPage is the main window when signed in: oneself, the find box, the
// people, the state of the connection.
type mainPage struct {
	app     *App
	content fyne.CanvasObject
	top     *fyne.Container
	banners *fyne.Container // lost connection, a failure, somebody who wants to see one's state
	doubted *fyne.Container // the question about a list that has shrunk; nil: none
	lost    *lostBanner
	own     *ownHeader
	find    *findBox
	people  *widgets.ContactList
	empty   *fyne.Container
	status  *statusBar
	open    *card // the contact card that shows; nil: none

	announced map[string]*fyne.Container // banners of unread conversations
	asking    map[string]*fyne.Container // questions of people who want to see one's state
	folded    map[string]bool
	order     view.Order
	compact   bool
}

func newMainPage(a *App) *mainPage {
	p := &mainPage{app: a, folded: map[string]bool{}, announced: map[string]*fyne.Container{}, asking: map[string]*fyne.Container{}}
	if a.main != nil { // built anew in another look
		p.folded, p.order, p.compact = a.main.folded, a.main.order, a.main.compact
	} else {
		p.recall()
	}
	p.people = widgets.NewContactList()
	p.people.OnOpen = func(r view.Row) { p.message(r.User, r.Name) }
	p.people.OnMessageAll = func(r view.Row) { p.messageAll(r.Group) }
	p.people.OnFold = func(group string, fold bool) { p.folded[group] = fold; p.arranged() }
	p.people.OnCard, p.people.OnMenu = p.card, p.contextMenu
	p.people.OnLeave = func() { p.find.leave() }
	p.lost, p.own, p.find, p.status = newLostBanner(a), newOwnHeader(a), newFindBox(p), newStatusBar()
	p.banners = widgets.Column(0)
	if a.main != nil { // what is asked stays
		p.banners, p.doubted, p.asking, p.announced = a.main.banners, a.main.doubted, a.main.asking, a.main.announced
	}
	p.empty = p.emptyState()
	p.top = widgets.Column(0, p.lost.content, p.banners, p.own.content, p.find.content)
	p.content = container.NewStack(widgets.NewFill(theme.Background, "", ""),
		widgets.Page(p.top, container.NewStack(widgets.Box(p.people), p.empty), p.status.content))
	if a.main != nil && a.main.find.searching() {
		p.find.entry.SetText(a.main.find.entry.Text)
	}
	return p
}

// emptyState is shown while nobody is on the list.
func (p *mainPage) emptyState() *fyne.Container {
	text := richText("", lang.L("Your team appears when the organisation chart has been read."), false)
	words := widgets.NewText(lang.L("Nobody here yet"), theme.Title, "").Strong()
	words.Align, text.Segments[0] = fyne.TextAlignCenter, centred(text.Segments[0])
	find := widgets.NewButton(lang.L("Find people"), "ui-search", widgets.Plain, func() { p.find.focus() })
	icon := widgets.Sized(widgets.NewIcon(theme.Tinted("marker-orgchart", theme.Secondary), theme.IconSelf), 0, 48)
	return container.NewCenter(widgets.Sized(widgets.Column(8, icon, words, text, container.NewCenter(find)), 320, 0))
}

func (p *mainPage) focus() { p.app.window.Canvas().Focus(p.people) }

// refresh shows everything as it is now.
func (p *mainPage) refresh() {
	now := time.Now()
	before := p.top.MinSize()
	p.lost.show(p.app, now)
	p.own.refresh(now)
	p.status.show(view.WithBook(view.StatusOf(p.app.state, now), p.app.book, now.Sub(p.app.bookBegun)))
	if now := p.top.MinSize(); now != before {
		p.content.Refresh()
		p.hold(now.Height - before.Height)
	}
	if p.open != nil {
		p.open.refresh()
	}
	p.people.Searching = p.find.searching()
	if p.people.Searching {
		p.find.refresh(now)
		return
	}
	rows := view.Book{
		List: p.app.list, State: p.app.of, Blocked: p.app.blocked, Connected: p.app.connected(), Folded: p.folded,
		Order: p.order, Compact: p.compact, Now: now,
	}.Rows()
	p.people.SetRows(rows)
	setVisible(p.empty, len(rows) == 0)
}

// hold scrolls the list by what the head of the window has grown, so that every
// row stays at its place on the screen, under the pointer.
func (p *mainPage) hold(grown float32) {
	p.people.ScrollToOffset(max(p.people.GetScrollOffset()+grown, 0))
}

// arranged shows the list as the user has arranged it now, and remembers it.
func (p *mainPage) arranged() {
	p.keep()
	p.app.window.SetMainMenu(p.app.mainMenu()) // its check marks
	p.refresh()
}

// message opens a conversation.
func (p *mainPage) message(user, name string) {
	if user != "" {
		p.app.watch(user)
		if p.app.names[user] == "" && name != "" {
			p.app.names[user] = name
		}
		p.app.talks.open(user)
	}
}

// messageAll opens a message to everybody of a group.
func (p *mainPage) messageAll(group string) {
	if g, ok := p.app.list.Group(group); ok && len(g.Members) > 0 {
		p.app.talks.openGroup(g)
	}
}

// edit changes the contact list on the server.
func (p *mainPage) edit(doing string, e contacts.Edit) {
	s := p.app.session
	if s == nil {
		return
	}
	p.app.do(doing, func(ctx context.Context) error { return s.Contacts.Edit(ctx, e) })
}

// notice tells that something did not work, until the user has read it.
func (p *mainPage) notice(why view.Problem) {
	p.banner(theme.ErrorTint, "ui-warning", theme.Error, why.What, joinSentences(why.Why, why.Remedy), nil)
}

// asks tells that somebody wants to see one's state. The answer holds for good.
func (p *mainPage) asks(w session.WatcherAsks) {
	name := w.Name
	if name == "" {
		name = w.User
	}
	if old := p.asking[w.User]; old != nil {
		p.dismiss(old)
	}
	answer := func(a contacts.Access, add bool) func() {
		return func() {
			p.dismiss(p.asking[w.User])
			delete(p.asking, w.User)
			p.access(w.User, a)
			if add {
				p.edit(lang.L("The contact was not added."), contacts.Edit{Op: contacts.Add, User: w.User, Name: w.Name})
			}
		}
	}
	p.asking[w.User] = p.question(lang.L("{{.Name}} wants to see your state", map[string]any{"Name": name}), w.User,
		widgets.NewSmallButton(lang.L("Allow and add"), "", answer(contacts.Allow, true)),
		widgets.NewSmallButton(lang.L("Allow"), "", answer(contacts.Allow, false)),
		widgets.NewSmallButton(lang.L("Block"), "", answer(contacts.Block, false)))
}

// late asks whether an own message that waited too long is still to be sent.
func (p *mainPage) late(talk *talkPage, m im.Message) {
	var asked *fyne.Container
	answer := func(words string, do func()) *widgets.Button {
		return widgets.NewSmallButton(words, "", func() { p.dismiss(asked); do() })
	}
	asked = p.question(lang.L("Still send this to {{.Name}}?", map[string]any{"Name": talk.title()}),
		lang.L("Written {{.Time}}, while not connected: {{.Text}}", map[string]any{"Time": view.Clock(m.Time, time.Now()), "Text": view.Glimpse(m.Text)}),
		answer(lang.L("Send it"), func() { talk.again(m.ID) }),
		answer(lang.L("Discard"), func() { talk.discard(m.ID) }))
}

// access decides what somebody gets of one's own state.
func (p *mainPage) access(user string, a contacts.Access) {
	s := p.app.session
	if s == nil {
		return
	}
	p.app.do(lang.L("What others see was not changed."), func(ctx context.Context) error { return s.Contacts.SetAccess(ctx, user, a) })
}

// announce tells that a message has come while its window does not show. A
// further one of the same conversation takes the place of the first.
func (p *mainPage) announce(key, name, text string, read *widgets.Button) {
	if old := p.announced[key]; old != nil {
		p.banners.Remove(old)
		p.hold(-old.MinSize().Height)
	}
	p.announced[key] = p.banner(theme.BubbleTheirs, "ui-message", theme.Primary, name, text, read)
}

// banner shows one more line over the window, with an action and a button that
// closes it. It never takes the focus.
func (p *mainPage) banner(tint fyne.ThemeColorName, icon string, color fyne.ThemeColorName, title, text string, action *widgets.Button) *fyne.Container {
	words := widgets.Column(0, widgets.NewText(title, theme.Body, "").Strong().Short(), widgets.NewText(text, theme.Caption, "").Short())
	row := widgets.Row(8, 1, widgets.NewIcon(theme.Tinted(icon, color), theme.IconRow), words)
	line := container.NewStack(widgets.NewFill(tint, "", ""), container.NewBorder(nil, widgets.NewLine(), nil, nil, widgets.Inset(6, 8, 6, 13, row)))
	closing := widgets.NewButton("", "ui-close", widgets.Quiet, func() { p.dismiss(line) })
	if action != nil {
		tapped := action.OnTapped
		action.OnTapped = func() { tapped(); closing.OnTapped() }
		row.Add(action)
	}
	row.Add(closing)
	p.add(line)
	return line
}

// question shows what the user has to decide; it stays until then.
func (p *mainPage) question(title, text string, answers ...*widgets.Button) *fyne.Container {
	buttons := widgets.Row(8, -1)
	for _, b := range answers {
		buttons.Add(b)
	}
	words := widgets.Column(6, widgets.NewText(title, theme.Body, "").Strong().Short(), paragraph("", text, false), buttons)
	icon := container.NewBorder(widgets.Inset(2, 8, 0, 0, widgets.NewIcon(theme.Tinted("ui-warning", theme.Warning), theme.IconRow)), nil, nil, nil)
	body := widgets.Inset(6, 8, 8, 13, container.NewBorder(nil, nil, icon, nil, words))
	rule := widgets.Sized(widgets.NewFill(theme.WarningLine, "", ""), 0, 1)
	line := container.NewStack(widgets.NewFill(theme.WarningTint, "", ""), container.NewBorder(nil, rule, nil, nil, body))
	p.add(line)
	return line
}

func (p *mainPage) add(line *fyne.Container) {
	p.banners.Add(line)
	p.content.Refresh()
	p.hold(line.MinSize().Height)
}

// dismiss takes a line away again.
func (p *mainPage) dismiss(line *fyne.Container) {
	p = p.app.main // the page may have been built anew since
	grown := -line.MinSize().Height
	p.banners.Remove(line)
	p.content.Refresh()
	p.hold(grown)
}

// forget takes away what the session before has told and asked: the next may be
// another user's.
func (p *mainPage) forget() {
	p.banners.RemoveAll()
	p.doubted = nil
	clear(p.asking)
	clear(p.announced)
	if p.open != nil {
		p.open.close()
	}
	p.find.entry.SetText("")
}

// lostBanner says that the connection is lost and when it is tried again.
type lostBanner struct {
	content     *fyne.Container
	title, text *widgets.Text
	now         *widgets.Button // tries again without waiting
}

func newLostBanner(a *App) *lostBanner {
	b := &lostBanner{title: widgets.NewText("", theme.Body, "").Strong().Short(), text: widgets.NewText("", theme.Caption, "").Short()}
	b.now = widgets.NewSmallButton(lang.L("Now"), "ui-retry", func() {
		if a.session != nil {
			a.session.TryNow()
		}
	})
	row := widgets.Row(10, 1, widgets.NewIcon(theme.Tinted("ui-plug", theme.Warning), theme.IconRow), widgets.Column(0, b.title, b.text), b.now)
	b.content = container.NewStack(widgets.NewFill(theme.WarningTint, "", ""), container.NewBorder(nil,
		widgets.Sized(widgets.NewFill(theme.WarningLine, "", ""), 0, 1), nil, nil, widgets.Inset(8, 12, 8, 13, row)))
	b.content.Hide()
	return b
}

func (b *lostBanner) show(a *App, now time.Time) {
	if !a.lost.IsZero() {
		said := view.Lost(a.state, a.lost, now)
		b.title.Set(said.Title)
		b.text.Set(said.Text)
		setVisible(b.now, a.state.Phase == session.Waiting)
	}
	setVisible(b.content, !a.lost.IsZero())
}

// statusBar is the line at the foot of the window.
type statusBar struct {
	content     *fyne.Container
	dot         *widgets.Icon
	text, right *widgets.Text
	shown       view.StatusLine
}

func newStatusBar() *statusBar {
	s := &statusBar{
		dot:   widgets.NewIcon(theme.Tinted("ui-warning", theme.Secondary), theme.IconSmall),
		text:  widgets.NewText("", theme.Caption, theme.Secondary).Short(),
		right: widgets.NewText("", theme.Caption, theme.Secondary),
	}
	row := widgets.Row(6, 1, widgets.Sized(s.dot, 14, 0), s.text, s.right)
	s.content = container.NewStack(widgets.NewFill(theme.Chrome, "", ""),
		container.NewBorder(widgets.NewLine(), nil, nil, nil, widgets.Sized(widgets.Inset(4, 13, 4, 9, row), 0, 25)))
	return s
}

func (s *statusBar) show(l view.StatusLine) {
	icon := theme.Tinted("ui-warning", theme.Secondary)
	switch {
	case l.Good:
		icon = theme.Dot(theme.Success)
	case l.Busy:
		icon = theme.Tinted("ui-spinner", theme.Secondary)
	}
	if l == s.shown {
		return
	}
	s.shown = l
	s.dot.Set(icon)
	s.text.Set(l.Text)
	s.right.Set(l.Right)
	s.content.Refresh()
}

func setVisible(o fyne.CanvasObject, visible bool) {
	switch {
	case visible && !o.Visible():
		o.Show()
	case !visible && o.Visible():
		o.Hide()
	}
}

func joinSentences(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + " " + b
}
