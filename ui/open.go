//go:build cgo || !darwin

package ui

import (
	"slices"

	"fyne.io/fyne/v2"

	"communicator/session"
	"communicator/ui/theme"
	"communicator/ui/view"
)

// These are what a link, a notification or the tour of `demo` asks for. Like
// everything else here they run on the user-interface goroutine.

// Session is the one the windows show, or nil.
func (a *App) Session() *session.Session { return a.session }

// SignedIn says whether the main page shows, with its contact list.
func (a *App) SignedIn() bool { return a.been && a.connected() && a.loaded }

// Idle says that nothing is being searched for, no contact card is being filled
// and no group message is on its way.
func (a *App) Idle() bool {
	for _, p := range a.talks.pages {
		if g, is := p.(*groupPage); is && g.send.Running() {
			return false
		}
	}
	return !a.main.find.search.Busy && (a.main.open == nil || a.main.open.asking == 0)
}

// OpenCard shows the contact card of somebody on the list.
func (a *App) OpenCard(user string) {
	if a.been {
		a.main.card(view.Row{Kind: view.PersonRow, User: user, Name: a.names.Of(user)})
	}
}

// CloseCard closes the contact card, if one shows.
func (a *App) CloseCard() {
	if a.main.open != nil {
		a.main.open.close()
	}
}

// OpenConversation shows the conversation with somebody.
func (a *App) OpenConversation(user string) {
	if a.been {
		a.talks.open(user)
	}
}

// OpenGroup shows a message to everybody of a group, with this text to begin
// with.
func (a *App) OpenGroup(name, text string) {
	if g, ok := a.list.Group(name); ok && a.been {
		a.talks.openGroup(g)
		if p, is := a.talks.pages[a.talks.at(a.talks.current)].(*groupPage); is {
			p.entry.SetText(text)
		}
	}
}

// SendGroup sends the message to a group that is being shown.
func (a *App) SendGroup() {
	if i := a.talks.at(a.talks.current); i >= 0 {
		if p, is := a.talks.pages[i].(*groupPage); is {
			p.submit()
		}
	}
}

// Find types text into the find box; empty text leaves it.
func (a *App) Find(text string) {
	if !a.been {
		return
	}
	a.main.find.entry.SetText(text)
	if text == "" {
		a.main.find.leave()
	}
}

// Fold folds a group of the contact list, or unfolds it.
func (a *App) Fold(group string, fold bool) {
	a.main.folded[group] = fold
	a.refresh()
}

// OpenRequests shows what strangers have written.
func (a *App) OpenRequests() {
	if a.been {
		a.talks.openRequests()
	}
}

// SeesTyping says whether the conversation that shows says that user is typing.
func (a *App) SeesTyping(user string) bool {
	i := a.talks.at(a.talks.current)
	if i < 0 {
		return false
	}
	p, is := a.talks.pages[i].(*talkPage)
	return is && slices.Contains(p.typers, user)
}

// Conversations is the window of the conversations.
func (a *App) Conversations() fyne.Window { return a.talks.window }

// SetLook changes between light and dark, and the text size in percent.
func (a *App) SetLook(m theme.Mode, percent int) { a.setLook(m, percent) }
