package lab

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-webdav"
	"github.com/emersion/go-webdav/caldav"
)

// onMonday is a bubble whose clock shows Monday, eight o'clock.
func onMonday(t *testing.T, o Options, f func(t *testing.T, c *Company)) {
	monday := time.Date(2026, 11, 16, 8, 0, 0, 0, time.UTC)
	began := time.Time{}
	o.Now = func() time.Time {
		if began.IsZero() {
			began = time.Now()
		}
		return monday.Add(time.Since(began))
	}
	bubble(t, o, f)
}

// dav sends one request with Basic authentication; head is "METHOD PATH" and
// further header lines.
func dav(t *testing.T, c *Company, user, head, body string) (status int, headers http.Header, answer string) {
	t.Helper()
	lines := strings.Split(head, "\n")
	method, path, _ := strings.Cut(lines[0], " ")
	r, err := http.NewRequestWithContext(t.Context(), method, "https://xcap.contoso.test"+path, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		r.SetBasicAuth(user, c.staff.people[c.staff.index[user]].Password)
	}
	for _, l := range lines[1:] {
		name, value, _ := strings.Cut(l, ": ")
		r.Header.Set(name, value)
	}
	h := http.Transport{DisableKeepAlives: true, DialContext: c.Dial, TLSClientConfig: &tls.Config{RootCAs: c.Roots(), Time: c.options.Now}}
	res, err := h.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(b)
}

const (
	anna     = "anna.albers@contoso.test"
	annasDAV = "/dav/anna.albers/"
	xmlType  = "\nContent-Type: application/xml"
	icsType  = "\nContent-Type: text/calendar"
)

func davEvent(lines string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//\r\nBEGIN:VEVENT\r\nUID:x\r\nDTSTAMP:20261116T000000Z\r\nDTSTART:20261116T100000Z\r\nDTEND:20261116T110000Z\r\n" +
		lines + "END:VEVENT\r\nEND:VCALENDAR\r\n"
}

// A client of another library's making finds the calendar and reads it.
func TestCalendarForAnotherLibrary(t *testing.T) {
	onMonday(t, Options{People: 60, Still: true}, func(t *testing.T, c *Company) {
		h := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: c.Dial,
			TLSClientConfig: &tls.Config{RootCAs: c.Roots(), Time: c.options.Now}}}
		p := c.staff.people[c.staff.index["chen.dahl@contoso.test"]]
		client, err := caldav.NewClient(webdav.HTTPClientWithBasicAuth(h, p.User, p.Password), "https://xcap.contoso.test/dav/")
		if err != nil {
			t.Fatal(err)
		}
		principal, err := client.FindCurrentUserPrincipal(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		home, err := client.FindCalendarHomeSet(t.Context(), principal)
		if err != nil {
			t.Fatal(err)
		}
		list, err := client.FindCalendars(t.Context(), home)
		if err != nil || len(list) != 1 || list[0].Name != "Work" {
			t.Fatalf("calendars %+v, %v", list, err)
		}
		now := c.options.Now()
		events, err := client.QueryCalendar(t.Context(), list[0].Path, &caldav.CalendarQuery{
			CompRequest: caldav.CalendarCompRequest{Name: "VCALENDAR", AllProps: true, AllComps: true},
			CompFilter:  caldav.CompFilter{Name: "VCALENDAR", Comps: []caldav.CompFilter{{Name: "VEVENT", Start: now, End: now.Add(time.Minute)}}},
		})
		if err != nil || len(events) != 1 {
			t.Fatalf("now: %d events, %v", len(events), err)
		}
		if title, _ := events[0].Data.Events()[0].Props.Text("SUMMARY"); title != "Steering committee" {
			t.Errorf("now: %q", title)
		}
	})
}

