package calendar

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func load(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func readFile(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// vcalendar puts lines into a calendar with line ends as the standard wants them.
func vcalendar(lines ...string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VCALENDAR\r\n"
}

func vevent(lines ...string) string {
	return "BEGIN:VEVENT\r\nUID:1\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VEVENT"
}

// days asks for the days from the first to the last, in loc.
func days(loc *time.Location, first, last string) Options {
	day := func(s string) time.Time {
		t, err := time.ParseInLocation(time.DateOnly, s, loc)
		if err != nil {
			panic(err)
		}
		return t
	}
	return Options{From: day(first), Until: day(last).AddDate(0, 0, 1), Self: []string{"anna@contoso.test"}, Local: loc}
}

// said writes periods for comparison, in the zone of loc.
func said(loc *time.Location, periods []Period) []string {
	var all []string
	for _, p := range periods {
		s := fmt.Sprintf("%s-%s %s", p.From.In(loc).Format("01-02 15:04"), p.Until.In(loc).Format("01-02 15:04"), p.Kind)
		if p.AllDay {
			s += " all day"
		}
		if p.Title != "" {
			s += " " + p.Title
		}
		all = append(all, s)
	}
	return all
}

func check(t *testing.T, what, text string, o Options, want ...string) Reading {
	t.Helper()
	r := Parse(text, o)
	if got := said(o.Local, r.Periods); !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
	return r
}

// What makes a person busy.
func TestKinds(t *testing.T) {
	berlin := load(t, "Europe/Berlin")
	o := days(berlin, "2026-11-20", "2026-11-20")
	at := []string{"DTSTART;TZID=Europe/Berlin:20261120T100000", "DTEND;TZID=Europe/Berlin:20261120T103000"}
	const when = "11-20 10:00-11-20 10:30 "
	for _, c := range []struct{ lines, want string }{
		{"SUMMARY:Review", when + "busy Review"},
		{"SUMMARY:Review\r\nTRANSP:OPAQUE", when + "busy Review"},
		{"TRANSP:TRANSPARENT", ""},
		{"STATUS:CANCELLED", ""},
		{"STATUS:TENTATIVE", when + "tentative"},
		{"STATUS:CONFIRMED", when + "busy"},
		{"SUMMARY:Dentist\r\nCLASS:PRIVATE", when + "busy"},
		{"SUMMARY:Dentist\r\nCLASS:CONFIDENTIAL", when + "busy"},
		{"X-MICROSOFT-CDO-BUSYSTATUS:FREE", ""},
		{"X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE", when + "tentative"},
		{"X-MICROSOFT-CDO-BUSYSTATUS:BUSY\r\nTRANSP:OPAQUE", when + "busy"},
		{"X-MICROSOFT-CDO-BUSYSTATUS:OOF\r\nSUMMARY:Leave", when + "out-of-office Leave"},
		{"X-MICROSOFT-CDO-BUSYSTATUS:OOF\r\nTRANSP:TRANSPARENT", when + "out-of-office"}, // Outlook's word is the more exact one
		{"CATEGORIES:Holidays,Out of office", when + "out-of-office"},
		{"ATTENDEE;PARTSTAT=ACCEPTED:mailto:anna@contoso.test", when + "busy"},
		{"ATTENDEE;PARTSTAT=DECLINED:mailto:Anna@Contoso.test", ""},
		{"ATTENDEE;PARTSTAT=DECLINED:mailto:bruno@contoso.test", when + "busy"},
		{"ATTENDEE;CN=\"Albers, Anna\";PARTSTAT=TENTATIVE:MAILTO:anna@contoso.test", when + "tentative"},
		{"ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:anna@contoso.test", when + "tentative"},
		{"ATTENDEE;PARTSTAT=DECLINED;EMAIL=anna@contoso.test:urn:uuid:7", ""}, // iCloud
		{"SUMMARY:Room 4\\, east\\nsecond line", when + "busy Room 4, east second line"},
		{"SUMMARY:Folded li\r\n ne", when + "busy Folded line"},
	} {
		var want []string
		if c.want != "" {
			want = []string{c.want}
		}
		check(t, c.lines, vcalendar(vevent(append(slices.Clone(at), c.lines)...)), o, want...)
	}
}

// When an event is.
func TestTimes(t *testing.T) {
	berlin := load(t, "Europe/Berlin")
	o := days(berlin, "2026-11-18", "2026-11-22")
	for _, c := range []struct {
		what, lines string
		want        []string
	}{
		{"in UTC", "DTSTART:20261120T090000Z\r\nDTEND:20261120T093000Z", []string{"11-20 10:00-11-20 10:30 busy"}},
		{"floating", "DTSTART:20261120T090000\r\nDTEND:20261120T093000", []string{"11-20 09:00-11-20 09:30 busy"}},
		{"two zones", "DTSTART;TZID=America/New_York:20261120T090000\r\nDTEND;TZID=Europe/Berlin:20261120T160000", []string{"11-20 15:00-11-20 16:00 busy"}},
		{"zone with a prefix", "DTSTART;TZID=/freeassociation.sourceforge.net/Tzfile/America/New_York:20261120T090000\r\nDURATION:PT1H", []string{"11-20 15:00-11-20 16:00 busy"}},
		{"zone in quotes", "DTSTART;TZID=\"America/New_York\":20261120T090000\r\nDURATION:PT1H", []string{"11-20 15:00-11-20 16:00 busy"}},
		{"duration", "DTSTART:20261120T090000Z\r\nDURATION:P1DT1H", []string{"11-20 10:00-11-21 11:00 busy"}},
		{"a day", "DTSTART;VALUE=DATE:20261120", []string{"11-20 00:00-11-21 00:00 busy all day"}},
		{"two days", "DTSTART;VALUE=DATE:20261120\r\nDTEND;VALUE=DATE:20261122", []string{"11-20 00:00-11-22 00:00 busy all day"}},
		{"a day without VALUE", "DTSTART:20261120\r\nDTEND:20261120", []string{"11-20 00:00-11-21 00:00 busy all day"}},
		{"no time at all", "DTSTART:20261120T090000Z", nil},
		{"ends before it begins", "DTSTART:20261120T090000Z\r\nDTEND:20261120T080000Z", nil},
		{"began before", "DTSTART:20261101T090000Z\r\nDTEND:20261119T090000Z", []string{"11-01 10:00-11-19 10:00 busy"}},
		{"earlier", "DTSTART:20261101T090000Z\r\nDURATION:PT1H", nil},
		{"later", "DTSTART:20271101T090000Z\r\nDURATION:PT1H", nil},
	} {
		check(t, c.what, vcalendar(vevent(c.lines)), o, c.want...)
	}
}

// Recurring events, with their exceptions.
func TestRecurring(t *testing.T) {
	berlin := load(t, "Europe/Berlin")
	o := days(berlin, "2026-11-16", "2026-11-22") // Monday to Sunday
	const nine = "DTSTART;TZID=Europe/Berlin:20260105T090000\r\nDTEND;TZID=Europe/Berlin:20260105T091500\r\n"
	on := func(days ...string) []string {
		var all []string
		for _, d := range days {
			all = append(all, fmt.Sprintf("11-%s 09:00-11-%s 09:15 busy", d, d))
		}
		return all
	}
	for _, c := range []struct {
		what, text string
		want       []string
	}{
		{"workdays", vevent(nine + "RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"), on("16", "17", "18", "19", "20")},
		{"every day", vevent(nine + "RRULE:FREQ=DAILY"), on("16", "17", "18", "19", "20", "21", "22")},
		{"every other Monday", vevent(nine + "RRULE:FREQ=WEEKLY;INTERVAL=2"), nil},
		{"every third Monday", vevent(nine + "RRULE:FREQ=WEEKLY;INTERVAL=3"), on("16")},
		{"third Thursday", vevent(nine + "RRULE:FREQ=MONTHLY;BYDAY=3TH"), on("19")},
		{"last but one Friday", vevent(nine + "RRULE:FREQ=MONTHLY;BYDAY=-2FR"), on("20")},
		{"last workday but seven", vevent(nine + "RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-8"), on("19")},
		{"yearly", vevent(nine + "RRULE:FREQ=YEARLY;BYMONTH=11;BYMONTHDAY=18"), on("18")},
		{"week 47", vevent(nine + "RRULE:FREQ=YEARLY;BYWEEKNO=47;BYDAY=TU"), on("17")},
		{"over", vevent(nine + "RRULE:FREQ=DAILY;UNTIL=20261117T080000Z"), on("16", "17")},
		{"over by day", vevent(nine + "RRULE:FREQ=DAILY;UNTIL=20261117"), on("16", "17")},
		{"over in floating time", vevent(nine + "RRULE:FREQ=DAILY;UNTIL=20261117T085959"), on("16")},
		{"counted", vevent(nine + "RRULE:FREQ=DAILY;COUNT=317"), on("16", "17")},
		{"EXDATE", vevent(nine + "RRULE:FREQ=DAILY\r\nEXDATE;TZID=Europe/Berlin:20261117T090000,20261118T090000\r\nEXDATE:20261119T080000Z"), on("16", "20", "21", "22")},
		{"EXDATE by day", vevent(nine + "RRULE:FREQ=DAILY;UNTIL=20261118\r\nEXDATE;VALUE=DATE:20261117"), on("16", "18")},
		{"RDATE", vevent(nine + "RDATE;TZID=Europe/Berlin:20261117T090000\r\nRDATE;VALUE=PERIOD:20261118T080000Z/PT15M,20261119T080000Z/20261119T081500Z"), on("17", "18", "19")},
		{"moved", vevent(nine+"RRULE:FREQ=DAILY;UNTIL=20261118") + "\r\n" +
			vevent("RECURRENCE-ID;TZID=Europe/Berlin:20261117T090000\r\nDTSTART;TZID=Europe/Berlin:20261121T090000\r\nDURATION:PT15M"), on("16", "18", "21")},
		{"one cancelled", vevent(nine+"RRULE:FREQ=DAILY;UNTIL=20261118") + "\r\n" +
			vevent("RECURRENCE-ID:20261117T080000Z\r\nSTATUS:CANCELLED\r\nDTSTART:20261117T080000Z"), on("16", "18")},
		{"one declined", vevent(nine+"RRULE:FREQ=DAILY;UNTIL=20261118") + "\r\n" +
			vevent("RECURRENCE-ID:20261117T080000Z\r\nDTSTART:20261117T080000Z\r\nDURATION:PT15M\r\nATTENDEE;PARTSTAT=DECLINED:mailto:anna@contoso.test"), on("16", "18")},
		{"only one of the times is mine", vevent("RECURRENCE-ID:20261117T080000Z\r\nDTSTART:20261117T080000Z\r\nDURATION:PT15M"), on("17")},
		{"whole days", vevent("DTSTART;VALUE=DATE:20260101\r\nRRULE:FREQ=WEEKLY;BYDAY=SA,SU\r\nEXDATE;VALUE=DATE:20261122"), []string{"11-21 00:00-11-22 00:00 busy all day"}},
		{"never", vevent(nine + "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), nil},
	} {
		check(t, c.what, vcalendar(c.text), o, c.want...)
	}
}

// ownZone has the rules of central Europe under a name of its own.
const ownZone = "BEGIN:VTIMEZONE\r\nTZID:Own\r\n" +
	"BEGIN:STANDARD\r\nDTSTART:16011028T030000\r\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\n" +
	"BEGIN:DAYLIGHT\r\nDTSTART:16010325T020000\r\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nEND:DAYLIGHT\r\n" +
	"END:VTIMEZONE"

// On the days of change a meeting stays at its hour on the clock; a time that
// does not exist is counted from before the gap, one that comes twice is the
// first (RFC 5545 §3.3.5).
func TestChangeOfClocks(t *testing.T) {
	for _, c := range []struct {
		what, zone, lines, first, last string
		want                           []string // in UTC
	}{
		{"Berlin, spring", "Europe/Berlin", "DTSTART;TZID=Europe/Berlin:20260327T090000\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY", "2026-03-28", "2026-03-29",
			[]string{"03-28 08:00-03-28 09:00 busy", "03-29 07:00-03-29 08:00 busy"}},
		{"Berlin, autumn", "Europe/Berlin", "DTSTART;TZID=Europe/Berlin:20261023T090000\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY", "2026-10-24", "2026-10-25",
			[]string{"10-24 07:00-10-24 08:00 busy", "10-25 08:00-10-25 09:00 busy"}},
		{"by the calendar's own rules, spring", "Europe/Berlin", "DTSTART;TZID=Own:20260328T013000\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY", "2026-03-29", "2026-03-30",
			[]string{"03-29 00:30-03-29 01:30 busy", "03-29 23:30-03-30 00:30 busy"}},
		{"by the calendar's own rules, in the gap", "Europe/Berlin", "DTSTART;TZID=Own:20260329T023000\r\nDURATION:PT1H", "2026-03-29", "2026-03-29",
			[]string{"03-29 01:30-03-29 02:30 busy"}},
		{"by the calendar's own rules, twice", "Europe/Berlin", "DTSTART;TZID=Own:20261025T023000\r\nDURATION:PT1H", "2026-10-25", "2026-10-25",
			[]string{"10-25 00:30-10-25 01:30 busy"}},
		{"New York, spring", "America/New_York", "DTSTART;TZID=America/New_York:20260306T090000\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY", "2026-03-07", "2026-03-08",
			[]string{"03-07 14:00-03-07 15:00 busy", "03-08 13:00-03-08 14:00 busy"}},
		{"New York, autumn", "America/New_York", "DTSTART;TZID=America/New_York:20261030T090000\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY", "2026-10-31", "2026-11-01",
			[]string{"10-31 13:00-10-31 14:00 busy", "11-01 14:00-11-01 15:00 busy"}},
		{"Berlin, in the gap", "Europe/Berlin", "DTSTART;TZID=Europe/Berlin:20260329T023000\r\nDURATION:PT1H", "2026-03-29", "2026-03-29",
			[]string{"03-29 01:30-03-29 02:30 busy"}},
		{"New York, in the gap", "America/New_York", "DTSTART;TZID=America/New_York:20260308T023000\r\nDURATION:PT1H", "2026-03-08", "2026-03-08",
			[]string{"03-08 07:30-03-08 08:30 busy"}},
		{"Berlin, twice", "Europe/Berlin", "DTSTART;TZID=Europe/Berlin:20261025T023000\r\nDURATION:PT1H", "2026-10-25", "2026-10-25",
			[]string{"10-25 00:30-10-25 01:30 busy"}},
		{"New York, twice", "America/New_York", "DTSTART;TZID=America/New_York:20261101T013000\r\nDURATION:PT1H", "2026-11-01", "2026-11-01",
			[]string{"11-01 05:30-11-01 06:30 busy"}},
		{"a day of 23 hours", "Europe/Berlin", "DTSTART;VALUE=DATE:20260329", "2026-03-29", "2026-03-29",
			[]string{"03-28 23:00-03-29 22:00 busy all day"}},
		{"a day of 25 hours", "America/New_York", "DTSTART;VALUE=DATE:20261101", "2026-11-01", "2026-11-01",
			[]string{"11-01 04:00-11-02 05:00 busy all day"}},
		{"P1D is a day of the calendar", "Europe/Berlin", "DTSTART;TZID=Europe/Berlin:20260328T120000\r\nDURATION:P1D", "2026-03-28", "2026-03-29",
			[]string{"03-28 11:00-03-29 10:00 busy"}},
		{"24 hours are 24 hours", "Europe/Berlin", "DTSTART;TZID=Europe/Berlin:20260328T120000\r\nDURATION:PT24H", "2026-03-28", "2026-03-29",
			[]string{"03-28 11:00-03-29 11:00 busy"}},
	} {
		o := days(load(t, c.zone), c.first, c.last)
		r := Parse(vcalendar(ownZone, vevent(c.lines)), o)
		if got := said(time.UTC, r.Periods); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.what, got, c.want)
		}
	}
}

// Of several at a time the one that says most is shown.
func TestMerge(t *testing.T) {
	at := func(h, m int) time.Time { return time.Date(2026, 11, 20, h, m, 0, 0, time.UTC) }
	busy := func(h1, m1, h2, m2 int, title string) Period {
		return Period{From: at(h1, m1), Until: at(h2, m2), Kind: Busy, Title: title}
	}
	day := Period{From: at(0, 0), Until: at(24, 0), Kind: Busy, Title: "Fair", AllDay: true}
	away := Period{From: at(10, 0), Until: at(11, 0), Kind: OutOfOffice}
	maybe := Period{From: at(9, 0), Until: at(12, 0), Kind: Tentative, Title: "Perhaps"}
	for _, c := range []struct {
		what string
		in   []Period
		want []string
	}{
		{"one after the other", []Period{busy(10, 0, 10, 30, "B"), busy(9, 0, 10, 0, "A")}, []string{"11-20 09:00-11-20 10:00 busy A", "11-20 10:00-11-20 10:30 busy B"}},
		{"overlapping", []Period{busy(9, 0, 10, 0, "A"), busy(9, 30, 11, 0, "B")}, []string{"11-20 09:00-11-20 11:00 busy A"}},
		{"one in the other", []Period{busy(9, 0, 12, 0, "A"), busy(10, 0, 11, 0, "B")}, []string{"11-20 09:00-11-20 12:00 busy A"}},
		{"out of office in a meeting", []Period{busy(9, 0, 12, 0, "A"), away},
			[]string{"11-20 09:00-11-20 10:00 busy A", "11-20 10:00-11-20 11:00 out-of-office", "11-20 11:00-11-20 12:00 busy A"}},
		{"a meeting in a day", []Period{day, busy(9, 0, 10, 0, "A")},
			[]string{"11-20 00:00-11-20 09:00 busy all day Fair", "11-20 09:00-11-20 10:00 busy A", "11-20 10:00-11-21 00:00 busy all day Fair"}},
		{"not certain", []Period{maybe, busy(10, 0, 11, 0, "A")},
			[]string{"11-20 09:00-11-20 10:00 tentative Perhaps", "11-20 10:00-11-20 11:00 busy A", "11-20 11:00-11-20 12:00 tentative Perhaps"}},
		{"nothing", []Period{{From: at(9, 0), Until: at(10, 0)}, busy(10, 0, 10, 0, "empty")}, nil},
	} {
		if got := said(time.UTC, Merge(c.in, at(0, 0), at(24, 0))); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.what, got, c.want)
		}
	}
}

