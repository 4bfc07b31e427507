package sipconn

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// Header values are read here, more tolerantly than the sip package does it
// (no <>, any URI scheme, quoted parameters that hold ; and commas) and into
// its types.

// longNames are the compact header names of RFC 3261 §7.3.3 and later RFCs.
var longNames = map[string]string{
	"a": "Accept-Contact", "b": "Referred-By", "c": "Content-Type", "d": "Request-Disposition", "e": "Content-Encoding",
	"f": "From", "i": "Call-ID", "j": "Reject-Contact", "k": "Supported", "l": "Content-Length", "m": "Contact", "o": "Event",
	"r": "Refer-To", "s": "Subject", "t": "To", "u": "Allow-Events", "v": "Via", "x": "Session-Expires", "y": "Identity",
}

// usualNames are header names as the standards write them. The sip package
// compares some of them with their case.
var usualNames = spelled("Accept", "Allow", "Allow-Events", "Authentication-Info", "Authorization", "CSeq", "Call-ID", "Contact",
	"Content-Encoding", "Content-Length", "Content-Type", "Date", "Event", "Expires", "From", "Max-Forwards", "Min-Expires",
	"P-Asserted-Identity", "Path", "Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Authorization", "Record-Route",
	"Refer-To", "Referred-By", "Require", "Retry-After", "Route", "SIP-ETag", "SIP-If-Match", "Server", "Service-Route",
	"Subject", "Subscription-State", "Supported", "Suppress-If-Match", "Timestamp", "To", "Unsupported", "User-Agent", "Via", "WWW-Authenticate", "Warning")

func spelled(names ...string) map[string]string {
	m := make(map[string]string, 2*len(names))
	for _, n := range names {
		m[n] = n // most peers write them so
		m[strings.ToLower(n)] = n
	}
	return m
}

// usualName gives a header name as the standards write it.
func usualName(name string) string {
	if n, ok := usualNames[name]; ok {
		return n
	}
	lower := strings.ToLower(name)
	if n, ok := longNames[lower]; ok {
		return n
	}
	if n, ok := usualNames[lower]; ok {
		return n
	}
	return name
}

// parseHeader turns one field into typed headers, several when the value is a
// list. What cannot be read becomes a plain header with the text as it came;
// the check decides whether that is a fault.
func parseHeader(name, value string) []sip.Header {
	switch name {
	case "From", "To", "Contact", "Route", "Record-Route", "Via":
		if hs, err := parseList(name, value); err == nil {
			return hs
		}
	case "Call-ID":
		h := sip.CallIDHeader(value)
		return []sip.Header{&h}
	case "Content-Type":
		h := sip.ContentTypeHeader(value)
		return []sip.Header{&h}
	case "CSeq":
		if h, err := parseCSeq(value); err == nil {
			return []sip.Header{h}
		}
	case "Max-Forwards":
		if n, err := strconv.ParseUint(value, 10, 8); err == nil {
			h := sip.MaxForwardsHeader(n)
			return []sip.Header{&h}
		}
	}
	return []sip.Header{sip.NewHeader(name, value)}
}

// parseList reads a header whose value is a list of addresses or Via hops.
func parseList(name, value string) ([]sip.Header, error) {
	if name == "From" || name == "To" { // no list; a comma may be part of a careless display name
		h, err := parseElement(name, value)
		return []sip.Header{h}, err
	}
	var hs []sip.Header
	for _, part := range split(value, ',') {
		if strings.TrimSpace(part) == "" {
			return nil, errors.New("empty list element")
		}
		h, err := parseElement(name, part)
		if err != nil {
			return nil, err
		}
		hs = append(hs, h)
	}
	return hs, nil
}

func parseElement(name, text string) (sip.Header, error) {
	if name == "Via" {
		return parseVia(text)
	}
	a, err := parseAddress(text)
	if err != nil {
		return nil, err
	}
	if a.uri.Wildcard && name != "Contact" {
		return nil, errors.New("* is for Contact only")
	}
	switch name {
	case "From":
		return &sip.FromHeader{DisplayName: a.name, Address: a.uri, Params: a.params}, nil
	case "To":
		return &sip.ToHeader{DisplayName: a.name, Address: a.uri, Params: a.params}, nil
	case "Contact":
		return &sip.ContactHeader{DisplayName: a.name, Address: a.uri, Params: a.params}, nil
	case "Route":
		return &sip.RouteHeader{Address: a.uri}, nil
	}
	return &sip.RecordRouteHeader{Address: a.uri}, nil
}

// address is a name-addr or addr-spec with parameters (RFC 3261 §20.10).
type address struct {
	name   string // display name, still with the backslashes of its quoted form
	uri    sip.Uri
	params sip.HeaderParams
}

func parseAddress(text string) (a address, err error) {
	text = strings.TrimSpace(text)
	uri, rest := text, ""
	if open := indexOutsideQuotes(text, '<'); open >= 0 {
		end := strings.IndexByte(text[open:], '>')
		if end < 0 {
			return a, errors.New("no > after the URI")
		}
		a.name = unquoted(strings.TrimSpace(text[:open]))
		uri, rest = text[open+1:open+end], text[open+end+1:]
	} else if semi := indexOutsideQuotes(text, ';'); semi >= 0 {
		uri, rest = text[:semi], text[semi:] // RFC 3261 §20.10: without <> all parameters are the header's
	}
	if strings.ContainsAny(a.name, "\r\n\x00") {
		return a, errors.New("bad display name")
	}
	if err := parseURI(strings.TrimSpace(uri), &a.uri); err != nil {
		return a, err
	}
	a.params, err = parseParams(rest)
	return a, err
}

