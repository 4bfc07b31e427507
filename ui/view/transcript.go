package view

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/bidi"

	"communicator/im"
	"communicator/plain"
)

// together is how long a silence ends a group of messages of one sender.
const together = 5 * time.Minute

// Mark of one's own message: what is known about its delivery. Never a tick
// before a final answer.
type Mark string

const (
	NoMark  Mark = ""
	Pending Mark = "…"
	Ticked  Mark = "✓"
	Seen    Mark = "✓✓" // everybody's program says that it was shown
	Trouble Mark = "⚠"
)

// Entry is one message of a transcript.
type Entry struct {
	ID    string
	Day   string // a day line stands above it
	Head  bool   // first of its group: who and when stand above it
	Who   string
	From  string // address
	Time  string
	Mine  bool
	Text  string
	Mark  Mark
	Words string // what Mark means; for Trouble a whole sentence
	Below bool   // Words stand under it
	Retry bool   // failed for somebody, so it can be sent again
	Inert bool   // its links cannot be followed

	Notice bool   // tells of the members; nobody wrote it
	Edit   string // as typed, to be changed and sent anew: a filter took offence at it; empty: it did not
}

// Transcript makes the entries of a conversation. self is one's own address.
func Transcript(messages []im.Message, self string, names Names, now time.Time) []Entry {
	entries := make([]Entry, 0, len(messages))
	var last im.Message
	mine := -1 // the last own one
	for _, m := range messages {
		e := Entry{ID: m.ID, From: m.From, Mine: m.From == self, Text: m.Text, Time: m.Time.Local().Format("15:04"), Inert: m.Request}
		e.Who = names.Of(m.From)
		e.Notice = m.Notice != ""
		if e.Mine {
			e.Who = say("You")
			e.Mark, e.Words, e.Retry = Delivery(m.Delivered, names)
			e.Below = e.Mark == Pending && waits(m.Delivered) || keptByServer(m.Delivered)
			mine = len(entries)
			if blocked(m.Delivered) {
				e.Edit = cmp.Or(m.Raw, m.Text)
			}
		}
		first := last.ID == ""
		if first || !sameDay(last.Time.Local(), m.Time.Local()) {
			e.Day = Day(m.Time, now)
		}
		e.Head = !e.Notice && (first || e.Day != "" || last.From != m.From || last.Notice != "" || m.Time.Sub(last.Time) > together)
		if m.Stored {
			e.Words, e.Below = say("sent while you were away"), true
			e.Head = true
		}
		if shown, hidden := shorten(m.Text); hidden > 0 {
			e.Text = shown
			if !e.Mine {
				e.Words, e.Below = joined(e.Words, say("{{.N}} more characters: copy the conversation to read them", "N", strconv.Itoa(hidden))), true
			}
		}
		entries, last = append(entries, e), m
	}
	if mine >= 0 {
		entries[mine].Below = entries[mine].Mark != Pending || entries[mine].Below
	}
	return entries
}

// What is drawn of one message at most; more would hold the window up.
const (
	shownCharacters = 4000
	shownLines      = 120
)

// shorten cuts a very long text and says how many characters are missing.
func shorten(text string) (shown string, hidden int) {
	characters, lines := 0, 0
	for at, r := range text {
		if characters++; r == '\n' {
			lines++
		}
		if characters > shownCharacters || lines >= shownLines {
			return text[:at] + "…", utf8.RuneCountInString(text[at:])
		}
	}
	return text, 0
}

// Plain is a whole conversation as text, for the clipboard.
func Plain(messages []im.Message, self string, names Names, now time.Time) string {
	var b strings.Builder
	for i, e := range Transcript(messages, self, names, now) {
		if e.Day != "" {
			b.WriteString(e.Day + "\n")
		}
		b.WriteString(e.Time + " " + e.Who + ": " + messages[i].Text + "\n")
	}
	return b.String()
}

// Typing says who is writing; empty: nobody.
func Typing(who []string, names Names) string {
	switch len(who) {
	case 0:
		return ""
	case 1:
		return say("{{.Name}} is typing…", "Name", names.Of(who[0]))
	}
	return say("{{.N}} people are typing…", "N", strconv.Itoa(len(who)))
}

// Glimpse is the beginning of a text in one line.
func Glimpse(text string) string { return plain.Cut(plain.Line(text), glimpse) }

// Delivery sums up where a message stands at all its recipients. It is never
// better than at the one who is worst off.
func Delivery(ds []im.Delivery, names Names) (m Mark, words string, retry bool) {
	n := map[im.State]int{}
	var failed []string
	for _, d := range ds {
		n[d.State]++
		if d.State == im.Failed {
			failed = append(failed, failure(d, names, len(ds) > 1))
			retry = retry || !d.Blocked
		}
	}
	switch {
	case len(failed) > 0:
		return Trouble, say("Not delivered: {{.Why}}", "Why", strings.Join(failed, "; ")), retry || n[im.Unknown] > 0
	case n[im.Unknown] > 0:
		return Trouble, say("No final answer: it may or may not have arrived."), true
	case n[im.Sending] > 0 && len(ds) > 2:
		return Pending, say("sending: {{.N}} of {{.M}} done", "N", strconv.Itoa(len(ds)-n[im.Sending]), "M", strconv.Itoa(len(ds))), false
	case n[im.Sending] > 0 || len(ds) == 0:
		return Pending, say("sending"), false
	case n[im.Queued] > 0:
		return Pending, say("waits here until you are connected"), false
	case n[im.Read] == len(ds):
		return Seen, say("read"), false
	}
	return Ticked, joined(arrived(n, len(ds)), alone(ds, names)), false
}

