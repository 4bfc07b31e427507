package view

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"communicator/contacts"
	"communicator/directory"
	"communicator/directory/addressbook"
	"communicator/presence"
	"communicator/session"
)

// FindLimit is how many results are shown; more words make them fewer.
const FindLimit = 200

// Search is what a search gave.
type Search struct {
	Text  string
	Found session.Found
	Book  addressbook.State // of the copy that was searched
	State func(user string) presence.State
	Now   time.Time
	Busy  bool  // the directory has not answered yet
	Err   error // why it did not
}

// Rows are the results in two sections: contacts first, then the address book.
func (f Search) Rows() []Row {
	var mine, others []Row
	for _, h := range f.Found.Hits {
		if h.Source == "contact" {
			mine = append(mine, f.hit(h))
		} else {
			others = append(others, f.hit(h))
		}
	}
	var rows []Row
	section := func(name, count string, found []Row) {
		if len(found) > 0 {
			rows = append(rows, Row{Kind: SectionRow, Key: name, Group: name, Count: count})
			rows = append(rows, found...)
		}
	}
	section(say("My contacts"), strconv.Itoa(len(mine)), mine)
	section(say("Address book"), f.count(len(others)), others)
	for _, hint := range f.hints(len(mine) + len(others)) {
		rows = append(rows, Row{Kind: HintRow, Key: hint, Note: hint})
	}
	return rows
}

// count says how many of the address book show: "3 of 41", "1 so far".
func (f Search) count(shown int) string {
	total := f.Found.Total - f.Found.Mine
	switch {
	case f.Book.Filling:
		return say("{{.N}} so far", "N", strconv.Itoa(shown))
	case total > shown:
		return say("{{.N}} of {{.Total}}", "N", strconv.Itoa(shown), "Total", Grouped(total))
	}
	return strconv.Itoa(shown)
}

// hints are what is to be said below the results.
func (f Search) hints(found int) []string {
	var hints []string
	switch {
	case f.Busy:
		hints = append(hints, say("Searching the address book…"))
	case f.Err != nil:
		hints = append(hints, Explain(say("The address book could not be searched."), f.Err).String())
	case found == 0 && f.Book.Entries > 0 && !f.Book.Filling:
		hints = append(hints, say("Nobody called ‘{{.Text}}’ in {{.N}} entries.", "Text", f.Text, "N", Grouped(f.Book.Entries)))
	case found == 0:
		hints = append(hints, say("Nobody called ‘{{.Text}}’ was found.", "Text", f.Text))
	case f.Found.Total > found:
		hints = append(hints, say("There are {{.N}} more: type another letter.", "N", Grouped(f.Found.Total-found)))
	}
	if f.Book.Filling {
		hints = append(hints, Filling(f.Book)+" — "+say("results may be incomplete"))
	}
	if _, is := Address(f.Text); is && found == 0 {
		hints = append(hints, say("Return writes to that address."))
	}
	return hints
}

// Filling says how far the address book has been read: "Address book 62 %".
func Filling(b addressbook.State) string {
	if b.Total > 0 {
		return say("Address book {{.N}} %", "N", strconv.Itoa(min(100*b.Read/b.Total, 100)))
	}
	return say("Address book: {{.N}} people so far", "N", Grouped(b.Read))
}

// Reading says how far the address book has been read, for the status line:
// "Address book: 62,400 of 100,214".
func Reading(b addressbook.State) string {
	if b.Total > 0 {
		return say("Address book: {{.N}} of {{.Total}}", "N", Grouped(b.Read), "Total", Grouped(b.Total))
	}
	return say("Address book: {{.N}} people so far", "N", Grouped(b.Read))
}

// Grouped is a number with a comma between thousands.
func Grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func (f Search) hit(h session.Hit) Row {
	s := f.State(h.User)
	name := NameOf(contacts.Contact{User: h.User, Name: h.Name})
	r := Row{
		Kind: PersonRow, Key: h.Source + "\x00" + h.User + h.DN, User: h.User, Name: name, Match: match(name, f.Text),
		Face: Face(s), Words: Words(s, f.Now), Note: f.detail(h),
	}
	if h.User == "" {
		r.Words = say("no address")
	}
	return r
}

// detail is where a person works and their first number.
func (f Search) detail(h session.Hit) string {
	place := h.Department
	if h.Office != "" {
		if place != "" {
			place += ", "
		}
		place += h.Office
	}
	if place == "" {
		place = h.Title
	}
	number := ""
	if len(h.Numbers) > 0 {
		number = h.Numbers[0].Number
	}
	return joined(place, number)
}

// match finds where the first word of what was searched begins a word of name;
// an empty range when it does not.
func match(name, text string) [2]int {
	words := strings.Fields(text)
	if len(words) == 0 {
		return [2]int{}
	}
	want := []rune(strings.ToLower(words[0]))
	begins := true
	for at, r := range name {
		if begins && hasPrefixFold(name[at:], want) {
			return [2]int{at, at + runesLen(name[at:], len(want))}
		}
		begins = !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}
	return [2]int{}
}

func hasPrefixFold(s string, want []rune) bool {
	i := 0
	for _, r := range s {
		if i == len(want) {
			return true
		}
		if unicode.ToLower(r) != want[i] {
			return false
		}
		i++
	}
	return i == len(want)
}

// runesLen is the length in bytes of the first n runes of s.
func runesLen(s string, n int) int {
	for at := range s {
		if n == 0 {
			return at
		}
		n--
	}
	return len(s)
}

// Address returns the address that a text is, so that somebody unknown can be
// messaged, and whether it is one.
func Address(text string) (string, bool) {
	if !strings.Contains(text, "@") {
		return "", false
	}
	user, err := contacts.Canonical(text)
	return user, err == nil
}

// InList finds people on the contact list whose name or address has a word
// that begins with each word of text: at once, before the directory answers.
func InList(l contacts.List, text string) []session.Hit {
	words := strings.Fields(strings.ToLower(text))
	var hits []session.Hit
	seen := map[string]bool{}
	for _, g := range l.Groups {
		for _, c := range g.Members {
			if !seen[c.User] && matchesAll(c, words) {
				seen[c.User] = true
				hits = append(hits, session.Hit{Person: directory.Person{User: c.User, Name: c.Name}, Source: "contact"})
			}
		}
	}
	return hits
}

func matchesAll(c contacts.Contact, words []string) bool {
	for _, w := range words {
		if m := match(c.Name, w); m[0] == m[1] && !strings.HasPrefix(strings.ToLower(c.User), w) {
			return false
		}
	}
	return len(words) > 0
}

// Dotted puts a middle dot between the parts that are not empty.
func Dotted(parts ...string) string { return joined(parts...) }

// NumberKind names a kind of telephone number.
func NumberKind(kind string) string {
	switch kind {
	case "work":
		return say("Work")
	case "mobile":
		return say("Mobile")
	case "home":
		return say("Home")
	default:
		return say("Other number")
	}
}
