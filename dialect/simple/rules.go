package simple

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"communicator/contacts"
	"communicator/wire/pidf"
)

const auidRules = "pres-rules" // RFC 5025 §9.1

// Rules say who gets which access, as they are kept.
type Rules struct {
	set      pidf.Ruleset
	OnServer bool // and so hide one's state and roam; else they are in a file on this computer
}

// Of returns what applies to user. Where several rules match, the kindest
// counts (RFC 4745 §10.2).
func (r Rules) Of(user string) contacts.Access {
	best := contacts.Undecided
	for _, rule := range r.set.Rules() {
		if a := accessOf(rule); matches(rule, user) && kindness(a) > kindness(best) {
			best = a
		}
	}
	return best
}

// People returns who is named in the rules himself, and what he has.
func (r Rules) People() map[string]contacts.Access {
	people := map[string]contacts.Access{}
	for _, rule := range r.set.Rules() {
		for _, uri := range rule.Ones {
			if user := userOf(uri); user != "" {
				if a := r.Of(user); a != contacts.Undecided {
					people[user] = a
				}
			}
		}
	}
	return people
}

func kindness(a contacts.Access) int {
	return map[contacts.Access]int{contacts.Block: 1, contacts.Polite: 2, contacts.Limited: 3, contacts.Allow: 4}[a]
}

func accessOf(rule pidf.Rule) contacts.Access {
	switch rule.Handling {
	case pidf.HandleBlock:
		return contacts.Block
	case pidf.HandlePolite:
		return contacts.Polite
	case pidf.HandleAllow:
		if rule.Bare {
			return contacts.Limited
		}
		return contacts.Allow
	}
	return contacts.Undecided
}

// matches says whether a rule is for user.
func matches(rule pidf.Rule, user string) bool {
	return !rule.Unclear && (names(rule, user) || amongMany(rule, user, true))
}

// amongMany says whether a rule is for many, and user is one of them; without
// exceptions as if he was not excepted by name.
func amongMany(rule pidf.Rule, user string, exceptions bool) bool {
	_, domain, _ := strings.Cut(user, "@")
	for _, m := range rule.Many {
		in := m.Domain == "" || strings.EqualFold(m.Domain, domain)
		for _, d := range m.Domains {
			in = in && !strings.EqualFold(d, domain)
		}
		for _, e := range m.Except {
			in = in && !(exceptions && userOf(e) == user)
		}
		if in {
			return true
		}
	}
	return rule.Everyone
}

func names(rule pidf.Rule, user string) bool {
	for _, uri := range rule.Ones {
		if userOf(uri) == user {
			return true
		}
	}
	return false
}

// allowing changes the rules so that user gets a, touching no other rule than
// those that say something else of him. Undecided: what is said of him alone is
// taken back.
func allowing(set *pidf.Ruleset, user string, a contacts.Access) {
	is, said := func(uri string) bool { return userOf(uri) == user }, false
	for _, rule := range set.Rules() {
		right := accessOf(rule) == a
		if rule.Unclear {
			continue
		}
		if names(rule, user) && !right && rule.RemoveOne(is) {
			set.Remove(rule)
			continue
		}
		switch {
		case right || a == contacts.Undecided:
			rule.Readmit(is)
			said = said || names(rule, user) || amongMany(rule, user, false)
		case amongMany(rule, user, true):
			rule.Except("sip:" + user)
		}
	}
	if said || a == contacts.Undecided {
		return
	}
	id, handling := "communicator-"+string(a), map[contacts.Access]string{
		contacts.Allow: pidf.HandleAllow, contacts.Limited: pidf.HandleAllow, contacts.Polite: pidf.HandlePolite, contacts.Block: pidf.HandleBlock}[a]
	for _, rule := range set.Rules() {
		if rule.ID == id && accessOf(rule) == a && !rule.Everyone {
			rule.AddOne("sip:" + user)
			return
		}
	}
	set.Add(id, handling, a == contacts.Limited).AddOne("sip:" + user)
}

// newRules is what one has who had no rules: colleagues may see everything, as
// without rules; others are asked for.
func newRules(self string) (set pidf.Ruleset) {
	_, domain, _ := strings.Cut(self, "@")
	set.Add("colleagues", pidf.HandleAllow, false).AddMany(domain)
	return set
}

// ruleBook keeps the rules: by XCAP where the server has it, else in a file in
// Options.Dir. With XCAP the file is a copy.
type ruleBook struct {
	book // its turn, document and version
}

// ReadRules reads the rules and tells Sink of them. When the server has lost
// them, though decisions were made, they are written there again: who was blocked
// stays blocked.
func (s *Server) ReadRules(ctx context.Context) error {
	b := &s.rules
	return b.inTurn(ctx, func() error {
		if err := b.recallRules(); err != nil {
			return err
		}
		err := b.fetchRules(ctx)
		return errors.Join(err, b.tellRules())
	})
}

