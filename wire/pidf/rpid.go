package pidf

import (
	"slices"
	"strings"
	"time"
)

// Activities is what a person is doing (RFC 4480 §3.2).
type Activities struct {
	ID           string
	From, Until  time.Time // zero: not said
	Values       []string  // standard names such as "on-the-phone", in order; see IsActivity
	Other        string    // text of <other>; "other" is then among Values
	DoNotDisturb bool      // extension of ours beside "busy"; others ignore it
	Notes        []Note
}

// Has says whether the standard activity name is among a; a may be nil.
func (a *Activities) Has(name string) bool { return a != nil && slices.Contains(a.Values, name) }

func (a *Activities) empty() bool { return len(a.Values) == 0 && len(a.Notes) == 0 && !a.DoNotDisturb }

// IsActivity says whether name is one of the activities of RFC 4480 §3.2.
func IsActivity(name string) bool {
	switch name {
	case "appointment", "away", "breakfast", "busy", "dinner", "holiday", "in-transit",
		"looking-for-work", "lunch", "meal", "meeting", "on-the-phone", "other", "performance",
		"permanent-absence", "playing", "presentation", "shopping", "sleeping", "spectator",
		"steering", "travel", "tv", "unknown", "vacation", "working", "worship":
		return true
	}
	return false
}

// Input says when the user last touched a device (RFC 4480 §3.13).
type Input struct {
	State         string        // "active", "idle" or "" (not said)
	IdleThreshold time.Duration // zero: not said
	Since         time.Time     // last-input; zero: not said
}

func parseActivities(n *node) *Activities {
	a := &Activities{ID: n.attr("id"), From: parseTime(n.attr("from")), Until: parseTime(n.attr("until"))}
	for _, k := range n.kids {
		switch {
		case k.is(nsRPID, "note"):
			a.Notes = append(a.Notes, parseNote(k))
		case k.is(nsOurs, "do-not-disturb"):
			a.DoNotDisturb = true
		case k.space == nsRPID && IsActivity(k.local) && !a.Has(k.local):
			a.Values = append(a.Values, k.local)
			if k.local == "other" {
				a.Other = k.content()
			}
		}
	}
	return a
}

func (a *Activities) write(w *writer) { a.writeEach(w, w.leaf) }

// writeAhead is write for a time to come, with <rpid:busy></rpid:busy> for
// <rpid:busy/>: baresip 1.0 takes the latter for the present, wherever it is.
func (a *Activities) writeAhead(w *writer) { a.writeEach(w, w.pair) }

func (a *Activities) writeEach(w *writer, leaf func(name, text string, attrs ...string)) {
	w.open("rpid:activities", "id", a.ID, "from", formatTime(a.From), "until", formatTime(a.Until))
	for _, n := range a.Notes {
		n.write(w, "rpid:note")
	}
	for _, v := range a.Values {
		if !IsActivity(v) || v == "unknown" && len(a.Values) > 1 { // RFC 4480 §5: unknown stands alone
			continue
		}
		text := ""
		if v == "other" {
			text = a.Other
		}
		leaf("rpid:"+v, text)
	}
	if a.DoNotDisturb {
		leaf("x:do-not-disturb", "", "xmlns:x", nsOurs)
	}
	w.close()
}

func parseInput(n *node) Input {
	in := Input{Since: parseTime(n.attr("last-input"))}
	switch s := strings.ToLower(n.content()); s {
	case "active", "idle":
		in.State = s
	}
	in.IdleThreshold = parseSeconds(n.attr("idle-threshold"))
	return in
}

func (in Input) write(w *writer) {
	if in.State == "" {
		return
	}
	w.leaf("rpid:user-input", in.State, "idle-threshold", seconds(in.IdleThreshold), "last-input", formatTime(in.Since))
}