// alone says who got a message to everybody as if it were to them alone.
func alone(ds []im.Delivery, names Names) string {
	var who []string
	for _, d := range ds {
		if d.Plain {
			who = append(who, names.Of(d.To))
		}
	}
	switch len(who) {
	case 0:
		return ""
	case 1, 2:
		return say("{{.Name}} does not see the others", "Name", strings.Join(who, ", "))
	}
	return say("{{.N}} do not see the others", "N", strconv.Itoa(len(who)))
}

// arrived says how far a message got that has reached all its recipients, or
// servers that keep it for them.
func arrived(n map[im.State]int, all int) string {
	switch {
	case n[im.Accepted] == all:
		return say("kept by the server until they sign in")
	case n[im.Delivered] == all:
		return say("delivered")
	}
	var parts []string
	if read := n[im.Read]; read > 0 {
		parts = append(parts, say("read by {{.N}}", "N", strconv.Itoa(read)))
	}
	if delivered := n[im.Delivered]; delivered > 0 {
		parts = append(parts, say("delivered to {{.N}}", "N", strconv.Itoa(delivered)))
	}
	if kept := n[im.Accepted]; kept > 0 {
		parts = append(parts, say("kept by the server for {{.N}}", "N", strconv.Itoa(kept)))
	}
	return strings.Join(parts, ", ")
}

// waits says that something is worth telling while it is still on its way.
func waits(ds []im.Delivery) bool {
	return len(ds) > 2 || slices.ContainsFunc(ds, func(d im.Delivery) bool { return d.State == im.Queued })
}

// Company says who is in a conversation of several.
func Company(shared bool, members []string, names Names) string {
	if !shared {
		return say("each gets it separately")
	}
	const listed = 4
	var all []string
	for _, m := range members[:min(len(members), listed)] {
		all = append(all, names.Of(m))
	}
	who := strings.Join(all, ", ")
	if more := len(members) - listed; more > 0 {
		who += " " + say("and {{.N}} more", "N", strconv.Itoa(more))
	}
	return who
}

func blocked(ds []im.Delivery) bool {
	return slices.ContainsFunc(ds, func(d im.Delivery) bool { return d.Blocked })
}

func keptByServer(ds []im.Delivery) bool {
	return slices.ContainsFunc(ds, func(d im.Delivery) bool { return d.State == im.Accepted })
}

// failure says why one recipient did not get it.
func failure(d im.Delivery, names Names, several bool) string {
	why := Reason(d)
	if several {
		return say("{{.Name}}: {{.Why}}", "Name", names.Of(d.To), "Why", why)
	}
	return why
}

// Reason says in words why a delivery is not as wished; empty for the others.
func Reason(d im.Delivery) string {
	switch d.State {
	case im.Unknown:
		return say("no answer after {{.Time}}", "Time", Span(d.Took))
	case im.Failed:
	default:
		return ""
	}
	if d.Blocked {
		return say("blocked by your organisation: {{.Why}}", "Why", d.Reason)
	}
	code := strconv.Itoa(d.Code)
	switch d.Code {
	case 0:
		if d.Reason != "" {
			return d.Reason
		}
		return say("not sent")
	case 404, 604:
		return say("address unknown ({{.Code}})", "Code", code)
	case 480, 410:
		return say("not signed in ({{.Code}})", "Code", code)
	case 486, 600:
		return say("refused, busy ({{.Code}})", "Code", code)
	case 403, 603:
		return say("refused ({{.Code}} {{.Why}})", "Code", code, "Why", d.Reason)
	case 408:
		return say("no answer from their computer ({{.Code}})", "Code", code)
	}
	return say("{{.Why}} ({{.Code}})", "Code", code, "Why", d.Reason)
}

// Initials are for a person's monogram: "BB" for Bruno Berg.
func Initials(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return r == ' ' || r == '.' || r == '@' || r == '-' || r == '_' })
	first := func(s string) string {
		for _, r := range s {
			return strings.ToUpper(string(r))
		}
		return ""
	}
	switch len(words) {
	case 0:
		return "?"
	case 1:
		return first(words[0])
	default:
		if strings.Contains(name, "@") {
			return first(words[0]) // an address: the rest is the domain
		}
		return first(words[0]) + first(words[len(words)-1])
	}
}

// RightToLeft says whether the first letter with a direction is written from
// right to left; such a message stands at the right of its bubble.
func RightToLeft(text string) bool {
	for _, r := range text {
		switch p, _ := bidi.LookupRune(r); p.Class() {
		case bidi.L:
			return false
		case bidi.R, bidi.AL:
			return true
		}
	}
	return false
}
