//go:build interop

package interop

import (
	"testing"
	"time"

	"communicator/presence"
	"communicator/session"
)

// set chooses a state.
func (c *client) set(s presence.State) {
	c.t.Helper()
	if _, err := c.Presence.Set(within(c.t), s); err != nil {
		c.t.Fatal(err)
	}
}

// chose waits until the client takes a for what its user chose.
func (c *client) chose(what, a string) {
	c.t.Helper()
	c.sees(c.user, what+": "+a+" as chosen", func(presence.State) bool {
		_, chosen := c.Presence.Self()
		return chosen == a
	})
}

// noteOfTheAbsent: the note of a user who has signed out is seen by a client
// that signs in afterwards; the next sign-in replaces what was left.
func noteOfTheAbsent(t *testing.T, p place) {
	bob, note := p.reports(p.me)[1], "Zurück am Montag · back <Monday> & later"
	dir := t.TempDir()
	keep := func(o *session.Options) { o.Dir = dir }
	b := p.signIn(t, bob, keep)
	b.set(presence.State{Availability: presence.Available, Note: note})
	b.stop()
	a := p.signIn(t, p.me)
	s := a.sees(bob, "signed out, with his note", func(s presence.State) bool {
		return s.Availability == presence.Offline && s.Note == note
	})
	if s.NoteTime.IsZero() || time.Since(s.Since) > time.Minute {
		t.Errorf("note of %v, last seen %v", s.NoteTime, s.Since)
	}
	b = p.signIn(t, bob, keep)
	s = a.sees(bob, "here again", func(s presence.State) bool { return s.Reachable() && s.Note == note })
	if len(s.Devices) != 1 {
		t.Errorf("%d devices: what was left at the sign-out was not replaced", len(s.Devices))
	}
	b.set(presence.State{})
	a.sees(bob, "here without a note", func(s presence.State) bool { return s.Reachable() && s.Note == "" })
}

// commandBesideWindow: what a command chooses the window takes over, and after
// "auto" the window's own state is there again without a hand.
func commandBesideWindow(t *testing.T, p place) {
	bob := p.reports(p.me)[2]
	dir := t.TempDir()
	window := p.signIn(t, bob, func(o *session.Options) { o.Dir = dir })
	a := p.signIn(t, p.me)
	command := func(s presence.State) {
		t.Helper()
		c := p.signIn(t, bob, func(o *session.Options) { o.Dir, o.Silent = dir, true })
		c.set(s)
		c.stop()
	}
	a.sees(bob, "here", presence.State.Reachable)
	command(presence.State{Availability: presence.DoNotDisturb, Note: "exam"})
	a.sees(bob, "as the command says", func(s presence.State) bool { return s.Availability == presence.DoNotDisturb && s.Note == "exam" })
	window.chose("the command says dnd", "dnd")
	command(presence.State{})
	window.chose("the command says auto", "auto")
	a.sees(bob, "as before", func(s presence.State) bool {
		return s.Reachable() && s.Availability != presence.DoNotDisturb && s.Note == ""
	})
}

// twoComputers: the newest choice wins and both show it; when one signs out the
// other is still there.
func twoComputers(t *testing.T, p place) {
	bob := p.reports(p.me)[0]
	desk := p.signIn(t, bob, func(o *session.Options) { o.Device = "Desk" })
	laptop := p.signIn(t, bob, func(o *session.Options) { o.Device = "Laptop" })
	a := p.signIn(t, p.me)
	desk.set(presence.State{Availability: presence.Busy, Note: "at the desk"})
	laptop.chose("busy at the desk", "busy")
	laptop.set(presence.State{Availability: presence.BeRightBack})
	desk.chose("be right back at the laptop", "brb")
	a.sees(bob, "be right back on two devices", func(s presence.State) bool {
		names := map[string]presence.Availability{}
		for _, d := range s.Devices {
			names[d.Name] = d.Availability
		}
		return s.Availability == presence.BeRightBack && s.Note == "" && len(s.Devices) == 2 &&
			names["Desk"] == presence.BeRightBack && names["Laptop"] == presence.BeRightBack
	})
	desk.set(presence.State{Availability: presence.Available})
	laptop.chose("available at the desk", "available")
	laptop.Presence.Idle(time.Now().Add(-time.Hour))
	desk.Presence.Idle(time.Time{})
	a.sees(bob, "available: nobody is at the laptop, somebody is at the desk", func(s presence.State) bool {
		away := 0
		for _, d := range s.Devices {
			if d.Name == "Laptop" && d.Availability == presence.Away {
				away++
			}
		}
		return s.Availability == presence.Available && s.Activity == presence.NoActivity && away == 1
	})
	laptop.stop()
	a.sees(bob, "available on one device", func(s presence.State) bool {
		return s.Availability == presence.Available && len(s.Devices) == 1
	})
}
