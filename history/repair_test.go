package history

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"communicator/filelock"
)

// many fills a history so that it takes many pages, and closes it.
func many(t *testing.T, n int) *Store {
	t.Helper()
	s := begun(t, Options{})
	err := s.write(func(c *conn) error {
		for i := range n {
			e := from(bob, i, fmt.Sprintf("message number %d %s", i, strings.Repeat("and more ", 20)))
			if _, err := c.add(e, "", false); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	add(t, s, to(bob, -1, "waits", "queued"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return s
}

// damage changes the bytes of a file.
func damage(t *testing.T, file string, f func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, f(b), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestDamagedFileIsMovedAside(t *testing.T) {
	const n = 1000
	for _, c := range []struct {
		what     string
		do       func([]byte) []byte
		atLeast  int // entries that are still there
		onlyRead bool
	}{
		{"cut in the middle", func(b []byte) []byte { return b[:len(b)/2] }, n / 4, false},
		{"cut to nothing of use", func(b []byte) []byte { return b[:100] }, 0, false},
		{"overwritten in the middle", func(b []byte) []byte { copy(b[len(b)/3:], strings.Repeat("x", 8192)); return b }, n / 2, true},
		{"no database at all", func(b []byte) []byte { return []byte(strings.Repeat("no history ", 1000)) }, 0, false},
		{"without its first page", func(b []byte) []byte { clear(b[:4096]); return b }, 0, false},
	} {
		t.Run(c.what, func(t *testing.T) {
			file := many(t, n).file
			damage(t, file, c.do)
			before, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var told []Repair
			s := reopened(t, file, Options{Repaired: func(r Repair) { told = append(told, r) }})
			for i := 0; i < n; i += 5 { // whatever is damaged comes to light
				if _, err := s.Search(Query{Text: fmt.Sprint("number ", i)}); err != nil {
					t.Fatal(err)
				}
			}
			kept := len(all(t, s))
			add(t, s, from(eva, n+1, "life goes on"))
			if c.onlyRead && len(told) == 0 {
				return // the damage is where nothing is
			}
			if len(told) != 1 || !told[0].Lost || told[0].Taken != kept || kept < c.atLeast {
				t.Fatalf("told %+v; %d entries are left, want %d", told, kept, c.atLeast)
			}
			aside, err := os.ReadFile(told[0].Moved)
			if err != nil || !strings.HasPrefix(filepath.Base(told[0].Moved), "history.damaged-20") || len(aside) != len(before) {
				t.Errorf("the damaged file is %s with %d bytes, it had %d, %v", told[0].Moved, len(aside), len(before), err)
			}
			t.Logf("%d of %d entries", kept, n+1)
			if kept > 1 {
				if unsent, err := s.Unsent(); err != nil || texts(unsent) != "waits" {
					t.Errorf("unsent: %q, %v", texts(unsent), err)
				}
			}
			told = nil
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if s := reopened(t, file, Options{Repaired: func(r Repair) { told = append(told, r) }}); len(all(t, s)) != kept+1 || len(told) > 0 {
				t.Errorf("the next start has %d entries and tells %+v", len(all(t, s)), told)
			}
		})
	}
}

// A process that ends in the middle of a repair leaves nothing half done.
func TestRepairIsFinishedByTheNext(t *testing.T) {
	s := begun(t, Options{})
	add(t, s, from(bob, 1, "taken over"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(s.file, s.file+newSuffix); err != nil { // the damaged one had just been moved
		t.Fatal(err)
	}
	s = reopened(t, s.file, Options{})
	want(t, "the new file has", texts(all(t, s)), "taken over")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	if err := os.WriteFile(s.file+newSuffix, []byte("begun, and not complete"), 0o600); err != nil {
		t.Fatal(err)
	}
	want(t, "the old file has", texts(all(t, reopened(t, s.file, Options{}))), "taken over")
	damage(t, s.file, func(b []byte) []byte { return b[:len(b)-4096] })
	if _, err := reopened(t, s.file, Options{}).Newest(bob, time.Time{}, 1); err != nil {
		t.Error(err)
	}
}

// Two windows meet a damaged file: one repairs it, the other waits.
func TestOneRepairs(t *testing.T) {
	file := many(t, 100).file
	damage(t, file, func(b []byte) []byte { return b[:len(b)/2] })
	release, taken, err := filelock.Take(file + ".lock")
	if err != nil || !taken {
		t.Fatal(taken, err)
	}
	if _, err := Open(file, Options{}); !errors.Is(err, ErrBusy) {
		t.Errorf("while another repairs: %v", err)
	}
	release()
	if _, err := Open(file, Options{}); err != nil {
		t.Error(err)
	}
}

// What another window has put in its place, or somebody has taken away, is noticed.
func TestFileIsReplaced(t *testing.T) {
	s, repaired := begun(t, Options{}), begun(t, Options{})
	add(t, s, from(bob, 1, "before"))
	add(t, repaired, from(bob, 1, "after"))
	if err := repaired.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.moveAside(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(repaired.file, s.file); err != nil {
		t.Fatal(err)
	}
	want(t, "after a repair there is", texts(newest(t, s, bob)), "after")
	if err := os.Remove(s.file); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(s.file + "-wal"); err != nil {
		t.Fatal(err)
	}
	add(t, s, from(bob, 2, "anew"))
	want(t, "after it was removed there is", texts(newest(t, s, bob)), "anew")
}
