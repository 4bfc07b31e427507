package session

import (
	"context"
	"net"
	"time"
)

// settle is how long the network must be quiet before its changes are acted on:
// a cable that is plugged in makes several.
const settle = 500 * time.Millisecond

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
