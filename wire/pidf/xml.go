package pidf

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding/unicode"
)

// Limits on every document that is read. A contact list of 10,000 people is
// about 1.5 MB, the states of 1,000 people in one NOTIFY about as much.
const (
	MaxSize     = 4 << 20 // bytes
	MaxDepth    = 32      // elements inside each other
	MaxElements = 60000
	MaxAttrs    = 64   // of one element
	MaxPrefixes = 128  // declared inside each other: each attribute may be looked up among all of them
	MaxText     = 2000 // characters of a note, a display name or a URI; what is longer is cut
)

// ErrTooBig is wrapped by the error for a document over a limit.
var ErrTooBig = errors.New("over the limit")

// ErrDoctype is wrapped by the error for a document with a DOCTYPE. It is
// refused unread: it is how entities that expand without end come in, and no
// presence document needs one.
var ErrDoctype = errors.New("a DOCTYPE is not allowed")

// node is an element, or a piece of text, a comment or a processing
// instruction (then local is empty). It keeps the name as it was written
// beside what it means, so that a document can be written back.
type node struct {
	space, local string // namespace and local name
	raw          string // prefix:local as written
	attrs        []attr // as written, namespace declarations included
	kids         []*node
	marks        []mark // attributes in our own namespace
	text         string // of a text node
	comment      bool   // text is a comment
	scope        *scope // what its prefixes mean; nil: it is new
	line         int    // where its start tag ends, from 1; 0: not read
}

// attr is an attribute as written. Attributes without prefix have no
// namespace (Namespaces in XML §6.2).
type attr struct{ name, value string }

// scope maps prefixes to namespaces, innermost first.
type scope struct {
	outer  *scope
	prefix string
	space  string
	depth  int // how many are declared, this one included
}

// with is s with one more declaration.
func (s *scope) with(prefix, space string) *scope {
	n := &scope{outer: s, prefix: prefix, space: space, depth: 1}
	if s != nil {
		n.depth += s.depth
	}
	return n
}

func (s *scope) lookup(prefix string) string {
	for ; s != nil; s = s.outer {
		if s.prefix == prefix && (s.space != "" || prefix == "") { // a prefix cannot be taken back (Namespaces in XML §2.2)
			return s.space
		}
	}
	switch prefix {
	case "xml":
		return nsXML
	case "":
		return ""
	}
	return "?" + prefix // undeclared: an unknown namespace, thus ignored
}

// read reads a document whose root element is local in namespace space. It is
// the only door by which XML comes in.
func read(b []byte, space, local string) (*node, error) {
	if len(b) > MaxSize {
		return nil, fmt.Errorf("%s document of %d bytes: %w of %d", local, len(b), ErrTooBig, MaxSize)
	}
	root, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s document: %w", local, err)
	}
	if root.local != local || root.space != space {
		return nil, fmt.Errorf("%s document: its root is <%s> in namespace %q", local, cut(root.local, 40), cut(root.space, 80))
	}
	return root, nil
}

// reader builds the tree.
type reader struct {
	from   *xml.Decoder
	open   []*node
	scopes []*scope
	count  int
	root   *node
}

func parse(b []byte) (*node, error) {
	b, wide := fromUTF16(b)
	d := xml.NewDecoder(bytes.NewReader(b))
	d.CharsetReader = func(label string, in io.Reader) (io.Reader, error) {
		if wide {
			return in, nil // already decoded
		}
		return charset.NewReaderLabel(label, in)
	}
	r := &reader{from: d, scopes: []*scope{nil}}
	for {
		t, err := d.RawToken()
		if err == io.EOF {
			return r.end()
		}
		if err == nil {
			err = r.token(t)
		}
		if err != nil {
			return nil, err
		}
	}
}

// fromUTF16 decodes a document with a UTF-16 byte order mark and takes away
// that of UTF-8 (XML 1.0 §4.3.3).
func fromUTF16(b []byte) (text []byte, wide bool) {
	if bytes.HasPrefix(b, []byte("\xfe\xff")) || bytes.HasPrefix(b, []byte("\xff\xfe")) {
		if u, err := unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM).NewDecoder().Bytes(b); err == nil {
			return u, true
		}
	}
	return bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), false
}

func (r *reader) end() (*node, error) {
	if len(r.open) > 0 {
		return nil, fmt.Errorf("<%s> is not closed", cut(r.open[len(r.open)-1].raw, 40))
	}
	if r.root == nil {
		return nil, errors.New("it is empty")
	}
	return r.root, nil
}

