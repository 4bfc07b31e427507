package view

import (
	"strconv"
	"strings"
	"time"

	"communicator/contacts"
)

// Told says what has been done, in a title and a line.
type Told struct{ Title, Text string }

// Restored says which version of the contact list is the list now.
func Restored(at time.Time, people int) Told {
	return Told{say("The last change was taken back"), say("The list is that of {{.Time}}, with {{.N}} people.", "Time", Clock(at, time.Now()), "N", strconv.Itoa(people))}
}

// Imported says what became of the rows of a file; of what was refused the
// first is named.
func Imported(rows []contacts.Outcome) Told {
	added, there, first := 0, 0, ""
	refused := 0
	for _, r := range rows {
		switch r.Result {
		case contacts.Added:
			added++
		case contacts.Refused:
			if refused++; refused == 1 {
				first = say("line {{.Line}}: {{.Why}}", "Line", strconv.Itoa(r.Line), "Why", r.Why)
			}
		default:
			there++
		}
	}
	t := Told{Title: say("{{.N}} people were added to the list", "N", strconv.Itoa(added))}
	parts := []string{}
	if there > 0 {
		parts = append(parts, say("{{.N}} were there already", "N", strconv.Itoa(there)))
	}
	if refused > 0 {
		parts = append(parts, say("{{.N}} could not be added", "N", strconv.Itoa(refused)), first)
	}
	t.Text = strings.Join(parts, " · ")
	return t
}

// Doubted asks what to do about a list that has shrunk on the server.
func Doubted(d contacts.Doubt) Told {
	text := say("You had {{.Before}} people there, now {{.Now}}. Nothing is lost: your list is shown as it was.",
		"Before", strconv.Itoa(d.Before), "Now", strconv.Itoa(d.Now))
	if d.Now == 0 {
		return Told{say("Your contact list on the server is empty"), text}
	}
	return Told{say("Your contact list on the server has shrunk"), text}
}

// AccessChoice is one line of the menu of what somebody gets.
type AccessChoice struct {
	Words  string
	Access contacts.Access
}

// Accesses are the choices of what somebody gets of one's own state.
func Accesses() []AccessChoice {
	return []AccessChoice{
		{say("Everything"), contacts.Allow},
		{say("Whether I can be reached"), contacts.Limited},
		{say("Appear offline to them"), contacts.Polite},
		{say("Block"), contacts.Block},
		{say("Not decided"), contacts.Undecided},
	}
}
