//go:build cgo || !darwin

// Package ui is the windows: signing in, the contact list, conversations. It
// reads snapshots of a *session.Session and calls its methods; it owns no
// facts, speaks no protocol and opens no connection.
//
// Begin with New and App.Show. Everything here runs on the user-interface
// goroutine, except App.notify (notify.go), through which the session's events
// arrive, and the functions given to App.do, which may wait. Both come back
// through Options.Post.
//
// On macOS Fyne itself needs cgo, therefore the build constraint of these files.
package ui

import (
	"context"
	"sync"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"

	"communicator/assets"
	"communicator/contacts"
	"communicator/directory/addressbook"
	"communicator/session"
	"communicator/ui/idle"
	"communicator/ui/theme"
	"communicator/ui/view"
)

// Account is who signs in, and where.
type Account struct {
	User   string
	Server string // by hand: HOST[:PORT]; empty: the address decides
}

// Door makes the session of one user; the window runs and ends it. password
// asks the user and waits; a door that knows the password need not call it.
type Door func(who Account, password func() (string, error), notify func(event any)) (*session.Session, error)

// Keyring keeps passwords that the user has typed.
type Keyring struct {
	Save   func(user, password string) error
	Forget func(user string) error
}

// Options of an App.
type Options struct {
	App     fyne.App
	Post    func(func())                                             // hands a function to the user-interface goroutine: fyne.Do
	Door    Door                                                     // how to sign in
	User    string                                                   // signs in at once; empty: asks for the address
	TryLab  func(ctx context.Context) (user string, d Door, e error) // "Try it on this computer"; nil: not offered
	Keyring *Keyring                                                 // nil: nothing is kept
	Idle    func(ctx context.Context, tell func(idle.State))         // tells until ctx ends whether somebody is at this computer; nil: nobody knows
	Mode    theme.Mode
	Size    int // of the text in percent; 0: 100
}

// App is the windows of one user.
type App struct {
	o      Options
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup // goroutines of do and of the session

	session   *session.Session
	leave     context.CancelFunc // ends the session
	visit     int                // counts sessions, so that events of an earlier one are not taken for news
	user      string
	server    string // by hand
	typed     string // password to keep once it has been accepted
	door      Door
	state     session.State
	away      bool      // another program has the focus
	been      bool      // signed in at least once since the user asked for it
	bookBegun time.Time // when the address book began to be filled
	lost      time.Time // when the connection was lost; zero: it was not
	loaded    bool      // the contact list has come
	steps     view.SignIn
	list      contacts.List
	book      addressbook.State
	names     view.Names
	timer     *time.Timer
	waiting   *passwordQuestion

	window  fyne.Window
	signIn  *signInPage
	main    *mainPage
	talks   *talksWindow
	mode    theme.Mode
	percent int
}

// New makes the windows; nothing shows before Show. The translations are added
// to Fyne's, once per program.
func New(o Options) (*App, error) {
	if err := lang.AddTranslationsFS(assets.Translations, "translations"); err != nil {
		return nil, err
	}
	a := &App{o: o, door: o.Door, user: o.User, names: view.Names{}, mode: o.Mode, percent: o.Size}
	if a.percent == 0 {
		a.percent = 100
	}
	a.recallLook()
	a.ctx, a.cancel = context.WithCancel(context.Background())
	o.App.Settings().SetTheme(theme.New(a.mode, a.percent))
	o.App.SetIcon(theme.AppIcon(false))
	a.window = o.App.NewWindow(lang.L("Communicator"))
	a.window.SetPadded(false)
	a.window.SetMaster()
	a.talks = newTalksWindow(a)
	o.App.Lifecycle().SetOnExitedForeground(func() { a.post(func() { a.away = true }) })
	o.App.Lifecycle().SetOnEnteredForeground(func() { a.post(func() { a.away = false; a.talks.seen() }) })
	a.build()
	return a, nil
}

// build makes the contents of the main window anew, in the current theme.
func (a *App) build() {
	a.signIn, a.main = newSignInPage(a), newMainPage(a)
	a.window.SetMainMenu(a.mainMenu())
	a.present()
}

// present puts the right page into the main window.
func (a *App) present() {
	if a.been {
		a.window.SetContent(a.main.content)
		a.refresh()
		return
	}
	a.window.SetContent(a.signIn.content)
	a.signIn.refresh()
}

