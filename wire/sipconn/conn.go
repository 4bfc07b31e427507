// Package sipconn speaks SIP over one TCP or TLS connection, in order.
//
// It is used by the client and by the lab's servers alike. It knows messages,
// transactions, dialogs and subscriptions, but nothing about presence, instant
// messages or calls. The caller dials and does TLS; New takes the connection
// over. Begin with New, Conn.Do and Options.Handle.
//
// Three goroutines serve a connection, and one law: the reader never writes
// and never waits. It hands responses to the waiting Do and queues requests;
// the dispatcher takes these one by one and runs the handlers, so that two
// chat lines never swap; the writer signs and writes what everybody queued.
//
// The sip package, whose types these are, writes its own debug lines to
// sip.DefaultLogger, which belongs to the whole process: the program sets it in
// main. Nothing here changes it.
//
// Standards: RFC 3261 (core, reliable transports only), RFC 3581 (rport),
// RFC 5626 §4.4.1 (CRLF keep-alive), RFC 6665 (subscriptions), RFC 6026.
package sipconn

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"communicator/wire/auth"
)

// Options say how a connection is used. The zero value is a server's.
type Options struct {
	Self       string                          // address of record "user@domain" for From of requests made here; empty at a server
	Name       string                          // display name in From; may be empty
	Contact    string                          // Contact URI without <>, with its URI parameters; empty: built from Self and the local address
	UserAgent  string                          // User-Agent of requests and Server of replies, outside dialogs
	Auth       *auth.Client                    // answers 401 and 407 and signs later requests; nil: challenges are returned as they are
	Handle     func(*Incoming)                 // one request at a time, in order; must not wait for a person. nil: 501 to everything
	Ping       time.Duration                   // CRLF keep-alive after this long without a byte received, or after 3 s when an answer is owed; 0: never (a server). Lost after 10 s without pong, 7 s once it has given one
	MaxMessage int                             // bytes of a message that may come in; more is refused with 513. 0: 65,535, as most servers have it
	Log        *slog.Logger                    // nil: silent
	Trace      func(sent bool, message string) // every message in text, credentials blanked; must not block. nil: none
}

// Conn is one SIP connection. All methods may be called from any goroutine.
type Conn struct {
	nc      net.Conn
	o       Options
	log     *slog.Logger
	ctx     context.Context // ends with the connection
	stop    context.CancelFunc
	done    chan struct{}
	begun   time.Time // a little earlier, so that an age is never 0
	in      inbox
	out     outbox
	heard   atomic.Int64  // when the last byte came, as c.age()
	pinged  atomic.Bool   // our ping has had no pong yet
	ponged  atomic.Bool   // a ping of ours was answered once
	ping    atomic.Int64  // Options.Ping, or what SetPing said
	probe   atomic.Bool   // Probe wants a ping now
	pingSet chan struct{} // has one element when ping or probe has changed

	mu      sync.Mutex
	err     error
	closing bool // Close was called: the writer may still send what is queued
	contact string
	clients map[string]*clientTx
	servers map[string]*serverTx
	pending int // of servers, without a final answer
	dialogs map[string]*Dialog
	subs    map[string]*subscription
}

// errClosed is Err after Close.
var errClosed = errors.New("connection closed here")

// New takes over nc and starts its reader, dispatcher and writer. They end
// when the connection does; see Done.
func New(nc net.Conn, o Options) *Conn {
	c := newConn(nc, o)
	go c.readAll()  // ends when nc does
	go c.dispatch() // ends with c.done
	go c.writeAll() // ends with c.done, and closes nc
	return c
}

// newConn is New without the goroutines.
func newConn(nc net.Conn, o Options) *Conn {
	c := &Conn{
		nc: nc, o: o, log: o.Log, contact: o.Contact, done: make(chan struct{}), begun: time.Now().Add(-time.Second),
		clients: map[string]*clientTx{}, servers: map[string]*serverTx{},
		dialogs: map[string]*Dialog{}, subs: map[string]*subscription{},
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.contact == "" {
		c.contact = c.defaultContact()
	}
	c.ctx, c.stop = context.WithCancel(context.Background())
	c.in.wake, c.out.wake = make(chan struct{}, 1), make(chan struct{}, 1)
	c.out.room = make(chan struct{})
	c.ping.Store(int64(o.Ping))
	c.heard.Store(int64(c.age()))
	c.pingSet = make(chan struct{}, 1)
	return c
}

// age is the time by which keep-alives are judged; a change of the wall clock
// does not touch it.
func (c *Conn) age() time.Duration { return time.Since(c.begun) }

// SetContact replaces Options.Contact for later requests, e.g. by the public
// GRUU that the registrar gave (RFC 5627).
func (c *Conn) SetContact(uri string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.contact = uri
}

// SetPing replaces Options.Ping, e.g. by what a registrar's Flow-Timer allows
// (RFC 5626 §4.4.1).
func (c *Conn) SetPing(d time.Duration) {
	c.ping.Store(int64(d))
	c.wakePing()
}

// Probe asks the other side for a sign of life now. A connection that gives
// none within 10 s ends; within 7 s, if it has given one before.
func (c *Conn) Probe() {
	c.probe.Store(true)
	c.wakePing()
}

func (c *Conn) wakePing() {
	select {
	case c.pingSet <- struct{}{}:
	default:
	}
}

// Contact returns the Contact URI in use, without <>.
func (c *Conn) Contact() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.contact
}

// Close ends the connection; pending calls return ErrLost or ErrOffline.
// Responses already given are still written, for a second at most.
func (c *Conn) Close() error {
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	c.end(errClosed)
	return nil
}

// Done is closed when the connection has ended, for whatever reason.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err says why the connection ended; nil while it lives.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// RemoteAddr and LocalAddr are those of the underlying connection.
func (c *Conn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }
func (c *Conn) LocalAddr() net.Addr  { return c.nc.LocalAddr() }

// end marks the connection as ended because of err and tells everybody who
// waits. Only the first call counts.
func (c *Conn) end(err error) {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	c.err = err
	closing := c.closing
	for _, tx := range c.clients {
		tx.lose()
	}
	dialogs := make([]*Dialog, 0, len(c.dialogs))
	for _, d := range c.dialogs {
		dialogs = append(dialogs, d)
	}
	for _, tx := range c.servers {
		tx.stopTimer()
	}
	clear(c.clients)
	clear(c.servers)
	clear(c.dialogs)
	c.mu.Unlock()
	close(c.done)
	c.stop()
	for _, d := range dialogs {
		d.end()
	}
	if closing {
		_ = c.nc.SetWriteDeadline(time.Now().Add(closeFlush)) // fails only when nc is closed already
	} else {
		_ = c.nc.Close() // wakes reader and writer; its error says nothing new
	}
	c.log.Info("connection ended", "remote", c.nc.RemoteAddr(), "reason", err)
}

// transport is the name for Via and, in lower case, for transport=.
func (c *Conn) transport() string {
	if _, ok := c.nc.(interface{ ConnectionState() tls.ConnectionState }); ok {
		return "TLS"
	}
	return "TCP"
}

// Body is a message body with its Content-Type. The zero Body is none.
type Body struct {
	Type    string
	Content []byte
}

// Text is a text/plain body in UTF-8.
func Text(s string) Body { return Body{"text/plain;charset=UTF-8", []byte(s)} }
