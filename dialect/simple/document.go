package simple

import (
	"slices"
	"strings"
	"time"

	"communicator/plain"
	"communicator/presence"
	"communicator/wire/pidf"
)

// mostTimed is how much of a schedule is published: every watcher gets it with
// every change.
const mostTimed = 16

// author is who says something of himself, and on which device.
type author struct {
	self   string
	device string // names this installation, a UUID
	name   string // of the device, for people; "": not said
}

// deviceID is how the device is called in documents (RFC 4479 §3.4).
func (a author) deviceID() string { return "urn:uuid:" + a.device }

// document makes the document that says state of its author. The note is in
// the person and, for clients that know nothing else (pidgin), in the tuple.
func (a author) document(state presence.State, now time.Time) pidf.Presence {
	since := state.Since
	if since.IsZero() {
		since = now
	}
	t := pidf.Tuple{ID: "t" + a.device, Basic: pidf.Open, Contact: "sip:" + a.self, Priority: 0.8,
		Timestamp: since, DeviceID: a.deviceID()}
	p := pidf.Person{ID: "p" + a.device, Timestamp: since}
	if state.Note != "" {
		note := pidf.Note{Text: plain.Cut(plain.Text(state.Note), presence.MaxNote)}
		t.Notes, p.Notes = []pidf.Note{note}, []pidf.Note{note}
	}
	if state.Availability == presence.Offline { // no word of what was chosen: it would tell that he is there
		t.Basic = pidf.Closed
		p.Origin.NoteAt = state.NoteTime
		if state.Activity == presence.OutOfOffice {
			p.Activities = &pidf.Activities{Values: []string{"vacation"}, Until: state.Until}
		}
		return pidf.Presence{Entity: "sip:" + a.self, Tuples: []pidf.Tuple{t}, Persons: []pidf.Person{p}}
	}
	p.Activities, p.Origin, p.Input = activities(state), origin(state), input(state)
	t.Timed = timed(state.Schedule, now)
	doc := pidf.Presence{Entity: "sip:" + a.self, Tuples: []pidf.Tuple{t}, Persons: []pidf.Person{p}}
	if a.name != "" {
		doc.Devices = []pidf.Device{{ID: "d" + a.device, DeviceID: a.deviceID(), Notes: []pidf.Note{{Text: a.name}}, Timestamp: since}}
	}
	return doc
}

func input(state presence.State) pidf.Input {
	switch {
	case state.Source == presence.FromIdle || state.Activity == presence.Inactive:
		return pidf.Input{State: "idle", Since: state.Since}
	case state.InUse:
		return pidf.Input{State: "active"}
	}
	return pidf.Input{}
}

func origin(state presence.State) pidf.Origin {
	c := state.Chosen
	o := pidf.Origin{Source: string(state.Source), At: c.Time, Until: c.Until, NoteAt: c.NoteTime, NoteUntil: c.NoteUntil}
	if !c.Time.IsZero() {
		if o.Chosen = string(c.Availability); c.Availability == presence.Automatic {
			o.Chosen = "auto"
		}
	}
	return o
}

// timed is what of a schedule has not begun: RFC 4481 §3 has it for times that
// lie wholly ahead; what is now is in the activities.
func timed(schedule []presence.Period, now time.Time) (list []pidf.Timed) {
	for _, p := range schedule {
		if !p.From.After(now) || len(list) == mostTimed {
			continue
		}
		s := presence.State{Availability: presence.Busy, Activity: p.Activity}
		if p.Activity == presence.OutOfOffice {
			s.Availability = presence.Away
		}
		list = append(list, pidf.Timed{From: p.From, Until: p.Until, Basic: pidf.Closed, Activities: activities(s)})
	}
	return list
}

// fromDocument reads what a document says of a person. Servers that only add
// up (Kamailio 5.6) give the tuples and persons of all publications of a user;
// presence.Merge makes one state of them.
func fromDocument(doc pidf.Presence, now time.Time) presence.State {
	s := presence.Merge(devicesOf(doc), claimsOf(doc), now)
	s.Schedule = scheduleOf(doc, now)
	if s.Note == "" {
		s.Note = firstNote(doc.Notes)
	}
	return s
}

func devicesOf(doc pidf.Presence) (devices []presence.Device) {
	for _, t := range doc.Tuples {
		d := presence.Device{ID: deviceOf(t), Reachable: t.Basic == pidf.Open, Priority: t.Priority,
			Time: t.Timestamp, Note: firstNote(t.Notes, doc.Notes), Idle: t.Input.State == "idle"}
		if d.Note == stateOfPidgin {
			d.Note = ""
		}
		for _, x := range doc.Devices {
			if x.DeviceID == t.DeviceID && t.DeviceID != "" {
				d.Name = plain.Cut(plain.Line(firstNote(x.Notes)), maxDeviceName)
				d.Idle = d.Idle || x.Input.State == "idle"
			}
		}
		devices = append(devices, d)
	}
	return devices
}

