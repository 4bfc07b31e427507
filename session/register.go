package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"communicator/autoconfig"
	"communicator/plain"
	"communicator/wire/auth"
	"communicator/wire/pidf"
	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

const (
	registerFor  = 30 * time.Minute // asked for; the server's answer counts
	registerTime = 8 * time.Second  // a server that has not answered by then is passed over
	signOutTime  = 2 * time.Second  // for all of signing out
	farewell     = time.Second / 4  // of it for subscriptions that are not over when all else is
	maxMessage   = pidf.MaxSize     // bytes from the server at once: the states of some 3,000 contacts in one NOTIFY
)

var (
	errCircle  = errors.New("the servers send us on to each other without end")
	errExpired = errors.New("the server registered us for no time at all")
)

// registration is what one connection is registered as.
type registration struct {
	conn     *sipconn.Conn
	self     string
	target   string   // HOST:PORT, for people
	contact  string   // of this connection: the public GRUU that replaces it elsewhere is not registered (RFC 5627 §4.2)
	instance string   // URN of this installation, or of this one session
	gruu     string   // of this client; empty: the server gives none
	others   []string // of the user's other clients
	callID   string   // RFC 3261 §10.2: the same for all REGISTERs of one flow
	seq      uint32
	granted  time.Duration
}

// do sends one REGISTER and says what came of it; expires 0 takes it back.
func (r *registration) do(ctx context.Context, expires time.Duration) event {
	req, err := r.request(expires)
	if err != nil {
		return event{what: rejected, err: &SignInError{What: notSignedIn(r.self), Why: err.Error(), Remedy: "Check the sign-in address", Err: err}}
	}
	res, err := r.conn.Do(ctx, req, nil)
	r.seq = req.CSeq().SeqNo
	if least := tooBrief(res); least > expires && expires == registerFor { // once: a server that is never content gets no storm
		return r.do(ctx, least)
	}
	if err != nil {
		return r.failed(ctx, res, err)
	}
	r.granted = min(expires, granted(res, r.instance, r.contact, expires)) // more than was asked for would never be renewed
	if r.granted <= 0 && expires > 0 {
		return event{what: unavailable, err: errExpired}
	}
	if r.gruu = publicGRUU(res, r.instance, r.self); r.gruu != "" {
		r.conn.SetContact(r.gruu)
	}
	r.others = otherGRUUs(res, r.instance, r.self)
	often := pingFor(res)
	if r.conn.SetPing(often); often <= closePing {
		r.conn.Probe() // who is known to answer is soon missed
	}
	return event{what: accepted}
}

// pingFor is how often the connection is to be asked for a sign of life: at a
// server that speaks RFC 5626 (§6: Require says so, and perhaps a Flow-Timer)
// often, and more often than its Flow-Timer expects (§4.4.1).
func pingFor(res *sip.Response) time.Duration {
	if h := res.GetHeader("Flow-Timer"); h != nil {
		if d, ok := seconds(h.Value(), true); ok {
			return min(closePing, max(d*4/5, time.Second))
		}
	}
	if h := res.GetHeader("Require"); h != nil && strings.Contains(strings.ToLower(h.Value()), "outbound") {
		return closePing
	}
	return ping
}

// tooBrief is the shortest time for which the server registers anybody, if it
// said that what we asked for is too short (RFC 3261 §10.2.8).
func tooBrief(res *sip.Response) time.Duration {
	if res == nil || res.StatusCode != sip.StatusIntervalToBrief {
		return 0
	}
	h := res.GetHeader("Min-Expires")
	if h == nil {
		return 0
	}
	if d, ok := seconds(h.Value(), true); ok && d <= 24*time.Hour {
		return d
	}
	return 0
}

