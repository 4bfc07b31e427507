package lab

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// nonceLife is how long an answer to a challenge is good.
const nonceLife = time.Hour

// digest challenges and checks (RFC 7616, RFC 8760 for SIP). Its nonces carry
// their own time and seal, so they hold on every front end and cost no memory
// until somebody answers them.
type digest struct {
	realm      string
	algorithms []string // offered, in order of preference
	secret     []byte
	now        func() time.Time

	mu      sync.Mutex
	counts  map[string]*counts // by nonce
	cleaned time.Time          // when old ones were thrown away
}

// counts are the nc values seen with one nonce: the highest, and which of the
// 64 below it.
type counts struct {
	since time.Time
	high  uint64
	seen  uint64
}

func newDigest(realm string, now func() time.Time) *digest {
	secret := make([]byte, 32)
	rand.Read(secret) // never fails
	return &digest{realm: realm, algorithms: []string{"SHA-256", "MD5"}, secret: secret, now: now,
		counts: map[string]*counts{}, cleaned: now()}
}

var (
	// errNoCredentials: there is no answer for our realm yet.
	errNoCredentials = errors.New("no credentials")
	// errWrongPassword: the answer does not match, or nobody has this name.
	errWrongPassword = errors.New("wrong name or password")
)

// badCredentials is an answer that breaks the rules; the text names the rule.
type badCredentials string

func (b badCredentials) Error() string { return string(b) }

// challenges returns one Digest challenge per algorithm, all with one nonce
// (RFC 8760 §2.3: the preferred one first).
func (d *digest) challenges(stale bool) []string {
	nonce := d.nonce()
	var all []string
	for _, a := range d.algorithms {
		c := fmt.Sprintf(`Digest realm="%s", nonce="%s", algorithm=%s, qop="auth"`, d.realm, nonce, a)
		if stale {
			c += ", stale=true"
		}
		all = append(all, c)
	}
	return all
}

// challengesFor leaves out all but MD5 for clients that give up at the sight of
// another algorithm: baresip 1.0.0 wherever it stands, sipp 3.6 when it comes
// first (both seen), and the SIMPLE plug-in of Pidgin, which knows MD5 only.
func (d *digest) challengesFor(agent string, stale bool) []string {
	all := d.challenges(stale)
	agent = strings.ToLower(agent)
	if !slices.ContainsFunc([]string{"baresip", "sipp", "purple"}, func(a string) bool { return strings.Contains(agent, a) }) {
		return all
	}
	if i := slices.IndexFunc(all, func(c string) bool { return strings.Contains(c, "algorithm=MD5") }); i >= 0 {
		return all[i : i+1]
	}
	return all
}

// nonce is time, random bytes and a seal over both.
func (d *digest) nonce() string {
	b := make([]byte, 16, 32)
	binary.BigEndian.PutUint64(b, uint64(d.now().UnixNano()))
	rand.Read(b[8:])
	return base64.RawURLEncoding.EncodeToString(append(b, d.seal(b)...))
}

func (d *digest) seal(b []byte) []byte {
	m := hmac.New(sha256.New, d.secret)
	m.Write(b)
	return m.Sum(nil)[:16]
}

// age says how old a nonce of ours is; false: it is none.
func (d *digest) age(nonce string) (time.Duration, bool) {
	b, err := base64.RawURLEncoding.DecodeString(nonce)
	if err != nil || len(b) != 32 || !hmac.Equal(b[16:], d.seal(b[:16])) {
		return 0, false
	}
	return d.now().Sub(time.Unix(0, int64(binary.BigEndian.Uint64(b)))), true
}

// credentials are the parameters of an Authorization header.
type credentials struct {
	params map[string]string
	hash   func() hash.Hash
}

// parseCredentials reads a Digest Authorization value. errNoCredentials when it
// is of another scheme or realm.
func (d *digest) parseCredentials(value string) (credentials, error) {
	c := credentials{}
	scheme, rest, _ := strings.Cut(strings.TrimSpace(value), " ")
	if !strings.EqualFold(scheme, "Digest") {
		return c, errNoCredentials
	}
	var ok bool
	if c.params, ok = parseParams(rest); !ok {
		return c, badCredentials("Malformed Digest Credentials (RFC 7616 3.4)")
	}
	if c.params["realm"] != d.realm {
		return c, errNoCredentials
	}
	for _, must := range []string{"username", "nonce", "uri", "response"} {
		if c.params[must] == "" {
			return c, badCredentials("Digest Credentials Without " + must + " (RFC 7616 3.4)")
		}
	}
	// RFC 7616 §3.4: qop is sent when the challenge had it, and then cnonce and nc.
	if c.params["qop"] != "auth" || c.params["cnonce"] == "" || len(c.params["nc"]) != 8 {
		return c, badCredentials("Digest Credentials Without qop=auth, cnonce or nc (RFC 7616 3.4)")
	}
	c.hash = hashes(c.params["algorithm"])
	if c.hash == nil || !d.offers(c.params["algorithm"]) {
		return c, badCredentials("Digest Algorithm Not Offered (RFC 7616 3.4)")
	}
	return c, nil
}

