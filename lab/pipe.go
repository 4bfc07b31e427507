package lab

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// pipeBuffer is how much may be under way in one direction, as in TCP.
const pipeBuffer = 64 << 10

// newPipe makes an in-memory connection that behaves like TCP: it has a buffer
// in each direction, deadlines, half-read data after a close, and resets. It
// works under a fake clock.
func newPipe(clientAddr, serverAddr net.Addr) (client, server *pipeConn) {
	there, back := newStream(), newStream()
	return &pipeConn{in: back, out: there, local: clientAddr, remote: serverAddr},
		&pipeConn{in: there, out: back, local: serverAddr, remote: clientAddr}
}

// pipeConn is one end of an in-memory connection.
type pipeConn struct {
	in, out       *stream
	local, remote net.Addr

	mu     sync.Mutex
	linger bool // SetLinger(0): Close resets
}

func (c *pipeConn) LocalAddr() net.Addr  { return c.local }
func (c *pipeConn) RemoteAddr() net.Addr { return c.remote }

func (c *pipeConn) Read(b []byte) (int, error) {
	n, err := c.in.read(b)
	return n, c.wrap("read", err)
}

func (c *pipeConn) Write(b []byte) (int, error) {
	n, err := c.out.write(b)
	return n, c.wrap("write", err)
}

func (c *pipeConn) wrap(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
}

// SetLinger is like that of net.TCPConn: with 0, Close discards what was not
// read and resets the connection.
func (c *pipeConn) SetLinger(seconds int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.linger = seconds == 0
	return nil
}

// Close ends both directions. What was written can still be read at the other end.
func (c *pipeConn) Close() error {
	c.mu.Lock()
	reset := c.linger
	c.mu.Unlock()
	if reset {
		c.out.fail(syscall.ECONNRESET, syscall.ECONNRESET)
		c.in.fail(net.ErrClosed, syscall.ECONNRESET)
		return nil
	}
	c.out.finish(net.ErrClosed)
	c.in.fail(net.ErrClosed, syscall.EPIPE)
	return nil
}

// CloseWrite ends one direction only, as TLS and HTTP want it.
func (c *pipeConn) CloseWrite() error {
	c.out.finish(syscall.EPIPE)
	return nil
}

func (c *pipeConn) SetDeadline(t time.Time) error {
	_ = c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}
func (c *pipeConn) SetReadDeadline(t time.Time) error  { c.in.readUntil.set(c.in, t); return nil }
func (c *pipeConn) SetWriteDeadline(t time.Time) error { c.out.writeUntil.set(c.out, t); return nil }

// stream is one direction.
type stream struct {
	mu                    sync.Mutex
	changed               sync.Cond // of mu
	buffer                []byte    // written, not yet read
	ended                 bool      // no more will be written
	readErr, writeErr     error     // set once that side has ended
	readUntil, writeUntil deadline
}

func newStream() *stream {
	s := &stream{}
	s.changed.L = &s.mu
	return s
}

func (s *stream) read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.readErr != nil:
			return 0, s.readErr
		case s.readUntil.passed:
			return 0, os.ErrDeadlineExceeded
		case len(b) == 0:
			return 0, nil
		case len(s.buffer) > 0:
			n := copy(b, s.buffer)
			if s.buffer = s.buffer[n:]; len(s.buffer) == 0 {
				s.buffer = nil // an idle connection costs nothing
			}
			s.changed.Broadcast()
			return n, nil
		case s.ended:
			return 0, io.EOF
		}
		s.changed.Wait()
	}
}

func (s *stream) write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	written := 0
	for {
		switch {
		case s.writeErr != nil:
			return written, s.writeErr
		case s.writeUntil.passed:
			return written, os.ErrDeadlineExceeded
		case written == len(b):
			return written, nil
		}
		if room := pipeBuffer - len(s.buffer); room > 0 {
			n := min(room, len(b)-written)
			s.buffer = append(s.buffer, b[written:written+n]...)
			written += n
			s.changed.Broadcast()
			continue
		}
		s.changed.Wait()
	}
}

// finish says that no more will be written; what is there can be read.
func (s *stream) finish(writeErr error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	if s.writeErr == nil {
		s.writeErr = writeErr
	}
	s.writeUntil.stop()
	s.changed.Broadcast()
}

// fail ends both sides at once; what was not read is lost.
func (s *stream) fail(readErr, writeErr error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.readErr == nil {
		s.readErr = readErr
	}
	if s.writeErr == nil {
		s.writeErr = writeErr
	}
	s.ended, s.buffer = true, nil
	s.readUntil.stop()
	s.writeUntil.stop()
	s.changed.Broadcast()
}

// deadline is guarded by the mutex of its stream.
type deadline struct {
	timer  *time.Timer
	passed bool
	turn   int // counts calls of set, so that a late timer of an earlier one does nothing
}

func (d *deadline) set(s *stream, t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d.stop()
	d.turn++
	d.passed = false
	if !t.IsZero() {
		d.start(s, time.Until(t))
	}
	s.changed.Broadcast()
}

// start begins to count; a time in the past has passed at once.
func (d *deadline) start(s *stream, left time.Duration) {
	if left <= 0 {
		d.passed = true
		return
	}
	mine := d.turn
	d.timer = time.AfterFunc(left, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if d.turn == mine {
			d.passed = true
			s.changed.Broadcast()
		}
	})
}

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}
