package lab

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// selector is where an XCAP request goes (RFC 4825 §6).
type selector struct {
	auid   string
	global bool
	user   string // user@domain, lower case
	node   []step // empty: the whole document
}

// step is one step of a node selector: an element, by position or by an attribute.
type step struct {
	name        string // without prefix; *: any
	at          int    // 1 is the first; 0: not said
	attr, value string // attr empty: not said
}

const selectorSteps = 16

// parseSelector reads the path of a URL, still escaped: /xcap/AUID/users/XUI/index,
// perhaps with /~~/ and a node selector.
func parseSelector(path string) (selector, error) {
	doc, node, has := strings.Cut(path, "/~~/")
	parts := strings.Split(strings.TrimPrefix(doc, "/xcap/"), "/")
	if !strings.HasPrefix(doc, "/xcap/") {
		return selector{}, fmt.Errorf("the XCAP root is /xcap")
	}
	for i := range parts {
		part, err := url.PathUnescape(parts[i])
		if err != nil {
			return selector{}, fmt.Errorf("the path is not escaped well")
		}
		parts[i] = part
	}
	s := selector{auid: parts[0]}
	switch {
	case len(parts) == 3 && parts[1] == "global" && parts[2] == "index":
		s.global = true
	case len(parts) == 4 && parts[1] == "users" && parts[3] == "index":
		s.user = strings.ToLower(strings.TrimPrefix(parts[2], "sip:"))
	default:
		return selector{}, fmt.Errorf("documents are at AUID/users/sip:USER@DOMAIN/index")
	}
	if !has {
		return s, nil
	}
	for text := range strings.SplitSeq(node, "/") {
		st, err := parseStep(text)
		if err != nil || len(s.node) == selectorSteps {
			return selector{}, fmt.Errorf("the node selector cannot be understood")
		}
		s.node = append(s.node, st)
	}
	return s, nil
}

// parseStep reads name, *[n], name[n], name[@a="v"] or name[n][@a="v"] (RFC 4825 §6.3).
func parseStep(text string) (st step, err error) {
	if text, err = url.PathUnescape(text); err != nil {
		return st, err
	}
	bad := fmt.Errorf("step %q", text)
	name, rest, has := strings.Cut(text, "[")
	rest, closed := strings.CutSuffix(rest, "]")
	if _, local, prefixed := strings.Cut(name, ":"); prefixed {
		name = local // prefixes are bound by a query that we do not need: each usage has one namespace
	}
	if st.name = name; name == "" || has != closed || strings.ContainsAny(name, `@"'=]`) {
		return st, bad
	}
	if !has {
		return st, nil
	}
	for p := range strings.SplitSeq(rest, "][") {
		if a, is := strings.CutPrefix(p, "@"); is {
			name, value, _ := strings.Cut(a, "=")
			if len(value) < 2 || value[0] != value[len(value)-1] || value[0] != '"' && value[0] != '\'' || name == "" || st.attr != "" {
				return st, bad
			}
			st.attr, st.value = name, value[1:len(value)-1]
			continue
		}
		if st.at, err = strconv.Atoi(p); err != nil || st.at < 1 {
			return st, bad
		}
	}
	return st, nil
}

func (st step) matches(e xml.StartElement) bool {
	if st.name != "*" && st.name != e.Name.Local {
		return false
	}
	if st.attr == "" {
		return true
	}
	for _, a := range e.Attr {
		if a.Name.Local == st.attr {
			return a.Value == st.value
		}
	}
	return false
}

// span is where an element stands in a document: from its first < to behind its last >.
type span struct{ start, end int64 }

// find returns the place of the element that steps select, if there is
// exactly one (RFC 4825 §7.7).
func find(doc []byte, steps []step) (span, bool) {
	found, _ := walk(doc, steps)
	if len(found) != 1 {
		return span{}, false
	}
	return found[0], true
}

// walk collects all elements that steps select. Of positions RFC 4825 §6.3
// says: among the siblings of that name. parent is the last element that all
// but the last step select.
func walk(doc []byte, steps []step) (found []span, parent container) {
	type level struct {
		on              bool           // on the path of steps
		seen            map[string]int // children by name, for positions
		start, startEnd int64          // of the start tag
		hit             bool
	}
	stack := []level{{on: true, seen: map[string]int{}}}
	d := xml.NewDecoder(bytes.NewReader(doc))
	for {
		before := d.InputOffset()
		t, err := d.Token()
		if err != nil {
			return found, parent
		}
		switch t := t.(type) {
		case xml.StartElement:
			up := &stack[len(stack)-1]
			depth := len(stack) - 1
			l := level{start: before, startEnd: d.InputOffset()}
			if up.on && depth < len(steps) {
				st := steps[depth]
				up.seen[t.Name.Local]++
				up.seen["*"]++
				if st.matches(t) && (st.at == 0 || up.seen[st.name] == st.at) {
					l.on, l.hit, l.seen = true, depth == len(steps)-1, map[string]int{}
				}
			}
			stack = append(stack, l)
		case xml.EndElement:
			l := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if l.hit {
				found = append(found, span{l.start, d.InputOffset()})
			}
			if l.on && len(stack) == len(steps)-1 {
				parent = container{exists: true, start: l.start, end: before, empty: before == l.startEnd && doc[before-2] == '/'}
			}
		}
	}
}

