package main

import (
	"context"
	"os"
	"runtime"

	"communicator/lab"
	"communicator/session"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func (p *program) demo() *cobra.Command {
	dir := "demo"
	c := &cobra.Command{
		Use: "demo", Short: "Start a lab in this process and sign in to it", Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return p.runDemo(c.Context(), dir) },
	}
	c.Flags().StringVar(&dir, "pictures", dir, "the tour writes pictures of the windows into `DIR`")
	return c
}

// runDemo shows the window where there is a display, the text client on a
// terminal, else the tour.
func (p *program) runDemo(ctx context.Context, pictures string) error {
	windowed := hasWindow && hasDisplay()
	onTerminal := isTerminal(p.in) && isTerminal(p.out)
	company, err := lab.New(lab.Options{Still: !windowed && !onTerminal})
	if err != nil {
		return err
	}
	defer company.Close()
	switch o := labOptions(company, company.Newcomer()); {
	case windowed:
		return p.demoWindow(ctx, o)
	case onTerminal:
		p.say("A company of %d people runs in this process; you are %s.", len(company.People()), company.Newcomer().Name)
		return p.runText(ctx, o)
	default:
		return p.tour(ctx, company, pictures)
	}
}

// labOptions are those of a session of one person of the company.
func labOptions(c *lab.Company, who lab.Person) session.Options {
	return session.Options{
		User: who.User, Password: func() (string, error) { return who.Password, nil },
		Resolver: c.Resolver(), Roots: c.Roots(), Dial: c.Dial,
	}
}

func hasDisplay() bool {
	return runtime.GOOS != "linux" || os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != ""
}

func isTerminal(stream any) bool {
	if c, is := stream.(*checkedWriter); is {
		stream = c.w
	}
	f, is := stream.(*os.File)
	return is && term.IsTerminal(int(f.Fd()))
}
