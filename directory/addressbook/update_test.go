package addressbook

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"communicator/directory"
	"communicator/filelock"
)

// kept returns a book of f in a folder of its own.
func kept(t *testing.T, f *fake) (*Book, Options) {
	t.Helper()
	o := Options{File: filepath.Join(t.TempDir(), "book"), Feeds: feeds(Feed{Name: "company", Source: f})}
	return Open(o), o
}

func update(t *testing.T, b *Book) {
	t.Helper()
	if err := b.Update(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// After the first filling only changes are read, and the next process finds
// all of it on disk.
func TestOnlyChangesAreRead(t *testing.T) {
	f := &fake{people: company(3000), mark: "1"}
	b, o := kept(t, f)
	update(t, b)
	joiner := directory.Person{Key: "new", User: "new@contoso.test", Name: "Nora Neuling"}
	moved := f.people[7]
	moved.Department = "Space Travel"
	left := f.people[8]
	left.Name, left.User = "", ""
	f.changed, f.mark = []directory.Person{joiner, moved, left}, "2"
	update(t, b)
	for _, b := range []*Book{b, Open(o)} {
		if f.all != 1 || b.State().Entries != 3000 || !b.State().Complete {
			t.Errorf("read whole %d times, %+v", f.all, b.State())
		}
		if r := b.Search(Query{Text: "neuling", Limit: 5}); r.Total != 1 || !r.Complete {
			t.Errorf("the joiner: %+v", r)
		}
		if r := b.Search(Query{Text: "space travel", Limit: 5}); r.Total != 1 || r.Hits[0].User != moved.User {
			t.Errorf("who moved: %+v", r)
		}
		if p, ok := b.Person(moved.User); !ok || p.Department != "Space Travel" {
			t.Errorf("who moved: %+v", p)
		}
		if r := b.Search(Query{Text: f.people[8].User, Limit: 5}); r.Total != 0 {
			t.Errorf("who left: %+v", r)
		}
		if _, ok := b.Person(f.people[8].User); ok {
			t.Error("who left is known by address")
		}
	}
	// So many changes that all is put into one piece again.
	f.changed = nil
	for i := range 1500 {
		p := f.people[i]
		p.Office = "Moon"
		f.changed = append(f.changed, p)
	}
	update(t, b)
	for _, b := range []*Book{b, Open(o)} {
		if r := b.Search(Query{Text: "moon", Limit: 5}); r.Total != 1500 || b.State().Entries != 3001 {
			t.Errorf("after 1,500 changes: %d found, %+v", r.Total, b.State())
		}
	}
}

// Somebody whose address comes to be that of another entry is shown once, and
// twice again when it changes back.
func TestChangesJoinAndPart(t *testing.T) {
	f := &fake{people: company(100), mark: "1"}
	b, _ := kept(t, f)
	update(t, b)
	twin := directory.Person{Key: "twin", User: f.people[3].User, Name: "Twin", Title: "Second Entry"}
	f.changed = []directory.Person{twin}
	update(t, b)
	if p, _ := b.Person(twin.User); b.State().Entries != 100 || p.Name != f.people[3].Name {
		t.Errorf("joined: %+v, %+v", b.State(), p)
	}
	twin.User = "twin@contoso.test"
	f.changed = []directory.Person{twin}
	update(t, b)
	if p, ok := b.Person(twin.User); b.State().Entries != 101 || !ok || p.Name != "Twin" {
		t.Errorf("parted: %+v, %+v", b.State(), p)
	}
}

// Who was deleted goes at the sweep, a day later.
func TestSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{people: company(100), mark: "1"}
		b, _ := kept(t, f)
		update(t, b)
		gone := f.people[5]
		f.people = slices.Delete(slices.Clone(f.people), 5, 6)
		update(t, b)
		if _, there := b.Person(gone.User); !there {
			t.Error("keys are compared at each update")
		}
		time.Sleep(sweepEvery)
		f.stop = 10
		if err := b.Update(t.Context()); !errors.Is(err, errBroken) || b.State().Entries != 100 {
			t.Errorf("a sweep that broke off: %v, %+v", err, b.State())
		}
		f.stop = 0
		f.page = 7
		update(t, b)
		if _, there := b.Person(gone.User); there || b.State().Entries != 99 {
			t.Errorf("after the sweep: %+v", b.State())
		}
	})
}

