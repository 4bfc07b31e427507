package lab

import (
	"fmt"
	"slices"
	"strings"
)

const (
	pidfSpace = "urn:ietf:params:xml:ns:pidf"
	pidfType  = "application/pidf+xml"
)

// checkPIDF says whether a body is a presence document (RFC 3863).
func checkPIDF(body []byte) *refusal {
	root, err := readXML(body)
	switch {
	case err != nil:
		return forbidden("Body Is Not Well-Formed XML (RFC 3863 2.1)")
	case !root.is(pidfSpace, "presence"):
		return forbidden("Body Is No PIDF Document (RFC 3863 4.1)")
	case root.get("entity") == "":
		return forbidden("PIDF Without entity (RFC 3863 4.1.1)")
	}
	ids := map[string]bool{}
	for _, t := range root.children {
		if !t.is(pidfSpace, "tuple") {
			continue
		}
		if id := t.get("id"); id == "" || ids[id] {
			return forbidden("Tuple Without Its Own id (RFC 3863 4.1.2)")
		}
		ids[t.get("id")] = true
		if s := t.child("status"); s == nil || !s.is(pidfSpace, "status") {
			return forbidden("Tuple Without status (RFC 3863 4.1.3)")
		}
	}
	return nil
}

// mergePIDF puts the documents of a user's devices into one, as Kamailio does:
// all tuples and all persons pass, unknown elements too. Of tuples with one id
// the later document's counts. One document alone stays as it is.
func mergePIDF(documents [][]byte) []byte {
	if len(documents) == 1 {
		return documents[0]
	}
	var first *element
	var head, tail string
	spaces := map[string]string{}
	parts := []string{}
	at := map[string]int{} // where in parts the tuple of an id is
	for _, doc := range documents {
		root, err := readXML(doc)
		if err != nil {
			continue // was checked when it was published
		}
		if first == nil {
			first, spaces = root, root.declarations()
			head, tail = headAndTail(doc, root)
		}
		for _, c := range root.children {
			text := declare(string(doc[c.start:c.end]), c, root.declarations(), spaces)
			if i, there := at[c.get("id")]; there && c.is(pidfSpace, "tuple") {
				parts[i] = text
				continue
			}
			if c.is(pidfSpace, "tuple") {
				at[c.get("id")] = len(parts)
			}
			parts = append(parts, text)
		}
	}
	merged := `<?xml version="1.0" encoding="UTF-8"?>` + "\r\n" + head + strings.Join(parts, "") + tail
	if len(merged) > bodyLimit {
		return documents[len(documents)-1] // more than a message holds: the newest
	}
	return []byte(merged)
}

// headAndTail are the start and end tags of the root as they were written.
func headAndTail(doc []byte, root *element) (head, tail string) {
	head = string(doc[root.start:root.inner])
	if strings.HasSuffix(head, "/>") {
		head = strings.TrimSuffix(head, "/>") + ">"
	}
	name := head[1:strings.IndexAny(head, " \t\r\n>")]
	return head, "</" + name + ">"
}

// declare writes the namespaces of an element's old root into the element,
// where its new root differs.
func declare(text string, e *element, old, now map[string]string) string {
	own := e.declarations()
	var add []string
	for prefix, space := range old {
		if _, has := own[prefix]; has || now[prefix] == space {
			continue
		}
		add = append(add, attribute(prefix, space))
	}
	_, has := own[""]
	if _, had := old[""]; !had && !has && now[""] != "" {
		add = append(add, attribute("", ""))
	}
	if add == nil {
		return text
	}
	slices.Sort(add)
	i := strings.IndexAny(text, " \t\r\n/>")
	return text[:i] + strings.Join(add, "") + text[i:]
}

func attribute(prefix, space string) string {
	if prefix != "" {
		prefix = ":" + prefix
	}
	return fmt.Sprintf(` xmlns%s="%s"`, prefix, xmlText(space))
}

// closedPIDF is what watchers see after the last publication ended: the same
// tuples with basic closed, person and note gone (Kamailio 5.6 over a database).
func closedPIDF(user string, last []byte) []byte {
	b := fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>`+"\r\n"+`<presence xmlns="%s" entity="sip:%s">`, pidfSpace, xmlText(user))
	if root, err := readXML(last); err == nil {
		for _, t := range root.children {
			if t.is(pidfSpace, "tuple") {
				b += fmt.Sprintf(`<tuple id="%s"><status><basic>closed</basic></status></tuple>`, xmlText(t.get("id")))
			}
		}
	}
	return []byte(b + "</presence>")
}
