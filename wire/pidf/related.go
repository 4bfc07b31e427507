package pidf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/textproto"
	"strings"
)

// Limits on the answer to a list subscription.
const (
	MaxParts   = 20000 // of one message
	MaxNesting = 4     // lists inside lists
)

// Part is one body of a multipart/related message.
type Part struct {
	ContentType string // as written, with parameters
	CID         string // Content-ID without <>; empty: none
	Body        []byte
}

// Notify is what a NOTIFY for a list brings: how the list stands and the
// documents of its members (RFC 4662 §5, RFC 2387).
type Notify struct {
	RLMI  RLMI
	Parts []Part // the documents; those of lists inside it are in Lists
	Lists map[string]Notify
}

// MemberState is one subscription behind a member of a list, with its document.
type MemberState struct {
	Resource Resource
	Instance Instance // zero: nothing is known of the member (yet)
	Document Part     // zero: there is none
}

// ParseNotify reads the body of a NOTIFY for a list. contentType is that of
// the message: multipart/related or, without any document, RLMI alone.
func ParseNotify(contentType string, body []byte) (Notify, error) {
	return parseNotify(contentType, body, 0)
}

func parseNotify(contentType string, body []byte, depth int) (Notify, error) {
	kind, params := mediaType(contentType)
	if kind == ContentTypeRLMI {
		l, err := ParseRLMI(body)
		return Notify{RLMI: l}, err
	}
	switch {
	case kind != "multipart/related":
		return Notify{}, fmt.Errorf("list notification: content type %q", cut(kind, 80))
	case depth > MaxNesting:
		return Notify{}, fmt.Errorf("list notification: lists inside lists: %w of %d", ErrTooBig, MaxNesting)
	}
	parts, err := splitParts(params["boundary"], body)
	if err != nil {
		return Notify{}, fmt.Errorf("list notification: %w", err)
	}
	root := rootPart(parts, bareCID(params["start"]))
	n := Notify{}
	if n.RLMI, err = ParseRLMI(parts[root].Body); err != nil {
		return Notify{}, err
	}
	for i, p := range parts {
		if i == root {
			continue
		}
		if kind, _ := mediaType(p.ContentType); kind != "multipart/related" {
			n.Parts = append(n.Parts, p)
			continue
		}
		// RFC 4662 §5: a list inside the list is again a multipart/related body.
		inner, err := parseNotify(p.ContentType, p.Body, depth+1)
		if err != nil {
			return Notify{}, err
		}
		if n.Lists == nil {
			n.Lists = make(map[string]Notify)
		}
		n.Lists[p.CID] = inner
	}
	return n, nil
}

// rootPart returns the index of the part that start names; without it the
// first one is the root (RFC 2387 §3.2).
func rootPart(parts []Part, start string) int {
	for i, p := range parts {
		if start != "" && p.CID == start {
			return i
		}
	}
	return 0
}

// Members returns every member with its document, also those of lists inside
// the list, in order. A member with several subscriptions comes several times.
func (n Notify) Members() []MemberState {
	byCID := make(map[string]Part, len(n.Parts))
	for _, p := range n.Parts {
		if p.CID != "" {
			byCID[p.CID] = p
		}
	}
	var all []MemberState
	told := make(map[string]bool) // a list that is named ten thousand times is told once
	for _, r := range n.RLMI.Resources {
		if len(r.Instances) == 0 {
			all = append(all, MemberState{Resource: r})
		}
		for _, i := range r.Instances {
			if inner, ok := n.Lists[i.CID]; ok && i.CID != "" {
				if !told[i.CID] {
					told[i.CID] = true
					all = append(all, inner.Members()...)
				}
				continue
			}
			all = append(all, MemberState{r, i, byCID[i.CID]})
		}
	}
	return all
}

// Marshal writes the message; rootCID is the Content-ID of the list part,
// boundary separates the parts and must not occur in any of them.
func (n Notify) Marshal(boundary, rootCID string) (contentType string, body []byte) {
	var b bytes.Buffer
	root := Part{ContentTypeRLMI + ";charset=UTF-8", rootCID, n.RLMI.Marshal()}
	for _, p := range append([]Part{root}, n.Parts...) {
		p.write(&b, boundary)
	}
	for _, r := range n.RLMI.Resources {
		for _, i := range r.Instances {
			if inner, ok := n.Lists[i.CID]; ok && i.CID != "" {
				ct, body := inner.Marshal(boundary+"-"+fmt.Sprint(b.Len()), "list-"+i.CID)
				Part{ct, i.CID, body}.write(&b, boundary)
			}
		}
	}
	fmt.Fprintf(&b, "--%s--\r\n", boundary)
	// RFC 2387 §3.1, §3.2: the type of the root, and which part it is.
	return fmt.Sprintf(`multipart/related;type="%s";start="<%s>";boundary="%s"`, ContentTypeRLMI, rootCID, boundary), b.Bytes()
}

func (p Part) write(b *bytes.Buffer, boundary string) {
	fmt.Fprintf(b, "--%s\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <%s>\r\nContent-Type: %s\r\n\r\n", boundary, p.CID, p.ContentType)
	b.Write(p.Body)
	b.WriteString("\r\n")
}

// splitParts splits a multipart body.
func splitParts(boundary string, body []byte) (parts []Part, err error) {
	if boundary == "" || len(boundary) > 200 {
		return nil, errors.New("no usable boundary in its content type")
	}
	if len(body) > MaxSize {
		return nil, fmt.Errorf("%d bytes: %w of %d", len(body), ErrTooBig, MaxSize)
	}
	r := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		p, err := r.NextPart()
		switch {
		case err == io.EOF && len(parts) == 0:
			return nil, errors.New("it has no parts")
		case err == io.EOF:
			return parts, nil
		case err != nil:
			return nil, err
		case len(parts) >= MaxParts:
			return nil, fmt.Errorf("number of parts: %w of %d", ErrTooBig, MaxParts)
		}
		b, err := io.ReadAll(p)
		if err != nil {
			return nil, err
		}
		parts = append(parts, Part{header(p.Header, "Content-Type"), bareCID(header(p.Header, "Content-Id")), b})
	}
}

func header(h textproto.MIMEHeader, name string) string { return cut(h.Get(name), MaxText) }

// bareCID takes the <> off a Content-ID.
func bareCID(s string) string {
	s = strings.TrimSpace(s)
	return strings.TrimSuffix(strings.TrimPrefix(s, "<"), ">")
}

// mediaType splits a content type into its kind and parameters, both names in
// lower case. It also reads what mime.ParseMediaType refuses: servers send
// start=<...> without quotes.
func mediaType(s string) (kind string, params map[string]string) {
	params = make(map[string]string)
	for i, f := range splitQuoted(cut(s, MaxText)) {
		if i == 0 {
			kind = strings.ToLower(strings.TrimSpace(f))
			continue
		}
		name, value, _ := strings.Cut(f, "=")
		value = strings.TrimSpace(value)
		if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
			value = strings.ReplaceAll(value[1:len(value)-1], `\`, "")
		}
		params[strings.ToLower(strings.TrimSpace(name))] = value
	}
	return kind, params
}

// splitQuoted splits at semicolons outside quotes.
func splitQuoted(s string) (fields []string) {
	start, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ';' && !quoted:
			fields = append(fields, s[start:i])
			start = i + 1
		}
	}
	return append(fields, s[start:])
}
