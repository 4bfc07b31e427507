package session

import (
	"context"
	"crypto/tls"
	"errors"
	"os"
	"sync"
	"time"

	"communicator/directory"
	"communicator/directory/addressbook"
)

// ErrNoDirectory: neither the configuration nor the DNS names a directory.
var ErrNoDirectory = errors.New("no directory is announced for this domain")

// People is the search over contacts, address book and directory.
type People struct {
	s    *Session
	book func() *addressbook.Book // opened by the first call, which reads the copy

	mu     sync.Mutex
	dirs   []*directory.Directory          // in the order in which they are asked; empty: not found yet
	listed map[string]*directory.Directory // those that the configuration names for the address book
	fresh  bool                            // the book knows the contacts as they are
}

func newPeople(s *Session) *People {
	p := &People{s: s, listed: map[string]*directory.Directory{}}
	p.book = sync.OnceValue(p.openBook)
	return p
}

// Hit is one person found.
type Hit struct {
	directory.Person
	Source string // contact or directory
}

// Found is what a search has found: the contacts first.
type Found struct {
	Hits     []Hit
	Total    int       // how many match; Hits may be fewer
	Mine     int       // how many of them are contacts
	Complete bool      // everybody was searched; else there may be more
	Updated  time.Time // as of when the copy is that was searched; zero: the directory itself was
}

// Find searches the contacts and the address book, which it does without a
// network. Without a copy, or in a Silent session with one older than a day, it
// asks the directory as well: with an error come those found without it.
func (p *People) Find(ctx context.Context, text string, limit int) (Found, error) {
	found, st := p.inBook(text, limit), p.book().State()
	if p.s.o.Silent && bookFresh(st) || !p.s.o.Silent && st.Entries > 0 {
		return found, nil
	}
	return p.live(ctx, text, limit, found)
}

// inBook searches contacts and copy.
func (p *People) inBook(text string, limit int) Found {
	p.introduce()
	book := p.book()
	r := book.Search(addressbook.Query{Text: text, Limit: limit})
	f := Found{Total: r.Total, Mine: r.Mine, Complete: r.Complete, Updated: book.State().Updated}
	for _, h := range r.Hits {
		f.Hits = append(f.Hits, Hit{h.Person, source(h.Mine)})
	}
	return f
}

func source(mine bool) string {
	if mine {
		return "contact"
	}
	return "directory"
}

// live adds what the directory finds to the contacts among before.
func (p *People) live(ctx context.Context, text string, limit int, before Found) (Found, error) {
	var people []directory.Person
	var more bool
	err := p.ask(ctx, func(d *directory.Directory) (err error) {
		people, more, err = d.Find(ctx, text, limit)
		return err
	})
	if errors.Is(err, ErrNoDirectory) && len(p.s.o.AddressBook) > 0 {
		return before, nil // there are files only
	}
	if err != nil {
		before.Complete = false
		return before, err
	}
	names := map[string]string{} // of the contacts
	for _, c := range p.contacts() {
		names[c.User] = c.Name
	}
	var mine, others []Hit
	at := map[string]bool{}
	for _, q := range people {
		name, known := names[q.User]
		if at[q.User] = true; !known || q.User == "" {
			others = append(others, Hit{q, source(false)})
			continue
		}
		if name != "" {
			q.Name = name
		}
		mine = append(mine, Hit{q, source(true)})
	}
	for _, h := range before.Hits {
		if h.Source == source(true) && !at[h.User] {
			mine = append(mine, h)
		}
	}
	f := Found{Hits: append(mine, others...), Mine: len(mine), Total: len(mine) + len(others), Complete: !more}
	f.Hits = f.Hits[:min(len(f.Hits), limit)]
	return f, nil
}

// Chart returns user's place in the organisation; empty user: one's own.
func (p *People) Chart(ctx context.Context, user string) (chart directory.Chart, err error) {
	if user == "" {
		user = p.s.self
	}
	err = p.ask(ctx, func(d *directory.Directory) (err error) {
		chart, err = d.Chart(ctx, user)
		return err
	})
	return chart, err
}

// Under returns everybody who reports to user, directly or not.
func (p *People) Under(ctx context.Context, user string) (found []directory.Person, err error) {
	err = p.ask(ctx, func(d *directory.Directory) (err error) {
		found, err = d.Under(ctx, user)
		return err
	})
	return found, err
}

// Filter returns everybody who matches an LDAP filter.
func (p *People) Filter(ctx context.Context, filter string) (found []directory.Person, err error) {
	err = p.ask(ctx, func(d *directory.Directory) (err error) {
		found, err = d.Filter(ctx, filter)
		return err
	})
	return found, err
}

// ask asks one directory after the other until one answers. When none does
// they are looked up anew the next time.
func (p *People) ask(ctx context.Context, f func(*directory.Directory) error) error {
	dirs, err := p.directories(ctx)
	if err != nil {
		return err
	}
	for _, d := range dirs {
		if err = f(d); err == nil || errors.Is(err, directory.ErrNotFound) || errors.Is(err, directory.ErrMark) || ctx.Err() != nil {
			return err
		}
	}
	p.close(dirs)
	return err
}

// directories finds the directories of the domain.
func (p *People) directories(ctx context.Context) ([]*directory.Directory, error) {
	p.mu.Lock()
	dirs := p.dirs
	p.mu.Unlock()
	if len(dirs) > 0 {
		return dirs, nil
	}
	s := p.s
	urls := []string{s.o.Directory}
	if s.o.Directory == "" {
		var err error
		if urls, err = s.query().Directories(ctx); err != nil {
			return nil, err
		}
	}
	for _, url := range urls {
		dirs = append(dirs, p.directory(ctx, url, s.o.Base))
	}
	if len(dirs) == 0 {
		return nil, ErrNoDirectory
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.dirs) == 0 { // else somebody was faster
		p.dirs = dirs
	}
	return p.dirs, nil
}

// directory makes the directory at url. ctx is not kept: it carries values for
// asking the password only.
func (p *People) directory(ctx context.Context, url, base string) *directory.Directory {
	s := p.s
	return directory.New(directory.Options{
		URL: url, Base: base, Attributes: s.o.DirectoryAttributes, User: directory.BindName(s.o.DirectoryUser, s.self),
		Password: func() (string, error) { return s.password(context.WithoutCancel(ctx)) }, Kerberos: s.tickets(),
		TLS: &tls.Config{RootCAs: s.roots(), MinVersion: tls.VersionTLS12}, Dial: s.query().DialHost,
	})
}

// tickets are the user's Kerberos tickets. They are for the real network only:
// the key distribution centre is not asked through Options.Dial.
func (s *Session) tickets() *directory.Kerberos {
	if s.o.Dial != nil {
		return nil
	}
	return directory.SystemKerberos(os.Getenv)
}

// close closes these directories and forgets them.
func (p *People) close(dirs []*directory.Directory) {
	p.mu.Lock()
	if len(dirs) > 0 && len(p.dirs) > 0 && p.dirs[0] == dirs[0] {
		p.dirs = nil
	}
	p.mu.Unlock()
	for _, d := range dirs {
		_ = d.Close() // it is not used any more
	}
}

// closeAll ends all connections to directories.
func (p *People) closeAll() {
	p.mu.Lock()
	dirs, listed := p.dirs, p.listed
	p.listed = map[string]*directory.Directory{}
	p.mu.Unlock()
	p.close(dirs)
	for _, d := range listed {
		_ = d.Close() // likewise
	}
}
