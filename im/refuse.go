package im

import (
	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

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
