package simple

import (
	"context"
	"maps"
	"slices"
	"strings"

	"communicator/contacts"
	"communicator/wire/pidf"
)

// ParseRows reads a resource-lists document (RFC 4826) of any program as rows to
// merge. Lists of the organisation chart are left out: the chart makes them. What
// is no address of a person is returned as refused.
func ParseRows(b []byte) (rows []contacts.Row, bad []contacts.Outcome, err error) {
	doc, err := pidf.ParseResourceLists(b)
	if err != nil {
		return nil, nil, err
	}
	add := func(l *pidf.List, r contacts.Row) {
		for _, it := range l.Items {
			c := contactOf(it)
			r.User, r.Name, r.Service, r.Line = c.User, c.Name, c.Service, 0
			if it.Entry != nil {
				r.Line = it.Entry.Line()
			}
			switch {
			case c.User != "":
				rows = append(rows, r)
			case it.Entry != nil:
				_, err := contacts.Canonical(it.Entry.URI)
				bad = append(bad, contacts.Outcome{Row: r, Result: contacts.Refused, Why: err.Error()})
			}
		}
	}
	for _, g := range groupsIn(&doc.Items, "") {
		if g.list.Chart == "" {
			add(g.list, contacts.Row{Group: g.name})
		}
	}
	for _, l := range doc.Lists() {
		if a, err := contacts.ParseAccess(l.Access); err == nil && l.Access != "" {
			add(l, contacts.Row{Access: a})
		}
	}
	return rows, bad, nil
}

// Document returns the contact list as the resource-lists document that is kept,
// with whatever other clients wrote into it. Who has an access is in further lists.
func (s *Server) Document(ctx context.Context, access map[string]contacts.Access) (out []byte, err error) {
	of := map[contacts.Access][]string{}
	for _, user := range slices.Sorted(maps.Keys(access)) {
		of[access[user]] = append(of[access[user]], user)
	}
	err = s.book.inTurn(ctx, func() error {
		s.book.recall()
		out, err = changeDocument(s.book.raw, func(doc *pidf.ResourceLists) error {
			for _, a := range []contacts.Access{contacts.Block, contacts.Polite, contacts.Limited} {
				if len(of[a]) == 0 {
					continue
				}
				l := &pidf.List{DisplayName: strings.ToUpper(string(a[:1])) + string(a[1:]), ListMarks: pidf.ListMarks{Access: string(a)}}
				l.Name = freeName(doc.Items, l, "access-"+string(a))
				for _, user := range of[a] {
					l.Items = append(l.Items, pidf.Item{Entry: &pidf.Entry{URI: "sip:" + user}})
				}
				doc.Items = append(doc.Items, pidf.Item{List: l})
			}
			return nil
		})
		return err
	})
	return out, err
}
