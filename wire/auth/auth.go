// Package auth proves who the user is to a SIP or XCAP server.
//
// Client holds what one user has agreed with one server: it answers
// challenges, signs later requests unasked, and checks the server's answers.
// Digest (RFC 7616, RFC 8760) is what it speaks; NTLM and Kerberos will come
// behind the same three methods. It does no I/O and reads no clock.
//
// Begin with NewClient and Client.Challenge.
package auth

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/emiago/sipgo/sip"
)

// ErrRejected: the server did not accept the name or password.
var ErrRejected = errors.New("name or password not accepted")

// ErrStranger: the challenge may come from somebody other than our server, so it
// gets no answer: with the answer they could search for the password.
var ErrStranger = errors.New("asked to sign in by a stranger")

// ErrNotGenuine: the server's proof that it knows the password is wrong
// (rspauth, RFC 7616 §3.5).
var ErrNotGenuine = errors.New("the server could not prove that it knows the password")

// UnsupportedError: the server offers no method that this program has.
type UnsupportedError struct{ Offered []string } // schemes and algorithms, as the server named them

func (e *UnsupportedError) Error() string {
	if len(e.Offered) == 0 {
		return "the server asks for sign-in but offers no method"
	}
	return "no usable sign-in method among " + strings.Join(e.Offered, ", ")
}

// maxRealms is how many realms of one server are kept; more are forgotten, oldest first.
const maxRealms = 8

// Client is one user's side of authentication with one server.
type Client struct {
	user, domain string
	ask          func() (string, error)

	mu       sync.Mutex
	asking   chan struct{} // closed when the running question for the password has its answer
	known    bool
	password string
	sessions []*session // SIP realms, the newest last
	http     []*session // HTTP realms, likewise
}

// session is what was agreed with one realm.
type session struct {
	challenge challenge
	call      string // Call-ID of the request that was challenged
	cnonce    string
	nc        uint32
	accepted  bool                       // the nonce has been good for an answer
	server    map[sip.RequestMethod]bool // methods that were challenged with 401
	proxy     map[sip.RequestMethod]bool // methods that were challenged with 407
	others    map[sip.RequestMethod]bool // methods whose requests for others our server itself challenges with 401
}

// NewClient makes a client for user (the part before the @) of domain;
// user@domain is also the address of record, whose requests end at our server.
// password is asked once, when the first challenge comes.
func NewClient(user, domain string, password func() (string, error)) *Client {
	return &Client{user: user, domain: domain, ask: password}
}

