package session

import (
	"context"
	"maps"
	"slices"

	"communicator/contacts"
	"communicator/dialect/simple"
	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

// AccessChanged: who gets which access has been read or has changed.
type AccessChanged struct {
	People map[string]contacts.Access // who is named himself
}

// WatcherAsks: somebody wants to see my presence, and nothing was decided about
// him. It comes once for each person; ContactBook.SetAccess answers for good.
type WatcherAsks struct{ User, Name string }

// SetAccess decides what somebody gets of me: where the server keeps presence
// rules it hides my state from him, and roams; his messages and calls are refused
// here in any case. Undecided takes back what was decided.
func (b *ContactBook) SetAccess(ctx context.Context, user string, a contacts.Access) error {
	user, err := contacts.Canonical(user)
	if err != nil {
		return err
	}
	server, err := b.store()
	if err != nil {
		return err
	}
	return server.SetAccess(ctx, map[string]contacts.Access{user: a})
}

// ReadAccess reads now who gets which access.
func (b *ContactBook) ReadAccess(ctx context.Context) error {
	server, err := b.store()
	if err != nil {
		return err
	}
	return server.ReadRules(ctx)
}

// AccessOf returns what applies to user, also by a rule for many (all colleagues).
func (b *ContactBook) AccessOf(user string) contacts.Access {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a, named := b.access[user]; named || b.rules == nil {
		return a
	}
	return b.rules.Of(user)
}

// Access returns who is named in the rules himself, and what he gets.
func (b *ContactBook) Access() map[string]contacts.Access {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.access)
}

// Blocked returns whose messages and calls are refused, in order.
func (b *ContactBook) Blocked() (users []string) {
	for user, a := range b.Access() {
		if a.Refuses() {
			users = append(users, user)
		}
	}
	slices.Sort(users)
	return users
}

// RulesOnServer says whether decisions are kept by the server; else they hide
// nothing from anybody and hold on this computer only.
func (b *ContactBook) RulesOnServer() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rules != nil && b.rules.OnServer
}

// setRules takes the rules from the server.
func (b *ContactBook) setRules(r simple.Rules) {
	people := r.People()
	b.mu.Lock()
	news := b.rules == nil || !maps.Equal(people, b.access)
	b.rules, b.access = &r, people
	if news {
		b.s.later(AccessChanged{maps.Clone(people)})
	}
	b.mu.Unlock()
	b.s.events.Flush()
}

// watcher hears who watches me. Who waits for leave is asked about once.
func (b *ContactBook) watcher(user, name, status string) {
	b.mu.Lock()
	waits := status == "pending" || status == "waiting"
	_, decided := b.access[user]
	asks := waits && !decided && !b.asking[user]
	if asks {
		b.asking[user] = true
	}
	b.s.later(WatcherChanged{user, name, status})
	if asks {
		b.s.later(WatcherAsks{user, name})
	}
	b.mu.Unlock()
	b.s.events.Flush()
}

// refusal is how the messages and calls of user are answered; 0: they are not
// refused. Who is blocked is told so, the other sees me as if I were not there.
func (b *ContactBook) refusal(user string) (code int, reason string) {
	if c, err := contacts.Canonical(user); err == nil {
		user = c
	}
	switch b.AccessOf(user) {
	case contacts.Block:
		return 603, "Decline" // RFC 3261 §21.6.2
	case contacts.Polite:
		return 480, "Temporarily Unavailable"
	}
	return 0, ""
}

// outside says what a refusal means of somebody of another organisation.
func (b *ContactBook) outside(user string, code int) string {
	if !b.s.Outside(user) {
		return ""
	}
	return contacts.OutsideReason(user, code)
}

// refused answers calls, and questions whether I am there, of who is blocked.
func (s *Session) refused(in *sipconn.Incoming) bool {
	r := in.Request
	if r.Method != sip.INVITE && r.Method != sip.OPTIONS || r.From() == nil {
		return false
	}
	code, reason := s.Contacts.refusal(r.From().Address.User + "@" + r.From().Address.Host)
	if code == 0 {
		return false
	}
	if err := in.Reply(code, reason, sipconn.Body{}); err != nil {
		s.log.Debug("reply", "error", err)
	}
	return true
}
