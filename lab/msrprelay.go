package lab

import (
	"crypto/tls"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"communicator/wire/msrp"
)

// msrpRelay is the company's MSRP relay (RFC 4976): long messages of people who
// signed in to it pass here, and nowhere else. It is strict: it carries only for
// connections that AUTH has named, and never connects to anybody itself.
type msrpRelay struct {
	pool *pool

	mu       sync.Mutex
	sessions map[string]*relayed // by what stands in the URIs we gave
	carried  int                 // bytes of bodies passed on
}

func newRelay(p *pool) *msrpRelay { return &msrpRelay{pool: p, sessions: map[string]*relayed{}} }

const (
	relayPort  = msrp.DefaultPort
	relayChunk = 64 << 10         // longest chunk that is passed on
	relayQueue = 1024             // frames that wait for one connection
	relayTime  = 30 * time.Second // RFC 4976 §6.3: then the next hop counts as gone
	relayLife  = time.Hour        // of a path
)

// relayed is one client's connection.
type relayed struct {
	relay *msrpRelay
	nc    net.Conn
	uri   msrp.URI // of the relay, as seen there
	out   chan *msrp.Frame
	done  chan struct{}

	mu      sync.Mutex
	pending map[string]passedOn // what was passed on to this client, by transaction
	paths   []string
}

// passedOn is a SEND whose next hop has not answered yet.
type passedOn struct {
	from  *relayed
	frame *msrp.Frame // as it came
	timer *time.Timer
}

// serveTLSRelay shakes hands before the relay sees the connection.
func (m *msrpRelay) serveTLSRelay(secure *tls.Config, host string, port uint16) func(net.Conn) {
	return func(nc net.Conn) {
		t := tls.Server(nc, secure)
		if shakeHands(t) != nil {
			_ = nc.Close() // the client knows why
			return
		}
		m.serve(t, msrp.URI{Secure: true, Host: host, Port: port})
	}
}

// serve takes over a connection and returns when it has ended.
func (m *msrpRelay) serve(nc net.Conn, uri msrp.URI) {
	c := &relayed{relay: m, nc: nc, uri: uri, out: make(chan *msrp.Frame, relayQueue), done: make(chan struct{}), pending: map[string]passedOn{}}
	var writer sync.WaitGroup
	writer.Go(c.write)
	r := msrp.NewReader(nc, relayChunk)
	for {
		f, err := r.Next()
		if err != nil {
			break
		}
		c.handle(f)
	}
	c.leave()
	writer.Wait()
}

// leave forgets everything about the connection.
func (c *relayed) leave() {
	close(c.done)
	_ = c.nc.Close() // it is gone either way
	c.mu.Lock()
	paths, left := c.paths, c.pending
	c.pending = map[string]passedOn{}
	c.mu.Unlock()
	c.relay.mu.Lock()
	for _, p := range paths {
		delete(c.relay.sessions, p)
	}
	c.relay.mu.Unlock()
	for _, p := range left {
		p.timer.Stop()
		p.from.report(p.frame, msrp.Timeout)
	}
}

// write is the connection's writer; it ends with the connection.
func (c *relayed) write() {
	for {
		select {
		case f := <-c.out:
			if _, err := c.nc.Write(f.Bytes()); err != nil {
				_ = c.nc.Close() // wakes the reader
				return
			}
		case <-c.done:
			return
		}
	}
}

// send queues a frame; a client that does not read loses its connection.
func (c *relayed) send(f *msrp.Frame) bool {
	select {
	case c.out <- f:
		return true
	case <-c.done:
	default:
		_ = c.nc.Close()
	}
	return false
}

// handle takes one frame of the client.
func (c *relayed) handle(f *msrp.Frame) {
	switch {
	case f.Method == "":
		c.answered(f)
	case f.Bad != "":
		c.answer(f, msrp.BadRequest, f.Bad)
	case f.Method == "AUTH":
		c.auth(f)
	case f.Method == "SEND", f.Method == "REPORT":
		c.forward(f)
	default:
		c.answer(f, msrp.NotImplemented, "Method Not Understood")
	}
}

// answer answers a request: a SEND to the hop before us, AUTH all the way
// (RFC 4975 §7.2). A REPORT has no answer.
func (c *relayed) answer(f *msrp.Frame, code int, comment string, headers ...msrp.Header) {
	wish := f.Get("Failure-Report")
	if f.Method == "REPORT" || len(f.From) == 0 || len(f.To) == 0 || f.Method == "SEND" && (wish == "no" || wish == "partial" && code == msrp.OK) {
		return
	}
	to := f.From
	if f.Method == "SEND" {
		to = to[:1]
	}
	c.send(&msrp.Frame{ID: f.ID, Code: code, Comment: comment, To: to, From: f.To[:1], Header: headers})
}

