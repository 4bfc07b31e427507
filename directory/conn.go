package directory

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync/atomic"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// maxIdle is how many connections are kept for the next call.
const maxIdle = 2

// conn is one connection, inside TLS.
type conn struct {
	net   net.Conn
	ldap  *ldap.Conn
	limit *limited
	host  string // as in the URL and in the certificate
	bound bool   // signed in with a name
}

// close ends c at once, whatever it is doing.
func (c *conn) close() {
	_ = c.net.Close() // first: go-ldap waits for a write to end
	_ = c.ldap.Close()
}

// take returns a connection that nobody else uses, a new one if need be.
func (d *Directory) take(ctx context.Context) (*conn, error) {
	d.mu.Lock()
	for n := len(d.idle); n > 0; n = len(d.idle) {
		c := d.idle[n-1]
		d.idle = d.idle[:n-1]
		if !c.ldap.IsClosing() {
			d.mu.Unlock()
			return c, nil
		}
		defer c.close()
	}
	bind, closed := d.bind, d.closed
	d.mu.Unlock()
	if closed {
		return nil, &Error{What: "The directory is closed", Why: "the program has signed out", Remedy: "Sign in again"}
	}
	c, err := d.connect(ctx)
	if err != nil || !bind {
		return c, err
	}
	stop := context.AfterFunc(ctx, c.close)
	defer stop()
	if err := d.signIn(ctx, c); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// give keeps c for the next call, if it still works.
func (d *Directory) give(c *conn) {
	d.mu.Lock()
	keep := !d.closed && len(d.idle) < maxIdle && !c.ldap.IsClosing()
	if keep {
		d.idle = append(d.idle, c)
	}
	d.mu.Unlock()
	if !keep {
		c.close()
	}
}

// connect dials, and goes into TLS before anything is said.
func (d *Directory) connect(ctx context.Context) (*conn, error) {
	at, err := parseURL(d.o.URL)
	if err != nil {
		return nil, err
	}
	if err := d.o.Attributes.Check(); err != nil {
		return nil, &Error{What: "The settings in [directory_attributes] cannot be used", Why: clean(err.Error()), Remedy: "Correct the names of attributes there"}
	}
	dial := d.o.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	nc, err := dial(ctx, "tcp", at.address)
	if err != nil {
		return nil, at.unreachable(err)
	}
	stop := context.AfterFunc(ctx, func() { _ = nc.Close() }) // ends a StartTLS that hangs
	defer stop()
	if at.startTLS {
		if err := startTLS(nc); err != nil {
			_ = nc.Close()
			return nil, at.noTLS(err)
		}
	}
	conf := &tls.Config{}
	if d.o.TLS != nil {
		conf = d.o.TLS.Clone()
	}
	conf.ServerName, conf.MinVersion = at.host, max(conf.MinVersion, tls.VersionTLS12)
	secure := tls.Client(nc, conf)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		return nil, at.noTLS(err)
	}
	limit := &limited{Conn: secure}
	limit.most.Store(maxMessage)
	l := ldap.NewConn(limit, true)
	l.Start() // its two goroutines end with close
	return &conn{net: nc, ldap: l, limit: limit, host: at.host}, nil
}

// place is what an LDAP URL names.
type place struct {
	host, address, base string
	startTLS            bool
}

// parseURL reads ldaps://host[:port][/base] (RFC 4516).
func parseURL(s string) (place, error) {
	bad := func(why string) error {
		return &Error{What: fmt.Sprintf("The directory's address %q cannot be used", s), Why: why, Remedy: "Set it like ldaps://ldap.example.com"}
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return place{}, bad("it is no URL")
	case u.Hostname() == "":
		return place{}, bad("it names no computer")
	case u.User != nil:
		return place{}, bad("it must not carry a name or password")
	}
	p := place{host: strings.TrimSuffix(u.Hostname(), "."), base: strings.TrimPrefix(u.Path, "/")}
	port := u.Port()
	switch strings.ToLower(u.Scheme) {
	case "ldaps":
		if port == "" {
			port = "636"
		}
	case "ldap":
		p.startTLS = true
		if port == "" {
			port = "389"
		}
	default:
		return place{}, bad("it begins neither with ldaps:// nor with ldap://")
	}
	p.address = net.JoinHostPort(u.Hostname(), port)
	return p, nil
}

// startTLS asks the server to go into TLS (RFC 4511 §4.14). It is ours because
// go-ldap cannot put a limit on the connection beneath it.
func startTLS(nc net.Conn) error {
	request := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
	request.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, 1, ""))
	op := ber.Encode(ber.ClassApplication, ber.TypeConstructed, ldap.ApplicationExtendedRequest, nil, "")
	op.AppendChild(ber.NewString(ber.ClassContext, ber.TypePrimitive, 0, "1.3.6.1.4.1.1466.20037", ""))
	request.AppendChild(op)
	if _, err := nc.Write(request.Bytes()); err != nil {
		return err
	}
	answer, err := ber.ReadPacket(io.LimitReader(nc, 16<<10)) // reads no byte too many
	if err != nil {
		return fmt.Errorf("no answer to StartTLS: %w", err)
	}
	if err := ldap.GetLDAPError(answer); err != nil {
		return fmt.Errorf("StartTLS is refused: %w", err)
	}
	return nil
}

// limited is a connection on which no message of the other side is larger than
// most: go-ldap would read two gigabytes into memory.
type limited struct {
	net.Conn
	head []byte       // of the message that begins
	left int          // bytes of the current message that are to come
	most atomic.Int64 // largest message in bytes
	over atomic.Bool  // one was larger
}

// maxMessage is the largest message, thus the largest entry, in bytes.
const maxMessage = 4 << 20

var errMessage = errors.New("the directory sends something that is no LDAP message or is too large")

// Read passes on what comes, counting the frames (RFC 4511 §5.1: BER with
// definite lengths).
func (l *limited) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	for i := 0; i < n; {
		if l.left > 0 {
			step := min(l.left, n-i)
			l.left, i = l.left-step, i+step
			continue
		}
		l.head = append(l.head, b[i])
		i++
		size, done, ok := frame(l.head)
		switch {
		case !ok:
			return 0, errMessage
		case done && int64(size) > l.most.Load():
			l.over.Store(true)
			return 0, errMessage
		case done:
			l.left, l.head = size, l.head[:0]
		}
	}
	return n, err
}

// frame reads tag and length of a message; done is false while bytes are missing.
func frame(head []byte) (size int, done, ok bool) {
	switch {
	case head[0] != 0x30:
		return 0, false, false
	case len(head) == 1:
		return 0, false, true
	case head[1] < 0x80:
		return int(head[1]), true, true
	case head[1] == 0x80 || head[1] > 0x84:
		return 0, false, false
	case len(head) < 2+int(head[1]&0x7f):
		return 0, false, true
	}
	for _, b := range head[2:] {
		size = size<<8 | int(b)
	}
	return size, true, size >= 0
}
