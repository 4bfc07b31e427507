package cpim

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/textproto"
	"strings"
)

// MaxParts is how many parts of one multipart body are read.
const MaxParts = 100

// Part is a MIME entity with its transfer encoding undone (RFC 2045 §6).
type Part struct {
	Type        string // Content-Type as written; empty: text/plain (RFC 2045 §5.2)
	Encoding    string // Content-Encoding; not undone
	Disposition string // Content-Disposition as written
	Body        []byte
}

// Optional says whether who does not understand the part may read over it
// (RFC 3261 §20.11: handling is required unless it says otherwise).
func (p Part) Optional() bool {
	_, params, err := mime.ParseMediaType(p.Disposition)
	return err == nil && strings.EqualFold(params["handling"], "optional")
}

// Split returns the parts of a multipart body, in their order; what stands
// before the first and after the last is nobody's (RFC 2046 §5.1.1).
func Split(contentType string, body []byte) ([]Part, error) {
	boundary, err := boundaryOf(contentType, body)
	if err != nil {
		return nil, err
	}
	if i := bytes.Index(body, []byte("--"+boundary)); i > 0 && body[i-1] != '\n' {
		body = body[i:] // a store has written something of its own before it
	}
	var parts []Part
	for r := multipart.NewReader(bytes.NewReader(body), boundary); ; {
		p, err := r.NextRawPart()
		if err == io.EOF && len(parts) > 0 {
			return parts, nil
		}
		if err != nil {
			return nil, fmt.Errorf("multipart: %w", err)
		}
		if len(parts) == MaxParts {
			return nil, fmt.Errorf("multipart: more than %d parts", MaxParts)
		}
		content, err := io.ReadAll(p)
		if err != nil {
			return nil, fmt.Errorf("multipart: %w", err)
		}
		part, err := newPart(p.Header.Get, content)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
}

// maxBoundary is how long a boundary is in bytes (RFC 2046 §5.1.1).
const maxBoundary = 70

// boundaryOf returns the boundary of a multipart body. Kamailio's msilo drops all
// parameters of the type of what it keeps; then the first line tells.
func boundaryOf(contentType string, body []byte) (string, error) {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return "", fmt.Errorf("multipart: %w", err)
	}
	boundary := params["boundary"]
	if boundary == "" {
		first, _, _ := bytes.Cut(bytes.TrimLeft(body, "\r\n"), []byte("\n"))
		after, _ := bytes.CutPrefix(first, []byte("--"))
		boundary = strings.TrimRight(string(after), " \t\r")
		if len(after) == len(first) {
			boundary = ""
		}
	}
	if boundary == "" || len(boundary) > maxBoundary {
		return "", errors.New("multipart: no boundary")
	}
	return boundary, nil
}

// Join writes parts as a multipart body and returns it with its Content-Type,
// kind ("multipart/mixed") with the boundary: a token that does not occur in them.
// Nothing stands before the first boundary and no quotes around it, though either
// might: linphone 5.1 takes the quotes for a part of it, and ends with signal 11
// when a body does not begin with it.
func Join(kind, boundary string, parts ...Part) (contentType string, body []byte) {
	var b bytes.Buffer
	for _, p := range parts {
		b.WriteString("--" + boundary + "\r\n")
		p.write(&b)
		b.WriteString("\r\n")
	}
	b.WriteString("--" + boundary + "--\r\n")
	return kind + ";boundary=" + boundary, b.Bytes()
}

// parsePart reads an entity: MIME headers, an empty line, the content. Without
// headers it begins with the empty line.
func parsePart(b []byte) (Part, error) {
	head, content, ok := cutEmptyLine(b)
	if !ok {
		return Part{}, errors.New("no empty line before the content")
	}
	h := textproto.MIMEHeader{}
	for l := range strings.Lines(string(head)) {
		if name, value, ok := strings.Cut(l, ":"); ok && len(h) < maxHeaders {
			h.Set(strings.TrimSpace(name), strings.TrimSpace(value))
		}
	}
	return newPart(h.Get, content)
}

// newPart makes a Part of its headers and what came.
func newPart(header func(string) string, content []byte) (Part, error) {
	p := Part{Type: header("Content-Type"), Encoding: header("Content-Encoding"), Disposition: header("Content-Disposition"), Body: content}
	var err error
	switch coding := strings.ToLower(strings.TrimSpace(header("Content-Transfer-Encoding"))); coding {
	case "", "7bit", "8bit", "binary":
	case "base64":
		p.Body, err = io.ReadAll(base64.NewDecoder(base64.StdEncoding, bytes.NewReader(content)))
	case "quoted-printable":
		p.Body, err = io.ReadAll(quotedprintable.NewReader(bytes.NewReader(content)))
	default:
		err = fmt.Errorf("unknown Content-Transfer-Encoding %.40q", coding)
	}
	return p, err
}

// write writes the entity. What has an encoding is bytes, and these are written
// in letters (RFC 2045 §6.8), as not every store keeps a zero byte.
func (p Part) write(b *bytes.Buffer) {
	for _, h := range [][2]string{{"Content-Type", p.Type}, {"Content-Encoding", p.Encoding}, {"Content-Disposition", p.Disposition}} {
		if h[1] != "" {
			b.WriteString(h[0] + ": " + oneLine(h[1]) + "\r\n")
		}
	}
	if p.Encoding != "" {
		b.WriteString("Content-Transfer-Encoding: base64\r\n\r\n")
		b.WriteString(base64.StdEncoding.EncodeToString(p.Body))
		return
	}
	b.WriteString("\r\n")
	b.Write(p.Body)
}
