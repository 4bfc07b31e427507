// Package presence is what a person's state is, how several sources combine
// into one, and how it is put into words.
//
// Begin with State. Combine makes one's own of what was chosen, the calendar,
// the phone and the keyboard, by the table that Rules prints; Merge makes
// another's of what several devices say; Words says it.
//
// It is pure: no goroutine, no lock, no clock, no I/O; time comes in as an
// argument. How a state travels is the business of wire/pidf and the dialects.
package presence

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Availability says whether a person can be reached. The values are the words
// of the command line and of JSON output.
type Availability string

// Values of Availability.
const (
	Automatic    Availability = ""        // as a choice: none, the program decides; as a state: Unknown
	Unknown      Availability = "unknown" // nothing is known, or it may not be seen
	Offline      Availability = "offline"
	Away         Availability = "away"
	BeRightBack  Availability = "brb"
	DoNotDisturb Availability = "dnd"
	Busy         Availability = "busy"
	Available    Availability = "available"
)

// ParseAvailability reads a word by which a user chooses his own state:
// available, busy, dnd, brb, away, offline or auto (Automatic). Case does not
// matter. The error names the words.
func ParseAvailability(word string) (Availability, error) {
	switch a := Availability(strings.ToLower(strings.TrimSpace(word))); a {
	case Available, Busy, DoNotDisturb, BeRightBack, Away, Offline:
		return a, nil
	case "auto":
		return Automatic, nil
	}
	return Unknown, fmt.Errorf("there is no state %q; say available, busy, dnd, brb, away, offline or auto", word)
}

// Activity says why, where something is known. The empty Activity is none.
type Activity string

// Values of Activity.
const (
	NoActivity  Activity = ""
	Inactive    Activity = "inactive" // available, but no key was touched for a while
	Meeting     Activity = "meeting"
	Call        Activity = "call"
	Conference  Activity = "conference"
	OutOfOffice Activity = "out-of-office"
)

// State is one person's state at one moment, as others see it. The zero State
// is one of which nothing is known.
type State struct {
	Availability Availability
	Activity     Activity
	Note         string    // plain text, at most MaxNote characters
	NoteTime     time.Time // when the note was written, or taken away; zero: not said
	NoteUntil    time.Time // of a choice: when its owner wants the note cleared; zero: not
	Until        time.Time // when the activity ends; zero: not said
	Since        time.Time // when its owner set it, by the owner's clock; zero: not said
	Seen         time.Time // when it reached us; zero: never
	Old          bool      // last known, but not confirmed by a running subscription: never show it as current
	Source       Source    // where it comes from
	Chosen       Choice    // what its owner chose; zero: not said
	InUse        bool      // somebody is known to be at the computer
	Schedule     []Period  // of the hours to come, in order; nil: not said
	Devices      []Device  // what each says; nil: nothing is said
}

// Equal says whether a and b are the same in everything.
func (s State) Equal(o State) bool { return s.Seen.Equal(o.Seen) && s.Says(o) }

// Says says whether a and b are the same but for the time at which they
// reached us: a server repeats states that have not changed.
func (s State) Says(o State) bool {
	return s.Looks(o) && s.Since.Equal(o.Since) && s.NoteTime.Equal(o.NoteTime) && s.NoteUntil.Equal(o.NoteUntil) &&
		s.Old == o.Old && s.InUse == o.InUse && s.Chosen.Equal(o.Chosen) && slices.EqualFunc(s.Devices, o.Devices, Device.Equal)
}

// Looks says whether others see the same in a and b, apart from times past.
func (s State) Looks(o State) bool {
	return s.Availability == o.Availability && s.Activity == o.Activity && s.Note == o.Note && s.Until.Equal(o.Until) &&
		s.Source == o.Source && slices.EqualFunc(s.Schedule, o.Schedule, Period.Equal)
}

// Source says what made a state what it is.
type Source string

// Values of Source.
const (
	NoSource     Source = "" // not said
	FromChoice   Source = "choice"
	FromCalendar Source = "calendar"
	FromPhone    Source = "phone"
	FromIdle     Source = "idle" // no key was touched, or the screen is locked
)

// MaxNote is the longest note in characters.
const MaxNote = 500

// Reachable says whether the person counts among those who can be reached now
// ("3/5" behind a group). What is old or unknown does not count.
func (s State) Reachable() bool {
	switch s.Availability {
	case Available, Busy, DoNotDisturb, BeRightBack, Away:
		return !s.Old
	}
	return false
}
