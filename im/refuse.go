package im

import (
	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

// filtered says whether a refusal is that of a filter: what is not allowed, or not
// acceptable, with a text that says why (RFC 3261 §20.43). Without one it may be
// anything, for example an address that one may not write to.
func filtered(e *sipconn.StatusError) bool {
	switch e.Code {
	case sip.StatusForbidden, sip.StatusNotAcceptableHere, sip.StatusGlobalNotAcceptable:
		return e.Warning != ""
	}
	return false
}

// refuses refuses what nobody may send me; nothing of it is shown or kept. A copy
// that a server kept is taken from it unseen: its sender was told long ago that
// it was kept, and refused it would come again and again.
func (b *Book) refuses(in *sipconn.Incoming, from string, sent dating) bool {
	if b.o.Refuse == nil {
		return false
	}
	code, reason := b.o.Refuse(from)
	if code == 0 {
		return false
	}
	if sent.stored {
		code, reason = sip.StatusOK, "OK"
	}
	_ = in.Reply(code, reason, sipconn.Body{}) // no connection: nobody to tell
	return true
}
