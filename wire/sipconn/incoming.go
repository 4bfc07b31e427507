package sipconn

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// Incoming is a request from the other side, waiting for its answer.
// A request that is not answered when Handle returns may be answered later.
type Incoming struct {
	Request *sip.Request
	Conn    *Conn

	tx *serverTx
	d  *Dialog // the dialog it came in, if any
}

// Reply sends a response with an optional body and further headers. After a
// final response more calls are ignored. ACK and BENOTIFY are never answered.
func (in *Incoming) Reply(code int, reason string, b Body, headers ...sip.Header) error {
	if in.unanswerable() {
		return nil
	}
	res, err := in.response(code, reason, b, headers)
	if err != nil {
		return fmt.Errorf("reply %d to %s: %w", code, in.Request.Method, err)
	}
	if err := in.Respond(res); err != nil {
		return err
	}
	if in.d != nil && in.Request.Method == sip.INVITE && res.IsSuccess() {
		in.d.awaitAck(in.tx)
	}
	return nil
}

// Respond sends a response that was made elsewhere: a proxy passes one on
// after taking its own Via off (Do has done that).
func (in *Incoming) Respond(res *sip.Response) error {
	if in.unanswerable() {
		return nil
	}
	text, err := marshal(res)
	if err != nil {
		return fmt.Errorf("reply %d to %s: %w", res.StatusCode, in.Request.Method, err)
	}
	if in.Conn.Err() != nil {
		return ErrOffline
	}
	if in.tx.record(res.StatusCode, text) {
		in.Conn.send(outgoing{text: text, size: len(text)})
	}
	return nil
}

// Accept answers an INVITE or SUBSCRIBE with 200 and makes the dialog; inside
// a dialog it answers and returns that one. context.Canceled: the request was
// cancelled or answered before.
func (in *Incoming) Accept(b Body, headers ...sip.Header) (*Dialog, error) {
	c := in.Conn
	if in.Request.Method != sip.INVITE && in.Request.Method != sip.SUBSCRIBE {
		return nil, fmt.Errorf("accept: %s makes no dialog", in.Request.Method)
	}
	if in.d != nil {
		return in.d, in.Reply(200, "OK", b, headers...)
	}
	res, err := in.response(200, "OK", b, headers)
	if err != nil {
		return nil, fmt.Errorf("accept %s: %w", in.Request.Method, err)
	}
	text, err := marshal(res)
	if err != nil {
		return nil, fmt.Errorf("accept %s: %w", in.Request.Method, err)
	}
	d := c.newServerDialog(in.Request, in.tx.tag)
	if !c.enter(d) { // before the 200 leaves: the next request may be in it
		return nil, ErrOffline
	}
	if !in.tx.record(200, text) {
		d.end()
		return nil, context.Canceled // CANCEL was faster
	}
	if in.Request.Method == sip.INVITE {
		d.awaitAck(in.tx)
	}
	c.send(outgoing{text: text, size: len(text)})
	return d, nil
}

// Context ends when the request was cancelled (INVITE: 487 has then been
// sent), was answered finally, or the connection ended.
func (in *Incoming) Context() context.Context { return in.tx.context() }

func (in *Incoming) unanswerable() bool {
	return in.Request.Method == sip.ACK || in.Request.Method == "BENOTIFY"
}

// response makes a response to the request (RFC 3261 §8.2.6).
func (in *Incoming) response(code int, reason string, b Body, headers []sip.Header) (*sip.Response, error) {
	c, r := in.Conn, in.tx.req
	res := sip.NewResponse(code, reason)
	for _, h := range r.GetHeaders("Via") {
		res.AppendHeader(sip.HeaderClone(h))
	}
	dialog := r.Method == sip.INVITE || r.Method == sip.SUBSCRIBE || r.Method == sip.REFER
	if dialog && code > 100 && code < 300 { // RFC 3261 §12.1.1
		for _, h := range r.GetHeaders("Record-Route") {
			res.AppendHeader(sip.HeaderClone(h))
		}
	}
	res.AppendHeader(sip.HeaderClone(r.From()))
	to := sip.HeaderClone(r.To()).(*sip.ToHeader)
	if code > 100 && !to.Params.Has("tag") {
		to.Params.Add("tag", in.tx.tag)
	}
	res.AppendHeader(to)
	res.AppendHeader(sip.HeaderClone(r.CallID()))
	res.AppendHeader(sip.HeaderClone(r.CSeq()))
	if t := r.GetHeader("Timestamp"); t != nil && code == 100 { // RFC 3261 §8.2.6.1
		res.AppendHeader(sip.HeaderClone(t))
	}
	var own bool
	for _, h := range headers {
		if !isToken(h.Name()) {
			return nil, fmt.Errorf("bad header name %q", h.Name())
		}
		own = own || strings.EqualFold(h.Name(), "Contact")
		res.AppendHeader(h)
	}
	if (dialog || r.Method == sip.UPDATE) && code > 100 && code < 300 && !own {
		contact, err := c.contactHeader()
		if err != nil {
			return nil, err
		}
		res.AppendHeader(contact)
	}
	if c.o.UserAgent != "" && tag(r.To().Params) == "" { // within a dialog it has been said
		res.AppendHeader(sip.NewHeader("Server", c.o.UserAgent))
	}
	b.put(res)
	return res, nil
}

func itoa(n int) string { return strconv.Itoa(n) }
