package main

import (
	"context"
	"fmt"
	"io"

	"communicator/contacts"
	"communicator/directory"
	"communicator/session"

	"github.com/spf13/cobra"
)

func (p *program) org() *cobra.Command {
	return &cobra.Command{
		Use: "org [ADDRESS]", Short: "Manager, peers, reports, and everyone under the manager's manager, from the directory",
		Args: arguments(0, 1, "at most one address"),
		RunE: func(c *cobra.Command, args []string) error {
			user := ""
			if len(args) == 1 {
				var err error
				if user, err = contacts.Canonical(args[0]); err != nil {
					return usage("%v", err)
				}
			}
			return p.signedIn(c.Context(), nil, func(ctx context.Context, s *session.Session) error {
				ctx, cancel := p.deadline(ctx)
				defer cancel()
				chart, err := s.People.Chart(ctx, user)
				if err != nil {
					return because(ctx, err)
				}
				p.chart(chart)
				if chart.Incomplete {
					p.warn("The directory does not tell everybody: the organisation has more people than are shown.")
				}
				return nil
			})
		},
	}
}

// chart prints a place in the organisation, one person a line.
func (p *program) chart(c directory.Chart) {
	var manager []directory.Person
	if c.Manager != nil {
		manager = append(manager, *c.Manager)
	}
	groups := []struct {
		name   string
		people []directory.Person
	}{{"manager", manager}, {"peers", c.Peers}, {"reports", c.Reports}, {"organisation", c.Everyone}}
	if p.flags.json {
		for _, g := range groups {
			for _, who := range g.people {
				p.line(map[string]string{"group": g.name, "user": uri(who.User), "name": who.Name, "title": who.Title})
			}
		}
		return
	}
	p.table(func(w io.Writer) {
		for _, g := range groups {
			for _, who := range g.people {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", g.name, who.Name, who.Title, who.User)
			}
		}
	})
}
