package session

import (
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"time"

	"communicator/contacts"
	"communicator/directory"
	"communicator/directory/addressbook"
)

// AddressBookChanged: the address book is being filled, or was updated. While it
// is filled this comes a few times a second.
type AddressBookChanged struct{ State addressbook.State }

// How often the address book is brought up to date while signed in: somewhere
// between the two, so that not everybody asks at once.
const (
	bookSoonest = 5 * time.Minute
	bookLatest  = 15 * time.Minute

	bookFor = 24 * time.Hour // for so long a copy will do for a command
)

func (p *People) openBook() *addressbook.Book {
	o := addressbook.Options{Feeds: p.feeds, Changed: p.bookChanged, Log: p.s.log}
	if p.s.o.Dir != "" {
		o.File = filepath.Join(p.s.o.Dir, strings.TrimSuffix(p.s.mine("addressbook"), ".json"))
	}
	return addressbook.Open(o)
}

func (p *People) bookChanged(st addressbook.State) {
	if !st.Filling {
		p.contactsChanged() // one's own department may be known now
	}
	p.s.emit(AddressBookChanged{st})
}

// Book returns how the address book stands.
func (p *People) Book() addressbook.State { return p.book().State() }

// bookFresh says whether a copy will do instead of the directory.
func bookFresh(st addressbook.State) bool { return st.Complete && time.Since(st.Updated) < bookFor }

// Person returns whoever has that address in the address book; false: nobody,
// or there is no copy.
func (p *People) Person(user string) (directory.Person, bool) { return p.book().Person(user) }

// publicName is what somebody is called in the directory; empty: that is not
// known. A name that the user has given to somebody is his own business.
func (p *People) publicName(user string) string {
	if who, _ := p.Person(user); who.Name != "" {
		return who.Name
	}
	if s := p.s.State(); user == s.User {
		return s.Name
	}
	return ""
}

// Refresh brings the address book up to date now: only what has changed is
// read, or everybody if there is no copy yet.
func (p *People) Refresh(ctx context.Context) error { return p.book().Update(ctx) }

// keepUp keeps the address book up to date until ctx ends. A Silent session
// reads the copy and leaves it as it is.
func (p *People) keepUp(ctx context.Context) {
	if p.s.o.Silent {
		return
	}
	book, said := p.book(), ""
	for failed := 0; ; {
		var err error
		if time.Since(book.State().Updated) >= bookSoonest {
			err = book.Update(ctx)
		} else {
			book.Reload() // another window may have updated it
		}
		if ctx.Err() != nil {
			return
		}
		p.introduce() // here it keeps nobody waiting
		if err == nil {
			failed, said = 0, ""
		} else {
			failed = min(failed+1, 3)
			if err.Error() != said {
				said = err.Error()
				p.s.log.Warn("address book", "error", err)
			}
		}
		again := time.NewTimer((bookSoonest + rand.N(bookLatest-bookSoonest)) << failed)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return
		}
	}
}

// contactsChanged notes that the book has to hear of the contacts.
func (p *People) contactsChanged() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fresh = false
}

// introduce tells the book who is a contact, if it does not know, and what
// one's own department is.
func (p *People) introduce() {
	p.mu.Lock()
	known := p.fresh
	p.fresh = true
	p.mu.Unlock()
	if known {
		return
	}
	var people []directory.Person
	for _, c := range p.contacts() {
		people = append(people, directory.Person{User: c.User, Name: c.Name})
	}
	me, _ := p.book().Person(p.s.self)
	p.book().Prefer(people, me.Department)
}

// contacts are all contacts, each once.
func (p *People) contacts() (all []contacts.Contact) {
	seen := map[string]bool{}
	for _, g := range p.s.Contacts.List().Groups {
		for _, c := range g.Members {
			if !seen[c.User] {
				seen[c.User] = true
				all = append(all, c)
			}
		}
	}
	return all
}

// feeds are where the people of the address book come from: the directory, or
// those that the configuration lists, and files.
func (p *People) feeds(ctx context.Context) (feeds []addressbook.Feed, err error) {
	o := p.s.o
	found := true
	for _, place := range o.AddressBook {
		if strings.Contains(place, "://") {
			found = false
			feeds = append(feeds, addressbook.Feed{Name: place, Source: p.at(ctx, place)})
			continue
		}
		path := place
		if !filepath.IsAbs(path) {
			path = filepath.Join(o.Dir, path)
		}
		source, e := addressbook.FileSource(path)
		if e != nil {
			err = e
			continue
		}
		feeds = append(feeds, addressbook.Feed{Name: path, Source: source, Local: true})
	}
	if found {
		if _, e := p.directories(ctx); e != nil { // those whom it gave before stay
			return feeds, errors.Join(err, e)
		}
		name := o.Directory
		if name == "" {
			name = "the directory of " + p.s.domain
		}
		feeds = append(feeds, addressbook.Feed{Name: strings.TrimSpace(name + " " + o.Base), Source: &everybody{p}})
	}
	return feeds, err
}

// at returns the directory at url, the same each time.
func (p *People) at(ctx context.Context, url string) *directory.Directory {
	d := p.directory(ctx, url, "") // the URL names its base; nothing is contacted yet
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.listed[url]; known != nil {
		return known
	}
	p.listed[url] = d
	return d
}

// everybody is the directory as the source of the address book: whichever of
// its servers answers.
type everybody struct{ p *People }

func (e *everybody) All(ctx context.Context, people func([]directory.Person) error) (mark directory.Mark, err error) {
	err = e.p.ask(ctx, func(d *directory.Directory) (err error) {
		mark, err = d.All(ctx, people)
		return err
	})
	return mark, err
}

func (e *everybody) Changes(ctx context.Context, since directory.Mark, people func([]directory.Person) error) (mark directory.Mark, err error) {
	err = e.p.ask(ctx, func(d *directory.Directory) (err error) {
		mark, err = d.Changes(ctx, since, people)
		return err
	})
	return mark, err
}

func (e *everybody) Keys(ctx context.Context, keys func([]string) error) error {
	return e.p.ask(ctx, func(d *directory.Directory) error { return d.Keys(ctx, keys) })
}
