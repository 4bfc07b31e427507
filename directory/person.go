package directory

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"communicator/contacts"
	"communicator/plain"

	"github.com/go-ldap/ldap/v3"
)

// Limits on one entry.
const (
	maxText    = 256 // characters of a value
	maxNumbers = 10
	maxAliases = 20
	maxDN      = 2000 // bytes of the name of an entry that we follow
)

// person reads an entry; ok is false for one that is not a person to talk to: a
// computer or a disabled account.
func (a Attributes) person(e *ldap.Entry) (p Person, ok bool) {
	if len(e.DN) > maxDN {
		return Person{}, false
	}
	p = Person{DN: e.DN, Key: a.key(e), Modified: a.modified(e)}
	first := func(field *string, names []string, limit int) {
		for _, v := range values(e, names) {
			if v = plain.Cut(plain.Line(v), limit); v != "" {
				*field = v
				return
			}
		}
	}
	first(&p.Name, a.Name, maxText)
	first(&p.Title, a.Title, maxText)
	first(&p.Department, a.Department, maxText)
	first(&p.Office, a.Office, maxText)
	for _, v := range values(e, a.Mail) {
		if p.Mail = address(v); p.Mail != "" {
			break
		}
	}
	for _, v := range values(e, a.Address) {
		p.addAddress(sipAddress(v))
	}
	for _, v := range values(e, a.Alias) {
		if local, _, _ := strings.Cut(p.User, "@"); !strings.EqualFold(local, v) {
			p.addAlias(plain.Cut(plain.Line(v), 64))
		}
	}
	for _, n := range []struct {
		kind  string
		names []string
	}{{"work", a.Work}, {"mobile", a.Mobile}, {"home", a.Home}, {"other", a.Other}} {
		for _, v := range values(e, n.names) {
			p.addNumber(n.kind, v)
		}
	}
	for _, v := range values(e, a.Manager) {
		if len(v) <= maxDN {
			p.Manager = v
			break
		}
	}
	computer := slices.ContainsFunc(e.GetEqualFoldAttributeValues("objectClass"),
		func(class string) bool { return strings.EqualFold(class, "computer") })
	flags, _ := strconv.ParseInt(e.GetEqualFoldAttributeValue("userAccountControl"), 10, 64) // absent outside Active Directory
	disabled := flags&2 != 0                                                                 // ADS_UF_ACCOUNTDISABLE
	return p, !computer && !disabled && p.Name+p.User != ""
}

// values are those of the attributes of these names, in this order.
func values(e *ldap.Entry, names []string) []string {
	var all []string
	for _, name := range names {
		all = append(all, e.GetEqualFoldAttributeValues(name)...)
	}
	return all
}

// key is what names e for good; if the server has no such thing, its DN.
func (a Attributes) key(e *ldap.Entry) string {
	for _, name := range a.Key {
		v := e.GetEqualFoldRawAttributeValue(name)
		switch {
		case len(v) == 0 || len(v) > 100:
		case strings.EqualFold(name, "objectGUID") || plain.Line(string(v)) != string(v):
			return hex.EncodeToString(v) // [MS-DTYP] §2.3.4.2: sixteen bytes
		default:
			return string(v)
		}
	}
	return strings.ReplaceAll(strings.TrimSuffix(key(e.DN), "\x00"), "\x00", ",")
}

// modified is when e was changed, where that is told as a time.
func (a Attributes) modified(e *ldap.Entry) time.Time {
	for _, v := range values(e, a.Modified) {
		if when, ok := generalizedTime(v); ok {
			return when
		}
	}
	return time.Time{}
}

// addAddress makes user the address of p, or another one. "" is none.
func (p *Person) addAddress(user string) {
	if p.User == "" {
		p.User = user
		return
	}
	p.addAlias(user)
}

func (p *Person) addAlias(name string) {
	switch {
	case name == "" || strings.EqualFold(name, p.User):
	case len(p.Aliases) < maxAliases && !slices.ContainsFunc(p.Aliases, func(a string) bool { return strings.EqualFold(a, name) }):
		p.Aliases = append(p.Aliases, name)
	}
}

func (p *Person) addNumber(kind, value string) {
	n := Number{kind, plain.Cut(plain.Line(value), 64)}
	known := slices.ContainsFunc(p.Numbers, func(m Number) bool { return m.Number == n.Number })
	if n.Number != "" && !known && len(p.Numbers) < maxNumbers {
		p.Numbers = append(p.Numbers, n)
	}
}

// sipAddress takes "sip:anna@contoso.test" from among "smtp:..." and "X400:...",
// and an address without a scheme.
func sipAddress(value string) string {
	scheme, rest, has := strings.Cut(strings.TrimSpace(value), ":")
	switch {
	case !has:
		return address(scheme)
	case strings.EqualFold(scheme, "sip"), strings.EqualFold(scheme, "sips"):
		return address(rest)
	}
	return ""
}

// address returns an address in its canonical form; empty if value is none.
func address(value string) string {
	user, err := contacts.Canonical(value)
	if err != nil {
		return "" // a slip in somebody's entry: he is shown, but cannot be messaged
	}
	return user
}

// merged makes one of several entries of a person: those with the same
// address, and those with the same name and number of which one has no address
// (a contact object beside a user object of another domain). What the first
// lacks it gets from the others.
func merged(people []Person) []Person {
	var all []Person
	byAddress, byNumber := make(map[string]int), make(map[string]int)
	for _, p := range people {
		i := -1
		if at, known := byAddress[strings.ToLower(p.User)]; known && p.User != "" {
			i = at
		}
		for _, n := range p.Numbers {
			if at, known := byNumber[numberKey(p, n)]; known && i < 0 && (p.User == "" || all[at].User == "") {
				i = at
			}
		}
		if i < 0 {
			i, all = len(all), append(all, p)
		} else {
			all[i] = all[i].FilledFrom(p)
		}
		byAddress[strings.ToLower(all[i].User)] = i
		for _, n := range all[i].Numbers {
			byNumber[numberKey(all[i], n)] = i
		}
	}
	return all
}

func numberKey(p Person, n Number) string { return strings.ToLower(p.Name) + "\x00" + n.Number }

// FilledFrom returns p, with what it lacks taken from q, another entry of the
// same person. The address that is not used is kept among the aliases.
func (p Person) FilledFrom(q Person) Person {
	fill := func(to *string, from string) {
		if *to == "" {
			*to = from
		}
	}
	fill(&p.User, q.User)
	fill(&p.Name, q.Name)
	fill(&p.Title, q.Title)
	fill(&p.Department, q.Department)
	fill(&p.Office, q.Office)
	fill(&p.Manager, q.Manager)
	fill(&p.Mail, q.Mail)
	p.Aliases = slices.Clone(p.Aliases)
	for _, a := range append([]string{q.User}, q.Aliases...) {
		p.addAlias(a)
	}
	p.Numbers = slices.Clone(p.Numbers)
	for _, n := range q.Numbers {
		p.addNumber(n.Kind, n.Number)
	}
	return p
}
