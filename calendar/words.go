package calendar

import "time"

// stale is how old what was read may be before its age is said: then several
// reads have failed.
const stale = 3 * Every

// Words says for a person to read how the calendar stands: "Free until 11:00",
// "Busy until 11:30", "Out of office until 30 Nov", and how old that is when it
// may no longer be true: "Free, as of 09:12". A calendar that was never read is
// "Calendar not available", which is not free. Times are in the zone of now.
func (s State) Words(now time.Time) string {
	if !s.Known() {
		return "Calendar not available"
	}
	words := s.standing(now)
	if s.Err != nil || now.Sub(s.Read) > stale {
		words += ", as of " + clock(s.Read, now)
	}
	return words
}

func (s State) standing(now time.Time) string {
	p := s.At(now)
	if p.Kind == Free {
		for _, next := range s.Periods {
			if next.From.After(now) && next.Kind >= Busy {
				return "Free until " + clock(next.From, now)
			}
		}
		return "Free"
	}
	end := p.Until
	for _, next := range s.Periods { // one meeting after the other
		if next.From.Equal(end) && next.Kind == p.Kind {
			end = next.Until
		}
	}
	return map[Kind]string{Tentative: "Perhaps busy", Busy: "Busy", OutOfOffice: "Out of office"}[p.Kind] + " until " + clock(end, now)
}

// clock writes a moment as people say it on the day of now.
func clock(t, now time.Time) string {
	t = t.In(now.Location())
	switch {
	case t.Format(time.DateOnly) == now.Format(time.DateOnly):
		return t.Format("15:04")
	case t.Sub(now).Abs() < 6*24*time.Hour:
		return t.Format("Mon 15:04")
	}
	return t.Format("2 Jan")
}
