package view

import (
	"strconv"
	"time"
)

// Clock is a moment as people write it: "15:00" today, "Fri 15:00" within six
// days, else "3 May", with the year if it is another one. Zero is empty.
func Clock(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	t, now = t.Local(), now.Local()
	switch {
	case sameDay(t, now):
		return t.Format("15:04")
	case t.Sub(now).Abs() < 6*24*time.Hour:
		return t.Format("Mon 15:04")
	case t.Year() == now.Year():
		return t.Format("2 Jan")
	default:
		return t.Format("2 Jan 2006")
	}
}

// Day is the date over a day's messages: "Today, 20 November".
func Day(t, now time.Time) string {
	t, now = t.Local(), now.Local()
	date := t.Format("2 January")
	if t.Year() != now.Year() {
		date = t.Format("2 January 2006")
	}
	switch {
	case sameDay(t, now):
		return say("Today, {{.Date}}", "Date", date)
	case sameDay(t, now.AddDate(0, 0, -1)):
		return say("Yesterday, {{.Date}}", "Date", date)
	default:
		return t.Format("Monday, ") + date
	}
}

// Span is a length of time in one unit: "12 s", "25 min", "3 h", "4 days".
func Span(d time.Duration) string {
	count := func(unit time.Duration) string { return strconv.Itoa(int(max(d, 0) / unit)) }
	switch {
	case d < time.Minute:
		return say("{{.N}} s", "N", count(time.Second))
	case d < time.Hour:
		return say("{{.N}} min", "N", count(time.Minute))
	case d < 48*time.Hour:
		return say("{{.N}} h", "N", count(time.Hour))
	default:
		return say("{{.N}} days", "N", count(24*time.Hour))
	}
}

// ClearTime is a moment at which a note can be cleared.
type ClearTime struct {
	Words string
	Time  time.Time
}

// ClearTimes are the moments that are offered: in an hour, at the end of the
// working day, tomorrow morning, on Monday.
func ClearTimes(now time.Time) []ClearTime {
	now = now.Local()
	day := func(days, hour int) time.Time {
		return time.Date(now.Year(), now.Month(), now.Day()+days, hour, 0, 0, 0, now.Location())
	}
	times := []ClearTime{{say("In an hour"), now.Add(time.Hour)}}
	if evening := day(0, dayEnds); evening.After(now.Add(time.Hour)) {
		times = append(times, ClearTime{say("Today {{.Time}}", "Time", Clock(evening, now)), evening})
	}
	times = append(times, ClearTime{say("Tomorrow {{.Time}}", "Time", day(1, dayBegins).Format("15:04")), day(1, dayBegins)})
	monday := day((8-int(now.Weekday()))%7, dayBegins)
	if monday.Sub(now) > 48*time.Hour {
		times = append(times, ClearTime{Clock(monday, now), monday})
	}
	return times
}

// Shortened is the first so many characters of a text.
func Shortened(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most-1]) + "…"
}

// Seconds is how long something took: "0.4 s", or "12 ms" below a tenth.
func Seconds(d time.Duration) string {
	if d < 100*time.Millisecond {
		return say("{{.N}} ms", "N", strconv.Itoa(int(d/time.Millisecond)))
	}
	return say("{{.N}} s", "N", strconv.FormatFloat(d.Seconds(), 'f', 1, 64))
}

func sameDay(a, b time.Time) bool {
	ay, am, ad := a.Date()
	by, bm, bd := b.Date()
	return ay == by && am == bm && ad == bd
}
