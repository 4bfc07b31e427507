package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"communicator/contacts"
	"communicator/plain"
	"communicator/presence"
	"communicator/session"
	"communicator/ui/view"

	"github.com/spf13/cobra"
)

func (p *program) contacts() *cobra.Command {
	c := &cobra.Command{
		Use: "contacts", Short: "The contact list, with states", Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return p.listContacts(c.Context()) },
	}
	c.AddCommand(
		&cobra.Command{
			Use: "list", Short: "Everybody on the list, group by group, with state and note", Args: noArguments,
			RunE: func(c *cobra.Command, _ []string) error { return p.listContacts(c.Context()) },
		},
		&cobra.Command{
			Use: "groups", Short: "The groups and how many are in each", Args: noArguments,
			RunE: func(c *cobra.Command, _ []string) error { return p.listGroups(c.Context()) },
		},
		p.edit("add ADDRESS", "Put a person into a group", contacts.Add),
		p.edit("remove ADDRESS", "Take a person out of a group, or off the list", contacts.Remove),
		p.edit("move ADDRESS", "Move a person from one group to another", contacts.Move),
		p.edit("copy ADDRESS", "Put a person into a further group", contacts.Copy),
		p.edit("rename ADDRESS", "Give a person the name that you want to see", contacts.Rename),
		p.edit("add-group GROUP", "Make a group", contacts.AddGroup),
		p.edit("remove-group GROUP", "Delete a group", contacts.RemoveGroup),
		p.prefill(),
		p.edit("rename-group GROUP", "Give a group another name", contacts.RenameGroup),
		p.edit("move-up GROUP", "Put a group before the one above it", contacts.MoveUp),
		p.edit("move-down GROUP", "Put a group behind the one below it", contacts.MoveDown),
		p.edit("hide GROUP", "Do not show a group of the organisation chart", contacts.Hide),
		p.edit("show GROUP", "Show a hidden group again", contacts.Show),
		p.access("block ADDRESS...", "Hide my state from people, and refuse their messages and calls", contacts.Block),
		p.access("limit ADDRESS...", "Show people whether I can be reached, without note and activity", contacts.Limited),
		p.access("allow ADDRESS...", "Show people my whole state", contacts.Allow),
		p.access("forget ADDRESS...", "Take back what was decided about people", contacts.Undecided),
		p.blocked(), p.importFile(), p.exportFile(),
		p.undo(), p.copies(), p.restore(), p.answer("keep"), p.answer("take"),
	)
	return c
}

// contactLine is one line of `contacts --json`.
type contactLine struct {
	Group        string  `json:"group"`
	From         string  `json:"from"`
	User         string  `json:"user"`
	Name         string  `json:"name"`
	Availability string  `json:"availability"`
	Activity     string  `json:"activity"`
	Note         string  `json:"note"`
	Until        *string `json:"until"`
	Since        *string `json:"since"`
	Age          *int64  `json:"age"` // seconds since the state was heard; null: never
	Outside      bool    `json:"outside"`
}

func (p *program) listContacts(ctx context.Context) error {
	return p.withContacts(ctx, func(ctx context.Context, s *session.Session, m missing) error {
		if err := s.Presence.Known(ctx); err != nil {
			p.warn("Not every state is known: %v.", because(ctx, err))
		}
		now := time.Now()
		p.table(func(w io.Writer) {
			for _, g := range s.Contacts.List().Groups {
				for _, c := range g.Members {
					p.contact(w, s, g, c, now)
				}
			}
		})
		return p.result(m, s.Contacts.List())
	})
}

func (p *program) contact(w io.Writer, s *session.Session, g contacts.Group, c contacts.Contact, now time.Time) {
	state := s.Presence.Of(c.User)
	if !p.flags.json {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", g.Name, c.Name, state.Words(now), quoted(state.Note), c.User)
		return
	}
	var age *int64
	if !state.Seen.IsZero() {
		seconds := int64(now.Sub(state.Seen) / time.Second)
		age = &seconds
	}
	l := contactLine{Group: g.Name, From: string(g.Source), User: uri(c.User), Name: c.Name, Availability: string(presence.Unknown), Note: state.Note, Age: age, Outside: p.outside(c.User)}
	if !state.Old { // what was true once is not known to be so now
		l.Availability, l.Activity = string(state.Availability), string(state.Activity)
		l.Until, l.Since = stamp(state.Until), stamp(state.Since)
	}
	p.line(l)
}

