package presence

import (
	"strconv"
	"time"
)

// Words says a state for a person to read, without its note: "Available",
// "Inactive 12 min", "In a meeting until 10:30", "Away 25 min", "Out of office
// until 3 May", "Offline · last seen 17:40". What is old or not known is
// "Status unknown". Times are in the zone of now.
func (s State) Words(now time.Time) string {
	switch {
	case s.Old, s.Availability == Unknown, s.Availability == Automatic:
		return "Status unknown"
	case s.Activity == OutOfOffice:
		return "Out of office" + s.until(now)
	}
	switch s.Availability {
	case Available, Busy:
		return s.activityWords(now)
	case DoNotDisturb:
		return "Do not disturb" + s.until(now)
	case BeRightBack:
		return "Be right back"
	case Away:
		return "Away" + s.since(now)
	case Offline:
		if s.Since.IsZero() {
			return "Offline"
		}
		return "Offline · last seen " + clock(s.Since, now)
	}
	return "Status unknown"
}

func (s State) activityWords(now time.Time) string {
	switch s.Activity {
	case Meeting:
		return "In a meeting" + s.until(now)
	case Call:
		return "In a call"
	case Conference:
		return "In a conference" + s.until(now)
	case Inactive:
		if s.Availability == Available {
			return "Inactive" + s.since(now)
		}
	}
	if s.Availability == Busy {
		return "Busy" + s.until(now)
	}
	return "Available"
}

// until says when the state ends, unless that is past or not known.
func (s State) until(now time.Time) string {
	if !s.Until.After(now) {
		return ""
	}
	return " until " + clock(s.Until, now)
}

// since says for how long the state lasts, from one minute on.
func (s State) since(now time.Time) string {
	d := now.Sub(s.Since)
	switch {
	case s.Since.IsZero() || d < time.Minute:
		return ""
	case d < time.Hour:
		return " " + strconv.Itoa(int(d/time.Minute)) + " min"
	case d < 48*time.Hour:
		return " " + strconv.Itoa(int(d/time.Hour)) + " h"
	}
	return " " + strconv.Itoa(int(d/(24*time.Hour))) + " days"
}

// clock writes a moment: the time of a moment today, the weekday and time of
// one within six days, else the date.
func clock(t, now time.Time) string {
	t = t.In(now.Location())
	layout := "2 Jan 2006"
	switch {
	case t.Format(time.DateOnly) == now.Format(time.DateOnly):
		layout = "15:04"
	case t.Sub(now).Abs() < 6*24*time.Hour:
		layout = "Mon 15:04"
	case t.Year() == now.Year():
		layout = "2 Jan"
	}
	return t.Format(layout)
}
