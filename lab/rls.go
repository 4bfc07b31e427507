package lab

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

// One NOTIFY holds less than 65,535 bytes. The first names every entry, so a
// list may not be longer than that; the documents that do not fit follow as
// partial state.
const (
	listLimit = 1000
	listNames = 55_000 // all entries of a list, as the first NOTIFY names them
	listBody  = 48_000 // what is filled up with documents
	listDoc   = 40_000 // the largest document; a larger one is not shown in a list
)

// listEntry is one address of a list.
type listEntry struct{ uri, name string }

// listed turns a SUBSCRIBE into one for a list, when it carries one (RFC 5367)
// or names one of the subscriber's (RFC 4662, RFC 4826 §4). false: it names no list.
func (r *request) listed(s *subscription, event string) (bool, *refusal) {
	var entries []listEntry
	switch {
	case slices.Contains(tokens(r.Request, "Require"), "recipient-list-subscribe"):
		var x *refusal
		if entries, x = r.carried(); x != nil {
			return false, x
		}
	default:
		var found bool
		if entries, found = r.pool.storedList(r.user, s.about, event); !found {
			return false, nil
		}
		s.stored = true
	}
	// RFC 4662 §4.1: a list is only for those who say that they know lists.
	if !supports(r.Request, "eventlist") {
		return false, refuse(421, "Extension Required", sip.NewHeader("Require", "eventlist"))
	}
	for _, kind := range []string{"application/rlmi+xml", "multipart/related", packages[event]} {
		if !accepts(r.Request, kind) || header(r.Request, "Accept") == nil {
			return false, refuse(406, "Not Acceptable", sip.NewHeader("Accept", "multipart/related, application/rlmi+xml, "+packages[event]))
		}
	}
	if event == "presence.winfo" {
		return false, refuse(489, "Bad Event", sip.NewHeader("Allow-Events", allowEvents)) // of a list: nothing to tell
	}
	if tooLong(entries) {
		return false, refuse(413, "List Too Long")
	}
	s.list = true
	r.pool.presence.mu.Lock()
	defer r.pool.presence.mu.Unlock()
	s.fill(entries)
	return true, nil
}

// carried reads the list that the request brings (RFC 5367 §4).
func (r *request) carried() ([]listEntry, *refusal) {
	kind, _, _ := strings.Cut(value(r.Request, "Content-Type"), ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "application/resource-lists+xml") {
		return nil, refuse(415, "Unsupported Media Type", sip.NewHeader("Accept", "application/resource-lists+xml"))
	}
	root, err := readXML(r.Body())
	if err != nil || root.name.Local != "resource-lists" {
		return nil, forbidden("Body Is No resource-lists Document (RFC 5367 4)")
	}
	return entriesOf(root), nil
}

// tooLong says whether a list does not fit the first NOTIFY.
func tooLong(entries []listEntry) bool {
	size := 0
	for _, e := range entries {
		size += naming(e.uri)
	}
	return len(entries) > listLimit || size > listNames
}

// naming is the size of an entry without state in a NOTIFY.
func naming(uri string) int { return len(xmlText(uri)) + len(`<resource uri=""></resource>`) }

// fill makes the watchers of a list's entries; a.mu is held.
func (s *subscription) fill(entries []listEntry) {
	s.watches = nil
	for _, e := range entries {
		s.watches = append(s.watches, s.watch(plainAddress(e.uri), e.uri, e.name))
	}
}

// entriesOf collects the entries of a list and of the lists in it, each once.
func entriesOf(list *element) []listEntry {
	var all []listEntry
	seen := map[string]bool{}
	list.all(func(e *element) {
		uri := strings.TrimSpace(e.get("uri"))
		if e.name.Local != "entry" || uri == "" || seen[plainAddress(uri)] || len(all) > listLimit {
			return
		}
		seen[plainAddress(uri)] = true
		x := listEntry{uri: uri}
		if n := e.child("display-name"); n != nil {
			if name := strings.TrimSpace(n.text); len(name) < 200 {
				x.name = name
			}
		}
		all = append(all, x)
	})
	return all
}

// storedList finds a list in the rls-services document of its owner.
func (p *pool) storedList(owner, uri, event string) ([]listEntry, bool) {
	d, found := p.getXCAP("rls-services", owner)
	if !found {
		return nil, false
	}
	root, err := readXML(d.content)
	if err != nil {
		return nil, false
	}
	for _, service := range root.children {
		if service.name.Local != "service" || plainAddress(service.get("uri")) != plainAddress(uri) {
			continue
		}
		if !offered(service.child("packages"), event) {
			return nil, false
		}
		if list := service.child("list"); list != nil {
			return entriesOf(list), true
		}
		if at := service.child("resource-list"); at != nil {
			return p.linkedList(owner, strings.TrimSpace(at.text)), true
		}
		return nil, true
	}
	return nil, false
}

