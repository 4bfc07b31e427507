package directory

import (
	"context"
	"fmt"

	"github.com/go-ldap/ldap/v3"
)

// split asks for everybody in parts, where a server gives only so many entries
// for one search: OpenLDAP 500, pages or not, unless its administrator allows
// more. The parts are ranges of entryUUID, which every entry there has once and
// which can be compared (RFC 4530 §2.4); the server needs no index for it.
type split struct {
	conn  *conn
	query query
	take  func([]*ldap.Entry) error

	searches int
	found    int
}

// maxSearches is how many searches one is split into at most: for 100,000
// entries in parts of 500 it takes 500.
const maxSearches = 5000

// all asks part by part. most is how many entries came at once: with fewer in
// all parts together, the server cannot compare.
func (s *split) all(ctx context.Context, most int) (partial bool, err error) {
	partial, err = s.part(ctx, 0, 1<<32-1)
	return partial || s.found < most, err
}

// part asks for the entries whose entryUUID begins with first to last, which are
// eight digits of it; quarter by quarter if the server does not tell all of them.
func (s *split) part(ctx context.Context, first, last uint64) (partial bool, err error) {
	size := (last - first + 1) / 4
	for at := first; at < last; at += size {
		if s.searches++; s.searches > maxSearches || s.query.limit > 0 && s.found >= s.query.limit {
			return true, nil
		}
		q := s.query
		q.filter = allOf(q.filter, fmt.Sprintf("(entryUUID>=%08x-0000-0000-0000-000000000000)", at),
			fmt.Sprintf("(entryUUID<=%08x-ffff-ffff-ffff-ffffffffffff)", at+size-1))
		found := 0
		cut, err := s.conn.unsplit(ctx, q, func(page []*ldap.Entry) error {
			found += len(page)
			return s.take(page)
		})
		switch {
		case err != nil:
			return false, err
		case cut && size >= 4:
			cut, err = s.part(ctx, at, at+size-1)
		default:
			s.found += found
		}
		if err != nil {
			return false, err
		}
		partial = partial || cut
	}
	return partial, nil
}
