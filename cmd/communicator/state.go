package main

import (
	"time"

	"communicator/calendar"
	"communicator/presence"
)

// stateFields are those of a person's state in JSON. What was true once and is
// not known to be so now is unknown, and old.
func stateFields(s presence.State) map[string]any {
	if s.Old {
		s = presence.State{Availability: presence.Unknown, Note: s.Note, Old: true}
	}
	return map[string]any{
		"availability": s.Availability, "activity": s.Activity, "note": s.Note, "source": s.Source,
		"until": stamp(s.Until), "since": stamp(s.Since), "schedule": schedule(s.Schedule),
		"old": s.Old || s.Availability == presence.Unknown,
	}
}

// busyLine is a stretch of time in which somebody is not free.
type busyLine struct {
	From  string `json:"from"`
	Until string `json:"until"`
	Kind  string `json:"kind"`
	Title string `json:"title,omitempty"`
}

// schedule is what a state says of the hours to come; null: nothing.
func schedule(periods []presence.Period) []busyLine {
	var lines []busyLine
	for _, p := range periods {
		kind := string(p.Activity)
		if kind == "" {
			kind = calendar.Busy.String()
		}
		lines = append(lines, busyLine{From: p.From.Format(time.RFC3339), Until: p.Until.Format(time.RFC3339), Kind: kind})
	}
	return lines
}

// appointments is what one's own calendar says.
func appointments(periods []calendar.Period) []busyLine {
	lines := []busyLine{}
	for _, p := range periods {
		lines = append(lines, busyLine{p.From.Format(time.RFC3339), p.Until.Format(time.RFC3339), p.Kind.String(), p.Title})
	}
	return lines
}
