package pidf

import (
	"slices"
	"strings"
)

// Marks are attributes in a namespace of our own. RFC 4826 §3.2 lets a list and
// an entry have them; other clients pass them on or drop them, and show what is
// marked as they show any list.

// Values of ListMarks.Chart: which group of the organisation chart it is.
const (
	ChartManager  = "manager"
	ChartReports  = "reports"
	ChartPeers    = "peers"
	ChartEveryone = "everyone"
	ChartNames    = "names" // no group: names that the user gave to people of the chart
)

// ListMarks say what is particular about a list.
type ListMarks struct {
	Chart  string // made from the organisation chart, e.g. by an administrator; empty: the user's own
	Hidden bool   // the user does not want to see that group of the chart
	Access string // no group, but whom the user gave this access (in exported files)
}

// EntryMarks say what is particular about an entry.
type EntryMarks struct {
	Chosen  bool // the user himself gave that name
	Service bool // a program that answers, not a person
}

// marksPrefix is the prefix of our namespace; until the document is written a
// new mark has newMark instead.
const (
	marksPrefix = "communicator:"
	newMark     = "\x00"
)

// mark is an attribute in our namespace as it was read.
type mark struct{ name, value, raw string }

func listMarks(n *node) ListMarks {
	return ListMarks{Chart: n.markOf("chart").value, Hidden: n.markOf("hidden").value == "true", Access: n.markOf("access").value}
}

func entryMarks(n *node) EntryMarks {
	return EntryMarks{Chosen: n.markOf("name").value == "chosen", Service: n.markOf("kind").value == "service"}
}

func (m ListMarks) marks() []mark {
	return []mark{{name: "chart", value: m.Chart}, {name: "hidden", value: word(m.Hidden, "true")}, {name: "access", value: m.Access}}
}

func (m EntryMarks) marks() []mark {
	return []mark{{name: "name", value: word(m.Chosen, "chosen")}, {name: "kind", value: word(m.Service, "service")}}
}

func word(yes bool, s string) string {
	if yes {
		return s
	}
	return ""
}

func (n *node) markOf(name string) mark {
	for _, m := range n.marks {
		if m.name == name {
			return m
		}
	}
	return mark{}
}

// mark gives n these marks. What is marked so already stays as it is written.
func (n *node) mark(marks []mark) {
	for _, m := range marks {
		old := n.markOf(m.name)
		if old.value == m.value {
			continue
		}
		n.attrs = slices.DeleteFunc(n.attrs, func(a attr) bool { return old.raw != "" && a.name == old.raw })
		if m.value != "" {
			n.attrs = append(n.attrs, attr{newMark + m.name, m.value})
		}
	}
}

// declareMarks gives the new marks in n, the root, their prefix and declares
// it. In a document in which the prefix means something else they are lost.
func (n *node) declareMarks() {
	declared, taken, used := attr{"xmlns:" + strings.TrimSuffix(marksPrefix, ":"), nsMarks}, false, false
	n.walk(func(k *node) {
		taken = taken || slices.ContainsFunc(k.attrs, func(a attr) bool { return a.name == declared.name && a.value != nsMarks })
	})
	n.walk(func(k *node) {
		for i, a := range k.attrs {
			if name, is := strings.CutPrefix(a.name, newMark); is && !taken {
				k.attrs[i].name, used = marksPrefix+name, true
			}
		}
		if taken {
			k.attrs = slices.DeleteFunc(k.attrs, func(a attr) bool { return strings.HasPrefix(a.name, newMark) })
		}
	})
	if used && !slices.Contains(n.attrs, declared) {
		n.attrs = append(n.attrs, declared)
	}
}

// walk calls f for n and everything inside.
func (n *node) walk(f func(*node)) {
	f(n)
	for _, k := range n.kids {
		k.walk(f)
	}
}

// keepMeaning declares prefixes anew where an element was moved to a place at
// which they mean something else. around is what they mean outside n.
func (n *node) keepMeaning(around *scope) {
	if n.local == "" {
		return
	}
	for _, a := range n.attrs {
		if prefix, is := declares(a.name); is {
			around = around.with(prefix, a.value)
		}
	}
	if n.scope != nil {
		for _, prefix := range n.prefixes() {
			space := n.scope.lookup(prefix)
			if around.lookup(prefix) == space || strings.HasPrefix(space, "?") {
				continue
			}
			name := "xmlns"
			if prefix != "" {
				name += ":" + prefix
			}
			n.attrs = append(slices.Clone(n.attrs), attr{name, space})
			around = around.with(prefix, space)
		}
	}
	for _, k := range n.kids {
		k.keepMeaning(around)
	}
}

// declares says which prefix an attribute of that name declares.
func declares(name string) (prefix string, is bool) {
	if name == "xmlns" {
		return "", true
	}
	return strings.CutPrefix(name, "xmlns:")
}

// prefixes returns the prefixes in the names of n and of its attributes.
func (n *node) prefixes() []string {
	all := []string{strings.TrimSuffix(prefixOf(n.raw), ":")}
	for _, a := range n.attrs {
		if _, is := declares(a.name); is {
			continue
		}
		if p := strings.TrimSuffix(prefixOf(a.name), ":"); p != "" && !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all
}
