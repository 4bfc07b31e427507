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
	fullLimit      = 120              // the same where everybody is read: Active Directory's own limit (MaxQueryDuration)
	answerLimit    = 30 * time.Second // for sending the page, beside the thinking
)

// query is one search.
type query struct {
	base       string
	scope      int
	filter     string
	attributes []string
	limit      int  // most entries; 0: all
	whole      bool // where the server cuts its answer short the search is split
	full       bool // everybody is read: Samba looks at all of them before it gives the first page
}

// wanted says which people are searched for.
type wanted struct {
	filter func(Attributes) string // of the attributes that the server has
	more   []string                // attributes that fits needs
	fits   func(*ldap.Entry) bool  // nil: all that the server finds do
	limit  int
	whole  bool
}

// people searches the whole directory for people. partial says that there are
// more than limit, or more than the server gives.
func (d *Directory) people(ctx context.Context, w wanted) (people []Person, partial bool, err error) {
	err = d.do(ctx, func(ctx context.Context, c *conn) error {
		base, err := d.searchBase(c)
		if err != nil {
			return err
		}
		searched, err := d.searched(ctx, c)
		if err != nil {
			return err
		}
		entries, cut, err := d.search(ctx, c, query{base: base, scope: ldap.ScopeWholeSubtree, filter: w.filter(searched),
			attributes: distinct(append(d.attributes.asked(), w.more...)), limit: w.limit, whole: w.whole})
		people, partial = nil, cut
		for _, e := range entries {
			if p, ok := d.attributes.person(e); ok && (w.fits == nil || w.fits(e)) {
				people = append(people, p)
			}
		}
		return err
	})
	return people, partial, err
}

// entry reads one entry by its name; ok is false when it is not there.
func (d *Directory) entry(ctx context.Context, dn string) (p Person, ok bool, err error) {
	err = d.do(ctx, func(ctx context.Context, c *conn) error {
		entries, _, err := d.search(ctx, c, query{base: dn, filter: "(objectClass=*)", attributes: d.attributes.asked(), limit: 1})
		if notThere(err) {
			return nil
		}
		if err == nil && len(entries) > 0 {
			p, _ = d.attributes.person(entries[0]) // a manager who has left is still in the chain
			ok = true
		}
		return err
	})
	return p, ok, err
}

// notThere says whether a search failed because its base is no entry here.
func notThere(err error) bool {
	return ldap.IsErrorAnyOf(err, ldap.LDAPResultNoSuchObject, ldap.LDAPResultInvalidDNSyntax, ldap.LDAPResultReferral)
}

// search collects what q finds, each entry once.
func (d *Directory) search(ctx context.Context, c *conn, q query) (entries []*ldap.Entry, partial bool, err error) {
	seen := make(map[string]bool)
	partial, err = d.pages(ctx, c, q, func(page []*ldap.Entry) error {
		for _, e := range page {
			if !seen[e.DN] {
				seen[e.DN] = true
				entries = append(entries, e)
			}
		}
		return nil
	})
	return entries, partial, err
}

// pages gives what q finds to take, page by page, and signs in first if the
// server wants that. A server may refuse by saying so, by finding nothing, or by
// telling the nameless less.
func (d *Directory) pages(ctx context.Context, c *conn, q query, take func([]*ldap.Entry) error) (partial bool, err error) {
	if c.bound || !d.named() {
		return c.pages(ctx, q, take)
	}
	found, first := 0, q
	first.whole = false
	partial, err = c.pages(ctx, first, func(page []*ldap.Entry) error {
		found += len(page)
		return take(page)
	})
	unseen := err == nil && found == 0 && !partial || ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject)
	short := err == nil && partial && q.whole && (q.limit == 0 || found < q.limit)
	if !unseen && !short && !refused(err) {
		return partial, err
	}
	switch bindErr := d.signIn(ctx, c); {
	case bindErr == nil || short && !lost(bindErr):
		return c.pages(ctx, q, take)
	case unseen:
		return partial, err // the search itself was not refused
	default:
		return false, bindErr
	}
}

// refused says whether a search failed for want of a bind. Active Directory
// says operationsError.
func refused(err error) bool {
	return ldap.IsErrorAnyOf(err, ldap.LDAPResultInsufficientAccessRights, ldap.LDAPResultStrongAuthRequired,
		ldap.LDAPResultInappropriateAuthentication, ldap.LDAPResultOperationsError, ldap.LDAPResultUnwillingToPerform,
		ldap.LDAPResultAuthorizationDenied)
}