// request makes a REGISTER for the AOR (RFC 3261 §10.2, RFC 5626 §4.2, RFC 5627 §4.1).
func (r *registration) request(expires time.Duration) (*sip.Request, error) {
	req, err := r.conn.NewRequest("REGISTER", r.self, sipconn.Body{})
	if err != nil {
		return nil, err
	}
	_, domain, _ := strings.Cut(r.self, "@")
	if req.Recipient, err = sipconn.Target("sip:" + domain); err != nil {
		return nil, err
	}
	if r.callID == "" {
		r.callID = req.CallID().Value()
	}
	id := sip.CallIDHeader(r.callID)
	req.ReplaceHeader(&id)
	req.CSeq().SeqNo = r.seq + 1
	contact := &sip.ContactHeader{}
	if contact.Address, err = sipconn.Target(r.contact); err != nil {
		return nil, err
	}
	contact.Params = sip.HeaderParams{{K: "+sip.instance", V: `"<` + r.instance + `>"`}, {K: "reg-id", V: "1"}}
	req.AppendHeader(contact)
	req.AppendHeader(sip.NewHeader("Expires", strconv.Itoa(int(expires/time.Second))))
	req.AppendHeader(sip.NewHeader("Supported", supported))
	req.AppendHeader(sip.NewHeader("Allow", allow))
	return req, nil
}

// failed judges a REGISTER without success.
func (r *registration) failed(ctx context.Context, res *sip.Response, err error) event {
	if errors.Is(err, auth.ErrRejected) {
		return event{what: rejected, err: &SignInError{What: notSignedIn(r.self), Why: "the name or password was not accepted",
			Remedy: "Check the address and enter the password again", Err: err}}
	}
	if u, ok := errors.AsType[*auth.UnsupportedError](err); ok && len(u.Offered) == 0 {
		return event{what: rejected, err: &SignInError{What: notSignedIn(r.self), Why: "the server wants a password and does not say how to prove it (401 without a challenge)",
			Remedy: "Tell your administrator", Err: err}}
	} else if ok {
		return event{what: rejected, err: &SignInError{What: notSignedIn(r.self),
			Why:    "the server only offers sign-in methods that this program does not have: " + plain.Cut(plain.Line(strings.Join(u.Offered, ", ")), 100),
			Remedy: "Tell your administrator", Err: err}}
	}
	if p, ok := errors.AsType[*passwordError](err); ok {
		return event{what: rejected, err: &SignInError{What: notSignedIn(r.self), Why: p.Error(), Remedy: "Enter the password", Err: err}}
	}
	status, ok := errors.AsType[*sipconn.StatusError](err)
	switch {
	case !ok && ctx.Err() != nil:
		return event{what: unavailable, err: fmt.Errorf("%s has not answered within %v", r.target, registerTime)}
	case !ok:
		return event{what: unavailable, err: r.dropped(err)}
	case status.Code >= 300 && status.Code < 400:
		return event{what: redirected, err: status, contacts: contactsOf(res)}
	}
	return r.refused(status, err)
}

// dropped says why the connection ended instead of an answer, if it did.
func (r *registration) dropped(err error) error {
	ended := r.conn.Err()
	if ended == nil {
		return fmt.Errorf("%s: %w", r.target, err)
	}
	if words := autoconfig.AlertWords(ended); words != "" {
		return fmt.Errorf("%s did not answer the sign-in: it %s", r.target, words)
	}
	return fmt.Errorf("%s did not answer the sign-in: %w", r.target, ended)
}

