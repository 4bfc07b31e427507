package sipconn

import (
	"strconv"
	"strings"

	"communicator/plain"

	"github.com/emiago/sipgo/sip"
)

// field is one header line, unfolded, its name as the standards write it.
type field struct{ name, value string }

// head is a message's start line and headers as text, not yet understood.
type head struct {
	start  string
	fields []field
}

// splitHead takes a head apart, whatever is wrong with it, and says what is.
func splitHead(raw []byte) (h head, f *fault) {
	if len(raw) > maxHead {
		f = &fault{400, "Header Block Too Large"}
	}
	h.fields = make([]field, 0, 16)
	first := true
	for line := range strings.Lines(string(raw)) {
		text, ok := strings.CutSuffix(line, "\r\n")
		if !ok || strings.ContainsAny(text, "\r\n\x00") {
			f = &fault{400, "Bare CR, LF or NUL in Header"} // RFC 3261 §7: lines end with CRLF
			text = strings.Trim(strings.TrimRight(line, "\r\n"), "\x00")
		}
		switch {
		case first:
			h.start, first = text, false
		case text == "":
			return h, f
		case len(h.fields) > maxLines:
			return h, &fault{400, "Too Many Headers"}
		case text[0] == ' ' || text[0] == '\t':
			if !h.fold(text) {
				f = &fault{400, "Bad Header Line"}
			}
		default:
			name, value, ok := strings.Cut(text, ":")
			name = strings.TrimRight(name, " \t")
			if !ok || !isToken(name) {
				f = &fault{400, "Bad Header Line"}
				continue
			}
			h.fields = append(h.fields, field{usualName(name), strings.TrimSpace(value)})
		}
	}
	return h, f
}

// fold adds a continuation line (RFC 3261 §7.3.1).
func (h *head) fold(text string) bool {
	if len(h.fields) == 0 {
		return false
	}
	last := &h.fields[len(h.fields)-1]
	last.value = strings.TrimSpace(last.value + " " + strings.TrimSpace(text))
	return true
}

// all returns the values of a header.
func (h *head) all(name string) []string {
	var vs []string
	for _, f := range h.fields {
		if f.name == name {
			vs = append(vs, f.value)
		}
	}
	return vs
}

// response tells whether this is the head of a response.
func (h *head) response() bool { return isResponseLine([]byte(h.start)) }

// parse makes a message of a frame, or says what is wrong with it. The head is
// always returned, for the answer to a bad request.
func parse(fr frame) (sip.Message, head, *fault) {
	h, f := splitHead(fr.head)
	if f == nil {
		f = fr.fault
	}
	if f == nil {
		f = h.countFault()
	}
	if f != nil {
		return nil, h, f
	}
	var m sip.Message
	if h.response() {
		m, f = parseStatus(h.start)
	} else {
		m, f = parseRequestLine(h.start)
	}
	if f != nil {
		return nil, h, f
	}
	for _, x := range h.fields {
		if x.name == "Content-Length" {
			continue // SetBody writes it anew
		}
		for _, p := range parseHeader(x.name, x.value) {
			m.AppendHeader(p)
		}
	}
	m.SetBody(fr.body)
	return m, h, typeFault(m)
}

// countFault checks what must be there, and what must be there only once.
func (h *head) countFault() *fault {
	counts := make(map[string]int, 8)
	for _, f := range h.fields {
		counts[f.name]++
	}
	for _, n := range [...]string{"Via", "From", "To", "Call-ID", "CSeq"} { // RFC 3261 §8.1.1
		if counts[n] == 0 {
			return &fault{400, "Missing " + n + " Header"}
		}
	}
	for _, n := range [...]string{"From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Length", "Content-Type", "Expires", "Event", "Subscription-State"} {
		if counts[n] > 1 {
			return &fault{400, "More Than One " + n + " Header"} // RFC 4475 §3.3.8, §3.3.9
		}
	}
	return nil
}

