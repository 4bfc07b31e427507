package calendar

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// rule is a recurrence rule (RFC 5545 §3.3.10) by years, months, weeks or days.
// It works on the wall clock, given as UTC, so that a meeting at nine stays at
// nine.
type rule struct {
	freq       string
	interval   int
	count      int
	until      stamp
	bySetPos   []int
	byMonth    []int
	byMonthDay []int
	byYearDay  []int
	byWeekNo   []int
	byDay      []weekday
	byHour     []int
	byMinute   []int
	weekStart  time.Weekday
}

// weekday is a day of the week; n: which one of the month or year, 0: each.
type weekday struct {
	n   int
	day time.Weekday
}

// maxWork bounds the days that are looked at for the rules of one calendar, so
// that one without an end, or that never comes true, ends all the same.
const maxWork = 2_000_000

// maxRule is the same for one rule: a hundred years of days and more.
const maxRule = 50_000

var weekdays = map[string]time.Weekday{
	"SU": time.Sunday, "MO": time.Monday, "TU": time.Tuesday, "WE": time.Wednesday,
	"TH": time.Thursday, "FR": time.Friday, "SA": time.Saturday,
}

// parseRule reads a rule; false: it is broken, or repeats within a day, which
// no meeting does.
func parseRule(s string) (r rule, ok bool) {
	r = rule{interval: 1, weekStart: time.Monday}
	for part := range strings.SplitSeq(strings.TrimSuffix(strings.TrimSpace(s), ";"), ";") {
		name, value, _ := strings.Cut(strings.ToUpper(part), "=")
		if !r.set(strings.TrimSpace(name), strings.TrimSpace(value)) {
			return r, false
		}
	}
	return r, r.freq != ""
}

func (r *rule) set(name, value string) (ok bool) {
	switch name {
	case "FREQ":
		r.freq = value
		return slices.Contains([]string{"YEARLY", "MONTHLY", "WEEKLY", "DAILY"}, value)
	case "INTERVAL":
		r.interval, ok = parseInt(value, 1, 1000)
	case "COUNT":
		r.count, ok = parseInt(value, 1, 1_000_000)
	case "UNTIL":
		r.until, ok = parseStamp(value)
	case "WKST":
		r.weekStart, ok = weekdays[value]
	case "BYSETPOS":
		r.bySetPos, ok = parseInts(value, -366, 366)
	case "BYMONTH":
		r.byMonth, ok = parseInts(value, 1, 12)
	case "BYMONTHDAY":
		r.byMonthDay, ok = parseInts(value, -31, 31)
	case "BYYEARDAY":
		r.byYearDay, ok = parseInts(value, -366, 366)
	case "BYWEEKNO":
		r.byWeekNo, ok = parseInts(value, -53, 53)
	case "BYHOUR":
		r.byHour, ok = parseInts(value, 0, 23)
	case "BYMINUTE":
		r.byMinute, ok = parseInts(value, 0, 59)
	case "BYDAY":
		return r.setDays(value)
	default:
		return true // such as RSCALE (RFC 7529), or a name of a product's own
	}
	return ok
}

func (r *rule) setDays(value string) bool {
	for d := range strings.SplitSeq(value, ",") {
		if d = strings.TrimSpace(d); len(d) < 2 || len(r.byDay) >= 400 {
			return false
		}
		day, ok := weekdays[d[len(d)-2:]]
		n := 0
		if which := d[:len(d)-2]; ok && which != "" {
			n, ok = parseInt(strings.TrimPrefix(which, "+"), -53, 53)
		}
		if !ok {
			return false
		}
		r.byDay = append(r.byDay, weekday{n, day})
	}
	return true
}

func parseInt(s string, low, high int) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= low && n <= high
}

func parseInts(s string, low, high int) (list []int, ok bool) {
	for part := range strings.SplitSeq(s, ",") {
		n, ok := parseInt(strings.TrimPrefix(strings.TrimSpace(part), "+"), low, high)
		if !ok || len(list) >= 400 {
			return nil, false
		}
		list = append(list, n)
	}
	return list, true
}

// each yields when the rule comes true, in order: from start on, those before
// from as far as COUNT needs them, until yield says no or to is past. UNTIL is
// for the caller, who knows the time zone. work is what is left to be spent;
// below zero the rule was given up.
func (r *rule) each(start, from, to time.Time, work *int, yield func(time.Time) bool) {
	r = r.filled(start)
	left := r.count
	for k := r.skip(start, from); ; k++ {
		begin, end := r.period(start, k)
		if begin.After(to) || *work < 0 {
			return
		}
		for _, at := range r.within(start, begin, end, work) {
			if at.Before(start) {
				continue
			}
			if at.After(to) || !yield(at) {
				return
			}
			if left--; left == 0 {
				return
			}
		}
	}
}

// skip is the first period that can matter.
func (r *rule) skip(start, from time.Time) int {
	if r.count > 0 || !from.After(start) {
		return 0
	}
	days := map[string]int{"YEARLY": 366, "MONTHLY": 31, "WEEKLY": 7, "DAILY": 1}[r.freq]
	return max(0, int(from.Sub(start)/(24*time.Hour))/(days*r.interval)-2)
}

