// Package calendar reads when somebody is busy or out of office: from a CalDAV
// server, or from an iCalendar file or URL. It writes nothing and keeps no
// appointments beyond the days it looks at.
//
// Begin with New, which gives an Agenda, and Agenda.Run. What makes a person
// busy is decided by Parse and Periods, which do no I/O.
//
// Standards: RFC 5545 (iCalendar), RFC 4791 (CalDAV), RFC 6638 (free/busy of
// others), RFC 6764 (finding the server).
package calendar

import (
	"context"
	"errors"
	"time"
)

// Kind says what a Period means for who wants to reach its owner. The values
// are ordered: where periods overlap, the highest counts.
type Kind int

// Values of Kind.
const (
	Free        Kind = iota
	Tentative        // not certain, or an invitation without an answer
	Busy             // a meeting, or time that is taken
	OutOfOffice      // away for the time
)

func (k Kind) String() string {
	return [...]string{"free", "tentative", "busy", "out-of-office"}[k]
}

// Period is a stretch of time in a calendar.
type Period struct {
	From, Until time.Time // Until is exclusive
	Kind        Kind
	Title       string // plain text; empty: none, private, or not told
	Text        string // out of office: what its owner says about it, at most 500 characters; empty: nothing, or private
	AllDay      bool   // made of whole days: not a meeting that somebody sits in
}

// State is what is known of one's own calendar; a value.
type State struct {
	Periods     []Period  // from today on for eight days; in order, not overlapping
	OutOfOffice string    // the Text of the absence that is on, or comes next
	Read        time.Time // when the calendar was read last; zero: never
	Err         error     // why it could not be read at the last try; nil: it was. An *Error
	Warnings    []string  // what in it could not be understood, as sentences
}

// At returns the period of now; Free when there is none.
func (s State) At(now time.Time) Period {
	for _, p := range s.Periods {
		if !now.Before(p.From) && now.Before(p.Until) {
			return p
		}
	}
	return Period{}
}

// absence is the Text of the absence of now, or of the next one.
func absence(periods []Period, now time.Time) string {
	for _, p := range periods {
		if p.Kind == OutOfOffice && p.Until.After(now) {
			return p.Text
		}
	}
	return ""
}

// Known says whether the calendar was ever read: without that nobody is free.
func (s State) Known() bool { return !s.Read.IsZero() }

// Reading is what a Source found.
type Reading struct {
	Periods  []Period
	Warnings []string
	Same     bool // nothing has changed since the last Read with the same times: the rest is empty
}

// Source is where a calendar is.
type Source interface {
	// Read returns what takes the owner's time between from and until.
	Read(ctx context.Context, from, until time.Time) (Reading, error)
	// FreeBusy asks when somebody else is busy; ErrNoFreeBusy when this source
	// cannot tell.
	FreeBusy(ctx context.Context, user string, from, until time.Time) ([]Period, error)
}

// ErrNoFreeBusy: the calendar server does not tell when others are busy, or
// does not know the person.
var ErrNoFreeBusy = errors.New("the calendar server does not tell when others are busy")

// Error says what happened, why, and what to do, as sentences without a full stop.
type Error struct {
	What, Why, Remedy string
	RetryAfter        time.Duration // the server asks for so much patience; 0: it does not
	Err               error
}

func (e *Error) Error() string { return e.What + ": " + e.Why }
func (e *Error) Unwrap() error { return e.Err }
