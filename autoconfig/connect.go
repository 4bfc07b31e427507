package autoconfig

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"syscall"
	"time"
)

const (
	connectTime = 3 * time.Second        // one address; a port that drops silently costs no more
	secureTime  = 5 * time.Second        // one TLS handshake
	nextAddress = 250 * time.Millisecond // RFC 8305 §5: connection attempt delay
)

// try connects to one candidate; on success its other addresses stay in the queue.
func (s *Search) try(ctx context.Context, c candidate) (Link, bool) {
	if !c.looked {
		c.addrs = s.address(ctx, c)
		for i := range s.queue { // the same host at another port is not looked up again
			if o := &s.queue[i]; o.host == c.host && !o.looked {
				o.addrs, o.looked = c.addrs, true
			}
		}
		c.looked = true
	}
	s.passOver(c)
	c.addrs = slices.DeleteFunc(slices.Clone(c.addrs), func(a netip.Addr) bool { return s.tried[c.key(a)] })
	for len(c.addrs) > 0 && ctx.Err() == nil {
		conn, addr, failed := race(ctx, s.q.dialer(), strconv.Itoa(int(c.port)), c.addrs)
		for _, f := range failed {
			s.connectFailed(c, f)
		}
		if conn == nil {
			return Link{}, false
		}
		s.tried[c.key(addr.addr)] = true
		c.addrs = slices.DeleteFunc(slices.Clone(c.addrs), func(a netip.Addr) bool { return s.tried[c.key(a)] })
		name := hostPort(c.host, c.port)
		s.step(Step{Step: "connect", Name: name, Result: Found, Addrs: []string{addr.addr.String()}, Took: addr.took, Text: "connected to " + name})
		l := Link{Target: Target{Host: c.host, Port: c.port, Transport: "tcp", Address: addr.addr.String()}, Record: c.record, Conn: conn}
		if c.tls && !s.encrypt(ctx, c, &l) {
			continue
		}
		s.secure, s.stood[name] = c.tls, true
		if len(c.addrs) > 0 {
			s.queue = slices.Insert(s.queue, 0, c)
		}
		return l, true
	}
	return Link{}, false
}

func (c candidate) key(a netip.Addr) string {
	return netip.AddrPortFrom(a, c.port).String() + "/" + strconv.FormatBool(c.tls)
}

// passOver strikes those addresses of a candidate that want to be left alone.
func (s *Search) passOver(c candidate) {
	now := time.Now()
	for _, a := range c.addrs {
		until := s.q.Busy[netip.AddrPortFrom(a, c.port).String()]
		if !until.After(now) || s.tried[c.key(a)] {
			continue
		}
		s.tried[c.key(a)] = true
		wait := until.Sub(now)
		if s.patience == 0 || wait < s.patience {
			s.patience = wait
		}
		s.step(Step{Step: "connect", Name: hostPort(c.host, c.port), Result: Busy, Addrs: []string{a.String()},
			Text: fmt.Sprintf("asked us to wait for another %v", wait.Round(time.Second))})
	}
}

// address looks up the addresses of a candidate.
func (s *Search) address(ctx context.Context, c candidate) []netip.Addr {
	begin := time.Now()
	list := []netip.Addr{}
	st := Step{Step: "address", Name: c.host, Result: Found}
	if ip, err := netip.ParseAddr(c.host); err == nil {
		list = append(list, ip)
	} else {
		list, err = s.dns.addrs(ctx, c.host+".")
		st.Name += "."
		st.Took = time.Since(begin)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			st.Result, st.Text = dnsResult(err), err.Error()
			s.doubt = s.doubt || c.tls && st.Result != None
			s.step(st)
			return nil
		}
		for _, a := range list {
			st.Addrs = append(st.Addrs, a.String())
		}
		st.Text = "is at " + listWords(st.Addrs)
		s.step(st)
	}
	return list
}

// attempt is one try to reach one address.
type attempt struct {
	addr netip.Addr
	conn net.Conn
	err  error
	took time.Duration
}

// race connects to the first address that stands: each gets connectTime, and
// the next starts when one has failed or is slow (RFC 8305 §5). It returns the
// winner, or no connection, and those that failed before.
func race(ctx context.Context, dial func(context.Context, string, string) (net.Conn, error), port string, addrs []netip.Addr) (net.Conn, attempt, []attempt) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan attempt, len(addrs))
	started, pending := 0, 0
	start := func() {
		if started == len(addrs) {
			return
		}
		addr := addrs[started]
		started++
		pending++
		go func() {
			begin := time.Now()
			ctx, cancel := context.WithTimeout(ctx, connectTime)
			defer cancel()
			conn, err := dial(ctx, "tcp", net.JoinHostPort(addr.String(), port))
			results <- attempt{addr, conn, err, time.Since(begin)}
		}()
	}
	start()
	next := time.NewTicker(nextAddress)
	defer next.Stop()
	var failed []attempt
	for pending > 0 {
		select {
		case <-next.C:
			start()
		case a := <-results:
			pending--
			if a.err != nil {
				failed = append(failed, a)
				start()
				continue
			}
			cancel()
			for range pending { // the late ones end now
				if late := <-results; late.err == nil {
					late.conn.Close()
				}
			}
			return a.conn, a, failed
		}
	}
	return nil, attempt{}, failed
}

