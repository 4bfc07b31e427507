package session

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"communicator/im"
	"communicator/wire/auth"
	"communicator/wire/msrp"
)

// errNoRelay: the server has no relay for long messages.
var errNoRelay = errors.New("there is no relay for long messages")

// relay connects to a relay of our domain (RFC 4976 §5.1) and lets it ask who we
// are: the one that was configured, else those that the DNS names, the server we
// are signed in to first.
func (s *Session) relay(ctx context.Context) (im.Relay, error) {
	if _, err := s.line.Conn(); err != nil {
		return im.Relay{}, err
	}
	places, err := s.relays(ctx)
	if err != nil {
		return im.Relay{}, err
	}
	err = errNoRelay
	for _, place := range places {
		var conn net.Conn
		if conn, err = s.query().DialRelay(ctx, place); err != nil {
			continue
		}
		host, port, _ := net.SplitHostPort(place)
		n, _ := strconv.ParseUint(port, 10, 16) // DialRelay has read it
		user, _, _ := strings.Cut(s.self, "@")
		account := auth.NewClient(user, s.domain, func() (string, error) { return s.password(ctx) })
		return im.Relay{Conn: conn, URI: msrp.URI{Secure: true, Host: host, Port: uint16(n)}, Sign: account.Authorization}, nil
	}
	return im.Relay{}, fmt.Errorf("relay for long messages: %w", err)
}

// relays are the relays of our domain as HOST:PORT, in the order in which they
// are tried.
func (s *Session) relays(ctx context.Context) ([]string, error) {
	if r := s.o.MSRPRelay; r != "" {
		if _, _, err := net.SplitHostPort(r); err != nil {
			r = net.JoinHostPort(strings.Trim(r, "[]"), strconv.Itoa(msrp.DefaultPort))
		}
		return []string{r}, nil
	}
	places, err := s.query().Relays(ctx)
	if err != nil {
		return nil, err
	}
	mine := s.State().Target.Host + ":"
	slices.SortStableFunc(places, func(a, b string) int {
		return strings.Compare(strconv.FormatBool(strings.HasPrefix(b, mine)), strconv.FormatBool(strings.HasPrefix(a, mine)))
	})
	return places, nil
}
