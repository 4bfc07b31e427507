package sipconn

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/emiago/sipgo/sip"
)

// maxEarly is how many requests of a dialog wait for Dialog.Handle.
const maxEarly = 256

// Dialog is an INVITE or SUBSCRIBE dialog (RFC 3261 §12) on one connection;
// it ends with the connection.
type Dialog struct {
	conn   *Conn
	key    string
	callID string
	invite bool
	local  sip.FromHeader // From of our requests, with our tag
	peer   sip.ToHeader   // To of our requests, with the other side's tag
	remote sip.Message
	routes []sip.Uri
	done   chan struct{}

	mu      sync.Mutex
	target  sip.Uri
	seq     uint32 // of our last request
	peerSeq uint32 // of theirs
	handler func(*Incoming)
	waiting []*Incoming
	unacked []*serverTx
	ended   bool
}

func dialogKey(callID, local, remote string) string { return callID + " " + local + " " + remote }

// newDialog makes the dialog of a request of ours and its 2xx (RFC 3261 §12.1.2).
func (c *Conn) newDialog(r *sip.Request, res *sip.Response) *Dialog {
	d := &Dialog{
		conn: c, callID: string(*r.CallID()), invite: r.Method == sip.INVITE,
		local: *sip.HeaderClone(r.From()).(*sip.FromHeader), peer: *sip.HeaderClone(res.To()).(*sip.ToHeader),
		remote: res, done: make(chan struct{}), target: r.Recipient, seq: r.CSeq().SeqNo,
	}
	d.routes = routeSet(res)
	slices.Reverse(d.routes)
	d.key = dialogKey(d.callID, tag(d.local.Params), tag(d.peer.Params))
	d.retarget(res)
	return d
}

// newServerDialog makes the dialog of a request from the other side, which
// knows us by the tag local (RFC 3261 §12.1.1).
func (c *Conn) newServerDialog(r *sip.Request, local string) *Dialog {
	from, to := sip.HeaderClone(r.From()).(*sip.FromHeader), sip.HeaderClone(r.To()).(*sip.ToHeader)
	to.Params.Add("tag", local)
	d := &Dialog{
		conn: c, callID: string(*r.CallID()), invite: r.Method == sip.INVITE,
		local: to.AsFrom(), peer: from.AsTo(), remote: r, routes: routeSet(r), done: make(chan struct{}),
		target: *from.Address.Clone(), peerSeq: r.CSeq().SeqNo,
	}
	d.key = dialogKey(d.callID, local, tag(d.peer.Params))
	d.retarget(r)
	return d
}

// routeSet reads the Record-Route addresses in the order in which they stand.
func routeSet(m sip.Message) []sip.Uri {
	var us []sip.Uri
	for _, h := range m.GetHeaders("Record-Route") {
		if r, ok := h.(*sip.RecordRouteHeader); ok {
			us = append(us, *r.Address.Clone())
		}
	}
	return us
}

// retarget takes the remote target from a Contact (RFC 3261 §12.2.1.2). Some
// peers send none; then the old one stays.
func (d *Dialog) retarget(m sip.Message) {
	hs := m.GetHeaders("Contact")
	if len(hs) == 0 {
		return
	}
	if h, ok := hs[0].(*sip.ContactHeader); ok && !h.Address.Wildcard {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.target = *h.Address.Clone()
	}
}

// enter puts d into the table; false when the connection has ended.
func (c *Conn) enter(d *Dialog) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return false
	}
	c.dialogs[d.key] = d
	return true
}

