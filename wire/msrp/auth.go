package msrp

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Credentials answers the WWW-Authenticate values of a 401: the Authorization
// value for method and uri, as auth.Client.Authorization makes it.
type Credentials func(challenges []string, method, uri string, body []byte) (string, error)

// ErrRejected: the relay did not take the credentials.
var ErrRejected = errors.New("the relay did not accept the name or password")

// Auth asks the relay at the other end of the connection to carry a session
// (RFC 4976 §5.1). It returns the path that goes into SDP before our own URI,
// and first into Open, and how long it holds.
func (c *Conn) Auth(ctx context.Context, relay URI, sign Credentials) (Path, time.Duration, error) {
	var further []Header
	signed, bounded := false, false
	for {
		f, err := c.ask(ctx, &Frame{ID: newID(), Method: "AUTH", To: Path{relay}, From: Path{c.o.Self}, Header: further})
		switch {
		case err != nil:
			return nil, 0, fmt.Errorf("ask relay %s: %w", relay.Host, err)
		case f.Code == OK:
			return granted(f, relay)
		case f.Code == Unauthorized && signed:
			return nil, 0, ErrRejected
		case f.Code == Unauthorized:
			// RFC 4976 §9.1: Digest as in HTTP, with the URI of the relay.
			v, err := sign(f.All("WWW-Authenticate"), "AUTH", relay.String(), nil)
			if err != nil {
				return nil, 0, fmt.Errorf("ask relay %s: %w", relay.Host, err)
			}
			further, signed = append(further, Header{"Authorization", v}), true
		case f.Code == OutOfBounds && !bounded && bound(f) != "": // RFC 4976 §5.1
			further, bounded, signed = []Header{{"Expires", bound(f)}}, true, false
		default:
			return nil, 0, fmt.Errorf("ask relay %s: %w", relay.Host, &StatusError{f.Code, f.Comment})
		}
	}
}

// bound is how long the relay would grant, of a 423.
func bound(f *Frame) string {
	for _, name := range []string{"Min-Expires", "Max-Expires"} {
		if n, err := strconv.ParseUint(f.Get(name), 10, 31); err == nil && n > 0 {
			return strconv.FormatUint(n, 10)
		}
	}
	return ""
}

// granted reads the 200 to an AUTH. Its path must begin at the relay we speak
// to, or somebody would have our messages sent elsewhere.
func granted(f *Frame, relay URI) (Path, time.Duration, error) {
	path, err := ParsePath(f.Get("Use-Path"))
	if err != nil {
		return nil, 0, fmt.Errorf("ask relay %s: Use-Path: %w", relay.Host, err)
	}
	life := 10 * time.Minute
	if n, err := strconv.ParseUint(f.Get("Expires"), 10, 31); err == nil {
		life = time.Duration(n) * time.Second
	}
	if path[0].Secure != relay.Secure || path[0].Session == "" {
		return nil, 0, fmt.Errorf("ask relay %s: it gave the path %q, which is not its own", relay.Host, path)
	}
	return path, life, nil
}

// ask sends a request and waits for its answer.
func (c *Conn) ask(ctx context.Context, f *Frame) (*Frame, error) {
	w := &waiting{wake: make(chan struct{}, 1)}
	c.mu.Lock()
	c.asked[f.ID] = w
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.asked, f.ID)
	}()
	if !c.write(f) {
		return nil, c.Err()
	}
	timer := time.NewTimer(answerTime)
	defer timer.Stop()
	select {
	case <-w.wake:
		return c.news(w)[0], nil
	case <-timer.C:
		return nil, errors.New("no answer")
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.done:
		return nil, c.Err()
	}
}