// A source that cannot tell changes is read whole once a day, whatever happens.
func TestOneFullDownloadADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{people: company(100), mark: "1"}
		b, _ := kept(t, f)
		update(t, b)
		f.err = directory.ErrMark // another server, each time
		for range 10 {
			time.Sleep(10 * time.Minute)
			update(t, b)
		}
		if f.all != 1 {
			t.Errorf("read whole %d times on the first day", f.all)
		}
		time.Sleep(24 * time.Hour)
		update(t, b)
		update(t, b)
		if f.all != 2 {
			t.Errorf("read whole %d times by the second day", f.all)
		}
	})
}

// A source that shows fewer than half of the people is not believed at once.
func TestShrinking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{people: company(100), mark: "1"}
		b, o := kept(t, f)
		update(t, b)
		all := f.people
		f.people = nil
		time.Sleep(sweepEvery)
		var doubt *doubtError
		if err := b.Update(t.Context()); !errors.As(err, &doubt) || b.State().Entries != 100 {
			t.Errorf("an empty answer: %v, %+v", err, b.State())
		}
		f.people = all
		time.Sleep(sweepEvery)
		update(t, b)
		f.people, f.err = all[:40], directory.ErrMark // read whole, and fewer
		time.Sleep(fullEvery)
		if err := b.Update(t.Context()); !errors.As(err, &doubt) || Open(o).State().Entries != 100 {
			t.Errorf("a short answer: %v, %+v", err, b.State())
		}
		time.Sleep(fullEvery)
		update(t, b)
		if b.State().Entries != 40 || f.all != 3 {
			t.Errorf("it says so again: %+v, read whole %d times", b.State(), f.all)
		}
	})
}

// While the book is filled, what is there is found; a source that stops in the
// middle loses nothing and is asked again.
func TestUsableWhileFilling(t *testing.T) {
	f := &fake{people: company(12_000), mark: "1", stop: 11_000}
	var states []State
	o := Options{File: filepath.Join(t.TempDir(), "book"), Feeds: feeds(Feed{Name: "company", Source: f}), Changed: func(s State) { states = append(states, s) }}
	b := Open(o)
	if err := b.Update(t.Context()); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	half := b.Search(Query{Text: "a", Limit: 10})
	if s := b.State(); s.Entries < 10_000 || s.Entries > 11_000 || s.Complete || s.Filling || s.Err == nil || half.Complete || half.Total == 0 {
		t.Errorf("after it broke off: %+v; %d found, complete: %v", s, half.Total, half.Complete)
	}
	if first := states[0]; !first.Filling || len(states) > 10 {
		t.Errorf("%d states, the first %+v", len(states), first)
	}
	if _, err := os.Stat(o.File); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("half a copy is on disk: %v", err)
	}
	f.stop = 0
	update(t, b)
	all := b.Search(Query{Text: "a", Limit: 10})
	if s := b.State(); s.Entries != 12_000 || !s.Complete || s.Err != nil || s.Read != 0 || all.Total <= half.Total || !all.Complete {
		t.Errorf("filled: %+v; %d found", s, all.Total)
	}
}

// A source may give anybody twice, people without a key, without anything, far
// too much text, and a mark that is none.
func TestSourceThatLies(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	f := &fake{mark: directory.Mark(long), people: []directory.Person{
		{}, {Name: "No Key"}, {Key: long, Name: "Long Key"}, {Key: "1", Name: "First"}, {Key: "1", Name: "Second"},
		{Key: "2", User: long, Name: long, Title: long, Department: long, Office: long, DN: long, Manager: long, Mail: long, Aliases: slices.Repeat([]string{long}, 50), Numbers: slices.Repeat(numbered(long), 50)},
		{Key: "3", Name: "Evil\u202egnp\x00\n"},
	}}
	b, o := kept(t, f)
	update(t, b)
	update(t, b)
	if s := b.State(); s.Entries != 3 || f.all != 1 {
		t.Errorf("%+v, read whole %d times", s, f.all)
	}
	if r := b.Search(Query{Text: "evil", Limit: 5}); r.Total != 1 || strings.ContainsAny(r.Hits[0].Name, "\u202e\x00\n") {
		t.Errorf("found %+v", r)
	}
	if about, err := os.Stat(o.File); err != nil || about.Size() > 64<<10 {
		t.Errorf("the copy has %d bytes: %v", about.Size(), err)
	}
}

