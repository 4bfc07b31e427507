package presence

import (
	"strings"
	"testing"
	"time"
)

// now is a Friday, 10:00.
var now = at(10, 0)

func at(hour, minute int) time.Time { return time.Date(2026, 11, 20, hour, minute, 0, 0, time.UTC) }

func TestWords(t *testing.T) {
	for _, c := range []struct {
		s         State
		want      string
		reachable bool
	}{
		{State{Availability: Available}, "Available", true},
		{State{Availability: Available, Activity: Inactive, Since: at(9, 48)}, "Inactive 12 min", true},
		{State{Availability: Away, Since: at(9, 35)}, "Away 25 min", true},
		{State{Availability: Away, Since: at(7, 35)}, "Away 2 h", true},
		{State{Availability: Away, Since: now.AddDate(0, 0, -9)}, "Away 9 days", true},
		{State{Availability: Away, Since: at(10, 3)}, "Away", true}, // his clock is ahead of ours
		{State{Availability: BeRightBack}, "Be right back", true},
		{State{Availability: Busy}, "Busy", true},
		{State{Availability: Busy, Until: at(15, 30)}, "Busy until 15:30", true},
		{State{Availability: Busy, Activity: Meeting, Until: at(10, 30)}, "In a meeting until 10:30", true},
		{State{Availability: Busy, Activity: Meeting, Until: at(9, 30)}, "In a meeting", true}, // it lasts longer than said
		{State{Availability: Busy, Activity: Call}, "In a call", true},
		{State{Availability: Busy, Activity: Conference}, "In a conference", true},
		{State{Availability: DoNotDisturb, Until: at(9, 0).AddDate(0, 0, 3)}, "Do not disturb until Mon 09:00", true},
		{State{Availability: Away, Activity: OutOfOffice, Until: time.Date(2026, 12, 3, 0, 0, 0, 0, time.UTC)}, "Out of office until 3 Dec", true},
		{State{Availability: Offline, Activity: OutOfOffice, Until: time.Date(2027, 5, 3, 0, 0, 0, 0, time.UTC)}, "Out of office until 3 May 2027", false},
		{State{Availability: Offline, Since: at(8, 40)}, "Offline · last seen 08:40", false},
		{State{Availability: Offline, Since: at(17, 40).AddDate(0, 0, -1)}, "Offline · last seen Thu 17:40", false},
		{State{Availability: Offline}, "Offline", false},
		{State{Availability: Unknown}, "Status unknown", false},
		{State{}, "Status unknown", false},
		{State{Availability: Available, Old: true}, "Status unknown", false},
		{State{Availability: "something new"}, "Status unknown", false},
	} {
		if got := c.s.Words(now); got != c.want {
			t.Errorf("%+v: %q, want %q", c.s, got, c.want)
		}
		if got := c.s.Reachable(); got != c.reachable {
			t.Errorf("%+v: reachable %v", c.s, got)
		}
	}
	lyon := time.FixedZone("", 3600)
	if got := (State{Availability: Busy, Until: at(15, 0)}).Words(now.In(lyon)); got != "Busy until 16:00" {
		t.Errorf("times are in the reader's zone; got %q", got)
	}
}

func TestParseAvailability(t *testing.T) {
	for in, want := range map[string]Availability{
		"available": Available, "busy": Busy, "dnd": DoNotDisturb, "brb": BeRightBack, "away": Away,
		"offline": Offline, "auto": Automatic, " Busy ": Busy, "DND": DoNotDisturb,
	} {
		if got, err := ParseAvailability(in); err != nil || got != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "unknown", "bsy"} {
		if _, err := ParseAvailability(in); err == nil || !strings.Contains(err.Error(), "say available, busy") {
			t.Errorf("%q: error %v", in, err)
		}
	}
}

