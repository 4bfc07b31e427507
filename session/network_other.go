//go:build !linux

package session

import "context"

// networkChanges waits until ctx ends: on this system only the keep-alive
// notices that the network has changed.
func networkChanges(ctx context.Context, _ func()) error {
	<-ctx.Done()
	return nil
}
