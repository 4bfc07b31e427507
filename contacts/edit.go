package contacts

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"communicator/plain"
)

// Edit is one change by the user.
type Edit struct {
	Op    Op
	User  string // Add, Remove, Move: an address in any form that Canonical takes
	Name  string // Add: display name
	Group string // group it happens in; AddGroup, RemoveGroup, RenameGroup: that group
	To    string // Move: target group; RenameGroup: new name
}

// Op names an Edit.
type Op string

// Values of Op.
const (
	Add         Op = "add"    // Group is made when it is not there; empty: DefaultGroup
	Remove      Op = "remove" // Group empty: from all groups
	Move        Op = "move"   // Group empty: from the one group he is in; To is made when it is not there
	AddGroup    Op = "add-group"
	RemoveGroup Op = "remove-group" // with everybody in it
	RenameGroup Op = "rename-group"
)

// DefaultGroup is where somebody goes who is added without naming a group.
const DefaultGroup = "Contacts"

// Apply returns the list with e done, or an error that says why it cannot be.
// The receiver is not changed. Adding somebody who is already there changes his
// name, if e has one, and is no error.
func (l List) Apply(e Edit) (List, error) {
	l.Groups = slices.Clone(l.Groups) // Members are cloned where they change
	e.Group, e.To, e.Name = strings.TrimSpace(e.Group), strings.TrimSpace(e.To), plain.Line(e.Name)
	switch e.Op {
	case Add, Remove, Move:
		user, err := Canonical(e.User)
		if err != nil {
			return List{}, err
		}
		e.User = user
	}
	switch e.Op {
	case Add:
		return l.add(e)
	case Remove:
		return l.remove(e)
	case Move:
		return l.move(e)
	case AddGroup:
		return l.addGroup(e)
	case RemoveGroup:
		return l.removeGroup(e)
	case RenameGroup:
		return l.renameGroup(e)
	}
	return List{}, fmt.Errorf("unknown change %q of the contact list", e.Op)
}

func (l List) add(e Edit) (List, error) {
	if utf8.RuneCountInString(e.Name) > MaxName {
		return List{}, fmt.Errorf("the name has more than %d characters", MaxName)
	}
	i, err := l.ensure(e.Group)
	if err != nil {
		return List{}, err
	}
	members := slices.Clone(l.Groups[i].Members)
	at := slices.IndexFunc(members, func(c Contact) bool { return c.User == e.User })
	switch {
	case at >= 0 && e.Name != "":
		members[at].Name = e.Name
	case at < 0 && l.count() >= MaxContacts:
		return List{}, fmt.Errorf("the contact list is full: it has %d people", MaxContacts)
	case at < 0:
		members = append(members, Contact{e.User, e.Name})
	}
	l.Groups[i].Members = members
	return l, nil
}

func (l List) remove(e Edit) (List, error) {
	if e.Group != "" {
		i, err := l.own(e.Group)
		if err != nil {
			return List{}, err
		}
		if !l.Groups[i].Has(e.User) {
			return List{}, fmt.Errorf("%s is not in the group %q", e.User, l.Groups[i].Name)
		}
		l.Groups[i] = l.Groups[i].without(e.User)
		return l, nil
	}
	removed, org := false, ""
	for i, g := range l.Groups {
		switch {
		case !g.Has(e.User):
		case g.Source == Org:
			org = g.Name
		default:
			removed, l.Groups[i] = true, g.without(e.User)
		}
	}
	switch {
	case removed:
		return l, nil
	case org != "":
		return List{}, fmt.Errorf("%s is only in %q, which comes from the organisation chart and cannot be edited", e.User, org)
	}
	return List{}, fmt.Errorf("%s is not on the contact list", e.User)
}

