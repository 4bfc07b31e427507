package session

import (
	"context"
	"iter"

	"communicator/contacts"
	"communicator/directory"
)

// Prefill is what the contact list of one person is to have of the
// organisation chart. Its groups are made when they are asked for: those of
// everybody at once are many.
type Prefill struct {
	User, Name string
	place      directory.Place
}

// Prefills goes through everybody of a directory with an address. Nobody gets
// a group "Everyone" of more than most people.
func Prefills(people []directory.Person, most int) iter.Seq[Prefill] {
	return func(yield func(Prefill) bool) {
		for place := range directory.Charts(people, most) {
			if place.Self.User != "" && !yield(Prefill{place.Self.User, place.Self.Name, place}) {
				return
			}
		}
	}
}

// Groups are the groups as that person's own client makes them.
func (f Prefill) Groups() []contacts.Group { return f.chart().Groups() }

// LeftOut names the groups that are not made: too many people.
func (f Prefill) LeftOut() []string {
	if f.place.TooMany {
		return []string{f.chart().EveryoneName()}
	}
	return nil
}

func (f Prefill) chart() contacts.Chart {
	p := f.place
	one := func(p *directory.Person) *contacts.Contact {
		if p == nil {
			return nil
		}
		return &contacts.Contact{User: p.User, Name: p.Name}
	}
	all := func(people []*directory.Person, but *directory.Person) []contacts.Contact {
		some := make([]contacts.Contact, 0, len(people))
		for _, q := range people {
			if q != but {
				some = append(some, contacts.Contact{User: q.User, Name: q.Name})
			}
		}
		return some
	}
	return contacts.Chart{Self: p.Self.User, Manager: one(p.Manager), SecondManager: one(p.SecondManager), Sorted: true,
		Peers: all(p.Peers, p.Manager), Reports: all(p.Reports, nil), Everyone: all(p.Everyone, nil)}
}

// Prefill writes it into that person's contact list on the server; the
// administrator who is signed in must be allowed to. The person's own groups
// stay as they are, and no list is made larger than largest bytes. written is
// false if the list had all of it already.
func (s *Session) Prefill(ctx context.Context, f Prefill, largest int) (written bool, leftOut []string, err error) {
	server, err := s.server(ctx)
	if err != nil {
		return false, nil, err
	}
	done, err := server.Prefill(ctx, f.User, f.Groups(), largest)
	return done.Written, append(f.LeftOut(), done.LeftOut...), err
}

// Everybody reads the whole directory.
func (p *People) Everybody(ctx context.Context) (all []directory.Person, err error) {
	err = p.ask(ctx, func(d *directory.Directory) error {
		all = nil
		_, err := d.All(ctx, func(some []directory.Person) error {
			all = append(all, some...)
			return ctx.Err()
		})
		return err
	})
	return all, err
}
