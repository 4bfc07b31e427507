package lab

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// tree is the directory: the domain, a unit with everybody in it, and one with
// the contacts that another forest keeps of some of them. Entries of people are
// made from staff when they are asked for.
type tree struct {
	staff    *staff
	base     string // dc=contoso,dc=test
	unit     string // ou=people,dc=contoso,dc=test
	outer    string // ou=contacts,dc=contoso,dc=test
	reports  [][]int
	contacts []int     // who is there a second time
	written  time.Time // when the entries were made

	mu      sync.Mutex
	columns map[string][]string
}

const rootDSE, baseEntry, unitEntry, outerEntry = -4, -3, -2, -1 // what is no person

func newTree(domain string, s *staff) *tree {
	t := &tree{staff: s, base: "dc=" + strings.ReplaceAll(strings.ToLower(domain), ".", ",dc="), reports: make([][]int, len(s.people)), columns: map[string][]string{}, written: time.Now().UTC()}
	t.unit, t.outer = "ou=people,"+t.base, "ou=contacts,"+t.base
	for i, b := range s.boss {
		if b >= 0 {
			t.reports[b] = append(t.reports[b], i)
		}
		if i%contactEvery == contactEvery-1 {
			t.contacts = append(t.contacts, i)
		}
	}
	return t
}

// ldapEntry is one of the tree: a person, or what stands above.
type ldapEntry struct {
	tree *tree
	at   int // index of the person, then of the contact; negative: see rootDSE
}

// dn is the entry's distinguished name. Local parts of addresses need no escape.
func (e ldapEntry) dn() string {
	switch e.at {
	case rootDSE:
		return ""
	case baseEntry:
		return e.tree.base
	case unitEntry:
		return e.tree.unit
	case outerEntry:
		return e.tree.outer
	}
	if e.contact() {
		return "uid=" + e.uid() + "," + e.tree.outer
	}
	return "uid=" + e.uid() + "," + e.tree.unit
}

func (e ldapEntry) uid() string {
	uid, _, _ := strings.Cut(e.person().User, "@")
	return uid
}

// find returns the entry of a name as the client wrote it; if there is none,
// the nearest above.
func (t *tree) find(dn string) (e ldapEntry, matched bool) {
	switch name := foldDN(dn); {
	case name == "":
		return ldapEntry{t, rootDSE}, true
	case name == t.base:
		return ldapEntry{t, baseEntry}, true
	case name == t.unit:
		return ldapEntry{t, unitEntry}, true
	case name == t.outer:
		return ldapEntry{t, outerEntry}, true
	case strings.HasSuffix(name, ","+t.unit):
		uid, is := strings.CutPrefix(strings.TrimSuffix(name, ","+t.unit), "uid=")
		if at, there := t.person(uid); is && there {
			return ldapEntry{t, at}, true
		}
		return ldapEntry{t, unitEntry}, false
	case strings.HasSuffix(name, ","+t.outer):
		uid, is := strings.CutPrefix(strings.TrimSuffix(name, ","+t.outer), "uid=")
		if at, there := t.person(uid); is && there {
			if at, there = t.contactOf(at); there {
				return ldapEntry{t, at}, true
			}
		}
		return ldapEntry{t, outerEntry}, false
	case strings.HasSuffix(name, ","+t.base):
		return ldapEntry{t, baseEntry}, false
	}
	return ldapEntry{t, rootDSE}, false
}

// person finds somebody by the local part of the address.
func (t *tree) person(uid string) (int, bool) {
	_, domain, _ := strings.Cut(t.staff.people[0].User, "@")
	at, there := t.staff.index[uid+"@"+domain]
	return at, there
}

// personAttributes in the order they are sent.
var personAttributes = []string{
	"objectClass", "uid", "cn", "sn", "givenName", "displayName", "mail", "msRTCSIP-PrimaryUserAddress",
	"telephoneNumber", "mobile", "title", "department", "physicalDeliveryOfficeName", "manager", "jpegPhoto",
	"entryUUID", "entryCSN", "modifyTimestamp",
}

// attributes are the names of all attributes of the entry.
func (e ldapEntry) attributes() []string {
	switch e.at {
	case rootDSE:
		return []string{"objectClass", "namingContexts", "defaultNamingContext", "supportedLDAPVersion", "supportedControl", "supportedExtension", "vendorName"}
	case baseEntry:
		return []string{"objectClass", "dc", "o"}
	case unitEntry, outerEntry:
		return []string{"objectClass", "ou"}
	}
	return personAttributes
}

// values of an attribute, whose name is in lower case; known: the schema has it.
func (e ldapEntry) values(attr string) (v []string, known bool) {
	if e.at >= 0 {
		return e.personValues(attr)
	}
	switch attr {
	case "objectclass":
		return map[int][]string{
			rootDSE: {"top"}, baseEntry: {"top", "dcObject", "organization"}, unitEntry: {"top", "organizationalUnit"}, outerEntry: {"top", "organizationalUnit"},
		}[e.at], true
	case "dc":
		dc, _, _ := strings.Cut(strings.TrimPrefix(e.tree.base, "dc="), ",")
		return one(dc, e.at == baseEntry)
	case "o":
		return one("The lab's company", e.at == baseEntry)
	case "ou":
		return one(map[int]string{unitEntry: "People", outerEntry: "Contacts"}[e.at], e.at == unitEntry || e.at == outerEntry)
	case "namingcontexts", "defaultnamingcontext":
		return one(e.tree.base, e.at == rootDSE)
	case "supportedldapversion":
		return one("3", e.at == rootDSE)
	case "supportedcontrol":
		return one(ldap.ControlTypePaging, e.at == rootDSE)
	case "supportedextension":
		if e.at == rootDSE {
			return []string{oidStartTLS, oidWhoAmI}, true
		}
		return nil, true
	case "vendorname":
		return one("Communicator lab", e.at == rootDSE)
	}
	return nil, slices.ContainsFunc(personAttributes, func(a string) bool { return strings.EqualFold(a, attr) })
}

