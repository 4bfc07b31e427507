package presence

import "time"

// Inputs is everything that decides one's own state.
type Inputs struct {
	Chosen                   State         // what the user chose (Availability Automatic: nothing), with Note, NoteUntil, Until, Since
	IdleSince                time.Time     // since when no key was touched; zero: in use
	InactiveAfter, AwayAfter time.Duration // zero: InactiveAfter and AwayAfter; negative: never
	Call, Conference         bool          // on the phone
	PhoneDoNotDisturb        bool
	Calendar                 []Period // meetings and out of office around now
	OutOfOfficeNote          string   // shown as note while out of office and no own note is set
	Locked                   bool     // the screen is locked
	Watched                  bool     // somebody tells IdleSince and Locked; else it is not known whether anybody is there
}

// What is taken when Inputs does not say.
const (
	InactiveAfter = 5 * time.Minute
	AwayAfter     = 15 * time.Minute
)

// scheduleAhead is how much of the calendar others are told.
const scheduleAhead = 24 * time.Hour

// Combine makes one's own state of in by the table of Rules: the first rule
// that holds decides. next is when to ask again, later than now; zero: when an
// input changes. Since is zero where in does not say when it began.
func Combine(in Inputs, now time.Time) (s State, next time.Time) {
	f := facts{Inputs: in, now: now}
	f.Chosen = in.Chosen.Standing(now)
	f.period, f.scheduled = stretch(in.Calendar, now, OutOfOffice, Meeting, NoActivity)
	s = rules[f.first()].shows(f)
	s.Note, s.NoteTime, s.NoteUntil, s.Chosen = f.Chosen.Note, f.Chosen.NoteTime, f.Chosen.NoteUntil, f.Chosen.choice()
	if s.Note == "" && s.Activity == OutOfOffice {
		s.Note, s.NoteTime = in.OutOfOfficeNote, f.period.From
	}
	if s.Note == "" && s.Source == FromCalendar && f.period.Note != "" {
		s.Note, s.NoteTime = f.period.Note, f.period.From
	}
	s.InUse = in.Watched && in.IdleSince.IsZero() && !in.Locked
	if s.Availability != Offline {
		s.Schedule = ahead(in.Calendar, now, scheduleAhead)
	}
	return s, f.next()
}

// facts is what the rules look at.
type facts struct {
	Inputs    // Chosen is what still stands of it
	now       time.Time
	period    Period // that now lies in
	scheduled bool   // there is one
}

// first is the index of the first rule that holds.
func (f facts) first() int {
	for i, r := range rules {
		if r.holds(f) {
			return i
		}
	}
	return len(rules) - 1
}

// Standing is what is left of a choice at now: one that was for a time has
// ended then, as has its note.
func (s State) Standing(now time.Time) State {
	if !s.Until.IsZero() && !s.Until.After(now) {
		s.Availability, s.Activity, s.Since, s.Until = Automatic, NoActivity, s.Until, time.Time{}
	}
	if !s.NoteUntil.IsZero() && !s.NoteUntil.After(now) {
		s.Note, s.NoteTime, s.NoteUntil = "", s.NoteUntil, time.Time{}
	}
	return s
}

// choice is s, as it was chosen.
func (s State) choice() Choice {
	return Choice{Availability: s.Availability, Until: s.Until, Time: s.Since, Note: s.Note, NoteTime: s.NoteTime, NoteUntil: s.NoteUntil}
}

// chose says whether the user chose one of these.
func (f facts) chose(these ...Availability) bool {
	for _, a := range these {
		if f.Chosen.Availability == a {
			return true
		}
	}
	return false
}

// yields says that what was chosen gives way to what the calendar says: it was
// left to the program, or chosen before the period began and for no time.
func (f facts) yields() bool {
	return f.chose(Automatic) || f.chose(Available, Busy) && f.Chosen.Until.IsZero() && f.Chosen.Since.Before(f.period.From)
}

// inactiveAt and awayAt are the moments from which no key has been touched for
// long enough; zero: never.
func (f facts) inactiveAt() time.Time { return f.idleFor(f.InactiveAfter, InactiveAfter) }
func (f facts) awayAt() time.Time     { return f.idleFor(f.AwayAfter, AwayAfter) }

func (f facts) idleFor(after, otherwise time.Duration) time.Time {
	if after == 0 {
		after = otherwise
	}
	if f.IdleSince.IsZero() || after < 0 {
		return time.Time{}
	}
	return f.IdleSince.Add(after)
}

// passed says that a moment is known and not to come.
func (f facts) passed(t time.Time) bool { return !t.IsZero() && !t.After(f.now) }

// next is the first moment after now at which a rule may decide otherwise.
func (f facts) next() (next time.Time) {
	moments := []time.Time{f.Chosen.Until, f.Chosen.NoteUntil}
	for _, p := range f.Calendar {
		moments = append(moments, p.From, p.Until)
	}
	if !f.IdleSince.IsZero() {
		moments = append(moments, f.inactiveAt(), f.awayAt())
	}
	for _, m := range moments {
		if m.After(f.now) && (next.IsZero() || m.Before(next)) {
			next = m
		}
	}
	return next
}
