// Package address has the one form in which addresses of people are compared,
// kept and shown: Canonical. It is pure; what a request is sent to (a URI) is
// the business of wire/sipconn.
//
// Standards: RFC 3261 §19.1 (SIP URIs).
package address

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Max is the longest address in bytes.
const Max = 320

// Canonical returns an address as used everywhere outside wire/:
// "user@domain", domain in lower case, without "sip:", parameters and <>. It
// takes sip:, sips:, im:, pres:, mailto: and addresses without a scheme, with a
// display name before <>, %-escapes, and domains in other scripts (which become
// their ASCII form). The error says what is wrong with it.
func Canonical(address string) (string, error) {
	s := strings.TrimSpace(address)
	if len(s) > 4*Max {
		return "", errors.New("the address is too long")
	}
	if i := strings.LastIndexByte(s, '<'); i >= 0 { // name-addr: "Bob" <sip:bob@contoso.test>;tag=1
		inner, _, closed := strings.Cut(s[i+1:], ">")
		if !closed {
			return "", fmt.Errorf("address %q: the > is missing", s)
		}
		s = strings.TrimSpace(inner)
	}
	if s == "" {
		return "", errors.New("the address is empty; it should be like anna@example.com")
	}
	user, domain, err := split(s)
	if err == nil {
		domain, err = canonicalDomain(domain)
	}
	if err == nil {
		user, err = canonicalUser(user)
	}
	if err == nil && len(user)+1+len(domain) > Max {
		err = fmt.Errorf("it is longer than %d characters", Max)
	}
	if err != nil {
		return "", fmt.Errorf("address %q: %w", s, err)
	}
	return user + "@" + domain, nil
}

// split takes scheme, parameters and port off an address.
func split(s string) (user, domain string, err error) {
	// A scheme has no "@" before its ":", else it is a user with a password.
	if i := strings.IndexByte(s, ':'); i >= 0 && !strings.Contains(s[:i], "@") {
		switch scheme := strings.ToLower(s[:i]); scheme {
		case "sip", "sips", "im", "pres", "mailto":
			s = s[i+1:]
		case "tel", "http", "https":
			return "", "", fmt.Errorf("%s: is not an address of a person; it should be like anna@example.com", scheme)
		}
	}
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return "", "", errors.New("the @ is missing; it should be like anna@example.com")
	}
	user, domain = s[:at], s[at+1:]
	if i := strings.IndexAny(domain, ";?"); i >= 0 { // RFC 3261 §19.1.1: parameters and headers
		domain = domain[:i]
	}
	if i := strings.IndexByte(user, ':'); i >= 0 { // a password; never kept
		user = user[:i]
	}
	return user, domain, nil
}

// canonicalDomain returns a domain name in lower case and ASCII, without port.
func canonicalDomain(domain string) (string, error) {
	if strings.HasPrefix(domain, "[") {
		return "", errors.New("it names a computer by number; use the domain")
	}
	if i := strings.IndexByte(domain, ':'); i >= 0 {
		domain = domain[:i]
	}
	domain = strings.TrimSuffix(domain, ".")
	if domain == "" {
		return "", errors.New("the domain after the @ is missing")
	}
	if _, err := netip.ParseAddr(domain); err == nil {
		return strings.ToLower(domain), nil // a computer without a name; tests and small companies have it
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	if err == nil && ascii != domain {
		ascii, err = idna.Lookup.ToASCII(ascii) // what it makes of invalid UTF-8 it does not take itself
	}
	if err != nil || len(ascii) > 253 {
		return "", fmt.Errorf("%q is not a domain", domain)
	}
	for _, label := range strings.Split(ascii, ".") {
		if label == "" || len(label) > 63 {
			return "", fmt.Errorf("%q is not a domain", domain)
		}
	}
	return strings.ToLower(ascii), nil
}

// canonicalUser returns the part before the @ as it may stand in a SIP URI,
// each character in its one form: escaped only if it must be (RFC 3261 §19.1.4:
// "%61" is "a"). Its case is kept: it may matter.
func canonicalUser(user string) (string, error) {
	if user == "" {
		return "", errors.New("the name before the @ is missing")
	}
	raw, err := url.PathUnescape(user)
	if err != nil {
		return "", errors.New("a % is not followed by two hexadecimal digits")
	}
	if !utf8.ValidString(raw) {
		return "", errors.New("the name before the @ is not UTF-8")
	}
	for _, r := range raw {
		if unicode.IsControl(r) || unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune(`<>"@`, r) {
			return "", fmt.Errorf("the name before the @ has a character that is not allowed (%q)", r)
		}
	}
	var b strings.Builder
	for i := range len(raw) {
		if c := raw[i]; c < utf8.RuneSelf && (unicode.IsLetter(rune(c)) || unicode.IsDigit(rune(c)) || strings.IndexByte(userMarks, c) >= 0) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String(), nil
}

// userMarks are the characters beside letters and digits that stand for
// themselves (RFC 3261 §25.1: mark, user-unreserved).
const userMarks = "-_.!~*'()&=+$,;?/"