func (c *Conn) dialogOf(callID, local, remote string) *Dialog {
	if remote == "" {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dialogs[dialogKey(callID, local, remote)]
}

// Invite sends an INVITE, follows its provisional answers and sends the ACK.
// Of a forked INVITE the first 2xx wins; later ones get ACK and BYE.
func (c *Conn) Invite(ctx context.Context, to string, b Body, progress func(*sip.Response)) (*Dialog, error) {
	r, err := c.NewRequest("INVITE", to, b)
	if err != nil {
		return nil, err
	}
	return c.InviteWith(ctx, r, progress)
}

// InviteWith is Invite with a request that NewRequest made and the caller
// completed.
func (c *Conn) InviteWith(ctx context.Context, r *sip.Request, progress func(*sip.Response)) (*Dialog, error) {
	if r.Method != sip.INVITE {
		return nil, errors.New("not an INVITE")
	}
	var d *Dialog // set by the reader before do returns
	_, err := c.do(ctx, r, progress, func(sent *sip.Request, res *sip.Response) {
		if d == nil {
			made := c.newDialog(sent, res)
			c.enter(made) // by the reader, so that it knows the next request already
			d = made
		}
		d.ack(sent)
	})
	if err != nil {
		return nil, err
	}
	return d, nil
}

// ack acknowledges the 2xx to invite (RFC 3261 §13.2.2.4): a request of its
// own along the route set, with the credentials of the INVITE.
func (d *Dialog) ack(invite *sip.Request) {
	r := d.request("ACK", invite.CSeq().SeqNo)
	for _, n := range [...]string{"Authorization", "Proxy-Authorization"} {
		for _, h := range invite.GetHeaders(n) {
			r.AppendHeader(sip.HeaderClone(h))
		}
	}
	r.PrependHeader(d.conn.newVia())
	r.SetBody(nil)
	if err := d.conn.sendMessage(r); err != nil {
		d.conn.log.Debug("ack", "error", err)
	}
}

// refreshed deals with the 2xx to an INVITE of ours inside the dialog.
func (d *Dialog) refreshed(r *sip.Request, res *sip.Response) {
	d.retarget(res)
	d.ack(r)
}

// answered looks at a final response to a request of ours inside the dialog.
func (d *Dialog) answered(r *sip.Request, res *sip.Response) {
	switch {
	case res.StatusCode == 481: // RFC 3261 §12.2.1.2
		d.end()
	case r.Method == sip.NOTIFY && subscriptionState(r).terminated() && res.StatusCode != 401 && res.StatusCode != 407:
		d.end() // RFC 6665 §4.2.2
	case res.IsSuccess() && (r.Method == sip.UPDATE || r.Method == sip.SUBSCRIBE):
		d.retarget(res)
	}
}

// Handle sets who gets the requests inside the dialog; before that they wait.
// BYE is answered here and seen as Done. An ACK is shown only if it has a body.
func (d *Dialog) Handle(f func(*Incoming)) {
	d.mu.Lock()
	d.handler = f
	early := len(d.waiting) > 0
	d.mu.Unlock()
	if early {
		d.conn.in.add(d.drain)
	}
}

// received takes a request inside the dialog, on the dispatcher.
func (d *Dialog) received(in *Incoming) {
	in.d = d
	r := in.Request
	if r.Method == sip.ACK {
		d.acknowledged()
		if len(r.Body()) == 0 {
			return
		}
	} else if !d.inOrder(r.CSeq().SeqNo) {
		_ = in.Reply(500, "CSeq Out of Order", Body{}) // RFC 3261 §12.2.2
		return
	}
	switch r.Method {
	case sip.INVITE, sip.UPDATE, sip.SUBSCRIBE, sip.NOTIFY:
		d.retarget(r)
	case sip.BYE:
		if d.invite {
			_ = in.Reply(200, "OK", Body{})
			d.end()
			return
		}
	}
	d.mu.Lock()
	full := len(d.waiting) >= maxEarly
	if !full {
		d.waiting = append(d.waiting, in)
	}
	d.mu.Unlock()
	if full {
		_ = in.Reply(503, "Service Unavailable", Body{})
		return
	}
	d.drain()
}

// inOrder notes their CSeq. The same number again is let pass: clients of
// LCS 2005 repeat a challenged request with it.
func (d *Dialog) inOrder(seq uint32) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if seq < d.peerSeq {
		return false
	}
	d.peerSeq = seq
	return true
}