// put replaces the element that steps select by content, or adds it as the
// last child of its parent (RFC 4825 §8.2.3).
func put(doc []byte, steps []step, content []byte) (changed []byte, created bool, err error) {
	if err := oneElement(content, steps[len(steps)-1]); err != nil {
		return nil, false, err
	}
	at, parent := walk(doc, steps)
	content = bytes.TrimSpace(content)
	switch {
	case len(at) > 1:
		return nil, false, &conflictError{"cannot-insert", "the selector names more than one element"}
	case len(at) == 1:
		changed = slices.Concat(doc[:at[0].start], content, doc[at[0].end:])
	case !parent.exists:
		return nil, false, &conflictError{"no-parent", "there is nothing to put it into"}
	default:
		changed, created = parent.insert(doc, content), true
	}
	// RFC 4825 §8.2.3: a GET of the same selector must give what was put.
	if _, there := find(changed, steps); !there {
		return nil, false, &conflictError{"cannot-insert", "the element does not match its selector there"}
	}
	return changed, created, nil
}

// container is an element into which something can be put.
type container struct {
	exists     bool
	start, end int64 // where its start tag and its end tag begin
	empty      bool  // written as <name/>; end is then behind it
}

// insert puts content at the end of the element.
func (p container) insert(doc, content []byte) []byte {
	if !p.empty {
		return slices.Concat(doc[:p.end], content, doc[p.end:])
	}
	name := doc[p.start+1 : p.end]
	name = name[:bytes.IndexAny(name, " \t\r\n/")]
	return slices.Concat(doc[:p.end-2], []byte(">"), content, []byte("</"), name, []byte(">"), doc[p.end:])
}

// oneElement checks that content is one element that st selects.
func oneElement(content []byte, st step) error {
	if !bytes.HasPrefix(bytes.TrimSpace(content), []byte("<")) || !bytes.HasSuffix(bytes.TrimSpace(content), []byte(">")) {
		return &conflictError{"not-xml-frag", "text beside the element"} // RFC 4825 §8.2.1: an element and nothing else
	}
	d := xml.NewDecoder(bytes.NewReader(content))
	for {
		t, err := d.Token()
		if err != nil {
			return &conflictError{"not-xml-frag", "one element is wanted"}
		}
		e, is := t.(xml.StartElement)
		if !is {
			continue
		}
		if !st.matches(e) {
			return &conflictError{"cannot-insert", "the element does not match its selector"}
		}
		if d.Skip() != nil {
			return &conflictError{"not-xml-frag", "one element is wanted"}
		}
		if rest := bytes.TrimSpace(content[d.InputOffset():]); len(rest) > 0 {
			return &conflictError{"not-xml-frag", "one element is wanted"}
		}
		return nil
	}
}

// wellFormed checks a whole document: XML in UTF-8 without DOCTYPE, not too
// deep, with the right root.
func wellFormed(doc []byte, u usage) error {
	d := xml.NewDecoder(bytes.NewReader(doc))
	depth, roots := 0, 0
	for {
		t, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			if strings.Contains(err.Error(), "encoding") || strings.Contains(err.Error(), "UTF-8") {
				return &conflictError{"not-utf-8", "documents are in UTF-8"}
			}
			return &conflictError{"not-well-formed", err.Error()}
		}
		switch t := t.(type) {
		case xml.Directive:
			return &conflictError{"not-well-formed", "no DOCTYPE here"}
		case xml.StartElement:
			if depth++; depth > xmlDepth {
				return &conflictError{"not-well-formed", "too deep"}
			}
			if depth > 1 {
				continue
			}
			if roots++; t.Name.Local != u.root || t.Name.Space != u.namespace {
				return &conflictError{"schema-validation-error", "the root is " + u.root + " in " + u.namespace}
			}
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth == 0 && len(bytes.TrimSpace(t)) > 0 {
				return &conflictError{"not-well-formed", "text outside of the root"}
			}
		}
	}
	if roots != 1 {
		return &conflictError{"not-well-formed", "one root is wanted"}
	}
	return nil
}
