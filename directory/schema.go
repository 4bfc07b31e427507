package directory

import (
	"context"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// searched are the attributes to search by: without those that Active Directory
// has only with LCS or Exchange, where it has them not. Samba looks at everybody
// for an attribute that it does not know: among 100,000 an address took it 0.6 s
// instead of 0.04.
func (d *Directory) searched(ctx context.Context, c *conn) (Attributes, error) {
	d.mu.Lock()
	known, has := d.root, d.has
	d.mu.Unlock()
	if has != nil {
		return *has, nil
	}
	if known == nil || !known.active() || known.schema == "" {
		return d.attributes, nil
	}
	if !c.bound && d.named() { // it tells nobody anything without a name
		if err := d.signIn(ctx, c); err != nil {
			return Attributes{}, err
		}
	}
	found, err := c.describes(ctx, known.schema, d.attributes.searchable())
	if lost(err) {
		return Attributes{}, err
	}
	a := d.attributes.only(found)
	d.mu.Lock()
	d.has = &a
	d.mu.Unlock()
	return a, nil
}

// describes says which of these attributes are in the schema ([MS-ADTS]
// §3.1.1.2.3), in lower case. None if it may not be read.
func (c *conn) describes(ctx context.Context, schema string, names []string) (has map[string]bool, err error) {
	has = map[string]bool{}
	q := query{base: schema, scope: ldap.ScopeSingleLevel, attributes: []string{"lDAPDisplayName"}, limit: len(names)}
	q.filter = allOf("(objectClass=attributeSchema)", anyOf(equal("lDAPDisplayName", names)...))
	_, err = c.unsplit(ctx, q, func(page []*ldap.Entry) error {
		for _, e := range page {
			has[strings.ToLower(e.GetEqualFoldAttributeValue("lDAPDisplayName"))] = true
		}
		return nil
	})
	return has, err
}

// equal makes a term for each value.
func equal(name string, values []string) (terms []string) {
	for _, v := range values {
		terms = append(terms, "("+name+"="+ldap.EscapeFilter(v)+")")
	}
	return terms
}

// searchable are all attributes that are in filters, in any part of a Person.
func (a Attributes) searchable() []string {
	var all []string
	for _, part := range a.parts() {
		all = append(all, *part...)
	}
	return distinct(all)
}

// only leaves out what is not there. A part of which nothing would be left stays
// as it is: there is no empty "or".
func (a Attributes) only(has map[string]bool) Attributes {
	for _, part := range a.parts() {
		kept := slices.DeleteFunc(slices.Clone(*part), func(name string) bool {
			return !has[strings.ToLower(name)] && !strings.ContainsAny(name, ";.") // options and OIDs are not looked up
		})
		if len(kept) > 0 {
			*part = kept
		}
	}
	return a
}
