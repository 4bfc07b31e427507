package im

import (
	"bytes"
	"mime"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
)

// accept lists what can be shown, for a 415 (RFC 3261 §21.4.13).
const accept = "text/plain, text/html, message/cpim, application/im-iscomposing+xml, message/imdn+xml"

// verdict says what to do with a body.
type verdict int

const (
	shown   verdict = iota
	hidden          // understood, but nothing a person reads
	refused         // 415
)

// readBody returns the text of a message as a person may read it.
func readBody(contentType, encoding string, body []byte) (string, verdict) {
	kind, charset := mediaType(contentType)
	switch {
	case kind == "application/im-iscomposing+xml", kind == "message/imdn+xml":
		return "", hidden // RFC 3994, RFC 5438; linphone sends the latter deflated
	case encoding != "" && !strings.EqualFold(encoding, "identity"):
		return "", refused
	case kind == "message/cpim":
		return readCPIM(body)
	case kind == "text/html":
		return readText(htmlText, charset, body)
	case kind == "text/plain", kind == "" && contentType == "":
		return readText(func(s string) string { return s }, charset, body)
	}
	return "", refused
}

// readText decodes body and makes it plain.
func readText(toPlain func(string) string, charset string, body []byte) (string, verdict) {
	s, ok := decode(charset, body)
	if !ok {
		return "", refused
	}
	return strings.TrimRight(toPlain(s), "\r\n"), shown
}

// readCPIM takes the text out of its CPIM wrapping (RFC 3862 §2: message
// headers, an empty line, MIME headers, an empty line, content). What the
// wrapping says about sender and time is not believed.
func readCPIM(body []byte) (string, verdict) {
	_, rest, ok := cutEmptyLine(body)
	if !ok {
		return "", refused
	}
	mimeHeaders, content, ok := cutEmptyLine(rest)
	if !ok {
		return "", refused
	}
	contentType, encoding := "text/plain", ""
	for l := range strings.Lines(string(mimeHeaders)) {
		name, value, _ := strings.Cut(l, ":")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "content-type":
			contentType = strings.TrimSpace(value)
		case "content-encoding":
			encoding = strings.TrimSpace(value)
		}
	}
	if kind, _ := mediaType(contentType); kind == "message/cpim" {
		return "", refused // one wrapping is enough
	}
	return readBody(contentType, encoding, content)
}

// cutEmptyLine splits b at its first empty line.
func cutEmptyLine(b []byte) (before, after []byte, found bool) {
	crlf, lf := bytes.Index(b, []byte("\r\n\r\n")), bytes.Index(b, []byte("\n\n"))
	if crlf >= 0 && (lf < 0 || crlf < lf) {
		return b[:crlf], b[crlf+4:], true
	}
	if lf >= 0 {
		return b[:lf], b[lf+2:], true
	}
	return nil, nil, false
}

// mediaType returns the type in lower case and its charset; parameters that
// make no sense are passed over.
func mediaType(contentType string) (kind, charset string) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		kind, _, _ = strings.Cut(contentType, ";")
		return strings.ToLower(strings.TrimSpace(kind)), ""
	}
	return kind, params["charset"]
}

// decode brings text into UTF-8. RFC 3261 §7.4.1: text without a charset is
// UTF-8; what is not is taken as Windows-1252, as old clients sent it.
func decode(charset string, b []byte) (string, bool) {
	if charset == "" || strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "us-ascii") {
		if utf8.Valid(b) {
			return string(b), true
		}
		s, err := charmap.Windows1252.NewDecoder().Bytes(b)
		return string(s), err == nil
	}
	enc, err := htmlindex.Get(charset)
	if err != nil || enc == encoding.Replacement { // that stands for what is known and not read
		return "", false
	}
	if strings.EqualFold(charset, "utf-16") { // RFC 2781 §4.3: the mark says which end comes first, without one the big end does
		enc = unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	}
	s, err := enc.NewDecoder().Bytes(b)
	return string(s), err == nil
}

// htmlText is the text of an HTML message: no markup, no scripts, no links.
func htmlText(s string) string {
	var out strings.Builder
	skip := 0 // depth of elements whose content is no text
	for z := html.NewTokenizer(strings.NewReader(s)); ; {
		kind := z.Next()
		name, _ := z.TagName()
		switch kind {
		case html.ErrorToken:
			return strings.TrimSpace(out.String())
		case html.TextToken:
			if skip == 0 {
				out.WriteString(strings.Join(strings.FieldsFunc(z.Token().Data, isLineBreak), " "))
			}
		case html.StartTagToken, html.SelfClosingTagToken, html.EndTagToken:
			switch string(name) {
			case "body":
				skip = 0 // also ends a head that was left open, as HTML 5 allows
			case "script", "style", "head", "title":
				skip = max(0, skip+map[html.TokenType]int{html.StartTagToken: 1, html.EndTagToken: -1}[kind])
			case "br", "p", "div", "tr", "li":
				if kind != html.EndTagToken && out.Len() > 0 {
					out.WriteByte('\n')
				}
			}
		}
	}
}

func isLineBreak(r rune) bool { return r == '\r' || r == '\n' }
