package contacts

import (
	"bytes"
	"cmp"
	"slices"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
)

// Chart is one person's place in the organisation chart.
type Chart struct {
	Self          string // own address, canonical: left out of all groups
	Manager       *Contact
	SecondManager *Contact  // the manager's manager
	Peers         []Contact // same manager, without oneself
	Reports       []Contact
	Everyone      []Contact // everyone under the second manager, without oneself
	Sorted        bool      // all of these are in order of their names already
}

// Knows says whether user is anywhere in the chart.
func (c Chart) Knows(user string) bool {
	for _, one := range []*Contact{c.Manager, c.SecondManager} {
		if one != nil && one.User == user {
			return true
		}
	}
	for _, some := range [][]Contact{c.Peers, c.Reports, c.Everyone} {
		if slices.ContainsFunc(some, func(p Contact) bool { return p.User == user }) {
			return true
		}
	}
	return false
}

// Groups makes the groups "My manager", "My direct reports", "My peers" and
// "Everyone under X" of the chart. Who has no address is left out, who is there
// twice comes once, and an empty group is left out. Members are in order of
// their names.
func (c Chart) Groups() []Group {
	var groups []Group
	add := func(kind Kind, name string, people []Contact) {
		if members := c.members(people); len(members) > 0 {
			groups = append(groups, Group{Name: name, Source: Org, Kind: kind, Members: members})
		}
	}
	if c.Manager != nil {
		add(Manager, "My manager", []Contact{*c.Manager})
	}
	add(Reports, "My direct reports", c.Reports)
	add(Peers, "My peers", c.Peers)
	add(Everyone, c.EveryoneName(), c.Everyone)
	return groups
}

// EveryoneName is what the group of everyone under the second manager is
// called: by his name, else by who reports to him.
func (c Chart) EveryoneName() string {
	above := "my manager's manager"
	switch {
	case c.SecondManager != nil && c.SecondManager.Name != "":
		above = c.SecondManager.Name
	case c.Manager != nil && c.Manager.Name != "":
		above = c.Manager.Name + "'s manager"
	}
	return "Everyone under " + above
}

// members returns people as a group shows them.
func (c Chart) members(people []Contact) []Contact {
	members := make([]Contact, 0, len(people))
	seen := map[string]bool{"": true, c.Self: true}
	for _, p := range people {
		if !seen[p.User] {
			seen[p.User] = true
			members = append(members, p)
		}
	}
	if !c.Sorted {
		byName(members)
	}
	return members
}

// byName puts people in the order of their names as people expect it: Åsa
// before Bob, whatever the case. Who has no name goes by his address.
func byName(people []Contact) {
	order := collate.New(language.Und, collate.IgnoreCase)
	var buffer collate.Buffer
	keys := make(map[string][]byte, len(people))
	for _, p := range people {
		keys[p.User] = order.KeyFromString(&buffer, cmp.Or(p.Name, p.User))
	}
	slices.SortFunc(people, func(a, b Contact) int {
		return cmp.Or(bytes.Compare(keys[a.User], keys[b.User]), cmp.Compare(a.User, b.User))
	})
}

// WithOrg returns the list as the user sees it: the groups of c that he has not
// hidden, below them his own as they are. Without groups in c those of the chart
// that l itself has are shown (an administrator's program wrote them). Who has a
// name that the user chose has it in all groups.
func (l List) WithOrg(c Chart) List {
	names := map[string]string{}
	for _, g := range l.Groups {
		for _, m := range g.Members {
			if m.Chosen && m.Name != "" {
				names[m.User] = m.Name
			}
		}
	}
	var shown List
	for _, g := range l.org(c) {
		if !g.Hidden {
			shown.Groups = append(shown.Groups, g.renamed(names))
		}
	}
	for _, g := range l.Without(Org).Groups {
		shown.Groups = append(shown.Groups, g.renamed(names))
	}
	return shown
}

// HiddenOrg returns the groups of the chart that the user has hidden.
func (l List) HiddenOrg(c Chart) []Group {
	return slices.DeleteFunc(l.org(c), func(g Group) bool { return !g.Hidden })
}

// org returns the groups of the chart, live ones if there are any.
func (l List) org(c Chart) []Group {
	hidden, kept := map[Kind]bool{}, []Group{}
	for _, g := range l.Groups {
		if g.Source == Org && g.Kind != Names {
			kept = append(kept, g)
			hidden[g.Kind] = hidden[g.Kind] || g.Hidden
		}
	}
	groups := c.Groups()
	for i := range groups {
		groups[i].Hidden = hidden[groups[i].Kind]
	}
	if len(groups) == 0 {
		return kept
	}
	return groups
}

// renamed returns g with these names of its members.
func (g Group) renamed(names map[string]string) Group {
	if len(names) == 0 || !slices.ContainsFunc(g.Members, func(m Contact) bool { return names[m.User] != "" }) {
		return g
	}
	g.Members = slices.Clone(g.Members)
	for i, m := range g.Members {
		if name := names[m.User]; name != "" {
			g.Members[i].Name, g.Members[i].Chosen = name, true
		}
	}
	return g
}
