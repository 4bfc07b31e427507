package lab

import (
	"context"
	"net"
	"sync"
	"time"

	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

// frontEnd is one SIP server of the pool. It holds connections; everything
// that outlives a connection is the pool's.
//
// A request takes this way: sipconn reads it, flow.handle applies the faults,
// pool.handle and request.route (frontend_request.go) check it against the
// rules (strict.go) and ask who sent it (digest.go). Then the server answers
// itself: registrar.go, presence*.go, rls.go; or it passes the request on
// over the connections of others: proxy.go, store.go.
//
// It behaves as Kamailio 5.6 with our recipe does, except on purpose:
//   - TCP and TLS only, no UDP; no Path, as all front ends share one memory.
//   - Digest SHA-256 is offered before MD5, REGISTER is answered with
//     Authentication-Info, and a repeated nonce count is stale.
//   - SUBSCRIBE to an address that nobody has is 404, not active and empty.
//   - The first NOTIFY of a list has the states that are known already, and a
//     list may come with the SUBSCRIBE (RFC 5367).
//   - A publication that is only refreshed tells nobody.
//   - Less than 10 s is 423 to SUBSCRIBE and PUBLISH; REGISTER is raised to 10 s.
//   - A kept message is delivered as it was, with Date and its own Call-ID, so
//     that a client that has it already can tell; nothing is put before its text.
type frontEnd struct {
	pool *pool
	host string
	port int

	mu      sync.Mutex
	stopped bool
	flows   map[*flow]struct{}
	dropped int           // requests still to be swallowed
	lag     time.Duration // wait before handling
	refused int           // status code for everything; 0: none
}

// newFrontEnd makes a running front end; host is its name, e.g. fe1.contoso.test,
// and port that of its TLS listener.
func newFrontEnd(p *pool, host string, port int) *frontEnd {
	return &frontEnd{pool: p, host: host, port: port, flows: map[*flow]struct{}{}}
}

// serve takes over an accepted connection (TLS already done) and returns when
// it has ended. transport is "TLS" or "TCP". A stopped front end resets it at once.
func (f *frontEnd) serve(nc net.Conn, transport string) {
	l := &flow{id: token(), fe: f, nc: nc, transport: transport, ready: make(chan struct{})}
	f.mu.Lock()
	stopped := f.stopped
	if !stopped {
		f.flows[l] = struct{}{}
	}
	f.mu.Unlock()
	if stopped {
		reset(nc)
		return
	}
	f.pool.addFlow(l)
	l.conn = sipconn.New(nc, sipconn.Options{UserAgent: "Communicator lab " + f.host, Handle: l.handle, Log: f.pool.log})
	close(l.ready)
	<-l.conn.Done()
	f.mu.Lock()
	delete(f.flows, l)
	f.mu.Unlock()
	f.pool.dropFlow(l)
}

// stop resets all connections; until start, new ones are reset as well.
func (f *frontEnd) stop() {
	f.mu.Lock()
	f.stopped = true
	flows := make([]*flow, 0, len(f.flows))
	for l := range f.flows {
		flows = append(flows, l)
	}
	f.mu.Unlock()
	for _, l := range flows {
		reset(l.nc)
	}
}

// start lets a stopped front end serve again.
func (f *frontEnd) start() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stopped = false
}

// drop makes the front end swallow the next n requests unanswered.
func (f *frontEnd) drop(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dropped = n
}

// delay makes the front end wait before it handles each request; 0 ends it.
func (f *frontEnd) delay(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lag = d
}

// refuse makes the front end answer every request with code; 0 ends it.
func (f *frontEnd) refuse(code int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refused = code
}

// faults says what is to happen to the next request.
func (f *frontEnd) faults() (drop bool, lag time.Duration, code int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dropped > 0 {
		f.dropped--
		return true, 0, 0
	}
	return false, f.lag, f.refused
}

// reset ends a connection with a TCP reset where it is TCP below.
func reset(nc net.Conn) {
	if t, is := nc.(interface{ NetConn() net.Conn }); is {
		nc = t.NetConn() // without TLS's good-bye
	}
	if t, is := nc.(interface{ SetLinger(int) error }); is {
		_ = t.SetLinger(0) // closing below is what counts
	}
	_ = nc.Close() // it is to be gone either way
}

// flow is a client's connection to a front end (RFC 5626): what comes for the
// client goes over it, whatever its Contact says.
type flow struct {
	id        string // unguessable; stands in our Record-Route
	fe        *frontEnd
	nc        net.Conn
	transport string
	conn      *sipconn.Conn
	ready     chan struct{} // closed when conn is set

	mu     sync.Mutex
	queue  []late // requests held back by the fault "delay"
	worker bool   // somebody works on queue
}

// late is a request that waits until due.
type late struct {
	due time.Time
	run func()
}

// handle takes one request from the client.
func (l *flow) handle(in *sipconn.Incoming) {
	<-l.ready
	drop, lag, code := l.fe.faults()
	run := func() { l.fe.pool.handle(l, in, code) }
	switch {
	case drop:
	case lag > 0 || l.waiting():
		l.hold(late{time.Now().Add(lag), run})
	default:
		run()
	}
}

func (l *flow) waiting() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue) > 0
}

// hold puts a request at the end of the queue, so that order is kept.
func (l *flow) hold(x late) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.queue, x)
	if !l.worker {
		l.worker = true
		go l.work() // ends when the queue is empty or the connection gone
	}
}

func (l *flow) work() {
	for {
		l.mu.Lock()
		if len(l.queue) == 0 {
			l.worker = false
			l.mu.Unlock()
			return
		}
		x := l.queue[0]
		l.mu.Unlock()
		t := time.NewTimer(time.Until(x.due))
		select {
		case <-t.C:
		case <-l.conn.Done():
			t.Stop()
		}
		x.run()
		l.mu.Lock()
		l.queue = l.queue[1:]
		l.mu.Unlock()
	}
}

// alive says whether the connection still exists.
func (l *flow) alive() bool {
	select {
	case <-l.conn.Done():
		return false
	default:
		return true
	}
}

// send writes r to the client, in the order of calls, and does not wait.
func (l *flow) send(ctx context.Context, r *sip.Request, progress func(*sip.Response), done func(*sip.Response, error)) {
	l.conn.Send(ctx, r, progress, done)
}

// uri is the address of this end of the connection, for Contact and
// Record-Route: as an address and not a name, so that a client finds its open
// connection again without asking DNS.
func (l *flow) uri(user, params string) string {
	at := l.conn.LocalAddr().String()
	if _, _, err := net.SplitHostPort(at); err != nil {
		at = l.fe.host
	}
	if user != "" {
		at = user + "@" + at
	}
	transport := "tls"
	if l.transport == "TCP" {
		transport = "tcp"
	}
	return "sip:" + at + ";transport=" + transport + params
}
