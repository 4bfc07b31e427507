package lab

import "strings"

// handling is what the rules of a user decide about a watcher (RFC 5025 §3.2.1),
// the kinder the higher.
type handling int

const (
	block       handling = 0
	confirm     handling = 10
	politeBlock handling = 20
	allowed     handling = 30
)

// presenceRules are a user's pres-rules (RFC 5025): who may watch, and what of
// the state.
type presenceRules struct{ root *element } // nil root: no document, everybody may watch

// readRules reads a pres-rules document; a broken one counts as none.
func readRules(content []byte) presenceRules {
	root, err := readXML(content)
	if err != nil || root.name.Local != "ruleset" {
		return presenceRules{}
	}
	return presenceRules{root}
}

// decide finds the kindest handling among the rules that match. With rules of
// which none matches the watcher waits for the user's decision, as with Kamailio 5.6.
func (p presenceRules) decide(watcher string) handling {
	if p.root == nil {
		return allowed
	}
	result, matched := block, false
	for _, rule := range p.root.children {
		if h, is := handles(rule, watcher); is {
			matched = true
			result = max(result, h)
		}
	}
	if !matched {
		return confirm
	}
	return result
}

// handles says what a rule does with a watcher, if it matches.
func handles(rule *element, watcher string) (handling, bool) {
	if rule.name.Local != "rule" || !matches(rule.child("conditions"), watcher) {
		return block, false
	}
	actions := rule.child("actions")
	if actions == nil || actions.child("sub-handling") == nil {
		return block, false
	}
	return handlingOf(actions.child("sub-handling").text), true
}

// grants are the permissions of transformations (RFC 5025 §3.3), by name; nil:
// everything is shown.
type grants map[string]bool

// shows puts together what all rules give that allow the watcher (RFC 4745
// §10.2). A rule without transformations gives everything here.
func (p presenceRules) shows(watcher string) grants {
	if p.root == nil {
		return nil
	}
	g := grants{}
	for _, rule := range p.root.children {
		h, is := handles(rule, watcher)
		if !is || h != allowed {
			continue
		}
		t := rule.child("transformations")
		if t == nil || t.child("provide-all-attributes") != nil && t.child("provide-persons") != nil && t.child("provide-services") != nil {
			return nil
		}
		for _, c := range t.children {
			// provide-services, -persons and -devices name some, or all.
			if v := strings.TrimSpace(c.text); v == "true" || v == "1" || len(c.children) > 0 || c.name.Local == "provide-all-attributes" {
				g[c.name.Local] = true
			}
		}
	}
	return g
}

// filter cuts what is not granted out of a PIDF document: an element that has a
// permission of its name, or an unknown one. Basic state is always shown.
func (g grants) filter(doc []byte) []byte {
	root, err := readXML(doc)
	if g == nil || err != nil {
		return doc
	}
	var out []byte
	from := 0
	cut := func(e *element) {
		out = append(out, doc[from:e.start]...)
		from = e.end
	}
	for _, c := range root.children {
		group := map[string]string{"tuple": "provide-services", "person": "provide-persons", "device": "provide-devices"}[c.name.Local]
		if group == "" && !g["provide-"+c.name.Local] && !g["provide-all-attributes"] || group != "" && !g[group] {
			cut(c)
			continue
		}
		for _, part := range c.children {
			switch part.name.Local {
			case "status", "contact", "timestamp", "deviceID":
			default:
				if group != "" && !g["provide-"+part.name.Local] && !g["provide-all-attributes"] {
					cut(part)
				}
			}
		}
	}
	return append(out, doc[from:]...)
}

func handlingOf(s string) handling {
	switch strings.TrimSpace(s) {
	case "allow":
		return allowed
	case "polite-block":
		return politeBlock
	case "confirm":
		return confirm
	}
	return block
}

// matches says whether all conditions hold (RFC 4745 §7). Spheres and times are
// not known here, so a rule with them does not match.
func matches(conditions *element, watcher string) bool {
	if conditions == nil {
		return true
	}
	for _, c := range conditions.children {
		if c.name.Local != "identity" || !identity(c, watcher) {
			return false
		}
	}
	return true
}

// identity: one of the ids, or a domain with exceptions (RFC 4745 §7.1).
func identity(e *element, watcher string) bool {
	for _, c := range e.children {
		switch c.name.Local {
		case "one":
			if plainAddress(c.get("id")) == watcher {
				return true
			}
		case "many":
			if many(c, watcher) {
				return true
			}
		}
	}
	return false
}

func many(e *element, watcher string) bool {
	_, domain, _ := strings.Cut(watcher, "@")
	if d := e.get("domain"); d != "" && !strings.EqualFold(d, domain) {
		return false
	}
	for _, x := range e.children {
		if x.name.Local == "except" && (plainAddress(x.get("id")) == watcher || x.get("domain") != "" && strings.EqualFold(x.get("domain"), domain)) {
			return false
		}
	}
	return true
}

// plainAddress is the user@domain of a sip:, sips: or pres: URI.
func plainAddress(uri string) string {
	uri = strings.TrimSpace(uri)
	for _, scheme := range []string{"sips:", "sip:", "pres:"} {
		if len(uri) > len(scheme) && strings.EqualFold(uri[:len(scheme)], scheme) {
			uri = uri[len(scheme):]
			break
		}
	}
	uri, _, _ = strings.Cut(uri, ";")
	return strings.ToLower(unescape(uri))
}
