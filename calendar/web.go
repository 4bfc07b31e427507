package calendar

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"communicator/plain"
	"communicator/wire/auth"
)

const (
	webTimeout   = 30 * time.Second // one request with its answer
	maxRedirects = 5
	maxTries     = 5 // of one request: each name, and nonces that have worn out
)

// web asks one calendar server over HTTPS. What belongs to the user goes to
// hosts inside the domain of the address and to the one that was set, and to
// no other.
type web struct {
	http   *http.Client
	host   string // that was set; empty: none
	domain string
	names  []account

	mu         sync.Mutex
	challenges []string // the latest
	current    int      // index in names
	good       bool     // the server has accepted it
	refused    bool     // it has accepted none: not to be tried again, that would lock the account
}

// account is one name by which the user may be known.
type account struct {
	name     string
	password func() (string, error)
	digest   *auth.Client
}

func newWeb(at *url.URL, c Config) *web {
	user, domain, _ := strings.Cut(c.User, "@")
	w := &web{host: strings.ToLower(at.Hostname()), domain: domain}
	names := []string{c.User, user} // RFC 6764 §6: the whole address first, then what is before the @
	if at.User != nil {
		names = []string{at.User.Username()}
	}
	for _, n := range names {
		if n != "" && c.Password != nil && !strings.ContainsAny(n, "\r\n\x00") {
			w.names = append(w.names, account{n, c.Password, auth.NewClient(n, domain, c.Password)})
		}
	}
	conf := &tls.Config{}
	if c.TLS != nil {
		conf = c.TLS.Clone()
	}
	conf.MinVersion = max(conf.MinVersion, tls.VersionTLS12)
	conf.ClientSessionCache = tls.NewLRUClientSessionCache(4) // it is asked all day; a handshake need not bring all certificates again
	dial := c.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	w.http = &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dial, TLSClientConfig: conf, TLSHandshakeTimeout: webTimeout, ForceAttemptHTTP2: true,
			IdleConnTimeout: 90 * time.Second, MaxIdleConnsPerHost: 1, MaxResponseHeaderBytes: 64 << 10,
		},
	}
	return w
}

// ask is one request.
type ask struct {
	method string
	url    *url.URL
	header map[string]string
	body   string
}

// answer is what came back, from wherever redirects have led.
type answer struct {
	url    *url.URL
	status int
	phrase string
	header http.Header
	body   []byte
}

// kind is the media type of the body, in lower case.
func (a answer) kind() string {
	kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(kind))
}

// do asks, follows redirects within the allowed hosts, and signs in when asked
// to. An answer comes with any status but those.
func (w *web) do(ctx context.Context, q ask) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, webTimeout)
	defer cancel()
	for range maxRedirects {
		if err := w.allowed(q.url); err != nil {
			return answer{}, err
		}
		a, err := w.signedIn(ctx, q)
		if err != nil {
			return answer{}, err
		}
		to := a.header.Get("Location")
		if a.status < 300 || a.status > 399 || a.status == http.StatusNotModified || to == "" {
			return a, nil
		}
		next, err := q.url.Parse(to)
		if err != nil {
			return answer{}, w.broken(q.url, "it sends on to "+short(to)+", which is no address", nil)
		}
		next.User = nil
		q.url = next
	}
	return answer{}, w.broken(q.url, "it sends from one place to the next without end", nil)
}

// allowed refuses to take the user's calendar and password elsewhere.
func (w *web) allowed(u *url.URL) error {
	host := strings.ToLower(u.Hostname())
	switch {
	case u.Scheme != "https":
		return &Error{What: "The calendar was not read", Why: short(u.String()) + " is not encrypted", Remedy: "Set an address that begins with https://"}
	case host == "" || host != w.host && host != w.domain && !strings.HasSuffix(host, "."+w.domain):
		return &Error{What: "The calendar was not read", Why: fmt.Sprintf("the calendar server sends on to another host, %s, and nothing is sent there unasked", short(host)),
			Remedy: "If that host is right, set it as the address of the calendar"}
	}
	return nil
}

// signedIn asks as whoever the server accepts.
func (w *web) signedIn(ctx context.Context, q ask) (answer, error) {
	for range maxTries {
		credentials, signed, err := w.credentials(q)
		if err != nil {
			return answer{}, err
		}
		a, err := w.once(ctx, q, credentials)
		if err != nil {
			return answer{}, err
		}
		if a.status != http.StatusUnauthorized {
			w.accepted(signed)
			return a, nil
		}
		if !w.challenged(a.header.Values("WWW-Authenticate"), signed) {
			return answer{}, w.rejected(q.url)
		}
	}
	return answer{}, w.rejected(q.url)
}

// credentials makes the Authorization for a request, if the server ever asked
// for one. signed is the name in it, -1: none.
func (w *web) credentials(q ask) (value string, signed int, err error) {
	w.mu.Lock()
	challenges, at, refused := w.challenges, w.current, w.refused
	w.mu.Unlock()
	switch {
	case refused:
		return "", -1, w.rejected(q.url)
	case len(challenges) == 0 || at >= len(w.names):
		return "", -1, nil
	}
	by := w.names[at]
	value, err = by.digest.Authorization(challenges, q.method, q.url.RequestURI(), []byte(q.body))
	var unsupported *auth.UnsupportedError
	if errors.As(err, &unsupported) && offersBasic(challenges) {
		var password string
		if password, err = by.password(); err == nil {
			// RFC 7617 §2: only over TLS, as everything here.
			value = "Basic " + base64.StdEncoding.EncodeToString([]byte(by.name+":"+password))
		}
	}
	if err != nil {
		return "", -1, &Error{What: "The calendar server " + q.url.Host + " wants to know who asks", Why: reason(err), Remedy: "Enter the password, or ask your administrator which sign-in the calendar server takes", Err: err}
	}
	return value, at, nil
}

