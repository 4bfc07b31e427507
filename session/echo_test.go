package session

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"communicator/lab"
	"communicator/presence"
)

// sight is what one sees of another, again and again.
type sight struct {
	t    *testing.T
	by   *client
	user string
}

func (s sight) is(when, words, note string) {
	s.t.Helper()
	time.Sleep(10 * time.Second)
	p := s.by.Presence.Of(s.user)
	if got := p.Words(time.Now()); got != words || p.Note != note {
		s.t.Errorf("%s: %q %q, want %q %q", when, got, p.Note, words, note)
	}
}

func chosen(t *testing.T, c *client, when, want string) {
	t.Helper()
	if _, got := c.Presence.Self(); got != want {
		t.Errorf("%s: chosen is %q, want %q", when, got, want)
	}
}

// A command beside an open window: what it chooses the window shows, and when
// it goes back to automatic the window's own state is there again at once.
func TestCommandBesideWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{})
		people := co.People()
		o := options(co, people[1])
		o.Dir = t.TempDir()
		window, bruno := signedIn(t, o), signedIn(t, options(co, people[2]))
		if err := bruno.Presence.Watch(t.Context(), people[1].User); err != nil {
			t.Fatal(err)
		}
		bruno.Presence.alsoWatch(people[1].User)
		seen := sight{t, bruno, people[1].User}
		seen.is("window", "Available", "")
		command := func(p presence.State) {
			t.Helper()
			silent := o
			silent.Silent = true
			c := signedIn(t, silent)
			if _, err := c.Presence.Set(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			c.stop()
		}
		command(presence.State{Availability: presence.Busy, Note: "exam"})
		seen.is("command: busy", "Busy", "exam")
		chosen(t, window, "command: busy", "busy")
		command(presence.State{})
		seen.is("command: auto", "Available", "")
		chosen(t, window, "command: auto", "auto")
		command(presence.State{Availability: presence.Offline, Note: "gone"})
		time.Sleep(10 * time.Second)
		chosen(t, window, "command: offline, a little later", "offline")
		time.Sleep(3 * time.Hour)
		seen.is("hours later", "Offline · last seen 00:00", "gone")
		if _, err := window.Presence.Set(t.Context(), presence.State{}); err != nil {
			t.Fatal(err)
		}
		seen.is("window: auto", "Available", "")
	})
}

// A command changes the note and leaves the state to the window, on this
// computer and on another; without a window the note is left for those who come.
func TestCommandChangesTheNote(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{})
		people := co.People()
		o := options(co, people[1])
		o.Dir = t.TempDir()
		bruno := signedIn(t, options(co, people[2]))
		if err := bruno.Presence.Watch(t.Context(), people[1].User); err != nil {
			t.Fatal(err)
		}
		seen := sight{t, bruno, people[1].User}
		command := func(dir, note string) {
			t.Helper()
			silent := o
			silent.Silent, silent.Dir = true, dir
			c := signedIn(t, silent)
			if err := c.Presence.Known(t.Context(), people[1].User); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Presence.SetNote(t.Context(), note, time.Time{}); err != nil {
				t.Fatal(err)
			}
			c.stop()
		}
		command(o.Dir, "nobody there")
		seen.is("no window", "Offline · last seen "+time.Now().Format("15:04"), "nobody there")
		window := signedIn(t, o)
		seen.is("the window", "Available", "nobody there")
		command(o.Dir, "same computer")
		seen.is("same computer", "Available", "same computer")
		elsewhere := t.TempDir()
		command(elsewhere, "other computer")
		seen.is("other computer", "Available", "other computer")
		chosen(t, window, "other computer", "auto")
		time.Sleep(5 * time.Minute)
		if n := len(bruno.Presence.Of(people[1].User).Devices); n != 1 {
			t.Errorf("%d devices five minutes later", n)
		}
		seen.is("five minutes later", "Available", "other computer")
		if _, err := window.Presence.SetState(t.Context(), presence.Busy, time.Time{}); err != nil {
			t.Fatal(err)
		}
		command(elsewhere, "")
		seen.is("no note any more", "Busy", "")
		chosen(t, window, "no note any more", "busy")
	})
}

// What a command chose with a note the next one takes back though no window is
// there to hear it: the note stays, the state does not.
func TestCommandTakesTheChoiceBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{})
		people := co.People()
		o := options(co, people[1])
		o.Dir, o.Silent = t.TempDir(), true
		bruno := signedIn(t, options(co, people[2]))
		if err := bruno.Presence.Watch(t.Context(), people[1].User); err != nil {
			t.Fatal(err)
		}
		seen := sight{t, bruno, people[1].User}
		command := func(a presence.Availability) {
			t.Helper()
			c := signedIn(t, o)
			if err := c.Presence.Known(t.Context(), people[1].User); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Presence.Set(t.Context(), presence.State{Availability: a, Note: "exam"}); err != nil {
				t.Fatal(err)
			}
			c.stop()
		}
		command(presence.DoNotDisturb)
		seen.is("dnd", "Do not disturb", "exam")
		command(presence.Automatic)
		seen.is("auto", "Offline · last seen "+time.Now().Format("15:04"), "exam")
		time.Sleep(5 * time.Minute)
		if p := bruno.Presence.Of(people[1].User); p.Availability != presence.Offline || p.Note != "exam" {
			t.Errorf("five minutes later: %s %q", p.Availability, p.Note)
		}
	})
}

