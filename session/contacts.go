package session

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"communicator/contacts"
	"communicator/dialect/simple"
	"communicator/directory"
	"communicator/wire/sipconn"
)

// chartEvery is how often the org chart is read again while signed in.
const chartEvery = time.Hour

// ContactBook is the live contact list; its rules are in package contacts.
type ContactBook struct {
	s *Session

	mu       sync.Mutex
	own      contacts.List
	chart    contacts.Chart
	name     string        // own, from the directory
	listErr  error         // of the last reading
	chartErr error         // of the last reading
	list     bool          // has been read, or has failed, on this connection or before
	charted  bool          // likewise
	ready    chan struct{} // closed when both are so
	wanted   chan struct{} // closed when somebody wants the chart
	asked    bool          // wanted is closed
	doubt    *contacts.Doubt
	rules    *simple.Rules              // nil: not read yet
	access   map[string]contacts.Access // who is named in them; at first as last known
	asking   map[string]bool            // of whom was asked
}

func newContactBook(s *Session, k keptList) *ContactBook {
	b := &ContactBook{s: s, own: k.Own, chart: k.Chart, name: k.Name, access: k.Access, asking: map[string]bool{}, ready: make(chan struct{}), wanted: make(chan struct{})}
	if !s.o.Silent {
		b.want()
	}
	return b
}

// List returns the list with the org-chart groups.
func (b *ContactBook) List() contacts.List {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.own.WithOrg(b.chart)
}

// knows says whether user is on the list or in the organisation chart, in hidden
// groups too, or was allowed by name.
func (b *ContactBook) knows(user string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.access[user]; a == contacts.Allow || a == contacts.Limited {
		return true
	}
	return b.own.Knows(user) || b.chart.Knows(user)
}