// connectFailed records an address that did not answer.
func (s *Search) connectFailed(c candidate, f attempt) {
	st := Step{Step: "connect", Name: hostPort(c.host, c.port), Result: Refused, Addrs: []string{f.addr.String()}, Text: dialWords(f.err), Took: f.took}
	if isTimeout(f.err) {
		st.Result = Timeout
	}
	s.tried[c.key(f.addr)] = true
	s.step(st)
}

// encrypt puts TLS on l.Conn, verified for one of the names of c. When it
// returns false the connection is closed.
func (s *Search) encrypt(ctx context.Context, c candidate, l *Link) bool {
	st := Step{Step: "tls", Name: hostPort(c.host, c.port), Result: Found, Addrs: []string{l.Target.Address}}
	begin := time.Now()
	conn, err := s.verified(ctx, c, l)
	st.Took = time.Since(begin)
	if err != nil {
		st.Result, st.Text = tlsWords(err, s.domain, time.Now())
		s.doubt = s.doubt || st.Result == Untrusted
		s.step(st)
		return false
	}
	state := conn.ConnectionState()
	l.Conn, l.TLS, l.Target.Transport = conn, &state, "tls"
	st.Text = fmt.Sprintf("%s, certificate valid until %s", tls.VersionName(state.Version), state.PeerCertificates[0].NotAfter.Format(time.DateOnly))
	s.step(st)
	return true
}

// verified does the handshake for each name that the certificate may bear, the
// SIP domain first (RFC 5922 §7.2), each on a fresh connection: the library
// verifies one name at a time, and nothing here ever skips that.
func (s *Search) verified(ctx context.Context, c candidate, l *Link) (*tls.Conn, error) {
	var first error
	for i, name := range c.names {
		if i > 0 {
			if err := s.again(ctx, l); err != nil {
				return nil, first
			}
		}
		conn, err := s.handshake(ctx, l, &tls.Config{ServerName: name})
		if err == nil {
			return conn, nil
		}
		if _, wrong := errors.AsType[x509.HostnameError](err); !wrong {
			return nil, err
		}
		if first == nil {
			first = err
		}
	}
	h, _ := errors.AsType[x509.HostnameError](first)
	if h.Certificate == nil || !names(h.Certificate, s.domain) || len(h.Certificate.DNSNames) == 0 || s.again(ctx, l) != nil {
		return nil, first
	}
	// RFC 5922 §7.1: the domain stands as URI sip:DOMAIN in the certificate. The chain
	// is verified as always, under a host name that the certificate has too.
	return s.handshake(ctx, l, &tls.Config{
		ServerName: h.Certificate.DNSNames[0],
		VerifyConnection: func(cs tls.ConnectionState) error {
			if !names(cs.PeerCertificates[0], s.domain) {
				return first
			}
			return nil
		},
	})
}

// names: the certificate bears the URI sip:DOMAIN, without a user (RFC 5922 §7.1).
func names(cert *x509.Certificate, domain string) bool {
	for _, u := range cert.URIs {
		if u.Scheme == "sip" && u.Opaque != "" {
			if host, err := hostname(u.Opaque); err == nil && host == domain {
				return true
			}
		}
	}
	return false
}

// again replaces l.Conn by a fresh connection to the same address.
func (s *Search) again(ctx context.Context, l *Link) error {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	conn, err := s.q.dialer()(ctx, "tcp", hostPort(l.Target.Address, l.Target.Port))
	if err == nil {
		l.Conn = conn
	}
	return err
}

// handshake does TLS on l.Conn, and closes it when that fails.
func (s *Search) handshake(ctx context.Context, l *Link, conf *tls.Config) (*tls.Conn, error) {
	return s.q.secure(ctx, l.Conn, conf, func() (net.Conn, error) { return l.Conn, s.again(ctx, l) })
}

func isTimeout(err error) bool {
	ne, ok := errors.AsType[net.Error](err)
	return ok && ne.Timeout() || errors.Is(err, context.DeadlineExceeded)
}

// dialWords says in words why no connection came about.
func dialWords(err error) string {
	switch {
	case isTimeout(err):
		return "no answer"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "the network cannot be reached from here"
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return "it closed the connection"
	case errors.Is(err, context.Canceled), errors.Is(err, net.ErrClosed):
		return "given up"
	}
	return short(err.Error())
}
