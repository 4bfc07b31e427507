package calendar

import (
	"slices"
	"strings"
	"time"
)

// Merge makes one row of periods between from and until: in order and not
// overlapping. Where several overlap the highest Kind counts; those of the same
// Kind become one, with the title of the first, and a meeting that begins when
// another ends stays by itself.
func Merge(periods []Period, from, until time.Time) []Period {
	var left []Period
	var edges []time.Time
	for _, p := range periods {
		if p.Kind > Free && p.From.Before(until) && p.Until.After(from) && p.From.Before(p.Until) {
			left = append(left, p)
			edges = append(edges, p.From, p.Until)
		}
	}
	slices.SortStableFunc(left, before)
	slices.SortFunc(edges, time.Time.Compare)
	var row []Period
	for i := 1; i < len(edges); i++ {
		begin, end := edges[i-1], edges[i]
		at := slices.IndexFunc(left, func(p Period) bool { return !p.From.After(begin) && p.Until.After(begin) })
		if at < 0 || begin.Equal(end) || !end.After(from) || !begin.Before(until) {
			continue
		}
		p, last := left[at], len(row)-1
		if last >= 0 && row[last].Until.Equal(begin) && p.From.Before(begin) && row[last].Kind == p.Kind && row[last].AllDay == p.AllDay {
			row[last].Until = end
			continue
		}
		p.From, p.Until = begin, end
		row = append(row, p)
	}
	return row
}

// before says which of two periods counts where they overlap. A meeting says
// more than the day around it.
func before(a, b Period) int {
	switch {
	case a.Kind != b.Kind:
		return int(b.Kind - a.Kind)
	case a.AllDay && !b.AllDay:
		return 1
	case b.AllDay && !a.AllDay:
		return -1
	}
	return a.From.Compare(b.From)
}

// freeBusy reads a VFREEBUSY (RFC 5545 §3.6.4).
func freeBusy(z *zones, c *component) []Period {
	var list []Period
	for _, prop := range c.props {
		if prop.name != "FREEBUSY" {
			continue
		}
		kind := Busy
		switch strings.ToUpper(prop.param("FBTYPE")) { // RFC 5545 §3.2.9; what is not known counts as busy
		case "FREE":
			continue
		case "BUSY-TENTATIVE":
			kind = Tentative
		case "BUSY-UNAVAILABLE":
			kind = OutOfOffice
		}
		for v := range strings.SplitSeq(prop.value, ",") {
			begin, end, _ := strings.Cut(v, "/")
			from, ok := z.moment(prop, begin)
			if !ok || len(list) >= maxFound {
				continue
			}
			if until, ok := periodEnd(from, end); ok {
				list = append(list, Period{From: from.instant(), Until: until, Kind: kind})
			}
		}
	}
	return list
}
