// Package cpim reads and writes what instant messages are wrapped in: CPIM
// messages, receipts, news of somebody typing, and multipart bodies.
//
// It is pure: bytes in, values out. It does not judge: who a message says it is
// from is what somebody wrote there, and only the server knows better (that is
// im's business). Begin with Parse, ParseReceipt, ParseComposing and Split.
//
// Standards: RFC 3862 (CPIM), RFC 5438 (IMDN), RFC 3994 (is-composing),
// RFC 2046 (multipart).
package cpim

import (
	"bytes"
	"errors"
	"fmt"
	"net/textproto"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Media types of what is read and written here.
const (
	TypeMessage   = "message/cpim"
	TypeReceipt   = "message/imdn+xml"
	TypeComposing = "application/im-iscomposing+xml"
)

// nsIMDN is the namespace of IMDN's headers (RFC 5438 §6).
const nsIMDN = "urn:ietf:params:imdn"

// Limits on what is read.
const (
	maxHeaders = 200 // of a message
	maxValue   = 4096
	maxTo      = 1000
)

// Message is a CPIM message (RFC 3862). From and To are URIs without <>; names
// are read over, and so are headers that are not listed here. IMDN-Record-Route
// is neither read nor written: receipts go to the sender, through the server.
type Message struct {
	From    string
	To      []string
	Time    time.Time // DateTime; zero: none, or not understood
	ID      string    // imdn.Message-ID
	Notify  []string  // imdn.Disposition-Notification, in lower case
	Content Part
}

// What Message.Notify asks for (RFC 5438 §6.2).
const (
	PositiveDelivery = "positive-delivery"
	NegativeDelivery = "negative-delivery"
	Display          = "display"
)

// Wants says whether the sender asks for this kind of receipt.
func (m Message) Wants(kind string) bool {
	for _, n := range m.Notify {
		if n == kind {
			return true
		}
	}
	return false
}

// Parse reads a CPIM message: its headers, an empty line, the MIME headers of
// the content, an empty line, the content (RFC 3862 §2). Headers that make no
// sense are passed over.
func Parse(b []byte) (Message, error) {
	head, rest, ok := cutEmptyLine(b)
	if !ok {
		return Message{}, errors.New("CPIM message: no empty line after its headers")
	}
	var m Message
	prefixes := map[string]string{"imdn": nsIMDN} // some forget to declare it
	mime := textproto.MIMEHeader{}
	count := 0
	for l := range strings.Lines(string(head)) {
		if count++; count > maxHeaders {
			return Message{}, fmt.Errorf("CPIM message: more than %d headers", maxHeaders)
		}
		name, value, ok := strings.Cut(strings.TrimRight(l, "\r\n"), ":")
		if !ok || len(value) > maxValue {
			continue
		}
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if strings.HasPrefix(strings.ToLower(name), "content-") {
			mime.Set(name, value)
		}
		m.header(prefixes, name, value)
	}
	if len(m.To) > maxTo {
		return Message{}, fmt.Errorf("CPIM message: to more than %d", maxTo)
	}
	var err error
	if mime.Get("Content-Type") != "" { // the empty line is missing, as in the example of RFC 5438 §7.1.1.3
		m.Content, err = newPart(mime.Get, rest)
	} else {
		m.Content, err = parsePart(rest)
	}
	if err != nil {
		return Message{}, fmt.Errorf("CPIM message: %w", err)
	}
	return m, nil
}

// header takes one header. Names are case-sensitive (RFC 3862 §2.1); those that
// ignore it are understood.
func (m *Message) header(prefixes map[string]string, name, value string) {
	name, _, _ = strings.Cut(name, ";") // RFC 3862 §2.3.3: parameters, such as a language
	prefix, local, qualified := strings.Cut(name, ".")
	if qualified {
		if prefixes[prefix] != nsIMDN {
			return
		}
		name = "imdn." + local
	}
	switch strings.ToLower(name) {
	case "from":
		m.From = uri(value)
	case "to":
		m.To = append(m.To, uri(value))
	case "datetime":
		m.Time, _ = time.Parse(time.RFC3339, value) // RFC 3862 §4.5: zero when it is none
	case "ns": // RFC 3862 §4.6: NS: prefix <URI>
		if prefix, rest, ok := strings.Cut(value, "<"); ok {
			prefixes[strings.TrimSpace(prefix)] = strings.TrimRight(rest, "> ")
		}
	case "imdn.message-id":
		if utf8.ValidString(value) && !strings.ContainsFunc(value, unicode.IsControl) { // else it is no name (RFC 5438 §6.3)
			m.ID = value
		}
	case "imdn.disposition-notification":
		for kind := range strings.SplitSeq(value, ",") {
			m.Notify = append(m.Notify, strings.ToLower(strings.TrimSpace(kind)))
		}
	}
}

// uri is what stands in <>, or all of it when there are none.
func uri(value string) string {
	if i := strings.LastIndexByte(value, '<'); i >= 0 {
		value, _, _ = strings.Cut(value[i+1:], ">")
	}
	return strings.TrimSpace(value)
}

// Bytes writes the message. Line breaks in header values become spaces.
func (m Message) Bytes() []byte {
	var b bytes.Buffer
	line := func(name, value string) {
		if value != "" {
			b.WriteString(name + ": " + oneLine(value) + "\r\n")
		}
	}
	line("From", angled(m.From))
	for _, to := range m.To {
		line("To", angled(to))
	}
	if !m.Time.IsZero() {
		line("DateTime", m.Time.Format(time.RFC3339))
	}
	if m.ID != "" || len(m.Notify) > 0 {
		line("NS", "imdn <"+nsIMDN+">")
	}
	line("imdn.Message-ID", m.ID)
	line("imdn.Disposition-Notification", strings.Join(m.Notify, ", "))
	b.WriteString("\r\n")
	m.Content.write(&b)
	return b.Bytes()
}

func angled(uri string) string {
	if uri == "" {
		return ""
	}
	return "<" + uri + ">"
}

// oneLine keeps a value from ending its header.
func oneLine(s string) string {
	return strings.NewReplacer("\r", " ", "\n", " ", "\x00", " ").Replace(s)
}

// cutEmptyLine splits b at its first empty line.
func cutEmptyLine(b []byte) (before, after []byte, found bool) {
	for _, empty := range []string{"\r\n", "\n"} {
		if after, ok := bytes.CutPrefix(b, []byte(empty)); ok { // no lines before it
			return nil, after, true
		}
	}
	crlf, lf := bytes.Index(b, []byte("\r\n\r\n")), bytes.Index(b, []byte("\n\n"))
	if crlf >= 0 && (lf < 0 || crlf < lf) {
		return b[:crlf], b[crlf+4:], true
	}
	if lf >= 0 {
		return b[:lf], b[lf+2:], true
	}
	return nil, nil, false
}
