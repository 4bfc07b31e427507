package view

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"communicator/history"
	"communicator/session"
)

// What happened, why, what to do: also of the history.
func TestHistoryTrouble(t *testing.T) {
	for _, c := range []struct {
		trouble session.HistoryTrouble
		want    []string
	}{
		{session.HistoryTrouble{Repair: &history.Repair{Moved: "/home/anna/history.damaged-20261120-160000.db", Taken: 973, Why: errors.New("malformed")}},
			[]string{"was damaged", "973 readable messages", "history.damaged-20261120-160000.db"}},
		{session.HistoryTrouble{Err: fmt.Errorf("open the history: %w", &history.NewerError{File: "x", Have: 9, Known: 1})},
			[]string{"not kept", "newer version", "not touched"}},
		{session.HistoryTrouble{Err: fmt.Errorf("open the history: %w: %w", history.ErrFull, errors.New("database or disk is full (13)"))},
			[]string{"stays at the server, and nothing is sent", "no room on the disk", "Make room"}},
		{session.HistoryTrouble{Err: errors.New("open the history: permission denied")},
			[]string{"not kept", "permission denied"}},
	} {
		text := HistoryTrouble(c.trouble).String()
		for _, part := range c.want {
			if !strings.Contains(text, part) {
				t.Errorf("%q does not say %q", text, part)
			}
		}
	}
}
