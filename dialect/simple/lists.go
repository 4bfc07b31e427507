package simple

import (
	"errors"
	"fmt"
	"net/url"
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
// list that holds nothing but lists is none, nor is one that says who has access.
func groupsIn(items *[]pidf.Item, prefix string) (all []group) {
	for _, it := range *items {
		if it.List == nil || it.List.Access != "" {
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
		if len(inner) == 0 || slices.ContainsFunc(it.List.Items, func(in pidf.Item) bool { return in.Entry != nil || in.EntryRef != nil }) {
			all = append(all, group{name, prefix, it.List, items})
		}
		all = append(all, inner...)
	}
	return all
}

// key is the same for lists that are one group.
func (g group) key() string {
	if g.list.Chart != "" {
		return "chart " + g.list.Chart
	}
	return "own " + strings.ToLower(g.name)
}

func keyOf(g contacts.Group) string {
	if g.Source == contacts.Org {
		return "chart " + string(g.Kind)
	}
	return "own " + strings.ToLower(g.Name)
}

// listOf returns the contact list that a document says.
func listOf(doc pidf.ResourceLists) contacts.List {
	var l contacts.List
	at := map[string]int{}
	for _, g := range groupsIn(&doc.Items, "") {
		i, known := at[g.key()] // two lists of one name are one group
		if !known {
			i = len(l.Groups)
			at[g.key()] = i
			l.Groups = append(l.Groups, contacts.Group{Name: g.name, Source: contacts.Own})
			if g.list.Chart != "" {
				l.Groups[i].Source, l.Groups[i].Kind = contacts.Org, contacts.Kind(g.list.Chart)
			}
		}
		l.Groups[i].Hidden = l.Groups[i].Hidden || g.list.Chart != "" && g.list.Hidden
		members := &l.Groups[i].Members
		in := make(map[string]bool, len(*members))
		for _, m := range *members {
			in[m.User] = true
		}
		for _, it := range g.list.Items {
			if c := contactOf(it); c.User != "" && !in[c.User] {
				in[c.User] = true
				*members = append(*members, c)
			}
		}
	}
	return l
}

// contactOf is the person of an item; without User for what is none (tel:, a
// list elsewhere).
func contactOf(it pidf.Item) contacts.Contact {
	switch {
	case it.Entry != nil:
		return contacts.Contact{User: userOf(it.Entry.URI), Name: shown(it.Entry.DisplayName), Chosen: it.Entry.Chosen, Service: it.Entry.Service}
	case it.EntryRef != nil: // RFC 4826 §3.1: it points at an entry, named by its URI
		ref, err := url.PathUnescape(it.EntryRef.Ref)
		if i := strings.LastIndex(ref, `entry[@uri="`); err == nil && i >= 0 {
			uri, _, _ := strings.Cut(ref[i+len(`entry[@uri="`):], `"`)
			return contacts.Contact{User: userOf(uri), Name: shown(it.EntryRef.DisplayName)}
		}
	}
	return contacts.Contact{}
}

// userOf is an address; empty for what is none of a person.
func userOf(uri string) string {
	u, err := contacts.Canonical(uri)
	if err != nil {
		return ""
	}
	return u
}

func shown(name string) string { return plain.Cut(plain.Line(name), contacts.MaxName) }

// say makes an item say c, changing only what is different.
func say(it pidf.Item, c contacts.Contact) {
	is := contactOf(it)
	switch {
	case it.Entry != nil:
		if is.Name != c.Name {
			it.Entry.DisplayName = c.Name
		}
		it.Entry.Chosen, it.Entry.Service = c.Chosen, c.Service
	case it.EntryRef != nil && is.Name != c.Name:
		it.EntryRef.DisplayName = c.Name
	}
}

// editDocument makes one change in a document. Everything that the change does
// not concern stays, also what only other clients know.
func editDocument(raw []byte, e contacts.Edit) ([]byte, error) {
	return changeDocument(raw, func(doc *pidf.ResourceLists) error {
		next, err := listOf(*doc).Apply(e)
		if err != nil {
			return err
		}
		switch e.Op {
		case contacts.RenameGroup:
			renameLists(doc, e)
		case contacts.MoveUp, contacts.MoveDown:
			return moveList(doc, e)
		default:
			reconcile(doc, next)
		}
		return nil
	})
}

// changeDocument returns the document after f.
func changeDocument(raw []byte, f func(*pidf.ResourceLists) error) ([]byte, error) {
	doc, err := parseLists(raw)
	if err == nil {
		err = f(&doc)
	}
	if err != nil {
		return nil, err
	}
	out := doc.Marshal()
	if len(out) > pidf.MaxSize {
		return nil, errors.New("the contact list is too large")
	}
	return out, nil
}

// renameLists gives the lists of a group their new name. What is in them stays
// there, lists included.
func renameLists(doc *pidf.ResourceLists, e contacts.Edit) {
	for _, g := range groupsIn(&doc.Items, "") {
		if g.list.Chart == "" && strings.EqualFold(g.name, strings.TrimSpace(e.Group)) {
			name := strings.TrimPrefix(plain.Line(e.To), g.outer)
			g.list.Name, g.list.DisplayName = freeName(*g.in, g.list, name), name
		}
	}
}

// moveList lets the list of a group change places with the one before or after
// it inside the same list.
func moveList(doc *pidf.ResourceLists, e contacts.Edit) error {
	for _, g := range groupsIn(&doc.Items, "") {
		if g.list.Chart != "" || !strings.EqualFold(g.name, strings.TrimSpace(e.Group)) {
			continue
		}
		step := 1
		if e.Op == contacts.MoveUp {
			step = -1
		}
		items := *g.in
		i := slices.IndexFunc(items, func(it pidf.Item) bool { return it.List == g.list })
		for j := i + step; j >= 0 && j < len(items); j += step {
			if l := items[j].List; l != nil && l.Chart == "" && l.Access == "" {
				items[i], items[j] = items[j], items[i]
				return nil
			}
		}
		return fmt.Errorf("the group %q cannot go further: it is inside another", g.name)
	}
	return fmt.Errorf("there is no group %q", e.Group)
}

// reconcile changes doc so that it says next. Entries that go from one group
// to another take along what we do not know of them.
func reconcile(doc *pidf.ResourceLists, next contacts.List) {
	wanted := map[string]map[string]contacts.Contact{} // group, user
	hidden := map[string]bool{}
	for _, g := range next.Groups {
		members := map[string]contacts.Contact{}
		for _, m := range g.Members {
			members[m.User] = m
		}
		wanted[keyOf(g)], hidden[keyOf(g)] = members, g.Hidden
	}
	p := pieces{present: map[string]map[string]bool{}, known: map[string]pidf.Item{}}
	for _, g := range slices.Backward(groupsIn(&doc.Items, "")) { // inner lists first
		key := g.key()
		if p.present[key] == nil {
			p.present[key] = map[string]bool{}
		}
		p.takeOut(g.list, wanted[key], p.present[key])
		if _, ok := wanted[key]; !ok && len(g.list.Lists()) == 0 {
			*g.in = slices.DeleteFunc(*g.in, func(it pidf.Item) bool { return it.List == g.list })
		} else if g.list.Chart != "" {
			g.list.Hidden = hidden[key]
		}
	}
	p.putIn(doc, next)
}

// pieces are what reconcile works with.
type pieces struct {
	present map[string]map[string]bool // group, user: is there
	known   map[string]pidf.Item       // by user: an entry that can be put elsewhere
}

// takeOut takes the entries out of a list that are not wanted in it, and makes
// the others say what is wanted.
func (p pieces) takeOut(l *pidf.List, wanted map[string]contacts.Contact, present map[string]bool) {
	l.Items = slices.DeleteFunc(l.Items, func(it pidf.Item) bool {
		user := contactOf(it).User
		if user == "" {
			return false
		}
		if it.Entry != nil {
			p.known[user] = it
		}
		c, ok := wanted[user]
		if !ok {
			return true
		}
		present[user] = true
		say(it, c)
		return false
	})
}

// putIn adds the groups and entries that are missing.
func (p pieces) putIn(doc *pidf.ResourceLists, next contacts.List) {
	lists := map[string]*pidf.List{}
	for _, g := range slices.Backward(groupsIn(&doc.Items, "")) {
		lists[g.key()] = g.list // the first of a name
	}
	for _, g := range next.Groups {
		key := keyOf(g)
		l := lists[key]
		if l == nil {
			l = &pidf.List{DisplayName: g.Name, ListMarks: pidf.ListMarks{Chart: string(g.Kind), Hidden: g.Hidden}}
			l.Name = freeName(doc.Items, l, g.Name)
			doc.Items = append(doc.Items, pidf.Item{List: l})
		}
		for _, m := range g.Members {
			if p.present[key][m.User] {
				continue
			}
			it, ok := p.known[m.User]
			if !ok {
				it = pidf.Item{Entry: &pidf.Entry{URI: "sip:" + m.User}}
			} else {
				copied := *it.Entry // the same person may go to several groups
				it.Entry = &copied
			}
			say(it, m)
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