// What the standards forbid is refused.
func TestCalendarIsStrict(t *testing.T) {
	onMonday(t, Options{People: 60, Still: true}, func(t *testing.T, c *Company) {
		const work, propfind = annasDAV + "calendars/work/", `<propfind xmlns="DAV:"><prop><getctag xmlns="http://calendarserver.org/ns/"/><resourcetype/></prop></propfind>`
		for _, r := range []struct {
			user, head, body string
			status           int
			holds            string
		}{
			{"", "PROPFIND /dav/\nDepth: 0" + xmlType, propfind, 401, ""},
			{"", "GET /.well-known/caldav", "", 301, ""},
			{anna, "PROPFIND /dav/bruno.berg/\nDepth: 0" + xmlType, propfind, 403, ""},
			{anna, "PROPFIND " + work + xmlType, propfind, 403, "propfind-finite-depth"},
			{anna, "PROPFIND " + work + "\nDepth: 0", propfind, 415, ""},
			{anna, "PROPFIND " + work + "\nDepth: 0" + xmlType, "<propfind", 400, ""},
			{anna, "PROPFIND " + work + "\nDepth: 0" + xmlType, `<x xmlns="DAV:"/>`, 400, ""},
			{anna, "PROPFIND " + work + "\nDepth: 0" + xmlType, propfind, 207, "<C:calendar/>"},
			{anna, "PROPFIND /dav/\nDepth: 0" + xmlType, propfind, 207, "404 Not Found"}, // no ctag there
			{anna, "REPORT " + work + "\nDepth: 1" + xmlType, `<C:free-busy-query xmlns:C="urn:ietf:params:xml:ns:caldav"/>`, 400, ""},
			{anna, "REPORT " + work + "\nDepth: 1" + xmlType, `<D:sync-collection xmlns:D="DAV:"/>`, 403, "supported-report"},
			{anna, "REPORT " + work + "\nDepth: 1" + xmlType, `<C:calendar-query xmlns:C="urn:ietf:params:xml:ns:caldav"/>`, 403, "supported-filter"},
			{anna, "REPORT " + work + "\nDepth: 1" + xmlType, `<C:free-busy-query xmlns:C="urn:ietf:params:xml:ns:caldav"><C:time-range start="20261116T000000Z" end="20261117T000000Z"/></C:free-busy-query>`, 200, "FREEBUSY;FBTYPE=BUSY:20261116T093000Z/20261116T100000Z"},
			{anna, "PUT " + work + "x.ics" + icsType, "no calendar", 403, "valid-calendar-data"},
			{anna, "PUT " + work + "x.ics" + icsType, strings.Replace(davEvent(""), "VERSION:2.0\r\n", "VERSION:2.0\r\nMETHOD:PUBLISH\r\n", 1), 403, "valid-calendar-object-resource"},
			{anna, "PUT " + work + "x.ics" + icsType, strings.Replace(davEvent(""), "UID:x\r\n", "", 1), 403, "valid-calendar-object-resource"},
			{anna, "PUT " + work + "x.ics" + icsType, davEvent("DESCRIPTION:" + strings.Repeat("x", calendarObject) + "\r\n"), 403, "max-resource-size"},
			{anna, "PUT " + work + "x.ics\nContent-Type: text/plain", davEvent(""), 403, "supported-calendar-data"},
			{anna, "PUT " + work + "x.ics\nIf-None-Match: *" + icsType, davEvent(""), 201, ""},
			{anna, "PUT " + work + "x.ics\nIf-None-Match: *" + icsType, davEvent(""), 412, ""},
			{anna, "PUT " + work + "x.ics" + icsType, davEvent("SUMMARY:y\r\n"), 204, ""},
			{anna, "GET " + work + "x.ics", "", 200, "SUMMARY:y"},
			{anna, "DELETE " + work + "x.ics\nIf-Match: \"other\"", "", 412, ""},
			{anna, "DELETE " + work + "x.ics", "", 204, ""},
			{anna, "GET " + work + "x.ics", "", 404, ""},
			{anna, "POST " + annasDAV + "outbox/" + icsType, davEvent(""), 403, "valid-scheduling-message"},
			{anna, "POST " + annasDAV + "outbox/" + icsType, strings.ReplaceAll("BEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:REQUEST\nBEGIN:VFREEBUSY\nUID:1\nDTSTAMP:20261116T000000Z\nDTSTART:20261116T000000Z\nDTEND:20261117T000000Z\nORGANIZER:mailto:bruno.berg@contoso.test\nATTENDEE:mailto:chen.dahl@contoso.test\nEND:VFREEBUSY\nEND:VCALENDAR\n", "\n", "\r\n"), 403, "organizer-allowed"},
			{anna, "LOCK " + work, "", 405, ""},
		} {
			status, _, answer := dav(t, c, r.user, r.head, r.body)
			if status != r.status || !strings.Contains(answer, r.holds) {
				t.Errorf("%s %.60s: %d %s; want %d with %q", strings.ReplaceAll(r.head, "\n", " "), r.body, status, answer, r.status, r.holds)
			}
		}
	})
}

// A working week of sixty people: most meet, somebody is away, the newcomer has
// an hour before the first meeting.
func TestDiaries(t *testing.T) {
	began := time.Date(2026, 11, 16, 8, 10, 0, 0, time.UTC)
	d := &diaries{staff: newStaff("contoso.test", 60), began: began, now: func() time.Time { return began }}
	kinds := map[string]int{}
	for at := range d.staff.people {
		last := time.Time{}
		for _, e := range d.of(at) {
			kinds[e.busy]++
			if !e.from.Before(e.until) || e.from.Before(last) && e.busy != "OOF" {
				t.Errorf("%s: %+v after %s", d.staff.people[at].User, e, last)
			}
			last = e.from
		}
	}
	if kinds["BUSY"] < 300 || kinds["OOF"] == 0 || kinds["TENTATIVE"] == 0 || kinds["FREE"] == 0 {
		t.Errorf("meetings %v", kinds)
	}
	for _, e := range d.of(d.staff.newcomer) {
		if e.from.Before(began.Add(time.Hour)) {
			t.Errorf("the newcomer has %+v too soon", e)
		}
	}
	again := &diaries{staff: newStaff("contoso.test", 60), began: began, now: d.now}
	for at := range d.staff.people {
		if len(d.of(at)) != len(again.of(at)) {
			t.Errorf("%s has another week the second time", d.staff.people[at].User)
		}
	}
}
