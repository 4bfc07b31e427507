package pidf

import (
	"strconv"
	"strings"
	"time"
)

// writer writes one document, indented by two spaces. Attributes come as name
// and value in turn; an attribute with an empty value is left out unless the
// element must have it.
type writer struct {
	b     strings.Builder
	names []string // of the elements that are open
	bare  bool     // the last start tag still lacks its ">"
}

func newWriter() *writer {
	w := &writer{}
	w.b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>`)
	return w
}

// required says whether an attribute of an element is written although it is empty.
func required(element, name string) bool {
	switch name {
	case "entity", "uri":
		return true
	case "id":
		return element != "rpid:activities"
	}
	return false
}

var (
	textEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#13;")
	attrEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;",
		"\t", "&#9;", "\n", "&#10;", "\r", "&#13;")
)

func escapeText(s string) string { return textEscapes.Replace(legal(s)) }
func escapeAttr(s string) string { return attrEscapes.Replace(legal(s)) }

func (w *writer) finish() {
	if w.bare {
		w.b.WriteByte('>')
		w.bare = false
	}
}

func (w *writer) line() {
	w.finish()
	w.b.WriteByte('\n')
	for range w.names {
		w.b.WriteString("  ")
	}
}

func (w *writer) tag(name string, attrs []string) {
	w.b.WriteByte('<')
	w.b.WriteString(name)
	for i := 0; i+1 < len(attrs); i += 2 {
		if attrs[i+1] != "" || required(name, attrs[i]) {
			w.attr(attrs[i], attrs[i+1])
		}
	}
}

func (w *writer) attr(name, value string) {
	w.b.WriteByte(' ')
	w.b.WriteString(name)
	w.b.WriteString(`="`)
	w.b.WriteString(escapeAttr(value))
	w.b.WriteByte('"')
}

// open begins an element on a new line.
func (w *writer) open(name string, attrs ...string) {
	w.line()
	w.tag(name, attrs)
	w.names, w.bare = append(w.names, name), true
}

// openAll begins an element with every attribute as given, also the empty ones.
func (w *writer) openAll(name string, attrs []attr) {
	w.open(name)
	for _, a := range attrs {
		w.attr(a.name, a.value)
	}
}

// close ends the element that was opened last.
func (w *writer) close() {
	last := len(w.names) - 1
	name := w.names[last]
	w.names = w.names[:last]
	if w.bare {
		w.b.WriteString("/>")
		w.bare = false
		return
	}
	w.line()
	w.b.WriteString("</" + name + ">")
}

// leaf writes an element that holds only text.
func (w *writer) leaf(name, text string, attrs ...string) {
	if text != "" {
		w.pair(name, text, attrs...)
		return
	}
	w.line()
	w.tag(name, attrs)
	w.b.WriteString("/>")
}

// pair is leaf with both tags, also around no text.
func (w *writer) pair(name, text string, attrs ...string) {
	w.line()
	w.tag(name, attrs)
	w.b.WriteString(">" + escapeText(text) + "</" + name + ">")
}

// leafIf writes the element if there is text.
func (w *writer) leafIf(name, text string) {
	if text != "" {
		w.leaf(name, text)
	}
}

// end closes what is open and returns the document.
func (w *writer) end() []byte {
	for len(w.names) > 0 {
		w.close()
	}
	w.b.WriteByte('\n')
	return []byte(w.b.String())
}

// seconds writes a duration as whole seconds; zero is empty.
func seconds(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return strconv.FormatInt(int64(d/time.Second), 10)
}
