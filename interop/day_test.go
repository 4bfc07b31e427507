//go:build interop

package interop

import (
	"context"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"communicator/lab"
	"communicator/session"
)

// A working day of one user with 250 contacts: 60 of their states change and 40
// messages go to and fro in an hour.
const (
	dayHours      = 8
	dayContacts   = 250
	changesPerDay = 60 * dayHours
	linesPerDay   = 40 * dayHours
)

// dayBudget is what the original product planned with for presence and messages
// of one user, in bits a second over the day; a quarter of it must do.
const dayBudget = 1600 / 4

// TestFiguresNormalDay lets a day pass in fake time at the lab and counts the
// bytes inside TCP: TLS, keep-alives, refreshes and signing in are in.
func TestFiguresNormalDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co, err := lab.New(lab.Options{People: 580, Still: true})
		if err != nil {
			t.Fatal(err)
		}
		defer co.Close()
		me := co.Newcomer()
		var sip, other atomic.Int64
		s := session.New(session.Options{
			User: me.User, Password: func() (string, error) { return me.Password, nil }, Resolver: co.Resolver(), Roots: co.Roots(), Dir: t.TempDir(),
			Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
				nc, err := co.Dial(ctx, network, addr)
				if err != nil {
					return nil, err
				}
				n := &other
				if _, port, _ := net.SplitHostPort(addr); port == "5061" {
					n = &sip
				}
				return &counted{nc, n}, nil
			},
		})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		if err := s.Presence.Known(ctx); err != nil {
			t.Fatal(err)
		}
		people := s.Contacts.List().Users()
		if len(people) < dayContacts {
			t.Fatalf("only %d contacts", len(people))
		}
		people = people[:dayContacts]
		start := sip.Load()
		liveADay(t, co, s, people)
		stop()
		<-done
		day := float64(dayHours * 3600)
		bits := float64(sip.Load()) * 8 / day
		t.Logf("FIGURE a day of %d h, %d contacts: %d bytes of presence and messages (%d of them for signing in) = %.2f kbit/s", dayHours, dayContacts, sip.Load(), start, bits/1000)
		t.Logf("FIGURE a day of %d h: %d bytes besides (directory, contact list, calendar, DNS) = %.2f kbit/s", dayHours, other.Load(), float64(other.Load())*8/day/1000)
		if bits > dayBudget {
			t.Errorf("%.0f bit/s are more than %d", bits, dayBudget)
		}
	})
}

// liveADay changes states and writes messages, evenly over the day.
func liveADay(t *testing.T, co *lab.Company, s *session.Session, people []string) {
	t.Helper()
	const seed = 20
	chance := rand.New(rand.NewPCG(seed, seed))
	states := []string{"available", "busy In a workshop until noon", "away", "available Back at my desk", "dnd"}
	for step := range changesPerDay + linesPerDay {
		time.Sleep(dayHours * time.Hour / (changesPerDay + linesPerDay))
		who := people[chance.IntN(len(people))]
		switch {
		case step%7 < 4:
			do(t, co, "state "+who+" "+states[chance.IntN(len(states))])
		case step%2 == 0:
			do(t, co, "say "+who+" "+s.State().User+" Do you have the numbers for Lyon?")
		default:
			if _, err := s.IM.With(who).Send(t.Context(), "I am sending them this afternoon."); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// do gives the lab a command, which it must not refuse.
func do(t *testing.T, co *lab.Company, line string) {
	t.Helper()
	if answer := co.Do(line); strings.Contains(answer, `"error"`) {
		t.Fatalf("%s: %s", line, answer)
	}
}
