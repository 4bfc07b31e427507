package lab

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// gruus makes and reads globally routable user agent URIs (RFC 5627). A
// temporary one carries user and instance sealed in its user part, so that
// handing out thousands costs no memory. It stays good while the pool lives;
// RFC 5627 §4.2 would end it with the Call-ID of the registration.
type gruus struct {
	domain string
	seal   cipher.AEAD
}

const temporaryMark = "tgruu."

func newGRUUs(domain string) *gruus {
	key := make([]byte, 16)
	rand.Read(key) // never fails
	block, _ := aes.NewCipher(key)
	seal, _ := cipher.NewGCM(block) // errors are for wrong key sizes only
	return &gruus{domain, seal}
}

// public is the GRUU that shows whose it is.
func (g *gruus) public(user, instance string) string { return "sip:" + user + ";gr=" + instance }

// temporary is one that does not; each call gives another.
func (g *gruus) temporary(user, instance string) string {
	nonce := make([]byte, g.seal.NonceSize())
	rand.Read(nonce) // never fails
	b := g.seal.Seal(nonce, nonce, []byte(user+" "+instance), nil)
	return "sip:" + temporaryMark + base64.RawURLEncoding.EncodeToString(b) + "@" + g.domain + ";gr"
}

// resolve says whom a Request-URI names and, for a GRUU, which instance. ok is
// false for a forged temporary GRUU.
func (g *gruus) resolve(u sip.Uri) (user, instance string, ok bool) {
	user = userOf(u)
	if !u.UriParams.Has("gr") {
		return user, "", true
	}
	if instance = param(u.UriParams, "gr"); instance != "" {
		return user, unescape(instance), true
	}
	sealed, is := strings.CutPrefix(u.User, temporaryMark)
	b, err := base64.RawURLEncoding.DecodeString(sealed)
	if !is || err != nil || len(b) < g.seal.NonceSize() {
		return "", "", false
	}
	n := g.seal.NonceSize()
	open, err := g.seal.Open(nil, b[:n], b[n:], nil)
	if err != nil {
		return "", "", false
	}
	user, instance, ok = strings.Cut(string(open), " ")
	return user, instance, ok
}
