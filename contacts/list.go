// Package contacts is the contact list: who is on it, in which groups, and the
// groups that are made from the organisation chart.
//
// Begin with List and its methods Apply and WithOrg; Canonical reads an
// address. What is doubtful about a list that came from elsewhere is in doubt.go,
// files of other programs are in rows.go. It is pure: no goroutine, no lock, no clock, no I/O. Keeping a list
// (XCAP, file) is the business of the dialects and of session.
package contacts

import (
	"slices"
	"strings"
)

// Contact is a person or service on the list.
type Contact struct {
	User    string // canonical address "user@domain", lower-case domain
	Name    string // display name; may be empty
	Chosen  bool   `json:",omitempty"` // the user himself gave that name; it goes before that of the directory
	Service bool   `json:",omitempty"` // a program that answers messages: it has no state and takes no calls
}

// Source says where a group comes from.
type Source string

// Values of Source.
const (
	Own Source = "own" // the user's own
	Org Source = "org" // from the organisation chart; its members cannot be edited
)

// Kind says which group of the organisation chart one is.
type Kind string

// Values of Kind. A user's own group has none.
const (
	Manager  Kind = "manager"
	Reports  Kind = "reports"
	Peers    Kind = "peers"
	Everyone Kind = "everyone"
	Names    Kind = "names" // is never shown: names that the user gave to people of the chart
)

// Group is a named part of the list. One person may be in several groups.
type Group struct {
	Name    string
	Source  Source
	Kind    Kind `json:",omitempty"` // of a group with Source Org
	Hidden  bool `json:",omitempty"` // the user does not want to see this group of the chart
	Members []Contact
}

// List is the whole contact list, in the order the user sees. It is a value:
// whoever holds one may keep it.
type List struct {
	Groups []Group
}

// Limits of a list. A list that comes from elsewhere may be larger; then it can
// be shown and made smaller, but not added to.
const (
	MaxContacts = 10000 // in all groups of one's own together
	MaxGroups   = 500
	MaxName     = 200 // characters of a group's or person's name
)

// Group returns the group of that name (case does not matter).
func (l List) Group(name string) (Group, bool) {
	if i := l.index(name); i >= 0 {
		return l.Groups[i], true
	}
	return Group{}, false
}

// index returns where the group of that name is, or -1. One's own comes before
// one of the organisation chart of the same name.
func (l List) index(name string) int {
	found := -1
	for i, g := range l.Groups {
		if g.Kind == Names || !strings.EqualFold(g.Name, strings.TrimSpace(name)) {
			continue
		}
		if g.Source == Own {
			return i
		}
		if found < 0 {
			found = i
		}
	}
	return found
}

// Users returns every address on the list once, in order.
func (l List) Users() []string { return l.users(func(Contact) bool { return true }) }

// People is Users without services: those who have a state.
func (l List) People() []string {
	services := map[string]bool{}
	for _, g := range l.Groups {
		for _, c := range g.Members {
			services[c.User] = services[c.User] || c.Service
		}
	}
	return l.users(func(c Contact) bool { return !services[c.User] })
}

func (l List) users(with func(Contact) bool) []string {
	var users []string
	seen := make(map[string]bool)
	for _, g := range l.Groups {
		for _, c := range g.Members {
			if c.User != "" && !seen[c.User] && with(c) {
				seen[c.User] = true
				users = append(users, c.User)
			}
		}
	}
	return users
}

// Name returns the display name of user: the one the user chose, else that of
// the first group that has one; empty when there is none.
func (l List) Name(user string) (name string) {
	for _, g := range l.Groups {
		for _, c := range g.Members {
			switch {
			case c.User != user || c.Name == "":
			case c.Chosen:
				return c.Name
			case name == "":
				name = c.Name
			}
		}
	}
	return name
}

// Has says whether g has user as a member.
func (g Group) Has(user string) bool {
	return slices.ContainsFunc(g.Members, func(c Contact) bool { return c.User == user })
}

// Knows says whether user is in any group of l.
func (l List) Knows(user string) bool {
	return slices.ContainsFunc(l.Groups, func(g Group) bool { return g.Has(user) })
}

// Equal says whether both lists say the same.
func (l List) Equal(o List) bool {
	return slices.EqualFunc(l.Groups, o.Groups, func(g, h Group) bool {
		return g.Name == h.Name && g.Source == h.Source && g.Kind == h.Kind && g.Hidden == h.Hidden && slices.Equal(g.Members, h.Members)
	})
}

// Without returns the list without the groups of source: of Org, what is kept
// in the user's own list.
func (l List) Without(source Source) List {
	return List{Groups: slices.DeleteFunc(slices.Clone(l.Groups), func(g Group) bool { return g.Source == source })}
}