// Two windows of one user on two computers: the newest choice wins, and both
// show it. They do not fight: then nothing more is sent.
func TestTwoWindowsOfOneUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{})
		people := co.People()
		o, p := options(co, people[1]), options(co, people[1])
		o.Dir, p.Dir = t.TempDir(), t.TempDir()
		o.Device, p.Device = "Desk", "Laptop"
		desk, laptop, bruno := signedIn(t, o), signedIn(t, p), signedIn(t, options(co, people[2]))
		if err := bruno.Presence.Watch(t.Context(), people[1].User); err != nil {
			t.Fatal(err)
		}
		seen := sight{t, bruno, people[1].User}
		set := func(c *client, s presence.State) {
			t.Helper()
			if _, err := c.Presence.Set(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
		set(desk, presence.State{Availability: presence.Busy, Note: "desk"})
		seen.is("desk", "Busy", "desk")
		chosen(t, laptop, "desk: busy", "busy")
		set(laptop, presence.State{Availability: presence.DoNotDisturb})
		seen.is("laptop", "Do not disturb", "")
		chosen(t, desk, "laptop: do not disturb", "dnd")
		set(desk, presence.State{Availability: presence.Available})
		seen.is("desk", "Available", "")
		chosen(t, laptop, "desk: available", "available")
		laptop.Presence.Idle(time.Now().Add(-time.Hour))
		desk.Presence.Idle(time.Time{})
		seen.is("nobody at the laptop", "Available", "")
		if d := bruno.Presence.Of(people[1].User).Devices; len(d) != 2 {
			t.Errorf("devices: %+v", d)
		}
		desk.Presence.Idle(time.Now().Add(-10 * time.Minute))
		seen.is("nobody at either", "Inactive 10 min", "")
		desk.Presence.Idle(time.Time{})
		set(laptop, presence.State{})
		seen.is("automatic", "Available", "")

		said := func() (n int) {
			for _, line := range append(desk.requests(), laptop.requests()...) {
				if strings.HasPrefix(line, "PUBLISH") {
					n++
				}
			}
			return n
		}
		before := said()
		time.Sleep(30 * time.Minute)
		if n := said() - before; n > 0 || before > 16 {
			t.Errorf("%d publications for eight changes, then %d while nothing happened", before, n)
		}
		laptop.stop()
		seen.is("the laptop signs out", "Available", "")
		chosen(t, desk, "the laptop signs out", "auto")
	})
}

// Two that choose in the same second agree all the same.
func TestTwoChoicesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{})
		me := co.People()[1]
		desk, laptop := signedIn(t, options(co, me)), signedIn(t, options(co, me))
		time.Sleep(5 * time.Second)
		for c, a := range map[*client]presence.Availability{desk: presence.Busy, laptop: presence.DoNotDisturb} {
			go func() { _, _ = c.Presence.Set(t.Context(), presence.State{Availability: a}) }()
		}
		time.Sleep(10 * time.Second)
		_, a := desk.Presence.Self()
		_, b := laptop.Presence.Self()
		if a != b || a == "auto" {
			t.Errorf("chosen: %s and %s", a, b)
		}
	})
}

// The note of somebody who has signed out is seen by a client that signs in
// afterwards; his next sign-in replaces what he left.
func TestNoteOutlivesSignOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{})
		people := co.People()
		o := options(co, people[1])
		o.Dir = t.TempDir()
		anna := signedIn(t, o)
		if _, err := anna.Presence.Set(t.Context(), presence.State{Note: "Back Monday, ask Bruno · ĳ"}); err != nil {
			t.Fatal(err)
		}
		anna.stop()
		time.Sleep(29 * 24 * time.Hour)
		bruno := signedIn(t, options(co, people[2]))
		if err := bruno.Presence.Watch(t.Context(), people[1].User); err != nil {
			t.Fatal(err)
		}
		seen := sight{t, bruno, people[1].User}
		seen.is("a month later", "Offline · last seen 1 Jan", "Back Monday, ask Bruno · ĳ")
		if p := bruno.Presence.Of(people[1].User); p.NoteTime.IsZero() {
			t.Error("the note has no time")
		}
		anna = signedIn(t, o)
		seen.is("here again", "Available", "Back Monday, ask Bruno · ĳ")
		if n := len(bruno.Presence.Of(people[1].User).Devices); n != 1 {
			t.Errorf("%d publications: the one of the sign-out was not replaced", n)
		}
		if _, err := anna.Presence.Set(t.Context(), presence.State{}); err != nil {
			t.Fatal(err)
		}
		anna.stop()
		seen.is("gone without a note", "Offline · last seen "+time.Now().Format("15:04"), "")
	})
}

// What is missing is said again three times, then no more until something else is said.
func TestRepairsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := echo{}
		if e.doubt(true); e.due() {
			t.Error("nothing was said yet")
		}
		e.published(presence.State{Availability: presence.Busy}, false)
		repairs := 0
		for range 100 {
			e.doubt(true)
			if e.due() {
				repairs++
				e.published(e.said, true)
			}
			time.Sleep(time.Second)
		}
		if repairs != maxRepairs {
			t.Errorf("%d repairs", repairs)
		}
		e.published(presence.State{Availability: presence.Away}, false)
		e.doubt(true)
		time.Sleep(echoAfter)
		if !e.due() {
			t.Error("another state is not cared for")
		}
		if e.doubt(false); e.due() {
			t.Error("it was heard")
		}
	})
}
