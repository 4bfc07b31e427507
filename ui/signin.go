//go:build cgo || !darwin

package ui

import (
	"context"
	"strings"
	"sync"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"communicator/session"
	"communicator/ui/theme"
	"communicator/ui/view"
	"communicator/ui/widgets"
)

// passwordQuestion is a session waiting for the user's password.
type passwordQuestion struct {
	ctx    context.Context
	once   sync.Once
	answer chan string
}

func newPasswordQuestion(ctx context.Context) *passwordQuestion {
	return &passwordQuestion{ctx: ctx, answer: make(chan string, 1)}
}

// wait is called by the session.
func (q *passwordQuestion) wait() (string, error) {
	select {
	case p := <-q.answer:
		q.answer <- p // for the next time it asks
		return p, nil
	case <-q.ctx.Done():
		return "", q.ctx.Err()
	}
}

// reply is called by the page; only the first one counts.
func (q *passwordQuestion) reply(password string) {
	q.once.Do(func() { q.answer <- password })
}

// question shows the password field.
func (a *App) question(visit int, q *passwordQuestion) {
	if visit == a.visit && a.waiting != q {
		a.waiting = q
		a.signIn.refresh()
		a.window.Canvas().Focus(a.signIn.password)
	}
}

// signInPage is the first page: an address, the steps as they happen, and what
// went wrong.
type signInPage struct {
	app      *App
	content  fyne.CanvasObject
	title    *widgets.Text
	below    *widgets.Text
	form     *fyne.Container // address, and password when it is asked for
	address  *widgets.Entry
	password *widgets.Entry
	keep     *widget.Check // the password in the keyring
	secret   *fyne.Container
	server   *widgets.Entry
	byHand   *fyne.Container // the server; hidden until it is asked for
	next     *widgets.Text   // when it is tried again
	steps    *fyne.Container
	failure  *fyne.Container
	buttons  *fyne.Container
	shown    *view.Problem
}

func newSignInPage(a *App) *signInPage {
	p := &signInPage{app: a}
	p.title = widgets.NewText("", theme.Heading, "").Strong()
	p.below = widgets.NewText("", theme.Body, theme.Secondary).Short()
	p.address = widgets.NewEntry(lang.L("name@example.com"))
	p.address.Icon = theme.Tinted("ui-person", theme.Secondary)
	p.address.SetText(a.user)
	p.address.OnReturn = p.submit
	p.password = widgets.NewEntry("")
	p.password.Password = true
	p.password.OnReturn = p.submit
	p.keep = widget.NewCheck(lang.L("Keep the password in the keyring"), nil)
	p.secret = field(lang.L("Password"), p.password)
	if a.o.Keyring != nil {
		p.secret.Add(p.keep)
	}
	p.server = widgets.NewEntry(lang.L("host or host:port"))
	p.server.SetText(a.server)
	p.server.OnReturn = p.submit
	p.byHand = field(lang.L("Server"), p.server)
	p.byHand.Hidden = a.server == ""
	p.next = widgets.NewText("", theme.Caption, theme.Secondary).Short()
	p.form = widgets.Column(12, field(lang.L("Sign-in address"), p.address), p.byHand, p.secret)
	p.steps, p.failure, p.buttons = container.NewStack(), container.NewStack(), container.NewStack()
	logo := canvas.NewImageFromResource(theme.AppIcon(false))
	head := widgets.Row(12, 1, widgets.Sized(logo, 48, 48), widgets.Column(0, p.title, p.below))
	page := container.NewVScroll(widgets.Inset(24, 28, 16, 28, widgets.Column(16, head, p.form, p.steps, p.failure, p.next, p.buttons)))
	p.content = container.NewStack(widgets.NewFill(theme.Background, "", ""),
		container.NewBorder(nil, p.foot(), nil, nil, page))
	p.refresh()
	return p
}

// field is an entry under its name.
func field(name string, e *widgets.Entry) *fyne.Container {
	return widgets.Column(4, widgets.NewText(name, theme.Caption, theme.Secondary), e)
}

// foot offers the lab.
func (p *signInPage) foot() fyne.CanvasObject {
	if p.app.o.TryLab == nil {
		return widgets.Sized(widgets.NewFill("", "", ""), 0, 0)
	}
	try := widgets.NewButton(lang.L("Try it on this computer"), "ui-computer", widgets.Outline, p.app.tryLab)
	line := widgets.Row(8, 1, widgets.NewText(lang.L("No server?"), theme.Body, theme.Secondary), layout.NewSpacer(), try)
	return container.NewStack(widgets.NewFill(theme.Chrome, "", ""),
		container.NewBorder(widgets.NewLine(), nil, nil, nil, widgets.Inset(12, 28, 12, 28, line)))
}

// tryLab starts the built-in company and signs in to it.
func (a *App) tryLab() {
	a.do(lang.L("The lab could not be started."), func(ctx context.Context) error {
		user, door, err := a.o.TryLab(ctx)
		if err != nil {
			a.post(func() { a.signIn.problem(view.Explain(lang.L("The lab could not be started."), err)) })
			return nil
		}
		a.post(func() {
			a.door = door
			a.signIn.address.SetText(user)
			a.signIn.shown = nil
			a.begin(user)
		})
		return nil
	})
}

