package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"communicator/contacts"
	"communicator/directory"
	"communicator/plain"
	"communicator/session"
)

// recipients are the sources of `send`; they can be combined.
type recipients struct{ to, groups, orgs, filters, lists []string }

// recipient is one person to message.
type recipient struct{ user, name string }

func (r recipients) empty() bool {
	return len(r.to)+len(r.groups)+len(r.orgs)+len(r.filters)+len(r.lists) == 0
}

func (r recipients) fromStdin() bool { return slices.Contains(r.lists, "-") }

// resolve turns the sources into people, each once, in the order given. A
// group or manager that does not exist is an error: better nobody than half.
func (r recipients) resolve(ctx context.Context, p *program, s *session.Session) ([]recipient, error) {
	ctx, cancel := p.deadline(ctx)
	defer cancel()
	people, err := r.typed(p.in)
	if err != nil {
		return nil, err
	}
	if len(r.groups) > 0 {
		members, err := r.members(ctx, s)
		if err != nil {
			return nil, because(ctx, err)
		}
		people = append(people, members...)
	}
	for _, user := range r.orgs {
		found, err := s.People.Under(ctx, user)
		if err != nil {
			return nil, because(ctx, fmt.Errorf("people under %s: %w", user, err))
		}
		people = append(people, others(found, s.State().User)...)
	}
	for _, filter := range r.filters {
		found, err := s.People.Filter(ctx, filter)
		if err != nil {
			return nil, because(ctx, fmt.Errorf("filter %s: %w", filter, err))
		}
		people = append(people, others(found, s.State().User)...)
	}
	if people = once(people); len(people) == 0 {
		return nil, fmt.Errorf("nobody to send to: the lists, groups, managers and filters named are empty")
	}
	return people, nil
}

// typed reads the addresses of --to and --list.
func (r recipients) typed(in io.Reader) ([]recipient, error) {
	var people []recipient
	for _, t := range r.to {
		addresses, err := canonical(strings.Split(t, ","))
		if err != nil {
			return nil, err
		}
		for _, a := range addresses {
			people = append(people, recipient{user: a})
		}
	}
	for _, file := range r.lists {
		listed, err := readList(file, in)
		if err != nil {
			return nil, usage("list: %v", err)
		}
		people = append(people, listed...)
	}
	return people, nil
}

// readList reads addresses, one a line, and after a tab a name; empty lines
// and what follows a # are skipped. An error names the line.
func readList(file string, in io.Reader) ([]recipient, error) {
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	var people []recipient
	s := bufio.NewScanner(in)
	n := 0
	for s.Scan() {
		n++
		line := s.Text()
		if n == 1 {
			line = strings.TrimPrefix(line, "\ufeff") // what some editors begin a file with
		}
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		address, rest, _ := strings.Cut(line, "\t")
		user, err := contacts.Canonical(strings.TrimSpace(address))
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", file, n, err)
		}
		name, _, _ := strings.Cut(rest, "\t")
		people = append(people, recipient{user, plain.Cut(plain.Line(strings.TrimSpace(name)), contacts.MaxName)})
	}
	if err := s.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, fmt.Errorf("%s, line %d is too long for an address", file, n+1)
	} else if err != nil {
		return nil, fmt.Errorf("%s, line %d: %w", file, n+1, err)
	}
	return people, nil
}

func (r recipients) members(ctx context.Context, s *session.Session) ([]recipient, error) {
	chart, err := s.Contacts.Loaded(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the contact list: %w", err)
	}
	list := s.Contacts.List()
	var people []recipient
	for _, name := range r.groups {
		g, found := list.Group(name)
		if !found && chart != nil {
			return nil, fmt.Errorf("no group %q; the groups of the organisation chart are missing: %w", name, chart)
		}
		if !found {
			return nil, fmt.Errorf("no group %q; there are: %s", name, strings.Join(groupNames(list), ", "))
		}
		for _, c := range g.Members {
			people = append(people, recipient{c.User, c.Name})
		}
	}
	return people, nil
}

func groupNames(l contacts.List) []string {
	var names []string
	for _, g := range l.Groups {
		names = append(names, g.Name)
	}
	return names
}

// others leaves out people of the directory without an address, and oneself.
func others(found []directory.Person, self string) []recipient {
	var people []recipient
	for _, f := range found {
		if f.User != "" && f.User != self {
			people = append(people, recipient{f.User, f.Name})
		}
	}
	return people
}

// once keeps the first of each address.
func once(people []recipient) []recipient {
	seen := map[string]bool{}
	return slices.DeleteFunc(people, func(r recipient) bool {
		key := strings.ToLower(r.user) // lists of other programs mix the case
		again := seen[key]
		seen[key] = true
		return again
	})
}

// without leaves out those who have it already.
func without(people []recipient, done map[string]bool) []recipient {
	return slices.DeleteFunc(people, func(r recipient) bool { return done[r.user] })
}

// notSelf leaves out oneself, who is in a conversation anyhow.
func notSelf(people []recipient, self string) []recipient {
	return slices.DeleteFunc(people, func(r recipient) bool { return r.user == self })
}

func users(people []recipient) []string {
	var all []string
	for _, r := range people {
		all = append(all, r.user)
	}
	return all
}

// canonical brings typed addresses into canonical form.
func canonical(typed []string) ([]string, error) {
	var all []string
	for _, t := range typed {
		a, err := contacts.Canonical(strings.TrimSpace(t))
		if err != nil {
			return nil, usage("%v", err)
		}
		all = append(all, a)
	}
	return all, nil
}

func domain(user string) string {
	_, d, _ := strings.Cut(user, "@")
	return d
}
