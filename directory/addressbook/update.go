package addressbook

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"communicator/directory"
	"communicator/filelock"
)

const (
	fullEvery  = 24 * time.Hour // A full download comes no more often than that,
	sweepEvery = 24 * time.Hour // nor does the comparison of all keys.

	newsEvery = 300 * time.Millisecond // Progress is told no more often.
	partSize  = 5000                   // People are shown in parts of that size while the book is filled.
)

// doubtError: most people are missing from a source all of a sudden. They stay
// until it says so again a day later: it is likelier that it does not show them
// to us than that they have left.
type doubtError struct {
	feed      string
	got, have int
}

func (e *doubtError) Error() string {
	return fmt.Sprintf("%s shows only %d of %d people: the others are kept for a day", e.feed, e.got, e.have)
}

// errEnough ends the reading of a source that gives more than a book holds.
var errEnough = errors.New("there are more people than an address book holds")

// Update brings the book into agreement with its sources: with everybody if
// they were never read, else with what has changed. While another process
// updates the same copy it takes over what that has written so far. After an
// error the book is what it was before, or has the news of some sources only.
func (b *Book) Update(ctx context.Context) error {
	select {
	case b.updating <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-b.updating }()
	release, mine := b.lock()
	defer release()
	b.Reload()
	if !mine {
		return nil
	}
	feeds, err := b.o.Feeds(ctx)
	err = errors.Join(err, b.update(ctx, feeds, err == nil))
	b.news(true, func(s *State) {
		s.Filling, s.Read, s.Total, s.Err = false, 0, s.Entries, err
	})
	return err
}

// lock keeps other processes from updating. Where there are no locks the last
// one to write wins.
func (b *Book) lock() (release func(), mine bool) {
	nothing := func() {}
	if b.o.File == "" {
		return nothing, true
	}
	err := os.MkdirAll(filepath.Dir(b.o.File), 0o700)
	if err == nil {
		var taken bool
		if release, taken, err = filelock.Take(b.o.File + ".lock"); taken {
			return release, true
		}
	}
	if err != nil {
		b.log.Debug("no lock for the address book", "error", err)
	}
	return nothing, err != nil
}

// news changes the state and tells of it; unless it must, not too often.
func (b *Book) news(must bool, f func(*State)) {
	b.mu.Lock()
	f(&b.state)
	state, tell := b.state, must || time.Since(b.told) >= newsEvery
	if tell {
		b.told = time.Now()
	}
	b.mu.Unlock()
	if tell && b.o.Changed != nil {
		b.o.Changed(state)
	}
}

// reading is one update.
type reading struct {
	b       *Book
	shelf   *shelf
	feeds   []fed // as they will be
	changes changes
	anew    map[uint8]bool // feeds that were read whole
}

