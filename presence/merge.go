package presence

import (
	"cmp"
	"slices"
	"time"
)

// Device is one way to reach a person, as the client on it says.
type Device struct {
	ID        string // names it among his devices; "": not said
	Name      string // for people to read; "": not said
	Reachable bool
	Priority  float64   // 0 to 1, the highest is preferred; -1: not said
	Time      time.Time // when that was said; zero: not said
	Note      string
	Idle      bool // its user has not touched it for a while

	Availability Availability // what the client on it says of its person; set by Merge
	Activity     Activity
	Chosen       Choice // what was chosen on it; zero: not said
}

// Choice is a state that a person chose, and when. The zero Choice is none;
// Automatic with a time is the choice to leave it to the program.
type Choice struct {
	Availability Availability
	Until        time.Time // zero: until the next
	Time         time.Time
	Note         string
	NoteTime     time.Time // when the note was chosen; zero: not said
	NoteUntil    time.Time // zero: until the next
}

// Equal says whether c and d are the same.
func (c Choice) Equal(d Choice) bool {
	return c.Availability == d.Availability && c.Until.Equal(d.Until) && c.Time.Equal(d.Time) &&
		c.Note == d.Note && c.NoteTime.Equal(d.NoteTime) && c.NoteUntil.Equal(d.NoteUntil)
}

// Equal says whether d and e are the same in everything.
func (d Device) Equal(e Device) bool {
	same := d.Time.Equal(e.Time) && d.Chosen.Equal(e.Chosen)
	d.Time, d.Chosen = e.Time, e.Chosen
	return same && d == e
}

// Claim is what one client says its person is doing. A person with several
// clients comes with several claims where the server only adds them up.
type Claim struct {
	Device       string // ID of the device it was made on; "": not known
	Availability Availability
	Activity     Activity
	Note         string
	From, Until  time.Time // when it begins and ends; zero: not said
	Time         time.Time // when that was said; zero: not said
	NoteTime     time.Time // when its note was written; zero: then too
	Idle         bool
	Active       bool // it says outright that its device is in use
	Empty        bool // it says nothing: what it implies counts only if nobody says anything
	Source       Source
	Chosen       Choice
}

// MaxDevices is how many devices a State has at most.
const MaxDevices = 10

// Merge makes one state of everything that is said about a person at now:
//
//   - he can be reached if one device can; without any he is offline, with his
//     note, and what is claimed on a device that cannot counts only then;
//   - of a claim that has ended, or has not begun, only its note is left;
//   - what was chosen before the newest choice does not count any more;
//   - do not disturb counts before a call, and a call before anything else;
//   - what a device says that nobody touches does not count if another is in
//     use, or says something of its own;
//   - of what is left the newest counts; one without a time counts less than any
//     with one, and an empty one less than one that says something at the same time;
//   - the note is that of the claim, else that of the device: the reachable
//     one of highest priority, the newest among equals;
//   - available, but idle on the device that counts, is inactive.
func Merge(devices []Device, claims []Claim, now time.Time) State {
	s := State{Availability: Offline, Seen: now, Devices: said(devices, claims, now)}
	var device Device
	if len(s.Devices) > 0 {
		device = s.Devices[0]
	}
	claim, claimed := foremost(claims, devices, now)
	s.Since, s.Note, s.Chosen = device.Time, device.Note, claim.Chosen
	if s.Note != "" {
		s.NoteTime = device.Time
	}
	if claimed && !claim.Time.IsZero() {
		s.Since = claim.Time
	}
	if claim.Note != "" || s.Note == "" && claimed {
		s.Note, s.NoteTime = claim.Note, claim.NoteTime
		if s.NoteTime.IsZero() {
			s.NoteTime = claim.Time
		}
	}
	if !device.Reachable {
		if claim.Activity == OutOfOffice {
			s.Activity, s.Until, s.Source = OutOfOffice, claim.Until, claim.Source
		}
		return s
	}
	s.Availability = Available
	if claimed {
		s.Availability, s.Activity, s.Until, s.Source = claim.Availability, claim.Activity, claim.Until, claim.Source
	}
	if (device.Idle || claim.Idle) && s.Availability == Available && s.Activity == NoActivity {
		s.Activity, s.Source = Inactive, FromIdle
	}
	return s
}

