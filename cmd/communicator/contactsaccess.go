package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"communicator/contacts"
	"communicator/session"

	"github.com/spf13/cobra"
)

// access makes the command that gives people one access.
func (p *program) access(use, short string, a contacts.Access) *cobra.Command {
	polite := false
	c := &cobra.Command{
		Use: use, Short: short, Args: arguments(1, 1000, "an address"),
		RunE: func(c *cobra.Command, args []string) error {
			users, err := canonical(args)
			if err != nil {
				return err
			}
			if polite {
				a = contacts.Polite
			}
			return p.withContacts(c.Context(), func(ctx context.Context, s *session.Session, _ missing) error {
				for _, user := range users {
					if err := s.Contacts.SetAccess(ctx, user, a); err != nil {
						return because(ctx, fmt.Errorf("%s: %w", user, err))
					}
				}
				if !s.Contacts.RulesOnServer() {
					p.warn("This server keeps no presence rules: your state stays visible, and the decision holds on this computer only.")
				}
				return nil
			})
		},
	}
	if a == contacts.Block {
		c.Flags().BoolVar(&polite, "polite", false, "let them think that I am offline")
	}
	return c
}

func (p *program) blocked() *cobra.Command {
	return &cobra.Command{
		Use: "access", Short: "Whom I blocked, limited or allowed", Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.withContacts(c.Context(), func(ctx context.Context, s *session.Session, _ missing) error {
				if err := s.Contacts.ReadAccess(ctx); err != nil {
					return because(ctx, err)
				}
				access := s.Contacts.Access()
				p.table(func(w io.Writer) {
					for _, user := range slices.Sorted(maps.Keys(access)) {
						if p.flags.json {
							p.line(map[string]any{"user": uri(user), "access": access[user], "server": s.Contacts.RulesOnServer()})
						} else {
							fmt.Fprintf(w, "%s\t%s\n", access[user], user)
						}
					}
				})
				return nil
			})
		},
	}
}
