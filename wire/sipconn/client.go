package sipconn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"communicator/wire/auth"
)

// RFC 3261 §17.1.1.1, table 4.
const (
	t1         = 500 * time.Millisecond
	t2         = 4 * time.Second
	timeout64  = 64 * t1 // timers B, F, H, L and M: 32 s
	maxTries   = 3       // of one request: proxy and server may both challenge, and a nonce may be stale
	maxWaiting = 64      // 1xx of one request not yet seen by its caller
	maxForks   = 16      // unwanted 2xx of one INVITE that are ended one by one
)

// clientTx is a client transaction (RFC 3261 §17.1, RFC 6026). All but the
// constant fields are guarded by Conn.mu.
type clientTx struct {
	conn     *Conn
	key      string
	req      *sip.Request                               // as sent; the writer signs it, others read it when ready
	plain    bool                                       // not to be signed: CANCEL
	progress func(*sip.Response)                        // may be nil
	accepted func(sent *sip.Request, res *sip.Response) // called by the reader for every 2xx; may be nil
	dialog   *Dialog                                    // that the request is in; may be nil
	done     chan struct{}                              // closed with finished
	timer    *time.Timer
	written  time.Duration // when it was made ready for the socket, as Conn.age

	sent, ready bool // given to the socket; signed and complete
	proceeding  bool // a 1xx came
	gone        bool // the caller's ctx ended
	cancelled   bool // CANCEL was sent
	claimed     bool // the final response is here and being dealt with
	finished    bool
	res         *sip.Response
	err         error
	tag         string          // of the 2xx that won
	hung        []string        // tags of unwanted 2xx that got their BYE
	waiting     []*sip.Response // 1xx that progress has not seen
	running     chan struct{}   // closed when the running progress returns
}

// Do sends r and waits for its final response. It adds its own Via on top of
// those r has (so a proxy uses it too), fills in what r lacks, signs it, and
// answers the challenge of our own server on this same connection; that of
// anybody else comes back as *StatusError. progress (may be nil) sees
// the 1xx responses, on the dispatcher, in order with everything else; all
// that came before the final response are seen before Do returns, none after.
//
// A final response of 300 or above comes back both as response and as
// *StatusError. Without a final response the error is ErrOffline (certainly
// not sent), ErrLost (the connection ended after it was written: outcome
// unknown), ErrNoAnswer (RFC 3261 timer B or F, 32 s: outcome unknown), or
// that of ctx. Cancelling ctx of an INVITE sends CANCEL; if the other side
// accepts it all the same, it gets ACK and BYE.
//
// The response comes back without the Via that Do added. r is changed: it has
// then the CSeq that was used last.
func (c *Conn) Do(ctx context.Context, r *sip.Request, progress func(*sip.Response)) (*sip.Response, error) {
	return c.do(ctx, r, progress, nil)
}

func (c *Conn) do(ctx context.Context, r *sip.Request, progress func(*sip.Response), accepted func(sent *sip.Request, res *sip.Response)) (*sip.Response, error) {
	relayed := r.Via() != nil
	if err := c.complete(r); err != nil {
		return nil, err
	}
	doubted := false
	for try := 1; ; try++ {
		tx := c.newClientTx(r)
		tx.progress = progress
		if accepted != nil {
			tx.accepted = accepted
		}
		res, err := c.exchange(ctx, tx)
		if err != nil {
			return nil, err
		}
		if c.o.Auth != nil {
			if err := c.o.Auth.Verify(tx.req, res); err != nil {
				return res, err
			}
		}
		if res.StatusCode < 300 {
			return res, nil
		}
		failed := statusError(res)
		if c.o.Auth == nil || relayed || res.StatusCode != 401 && res.StatusCode != 407 || try == maxTries {
			return res, failed
		}
		err = c.o.Auth.Challenge(tx.req, res)
		if errors.Is(err, auth.ErrStranger) && !doubted {
			doubted, err = true, c.askOurServer(ctx, tx.req, res)
		}
		if errors.Is(err, auth.ErrStranger) {
			return res, failed
		}
		if err != nil {
			return res, fmt.Errorf("%w (%w)", err, failed)
		}
		renumber(r, tx.dialog) // RFC 3261 §8.1.3.5: same Call-ID, From and To, CSeq one higher
	}
}

