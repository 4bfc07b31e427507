package lab

import (
	"net"
	"sync"
)

// freezer stops all connections of a server where they are, as SIGSTOP or a
// cable that is pulled does: nothing is read, written, closed or refused, and
// whoever connects gets no answer.
type freezer struct {
	mu     sync.Mutex
	thawed chan struct{} // closed when the frost ends; nil: there is none
}

func (f *freezer) freeze() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.thawed == nil {
		f.thawed = make(chan struct{})
	}
}

func (f *freezer) thaw() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.thawed != nil {
		close(f.thawed)
		f.thawed = nil
	}
}

// wait returns when there is no frost, or closed is.
func (f *freezer) wait(closed <-chan struct{}) {
	for {
		f.mu.Lock()
		thawed := f.thawed
		f.mu.Unlock()
		if thawed == nil {
			return
		}
		select {
		case <-thawed:
		case <-closed:
			return
		}
	}
}

// within has serve see connections that freeze.
func (f *freezer) within(serve func(net.Conn)) func(net.Conn) {
	return func(nc net.Conn) { serve(&frozenConn{Conn: nc, freezer: f, closed: make(chan struct{})}) }
}

// frozenConn is a server's end of a connection that may freeze. Closing it
// works even then: that is the server's own doing.
type frozenConn struct {
	net.Conn
	freezer *freezer
	once    sync.Once
	closed  chan struct{}
}

func (c *frozenConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.freezer.wait(c.closed) // what came is not seen before the frost is over
	return n, err
}

func (c *frozenConn) Write(b []byte) (int, error) {
	c.freezer.wait(c.closed)
	return c.Conn.Write(b)
}

func (c *frozenConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// SetLinger lets a reset through to the connection below.
func (c *frozenConn) SetLinger(seconds int) error {
	if l, is := c.Conn.(interface{ SetLinger(int) error }); is {
		return l.SetLinger(seconds)
	}
	return nil
}
