package main

import (
	"errors"
	"fmt"

	"communicator/plain"
	"communicator/session"
	"communicator/ui/view"
)

// complain says an error as the window does: what happened, why, what to do.
// Wrong usage says what is wrong and where the help is; that is enough, except
// of a profile, which is not on the command line to be seen.
func (p *program) complain(e exit) {
	if e.status == statusUsage && !errors.As(e.err, new(*session.ProfileError)) {
		fmt.Fprintln(p.err, plain.Text(e.err.Error())) // it may repeat what was typed
		return
	}
	fmt.Fprintln(p.err, view.Explain("", e.err))
}

// warn says on standard error what does not end the command.
func (p *program) warn(format string, a ...any) { fmt.Fprintf(p.err, format+"\n", a...) }
