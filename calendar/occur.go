package calendar

import (
	"slices"
	"time"
)

// occurrences adds the times at which e takes place within what is asked for.
// Those that another VEVENT of the same UID replaces are left to that one
// (RFC 5545 §3.8.4.4).
func (p *parser) occurrences(e *event, replaced []moment) {
	if e.gone || e.kind == Free {
		return
	}
	if n := len(e.left) + len(replaced); n > 0 {
		if p.work -= n; p.work < 0 {
			return
		}
	}
	left := e.leftOut(replaced)
	seen := map[time.Time]bool{}
	for s := range p.times(e) {
		if left(s.from) || seen[s.from.UTC()] || !s.until.After(s.from) || !s.until.After(p.o.From) || !s.from.Before(p.o.Until) {
			continue
		}
		seen[s.from.UTC()] = true
		if len(p.found) >= maxFound {
			p.warn("The calendar holds too many events for these days; some were left out")
			return
		}
		p.found = append(p.found, occurrence{s, e})
	}
}

// times yields when e takes place, not in order and perhaps twice.
func (p *parser) times(e *event) func(yield func(span) bool) {
	return func(yield func(span) bool) {
		at := func(wall time.Time) span {
			return span{e.start.on(wall), e.length.after(e.start, wall), e.start.date}
		}
		if !yield(at(e.start.wall)) {
			return
		}
		for _, s := range e.added {
			if !yield(s) {
				return
			}
		}
		if e.replaces.is() {
			return
		}
		// What began before and still goes on counts; a day more for the zones.
		early := p.o.From.Add(-e.length.time).AddDate(0, 0, -e.length.days-1).UTC()
		late := p.o.Until.AddDate(0, 0, 1).UTC()
		for i := range e.rules {
			r := &e.rules[i]
			work := min(p.work, maxRule)
			before := work
			r.each(e.start.wall, early, late, &work, func(wall time.Time) bool {
				s := at(wall)
				return !e.after(s, wall, r.until) && (s.until.Before(p.o.From) || yield(s))
			})
			p.work -= before - work
			p.senseless = p.senseless || work < 0
		}
	}
}

// after says whether an occurrence is past UNTIL, which is written in UTC for
// events with a zone, and else like their beginning (RFC 5545 §3.3.10).
func (e *event) after(s span, wall time.Time, until stamp) bool {
	switch {
	case !until.is():
		return false
	case until.utc && !e.start.date:
		return s.from.After(until.wall)
	case until.date || e.start.date:
		return wall.Truncate(24 * time.Hour).After(until.wall.Truncate(24 * time.Hour))
	}
	return wall.After(until.wall)
}

// leftOut says which occurrences of e do not take place or are described
// elsewhere: named by their time or, as some programs do, by their day.
func (e *event) leftOut(replaced []moment) func(from time.Time) bool {
	if e.replaces.is() || len(e.left)+len(replaced) == 0 {
		return func(time.Time) bool { return false }
	}
	times, days := map[time.Time]bool{}, map[time.Time]bool{}
	for _, m := range slices.Concat(e.left, replaced) {
		if m.date || e.start.date {
			days[dayOf(m.wall)] = true
		} else {
			times[m.instant().UTC()] = true
		}
	}
	return func(from time.Time) bool {
		return times[from.UTC()] || len(days) > 0 && days[dayOf(e.start.wallOf(from))]
	}
}

func dayOf(t time.Time) time.Time { return t.Truncate(24 * time.Hour) }

// wallOf is what the clock of m shows at t.
func (m moment) wallOf(t time.Time) time.Time {
	if m.utc {
		return t.UTC()
	}
	return m.zone.wall(t)
}
