package pidf

import (
	"slices"
	"strings"
)

// ContentTypeRules is the content type of a pres-rules document.
const ContentTypeRules = "application/auth-policy+xml"

// Values of Rule.Handling (RFC 5025 §3.2.1).
const (
	HandleAllow  = "allow"
	HandlePolite = "polite-block"
	HandleBlock  = "block"
	HandleAsk    = "confirm"
)

// Ruleset is a presence rules document (RFC 5025, RFC 4745): who may see how much
// of somebody's presence. It is changed by its methods; what they do not concern
// stays, also what we do not know. The zero Ruleset is a new document.
type Ruleset struct{ root *node }

// Rule is one rule of a Ruleset, as it is now.
type Rule struct {
	ID       string
	Handling string   // of subscriptions; empty: the rule says nothing of them
	Ones     []string // URIs of those it names
	Many     []Many
	Everyone bool // no condition says whom it is for
	Unclear  bool // it has conditions that we do not know, so it may or may not match
	Bare     bool // an allowed watcher gets neither notes nor activities
	node     *node
}

// Many is everybody, or everybody of a domain, but for exceptions (RFC 4745 §7.1.3).
type Many struct {
	Domain  string // empty: any
	Except  []string
	Domains []string // excepted domains
}

// ParseRuleset reads a presence rules document.
func ParseRuleset(b []byte) (Ruleset, error) {
	root, err := readKept(b, nsPolicy, "ruleset")
	return Ruleset{root}, err
}

// Marshal writes the document.
func (r *Ruleset) Marshal() []byte {
	r.make()
	w := newWriter()
	r.root.write(w)
	return w.end()
}

func (r *Ruleset) make() {
	if r.root == nil {
		r.root = &node{space: nsPolicy, local: "ruleset", raw: "ruleset", attrs: []attr{{"xmlns", nsPolicy}, {"xmlns:pr", nsRules}}}
	}
}

// Rules returns the rules in order.
func (r *Ruleset) Rules() (rules []Rule) {
	r.make()
	r.root.each(nsPolicy, "rule", func(n *node) { rules = append(rules, readRule(n)) })
	return rules
}

func readRule(n *node) Rule {
	r := Rule{ID: n.attr("id"), node: n, Everyone: true}
	if c := n.child(nsPolicy, "conditions"); c != nil {
		for _, k := range c.kids {
			switch {
			case k.local == "":
			case k.is(nsPolicy, "identity"):
				r.Everyone = false
				r.identity(k)
			default:
				r.Unclear = true
			}
		}
	}
	r.Handling = n.child(nsPolicy, "actions").grand(nsRules, "sub-handling").content()
	if t := n.child(nsPolicy, "transformations"); t != nil {
		r.Bare = t.child(nsRules, "provide-all-attributes") == nil && !t.grants("provide-note") && !t.grants("provide-activities")
	}
	return r
}

// grand is child of a node that may be nil.
func (n *node) grand(space, local string) *node {
	if n == nil {
		return nil
	}
	return n.child(space, local)
}

// grants says whether transformations give what a yes-or-no permission is for.
func (n *node) grants(permission string) bool {
	c := n.child(nsRules, permission).content()
	return c == "true" || c == "1"
}

func (r *Rule) identity(n *node) {
	for _, k := range n.kids {
		switch {
		case k.local == "":
		case k.is(nsPolicy, "one"):
			r.Ones = append(r.Ones, k.attr("id"))
		case k.is(nsPolicy, "many"):
			m := Many{Domain: k.attr("domain")}
			k.each(nsPolicy, "except", func(e *node) {
				if id := e.attr("id"); id != "" {
					m.Except = append(m.Except, id)
				} else {
					m.Domains = append(m.Domains, e.attr("domain"))
				}
			})
			r.Many = append(r.Many, m)
		default:
			r.Unclear = true
		}
	}
}

