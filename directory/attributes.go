package directory

import (
	"slices"
	"strconv"
	"strings"

	"communicator/contacts"
	"communicator/plain"

	"github.com/go-ldap/ldap/v3"
)

// Limits on one entry.
const (
	maxText    = 256 // characters of a value
	maxNumbers = 10
	maxAliases = 20
)

// column says into which field of a Person an attribute goes. Of several
// attributes for one field the first in the table that has a value counts.
type column struct {
	attribute string
	set       func(p *Person, value string)
}

// columns is the table of attributes: RFC 4519 and RFC 4524 (cn, ou, title,
// telephoneNumber, mail, manager, mobile, ...), RFC 2798 (displayName,
// departmentNumber), and those of Active Directory (department,
// proxyAddresses, msRTCSIP-..., which LCS adds to it).
var columns = []column{
	{"msRTCSIP-PrimaryUserAddress", setUser("sip")},
	{"proxyAddresses", setUser("sip")},
	{"mail", setUser("")},
	{"displayName", text(func(p *Person) *string { return &p.Name })},
	{"cn", text(func(p *Person) *string { return &p.Name })},
	{"title", text(func(p *Person) *string { return &p.Title })},
	{"department", text(func(p *Person) *string { return &p.Department })},
	{"ou", text(func(p *Person) *string { return &p.Department })},
	{"departmentNumber", text(func(p *Person) *string { return &p.Department })},
	{"physicalDeliveryOfficeName", text(func(p *Person) *string { return &p.Office })},
	{"roomNumber", text(func(p *Person) *string { return &p.Office })},
	{"telephoneNumber", number("work")},
	{"mobile", number("mobile")},
	{"homePhone", number("home")},
	{"ipPhone", number("other")},
	{"otherTelephone", number("other")},
	{"manager", func(p *Person, v string) {
		if p.Manager == "" && len(v) <= maxDN {
			p.Manager = v
		}
	}},
}

// maxDN is the longest name of an entry in bytes that we follow.
const maxDN = 2000

// attributeNames are what is asked for: never "all", so that a photograph of
// ten megabytes stays where it is.
func attributeNames() []string {
	names := []string{"objectClass", "userAccountControl"}
	for _, c := range columns {
		names = append(names, c.attribute)
	}
	return names
}

// person reads an entry; ok is false for one that is not a person to talk to:
// a computer or a disabled account.
func person(e *ldap.Entry) (p Person, ok bool) {
	p.DN = e.DN
	for _, c := range columns {
		for _, v := range e.GetEqualFoldAttributeValues(c.attribute) {
			c.set(&p, v)
		}
	}
	computer := slices.ContainsFunc(e.GetEqualFoldAttributeValues("objectClass"),
		func(class string) bool { return strings.EqualFold(class, "computer") })
	flags, _ := strconv.ParseInt(e.GetEqualFoldAttributeValue("userAccountControl"), 10, 64) // absent outside Active Directory
	disabled := flags&2 != 0                                                                 // ADS_UF_ACCOUNTDISABLE
	return p, !computer && !disabled && len(p.DN) <= maxDN && p.Name+p.User != ""
}

func text(field func(*Person) *string) func(*Person, string) {
	return func(p *Person, value string) {
		if f := field(p); *f == "" {
			*f = plain.Cut(plain.Line(value), maxText)
		}
	}
}

func number(kind string) func(*Person, string) {
	return func(p *Person, value string) {
		n := Number{kind, plain.Cut(plain.Line(value), 64)}
		known := slices.ContainsFunc(p.Numbers, func(m Number) bool { return m.Number == n.Number })
		if n.Number != "" && !known && len(p.Numbers) < maxNumbers {
			p.Numbers = append(p.Numbers, n)
		}
	}
}

// setUser takes an address of that scheme, as "sip:anna@contoso.test" among
// "smtp:..." and "X400:..."; with no scheme asked for, one without.
func setUser(scheme string) func(*Person, string) {
	return func(p *Person, value string) {
		before, rest, cut := strings.Cut(strings.TrimSpace(value), ":")
		switch {
		case p.User != "":
		case !cut && scheme == "":
			p.User = address(before)
		case cut && strings.EqualFold(before, scheme):
			p.User = address(rest)
		}
	}
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
		if a != "" && !strings.EqualFold(a, p.User) && !slices.Contains(p.Aliases, a) && len(p.Aliases) < maxAliases {
			p.Aliases = append(p.Aliases, a)
		}
	}
	p.Numbers = slices.Clone(p.Numbers)
	for _, n := range q.Numbers {
		number(n.Kind)(&p, n.Number)
	}
	return p
}
