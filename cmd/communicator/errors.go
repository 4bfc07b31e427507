package main

import (
	"fmt"

	"communicator/ui/view"
)

// complain says an error as the window does: what happened, why, what to do.
// Wrong usage says what is wrong and where the help is; that is enough.
func (p *program) complain(e exit) {
	if e.status == statusUsage {
		fmt.Fprintln(p.err, e.err)
		return
	}
	fmt.Fprintln(p.err, view.Explain("", e.err))
}

// warn says on standard error what does not end the command.
func (p *program) warn(format string, a ...any) { fmt.Fprintf(p.err, format+"\n", a...) }