// Add puts a rule before all others: some servers (Kamailio 5.6) obey the first
// that matches. bare gives an allowed watcher neither notes nor activities.
func (r *Ruleset) Add(id, handling string, bare bool) Rule {
	r.make()
	policy, rules := prefixOf(r.root.raw), r.rulesPrefix()
	n := &node{space: nsPolicy, local: "rule", raw: policy + "rule", attrs: []attr{{"id", id}}}
	conditions := n.add(policy, "conditions")
	conditions.add(policy, "identity")
	handle := n.add(policy, "actions").add(rules, "sub-handling")
	handle.space, handle.kids = nsRules, []*node{{text: handling}}
	if transformations := n.add(policy, "transformations"); handling == HandleAllow {
		parts := []string{"service", "person", "device"}
		if bare { // a service's state says who can be reached; a person is notes and activities
			parts = parts[:1]
		}
		for _, part := range parts {
			transformations.add(rules, "provide-"+part+"s").add(rules, "all-"+part+"s")
		}
		if !bare {
			transformations.add(rules, "provide-all-attributes")
		}
	}
	n.walk(func(k *node) {
		if rules != policy && strings.HasPrefix(k.raw, rules) {
			k.space = nsRules
		}
	})
	r.root.kids = slices.Insert(r.root.kids, 0, n)
	return readRule(n)
}

// rulesPrefix is the prefix of pres-rules at the root, which is given one if
// need be.
func (r *Ruleset) rulesPrefix() string {
	taken := map[string]bool{}
	for _, a := range r.root.attrs {
		if prefix, is := declares(a.name); is {
			if a.value == nsRules && prefix != "" {
				return prefix + ":"
			}
			taken[prefix] = true
		}
	}
	prefix := "pr"
	for taken[prefix] {
		prefix += "r"
	}
	r.root.attrs = append(slices.Clone(r.root.attrs), attr{"xmlns:" + prefix, nsRules})
	return prefix + ":"
}

// add makes a child.
func (n *node) add(prefix, local string) *node {
	k := &node{space: nsPolicy, local: local, raw: prefix + local}
	n.kids = append(n.kids, k)
	return k
}

// Remove takes a rule out.
func (r *Ruleset) Remove(rule Rule) {
	r.root.kids = slices.DeleteFunc(r.root.kids, func(k *node) bool { return k == rule.node })
}

// AddOne makes the rule match uri too.
func (r Rule) AddOne(uri string) { r.addTo("one", attr{"id", uri}) }

// AddMany makes the rule match everybody of a domain too.
func (r Rule) AddMany(domain string) { r.addTo("many", attr{"domain", domain}) }

// addTo adds a condition on who it is.
func (r Rule) addTo(local string, a ...attr) {
	c := r.node.child(nsPolicy, "conditions")
	if c == nil {
		c = &node{space: nsPolicy, local: "conditions", raw: prefixOf(r.node.raw) + "conditions"}
		r.node.kids = slices.Insert(r.node.kids, 0, c)
	}
	i := c.child(nsPolicy, "identity")
	if i == nil {
		i = c.add(prefixOf(c.raw), "identity")
	}
	i.add(prefixOf(i.raw), local).attrs = a
}

// RemoveOne takes those out of the rule whom it names and for whom is holds. It
// returns whether nobody is left whom it could match.
func (r Rule) RemoveOne(is func(uri string) bool) (empty bool) {
	i := r.node.child(nsPolicy, "conditions").grand(nsPolicy, "identity")
	if i == nil {
		return false
	}
	i.kids = slices.DeleteFunc(i.kids, func(k *node) bool { return k.is(nsPolicy, "one") && is(k.attr("id")) })
	return !slices.ContainsFunc(i.kids, func(k *node) bool { return k.local != "" })
}

// Except keeps uri out of whatever of the rule is for many.
func (r Rule) Except(uri string) {
	if r.Everyone {
		r.addTo("many")
	}
	r.node.child(nsPolicy, "conditions").child(nsPolicy, "identity").each(nsPolicy, "many", func(m *node) {
		m.add(prefixOf(m.raw), "except").attrs = []attr{{"id", uri}}
	})
}

// Readmit takes back what Except did for those for whom is holds.
func (r Rule) Readmit(is func(uri string) bool) {
	i := r.node.child(nsPolicy, "conditions").grand(nsPolicy, "identity")
	if i == nil {
		return
	}
	i.each(nsPolicy, "many", func(m *node) {
		m.kids = slices.DeleteFunc(m.kids, func(k *node) bool {
			return k.is(nsPolicy, "except") && k.attr("id") != "" && is(k.attr("id"))
		})
	})
}