// Calendars in the style of other products: see testdata/README.md.
func TestOtherProducts(t *testing.T) {
	berlin := load(t, "Europe/Berlin")
	for _, c := range []struct {
		file, first, last string
		want              []string
		away              string
		warnings          int
	}{
		{"outlook.ics", "2026-11-16", "2026-11-22", []string{"11-16 09:00-11-16 09:30 busy Jour fixe", "11-18 09:00-11-18 09:30 busy Jour fixe",
			"11-20 00:00-11-28 00:00 out-of-office all day Urlaub"}, "Bitte an Dina Costa wenden, +49 30 5550 4713.", 0},
		{"outlook.ics", "2026-10-19", "2026-10-27", []string{"10-19 09:00-10-19 09:30 busy Jour fixe", "10-21 09:00-10-21 09:30 busy Jour fixe", "10-23 09:00-10-23 09:30 busy Jour fixe", "10-26 09:00-10-26 09:30 busy Jour fixe"}, "", 0},
		{"google.ics", "2026-11-16", "2026-11-22", []string{"11-16 17:00-11-16 17:30 busy Weekly with Toronto", "11-17 11:00-11-17 12:00 tentative Perhaps", "11-20 10:00-11-20 11:00 busy"}, "", 0},
		{"radicale.ics", "2026-11-16", "2026-11-22", []string{"11-19 14:00-11-19 15:00 busy Thunderbird’s meeting"}, "", 0},
		{"wrongzone.ics", "2026-11-16", "2026-11-22", []string{"11-17 10:00-11-17 11:00 busy Where is this", "11-18 15:00-11-18 16:00 busy By its own rules"}, "", 1},
	} {
		text := readFile(t, c.file)
		o := days(berlin, c.first, c.last)
		r := Parse(text, o)
		if got := said(berlin, r.Periods); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.file, got, c.want)
		}
		if absence(r.Periods, o.From) != c.away || len(r.Warnings) != c.warnings {
			t.Errorf("%s: out of office %q, warnings %q", c.file, absence(r.Periods, o.From), r.Warnings)
		}
		if !isCalendar(text) {
			t.Errorf("%s: is not recognised", c.file)
		}
	}
}
