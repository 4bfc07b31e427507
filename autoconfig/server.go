package autoconfig

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"communicator/plain"

	"golang.org/x/net/idna"
)

// server is a server that was entered by hand.
type server struct {
	host string // ASCII name or IP address without brackets
	port uint16 // 0: not said
	tcp  bool
}

func (s server) String() string {
	t := s.host
	if s.port != 0 {
		t = net.JoinHostPort(s.host, strconv.Itoa(int(s.port)))
	}
	if s.tcp {
		t += ";transport=tcp"
	}
	return t
}

// parseServer reads HOST[:PORT][;transport=tls|tcp].
func parseServer(text string) (server, error) {
	var s server
	where, params, has := strings.Cut(strings.TrimSpace(text), ";")
	if has {
		k, v, _ := strings.Cut(params, "=")
		if !strings.EqualFold(strings.TrimSpace(k), "transport") {
			return s, fmt.Errorf("%q is not understood: write HOST, HOST:PORT or HOST:PORT;transport=tls", short(text))
		}
		switch strings.ToLower(strings.TrimSpace(v)) {
		case "tls":
		case "tcp":
			s.tcp = true
		default:
			return s, fmt.Errorf("transport %q is not known: only tls and tcp are", short(v))
		}
	}
	host, port, err := splitPort(where)
	if err != nil {
		return s, err
	}
	s.port = port
	s.host, err = hostname(host)
	return s, err
}

// splitPort takes HOST[:PORT] apart; an IPv6 address may stand alone or in brackets.
func splitPort(where string) (string, uint16, error) {
	if a, err := netip.ParseAddr(where); err == nil {
		return a.String(), 0, nil
	}
	if strings.HasPrefix(where, "[") && strings.HasSuffix(where, "]") {
		return where[1 : len(where)-1], 0, nil
	}
	if !strings.Contains(where, ":") {
		return where, 0, nil
	}
	host, p, err := net.SplitHostPort(where)
	if err != nil {
		return "", 0, fmt.Errorf("%q is not HOST:PORT", short(where))
	}
	n, err := strconv.ParseUint(p, 10, 16)
	if err != nil || n == 0 {
		return "", 0, fmt.Errorf("port %q is not a number from 1 to 65535", short(p))
	}
	return host, uint16(n), nil
}

var errNotAName = errors.New("not a name")

// hostname returns a domain or host name in ASCII and lower case, without the
// last dot, or an IP address in its usual form.
func hostname(name string) (string, error) {
	if a, err := netip.ParseAddr(name); err == nil && a.Zone() == "" {
		return a.String(), nil
	}
	ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(name, "."))
	if err == nil { // what came out of broken input need not be a name
		var again string
		again, err = idna.Lookup.ToASCII(ascii)
		if again != ascii {
			err = errNotAName
		}
	}
	if err != nil || !validHost(ascii) {
		return "", fmt.Errorf("%q is not the name of a domain or server", short(name))
	}
	return ascii, nil
}

// validHost: a host name as RFC 1123 §2.1 and RFC 1035 §2.3.4 allow, and the
// underscore, which people use.
func validHost(name string) bool {
	if name == "" || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			if !(c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z') {
				return false
			}
		}
	}
	return true
}

// inside: host is the domain or a name below it.
func inside(host, domain string) bool {
	return host == domain || strings.HasSuffix(host, "."+domain)
}

// short makes text from the network or the keyboard fit for a sentence.
func short(text string) string { return plain.Cut(plain.Line(text), 80) }