// Show opens the main window and signs in if it is known as whom.
func (a *App) Show() {
	a.window.Resize(fyne.NewSize(theme.Px(460), theme.Px(536)))
	a.window.Show()
	a.tick()
	if a.user != "" {
		a.begin(a.user)
		return
	}
	a.signIn.focus()
}

// Close ends the session, if there is one, and returns when it has signed out.
func (a *App) Close() {
	a.cancel()
	if a.timer != nil {
		a.timer.Stop()
	}
	a.work.Wait()
}

// Window is the main window.
func (a *App) Window() fyne.Window { return a.window }

// post hands a function to the user-interface goroutine.
func (a *App) post(f func()) { a.o.Post(f) }

// begin signs in as user; a session before it ends.
func (a *App) begin(user string) {
	a.end()
	a.visit++
	visit := a.visit
	ctx, leave := context.WithCancel(a.ctx)
	a.user, a.leave, a.steps = user, leave, view.SignIn{}
	a.lost, a.loaded = time.Time{}, false
	a.book = addressbook.State{}
	a.list, a.names = contacts.List{}, view.Names{}
	a.talks.reset()
	a.main.forget()
	question := newPasswordQuestion(ctx)
	ask := func() (string, error) {
		a.post(func() { a.question(visit, question) })
		return question.wait()
	}
	pump := newPump(a, visit)
	s, err := a.door(Account{user, a.server}, ask, pump.notify)
	if err != nil {
		leave()
		a.signIn.problem(view.Explain(lang.L("You are not signed in."), err).Headline())
		return
	}
	a.session = s
	a.signIn.refresh()
	a.watchIdle(ctx, s)
	a.work.Add(1)
	go func() { // ends after leave
		defer a.work.Done()
		err := s.Run(ctx)
		pump.stop()
		a.post(func() { a.ended(visit, err) })
	}()
}

// watchIdle has the session know, until ctx ends, whether somebody is there.
func (a *App) watchIdle(ctx context.Context, s *session.Session) {
	if a.o.Idle == nil {
		return
	}
	a.work.Add(1)
	go func() { // ends when it is known by what to tell
		defer a.work.Done()
		a.o.Idle(ctx, func(now idle.State) {
			if now.Known {
				s.Presence.Idle(now.Since)
			} else {
				s.Presence.Unwatched()
			}
			s.Presence.Locked(now.Locked)
		})
	}()
}

// end leaves the session, if there is one. It signs out by itself.
func (a *App) end() {
	if a.leave != nil {
		a.leave()
	}
	a.session, a.leave, a.waiting = nil, nil, nil
	a.visit++
}

// ended is called when Run of a session has returned.
func (a *App) ended(visit int, err error) {
	if visit != a.visit || err == nil {
		return
	}
	a.end()
	p := view.Explain(lang.L("You are not signed in."), err).Headline()
	if p.Details == "" {
		p.Details = a.steps.Trace()
	}
	a.been = false
	a.present()
	a.signIn.problem(p)
}

// signOut goes back to the sign-in page.
func (a *App) signOut() {
	a.end()
	a.been, a.state = false, session.State{}
	a.talks.window.Hide()
	a.present()
}

// do runs what may wait in its own goroutine and tells the user if it fails.
// doing says that it did not happen: "The note was not saved."
func (a *App) do(doing string, f func(ctx context.Context) error) {
	ctx, cancel := context.WithTimeout(a.ctx, patience)
	a.work.Add(1)
	go func() { // ends with f, which obeys ctx
		defer a.work.Done()
		defer cancel()
		if err := f(ctx); err != nil && a.ctx.Err() == nil {
			a.post(func() { a.main.notice(view.Explain(doing, err)) })
		}
	}()
}

// patience is how long anything that was clicked may take.
const patience = 40 * time.Second

// setLook changes the theme; everything is built anew in it.
func (a *App) setLook(mode theme.Mode, percent int) {
	a.mode, a.percent = mode, min(max(percent, theme.MinPercent), theme.MaxPercent)
	a.o.App.Settings().SetTheme(theme.New(a.mode, a.percent))
	a.keepLook()
	a.build()
	a.talks.rebuild()
}