// Loaded waits until the list has been read from where it is kept and the
// org chart has been read or has failed; chart says why it failed. A Silent
// session reads the chart only when this is called.
func (b *ContactBook) Loaded(ctx context.Context) (chart error, err error) {
	b.want()
	select {
	case <-b.ready:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.chartErr, b.listErr
}

// Hidden returns the groups of the organisation chart that the user has hidden.
func (b *ContactBook) Hidden() []contacts.Group {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.own.HiddenOrg(b.chart)
}

// Edit changes the list where it is kept; sipconn.ErrOffline when not signed in,
// *contacts.DoubtError when a ContactsDoubt must be answered first.
func (b *ContactBook) Edit(ctx context.Context, e contacts.Edit) error {
	server, err := b.store()
	if err != nil {
		return err
	}
	switch e.Op {
	case contacts.Hide, contacts.Show:
		if g, ok := b.chartGroup(e.Group); ok {
			e.Group, e.Kind = g.Name, g.Kind
		}
	case contacts.RemoveGroup:
		if name := b.orgGroup(e); name != "" {
			return fmt.Errorf("the group “%s” is made from the organisation chart; hide it instead", name)
		}
	default:
		if name := b.orgGroup(e); name != "" {
			return fmt.Errorf("the group “%s” is made from the organisation chart; choose another name", name)
		}
	}
	if e.Op == contacts.Copy && e.Name == "" {
		if user, err := contacts.Canonical(e.User); err == nil {
			e.Name = b.List().Name(user)
		}
	}
	return server.Edit(ctx, e)
}

// store is where the list is kept.
func (b *ContactBook) store() (*simple.Server, error) {
	server := b.s.dialect()
	if server == nil {
		return nil, sipconn.ErrOffline
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if e, ok := errors.AsType[*storeUnknownError](b.listErr); ok {
		return nil, e // written elsewhere it would be lost
	}
	return server, nil
}

// chartGroup returns the group of the chart of that name, shown or hidden.
func (b *ContactBook) chartGroup(name string) (contacts.Group, bool) {
	for _, g := range append(b.List().Groups, b.Hidden()...) {
		if g.Source == contacts.Org && strings.EqualFold(g.Name, strings.TrimSpace(name)) {
			return g, true
		}
	}
	return contacts.Group{}, false
}

// orgGroup is the group of the organisation chart that e would change, or make
// a second one of that name; empty: none.
func (b *ContactBook) orgGroup(e contacts.Edit) string {
	for _, name := range []string{e.Group, e.To} {
		if e.Op == contacts.Copy && name == e.Group {
			continue // it stays as it is
		}
		if g, ok := b.chartGroup(name); ok && name != "" {
			return g.Name
		}
	}
	return ""
}

// loaded is closed when the list and the chart have been read or have failed.
func (b *ContactBook) loaded() <-chan struct{} { return b.ready }

// want asks for the chart.
func (b *ContactBook) want() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.asked {
		b.asked = true
		close(b.wanted)
	}
}

// done notes under the lock that the list or the chart has been read.
func (b *ContactBook) done(what *bool) {
	before := b.list && b.charted
	*what = true
	if !before && b.list && b.charted {
		close(b.ready)
	}
}

// listRead is told when reading the list has ended.
func (b *ContactBook) listRead(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.listErr = err
	b.done(&b.list)
}

// set takes the own groups from the server.
func (b *ContactBook) set(l contacts.List) { b.changed(func() { b.own = l }) }

// changed makes a change and tells of it if the list looks different.
func (b *ContactBook) changed(f func()) {
	b.mu.Lock()
	before := b.own.WithOrg(b.chart)
	f()
	now := b.own.WithOrg(b.chart)
	if !before.Equal(now) || !b.list || !b.charted {
		b.s.later(ContactsChanged{now})
	}
	b.mu.Unlock()
	b.s.events.Flush()
}

// keep writes the list down for the next session.
func (b *ContactBook) keep() {
	b.mu.Lock()
	kept := keptList{User: b.s.self, Name: b.name, Own: b.own, Chart: b.chart, Access: maps.Clone(b.access)}
	b.mu.Unlock()
	b.s.writeJSON(b.s.mine(listCache), kept)
}

// readChart reads the org chart once it is wanted, and again every chartEvery,
// until ctx ends.
func (b *ContactBook) readChart(ctx context.Context) {
	select {
	case <-b.wanted:
	case <-ctx.Done():
		return
	}
	for {
		chart, err := b.s.People.Chart(ctx, "")
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, directory.ErrNotFound) {
			err = errors.New("the directory does not know " + b.s.self)
		}
		if err != nil {
			b.s.log.Info("no org chart", "error", err)
		}
		b.charts(chart, err)
		again := time.NewTimer(chartEvery)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return
		}
	}
}

// charts takes the org chart, or why there is none: then the last known stays.
func (b *ContactBook) charts(c directory.Chart, err error) {
	if err == nil {
		b.changed(func() {
			b.chart, b.name = toContacts(c), c.Self.Name
		})
		b.s.named(c.Self.Name)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.chartErr = err
	b.done(&b.charted)
}

// named takes one's own name from the directory.
func (s *Session) named(name string) {
	if s.o.Name == "" && name != "" && s.State().Name != name {
		s.change(func(st *State) { st.Name = name })
	}
}

// toContacts reduces a chart to what a contact list shows.
func toContacts(c directory.Chart) contacts.Chart {
	one := func(p *directory.Person) *contacts.Contact {
		if p == nil {
			return nil
		}
		return &contacts.Contact{User: p.User, Name: p.Name}
	}
	all := func(list []directory.Person) []contacts.Contact {
		var out []contacts.Contact
		for _, p := range list {
			out = append(out, contacts.Contact{User: p.User, Name: p.Name})
		}
		return out
	}
	return contacts.Chart{Manager: one(c.Manager), SecondManager: one(c.SecondManager), Peers: all(c.Peers), Reports: all(c.Reports), Everyone: all(c.Everyone)}
}