// parseURI is sip.ParseUri without its gaps: it refuses what no URI may hold.
func parseURI(text string, u *sip.Uri) error {
	if strings.ContainsAny(text, " \t\r\n<>\"\x00") {
		return fmt.Errorf("bad character in URI %q", text)
	}
	if err := sip.ParseUri(text, u); err != nil {
		return err
	}
	if u.Scheme == "" && !u.Wildcard {
		return fmt.Errorf("no scheme in URI %q", text)
	}
	if (u.Scheme == "sip" || u.Scheme == "sips") && (u.Host == "" || u.Port < 0 || u.Port > 65535) {
		return fmt.Errorf("bad host or port in URI %q", text)
	}
	return nil
}

// parseParams reads ;name=value;name="quoted value". The sip package writes
// values with blanks in quotes by itself, so those are kept without; other
// quoted values keep their quotes.
func parseParams(text string) (sip.HeaderParams, error) {
	var ps sip.HeaderParams
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, nil
	}
	if text[0] != ';' {
		return nil, errors.New("text after the URI")
	}
	for _, p := range split(text[1:], ';') {
		name, value, _ := strings.Cut(p, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if name == "" && value == "" {
			continue
		}
		if name == "" || strings.ContainsAny(name, " \t\"<>,") {
			return nil, errors.New("bad parameter name")
		}
		if lower := strings.ToLower(name); lower == "tag" || lower == "branch" || lower == "expires" || lower == "q" || lower == "rport" || lower == "received" {
			name = lower // RFC 3261 §7.3.1: parameter names ignore case
		}
		if !ps.Has(name) {
			ps = append(ps, sip.HeaderKV{K: name, V: paramValue(value)})
		}
	}
	return ps, nil
}

func paramValue(v string) string {
	quoted := len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"'
	if quoted && strings.ContainsAny(v, " \t") {
		return v[1 : len(v)-1]
	}
	return v
}

// parseVia reads one hop: SIP/2.0/TLS host:port;branch=...
func parseVia(text string) (*sip.ViaHeader, error) {
	text = strings.TrimSpace(text)
	sent, params := text, ""
	if i := strings.IndexByte(text, ';'); i >= 0 {
		sent, params = text[:i], text[i:]
	}
	parts := strings.SplitN(sent, "/", 3)
	if len(parts) != 3 {
		return nil, errors.New("bad Via protocol")
	}
	v := &sip.ViaHeader{ProtocolName: strings.TrimSpace(parts[0]), ProtocolVersion: strings.TrimSpace(parts[1])}
	fields := strings.Fields(parts[2])
	if len(fields) < 2 || v.ProtocolName == "" || v.ProtocolVersion == "" {
		return nil, errors.New("no transport or host in Via")
	}
	v.Transport = fields[0]
	if err := sentBy(strings.Join(fields[1:], ""), v); err != nil { // RFC 3261 §25.1 allows blanks around the colon
		return nil, err
	}
	var err error
	v.Params, err = parseParams(params)
	return v, err
}

func sentBy(text string, v *sip.ViaHeader) error {
	host, port := text, ""
	if strings.HasPrefix(text, "[") {
		end := strings.IndexByte(text, ']')
		if end < 0 {
			return errors.New("no ] in Via")
		}
		host, port = text[1:end], strings.TrimPrefix(text[end+1:], ":")
	} else if i := strings.LastIndexByte(text, ':'); i >= 0 {
		host, port = text[:i], text[i+1:]
	}
	v.Host = host
	if host == "" || strings.ContainsAny(host, "\"<>,;") {
		return errors.New("bad host in Via")
	}
	if port == "" {
		return nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	v.Port = int(n)
	return err
}

func parseCSeq(value string) (*sip.CSeqHeader, error) {
	f := strings.Fields(value)
	if len(f) != 2 {
		return nil, errors.New("CSeq is not number and method")
	}
	n, err := strconv.ParseUint(f[0], 10, 31) // RFC 3261 §8.1.1.5: less than 2**31
	if err != nil {
		return nil, err
	}
	return &sip.CSeqHeader{SeqNo: uint32(n), MethodName: sip.RequestMethod(f[1])}, nil
}

// split cuts text at each sep that is outside quotes and <>.
func split(text string, sep byte) []string {
	if strings.IndexByte(text, sep) < 0 {
		return []string{text}
	}
	var parts []string
	var quoted, angle bool
	from := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '<':
			angle = true
		case c == '>':
			angle = false
		case c == sep && !angle:
			parts = append(parts, text[from:i])
			from = i + 1
		}
	}
	return append(parts, text[from:])
}

// indexOutsideQuotes finds the first c that is not inside a quoted string.
func indexOutsideQuotes(text string, c byte) int {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch {
		case quoted && text[i] == '\\':
			i++
		case text[i] == '"':
			quoted = !quoted
		case !quoted && text[i] == c:
			return i
		}
	}
	return -1
}

// unquoted takes the quotes off a display name and leaves its backslashes; a
// stray quote in a name without quotes would break what we write later.
func unquoted(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return escaped(s)
}

// escaped makes a text fit for between double quotes (RFC 3261 §25.1 quoted-pair).
func escaped(s string) string {
	if !strings.ContainsAny(s, `\"`) {
		return s
	}
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s)
}

// DisplayName gives the plain text of a display name of a header, which the
// sip package keeps in its escaped form.
func DisplayName(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return shown(b.String(), 200)
}
