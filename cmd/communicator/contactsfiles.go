package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"

	"communicator/contacts"
	"communicator/plain"
	"communicator/session"

	"github.com/natefinch/atomic"
	"github.com/spf13/cobra"
)

func (p *program) importFile() *cobra.Command {
	var format string
	var dry bool
	c := &cobra.Command{
		Use: "import FILE", Short: "Add the people in a file (CSV, vCard, resource-lists XML); nobody is dropped", Args: arguments(1, 1, "a file, or -"),
		RunE: func(c *cobra.Command, args []string) error {
			f, err := session.FormatOf(format, args[0])
			if err != nil {
				return usage("%v; see --format", err)
			}
			rows, bad, err := p.readContacts(f, args[0])
			if err != nil {
				return err
			}
			return p.withContacts(c.Context(), func(ctx context.Context, s *session.Session, m missing) error {
				if m.own != nil {
					return m.own
				}
				done, err := s.Contacts.Import(ctx, rows, dry)
				if err != nil {
					return because(ctx, err)
				}
				return p.imported(append(done, bad...))
			})
		},
	}
	c.Flags().StringVar(&format, "format", "", "`FORMAT` of the file: csv, vcard or xml; else its name says")
	c.Flags().BoolVar(&dry, "dry-run", false, "say what would be done, change nothing")
	return c
}

// readContacts reads a file, or standard input, of limited size.
func (p *program) readContacts(f session.Format, name string) (rows []contacts.Row, bad []contacts.Outcome, err error) {
	in := p.in
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, nil, err
		}
		defer file.Close()
		in = file
	}
	b, err := io.ReadAll(io.LimitReader(in, contacts.MaxFile+1))
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", name, err)
	}
	rows, bad, err = session.ParseContacts(f, b)
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	case len(rows)+len(bad) == 0:
		return nil, nil, fmt.Errorf("%s: there is nobody in the file", name)
	}
	return rows, bad, nil
}

// imported reports what became of each line.
func (p *program) imported(done []contacts.Outcome) error {
	slices.SortStableFunc(done, func(a, b contacts.Outcome) int { return a.Line - b.Line })
	counts := map[contacts.Result]int{}
	p.table(func(w io.Writer) {
		for _, o := range done {
			counts[o.Result]++
			group, name := plain.Line(o.Group), plain.Line(o.Name)
			if p.flags.json {
				p.line(map[string]any{"line": o.Line, "result": o.Result, "user": uri(o.User), "name": name, "group": group, "access": o.Access, "why": o.Why})
			} else {
				fmt.Fprintf(w, "line %d\t%s\t%s\t%s\t%s\t%s\n", o.Line, o.Result, o.User, name, group, cmp.Or(o.Why, string(o.Access)))
			}
		}
	})
	if p.flags.json {
		p.line(map[string]any{"summary": map[string]int{"added": counts[contacts.Added], "known": counts[contacts.Known], "refused": counts[contacts.Refused]}})
	} else {
		p.say("%d added, %d already there, %d refused", counts[contacts.Added], counts[contacts.Known], counts[contacts.Refused])
	}
	switch {
	case counts[contacts.Refused] == 0:
		return nil
	case counts[contacts.Refused] == len(done):
		return exit{statusFailed, nil}
	}
	return exit{statusPartly, nil}
}

func (p *program) exportFile() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use: "export FILE", Short: "Write one's own groups, and whom one blocked, to a file (CSV, vCard, resource-lists XML)", Args: arguments(1, 1, "a file, or -"),
		RunE: func(c *cobra.Command, args []string) error {
			f, err := session.FormatOf(format, args[0])
			if err != nil {
				return usage("%v; see --format", err)
			}
			return p.withContacts(c.Context(), func(ctx context.Context, s *session.Session, m missing) error {
				if m.own != nil {
					return m.own
				}
				b, err := s.Contacts.Export(ctx, f)
				if err != nil {
					return because(ctx, err)
				}
				if args[0] == "-" {
					_, err = p.out.Write(b)
				} else {
					err = atomic.WriteFile(args[0], bytes.NewReader(b))
				}
				if err != nil {
					return fmt.Errorf("write %s: %w", args[0], err)
				}
				return nil
			})
		},
	}
	c.Flags().StringVar(&format, "format", "", "`FORMAT` of the file: csv, vcard or xml; else its name says")
	return c
}
