package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"unicode"

	"communicator/directory"
	"communicator/session"
	"communicator/ui/view"

	"github.com/spf13/cobra"
)

// found is one line of `find --json`.
type found struct {
	User       string   `json:"user"`
	Name       string   `json:"name"`
	Title      string   `json:"title"`
	Department string   `json:"department"`
	Office     string   `json:"office"`
	Numbers    []number `json:"numbers"`
	Source     string   `json:"source"`
}

type number struct {
	Kind   string `json:"kind"`
	Number string `json:"number"`
}

func (p *program) find() *cobra.Command {
	var limit int
	var refresh bool
	c := &cobra.Command{
		Use: "find TEXT", Short: "Search contacts and the address book",
		Args: arguments(1, 64, "a name, address or number"),
		RunE: func(c *cobra.Command, args []string) error {
			if limit < 1 {
				return usage("--limit %d: say how many, at least 1", limit)
			}
			if !strings.ContainsFunc(strings.Join(args, ""), isLetterOrDigit) {
				return usage("find %q: say a part of a name, address or number", strings.Join(args, " "))
			}
			return p.signedIn(c.Context(), nil, func(ctx context.Context, s *session.Session) error {
				ctx, cancel := p.deadline(ctx)
				defer cancel()
				if refresh {
					if err := s.People.Refresh(ctx); err != nil {
						return because(ctx, fmt.Errorf("bring the address book up to date: %w", err))
					}
				}
				return p.search(ctx, s, strings.Join(args, " "), limit)
			})
		},
	}
	c.Flags().IntVar(&limit, "limit", 50, "show at most `N` people")
	c.Flags().BoolVar(&refresh, "refresh", false, "bring the copy of the address book up to date first; the first time everybody is read")
	return c
}

// search prints who is found among contacts and in the address book.
func (p *program) search(ctx context.Context, s *session.Session, text string, limit int) error {
	if _, err := s.Contacts.Loaded(ctx); err != nil { // who is a contact is found by the name given to him
		p.warn("Your own groups are missing. %s", view.Explain("", because(ctx, err)))
	}
	r, err := s.People.Find(ctx, text, limit)
	p.hits(r.Hits)
	switch {
	case err != nil && len(r.Hits) > 0: // those of the list
		return exit{statusPartly, because(ctx, err)}
	case err != nil:
		return because(ctx, err)
	case len(r.Hits) == 0:
		return fmt.Errorf("nobody found for %q", text)
	case r.Total > len(r.Hits):
		p.warn("%d of %d are shown; say more of the name, or --limit.", len(r.Hits), r.Total)
	case !r.Complete:
		p.warn("There may be more: not everybody was searched.")
	}
	return nil
}

func isLetterOrDigit(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

func (p *program) hits(hits []session.Hit) {
	if p.flags.json {
		for _, h := range hits {
			p.line(found{uri(h.User), h.Name, h.Title, h.Department, h.Office, numbers(h.Numbers), h.Source})
		}
		return
	}
	p.table(func(w io.Writer) {
		for _, h := range hits {
			var phones []string
			for _, n := range h.Numbers {
				phones = append(phones, n.Kind+" "+n.Number)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", h.Name, h.User, h.Title, h.Department, h.Office, strings.Join(phones, ", "))
		}
	})
}

func numbers(all []directory.Number) []number {
	out := []number{}
	for _, n := range all {
		out = append(out, number{n.Kind, n.Number})
	}
	return out
}
