package main

import (
	"context"
	"fmt"

	"communicator/lab"

	"github.com/spf13/cobra"
)

func (p *program) lab() *cobra.Command {
	var dir, listen string
	var base int
	var o lab.Options
	c := &cobra.Command{
		Use: "lab", Short: "A company on this machine until Ctrl-C: DNS, SIP, LDAP, XCAP, calendars", Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if o.People < 1 || o.FrontEnds < 1 || base < 0 || base > 65535-700 {
				return usage("--people and --front-ends are at least 1, --port-base is between 0 and %d", 65535-700)
			}
			return p.runLab(c.Context(), o, listen, base, dir)
		},
	}
	f := c.Flags()
	f.StringVar(&dir, "dir", "lab", "write ca.pem, users.tsv and lab.json into `DIR`")
	f.StringVar(&listen, "listen", "127.0.0.1", "listen on `ADDRESS`")
	f.IntVar(&base, "port-base", 20000, "first port; 0 takes free ones")
	f.StringVar(&o.Domain, "domain", "contoso.test", "SIP domain")
	f.IntVar(&o.People, "people", 200, "how many work there")
	f.BoolVar(&o.Still, "still", false, "people do nothing by themselves")
	f.IntVar(&o.FrontEnds, "front-ends", 2, "how many SIP servers share the users")
	f.BoolVar(&o.Director, "director", false, "the DNS names a director, which redirects to the front ends")
	return c
}

// runLab runs a company until ctx ends. It obeys commands on standard input;
// when that ends, the company goes on.
func (p *program) runLab(ctx context.Context, o lab.Options, listen string, base int, dir string) error {
	var err error
	if o.Log, err = p.logger(); err != nil {
		return err
	}
	company, err := lab.New(o)
	if err != nil {
		return err
	}
	defer company.Close()
	ready, err := company.Listen(listen, base, dir)
	if err != nil {
		return fmt.Errorf("start the lab: %w", err)
	}
	p.line(ready)
	go func() { // ends with standard input, or with the process
		if err := company.Commands(ctx, p.in, p.out); err != nil {
			p.warn("No more commands: %v.", err)
		}
	}()
	<-ctx.Done()
	return nil
}