// offered says whether a service is for the event; without packages it is for all.
func offered(packages *element, event string) bool {
	return packages == nil || slices.ContainsFunc(packages.children, func(e *element) bool { return strings.TrimSpace(e.text) == event })
}

// linkedList follows the <resource-list> of a service to the owner's
// resource-lists document, and there to the list that the node selector names
// (one step by name); without a selector it is the whole document.
func (p *pool) linkedList(owner, link string) []listEntry {
	d, found := p.getXCAP("resource-lists", owner)
	if !found {
		return nil
	}
	root, err := readXML(d.content)
	if err != nil {
		return nil
	}
	_, selector, has := strings.Cut(link, "/~~/")
	if !has {
		return entriesOf(root)
	}
	if plain, err := url.PathUnescape(selector); err == nil {
		selector = plain
	}
	_, name, _ := strings.Cut(selector, `list[@name="`)
	name, _, _ = strings.Cut(name, `"]`)
	for _, l := range root.children {
		if l.name.Local == "list" && l.get("name") == name {
			return entriesOf(l)
		}
	}
	return nil
}

// reread looks at a stored list again, because its document changed; a.mu is held.
func (a *agent) reread(s *subscription) {
	entries, found := a.pool.storedList(s.user, s.about, eventName(s.event))
	for _, w := range s.watches {
		w.leave("deactivated")
	}
	if s.watches = nil; !tooLong(entries) {
		s.fill(entries)
	}
	for _, w := range s.watches {
		if w.on != nil && w.state != terminated {
			w.on.watches[w] = true
		}
		w.told("subscribe")
	}
	if !found || tooLong(entries) {
		s.end("noresource")
		return
	}
	s.full = true
	s.notify()
}

// listInfo is the body of a NOTIFY for a list (RFC 4662 §5.3, §5.4): at first
// all entries, with the states that are known and fit; then only changes. a.mu is held.
func (s *subscription) listInfo() (b sipconn.Body, more bool) {
	var rlmi, parts strings.Builder
	boundary, root := token()[:10], token()[:10]
	whole, left := s.full, 0 // left: what it takes to name the entries that are still to come
	for _, w := range s.watches {
		if w.news = w.news || whole; whole {
			left += naming(w.uri)
		}
	}
	fmt.Fprintf(&rlmi, `<?xml version="1.0" encoding="UTF-8"?>`+"\r\n"+`<list xmlns="urn:ietf:params:xml:ns:rlmi" uri="%s" version="%d" fullState="%t">`, xmlText(s.about), s.version, whole)
	for _, w := range s.watches {
		if whole {
			left -= naming(w.uri)
		}
		room := listBody - rlmi.Len() - parts.Len() - left
		fits := len(w.document())+400 < room
		if !w.news || !fits && !whole {
			more = more || w.news
			continue
		}
		fmt.Fprintf(&rlmi, `<resource uri="%s">`, xmlText(w.uri))
		if w.name != "" && rlmi.Len() < listBody/2 && naming(w.name) < room {
			fmt.Fprintf(&rlmi, `<name>%s</name>`, xmlText(w.name))
		}
		if fits {
			w.instance(&rlmi, &parts, boundary)
			w.news = false
		}
		rlmi.WriteString("</resource>") // without a state it follows in the next
		more = more || w.news
	}
	rlmi.WriteString("</list>")
	s.full = false
	s.version++
	content := fmt.Sprintf("--%s\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <%s>\r\nContent-Type: application/rlmi+xml;charset=\"UTF-8\"\r\n\r\n%s\r\n%s--%s--\r\n",
		boundary, root, rlmi.String(), parts.String(), boundary)
	kind := fmt.Sprintf(`multipart/related;type="application/rlmi+xml";start="<%s>";boundary="%s"`, root, boundary)
	return sipconn.Body{Type: kind, Content: []byte(content)}, more
}

// document is what the watcher may see; nil: nothing.
func (w *watch) document() []byte {
	if w.on == nil || w.state != active || w.polite || len(w.on.shown) > listDoc {
		return nil
	}
	return w.may.filter(w.on.shown)
}

// instance writes the state of one entry (RFC 4662 §5.2) and the part with its document.
func (w *watch) instance(rlmi, parts *strings.Builder, boundary string) {
	doc := w.document()
	fmt.Fprintf(rlmi, `<instance id="%s" state="%s"`, w.id, w.state)
	if w.reason != "" {
		fmt.Fprintf(rlmi, ` reason="%s"`, w.reason)
	}
	if doc == nil {
		rlmi.WriteString("/>")
		return
	}
	cid := token()[:10]
	fmt.Fprintf(rlmi, ` cid="%s"/>`, cid)
	fmt.Fprintf(parts, "--%s\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <%s>\r\nContent-Type: %s\r\n\r\n%s\r\n", boundary, cid, packages[w.on.event], doc)
}
