package autoconfig

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// world is a network in memory: a DNS server at 10.0.0.53:53 and whatever
// listens. What is not there refuses, what is silent never answers.
type world struct {
	t      *testing.T
	ca     *authority
	zone   []string        // records as in a zone file
	rcode  map[string]int  // by name: instead of an answer
	slow   time.Duration   // before each DNS answer
	mute   map[string]bool // names that are never answered
	edit   func(*dns.Msg)  // lies
	listen map[string]func(net.Conn)
	silent map[string]bool

	mu     sync.Mutex
	dialed []string
	asked  []string
}

func newWorld(t *testing.T, zone ...string) *world {
	w := &world{t: t, zone: zone, ca: newAuthority(t), rcode: map[string]int{}, mute: map[string]bool{}, silent: map[string]bool{}}
	w.listen = map[string]func(net.Conn){"10.0.0.53:53": w.serveDNS}
	return w
}

func (w *world) query() Query {
	return Query{Domain: "contoso.test", Resolver: "10.0.0.53", Roots: w.ca.pool(), Dial: w.dial}
}

func (w *world) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if network == "udp" {
		return nil, errors.New("only streams here")
	}
	if addr != "10.0.0.53:53" {
		w.mu.Lock()
		w.dialed = append(w.dialed, addr)
		w.mu.Unlock()
	}
	if w.silent[addr] {
		<-ctx.Done()
		return nil, &net.OpError{Op: "dial", Net: network, Err: ctx.Err()}
	}
	serve := w.listen[addr]
	if serve == nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	here, there := newPipe()
	go serve(there)
	return here, nil
}

// secure listens at addr with a certificate for these names.
func (w *world) secure(addr string, names ...string) {
	w.listen[addr] = w.ca.serve(w.ca.issue(names...))
}

func (w *world) serveDNS(c net.Conn) {
	defer c.Close()
	for dc := (&dns.Conn{Conn: c}); ; {
		q, err := dc.ReadMsg()
		if err != nil {
			return
		}
		if m := w.answer(q); m != nil {
			time.Sleep(w.slow)
			if dc.WriteMsg(m) != nil {
				return
			}
		}
	}
}

// answer answers from the zone, as a server with recursion does.
func (w *world) answer(q *dns.Msg) *dns.Msg {
	name := strings.ToLower(q.Question[0].Name)
	w.mu.Lock()
	w.asked = append(w.asked, name)
	w.mu.Unlock()
	if w.mute[name] || w.mute["all"] {
		return nil
	}
	m := new(dns.Msg).SetReply(q)
	m.Rcode = dns.RcodeNameError
	for range 3 {
		alias := ""
		for _, text := range w.zone {
			rr, err := dns.NewRR(text)
			if err != nil {
				w.t.Errorf("zone: %v", err)
				return nil
			}
			if strings.HasSuffix(rr.Header().Name, "."+name) {
				m.Rcode = dns.RcodeSuccess // a name between
			}
			if rr.Header().Name != name {
				continue
			}
			m.Rcode = dns.RcodeSuccess
			if c, ok := rr.(*dns.CNAME); ok {
				alias = c.Target
			}
			if rr.Header().Rrtype == q.Question[0].Qtype || alias != "" {
				m.Answer = append(m.Answer, rr)
			}
		}
		if alias == "" {
			break
		}
		name = alias
	}
	if rc, ok := w.rcode[name]; ok {
		m.Rcode, m.Answer = rc, nil
	}
	if rc, ok := w.rcode["all"]; ok {
		m.Rcode, m.Answer = rc, nil
	}
	if w.edit != nil {
		w.edit(m)
	}
	return m
}

// authority is a certificate authority made for one test.
type authority struct {
	t    *testing.T
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(100 * 24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, _ := x509.ParseCertificate(der)
	return &authority{t, key, cert}
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// issue makes a certificate for DNS names and URIs.
func (a *authority) issue(names ...string) tls.Certificate {
	c := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(30 * 24 * time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, n := range names {
		switch u, _ := url.Parse(n); {
		case n == "expired":
			c.NotBefore, c.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)
		case n == "future":
			c.NotBefore = time.Now().Add(24 * time.Hour)
		case strings.HasPrefix(n, "CN="):
			c.Subject.CommonName = n[3:]
		case n == "client":
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		case u.Scheme != "":
			c.URIs = append(c.URIs, u)
		default:
			c.DNSNames = append(c.DNSNames, n)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, &a.key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.key}
}

// serve does the handshake and then waits for the other side to leave.
func (a *authority) serve(cert tls.Certificate) func(net.Conn) {
	return func(c net.Conn) {
		defer c.Close()
		_, _ = io.Copy(io.Discard, tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}}))
	}
}

// pipe is one end of a connection in memory, with a buffer as TCP has one.
type pipe struct {
	in, out *half
}

type half struct {
	mu       sync.Mutex
	change   *sync.Cond
	buf      bytes.Buffer
	closed   bool
	deadline time.Time
}

func newPipe() (a, b *pipe) {
	x, y := &half{}, &half{}
	x.change, y.change = sync.NewCond(&x.mu), sync.NewCond(&y.mu)
	return &pipe{x, y}, &pipe{y, x}
}

func (p *pipe) Read(b []byte) (int, error) {
	h := p.in
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.buf.Len() == 0 {
		if h.closed {
			return 0, io.EOF
		}
		if !h.deadline.IsZero() && !time.Now().Before(h.deadline) {
			return 0, os.ErrDeadlineExceeded
		}
		h.change.Wait()
	}
	return h.buf.Read(b)
}

func (p *pipe) Write(b []byte) (int, error) {
	h := p.out
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return 0, io.ErrClosedPipe
	}
	h.change.Broadcast()
	return h.buf.Write(b)
}

func (p *pipe) Close() error {
	for _, h := range []*half{p.in, p.out} {
		h.mu.Lock()
		h.closed = true
		h.change.Broadcast()
		h.mu.Unlock()
	}
	return nil
}

func (p *pipe) SetDeadline(t time.Time) error { return p.SetReadDeadline(t) }
func (p *pipe) SetReadDeadline(t time.Time) error {
	p.in.mu.Lock()
	defer p.in.mu.Unlock()
	p.in.deadline = t
	if !t.IsZero() {
		time.AfterFunc(time.Until(t), p.in.change.Broadcast)
	}
	return nil
}
func (p *pipe) SetWriteDeadline(time.Time) error { return nil }
func (p *pipe) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 40000} }
func (p *pipe) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 5061} }
