package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"communicator/dialect/simple"
	"communicator/inorder"
	"communicator/plain"
	"communicator/presence"
	"communicator/wire/sipconn"
)

const publishAgain = 30 * time.Second // after a publication that failed

// ownState is what decides one's own state. Board.mu guards it, but for turn.
type ownState struct {
	inputs presence.Inputs // Chosen is as it was chosen, though its time may be over
	made   presence.State  // what they came to last
	echo   echo
	wake   chan struct{}  // tells keepOwn that they have changed
	turn   chan struct{}  // holds one token; who takes it may publish
	write  *inorder.Queue // to the file, in the order of choices
}

// keptOwn is the state one chose, for the next session.
type keptOwn struct {
	User string         `json:"user"`
	Own  presence.State `json:"own"`
}

func newOwn(s *Session) ownState {
	o := ownState{wake: make(chan struct{}, 1), turn: make(chan struct{}, 1), write: new(inorder.Queue)}
	o.turn <- struct{}{}
	o.inputs.InactiveAfter, o.inputs.AwayAfter = s.o.InactiveAfter, s.o.AwayAfter
	var kept keptOwn
	if s.readJSON(s.mine(ownFile), &kept) && kept.User == s.self {
		o.inputs.Chosen = kept.Own.Standing(time.Now())
	}
	return o
}

// Self returns one's own state as others see it, and what was chosen ("auto"
// when nothing was). In a Silent session it is the publication that an earlier
// Set left (kept in Options.Dir), and what Watch of oneself has heard.
func (b *Board) Self() (shown presence.State, chosen string) {
	online := b.s.State().Phase == SignedIn
	made, _ := b.combine()
	b.mu.Lock()
	defer b.mu.Unlock()
	if chosen = string(b.own.inputs.Chosen.Standing(time.Now()).Availability); chosen == "" {
		chosen = "auto"
	}
	shown, known := b.states[b.s.self]
	if !known || shown.Old || shown.Availability == presence.Unknown {
		shown = made
	}
	if own := b.own.inputs.Chosen.Standing(time.Now()); shown.Note == own.Note {
		shown.NoteUntil = own.NoteUntil // only its owner is told
	}
	if shown.Source == presence.NoSource && shown.Availability == made.Availability && shown.Activity == made.Activity {
		shown.Source = made.Source
	}
	shown.Old = !online
	return shown, chosen
}

// Chosen returns the state and the note that one chose, as far as their time is
// not over; Automatic: it is left to the program. Self says what others see.
func (b *Board) Chosen() presence.State {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.own.inputs.Chosen.Standing(time.Now())
}

// combine makes one's own state of what decides it; next is when to ask again,
// zero: when that changes.
func (b *Board) combine() (made presence.State, next time.Time) {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	made, next = presence.Combine(b.own.inputs, now)
	if b.s.o.Silent && b.own.inputs.Chosen.Standing(now).Availability == presence.Automatic {
		made.Availability = presence.Offline // a command does not make anybody available
	}
	if last := b.own.made; made.Since.IsZero() {
		made.Since = now
		if made.Availability == last.Availability && made.Activity == last.Activity {
			made.Since = last.Since
		}
	}
	b.own.made = made
	return made, next
}

// Set chooses one's state and note and publishes it; it returns when the
// server has it, with the time until which the server keeps it. An empty
// Availability means automatic. While offline it is kept and published at the
// next sign-in. In a Silent session this is an ordinary publication that stays
// after the session has ended; the next Set, or the window, replaces it.
func (b *Board) Set(ctx context.Context, p presence.State) (until time.Time, err error) {
	return b.decide(ctx, func(presence.State) presence.State { return p })
}

