package simple

import (
	"strings"
	"time"

	"communicator/plain"
	"communicator/presence"
	"communicator/wire/pidf"
)

// The table between our states and RPID activities (RFC 4480 §3.2). The first
// activity is the one that tells most: other clients show only that one.
//
//	Available      open, no activity; with an activity: + working
//	Busy           busy
//	DoNotDisturb   busy and our extension
//	BeRightBack    away, other "be right back"
//	Away           away
//	Offline        basic closed, no activity
//
//	Meeting        meeting        (read also: appointment, presentation)
//	Call           on-the-phone
//	Conference     on-the-phone, other "conference"
//	OutOfOffice    vacation       (read also: holiday, travel, permanent-absence)
//	Inactive       user-input idle
const (
	otherBRB        = "be right back"
	otherConference = "conference"
)

// toDocument makes the document that says state of self. device names this
// installation. The note is in the person and, for clients that know nothing
// else (pidgin), in the tuple.
func toDocument(self, device string, state presence.State, now time.Time) pidf.Presence {
	since := state.Since
	if since.IsZero() {
		since = now
	}
	t := pidf.Tuple{ID: "t" + device, Basic: pidf.Open, Contact: "sip:" + self, Priority: 0.8,
		Timestamp: since, DeviceID: "urn:uuid:" + device}
	p := pidf.Person{ID: "p" + device, Timestamp: since}
	if state.Note != "" {
		note := pidf.Note{Text: plain.Cut(plain.Text(state.Note), presence.MaxNote)}
		t.Notes, p.Notes = []pidf.Note{note}, []pidf.Note{note}
	}
	if state.Availability == presence.Offline {
		t.Basic = pidf.Closed
	} else {
		p.Activities = activities(state)
		if state.Activity == presence.Inactive {
			p.Input = pidf.Input{State: "idle", Since: since}
		}
	}
	return pidf.Presence{Entity: "sip:" + self, Tuples: []pidf.Tuple{t}, Persons: []pidf.Person{p}}
}

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
		a.Values = append(a.Values, "other")
	}
	return a
}

// fromDocument reads what a document says of a person. Servers that only add
// up (Kamailio 5.6) give the tuples and persons of all publications of a user;
// presence.Merge makes one state of them.
func fromDocument(doc pidf.Presence, now time.Time) presence.State {
	var devices []presence.Device
	var claims []presence.Claim
	for _, p := range doc.Persons {
		claims = append(claims, claimOf(p.Activities, p.Timestamp, firstNote(p.Notes, activityNotes(p.Activities)), p.Input))
	}
	for _, t := range doc.Tuples {
		note := firstNote(t.Notes, doc.Notes)
		devices = append(devices, presence.Device{Reachable: t.Basic == pidf.Open, Priority: t.Priority,
			Time: t.Timestamp, Note: note, Idle: t.Input.State == "idle"})
		if t.Activities != nil && t.Basic == pidf.Open { // older clients have them here
			claims = append(claims, claimOf(t.Activities, t.Timestamp, firstNote(activityNotes(t.Activities)), t.Input))
		}
	}
	s := presence.Merge(devices, claims, now)
	if s.Note == "" {
		s.Note = firstNote(doc.Notes)
	}
	return s
}

// claimOf is what one set of activities says. baresip (1.0) sends an empty one
// without a time.
func claimOf(a *pidf.Activities, said time.Time, note string, input pidf.Input) presence.Claim {
	c := presence.Claim{Note: note, Time: said, Idle: input.State == "idle", Empty: note == "" && (a == nil || len(a.Values) == 0 && !a.DoNotDisturb)}
	c.Availability, c.Activity = meaning(a)
	if a != nil {
		c.From, c.Until = a.From, a.Until
	}
	return c
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

func activityNotes(a *pidf.Activities) []pidf.Note {
	if a == nil {
		return nil
	}
	return a.Notes
}

// firstNote returns the first note that has text, harmless and of bounded length.
func firstNote(sources ...[]pidf.Note) string {
	for _, notes := range sources {
		for _, n := range notes {
			if s := strings.TrimSpace(plain.Text(n.Text)); s != "" {
				return plain.Cut(s, presence.MaxNote)
			}
		}
	}
	return ""
}

// unknown is the state of somebody of whom nothing is known just now.
func unknown() presence.State { return presence.State{Availability: presence.Unknown} }

// readState reads the body of a NOTIFY about user. An empty body of an active
// subscription means that he publishes nothing (Kamailio 5.6): offline. ok is
// false for what is not about him or cannot be read.
func readState(user string, body []byte, now time.Time) (presence.State, bool) {
	if len(body) == 0 {
		return presence.State{Availability: presence.Offline, Seen: now}, true
	}
	doc, err := pidf.Parse(body)
	if err != nil || (doc.Entity != "" && address(doc.Entity) != user) {
		return presence.State{}, false
	}
	return fromDocument(doc, now), true
}
