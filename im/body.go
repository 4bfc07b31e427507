package im

import (
	"mime"
	"strings"
	"unicode/utf8"

	"communicator/wire/cpim"
	"communicator/wire/pidf"

	"golang.org/x/net/html"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
)

// Accept lists what is taken, for a 415 and for OPTIONS (RFC 3261 §21.4.13, §11.2).
const Accept = "text/plain, text/html, message/cpim, multipart/mixed, multipart/alternative, application/resource-lists+xml, application/im-iscomposing+xml, message/imdn+xml"

// verdict says what to do with a body.
type verdict int

const (
	shown   verdict = iota
	hidden          // understood, but nothing a person reads
	refused         // 415
)

// content is what a body says. What wrapping says about sender and time is not
// believed.
type content struct {
	verdict
	text      string // as a person may read it
	wrapping  *cpim.Message
	receipt   *cpim.Receipt
	composing *cpim.Composing
	list      *said // who else got it, as the list says that came with it (RFC 5364); nil: none
}

// id is what the sender calls the message; empty: nothing.
func (c content) id() string {
	if c.wrapping == nil || len(c.wrapping.ID) > longID {
		return ""
	}
	return c.wrapping.ID
}

// How deep bodies may lie in each other, and how many there may be.
const (
	maxNesting = 5
	maxBodies  = cpim.MaxParts
)

// bodyReader reads the bodies of one message.
type bodyReader struct{ count int }

// readBody says what a body is.
func readBody(contentType, encoding string, body []byte) content {
	c := new(bodyReader).read(0, cpim.Part{Type: contentType, Encoding: encoding, Body: body})
	if c.verdict != shown {
		c.text = ""
	}
	return c
}

func (r *bodyReader) read(depth int, p cpim.Part) content {
	kind, charset := mediaType(p.Type)
	encoded := p.Encoding != "" && !strings.EqualFold(p.Encoding, "identity")
	r.count++
	switch {
	case encoded && (kind == cpim.TypeReceipt || kind == cpim.TypeComposing):
		return content{verdict: hidden} // nobody loses anything
	case kind == pidf.ContentTypeLists:
		return content{verdict: hidden, list: readList(p)}
	case encoded, depth > maxNesting, r.count > maxBodies:
		return content{verdict: refused}
	}
	switch kind {
	case cpim.TypeReceipt:
		return readReceipt(p.Body)
	case cpim.TypeComposing:
		return readComposing(p.Body)
	case cpim.TypeMessage:
		return r.readCPIM(depth, p.Body)
	case "multipart/mixed", "multipart/alternative":
		return r.readParts(depth, kind, p)
	case "text/html":
		return readText(htmlText, charset, p.Body)
	case "text/plain", "": // RFC 2045 §5.2: a part without a type is text
		if kind != "" || p.Type == "" {
			c := readText(func(s string) string { return s }, charset, p.Body)
			if depth == 0 {
				c.text, c.list = readWords(p.Type, c.text)
			}
			return c
		}
	}
	return content{verdict: refused}
}

// readText decodes body and makes it plain.
func readText(toPlain func(string) string, charset string, body []byte) content {
	s, ok := decode(charset, body)
	if !ok {
		return content{verdict: refused}
	}
	return content{text: strings.TrimRight(toPlain(s), "\r\n")}
}

// readReceipt and readComposing read what no person reads. What cannot be read
// is taken all the same: nobody loses anything by it.
func readReceipt(body []byte) content {
	c := content{verdict: hidden}
	if r, err := cpim.ParseReceipt(body); err == nil {
		c.receipt = &r
	}
	return c
}

func readComposing(body []byte) content {
	c := content{verdict: hidden}
	if s, err := cpim.ParseComposing(body); err == nil {
		c.composing = &s
	}
	return c
}

// readCPIM takes the content out of its wrapping. One wrapping is enough.
func (r *bodyReader) readCPIM(depth int, body []byte) content {
	m, err := cpim.Parse(body)
	if err != nil {
		return content{verdict: refused}
	}
	c := r.read(depth+1, m.Content)
	if c.wrapping != nil {
		return content{verdict: refused}
	}
	m.Content = cpim.Part{}
	c.wrapping = &m
	return c
}

// readParts reads a multipart body: of alternatives the best, of a mixture all.
func (r *bodyReader) readParts(depth int, kind string, p cpim.Part) content {
	if depth == maxNesting {
		return content{verdict: refused}
	}
	parts, err := cpim.Split(p.Type, p.Body)
	if err != nil {
		return content{verdict: refused}
	}
	if kind == "multipart/alternative" {
		return r.best(depth, parts)
	}
	all := content{verdict: hidden}
	for _, part := range parts {
		c := r.read(depth+1, part)
		if c.verdict == refused && !part.Optional() {
			return content{verdict: refused} // never 200 for a picture that nobody gets to see
		}
		all.add(c)
	}
	return all
}

// best reads the alternative that is understood and preferred by the sender: the
// last (RFC 2046 §5.1.4), but text/plain before what must be made plain.
func (r *bodyReader) best(depth int, parts []cpim.Part) content {
	best := content{verdict: refused}
	for _, part := range parts {
		c := r.read(depth+1, part)
		if c.verdict == refused {
			continue
		}
		best = c
		if kind, _ := mediaType(part.Type); kind == "text/plain" {
			break
		}
	}
	return best
}

// add adds what one more part says.
func (c *content) add(more content) {
	if more.verdict == refused {
		return
	}
	if more.verdict == shown {
		if c.text != "" && more.text != "" {
			c.text += "\n"
		}
		c.text += more.text
		c.verdict = shown
	}
	if c.wrapping == nil {
		c.wrapping = more.wrapping
	}
	if c.receipt == nil {
		c.receipt = more.receipt
	}
	if c.composing == nil {
		c.composing = more.composing
	}
	if c.list == nil {
		c.list = more.list
	}
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