func offersBasic(challenges []string) bool {
	for _, c := range challenges {
		if len(c) >= 5 && strings.EqualFold(c[:5], "Basic") || strings.Contains(strings.ToLower(c), ", basic ") {
			return true
		}
	}
	return false
}

func (w *web) accepted(signed int) {
	if signed < 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.good = true
}

// challenged takes a 401; false: there is nobody left to be.
func (w *web) challenged(challenges []string, signed int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.challenges = challenges
	stale := strings.Contains(strings.ToLower(strings.Join(challenges, ",")), "stale=true")
	switch {
	case signed >= 0 && signed == w.current && !stale && !w.good:
		w.current++
	case signed >= 0 && !stale:
		w.good = false // accepted before: the nonce may have worn out; once more
	}
	if w.current >= len(w.names) {
		w.refused = len(w.names) > 0
		return false
	}
	return len(challenges) > 0
}

// once makes one request.
func (w *web) once(ctx context.Context, q ask, credentials string) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, q.method, q.url.String(), bytes.NewReader([]byte(q.body)))
	if err != nil {
		return answer{}, w.broken(q.url, reason(err), err)
	}
	r.URL.User = nil
	r.Header.Set("User-Agent", "Communicator")
	r.Header["Idempotency-Key"] = nil // it may be sent again on a new connection
	for name, value := range q.header {
		r.Header.Set(name, value)
	}
	if credentials != "" {
		r.Header.Set("Authorization", credentials)
	}
	res, err := w.http.Do(r)
	if err != nil {
		return answer{}, w.unreachable(ctx, q.url, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBytes+1))
	switch {
	case err != nil:
		return answer{}, w.unreachable(ctx, q.url, err)
	case len(body) > maxBytes:
		return answer{}, tooLarge("The calendar server " + q.url.Host + " sends too much")
	}
	return answer{url: q.url, status: res.StatusCode, phrase: res.Status, header: res.Header, body: body}, nil
}

func tooLarge(what string) error {
	return &Error{What: what, Why: fmt.Sprintf("more than %d MB", maxBytes>>20), Remedy: "Set the address of a smaller calendar, or have old events removed"}
}

func (w *web) rejected(u *url.URL) error {
	e := &Error{What: "The calendar server " + u.Host + " does not accept your name or password", Why: "it has refused them", Err: auth.ErrRejected,
		Remedy: "Check the password; if the name for the calendar is another one, put it into its address, as https://name@" + u.Host + "/"}
	if len(w.names) == 0 {
		e.Why = "there is no password to sign in with"
	}
	return e
}

func (w *web) broken(u *url.URL, why string, err error) error {
	return &Error{What: "The calendar server " + u.Host + " could not be read", Why: why, Remedy: "Tell your administrator; signing in and messages work without the calendar", Err: err}
}

// unreachable says why there is no answer.
func (w *web) unreachable(ctx context.Context, u *url.URL, err error) error {
	e := &Error{What: "The calendar server " + u.Host + " does not answer", Why: reason(err), Remedy: "Check the network; signing in and messages work without the calendar", Err: err}
	var name x509.HostnameError
	var issuer x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	insecure := true
	switch {
	case errors.As(err, &name):
		e.Why = "its certificate is for another name"
	case errors.As(err, &issuer):
		e.Why = "nobody this computer trusts has issued its certificate"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		e.Why = "its certificate has expired or is not valid yet"
	case errors.As(err, &invalid):
	default:
		insecure = false
	}
	if insecure {
		e.What = "The calendar server " + u.Host + " could not be reached securely"
		e.Remedy = "Tell your administrator: the calendar server must have a valid certificate"
	}
	if ctx.Err() == context.DeadlineExceeded {
		e.Why = "it took too long"
	}
	return e
}

// refusal is the error for a status that is not what was hoped for.
func (w *web) refusal(a answer) error {
	e := &Error{What: "The calendar server " + a.url.Host + " did not give the calendar", Why: "it answers " + short(a.phrase),
		Remedy: "Check the address of the calendar, or tell your administrator", RetryAfter: retryAfter(a.header.Get("Retry-After"))}
	switch a.status {
	case http.StatusForbidden:
		e.Why = "you may not read it (" + short(a.phrase) + ")"
	case http.StatusNotFound, http.StatusGone:
		e.Why = "there is none at " + short(a.url.Path)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		e.Why, e.Remedy = "it is busy or being repaired ("+short(a.phrase)+")", "Wait; it is asked again by itself"
	}
	return e
}

// retryAfter reads seconds or a date (RFC 9110 §10.2.3), up to an hour.
func retryAfter(s string) time.Duration {
	const most = time.Hour
	if n, err := strconv.Atoi(s); err == nil {
		return min(max(0, time.Duration(min(n, 3600))*time.Second), most)
	}
	if at, err := http.ParseTime(s); err == nil {
		return min(max(0, time.Until(at)), most)
	}
	return 0
}

// reason is the innermost text of err, made harmless.
func reason(err error) string {
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return short(err.Error())
}

// short makes text from the network fit for a sentence.
func short(s string) string { return plain.Cut(plain.Line(s), 120) }

// close lets go of idle connections.
func (w *web) close() { w.http.CloseIdleConnections() }
