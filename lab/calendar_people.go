package lab

import (
	"fmt"
	"hash/fnv"
	randv2 "math/rand/v2"
	"strings"
	"time"
)

// diaries are the calendars that people have by themselves. They are made up
// when somebody asks: the same person has the same day every time, and a large
// company costs no memory.
type diaries struct {
	staff *staff
	began time.Time // of the company
	now   func() time.Time
}

// meeting is one event of a diary.
type meeting struct {
	name        string // of its resource, without .ics; also its UID
	from, until time.Time
	allDay      bool
	title, text string
	class       string // empty: PUBLIC
	busy        string // BUSY, TENTATIVE, OOF or FREE, as Outlook says it
}

// diarySpan is how far a diary goes back and ahead of now.
const diaryBefore, diaryAfter = 2, 15 // days

var topics = []string{
	"Sprint review", "Budget round", "Customer call", "Design review", "Interview", "Release planning", "Works council",
	"Jour fixe", "Architecture board", "Vendor meeting", "Retrospective", "Prüfung der Angebote", "Point d’équipe", "Safety training",
}

// of is the diary of the person at this place of the staff, in order.
func (d *diaries) of(at int) []meeting {
	now := d.now()
	y, m, day := now.Date()
	var all []meeting
	for n := -diaryBefore; n <= diaryAfter; n++ {
		all = append(all, d.day(at, time.Date(y, m, day+n, 0, 0, 0, 0, now.Location()))...)
	}
	return all
}

// today are the events of the person that last at now.
func (d *diaries) at(at int, now time.Time) (meeting, bool) {
	y, m, day := now.Date()
	for _, e := range d.day(at, time.Date(y, m, day, 0, 0, 0, 0, now.Location())) {
		if !now.Before(e.from) && now.Before(e.until) && (e.busy == "BUSY" || e.busy == "OOF") {
			return e, true
		}
	}
	return meeting{}, false
}

// day makes up one day. Nobody meets at weekends.
func (d *diaries) day(at int, day time.Time) []meeting {
	p := d.staff.people[at]
	if special, has := d.castDay(at, p.Name, day); has {
		return special
	}
	if day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
		return nil
	}
	year, week := day.ISOWeek()
	if dice(p.User, fmt.Sprint(year, week)).IntN(40) == 0 {
		return []meeting{leave(day, "Leave", "On leave this week")}
	}
	r := dice(p.User, day.Format(time.DateOnly))
	var list []meeting
	for hour := 9 + r.IntN(3); hour < 17 && len(list) < 3; hour += 2 + r.IntN(3) {
		e := meeting{
			name: fmt.Sprintf("%s-%d", day.Format(time.DateOnly), len(list)+1), title: topics[r.IntN(len(topics))], busy: "BUSY",
			from: at30(day, hour, r.IntN(2)),
		}
		e.until = e.from.Add(time.Duration(1+r.IntN(3)) * 30 * time.Minute)
		switch r.IntN(12) {
		case 0:
			e.busy = "TENTATIVE"
		case 1:
			e.title, e.class = "Dentist", "PRIVATE"
		case 2:
			e.busy, e.title = "FREE", "Lunch"
		}
		list = append(list, e)
	}
	return list
}

// castDay is the day of those whose mood the pictures show, and of the
// newcomer, who has no meeting in the first hour: whoever tries the program is
// not to be in one.
func (d *diaries) castDay(at int, name string, day time.Time) ([]meeting, bool) {
	y, m, n := d.began.Date()
	first := time.Date(y, m, n, 0, 0, 0, 0, d.began.Location())
	m0, _ := castMoods(name, d.began)
	switch {
	case at == d.staff.newcomer && day.Weekday() != time.Saturday && day.Weekday() != time.Sunday:
		from := at30(day, 10, 0)
		if day.Equal(first) {
			from = d.began.Truncate(30 * time.Minute).Add(90 * time.Minute)
		}
		if day.Before(first) || from.Day() != day.Day() {
			return nil, true
		}
		return []meeting{{name: "review-" + day.Format(time.DateOnly), from: from, until: from.Add(30 * time.Minute), title: "Review with Chen", busy: "BUSY"}}, true
	case at == d.staff.newcomer:
		return nil, true
	case m0.state == "vacation" && !day.Before(first) && day.Before(first.AddDate(0, 0, 10)):
		return []meeting{leave(day, "Leave", m0.note)}, true
	case m0.state == "meeting" && day.Equal(first):
		return []meeting{{name: "now", from: d.began.Truncate(time.Minute), until: d.began.Add(m0.lasts).Round(30 * time.Minute), title: "Steering committee", busy: "BUSY"}}, true
	}
	return nil, false
}

func leave(day time.Time, title, text string) meeting {
	return meeting{name: "leave-" + day.Format(time.DateOnly), from: day, until: day.AddDate(0, 0, 1), allDay: true, title: title, text: text, busy: "OOF"}
}

// at30 is a full or half hour of a day.
func at30(day time.Time, hour, half int) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), hour, 30*half, 0, 0, day.Location())
}

// dice fall the same way for the same words.
func dice(words ...string) *randv2.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(strings.Join(words, "\n"))) // never fails
	return randv2.New(randv2.NewPCG(seed, h.Sum64()))
}

// calendarTime is a time in UTC (RFC 5545 §3.3.5).
func calendarTime(t time.Time) string { return t.UTC().Format("20060102T150405Z") }

// object is the event as a calendar object resource (RFC 4791 §4.1).
func (e meeting) object() []byte {
	text := strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\n", `\n`)
	lines := []string{"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Communicator//Lab//EN", "BEGIN:VEVENT", "UID:" + e.name, "DTSTAMP:" + calendarTime(e.from)}
	if e.allDay {
		lines = append(lines, "DTSTART;VALUE=DATE:"+e.from.Format("20060102"), "DTEND;VALUE=DATE:"+e.until.Format("20060102"))
	} else {
		lines = append(lines, "DTSTART:"+calendarTime(e.from), "DTEND:"+calendarTime(e.until))
	}
	lines = append(lines, "SUMMARY:"+text.Replace(e.title))
	if e.text != "" {
		lines = append(lines, "DESCRIPTION:"+text.Replace(e.text))
	}
	if e.class != "" {
		lines = append(lines, "CLASS:"+e.class)
	}
	if e.busy == "FREE" {
		lines = append(lines, "TRANSP:TRANSPARENT")
	}
	lines = append(lines, "X-MICROSOFT-CDO-BUSYSTATUS:"+e.busy, "END:VEVENT", "END:VCALENDAR", "")
	return []byte(strings.Join(lines, "\r\n"))
}
