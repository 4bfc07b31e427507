package simple

import (
	"strings"

	"communicator/presence"
	"communicator/wire/pidf"
)

// The table between our states and RPID activities (RFC 4480 §3.2). "other" comes
// first: linphone 5.1 shows only the last activity, and "other" as "Moved".
//
//	Available      open, no activity; with an activity: + working
//	Busy           busy
//	DoNotDisturb   busy and our extension
//	BeRightBack    other "be right back", away
//	Away           away
//	Offline        basic closed, no activity
//
//	Meeting        meeting        (read also: appointment, presentation)
//	Call           on-the-phone
//	Conference     other "conference", on-the-phone
//	OutOfOffice    vacation       (read also: holiday, travel, permanent-absence)
//	Inactive       user-input idle
const (
	otherBRB        = "be right back"
	otherConference = "conference"
)

// activities puts availability and activity of an open state into words.
func activities(state presence.State) *pidf.Activities {
	a := &pidf.Activities{Until: state.Until}
	switch state.Activity {
	case presence.Meeting:
		a.Values = append(a.Values, "meeting")
	case presence.Call:
		a.Values = append(a.Values, "on-the-phone")
	case presence.Conference:
		a.Values, a.Other = append(a.Values, "on-the-phone"), otherConference
	case presence.OutOfOffice:
		a.Values = append(a.Values, "vacation")
	}
	switch state.Availability {
	case presence.Busy:
		a.Values = append(a.Values, "busy")
	case presence.DoNotDisturb:
		a.Values, a.DoNotDisturb = append(a.Values, "busy"), true
	case presence.BeRightBack:
		a.Values, a.Other = append(a.Values, "away"), otherBRB
	case presence.Away:
		a.Values = append(a.Values, "away")
	case presence.Available:
		if len(a.Values) > 0 {
			a.Values = append(a.Values, "working")
		}
	}
	if a.Other != "" {
		a.Values = append([]string{"other"}, a.Values...)
	}
	return a
}

// meaning reads activities by the table above.
func meaning(a *pidf.Activities) (presence.Availability, presence.Activity) {
	if a == nil {
		return presence.Available, presence.NoActivity
	}
	activity, derived := presence.NoActivity, presence.Available
	for _, v := range a.Values {
		switch v {
		case "on-the-phone":
			activity, derived = presence.Call, presence.Busy
			if a.Other == otherConference {
				activity = presence.Conference
			}
		case "meeting", "appointment", "presentation":
			activity, derived = presence.Meeting, presence.Busy
		case "vacation", "holiday", "travel", "permanent-absence":
			activity, derived = presence.OutOfOffice, presence.Away
		case "performance", "steering", "worship":
			derived = presence.Busy
		case "breakfast", "dinner", "in-transit", "lunch", "meal", "playing", "shopping", "sleeping", "spectator", "tv":
			derived = presence.Away
		}
	}
	switch { // what is said outright counts more than what follows from an activity
	case a.DoNotDisturb:
		return presence.DoNotDisturb, activity
	case a.Has("busy"):
		return presence.Busy, activity
	case a.Has("away") && strings.EqualFold(a.Other, otherBRB):
		return presence.BeRightBack, activity
	case a.Has("away"):
		return presence.Away, activity
	case a.Has("working"):
		return presence.Available, activity
	}
	return derived, activity
}
