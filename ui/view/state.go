package view

import (
	"time"

	"communicator/presence"
)

// Face is the name of a state's icon. What is old or unknown is "unknown":
// never the last colour.
func Face(s presence.State) string {
	if s.Old {
		return "unknown"
	}
	if s.Activity == presence.OutOfOffice {
		return "outofoffice"
	}
	switch s.Availability {
	case presence.Available:
		return faceOfActivity(s.Activity, "available")
	case presence.Busy:
		return faceOfActivity(s.Activity, "busy")
	case presence.Away, presence.BeRightBack:
		return "away"
	case presence.DoNotDisturb:
		return "dnd"
	case presence.Offline:
		return "offline"
	default:
		return "unknown"
	}
}

func faceOfActivity(a presence.Activity, otherwise string) string {
	switch a {
	case presence.Meeting:
		return "meeting"
	case presence.Call, presence.Conference:
		return "call"
	case presence.Inactive:
		return "inactive"
	default:
		return otherwise
	}
}

// Words says a state: "In a meeting until 10:30", "Away 25 min",
// "Offline · last seen 17:40". The rule is that of package presence.
func Words(s presence.State, now time.Time) string { return s.Words(now.Local()) }

// Note is a person's note in quotation marks, so that it cannot be mistaken
// for the program's words; an old one says when it was read.
func Note(s presence.State, now time.Time) string {
	if s.Note == "" {
		return ""
	}
	quoted := "“" + s.Note + "”"
	if s.Old && !s.Seen.IsZero() {
		return joined(quoted, say("read {{.Time}}", "Time", Clock(s.Seen, now)))
	}
	return quoted
}

// Choice is one line of the status menu.
type Choice struct {
	Words string
	Face  string
	State presence.Availability // empty: automatic
}

// Choices are the states a user may choose, in the order of the menu. The
// automatic ones (in a call, in a meeting, inactive) cannot be chosen.
func Choices() []Choice {
	return []Choice{
		{say("Available"), "available", presence.Available},
		{say("Busy"), "busy", presence.Busy},
		{say("Do not disturb"), "dnd", presence.DoNotDisturb},
		{say("Be right back"), "away", presence.BeRightBack},
		{say("Away"), "away", presence.Away},
		{say("Appear offline"), "offline", presence.Offline},
		{say("Reset to automatic"), "", ""},
	}
}
