package simple

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"communicator/presence"
	"communicator/wire/pidf"
)

// What others get of a state in full: schedule, device, source and choice.
func TestDocumentThereAndBack(t *testing.T) {
	a := author{"anna@contoso.test", "00000000-0000-4000-8000-000000000001", "Desk"}
	at := func(hour int) time.Time { return noon.Add(time.Duration(hour) * time.Hour) }
	in := presence.State{
		Availability: presence.Busy, Activity: presence.Meeting, Until: at(1), Since: noon, Source: presence.FromCalendar,
		Note: "In Lyon", NoteTime: at(-3), InUse: true,
		Chosen: presence.Choice{Time: at(-4), Note: "In Lyon", NoteTime: at(-3), NoteUntil: at(8)},
		Schedule: []presence.Period{
			{From: at(0), Until: at(1), Activity: presence.Meeting, Busy: true}, // now: it is in the activities
			{From: at(2), Until: at(3), Activity: presence.Meeting, Busy: true},
			{From: at(4), Until: at(5), Busy: true},
			{From: at(6), Until: at(30), Activity: presence.OutOfOffice},
		},
	}
	text := a.document(in, noon).Marshal()
	want, err := os.ReadFile("testdata/ours-meeting.xml")
	if err != nil || string(text) != string(want) {
		t.Errorf("%v; written:\n%s", err, text)
	}
	got, ok := readState("anna@contoso.test", text, noon)
	in.Schedule = in.Schedule[1:]
	in.Seen, in.InUse = noon, false
	in.Devices = []presence.Device{{ID: a.deviceID(), Name: "Desk", Reachable: true, Priority: 0.8, Time: noon, Note: "In Lyon",
		Availability: presence.Busy, Activity: presence.Meeting, Chosen: in.Chosen}}
	in.NoteUntil = time.Time{}
	if !ok || !got.Equal(in) {
		t.Errorf("\n got %+v\nwant %+v", got, in)
	}
}

// Appear offline and signed out look the same: nothing says that he is there.
func TestAppearOfflineTellsNothing(t *testing.T) {
	a := author{"anna@contoso.test", "d1", "Desk"}
	hidden := presence.State{Availability: presence.Offline, Note: "Back Monday", Since: noon, Source: presence.FromChoice, InUse: true,
		Chosen:   presence.Choice{Availability: presence.Offline, Time: noon},
		Schedule: []presence.Period{{From: noon.Add(time.Hour), Until: noon.Add(2 * time.Hour), Busy: true}}}
	gone := presence.State{Availability: presence.Offline, Note: "Back Monday", Since: noon}
	if a, b := string(a.document(hidden, noon).Marshal()), string(a.document(gone, noon).Marshal()); a != b {
		t.Errorf("%s\n%s", a, b)
	}
}

// What Pidgin 2.14 publishes; its note is not one.
func TestPidginHasNoNote(t *testing.T) {
	for basic, want := range map[string]presence.Availability{"open": presence.Available, "closed": presence.Offline} {
		s, ok := readState("dave@contoso.test", []byte(`<?xml version="1.0" encoding="UTF-8"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf"
xmlns:im="urn:ietf:params:xml:ns:pidf:im"
entity="sip:dave@contoso.test">
<tuple id="bs35r9f">
<status>
<basic>`+basic+`</basic>
</status>
<note>available</note>
</tuple>
</presence>`), noon)
		if !ok || s.Availability != want || s.Note != "" {
			t.Errorf("%s: %+v", basic, s)
		}
	}
}

