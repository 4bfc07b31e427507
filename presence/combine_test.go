package presence

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// One's own state in the cases that users argue about.
func TestCombine(t *testing.T) {
	chosen := func(a Availability, since time.Time) State { return State{Availability: a, Since: since} }
	meeting := Period{From: at(9, 30), Until: at(10, 30), Activity: Meeting, Busy: true}
	after := Period{From: at(10, 30), Until: at(11, 0), Activity: Meeting, Busy: true}
	holiday := Period{From: at(0, 0), Until: at(0, 0).AddDate(0, 0, 7), Activity: OutOfOffice}
	errand := Period{From: at(9, 0), Until: at(10, 15), Busy: true}
	free := Period{From: at(9, 0), Until: at(12, 0), Activity: Meeting}
	for _, c := range []struct {
		what   string
		in     Inputs
		shown  string
		why    string
		next   time.Time
		source Source
	}{
		{"nothing at all", Inputs{}, "Available", "", time.Time{}, NoSource},
		{"available", Inputs{Chosen: chosen(Available, at(8, 0))}, "Available", "", time.Time{}, FromChoice},
		{"busy for a while", Inputs{Chosen: State{Availability: Busy, Until: at(11, 0)}}, "Busy until 11:00", "", at(11, 0), FromChoice},
		{"busy for a while that is over", Inputs{Chosen: State{Availability: Busy, Until: at(9, 59)}}, "Available", "", time.Time{}, NoSource},
		{"available on the phone", Inputs{Chosen: chosen(Available, at(8, 0)), Call: true}, "In a call", "from your phone", time.Time{}, FromPhone},
		{"in a conference", Inputs{Call: true, Conference: true}, "In a conference", "from your phone", time.Time{}, FromPhone},
		{"do not disturb on the phone", Inputs{Chosen: chosen(DoNotDisturb, at(8, 0)), Call: true}, "Do not disturb", "", time.Time{}, FromChoice},
		{"do not disturb set at the phone", Inputs{PhoneDoNotDisturb: true, Chosen: chosen(Available, at(8, 0))}, "Do not disturb", "from your phone", time.Time{}, FromPhone},
		{"away on the mobile phone", Inputs{Chosen: chosen(Away, at(8, 0)), Call: true}, "Away 2 h", "", time.Time{}, FromChoice},
		{"appear offline, whatever happens", Inputs{Chosen: chosen(Offline, time.Time{}), Call: true, PhoneDoNotDisturb: true, Calendar: []Period{holiday, meeting}}, "Offline", "", at(10, 30), FromChoice},
		{"a meeting", Inputs{Calendar: []Period{meeting}}, "In a meeting until 10:30", "from your calendar", at(10, 30), FromCalendar},
		{"two meetings without a break, in any order", Inputs{Calendar: []Period{after, meeting}}, "In a meeting until 11:00", "from your calendar", at(10, 30), FromCalendar},
		{"a meeting to come", Inputs{Calendar: []Period{after}}, "Available", "", at(10, 30), NoSource},
		{"a meeting that counts as free", Inputs{Calendar: []Period{free}}, "Available", "", at(12, 0), NoSource},
		{"a call in a meeting", Inputs{Calendar: []Period{meeting}, Call: true}, "In a call", "from your phone", at(10, 30), FromPhone},
		{"available since before the meeting", Inputs{Chosen: chosen(Available, at(8, 0)), Calendar: []Period{meeting}}, "In a meeting until 10:30", "from your calendar", at(10, 30), FromCalendar},
		{"available, chosen in the meeting", Inputs{Chosen: chosen(Available, at(9, 45)), Calendar: []Period{meeting}}, "Available", "", at(10, 30), FromChoice},
		{"available, chosen for a time that is not over", Inputs{Chosen: State{Availability: Available, Since: at(8, 0), Until: at(10, 20)}, Calendar: []Period{meeting}}, "Available", "", at(10, 20), FromChoice},
		{"do not disturb in a meeting", Inputs{Chosen: chosen(DoNotDisturb, at(8, 0)), Calendar: []Period{meeting}}, "Do not disturb", "", at(10, 30), FromChoice},
		{"be right back in a meeting", Inputs{Chosen: chosen(BeRightBack, at(8, 0)), Calendar: []Period{meeting}}, "Be right back", "", at(10, 30), FromChoice},
		{"busy without a name", Inputs{Calendar: []Period{errand}}, "Busy until 10:15", "from your calendar", at(10, 15), FromCalendar},
		{"out of office", Inputs{Calendar: []Period{meeting, holiday}}, "Out of office until 27 Nov", "from your calendar", at(10, 30), FromCalendar},
		{"idle in a meeting", Inputs{Calendar: []Period{meeting}, IdleSince: at(9, 30)}, "In a meeting until 10:30", "from your calendar", at(10, 30), FromCalendar},
		{"idle for four minutes", Inputs{IdleSince: at(9, 56)}, "Available", "", at(10, 1), NoSource},
		{"idle for five minutes", Inputs{IdleSince: at(9, 55)}, "Inactive 5 min", "nobody is at the computer", at(10, 10), FromIdle},
		{"idle for fifteen minutes", Inputs{IdleSince: at(9, 45)}, "Away 15 min", "nobody is at the computer", time.Time{}, FromIdle},
		{"available and idle", Inputs{Chosen: chosen(Available, at(8, 0)), IdleSince: at(9, 30)}, "Away 30 min", "nobody is at the computer", time.Time{}, FromIdle},
		{"busy and idle", Inputs{Chosen: chosen(Busy, at(8, 0)), IdleSince: at(9, 30)}, "Busy", "", time.Time{}, FromChoice},
		{"idle, other limits", Inputs{IdleSince: at(9, 58), InactiveAfter: time.Minute, AwayAfter: -1}, "Inactive 2 min", "nobody is at the computer", time.Time{}, FromIdle},
		{"idle never counts", Inputs{IdleSince: at(8, 0), InactiveAfter: -1, AwayAfter: -1}, "Available", "", time.Time{}, NoSource},
		{"locked", Inputs{Locked: true}, "Away", "nobody is at the computer", time.Time{}, FromIdle},
		{"locked on the phone", Inputs{Locked: true, Call: true}, "In a call", "from your phone", time.Time{}, FromPhone},
	} {
		s, next := Combine(c.in, now)
		if s.Words(now) != c.shown || s.Why() != c.why || s.Source != c.source || !next.Equal(c.next) {
			t.Errorf("%s: %q %q %q, again at %v; want %q %q %q at %v", c.what, s.Words(now), s.Why(), s.Source, next, c.shown, c.why, c.source, c.next)
		}
	}
}

