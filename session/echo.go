package session

import (
	"time"

	"communicator/presence"
)

const (
	echoAfter  = time.Second // a notification on its way may tell of the last but one; a command writes its files
	maxRepairs = 3           // of one publication: then the server shows it differently, for whatever reason
)

// echo is how what the server shows of oneself compares with what was
// published. Board.mu guards it.
type echo struct {
	said    presence.State // published last
	doubted time.Time      // when to publish it again, unless it is heard before; zero: it is shown
	repairs int            // of what was published last
}

// listen takes what the server shows of oneself. Two windows of one user, or a
// window and a command, agree by it: of what was chosen the newest counts, and
// both show it. What this device published and is not shown is published again.
func (b *Board) listen(heard presence.State) {
	server := b.s.dialect()
	if server == nil || heard.Availability == presence.Unknown {
		return
	}
	me := server.Device()
	if b.s.o.Silent { // it goes on from what was chosen last, wherever
		for _, d := range heard.Devices {
			b.adopt(asChosen(d.Chosen), false)
		}
		return
	}
	b.mu.Lock()
	said := b.own.echo.said
	b.mu.Unlock()
	shown := said.Availability == presence.Offline // one of several that is not there is not listed
	for _, d := range heard.Devices {
		if d.ID == me {
			shown = shows(d, said)
		} else {
			b.adopt(asChosen(d.Chosen), d.ID > me)
		}
	}
	b.mu.Lock()
	b.own.echo.doubt(!shown)
	b.mu.Unlock()
	b.again()
}

// reread takes over what a command beside this window has chosen: it has the
// same files and speaks for the same device.
func (b *Board) reread() {
	var kept keptOwn
	if b.s.readJSON(b.s.mine(ownFile), &kept) && kept.User == b.s.self {
		b.adopt(kept.Own, false)
	}
}

// adopt takes over what was chosen elsewhere if it is newer than what was
// chosen here; wins decides between two of the same second.
func (b *Board) adopt(c presence.State, wins bool) {
	b.mu.Lock()
	mine := b.own.inputs.Chosen
	order := c.Since.Truncate(time.Second).Compare(mine.Since.Truncate(time.Second))
	newer := !c.Since.IsZero() && (order > 0 || order == 0 && wins && (c.Availability != mine.Availability || c.Note != mine.Note))
	if newer {
		b.keep(c)
	}
	b.mu.Unlock()
	b.own.write.Flush()
}

func asChosen(c presence.Choice) presence.State {
	return presence.State{Availability: c.Availability, Until: c.Until, Since: c.Time, Note: c.Note, NoteTime: c.NoteTime, NoteUntil: c.NoteUntil}
}

// shows says that others see on device d what was said of it.
func shows(d presence.Device, said presence.State) bool {
	return d.Availability == said.Availability && d.Note == said.Note && (d.Activity == said.Activity || !d.Reachable)
}

// doubt notes whether what was said is missing. It is said again after a
// while, each time later, and not for ever: two programs that take themselves
// for the same device would else never stop.
func (e *echo) doubt(missing bool) {
	switch {
	case !missing:
		e.doubted, e.repairs = time.Time{}, 0
	case e.doubted.IsZero() && e.repairs < maxRepairs && e.said.Availability != presence.Automatic:
		e.doubted = time.Now().Add(echoAfter << e.repairs)
	}
}

// due says that what was said must be said again.
func (e *echo) due() bool { return !e.doubted.IsZero() && !time.Now().Before(e.doubted) }

// covers says that made need not be published.
func (e *echo) covers(made presence.State) bool {
	return !e.due() && e.said.Looks(made) && e.said.Chosen.Equal(made.Chosen)
}

// published notes what was said; again: because it was missing.
func (e *echo) published(said presence.State, again bool) {
	switch {
	case again:
		e.repairs++
	case !e.said.Looks(said):
		e.repairs = 0
	}
	e.said, e.doubted = said, time.Time{}
}
