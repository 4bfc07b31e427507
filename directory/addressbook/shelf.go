package addressbook

import (
	"crypto/rand"
	"iter"
	"maps"
	"slices"
)

// Limits on a book.
const (
	maxPeople = 300_000
	maxFeeds  = 50
)

// rebuildAt is how many people may have changed before everything is put into
// one piece again: one in rebuildAt, and at least rebuildLeast.
const (
	rebuildAt    = 20
	rebuildLeast = 1000
)

// shelf is everybody, as of one moment; it does not change. base is everybody as
// of an earlier moment, delta who has changed since, gone who of base no longer
// counts.
type shelf struct {
	meta
	base  *segment
	delta *segment
	gone  u32s // ascending
}

// stays returns the people of base that count.
func (s *shelf) stays() iter.Seq[int] {
	return func(yield func(int) bool) {
		next := 0
		for i := range s.base.len() {
			if next < s.gone.len() && int(s.gone.at(next)) == i {
				next++
			} else if !yield(i) {
				return
			}
		}
	}
}

// people gives the entries of each person.
func (s *shelf) people() iter.Seq[[]entry] {
	return func(yield func([]entry) bool) {
		for i := range s.stays() {
			if !yield(s.base.entries(i)) {
				return
			}
		}
		for i := range s.delta.len() {
			if !yield(s.delta.entries(i)) {
				return
			}
		}
	}
}

// keys gives feed and key of each entry; the key is good for the moment only.
func (s *shelf) keys() iter.Seq2[uint8, []byte] {
	return func(yield func(uint8, []byte) bool) {
		on := true
		head := func(r record) bool {
			on = yield(r.head())
			return on
		}
		for i := range s.stays() {
			if s.base.each(i, head); !on {
				return
			}
		}
		for i := 0; i < s.delta.len() && on; i++ {
			s.delta.each(i, head)
		}
	}
}

// changes are what an update found: the new entries by their names; with a key
// only for one that is gone.
type changes map[id]entry

func (e entry) isGone() bool { return e.User == "" && e.Name == "" }

// with returns the shelf after changes.
func (s *shelf) with(c changes) *shelf {
	if s.base == nil || s.delta.len()+len(c) > max(rebuildLeast, s.base.len()/rebuildAt) {
		return s.rebuilt(c, nil)
	}
	affected := s.affected(c)
	var entries []entry
	keep := func(old []entry) {
		for _, e := range old {
			if _, changed := c[e.id()]; !changed {
				entries = append(entries, e)
			}
		}
	}
	for _, i := range affected {
		keep(s.base.entries(i))
	}
	for i := range s.delta.len() {
		keep(s.delta.entries(i))
	}
	entries = append(entries, c.there()...)
	n := &shelf{meta: s.meta, base: s.base, delta: build(together(entries))}
	n.gone = s.gone
	if len(affected) > 0 {
		n.gone = s.gone.and(affected)
	}
	return n
}

// there are the entries that are not gone, in an order that is always the same.
func (c changes) there() (entries []entry) {
	for _, k := range slices.SortedFunc(maps.Keys(c), id.compare) {
		if e := c[k]; !e.isGone() {
			entries = append(entries, e)
		}
	}
	return entries
}

// affected returns the people of base who have an entry that changes, or who
// turn out to be the same person as somebody who does.
func (s *shelf) affected(c changes) (all []int) {
	near := map[int]bool{}
	for _, e := range c {
		if i := s.base.at(e.User); i >= 0 {
			near[i] = true
		}
		for _, i := range s.base.namesakes(e) {
			near[i] = true
		}
	}
	for i := range s.stays() {
		changed := near[i]
		s.base.each(i, func(r record) bool {
			feed, key := r.head()
			if !changed {
				_, changed = c[id{feed, string(key)}]
			}
			return !changed
		})
		if changed {
			all = append(all, i)
		}
	}
	return all
}

// rebuilt returns the shelf after changes, in one piece. Of the feeds that were
// read anew nothing old stays.
func (s *shelf) rebuilt(c changes, anew map[uint8]bool) *shelf {
	var entries []entry
	for person := range s.people() {
		for _, e := range person {
			if _, changed := c[e.id()]; !changed && !anew[e.feed] {
				entries = append(entries, e)
			}
		}
	}
	entries = append(entries, c.there()...)
	n := &shelf{meta: s.meta}
	n.Cut = len(entries) > maxPeople
	n.base = build(together(entries[:min(len(entries), maxPeople)]))
	n.ID = rand.Text()
	return n
}

// maxNamesakes is how many people with one number are looked at: a whole
// company may have that of its switchboard.
const maxNamesakes = 1000

// namesakes returns the people with the name and a number of e.
func (s *segment) namesakes(e entry) (all []int) {
	for _, n := range e.Numbers {
		d := digits(n.Number)
		if len(d) < minDigits {
			continue
		}
		from, to := s.called(d)
		for i := from; i < min(to, from+maxNamesakes); i++ {
			owner, digit, there := s.place(i)
			if there != pack(d) {
				break // from here on they are longer
			}
			if digit == 0 && slices.ContainsFunc(s.entries(int(owner)), e.sameNumber) {
				all = append(all, int(owner))
			}
		}
	}
	return all
}

// and returns u, which ascends, with more numbers, still ascending.
func (u u32s) and(more []int) u32s {
	all := make([]uint32, 0, u.len()+len(more))
	for i := range u.len() {
		all = append(all, u.at(i))
	}
	for _, n := range more {
		all = append(all, uint32(n))
	}
	slices.Sort(all)
	return list(all)
}
