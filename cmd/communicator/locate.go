package main

import (
	"context"
	"errors"

	"communicator/autoconfig"
	"communicator/contacts"

	"github.com/spf13/cobra"
)

func (p *program) locate() *cobra.Command {
	return &cobra.Command{
		Use: "locate ADDRESS", Short: "Show each step of finding the server of an address",
		Args: arguments(0, 1, "an address"),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				p.flags.as = args[0]
			}
			ctx, cancel := p.deadline(c.Context())
			defer cancel()
			return p.locateServer(ctx)
		},
	}
}

// locateServer searches as a sign-in does, prints every step, and connects to
// the first server that stands; nothing is sent to it.
func (p *program) locateServer(ctx context.Context) error {
	profile, err := p.flags.profileWithFlags()
	if err != nil {
		return err
	}
	user, err := contacts.Canonical(profile.User)
	if err != nil {
		return usage("%v", err)
	}
	further, err := authorities(profile.CA)
	if err != nil {
		return err
	}
	link, err := autoconfig.New(autoconfig.Query{
		Domain: domain(user), Server: profile.Server, Resolver: profile.Resolver,
		AllowTCP: profile.AllowTCP, Further: further, Trace: p.step,
	}).Next(ctx)
	if err != nil {
		return p.notFound(because(ctx, err))
	}
	defer link.Conn.Close()
	if p.flags.json {
		p.line(map[string]any{"target": link.Target})
		return nil
	}
	p.say("Sign in at %s port %d by %s (%s), from %s", link.Target.Host, link.Target.Port, link.Target.Transport, link.Target.Address, link.Record)
	return nil
}

// step prints one step of the search.
func (p *program) step(s autoconfig.Step) {
	if !p.flags.json {
		p.say("%-8s %5d ms  %-40s %s", s.Step, milliseconds(s.Took), s.Name, s.Text)
		return
	}
	p.line(struct {
		Step   string              `json:"step"`
		Name   string              `json:"name"`
		Result string              `json:"result"`
		Answer []autoconfig.Record `json:"answer,omitempty"`
		Addrs  []string            `json:"addresses,omitempty"`
		Text   string              `json:"text"`
		MS     int64               `json:"ms"`
	}{s.Step, s.Name, s.Result, s.Answer, s.Addrs, s.Text, milliseconds(s.Took)})
}

// notFound reports that no server was found, in JSON as the last line.
func (p *program) notFound(err error) error {
	var none *autoconfig.NotFoundError
	if p.flags.json {
		remedy := ""
		if errors.As(err, &none) {
			remedy = none.Remedy
		}
		p.line(map[string]string{"error": err.Error(), "remedy": remedy})
	}
	return exit{statusSignIn, err}
}
