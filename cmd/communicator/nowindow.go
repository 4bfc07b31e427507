//go:build !cgo || nowindow

package main

import (
	"context"
	"errors"

	"communicator/session"
)

// hasWindow: this binary was built without cgo and has no window.
const hasWindow = false

var errNoWindow = errors.New("this build has no window; use `communicator text`, or the command line (`communicator --help`)")

func (p *program) window(context.Context) error { return exit{statusUsage, errNoWindow} }

func (p *program) demoWindow(context.Context, session.Options) error {
	return exit{statusUsage, errNoWindow}
}
