package session

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"communicator/lab"
	"communicator/presence"
)

func TestRecentNotes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{})
		o := options(co, co.People()[1])
		o.Dir = t.TempDir()
		c := signedIn(t, o)
		for i := range 12 {
			if _, err := c.Presence.SetNote(t.Context(), fmt.Sprint("note ", i), time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		for _, note := range []string{"note 5", "", strings.Repeat("語", presence.MaxNote)} {
			if _, err := c.Presence.SetNote(t.Context(), note, time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		c.stop()
		recent := New(o).Presence.RecentNotes()
		if len(recent) != recentNotes || recent[0] != strings.Repeat("語", 500) || recent[1] != "note 5" || recent[2] != "note 11" || recent[9] != "note 3" {
			t.Errorf("%q", recent)
		}
		if _, err := c.Presence.SetNote(t.Context(), strings.Repeat("語", presence.MaxNote+1), time.Time{}); err == nil {
			t.Error("a note of 501 characters")
		}
		if _, err := c.Presence.SetNote(t.Context(), "x", time.Now().Add(-time.Minute)); err == nil {
			t.Error("a note that was to be cleared a minute ago")
		}
	})
}

// "Clear at 18:00": the note goes, the state stays; also while one is away.
func TestNoteIsCleared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{})
		people := co.People()
		anna, bruno := signedIn(t, options(co, people[1])), signedIn(t, options(co, people[2]))
		if err := bruno.Presence.Watch(t.Context(), people[1].User); err != nil {
			t.Fatal(err)
		}
		seen := sight{t, bruno, people[1].User}
		if _, err := anna.Presence.Set(t.Context(), presence.State{Availability: presence.Busy}); err != nil {
			t.Fatal(err)
		}
		if _, err := anna.Presence.SetNote(t.Context(), "In Lyon", time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		seen.is("at once", "Busy", "In Lyon")
		time.Sleep(time.Hour)
		seen.is("an hour later", "Busy", "")
		chosen(t, anna, "an hour later", "busy")
	})
}

// A server that keeps nothing of who signed out: the last note is shown, with
// its time, after a restart too; one that was taken away is not.
func TestLastNoteIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{})
		people := co.People()
		anna, bruno := people[1].User, people[2].User
		o := options(co, people[3])
		o.Dir = t.TempDir()
		c := signedIn(t, o)
		open := func(note string) presence.State {
			return presence.State{Availability: presence.Available, Note: note, NoteTime: time.Now(), Seen: time.Now()}
		}
		nothing := presence.State{Availability: presence.Offline, Seen: time.Now()}
		written := time.Now()
		c.Presence.hear(anna, open("Back Monday"))
		c.Presence.hear(bruno, open("In Lyon"))
		time.Sleep(time.Minute)
		c.Presence.hear(bruno, open(""))
		for _, user := range []string{anna, bruno} {
			c.Presence.hear(user, nothing)
		}
		if p := c.Presence.Of(anna); p.Note != "Back Monday" || !p.NoteTime.Equal(written) || p.Availability != presence.Offline {
			t.Errorf("%+v", p)
		}
		c.stop()
		later := New(o)
		for _, user := range []string{anna, bruno} {
			later.Presence.hear(user, nothing)
		}
		if p := later.Presence.Of(anna); p.Note != "Back Monday" || !p.NoteTime.Equal(written) {
			t.Errorf("after a restart: %+v", p)
		}
		if p := later.Presence.Of(bruno); p.Note != "" {
			t.Errorf("a note that was taken away: %+v", p)
		}
		later.Presence.hear(anna, presence.State{Availability: presence.Offline, NoteTime: time.Now(), Seen: time.Now()})
		if p := later.Presence.Of(anna); p.Note != "" {
			t.Errorf("signed out without a note: %+v", p)
		}
	})
}

func TestNotesAreBounded(t *testing.T) {
	n := notes{heard: map[string]lastNote{}, fresh: make(chan struct{}, 1)}
	for i := range heardNotes + 100 {
		n.remember(fmt.Sprintf("p%d@contoso.test", i), presence.State{Availability: presence.Away, Note: "x", NoteTime: time.Unix(int64(i), 0)})
	}
	if all := n.all(); len(all) != heardNotes || all["p5@contoso.test"].Text != "" || all["p100@contoso.test"].Text != "x" {
		t.Errorf("%d notes", len(all))
	}
}

// Asked for once, told once; a lost connection changes nothing about it.
func TestTellWhenAvailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{})
		people := co.People()
		anna, c := signedIn(t, options(co, people[1])), signedIn(t, options(co, people[2]))
		set := func(a presence.Availability) {
			t.Helper()
			if _, err := anna.Presence.Set(t.Context(), presence.State{Availability: a}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Second)
		}
		told := func(when string, want int) {
			t.Helper()
			if got := got[BecameAvailable](c); len(got) != want || want > 0 && (got[want-1].User != people[1].User || got[want-1].State.Availability != presence.Available) {
				t.Errorf("%s: told %+v, want %d", when, got, want)
			}
		}
		set(presence.Busy)
		c.Presence.TellWhenAvailable(people[1].User, true)
		time.Sleep(5 * time.Second)
		told("busy", 0)
		set(presence.Away)
		told("away", 0)
		co.Do("stop-front-end " + strings.Trim(strings.Split(c.State().Target.Host, ".")[0], "fe"))
		time.Sleep(time.Minute)
		told("after the loss of a front end", 0)
		if !c.Presence.Telling(people[1].User) {
			t.Error("forgotten")
		}
		set(presence.Available)
		told("available", 1)
		set(presence.Busy)
		set(presence.Available)
		told("again, but not asked for", 1)
		c.Presence.TellWhenAvailable(people[1].User, true)
		told("he is already", 2)
		set(presence.Busy)
		c.Presence.TellWhenAvailable(people[1].User, true)
		c.Presence.TellWhenAvailable(people[1].User, false)
		set(presence.Available)
		told("not wanted any more", 2)
	})
}

// A folder in which nothing can be written stops nobody.
func TestNotesWithoutAFolder(t *testing.T) {
	dir := t.TempDir() + "/file"
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := New(Options{User: "anna@contoso.test", Dir: dir})
	if _, err := s.Presence.SetNote(t.Context(), "x", time.Time{}); err != nil {
		t.Error(err)
	}
	if got := s.Presence.RecentNotes(); len(got) != 1 {
		t.Errorf("%q", got)
	}
}
