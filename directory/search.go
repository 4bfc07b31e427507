package directory

import (
	"context"
	"errors"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// Limits on a search.
const (
	pageSize       = 500 // entries asked for at once; many servers give no more
	maxPeople      = 20000
	operationLimit = 60 * time.Second // of one call, all pages and a new connection included
	searchLimit    = 30               // seconds that the server may think about one page
)

// query is one search.
type query struct {
	base   string
	scope  int
	filter string
	limit  int // most entries
}

// people searches the whole directory for people. partial says that there are
// more than limit, or more than the server gives.
func (d *Directory) people(ctx context.Context, filter string, limit int) (people []Person, partial bool, err error) {
	err = d.do(ctx, func(c *conn) error {
		base, err := d.searchBase(c)
		if err != nil {
			return err
		}
		entries, cut, err := d.search(c, query{base, ldap.ScopeWholeSubtree, filter, limit})
		people, partial = nil, cut
		for _, e := range entries {
			if p, ok := person(e); ok {
				people = append(people, p)
			}
		}
		return err
	})
	return people, partial, err
}

// entry reads one entry by its name; ok is false when it is not there.
func (d *Directory) entry(ctx context.Context, dn string) (p Person, ok bool, err error) {
	err = d.do(ctx, func(c *conn) error {
		entries, _, err := d.search(c, query{dn, ldap.ScopeBaseObject, "(objectClass=*)", 1})
		if ldap.IsErrorAnyOf(err, ldap.LDAPResultNoSuchObject, ldap.LDAPResultInvalidDNSyntax, ldap.LDAPResultReferral) {
			return nil
		}
		if err == nil && len(entries) > 0 {
			p, _ = person(entries[0]) // a manager who has left is still in the chain
			ok = true
		}
		return err
	})
	return p, ok, err
}

// search asks c, and signs in first if the server wants that. A server may
// refuse by saying so, or by finding nothing.
func (d *Directory) search(c *conn, q query) (entries []*ldap.Entry, partial bool, err error) {
	entries, partial, err = c.search(q)
	unseen := err == nil && len(entries) == 0 || ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject)
	if c.bound || !unseen && !refused(err) || d.o.User == "" || d.o.Password == nil {
		return entries, partial, err
	}
	if bindErr := d.signIn(c); bindErr != nil {
		if unseen {
			return entries, partial, err // the search itself was not refused
		}
		return nil, false, bindErr
	}
	return c.search(q)
}

// refused says whether a search failed for want of a bind. Active Directory
// says operationsError.
func refused(err error) bool {
	return ldap.IsErrorAnyOf(err, ldap.LDAPResultInsufficientAccessRights, ldap.LDAPResultStrongAuthRequired,
		ldap.LDAPResultInappropriateAuthentication, ldap.LDAPResultOperationsError, ldap.LDAPResultUnwillingToPerform,
		ldap.LDAPResultAuthorizationDenied)
}

// search fetches the pages of q. Referrals to other directories are ignored.
func (c *conn) search(q query) (entries []*ldap.Entry, partial bool, err error) {
	page := ldap.NewControlPaging(pageSize)
	r := ldap.NewSearchRequest(q.base, q.scope, ldap.NeverDerefAliases, 0, searchLimit, false, q.filter, attributeNames(), nil)
	if q.limit < pageSize {
		r.SizeLimit = q.limit
	} else {
		r.Controls = []ldap.Control{page} // RFC 2696 §3
	}
	for {
		result, err := c.ldap.Search(r)
		if result != nil {
			entries = append(entries, result.Entries...)
		}
		if len(entries) > q.limit {
			entries, partial = entries[:q.limit], true
		}
		switch {
		case ldap.IsErrorAnyOf(err, ldap.LDAPResultSizeLimitExceeded, ldap.LDAPResultAdminLimitExceeded, ldap.LDAPResultTimeLimitExceeded):
			return entries, true, nil
		case err != nil:
			return nil, false, err
		case len(result.Entries) == 0 && len(entries) == 0 && result.ResultCode != 0:
			return nil, false, nil
		}
		next := cookie(result)
		if len(next) == 0 || len(r.Controls) == 0 {
			return entries, partial, nil
		}
		page.SetCookie(next)
		if partial || len(entries) >= q.limit {
			page.PagingSize = 0 // RFC 2696 §3: the server need not keep the rest
			_, err := c.ldap.Search(r)
			return entries, true, ignoreUnlessLost(err)
		}
	}
}

func cookie(r *ldap.SearchResult) []byte {
	if p, ok := ldap.FindControl(r.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging); ok {
		return p.Cookie
	}
	return nil
}

// ignoreUnlessLost drops the refusal of something that is only polite.
func ignoreUnlessLost(err error) error {
	if lost(err) {
		return err
	}
	return nil
}

// do runs f with a connection. When the connection breaks it is run once more
// with a new one.
func (d *Directory) do(ctx context.Context, f func(*conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, operationLimit)
	defer cancel()
	for try := 0; ; try++ {
		c, err := d.take(ctx)
		if err == nil {
			stop := context.AfterFunc(ctx, c.close) // go-ldap does not know contexts
			err = f(c)
			if !stop() {
				c.close()
			}
			d.give(c)
		}
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return d.explain(context.Cause(ctx))
		case c != nil && try == 0 && lost(err):
			continue
		}
		return d.explain(err)
	}
}

// lost says whether the connection broke, so that another may do better.
func lost(err error) bool {
	var e *ldap.Error
	if errors.As(err, &e) {
		return e.ResultCode == ldap.ErrorNetwork || e.ResultCode == ldap.LDAPResultUnavailable || e.ResultCode == ldap.LDAPResultBusy
	}
	return err != nil && !errors.As(err, new(*Error))
}
