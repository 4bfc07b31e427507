package auth

import (
	"crypto/rand"
	"slices"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// Doubt judges a 401 or 407 to r, which is for somebody else. It may come from
// our own server or from whoever is at the other end, and nothing in it tells:
// a proxy passes both codes on as they are (RFC 3261 §16.7), and anybody knows
// our realm. Whoever chooses the nonce of an answer can search for the password
// with it, so a single answer is too many, and counting them protects nobody.
//
// So none is given to such a challenge itself. Instead the same is asked of
// nobody: an address of our domain made up just now, at which no stranger can
// be. A server that wants credentials for everybody asks for them there as
// well, and the nonce it gives there is certainly its own; Confirm takes it.
// One that does not ask there never made the challenge.
//
// nobody is that address, "user@domain"; empty when the realm is not our
// server's, and there is nothing to ask. again: r carried an older nonce than
// what has been agreed meanwhile, so it is simply to be signed and sent anew.
func (c *Client) Doubt(r *sip.Request, res *sip.Response) (nobody string, again bool) {
	ch, err := strongest(asked(res))
	if err != nil {
		return "", false
	}
	name := "Authorization"
	if res.StatusCode == 407 {
		name = "Proxy-Authorization"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	at := slices.IndexFunc(c.sessions, func(s *session) bool { return s.challenge.realm == ch.realm })
	if sent := sentTo(r, name, ch.realm); sent != nil && at >= 0 && c.sessions[at].challenge.nonce != sent["nonce"] {
		return "", true
	}
	if at < 0 && !strings.EqualFold(ch.realm, c.domain) {
		return "", false // many name their realm "asterisk" or so; REGISTER has taught us which is ours
	}
	return "nobody-" + strings.ToLower(rand.Text()) + "@" + c.domain, false
}

// Confirm takes what our server answered to the same request for nobody.
// ErrStranger unless it asks there in the same way as theirs did of r: with the
// same code, in the same realm. From then on its nonce counts.
func (c *Client) Confirm(r *sip.Request, theirs, ours *sip.Response) error {
	if ours.StatusCode != theirs.StatusCode {
		return ErrStranger
	}
	doubtful, err := strongest(asked(theirs))
	if err != nil {
		return ErrStranger
	}
	ch, err := strongest(asked(ours))
	if err != nil || ch.realm != doubtful.realm {
		return ErrStranger
	}
	if err := c.needPassword(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := begin(&c.sessions, ch)
	if ours.StatusCode == 407 {
		s.proxy[r.Method] = true
	} else {
		s.others[r.Method] = true
	}
	return nil
}
