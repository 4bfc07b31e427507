package session

import (
	"context"
	"errors"
	"net"
	"time"
)

// settle is how long the network must be quiet before its changes are acted on:
// a cable that is plugged in makes several.
const settle = 500 * time.Millisecond

const (
	lookAtClock = 15 * time.Second // how soon a sleep of the computer is noticed after it
	sleepTime   = time.Minute      // a shorter one is not worth connecting anew
)

var errSlept = errors.New("the computer has slept")

// awake waits for d on the connection. Timers stand still while the computer
// sleeps, but not the server: the registration and all subscriptions may have
// run out, with the connection looking well. So after a sleep, or when the clock
// was set forward, everything is begun anew (errSlept).
func (r *runner) awake(ctx context.Context, d time.Duration) error {
	begin, wall := time.Now(), r.s.wall()
	due := time.NewTimer(d)
	defer due.Stop()
	look := time.NewTicker(lookAtClock)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.conn.Done():
			return r.conn.Err()
		case <-due.C:
			return nil
		case <-look.C:
			if r.s.wall().Sub(wall)-time.Since(begin) > sleepTime {
				return errSlept
			}
		}
	}
}

// wall is the time of day, which goes on while the computer sleeps.
func (s *Session) wall() time.Time {
	if s.o.wall != nil {
		return s.o.wall()
	}
	return time.Now().Round(0) // without the reading that stands still (package time, "Monotonic Clocks")
}

// followNetwork acts on changes of the network until ctx ends.
func (r *runner) followNetwork(ctx context.Context) {
	act := time.AfterFunc(time.Hour, r.s.networkChanged)
	defer act.Stop()
	if err := networkChanges(ctx, func() { act.Reset(settle) }); err != nil {
		r.s.log.Info("only the keep-alive notices changes of the network", "error", err)
	}
}

// networkChanged looks after the connection: one whose own address is gone is
// dead, any other is asked for a sign of life; without one it is tried anew.
func (s *Session) networkChanged() {
	s.TryNow()
	conn, err := s.line.Conn()
	if err != nil {
		return
	}
	if !hasAddress(conn.LocalAddr()) {
		s.log.Info("the network has changed: connecting anew")
		_ = conn.Close() // Run notices
		return
	}
	conn.Probe()
}

// hasAddress: addr is still one of this computer's.
func hasAddress(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return true
	}
	all, err := net.InterfaceAddrs()
	if err != nil || len(all) == 0 {
		return err != nil
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.Equal(tcp.IP) {
			return true
		}
	}
	return tcp.IP.IsLoopback()
}
