package main

import (
	"strings"
	"testing"
	"time"

	"communicator/presence"
)

func TestParseTime(t *testing.T) {
	now := time.Date(2026, 11, 20, 14, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"15:30":            "2026-11-20T15:30:00Z",
		"09:00":            "2026-11-21T09:00:00Z", // past today: tomorrow
		"45m":              "2026-11-20T14:45:00Z",
		"2026-12-01":       "2026-12-01T00:00:00Z",
		"2026-12-01 08:15": "2026-12-01T08:15:00Z",
		"2026-12-01T08:15": "2026-12-01T08:15:00Z",
	} {
		got, err := parseTime(text, now)
		if err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("%q: got %v, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"yesterday", "25:00", "-5m", ""} {
		if got, err := parseTime(text, now); err == nil {
			t.Errorf("%q: got %v; want an error", text, got)
		}
	}
}

func TestStatusChange(t *testing.T) {
	now := time.Date(2026, 11, 20, 14, 0, 0, 0, time.UTC)
	in := presence.State{Availability: presence.Busy, Activity: presence.Meeting, Note: "In Lyon"}
	for _, c := range []struct {
		flags statusFlags
		args  []string
		want  presence.State
	}{
		{statusFlags{}, []string{"away"}, presence.State{Availability: presence.Away, Note: "In Lyon"}},
		{statusFlags{note: "Home", noteSet: true}, nil, presence.State{Availability: presence.Busy, Activity: presence.Meeting, Note: "Home"}},
		{statusFlags{noteSet: true}, nil, presence.State{Availability: presence.Busy, Activity: presence.Meeting}},
		{statusFlags{clearNote: true}, nil, presence.State{Availability: presence.Busy, Activity: presence.Meeting}},
		{statusFlags{until: "1h"}, []string{"dnd"}, presence.State{Availability: presence.DoNotDisturb, Note: "In Lyon", Until: now.Add(time.Hour)}},
	} {
		change, err := c.flags.change(c.args, now)
		if err != nil {
			t.Fatal(err)
		}
		got := in
		if change(&got); !got.Equal(c.want) {
			t.Errorf("%+v %v: got %+v, want %+v", c.flags, c.args, got, c.want)
		}
	}
	if _, err := (statusFlags{note: strings.Repeat("ä", presence.MaxNote+1)}).change(nil, now); err == nil {
		t.Error("a note that is too long is accepted")
	}
}

// A note with line breaks cannot pass for more people in a list.
func TestNoteIsOneWordOfALine(t *testing.T) {
	if got, want := quoted("a\nMy team\tBoss  Busy"), "“a My team Boss Busy”"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