// refused judges a final status of 400 and above.
func (r *registration) refused(s *sipconn.StatusError, err error) event {
	notNow := event{what: unavailable, err: fmt.Errorf("%s does not take us now: %w", r.target, s), after: s.RetryAfter}
	never := func(why, remedy string) event {
		return event{what: rejected, err: &SignInError{What: notSignedIn(r.self), Why: why, Remedy: remedy, Err: s}}
	}
	reason := cmp.Or(plain.Cut(plain.Line(s.Reason), 200), fmt.Sprintf("status %d, without a reason", s.Code))
	switch s.Code {
	case 401, 407:
		return never("the server's way of asking for the password was not understood: "+plain.Cut(plain.Line(err.Error()), 200), "Tell your administrator")
	case 403:
		return never("the server refuses it: "+reason, "Ask your administrator; the server may want another version of this program")
	case 404, 410:
		return never("the server does not know "+r.self+" ("+reason+")", "Check the sign-in address")
	case 408, 430, 480, 491: // RFC 5626 §11.6: 430 Flow Failed
		return notNow
	}
	if s.Code < 500 || s.Code == 501 || s.Code == 505 || s.Code >= 600 {
		return never(fmt.Sprintf("the server refuses it: %d %s", s.Code, reason), "Tell your administrator")
	}
	return notNow // RFC 3261 §21.5: another server may do
}

func notSignedIn(self string) string { return "Not signed in as " + self }

// contactsOf returns the Contact values of a response.
func contactsOf(res *sip.Response) []string {
	var list []string
	for _, h := range res.GetHeaders("Contact") {
		list = append(list, h.Value())
	}
	return list
}

// own finds our Contact among those of a 200 (RFC 3261 §10.3): by instance, else by URI.
func own(res *sip.Response, instance, contact string) *sip.ContactHeader {
	var byURI *sip.ContactHeader
	for _, h := range res.GetHeaders("Contact") {
		c, ok := h.(*sip.ContactHeader)
		if !ok {
			continue
		}
		if i, ok := param(c, "+sip.instance"); ok && strings.EqualFold(strings.Trim(i, "<>"), instance) {
			return c
		}
		if c.Address.String() == contact {
			byURI = c
		}
	}
	return byURI
}

// param reads a parameter without its quotes; names ignore case.
func param(c *sip.ContactHeader, name string) (string, bool) {
	for _, p := range c.Params {
		if strings.EqualFold(p.K, name) {
			return strings.Trim(p.V, `"`), true
		}
	}
	return "", false
}

// granted is for how long the server registered our Contact (RFC 3261 §10.2.4).
func granted(res *sip.Response, instance, contact string, asked time.Duration) time.Duration {
	if c := own(res, instance, contact); c != nil {
		if d, ok := seconds(param(c, "expires")); ok {
			return d
		}
	}
	if h := res.GetHeader("Expires"); h != nil {
		if d, ok := seconds(h.Value(), true); ok {
			return d
		}
	}
	return asked
}

func seconds(text string, there bool) (time.Duration, bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 31)
	return time.Duration(n) * time.Second, there && err == nil
}

// publicGRUU is the address by which others reach just this client (RFC 5627
// §4.2); empty: the server gave none, or one that is not ours.
func publicGRUU(res *sip.Response, instance, self string) string {
	c := own(res, instance, "")
	if c == nil {
		return ""
	}
	return gruuIn(c, self)
}

// otherGRUUs are the same of the user's other clients.
func otherGRUUs(res *sip.Response, instance, self string) (others []string) {
	mine := own(res, instance, "")
	for _, h := range res.GetHeaders("Contact") {
		if c, is := h.(*sip.ContactHeader); is && c != mine {
			if gruu := gruuIn(c, self); gruu != "" {
				others = append(others, gruu)
			}
		}
	}
	return others
}

// gruuIn is the public GRUU of one contact; empty: it has none, or not one of
// the user's.
func gruuIn(c *sip.ContactHeader, self string) string {
	text, _ := param(c, "pub-gruu")
	u, err := sipconn.Target(text)
	if err != nil || text == "" || !strings.EqualFold(u.User+"@"+u.Host, self) || !u.UriParams.Has("gr") {
		return ""
	}
	return text
}

// refreshAfter is when to register again: in time for a second try.
func refreshAfter(granted time.Duration) time.Duration {
	return max(granted-max(granted/5, min(granted/2, 5*time.Second)), time.Second/2)
}
