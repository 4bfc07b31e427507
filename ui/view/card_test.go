package view

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"communicator/calendar"
	"communicator/contacts"
	"communicator/directory"
	"communicator/presence"
)

// thursday is a working day in the reader's zone.
func thursday(hour, minute int) time.Time {
	return time.Date(2026, 11, 19, hour, minute, 0, 0, time.Local)
}

func busy(from, until time.Time) calendar.Period {
	return calendar.Period{From: from, Until: until, Kind: calendar.Busy}
}

func TestAgendaWords(t *testing.T) {
	out := calendar.Period{From: thursday(12, 0), Until: thursday(12, 0).AddDate(0, 0, 11), Kind: calendar.OutOfOffice}
	maybe := calendar.Period{From: thursday(9, 0), Until: thursday(10, 0), Kind: calendar.Tentative}
	for _, c := range []struct {
		periods []calendar.Period
		want    string
	}{
		{[]calendar.Period{busy(thursday(10, 0), thursday(11, 30))}, "Free until 10:00, then busy until 11:30"},
		{[]calendar.Period{busy(thursday(9, 0), thursday(9, 30))}, "Busy until 09:30, then free"},
		{[]calendar.Period{busy(thursday(9, 0), thursday(9, 30)), busy(thursday(9, 30), thursday(11, 0))}, "Busy until 11:00, then free"},
		{[]calendar.Period{busy(thursday(8, 0), thursday(9, 0))}, "Free for the rest of the day, "},
		{[]calendar.Period{busy(thursday(9, 0).AddDate(0, 0, 3), thursday(10, 0).AddDate(0, 0, 3))}, "Free for the rest of the day, "},
		{[]calendar.Period{maybe}, "Free for the rest of the day, "},
		{[]calendar.Period{out}, "Free until 12:00, then out of office until 30 Nov"},
		{[]calendar.Period{{From: thursday(8, 0), Until: out.Until, Kind: calendar.OutOfOffice}}, "Out of office until 30 Nov, "},
	} {
		a := AgendaOf(c.periods, thursday(9, 15))
		if got := a.Headline + ", " + a.Then; got != c.want {
			t.Errorf("%v: %q, want %q", c.periods, got, c.want)
		}
	}
}

// The bar is eight working hours: at the end of a day it goes on with the next
// working day, and says so.
func TestAgendaBar(t *testing.T) {
	labels := func(a Agenda) string {
		var all []string
		for _, h := range a.Hours {
			all = append(all, h.Label)
		}
		return strings.Join(all, " ")
	}
	friday := thursday(16, 30).AddDate(0, 0, 1)
	if got := labels(AgendaOf(nil, friday)); got != "16 17 Mon 8 9 10 11 12 13" {
		t.Errorf("on Friday afternoon: %q", got)
	}
	night := AgendaOf(nil, thursday(3, 0))
	if got := labels(night); got != "3 8 9 10 11 12 13 14" || !night.Hours[0].Off || night.Hours[1].Off {
		t.Errorf("at night: %q %+v", got, night.Hours)
	}
	a := AgendaOf([]calendar.Period{busy(thursday(10, 0), thursday(11, 30)), {From: thursday(13, 0), Until: thursday(14, 0), Kind: calendar.Tentative}}, thursday(9, 30))
	want := []Block{{0.125, 0.3125, calendar.Busy}, {0.5, 0.625, calendar.Tentative}}
	if !slices.Equal(a.Blocks, want) || a.Now != 0.0625 {
		t.Errorf("got %+v, now at %v", a.Blocks, a.Now)
	}
	over := AgendaOf([]calendar.Period{busy(friday, friday.AddDate(0, 0, 3))}, friday)
	if got := fmt.Sprint(over.Blocks); got != "[{0.0625 1 busy}]" {
		t.Errorf("over the weekend: %s", got)
	}
}

func TestCard(t *testing.T) {
	now := thursday(9, 15)
	bruno := directory.Person{User: "bruno.berg@contoso.test", Name: "Bruno Berg", Title: "Account Manager", Department: "Sales", DN: "uid=bruno",
		Numbers: []directory.Number{{Kind: "work", Number: "+49 30 23125 712"}}}
	s := presence.State{Availability: presence.Busy, Activity: presence.Meeting, Until: thursday(10, 0), Since: thursday(9, 0), Seen: thursday(9, 5),
		Source: presence.FromCalendar, Note: "Room 4", NoteTime: thursday(8, 5),
		Schedule: []presence.Period{{From: thursday(9, 0), Until: thursday(10, 0), Activity: presence.Meeting, Busy: true}},
		Devices: []presence.Device{
			{Name: "Laptop", Reachable: true, Availability: presence.Busy, Activity: presence.Meeting, Time: thursday(9, 0)},
			{Name: "Mobile"}}}
	c := CardOf(bruno, s, now)
	if c.Role != "Account Manager · Sales" || c.Words != "In a meeting until 10:00" || c.Note != "“Room 4”" || c.NoteSet != "set 08:05" {
		t.Errorf("got %+v", c)
	}
	if c.Age != "since 09:00 · from the calendar · heard 10 min ago" {
		t.Errorf("age and source: %q", c.Age)
	}
	if got := fmt.Sprint(c.Devices); got != "[{ui-computer Laptop In a meeting} {ui-computer Mobile not signed in}]" {
		t.Errorf("devices: %s", got)
	}
	var lines []string
	for _, l := range c.Lines {
		lines = append(lines, l.Kind+" "+l.Value)
	}
	if got := strings.Join(lines, ", "); got != "Work +49 30 23125 712, Mobile not published, Address bruno.berg@contoso.test" {
		t.Errorf("lines: %s", got)
	}
	if c.Agenda == nil || c.Agenda.Headline != "Busy until 10:00" {
		t.Errorf("agenda: %+v", c.Agenda)
	}
	s.Old = true
	c = CardOf(bruno, s, now)
	if c.Face != "unknown" || c.Words != "Status unknown" || c.Age != "not confirmed; last heard 09:05" || c.Agenda != nil {
		t.Errorf("what is old is shown as current: %+v", c)
	}
	if c.Devices[0].Words != "Status unknown" {
		t.Errorf("an old device: %+v", c.Devices[0])
	}
	if c := CardOf(bruno, presence.State{}, now); c.Age != "Nothing has been heard yet" || c.Agenda != nil {
		t.Errorf("nothing known: %+v", c)
	}
}

func TestOrigin(t *testing.T) {
	l := contacts.List{Groups: []contacts.Group{
		{Name: "My direct reports", Source: contacts.Org, Members: []contacts.Contact{{User: "b@x.test"}}},
		{Name: "Harbour", Source: contacts.Own, Members: []contacts.Contact{{User: "b@x.test"}, {User: "c@x.test"}}},
	}}
	if got := Origin(l, "b@x.test"); got != "From the organisation chart: My direct reports" {
		t.Errorf("got %q", got)
	}
	if got := Origin(l, "c@x.test") + Origin(l, ""); got != "" {
		t.Errorf("got %q", got)
	}
}