func (b *ruleBook) file() string { return b.s.file("rules", ".xml") }

// recallRules takes the rules from the file. A damaged one is an error where it
// is more than a copy: written anew it would let in who was blocked.
func (b *ruleBook) recallRules() error {
	if b.s.o.Dir == "" || len(b.raw) > 0 && b.s.o.XCAP != "" {
		return nil
	}
	raw, err := os.ReadFile(b.file())
	if os.IsNotExist(err) {
		return nil
	}
	if err == nil {
		_, err = pidf.ParseRuleset(raw)
	}
	if err == nil {
		b.raw = raw
		return nil
	}
	if b.s.o.XCAP != "" {
		b.s.o.Log.Warn("copy of the presence rules not read", "error", err)
		return nil
	}
	return fmt.Errorf("the file that keeps whom you blocked cannot be read; mend or remove %s: %w", b.file(), err)
}

func (b *ruleBook) fetchRules(ctx context.Context) error {
	if b.s.o.XCAP == "" {
		return nil
	}
	d, err := b.s.xcap.getChanged(ctx, auidRules, b.version)
	switch {
	case errors.Is(err, errUnchanged):
		return nil
	case errors.Is(err, errNotFound):
		b.version, b.ready = version{}, true
		if known, err := b.parsed(); err == nil && len(Rules{set: known}.People()) > 0 {
			b.s.o.Log.Warn("the server has lost the presence rules; they are written there again")
			return b.writeRules(ctx, b.raw)
		}
		b.raw = nil
		return nil
	case err != nil:
		return fmt.Errorf("read presence rules: %w", err)
	}
	if _, err := pidf.ParseRuleset(d.body); err != nil {
		return fmt.Errorf("read presence rules: %w", err)
	}
	b.version, b.ready, b.raw = d.version, true, d.body
	b.keepRules()
	return nil
}

// parsed returns the rules; none is an empty set.
func (b *ruleBook) parsed() (pidf.Ruleset, error) {
	if len(bytes.TrimSpace(b.raw)) == 0 {
		return pidf.Ruleset{}, nil
	}
	return pidf.ParseRuleset(b.raw)
}

// SetAccess gives people an access, where the rules are kept, in one change.
func (s *Server) SetAccess(ctx context.Context, people map[string]contacts.Access) error {
	for _, a := range people {
		if a == contacts.Limited && s.o.XCAP == "" {
			return errors.New("this server keeps no presence rules, so it shows everybody the same; block and allow only are possible")
		}
	}
	b := &s.rules
	return b.inTurn(ctx, func() error {
		if err := b.recallRules(); err != nil {
			return err
		}
		for range writes {
			if err := b.fetchRules(ctx); err != nil {
				return err
			}
			set, err := b.parsed()
			if err != nil {
				return fmt.Errorf("change presence rules: %w", err)
			}
			if len(b.raw) == 0 {
				set = newRules(s.o.Self)
			}
			for _, user := range slices.Sorted(maps.Keys(people)) {
				allowing(&set, user, people[user])
			}
			err = b.writeRules(ctx, set.Marshal())
			if err == nil {
				return b.tellRules()
			}
			if !errors.Is(err, errChanged) {
				return fmt.Errorf("change presence rules: %w", err)
			}
		}
		return fmt.Errorf("change presence rules: %w", errChanged)
	})
}

// writeRules puts the rules where they are kept.
func (b *ruleBook) writeRules(ctx context.Context, raw []byte) error {
	if b.s.o.XCAP == "" {
		if b.s.o.Dir == "" {
			return errors.New("there is no server and no folder that would keep them")
		}
		b.raw = raw
		return writeFile(b.file(), raw)
	}
	v, err := b.s.xcap.put(ctx, auidRules, document{raw, pidf.ContentTypeRules, b.version})
	if err != nil {
		return err
	}
	b.version, b.raw = v, raw
	b.keepRules()
	return nil
}

// keepRules keeps a copy, so that who is blocked is known before the server is asked.
func (b *ruleBook) keepRules() {
	if b.s.o.Dir == "" {
		return
	}
	if err := writeFile(b.file(), b.raw); err != nil {
		b.s.o.Log.Warn("no copy of the presence rules", "error", err)
	}
}

func (b *ruleBook) tellRules() error {
	set, err := b.parsed()
	if err != nil || b.s.o.Sink.Rules == nil {
		return err
	}
	r := Rules{set, b.s.o.XCAP != ""}
	b.s.tell.Add(func() { b.s.o.Sink.Rules(r) })
	b.s.tell.Flush()
	return nil
}
