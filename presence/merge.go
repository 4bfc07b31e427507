package presence

import "time"

// Device is one way to reach a person, as the client on it says.
type Device struct {
	Reachable bool
	Priority  float64   // 0 to 1, the highest is preferred; -1: not said
	Time      time.Time // when that was said; zero: not said
	Note      string
	Idle      bool // its user has not touched it for a while
}

// Claim is what one client says its person is doing. A person with several
// clients comes with several claims where the server only adds them up.
type Claim struct {
	Availability Availability
	Activity     Activity
	Note         string
	From, Until  time.Time // when it begins and ends; zero: not said
	Time         time.Time // when that was said; zero: not said
	Idle         bool
	Empty        bool // it says nothing: what it implies counts only if nobody says anything
}

// Merge makes one state of everything that is said about a person at now:
//
//   - he can be reached if one device can; without any he is offline, with his note;
//   - of the claims the newest counts; one without a time counts less than any
//     with one, and an empty one less than one that says something at the same time;
//   - of a claim that has ended, or has not begun, only its note is left;
//   - the note is that of the claim, else that of the device: the reachable
//     one of highest priority, the newest among equals;
//   - available, but idle on the device that counts, is inactive.
func Merge(devices []Device, claims []Claim, now time.Time) State {
	s := State{Availability: Offline, Seen: now}
	device, _ := best(devices)
	claim, claimed := newest(claims, now)
	s.Since, s.Note = device.Time, device.Note
	if claimed && !claim.Time.IsZero() {
		s.Since = claim.Time
	}
	if claim.Note != "" {
		s.Note = claim.Note
	}
	if !device.Reachable {
		return s
	}
	s.Availability = Available
	if claimed {
		s.Availability, s.Activity, s.Until = claim.Availability, claim.Activity, claim.Until
	}
	if (device.Idle || claim.Idle) && s.Availability == Available && s.Activity == NoActivity {
		s.Activity = Inactive
	}
	return s
}

// best returns the device that counts.
func best(devices []Device) (b Device, ok bool) {
	for _, d := range devices {
		if !ok || d.before(b) {
			b, ok = d, true
		}
	}
	return b, ok
}

func (d Device) before(e Device) bool {
	switch {
	case d.Reachable != e.Reachable:
		return d.Reachable
	case d.Reachable && d.Priority != e.Priority:
		return d.Priority > e.Priority
	}
	return d.Time.After(e.Time)
}

// newest returns the claim that counts.
func newest(claims []Claim, now time.Time) (n Claim, ok bool) {
	for _, c := range claims {
		if ended := !c.Until.IsZero() && !c.Until.After(now); ended || c.From.After(now) {
			c.Availability, c.Activity, c.Until = Available, NoActivity, time.Time{}
		}
		if !ok || c.Time.After(n.Time) || c.Time.Equal(n.Time) && n.Empty && !c.Empty {
			n, ok = c, true
		}
	}
	return n, ok
}
