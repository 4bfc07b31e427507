package session

import (
	"communicator/im"
	"communicator/plain"
	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

const (
	allow     = "ACK, BYE, CANCEL, INFO, INVITE, MESSAGE, NOTIFY, OPTIONS, UPDATE"
	accept    = im.Accept + ", application/sdp, application/pidf+xml, application/rlmi+xml, application/watcherinfo+xml, multipart/related"
	supported = "path, outbound, gruu, eventlist"
)

// handle takes one request from the server, on the dispatcher. There is one
// connection, to the server we signed in to, so nobody else can send any.
func (s *Session) handle(in *sipconn.Incoming) {
	if m := in.Request.Method; s.o.Deaf && (m == sip.MESSAGE || m == sip.OPTIONS) { // RFC 3261 §11.2: nobody is to learn from it what I take
		if err := in.Reply(480, "Temporarily Unavailable", sipconn.Body{}); err != nil {
			s.log.Debug("reply", "error", err)
		}
		return
	}
	if s.refused(in) || s.IM.Handle(in) || !s.o.Deaf && s.IM.Invited(in) {
		return
	}
	if server := s.dialect(); server != nil && server.Handle(in) {
		return
	}
	var err error
	switch r := in.Request; r.Method {
	case sip.ACK: // never answered
	case sip.OPTIONS: // RFC 3261 §11.2
		s.IM.Met(r)
		err = in.Reply(200, "OK", sipconn.Body{}, sip.NewHeader("Allow", allow), sip.NewHeader("Accept", accept),
			sip.NewHeader("Accept-Encoding", "identity"), sip.NewHeader("Accept-Language", "en"), sip.NewHeader("Supported", supported))
	case sip.INVITE:
		s.log.Info("invitation refused: this program takes messages only", "from", plain.Line(r.From().Address.String()))
		err = in.Reply(488, "Not Acceptable Here", sipconn.Body{}, sip.NewHeader("Warning", `399 communicator "this client takes text messages only"`))
	case sip.NOTIFY, sip.BYE, sip.UPDATE, sip.PRACK, sip.INFO, "BENOTIFY": // outside any dialog that we know
		err = in.Reply(481, "Call/Transaction Does Not Exist", sipconn.Body{})
	case sip.SUBSCRIBE, sip.PUBLISH, sip.REGISTER, sip.REFER, sip.MESSAGE:
		err = in.Reply(405, "Method Not Allowed", sipconn.Body{}, sip.NewHeader("Allow", allow)) // RFC 3261 §8.2.1
	default:
		err = in.Reply(501, "Not Implemented", sipconn.Body{}, sip.NewHeader("Allow", allow))
	}
	if err != nil {
		s.log.Debug("reply", "error", err)
	}
}
