// Command communicator is the whole product in one binary: the window, the
// text client, the commands for scripts, and the lab for newcomers.
//
// One file a command; docs/cli.md is the contract that scripts rely on. The
// commands sign in as a further endpoint of the same user, act, and sign out.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // calendars name time zones, and not every system knows them

	"github.com/emiago/sipgo/sip"
	"github.com/spf13/cobra"
)

func main() {
	sip.SetDefaultLogger(slog.New(slog.DiscardHandler)) // our own log says what is wrong with a message
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	p := &program{in: os.Stdin, out: os.Stdout, err: os.Stderr}
	status := p.run(ctx, os.Args[1:])
	stop()
	os.Exit(status)
}

// program is one run of the command: its streams, and the flags that all
// commands share.
type program struct {
	in       io.Reader
	out, err io.Writer
	flags    flags
	outside  func(user string) bool // of another organisation; set by options
}

// Exit statuses; docs/cli.md, "Exit status".
const (
	statusDone    = 0
	statusFailed  = 1 // nothing was done
	statusUsage   = 2
	statusSignIn  = 3 // could not sign in, or could not find the server
	statusPartly  = 4 // some recipients or items failed
	statusUnknown = 5 // no final answer for at least one, none known to have failed
)

// exit is an error that decides the exit status. err may be nil: everything
// has been said already.
type exit struct {
	status int
	err    error
}

func (e exit) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.err.Error()
}

func (e exit) Unwrap() error { return e.err }

func usage(format string, a ...any) error { return exit{statusUsage, fmt.Errorf(format, a...)} }

// run obeys the arguments and returns the exit status.
func (p *program) run(ctx context.Context, args []string) int {
	root := p.root()
	root.SetArgs(args)
	root.SetIn(p.in)
	root.SetOut(p.out)
	root.SetErr(p.err)
	out := &checkedWriter{w: p.out}
	p.out = out
	err := root.ExecuteContext(ctx)
	if err == nil && out.err != nil {
		err = fmt.Errorf("the output could not be written: %w", out.err)
	}
	if err == nil {
		return statusDone
	}
	e := exit{status: statusFailed, err: err}
	errors.As(err, &e)
	if e.err != nil {
		p.complain(e)
	}
	return e.status
}

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "communicator",
		Short:         "See who is reachable, chat, and message whole groups through your own SIP server",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noArguments,
		RunE:          func(c *cobra.Command, _ []string) error { return p.window(c.Context()) },
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage("%v; see `%s --help`", err, c.CommandPath())
	})
	p.flags.add(root.PersistentFlags())
	root.AddCommand(p.text(), p.demo(), p.lab(), p.locate(), p.check(), p.status(), p.contacts(),
		p.org(), p.find(), p.send(), p.watch(), p.history(), p.version())
	return root
}

// checkedWriter remembers that what scripts read was lost: then nothing is done.
type checkedWriter struct {
	w   io.Writer
	err error
}

func (c *checkedWriter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	if err != nil && c.err == nil {
		c.err = err
	}
	return n, err
}

// noArguments and arguments are cobra.PositionalArgs whose errors are
// usage errors.
func noArguments(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("unknown command or argument %q; see `%s --help`", args[0], c.CommandPath())
	}
	return nil
}

func arguments(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return usage("%s needs %s; see `%s --help`", c.Name(), what, c.CommandPath())
		}
		return nil
	}
}
