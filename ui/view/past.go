package view

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"communicator/history"
	"communicator/plain"
)

// Past is one row of what is in the history: a conversation with its last line,
// or a line that was searched for.
type Past struct {
	With  string // key of the conversation
	Title string
	Text  string // of the line, cut short, with its writer
	When  string
	At    time.Time
	Mark  string // "3 unread"

	Called  string   // of a conversation that everyone sees: its title
	Members []string // of the same
}

// Talks are the rows of conversations, as they come.
func Talks(talks []history.Talk, self string, names Names, now time.Time) []Past {
	var rows []Past
	for _, t := range talks {
		row := pastLine(t.Last, self, names, now)
		row.With, row.Title = t.With, pastTitle(t.With, t.Title, t.Members, self, names)
		row.Called, row.Members = t.Title, t.Members
		if t.Unread > 0 {
			row.Mark = say("{{.N}} unread", "N", strconv.Itoa(t.Unread))
		}
		rows = append(rows, row)
	}
	return rows
}

// Found are the rows of lines that were searched for, the newest first. One to
// several people separately leads to the conversation with the first of them.
func Found(entries []history.Entry, self string, names Names, now time.Time) []Past {
	var rows []Past
	for _, e := range slices.Backward(entries) {
		row := pastLine(e, self, names, now)
		if row.With = e.With; row.With == "" && len(e.To) > 0 {
			row.With = e.To[0].To
		}
		row.Called, row.Members = e.Title, e.Members
		row.Title = pastTitle(row.With, e.Title, e.Members, self, names)
		rows = append(rows, row)
	}
	return rows
}

func pastLine(e history.Entry, self string, names Names, now time.Time) Past {
	who := names.Of(e.From)
	if e.Own || e.From == self {
		who = say("You")
	}
	when := e.Time.Local()
	return Past{Text: who + ": " + plain.Cut(plain.Line(e.Text), glimpse), At: e.Time, When: Day(when, now) + ", " + when.Format("15:04")}
}

// glimpse is how much of a text stands in one line, in characters.
const glimpse = 80

func pastTitle(with, title string, members []string, self string, names Names) string {
	if title != "" {
		return title
	}
	if len(members) == 0 {
		members = strings.Split(with, ",")
	}
	const listed = 3
	var all []string
	for _, m := range members {
		if m != self {
			all = append(all, names.Of(m))
		}
	}
	if more := len(all) - listed; more > 0 {
		return strings.Join(all[:listed], ", ") + " " + say("and {{.N}} more", "N", strconv.Itoa(more))
	}
	return strings.Join(all, ", ")
}
