package simple

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	"communicator/plain"
	"communicator/wire/auth"
	"communicator/wire/pidf"
)

// xcapTimeout bounds one exchange with the XCAP server.
const xcapTimeout = 15 * time.Second

// What an XCAP server can say that a caller decides by.
var (
	errNotFound  = errors.New("there is no such document on the server")
	errChanged   = errors.New("another client changed the document at the same time")
	errUnchanged = errors.New("the document is as it was")
)

// document is one XCAP document.
type document struct {
	body        []byte
	contentType string
	version     version
}

// version says which state of a document is meant.
type version struct {
	exists bool
	tag    string // entity tag; empty: the server gives none
}

// xcap speaks XCAP (RFC 4825) for one user: whole documents, with their
// entity tags.
type xcap struct {
	root string
	user string // "user@domain"
	http *http.Client
	auth *auth.Client

	mu         sync.Mutex
	challenges []string // the latest, so that the next request is not challenged again
}

// get reads one of the user's documents; errNotFound if there is none.
func (x *xcap) get(ctx context.Context, auid string) (document, error) {
	return x.getChanged(ctx, auid, version{})
}

// getChanged is get; errUnchanged if the server still has the version known.
func (x *xcap) getChanged(ctx context.Context, auid string, known version) (document, error) {
	res, body, err := x.do(ctx, http.MethodGet, auid, document{version: known})
	if err != nil {
		return document{}, err
	}
	return document{body: body, version: version{exists: true, tag: res.Header.Get("ETag")}}, nil
}

// put writes a document in place of the version it says, and returns the new
// one; errChanged if the server has another one.
func (x *xcap) put(ctx context.Context, auid string, d document) (version, error) {
	res, _, err := x.do(ctx, http.MethodPut, auid, d)
	if err != nil {
		return version{}, err
	}
	return version{exists: true, tag: res.Header.Get("ETag")}, nil
}

// do makes one request and answers one challenge. What a server that closes a
// kept connection left unanswered is asked again: a GET may be repeated, and so
// may a PUT with a condition, which fails with errChanged if it had arrived.
func (x *xcap) do(ctx context.Context, method, auid string, d document) (*http.Response, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, xcapTimeout)
	defer cancel()
	for try, lost := 1, 0; ; try++ {
		res, body, err := x.once(ctx, method, auid, d)
		if wasCut(err) && lost == 0 && ctx.Err() == nil {
			lost++
			try--
			continue
		}
		if err != nil {
			return nil, nil, fmt.Errorf("contact list server: %w", bare(err))
		}
		if res.StatusCode == http.StatusUnauthorized && try == 1 && x.auth != nil {
			x.mu.Lock()
			x.challenges = res.Header.Values("WWW-Authenticate")
			x.mu.Unlock()
			continue
		}
		return res, body, meaningOf(res, body)
	}
}

// wasCut says whether the connection ended before the answer was complete.
func wasCut(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// once makes one request, with credentials if the server ever asked for them.
func (x *xcap) once(ctx context.Context, method, auid string, d document) (*http.Response, []byte, error) {
	// RFC 4825 §6.1, §6.2: root, AUID, "users", XUI, document.
	u := strings.TrimSuffix(x.root, "/") + "/" + auid + "/users/" + url.PathEscape("sip:"+x.user) + "/index"
	r, err := http.NewRequestWithContext(ctx, method, u, bytes.NewReader(d.body))
	if err != nil {
		return nil, nil, err
	}
	// A kept connection that the server has just closed is replaced without an
	// error for a request that may be repeated (net/http.Transport); a PUT
	// with a condition may.
	r.Header["Idempotency-Key"] = nil
	if method == http.MethodGet && d.version.tag != "" {
		r.Header.Set("If-None-Match", d.version.tag) // RFC 9110 §13.1.2
	}
	if method == http.MethodPut {
		r.Header.Set("Content-Type", d.contentType)
		switch {
		case d.version.tag != "":
			// RFC 4825 §7.11. A weak tag never matches (RFC 9110 §13.1.1); mostly it is
			// the server's strong one, weakened by what compressed the answer on its way.
			r.Header.Set("If-Match", strings.TrimPrefix(d.version.tag, "W/"))
		case !d.version.exists:
			r.Header.Set("If-None-Match", "*")
		}
	}
	x.mu.Lock()
	challenges := x.challenges
	x.mu.Unlock()
	if len(challenges) > 0 && x.auth != nil {
		credentials, err := x.auth.Authorization(challenges, method, r.URL.RequestURI(), d.body)
		if err != nil {
			return nil, nil, err
		}
		r.Header.Set("Authorization", credentials)
	}
	res, err := x.http.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, pidf.MaxSize+1))
	return res, body, err
}

// bare takes the method and address off an HTTP client's error.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// meaningOf says in words what an HTTP answer means here.
func meaningOf(res *http.Response, body []byte) error {
	kind, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";")
	switch {
	case res.StatusCode >= 200 && res.StatusCode <= 299 && strings.EqualFold(strings.TrimSpace(kind), "text/html") && len(body) > 0:
		return errors.New("contact list server: it answers with a web page, so this is not the address of the contact lists")
	case res.StatusCode >= 200 && res.StatusCode <= 299:
		return nil
	case res.StatusCode == http.StatusNotModified:
		return errUnchanged
	case res.StatusCode == http.StatusNotFound:
		return errNotFound
	case res.StatusCode == http.StatusPreconditionFailed:
		return errChanged
	}
	why := plain.Cut(plain.Line(res.Status), 100)
	switch res.StatusCode {
	case http.StatusUnauthorized:
		return fmt.Errorf("contact list server: %w", auth.ErrRejected)
	case http.StatusForbidden:
		return fmt.Errorf("contact list server: it is not allowed (%s)", why)
	case http.StatusConflict:
		if said := plain.Cut(plain.Line(pidf.ParseXCAPError(body)), 200); said != "" {
			why = said
		}
		return fmt.Errorf("contact list server: it did not take the change (%s)", why)
	case http.StatusRequestEntityTooLarge, http.StatusInsufficientStorage:
		return fmt.Errorf("contact list server: the list is too large for it (%s)", why)
	}
	return fmt.Errorf("contact list server: %s", why)
}