// update reads feeds; all says that there are no others.
func (b *Book) update(ctx context.Context, feeds []Feed, all bool) error {
	b.mu.Lock()
	s := b.shelf
	b.mu.Unlock()
	r := &reading{b: b, shelf: s, feeds: slices.Clone(s.Feeds), changes: changes{}, anew: map[uint8]bool{}}
	var err error
	for _, f := range feeds {
		err = errors.Join(err, r.feed(ctx, f))
	}
	if all {
		r.drop(feeds)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	n := *s
	switch {
	case len(r.anew) > 0:
		n = *s.rebuilt(r.changes, r.anew)
	case len(r.changes) > 0:
		n = *s.with(r.changes)
	}
	n.Feeds = r.feeds
	if err == nil && all {
		n.Updated = time.Now().UTC()
	}
	if n.Cut {
		b.log.Warn("the address book is cut short", "people", maxPeople)
	}
	if n.base == nil {
		return err
	}
	b.mu.Lock()
	b.put(&n)
	b.mu.Unlock()
	return errors.Join(err, b.save(&n))
}

// save writes what is not in the files.
func (b *Book) save(s *shelf) error {
	b.mu.Lock()
	file, saved := b.file, b.saved
	b.mu.Unlock()
	if file == "" {
		return nil
	}
	var err error
	if saved != s.ID {
		err = b.write(file, content{meta: s.meta, segment: s.base})
	}
	if delta := s.delta; err == nil && saved == s.ID {
		if delta == nil {
			delta = build(nil)
		}
		err = b.write(file+changesName, content{s.meta, s.gone, delta})
	}
	if err != nil {
		return fmt.Errorf("the address book could not be written; the copy of before stays: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.saved, b.stamps = s.ID, [2]stamp{stampOf(file), stampOf(file + changesName)}
	return nil
}

// index returns the number of a feed, a new one if need be.
func (r *reading) index(name string) (uint8, error) {
	i := slices.IndexFunc(r.feeds, func(f fed) bool { return f.Name == name })
	if i < 0 {
		i = slices.IndexFunc(r.feeds, func(f fed) bool { return f.Name == "" }) // of one that was dropped
	}
	if i < 0 {
		i = len(r.feeds)
		r.feeds = append(r.feeds, fed{})
	}
	if i >= maxFeeds {
		r.feeds = r.feeds[:maxFeeds]
		return 0, fmt.Errorf("more than %d sources", maxFeeds)
	}
	r.feeds[i].Name = name
	return uint8(i), nil
}

// drop forgets the people of feeds that are no longer there.
func (r *reading) drop(feeds []Feed) {
	for i, f := range r.feeds {
		if f.Name != "" && !slices.ContainsFunc(feeds, func(g Feed) bool { return g.Name == f.Name }) {
			r.feeds[i], r.anew[uint8(i)] = fed{}, true
		}
	}
}

// feed reads one source.
func (r *reading) feed(ctx context.Context, f Feed) error {
	i, err := r.index(f.Name)
	if err != nil {
		return err
	}
	before := r.feeds[i].Mark
	if at := &r.feeds[i]; at.Full.IsZero() {
		err = r.full(ctx, f, i)
	} else {
		err = r.changed(ctx, f, i)
		whole := f.Local || time.Since(at.Full) >= fullEvery
		switch {
		case !errors.Is(err, directory.ErrMark):
		case whole:
			err = r.full(ctx, f, i)
		default:
			err = nil // tomorrow; until then the copy stays as it is
		}
	}
	at := r.feeds[i]
	if due := f.Local && at.Mark != before || time.Since(at.Swept) >= sweepEvery; err == nil && due && !r.anew[i] {
		err = r.sweep(ctx, f, i)
	}
	if err != nil {
		return fmt.Errorf("read the address book from %s: %w", f.Name, err)
	}
	return nil
}

// changed reads what has changed since the last time.
func (r *reading) changed(ctx context.Context, f Feed, i uint8) error {
	at := &r.feeds[i]
	if at.Mark == "" {
		return directory.ErrMark
	}
	news := changes{}
	mark, err := f.Source.Changes(ctx, directory.Mark(at.Mark), func(people []directory.Person) error {
		return news.take(ctx, i, people)
	})
	if err != nil {
		return err
	}
	maps.Copy(r.changes, news)
	if len(mark) <= directory.MaxMark {
		at.Mark = string(mark)
	}
	return nil
}

// take adds people of a feed; of somebody who is told twice the later counts.
func (c changes) take(ctx context.Context, feed uint8, people []directory.Person) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for _, p := range people {
		if p, ok := bounded(p); ok {
			e := entry{feed, p}
			c[e.id()] = e
		}
	}
	if len(c) > maxPeople {
		return errEnough
	}
	return nil
}

// full reads everybody. The first time they are shown as they come.
func (r *reading) full(ctx context.Context, f Feed, i uint8) error {
	at, have := &r.feeds[i], r.count(i)
	everybody := changes{}
	fill := filling{b: r.b, before: r.b.State().Entries, show: at.Full.IsZero() && r.shelf.base == nil}
	r.b.news(true, func(s *State) { s.Filling, s.Read, s.Total = fill.show, 0, have })
	mark, err := f.Source.All(ctx, func(people []directory.Person) error {
		err := everybody.take(ctx, i, people)
		fill.take(i, people, len(everybody))
		return err
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	now := time.Now().UTC()
	if r.doubtful(f, i, len(everybody), have) {
		at.Full, at.Swept, at.Doubt = now, now, true
		return &doubtError{f.Name, len(everybody), have}
	}
	maps.DeleteFunc(r.changes, func(k id, _ entry) bool { return k.feed == i })
	maps.Copy(r.changes, everybody)
	r.anew[i] = true
	*at = fed{Name: f.Name, Full: now, Swept: now}
	if len(mark) <= directory.MaxMark {
		at.Mark = string(mark)
	}
	return nil
}

// count returns how many entries a feed has in the book.
func (r *reading) count(i uint8) (n int) {
	for feed := range r.shelf.keys() {
		if feed == i {
			n++
		}
	}
	return n
}

// doubtful says whether most people of a feed are missing all of a sudden, for
// the first time.
func (r *reading) doubtful(f Feed, i uint8, got, have int) bool {
	const few = 20 // of so few more than half may leave
	return !f.Local && have >= few && got < have/2 && !r.feeds[i].Doubt
}

// sweep finds out who was deleted.
func (r *reading) sweep(ctx context.Context, f Feed, i uint8) error {
	there := map[string]bool{}
	err := f.Source.Keys(ctx, func(keys []string) error {
		for _, k := range keys {
			there[k] = true
		}
		if len(there) > 2*maxPeople {
			return errEnough
		}
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	have := 0
	var gone []string
	for feed, key := range r.shelf.keys() {
		if feed == i {
			have++
			if !there[string(key)] {
				gone = append(gone, string(key))
			}
		}
	}
	at := &r.feeds[i]
	at.Swept = time.Now().UTC()
	if r.doubtful(f, i, have-len(gone), have) {
		at.Doubt = true
		return &doubtError{f.Name, have - len(gone), have}
	}
	at.Doubt = false
	for _, k := range gone {
		if _, again := r.changes[id{i, k}]; !again {
			r.changes[id{i, k}] = entry{feed: i, Person: directory.Person{Key: k}}
		}
	}
	return nil
}

// filling shows people while they are read for the first time.
type filling struct {
	b       *Book
	show    bool
	before  int // how many are shown already, from an attempt that broke off
	parts   []*segment
	shown   int
	waiting []entry
}

func (f *filling) take(feed uint8, people []directory.Person, read int) {
	if f.show {
		for _, p := range people {
			if p, ok := bounded(p); ok {
				f.waiting = append(f.waiting, entry{feed, p})
			}
		}
		if len(f.waiting) >= partSize {
			f.add()
		}
	}
	f.b.news(false, func(s *State) { s.Read = read })
}

// add shows those who wait. A new attempt takes the place of the last one when
// it has come as far.
func (f *filling) add() {
	f.parts = append(f.parts, build(together(f.waiting)))
	f.shown += len(f.waiting)
	f.waiting = nil
	if f.shown < f.before {
		return
	}
	f.b.mu.Lock()
	defer f.b.mu.Unlock()
	f.b.parts = slices.Clone(f.parts)
	f.b.arrange()
}
