package text

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"communicator/contacts"
	"communicator/directory"
	"communicator/session"
	"communicator/ui/view"
)

// person finds whom a name means: an address, a contact, or somebody in the
// directory, by the whole name or the only one that begins so.
func (c *client) person(ctx context.Context, name string) (string, error) {
	if name == "" {
		return "", errUsage
	}
	if user, ok := view.Address(name); ok {
		return user, nil
	}
	var near, exact []string
	seen := map[string]bool{}
	for _, g := range c.list.Groups {
		for _, m := range g.Members {
			if seen[m.User] {
				continue
			}
			if strings.EqualFold(m.Name, name) {
				seen[m.User], exact = true, append(exact, m.User)
			} else if strings.Contains(strings.ToLower(m.Name), strings.ToLower(name)) {
				seen[m.User], near = true, append(near, m.User)
			}
		}
	}
	if len(exact) > 0 { // two people may have one name
		near = exact
	}
	if len(near) == 0 {
		var err error
		if near, err = c.inDirectory(ctx, name); err != nil {
			return "", err
		}
	}
	switch len(near) {
	case 0:
		return "", mistake(fmt.Sprintf("nobody called %q was found. Check the spelling, or write the address", name))
	case 1:
		return near[0], nil
	}
	return "", c.several(name, near)
}

// several says who can be meant; those of one name differ in the address.
func (c *client) several(name string, users []string) error {
	names := make([]string, 0, 6)
	for _, user := range users[:min(len(users), 5)] {
		names = append(names, strings.Join(slices.Compact([]string{c.names.Of(user), user}), " "))
	}
	if more := len(users) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return mistake(fmt.Sprintf("%q can mean several people: %s. Write more of the name, or the address", name, strings.Join(names, ", ")))
}

func (c *client) inDirectory(ctx context.Context, name string) ([]string, error) {
	r, err := c.session.People.Find(ctx, name, 6)
	if err != nil {
		return nil, err
	}
	var users []string
	for _, h := range r.Hits {
		if h.User != "" {
			users = append(users, h.User)
			c.remember(h)
		}
	}
	return users, nil
}

// remember keeps the name of somebody found, for later lines about them.
func (c *client) remember(h session.Hit) {
	if h.User != "" && c.names[h.User] == "" && h.Name != "" {
		c.names[h.User] = h.Name
	}
}

func (c *client) doFind(ctx context.Context, rest string) error {
	if rest == "" {
		return errUsage
	}
	r, err := c.session.People.Find(ctx, rest, view.FindLimit)
	for _, h := range r.Hits {
		c.remember(h)
	}
	search := view.Search{Text: rest, Found: r, Book: c.session.People.Book(), State: c.session.Presence.Of, Err: err}
	for _, r := range search.Rows() {
		switch r.Kind {
		case view.SectionRow:
			c.line("%s, %s", r.Group, r.Count)
		case view.HintRow:
			c.line("%s", r.Note)
		default:
			c.line("  %s", strings.Join(nonEmpty(r.Name, r.User, r.Note, r.Words), ", "))
		}
	}
	return nil
}

func (c *client) doOrg(ctx context.Context, rest string) error {
	user := ""
	if rest != "" {
		var err error
		if user, err = c.person(ctx, rest); err != nil {
			return err
		}
	}
	chart, err := c.session.People.Chart(ctx, user)
	if err != nil {
		return err
	}
	one := func(what string, p *directory.Person) {
		if p != nil {
			c.line("%s: %s", what, described(*p))
		}
	}
	c.line("%s", described(chart.Self))
	one("Manager", chart.Manager)
	one("Manager's manager", chart.SecondManager)
	many := func(what string, people []directory.Person) {
		c.line("%s: %d", what, len(people))
		for _, p := range people {
			c.line("  %s", described(p))
		}
	}
	many("Direct reports", chart.Reports)
	many("Peers", chart.Peers)
	c.line("Everyone under the manager's manager: %d", len(chart.Everyone))
	return nil
}

func described(p directory.Person) string {
	return strings.Join(nonEmpty(view.NameOf(contacts.Contact{User: p.User, Name: p.Name}), p.Title, p.User), ", ")
}