func (l List) move(e Edit) (List, error) {
	from := -1
	for i, g := range l.Groups {
		if g.Source != Own || !g.Has(e.User) || e.Group != "" && !strings.EqualFold(g.Name, e.Group) {
			continue
		}
		if from >= 0 {
			return List{}, fmt.Errorf("%s is in %q and in %q; say from which group to move", e.User, l.Groups[from].Name, g.Name)
		}
		from = i
	}
	if from < 0 {
		if e.Group == "" {
			return List{}, fmt.Errorf("%s is in no group of your own", e.User)
		}
		if _, err := l.own(e.Group); err != nil {
			return List{}, err
		}
		return List{}, fmt.Errorf("%s is not in the group %q", e.User, e.Group)
	}
	if e.To == "" {
		return List{}, fmt.Errorf("say to which group to move %s", e.User)
	}
	to, err := l.ensure(e.To)
	if err != nil || to == from {
		return l, err
	}
	source := l.Groups[from]
	moved := source.Members[slices.IndexFunc(source.Members, func(c Contact) bool { return c.User == e.User })]
	l.Groups[from] = source.without(e.User)
	if !l.Groups[to].Has(e.User) {
		l.Groups[to].Members = append(slices.Clone(l.Groups[to].Members), moved)
	}
	return l, nil
}

func (l List) addGroup(e Edit) (List, error) {
	if i := l.index(e.Group); i >= 0 && e.Group != "" {
		return List{}, fmt.Errorf("there is already a group %q", l.Groups[i].Name)
	}
	if e.Group == "" {
		return List{}, errNoName
	}
	_, err := l.ensure(e.Group)
	return l, err
}

func (l List) removeGroup(e Edit) (List, error) {
	i, err := l.own(e.Group)
	if err != nil {
		return List{}, err
	}
	l.Groups = slices.Delete(l.Groups, i, i+1)
	return l, nil
}

func (l List) renameGroup(e Edit) (List, error) {
	i, err := l.own(e.Group)
	if err != nil {
		return List{}, err
	}
	name, err := groupName(e.To)
	if err != nil {
		return List{}, err
	}
	if j := l.index(name); j >= 0 && j != i {
		return List{}, fmt.Errorf("there is already a group %q", l.Groups[j].Name)
	}
	l.Groups[i].Name = name
	return l, nil
}

// own returns where the user's own group of that name is.
func (l List) own(name string) (int, error) {
	i := l.index(name)
	switch {
	case name == "":
		return -1, errNoName
	case i < 0:
		return -1, fmt.Errorf("there is no group %q", name)
	case l.Groups[i].Source == Org:
		return -1, fmt.Errorf("the group %q comes from the organisation chart and cannot be edited", l.Groups[i].Name)
	}
	return i, nil
}

// ensure returns where the user's own group of that name is, and makes it if
// it is not there. l.Groups must be the caller's own.
func (l *List) ensure(name string) (int, error) {
	if name == "" {
		name = DefaultGroup
	}
	if l.index(name) >= 0 {
		return l.own(name)
	}
	name, err := groupName(name)
	if err != nil {
		return -1, err
	}
	if len(l.Without(Org).Groups) >= MaxGroups {
		return -1, fmt.Errorf("there are already %d groups", MaxGroups)
	}
	l.Groups = append(l.Groups, Group{Name: name, Source: Own})
	return len(l.Groups) - 1, nil
}

var errNoName = fmt.Errorf("a group needs a name")

// groupName returns name as a group may have it.
func groupName(name string) (string, error) {
	switch name = plain.Line(name); {
	case name == "":
		return "", errNoName
	case utf8.RuneCountInString(name) > MaxName:
		return "", fmt.Errorf("the name of the group has more than %d characters", MaxName)
	}
	return name, nil
}

// without returns g without user.
func (g Group) without(user string) Group {
	g.Members = slices.DeleteFunc(slices.Clone(g.Members), func(c Contact) bool { return c.User == user })
	return g
}

// count returns how many entries the user's own groups have.
func (l List) count() (n int) {
	for _, g := range l.Groups {
		if g.Source == Own {
			n += len(g.Members)
		}
	}
	return n
}
