package pidf

import (
	"fmt"
	"strings"
)

// DispositionHistory is the Content-Disposition of a list of those who got the
// message (RFC 5364 §7); a client that does not know it may pass it over.
const DispositionHistory = "recipient-list-history; handling=optional"

// MaxRecipients is how many recipients of one message are read.
const MaxRecipients = 2000

// Recipients is the list of those who got a message, as it travels with the
// message (RFC 5364 §4, RFC 5365 §7.3): a resource-lists document.
type Recipients struct {
	ID     string // name of the list: which conversation it is; empty: a server made the list, or an old client
	Title  string // of the conversation
	Notice string // our mark: the text only says, for people, what the list says
	People []Recipient
}

// Recipient is one of those who got a message.
type Recipient struct {
	URI   string
	Added bool // our mark: is in the conversation from this message on
}

const nsCopyControl = "urn:ietf:params:xml:ns:copycontrol"

// ParseRecipients reads a list of recipients. Whom nobody shall see is left out;
// so is everybody after MaxRecipients.
func ParseRecipients(b []byte) (Recipients, error) {
	root, err := read(b, nsLists, "resource-lists")
	if err != nil {
		return Recipients{}, fmt.Errorf("recipients: %w", err)
	}
	r := Recipients{}
	if l := root.child(nsLists, "list"); l != nil {
		r.ID, r.Title, r.Notice = l.attr("name"), displayName(l), l.markOf("notice").value
	}
	r.gather(root)
	return r, nil
}

// gather takes the entries inside n, also those of lists inside it.
func (r *Recipients) gather(n *node) {
	for _, k := range n.kids {
		switch {
		case k.is(nsLists, "list"):
			r.gather(k)
		case k.is(nsLists, "entry") && !k.undisclosed() && len(r.People) < MaxRecipients:
			r.People = append(r.People, Recipient{k.attr("uri"), k.markOf("added").value == "true"})
		}
	}
}

// undisclosed says whether an entry is nobody one could write to: RFC 5364 §4
// wants blind copies left out, and puts an address that is none in the place of
// who wants to stay unknown. Who left them in did not mean them to be shown.
func (n *node) undisclosed() bool {
	for _, a := range n.attrs {
		prefix, local, found := strings.Cut(a.name, ":")
		if found && n.scope.lookup(prefix) == nsCopyControl &&
			(local == "copyControl" && a.value == "bcc" || local == "anonymize" && (a.value == "true" || a.value == "1")) {
			return true
		}
	}
	return strings.HasSuffix(strings.ToLower(n.attr("uri")), "@anonymous.invalid")
}

// Marshal writes the document, as short as it can be: it comes with every message.
func (r Recipients) Marshal() []byte {
	var b strings.Builder
	put := func(parts ...string) {
		for _, p := range parts {
			b.WriteString(p)
		}
	}
	put(`<?xml version="1.0" encoding="UTF-8"?>`, "\n", `<resource-lists xmlns="`, nsLists, `" xmlns:cp="`, nsCopyControl, `"`)
	if r.marked() {
		put(` xmlns:`, strings.TrimSuffix(marksPrefix, ":"), `="`, nsMarks, `"`)
	}
	put(">\n<list")
	for _, a := range []attr{{"name", r.ID}, {marksPrefix + "notice", r.Notice}} {
		if a.value != "" {
			put(" ", a.name, `="`, escapeAttr(a.value), `"`)
		}
	}
	put(">\n")
	if r.Title != "" {
		put("<display-name>", escapeText(r.Title), "</display-name>\n")
	}
	for _, p := range r.People {
		put(`<entry uri="`, escapeAttr(p.URI), `" cp:copyControl="to"`) // RFC 5364 §4
		if p.Added {
			put(" ", marksPrefix, `added="true"`)
		}
		put("/>\n")
	}
	put("</list>\n</resource-lists>\n")
	return []byte(b.String())
}

// marked says whether anything of ours is in the list.
func (r Recipients) marked() bool {
	for _, p := range r.People {
		if p.Added {
			return true
		}
	}
	return r.Notice != ""
}
