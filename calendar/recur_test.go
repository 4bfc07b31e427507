package calendar

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/teambition/rrule-go"
)

// first are the first n times of a rule.
func first(text string, start time.Time, n int) (all []time.Time) {
	r, ok := parseRule(text)
	if !ok {
		return nil
	}
	work := maxWork
	r.each(start, start, start.AddDate(20, 0, 0), &work, func(at time.Time) bool {
		all = append(all, at)
		return len(all) < n
	})
	return all
}

// The examples of RFC 5545 §3.8.5.3, with the dates that it gives.
func TestRulesOfTheStandard(t *testing.T) {
	for _, c := range []struct{ start, rule, want string }{
		{"19970902", "FREQ=DAILY;COUNT=10", "970902 970903 970904 970905 970906 970907 970908 970909 970910 970911"},
		{"19970902", "FREQ=DAILY;INTERVAL=10;COUNT=5", "970902 970912 970922 971002 971012"},
		{"19970902", "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH", "970902 970904 970916 970918 970930 971002 971014 971016"},
		{"19970905", "FREQ=MONTHLY;COUNT=10;BYDAY=1FR", "970905 971003 971107 971205 980102 980206 980306 980403 980501 980605"},
		{"19970907", "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU", "970907 970928 971102 971130 980104 980125 980301 980329 980503 980531"},
		{"19970922", "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO", "970922 971020 971117 971222 980119 980216"},
		{"19970930", "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1", "970930 971001 971031 971101 971130 971201 971231 980101 980131 980201"},
		{"19970910", "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15", "970910 970911 970912 970913 970914 970915 990310 990311 990312 990313"},
		{"19970101", "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200", "970101 970410 970719 000101 000409 000718 030101 030410 030719 060101"},
		{"19970519", "FREQ=YEARLY;BYDAY=20MO", "970519 980518 990517"},
		{"19970512", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "970512 980511 990517"},
		{"19970902", "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "980213 980313 981113 990813 001013"},
		{"19970913", "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13", "970913 971011 971108 971213 980110 980207 980307 980411 980509 980613"},
		{"19961105", "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8", "961105 001107 041102"},
		{"19970904", "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "970904 971007 971106"},
		{"19970929", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", "970929 971030 971127 971230 980129 980226 980330"},
		{"19970805", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "970805 970810 970819 970824"},
		{"19970805", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "970805 970817 970819 970831"},
		{"20070115", "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", "070115 070130 070215 070315 070330"},
		{"19970605", "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8", "970605 970612 970619 970626 970703 970710"},
	} {
		start, _ := time.Parse("20060102", c.start)
		want := strings.Fields(c.want)
		var got []string
		for _, at := range first(c.rule, start.Add(9*time.Hour), len(want)) {
			got = append(got, at.Format("060102"))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s from %s:\n got %q\nwant %q", c.rule, c.start, got, want)
		}
	}
}

// Rules by chance come to the same as in another library.
func TestRulesAgainstAnotherLibrary(t *testing.T) {
	random := rand.New(rand.NewPCG(5545, 1))
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	for range 600 {
		freq := pick("YEARLY", "MONTHLY", "WEEKLY", "DAILY")
		text := "FREQ=" + freq + fmt.Sprintf(";INTERVAL=%d", 1+random.IntN(4))
		if random.IntN(3) == 0 {
			text += ";BYMONTH=" + pick("1", "3,10", "2,6,12")
		}
		switch n := random.IntN(6); {
		case n == 0 && freq != "WEEKLY":
			text += ";BYMONTHDAY=" + pick("1", "31", "-1", "5,15,25", "29,-3")
		case n == 1:
			text += ";BYDAY=" + pick("MO", "TU,TH", "MO,TU,WE,TH,FR", "SA,SU")
		case n == 2 && (freq == "MONTHLY" || freq == "YEARLY"):
			text += ";BYDAY=" + pick("1MO", "-1FR", "2TU,4TU", "5WE")
		case n == 3 && freq == "YEARLY":
			text += ";BYYEARDAY=" + pick("1", "-1", "100,200", "366")
		case n == 4 && freq == "YEARLY" && !strings.Contains(text, "BYMONTH"):
			text += ";BYDAY=" + pick("MO", "WE,TH") + ";BYWEEKNO=" + pick("20", "10,30")
		}
		// Not by weeks: the other one counts positions in the first week from the start on.
		if random.IntN(4) == 0 && (freq == "MONTHLY" || freq == "YEARLY") && strings.Count(text, "BY") > 0 {
			text += ";BYSETPOS=" + pick("1", "-1", "2", "1,-1")
		}
		text += pick("", ";WKST=SU", ";WKST=MO", ";BYHOUR=8,16", ";BYMINUTE=0,30")
		start := time.Date(2015+random.IntN(10), time.Month(1+random.IntN(12)), 1+random.IntN(31), 9, 30, 0, 0, time.UTC)
		o, err := rrule.StrToROption(text)
		if err != nil {
			t.Fatal(text, err)
		}
		o.Dtstart, o.Until = start, start.AddDate(20, 0, 0)
		other, err := rrule.NewRRule(*o)
		if err != nil {
			t.Fatal(text, err)
		}
		want := other.All()
		if want = want[:min(len(want), 40)]; !slices.Equal(first(text, start, 40), want) {
			t.Errorf("%s from %s:\n got %v\nwant %v", text, start.Format(time.DateOnly), first(text, start, 40), want)
		}
	}
}

// What lies long before is skipped without losing its place.
func TestRuleFromLongAgo(t *testing.T) {
	start := time.Date(1999, 3, 4, 9, 0, 0, 0, time.UTC)
	from := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	for _, text := range []string{"FREQ=DAILY;INTERVAL=3", "FREQ=WEEKLY;INTERVAL=5;BYDAY=TH,FR", "FREQ=MONTHLY;INTERVAL=7;BYDAY=-1TU", "FREQ=YEARLY;INTERVAL=2", "FREQ=DAILY;COUNT=100000"} {
		r, _ := parseRule(text)
		var near, all []time.Time
		work := maxWork
		keep := func(list *[]time.Time) func(time.Time) bool {
			return func(at time.Time) bool {
				if !at.Before(from) {
					*list = append(*list, at)
				}
				return true
			}
		}
		r.each(start, from, from.AddDate(4, 0, 0), &work, keep(&near))
		r.each(start, start, from.AddDate(4, 0, 0), &work, keep(&all))
		if len(all) == 0 || !slices.Equal(near, all) {
			t.Errorf("%s: %d near, %d in all", text, len(near), len(all))
		}
	}
}

// Rules without an end, without sense, or within a day do not hold anybody up.
func TestEndlessRules(t *testing.T) {
	berlin := load(t, "Europe/Berlin")
	o := days(berlin, "2026-11-16", "2026-11-22")
	var events []string
	for i := range 3000 {
		events = append(events, fmt.Sprintf("BEGIN:VEVENT\r\nUID:%d\r\nDTSTART:19010101T000000Z\r\nDURATION:PT1M\r\nRRULE:FREQ=DAILY;COUNT=1000000;BYMONTH=2;BYMONTHDAY=30\r\nEND:VEVENT", i))
	}
	r := Parse(vcalendar(append(events, vevent("DTSTART:20261117T080000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=SECONDLY"))...), o)
	if got := said(berlin, r.Periods); !slices.Equal(got, []string{"11-17 09:00-11-17 10:00 busy"}) {
		t.Errorf("periods %q", got)
	}
	if len(r.Warnings) != 2 || !strings.Contains(strings.Join(r.Warnings, "\n"), "without end or sense") {
		t.Errorf("warnings %q", r.Warnings)
	}
}

// No text makes the reader panic, hang, or show what was not asked for.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"outlook.ics", "google.ics", "radicale.ics", "wrongzone.ics"} {
		f.Add(readFile(f, name))
	}
	f.Add(vcalendar(vevent("DTSTART:20261120T090000Z\r\nRRULE:FREQ=YEARLY;BYWEEKNO=53,-1;BYDAY=1MO,-1SU;BYSETPOS=-1\r\nRDATE;VALUE=PERIOD:20261120T090000Z/P1D")))
	f.Add(vcalendar("BEGIN:VFREEBUSY\r\nFREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20261120T090000Z/PT3H,20261121T090000Z/20261121T100000Z\r\nEND:VFREEBUSY"))
	o := days(load(f, "Europe/Berlin"), "2026-11-16", "2026-11-22")
	f.Fuzz(func(t *testing.T, text string) {
		last := time.Time{}
		for _, p := range Parse(text, o).Periods {
			if p.Kind == Free || !p.From.Before(p.Until) || p.From.Before(last) || !p.Until.After(o.From) || !p.From.Before(o.Until) {
				t.Errorf("period %+v after %s", p, last)
			}
			last = p.Until
		}
	})
}

// A large calendar of one person: 5,000 events, a tenth of them repeating.
func BenchmarkParse(b *testing.B) {
	var events []string
	for i := range 5000 {
		day := time.Date(2024, 1, 1, 8, 0, 0, 0, time.UTC).AddDate(0, 0, i/5)
		rule := ""
		if i%10 == 0 {
			rule = "RRULE:FREQ=WEEKLY;BYDAY=MO,WE\r\n"
		}
		events = append(events, fmt.Sprintf("BEGIN:VEVENT\r\nUID:%d\r\nDTSTART;TZID=Europe/Berlin:%s\r\nDURATION:PT1H\r\n%sSUMMARY:Meeting\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:anna@contoso.test\r\nEND:VEVENT",
			i, day.Format("20060102T150405"), rule))
	}
	text := vcalendar(events...)
	o := days(load(b, "Europe/Berlin"), "2026-11-16", "2026-11-24")
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Parse(text, o)
	}
}
