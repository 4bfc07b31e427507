package sipconn

import (
	"bufio"
	"io"
	"net"
	"net/textproto"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
)

// pipe returns the two ends of an in-memory connection that behaves like TCP:
// each direction holds up to 64 KiB before a write waits.
func pipe() (net.Conn, net.Conn) {
	a, b := newStream(), newStream()
	return &end{in: a, out: b, local: addr("10.0.0.1:5061"), remote: addr("10.0.0.2:40001")},
		&end{in: b, out: a, local: addr("10.0.0.2:40001"), remote: addr("10.0.0.1:5061")}
}

type addr string

func (a addr) Network() string { return "tcp" }
func (a addr) String() string  { return string(a) }

// stream is one direction.
type stream struct {
	mu       sync.Mutex
	cond     *sync.Cond
	buf      []byte
	closed   bool
	readEnd  time.Time
	writeEnd time.Time
	alarms   []*time.Timer
}

func newStream() *stream {
	s := &stream{}
	s.cond = sync.NewCond(&s.mu)
	return s
}

func past(t time.Time) bool { return !t.IsZero() && !time.Now().Before(t) }

func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.buf) == 0 {
		if s.closed {
			return 0, io.EOF
		}
		if past(s.readEnd) {
			return 0, os.ErrDeadlineExceeded
		}
		s.cond.Wait()
	}
	n := copy(p, s.buf)
	s.buf = s.buf[n:]
	s.cond.Broadcast()
	return n, nil
}

func (s *stream) write(p []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(p) > 0 {
		if s.closed {
			return n, io.ErrClosedPipe
		}
		if past(s.writeEnd) {
			return n, os.ErrDeadlineExceeded
		}
		room := min(64<<10-len(s.buf), len(p))
		if room == 0 {
			s.cond.Wait()
			continue
		}
		s.buf = append(s.buf, p[:room]...)
		p, n = p[room:], n+room
		s.cond.Broadcast()
	}
	return n, nil
}

func (s *stream) deadline(at *time.Time, t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*at = t
	for _, a := range s.alarms {
		a.Stop()
	}
	s.alarms = s.alarms[:0]
	for _, d := range [...]time.Time{s.readEnd, s.writeEnd} {
		if !d.IsZero() {
			s.alarms = append(s.alarms, time.AfterFunc(time.Until(d), s.cond.Broadcast))
		}
	}
	s.cond.Broadcast()
}

func (s *stream) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, a := range s.alarms {
		a.Stop()
	}
	s.cond.Broadcast()
}

type end struct {
	in, out       *stream
	local, remote net.Addr
}

func (e *end) Read(p []byte) (int, error)  { return e.in.read(p) }
func (e *end) Write(p []byte) (int, error) { return e.out.write(p) }
func (e *end) Close() error                { e.in.close(); e.out.close(); return nil }
func (e *end) LocalAddr() net.Addr         { return e.local }
func (e *end) RemoteAddr() net.Addr        { return e.remote }
func (e *end) SetDeadline(t time.Time) error {
	_ = e.SetReadDeadline(t)
	return e.SetWriteDeadline(t)
}
func (e *end) SetReadDeadline(t time.Time) error  { e.in.deadline(&e.in.readEnd, t); return nil }
func (e *end) SetWriteDeadline(t time.Time) error { e.out.deadline(&e.out.writeEnd, t); return nil }

// raw is the other side of a Conn, spoken by the test in plain text.
type raw struct {
	whole sync.Mutex
	t     *testing.T
	nc    net.Conn
	r     *bufio.Reader
}

// rawPeer starts a Conn with o and returns it with its raw other side.
func rawPeer(t *testing.T, o Options) (*Conn, *raw) {
	t.Helper()
	a, b := pipe()
	c := New(b, o)
	p := &raw{t: t, nc: a, r: bufio.NewReader(a)}
	t.Cleanup(func() { c.Close(); a.Close() })
	return c, p
}

// send writes a message given with bare line ends and without Content-Length.
func (p *raw) send(text string) {
	p.t.Helper()
	p.write(wire(text))
}

func (p *raw) write(text string) {
	p.t.Helper()
	p.whole.Lock() // a full pipe takes a message in pieces
	defer p.whole.Unlock()
	if _, err := io.WriteString(p.nc, text); err != nil {
		p.t.Fatalf("send: %v", err)
	}
}

// wire makes a message of a readable text: CRLF, and Content-Length.
func wire(text string) string {
	head, body, _ := strings.Cut(strings.TrimLeft(text, "\n"), "\n\n")
	head = strings.TrimRight(head, "\n")
	return strings.ReplaceAll(head, "\n", "\r\n") + "\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
}

// message is what the raw side received.
type message struct {
	start  string
	header textproto.MIMEHeader
	body   string
}

func (m message) get(name string) string { return m.header.Get(name) }

// next reads one message.
func (p *raw) next() message {
	p.t.Helper()
	m, err := p.read()
	if err != nil {
		p.t.Fatalf("expected a message: %v", err)
	}
	return m
}

func (p *raw) read() (m message, err error) {
	tp := textproto.NewReader(p.r)
	for m.start == "" {
		if m.start, err = tp.ReadLine(); err != nil {
			return m, err
		}
	}
	if m.header, err = tp.ReadMIMEHeader(); err != nil {
		return m, err
	}
	n, err := strconv.Atoi(m.get("Content-Length"))
	if err != nil {
		return m, err
	}
	body := make([]byte, n)
	_, err = io.ReadFull(p.r, body)
	m.body = string(body)
	return m, err
}

// expect reads one message whose start line begins with start.
func (p *raw) expect(start string) message {
	p.t.Helper()
	m := p.next()
	if !strings.HasPrefix(m.start, start) {
		p.t.Fatalf("got %q with %v, expected %q", m.start, m.header, start)
	}
	return m
}

// reply answers a request that the Conn sent.
func (p *raw) reply(m message, status string, more ...string) {
	p.t.Helper()
	body := ""
	text := "SIP/2.0 " + status + "\n"
	for _, v := range m.header["Via"] {
		text += "Via: " + v + "\n"
	}
	to := m.get("To")
	if !strings.Contains(to, "tag=") && !strings.HasPrefix(status, "100") {
		to += ";tag=peer"
	}
	text += "From: " + m.get("From") + "\nTo: " + to + "\nCall-ID: " + m.get("Call-Id") + "\nCSeq: " + m.get("Cseq") + "\n"
	for _, h := range more {
		text += h + "\n"
	}
	p.send(text + "\n" + body)
}

// ask is a request of the raw side with all it needs; id makes it unique.
func ask(method, id string, more ...string) string {
	text := method + " sip:alice@example.com SIP/2.0\nVia: SIP/2.0/TCP 10.0.0.1:5061;branch=z9hG4bK" + id +
		"\nFrom: <sip:bob@example.com>;tag=b" + "\nTo: <sip:alice@example.com>\nCall-ID: " + id + "\nCSeq: 1 " + method + "\nMax-Forwards: 70\n"
	for _, h := range more {
		text += h + "\n"
	}
	return text + "\n"
}

func hdr(name, value string) sip.Header { return sip.NewHeader(name, value) }