// typeFault checks that the headers every message needs could be understood.
func typeFault(m sip.Message) *fault {
	method := sip.RequestMethod("")
	var headers []sip.Header
	switch m := m.(type) {
	case *sip.Request:
		method, headers = m.Method, m.Headers()
	case *sip.Response:
		headers = m.Headers()
	}
	for _, h := range headers {
		switch n := h.Name(); n {
		case "From", "To", "CSeq", "Via", "Max-Forwards", "Route":
			if f := headerFault(n, h, method); f != nil {
				return f
			}
		}
	}
	if id := m.CallID(); id == nil || *id == "" || strings.ContainsAny(string(*id), " \t") {
		return &fault{400, "Bad Call-ID Header"}
	}
	return nil
}

func headerFault(name string, h sip.Header, method sip.RequestMethod) *fault {
	ok := false
	switch h := h.(type) {
	case *sip.FromHeader, *sip.ToHeader, *sip.MaxForwardsHeader, *sip.RouteHeader:
		ok = true
	case *sip.ViaHeader:
		ok = h.ProtocolName == "SIP" && h.ProtocolVersion == "2.0"
	case *sip.CSeqHeader:
		if method != "" && h.MethodName != method { // RFC 3261 §8.1.1.5
			return &fault{400, "CSeq Method Differs"}
		}
		ok = isToken(string(h.MethodName))
	}
	if !ok {
		return &fault{400, "Bad " + name + " Header"}
	}
	return nil
}

func parseStatus(line string) (*sip.Response, *fault) {
	parts := strings.SplitN(line, " ", 3)
	if !strings.EqualFold(parts[0], "SIP/2.0") || len(parts) < 2 || len(parts[1]) != 3 {
		return nil, &fault{400, "Bad Status Line"}
	}
	code, err := strconv.Atoi(parts[1])
	if err != nil || code < 100 || code > 699 {
		return nil, &fault{400, "Bad Status Code"}
	}
	reason := ""
	if len(parts) == 3 {
		reason = parts[2]
	}
	return sip.NewResponse(code, reason), nil
}

func parseRequestLine(line string) (*sip.Request, *fault) {
	parts := strings.Split(line, " ")
	if len(parts) != 3 || !isToken(parts[0]) {
		return nil, &fault{400, "Bad Request Line"}
	}
	if !strings.EqualFold(parts[2], "SIP/2.0") {
		return nil, &fault{505, "Version Not Supported"} // RFC 3261 §21.5.6
	}
	var u sip.Uri
	if err := parseURI(parts[1], &u); err != nil || u.Wildcard {
		return nil, &fault{400, "Bad Request URI"}
	}
	return sip.NewRequest(sip.RequestMethod(parts[0]), u), nil
}

// refusal is the answer to a request that could not be understood, copied from
// its head as far as that goes; nil when nobody could match it or none is wanted.
func (h *head) refusal(f *fault) []byte {
	method, _, _ := strings.Cut(h.start, " ")
	via := h.all("Via")
	if h.response() || method == "ACK" || method == "BENOTIFY" || len(via) == 0 || !strings.Contains(h.start, "SIP/") {
		return nil
	}
	var b strings.Builder
	b.WriteString("SIP/2.0 " + strconv.Itoa(f.code) + " " + f.reason + "\r\n")
	for _, v := range via[:min(len(via), 20)] {
		b.WriteString("Via: " + v + "\r\n")
	}
	for _, n := range [...]string{"From", "To", "Call-ID", "CSeq"} {
		vs := h.all(n)
		if len(vs) == 0 {
			continue
		}
		v := vs[0]
		if n == "To" && !strings.Contains(strings.ToLower(v), ";tag=") {
			v += ";tag=" + newTag()
		}
		b.WriteString(n + ": " + v + "\r\n")
	}
	b.WriteString("Content-Length: 0\r\n\r\n")
	if b.Len() > maxHead || strings.ContainsRune(b.String(), 0) {
		return nil
	}
	return []byte(b.String())
}

// isToken checks the token rule of RFC 3261 §25.1.
func isToken(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-.!%*_+`'~", c) >= 0 {
			continue
		}
		return false
	}
	return s != ""
}

// shown makes a text from the network fit to be shown on one line, of at most
// limit characters.
func shown(s string, limit int) string { return plain.Cut(plain.Line(s), limit) }
