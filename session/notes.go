package session

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"communicator/inorder"
	"communicator/presence"
)

const (
	recentNotes = 10               // are offered again
	heardNotes  = 2000             // people whose last note is kept
	writeNotes  = 10 * time.Second // notes that came together are written together
)

// Files in Options.Dir, one for each user.
const (
	recentFile = "recent-notes" // of one's own
	heardFile  = "notes"        // of others
)

// notes are those one wrote lately, and the last one of each person: a server
// may forget a note with its writer's sign-out.
type notes struct {
	mu     sync.Mutex
	recent []string            // newest first
	heard  map[string]lastNote // by address
	fresh  chan struct{}       // tells keepNotes that heard has changed
	write  inorder.Queue       // of recent
}

// lastNote is a note as last seen.
type lastNote struct {
	Text string    `json:"text"`
	Time time.Time `json:"time"` // when it was written, or seen
}

func newNotes(s *Session) *notes {
	n := &notes{fresh: make(chan struct{}, 1)}
	_ = s.readJSON(s.mine(recentFile), &n.recent) // none is as good
	_ = s.readJSON(s.mine(heardFile), &n.heard)
	if n.heard == nil {
		n.heard = map[string]lastNote{}
	}
	n.recent = n.recent[:min(len(n.recent), recentNotes)]
	return n
}

// RecentNotes returns the last ten notes one wrote, the newest first, each once.
func (b *Board) RecentNotes() []string {
	b.notes.mu.Lock()
	defer b.notes.mu.Unlock()
	return slices.Clone(b.notes.recent)
}

// SetNote changes one's note and leaves the state as it was chosen; until is
// when the note is to be cleared, zero: not. It returns as Set does.
func (b *Board) SetNote(ctx context.Context, note string, until time.Time) (kept time.Time, err error) {
	return b.decide(ctx, func(p presence.State) presence.State {
		p.Note, p.NoteUntil = note, until
		return p
	})
}

// SetState chooses one's state, until then (zero: until the next choice), and
// leaves the note as it was written. It returns as Set does.
func (b *Board) SetState(ctx context.Context, a presence.Availability, until time.Time) (kept time.Time, err error) {
	return b.decide(ctx, func(p presence.State) presence.State {
		p.Availability, p.Until = a, until
		return p
	})
}

// wrote adds a note to the recent ones.
func (b *Board) wrote(note string) {
	if note == "" {
		return
	}
	n := b.notes
	n.mu.Lock()
	recent := append([]string{note}, slices.DeleteFunc(slices.Clone(n.recent), func(old string) bool { return old == note })...)
	recent = recent[:min(len(recent), recentNotes)]
	n.recent = recent
	n.write.Add(func() { b.s.writeJSON(b.s.mine(recentFile), recent) })
	n.mu.Unlock()
	n.write.Flush()
}

// remember keeps the note in p, and gives the last one to somebody who is
// offline and of whom the server does not know whether he has one.
func (n *notes) remember(user string, p presence.State) presence.State {
	n.mu.Lock()
	defer n.mu.Unlock()
	last, had := n.heard[user]
	silent := p.Availability == presence.Offline && p.Note == "" && p.NoteTime.IsZero()
	switch {
	case p.Availability == presence.Unknown:
		return p
	case silent:
		p.Note, p.NoteTime = last.Text, last.Time
		return p
	case p.Note == "":
		delete(n.heard, user)
	case !had || last.Text != p.Note:
		n.heard[user] = lastNote{p.Note, cmp.Or(p.NoteTime, p.Seen)}
	default:
		return p // as it was
	}
	if had || p.Note != "" {
		select {
		case n.fresh <- struct{}{}:
		default:
		}
	}
	return p
}

// keepNotes writes what has been heard, until ctx ends. A command leaves that
// to the window.
func (b *Board) keepNotes(ctx context.Context) {
	for !b.s.o.Silent {
		select {
		case <-b.notes.fresh:
		case <-ctx.Done():
			return
		}
		soon := time.NewTimer(writeNotes)
		select {
		case <-soon.C:
		case <-ctx.Done():
			soon.Stop()
		}
		b.s.writeJSON(b.s.mine(heardFile), b.notes.all())
	}
}

// all returns the last notes, of too many the newest.
func (n *notes) all() map[string]lastNote {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.heard) > heardNotes {
		users := slices.SortedFunc(maps.Keys(n.heard), func(a, b string) int { return n.heard[b].Time.Compare(n.heard[a].Time) })
		for _, u := range users[heardNotes:] {
			delete(n.heard, u)
		}
	}
	return maps.Clone(n.heard)
}
