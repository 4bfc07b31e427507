package simple

import (
	"fmt"
	"slices"
	"strings"

	"communicator/contacts"
	"communicator/plain"
	"communicator/wire/pidf"
)

// group is one list of a resource-lists document that the user sees as a group.
type group struct {
	name  string     // as shown: a list inside a list has the names of both
	outer string     // the beginning of name that is the outer list's
	list  *pidf.List // in the document
	in    *[]pidf.Item
}

// groupsIn returns the groups of a document, outer lists before inner ones. A
// list that holds nothing but lists is none.
func groupsIn(items *[]pidf.Item, prefix string) (all []group) {
	for _, it := range *items {
		if it.List == nil {
			continue
		}
		name := plain.Cut(plain.Line(it.List.DisplayName), contacts.MaxName)
		if name == "" {
			name = plain.Cut(plain.Line(it.List.Name), contacts.MaxName)
		}
		if name == "" {
			name = contacts.DefaultGroup
		}
		name = prefix + name
		inner := groupsIn(&it.List.Items, name+" / ")
		if len(inner) == 0 || len(it.List.Entries()) > 0 {
			all = append(all, group{name, prefix, it.List, items})
		}
		all = append(all, inner...)
	}
	return all
}

// listOf returns the contact list that a document says.
func listOf(doc pidf.ResourceLists) contacts.List {
	var l contacts.List
	at := map[string]int{}
	for _, g := range groupsIn(&doc.Items, "") {
		i, known := at[strings.ToLower(g.name)] // two lists of one name are one group
		if !known {
			i = len(l.Groups)
			at[strings.ToLower(g.name)] = i
			l.Groups = append(l.Groups, contacts.Group{Name: g.name, Source: contacts.Own})
		}
		members := &l.Groups[i].Members
		in := make(map[string]bool, len(*members))
		for _, m := range *members {
			in[m.User] = true
		}
		for _, e := range g.list.Entries() {
			if u := userOf(e); u != "" && !in[u] {
				in[u] = true
				*members = append(*members, contacts.Contact{User: u, Name: nameOf(e)})
			}
		}
	}
	return l
}

// userOf is the address of an entry; empty for what is no person (tel:).
func userOf(e *pidf.Entry) string {
	u, err := contacts.Canonical(e.URI)
	if err != nil {
		return ""
	}
	return u
}

func nameOf(e *pidf.Entry) string { return plain.Cut(plain.Line(e.DisplayName), contacts.MaxName) }

// editDocument makes one change in a document. Everything that the change does
// not concern stays, also what only other clients know.
func editDocument(raw []byte, e contacts.Edit) ([]byte, error) {
	doc, err := parseLists(raw)
	if err != nil {
		return nil, err
	}
	next, err := listOf(doc).Apply(e)
	if err != nil {
		return nil, err
	}
	if e.Op == contacts.RenameGroup {
		renameLists(&doc, e)
	} else {
		reconcile(&doc, next)
	}
	out := doc.Marshal()
	if len(out) > pidf.MaxSize {
		return nil, fmt.Errorf("the contact list is too large")
	}
	return out, nil
}

// renameLists gives the lists of a group their new name. What is in them stays
// there, lists included.
func renameLists(doc *pidf.ResourceLists, e contacts.Edit) {
	for _, g := range groupsIn(&doc.Items, "") {
		if strings.EqualFold(g.name, strings.TrimSpace(e.Group)) {
			name := strings.TrimPrefix(plain.Line(e.To), g.outer)
			g.list.Name, g.list.DisplayName = freeName(*g.in, g.list, name), name
		}
	}
}

// reconcile changes doc so that it says next. Entries that go from one group
// to another take along what we do not know of them.
func reconcile(doc *pidf.ResourceLists, next contacts.List) {
	wanted := map[string]map[string]string{} // group, user: name
	for _, g := range next.Groups {
		if g.Source == contacts.Org {
			continue
		}
		members := map[string]string{}
		for _, m := range g.Members {
			members[m.User] = m.Name
		}
		wanted[strings.ToLower(g.Name)] = members
	}
	present, taken := map[string]map[string]bool{}, map[string]pidf.Item{}
	for _, g := range slices.Backward(groupsIn(&doc.Items, "")) { // inner lists first
		key := strings.ToLower(g.name)
		if present[key] == nil {
			present[key] = map[string]bool{}
		}
		takeOut(g.list, wanted[key], present[key], taken)
		if _, ok := wanted[key]; !ok && len(g.list.Lists()) == 0 {
			*g.in = slices.DeleteFunc(*g.in, func(it pidf.Item) bool { return it.List == g.list })
		}
	}
	putIn(doc, next, present, taken)
}

// takeOut takes the entries out of a list that are not wanted in it, and gives
// the others their wanted name.
func takeOut(l *pidf.List, wanted map[string]string, present map[string]bool, taken map[string]pidf.Item) {
	l.Items = slices.DeleteFunc(l.Items, func(it pidf.Item) bool {
		if it.Entry == nil {
			return false
		}
		user := userOf(it.Entry)
		name, ok := wanted[user]
		switch {
		case user == "":
			return false
		case !ok:
			taken[user] = it
			return true
		}
		present[user] = true
		if name != nameOf(it.Entry) {
			it.Entry.DisplayName = name
		}
		return false
	})
}

// putIn adds the groups and entries that are missing.
func putIn(doc *pidf.ResourceLists, next contacts.List, present map[string]map[string]bool, taken map[string]pidf.Item) {
	lists := map[string]*pidf.List{}
	for _, g := range slices.Backward(groupsIn(&doc.Items, "")) {
		lists[strings.ToLower(g.name)] = g.list // the first of a name
	}
	for _, g := range next.Groups {
		if g.Source == contacts.Org {
			continue
		}
		key := strings.ToLower(g.Name)
		l := lists[key]
		if l == nil {
			l = &pidf.List{DisplayName: g.Name}
			l.Name = freeName(doc.Items, l, g.Name)
			doc.Items = append(doc.Items, pidf.Item{List: l})
		}
		for _, m := range g.Members {
			if present[key][m.User] {
				continue
			}
			it, ok := taken[m.User]
			if !ok {
				it = pidf.Item{Entry: &pidf.Entry{URI: "sip:" + m.User}}
			} else {
				moved := *it.Entry // the same person may go to several groups
				it.Entry = &moved
			}
			if m.Name != nameOf(it.Entry) {
				it.Entry.DisplayName = m.Name
			}
			l.Items = append(l.Items, it)
		}
	}
}

// freeName returns name, or name with a number, so that no other of siblings
// has it (RFC 4826 §3.2: unique among siblings).
func freeName(siblings []pidf.Item, of *pidf.List, name string) string {
	try := name
	for n := 2; ; n++ {
		if !slices.ContainsFunc(siblings, func(it pidf.Item) bool { return it.List != nil && it.List != of && it.List.Name == try }) {
			return try
		}
		try = fmt.Sprintf("%s %d", name, n)
	}
}
