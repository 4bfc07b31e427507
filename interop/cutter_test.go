//go:build interop

package interop

import (
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// cutter stands between a client and a server and cuts their connections.
type cutter struct {
	addr string // where the client connects to

	mu    sync.Mutex
	links []*link
}

// link is one connection through a cutter.
type link struct {
	client, server *net.TCPConn

	mu   sync.Mutex
	dark bool // what comes is swallowed
}

// startCutter passes connections on to a server until the test ends.
func startCutter(t *testing.T, to string) *cutter {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{addr: l.Addr().String()}
	var all sync.WaitGroup
	all.Go(func() { // ends with l
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { c.pass(near.(*net.TCPConn), to) }) // ends with both sides
		}
	})
	t.Cleanup(func() {
		l.Close()
		c.mu.Lock()
		for _, l := range c.links {
			l.reset()
		}
		c.mu.Unlock()
		all.Wait()
	})
	return c
}

// pass copies both ways until both sides have ended.
func (c *cutter) pass(near *net.TCPConn, to string) {
	far, err := net.DialTimeout("tcp4", to, 5*time.Second)
	if err != nil {
		near.Close()
		return
	}
	l := &link{client: near, server: far.(*net.TCPConn)}
	c.mu.Lock()
	c.links = append(c.links, l)
	c.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { l.copy(l.server, l.client) })
	both.Go(func() { l.copy(l.client, l.server) })
	both.Wait()
	near.Close()
	far.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, other := range c.links {
		if other == l {
			c.links = append(c.links[:i], c.links[i+1:]...)
			return
		}
	}
}

func (l *link) copy(to, from *net.TCPConn) {
	b := make([]byte, 16<<10)
	for {
		n, err := from.Read(b)
		l.mu.Lock()
		dark := l.dark
		l.mu.Unlock()
		if n > 0 && !dark {
			if _, err := to.Write(b[:n]); err != nil {
				l.reset() // neither side is to believe in what the other has lost
				return
			}
		}
		if err == io.EOF && !dark {
			_ = to.CloseWrite() // it may be closed
			return
		}
		if err != nil {
			return
		}
	}
}

// reset ends both sides at once, and what is on the way is lost.
func (l *link) reset() {
	for _, c := range []*net.TCPConn{l.client, l.server} {
		_ = c.SetLinger(0) // it may be closed
		c.Close()
	}
}

// hush swallows everything from now on.
func (l *link) hush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dark = true
}

// cut does something to the latest connection and says what; "": there is none.
// What hangs is reset after dark, when the client has not given it up before.
func (c *cutter) cut(lot *rand.Rand, dark time.Duration) string {
	kind, darkness := lot.IntN(4), time.Duration(lot.Int64N(int64(dark)))
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.links) == 0 {
		return ""
	}
	l := c.links[len(c.links)-1]
	switch kind {
	case 0:
		l.hush()
		time.AfterFunc(darkness, l.reset)
		return "black hole"
	case 1:
		_ = l.client.CloseWrite() // it may be closed
		time.AfterFunc(darkness, l.reset)
		return "half-closed towards the client"
	case 2:
		_ = l.server.CloseWrite() // it may be closed
		time.AfterFunc(darkness, l.reset)
		return "half-closed towards the server"
	}
	l.reset()
	return "reset"
}
