package session

import (
	"testing"
	"testing/synctest"
	"time"

	"communicator/lab"
	"communicator/presence"
)

// A meeting turns my state to "In a meeting until ..." for others, and back,
// and so does an untouched computer, without a hand.
func TestOwnStateFollowsCalendarAndKeyboard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{})
		people := co.People()
		me := people[1].User
		anna, bruno := signedIn(t, options(co, people[1])), signedIn(t, options(co, people[2]))
		if err := bruno.Presence.Watch(t.Context(), me); err != nil {
			t.Fatal(err)
		}
		sees := func(when, want string) {
			t.Helper()
			time.Sleep(5 * time.Second)
			if got := bruno.Presence.Of(me).Words(time.Now()); got != want {
				t.Errorf("%s: %q, want %q", when, got, want)
			}
		}
		sees("signed in", "Available")
		start := time.Now()
		begins, ends := start.Add(10*time.Minute), start.Add(40*time.Minute)
		anna.Presence.fromCalendar([]presence.Period{{From: begins, Until: ends, Activity: presence.Meeting, Busy: true}}, "")
		sees("before the meeting", "Available")
		time.Sleep(time.Until(begins))
		sees("in the meeting", "In a meeting until "+ends.Format("15:04"))
		if shown, chosen := anna.Presence.Self(); shown.Source != presence.FromCalendar || chosen != "auto" {
			t.Errorf("own: %+v %s", shown, chosen)
		}
		if _, err := anna.Presence.Set(t.Context(), presence.State{Availability: presence.Available}); err != nil {
			t.Fatal(err)
		}
		sees("available is chosen in the meeting", "Available")
		if _, err := anna.Presence.Set(t.Context(), presence.State{}); err != nil {
			t.Fatal(err)
		}
		sees("automatic again", "In a meeting until "+ends.Format("15:04"))
		time.Sleep(time.Until(ends))
		sees("after the meeting", "Available")

		anna.Presence.Idle(time.Now())
		time.Sleep(4 * time.Minute)
		sees("nobody there for 4 minutes", "Available")
		time.Sleep(2 * time.Minute)
		sees("nobody there for 6 minutes", "Inactive 6 min")
		time.Sleep(10 * time.Minute)
		sees("nobody there for 16 minutes", "Away 16 min")
		anna.Presence.Idle(time.Time{})
		sees("back", "Available")
		anna.Presence.Locked(true)
		sees("locked", "Away")
		anna.Presence.Locked(false)
		sees("unlocked", "Available")
		anna.Presence.Idle(time.Now().Add(-time.Hour))
		sees("nobody there for an hour", "Away 1 h")
		anna.Presence.Unwatched()
		sees("no longer known", "Available")
	})
}
