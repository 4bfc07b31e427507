package view

import (
	"strconv"
	"time"

	"communicator/im"
	"communicator/plain"
	"communicator/session"
)

// Asking is a stranger who waits in the box of requests.
type Asking struct {
	With    string // key of the conversation
	Who     string
	Address string   // empty: it is Who
	Outside string   // mark beside the name; empty: a colleague
	Lines   []string // the first of them, each cut short
	Count   string   // "3 messages"; empty for one
	When    string
}

// How much of what a stranger wrote stands in the box.
const (
	askingLines = 5   // messages
	askingText  = 500 // characters of each
)

// Requests are the rows of the box.
func Requests(all []session.Request, names Names, now time.Time) []Asking {
	rows := make([]Asking, 0, len(all))
	for _, r := range all {
		a := Asking{With: r.With, Who: names.Of(r.From), Address: r.From, Outside: OutsideMark(r.Outside)}
		if a.Who == a.Address { // no name is known
			a.Address = ""
		}
		first := r.Lines[0]
		for _, m := range r.Lines[:min(len(r.Lines), askingLines)] {
			a.Lines = append(a.Lines, plain.Cut(plain.Line(m.Text), askingText))
		}
		a.When = joined(Day(first.Time, now), first.Time.Local().Format("15:04"))
		if n := len(r.Lines); n > 1 {
			a.Count = say("{{.N}} messages", "N", strconv.Itoa(n))
		}
		rows = append(rows, a)
	}
	return rows
}

// RequestsLine is the quiet line above the contact list; empty: nobody waits.
func RequestsLine(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return say("Somebody you do not know has written")
	}
	return say("{{.N}} people you do not know have written", "N", strconv.Itoa(n))
}

// OutsideMark is what stands beside the name of somebody of another
// organisation; empty for others.
func OutsideMark(outside bool) string {
	if !outside {
		return ""
	}
	return say("outside your organisation")
}

// TooMuch says that somebody writes more than is taken.
func TooMuch(e im.TooMuch, names Names) Problem {
	return Problem{
		What:   say("{{.Name}} writes too much.", "Name", names.Of(e.From)),
		Why:    say("More than is taken of one person has come, and the rest is refused for now."),
		Remedy: say("If a program has gone wild, tell its owner, or block it."),
	}
}