// period is the k-th year, month, week or day that the rule looks at.
func (r *rule) period(start time.Time, k int) (begin, end time.Time) {
	y, m, d := start.Date()
	k *= r.interval
	date := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
	switch r.freq {
	case "YEARLY":
		return date(y+k, 1, 1), date(y+k+1, 1, 1)
	case "MONTHLY":
		return date(y, m+time.Month(k), 1), date(y, m+time.Month(k)+1, 1)
	case "WEEKLY":
		d -= int(start.Weekday()-r.weekStart+7) % 7
		return date(y, m, d+7*k), date(y, m, d+7*k+7)
	}
	return date(y, m, d+k), date(y, m, d+k+1)
}

// within returns the times of one period.
func (r *rule) within(start, begin, end time.Time, work *int) []time.Time {
	var all []time.Time
	*work--
	for day := begin; day.Before(end); {
		if len(r.byMonth) > 0 && !slices.Contains(r.byMonth, int(day.Month())) {
			day = time.Date(day.Year(), day.Month()+1, 1, 0, 0, 0, 0, time.UTC)
			*work--
			continue
		}
		*work--
		if r.onDay(day) {
			all = r.addTimes(all, start, day)
			*work -= len(r.byHour) * len(r.byMinute)
		}
		day = day.AddDate(0, 0, 1)
	}
	slices.SortFunc(all, time.Time.Compare)
	all = slices.Compact(all)
	if len(r.bySetPos) == 0 {
		return all
	}
	var some []time.Time
	for i, at := range all {
		if slices.Contains(r.bySetPos, i+1) || slices.Contains(r.bySetPos, i-len(all)) {
			some = append(some, at)
		}
	}
	return some
}

// addTimes adds the times of one day.
func (r *rule) addTimes(all []time.Time, start, day time.Time) []time.Time {
	for _, h := range or(r.byHour, start.Hour()) {
		for _, m := range or(r.byMinute, start.Minute()) {
			if len(all) < 1500 { // no meeting is that often
				all = append(all, day.Add(time.Duration(h)*time.Hour+time.Duration(m)*time.Minute+time.Duration(start.Second())*time.Second))
			}
		}
	}
	return all
}

func or(list []int, otherwise int) []int {
	if len(list) > 0 {
		return list
	}
	return []int{otherwise}
}

// filled is the rule with what it leaves open as in start.
func (r *rule) filled(start time.Time) *rule {
	f := *r
	open := len(f.byYearDay)+len(f.byMonthDay)+len(f.byDay) == 0
	switch {
	case !open:
	case len(f.byWeekNo) > 0, f.freq == "WEEKLY":
		f.byDay = []weekday{{0, start.Weekday()}}
	case f.freq == "YEARLY":
		f.byMonth, f.byMonthDay = or(f.byMonth, int(start.Month())), []int{start.Day()}
	case f.freq == "MONTHLY":
		f.byMonthDay = []int{start.Day()}
	}
	return &f
}

// onDay says whether the rule can come true on a day of its period.
func (r *rule) onDay(day time.Time) bool {
	y, m, d := day.Date()
	inMonth := time.Date(y, m+1, 0, 0, 0, 0, 0, time.UTC).Day()
	inYear := time.Date(y, 12, 31, 0, 0, 0, 0, time.UTC).YearDay()
	return fits(r.byMonthDay, d, inMonth) && fits(r.byYearDay, day.YearDay(), inYear) && r.inWeek(day) &&
		(len(r.byDay) == 0 || slices.ContainsFunc(r.byDay, func(w weekday) bool { return r.isWeekday(w, day, inMonth, inYear) }))
}

// fits: n is in list, counted from the front or, negative, from the end.
func fits(list []int, n, of int) bool {
	return len(list) == 0 || slices.Contains(list, n) || slices.Contains(list, n-of-1)
}

func (r *rule) isWeekday(w weekday, day time.Time, inMonth, inYear int) bool {
	if w.day != day.Weekday() {
		return false
	}
	n, of := day.Day(), inMonth
	if r.freq == "YEARLY" && len(r.byMonth) == 0 {
		n, of = day.YearDay(), inYear
	}
	return w.n == 0 || r.freq == "WEEKLY" || r.freq == "DAILY" || w.n == (n+6)/7 || w.n == -((of-n)/7+1)
}

// inWeek says whether day is in one of the weeks of BYWEEKNO: week 1 is the
// first with four days in the year.
func (r *rule) inWeek(day time.Time) bool {
	if len(r.byWeekNo) == 0 {
		return true
	}
	middle := day.AddDate(0, 0, 3-int(day.Weekday()-r.weekStart+7)%7) // its year is that of the week
	last := time.Date(middle.Year(), 12, 28, 0, 0, 0, 0, time.UTC)    // always in the last week
	last = last.AddDate(0, 0, 3-int(last.Weekday()-r.weekStart+7)%7)
	return fits(r.byWeekNo, (middle.YearDay()-1)/7+1, (last.YearDay()-1)/7+1)
}
