// Package addressbook is a copy of everybody in the organisation, for finding
// people while the user types, also without a network.
//
// Begin with Open, then Book.Update and Book.Search. A Book is filled from
// sources (package directory: LDAP; here: vCard and CSV files) once, and then
// only with what has changed. The copy is two files that other processes of the
// same user read; one at a time updates them. The package does not decide when
// to update.
//
// A search is a walk over an index of words and one of digits, both sorted
// (segment.go), so it costs the same in the first as in the tenth letter.
//
// Standards: RFC 6350 (vCard), RFC 4180 (CSV).
package addressbook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"communicator/directory"
)

// Options of a Book.
type Options struct {
	File    string                                    // the copy; beside it come ".changes" and ".lock". Empty: in memory only
	Feeds   func(ctx context.Context) ([]Feed, error) // where people come from; asked at each update
	Changed func(State)                               // news, a few a second at most; must not block; nil: nobody listens
	Log     *slog.Logger                              // nil: silent
}

// Feed is a source with a name.
type Feed struct {
	Name   string // names it for good: a URL, a path
	Source directory.Source
	Local  bool // reading all of it costs nothing: done whenever it has changed, not once a day
}

// State of a Book; a value.
type State struct {
	Entries  int       // people that a search sees
	Total    int       // people expected; zero: not known
	Read     int       // people read so far, while everybody is being read; else zero
	Filling  bool      // everybody is being read for the first time: results may be incomplete
	Complete bool      // everybody is there, as of Updated
	Updated  time.Time // when it was last in agreement with all sources; zero: never
	Err      error     // of the last update, or why there is no copy
}

// Book is the address book. Its methods may be called from any goroutine; only
// Update waits.
type Book struct {
	o        Options
	log      *slog.Logger
	room     sync.Pool // of *costs
	write    func(file string, c content) error
	updating chan struct{} // holds one token while somebody updates

	mu         sync.Mutex
	file       string
	stamps     [2]stamp // of the files as they were read or written
	saved      string   // ID of what is in the file
	shelf      *shelf
	parts      []*segment // while filling for the first time
	contacts   []directory.Person
	department string
	views      []view   // of all this
	stood      *segment // of which standings are,
	stoodIn    string   // for that department
	standings  []rank
	state      State
	told       time.Time // when Changed was last called
}

// Open reads the copy, if there is one. A damaged one is put aside: State.Err
// says so until the next Update makes a new one. One that a newer version of
// the program has written is left as it is.
func Open(o Options) *Book {
	b := &Book{o: o, log: o.Log, file: o.File, write: writeFile, updating: make(chan struct{}, 1), shelf: &shelf{}}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	b.room.New = func() any { return &costs{} }
	b.Reload()
	var newer *newerError
	if errors.As(b.State().Err, &newer) {
		b.log.Warn("address book", "error", newer)
		b.file = fmt.Sprintf("%s.v%d", o.File, version)
		b.Reload()
	}
	return b
}

// Reload takes over what another process has written. It looks at the files and
// reads them only when they have changed.
func (b *Book) Reload() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.file == "" {
		return
	}
	now := [2]stamp{stampOf(b.file), stampOf(b.file + changesName)}
	if now == b.stamps {
		return
	}
	s, err := load(b.file, b.shelf, now[0] == b.stamps[0] && b.saved == b.shelf.ID)
	b.stamps = now
	if err != nil {
		b.state.Err = err
		if errors.Is(err, errDamaged) {
			b.log.Warn("the copy of the address book is damaged; it will be read anew", "file", b.file)
		}
	}
	if s.base == nil && b.shelf.base != nil {
		return // somebody has removed it; what is in memory is better than nothing
	}
	b.saved = s.ID
	b.put(s)
	if err == nil {
		b.state.Err = nil
	}
}

// put shows another shelf, under the lock.
func (b *Book) put(s *shelf) {
	b.shelf = s
	if s.base != nil {
		b.parts = nil
	}
	b.state.Updated, b.state.Complete = s.Updated, s.complete()
	b.state.Filling = b.state.Filling && !b.state.Complete
	b.arrange()
}

