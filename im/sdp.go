package im

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"communicator/wire/msrp"
)

// media is one m-line of a session description (RFC 4566 §5.14) with what its
// attributes say about messages. The rest of a description is not looked at: no
// stream of ours goes to an address in it.
type media struct {
	kind  string // message, x-ms-message, audio ...
	port  string // "0": refused
	proto string
	what  string // what follows the protocol

	path  msrp.Path // RFC 4975 §8.1
	takes []string  // accept-types; "*": all
	max   int64     // max-size in bytes; 0: not said
	file  bool      // RFC 5547: it offers a file, not messages
}

// Kinds of chat sessions.
const (
	viaDialog = "sip"          // messages go as MESSAGE in the dialog, as clients of LCS do
	viaMSRP   = "TCP/MSRP"     // RFC 4975
	viaMSRPS  = "TCP/TLS/MSRP" // the same, with TLS to the first hop
)

// Limits on a description.
const (
	maxSDP   = 32 << 10
	maxMedia = 16
)

// readSDP reads the media of a session description. pion/sdp (3.0.20) does not
// serve: it refuses x-ms-message and the protocol sip as invalid.
func readSDP(b []byte) ([]media, error) {
	if len(b) > maxSDP {
		return nil, fmt.Errorf("session description of %d bytes", len(b))
	}
	var all []media
	for l := range strings.Lines(string(b)) {
		key, value, ok := strings.Cut(strings.TrimRight(l, "\r\n"), "=")
		switch {
		case !ok:
		case key == "m":
			f := strings.Fields(value)
			if len(f) < 3 || len(all) == maxMedia {
				return nil, fmt.Errorf("bad or too many media in the session description")
			}
			all = append(all, media{kind: strings.ToLower(f[0]), port: f[1], proto: f[2], what: strings.Join(f[3:], " ")})
		case key == "a" && len(all) > 0:
			all[len(all)-1].attribute(value)
		}
	}
	return all, nil
}

// attribute takes an a-line. What is not understood does not count.
func (m *media) attribute(value string) {
	name, value, _ := strings.Cut(value, ":")
	value = strings.TrimSpace(value)
	switch strings.ToLower(name) {
	case "path":
		m.path, _ = msrp.ParsePath(value)
	case "accept-types":
		m.takes = strings.Fields(strings.ToLower(value))
	case "max-size":
		m.max, _ = strconv.ParseInt(value, 10, 62)
	case "file-selector":
		m.file = true
	}
}

// carries is how a session by this m-line would carry messages; empty: it is not
// for messages.
func (m media) carries() string {
	chat := (m.kind == "message" || m.kind == "x-ms-message") && m.port != "0" && !m.file
	switch {
	case chat && strings.EqualFold(m.proto, viaDialog):
		return viaDialog
	case chat && m.kind == "message" && len(m.path) > 0 && (strings.EqualFold(m.proto, viaMSRP) || strings.EqualFold(m.proto, viaMSRPS)):
		return strings.ToUpper(m.proto)
	}
	return ""
}

// accepts says whether a type of content is taken (RFC 4975 §8.6).
func (m media) accepts(kind string) bool {
	main, _, _ := strings.Cut(kind, "/")
	return m.takes == nil && kind == "text/plain" || slices.Contains(m.takes, "*") || slices.Contains(m.takes, kind) || slices.Contains(m.takes, main+"/*")
}

// same says whether an m-line of a later offer changes nothing.
func (m media) same(o media) bool {
	return m.kind == o.kind && m.port == o.port && strings.EqualFold(m.proto, o.proto) && m.path.String() == o.path.String()
}

// chatTypes is what is taken in a session, and what may be wrapped.
const chatTypes = "text/plain text/html message/cpim multipart/mixed multipart/alternative application/im-iscomposing+xml"

// describe writes a session description with one m-line of its own and the
// others refused. host is what stands as the address, to which nothing is sent:
// the first relay (RFC 4975 §8.1), or our domain.
func describe(host string, id int64, all []media) []byte {
	var b strings.Builder
	kind := "IP4"
	if strings.Contains(host, ":") {
		kind = "IP6"
	}
	fmt.Fprintf(&b, "v=0\r\no=- %d 1 IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\n", id, kind, host, kind, host)
	for _, m := range all {
		fmt.Fprintf(&b, "m=%s %s %s %s\r\n", m.kind, m.port, m.proto, m.what)
		if m.port == "0" {
			continue
		}
		fmt.Fprintf(&b, "a=accept-types:%s\r\n", chatTypes)
		if m.path != nil {
			fmt.Fprintf(&b, "a=accept-wrapped-types:text/plain text/html\r\na=max-size:%d\r\na=path:%s\r\n", MaxSession+wrapRoom, m.path)
		}
	}
	return []byte(b.String())
}

// dialogMedia is the m-line for messages in the dialog. The caller names nobody,
// who is called himself.
func dialogMedia(kind, self string) media {
	m := media{kind: kind, port: "5060", proto: viaDialog, what: "null"}
	if self != "" {
		m.what = "sip:" + self
	}
	return m
}

// msrpMedia is the m-line for messages by MSRP. RFC 4975 §8.1: port and address
// are those of the first hop.
func msrpMedia(proto string, path msrp.Path) media {
	return media{kind: "message", port: strconv.Itoa(int(path[0].Port)), proto: proto, what: "*", path: path}
}
