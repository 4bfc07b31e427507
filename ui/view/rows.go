package view

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"communicator/contacts"
	"communicator/presence"
)

// Kind of a Row.
type Kind int

const (
	GroupRow   Kind = iota // a group of the contact list
	PersonRow              // a person in it, or found
	SectionRow             // a part of the find results
	HintRow                // one sentence, e.g. that there are more results
)

// Row is one line of the contact list or of the find results.
type Row struct {
	Kind  Kind
	Key   string // the same line has the same key after a change
	Group string // the group it is or belongs to
	Org   bool   // the group comes from the organisation chart
	Fold  bool   // the group is folded
	Count string // "3/5"; "–/5" when not known

	User  string
	Name  string
	Match [2]int // the part of Name that was searched for, in bytes; empty if equal
	Face  string // icon of the state
	Words string // the state
	Note  string // second line; may be empty
	Tight bool   // a compact list: less high
}

// Order of the people within a group.
type Order int

const (
	ByName Order = iota
	ByAvailability
)

// Book is the contact list as the user has arranged it.
type Book struct {
	List      contacts.List
	State     func(user string) presence.State
	Blocked   func(user string) bool // whom one hides from; nil: nobody
	Connected bool                   // false: nobody's state is known
	Folded    map[string]bool        // groups that show only their header
	Order     Order
	Compact   bool // no second lines
	Now       time.Time
}

// Rows flattens the list: each group, and below it its people unless folded.
func (b Book) Rows() []Row {
	var rows []Row
	for _, g := range b.List.Groups {
		members := b.members(g)
		online := 0
		for _, m := range members {
			if m.state.Reachable() {
				online++
			}
		}
		rows = append(rows, Row{
			Kind: GroupRow, Key: g.Name, Group: g.Name, Org: g.Source == contacts.Org,
			Fold: b.Folded[g.Name], Count: count(online, len(members), b.Connected),
		})
		if b.Folded[g.Name] {
			continue
		}
		for _, m := range members {
			rows = append(rows, b.person(g.Name, m))
		}
	}
	return rows
}

type member struct {
	contacts.Contact
	state presence.State
}

// members are a group's people with their states, in order.
func (b Book) members(g contacts.Group) []member {
	members := make([]member, len(g.Members))
	for i, c := range g.Members {
		s := b.State(c.User)
		s.Old = s.Old || !b.Connected
		members[i] = member{c, s}
	}
	if b.Order == ByAvailability {
		slices.SortStableFunc(members, func(x, y member) int { return cmp.Compare(rank(x.state), rank(y.state)) })
	}
	return members
}

func (b Book) person(group string, m member) Row {
	r := Row{
		Kind: PersonRow, Key: group + "\x00" + m.User, Group: group, User: m.User, Name: NameOf(m.Contact),
		Face: Face(m.state), Words: Words(m.state, b.Now), Tight: b.Compact,
	}
	if b.Blocked != nil && b.Blocked(m.User) {
		r.Face, r.Words = "blocked", say("Blocked")
	}
	if !b.Compact {
		r.Note = Note(m.state, b.Now)
	}
	return r
}

// rank puts the reachable first.
func rank(s presence.State) int {
	if s.Old {
		return 6
	}
	switch s.Availability {
	case presence.Available:
		return 0
	case presence.Busy:
		return 1
	case presence.DoNotDisturb:
		return 2
	case presence.BeRightBack:
		return 3
	case presence.Away:
		return 4
	case presence.Offline:
		return 5
	default:
		return 6
	}
}

func count(online, total int, known bool) string {
	of := "/" + strconv.Itoa(total)
	if !known {
		return "–" + of
	}
	return strconv.Itoa(online) + of
}

// NameOf is a contact's name, or its address when it has none.
func NameOf(c contacts.Contact) string {
	if c.Name == "" {
		return c.User
	}
	return c.Name
}

// Sorted returns the list with the people of each group in order of their
// names, as people expect: Ä beside A, no difference between cases.
func Sorted(l contacts.List) contacts.List {
	order := collate.New(language.Und, collate.IgnoreCase)
	sorted := contacts.List{Groups: slices.Clone(l.Groups)}
	for i, g := range sorted.Groups {
		keys := map[string][]byte{}
		var buffer collate.Buffer
		for _, c := range g.Members {
			keys[c.User] = order.KeyFromString(&buffer, NameOf(c))
		}
		members := slices.Clone(g.Members)
		slices.SortStableFunc(members, func(x, y contacts.Contact) int {
			return slices.Compare(keys[x.User], keys[y.User])
		})
		sorted.Groups[i].Members = members
	}
	return sorted
}

// Names finds display names by address.
type Names map[string]string

// NamesIn collects the names on a list.
func NamesIn(l contacts.List) Names {
	n := Names{}
	for _, g := range l.Groups {
		for _, c := range g.Members {
			if c.Name != "" {
				n[c.User] = c.Name
			}
		}
	}
	return n
}

// Of returns the name of user, or the address.
func (n Names) Of(user string) string {
	if name := n[user]; name != "" {
		return name
	}
	return user
}