// renumber gives r the next CSeq: its dialog's, or one more than it had.
func renumber(r *sip.Request, d *Dialog) {
	if d != nil {
		r.CSeq().SeqNo = d.nextSeq()
		return
	}
	r.CSeq().SeqNo++
}

func (c *Conn) newClientTx(r *sip.Request) *clientTx {
	via := c.newVia()
	req := clone(r)
	req.PrependHeader(via)
	branch, _ := via.Params.Get("branch")
	tx := &clientTx{conn: c, key: branch + " " + string(r.Method), req: req, done: make(chan struct{})}
	tx.dialog = c.dialogOf(string(*r.CallID()), tag(r.From().Params), tag(r.To().Params))
	if tx.dialog != nil && r.Method == sip.INVITE {
		tx.accepted = tx.dialog.refreshed
	}
	return tx
}

// exchange sends the request of tx and waits for what comes of it.
func (c *Conn) exchange(ctx context.Context, tx *clientTx) (*sip.Response, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !c.begin(tx) {
		return nil, ErrOffline
	}
	c.sendWhenRoom(ctx, tx)
	return c.await(ctx, tx)
}

// begin enters tx in the table; false when the connection has ended.
func (c *Conn) begin(tx *clientTx) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return false
	}
	c.clients[tx.key] = tx
	tx.timer = time.AfterFunc(timeout64, tx.expire) // stopped by finish and lose
	return true
}

// await waits for what comes of a transaction that has begun.
func (c *Conn) await(ctx context.Context, tx *clientTx) (*sip.Response, error) {
	select {
	case <-tx.done:
	case <-ctx.Done():
		if c.abandon(tx) {
			return nil, ctx.Err()
		}
		<-tx.done // the final response came at the same moment
	}
	c.runProgress(tx)
	if tx.res != nil && tx.dialog != nil { // both are constant since done was closed
		tx.dialog.answered(tx.req, tx.res)
	}
	return tx.res, tx.err
}

// expire is timer B or F, and for an accepted INVITE timer M.
func (tx *clientTx) expire() {
	c := tx.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	c.finish(tx, nil, ErrNoAnswer)
	delete(c.clients, tx.key)
}

// finish ends the wait of Do. The caller holds c.mu.
func (c *Conn) finish(tx *clientTx, res *sip.Response, err error) {
	if tx.finished {
		return
	}
	tx.finished, tx.res, tx.err = true, res, err
	close(tx.done)
	if tx.req.Method != sip.INVITE || res == nil {
		tx.timer.Stop()
		delete(c.clients, tx.key)
		return
	}
	// RFC 6026 §7.2, timer M: more 2xx may come (and, from sloppy peers, the same refusal again).
	tx.timer.Reset(timeout64)
}

// lose ends tx with its connection. The caller holds c.mu.
func (tx *clientTx) lose() {
	tx.timer.Stop()
	if tx.finished {
		return
	}
	tx.finished, tx.err = true, ErrOffline
	if tx.sent {
		tx.err = ErrLost
	}
	close(tx.done)
}

// abandon lets go of a transaction whose caller has given up; false when its
// final response is there already.
func (c *Conn) abandon(tx *clientTx) bool {
	c.mu.Lock()
	if tx.claimed || tx.finished {
		c.mu.Unlock()
		return false
	}
	tx.gone, tx.waiting = true, nil
	running, ringing := tx.running, false
	if tx.req.Method == sip.INVITE && tx.sent {
		ringing = tx.proceeding // RFC 3261 §9.1: CANCEL only after a provisional response
	} else {
		tx.timer.Stop()
		delete(c.clients, tx.key)
	}
	c.mu.Unlock()
	if ringing {
		c.cancel(tx)
	}
	if running != nil {
		<-running
	}
	return true
}

