package calendar

import (
	"context"
	"crypto/tls"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"time"
)

// Config says whose calendar it is and how to get to it.
type Config struct {
	URL      string                                                            // see Open
	User     string                                                            // own address, user@domain: the password goes to hosts of this domain and to that of URL
	Password func() (string, error)                                            // asked when the server asks; nil: there is none
	TLS      *tls.Config                                                       // nil: the system's roots
	Dial     func(ctx context.Context, network, addr string) (net.Conn, error) // nil: the real network
	Local    *time.Location                                                    // nil: time.Local
}

// Open makes the Source of an address, without asking it yet: an absolute path
// or a file: URL of an iCalendar file; an https: or webcal: URL that ends in
// .ics or has a query, of one iCalendar text; any other https: URL is that of a
// CalDAV server, of a person there, or of one calendar. A name before the host
// (https://anna@host/) is the name to sign in with.
func Open(c Config) (Source, error) {
	if c.Local == nil {
		c.Local = time.Local
	}
	if filepath.IsAbs(c.URL) {
		return &ics{c: c, path: filepath.Clean(c.URL)}, nil
	}
	bad := func(why string) error {
		return &Error{What: "The address of the calendar, " + short(c.URL) + ", cannot be used", Why: why, Remedy: "Set it like https://calendar.example.com/ or https://example.com/anna.ics, or to a file"}
	}
	u, err := url.Parse(strings.TrimSpace(c.URL))
	if err != nil {
		return nil, bad("it is no URL")
	}
	if u.User != nil {
		if _, has := u.User.Password(); has {
			return nil, bad("it must not carry a password")
		}
	}
	switch strings.ToLower(u.Scheme) {
	case "file":
		if u.Host != "" && u.Host != "localhost" || !filepath.IsAbs(filepath.FromSlash(u.Path)) {
			return nil, bad("it names no file of this computer")
		}
		return &ics{c: c, path: filepath.FromSlash(u.Path)}, nil
	case "webcal", "webcals":
		u.Scheme = "https"
	case "https":
	case "http":
		return nil, bad("it is not encrypted")
	default:
		return nil, bad("it begins neither with https:// nor with webcal:// nor with file://")
	}
	if u.Hostname() == "" {
		return nil, bad("it names no computer")
	}
	u.Fragment = ""
	w := newWeb(u, c)
	if strings.HasSuffix(strings.ToLower(u.Path), ".ics") || u.RawQuery != "" {
		bare := *u
		bare.User = nil
		return &ics{c: c, web: w, url: &bare}, nil
	}
	return &caldav{web: w, root: u, c: c}, nil
}
