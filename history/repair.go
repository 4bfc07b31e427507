package history

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"time"

	"communicator/filelock"
)

// Repair says that the file was damaged, where it is now, and what was taken over
// into the new one.
type Repair struct {
	Moved string // the damaged file, as it was
	Taken int    // entries
	Lost  bool   // not all could be read
	Why   error
}

// newSuffix is of the file that replaces a damaged one; it has its name before it
// is complete only while the damaged one is still there.
const newSuffix = ".new"

// repair replaces the damaged file; s.mu is held and both connections are closed.
func (s *Store) repair(why error) error {
	release, taken, err := filelock.Take(s.file + ".lock")
	if err != nil {
		return explain(err)
	}
	if !taken {
		return ErrBusy
	}
	defer release()
	var m Merged
	if err := s.salvage(&m); err != nil {
		return fmt.Errorf("take over what can be read of the damaged file: %w", err)
	}
	aside, err := s.moveAside()
	if err != nil {
		return fmt.Errorf("move the damaged file aside: %w", err)
	}
	s.news = &Repair{Moved: aside, Taken: m.Added, Lost: m.Bad > 0, Why: why}
	return s.finishRepair()
}

// salvage writes what can be read of the damaged file into a new one beside it.
func (s *Store) salvage(m *Merged) error {
	fresh := s.file + newSuffix
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(fresh + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	f, err := os.OpenFile(fresh, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return explain(err)
	}
	if err := f.Close(); err != nil {
		return err
	}
	c, err := opened(fresh)
	if err != nil {
		return err
	}
	into := &merger{pending: true, done: m, write: func(f func(*conn) error) error { return c.transaction(func() error { return f(c) }) }}
	err = readOther(s.file, into)
	if errors.Is(err, errDamaged) {
		into.bad(err) // nothing, or no more, can be read
		err = nil
	}
	return errors.Join(err, into.flush(), c.close()) // closed, all of it is in the one file
}

// moveAside gives the damaged file a dated name.
func (s *Store) moveAside() (string, error) {
	stem := strings.TrimSuffix(s.file, ".db") + ".damaged-" + s.o.Now().Format("20060102-150405")
	aside := stem + ".db"
	for n := 2; ; n++ {
		if _, err := os.Lstat(aside); errors.Is(err, fs.ErrNotExist) {
			break
		}
		aside = fmt.Sprintf("%s-%d.db", stem, n)
	}
	// The log first: with another file it would be taken for that one's.
	if err := os.Rename(s.file+"-wal", aside+"-wal"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err := os.Remove(s.file + "-shm"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return aside, os.Rename(s.file, aside)
}

// finishRepair puts the new file into its place, also after a process ended just
// before that.
func (s *Store) finishRepair() error {
	if _, err := os.Lstat(s.file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(s.file+newSuffix, s.file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// other is a history that is read only, perhaps a damaged one.
type other struct {
	c      *conn
	people map[int64]string
	talks  map[int64]string // keys
	circle map[int64]Talk   // Title and Members
	unsent map[int64]string
	into   *merger
}

// readOther gives all entries of another file to a merger, and passes over what
// is damaged there.
func readOther(file string, into *merger) error {
	mode := "ro"
	if into.pending {
		mode = "rw" // its log belongs to us
	}
	c, err := dial(file, url.Values{"mode": {mode}})
	if err != nil {
		return err
	}
	defer c.close()
	// SQLite refuses a file that is shorter than it should be, unless this is on.
	if _, err := c.first("PRAGMA writable_schema = ON"); err != nil {
		return err
	}
	o := &other{c: c, into: into, people: map[int64]string{}, talks: map[int64]string{}, circle: map[int64]Talk{}, unsent: map[int64]string{}}
	if r, err := c.first("SELECT count(*) FROM sqlite_schema WHERE name IN ('people', 'talks', 'circles', 'entries', 'recipients', 'unsent')"); err != nil {
		return err
	} else if r.number(0) != 6 {
		return errors.New("it is no history of this program")
	}
	if err := o.readNames(); err != nil {
		return err
	}
	return o.readEntries()
}

// tolerate notes damage and goes on.
func (o *other) tolerate(err error) error {
	if errors.Is(err, errDamaged) {
		o.into.bad(err)
		return nil
	}
	return err
}

func (o *other) readNames() error {
	err := o.tolerate(o.c.each("SELECT id, address FROM people", nil, func(r row) error {
		o.people[r.number(0)] = r.text(1)
		return nil
	}))
	if err == nil {
		err = o.tolerate(o.c.each("SELECT id, key FROM talks", nil, func(r row) error {
			o.talks[r.number(0)] = r.text(1)
			return nil
		}))
	}
	if err == nil {
		err = o.tolerate(o.c.each("SELECT id, title, members FROM circles", nil, func(r row) error {
			o.circle[r.number(0)] = Talk{Title: r.text(1), Members: split(r.text(2))}
			return nil
		}))
	}
	if err == nil {
		err = o.tolerate(o.c.each("SELECT entry, holder FROM unsent", nil, func(r row) error {
			o.unsent[r.number(0)] = r.text(1)
			return nil
		}))
	}
	return err
}

// maxTries is how many stretches of a damaged file are tried.
const maxTries = 20000

// readEntries reads the entries in order. Where SQLite meets damage, the stretch
// behind it is halved, and each half tried, until little is left.
func (o *other) readEntries() error {
	type stretch struct{ from, to int64 }
	todo := []stretch{{-1 << 62, time.Now().AddDate(10, 0, 0).UnixMicro()}}
	for tries := 0; len(todo) > 0 && tries < maxTries; tries++ {
		s := todo[0]
		todo = todo[1:]
		next, err := o.readStretch(s.from, s.to)
		if err == nil {
			continue
		}
		if err = o.tolerate(err); err != nil {
			return err
		}
		next = max(next, 0) // nobody wrote before 1970
		if middle := next + (s.to-next)/2; middle > next {
			todo = append(todo, stretch{next, middle - 1}, stretch{middle, s.to})
		}
	}
	return nil
}

// readStretch reads entries with numbers between two; next is behind the last one
// that could be read.
func (o *other) readStretch(from, to int64) (next int64, err error) {
	next = from
	err = o.c.each(`SELECT id, talk, sender, own, kind, read, late, request, message, text, raw, notice, added, circle FROM entries WHERE id BETWEEN ?1 AND ?2 ORDER BY id`,
		[]any{from, to}, func(r row) error {
			id := r.number(0)
			next = id + 1
			seen := o.circle[r.number(13)]
			e := Entry{ID: r.text(8), With: o.talks[r.number(1)], Title: seen.Title, Members: seen.Members, From: o.people[r.number(2)], Own: r.is(3), Kind: kindOf(r.number(4)),
				Read: r.is(5), Late: r.is(6), Request: r.is(7), Text: r.text(9), Raw: r.text(10), Notice: r.text(11), Added: split(r.text(12)), Time: time.UnixMicro(id)}
			if err := o.tolerate(o.c.details(id, &e)); err != nil {
				return err
			}
			if e.With == "" && !e.Own {
				e.With = e.From
			}
			if e.From == "" || e.With == "" && len(e.To) == 0 {
				o.into.bad(errDamaged)
				return nil
			}
			holder := o.unsent[id]
			if !o.into.pending {
				holder = ""
			} else if holder == "" && e.unsent() {
				holder = "unknown" // whoever asks first
			}
			return o.into.add(e, holder)
		})
	return next, err
}
