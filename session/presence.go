package session

import (
	"context"
	"slices"
	"sync"
	"time"

	"communicator/presence"
)

const (
	maxWatched = 1000        // contacts watched at once; of a larger list the last are not
	openAfter  = time.Second // a list that has not been read by then does not hold up the states of those who are known
)

// Board is who is what; its rules are in package presence.
type Board struct {
	s     *Session
	notes *notes

	mu     sync.Mutex
	states map[string]presence.State
	heard  map[string]bool // since the latest sign-in
	news   chan struct{}   // closed when somebody is heard of
	own    ownState
	asked  map[string]bool // TellWhenAvailable
	extra  []string        // watched beside the contacts
	all    bool            // contacts are watched too
	open   bool            // the list has been read, or that takes long
	eager  bool            // who is asked for is watched without waiting for the list
}

func newBoard(s *Session) *Board {
	b := &Board{s: s, states: map[string]presence.State{}, heard: map[string]bool{}, news: make(chan struct{}), all: !s.o.Silent, own: newOwn(s), notes: newNotes(s), asked: map[string]bool{}}
	if !s.o.Silent {
		b.extra = []string{s.self} // what others see of me is what counts
	}
	return b
}

// Of returns what is known of user; Unknown when nothing is.
func (b *Board) Of(user string) presence.State {
	b.mu.Lock()
	defer b.mu.Unlock()
	if st, ok := b.states[user]; ok {
		return st
	}
	return presence.State{Availability: presence.Unknown}
}

// hear takes a state from the server.
func (b *Board) hear(user string, p presence.State) {
	if user != b.s.self {
		b.set(user, b.notes.remember(user, p))
		return
	}
	if b.s.o.Silent {
		b.listen(p) // before Known returns: a command goes on from what was chosen
	}
	b.set(user, p)
	if !b.s.o.Silent {
		b.listen(p)
	}
}

// set notes a state and tells of it. Unknown, of somebody known, means that
// nothing new is heard: the last known stays, as old.
func (b *Board) set(user string, p presence.State) {
	b.mu.Lock()
	if last, ok := b.states[user]; p.Availability == presence.Unknown && ok && last.Availability != presence.Unknown {
		last.Old = true
		p = last
	}
	before, ok := b.states[user]
	b.states[user] = p
	if !ok || !before.Says(p) {
		b.s.later(PresenceChanged{user, p})
		b.tellIfAvailable(user)
	}
	if !b.heard[user] {
		b.heard[user] = true
		close(b.news)
		b.news = make(chan struct{})
	}
	b.mu.Unlock()
	b.s.events.Flush()
}

// age marks everything as old: the connection is gone.
func (b *Board) age() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.heard)
	b.open = false
	for user, p := range b.states {
		if !p.Old && p.Availability != presence.Unknown {
			p.Old = true
			b.states[user] = p
			b.s.later(PresenceChanged{user, p})
		}
	}
}

// Watch asks for the states of further people beside the contacts. In a Silent
// session the contacts are watched only after a Watch or Known of nobody in
// particular.
func (b *Board) Watch(_ context.Context, users ...string) error {
	b.mu.Lock()
	b.all = b.all || len(users) == 0
	b.eager = !b.all
	b.mu.Unlock()
	b.add(users)
	b.rewatch()
	return nil
}

// alsoWatch watches people one talks to. A Silent session watches only whom it
// was told to.
func (b *Board) alsoWatch(users ...string) {
	if !b.s.o.Silent && b.add(users) {
		b.rewatch()
	}
}

// add adds people to those who are watched beside the contacts; false: nobody
// is new.
func (b *Board) add(users []string) (added bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, u := range users {
		if len(b.extra) <= maxWatched && !slices.Contains(b.extra, u) {
			b.extra, added = append(b.extra, u), true
		}
	}
	return added
}

// watched is who is watched now: contacts in the order of the list, then others.
func (b *Board) watched() []string {
	var users []string
	if list := b.s.Contacts.List(); b.contacts() {
		users = list.People() // services have no state
		users = users[:min(len(users), maxWatched)]
	}
	known := make(map[string]bool, len(users))
	for _, u := range users {
		known[u] = true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, u := range b.extra {
		if !known[u] {
			users = append(users, u)
		}
	}
	return users
}

func (b *Board) contacts() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all
}

// rewatch tells the server whom we want to hear of.
func (b *Board) rewatch() {
	b.mu.Lock()
	open := b.open || b.eager
	b.mu.Unlock()
	server := b.s.dialect()
	if !open || server == nil {
		return
	}
	if err := server.Watch(context.Background(), b.watched()); err != nil { // it returns at once
		b.s.log.Warn("watch", "error", err)
	}
}

// openWhen begins watching when the list and the chart have been read, or soon:
// a list that is asked for in one piece costs one subscription.
func (b *Board) openWhen(ctx context.Context, loaded <-chan struct{}) {
	soon := time.NewTimer(openAfter)
	defer soon.Stop()
	select {
	case <-ctx.Done():
		return
	case <-loaded:
	case <-soon.C:
	}
	b.opened(true)
	b.rewatch()
}

func (b *Board) opened(open bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open = open
}

// Known waits until the state of each of users (none named: of every contact)
// has been heard once since signing in, or ctx ends. That somebody's state may
// not be seen counts as heard.
func (b *Board) Known(ctx context.Context, users ...string) error {
	everybody := len(users) == 0
	if everybody {
		if _, err := b.s.Contacts.Loaded(ctx); ctx.Err() != nil {
			return err
		}
	}
	if err := b.Watch(ctx, users...); err != nil {
		return err
	}
	if everybody {
		users = b.watched()
	}
	for {
		b.mu.Lock()
		users = slices.DeleteFunc(slices.Clone(users), func(u string) bool { return b.heard[u] })
		news := b.news
		b.mu.Unlock()
		if len(users) == 0 {
			return nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