// auth gives a path to whom Digest has named (RFC 4976 §5.1, §9.1).
func (c *relayed) auth(f *msrp.Frame) {
	p := c.relay.pool
	stale, err := false, error(errNoCredentials)
	if v := f.Get("Authorization"); v != "" {
		_, stale, err = p.authorize(v, "AUTH")
		if params, ok := parseParams(strings.TrimPrefix(v, "Digest ")); err == nil && (!ok || params["uri"] != f.To[len(f.To)-1].String()) {
			c.answer(f, msrp.Forbidden, "Digest uri Is Not That of To-Path (RFC 4976 9.1)")
			return
		}
	}
	if bad, is := err.(badCredentials); is {
		c.answer(f, msrp.Forbidden, string(bad))
		return
	}
	if err != nil || stale {
		var asks []msrp.Header
		for _, v := range p.challenges(stale) {
			asks = append(asks, msrp.Header{Name: "WWW-Authenticate", Value: v})
		}
		c.answer(f, msrp.Unauthorized, "Unauthorized", asks...)
		return
	}
	life := relayLife
	if text := f.Get("Expires"); text != "" {
		n, err := strconv.ParseUint(text, 10, 31)
		if life = time.Duration(n) * time.Second; err != nil || life < time.Minute {
			c.answer(f, msrp.OutOfBounds, "Interval Out-of-Bounds", msrp.Header{Name: "Min-Expires", Value: "60"})
			return
		}
		life = min(life, relayLife)
	}
	u := c.uri
	u.Session = token()
	c.mu.Lock()
	c.paths = append(c.paths, u.Session)
	c.mu.Unlock()
	c.relay.mu.Lock()
	c.relay.sessions[u.Session] = c
	c.relay.mu.Unlock()
	c.answer(f, msrp.OK, "OK", msrp.Header{Name: "Use-Path", Value: u.String()}, msrp.Header{Name: "Expires", Value: fmt.Sprint(int(life.Seconds()))})
}

// forward passes a SEND or REPORT on (RFC 4976 §6.2): from our URI to the next,
// which is a client of ours, perhaps by another URI of ours.
func (c *relayed) forward(f *msrp.Frame) {
	g := *f
	g.From = append(msrp.Path{}, f.From...)
	to, first := c, true
	for len(g.To) > 1 {
		c.relay.mu.Lock()
		next := c.relay.sessions[g.To[0].Session]
		c.relay.mu.Unlock()
		if next == nil || first && len(g.To) > 2 && next != c { // only who owns the path may have us pass on
			break
		}
		to, first = next, false
		g.From = append(msrp.Path{g.To[0]}, g.From...)
		g.To = g.To[1:]
	}
	switch {
	case first:
		c.answer(f, msrp.NoSession, "No Such Session")
		return
	case len(g.To) > 1:
		c.answer(f, msrp.Forbidden, "This Relay Connects to Nobody")
		return
	case f.Cut:
		c.answer(f, msrp.TooLarge, "Chunk Too Large")
		return
	}
	c.answer(f, msrp.OK, "OK")
	g.ID = token()
	if f.Method == "SEND" && f.Get("Failure-Report") != "no" {
		to.await(g.ID, passedOn{from: c, frame: f})
	}
	c.relay.mu.Lock()
	c.relay.carried += len(f.Body)
	c.relay.mu.Unlock()
	to.send(&g)
}

// await notes a SEND that was passed on.
func (c *relayed) await(id string, p passedOn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p.timer = time.AfterFunc(relayTime, func() { c.settle(id, msrp.Timeout) })
	c.pending[id] = p
}

// answered takes the next hop's answer.
func (c *relayed) answered(f *msrp.Frame) { c.settle(f.ID, f.Code) }

// settle ends a SEND that was passed on; a failure is reported to its sender
// (RFC 4976 §6.3).
func (c *relayed) settle(id string, code int) {
	c.mu.Lock()
	p, known := c.pending[id]
	delete(c.pending, id)
	c.mu.Unlock()
	if !known {
		return
	}
	p.timer.Stop()
	if code != msrp.OK {
		p.from.report(p.frame, code)
	}
}

// report tells the sender of f that it did not arrive.
func (c *relayed) report(f *msrp.Frame, code int) {
	span := f.Get("Byte-Range")
	if span == "" {
		span = "1-*/*"
	}
	c.send(&msrp.Frame{ID: token(), Method: "REPORT", To: f.From, From: f.To[:1], Header: []msrp.Header{
		{Name: "Message-ID", Value: f.Get("Message-ID")}, {Name: "Byte-Range", Value: span}, {Name: "Status", Value: fmt.Sprintf("000 %03d Not Delivered", code)},
	}})
}

// Relayed is how many bytes of long messages the company's relay has passed on.
func (c *Company) Relayed() int {
	c.relay.mu.Lock()
	defer c.relay.mu.Unlock()
	return c.relay.carried
}