func (d *digest) offers(algorithm string) bool {
	if algorithm == "" {
		algorithm = "MD5" // RFC 7616 §3.4.
	}
	for _, a := range d.algorithms {
		if strings.EqualFold(a, algorithm) {
			return true
		}
	}
	return false
}

// hashes returns the hash function of an algorithm; nil: unknown.
func hashes(algorithm string) func() hash.Hash {
	switch strings.ToUpper(algorithm) {
	case "MD5", "":
		return md5.New
	case "SHA-256":
		return sha256.New
	case "SHA-512-256":
		return sha512.New512_256
	}
	return nil
}

// check compares the response with the one that password gives. stale: right
// password, but an old nonce, or one that came with this nc before.
func (d *digest) check(c credentials, method, password string) (stale bool, err error) {
	if subtle.ConstantTimeCompare([]byte(c.response(method, password)), []byte(strings.ToLower(c.params["response"]))) != 1 {
		return false, errWrongPassword
	}
	age, ours := d.age(c.params["nonce"])
	return !ours || age > nonceLife || !d.count(c.params["nonce"], c.params["nc"]), nil
}

// count notes a nonce and its count; false: they came before (RFC 7616 §3.4:
// nc is higher each time). They may overtake each other on different
// connections, so up to 64 that are late pass.
func (d *digest) count(nonce, nc string) bool {
	n, err := strconv.ParseUint(nc, 16, 32)
	if err != nil || n == 0 {
		return false
	}
	now := d.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	if now.Sub(d.cleaned) > nonceLife {
		maps.DeleteFunc(d.counts, func(_ string, c *counts) bool { return now.Sub(c.since) > nonceLife })
		d.cleaned = now
	}
	c := d.counts[nonce]
	if c == nil {
		c = &counts{since: now}
		d.counts[nonce] = c
	}
	if n > c.high {
		c.seen = c.seen<<(n-c.high) | 1<<(n-c.high-1) // bit 0 stands for the one below the highest
		if c.high == 0 {
			c.seen = 0
		}
		c.high = n
		return true
	}
	bit := uint64(1) << (c.high - n - 1)
	if n == c.high || c.high-n > 64 || c.seen&bit != 0 {
		return false
	}
	c.seen |= bit
	return true
}

// response is the request-digest of RFC 7616 §3.4.1; with an empty method that
// of Authentication-Info (§3.5).
func (c credentials) response(method, password string) string {
	p := c.params
	h := func(parts ...string) string {
		s := c.hash()
		s.Write([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(s.Sum(nil))
	}
	return h(h(p["username"], p["realm"], password), p["nonce"], p["nc"], p["cnonce"], p["qop"], h(method, p["uri"]))
}

// info is the Authentication-Info value that proves to the client that we know
// the password too, and gives it the nonce for its next request (RFC 7616
// §3.5). Not for linphone 5.1 (seen): its next answer would lack nonce or qop.
func (d *digest) info(c credentials, password, agent string) string {
	if strings.Contains(strings.ToLower(agent), "linphone") {
		return ""
	}
	return fmt.Sprintf(`qop=auth, rspauth="%s", cnonce="%s", nc=%s, nextnonce="%s"`,
		c.response("", password), quotable(c.params["cnonce"]), c.params["nc"], d.nonce())
}

// quotable escapes a value for a quoted string.
func quotable(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s)
}

// parseParams reads comma-separated name=value pairs with quoted or bare
// values. Names are lower-cased; false: malformed or a name twice.
func parseParams(s string) (map[string]string, bool) {
	params := map[string]string{}
	for s = strings.TrimLeft(s, " \t"); s != ""; {
		name, rest, found := strings.Cut(s, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if _, twice := params[name]; !found || name == "" || twice || len(params) > 20 {
			return nil, false
		}
		value, rest, ok := cutValue(strings.TrimLeft(rest, " \t"))
		rest = strings.TrimLeft(rest, " \t")
		if !ok || rest != "" && rest[0] != ',' {
			return nil, false
		}
		params[name] = value
		s = strings.TrimLeft(rest, ", \t")
	}
	return params, len(params) > 0
}

// cutValue takes a quoted string or a token off the front of s.
func cutValue(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		i := strings.IndexAny(s, ", \t")
		if i < 0 {
			i = len(s)
		}
		return s[:i], s[i:], i > 0
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:], true
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}
