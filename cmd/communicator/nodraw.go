//go:build !pictures && (!cgo || nowindow)

package main

import "context"

// draw says that there are no pictures. A build without the window leaves the
// toolkit out: it would add a third to the time in which every command starts.
func (t *tour) draw(context.Context) error {
	t.step("Pictures of the windows are drawn by builds with the window, or with -tags pictures (`make demo`)")
	return nil
}
