package pidf

import "time"

// maxTimed is how many stretches of time are read of one tuple.
const maxTimed = 100

// Timed is the status for a stretch of time to come (RFC 4481 §3).
type Timed struct {
	From, Until time.Time // Until zero: not said
	Basic       Basic
	Activities  *Activities // nil: not said
}

func parseTimed(n *node) Timed {
	t := Timed{From: parseTime(n.attr("from")), Until: parseTime(n.attr("until"))}
	for _, k := range n.kids {
		switch {
		case k.is(nsTimed, "basic"), k.is(nsPIDF, "basic"): // the example of RFC 4480 has the first, some write the second
			t.Basic = parseBasic(k.content())
		case k.is(nsRPID, "activities"):
			t.Activities = parseActivities(k)
		}
	}
	return t
}

func (t Timed) write(w *writer) {
	w.open("ts:timed-status", "from", formatTime(t.From), "until", formatTime(t.Until))
	w.leafIf("ts:basic", string(t.Basic))
	if t.Activities != nil {
		t.Activities.writeAhead(w)
	}
	w.close()
}

// Origin says where a person's state comes from and what was chosen on the
// device that says so. It is an extension of ours in a person element; others
// ignore it.
type Origin struct {
	Source            string    // "choice", "calendar", "phone", "idle"; "": not said
	Chosen            string    // the word of what was chosen, "auto" for nothing; "": not said
	At, Until         time.Time // when that was chosen and when it ends; zero: not said
	NoteAt, NoteUntil time.Time // when the note was chosen, even if it is none, and when it ends; zero: not said
}

func parseOrigin(n *node) Origin {
	return Origin{Source: n.attr("source"), Chosen: n.attr("chosen"),
		At: parseTime(n.attr("at")), Until: parseTime(n.attr("until")), NoteAt: parseTime(n.attr("note-at")), NoteUntil: parseTime(n.attr("note-until"))}
}

func (o Origin) write(w *writer) {
	if o == (Origin{}) {
		return
	}
	w.leaf("x:state", "", "xmlns:x", nsOurs, "source", o.Source, "chosen", o.Chosen,
		"at", formatTime(o.At), "until", formatTime(o.Until), "note-at", formatTime(o.NoteAt), "note-until", formatTime(o.NoteUntil))
}
