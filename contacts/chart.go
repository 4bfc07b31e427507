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
}

// Groups makes the groups "My manager", "My direct reports", "My peers" and
// "Everyone under X" of the chart. Who has no address is left out, who is there
// twice comes once, and an empty group is left out. Members are in order of
// their names.
func (c Chart) Groups() []Group {
	var groups []Group
	add := func(name string, people []Contact) {
		if members := c.members(people); len(members) > 0 {
			groups = append(groups, Group{Name: name, Source: Org, Members: members})
		}
	}
	if c.Manager != nil {
		add("My manager", []Contact{*c.Manager})
	}
	add("My direct reports", c.Reports)
	add("My peers", c.Peers)
	add("Everyone under "+c.above(), c.Everyone)
	return groups
}

// above names the second manager: by name, else by who reports to him.
func (c Chart) above() string {
	switch {
	case c.SecondManager != nil && c.SecondManager.Name != "":
		return c.SecondManager.Name
	case c.Manager != nil && c.Manager.Name != "":
		return c.Manager.Name + "'s manager"
	}
	return "my manager's manager"
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
	byName(members)
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

// WithOrg returns the list with its org-chart groups replaced by those of c;
// own groups stay as they are, below them.
func (l List) WithOrg(c Chart) List {
	return List{Groups: append(c.Groups(), l.Without(Org).Groups...)}
}
