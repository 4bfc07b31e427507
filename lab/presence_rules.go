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

// presenceRules are a user's pres-rules (RFC 5025), as far as they say who may
// watch. Transformations are not read: who is allowed sees everything.
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
		if rule.name.Local != "rule" || !matches(rule.child("conditions"), watcher) {
			continue
		}
		actions := rule.child("actions")
		if actions == nil || actions.child("sub-handling") == nil {
			continue
		}
		matched = true
		result = max(result, handlingOf(actions.child("sub-handling").text))
	}
	if !matched {
		return confirm
	}
	return result
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
