package lab

import (
	"errors"
	"strings"

	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

const (
	allow       = "INVITE, ACK, CANCEL, OPTIONS, BYE, MESSAGE, SUBSCRIBE, NOTIFY, PUBLISH, REGISTER, REFER, INFO, UPDATE, PRACK"
	allowEvents = "presence, presence.winfo, dialog, message-summary"
	supported   = "path, outbound, gruu, eventlist, recipient-list-subscribe"

	// bodyLimit is the largest body that is taken: with the headers it still
	// fits the 65,535 bytes that a message may have.
	bodyLimit = 60_000
)

// request is one request of a client on its way through the pool.
type request struct {
	*sip.Request
	in   *sipconn.Incoming
	flow *flow
	pool *pool
	user string // who proved to have sent it, "user@domain"; empty: not asked
	info string // Authentication-Info for the answer; empty: none

	local  func(code int, reason string) // gets the final answer of a request made in this process, which has no in and flow
	routed []string                      // what our Record-Route remembered: "connection.connection"
}

// handle takes a request from the connection l, in order. code other than 0
// refuses it (a fault).
func (p *pool) handle(l *flow, in *sipconn.Incoming, code int) {
	r := &request{Request: in.Request, in: in, flow: l, pool: p}
	if code != 0 {
		r.answer(refuse(code, "Refused by a fault"))
		return
	}
	if err := r.route(); err != nil {
		r.answer(err)
	}
}

// answer ends the request with a refusal.
func (r *request) answer(x *refusal) { r.reply(x.code, x.reason, sipconn.Body{}, x.headers...) }

// reply answers; an ACK gets none.
func (r *request) reply(code int, reason string, b sipconn.Body, headers ...sip.Header) {
	if r.IsAck() {
		return
	}
	if r.local != nil {
		if code >= 200 {
			r.local(code, reason)
		}
		return
	}
	if err := r.in.Reply(code, reason, b, headers...); err != nil {
		r.pool.log.Debug("reply not sent", "method", r.Method, "code", code, "err", err)
	}
}

// respond passes on an answer that came from elsewhere.
func (r *request) respond(res *sip.Response) {
	if r.local != nil {
		r.reply(res.StatusCode, res.Reason, sipconn.Body{})
		return
	}
	if err := r.in.Respond(res); err != nil {
		r.pool.log.Debug("response not sent", "method", r.Method, "code", res.StatusCode, "err", err)
	}
}

// route decides who handles the request: the server itself, the dialog it
// belongs to, or the one it is for.
func (r *request) route() *refusal {
	if x := strict(r.Request); x != nil {
		return x
	}
	if len(r.Body()) > bodyLimit {
		return refuse(413, "Request Entity Too Large", sip.NewHeader("Warning", `399 lab "at most 60000 bytes"`))
	}
	if r.MaxForwards().Val() == 0 && !r.IsAck() {
		return refuse(483, "Too Many Hops") // RFC 3261 §16.3.
	}
	if x := unsupported(r.Request, "Proxy-Require"); x != nil {
		return x
	}
	r.dropOwnRoutes()
	if tag, _ := r.To().Params.Get("tag"); tag != "" {
		return r.inDialog()
	}
	if r.Method == sip.REGISTER {
		return r.register()
	}
	if r.IsAck() {
		return nil // belongs to nothing
	}
	if r.Method == sip.OPTIONS && r.Recipient.User == "" {
		r.options()
		return nil
	}
	if x := r.authenticate(); x != nil {
		return x
	}
	return r.forSomebody()
}

// forSomebody handles a request outside dialogs of a known sender.
func (r *request) forSomebody() *refusal {
	if !r.pool.local(r.Recipient.Host) {
		return refuse(403, "No relaying")
	}
	if r.Recipient.User == "" {
		return refuse(484, "Address Incomplete")
	}
	if x := r.pool.policy.judge(r.Request); x != nil {
		return x
	}
	switch r.Method {
	case sip.SUBSCRIBE:
		return r.subscribe()
	case sip.PUBLISH:
		return r.publish()
	case sip.NOTIFY:
		return refuse(481, "Subscription Does Not Exist") // RFC 6665 §4.1.3.
	case sip.MESSAGE:
		return r.message()
	}
	return r.forward()
}

// options answers a question to the server itself (RFC 3261 §11.2).
func (r *request) options() {
	r.reply(200, "OK", sipconn.Body{}, sip.NewHeader("Allow", allow), sip.NewHeader("Allow-Events", allowEvents),
		sip.NewHeader("Accept", "application/pidf+xml, application/resource-lists+xml, text/plain"),
		sip.NewHeader("Accept-Encoding", "identity"), sip.NewHeader("Accept-Language", "en"),
		sip.NewHeader("Supported", supported))
}

// authenticate makes sure who sent the request, and that From says so
// (RFC 3261 §22): 401 to REGISTER, 407 to everything else, as Kamailio does.
func (r *request) authenticate() *refusal {
	asks, answers, code := "Proxy-Authenticate", "Proxy-Authorization", 407
	if r.Method == sip.REGISTER {
		asks, answers, code = "WWW-Authenticate", "Authorization", 401
	}
	a, c, stale, err := r.credentials(answers)
	var bad badCredentials
	switch {
	case errors.As(err, &bad):
		return forbidden(string(bad))
	case err != nil || stale:
		return r.challenge(code, asks, stale)
	}
	// RFC 3261 §22.4: the uri parameter names what the Request-URI names.
	if !r.names(c.params["uri"]) {
		return forbidden("Digest uri Is Not the Request-URI (RFC 3261 22.4)")
	}
	if !strings.EqualFold(userOf(r.From().Address), a.address) {
		return refuse(403, "Not your identity")
	}
	r.user, r.info = a.address, r.pool.digest.info(c, a.password, value(r.Request, "User-Agent"))
	return nil
}

// credentials finds and checks the first answer for our realm.
func (r *request) credentials(name string) (a account, c credentials, stale bool, err error) {
	err = errNoCredentials
	for _, h := range r.GetHeaders(name) {
		if c, err = r.pool.digest.parseCredentials(h.Value()); err == errNoCredentials {
			continue
		} else if err != nil {
			return a, c, false, err
		}
		a, stale, err = r.pool.whose(c, string(r.Method))
		return a, c, stale, err
	}
	return a, c, false, err
}

func (r *request) challenge(code int, name string, stale bool) *refusal {
	reason := "Unauthorized"
	if code == 407 {
		reason = "Proxy Authentication Required"
	}
	var h []sip.Header
	for _, c := range r.pool.digest.challengesFor(value(r.Request, "User-Agent"), stale) {
		h = append(h, sip.NewHeader(name, c))
	}
	return refuse(code, reason, h...)
}

// names says whether a digest uri means what the Request-URI means, parameters
// aside; the domain and this server's address are one.
func (r *request) names(uri string) bool {
	var u sip.Uri
	if sip.ParseUri(uri, &u) != nil {
		return false
	}
	return userOf(u) == userOf(r.Recipient) ||
		unescape(u.User) == unescape(r.Recipient.User) && r.pool.own(r.flow, u) && r.pool.own(r.flow, r.Recipient)
}

// dropOwnRoutes takes our own Route entries off the top (RFC 3261 §16.4) and
// keeps what they remember. Outside dialogs all go, as in our Kamailio recipe:
// a client's outbound proxy is this server under whatever name it knows.
func (r *request) dropOwnRoutes() {
	outside := !filled(r.To().Params, "tag")
	for h := r.Route(); h != nil && (outside || r.pool.own(r.flow, h.Address)); h = r.Route() {
		if id, is := strings.CutPrefix(h.Address.User, routeMark); is {
			r.routed = append(r.routed, id)
		}
		r.RemoveHeader("Route")
	}
}