// quoted is a note as one word of a line: its line breaks must not pass for
// more lines, nor its tabs for columns.
func quoted(note string) string {
	if note == "" {
		return ""
	}
	return "“" + plain.Line(note) + "”"
}

func (p *program) listGroups(ctx context.Context) error {
	return p.withContacts(ctx, func(_ context.Context, s *session.Session, m missing) error {
		p.table(func(w io.Writer) {
			for _, g := range append(s.Contacts.List().Groups, s.Contacts.Hidden()...) {
				shown := ""
				if g.Hidden {
					shown = "hidden"
				}
				if p.flags.json {
					p.line(map[string]any{"group": g.Name, "from": g.Source, "members": len(g.Members), "hidden": g.Hidden})
				} else {
					fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", g.Name, len(g.Members), g.Source, shown)
				}
			}
		})
		return p.result(m, s.Contacts.List())
	})
}

// missing says what of the contact list could not be read.
type missing struct{ own, chart error }

// withContacts signs in and waits for the contact list.
func (p *program) withContacts(ctx context.Context, body func(context.Context, *session.Session, missing) error) error {
	return p.signedIn(ctx, nil, func(ctx context.Context, s *session.Session) error {
		ctx, cancel := p.deadline(ctx)
		defer cancel()
		chart, own := s.Contacts.Loaded(ctx)
		if own != nil && ctx.Err() != nil {
			return because(ctx, own)
		}
		if d, open := s.Contacts.Doubt(); open {
			p.warn("Attention: %s. The list you had is still used. `communicator contacts keep` writes it back to the server, `communicator contacts take` takes the server's.", d.Loss)
		}
		return body(ctx, s, missing{own, chart})
	})
}

// result of a command that has shown what there is of the list: it says what
// is missing.
func (p *program) result(m missing, shown contacts.List) error {
	if m.own == nil && m.chart == nil {
		return nil
	}
	if m.own != nil {
		p.warn("Your own groups are missing. %s", view.Explain("", m.own))
	}
	if m.chart != nil {
		p.warn("The groups of the organisation chart are missing. %s", view.Explain("", m.chart))
	}
	if len(shown.Groups) == 0 {
		return exit{statusFailed, nil}
	}
	return exit{statusPartly, nil}
}

// nameOf is the name of user in the directory; empty when it has none or does
// not answer: then the address has to do.
func nameOf(ctx context.Context, s *session.Session, user string) string {
	r, err := s.People.Find(ctx, user, 10)
	if err != nil {
		return ""
	}
	for _, h := range r.Hits {
		if h.User == user {
			return h.Name
		}
	}
	return ""
}

// edit makes the command for one kind of change to the list.
func (p *program) edit(use, short string, op contacts.Op) *cobra.Command {
	var e contacts.Edit
	c := &cobra.Command{
		Use: use, Short: short, Args: arguments(1, 1, "one "+strings.ToLower(strings.Fields(use)[1])),
		RunE: func(c *cobra.Command, args []string) error {
			e.Op = op
			if strings.HasSuffix(use, "GROUP") {
				e.Group = args[0]
			} else {
				user, err := contacts.Canonical(args[0])
				if err != nil {
					return usage("%v", err)
				}
				e.User = user
			}
			return p.withContacts(c.Context(), func(ctx context.Context, s *session.Session, m missing) error {
				if m.own != nil {
					return m.own
				}
				if op == contacts.Add && e.Name == "" {
					e.Name = nameOf(ctx, s, e.User)
				}
				return because(ctx, s.Contacts.Edit(ctx, e))
			})
		},
	}
	switch op {
	case contacts.Add:
		c.Flags().StringVar(&e.Group, "group", "Contacts", "put the person into `GROUP`, made if need be")
		c.Flags().StringVar(&e.Name, "name", "", "show the person as `NAME`")
		c.Flags().BoolVar(&e.Service, "service", false, "it is a program that answers messages: it has no state")
	case contacts.Remove:
		c.Flags().StringVar(&e.Group, "group", "", "take the person out of `GROUP` only")
	case contacts.Copy:
		c.Flags().StringVar(&e.To, "to", "", "the `GROUP` to copy to, made if need be")
	case contacts.Rename:
		c.Flags().StringVar(&e.Name, "to", "", "the new `NAME`; empty: that of the directory again")
	case contacts.Move:
		c.Flags().StringVar(&e.Group, "from", "", "the `GROUP` the person is in")
		c.Flags().StringVar(&e.To, "to", "", "the `GROUP` to move to")
	case contacts.RenameGroup:
		c.Flags().StringVar(&e.To, "to", "", "the new `NAME`")
	}
	return c
}