func (e ldapEntry) personValues(attr string) ([]string, bool) {
	if e.contact() {
		return e.contactValues(attr)
	}
	p := e.person()
	given, family, _ := strings.Cut(p.Name, " ")
	switch attr {
	case "objectclass":
		return []string{"top", "person", "organizationalPerson", "inetOrgPerson"}, true
	case "uid":
		return []string{e.uid()}, true
	case "cn", "displayname":
		return []string{p.Name}, true
	case "sn":
		return []string{family}, true
	case "givenname":
		return []string{given}, true
	case "mail":
		return []string{p.User}, true
	case "msrtcsip-primaryuseraddress": // LCS: the schema's name for the sign-in address
		return []string{"sip:" + p.User}, true
	case "telephonenumber":
		return one(p.Phone, p.Phone != "")
	case "mobile":
		return one(p.Mobile, p.Mobile != "")
	case "title":
		return []string{p.Title}, true
	case "department":
		return []string{p.Department}, true
	case "physicaldeliveryofficename":
		return []string{p.Office}, true
	case "manager":
		if boss := e.tree.staff.boss[e.at]; boss >= 0 {
			return []string{ldapEntry{e.tree, boss}.dn()}, true
		}
		return nil, true
	case "jpegphoto":
		return one(p.photo(), e.at%photoEvery == 0)
	case "entryuuid", "entrycsn", "modifytimestamp":
		return []string{e.operational(attr)}, true
	case "dc", "o", "ou":
		return nil, true
	}
	return nil, false
}

// column is one attribute of everybody, folded, made when first asked for; nil:
// people have it not, or more than one value of it.
func (t *tree) column(attr string) []string {
	if attr == "objectclass" || attr == "jpegphoto" || !slices.ContainsFunc(personAttributes, func(a string) bool { return strings.EqualFold(a, attr) }) {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if c := t.columns[attr]; c != nil {
		return c
	}
	c := make([]string, t.size())
	for at := range c {
		if v, _ := (ldapEntry{t, at}).personValues(attr); len(v) > 0 {
			c[at] = fold(v[0])
		}
	}
	t.columns[attr] = c
	return c
}

func one(v string, there bool) ([]string, bool) {
	if !there {
		return nil, true
	}
	return []string{v}, true
}

// candidates are the people of whom f can be true, where an index knows;
// everybody has to be looked at otherwise.
func (t *tree) candidates(f *filter) (people []int, indexed bool) {
	switch f.op {
	case ldap.FilterEqualityMatch:
		return t.indexed(f)
	case ldap.FilterAnd:
		for i := range f.inner {
			if people, indexed = t.candidates(&f.inner[i]); indexed {
				return people, true
			}
		}
	case ldap.FilterOr:
		for i := range f.inner {
			some, ok := t.candidates(&f.inner[i])
			if !ok {
				return nil, false
			}
			people = append(people, some...)
		}
		slices.Sort(people)
		return slices.Compact(people), len(f.inner) > 0
	}
	return nil, false
}

func (t *tree) indexed(f *filter) (people []int, indexed bool) {
	person := func(at int, there bool) {
		if there {
			people = []int{at}
		}
		if second, also := t.contactOf(at); there && also {
			people = append(people, second)
		}
	}
	switch f.attr {
	case "uid":
		person(t.person(f.value))
		return people, true
	case "mail", "msrtcsip-primaryuseraddress":
		at, there := t.staff.index[strings.TrimPrefix(f.value, "sip:")]
		person(at, there)
		return people, true
	case "manager":
		if e, is := t.find(f.value); is && e.at >= 0 && !e.contact() {
			people = t.reports[e.at]
		}
		return people, true
	}
	// Nobody has an attribute that the directory does not know.
	return nil, !slices.ContainsFunc(personAttributes, func(a string) bool { return strings.EqualFold(a, f.attr) })
}

// search returns the entries in scope that match, in the order of the tree.
func (t *tree) search(base ldapEntry, scope int, f *filter) []int {
	var found []int
	look := func(at int) {
		if f.match(ldapEntry{t, at}) == yes {
			found = append(found, at)
		}
	}
	if scope == ldap.ScopeBaseObject || base.at >= 0 && scope != ldap.ScopeSingleLevel && scope != ldap.ScopeChildren {
		look(base.at)
		return found
	}
	everything := scope == ldap.ScopeWholeSubtree || scope == ldap.ScopeChildren
	switch base.at {
	case rootDSE: // the root DSE itself is found by a base search only
		look(baseEntry)
		if everything {
			look(unitEntry)
			look(outerEntry)
		}
	case baseEntry:
		if scope == ldap.ScopeWholeSubtree {
			look(baseEntry)
		}
		look(unitEntry)
		look(outerEntry)
	case unitEntry, outerEntry:
		if scope == ldap.ScopeWholeSubtree {
			look(base.at)
		}
	default:
		return nil // nobody has anything below
	}
	from, to := t.below(base.at)
	if base.at != unitEntry && base.at != outerEntry && !everything {
		return found
	}
	if people, indexed := t.candidates(f); indexed {
		for _, at := range people {
			if from <= at && at < to {
				look(at)
			}
		}
		return found
	}
	f.prepare(t)
	for at := from; at < to; at++ {
		look(at)
	}
	return found
}