// Whatever next says: asking sooner gives the same.
func TestNothingChangesBeforeNext(t *testing.T) {
	in := Inputs{
		Chosen:    State{Availability: Busy, Until: at(10, 20), Note: "Back soon", NoteUntil: at(10, 40)},
		IdleSince: at(10, 0),
		Calendar: []Period{{From: at(10, 30), Until: at(11, 0), Activity: Meeting, Busy: true}, {From: at(11, 0), Until: at(11, 30), Busy: true},
			{From: at(12, 0), Until: at(13, 0), Activity: OutOfOffice}},
	}
	last, next := Combine(in, now)
	changes := 0
	for m := now; m.Before(at(14, 0)); m = m.Add(time.Minute) {
		s, n := Combine(in, m)
		if !next.IsZero() && !m.Before(next) {
			last, next, changes = s, n, changes+1
		}
		if !s.Looks(last) {
			t.Fatalf("%v: %+v without being told to look again (%v)", m, s, next)
		}
	}
	if changes < 6 {
		t.Errorf("%d changes", changes)
	}
}

func TestNotes(t *testing.T) {
	holiday := []Period{{From: at(0, 0), Until: at(20, 0), Activity: OutOfOffice}}
	for _, c := range []struct {
		what string
		in   Inputs
		note string
	}{
		{"mine", Inputs{Chosen: State{Note: "Home"}}, "Home"},
		{"mine until noon", Inputs{Chosen: State{Note: "Home", NoteUntil: at(12, 0)}}, "Home"},
		{"mine until nine", Inputs{Chosen: State{Note: "Home", NoteUntil: at(9, 0)}}, ""},
		{"it outlasts the state", Inputs{Chosen: State{Availability: Busy, Until: at(9, 0), Note: "Home"}}, "Home"},
		{"out of office", Inputs{Calendar: holiday, OutOfOfficeNote: "On the sea"}, "On the sea"},
		{"out of office, but mine is there", Inputs{Calendar: holiday, OutOfOfficeNote: "On the sea", Chosen: State{Note: "Home"}}, "Home"},
		{"out of office, but at work", Inputs{Calendar: holiday, OutOfOfficeNote: "On the sea", Chosen: State{Availability: Available, Since: at(9, 0)}}, ""},
	} {
		if s, _ := Combine(c.in, now); s.Note != c.note {
			t.Errorf("%s: %q, want %q", c.what, s.Note, c.note)
		}
	}
}

func TestScheduleIsToldAhead(t *testing.T) {
	p := func(from, until time.Time) Period {
		return Period{From: from, Until: until, Activity: Meeting, Busy: true}
	}
	past, running, soon, late := p(at(8, 0), at(9, 0)), p(at(9, 30), at(10, 30)), p(at(14, 0), at(15, 0)), p(at(14, 0).AddDate(0, 0, 2), at(15, 0).AddDate(0, 0, 2))
	in := Inputs{Calendar: []Period{late, soon, running, past}}
	s, _ := Combine(in, now)
	if len(s.Schedule) != 2 || !s.Schedule[0].Equal(running) || !s.Schedule[1].Equal(soon) {
		t.Errorf("schedule %v", s.Schedule)
	}
	if got := s.Free(now); got != "Busy until 10:30" {
		t.Error(got)
	}
	if got := s.Free(at(10, 30)); got != "Free until 14:00" {
		t.Error(got)
	}
	if got := s.Free(at(16, 0)) + (State{}).Free(now); got != "" {
		t.Error(got)
	}
	in.Chosen.Availability = Offline
	if s, _ := Combine(in, now); s.Schedule != nil {
		t.Errorf("who appears offline tells his meetings: %v", s.Schedule)
	}
}

