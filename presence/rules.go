package presence

// Rule is one line of the table by which one's own state is decided, in words.
type Rule struct {
	When  string // what is the case
	Shown string // what others see
	Why   string // what the user is told beside it; "": nothing, it is what was chosen
}

// Rules returns the table that Combine goes by: the first line that holds
// decides. It is for people to read (docs/presence.md has it).
func Rules() []Rule {
	words := make([]Rule, len(rules))
	for i, r := range rules {
		words[i] = r.Rule
	}
	return words
}

// Why says in the user's words where one's own state comes from ("from your
// calendar"); "" when it is as chosen, or nothing is said.
func (s State) Why() string {
	switch s.Source {
	case FromCalendar:
		return "from your calendar"
	case FromPhone:
		return "from your phone"
	case FromIdle:
		return "nobody is at the computer"
	}
	return ""
}

// rule is a line of the table in code.
type rule struct {
	Rule
	holds func(facts) bool
	shows func(facts) State
}

// rules is the table. A choice beats what is found out, except where it would
// lie: "Available" on the phone, in a meeting that began after it was chosen,
// or at a computer that nobody touches.
var rules = []rule{
	{Rule{"Appear offline was chosen", "Offline", ""},
		func(f facts) bool { return f.chose(Offline) }, chosen},
	{Rule{"Do not disturb was chosen", "Do not disturb", ""},
		func(f facts) bool { return f.chose(DoNotDisturb) }, chosen},
	{Rule{"the phone is set to do not disturb", "Do not disturb", "from your phone"},
		func(f facts) bool { return f.PhoneDoNotDisturb }, found(DoNotDisturb, NoActivity, FromPhone)},
	{Rule{"Be right back or Away was chosen", "Be right back, Away", ""},
		func(f facts) bool { return f.chose(BeRightBack, Away) }, chosen},
	{Rule{"in a conference on the phone", "In a conference", "from your phone"},
		func(f facts) bool { return f.Conference }, found(Busy, Conference, FromPhone)},
	{Rule{"in a call", "In a call", "from your phone"},
		func(f facts) bool { return f.Call }, found(Busy, Call, FromPhone)},
	{Rule{"out of office by the calendar, and nothing was chosen since that began", "Out of office until its end", "from your calendar"},
		func(f facts) bool { return f.scheduled && f.period.Activity == OutOfOffice && f.yields() }, booked(Away)},
	{Rule{"in a meeting by the calendar, and nothing was chosen since it began", "In a meeting until its end", "from your calendar"},
		func(f facts) bool { return f.scheduled && f.period.Activity == Meeting && f.yields() }, booked(Busy)},
	{Rule{"busy by the calendar, and nothing was chosen since that began", "Busy until its end", "from your calendar"},
		func(f facts) bool { return f.scheduled && f.yields() }, booked(Busy)},
	{Rule{"Busy was chosen", "Busy", ""},
		func(f facts) bool { return f.chose(Busy) }, chosen},
	{Rule{"the screen is locked", "Away", "nobody is at the computer"},
		func(f facts) bool { return f.Locked }, idle(Away, NoActivity)},
	{Rule{"no key was touched for 15 minutes", "Away", "nobody is at the computer"},
		func(f facts) bool { return f.passed(f.awayAt()) }, idle(Away, NoActivity)},
	{Rule{"no key was touched for 5 minutes", "Inactive", "nobody is at the computer"},
		func(f facts) bool { return f.passed(f.inactiveAt()) }, idle(Available, Inactive)},
	{Rule{"Available was chosen", "Available", ""},
		func(f facts) bool { return f.chose(Available) }, chosen},
	{Rule{"nothing of this", "Available", ""},
		func(facts) bool { return true }, found(Available, NoActivity, NoSource)},
}

// chosen shows what the user chose.
func chosen(f facts) State {
	return State{Availability: f.Chosen.Availability, Since: f.Chosen.Since, Until: f.Chosen.Until, Source: FromChoice}
}

// found shows what somebody else knows; since when is not known.
func found(a Availability, v Activity, from Source) func(facts) State {
	return func(facts) State { return State{Availability: a, Activity: v, Source: from} }
}

// booked shows what the calendar says.
func booked(a Availability) func(facts) State {
	return func(f facts) State {
		return State{Availability: a, Activity: f.period.Activity, Since: f.period.From, Until: f.period.Until, Source: FromCalendar}
	}
}

// idle shows that nobody is at the computer.
func idle(a Availability, v Activity) func(facts) State {
	return func(f facts) State { return State{Availability: a, Activity: v, Since: f.IdleSince, Source: FromIdle} }
}
