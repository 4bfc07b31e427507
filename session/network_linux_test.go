package session

import (
	"context"
	"testing"
	"time"
)

// Hearing of changes ends with its context. (Changes themselves need rights
// that a test does not have.)
func TestNetworkChangesEnd(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := networkChanges(ctx, func() {}); err != nil {
		t.Log("no rtnetlink here:", err)
	}
}
