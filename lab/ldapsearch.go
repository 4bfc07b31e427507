package lab

import (
	"bufio"
	"slices"
	"strconv"
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// ldapEntries is how many entries one answer has at most, as in directories
// in use; more need pages (RFC 2696).
const ldapEntries = 1000

// pages are the searches of a connection of which pages are still to come.
type pages struct {
	next    int
	waiting map[string][]int // what is left, by cookie
}

// pagesWaiting is how many unfinished searches a connection may have.
const pagesWaiting = 8

// keep stores what is left and returns its cookie; nil: too many searches wait.
func (p *pages) keep(left []int) []byte {
	if len(p.waiting) >= pagesWaiting {
		return nil
	}
	if p.waiting == nil {
		p.waiting = map[string][]int{}
	}
	p.next++
	cookie := strconv.Itoa(p.next)
	p.waiting[cookie] = left
	return []byte(cookie)
}

// take returns what is left; a cookie is good once.
func (p *pages) take(cookie []byte) ([]int, bool) {
	left, there := p.waiting[string(cookie)]
	delete(p.waiting, string(cookie))
	return left, there
}

// query is a search request (RFC 4511 §4.5.1).
type query struct {
	base       string
	scope      int
	limit      int
	typesOnly  bool
	filter     filter
	attributes []string
}

func readQuery(op *ber.Packet) (q query, ok bool) {
	if len(op.Children) != 8 {
		return q, false
	}
	whole := func(i int) int { n, _ := op.Children[i].Value.(int64); return int(n) }
	q.base, q.scope, q.limit = op.Children[0].Data.String(), whole(1), whole(3)
	q.typesOnly, _ = op.Children[5].Value.(bool)
	for _, a := range op.Children[7].Children {
		q.attributes = append(q.attributes, a.Data.String())
	}
	terms := filterTerms
	var err error
	q.filter, err = readFilter(op.Children[6], 0, &terms)
	return q, err == nil && q.scope >= 0 && q.scope <= ldap.ScopeChildren && q.limit >= 0
}

// search answers a search request; false: the connection is over.
func (c *ldapSession) search(r ldapRequest) bool {
	done := func(code uint16, text string, controls ...ldap.Control) bool {
		return c.write(r.id, c.result(ldap.ApplicationSearchResultDone, code, text), controls...)
	}
	q, ok := readQuery(r.op)
	if !ok {
		return done(ldap.LDAPResultProtocolError, "the search cannot be understood")
	}
	paging, text := pagingOf(r.controls)
	if text != "" {
		return done(ldap.LDAPResultUnavailableCriticalExtension, text)
	}
	base, found := c.tree.find(q.base)
	rootOnly := base.at == rootDSE && found && q.scope == ldap.ScopeBaseObject
	switch { // RFC 4512 §5.1: the root DSE is there for everybody
	case !rootOnly && !c.tls:
		return done(ldap.LDAPResultConfidentialityRequired, "TLS first")
	case !rootOnly && c.user == "" && !c.anonymous:
		return done(ldap.LDAPResultStrongAuthRequired, "bind with name and password first")
	case !found:
		return done(ldap.LDAPResultNoSuchObject, "no such entry: "+q.base)
	}
	if paging == nil {
		all := c.tree.search(base, q.scope, &q.filter)
		limit, code := ldapEntries, uint16(ldap.LDAPResultAdminLimitExceeded)
		if q.limit > 0 && q.limit <= limit {
			limit, code = q.limit, ldap.LDAPResultSizeLimitExceeded
		}
		if len(all) <= limit {
			code = ldap.LDAPResultSuccess
		}
		return c.send(r.id, q, all[:min(limit, len(all))]) && done(code, "")
	}
	return c.page(r, q, base, paging, done)
}

// pagingOf finds the control for pages; text says which critical control is not known here.
func pagingOf(controls []ldap.Control) (p *ldap.ControlPaging, text string) {
	for _, control := range controls {
		switch k := control.(type) {
		case *ldap.ControlPaging:
			p = k
		case *ldap.ControlString:
			if k.Criticality {
				return nil, "control " + k.ControlType + " is not supported"
			}
		}
	}
	return p, ""
}

// page sends one page (RFC 2696 §3).
func (c *ldapSession) page(r ldapRequest, q query, base ldapEntry, p *ldap.ControlPaging, done func(uint16, string, ...ldap.Control) bool) bool {
	var left []int
	if len(p.Cookie) == 0 {
		left = c.tree.search(base, q.scope, &q.filter)
	} else {
		var there bool
		if left, there = c.pages.take(p.Cookie); !there {
			return done(ldap.LDAPResultUnwillingToPerform, "the cookie is not known")
		}
	}
	answer := &ldap.ControlPaging{PagingSize: uint32(len(left))}
	if p.PagingSize == 0 { // RFC 2696 §3: the client gives up
		return done(ldap.LDAPResultSuccess, "", answer)
	}
	size := min(int(p.PagingSize), ldapEntries, len(left))
	if rest := left[size:]; len(rest) > 0 {
		if answer.Cookie = c.pages.keep(rest); answer.Cookie == nil {
			return done(ldap.LDAPResultAdminLimitExceeded, "too many unfinished searches")
		}
	}
	return c.send(r.id, q, left[:size]) && done(ldap.LDAPResultSuccess, "", answer)
}

// send writes entries, with the attributes that were asked for.
func (c *ldapSession) send(id int64, q query, found []int) bool {
	out := bufio.NewWriterSize(c.nc, 32<<10)
	ofPeople := q.wanted(personAttributes, false)
	for _, at := range found {
		e, names := ldapEntry{c.tree, at}, ofPeople
		if at < 0 {
			names = q.wanted(e.attributes(), at == rootDSE)
		}
		if _, err := out.Write(message(id, e.packet(names, q.typesOnly))); err != nil {
			return false
		}
	}
	return out.Flush() == nil
}

// packet is a SearchResultEntry (RFC 4511 §4.5.2) with the attributes of these names.
func (e ldapEntry) packet(names []string, typesOnly bool) *ber.Packet {
	p := ber.Encode(ber.ClassApplication, ber.TypeConstructed, ldap.ApplicationSearchResultEntry, nil, "")
	p.AppendChild(octets(e.dn()))
	list := ber.NewSequence("")
	for _, name := range names {
		values, _ := e.values(strings.ToLower(name))
		if len(values) == 0 {
			continue
		}
		a := ber.NewSequence("")
		a.AppendChild(octets(name))
		set := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSet, nil, "")
		for _, v := range values {
			if !typesOnly {
				set.AppendChild(octets(v))
			}
		}
		a.AppendChild(set)
		list.AppendChild(a)
	}
	p.AppendChild(list)
	return p
}

// wanted are those of names that were asked for (RFC 4511 §4.5.1.8): none or
// * asks for all but the operational ones, which only the root DSE has.
func (q query) wanted(names []string, root bool) []string {
	var some []string
	for _, name := range names {
		operational := root && name != "objectClass" || slices.Contains([]string{"entryUUID", "entryCSN", "modifyTimestamp"}, name)
		if len(q.attributes) == 0 && !operational || slices.ContainsFunc(q.attributes, func(a string) bool {
			return a == "*" && !operational || a == "+" && operational || attributeName(a) == strings.ToLower(name)
		}) {
			some = append(some, name)
		}
	}
	return some
}
