package contacts

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"communicator/plain"
)

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

// moveGroup moves one of the user's own groups by one place among them.
func (l List) moveGroup(e Edit) (List, error) {
	i, err := l.own(e.Group)
	if err != nil {
		return List{}, err
	}
	step := 1
	if e.Op == MoveUp {
		step = -1
	}
	for j := i + step; j >= 0 && j < len(l.Groups); j += step {
		if l.Groups[j].Source == Own {
			l.Groups[i], l.Groups[j] = l.Groups[j], l.Groups[i]
			return l, nil
		}
	}
	if e.Op == MoveUp {
		return List{}, fmt.Errorf("the group %q is the first of your own already", l.Groups[i].Name)
	}
	return List{}, fmt.Errorf("the group %q is the last already", l.Groups[i].Name)
}

// hide notes that the user does not want to see a group of the chart.
func (l List) hide(e Edit) (List, error) {
	i := l.chart(e)
	switch {
	case i >= 0:
		l.Groups[i].Hidden = true
		return l, nil
	case e.Kind == "" || e.Kind == Names:
		return List{}, fmt.Errorf("there is no group %q from the organisation chart", e.Group)
	}
	name, err := groupName(e.Group)
	if err != nil {
		return List{}, err
	}
	l.Groups = append(l.Groups, Group{Name: name, Source: Org, Kind: e.Kind, Hidden: true})
	return l, nil
}

// show takes back what hide did.
func (l List) show(e Edit) (List, error) {
	i := l.chart(e)
	switch {
	case i < 0 || !l.Groups[i].Hidden:
		return List{}, fmt.Errorf("no group %q is hidden", e.Group)
	case len(l.Groups[i].Members) == 0: // nothing but the note that it is hidden
		l.Groups = slices.Delete(l.Groups, i, i+1)
	default:
		l.Groups[i].Hidden = false
	}
	return l, nil
}

// chart returns where l keeps the group of the chart that e means, or -1.
func (l List) chart(e Edit) int {
	return slices.IndexFunc(l.Groups, func(g Group) bool {
		if g.Source != Org || g.Kind == Names {
			return false
		}
		return e.Kind != "" && g.Kind == e.Kind || e.Kind == "" && strings.EqualFold(g.Name, e.Group)
	})
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
