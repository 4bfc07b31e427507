package msrp

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// URI names an end or a relay of a session: msrps://host:port/session;tcp
// (RFC 4975 §6). Two may be compared with Same only, as case and what follows
// ";tcp" do not count.
type URI struct {
	Secure  bool   // msrps: TLS
	User    string // before an @; says nothing about anybody
	Host    string // without brackets
	Port    uint16 // 0: none was given
	Session string // empty: a relay before AUTH
	Rest    string // further parameters, with their first semicolon
}

const (
	maxURI  = 1024 // bytes
	maxPath = 16   // URIs
)

// ParseURI reads one URI.
func ParseURI(s string) (URI, error) {
	var u URI
	scheme, rest, _ := strings.Cut(s, "://")
	switch {
	case len(s) > maxURI:
		return u, fmt.Errorf("msrp uri of %d bytes", len(s))
	case strings.EqualFold(scheme, "msrps"):
		u.Secure = true
	case !strings.EqualFold(scheme, "msrp"):
		return u, fmt.Errorf("no msrp uri: %.40q", s)
	}
	place, params, _ := strings.Cut(rest, ";")
	transport, further, more := strings.Cut(params, ";")
	if !strings.EqualFold(transport, "tcp") { // RFC 4975 §6: the transport is mandatory, and there is no other
		return u, fmt.Errorf("msrp uri without ;tcp: %.40q", s)
	}
	if more {
		u.Rest = ";" + further
	}
	authority, session, _ := strings.Cut(place, "/")
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		u.User, authority = authority[:i], authority[i+1:]
	}
	u.Session = session
	host, port, err := net.SplitHostPort(authority)
	if err != nil {
		host, port = authority, ""
		if inner, is := strings.CutPrefix(authority, "["); is {
			if host, is = strings.CutSuffix(inner, "]"); !is {
				return u, fmt.Errorf("bad msrp uri: %.40q", s)
			}
		}
	}
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return u, fmt.Errorf("msrp uri with a bad port: %.40q", s)
		}
		u.Port = uint16(n)
	}
	u.Host = host
	if !u.printable() {
		return u, fmt.Errorf("bad msrp uri: %.40q", s)
	}
	return u, nil
}

// printable tells whether writing u gives a URI again.
func (u URI) printable() bool {
	if u.Host == "" || strings.ContainsAny(u.Host, "[]@/;") || strings.ContainsAny(u.User+u.Session, "/;@") {
		return false
	}
	if strings.Contains(u.Host, ":") {
		if _, err := netip.ParseAddr(u.Host); err != nil {
			return false
		}
	}
	return strings.IndexFunc(u.User+u.Host+u.Session+u.Rest, func(r rune) bool { return r <= ' ' || r >= 0x7f }) < 0
}

// String writes the URI.
func (u URI) String() string {
	s := "msrp://"
	if u.Secure {
		s = "msrps://"
	}
	if u.User != "" {
		s += u.User + "@"
	}
	if strings.Contains(u.Host, ":") {
		s += "[" + u.Host + "]"
	} else {
		s += u.Host
	}
	if u.Port != 0 {
		s += ":" + strconv.Itoa(int(u.Port))
	}
	if u.Session != "" {
		s += "/" + u.Session
	}
	return s + ";tcp" + u.Rest
}

// Same compares as RFC 4975 §6.1 says: scheme, host, port and session.
func (u URI) Same(v URI) bool {
	return u.Secure == v.Secure && strings.EqualFold(u.Host, v.Host) && u.Port == v.Port && u.Session == v.Session
}

// Path is a row of URIs, the next hop first.
type Path []URI

// ParsePath reads what To-Path, From-Path, Use-Path and an SDP's a=path hold.
func ParsePath(s string) (Path, error) {
	fields := strings.Fields(s)
	if len(fields) == 0 || len(fields) > maxPath {
		return nil, fmt.Errorf("msrp path of %d uris", len(fields))
	}
	p := make(Path, len(fields))
	for i, f := range fields {
		var err error
		if p[i], err = ParseURI(f); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// String writes the path.
func (p Path) String() string {
	all := make([]string, len(p))
	for i, u := range p {
		all[i] = u.String()
	}
	return strings.Join(all, " ")
}

// NewURI makes the URI of an end of a new session at host, the name or address
// of this computer as the other side sees it.
func NewURI(host string, secure bool) URI {
	return URI{Secure: secure, Host: host, Port: DefaultPort, Session: newID()}
}
