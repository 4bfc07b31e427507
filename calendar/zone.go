package calendar

import (
	"strconv"
	"strings"
	"time"
)

// zone turns the time on a wall clock into an instant: by the time zone
// database, or by the rules that the calendar brings along (RFC 5545 §3.6.5).
type zone struct {
	loc   *time.Location
	rules []observance     // used when loc is nil
	years map[int][]change // those that were worked out; of rules
	work  *int             // what may still be spent on rules
}

// change is one change of the clocks.
type change struct {
	onset    time.Time     // wall clock before the change, as UTC
	from, to time.Duration // offsets from UTC before and after
}

// observance is a STANDARD or DAYLIGHT part of a VTIMEZONE.
type observance struct {
	change // the first
	rule   *rule
	dates  []time.Time // RDATE
}

// zones are the time zones of one calendar.
type zones struct {
	local   *time.Location
	work    *int
	inside  map[string]*component // VTIMEZONE by TZID
	known   map[string]zone
	unknown map[string]bool // neither the database nor the calendar has it
}

func newZones(local *time.Location, work *int, calendar *component) *zones {
	z := &zones{local: local, work: work, inside: map[string]*component{}, known: map[string]zone{}, unknown: map[string]bool{}}
	for _, c := range calendar.children {
		if id, has := c.get("TZID"); has && c.name == "VTIMEZONE" {
			z.inside[strings.Trim(id.value, `"`)] = c
		}
	}
	return z
}

// get finds a zone by its TZID; unknown ones are taken as local.
func (z *zones) get(tzid string) zone {
	if tzid == "" {
		return zone{loc: z.local} // RFC 5545 §3.3.5: floating
	}
	if found, ok := z.known[tzid]; ok {
		return found
	}
	found := zone{loc: database(tzid)}
	if c := z.inside[tzid]; found.loc == nil && c != nil {
		found.rules, found.years, found.work = observances(c), map[int][]change{}, z.work
	}
	if found.loc == nil && len(found.rules) == 0 {
		found.loc = z.local
		if len(z.unknown) < 20 {
			z.unknown[tzid] = true
		}
	}
	z.known[tzid] = found
	return found
}

// database finds a zone in the time zone database: by its name, or by the end
// of one such as /mozilla.org/20050126_1/Europe/Berlin; nil: it has none.
func database(tzid string) *time.Location {
	if len(tzid) > 200 || strings.EqualFold(tzid, "local") {
		return nil
	}
	name := strings.Trim(tzid, "/ ")
	for try := range 4 {
		if try > 0 {
			var more bool
			if _, name, more = strings.Cut(name, "/"); !more || !strings.HasPrefix(tzid, "/") {
				return nil
			}
		}
		if name == "" {
			return nil
		}
		if loc, err := time.LoadLocation(name); err == nil {
			return loc
		}
	}
	return nil
}

// observances reads the parts of a VTIMEZONE.
func observances(c *component) []observance {
	var list []observance
	for _, part := range c.children[:min(len(c.children), 200)] {
		if part.name != "STANDARD" && part.name != "DAYLIGHT" {
			continue
		}
		start, _ := part.get("DTSTART")
		from, _ := part.get("TZOFFSETFROM")
		to, _ := part.get("TZOFFSETTO")
		onset, ok := parseStamp(start.value)
		o := observance{change: change{onset: onset.wall}}
		var fromOK, toOK bool
		o.from, fromOK = parseOffset(from.value)
		if o.to, toOK = parseOffset(to.value); !ok || !fromOK || !toOK {
			continue
		}
		for _, p := range part.props {
			switch p.name {
			case "RRULE":
				if r, ok := parseRule(p.value); ok {
					o.rule = &r
				}
			case "RDATE":
				for v := range strings.SplitSeq(p.value, ",") {
					if at, ok := parseStamp(v); ok && len(o.dates) < maxDates {
						o.dates = append(o.dates, at.wall)
					}
				}
			}
		}
		list = append(list, o)
	}
	return list
}

