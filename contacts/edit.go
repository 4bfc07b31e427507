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
	Op      Op
	User    string // Add, Remove, Move, Copy, Rename: an address in any form that Canonical takes
	Name    string // Add, Copy: display name; Rename: the new one, empty: that of the directory again
	Group   string // group it happens in; with the other operations: that group
	To      string // Move, Copy: target group; RenameGroup: new name
	Kind    Kind   // Hide, Show: which group of the chart; empty: the one called Group
	Service bool   // Add: it is a program that answers, not a person
}

// Op names an Edit.
type Op string

// Values of Op.
const (
	Add         Op = "add"    // Group is made when it is not there; empty: DefaultGroup
	Remove      Op = "remove" // Group empty: from all groups
	Move        Op = "move"   // Group empty: from the one group he is in; To is made when it is not there
	Copy        Op = "copy"   // he stays where he is; To is made when it is not there
	Rename      Op = "rename" // in all groups, those of the organisation chart too
	AddGroup    Op = "add-group"
	RemoveGroup Op = "remove-group" // with everybody in it
	RenameGroup Op = "rename-group"
	MoveUp      Op = "move-up" // the group changes places with the one above it
	MoveDown    Op = "move-down"
	Hide        Op = "hide" // a group of the organisation chart
	Show        Op = "show"
)

// DefaultGroup is where somebody goes who is added without naming a group.
const DefaultGroup = "Contacts"

// Apply returns the list with e done, or an error that says why it cannot be.
// The receiver is not changed. Adding somebody who is already there changes his
// name, if e has one, and is no error.
func (l List) Apply(e Edit) (List, error) {
	l.Groups = slices.Clone(l.Groups) // Members are cloned where they change
	e.Group, e.To, e.Name = strings.TrimSpace(e.Group), strings.TrimSpace(e.To), plain.Line(e.Name)
	if e.Op.ofPerson() {
		user, err := Canonical(e.User)
		if err != nil {
			return List{}, err
		}
		e.User = user
	}
	do, known := operations[e.Op]
	if !known {
		return List{}, fmt.Errorf("unknown change %q of the contact list", e.Op)
	}
	return do(l, e)
}

var operations = map[Op]func(List, Edit) (List, error){
	Add: List.add, Remove: List.remove, Move: List.move, Copy: List.copy, Rename: List.rename,
	AddGroup: List.addGroup, RemoveGroup: List.removeGroup, RenameGroup: List.renameGroup,
	MoveUp: List.moveGroup, MoveDown: List.moveGroup, Hide: List.hide, Show: List.show,
}

// ofPerson says whether the operation is about a person, not a group.
func (o Op) ofPerson() bool {
	return o == Add || o == Remove || o == Move || o == Copy || o == Rename
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
	case at >= 0:
		if e.Name != "" {
			members[at].Name, members[at].Chosen = e.Name, false
		}
		members[at].Service = members[at].Service || e.Service
	case l.count() >= MaxContacts:
		return List{}, fmt.Errorf("the contact list is full: it has %d people", MaxContacts)
	default:
		members = append(members, Contact{User: e.User, Name: e.Name, Service: e.Service})
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
		case !g.Has(e.User), g.Kind == Names:
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

// copy puts somebody into a further group.
func (l List) copy(e Edit) (List, error) {
	switch {
	case e.To == "":
		return List{}, fmt.Errorf("say to which group to copy %s", e.User)
	case e.Name == "":
		e.Name = l.Name(e.User)
	}
	source := Contact{User: e.User, Name: e.Name}
	for _, g := range l.Groups {
		for _, m := range g.Members {
			if m.User == e.User && g.Source == Own {
				source = m
			}
		}
	}
	i, err := l.ensure(e.To)
	switch {
	case err != nil || l.Groups[i].Has(e.User):
		return l, err
	case l.count() >= MaxContacts:
		return List{}, fmt.Errorf("the contact list is full: it has %d people", MaxContacts)
	}
	l.Groups[i].Members = append(slices.Clone(l.Groups[i].Members), source)
	return l, nil
}

// rename gives somebody the name that the user chose, in all groups. Who is in
// none of the user's own has it kept apart.
func (l List) rename(e Edit) (List, error) {
	if utf8.RuneCountInString(e.Name) > MaxName {
		return List{}, fmt.Errorf("the name has more than %d characters", MaxName)
	}
	found, names := false, -1
	for i, g := range l.Groups {
		if g.Kind == Names {
			names = i
		}
		if !g.Has(e.User) || g.Source == Org && g.Kind != Names {
			continue
		}
		found = true
		l.Groups[i].Members = slices.Clone(g.Members)
		for j, m := range g.Members {
			if m.User == e.User {
				l.Groups[i].Members[j].Name, l.Groups[i].Members[j].Chosen = e.Name, e.Name != ""
			}
		}
	}
	switch {
	case found && names >= 0 && e.Name == "":
		l.Groups[names] = l.Groups[names].without(e.User)
	case !found && e.Name != "":
		if names < 0 {
			names = len(l.Groups)
			l.Groups = append(l.Groups, Group{Name: "Names", Source: Org, Kind: Names, Hidden: true})
		}
		l.Groups[names].Members = append(slices.Clone(l.Groups[names].Members), Contact{User: e.User, Name: e.Name, Chosen: true})
	}
	return l, nil
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
