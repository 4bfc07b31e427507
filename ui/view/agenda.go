package view

import (
	"strconv"
	"time"

	"communicator/calendar"
	"communicator/presence"
)

// Working hours, in the reader's zone: what lies outside is not on the bar.
const (
	dayBegins  = 8
	dayEnds    = 18
	agendaSpan = 8 // hours on the bar
)

// Agenda is somebody's calendar for the next working hours, first in words,
// then as a bar.
type Agenda struct {
	Headline string // "Free until 10:00"
	Then     string // "then busy until 11:30"; may be empty
	Hours    []Hour
	Blocks   []Block
	Now      float32 // where now is on the bar, 0 to 1; negative: not on it
}

// Hour is one of the hours of the bar.
type Hour struct {
	Label string // "9", "Mon 8" where a day begins
	Off   bool   // outside working hours: only the one that is now
}

// Block is a stretch of the bar that is not free, from 0 to 1.
type Block struct {
	From, Until float32
	Kind        calendar.Kind
}

// AgendaOf puts periods, which are in order, into words and on a bar that
// begins with the hour of now. Without periods everything is free: that
// nothing is known is for the caller to say.
func AgendaOf(periods []calendar.Period, now time.Time) Agenda {
	now = now.Local()
	hours := workingHours(now)
	a := Agenda{Now: -1}
	a.Headline, a.Then = agendaWords(periods, now)
	day := now.YearDay()
	for i, h := range hours {
		label := strconv.Itoa(h.Hour())
		if h.YearDay() != day {
			day, label = h.YearDay(), h.Format("Mon ")+label
		}
		a.Hours = append(a.Hours, Hour{Label: label, Off: !working(h)})
		if !now.Before(h) && now.Before(h.Add(time.Hour)) {
			a.Now = (float32(i) + float32(now.Sub(h))/float32(time.Hour)) / float32(len(hours))
		}
	}
	for _, p := range periods {
		a.Blocks = append(a.Blocks, blocks(p, hours)...)
	}
	return a
}

// workingHours are the hour of now and the working hours after it.
func workingHours(now time.Time) []time.Time {
	at := time.Date(now.Year(), now.Month(), now.Day(), now.Hour(), 0, 0, 0, now.Location())
	hours := []time.Time{at}
	for len(hours) < agendaSpan {
		at = at.Add(time.Hour)
		if working(at) {
			hours = append(hours, at)
		}
	}
	return hours
}

func working(t time.Time) bool {
	weekend := t.Weekday() == time.Saturday || t.Weekday() == time.Sunday
	return !weekend && t.Hour() >= dayBegins && t.Hour() < dayEnds
}

// blocks are the parts of the bar that p takes: one for each run of hours that
// follow each other.
func blocks(p calendar.Period, hours []time.Time) []Block {
	var all []Block
	n := float32(len(hours))
	for i, h := range hours {
		from, until := later(p.From, h), earlier(p.Until, h.Add(time.Hour))
		if !from.Before(until) {
			continue
		}
		b := Block{
			From:  (float32(i) + float32(from.Sub(h))/float32(time.Hour)) / n,
			Until: (float32(i) + float32(until.Sub(h))/float32(time.Hour)) / n,
			Kind:  p.Kind,
		}
		if last := len(all) - 1; last >= 0 && b.From-all[last].Until < 1e-4 {
			all[last].Until = b.Until
			continue
		}
		all = append(all, b)
	}
	return all
}

// scheduled is what a state says of the hours to come.
func scheduled(s presence.State) []calendar.Period {
	var periods []calendar.Period
	for _, p := range s.Schedule {
		q := calendar.Period{From: p.From, Until: p.Until, Kind: calendar.Tentative}
		switch {
		case p.Activity == presence.OutOfOffice:
			q.Kind = calendar.OutOfOffice
		case p.Busy:
			q.Kind = calendar.Busy
		}
		periods = append(periods, q)
	}
	return periods
}

// agendaWords says whether somebody is free now and until when, and what comes
// after that. What is tentative counts as free.
func agendaWords(periods []calendar.Period, now time.Time) (headline, then string) {
	var next *calendar.Period
	for i, p := range periods {
		switch {
		case p.Kind <= calendar.Tentative || !p.Until.After(now):
		case !p.From.After(now):
			until := endOf(periods, p)
			if p.Kind == calendar.OutOfOffice {
				return say("Out of office until {{.Time}}", "Time", Clock(until, now)), ""
			}
			return say("Busy until {{.Time}}", "Time", Clock(until, now)), say("then free")
		case next == nil || p.From.Before(next.From):
			next = &periods[i]
		}
	}
	if next == nil || next.From.Sub(now) > 24*time.Hour {
		return say("Free for the rest of the day"), ""
	}
	headline = say("Free until {{.Time}}", "Time", Clock(next.From, now))
	until := Clock(endOf(periods, *next), now)
	if next.Kind == calendar.OutOfOffice {
		return headline, say("then out of office until {{.Time}}", "Time", until)
	}
	return headline, say("then busy until {{.Time}}", "Time", until)
}

// endOf is when a time that begins with p ends, with all that follows it
// without a gap.
func endOf(periods []calendar.Period, p calendar.Period) time.Time {
	until := p.Until
	for _, q := range periods {
		if q.Kind == p.Kind && !q.From.After(until) && q.Until.After(until) {
			until = q.Until
		}
	}
	return until
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
