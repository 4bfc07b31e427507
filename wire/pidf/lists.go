package pidf

import (
	"fmt"
	"slices"
	"strings"
)

// ContentTypeLists is the content type of a resource-lists document.
const ContentTypeLists = "application/resource-lists+xml"

// ResourceLists is a resource-lists document (RFC 4826 §3): a contact list as
// XCAP servers keep it. The same document is written by other clients in their
// own style, so what we do not know (attributes, elements, comments, prefixes)
// is kept and written back at its place; only the space between elements is ours.
//
// To edit, change the slices and fields and Marshal; move an Item or Entry as
// a value and it takes along what we do not know of it.
type ResourceLists struct {
	Items []Item // the lists, in order
	from  *node
}

// List is a list of entries and further lists (RFC 4826 §3.1).
type List struct {
	Name        string // unique among its siblings
	DisplayName string
	Items       []Item
	ListMarks
	from *node
}

// Item is one child of a list. At most one field is set; none in what is
// only kept (an unknown element, a comment).
type Item struct {
	List     *List
	Entry    *Entry
	EntryRef *EntryRef
	External *External
	kept     *node
}

// Entry is one person (RFC 4826 §3.1).
type Entry struct {
	URI         string
	DisplayName string
	EntryMarks
	from *node
}

// Line returns the line of the document that the entry was read from; 0: it is new.
func (e *Entry) Line() int {
	if e.from == nil {
		return 0
	}
	return e.from.line
}

// EntryRef points at an entry elsewhere on the same server (RFC 4826 §3.1).
type EntryRef struct {
	Ref         string
	DisplayName string
	from        *node
}

// External points at a list elsewhere (RFC 4826 §3.1).
type External struct {
	Anchor      string
	DisplayName string
	from        *node
}

// ParseResourceLists reads a resource-lists document.
func ParseResourceLists(b []byte) (ResourceLists, error) {
	root, err := readKept(b, nsLists, "resource-lists")
	if err != nil {
		return ResourceLists{}, err
	}
	return ResourceLists{Items: parseItems(root), from: root}, nil
}

// readKept reads a document that will be written back. A prefix that is not
// declared could come to mean something then, so there must be none.
func readKept(b []byte, space, local string) (*node, error) {
	root, err := read(b, space, local)
	if err == nil {
		if n := root.undeclared(); n != nil {
			return nil, fmt.Errorf("%s document: the prefix of <%s> is not declared", local, cut(n.raw, 40))
		}
	}
	return root, err
}

// undeclared returns an element whose prefix is not declared, or nil.
func (n *node) undeclared() *node {
	if strings.HasPrefix(n.space, "?") {
		return n
	}
	for _, k := range n.kids {
		if u := k.undeclared(); u != nil {
			return u
		}
	}
	return nil
}

// Lists returns the lists at the top of the document, in order.
func (r ResourceLists) Lists() []*List { return listsOf(r.Items) }

// Lists returns the lists directly inside l, in order.
func (l *List) Lists() []*List { return listsOf(l.Items) }

func listsOf(items []Item) (lists []*List) {
	for _, it := range items {
		if it.List != nil {
			lists = append(lists, it.List)
		}
	}
	return lists
}

// Entries returns the entries directly inside l, in order.
func (l *List) Entries() (entries []*Entry) {
	for _, it := range l.Items {
		if it.Entry != nil {
			entries = append(entries, it.Entry)
		}
	}
	return entries
}

// parseItems reads the children of a list or of the document.
func parseItems(n *node) (items []Item) {
	for _, k := range n.kids {
		switch {
		case k.local == "" && !k.comment, k.isList("display-name"):
			// space between elements; the display name is a field
		case k.isList("list"):
			items = append(items, Item{List: parseList(k)})
		case k.isList("entry"):
			items = append(items, Item{Entry: &Entry{k.attr("uri"), displayName(k), entryMarks(k), k}})
		case k.isList("entry-ref"):
			items = append(items, Item{EntryRef: &EntryRef{k.attr("ref"), displayName(k), k}})
		case k.isList("external"):
			items = append(items, Item{External: &External{k.attr("anchor"), displayName(k), k}})
		default:
			items = append(items, Item{kept: k})
		}
	}
	return items
}

func parseList(n *node) *List {
	return &List{Name: n.attr("name"), DisplayName: displayName(n), Items: parseItems(n), ListMarks: listMarks(n), from: n}
}

// isList says whether n is that element of a list. In an rls-services document
// some clients write them in that document's namespace; servers that look at
// names only accept it, so it is what is in their stores.
func (n *node) isList(local string) bool {
	return n.local == local && (n.space == nsLists || n.space == nsRLS)
}

// nameElement returns the display-name element of n, or nil.
func nameElement(n *node) *node {
	for _, k := range n.kids {
		if k.isList("display-name") {
			return k
		}
	}
	return nil
}

func displayName(n *node) string { return nameElement(n).content() }

// Marshal writes the document.
func (r ResourceLists) Marshal() []byte {
	n := r.from.remade("resource-lists", "")
	if r.from == nil {
		n.attrs = []attr{{"xmlns", nsLists}}
	}
	n.kids = itemNodes(r.Items, prefixOf(n.raw))
	n.declareMarks()
	n.keepMeaning(nil)
	w := newWriter()
	n.write(w)
	return w.end()
}

