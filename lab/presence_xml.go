package lab

import (
	"bytes"
	"encoding/xml"
	"errors"
	"strings"
)

// The lab reads XML by itself and not by wire/pidf, so that one misreading
// cannot be made on both sides.

const (
	xmlDepth    = 32
	xmlElements = 5000
)

var errXML = errors.New("not well-formed XML, or with DOCTYPE, too deep or too long")

// element is one XML element; offsets are into the document it was read from.
type element struct {
	name       xml.Name // with the namespace URI
	attr       []xml.Attr
	children   []*element
	text       string
	start, end int // of the whole element
	inner      int // where the content begins
}

// readXML reads a whole document with limits: no DOCTYPE, UTF-8 only.
func readXML(doc []byte) (*element, error) {
	d := xml.NewDecoder(bytes.NewReader(doc))
	var root *element
	var open []*element
	for count := 0; ; {
		from := int(d.InputOffset())
		t, err := d.Token()
		if t == nil {
			if root == nil || len(open) > 0 || err.Error() != "EOF" {
				return nil, errXML
			}
			return root, nil
		}
		switch t := t.(type) {
		case xml.Directive:
			return nil, errXML
		case xml.StartElement:
			count++
			e := &element{name: t.Name, attr: t.Attr, start: from, inner: int(d.InputOffset())}
			if count > xmlElements || len(open) >= xmlDepth || root != nil && len(open) == 0 {
				return nil, errXML
			}
			if root == nil {
				root = e
			} else {
				p := open[len(open)-1]
				p.children = append(p.children, e)
			}
			open = append(open, e)
		case xml.EndElement:
			open[len(open)-1].end = int(d.InputOffset())
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].text += string(t)
			} else if len(bytes.TrimSpace(t)) > 0 {
				return nil, errXML
			}
		}
	}
}

// is compares local name and namespace; an empty space matches any.
func (e *element) is(space, local string) bool {
	return e.name.Local == local && (space == "" || e.name.Space == space)
}

// get is the value of an attribute without namespace.
func (e *element) get(name string) string {
	for _, a := range e.attr {
		if a.Name.Space == "" && a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// child is the first child of that local name; nil: none.
func (e *element) child(local string) *element {
	for _, c := range e.children {
		if c.name.Local == local {
			return c
		}
	}
	return nil
}

// all walks the element and everything in it.
func (e *element) all(f func(*element)) {
	f(e)
	for _, c := range e.children {
		c.all(f)
	}
}

// declarations are the xmlns attributes of an element, by prefix.
func (e *element) declarations() map[string]string {
	d := map[string]string{}
	for _, a := range e.attr {
		switch {
		case a.Name.Space == "xmlns":
			d[a.Name.Local] = a.Value
		case a.Name.Space == "" && a.Name.Local == "xmlns":
			d[""] = a.Value
		}
	}
	return d
}

// xmlText escapes a value for text and attributes.
func xmlText(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder never fails
	return b.String()
}
