package im

import (
	"slices"
	"strings"

	"communicator/address"
	"communicator/plain"

	"github.com/google/uuid"
)

// Limits on a shared conversation.
const (
	MaxMembers = 500 // oneself included
	maxTitle   = 80  // characters
	maxID      = 100 // bytes
)

// Kinds of Message.Notice.
const (
	Joined  = "joined"  // people came into the conversation, or were found to be in it
	Left    = "left"    // somebody left by himself; nobody can put another out
	Renamed = "renamed" // the conversation has another title
	Blocked = "blocked" // somebody whom one has blocked is in it: he is read by the others, not by me
	Aside   = "aside"   // a member who does not see the others has answered me alone
)

// roster is who is in a shared conversation as far as this client has heard, and
// the rules by which that changes. There is no server that knows better: what
// everybody has heard of is joined, and nobody is put out by who has not heard.
// It is pure.
type roster struct {
	id, title string
	in        []string // in the order of joining; oneself too, while one is in it
	gone      []string // who left by themselves
	frozen    []string // in, as it was when lines last took it; they share it
}

// said is what a line says of the members.
type said struct {
	from   string
	id     string   // which conversation; empty: a server made the list
	title  string   //
	list   []string // everybody, also the one who wrote it, unless he leaves
	added  []string // of list: are in it from this line on
	notice string   // Joined, Left, Renamed: the text only says so for people; empty: somebody wrote something
	words  bool     // it was in words, for any client, so it may lack some people, also who wrote it
}

// news is what somebody has to be told after a line came.
type news struct {
	added   []string // whom its writer added
	found   []string // who is in it, as one did not know
	left    bool     // its writer
	renamed bool
	full    bool // more people than can be in one conversation: the rest is left out
}

// any says whether anything has changed.
func (n news) any() bool {
	return len(n.added) > 0 || len(n.found) > 0 || n.left || n.renamed
}

// clean brings what came from the network into the form that the rules want.
func (s said) clean() said {
	s.id = plain.Cut(plain.Line(s.id), maxID)
	s.title = plain.Cut(plain.Line(s.title), maxTitle)
	s.list, s.added = each(s.list), each(s.added)
	if !slices.Contains([]string{Joined, Left, Renamed}, s.notice) {
		s.notice = ""
	}
	if s.words {
		return s
	}
	if len(s.added) == 0 && s.notice == Joined || slices.Contains(s.list, s.from) && s.notice == Left {
		s.notice = "" // it does not say what it claims to say
	}
	return s
}

// each brings addresses into the form of keys, each once; what is none is left out.
func each(addresses []string) (all []string) {
	seen := map[string]bool{}
	for _, a := range addresses {
		if a, err := address.Canonical(a); err == nil && !seen[a] {
			seen[a] = true
			all = append(all, a)
		}
	}
	return all
}

// named gives a list without a name the name of its members: the same people are
// the same conversation, at all their clients.
func (s said) named(self string) said {
	if s.id != "" {
		return s
	}
	s.list = each(slices.Concat(s.list, []string{s.from, self}))
	s.id = idOf(strings.Join(slices.Sorted(slices.Values(s.list)), ","))
	return s
}

// strange gives a line of somebody who is no member a conversation of its own,
// the same for all lines of his: to know a name does not let anybody in.
func (s said) strange() said {
	s.id = idOf(s.from + " " + s.id)
	return s
}

// idOf makes a name of a conversation out of words.
func idOf(words string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("communicator:"+words)).String()
}

// begin makes the roster that the first line of a conversation tells of.
func begin(s said, self string) (*roster, news) {
	r := &roster{id: s.id, title: s.title}
	var n news
	everybody := slices.Clone(s.list)
	if s.notice != Left {
		everybody = append(everybody, s.from)
	}
	r.in = each(append(everybody, self)) // who got it is in it, also who was not named
	if n.full = len(r.in) > MaxMembers; n.full {
		if r.in = r.in[:MaxMembers]; !slices.Contains(r.in, self) {
			r.in[MaxMembers-1] = self
		}
	}
	if slices.Contains(s.added, self) || s.words && s.notice == Joined {
		n.added = []string{self}
	}
	return r, n
}

// admit puts somebody in; false: it is full.
func (r *roster) admit(who string) bool {
	switch {
	case slices.Contains(r.in, who):
	case len(r.in) >= MaxMembers:
		return false
	default:
		r.in = append(r.in, who)
		r.gone = slices.DeleteFunc(r.gone, func(g string) bool { return g == who })
	}
	return true
}

// knows says whether lines of somebody enter: those of members, and of who was one.
func (r *roster) knows(who string) bool {
	return slices.Contains(r.in, who) || slices.Contains(r.gone, who)
}

// hear takes what a line of somebody who is known says.
//   - Everybody on its list is in, for its writer may have heard of more people
//     than we have; two who add somebody at the same moment both count.
//   - Who left stays out, for its writer may not have heard of that, until he
//     writes himself or is added anew.
//   - The title changes by a line that says so, not by one that has the old title.
func (r *roster) hear(s said) (n news) {
	list := s.list
	if s.words && s.notice != Left {
		list = append(slices.Clone(list), s.from)
	}
	for _, m := range list {
		anew := slices.Contains(s.added, m) || m == s.from
		if slices.Contains(r.in, m) || slices.Contains(r.gone, m) && !anew {
			continue
		}
		switch {
		case !r.admit(m):
			n.full = true
		case m != s.from && (anew || s.words && s.notice == Joined):
			n.added = append(n.added, m)
		default:
			n.found = append(n.found, m)
		}
	}
	if s.notice == Left {
		n.left = r.leave(s.from)
	}
	if s.notice == Renamed && s.title != r.title {
		r.title, n.renamed = s.title, true
	}
	return n
}

// leave puts somebody out who wants it himself; false: he is out.
func (r *roster) leave(who string) bool {
	i := slices.Index(r.in, who)
	if i < 0 {
		return false
	}
	r.in = slices.Delete(r.in, i, i+1)
	r.gone = append(r.gone, who)
	if len(r.gone) > MaxMembers {
		r.gone = r.gone[1:]
	}
	return true
}

// others are all members but self.
func (r *roster) others(self string) []string {
	return slices.DeleteFunc(slices.Clone(r.in), func(m string) bool { return m == self })
}

// group is the roster as it goes with a line. Lines between two changes share
// their members.
func (r *roster) group() *Group {
	if !slices.Equal(r.frozen, r.in) {
		r.frozen = slices.Clone(r.in)
	}
	return &Group{ID: r.id, Title: r.title, Members: r.frozen}
}

// copy is a roster of its own with the same people.
func (r *roster) copy() roster {
	return roster{r.id, r.title, slices.Clone(r.in), slices.Clone(r.gone), r.group().Members}
}
