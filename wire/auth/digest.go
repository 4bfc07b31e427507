package auth

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"fmt"
	"hash"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Limits on a challenge; more is refused as malformed.
const (
	maxChallenge  = 8 << 10 // bytes of one header value
	maxChallenges = 16      // in one response
	maxNonce      = 4 << 10
)

// algorithms are the hashes of RFC 7616 §3.2 and RFC 8760 §2.4, the strongest first.
var algorithms = []struct {
	name string
	make func() hash.Hash
}{
	{"SHA-512-256", sha512.New512_256},
	{"SHA-256", sha256.New},
	{"MD5", md5.New},
}

// challenge is a Digest challenge (RFC 7616 §3.3) that we can answer.
type challenge struct {
	realm, nonce, opaque string
	algorithm            string // as the server wrote it; empty means MD5
	rank                 int    // index in algorithms
	session              bool   // the -sess variant
	qop                  string // auth, auth-int, or empty: RFC 2069
	stale, utf8, hashed  bool   // hashed: userhash
}

// strongest chooses among the challenges in header values, each of which may
// hold several. RFC 8760 §2.4 has the server list them by preference; between
// equals the first wins.
func strongest(headers []string) (challenge, error) {
	var best *challenge
	var offered []string
	for _, text := range challenges(headers) {
		scheme, params := credentials(text)
		if !strings.EqualFold(scheme, "Digest") {
			offered = append(offered, shown(scheme))
			continue
		}
		ch, ok := digest(params)
		if !ok {
			offered = append(offered, strings.TrimSpace("Digest "+shown(params["algorithm"])))
			continue
		}
		if best == nil || ch.rank < best.rank {
			best = &ch
		}
	}
	if best == nil {
		return challenge{}, &UnsupportedError{offered}
	}
	return *best, nil
}

// digest reads the parameters of a Digest challenge; false when it cannot be answered.
func digest(p map[string]string) (ch challenge, ok bool) {
	ch = challenge{realm: p["realm"], nonce: p["nonce"], opaque: p["opaque"], algorithm: p["algorithm"],
		stale: strings.EqualFold(p["stale"], "true"), utf8: strings.EqualFold(p["charset"], "UTF-8"), hashed: strings.EqualFold(p["userhash"], "true")}
	if _, has := p["realm"]; !has || ch.nonce == "" || len(ch.nonce) > maxNonce {
		return ch, false
	}
	name := strings.ToUpper(ch.algorithm)
	if name == "" {
		name = "MD5" // RFC 7616 §3.3
	}
	name, ch.session = strings.CutSuffix(name, "-SESS")
	ch.rank = -1
	for i, a := range algorithms {
		if a.name == name {
			ch.rank = i
		}
	}
	offered, has := p["qop"]
	options := strings.FieldsFunc(strings.ToLower(offered), func(r rune) bool { return r == ',' || r == ' ' || r == '\t' })
	switch {
	case !has || len(options) == 0:
	case slices.Contains(options, "auth"):
		ch.qop = "auth"
	case slices.Contains(options, "auth-int"):
		ch.qop = "auth-int"
	default:
		return ch, false // RFC 7616 §3.3: unknown options must be ignored, and none is left
	}
	return ch, ch.rank >= 0
}

// answer is what goes into a response besides the challenge.
type answer struct {
	user, password string
	cnonce         string
	nc             uint32
	method, uri    string // no method: the server's own proof, rspauth
	body           []byte
}

// response computes request-digest (RFC 7616 §3.4.1; without qop RFC 2069 §2.1.2).
func (ch challenge) response(a answer) string {
	user, password := ch.text(a.user), ch.text(a.password)
	a1 := ch.hash(user + ":" + ch.realm + ":" + password)
	if ch.session { // RFC 7616 §3.4.2
		a1 = ch.hash(a1 + ":" + ch.nonce + ":" + a.cnonce)
	}
	a2 := a.method + ":" + a.uri
	if ch.qop == "auth-int" { // RFC 7616 §3.4.3
		a2 += ":" + ch.hash(string(a.body))
	}
	if ch.qop == "" {
		return ch.hash(a1 + ":" + ch.nonce + ":" + ch.hash(a2))
	}
	return ch.hash(fmt.Sprintf("%s:%s:%08x:%s:%s:%s", a1, ch.nonce, a.nc, a.cnonce, ch.qop, ch.hash(a2)))
}

// text puts a name or password into the normal form that UTF-8 asks for (RFC 7616 §4).
func (ch challenge) text(s string) string {
	if ch.utf8 {
		return norm.NFC.String(s)
	}
	return s
}

func (ch challenge) hash(s string) string {
	h := algorithms[ch.rank].make()
	h.Write([]byte(s))
	return fmt.Sprintf("%x", h.Sum(nil))
}

// credentials writes the value of an Authorization header (RFC 7616 §3.4).
func (ch challenge) credentials(a answer) string {
	var b strings.Builder
	user := a.user
	if ch.hashed { // RFC 7616 §3.4.4
		user = ch.hash(ch.text(a.user) + ":" + ch.realm)
	}
	fmt.Fprintf(&b, `Digest username=%s, realm=%s, nonce=%s, uri=%s, response="%s"`,
		quote(user), quote(ch.realm), quote(ch.nonce), quote(a.uri), ch.response(a))
	if ch.algorithm != "" {
		b.WriteString(", algorithm=" + ch.algorithm)
	}
	if ch.qop != "" {
		fmt.Fprintf(&b, `, qop=%s, nc=%08x, cnonce=%s`, ch.qop, a.nc, quote(a.cnonce))
	} else if ch.session {
		b.WriteString(", cnonce=" + quote(a.cnonce))
	}
	if ch.opaque != "" {
		b.WriteString(", opaque=" + quote(ch.opaque))
	}
	if ch.hashed {
		b.WriteString(", userhash=true")
	}
	return b.String()
}

// equal compares two proofs in constant time.
func equal(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(strings.ToLower(a)), []byte(b)) == 1
}
