package calendar

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"communicator/plain"
)

// Options of Parse.
type Options struct {
	From, Until time.Time      // what is asked for
	Self        []string       // own addresses, user@domain: an invitation that they declined leaves one free
	Local       *time.Location // of times without a zone, and of those whose zone nobody knows; nil: time.Local
}

const (
	maxTitle = 200  // characters
	maxText  = 500  // characters, of an out-of-office text
	maxDates = 5000 // RDATE and EXDATE values of one event
	maxFound = 5000 // occurrences
)

// event is one VEVENT.
type event struct {
	uid      string
	start    moment
	length   length
	rules    []rule
	added    []span   // RDATE
	left     []moment // EXDATE
	replaces moment   // RECURRENCE-ID; not set: it is the event itself
	gone     bool     // cancelled
	kind     Kind
	title    string
	text     string // out of office: what it says
}

// span is a stretch of time; allDay: made of whole days.
type span struct {
	from, until time.Time
	allDay      bool
}

// occurrence is one time at which an event takes place.
type occurrence struct {
	span
	*event
}

// Parse reads iCalendar text (RFC 5545): any number of calendars, one after
// the other. What is broken is left out, and said in Warnings. It does no I/O
// but for the time zone database.
func Parse(text string, o Options) Reading {
	if o.Local == nil {
		o.Local = time.Local
	}
	p := &parser{o: o, work: maxWork, said: map[string]bool{}}
	calendars, cut := components(strings.TrimPrefix(text, "\ufeff"))
	if cut {
		p.warn("The calendar is too large; a part of it was left out")
	}
	for _, c := range calendars {
		if c.name == "VCALENDAR" {
			p.calendar(c)
		}
	}
	if p.senseless || p.work < 0 {
		p.warn("The calendar holds events that repeat without end or sense; some were left out")
	}
	return p.reading()
}

// isCalendar says whether text is iCalendar at all.
func isCalendar(text string) bool {
	text = strings.TrimLeft(strings.TrimPrefix(text, "\ufeff"), " \t\r\n")
	return len(text) >= 15 && strings.EqualFold(text[:15], "BEGIN:VCALENDAR")
}

// parser collects what takes time.
type parser struct {
	o         Options
	work      int  // what may still be spent
	senseless bool // a rule was given up
	found     []occurrence
	reported  []Period // of VFREEBUSY
	warnings  []string
	said      map[string]bool
}

func (p *parser) warn(sentence string) {
	if !p.said[sentence] && len(p.warnings) < 20 {
		p.said[sentence] = true
		p.warnings = append(p.warnings, sentence)
	}
}

func (p *parser) reading() Reading {
	periods := slices.Clone(p.reported)
	for _, f := range p.found {
		periods = append(periods, Period{From: f.from, Until: f.until, Kind: f.kind, Title: f.title, Text: f.text, AllDay: f.allDay})
	}
	return Reading{Periods: Merge(periods, p.o.From, p.o.Until), Warnings: p.warnings}
}

// calendar takes the events of one VCALENDAR.
func (p *parser) calendar(c *component) {
	z := newZones(p.o.Local, &p.work, c)
	var events []*event
	replaced := map[string][]moment{} // by UID
	for _, part := range c.children {
		switch part.name {
		case "VEVENT":
			if e, ok := p.event(z, part); ok {
				events = append(events, e)
				if e.replaces.is() {
					replaced[e.uid] = append(replaced[e.uid], e.replaces)
				}
			}
		case "VFREEBUSY":
			list := freeBusy(z, part)
			p.reported = append(p.reported, list[:min(len(list), maxFound-len(p.reported))]...)
		}
	}
	for _, e := range events {
		p.occurrences(e, replaced[e.uid])
	}
	for id := range z.unknown {
		p.warn(fmt.Sprintf("The calendar uses the time zone %q, which neither this computer nor the calendar knows; its times are taken as local", plain.Cut(plain.Line(id), 60)))
	}
}