// Challenge takes a 401 or 407 to r and remembers how to answer it; the
// strongest offered algorithm is chosen. ErrRejected when r already carried an
// answer that was not merely stale; *UnsupportedError when nothing fits;
// ErrStranger when r is for somebody else, who may have made the challenge
// (Client.Doubt says what to do about that).
func (c *Client) Challenge(r *sip.Request, res *sip.Response) error {
	if !c.own(r) {
		return ErrStranger
	}
	ch, err := strongest(asked(res))
	if err != nil {
		return err
	}
	if c.rejected(r, ch, res.StatusCode) {
		return ErrRejected
	}
	if err := c.needPassword(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := begin(&c.sessions, ch)
	s.call = callID(r)
	if res.StatusCode == 407 {
		s.proxy[r.Method] = true
	} else {
		s.server[r.Method] = true
	}
	return nil
}

// asked returns the challenges of a 401 or 407.
func asked(res *sip.Response) []string {
	if res.StatusCode == 407 {
		return values(res, "Proxy-Authenticate")
	}
	return values(res, "WWW-Authenticate")
}

// own tells whether r ends at our own server: REGISTER, and what is for our own
// address. Within a dialog that is so for a subscription alone, which we began
// ourselves; a caller may have put our address into From.
func (c *Client) own(r *sip.Request) bool {
	if r.Method == sip.REGISTER {
		return true
	}
	to := r.To()
	if to == nil || !strings.EqualFold(to.Address.Host, c.domain) {
		return false
	}
	if _, dialog := to.Params.Get("tag"); dialog && r.Method != sip.SUBSCRIBE {
		return false
	}
	user, err := url.PathUnescape(to.Address.User)
	return err == nil && (user == c.user || to.Address.User == c.user)
}

func callID(r *sip.Request) string {
	if id := r.CallID(); id != nil {
		return string(*id)
	}
	return ""
}

// rejected tells whether ch refuses the credentials that r carried. A nonce
// that was good before has merely worn out, also where the server does not say
// stale=true: another front end of a pool may not know it. Likewise one that
// came with the challenge to another request: it may be good for such only.
func (c *Client) rejected(r *sip.Request, ch challenge, status int) bool {
	name := "Authorization"
	if status == 407 {
		name = "Proxy-Authorization"
	}
	sent := sentTo(r, name, ch.realm)
	if sent == nil || ch.stale {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, s := range c.sessions {
		if s.challenge.realm != ch.realm {
			continue
		}
		if s.challenge.nonce != sent["nonce"] {
			return false // another request has fetched a newer nonce meanwhile
		}
		if s.accepted || s.call != callID(r) {
			return false
		}
		c.sessions = slices.Delete(c.sessions, i, i+1)
		return true
	}
	return true
}

// sentTo finds the credentials for realm that r carries.
func sentTo(r *sip.Request, name, realm string) map[string]string {
	for _, v := range values(r, name) {
		if scheme, params := credentials(v); strings.EqualFold(scheme, "Digest") && params["realm"] == realm {
			return params
		}
	}
	return nil
}

// begin enters a challenge into list, in place of an older one of its realm.
func begin(list *[]*session, ch challenge) *session {
	s := &session{challenge: ch, cnonce: rand.Text(), server: map[sip.RequestMethod]bool{}, proxy: map[sip.RequestMethod]bool{}, others: map[sip.RequestMethod]bool{}}
	for i, old := range *list {
		if old.challenge.realm == ch.realm {
			s.server, s.proxy, s.others = old.server, old.proxy, old.others
			*list = slices.Delete(*list, i, i+1)
			break
		}
	}
	if *list = append(*list, s); len(*list) > maxRealms {
		*list = slices.Delete(*list, 0, 1)
	}
	return s
}

// Sign puts credentials on r where a challenge or an earlier success left a
// nonce to use. Called by the writer, directly before the bytes leave.
//
// Servers commonly ask for REGISTER as registrar (401) and for all else as
// proxy (407), with the same realm and nonces. So a realm that challenged
// anything is answered unasked as proxy on later requests, other than those it
// has challenged as server. What goes on to somebody else carries Authorization
// only where our server itself asked for it (Confirm): proxies leave that header
// for who is at the end (RFC 3261 §22.2).
func (c *Client) Sign(r *sip.Request) error {
	if r.Method == sip.ACK || r.Method == sip.CANCEL { // RFC 3261 §22.1: cannot be challenged
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	own := c.own(r)
	for _, s := range c.sessions {
		server := own && s.server[r.Method] || !own && s.others[r.Method]
		proxy := s.proxy[r.Method] || !server && r.Method != sip.REGISTER
		if !server && !proxy {
			continue
		}
		v, err := c.answer(s, string(r.Method), r.Recipient.String(), r.Body())
		if err != nil {
			return err
		}
		if server {
			r.AppendHeader(sip.NewHeader("Authorization", v))
		}
		if proxy {
			r.AppendHeader(sip.NewHeader("Proxy-Authorization", v))
		}
	}
	return nil
}

// answer makes credentials with the next nonce count. The caller holds c.mu.
func (c *Client) answer(s *session, method, uri string, body []byte) (string, error) {
	if strings.ContainsAny(c.user+uri, "\r\n\x00") {
		return "", errors.New("the user name or address holds a line break")
	}
	s.nc++
	a := answer{user: c.user, password: c.password, cnonce: s.cnonce, nc: s.nc, method: method, uri: uri, body: body}
	return s.challenge.credentials(a), nil
}

// Verify looks at a response: takes nextnonce, checks rspauth (RFC 7616 §3.5).
func (c *Client) Verify(r *sip.Request, res *sip.Response) error {
	if res.StatusCode == 401 || res.StatusCode == 407 {
		return nil
	}
	for _, pair := range [...][2]string{{"Authorization", "Authentication-Info"}, {"Proxy-Authorization", "Proxy-Authentication-Info"}} {
		for _, v := range values(r, pair[0]) {
			_, sent := credentials(v)
			var info map[string]string
			if vs := values(res, pair[1]); len(vs) > 0 {
				info = parameters(vs[0])
			}
			if err := c.verify(sent, info, res.Body()); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Client) verify(sent, info map[string]string, body []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.sessions {
		if s.challenge.realm != sent["realm"] || s.challenge.nonce != sent["nonce"] {
			continue
		}
		s.accepted = true
		if proof := info["rspauth"]; proof != "" {
			a := answer{user: c.user, password: c.password, cnonce: sent["cnonce"], nc: s.nc, uri: sent["uri"], body: body}
			if _, err := fmt.Sscanf(sent["nc"], "%x", &a.nc); sent["qop"] != "" && err != nil {
				return ErrNotGenuine
			}
			if !equal(proof, s.challenge.response(a)) {
				return ErrNotGenuine
			}
		}
		if next := info["nextnonce"]; next != "" && next != s.challenge.nonce && len(next) <= maxNonce {
			s.challenge.nonce, s.nc, s.accepted = next, 0, true
		}
		return nil
	}
	return nil
}

// Authorization answers the WWW-Authenticate values of an HTTP 401 (XCAP),
// giving the Authorization value for method and uri. Called again with the
// same values it counts the nonce up, so later requests need no new 401.
func (c *Client) Authorization(challenges []string, method, uri string, body []byte) (string, error) {
	ch, err := strongest(challenges)
	if err != nil {
		return "", err
	}
	if err := c.needPassword(); err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.http {
		if s.challenge.realm == ch.realm && s.challenge.nonce == ch.nonce {
			return c.answer(s, method, uri, body)
		}
	}
	return c.answer(begin(&c.http, ch), method, uri, body)
}

// needPassword asks for the password if nobody has; those who come meanwhile
// wait for the same answer.
func (c *Client) needPassword() error {
	for {
		c.mu.Lock()
		if c.known {
			c.mu.Unlock()
			return nil
		}
		asking := c.asking
		if asking == nil {
			c.asking = make(chan struct{})
			c.mu.Unlock()
			break
		}
		c.mu.Unlock()
		<-asking
	}
	p, err := c.ask()
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.asking)
	c.asking = nil
	if err != nil {
		return fmt.Errorf("password: %w", err)
	}
	c.password, c.known = p, true
	return nil
}

// values returns the values of a header in either kind of message.
func values(m sip.Message, name string) []string {
	var vs []string
	for _, h := range m.GetHeaders(name) {
		vs = append(vs, h.Value())
	}
	return vs
}
