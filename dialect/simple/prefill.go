package simple

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"communicator/contacts"
	"communicator/wire/pidf"
)

// Prefilled says what Prefill came to.
type Prefilled struct {
	Written bool     // false: the list had all of it already
	LeftOut []string // groups for which there was no room
}

var errNoStore = errors.New("this domain has no server for contact lists (XCAP)")

// Prefill puts groups of the organisation chart into the contact list that the
// server keeps for user, in place of those that an earlier Prefill put there.
// It is for an administrator, whom the server lets write it. What is the user's
// own stays as it is: his groups, the names he chose, and which of these groups
// he has hidden. No document is made larger than largest bytes: then the last
// groups are left out.
func (s *Server) Prefill(ctx context.Context, user string, groups []contacts.Group, largest int) (Prefilled, error) {
	if s.o.XCAP == "" {
		return Prefilled{}, errNoStore
	}
	x := s.xcap.as(user)
	defer func() { s.xcap.learn(x) }()
	for range 4 {
		p, err := x.prefill(ctx, groups, largest)
		if !errors.Is(err, errChanged) {
			return p, err
		}
	}
	return Prefilled{}, fmt.Errorf("write contact list: %w", errChanged)
}

// as is the same server for another user's tree.
func (x *xcap) as(user string) *xcap {
	x.mu.Lock()
	defer x.mu.Unlock()
	return &xcap{root: x.root, user: user, http: x.http, auth: x.auth, challenges: x.challenges}
}

// learn takes over what the server asked of y, so that the next is not asked.
func (x *xcap) learn(y *xcap) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.challenges = y.challenges
}

// prefill is one try; errChanged: another client was faster.
func (x *xcap) prefill(ctx context.Context, groups []contacts.Group, largest int) (p Prefilled, err error) {
	d, err := x.get(ctx, auidLists)
	if errors.Is(err, errNotFound) {
		d, err = document{}, nil
	}
	if err != nil {
		return p, err
	}
	before, out, p, err := prefilled(d.body, groups, largest)
	if err != nil || bytes.Equal(before, out) {
		return p, err
	}
	p.Written = true
	_, err = x.put(ctx, auidLists, document{out, pidf.ContentTypeLists, d.version})
	return p, err
}

// prefilled makes the new document, and the old one as we would write it.
func prefilled(raw []byte, groups []contacts.Group, largest int) (before, after []byte, p Prefilled, err error) {
	for n := len(groups); ; n-- {
		doc, err := parseLists(raw)
		if err != nil {
			return nil, nil, p, err
		}
		before = doc.Marshal()
		putChart(&doc, groups[:n])
		if after = doc.Marshal(); len(after) <= largest || n == 0 {
			return before, after, p, nil
		}
		p.LeftOut = append(p.LeftOut, groups[n-1].Name)
	}
}

// putChart makes groups the lists of the organisation chart in doc.
func putChart(doc *pidf.ResourceLists, groups []contacts.Group) {
	missing := map[string]contacts.Group{}
	for _, g := range groups {
		missing[string(g.Kind)] = g
	}
	doc.Items = slices.DeleteFunc(doc.Items, func(it pidf.Item) bool {
		if it.List == nil || it.List.Chart == "" || it.List.Chart == pidf.ChartNames {
			return false
		}
		g, wanted := missing[it.List.Chart]
		if !wanted && !it.List.Hidden {
			return true
		}
		delete(missing, it.List.Chart)
		putMembers(it.List, g) // one that he has hidden stays so, also without members
		return false
	})
	for _, g := range groups {
		if _, is := missing[string(g.Kind)]; !is {
			continue
		}
		l := &pidf.List{ListMarks: pidf.ListMarks{Chart: string(g.Kind)}}
		l.Name = freeName(doc.Items, l, g.Name)
		putMembers(l, g)
		doc.Items = append(doc.Items, pidf.Item{List: l})
	}
}

// putMembers makes the members of g the entries of l. What is known of an entry
// beside its name stays, and so does a name that the user chose.
func putMembers(l *pidf.List, g contacts.Group) {
	if g.Name != "" {
		l.DisplayName = g.Name
	}
	known, others := map[string]pidf.Item{}, []pidf.Item{}
	for _, it := range l.Items {
		if it.Entry == nil {
			others = append(others, it)
		} else if user, err := contacts.Canonical(it.Entry.URI); err == nil {
			known[user] = it
		}
	}
	l.Items = make([]pidf.Item, 0, len(g.Members)+len(others))
	for _, m := range g.Members {
		it, is := known[m.User]
		if !is {
			it = pidf.Item{Entry: &pidf.Entry{URI: "sip:" + m.User}}
		}
		if !it.Entry.Chosen {
			it.Entry.DisplayName = m.Name
		}
		l.Items = append(l.Items, it)
	}
	l.Items = append(l.Items, others...)
}