// parseOffset reads +0100 or -053000 (RFC 5545 §3.3.14).
func parseOffset(s string) (time.Duration, bool) {
	if len(s) != 5 && len(s) != 7 || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	n, err := strconv.ParseUint((s[1:] + "00")[:6], 10, 32)
	if err != nil {
		return 0, false
	}
	d := time.Duration(n/10000)*time.Hour + time.Duration(n/100%100)*time.Minute + time.Duration(n%100)*time.Second
	if s[0] == '-' {
		d = -d
	}
	return d, d.Abs() < 24*time.Hour
}

// in yields the changes of one year.
func (o *observance) in(year int, work *int, yield func(change)) {
	begin := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
	end := begin.AddDate(1, 0, 0)
	if *work -= 1 + len(o.dates)/10; *work < 0 {
		return
	}
	take := func(at time.Time) {
		if !at.Before(begin) && at.Before(end) {
			yield(change{at, o.from, o.to})
		}
	}
	take(o.onset)
	for _, at := range o.dates {
		take(at)
	}
	if o.rule == nil {
		return
	}
	o.rule.each(o.onset, begin, end, work, func(at time.Time) bool {
		over := at
		if o.rule.until.utc {
			over = at.Add(-o.from)
		}
		if o.rule.until.is() && over.After(o.rule.until.wall) {
			return false
		}
		take(at)
		return true
	})
}

// lastly is a change after which there are no more, or one before all others.
func (o *observance) lastly() change {
	last := o.change
	for _, at := range o.dates {
		if at.After(last.onset) {
			last.onset = at
		}
	}
	if o.rule != nil && o.rule.until.is() && o.rule.until.wall.After(last.onset) {
		last.onset = o.rule.until.wall
	}
	return last
}

// at is the instant at which a clock on the wall shows wall (given as UTC).
// RFC 5545 §3.3.5: a time that comes twice means the first; one that is left
// out is counted with the offset from before the gap.
func (z zone) at(wall time.Time) time.Time {
	if z.loc == nil {
		return z.byRules(wall)
	}
	offset := func(t time.Time) time.Duration {
		_, seconds := t.In(z.loc).Zone()
		return time.Duration(seconds) * time.Second
	}
	before, after := offset(wall.Add(-24*time.Hour)), offset(wall.Add(24*time.Hour))
	first := wall.Add(-before)
	if before == after || offset(first) == before {
		return first
	}
	if second := wall.Add(-after); offset(second) == after {
		return second
	}
	return first
}

func (z zone) byRules(wall time.Time) time.Time {
	now, found := change{}, false
	look := func(list []change) {
		for _, c := range list {
			if !c.onset.After(wall) && (!found || c.onset.After(now.onset)) {
				now, found = c, true
			}
		}
	}
	look(z.changes(wall.Year()))
	if !found {
		look(z.changes(wall.Year() - 1))
	}
	earliest := z.rules[0].change
	for i := range z.rules {
		if z.rules[i].onset.Before(earliest.onset) {
			earliest = z.rules[i].change
		}
	}
	if !found {
		for i := range z.rules {
			look([]change{z.rules[i].lastly()})
		}
	}
	switch {
	case !found: // before the first change
		return wall.Add(-earliest.from)
	case wall.Sub(now.onset) < now.to-now.from: // in the gap
		return wall.Add(-now.from)
	}
	return wall.Add(-now.to)
}

// changes are those of a year, worked out once.
func (z zone) changes(year int) []change {
	list, known := z.years[year]
	if known {
		return list
	}
	for i := range z.rules {
		z.rules[i].in(year, z.work, func(c change) { list = append(list, c) })
	}
	z.years[year] = list
	return list
}

// wall is the other way round: what the clock on the wall shows at t, as UTC.
func (z zone) wall(t time.Time) time.Time {
	if z.loc != nil {
		_, seconds := t.In(z.loc).Zone()
		return t.UTC().Add(time.Duration(seconds) * time.Second)
	}
	guess := t.UTC() // two steps are enough: offsets change by an hour or so
	for range 2 {
		guess = t.UTC().Add(guess.Sub(z.byRules(guess)))
	}
	return guess
}