// Of several sources one may fail; a source that is no longer set goes with its
// people.
func TestSeveralSources(t *testing.T) {
	one, two := &fake{people: company(50), mark: "1"}, &fake{people: []directory.Person{{Key: "1", User: "local@example.test", Name: "Local Friend"}, {Key: "2", User: company(50)[4].User, Name: "Other Name", Office: "At Home"}}, mark: "1"}
	var now []Feed
	o := Options{File: filepath.Join(t.TempDir(), "book"), Feeds: func(context.Context) ([]Feed, error) { return now, nil }}
	b := Open(o)
	now = []Feed{{Name: "company", Source: one}, {Name: "local", Source: two, Local: true}}
	one.stop = 1
	if err := b.Update(t.Context()); err == nil || b.State().Entries != 2 || b.State().Complete {
		t.Errorf("one source fails: %v, %+v", err, b.State())
	}
	one.stop = 0
	update(t, b)
	if p, _ := b.Person(two.people[1].User); b.State().Entries != 51 || p.Office == "" || !b.State().Complete {
		t.Errorf("both: %+v, %+v", b.State(), p)
	}
	now = now[1:]
	update(t, b)
	if b.State().Entries != 2 {
		t.Errorf("without the company: %+v", b.State())
	}
	now = append(now, Feed{Name: "third", Source: &fake{people: company(5)}})
	update(t, b)
	if s := Open(o).State(); s.Entries != 6 || !s.Complete {
		t.Errorf("with a third: %+v", s)
	}
}

