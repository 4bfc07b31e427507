//go:build !cgo && darwin

package main

import "context"

// draw says that there are no pictures: on macOS the toolkit needs cgo even to draw.
func (t *tour) draw(context.Context) error {
	t.step("Pictures of the windows need a build with cgo on macOS")
	return nil
}
