package sipconn

import (
	"context"

	"github.com/emiago/sipgo/sip"
)

// Send is Do for a proxy, which must keep the order and must not wait: r is
// queued for the writer before Send returns, and done is called once with what
// Do would return, on another goroutine. It answers no challenges, and it does
// not wait for room: a peer that does not read loses its connection instead.
func (c *Conn) Send(ctx context.Context, r *sip.Request, progress func(*sip.Response), done func(*sip.Response, error)) {
	err := c.complete(r)
	if err == nil {
		err = ctx.Err()
	}
	var tx *clientTx
	if err == nil {
		tx = c.newClientTx(r)
		tx.progress = progress
		if c.begin(tx) {
			c.send(tx.outgoing())
		} else {
			err = ErrOffline
		}
	}
	go func() { // ends with the answer, ctx or the connection
		if err != nil {
			done(nil, err)
			return
		}
		res, err := c.await(ctx, tx)
		if err == nil && res.StatusCode >= 300 {
			err = statusError(res)
		}
		done(res, err)
	}()
}