func TestMerge(t *testing.T) {
	open := Device{Reachable: true, Priority: -1}
	desk := Device{Reachable: true, Priority: 0.8, Time: at(9, 0), Note: "At my desk"}
	for _, c := range []struct {
		what    string
		devices []Device
		claims  []Claim
		want    State
	}{
		{"nothing is published", nil, nil, State{Availability: Offline}},
		{"a simple client", []Device{open}, nil, State{Availability: Available}},
		{"a simple client with a note (pidgin)", []Device{{Reachable: true, Priority: -1, Note: "gone fishing"}}, nil,
			State{Availability: Available, Note: "gone fishing"}},
		{"an empty claim (baresip)", []Device{open}, []Claim{{Availability: Available, Empty: true}}, State{Availability: Available}},
		{"a busy person whose second client says nothing",
			[]Device{desk, open},
			[]Claim{{Availability: Busy, Time: at(9, 0), Note: "In Lyon"}, {Availability: Available, Empty: true}},
			State{Availability: Busy, Note: "In Lyon", Since: at(9, 0)}},
		{"the same in the other order",
			[]Device{open, desk},
			[]Claim{{Availability: Available, Empty: true}, {Availability: Busy, Time: at(9, 0), Note: "In Lyon"}},
			State{Availability: Busy, Note: "In Lyon", Since: at(9, 0)}},
		{"two claims without a time, one empty", []Device{open},
			[]Claim{{Availability: Busy}, {Availability: Available, Empty: true}}, State{Availability: Busy}},
		{"available again on the other client", []Device{desk, open},
			[]Claim{{Availability: Busy, Time: at(9, 0)}, {Availability: Available, Empty: true, Time: at(9, 30)}},
			State{Availability: Available, Note: "At my desk", Since: at(9, 30)}},
		{"signed out: a closed device is left", []Device{{Time: at(9, 0)}}, nil, State{Availability: Offline, Since: at(9, 0)}},
		{"signed out, with a note", []Device{{Time: at(9, 0)}}, []Claim{{Availability: Busy, Note: "Back Monday", Time: at(9, 30)}},
			State{Availability: Offline, Note: "Back Monday", Since: at(9, 30)}},
		{"one device closed, one open", []Device{{Time: at(9, 50), Note: "old"}, open}, nil, State{Availability: Available}},
		{"the note of the preferred device", []Device{{Reachable: true, Priority: 0.1, Time: at(9, 50), Note: "mobile"}, desk}, nil,
			State{Availability: Available, Note: "At my desk", Since: at(9, 0)}},
		{"the note of the newer device", []Device{{Reachable: true, Priority: 0.8, Time: at(9, 50), Note: "mobile"}, desk}, nil,
			State{Availability: Available, Note: "mobile", Since: at(9, 50)}},
		{"a meeting", []Device{desk}, []Claim{{Availability: Busy, Activity: Meeting, Until: at(10, 30), Time: at(9, 30)}},
			State{Availability: Busy, Activity: Meeting, Until: at(10, 30), Note: "At my desk", Since: at(9, 30)}},
		{"a meeting that has ended", []Device{desk}, []Claim{{Availability: Busy, Activity: Meeting, Until: at(9, 30), Time: at(9, 0)}},
			State{Availability: Available, Note: "At my desk", Since: at(9, 0)}},
		{"a meeting that has not begun", []Device{desk}, []Claim{{Availability: Busy, Activity: Meeting, From: at(10, 1), Until: at(11, 0), Time: at(9, 0)}},
			State{Availability: Available, Note: "At my desk", Since: at(9, 0)}},
		{"idle", []Device{{Reachable: true, Idle: true}}, nil, State{Availability: Available, Activity: Inactive, Source: FromIdle}},
		{"idle, but busy", []Device{{Reachable: true, Idle: true}}, []Claim{{Availability: Busy}}, State{Availability: Busy}},
	} {
		if got := Merge(c.devices, c.claims, now); !got.Looks(c.want) || !got.Since.Equal(c.want.Since) || !got.Seen.Equal(now) {
			t.Errorf("%s:\n got %+v\nwant %+v", c.what, got, c.want)
		}
	}
}
