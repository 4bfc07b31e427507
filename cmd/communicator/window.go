//go:build cgo && !nowindow

package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"

	"communicator/lab"
	"communicator/presence"
	"communicator/session"
	"communicator/ui"
	"communicator/ui/idle"
)

// hasWindow: this binary was built with cgo.
const hasWindow = true

var errNoDisplay = errors.New("no display; use `communicator text`, or the command line (`communicator --help`)")

// appID names the program to the desktop.
const appID = "io.github.communicator"

// window is the program without a command: it signs in as the profile or the
// flags say, or asks for the address.
func (p *program) window(ctx context.Context) error {
	if !hasDisplay() {
		return exit{statusUsage, errNoDisplay} // Fyne would panic
	}
	profile, err := p.flags.profileWithFlags()
	if err != nil {
		return err
	}
	base, err := p.profileOptions(profile)
	if err != nil {
		return err
	}
	door := func(a ui.Account, ask func() (string, error), notify func(any)) (*session.Session, error) {
		o := base
		o.User, o.Notify, o.Password = a.User, notify, p.passwordOr(a.User, ask)
		if a.Server != "" && !profile.IsLocked("server") {
			o.Server = a.Server
		}
		return session.New(o), nil
	}
	w := &labStarter{program: p}
	defer w.close()
	return p.runWindow(ctx, ui.Options{
		Door: door, User: profile.User, TryLab: w.start, Idle: idleAfter(base.InactiveAfter, base.AwayAfter),
		Keyring: &ui.Keyring{Save: session.SavePassword, Forget: session.ForgetPassword},
	})
}

// demoWindow is the window of one person of a lab.
func (p *program) demoWindow(ctx context.Context, o session.Options) error {
	return p.runWindow(ctx, ui.Options{Door: doorWith(o), User: o.User, Idle: idleAfter(0, 0)})
}

// idleAfter tells when nobody has touched this computer for as long as makes one
// inactive or away, whichever comes first; zero: as long as it is by default.
func idleAfter(inactive, away time.Duration) func(context.Context, func(idle.State)) {
	after := min(cmp.Or(max(inactive, 0), presence.InactiveAfter), cmp.Or(max(away, 0), presence.AwayAfter))
	return func(ctx context.Context, tell func(idle.State)) {
		idle.Watch(ctx, idle.Options{After: after, Tell: tell, Log: slog.Default()})
	}
}

// doorWith signs in with fixed options; their password is known.
func doorWith(o session.Options) ui.Door {
	return func(_ ui.Account, _ func() (string, error), notify func(any)) (*session.Session, error) {
		o.Notify = notify
		return session.New(o), nil
	}
}

// runWindow shows the windows until they are closed or ctx ends, and signs out.
func (p *program) runWindow(ctx context.Context, o ui.Options) error {
	// What Fyne misses (a session bus, a theme setting) is for those who ask for a log.
	log, err := p.logger()
	if err != nil {
		return err
	}
	slog.SetDefault(log)
	// Fyne then trusts that only its own goroutine touches widgets, and says so when not.
	app.SetMetadata(fyne.AppMetadata{ID: appID, Name: "Communicator", Migrations: map[string]bool{"fyneDo": true}})
	o.App, o.Post = app.NewWithID(appID), fyne.Do
	windows, err := ui.New(o)
	if err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() { // ends with ctx or the windows
		select {
		case <-ctx.Done():
			fyne.Do(o.App.Quit)
		case <-ended:
		}
	}()
	o.App.Lifecycle().SetOnStarted(windows.Show)
	o.App.Run()
	close(ended)
	windows.Close()
	return nil
}

// labStarter starts a lab when somebody without a server wants to try.
type labStarter struct {
	program *program
	company *lab.Company
}

func (l *labStarter) start(context.Context) (string, ui.Door, error) {
	if l.company == nil {
		company, err := lab.New(lab.Options{})
		if err != nil {
			return "", nil, err
		}
		l.company = company
	}
	o := labOptions(l.company, l.company.Newcomer())
	return o.User, doorWith(o), nil
}

func (l *labStarter) close() {
	if l.company != nil {
		_ = l.company.Close() // the program ends anyway
	}
}

// passwordOr finds the password as for a command, but asks in the window, and
// only when it is kept nowhere.
func (p *program) passwordOr(user string, ask func() (string, error)) func() (string, error) {
	return func() (string, error) {
		if p.flags.passwordFile == "" && os.Getenv("COMMUNICATOR_PASSWORD") == "" {
			if w, err := session.Password(user); err == nil {
				return w, nil
			}
			return ask()
		}
		return p.password(user)()
	}
}
