package calendar

import (
	"errors"
	"testing"
	"time"
)

func TestWords(t *testing.T) {
	at := func(h, m int) time.Time { return time.Date(2026, 11, 20, h, m, 0, 0, time.UTC) } // a Friday
	meetings := []Period{{From: at(11, 0), Until: at(11, 30), Kind: Busy}, {From: at(11, 30), Until: at(12, 0), Kind: Busy},
		{From: at(13, 0), Until: at(14, 0), Kind: Tentative}, {From: at(72, 0), Until: at(240, 0), Kind: OutOfOffice}}
	for _, c := range []struct {
		s    State
		now  time.Time
		want string
	}{
		{State{}, at(9, 0), "Calendar not available"},
		{State{Err: errors.New("x")}, at(9, 0), "Calendar not available"},
		{State{Read: at(9, 0)}, at(9, 5), "Free"},
		{State{Read: at(9, 0), Periods: meetings}, at(9, 5), "Free until 11:00"},
		{State{Read: at(11, 5), Periods: meetings}, at(11, 10), "Busy until 12:00"},
		{State{Read: at(13, 0), Periods: meetings}, at(13, 0), "Perhaps busy until 14:00"},
		{State{Read: at(15, 0), Periods: meetings}, at(15, 1), "Free until Mon 00:00"},
		{State{Read: at(80, 0), Periods: meetings}, at(80, 0), "Out of office until 30 Nov"},
		{State{Read: at(9, 0), Periods: meetings}, at(10, 0), "Free until 11:00, as of 09:00"},
		{State{Read: at(9, 0), Err: errors.New("x")}, at(9, 1), "Free, as of 09:00"},
		{State{Read: at(-8, 0)}, at(9, 0), "Free, as of Thu 16:00"},
	} {
		if got := c.s.Words(c.now); got != c.want {
			t.Errorf("%+v at %s: %q, want %q", c.s, c.now.Format("Mon 15:04"), got, c.want)
		}
	}
}
