package view

import (
	"strings"
	"time"

	"communicator/contacts"
	"communicator/directory"
	"communicator/presence"
)

// Card is what a contact card says of a person.
type Card struct {
	Name    string
	Role    string // "Account Manager · Sales DACH"
	Manager string // name; may be empty
	Origin  string // which groups made from the organisation chart he is in, and of when they are

	Face    string
	Words   string
	Age     string // since when, why, and how fresh it is
	Note    string // in quotation marks; may be empty
	NoteSet string // "set 08:05"; may be empty
	Devices []CardDevice
	Agenda  *Agenda // nil: nothing is known of the calendar
	Lines   []CardLine
}

// CardDevice is one device of a person.
type CardDevice struct{ Icon, Name, Words string }

// CardLine is a number or an address.
type CardLine struct {
	Icon, Kind, Value string
	Missing           bool // there is none; Value says so
}

// CardOf puts together what is known of a person. The calendar is what the state
// says of the hours to come.
func CardOf(who directory.Person, s presence.State, now time.Time) Card {
	c := Card{
		Name: NameOfPerson(who), Role: joined(who.Title, who.Department),
		Face: Face(s), Words: Words(s, now), Age: age(s, now), Note: Note(s, now),
	}
	if s.Note != "" && !s.NoteTime.IsZero() && !s.Old {
		c.NoteSet = say("set {{.Time}}", "Time", Clock(s.NoteTime, now))
	}
	if len(s.Schedule) > 0 && !s.Old {
		a := AgendaOf(scheduled(s), now)
		c.Agenda = &a
	}
	for _, d := range s.Devices {
		if len(s.Devices) == 1 && d.Name == "" {
			break // it would say the state again
		}
		c.Devices = append(c.Devices, deviceOf(d, s.Old, now))
	}
	c.Lines = cardLines(who)
	return c
}

// NameOfPerson is a person's name, or the address of one who has none.
func NameOfPerson(p directory.Person) string {
	if p.Name == "" {
		return p.User
	}
	return p.Name
}

// age says since when a state is so, what made it so, and when it was heard:
// a state that is not confirmed says so first.
func age(s presence.State, now time.Time) string {
	heard := ""
	switch {
	case s.Availability == presence.Unknown || s.Seen.IsZero():
		return say("Nothing has been heard yet")
	case s.Old:
		return say("not confirmed; last heard {{.Time}}", "Time", Clock(s.Seen, now))
	case now.Sub(s.Seen) < time.Minute:
		heard = say("heard just now")
	default:
		heard = say("heard {{.Time}} ago", "Time", Span(now.Sub(s.Seen)))
	}
	since := ""
	if !s.Since.IsZero() && !s.Since.After(now) {
		since = say("since {{.Time}}", "Time", Clock(s.Since, now))
	}
	return joined(since, source(s.Source), heard)
}

// source says what made a state what it is.
func source(from presence.Source) string {
	switch from {
	case presence.FromChoice:
		return say("chosen")
	case presence.FromCalendar:
		return say("from the calendar")
	case presence.FromPhone:
		return say("from the phone")
	case presence.FromIdle:
		return say("no key was touched")
	default:
		return ""
	}
}

func deviceOf(d presence.Device, old bool, now time.Time) CardDevice {
	c := CardDevice{Icon: "ui-computer", Name: d.Name, Words: say("not signed in")}
	if c.Name == "" {
		c.Name = say("Device")
	}
	if d.Reachable {
		c.Words = Words(presence.State{Availability: d.Availability, Activity: d.Activity, Since: d.Time, Old: old}, now)
	}
	return c
}

// cardLines are the numbers, office and address; a missing work or mobile
// number is said, so that nobody looks for it.
func cardLines(who directory.Person) []CardLine {
	icons := map[string]string{"work": "ui-handset", "mobile": "marker-mobile", "home": "ui-home"}
	var lines []CardLine
	has := map[string]bool{}
	for _, n := range who.Numbers {
		icon := icons[n.Kind]
		if icon == "" {
			icon = "ui-handset"
		}
		has[n.Kind] = true
		lines = append(lines, CardLine{Icon: icon, Kind: NumberKind(n.Kind), Value: n.Number})
	}
	for _, kind := range []string{"work", "mobile"} {
		if !has[kind] && who.DN != "" {
			lines = append(lines, CardLine{Icon: icons[kind], Kind: NumberKind(kind), Value: say("not published"), Missing: true})
		}
	}
	if who.Office != "" {
		lines = append(lines, CardLine{Icon: "ui-info", Kind: say("Office"), Value: who.Office})
	}
	if who.User != "" {
		lines = append(lines, CardLine{Icon: "ui-message", Kind: say("Address"), Value: who.User})
	}
	return lines
}

// Origin names the groups made from the organisation chart that user is in;
// empty when he is in none.
func Origin(l contacts.List, user string) string {
	var groups []string
	for _, g := range l.Groups {
		if g.Source == contacts.Org && g.Has(user) {
			groups = append(groups, g.Name)
		}
	}
	if user == "" || len(groups) == 0 {
		return ""
	}
	return say("From the organisation chart: {{.Groups}}", "Groups", strings.Join(groups, ", "))
}