const (
	maxDeviceName = 60          // characters
	stateOfPidgin = "available" // libpurple 2.14 puts the name of its only state where the note belongs
)

// deviceOf names the device of a tuple: by its ID, else by the tuple's.
func deviceOf(t pidf.Tuple) string {
	if t.DeviceID != "" {
		return t.DeviceID
	}
	return t.ID
}

func claimsOf(doc pidf.Presence) (claims []presence.Claim) {
	for i, p := range doc.Persons {
		c := claimOf(p.Activities, p.Timestamp, firstNote(p.Notes, activityNotes(p.Activities)), p.Input)
		c.Device = deviceBehind(doc, i)
		c.Source, c.Chosen, c.NoteTime = sourceOf(p.Origin.Source), chosenOf(p.Origin, c.Note), p.Origin.NoteAt
		claims = append(claims, c)
	}
	for _, t := range doc.Tuples {
		if t.Activities != nil && t.Basic == pidf.Open { // older clients have them here
			c := claimOf(t.Activities, t.Timestamp, firstNote(activityNotes(t.Activities)), t.Input)
			c.Device = deviceOf(t)
			claims = append(claims, c)
		}
	}
	return claims
}

// deviceBehind says on which device the person element i was written. There is
// no standard for that: ours and some others' have the same id but for the
// first letter; else Kamailio keeps the order in which it adds up.
func deviceBehind(doc pidf.Presence, i int) string {
	id := doc.Persons[i].ID
	for _, t := range doc.Tuples {
		if len(id) > 1 && len(t.ID) > 1 && id[1:] == t.ID[1:] {
			return deviceOf(t)
		}
	}
	if len(doc.Tuples) == len(doc.Persons) {
		return deviceOf(doc.Tuples[i])
	}
	return ""
}

// claimOf is what one set of activities says. baresip (1.0) sends an empty one
// without a time.
func claimOf(a *pidf.Activities, said time.Time, note string, input pidf.Input) presence.Claim {
	c := presence.Claim{Note: note, Time: said, Idle: input.State == "idle", Active: input.State == "active",
		Empty: note == "" && (a == nil || len(a.Values) == 0 && !a.DoNotDisturb)}
	c.Availability, c.Activity = meaning(a)
	if a != nil {
		c.From, c.Until = a.From, a.Until
	}
	return c
}

func sourceOf(word string) presence.Source {
	switch s := presence.Source(word); s {
	case presence.FromChoice, presence.FromCalendar, presence.FromPhone, presence.FromIdle:
		return s
	}
	return presence.NoSource
}

// chosenOf reads what was chosen on a device; note is that of its person.
func chosenOf(o pidf.Origin, note string) presence.Choice {
	a, err := presence.ParseAvailability(o.Chosen)
	if err != nil || o.At.IsZero() {
		return presence.Choice{}
	}
	c := presence.Choice{Availability: a, Until: o.Until, Time: o.At, NoteTime: o.NoteAt, NoteUntil: o.NoteUntil}
	if !o.NoteAt.IsZero() {
		c.Note = note // else it is the calendar's
	}
	return c
}

// scheduleOf is the schedule that was said last; what is past is left out.
func scheduleOf(doc pidf.Presence, now time.Time) (schedule []presence.Period) {
	var from pidf.Tuple
	for _, t := range doc.Tuples {
		if t.Timed != nil && t.Basic == pidf.Open && (from.Timed == nil || t.Timestamp.After(from.Timestamp)) {
			from = t
		}
	}
	for _, t := range from.Timed {
		if !t.Until.After(now) || !t.Until.After(t.From) || t.From.IsZero() {
			continue
		}
		availability, activity := meaning(t.Activities)
		p := presence.Period{From: t.From, Until: t.Until, Busy: t.Basic == pidf.Closed || availability != presence.Available}
		if activity == presence.Meeting || activity == presence.OutOfOffice {
			p.Activity, p.Busy = activity, activity == presence.Meeting
		}
		schedule = append(schedule, p)
	}
	slices.SortStableFunc(schedule, func(a, b presence.Period) int { return a.From.Compare(b.From) })
	return schedule[:min(len(schedule), presence.MaxSchedule)]
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
// subscription means that he publishes nothing (Kamailio 5.6): offline. What
// cannot be read has changed his state to we know not what. ok is false for
// what is not about him.
func readState(user string, body []byte, now time.Time) (s presence.State, ok bool) {
	if len(body) == 0 {
		return presence.State{Availability: presence.Offline, Seen: now}, true
	}
	doc, err := pidf.Parse(body)
	switch {
	case err != nil:
		return unknown(), true
	case doc.Entity != "" && address(doc.Entity) != user:
		return presence.State{}, false
	}
	return fromDocument(doc, now), true
}
