package presence

import (
	"slices"
	"time"
)

// Period is a stretch of somebody's calendar.
type Period struct {
	From, Until time.Time // Until is the first moment after it
	Activity    Activity  // Meeting, OutOfOffice or NoActivity
	Busy        bool      // he is not free
	Note        string    // of one's own calendar: the note to show meanwhile, when no own one is set; the schedule that others are told has none
}

// MaxSchedule is how many periods a schedule has at most.
const MaxSchedule = 50

// Equal says whether p and q are the same.
func (p Period) Equal(q Period) bool {
	return p.From.Equal(q.From) && p.Until.Equal(q.Until) && p.Activity == q.Activity && p.Busy == q.Busy && p.Note == q.Note
}

// holds says that now lies within p.
func (p Period) holds(now time.Time) bool { return !p.From.After(now) && p.Until.After(now) }

// taken says that its owner is not to be had, or not as usual.
func (p Period) taken() bool { return p.Busy || p.Activity == OutOfOffice }

// stretch returns the period of calendar that now lies in, made longer by what
// follows it without a gap; of several, that of the activity named first. ok
// is false when there is none.
func stretch(calendar []Period, now time.Time, activities ...Activity) (at Period, ok bool) {
	for _, a := range activities {
		for _, p := range inOrder(calendar) {
			switch {
			case !p.taken() || p.Activity != a || !p.Until.After(p.From):
			case ok && !p.From.After(at.Until) && p.Until.After(at.Until):
				at.Until = p.Until
			case !ok && p.holds(now):
				at, ok = p, true
			}
		}
		if ok {
			return at, true
		}
	}
	return Period{}, false
}

func inOrder(calendar []Period) []Period {
	return slices.SortedStableFunc(slices.Values(calendar), func(p, q Period) int { return p.From.Compare(q.From) })
}

// ahead returns the periods of calendar that end after now and begin within
// the next hours, in order.
func ahead(calendar []Period, now time.Time, hours time.Duration) (schedule []Period) {
	for _, p := range inOrder(calendar) {
		if p.Until.After(now) && p.From.Before(now.Add(hours)) && p.taken() && len(schedule) < MaxSchedule {
			p.Note = ""
			schedule = append(schedule, p)
		}
	}
	return schedule
}

// Free says until when its owner is free ("Free until 11:00") or taken ("Busy
// until 11:30"), by what he does now and by the schedule; "" when neither says.
// Times are in the zone of now.
func (s State) Free(now time.Time) string {
	taken := s.Schedule
	if s.Until.After(now) && (s.Availability == Busy || s.Activity == OutOfOffice) {
		taken = append([]Period{{From: now, Until: s.Until, Busy: true}}, taken...)
	}
	at, busy := Period{Until: now}, false
	for _, p := range inOrder(taken) {
		if p.taken() && p.Until.After(at.Until) && !p.From.After(at.Until) {
			at, busy = p, true
		}
	}
	if busy {
		return "Busy until " + clock(at.Until, now)
	}
	for _, p := range inOrder(taken) {
		if p.taken() && p.From.After(now) {
			return "Free until " + clock(p.From, now)
		}
	}
	return ""
}