// said returns the devices, the one that counts first, each with what is
// claimed on it; those that are switched off only if all are.
func said(devices []Device, claims []Claim, now time.Time) []Device {
	devices = slices.SortedStableFunc(slices.Values(devices), Device.compare)
	devices = devices[:min(len(devices), MaxDevices)]
	if off := slices.IndexFunc(devices, func(d Device) bool { return !d.Reachable }); off > 0 {
		devices = devices[:off]
	}
	for i, d := range devices {
		d.Availability, d.Activity = Offline, NoActivity
		if d.Reachable {
			d.Availability = Available
		}
		for _, c := range claims {
			if c.Device != d.ID || d.ID == "" {
				continue
			}
			if c = c.at(now); d.Reachable {
				d.Availability, d.Activity = c.Availability, c.Activity
			}
			d.Idle, d.Chosen = d.Idle || c.Idle, c.Chosen
		}
		if d.Idle && d.Availability == Available && d.Activity == NoActivity {
			d.Activity = Inactive
		}
		devices[i] = d
	}
	return devices
}

// compare sorts the device that counts first.
func (d Device) compare(e Device) int {
	switch {
	case d.Reachable != e.Reachable && d.Reachable:
		return -1
	case d.Reachable != e.Reachable:
		return 1
	case d.Reachable && d.Priority != e.Priority:
		return cmp.Compare(e.Priority, d.Priority)
	}
	return e.Time.Compare(d.Time)
}

// foremost returns the claim that counts.
func foremost(claims []Claim, devices []Device, now time.Time) (f Claim, ok bool) {
	closed := map[string]bool{}
	for _, d := range devices {
		closed[d.ID] = !d.Reachable && d.ID != ""
	}
	live := make([]Claim, len(claims))
	var latest time.Time // choice
	for i, c := range claims {
		if live[i] = c.at(now); !closed[c.Device] && c.Chosen.Time.After(latest) {
			latest = c.Chosen.Time
		}
	}
	live = prefer(live, func(c Claim) bool { return !closed[c.Device] })
	live = prefer(live, func(c Claim) bool { return c.Source != FromChoice || !c.Chosen.Time.Before(latest) })
	live = prefer(live, func(c Claim) bool { return c.Availability == DoNotDisturb })
	live = prefer(live, func(c Claim) bool { return c.Activity == Call || c.Activity == Conference })
	if slices.ContainsFunc(live, func(c Claim) bool { return !c.deserted() && (c.Active || !c.Empty) }) {
		live = prefer(live, func(c Claim) bool { return !c.deserted() })
	}
	for _, c := range live {
		if !ok || c.Time.After(f.Time) || c.Time.Equal(f.Time) && f.Empty && !c.Empty {
			f, ok = c, true
		}
	}
	return f, ok
}

// at is what a claim says at now.
func (c Claim) at(now time.Time) Claim {
	if ended := !c.Until.IsZero() && !c.Until.After(now); ended || c.From.After(now) {
		c.Availability, c.Activity, c.Until, c.Source = Available, NoActivity, time.Time{}, NoSource
	}
	return c
}

// deserted says that the claim says no more than that nobody is there.
func (c Claim) deserted() bool {
	return c.Idle && (c.Availability == Away || c.Availability == Available)
}

// prefer returns those that suit, or all if none does.
func prefer(claims []Claim, suits func(Claim) bool) []Claim {
	var some []Claim
	for _, c := range claims {
		if suits(c) {
			some = append(some, c)
		}
	}
	if len(some) == 0 {
		return claims
	}
	return some
}
