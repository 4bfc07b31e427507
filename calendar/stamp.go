package calendar

import (
	"strconv"
	"strings"
	"time"
)

// stamp is a DATE or DATE-TIME as it is written (RFC 5545 §3.3.4, §3.3.5):
// what the clock on the wall shows, as UTC.
type stamp struct {
	wall time.Time
	date bool // a whole day
	utc  bool // it ends in Z
}

func (s stamp) is() bool { return !s.wall.IsZero() }

func parseStamp(s string) (stamp, bool) {
	s = strings.TrimSpace(s)
	if t, err := time.Parse("20060102", s); err == nil {
		return stamp{wall: t, date: true}, inRange(t)
	}
	t, err := time.Parse("20060102T150405", strings.TrimSuffix(s, "Z"))
	if err != nil {
		return stamp{}, false
	}
	return stamp{wall: t, utc: strings.HasSuffix(s, "Z")}, inRange(t)
}

// inRange: no meeting is outside, though time zones begin in 1601.
func inRange(t time.Time) bool { return t.Year() >= 1600 && t.Year() <= 9000 }

// moment is a stamp with its zone.
type moment struct {
	stamp
	zone zone
}

// instant is when it is.
func (m moment) instant() time.Time { return m.on(m.wall) }

// on is the instant at which the same clock shows another time.
func (m moment) on(wall time.Time) time.Time {
	if m.utc {
		return wall
	}
	return m.zone.at(wall)
}

// moment reads the value of a property with its TZID.
func (z *zones) moment(p property, value string) (moment, bool) {
	s, ok := parseStamp(value)
	if s.date || s.utc {
		return moment{s, zone{loc: z.local}}, ok // RFC 5545 §3.2.19: those have no zone
	}
	return moment{s, z.get(p.param("TZID"))}, ok
}

// length is how long something takes: days of the calendar, and time.
type length struct {
	days int
	time time.Duration
}

// after is the end of what begins at wall, by the clock of m.
func (l length) after(m moment, wall time.Time) time.Time {
	if l.days == 0 {
		return m.on(wall).Add(l.time)
	}
	return m.on(wall.AddDate(0, 0, l.days)).Add(l.time)
}

// parseLength reads a DURATION such as P1DT2H30M or P2W (RFC 5545 §3.3.6).
func parseLength(s string) (l length, ok bool) {
	s = strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(s)), "+")
	s, ok = strings.CutPrefix(s, "P")
	if !ok || s == "" || len(s) > 40 {
		return l, false
	}
	clock := false
	for s != "" {
		if s[0] == 'T' {
			clock, s = true, s[1:]
			continue
		}
		i := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
		if i <= 0 {
			return l, false
		}
		n, err := strconv.Atoi(s[:i])
		if err != nil || n > 100_000 {
			return l, false
		}
		switch unit := s[i]; {
		case unit == 'W' && !clock:
			l.days += 7 * n
		case unit == 'D' && !clock:
			l.days += n
		case unit == 'H' && clock:
			l.time += time.Duration(n) * time.Hour
		case unit == 'M' && clock:
			l.time += time.Duration(n) * time.Minute
		case unit == 'S' && clock:
			l.time += time.Duration(n) * time.Second
		default:
			return l, false
		}
		s = s[i+1:]
	}
	return l, true
}
