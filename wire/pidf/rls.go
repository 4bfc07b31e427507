package pidf

import (
	"slices"
	"strconv"
	"strings"
)

// ContentTypeRLS is the content type of an rls-services document.
const ContentTypeRLS = "application/rls-services+xml"

// RLSServices is an rls-services document (RFC 4826 §4): which addresses are
// lists that can be watched by one subscription.
type RLSServices struct {
	Services []Service
	from     *node
}

// Service is one list that can be watched (RFC 4826 §4.1). Either List or
// ResourceList is set.
type Service struct {
	URI          string   // what is subscribed to
	List         *List    // the members
	ResourceList string   // XCAP URI of a list of a resource-lists document
	Packages     []string // event packages, "presence"; empty: any
	from         *node
}

// ParseRLSServices reads an rls-services document. Services of other clients
// are kept as ResourceLists keeps what it does not know.
func ParseRLSServices(b []byte) (RLSServices, error) {
	root, err := readKept(b, nsRLS, "rls-services")
	if err != nil {
		return RLSServices{}, err
	}
	r := RLSServices{from: root}
	root.each(nsRLS, "service", func(k *node) { r.Services = append(r.Services, parseService(k)) })
	return r, nil
}

func parseService(n *node) Service {
	s := Service{URI: n.attr("uri"), ResourceList: n.child(nsRLS, "resource-list").content(), from: n}
	for _, k := range n.kids {
		if k.isList("list") && s.List == nil {
			s.List = parseList(k)
		}
	}
	if p := n.child(nsRLS, "packages"); p != nil {
		p.each(nsRLS, "package", func(k *node) { s.Packages = append(s.Packages, k.content()) })
	}
	return s
}

// Marshal writes the document.
func (r RLSServices) Marshal() []byte {
	n := r.from.remade("rls-services", "")
	if r.from == nil {
		n.attrs = []attr{{"xmlns", nsRLS}}
	}
	for _, s := range r.Services {
		n.kids = append(n.kids, s.node(prefixOf(n.raw)))
	}
	if r.from != nil {
		for _, k := range r.from.kids {
			if (k.local != "" || k.comment) && !k.is(nsRLS, "service") {
				n.kids = append(n.kids, k)
			}
		}
	}
	n.declareMarks()
	n.keepMeaning(nil)
	w := newWriter()
	n.write(w)
	return w.end()
}

func (s Service) node(prefix string) *node {
	n := s.from.remade("service", prefix)
	n.setAttr("uri", s.URI)
	prefix = prefixOf(n.raw)
	switch {
	case s.List != nil:
		n.kids = append(n.kids, s.listNode(prefix))
	case s.ResourceList != "":
		n.kids = append(n.kids, textNode(prefix+"resource-list", s.ResourceList))
	}
	if len(s.Packages) > 0 {
		p := &node{local: "packages", raw: prefix + "packages"}
		for _, name := range s.Packages {
			p.kids = append(p.kids, textNode(prefix+"package", name))
		}
		n.kids = append(n.kids, p)
	}
	if s.from != nil {
		for _, k := range s.from.kids {
			if (k.local != "" || k.comment) && k.space != nsRLS {
				n.kids = append(n.kids, k)
			}
		}
	}
	return n
}

// listNode makes the <list> of a service. The element itself is in the
// namespace of rls-services, what is in it in that of resource-lists
// (RFC 4826 §4.2). One that was read keeps its names.
func (s Service) listNode(prefix string) *node {
	from := s.List
	if s.from == nil {
		from = from.bare() // it may come from another document, with other prefixes
	}
	l, inner := from.from.remade("list", prefix), "rl:"
	if from.from == nil {
		l.attrs = []attr{{"xmlns:rl", nsLists}}
	} else {
		inner = from.innerPrefix(l)
	}
	l.setAttr("name", from.Name)
	l.kids = append(nameNode(from.from, from.DisplayName, inner), itemNodes(from.Items, inner)...)
	return l
}

// bare returns l without what it keeps of the document it was read from.
func (l *List) bare() *List {
	b := &List{Name: l.Name, DisplayName: l.DisplayName}
	for _, it := range l.Items {
		switch {
		case it.List != nil:
			b.Items = append(b.Items, Item{List: it.List.bare()})
		case it.Entry != nil:
			b.Items = append(b.Items, Item{Entry: &Entry{URI: it.Entry.URI, DisplayName: it.Entry.DisplayName}})
		case it.EntryRef != nil:
			b.Items = append(b.Items, Item{EntryRef: &EntryRef{Ref: it.EntryRef.Ref, DisplayName: it.EntryRef.DisplayName}})
		case it.External != nil:
			b.Items = append(b.Items, Item{External: &External{Anchor: it.External.Anchor, DisplayName: it.External.DisplayName}})
		}
	}
	return b
}

// innerPrefix returns the prefix for new entries in a list that was read: that
// of what is already there, else one that the list declares, else one that
// nothing in it uses, which it then declares.
func (l *List) innerPrefix(made *node) string {
	for _, k := range l.from.kids {
		if k.isList(k.local) {
			return prefixOf(k.raw)
		}
	}
	for _, a := range l.from.attrs {
		if p, is := strings.CutPrefix(a.name, "xmlns:"); is && a.value == nsLists {
			return p + ":"
		}
	}
	prefix := "rl"
	for i := 1; l.from.uses(prefix); i++ {
		prefix = "rl" + strconv.Itoa(i)
	}
	made.setAttr("xmlns:"+prefix, nsLists)
	return prefix + ":"
}

// uses says whether a prefix stands in n or anything in it.
func (n *node) uses(prefix string) bool {
	if prefixOf(n.raw) == prefix+":" {
		return true
	}
	for _, a := range n.attrs {
		if prefixOf(a.name) == prefix+":" || a.name == "xmlns:"+prefix {
			return true
		}
	}
	return slices.ContainsFunc(n.kids, func(k *node) bool { return k.uses(prefix) })
}

func textNode(raw, text string) *node {
	return &node{local: raw, raw: raw, kids: []*node{{text: text}}}
}