// submit is Return or the button: an answer to the password question, or a
// sign-in.
func (p *signInPage) submit() {
	if q := p.app.waiting; q != nil {
		if p.password.Text == "" {
			return
		}
		if p.keep.Checked {
			p.app.typed = p.password.Text
		}
		q.reply(p.password.Text)
		p.password.SetText("")
		p.app.waiting = nil
		p.refresh()
		return
	}
	text := strings.TrimSpace(p.address.Text)
	user, ok := view.Address(text)
	if !ok {
		p.problem(view.Problem{
			What:   lang.L("This is not a sign-in address."),
			Why:    lang.L("It looks like name@example.com; your organisation tells you yours."),
			Remedy: lang.L("Correct it."),
		})
		return
	}
	p.shown = nil
	p.app.server = strings.TrimSpace(p.server.Text)
	p.app.begin(user)
	p.refresh()
}

// enterServer shows the field for the server.
func (p *signInPage) enterServer() {
	p.app.end()
	p.shown = nil
	p.byHand.Show()
	p.refresh()
	p.app.window.Canvas().Focus(p.server)
}

// forget takes the password out of the keyring and asks for it anew.
func (p *signInPage) forget() {
	user := p.app.user
	p.app.do(lang.L("The password was not forgotten."), func(context.Context) error {
		err := p.app.o.Keyring.Forget(user)
		p.app.post(func() {
			if err != nil {
				p.problem(view.Explain(lang.L("The password was not forgotten."), err))
				return
			}
			p.submit()
		})
		return nil
	})
}

// cancel stops signing in.
func (p *signInPage) cancel() {
	p.app.end()
	p.shown = nil
	p.refresh()
	p.focus()
}

func (p *signInPage) focus() { p.app.window.Canvas().Focus(p.address) }

// problem shows why it did not work.
func (p *signInPage) problem(why view.Problem) {
	p.shown = &why
	p.refresh()
}

// waiting shows why it did not work yet, while the session tries again.
func (p *signInPage) waiting(s session.State) {
	if s.Err != nil {
		why := view.Explain(lang.L("You are not signed in."), s.Err).Headline()
		if why.Details == "" {
			why.Details = p.app.steps.Trace()
		}
		p.shown = &why
	}
}

// countDown shows when it is tried again.
func (p *signInPage) countDown() {
	if !p.next.Hidden {
		p.next.Set(view.StatusOf(p.app.state, time.Now()).Text)
	}
}

// refresh shows the page as things stand.
func (p *signInPage) refresh() {
	busy := p.app.session != nil
	p.title.Set(lang.L("Sign in"))
	p.below.Set(lang.L("with your work address"))
	if p.shown != nil {
		p.title.Set(lang.L("Not signed in"))
		if p.app.user != "" {
			p.below.Set(p.app.user)
		}
	}
	if busy {
		p.address.Disable()
	} else {
		p.address.Enable()
	}
	p.secret.Hidden = p.app.waiting == nil
	p.steps.Objects, p.failure.Objects = nil, nil
	if busy && p.shown == nil {
		p.steps.Objects = []fyne.CanvasObject{stepsPanel(p.app.steps.Lines())}
	}
	if p.shown != nil {
		p.failure.Objects = []fyne.CanvasObject{problemPanel(*p.shown)}
	}
	p.buttons.Objects = []fyne.CanvasObject{p.actions(busy)}
	p.next.Hidden = !busy || p.shown == nil
	if !p.next.Hidden {
		p.next.Set(view.StatusOf(p.app.state, time.Now()).Text)
	}
	p.steps.Hidden, p.failure.Hidden = len(p.steps.Objects) == 0, len(p.failure.Objects) == 0
	p.content.Refresh()
	p.content.Refresh() // wrapped text knows its height only after it has a width
}

func (p *signInPage) actions(busy bool) fyne.CanvasObject {
	var buttons []fyne.CanvasObject
	switch {
	case p.app.waiting != nil:
		buttons = append(buttons, widgets.NewButton(lang.L("Sign in"), "", widgets.Filled, p.submit),
			widgets.NewButton(lang.L("Cancel"), "", widgets.Plain, p.cancel))
	case busy:
		buttons = append(buttons, widgets.NewButton(lang.L("Cancel"), "", widgets.Plain, p.cancel))
	case p.shown != nil:
		buttons = append(buttons, widgets.NewButton(lang.L("Try again"), "ui-retry", widgets.Filled, p.submit))
	default:
		buttons = append(buttons, widgets.NewButton(lang.L("Sign in"), "", widgets.Filled, p.submit))
	}
	if p.shown != nil && p.shown.ByHand && p.byHand.Hidden {
		buttons = append(buttons, widgets.NewButton(lang.L("Enter server by hand"), "", widgets.Plain, p.enterServer))
	}
	if p.shown != nil && p.shown.Password && p.app.o.Keyring != nil {
		buttons = append(buttons, widgets.NewButton(lang.L("Forget saved password"), "", widgets.Plain, p.forget))
	}
	grow := len(buttons)
	buttons = append(buttons, layout.NewSpacer())
	if details := p.details(); details != "" {
		buttons = append(buttons, widgets.NewButton(lang.L("Copy details"), "ui-copy", widgets.Plain, func() {
			p.app.o.App.Clipboard().SetContent(details)
		}))
	}
	return widgets.Row(8, grow, buttons...)
}

// details is the trace of signing in, without passwords.
func (p *signInPage) details() string {
	if p.shown != nil && p.shown.Details != "" {
		return p.shown.String() + "\n\n" + p.shown.Details
	}
	return p.app.steps.Trace()
}