// cancel sends CANCEL for tx, once.
func (c *Conn) cancel(tx *clientTx) {
	c.mu.Lock()
	again := tx.cancelled || !tx.ready
	tx.cancelled = true
	if !again {
		tx.timer.Reset(timeout64) // RFC 3261 §9.1: the INVITE is over 64*T1 after the CANCEL
	}
	c.mu.Unlock()
	if again {
		return
	}
	r := follower(tx.req, sip.CANCEL)
	r.AppendHeader(sip.HeaderClone(tx.req.To()))
	if err := c.sendMessage(r); err != nil {
		c.log.Debug("cancel", "error", err)
	}
}

// follower makes the CANCEL or ACK that belongs to the transaction of an
// INVITE: its top Via, its routes and its CSeq number (RFC 3261 §9.1, §17.1.1.3).
func follower(invite *sip.Request, method sip.RequestMethod) *sip.Request {
	r := sip.NewRequest(method, invite.Recipient)
	r.AppendHeader(sip.HeaderClone(invite.Via()))
	for _, h := range invite.GetHeaders("Route") {
		r.AppendHeader(sip.HeaderClone(h))
	}
	hops := sip.MaxForwardsHeader(70)
	r.AppendHeader(&hops)
	r.AppendHeader(sip.HeaderClone(invite.From()))
	r.AppendHeader(sip.HeaderClone(invite.CallID()))
	r.AppendHeader(&sip.CSeqHeader{SeqNo: invite.CSeq().SeqNo, MethodName: method})
	return r
}

// response takes a response from the reader.
func (c *Conn) response(res *sip.Response) {
	branch, _ := res.Via().Params.Get("branch")
	key := branch + " " + string(res.CSeq().MethodName)
	c.mu.Lock()
	tx := c.clients[key]
	if tx == nil || !tx.ready {
		c.mu.Unlock()
		c.log.Debug("response without a request", "status", res.StatusCode, "branch", branch)
		return
	}
	res.RemoveHeader("Via")
	if res.Via() != nil && len(tx.req.GetHeaders("Via")) == 1 { // RFC 3261 §8.1.3.3: meant for somebody else
		c.mu.Unlock()
		return
	}
	if res.StatusCode < 200 {
		c.provisional(tx, res)
		return
	}
	first, gone := !tx.claimed && !tx.finished, tx.gone
	tx.claimed = true
	if first && res.IsSuccess() {
		tx.tag = tag(res.To().Params)
	}
	again := !first && res.IsSuccess() && tag(res.To().Params) == tx.tag
	c.mu.Unlock()
	switch {
	case tx.req.Method == sip.INVITE && !res.IsSuccess():
		c.ackRefusal(tx, res)
	case tx.req.Method == sip.INVITE && (gone || !first && !again):
		c.hangUp(tx, res)
	case tx.accepted != nil && res.IsSuccess() && !gone && (first || again):
		tx.accepted(tx.req, res)
	}
	c.mu.Lock()
	c.finish(tx, res, nil)
	c.mu.Unlock()
}

// provisional queues a 1xx for the caller. It is called with c.mu held and releases it.
func (c *Conn) provisional(tx *clientTx, res *sip.Response) {
	if tx.req.Method == sip.INVITE && !tx.proceeding && !tx.finished {
		tx.timer.Stop() // RFC 3261 §17.1.1.2: ringing may take its time
	}
	tx.proceeding = true
	gone := tx.gone
	show := tx.progress != nil && !tx.finished && !gone && len(tx.waiting) < maxWaiting
	if show {
		tx.waiting = append(tx.waiting, res)
	}
	c.mu.Unlock()
	if show {
		c.in.add(func() { c.runProgress(tx) })
	}
	if gone {
		c.cancel(tx)
	}
}

