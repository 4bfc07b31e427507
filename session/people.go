package session

import (
	"context"
	"crypto/tls"
	"errors"
	"os"
	"strings"
	"sync"

	"communicator/contacts"
	"communicator/directory"
)

// ErrNoDirectory: neither the configuration nor the DNS names a directory.
var ErrNoDirectory = errors.New("no directory is announced for this domain")

// People is the search over contacts and directory.
type People struct {
	s *Session

	mu   sync.Mutex
	dirs []*directory.Directory // in the order in which they are asked; empty: not found yet
}

// Hit is one person found.
type Hit struct {
	directory.Person
	Source string // contact or directory
}

// Find searches the contacts first, then the directory; nobody is there twice.
// With an error of the directory come the contacts that were found.
func (p *People) Find(ctx context.Context, text string, limit int) ([]Hit, error) {
	hits := p.inContacts(text, limit)
	var found []directory.Person
	err := p.ask(ctx, func(d *directory.Directory) (err error) {
		found, _, err = d.Find(ctx, text, limit)
		return err
	})
	at := map[string]int{}
	for i, h := range hits {
		at[h.User] = i
	}
	for _, f := range found {
		if i, there := at[f.User]; there && f.User != "" {
			name := hits[i].Name
			hits[i].Person = f
			if name != "" {
				hits[i].Name = name
			}
			continue
		}
		if len(hits) < limit {
			at[f.User] = len(hits)
			hits = append(hits, Hit{f, "directory"})
		}
	}
	return hits, err
}

// inContacts finds contacts whose name or address holds all words of text.
func (p *People) inContacts(text string, limit int) []Hit {
	words := strings.Fields(strings.ToLower(text))
	seen := map[string]bool{}
	var hits []Hit
	for _, g := range p.s.Contacts.List().Groups {
		for _, c := range g.Members {
			if len(hits) < limit && !seen[c.User] && matches(c, words) {
				seen[c.User] = true
				hits = append(hits, Hit{directory.Person{User: c.User, Name: c.Name}, "contact"})
			}
		}
	}
	return hits
}

func matches(c contacts.Contact, words []string) bool {
	in := strings.ToLower(c.Name + " " + c.User)
	for _, w := range words {
		if !strings.Contains(in, w) {
			return false
		}
	}
	return len(words) > 0
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
		if err = f(d); err == nil || errors.Is(err, directory.ErrNotFound) || ctx.Err() != nil {
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
		dirs = append(dirs, directory.New(directory.Options{
			URL: url, Base: s.o.Base, Attributes: s.o.DirectoryAttributes, User: directory.BindName(s.o.DirectoryUser, s.self),
			Password: func() (string, error) { return s.password(context.WithoutCancel(ctx)) }, Kerberos: s.tickets(),
			TLS: &tls.Config{RootCAs: s.roots(), MinVersion: tls.VersionTLS12}, Dial: s.query().DialHost,
		}))
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
	dirs := p.dirs
	p.mu.Unlock()
	p.close(dirs)
}