// decide makes a choice of the last one, and publishes it as Set says.
func (b *Board) decide(ctx context.Context, change func(last presence.State) presence.State) (until time.Time, err error) {
	if err := b.choose(change); err != nil {
		return time.Time{}, err
	}
	server, err := b.s.server(ctx)
	if errors.Is(err, sipconn.ErrOffline) && !b.s.o.Silent {
		shown, _ := b.Self()
		b.s.emit(PresenceChanged{b.s.self, shown})
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	until, _, err = b.publish(ctx, server)
	return until, err
}

// choose notes a choice, made of the last one, and keeps it.
func (b *Board) choose(change func(last presence.State) presence.State) error {
	now := time.Now()
	b.mu.Lock()
	last := b.own.inputs.Chosen
	p := change(last.Standing(now))
	if err := choosable(p, now); err != nil {
		b.mu.Unlock()
		return err
	}
	p = presence.State{Availability: p.Availability, Note: plain.Text(p.Note), NoteUntil: p.NoteUntil, Until: p.Until}
	p.Since = later(now, last.Since)
	if p.Note == last.Note {
		p.NoteTime = last.NoteTime
	} else {
		p.NoteTime = p.Since
	}
	b.keep(p)
	b.mu.Unlock()
	b.again()
	b.own.write.Flush()
	b.wrote(p.Note)
	return nil
}

// keep takes p as what was chosen, and has it written; b.mu is held, and
// own.write flushed after.
func (b *Board) keep(p presence.State) {
	b.own.inputs.Chosen = p
	b.own.write.Add(func() { b.s.writeJSON(b.s.mine(ownFile), keptOwn{b.s.self, p}) })
}

// choosable says why p cannot be chosen.
func choosable(p presence.State, now time.Time) error {
	if p.Availability == presence.Unknown {
		return fmt.Errorf("the state %q cannot be chosen", p.Availability)
	}
	if n := utf8.RuneCountInString(p.Note); n > presence.MaxNote {
		return fmt.Errorf("the note has %d characters; at most %d are allowed", n, presence.MaxNote)
	}
	if !p.Until.IsZero() && !p.Until.After(now) {
		return fmt.Errorf("the end of the state, %s, is past", p.Until.Format(time.DateTime))
	}
	if !p.NoteUntil.IsZero() && !p.NoteUntil.After(now) {
		return fmt.Errorf("the end of the note, %s, is past", p.NoteUntil.Format(time.DateTime))
	}
	return nil
}

// later is now in whole seconds, as states travel, but after last: the clock of
// the device on which that was chosen may be ahead.
func later(now, last time.Time) time.Time {
	now = now.Truncate(time.Second)
	if !now.After(last) {
		now = last.Truncate(time.Second).Add(time.Second)
	}
	return now
}

// Idle says since when nobody has touched this computer; zero: it is in use.
// Who does not know says nothing.
func (b *Board) Idle(since time.Time) {
	b.change(func(in *presence.Inputs) { in.IdleSince, in.Watched = since, true })
}

// Unwatched says that it is not known any more whether somebody touches this
// computer: nobody is called absent then, nor present.
func (b *Board) Unwatched() {
	b.change(func(in *presence.Inputs) { in.IdleSince, in.Watched = time.Time{}, false })
}

// Locked says whether the screen of this computer is locked.
func (b *Board) Locked(locked bool) {
	b.change(func(in *presence.Inputs) { in.Locked = locked })
}

// fromCalendar takes the calendar around now, and the note to show while out
// of office.
func (b *Board) fromCalendar(calendar []presence.Period, outOfOffice string) {
	b.change(func(in *presence.Inputs) {
		in.Calendar, in.OutOfOfficeNote = calendar, plain.Cut(plain.Text(outOfOffice), presence.MaxNote)
	})
}

// change changes what decides one's own state.
func (b *Board) change(f func(*presence.Inputs)) {
	b.mu.Lock()
	f(&b.own.inputs)
	b.mu.Unlock()
	b.again()
}

// again tells keepOwn to look again.
func (b *Board) again() {
	select {
	case b.own.wake <- struct{}{}:
	default:
	}
}

// publish publishes one's own state as it is now. until is how long the server
// keeps what a Silent session says; next is when to look again.
func (b *Board) publish(ctx context.Context, server *simple.Server) (until, next time.Time, err error) {
	select {
	case <-b.own.turn: // who made his state earlier has said it by now
	case <-ctx.Done():
		return until, next, ctx.Err()
	}
	defer func() { b.own.turn <- struct{}{} }()
	b.mu.Lock()
	again := b.own.echo.due()
	b.mu.Unlock()
	if again {
		b.reread()
	}
	made, next := b.combine()
	switch {
	case !b.s.o.Silent && again:
		err = server.PublishAgain(ctx, made)
	case !b.s.o.Silent:
		err = server.Publish(ctx, made)
	default:
		made, until, err = b.command(ctx, server, made)
	}
	if err == nil {
		b.mu.Lock()
		b.own.echo.published(made, again)
		b.mu.Unlock()
		b.shown(made)
	}
	return until, next, err
}

// command publishes what was chosen in a Silent session, and returns what is
// shown then. Automatic is nothing to publish; but a window that is there takes
// the choice over, and the note, from what it hears for a minute.
func (b *Board) command(ctx context.Context, server *simple.Server, made presence.State) (shown presence.State, until time.Time, err error) {
	me, heard := server.Device(), b.Of(b.s.self)
	window := slices.ContainsFunc(heard.Devices, func(d presence.Device) bool {
		mine := d.Chosen.Availability != presence.Automatic // an earlier command may have left it; a window beside us reads our files
		return d.Reachable && (d.ID != me || made.Note != "" && !mine)
	})
	switch {
	case made.Source == presence.FromChoice:
		until, err = server.PublishOnce(ctx, made)
		return made, until, err
	case window:
		heard.Note, heard.NoteTime, heard.Chosen = made.Note, made.NoteTime, made.Chosen
		return heard, time.Time{}, server.PublishBriefly(ctx, heard)
	case made.Note != "":
		return made, time.Time{}, server.PublishLast(ctx, made)
	}
	return made, time.Time{}, server.Unpublish(ctx)
}

// signOff says, as the last word, that one is gone, and leaves the note behind
// for as long as the server keeps it. While another device of one's own is
// there it only takes back what this one said.
func (b *Board) signOff(ctx context.Context, server *simple.Server) error {
	if b.s.o.Silent {
		return nil
	}
	made, _ := b.combine()
	me := server.Device()
	elsewhere := slices.ContainsFunc(b.Of(b.s.self).Devices, func(d presence.Device) bool { return d.Reachable && d.ID != me })
	if elsewhere {
		return server.Unpublish(ctx)
	}
	last := presence.State{Availability: presence.Offline, Since: time.Now(), Note: made.Note, NoteTime: made.NoteTime}
	if made.Activity == presence.OutOfOffice {
		last.Activity, last.Until = made.Activity, made.Until
	}
	return server.PublishLast(ctx, last)
}

// shown notes that the server shows p as one's own state.
func (b *Board) shown(p presence.State) {
	p.Seen = time.Now()
	b.set(b.s.self, p)
}

// keepOwn publishes one's own state whenever it changes, until ctx ends or the
// server refuses it for good.
func (b *Board) keepOwn(ctx context.Context) {
	if b.s.o.Silent {
		return
	}
	for published := false; ; {
		made, next := b.combine()
		server, err := b.s.server(ctx)
		if err == nil && !(published && b.covered(made)) {
			_, next, err = b.publish(ctx, server)
			published = published || err == nil
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			b.s.log.Warn("own state not published", "error", err)
			wait, forGood := patience(err)
			if forGood {
				return
			}
			next = time.Now().Add(wait)
		default:
			next = b.doubted(next)
		}
		if !b.rest(ctx, next, err == nil) {
			return
		}
	}
}

// patience is how long to wait after a publication that failed. forGood: the
// server has no presence, or not for us; any other refusal may be a passing one.
func patience(err error) (wait time.Duration, forGood bool) {
	status, refused := errors.AsType[*sipconn.StatusError](err)
	if !refused {
		return publishAgain, false
	}
	none := []int{403, 404, 405, 489, 501} // RFC 3903 §6, RFC 3261 §21
	return max(publishAgain, status.RetryAfter), slices.Contains(none, status.Code) && status.RetryAfter == 0
}

// covered says that made has been published and is shown, as far as is known.
func (b *Board) covered(made presence.State) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.own.echo.covers(made)
}

// doubted is next, or the moment before it at which what is missing is to be
// published again.
func (b *Board) doubted(next time.Time) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	if d := b.own.echo.doubted; !d.IsZero() && (next.IsZero() || d.Before(next)) {
		return d
	}
	return next
}

// rest waits until next, or until something has changed where that may end the
// wait; false: ctx has ended.
func (b *Board) rest(ctx context.Context, next time.Time, listen bool) bool {
	due := time.NewTimer(time.Until(next))
	defer due.Stop()
	if next.IsZero() {
		due.Stop()
	}
	wake := b.own.wake
	if !listen {
		wake = nil // a server in trouble is not asked more often
	}
	select {
	case <-ctx.Done():
		return false
	case <-wake:
	case <-due.C:
	}
	return true
}
