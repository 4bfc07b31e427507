package main

import (
	"context"

	"communicator/session"
	"communicator/ui/text"

	"github.com/spf13/cobra"
)

func (p *program) text() *cobra.Command {
	return &cobra.Command{
		Use: "text", Short: "The line-oriented client, for SSH and screen readers", Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			o, err := p.options()
			if err != nil {
				return err
			}
			return p.runText(c.Context(), o)
		},
	}
}

// runText signs in as a full client, with presence, and hands over to the
// text mode, which says what it offers.
func (p *program) runText(ctx context.Context, o session.Options) error {
	events := newQueue()
	defer events.close()
	o.Notify = events.put
	return p.runSession(ctx, session.New(o), func(ctx context.Context, s *session.Session) error {
		return text.Run(ctx, s, text.Streams{In: p.in, Out: p.out, Events: events.all()})
	})
}
