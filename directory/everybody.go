package directory

import (
	"context"
	"errors"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// Filters of those who are in the address book of Active Directory: computers
// are people there for the class alone. 2 is ADS_UF_ACCOUNTDISABLE.
const (
	activePeople  = "(&(objectCategory=person)" + onlyPeople + ")"
	activeEnabled = "(&(objectCategory=person)" + onlyPeople + "(!(userAccountControl:1.2.840.113556.1.4.803:=2)))"
)

var _ Source = (*Directory)(nil)

// All is Source.All. A server that does not tell everybody is an error, after
// those that it tells.
func (d *Directory) All(ctx context.Context, people func([]Person) error) (mark Mark, err error) {
	err = d.stream(ctx, func(ctx context.Context, r reading) error {
		here := r.position()
		began, last := time.Now(), newest{attributes: d.attributes.Modified}
		err := r.read(ctx, r.shown(), d.attributes.asked(), func(page []*ldap.Entry) error {
			found := make([]Person, 0, len(page))
			for _, e := range page {
				last.see(e)
				if p, ok := d.attributes.person(e); ok && p.Key != "" {
					found = append(found, p)
				}
			}
			return people(found)
		})
		mark = here.upTo(last, time.Since(began), time.Now()).mark()
		return err
	})
	if err != nil {
		return "", err
	}
	return mark, nil
}

// Changes is Source.Changes.
func (d *Directory) Changes(ctx context.Context, since Mark, people func([]Person) error) (mark Mark, err error) {
	err = d.stream(ctx, func(ctx context.Context, r reading) error {
		from, err := readMark(since, d.configuration(r.base))
		if err != nil || (from.kind == "usn") != r.root.active() {
			return &stopped{ErrMark}
		}
		here, changed := r.position(), from.since()
		switch {
		case from.kind == "usn" && from.who != here.who:
			changed = from.elsewhere()
		case from.kind == "usn" && from.usn > here.usn: // it was set back without a new name
			return &stopped{ErrMark}
		}
		if from.kind != "usn" {
			here = from
		}
		began, last := time.Now(), newest{attributes: d.attributes.Modified}
		err = r.read(ctx, allOf(r.all(), changed), d.attributes.asked(), func(page []*ldap.Entry) error {
			found := make([]Person, 0, len(page))
			for _, e := range page {
				last.see(e)
				p, shown := d.attributes.person(e)
				if !shown {
					p = Person{DN: p.DN, Key: p.Key}
				}
				if p.Key != "" {
					found = append(found, p)
				}
			}
			return people(found)
		})
		mark = here.upTo(last, time.Since(began), time.Now()).mark()
		return err
	})
	if err != nil {
		return "", err
	}
	return mark, nil
}

// Keys is Source.Keys.
func (d *Directory) Keys(ctx context.Context, keys func([]string) error) error {
	return d.stream(ctx, func(ctx context.Context, r reading) error {
		return r.read(ctx, r.shown(), d.attributes.Key, func(page []*ldap.Entry) error {
			found := make([]string, 0, len(page))
			for _, e := range page {
				if k := d.attributes.key(e); k != "" {
					found = append(found, k)
				}
			}
			return keys(found)
		})
	})
}

// reading is everybody being read from one server.
type reading struct {
	d    *Directory
	conn *conn
	root root
	base string
}

// shown is the filter of those who are shown.
func (r reading) shown() string {
	if r.root.active() {
		return activeEnabled
	}
	return onlyPeople
}

// all is the filter of those who are or were shown.
func (r reading) all() string {
	if r.root.active() {
		return activePeople
	}
	return onlyPeople
}

// position is where the server stands now, as far as it says so.
func (r reading) position() position {
	p := position{configuration: r.d.configuration(r.base)}
	if r.root.active() {
		p.kind, p.usn, p.who = "usn", r.root.usn, r.conn.invocation(r.root)
	}
	return p
}

// read gives whoever matches to take, from the whole directory.
func (r reading) read(ctx context.Context, filter string, attributes []string, take func([]*ldap.Entry) error) error {
	found := 0
	q := query{base: r.base, scope: ldap.ScopeWholeSubtree, filter: filter, attributes: attributes, whole: true, full: true}
	partial, err := r.d.pages(ctx, r.conn, q, func(page []*ldap.Entry) error {
		found += len(page)
		return take(page)
	})
	if err == nil && partial {
		err = tooMany(found)
	}
	return err
}

// stream reads everybody with a connection of its own. Each page has a time
// limit, the whole has none.
func (d *Directory) stream(ctx context.Context, f func(context.Context, reading) error) error {
	err := d.once(ctx, func(ctx context.Context, c *conn) error {
		base, err := d.searchBase(c)
		if err != nil {
			return err
		}
		is, err := c.root()
		if err != nil {
			return err
		}
		if is.active() && !c.bound && d.named() { // it tells nobody anything without a name
			if err := d.signIn(ctx, c); err != nil {
				return err
			}
		}
		return f(ctx, reading{d, c, is, base})
	})
	var s *stopped
	switch {
	case errors.As(err, &s):
		return s.error
	case err != nil && ctx.Err() != nil:
		return d.explain(context.Cause(ctx))
	}
	return d.explain(err)
}