func (r *reader) token(t xml.Token) error {
	switch t := t.(type) {
	case xml.StartElement:
		return r.start(t)
	case xml.EndElement:
		return r.close(rawName(t.Name))
	case xml.CharData:
		r.add(&node{text: string(t)})
	case xml.Comment:
		r.add(&node{text: string(t), comment: true})
	case xml.Directive:
		return ErrDoctype
	}
	return nil
}

// add adds text or a comment to the open element; outside the root it is dropped.
func (r *reader) add(n *node) {
	if len(r.open) > 0 {
		top := r.open[len(r.open)-1]
		top.kids = append(top.kids, n)
	}
}

func (r *reader) start(t xml.StartElement) error {
	r.count++
	switch {
	case r.count > MaxElements:
		return fmt.Errorf("number of elements: %w of %d", ErrTooBig, MaxElements)
	case len(r.open) >= MaxDepth:
		return fmt.Errorf("depth: %w of %d", ErrTooBig, MaxDepth)
	case len(t.Attr) > MaxAttrs:
		return fmt.Errorf("number of attributes: %w of %d", ErrTooBig, MaxAttrs)
	case len(r.open) == 0 && r.root != nil:
		return errors.New("it has two root elements")
	}
	s := r.scopes[len(r.scopes)-1]
	n := &node{raw: rawName(t.Name), local: t.Name.Local}
	n.line, _ = r.from.InputPos()
	for _, a := range t.Attr {
		n.attrs = append(n.attrs, attr{rawName(a.Name), a.Value})
		switch {
		case a.Name.Space == "xmlns":
			s = s.with(a.Name.Local, a.Value)
		case a.Name.Space == "" && a.Name.Local == "xmlns":
			s = s.with("", a.Value)
		}
	}
	if s != nil && s.depth > MaxPrefixes {
		return fmt.Errorf("number of namespace prefixes: %w of %d", ErrTooBig, MaxPrefixes)
	}
	n.space, n.scope = s.lookup(t.Name.Space), s
	for _, a := range t.Attr {
		if a.Name.Space != "" && s.lookup(a.Name.Space) == nsMarks {
			n.marks = append(n.marks, mark{a.Name.Local, strings.TrimSpace(cut(a.Value, MaxText)), rawName(a.Name)})
		}
	}
	r.add(n)
	if r.root == nil {
		r.root = n
	}
	r.open, r.scopes = append(r.open, n), append(r.scopes, s)
	return nil
}

func (r *reader) close(raw string) error {
	last := len(r.open) - 1
	if last < 0 || r.open[last].raw != raw {
		return fmt.Errorf("</%s> closes nothing", cut(raw, 40))
	}
	r.open, r.scopes = r.open[:last], r.scopes[:last+1]
	return nil
}

func rawName(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

// attr returns the value of the attribute without prefix of that name.
func (n *node) attr(name string) string {
	for _, a := range n.attrs {
		if a.name == name {
			return strings.TrimSpace(cut(a.value, MaxText))
		}
	}
	return ""
}

// is says whether n is that element.
func (n *node) is(space, local string) bool { return n.local == local && n.space == space }

// each calls f for every child element of that name.
func (n *node) each(space, local string, f func(*node)) {
	for _, k := range n.kids {
		if k.is(space, local) {
			f(k)
		}
	}
}

// child returns the first child element of that name, or nil.
func (n *node) child(space, local string) *node {
	for _, k := range n.kids {
		if k.is(space, local) {
			return k
		}
	}
	return nil
}

// content returns the text directly inside n without the space around it; n may be nil.
func (n *node) content() string {
	if n == nil {
		return ""
	}
	var b strings.Builder
	for _, k := range n.kids {
		if k.local == "" && !k.comment {
			b.WriteString(k.text)
		}
		if b.Len() > 4*MaxText {
			break
		}
	}
	return cut(strings.TrimSpace(b.String()), MaxText)
}

// cut returns at most max characters of s.
func cut(s string, max int) string {
	if len(s) <= max {
		return s
	}
	for i := range s {
		if max--; max < 0 {
			return s[:i]
		}
	}
	return s
}

// legal returns s without what XML cannot carry (XML 1.0 §2.2).
func legal(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return r
		case r < 0x20 || r == 0xFFFE || r == 0xFFFF || r > utf8.MaxRune:
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
