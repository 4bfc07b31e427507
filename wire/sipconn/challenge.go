package sipconn

import (
	"context"

	"github.com/emiago/sipgo/sip"

	"communicator/wire/auth"
)

// askOurServer finds out whether our own server made the challenge theirs to r,
// which is for somebody else (auth.Client.Doubt): it asks the same of nobody.
// auth.ErrStranger: it did not, or does not say.
func (c *Conn) askOurServer(ctx context.Context, r *sip.Request, theirs *sip.Response) error {
	nobody, again := c.o.Auth.Doubt(r, theirs)
	if again {
		return nil
	}
	target, err := Target(nobody)
	if err != nil {
		return auth.ErrStranger
	}
	tx := c.newClientTx(sameFor(target, r))
	tx.plain = true // without credentials, so that a server that wants some says so
	ours, err := c.exchange(ctx, tx)
	if err != nil {
		return auth.ErrStranger
	}
	return c.o.Auth.Confirm(r, theirs, ours)
}

// sameFor makes a request like r, but for target and without what it is about.
func sameFor(target sip.Uri, r *sip.Request) *sip.Request {
	q := clone(r)
	for _, name := range [...]string{"Via", "Route", "Authorization", "Proxy-Authorization", "Content-Type", "Expires"} {
		for q.RemoveHeader(name) {
		}
	}
	q.SetBody(nil)
	switch r.Method {
	case sip.INVITE: // RFC 3261 §11: OPTIONS is answered as INVITE would be, and rings nowhere
		q.Method = sip.OPTIONS
	case sip.SUBSCRIBE:
		q.AppendHeader(sip.NewHeader("Expires", "0"))
	}
	q.Recipient = target
	q.ReplaceHeader(&sip.ToHeader{Address: target})
	q.From().Params = sip.HeaderParams{{K: "tag", V: newTag()}}
	id := sip.CallIDHeader(newTag())
	q.ReplaceHeader(&id)
	q.ReplaceHeader(&sip.CSeqHeader{SeqNo: 1, MethodName: q.Method})
	return q
}
