package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"communicator/plain"
	"communicator/presence"
	"communicator/wire/sipconn"
)

const (
	maxWatched   = 1000             // contacts watched at once; of a larger list the last are not
	publishAgain = 30 * time.Second // after a publication that failed
	openAfter    = time.Second      // a list that has not been read by then does not hold up the states of those who are known
)

// Board is who is what; its rules are in package presence.
type Board struct {
	s *Session

	mu     sync.Mutex
	states map[string]presence.State
	heard  map[string]bool // since the latest sign-in
	news   chan struct{}   // closed when somebody is heard of
	own    presence.State  // as chosen; Automatic: nothing was
	extra  []string        // watched beside the contacts
	all    bool            // contacts are watched too
	open   bool            // the list has been read, or that takes long
	eager  bool            // who is asked for is watched without waiting for the list
	chosen chan struct{}   // tells keepUntil of another choice
}

// keptOwn is the state one chose, for the next session.
type keptOwn struct {
	User string         `json:"user"`
	Own  presence.State `json:"own"`
}

func newBoard(s *Session) *Board {
	b := &Board{s: s, states: map[string]presence.State{}, heard: map[string]bool{}, news: make(chan struct{}), all: !s.o.Silent, chosen: make(chan struct{}, 1)}
	var kept keptOwn
	if s.readJSON(s.mine(ownFile), &kept) && kept.User == s.self && !over(kept.Own) {
		b.own = kept.Own
	}
	if !s.o.Silent {
		b.extra = []string{s.self} // what others see of me is what counts
	}
	return b
}

// over: the choice was for a time that is past.
func over(p presence.State) bool { return !p.Until.IsZero() && !time.Now().Before(p.Until) }

// Of returns what is known of user; Unknown when nothing is.
func (b *Board) Of(user string) presence.State {
	b.mu.Lock()
	defer b.mu.Unlock()
	if st, ok := b.states[user]; ok {
		return st
	}
	return presence.State{Availability: presence.Unknown}
}

// Self returns one's own state as others see it, and what was chosen ("auto"
// when nothing was). In a Silent session it is the publication that an earlier
// Set left (kept in Options.Dir), and what Watch of oneself has heard.
func (b *Board) Self() (shown presence.State, chosen string) {
	online := b.s.State().Phase == SignedIn
	b.mu.Lock()
	defer b.mu.Unlock()
	if chosen = string(b.own.Availability); b.own.Availability == presence.Automatic {
		chosen = "auto"
	}
	shown, known := b.states[b.s.self]
	if !known || shown.Old || shown.Availability == presence.Unknown {
		shown = b.effective()
	}
	shown.Old = !online
	return shown, chosen
}

// effective is what is to be published.
func (b *Board) effective() presence.State {
	p := b.own
	if p.Availability == presence.Automatic {
		p.Availability = presence.Available
		if b.s.o.Silent {
			p.Availability = presence.Offline // a command does not make anybody available
		}
	}
	return p
}

// Set chooses one's state and note and publishes it; it returns when the
// server has it, with the time until which the server keeps it. An empty
// Availability means automatic. While offline it is kept and published at the
// next sign-in. In a Silent session this is an ordinary publication that stays
// after the session has ended; the next Set, or the window, replaces it.
func (b *Board) Set(ctx context.Context, p presence.State) (until time.Time, err error) {
	if p.Availability == presence.Unknown {
		return time.Time{}, fmt.Errorf("the state %q cannot be chosen", p.Availability)
	}
	if n := utf8.RuneCountInString(p.Note); n > presence.MaxNote {
		return time.Time{}, fmt.Errorf("the note has %d characters; at most %d are allowed", n, presence.MaxNote)
	}
	if over(p) {
		return time.Time{}, fmt.Errorf("the end of the state, %s, is past", p.Until.Format(time.DateTime))
	}
	p.Note, p.Since, p.Seen, p.Old = plain.Text(p.Note), time.Now(), time.Time{}, false
	b.choose(p)
	server, err := b.s.server(ctx)
	if errors.Is(err, sipconn.ErrOffline) && !b.s.o.Silent {
		own, _ := b.Self()
		b.s.emit(PresenceChanged{b.s.self, own})
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	b.mu.Lock()
	p = b.effective()
	automatic := b.own.Availability == presence.Automatic
	b.mu.Unlock()
	switch {
	case !b.s.o.Silent:
		err = server.Publish(ctx, p)
	case automatic:
		err = server.Unpublish(ctx)
	default:
		until, err = server.PublishOnce(ctx, p)
	}
	if err == nil {
		b.shown(p)
	}
	return until, err
}

// shown notes that the server shows p as one's own state.
func (b *Board) shown(p presence.State) {
	p.Seen = time.Now()
	b.set(b.s.self, p)
}

// choose notes a choice and keeps it.
func (b *Board) choose(p presence.State) {
	b.mu.Lock()
	b.own = p
	b.mu.Unlock()
	select {
	case b.chosen <- struct{}{}:
	default:
	}
	b.s.writeJSON(b.s.mine(ownFile), keptOwn{b.s.self, p})
}

// publish publishes what was chosen, until the server has it, refuses it for
// good, or ctx ends.
func (b *Board) publish(ctx context.Context) {
	if b.s.o.Silent {
		return
	}
	for {
		server, err := b.s.server(ctx)
		if err == nil {
			b.mu.Lock()
			p := b.effective()
			b.mu.Unlock()
			if err = server.Publish(ctx, p); err == nil {
				b.shown(p)
			}
		}
		if err == nil || ctx.Err() != nil {
			return
		}
		wait := publishAgain
		status, refused := errors.AsType[*sipconn.StatusError](err)
		if refused {
			wait = max(wait, status.RetryAfter)
		}
		b.s.log.Warn("own state not published", "error", err)
		if refused && status.Code < 500 && status.RetryAfter == 0 {
			return // such as 405 or 489: a server without presence
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return
		}
	}
}

// keepUntil ends a choice when its time is over, until ctx ends.
func (b *Board) keepUntil(ctx context.Context) {
	for {
		b.mu.Lock()
		own := b.own
		b.mu.Unlock()
		ends := time.NewTimer(time.Until(own.Until))
		if own.Until.IsZero() {
			ends.Stop()
		}
		select {
		case <-ctx.Done():
			ends.Stop()
			return
		case <-b.chosen:
			ends.Stop()
		case <-ends.C:
			b.choose(presence.State{Note: own.Note})
			b.publish(ctx)
		}
	}
}

// set takes a state from the server. Unknown, of somebody known, means that
// nothing new is heard: the last known stays, as old.
func (b *Board) set(user string, p presence.State) {
	b.mu.Lock()
	if last, ok := b.states[user]; p.Availability == presence.Unknown && ok && last.Availability != presence.Unknown {
		last.Old = true
		p = last
	}
	if before, ok := b.states[user]; !ok || before != p {
		b.states[user] = p
		b.s.events.add(PresenceChanged{user, p})
	}
	if !b.heard[user] {
		b.heard[user] = true
		close(b.news)
		b.news = make(chan struct{})
	}
	b.mu.Unlock()
	b.s.flush()
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
			b.s.events.add(PresenceChanged{user, p})
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
		if len(b.extra) < maxWatched && !slices.Contains(b.extra, u) {
			b.extra, added = append(b.extra, u), true
		}
	}
	return added
}

// watched is who is watched now: contacts in the order of the list, then others.
func (b *Board) watched() []string {
	var users []string
	if list := b.s.Contacts.List(); b.contacts() {
		users = list.Users()
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