// pages gives what q finds to take; some of it twice where the search is split.
func (c *conn) pages(ctx context.Context, q query, take func([]*ldap.Entry) error) (partial bool, err error) {
	found := 0
	partial, err = c.unsplit(ctx, q, func(page []*ldap.Entry) error {
		found += len(page)
		return take(page)
	})
	if err != nil || !partial || !q.whole || q.limit > 0 && found >= q.limit {
		return partial, err
	}
	s := split{conn: c, query: q, take: take}
	return s.all(ctx, found)
}

// unsplit fetches the pages of q. Referrals to other directories are ignored.
func (c *conn) unsplit(ctx context.Context, q query, take func([]*ldap.Entry) error) (partial bool, err error) {
	page := ldap.NewControlPaging(pageSize)
	r := ldap.NewSearchRequest(q.base, q.scope, ldap.NeverDerefAliases, 0, searchLimit, false, q.filter, q.attributes, nil)
	if q.full {
		r.TimeLimit = fullLimit
	}
	if 0 < q.limit && q.limit < pageSize {
		r.SizeLimit = q.limit
	} else {
		r.Controls = []ldap.Control{page} // RFC 2696 §3
	}
	for left := q.limit; ; {
		result, err := c.ask(ctx, r)
		cut := ldap.IsErrorAnyOf(err, ldap.LDAPResultSizeLimitExceeded, ldap.LDAPResultAdminLimitExceeded, ldap.LDAPResultTimeLimitExceeded)
		if err != nil && !cut {
			return false, err // what came of this page is not counted
		}
		entries := result.Entries
		if q.limit > 0 && len(entries) > left {
			entries, partial = entries[:left], true
		}
		left -= len(entries)
		if len(entries) > 0 {
			if err := take(entries); err != nil {
				return false, &stopped{err}
			}
		}
		next := cookie(result)
		switch {
		case cut:
			return true, nil
		case len(next) == 0 || len(r.Controls) == 0:
			return partial, nil
		}
		page.SetCookie(next)
		if partial || q.limit > 0 && left == 0 {
			page.PagingSize = 0 // RFC 2696 §3: the server need not keep the rest
			_, err := c.ask(ctx, r)
			return true, ignoreUnlessLost(err)
		}
	}
}

// ask sends one request and waits for the whole answer.
func (c *conn) ask(ctx context.Context, r *ldap.SearchRequest) (*ldap.SearchResult, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(r.TimeLimit)*time.Second+answerLimit)
	defer cancel()
	stop := context.AfterFunc(ctx, c.close) // go-ldap does not know contexts
	result, err := c.ldap.Search(r)
	if !stop() {
		return nil, context.Cause(ctx)
	}
	if result == nil {
		result = &ldap.SearchResult{}
	}
	return result, err
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

// stopped is the error of whoever takes what is found: no fault of the directory.
type stopped struct{ error }

func (s *stopped) Unwrap() error { return s.error }

// do runs f with a connection, for operationLimit at most. When the connection
// breaks it is run once more with a new one.
func (d *Directory) do(ctx context.Context, f func(context.Context, *conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, operationLimit)
	defer cancel()
	err := d.once(ctx, f)
	if lost(err) && ctx.Err() == nil {
		err = d.once(ctx, f)
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return d.explain(err)
}

// once runs f with a connection.
func (d *Directory) once(ctx context.Context, f func(context.Context, *conn) error) error {
	c, err := d.take(ctx)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, c.close)
	err = f(ctx, c)
	if late := !stop(); late || lost(err) {
		c.close() // go-ldap may not have noticed yet: it must not be taken again
		return err
	}
	d.give(c)
	return err
}

// lost says whether the connection broke, so that another may do better.
func lost(err error) bool {
	var e *ldap.Error
	if errors.As(err, &e) {
		return e.ResultCode == ldap.ErrorNetwork || e.ResultCode == ldap.LDAPResultUnavailable || e.ResultCode == ldap.LDAPResultBusy
	}
	return err != nil && !errors.As(err, new(*Error)) && !errors.As(err, new(*stopped)) &&
		!errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}