func TestEqual(t *testing.T) {
	paris := time.FixedZone("", 3600)
	a := State{Availability: Busy, Since: now, Seen: now, Schedule: []Period{{From: now, Until: at(11, 0)}}, Devices: []Device{{ID: "d", Time: now}}}
	b := State{Availability: Busy, Since: now.In(paris), Seen: now.In(paris), Schedule: []Period{{From: now.In(paris), Until: at(11, 0).In(paris)}}, Devices: []Device{{ID: "d", Time: now.In(paris)}}}
	if !a.Equal(b) {
		t.Error("the zone makes a difference")
	}
	for what, change := range map[string]func(*State){
		"note":     func(s *State) { s.Note = "x" },
		"since":    func(s *State) { s.Since = at(9, 0) },
		"old":      func(s *State) { s.Old = true },
		"schedule": func(s *State) { s.Schedule = []Period{{From: now, Until: at(12, 0)}} },
		"device":   func(s *State) { s.Devices = []Device{{ID: "d", Time: now, Name: "laptop"}} },
	} {
		c := b
		change(&c)
		if a.Equal(c) || a.Says(c) {
			t.Errorf("another %s makes no difference", what)
		}
	}
	b.Seen = at(12, 0)
	if a.Equal(b) || !a.Says(b) {
		t.Error("the time at which it was heard is no part of what is said")
	}
}

// docs/presence.md has the table as the program goes by it.
func TestDocumentHasTheRules(t *testing.T) {
	text, err := os.ReadFile("../docs/presence.md")
	if err != nil {
		t.Fatal(err)
	}
	table := "| what is the case | others see | you are told |\n|---|---|---|\n"
	for _, r := range Rules() {
		table += "| " + r.When + " | " + r.Shown + " | " + r.Why + " |\n"
	}
	if !strings.Contains(string(text), table) {
		t.Errorf("docs/presence.md does not have this table:\n%s", table)
	}
}

// Each line of the table is what Combine does: in its case, and only from
// there on, its words are shown.
func TestRulesAreWhatCombineDoes(t *testing.T) {
	since := at(8, 0)
	meeting := []Period{{From: at(9, 0), Until: at(11, 0), Activity: Meeting, Busy: true}}
	cases := map[string]func(*Inputs){
		"Appear offline was chosen":          func(in *Inputs) { in.Chosen = State{Availability: Offline, Since: since} },
		"Do not disturb was chosen":          func(in *Inputs) { in.Chosen = State{Availability: DoNotDisturb, Since: since} },
		"the phone is set to do not disturb": func(in *Inputs) { in.PhoneDoNotDisturb = true },
		"Be right back or Away was chosen":   func(in *Inputs) { in.Chosen = State{Availability: BeRightBack, Since: since} },
		"in a conference on the phone":       func(in *Inputs) { in.Conference = true },
		"in a call":                          func(in *Inputs) { in.Call = true },
		"out of office by the calendar, and nothing was chosen since that began": func(in *Inputs) {
			in.Calendar = append(in.Calendar, Period{From: at(9, 0), Until: at(11, 0), Activity: OutOfOffice})
		},
		"in a meeting by the calendar, and nothing was chosen since it began": func(in *Inputs) { in.Calendar = append(in.Calendar, meeting...) },
		"busy by the calendar, and nothing was chosen since that began": func(in *Inputs) {
			in.Calendar = append(in.Calendar, Period{From: at(9, 0), Until: at(11, 0), Busy: true})
		},
		"Busy was chosen":                   func(in *Inputs) { in.Chosen = State{Availability: Busy, Since: since} },
		"the screen is locked":              func(in *Inputs) { in.Locked = true },
		"no key was touched for 15 minutes": func(in *Inputs) { in.IdleSince = now.Add(-AwayAfter) },
		"no key was touched for 5 minutes":  func(in *Inputs) { in.IdleSince = now.Add(-InactiveAfter) },
		"Available was chosen":              func(in *Inputs) { in.Chosen = State{Availability: Available, Since: since} },
		"nothing of this":                   func(*Inputs) {},
	}
	if len(cases) != len(Rules()) {
		t.Errorf("%d cases, %d rules", len(cases), len(Rules()))
	}
	below := Inputs{}
	for _, r := range slices.Backward(Rules()) { // from the weakest: each next one wins over all below it
		set, known := cases[r.When]
		if !known {
			t.Errorf("no case for %q", r.When)
			continue
		}
		set(&below)
		s, _ := Combine(below, now)
		first, _, _ := strings.Cut(r.Shown, " until its end")
		first, _, _ = strings.Cut(first, ",")
		if got := s.Words(now); !strings.HasPrefix(got, first) || s.Why() != r.Why {
			t.Errorf("%q: shown %q (%s), want %q (%s)", r.When, got, s.Why(), r.Shown, r.Why)
		}
	}
}
