package session

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// network is a network in memory whose servers are written by hand, in plain
// text: what is tested here must not depend on our own codecs.
type network struct {
	t    *testing.T
	zone []string // records, answered at 10.0.0.53:53

	mu     sync.Mutex
	listen map[string]func(*peer)
	dialed []string // "seconds address" since the beginning
	begin  time.Time
}

// newNetwork has the front ends fe1 (10.0.0.11) and fe2 (10.0.0.12), in this order.
func newNetwork(t *testing.T) *network {
	return &network{t: t, begin: time.Now(), listen: map[string]func(*peer){}, zone: []string{
		"_sip._tcp.contoso.test. 60 IN SRV 1 0 5060 fe1.contoso.test.",
		"_sip._tcp.contoso.test. 60 IN SRV 2 0 5060 fe2.contoso.test.",
		"fe1.contoso.test. 60 IN A 10.0.0.11", "fe2.contoso.test. 60 IN A 10.0.0.12",
	}}
}

func (n *network) options() Options {
	return Options{User: "anna@contoso.test", Password: func() (string, error) { return "secret", nil },
		Resolver: "10.0.0.53", AllowTCP: true, Dial: n.dial}
}

func (n *network) dial(_ context.Context, network, addr string) (net.Conn, error) {
	serve := n.serveDNS
	if network == "udp" {
		return nil, errors.New("only streams here")
	}
	if addr != "10.0.0.53:53" {
		n.mu.Lock()
		n.dialed = append(n.dialed, fmt.Sprintf("%d %s", int(time.Since(n.begin).Seconds()), addr))
		f := n.listen[addr]
		n.mu.Unlock()
		if f == nil {
			return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
		}
		serve = func(c net.Conn) { f(&peer{Conn: c, r: bufio.NewReader(c)}) }
	}
	here, there := newPipe()
	go func() {
		defer there.Close()
		serve(there)
	}()
	return here, nil
}

// dials returns in which seconds addr was dialled.
func (n *network) dials(addr string) []int {
	n.mu.Lock()
	defer n.mu.Unlock()
	var seconds []int
	for _, d := range n.dialed {
		var second int
		var to string
		if _, err := fmt.Sscan(d, &second, &to); err == nil && to == addr {
			seconds = append(seconds, second)
		}
	}
	return seconds
}

func (n *network) serveDNS(c net.Conn) {
	for dc := (&dns.Conn{Conn: c}); ; {
		q, err := dc.ReadMsg()
		if err != nil {
			return
		}
		m := new(dns.Msg).SetReply(q)
		m.Rcode = dns.RcodeNameError
		for _, text := range n.zone {
			if rr, _ := dns.NewRR(text); rr.Header().Name == strings.ToLower(q.Question[0].Name) {
				m.Rcode = dns.RcodeSuccess
				if rr.Header().Rrtype == q.Question[0].Qtype {
					m.Answer = append(m.Answer, rr)
				}
			}
		}
		if dc.WriteMsg(m) != nil {
			return
		}
	}
}

// peer is the server's end of one connection.
type peer struct {
	net.Conn
	r      *bufio.Reader
	pinged func() // may be nil
}

// message is a SIP message as text.
type message struct{ text string }

// next reads the next message; "" when the connection has ended.
func (p *peer) next() message {
	var head strings.Builder
	length, pings := 0, 0
	for {
		line, err := p.r.ReadString('\n')
		if err != nil {
			return message{}
		}
		if head.Len() == 0 && line == "\r\n" { // RFC 5626 §4.4.1: two are a ping, one is the answer
			if pings++; pings%2 == 0 {
				_, _ = io.WriteString(p, "\r\n")
				if p.pinged != nil {
					p.pinged()
				}
			}
			continue
		}
		head.WriteString(line)
		if v, ok := strings.CutPrefix(line, "Content-Length: "); ok {
			length, _ = strconv.Atoi(strings.TrimSpace(v))
		}
		if line == "\r\n" {
			break
		}
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(p.r, body); err != nil {
		return message{}
	}
	return message{head.String() + string(body)}
}

func (m message) method() string {
	method, _, _ := strings.Cut(m.text, " ")
	return method
}

// header returns the first header of that name.
func (m message) header(name string) string {
	for line := range strings.SplitSeq(m.text, "\r\n") {
		if v, ok := strings.CutPrefix(line, name+": "); ok {
			return v
		}
	}
	return ""
}

// reply answers a request with status and further header lines.
func (p *peer) reply(m message, status string, headers ...string) {
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %s\r\n", status)
	for _, h := range []string{"Via", "From", "To", "Call-ID", "CSeq"} {
		v := m.header(h)
		if h == "To" && !strings.Contains(v, "tag=") {
			v += ";tag=server"
		}
		fmt.Fprintf(&b, "%s: %s\r\n", h, v)
	}
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	b.WriteString("Content-Length: 0\r\n\r\n")
	_, _ = io.WriteString(p, b.String())
}

// registrar answers every REGISTER with what the function says, and everything
// else with 489 (an event package it does not know).
func registrar(f func(m message) (status string, headers []string)) func(*peer) {
	return func(p *peer) {
		for m := p.next(); m.text != ""; m = p.next() {
			if m.method() != "REGISTER" {
				p.reply(m, "489 Bad Event")
				continue
			}
			status, headers := f(m)
			p.reply(m, status, headers...)
		}
	}
}

// accepting registers everybody.
func accepting(m message) (string, []string) {
	return "200 OK", []string{"Contact: " + m.header("Contact") + ";expires=600"}
}

// always answers the same.
func always(status string, headers ...string) func(message) (string, []string) {
	return func(message) (string, []string) { return status, headers }
}

// recorder keeps what a server has seen.
type recorder struct {
	mu   sync.Mutex
	list []string
}

func (r *recorder) add(s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, s)
}

func (r *recorder) get() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.list)
}

// pipe is one end of a connection in memory, with a buffer as TCP has one.
type pipe struct{ in, out *half }

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
		switch {
		case h.closed:
			return 0, io.EOF
		case !h.deadline.IsZero() && !time.Now().Before(h.deadline):
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

func (p *pipe) SetReadDeadline(t time.Time) error {
	p.in.mu.Lock()
	defer p.in.mu.Unlock()
	p.in.deadline = t
	if !t.IsZero() {
		time.AfterFunc(time.Until(t), p.in.change.Broadcast)
	}
	return nil
}

func (p *pipe) SetDeadline(t time.Time) error    { return p.SetReadDeadline(t) }
func (p *pipe) SetWriteDeadline(time.Time) error { return nil }
func (p *pipe) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 40000} }
func (p *pipe) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(10, 0, 0, 11), Port: 5060} }