// runProgress shows the waiting 1xx to the caller, one at a time. It is run by
// the dispatcher, and by Do itself when the final response is there, because
// Do may have been called on the dispatcher.
func (c *Conn) runProgress(tx *clientTx) {
	for {
		c.mu.Lock()
		running := tx.running
		if running == nil && (len(tx.waiting) == 0 || tx.gone) {
			c.mu.Unlock()
			return
		}
		if running != nil {
			c.mu.Unlock()
			<-running
			continue
		}
		res := tx.waiting[0]
		tx.waiting = tx.waiting[1:]
		tx.running = make(chan struct{})
		c.mu.Unlock()
		c.guarded("progress", func() { tx.progress(res) }, nil)
		c.mu.Lock()
		close(tx.running)
		tx.running = nil
		c.mu.Unlock()
	}
}

// ackRefusal acknowledges a final response that is not a 2xx (RFC 3261 §17.1.1.3).
func (c *Conn) ackRefusal(tx *clientTx, res *sip.Response) {
	ack := follower(tx.req, sip.ACK)
	ack.AppendHeader(sip.HeaderClone(res.To()))
	if err := c.sendMessage(ack); err != nil {
		c.log.Debug("ack", "error", err)
	}
}

// hangUp acknowledges an unwanted 2xx and ends its dialog: a fork that came
// second (RFC 3261 §13.2.2.4), or an acceptance that crossed our CANCEL.
func (c *Conn) hangUp(tx *clientTx, res *sip.Response) {
	d := c.newDialog(tx.req, res)
	d.ack(tx.req)
	c.mu.Lock()
	id := tag(res.To().Params)
	again := slices.Contains(tx.hung, id) || len(tx.hung) >= maxForks
	if !again {
		tx.hung = append(tx.hung, id)
	}
	c.mu.Unlock()
	if again {
		return
	}
	go func() { // ends with the answer, after 32 s, or with the connection
		if _, err := c.Do(c.ctx, d.NewRequest("BYE", Body{}), nil); err != nil {
			c.log.Debug("bye of an unwanted call", "error", err)
		}
	}()
}

// Write sends a message that has no transaction of its own: an ACK that a
// proxy passes on. A request gets a Via of ours on top.
func (c *Conn) Write(m sip.Message) error {
	if err := c.Err(); err != nil {
		return ErrOffline
	}
	if r, ok := m.(*sip.Request); ok {
		r = clone(r)
		r.PrependHeader(c.newVia())
		m = r
	}
	return c.sendMessage(m)
}

// statusError makes the error of a final response.
func statusError(res *sip.Response) *StatusError {
	e := &StatusError{Code: res.StatusCode, Reason: shown(res.Reason, 200)}
	for _, n := range [...]string{"ms-diagnostics-public", "ms-diagnostics", "Warning"} {
		h := res.GetHeader(n)
		if h == nil {
			continue
		}
		if t := quotedText(h.Value(), n != "Warning"); t != "" {
			e.Reason = t
			break
		}
	}
	if h := res.GetHeader("Warning"); h != nil {
		e.Warning = quotedText(h.Value(), false)
	}
	if h := res.GetHeader("Retry-After"); h != nil {
		e.RetryAfter = seconds(h.Value())
	}
	return e
}

// quotedText finds the text for people in a Warning (RFC 3261 §20.43) or an
// ms-diagnostics value (where it is the reason parameter).
func quotedText(v string, diagnostics bool) string {
	if diagnostics {
		i := strings.Index(strings.ToLower(v), "reason=")
		if i < 0 {
			return ""
		}
		v = v[i+len("reason="):]
	}
	open := strings.IndexByte(v, '"')
	if open < 0 {
		return ""
	}
	v = v[open+1:]
	for i := 0; i < len(v); i++ {
		switch v[i] {
		case '\\':
			i++
		case '"':
			return DisplayName(v[:i])
		}
	}
	return ""
}

// seconds reads the number that begins a value such as Retry-After (RFC 3261
// §20.33); 0 when there is none, at most a day.
func seconds(v string) time.Duration {
	n := 0
	for i := 0; i < len(v) && '0' <= v[i] && v[i] <= '9'; i++ {
		n = min(10*n+int(v[i]-'0'), 86400)
	}
	return time.Duration(n) * time.Second
}