// event reads one VEVENT; false: without a beginning there is nothing to show.
func (p *parser) event(z *zones, c *component) (e *event, ok bool) {
	e = &event{uid: c.text("UID"), kind: p.kindOf(c), gone: strings.EqualFold(c.text("STATUS"), "CANCELLED")}
	dtstart, _ := c.get("DTSTART")
	if e.start, ok = z.moment(dtstart, dtstart.value); !ok {
		p.warn("An event of the calendar has no time that can be read; it was left out")
		return nil, false
	}
	e.length = lengthOf(z, c, e.start)
	if id, has := c.get("RECURRENCE-ID"); has {
		if e.replaces, ok = z.moment(id, id.value); !ok {
			return nil, false
		}
	}
	for _, prop := range c.props {
		switch prop.name {
		case "RRULE":
			if r, ok := parseRule(prop.value); ok && len(e.rules) < 4 {
				e.rules = append(e.rules, r)
			} else {
				p.warn("An event of the calendar repeats in a way that is not understood; only its first time is shown")
			}
		case "EXDATE":
			for v := range strings.SplitSeq(prop.value, ",") {
				if m, ok := z.moment(prop, v); ok && len(e.left) < maxDates {
					e.left = append(e.left, m)
				}
			}
		case "RDATE":
			e.addDates(z, prop)
		}
	}
	// RFC 5545 §3.8.1.3; a class that is not known counts as private.
	open := c.text("CLASS") == "" || strings.EqualFold(c.text("CLASS"), "PUBLIC")
	if open {
		e.title = plain.Cut(plain.Line(c.text("SUMMARY")), maxTitle)
	}
	if open && e.kind == OutOfOffice {
		if e.text = plain.Cut(plain.Text(strings.TrimSpace(c.text("DESCRIPTION"))), maxText); e.text == "" {
			e.text = e.title
		}
	}
	return e, true
}

// addDates reads RDATE: dates, or periods (RFC 5545 §3.8.5.2).
func (e *event) addDates(z *zones, prop property) {
	for v := range strings.SplitSeq(prop.value, ",") {
		v, end, isPeriod := strings.Cut(v, "/")
		m, ok := z.moment(prop, v)
		if !ok || len(e.added) >= maxDates {
			continue
		}
		s := span{m.instant(), e.length.after(m, m.wall), m.date}
		if isPeriod {
			if s.until, ok = periodEnd(m, end); !ok {
				continue
			}
		}
		e.added = append(e.added, s)
	}
}

// periodEnd reads the second half of a PERIOD (RFC 5545 §3.3.9): an end or a
// length.
func periodEnd(from moment, end string) (time.Time, bool) {
	if l, ok := parseLength(end); ok {
		return l.after(from, from.wall), true
	}
	s, ok := parseStamp(end)
	return moment{s, from.zone}.instant(), ok
}

// lengthOf is how long one occurrence takes (RFC 5545 §3.6.1).
func lengthOf(z *zones, c *component, start moment) (l length) {
	if d, has := c.get("DURATION"); has {
		if l, ok := parseLength(d.value); ok {
			return l
		}
	}
	if d, has := c.get("DTEND"); has {
		if end, ok := z.moment(d, d.value); ok {
			if start.date && end.date {
				return length{days: max(1, int(end.wall.Sub(start.wall)/(24*time.Hour)))}
			}
			return length{time: max(0, end.instant().Sub(start.instant()))}
		}
	}
	if start.date {
		return length{days: 1}
	}
	return length{}
}

// kindOf says what an event does to its owner's time.
func (p *parser) kindOf(c *component) Kind {
	kind := Busy
	switch strings.ToUpper(c.text("X-MICROSOFT-CDO-BUSYSTATUS")) {
	case "OOF":
		kind = OutOfOffice
	case "FREE", "WORKINGELSEWHERE":
		return Free
	case "TENTATIVE":
		kind = Tentative
	default:
		if strings.EqualFold(c.text("TRANSP"), "TRANSPARENT") { // RFC 5545 §3.8.2.7
			return Free
		}
		for category := range strings.SplitSeq(c.text("CATEGORIES"), ",") {
			if strings.EqualFold(strings.TrimSpace(category), "out of office") {
				kind = OutOfOffice
			}
		}
	}
	if strings.EqualFold(c.text("STATUS"), "TENTATIVE") {
		kind = min(kind, Tentative)
	}
	switch p.answer(c) {
	case "DECLINED", "DELEGATED":
		return Free
	case "TENTATIVE", "NEEDS-ACTION":
		kind = min(kind, Tentative)
	}
	return kind
}

// answer is what the owner of the calendar said to the invitation
// (RFC 5545 §3.2.12); empty: nothing was asked.
func (p *parser) answer(c *component) string {
	for _, prop := range c.props {
		if prop.name != "ATTENDEE" {
			continue
		}
		for _, address := range []string{prop.value, prop.param("EMAIL")} {
			if slices.ContainsFunc(p.o.Self, func(own string) bool { return sameAddress(own, address) }) {
				return strings.ToUpper(prop.param("PARTSTAT"))
			}
		}
	}
	return ""
}

// sameAddress compares calendar addresses, with mailto: or sip: before them or not.
func sameAddress(a, b string) bool {
	bare := func(s string) string {
		s = strings.ToLower(strings.TrimSpace(s))
		return strings.TrimPrefix(strings.TrimPrefix(s, "mailto:"), "sip:")
	}
	return bare(a) != "" && bare(a) == bare(b)
}