// drain runs the handler for what waits, on the dispatcher.
func (d *Dialog) drain() {
	for {
		d.mu.Lock()
		f := d.handler
		if f == nil || len(d.waiting) == 0 {
			d.mu.Unlock()
			return
		}
		in := d.waiting[0]
		d.waiting = d.waiting[1:]
		d.mu.Unlock()
		d.conn.guarded(string(in.Request.Method), func() { f(in) }, func() {
			_ = in.Reply(500, "Server Internal Error", Body{})
		})
	}
}

// awaitAck repeats our 2xx until the ACK comes; without one the call is over
// (RFC 3261 §13.3.1.4).
func (d *Dialog) awaitAck(tx *serverTx) {
	d.mu.Lock()
	d.unacked = append(d.unacked, tx)
	d.mu.Unlock()
	tx.repeatUntilAck(func() {
		d.conn.log.Debug("no ACK", "call", d.callID)
		_ = d.Bye(d.conn.ctx) // over in any case
	})
}

func (d *Dialog) acknowledged() {
	d.mu.Lock()
	txs := d.unacked
	d.unacked = nil
	d.mu.Unlock()
	for _, tx := range txs {
		tx.acked()
	}
}

// NewRequest makes a request inside the dialog: route set, tags, CSeq, and the
// remote target as request URI.
func (d *Dialog) NewRequest(method string, b Body) *sip.Request {
	r := d.request(method, d.nextSeq())
	if wantsContact(r.Method) {
		if contact, err := d.conn.contactHeader(); err == nil {
			r.AppendHeader(contact)
		}
	}
	b.put(r)
	return r
}

func (d *Dialog) nextSeq() uint32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seq++
	return d.seq
}

// request makes the headers of RFC 3261 §12.2.1.1.
func (d *Dialog) request(method string, seq uint32) *sip.Request {
	d.mu.Lock()
	target := *d.target.Clone()
	d.mu.Unlock()
	target.Headers = nil
	routes := slices.Clone(d.routes)
	if len(routes) > 0 && !hasParam(routes[0].UriParams, "lr") { // a strict router of RFC 2543
		routes = append(routes[1:], target)
		target = *d.routes[0].Clone()
	}
	r := sip.NewRequest(sip.RequestMethod(method), target)
	for _, u := range routes {
		r.AppendHeader(&sip.RouteHeader{Address: *u.Clone()})
	}
	hops := sip.MaxForwardsHeader(70)
	r.AppendHeader(&hops)
	r.AppendHeader(sip.HeaderClone(&d.local))
	r.AppendHeader(sip.HeaderClone(&d.peer))
	id := sip.CallIDHeader(d.callID)
	r.AppendHeader(&id)
	r.AppendHeader(&sip.CSeqHeader{SeqNo: seq, MethodName: r.Method})
	return r
}

func hasParam(ps sip.HeaderParams, name string) bool {
	return slices.ContainsFunc(ps, func(p sip.HeaderKV) bool { return strings.EqualFold(p.K, name) })
}

// Do sends a request inside the dialog; see Conn.Do.
func (d *Dialog) Do(ctx context.Context, method string, b Body) (*sip.Response, error) {
	return d.conn.Do(ctx, d.NewRequest(method, b), nil)
}

// Remote is the 2xx (caller) or the INVITE or SUBSCRIBE (callee) that made the dialog.
func (d *Dialog) Remote() sip.Message { return d.remote }

// Bye ends an INVITE dialog. Whatever the answer, it is over.
func (d *Dialog) Bye(ctx context.Context) error {
	d.mu.Lock()
	over := d.ended
	d.mu.Unlock()
	if over {
		return nil
	}
	defer d.end()
	_, err := d.Do(ctx, "BYE", Body{})
	return err
}

// Done is closed when the dialog has ended: BYE either way, terminated
// subscription, or the end of the connection.
func (d *Dialog) Done() <-chan struct{} { return d.done }

func (d *Dialog) end() {
	d.mu.Lock()
	again := d.ended
	d.ended = true
	d.mu.Unlock()
	if again {
		return
	}
	d.acknowledged() // nothing is repeated in a dialog that is over
	c := d.conn
	c.mu.Lock()
	if c.dialogs[d.key] == d {
		delete(c.dialogs, d.key)
	}
	c.mu.Unlock()
	close(d.done)
}
