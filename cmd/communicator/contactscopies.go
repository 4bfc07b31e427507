package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"communicator/session"

	"github.com/spf13/cobra"
)

func (p *program) copies() *cobra.Command {
	return &cobra.Command{
		Use: "copies", Short: "The former versions of the list on this computer, the newest first", Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.withContacts(c.Context(), func(_ context.Context, s *session.Session, _ missing) error {
				p.table(func(w io.Writer) {
					for _, k := range s.Contacts.Copies() {
						undone := ""
						if k.Undone {
							undone = "undone"
						}
						if p.flags.json {
							p.line(map[string]any{"copy": k.N, "until": k.Time.Format(time.RFC3339), "groups": k.Groups, "people": k.People, "undone": k.Undone})
						} else {
							fmt.Fprintf(w, "%d\tuntil %s\t%d groups\t%d people\t%s\n", k.N, k.Time.Local().Format("2006-01-02 15:04:05"), k.Groups, k.People, undone)
						}
					}
				})
				return nil
			})
		},
	}
}

func (p *program) undo() *cobra.Command {
	return &cobra.Command{
		Use: "undo", Short: "Take the latest change of the list back; repeated, the one before", Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.backTo(c.Context(), (*session.ContactBook).Undo)
		},
	}
}

func (p *program) restore() *cobra.Command {
	return &cobra.Command{
		Use: "restore N", Short: "Make copy number N the list again", Args: arguments(1, 1, "the number of a copy"),
		RunE: func(c *cobra.Command, args []string) error {
			n, err := strconv.Atoi(args[0])
			if err != nil || n < 1 {
				return usage("restore %q: want the number of a copy; `communicator contacts copies` lists them", args[0])
			}
			return p.backTo(c.Context(), func(b *session.ContactBook, ctx context.Context) (session.CopyOfContacts, error) {
				return b.Restore(ctx, n)
			})
		},
	}
}

// backTo makes a former version the list again.
func (p *program) backTo(ctx context.Context, f func(*session.ContactBook, context.Context) (session.CopyOfContacts, error)) error {
	return p.withContacts(ctx, func(ctx context.Context, s *session.Session, m missing) error {
		if m.own != nil {
			return m.own
		}
		c, err := f(s.Contacts, ctx)
		if err != nil {
			return because(ctx, err)
		}
		if p.flags.json {
			p.line(map[string]any{"until": c.Time.Format(time.RFC3339), "groups": c.Groups, "people": c.People})
		} else {
			p.say("The list is again as it was until %s: %d groups, %d people.", c.Time.Local().Format("2006-01-02 15:04:05"), c.Groups, c.People)
		}
		return nil
	})
}

// answer makes the commands that settle a doubt about the server's list.
func (p *program) answer(word string) *cobra.Command {
	short := map[string]string{"keep": "The server has lost people: write the list I had back to it", "take": "The server has lost people: take its list"}[word]
	return &cobra.Command{
		Use: word, Short: short, Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.signedIn(c.Context(), nil, func(ctx context.Context, s *session.Session) error {
				ctx, cancel := p.deadline(ctx)
				defer cancel()
				if _, err := s.Contacts.Loaded(ctx); err != nil {
					return because(ctx, err)
				}
				if _, open := s.Contacts.Doubt(); !open {
					return errors.New("there is nothing to decide: the server's contact list is the one you have")
				}
				return because(ctx, s.Contacts.Answer(ctx, word == "keep"))
			})
		},
	}
}