// A damaged copy is put aside and made anew; the changes alone may be damaged
// as well.
func TestDamagedCopy(t *testing.T) {
	f := &fake{people: company(300), mark: "1"}
	b, o := kept(t, f)
	update(t, b)
	f.changed = company(301)[300:]
	update(t, b)
	if Open(o).State().Entries != 301 {
		t.Fatal("the copy is not complete")
	}
	damage := func(file string) {
		t.Helper()
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text[len(text)/2] ^= 1
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	damage(o.File + changesName)
	again := Open(o)
	if s := again.State(); s.Entries != 300 || s.Err != nil {
		t.Errorf("without the changes: %+v", s)
	}
	update(t, again)
	if again.State().Entries != 301 || f.all != 1 {
		t.Errorf("the changes read again: %+v, read whole %d times", again.State(), f.all)
	}
	damage(o.File)
	again = Open(o)
	if s := again.State(); s.Entries != 0 || !errors.Is(s.Err, errDamaged) {
		t.Errorf("damaged: %+v", s)
	}
	update(t, again)
	if s := again.State(); s.Entries != 300 || s.Err != nil || f.all != 2 || Open(o).State().Entries != 300 {
		t.Errorf("rebuilt: %+v, read whole %d times", s, f.all)
	}
}

// A file of a newer version stays as it is.
func TestNewerVersion(t *testing.T) {
	f := &fake{people: company(30), mark: "1"}
	_, o := kept(t, f)
	newer := []byte(magic + "\xff\x00\x00\x00 what a later version knows")
	if err := os.WriteFile(o.File, newer, 0o600); err != nil {
		t.Fatal(err)
	}
	b := Open(o)
	update(t, b)
	if text, _ := os.ReadFile(o.File); string(text) != string(newer) {
		t.Error("the newer file was overwritten")
	}
	if again := Open(o); again.State().Entries != 30 {
		t.Errorf("the next start has %+v", again.State())
	}
}

// A disk that is full: the copy of before stays, and the book goes on.
func TestDiskFull(t *testing.T) {
	f := &fake{people: company(2000), mark: "1"}
	b, o := kept(t, f)
	update(t, b)
	before, err := os.ReadFile(o.File)
	if err != nil {
		t.Fatal(err)
	}
	b.write = func(string, content) error { return &os.PathError{Op: "write", Path: o.File, Err: syscall.ENOSPC} }
	for i := range f.people {
		f.people[i].Office = "Moon"
	}
	f.changed = f.people
	if err := b.Update(t.Context()); !errors.Is(err, syscall.ENOSPC) || !errors.Is(b.State().Err, syscall.ENOSPC) {
		t.Errorf("not said: %v", err)
	}
	if b.Search(Query{Text: "moon"}).Total != 2000 {
		t.Error("the book has not gone on")
	}
	if after, _ := os.ReadFile(o.File); string(after) != string(before) || Open(o).State().Entries != 2000 {
		t.Error("the copy of before is not there")
	}
	b.write = writeFile
	f.changed = nil
	update(t, b)
	if Open(o).Search(Query{Text: "moon"}).Total != 2000 {
		t.Error("not written when there is room again")
	}
}

// Several processes share a copy: one updates, the others see it.
func TestShared(t *testing.T) {
	f := &fake{people: company(200), mark: "1"}
	first, o := kept(t, f)
	second := Open(o)
	release, taken, err := filelock.Take(o.File + ".lock")
	if err != nil || !taken {
		t.Fatal("no lock:", err)
	}
	if err := second.Update(t.Context()); err != nil || f.all != 0 {
		t.Errorf("updated without the lock: %v", err)
	}
	release()
	update(t, first)
	second.Reload()
	if second.State().Entries != 200 || f.all != 1 {
		t.Errorf("the second sees %+v, read whole %d times", second.State(), f.all)
	}
	f.changed = []directory.Person{{Key: "x", User: "x@contoso.test", Name: "Xaver"}}
	update(t, second)
	first.Reload()
	if _, ok := first.Person("x@contoso.test"); !ok || f.all != 1 {
		t.Errorf("the first does not see the change; read whole %d times", f.all)
	}
}

// Searching goes on while the book is filled, changed and told of contacts.
func TestSearchMeanwhile(t *testing.T) {
	f := &fake{people: company(11_000), mark: "1"}
	b, _ := kept(t, f)
	done := make(chan error)
	go func() { // ends after three updates
		var err error
		for i := range 3 {
			f.changed = f.people[i*100 : i*100+100]
			err = errors.Join(err, b.Update(t.Context()))
		}
		done <- err
	}()
	for i := 0; ; i++ {
		b.Search(Query{Text: fmt.Sprint("a ", i%10), Limit: 20})
		b.Person("nobody@contoso.test")
		if i%50 == 0 {
			b.Prefer(f.people[:20], "Sales Europe")
		}
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			return
		default:
		}
	}
}

// Whatever is in a file whose checksum is right, reading and searching end.
func FuzzParse(f *testing.F) {
	var all []entry
	for _, p := range company(20) {
		all = append(all, entry{0, p})
	}
	s := build(together(all))
	parts, err := content{meta: meta{ID: "x"}, segment: s}.parts()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint8(2), uint16(9), []byte("abc"))
	f.Add(uint8(9), uint16(4), []byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, part uint8, at uint16, patch []byte) {
		mine := slices.Clone(parts)
		i := int(part) % len(mine)
		p := slices.Clone(mine[i])
		n := min(int(at), len(p))
		mine[i] = append(append(p[:n:n], patch...), p[min(len(p), n+len(patch)):]...)
		c, err := parse(slices.Concat(framed(mine)...))
		if err != nil {
			return
		}
		views := []view{{c.segment, make([]rank, c.segment.len())}}
		for _, text := range []string{"a", "anna berg", "123", "+49 30 1234", "a@b"} {
			search(views, Query{Text: text, Limit: 100}, []*costs{{}})
		}
		c.segment.at("a@b")
		for i := range c.segment.len() {
			c.segment.person(i)
		}
	})
}
