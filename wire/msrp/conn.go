package msrp

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"
)

// Options say how a session is used.
type Options struct {
	Self    URI                           // own end of the session, as NewURI makes it
	Max     int                           // largest message taken, in bytes; 0: DefaultMax
	Accept  func(contentType string) bool // nil: every type is taken
	Receive func(Message) error           // gets each whole message, one at a time; an error: it is not kept, and the sender hears 413, or what a *StatusError says. It must not call Send. nil: 481 to everything
	Log     *slog.Logger                  // nil: silent
}

// DefaultMax is the largest message that is taken, in bytes.
const DefaultMax = 1 << 20

// Message is a whole message.
type Message struct {
	ID     string // Message-ID
	Type   string // Content-Type
	Body   []byte
	Report bool // the sender wants to hear that it arrived (Success-Report); Send does then
}

// Limits on what waits for the writer: a peer that does not read loses its
// connection.
const maxQueue = 4 << 20

// writeTime is how long the other side may take to read one batch.
const writeTime = 30 * time.Second

// Conn is one end of one session, on a connection of its own. All methods may be
// called from any goroutine. A reader and a writer serve it, and end with it.
type Conn struct {
	nc   net.Conn
	o    Options
	log  *slog.Logger
	done chan struct{}
	wake chan struct{} // has one element when there is something to write

	coming arrivals // the reader's own

	mu      sync.Mutex
	err     error
	remote  Path                // where SEND goes: our relays, then the peer's path; nil: not open yet
	asked   map[string]*waiting // by transaction
	reports map[string]*waiting // by Message-ID
	queue   [][]byte
	queued  int // bytes
}

// waiting gathers what comes in for who waits for it.
type waiting struct {
	wake   chan struct{} // has one element when there is news
	frames []*Frame      // guarded by Conn.mu
}

// maxFrames is how many answers wait for one sender; who sends more is not sane.
const maxFrames = 10000

// New takes over nc.
func New(nc net.Conn, o Options) *Conn {
	if o.Max == 0 {
		o.Max = DefaultMax
	}
	c := &Conn{nc: nc, o: o, log: o.Log, done: make(chan struct{}), wake: make(chan struct{}, 1),
		asked: map[string]*waiting{}, reports: map[string]*waiting{}}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	go c.readAll()  // ends when nc does
	go c.writeAll() // ends with c.done, and closes nc
	return c
}

// Open says where messages go: the relays that Auth named, then the path from
// the peer's SDP (RFC 4976 §4). What comes in is taken before already: who knows
// our URI has it from our SDP.
func (c *Conn) Open(remote Path) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remote = remote
}

// Close ends the session; what waits returns an error.
func (c *Conn) Close() error {
	c.end(errors.New("connection closed here"))
	return nil
}

// Done is closed when the connection has ended, for whatever reason.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err says why it ended; nil while it lives.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *Conn) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
		close(c.done)
	}
}

// write queues a frame; false: the connection has ended.
func (c *Conn) write(f *Frame) bool {
	b := f.Bytes()
	c.mu.Lock()
	if c.err == nil && c.queued+len(b) > maxQueue {
		c.err = errors.New("the other side does not read")
		close(c.done)
	}
	ok := c.err == nil
	if ok {
		c.queue, c.queued = append(c.queue, b), c.queued+len(b)
	}
	c.mu.Unlock()
	if ok {
		select {
		case c.wake <- struct{}{}:
		default:
		}
	}
	return ok
}

// writeAll is the writer. What is queued when the connection is closed here, as
// the report of the last message is, still leaves.
func (c *Conn) writeAll() {
	defer c.nc.Close()
	for {
		select {
		case <-c.wake:
		case <-c.done:
			c.flush(time.Second)
			return
		}
		if !c.flush(writeTime) {
			return
		}
	}
}

func (c *Conn) flush(within time.Duration) bool {
	c.mu.Lock()
	bs := net.Buffers(c.queue)
	c.queue, c.queued = nil, 0
	c.mu.Unlock()
	if len(bs) == 0 {
		return true
	}
	if err := c.nc.SetWriteDeadline(time.Now().Add(within)); err != nil {
		c.end(err)
		return false
	}
	if _, err := bs.WriteTo(c.nc); err != nil {
		c.end(err)
		return false
	}
	return true
}

// readAll is the reader.
func (c *Conn) readAll() {
	r := NewReader(c.nc, c.o.Max)
	for {
		f, err := r.Next()
		if errors.Is(err, io.EOF) {
			err = errors.New("closed by the other side")
		}
		if err != nil {
			c.end(err)
			return
		}
		if c.Err() != nil {
			return
		}
		c.take(f)
	}
}

// take takes one frame.
func (c *Conn) take(f *Frame) {
	switch {
	case f.Method == "":
		c.hand(c.asked, f.ID, f)
	case f.Bad != "":
		c.log.Debug("bad msrp request", "why", f.Bad)
		c.respond(f, BadRequest)
	case f.Method == "REPORT": // RFC 4975 §7.1.2: never answered
		c.hand(c.reports, f.Get("Message-ID"), f)
	case !f.To[len(f.To)-1].Same(c.o.Self): // RFC 4975 §7.3
		c.respond(f, NoSession)
	case f.Method == "SEND":
		c.receive(f)
	default:
		c.respond(f, NotImplemented)
	}
}

// hand gives a frame to who waits for it.
func (c *Conn) hand(to map[string]*waiting, id string, f *Frame) {
	c.mu.Lock()
	w := to[id]
	if w != nil && len(w.frames) < maxFrames {
		w.frames = append(w.frames, f)
	}
	c.mu.Unlock()
	if w != nil {
		w.poke()
	}
}

func (w *waiting) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// news takes what has come for w.
func (c *Conn) news(w *waiting) []*Frame {
	c.mu.Lock()
	defer c.mu.Unlock()
	fs := w.frames
	w.frames = nil
	return fs
}

// respond answers a request (RFC 4975 §7.2): to the hop before us, unless it is
// an AUTH; and not when the sender does not want to hear (§7.1.1).
func (c *Conn) respond(f *Frame, code int) {
	wish := f.Get("Failure-Report")
	if f.Bad == "" && (wish == "no" || wish == "partial" && code == OK) || len(f.From) == 0 || len(f.To) == 0 {
		return
	}
	c.write(&Frame{ID: f.ID, Code: code, Comment: comments[code], To: f.From[:1], From: Path{c.o.Self}})
}

// lost is the error of who waits for more when the connection has ended.
func (c *Conn) lost(err error) error { return fmt.Errorf("%w: %w", err, c.Err()) }
