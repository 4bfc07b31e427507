package autoconfig

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
)

// DialTLS connects as DialHost does and verifies the certificate of the host:
// for the contact store.
func (q Query) DialTLS(ctx context.Context, network, addr string) (net.Conn, error) {
	return q.dialTLS(ctx, network, addr, "h2", "http/1.1")
}

// DialRelay is DialTLS for what speaks no HTTP.
func (q Query) DialRelay(ctx context.Context, addr string) (net.Conn, error) {
	return q.dialTLS(ctx, "tcp", addr)
}

func (q Query) dialTLS(ctx context.Context, network, addr string, protocols ...string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	dial := func() (net.Conn, error) { return q.DialHost(ctx, network, addr) }
	conn, err := dial()
	if err != nil {
		return nil, err
	}
	return q.secure(ctx, conn, &tls.Config{ServerName: host, NextProtos: protocols}, dial)
}

// secure does TLS on conn, and closes it when that fails. The Further
// authorities are asked first, alone: reading those of the system takes longer
// than signing in. Only a certificate that none of them issued is shown to
// Roots, on a fresh connection, which again makes: the library verifies all of
// it each time, and nothing here ever skips that.
func (q Query) secure(ctx context.Context, conn net.Conn, conf *tls.Config, again func() (net.Conn, error)) (*tls.Conn, error) {
	conf.MinVersion = tls.VersionTLS12
	if len(q.Further) > 0 {
		conf.RootCAs = x509.NewCertPool()
		for _, c := range q.Further {
			conf.RootCAs.AddCert(c)
		}
		tc, err := handshake(ctx, conn, conf.Clone())
		if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); !unknown {
			return tc, err
		}
		if conn, err = again(); err != nil {
			return nil, err
		}
	}
	conf.RootCAs = q.Roots
	return handshake(ctx, conn, conf)
}

// handshake does TLS on conn, and closes it when that fails.
func handshake(ctx context.Context, conn net.Conn, conf *tls.Config) (*tls.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, secureTime)
	defer cancel()
	tc := tls.Client(conn, conf)
	if err := tc.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return tc, nil
}
