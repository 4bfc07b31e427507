//go:build cgo || !darwin

package ui

import (
	"context"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"

	"communicator/contacts"
	"communicator/directory/addressbook"
	"communicator/presence"
	"communicator/session"
	"communicator/ui/theme"
	"communicator/ui/view"
)

// stateChanged takes where signing in stands.
func (a *App) stateChanged(s session.State) {
	now := time.Now()
	a.state = s
	a.steps.Changed(s, now)
	switch {
	case s.Phase == session.SignedIn:
		a.lost = time.Time{}
		a.keepPassword()
		if !a.been {
			a.been = true
			a.present()
			a.window.Resize(fyne.NewSize(theme.Px(420), theme.Px(680)))
			a.main.focus()
		}
	case a.been && a.lost.IsZero():
		a.lost = now
	case !a.been && s.Phase == session.Waiting:
		a.signIn.waiting(s)
	}
	a.signIn.refresh()
	a.refresh()
	a.tick()
}

// contactsChanged takes a new contact list.
func (a *App) contactsChanged(l contacts.List) {
	a.loaded = true
	a.steps.Loaded(time.Now())
	a.list, a.names = view.Sorted(l), view.NamesIn(l)
	a.main.foldLarge(l)
	a.refresh()
}

// bookChanged takes how the address book stands. While it is being filled, what
// is searched for may be found only now.
func (a *App) bookChanged(b addressbook.State) {
	if b.Filling && !a.book.Filling {
		a.bookBegun = time.Now()
	}
	a.book = b
	if a.been {
		a.main.find.again()
	}
	a.refresh()
}

// presenceChanged shows the states as they are now.
func (a *App) presenceChanged() { a.refresh() }

// refresh shows everything as it is now.
func (a *App) refresh() {
	if a.been {
		a.main.refresh()
		a.talks.refresh()
	}
}

// of is what is known of somebody's state: nothing, while not connected.
func (a *App) of(user string) presence.State {
	if a.session == nil {
		return presence.State{}
	}
	s := a.session.Presence.Of(user)
	s.Old = s.Old || !a.connected()
	return s
}

// blocked says whether one hides from somebody and takes nothing from him.
func (a *App) blocked(user string) bool {
	return a.session != nil && a.session.Contacts.AccessOf(user).Refuses()
}

// keepPassword puts a password that was accepted into the keyring, if the user
// wants that.
func (a *App) keepPassword() {
	user, password := a.user, a.typed
	if a.typed = ""; password != "" && a.o.Keyring != nil {
		a.do(lang.L("The password was not kept."), func(context.Context) error { return a.o.Keyring.Save(user, password) })
	}
}

// watch asks for the state of somebody who is not on the list.
func (a *App) watch(user string) {
	if _, listed := a.names[user]; listed || a.session == nil {
		return
	}
	s := a.session
	a.do("", func(ctx context.Context) error {
		_ = s.Presence.Watch(ctx, user) // their state stays unknown, and that shows
		return nil
	})
}

func (a *App) connected() bool { return a.state.Phase == session.SignedIn }

// Times between two looks at the clock: "Away 25 min", "trying again in 8 s".
const (
	slowTick = 30 * time.Second
	fastTick = time.Second
)

// tick refreshes what counts time, and sets the clock for the next time.
func (a *App) tick() {
	if a.timer != nil {
		a.timer.Stop()
	}
	if a.ctx.Err() != nil {
		return
	}
	next := slowTick
	if !a.lost.IsZero() || a.state.Phase == session.Waiting {
		next = fastTick
	}
	a.timer = time.AfterFunc(next, func() {
		a.post(func() {
			if a.ctx.Err() == nil {
				a.signIn.countDown()
				a.refresh()
				a.tick()
			}
		})
	})
}
