package sipconn

import (
	"context"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// tryingAfter: RFC 3261 §17.2.1 wants a 100 when no answer comes within 200 ms.
const tryingAfter = 200 * time.Millisecond

// serverTx is a server transaction (RFC 3261 §17.2, RFC 6026). All but the
// constant fields are guarded by Conn.mu.
//
// Over a reliable transport the transaction of a request other than INVITE
// ends with its final response (timer J is zero). So a second request with the
// same branch is a new one; some clients repeat a challenged request that way.
type serverTx struct {
	conn *Conn
	key  string
	req  *sip.Request // what the responses are made of
	tag  string       // ours, for To of the responses

	last   []byte // the last response, as written
	status int    // its status code
	timer  *time.Timer
	wait   time.Duration // until the next retransmission of a 2xx
	passed time.Duration // since the first 2xx
	ended  bool          // Context is over
	ctx    context.Context
	cancel context.CancelFunc
}

// serverKey matches requests to transactions (RFC 3261 §17.2.3).
func serverKey(r *sip.Request, method sip.RequestMethod) string {
	via := r.Via()
	branch, _ := via.Params.Get("branch")
	if strings.HasPrefix(branch, magicCookie) && branch != magicCookie {
		return branch + " " + via.SentBy() + " " + string(method)
	}
	// RFC 2543 peers have no branch of use; clients of LCS 2005 are such.
	return string(*r.CallID()) + " " + itoa(int(r.CSeq().SeqNo)) + " " +
		tag(r.From().Params) + " " + via.Value() + " " + string(method)
}

// request takes a request from the reader.
func (c *Conn) request(r *sip.Request, size int) {
	c.markSource(r.Via())
	switch r.Method {
	case sip.ACK:
		c.ackReceived(r, size)
		return
	case sip.CANCEL:
		c.cancelReceived(r)
		return
	case "BENOTIFY": // LCS: never answered, so there is no transaction
		in := &Incoming{Request: r, Conn: c, tx: &serverTx{conn: c, req: r}}
		c.in.push(size, func() { c.handle(in) })
		return
	}
	key := serverKey(r, r.Method)
	c.mu.Lock()
	if tx := c.servers[key]; tx != nil {
		last := tx.last
		c.mu.Unlock()
		if last != nil { // RFC 3261 §17.2.1, §17.2.2: a request sent again gets the same answer
			c.send(outgoing{text: last, size: len(last)})
		}
		return
	}
	tx := &serverTx{conn: c, key: key, req: r, tag: newTag()}
	if r.Method == sip.INVITE {
		tx.req = clone(r) // for 100 and 487, which we make while the handler may be changing r
	}
	full := c.pending >= maxPending || len(c.servers) >= 4*maxPending
	if !full {
		c.servers[key] = tx
		c.pending++
		if r.Method == sip.INVITE {
			tx.timer = time.AfterFunc(tryingAfter, tx.trying) // stopped by the first response
		}
	}
	c.mu.Unlock()
	in := &Incoming{Request: r, Conn: c, tx: tx}
	if full || !c.in.push(size, func() { c.handle(in) }) {
		_ = in.Reply(503, "Service Unavailable", Body{}, sip.NewHeader("Retry-After", "5")) // fails only with the connection
	}
}

// markSource notes where a request came from. RFC 3261 §18.2.1, RFC 3581 §4.
func (c *Conn) markSource(via *sip.ViaHeader) {
	host, port, err := hostPort(c.nc.RemoteAddr())
	if err != nil {
		return
	}
	rport := via.Params.Has("rport")
	if rport {
		via.Params.Add("rport", itoa(port))
	}
	if rport || via.Host != host {
		via.Params.Add("received", host)
	}
}

// ackReceived takes an ACK. One for a refused INVITE ends there; one for a 2xx
// belongs to a dialog, or to whoever a proxy passes it on to.
func (c *Conn) ackReceived(r *sip.Request, size int) {
	c.mu.Lock()
	tx := c.servers[serverKey(r, sip.INVITE)]
	if tx != nil && tx.status >= 300 {
		tx.stopTimer()
		delete(c.servers, tx.key)
		c.mu.Unlock()
		return
	}
	c.mu.Unlock()
	in := &Incoming{Request: r, Conn: c, tx: &serverTx{conn: c, req: r}}
	c.in.push(size, func() { c.handle(in) })
}

// cancelReceived answers a CANCEL and the INVITE it cancels (RFC 3261 §9.2).
// The reader does that at once, so a slow handler does not delay it.
func (c *Conn) cancelReceived(r *sip.Request) {
	c.mu.Lock()
	tx := c.servers[serverKey(r, sip.INVITE)]
	c.mu.Unlock()
	answer := &Incoming{Request: r, Conn: c, tx: &serverTx{conn: c, req: r, tag: newTag()}}
	if tx == nil {
		_ = answer.Reply(481, "Call/Transaction Does Not Exist", Body{})
		return
	}
	answer.tx.tag = tx.tag
	_ = answer.Reply(200, "OK", Body{})
	in := &Incoming{Request: tx.req, Conn: c, tx: tx}
	_ = in.Reply(487, "Request Terminated", Body{}) // ignored when it has a final response already
}

// handle gives a request to its dialog, its subscription or the handler. It
// runs on the dispatcher.
func (c *Conn) handle(in *Incoming) {
	if !c.decode(in) {
		return
	}
	f := c.o.Handle
	if d, s := c.belongsTo(in.Request); s != nil {
		f = s.notified
	} else if d != nil {
		f = d.received
	} else if c.unknownDialog(in.Request) {
		f = func(in *Incoming) { _ = in.Reply(481, "Call/Transaction Does Not Exist", Body{}) }
	} else if f == nil {
		f = func(in *Incoming) { _ = in.Reply(501, "Not Implemented", Body{}) }
	}
	c.guarded(string(in.Request.Method), func() { f(in) }, func() {
		_ = in.Reply(500, "Server Internal Error", Body{})
	})
}

// belongsTo finds the dialog or subscription of a request.
func (c *Conn) belongsTo(r *sip.Request) (*Dialog, *subscription) {
	id, local, remote := string(*r.CallID()), tag(r.To().Params), tag(r.From().Params)
	if local == "" {
		return nil, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.Method == sip.NOTIFY || r.Method == "BENOTIFY" {
		if s := c.subs[id+" "+local]; s != nil {
			return nil, s
		}
	}
	return c.dialogs[dialogKey(id, local, remote)], nil
}

// unknownDialog tells a request inside a dialog that we do not have
// (RFC 3261 §12.2.2). At a server it may be one to pass on.
func (c *Conn) unknownDialog(r *sip.Request) bool {
	return c.o.Self != "" && tag(r.To().Params) != ""
}

// trying answers 100 when the handler takes its time.
func (tx *serverTx) trying() {
	c := tx.conn
	c.mu.Lock()
	late := tx.status == 0
	c.mu.Unlock()
	if late {
		_ = (&Incoming{Request: tx.req, Conn: c, tx: tx}).Reply(100, "Trying", Body{})
	}
}

// record notes a response that is about to be sent; false when a final one was
// sent before.
func (tx *serverTx) record(status int, text []byte) bool {
	c := tx.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if tx.status >= 200 || status == 100 && tx.status > 0 {
		return false
	}
	tx.status, tx.last = status, text
	tx.stopTimer()
	if status < 200 {
		return true
	}
	tx.ended = true
	if tx.cancel != nil {
		tx.cancel()
	}
	if c.servers[tx.key] != tx {
		return true // it was never entered, or the connection has ended
	}
	c.pending--
	if tx.req.Method == sip.INVITE {
		tx.timer = time.AfterFunc(timeout64, tx.forget) // timer H, or L of RFC 6026
	} else {
		delete(c.servers, tx.key)
	}
	return true
}

// forget removes an answered INVITE.
func (tx *serverTx) forget() {
	tx.conn.mu.Lock()
	defer tx.conn.mu.Unlock()
	delete(tx.conn.servers, tx.key)
}

// stopTimer is called with Conn.mu held.
func (tx *serverTx) stopTimer() {
	if tx.timer != nil {
		tx.timer.Stop()
	}
}

// context makes the context of Incoming.Context when somebody asks for it.
func (tx *serverTx) context() context.Context {
	c := tx.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if tx.ctx == nil {
		tx.ctx, tx.cancel = context.WithCancel(c.ctx)
		if tx.ended {
			tx.cancel()
		}
	}
	return tx.ctx
}

// repeatUntilAck sends a 2xx again and again until its ACK comes. RFC 3261
// §13.3.1.4: also over TCP, because the ACK goes end to end. given up is
// called when none came in 32 s.
func (tx *serverTx) repeatUntilAck(gaveUp func()) {
	c := tx.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	tx.stopTimer()
	tx.wait = t1
	tx.timer = time.AfterFunc(tx.wait, func() { tx.repeat(gaveUp) }) // stopped by acked and by end
}

func (tx *serverTx) repeat(gaveUp func()) {
	c := tx.conn
	c.mu.Lock()
	if tx.wait == 0 || c.err != nil { // acknowledged meanwhile
		c.mu.Unlock()
		return
	}
	tx.passed += tx.wait
	if tx.passed >= timeout64 {
		delete(c.servers, tx.key)
		c.mu.Unlock()
		gaveUp()
		return
	}
	tx.wait = min(2*tx.wait, t2, timeout64-tx.passed)
	tx.timer.Reset(tx.wait)
	text := tx.last
	c.mu.Unlock()
	c.send(outgoing{text: text, size: len(text)})
}

// acked ends the repetitions.
func (tx *serverTx) acked() {
	c := tx.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	tx.wait = 0
	tx.stopTimer()
	if c.err == nil {
		tx.timer = time.AfterFunc(timeout64, tx.forget) // RFC 6026 timer L
	}
}
