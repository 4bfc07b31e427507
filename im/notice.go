package im

import (
	"fmt"
	"slices"
	"strings"
)

// speaker puts news of the members into words. Others read some of them, so the
// names are those that everybody may know.
type speaker struct {
	self string
	name func(user string) string
}

// notice is a line about the members.
type notice struct{ kind, text string }

// notices says what a line of from has brought; r is the roster after it.
func (p speaker) notices(from string, n news, r *roster) (all []notice) {
	add := func(kind, format string, args ...any) {
		all = append(all, notice{kind, fmt.Sprintf(format, args...)})
	}
	if slices.Contains(n.added, p.self) {
		who := slices.DeleteFunc(r.others(p.self), func(m string) bool { return m == from || slices.Contains(n.added, m) })
		with := ""
		if len(who) > 0 {
			with = " " + p.list(who, true) + are(len(who)) + " in it."
		}
		add(Joined, "%s added you%s.%s You see what is written from now on.", p.one(from), called(" to ", r.title), with)
		n.added = slices.DeleteFunc(slices.Clone(n.added), func(m string) bool { return m == p.self })
	}
	if len(n.added) > 0 {
		add(Joined, "%s", p.added(from, n.added))
	}
	if len(n.found) > 0 {
		add(Joined, "%s%s in this conversation too.", p.list(n.found, true), are(len(n.found)))
	}
	if n.left {
		add(Left, "%s", p.left(from))
	}
	if n.renamed {
		add(Renamed, "%s", p.renamed(from, r.title))
	}
	if n.full {
		add(Joined, "More people are in this conversation than the %d who can be: the others do not get what you write.", MaxMembers)
	}
	return all
}

// added says that somebody added others.
func (p speaker) added(from string, who []string) string {
	return p.one(from) + " added " + p.list(who, false) + "."
}

// says is what goes over the wire in words with a change of one's own.
func (p speaker) says(from string, n news, title string) string {
	switch {
	case n.left:
		return p.left(from)
	case n.renamed:
		return p.renamed(from, title)
	}
	return p.added(from, n.added)
}

func (p speaker) left(from string) string { return p.one(from) + " left the conversation." }

func (p speaker) renamed(from, title string) string {
	if title == "" {
		return p.one(from) + " took the title of the conversation away."
	}
	return p.one(from) + " named the conversation" + called(" ", title) + "."
}

// aside says that an answer reached nobody else.
func (p speaker) aside(from string) string {
	return p.one(from) + " answered you alone: the program there does not show who else is in this conversation. The others did not get the answer."
}

// blocked says that one does not read some of the members.
func (p speaker) blocked(who []string) string {
	return "You have blocked " + p.list(who, false) + ": you do not see what they write here, and they see what you write."
}

// to is the first line of what goes to a client that does not show members: who
// else gets it. Empty: nobody does.
func (p speaker) to(members []string, reader string) string {
	others := slices.DeleteFunc(slices.Clone(members), func(m string) bool { return m == reader || m == p.self })
	if len(others) == 0 {
		return ""
	}
	return "To: " + p.list(others, true)
}

func called(before, title string) string {
	if title == "" {
		return ""
	}
	return before + "“" + title + "”"
}

func are(n int) string {
	if n == 1 {
		return " is"
	}
	return " are"
}

// one is the name of one person.
func (p speaker) one(user string) string {
	if p.name != nil {
		if name := p.name(user); name != "" {
			return name
		}
	}
	return user
}

// most is how many people are named before "and N others".
const most = 4

// list names several people; short: not all, if they are many.
func (p speaker) list(users []string, short bool) string {
	var names []string
	for i, u := range users {
		if short && len(users) > most && i == most-1 || i == 10*most {
			names = append(names, fmt.Sprintf("%d others", len(users)-i))
			break
		}
		names = append(names, p.one(u))
	}
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