// complete says whether every feed has been read whole.
func (s *shelf) complete() bool {
	return len(s.Feeds) > 0 && !slices.ContainsFunc(s.Feeds, func(f fed) bool { return f.Name != "" && f.Full.IsZero() })
}

// State returns how the book stands.
func (b *Book) State() State {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state
}

// Prefer says who comes first in results: these contacts, by the names that the
// user gives them, also if no source knows them; then the people of that
// department.
func (b *Book) Prefer(contacts []directory.Person, department string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.contacts, b.department = slices.Clone(contacts), department
	b.arrange()
}

// Search finds people. It never waits for the network nor for an update.
func (b *Book) Search(q Query) Result {
	b.mu.Lock()
	views, complete := b.views, b.state.Complete
	b.mu.Unlock()
	room := make([]*costs, len(views))
	for i := range room {
		room[i] = b.room.Get().(*costs)
		defer b.room.Put(room[i])
	}
	r := search(views, q, room)
	r.Complete = complete
	return r
}

// Person returns whoever has that address, also beside another. A contact has
// the name that the sources give him.
func (b *Book) Person(user string) (directory.Person, bool) {
	b.mu.Lock()
	views := b.views[min(1, len(b.views)):] // without the contacts
	b.mu.Unlock()
	for _, v := range slices.Backward(views) { // what has changed comes last
		if i := v.at(user); i >= 0 && v.ranks[i] != gone {
			return v.person(i), true
		}
	}
	return directory.Person{}, false
}

// arrange makes the views, under the lock: the contacts first, and the others
// without them.
func (b *Book) arrange() {
	segments := append([]*segment{b.shelf.base, b.shelf.delta}, b.parts...)
	views := []view{{}}
	for _, s := range segments {
		if s.len() > 0 {
			views = append(views, view{s, b.standing(s)})
		}
	}
	if len(views) > 1 && b.shelf.base.len() > 0 {
		for i := range b.shelf.gone.len() {
			views[1].ranks[b.shelf.gone.at(i)] = gone
		}
	}
	var mine [][]entry
	for _, c := range b.contacts {
		mine = append(mine, []entry{known(c, views[1:])})
	}
	own := build(mine)
	views[0] = view{own, make([]rank, own.len())}
	b.views = views
	b.state.Entries = 0
	for _, v := range views[1:] {
		b.state.Entries += v.len()
	}
	b.state.Entries -= b.shelf.gone.len()
	if !b.state.Filling {
		b.state.Total = b.state.Entries
	}
}

// standing returns the ranks of everybody in s, as far as the department
// decides them. Of what stays the same they are kept.
func (b *Book) standing(s *segment) []rank {
	if b.stood != s || b.stoodIn != b.department {
		ranks := s.standing(b.department)
		if s != b.shelf.base {
			return ranks
		}
		b.stood, b.stoodIn, b.standings = s, b.department, ranks
	}
	return slices.Clone(b.standings)
}

func (s *segment) standing(department string) []rank {
	ranks := slices.Repeat([]rank{other}, s.len())
	if department == "" {
		return ranks
	}
	own := make([]bool, s.textEnd.len())
	for i := range own {
		own[i] = strings.EqualFold(s.text(uint64(i)), department)
	}
	for i := range ranks {
		if d := s.department(i); d < uint64(len(own)) && own[d] {
			ranks[i] = colleague
		}
	}
	return ranks
}

// known returns a contact with what the views know of him, and hides him there.
func known(c directory.Person, views []view) entry {
	c.Key = c.User
	for _, v := range slices.Backward(views) {
		i := v.at(c.User)
		if i < 0 || v.ranks[i] == gone {
			continue
		}
		v.ranks[i] = elsewhere
		p := v.person(i)
		if c.Name != "" && c.Name != p.Name {
			p.Name, p.Aliases = c.Name, append(p.Aliases, p.Name)
		}
		if !strings.EqualFold(p.User, c.User) { // the list has another address of his
			p.User, p.Aliases = c.User, append(p.Aliases, p.User)
		}
		c = p
	}
	c, _ = bounded(c)
	return entry{Person: c}
}