// itemNodes makes the elements of items; new ones get the prefix that the
// document uses for its namespace.
func itemNodes(items []Item, prefix string) (kids []*node) {
	for _, it := range items {
		switch {
		case it.List != nil:
			kids = append(kids, it.List.node(prefix))
		case it.Entry != nil:
			n := named{it.Entry.from, "entry", "uri", it.Entry.URI, it.Entry.DisplayName}.node(prefix)
			n.mark(it.Entry.EntryMarks.marks())
			kids = append(kids, n)
		case it.EntryRef != nil:
			kids = append(kids, named{it.EntryRef.from, "entry-ref", "ref", it.EntryRef.Ref, it.EntryRef.DisplayName}.node(prefix))
		case it.External != nil:
			kids = append(kids, named{it.External.from, "external", "anchor", it.External.Anchor, it.External.DisplayName}.node(prefix))
		case it.kept != nil:
			kids = append(kids, it.kept)
		}
	}
	return kids
}

func (l *List) node(prefix string) *node {
	n := l.from.remade("list", prefix)
	n.setAttr("name", l.Name)
	n.mark(l.ListMarks.marks())
	n.kids = append(nameNode(l.from, l.DisplayName, prefixOf(n.raw)), itemNodes(l.Items, prefixOf(n.raw))...)
	return n
}

// named is an element with one attribute of ours and perhaps a display name.
type named struct {
	from                      *node
	element, attribute, value string
	displayName               string
}

func (e named) node(prefix string) *node {
	n := e.from.remade(e.element, prefix)
	n.setAttr(e.attribute, e.value)
	n.kids = nameNode(e.from, e.displayName, prefixOf(n.raw))
	if e.from != nil {
		for _, k := range e.from.kids {
			if (k.local != "" || k.comment) && !k.isList("display-name") {
				n.kids = append(n.kids, k)
			}
		}
	}
	return n
}

// nameNode makes the display-name element, or none. One that did not change is
// kept as it was, with its language and those in other languages.
func nameNode(from *node, name, prefix string) (kept []*node) {
	if from != nil && displayName(from) == name {
		for _, k := range from.kids {
			if k.isList("display-name") {
				kept = append(kept, k)
			}
		}
	}
	if name == "" || len(kept) > 0 {
		return kept
	}
	n := (*node)(nil).remade("display-name", prefix)
	n.kids = []*node{{text: name}}
	return []*node{n}
}

// remade returns a copy of n without children, or a new element when n is nil.
func (n *node) remade(local, prefix string) *node {
	if n == nil {
		return &node{space: nsLists, local: local, raw: prefix + local}
	}
	c := *n
	c.attrs, c.kids = slices.Clone(n.attrs), nil
	return &c
}

// setAttr sets an attribute; an empty value takes it away, unless it must be there.
func (n *node) setAttr(name, value string) {
	i := slices.IndexFunc(n.attrs, func(a attr) bool { return a.name == name })
	switch {
	case i >= 0 && value == "" && !required(n.local, name):
		n.attrs = slices.Delete(n.attrs, i, i+1)
	case i >= 0 && n.attr(name) != value:
		n.attrs[i].value = value
	case i < 0 && (value != "" || required(n.local, name)):
		n.attrs = append(n.attrs, attr{name, value})
	}
}

// prefixOf returns the prefix of a name as written, with its colon.
func prefixOf(raw string) string {
	for i := range len(raw) {
		if raw[i] == ':' {
			return raw[:i+1]
		}
	}
	return ""
}

// write writes a node as it was read. An element that holds text is written
// in one piece, one that holds only elements is indented.
func (n *node) write(w *writer) {
	if n.local == "" {
		w.line()
		n.verbatim(w)
		return
	}
	for _, k := range n.kids {
		if k.local == "" && !k.comment && !isSpace(k.text) {
			w.line()
			n.verbatim(w)
			return
		}
	}
	w.openAll(n.raw, n.attrs)
	for _, k := range n.kids {
		if k.local != "" || k.comment {
			k.write(w)
		}
	}
	w.close()
}

// verbatim writes a node with all the space in it.
func (n *node) verbatim(w *writer) {
	switch {
	case n.comment:
		w.b.WriteString("<!--" + legal(n.text) + "-->")
		return
	case n.local == "":
		w.b.WriteString(escapeText(n.text))
		return
	}
	w.b.WriteString("<" + n.raw)
	for _, a := range n.attrs {
		w.attr(a.name, a.value)
	}
	if len(n.kids) == 0 {
		w.b.WriteString("/>")
		return
	}
	w.b.WriteByte('>')
	for _, k := range n.kids {
		k.verbatim(w)
	}
	w.b.WriteString("</" + n.raw + ">")
}

func isSpace(s string) bool {
	for i := range len(s) {
		if s[i] != ' ' && s[i] != '\t' && s[i] != '\n' && s[i] != '\r' {
			return false
		}
	}
	return true
}
