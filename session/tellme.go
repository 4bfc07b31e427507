package session

import "communicator/presence"

// BecameAvailable tells, once for each TellWhenAvailable, that somebody can be
// talked to now.
type BecameAvailable struct {
	User  string
	State presence.State
}

// TellWhenAvailable asks to be told once when user is available: not busy, not
// away, and at his computer as far as is known. That he is already counts. It
// holds across reconnects until it has happened, or want is false.
func (b *Board) TellWhenAvailable(user string, want bool) {
	b.mu.Lock()
	if want {
		b.asked[user] = true
	} else {
		delete(b.asked, user)
	}
	b.tellIfAvailable(user)
	b.mu.Unlock()
	b.s.events.Flush()
	if want {
		b.alsoWatch(user)
	}
}

// Telling says whether TellWhenAvailable has been asked for user and has not
// happened yet.
func (b *Board) Telling(user string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.asked[user]
}

// tellIfAvailable tells of user if that was asked for; b.mu is held.
func (b *Board) tellIfAvailable(user string) {
	p := b.states[user]
	if b.asked[user] && !p.Old && p.Availability == presence.Available && p.Activity == presence.NoActivity {
		delete(b.asked, user)
		b.s.later(BecameAvailable{user, p})
	}
}
