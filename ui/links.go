//go:build cgo || !darwin

package ui

import (
	"net/url"

	"fyne.io/fyne/v2/lang"

	"communicator/contacts"
	"communicator/ui/view"
)

// follow opens a link of a message: an address here, all else in the program
// that the system has for it.
func (a *App) follow(u *url.URL) {
	if u.Scheme == "sip" || u.Scheme == "sips" {
		if user, err := contacts.Canonical(u.Opaque); err == nil {
			a.OpenConversation(user)
			return
		}
	}
	if err := a.o.App.OpenURL(u); err != nil {
		a.main.notice(view.Explain(lang.L("The link could not be opened."), err))
	}
}