// Devices of one person come unmerged from Kamailio: his desk, which nobody
// touches, his laptop, a softphone that says nothing and a computer that was
// switched off three weeks ago.
func TestDevicesOfOnePerson(t *testing.T) {
	text, err := os.ReadFile("testdata/four-devices.xml")
	if err != nil {
		t.Fatal(err)
	}
	s, ok := readState("bob@contoso.test", text, noon)
	if !ok || s.Availability != presence.Busy || s.Activity != presence.Call || s.Source != presence.FromPhone || s.Note != "On the road" {
		t.Errorf("%v %+v", ok, s)
	}
	var devices []string
	for _, d := range s.Devices {
		devices = append(devices, fmt.Sprintf("%s: %s %s %v", d.Name, d.Availability, d.Activity, d.Idle))
	}
	if got := strings.Join(devices, ", "); got != "Laptop: busy call false, Desk: away  true, : available  false" {
		t.Error(got)
	}
	if d := s.Devices[0]; d.Chosen.Availability != presence.Available || !d.Chosen.Time.Equal(time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)) {
		t.Errorf("chosen on the laptop: %+v", d.Chosen)
	}
}

// The device that was forgotten hides nobody, wherever it stands.
func TestClosedNeverHidesOpen(t *testing.T) {
	live := author{"bob@contoso.test", "11111111-0000-4000-8000-000000000001", "Desk"}.document(
		presence.State{Availability: presence.Busy, Note: "here", Since: noon.Add(-time.Hour)}, noon)
	left := author{"bob@contoso.test", "22222222-0000-4000-8000-000000000002", ""}.document(
		presence.State{Availability: presence.Offline, Note: "Back Monday", Since: noon}, noon)
	for _, docs := range [][]pidf.Presence{{live, left}, {left, live}} {
		if s := fromDocument(together(docs), noon); s.Availability != presence.Busy || s.Note != "here" {
			t.Errorf("%+v", s)
		}
	}
	if s := fromDocument(left, noon); s.Availability != presence.Offline || s.Note != "Back Monday" || !s.NoteTime.Equal(noon) {
		t.Errorf("%+v", s)
	}
}

// Documents as nobody should write them.
func TestOddDocuments(t *testing.T) {
	tuples := ""
	for i := range 30 {
		tuples += fmt.Sprintf(`<tuple id="t%d"><status><basic>open</basic></status><contact priority="0.%d">sip:bob@contoso.test</contact></tuple>`, i, i%10)
	}
	s, ok := readState("bob@contoso.test", []byte(head+tuples+tail), noon)
	if !ok || s.Availability != presence.Available || len(s.Devices) != presence.MaxDevices || s.Devices[0].Priority != 0.9 {
		t.Errorf("thirty tuples: %v %+v", ok, s)
	}
	long := head + `<tuple id="t"><status><basic>open</basic></status><note>` + strings.Repeat("ü", 100_000) + `</note></tuple>` + tail
	if s, ok = readState("bob@contoso.test", []byte(long), noon); !ok || len([]rune(s.Note)) != presence.MaxNote {
		t.Errorf("a note of 200 kB: %v, %d characters", ok, len([]rune(s.Note)))
	}
	latin := strings.Replace(head, "UTF-8", "ISO-8859-1", 1) + "<tuple id=\"t\"><status><basic>open</basic></status><note>Z\xfcrich</note></tuple>" + tail
	if s, ok = readState("bob@contoso.test", []byte(latin), noon); !ok || s.Note != "Zürich" {
		t.Errorf("ISO-8859-1: %v %+v", ok, s)
	}
	times := head + `<tuple id="t"><status><basic>open</basic></status>` + strings.Repeat(`<ts:timed-status xmlns:ts="urn:ietf:params:xml:ns:pidf:timed-status" from="2026-11-20T13:00:00Z" until="2026-11-20T14:00:00Z"><ts:basic>closed</ts:basic></ts:timed-status>`, 500) +
		`<ts:timed-status xmlns:ts="urn:ietf:params:xml:ns:pidf:timed-status" from="2026-11-20T14:00:00Z" until="2026-11-20T13:00:00Z"/></tuple>` + tail
	if s, ok = readState("bob@contoso.test", []byte(times), noon); !ok || len(s.Schedule) != presence.MaxSchedule || s.Free(noon) != "Free until 13:00" {
		t.Errorf("500 times: %v, %d, %s", ok, len(s.Schedule), s.Free(noon))
	}
}
