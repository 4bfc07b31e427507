package sipconn

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// NewRequest makes a request outside any dialog from Options.Self to the
// address "user@domain" or URI to (request URI and To): From with a new tag,
// Call-ID, CSeq, Max-Forwards, and Contact where the method wants one
// (not REGISTER, whose Contact says what is registered). The caller may add or
// replace headers before Do. An unusable address is an error.
func (c *Conn) NewRequest(method, to string, b Body) (*sip.Request, error) {
	if !isToken(method) {
		return nil, fmt.Errorf("%q is not a SIP method", method)
	}
	target, err := Target(to)
	if err != nil {
		return nil, err
	}
	from, err := c.self()
	if err != nil {
		return nil, err
	}
	r := sip.NewRequest(sip.RequestMethod(method), target)
	from.Params = sip.HeaderParams{{K: "tag", V: newTag()}}
	r.AppendHeader(from)
	address := *target.Clone()
	address.Headers = nil // RFC 3261 §19.1.1: no headers in To
	r.AppendHeader(&sip.ToHeader{Address: address})
	id := sip.CallIDHeader(newTag())
	r.AppendHeader(&id)
	r.AppendHeader(&sip.CSeqHeader{SeqNo: 1, MethodName: r.Method})
	if err := c.complete(r); err != nil {
		return nil, err
	}
	b.put(r)
	return r, nil
}

// Target turns the address "user@domain", or a URI of any scheme, into a URI.
func Target(to string) (u sip.Uri, err error) {
	if !hasScheme(to) {
		user, domain, ok := strings.Cut(to, "@")
		if i := strings.LastIndexByte(to, '@'); ok {
			user, domain = to[:i], to[i+1:]
		}
		if !ok || user == "" || domain == "" {
			return u, fmt.Errorf("%q is not an address like user@example.com", to)
		}
		to = "sip:" + escapeUser(user) + "@" + domain
	}
	if strings.ContainsAny(to, " \t\r\n<>\"\x00,") {
		return u, fmt.Errorf("%q is not a SIP address", to)
	}
	if err := parseURI(to, &u); err != nil {
		return u, fmt.Errorf("%q is not a SIP address: %w", to, err)
	}
	if u.Wildcard {
		return u, errors.New(`"*" is not a SIP address`)
	}
	return u, nil
}

// hasScheme tells sip:..., tel:..., urn:... from user@domain and host:port.
func hasScheme(s string) bool {
	scheme, _, ok := strings.Cut(s, ":")
	switch strings.ToLower(scheme) {
	case "sip", "sips", "tel", "urn", "im", "pres", "cid", "http", "https", "mailto":
		return ok
	}
	return false
}

// escapeUser escapes what the user part of a SIP URI cannot hold as it is
// (RFC 3261 §25.1: unreserved and user-unreserved).
func escapeUser(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.!~*'()&=+$,;?/", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		if c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
			b.WriteByte(c) // escaped already
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// self is the From of requests made here, without a tag.
func (c *Conn) self() (*sip.FromHeader, error) {
	if strings.ContainsAny(c.o.Name, "\r\n\x00") {
		return nil, errors.New("the display name holds a line break")
	}
	f := &sip.FromHeader{DisplayName: escaped(c.o.Name)}
	if c.o.Self == "" {
		host, port := c.localHostPort()
		f.Address = sip.Uri{Scheme: "sip", Host: host, Port: port}
		return f, nil
	}
	var err error
	f.Address, err = Target(c.o.Self)
	return f, err
}

// complete fills in what every request has and r lacks.
func (c *Conn) complete(r *sip.Request) error {
	if r.CallID() == nil {
		id := sip.CallIDHeader(newTag())
		r.AppendHeader(&id)
	}
	if r.CSeq() == nil {
		r.AppendHeader(&sip.CSeqHeader{SeqNo: 1, MethodName: r.Method})
	}
	if r.From() == nil {
		from, err := c.self()
		if err != nil {
			return err
		}
		r.AppendHeader(from)
	}
	if !r.From().Params.Has("tag") && r.Via() == nil {
		r.From().Params.Add("tag", newTag())
	}
	if r.To() == nil {
		r.AppendHeader(&sip.ToHeader{Address: *r.Recipient.Clone()})
	}
	if r.MaxForwards() == nil {
		hops := sip.MaxForwardsHeader(70)
		r.AppendHeader(&hops)
	}
	if r.Contact() == nil && r.Via() == nil && wantsContact(r.Method) {
		contact, err := c.contactHeader()
		if err != nil {
			return err
		}
		r.AppendHeader(contact)
	}
	if c.o.UserAgent != "" && tag(r.To().Params) == "" && r.Via() == nil && r.GetHeader("User-Agent") == nil {
		r.AppendHeader(sip.NewHeader("User-Agent", c.o.UserAgent))
	}
	return nil
}

// wantsContact lists the methods whose request must carry a Contact:
// RFC 3261 §8.1.1.8 and RFC 6665 §8.2.1 and others, those that make a dialog or refresh its target.
func wantsContact(m sip.RequestMethod) bool {
	switch m {
	case sip.INVITE, sip.SUBSCRIBE, sip.NOTIFY, sip.REFER, sip.UPDATE, "BENOTIFY":
		return true
	}
	return false
}

func (c *Conn) contactHeader() (*sip.ContactHeader, error) {
	h := &sip.ContactHeader{}
	if err := parseURI(c.Contact(), &h.Address); err != nil {
		return nil, fmt.Errorf("contact: %w", err)
	}
	return h, nil
}

func (c *Conn) defaultContact() string {
	user := ""
	if u, err := Target(c.o.Self); err == nil && u.User != "" {
		user = u.User + "@"
	}
	host, port := c.localHostPort()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port > 0 {
		host += ":" + strconv.Itoa(port)
	}
	return "sip:" + user + host + ";transport=" + strings.ToLower(c.transport())
}

// localHostPort is our address as the other side could name it. A connection
// without one (in memory) gets a name that can never resolve.
func (c *Conn) localHostPort() (string, int) {
	host, port, err := hostPort(c.nc.LocalAddr())
	if err != nil {
		return "local.invalid", 0
	}
	return host, port
}

func hostPort(a net.Addr) (string, int, error) {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return "", 0, err
	}
	host, _, _ = strings.Cut(host, "%") // a zone means nothing to others
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || host == "" || strings.ContainsAny(host, " ;,<>\"@/") {
		return "", 0, errors.New("not an IP address and port")
	}
	return host, int(n), nil
}

// newVia is our hop on top of a request (RFC 3581: rport asks for the address we are seen with).
func (c *Conn) newVia() *sip.ViaHeader {
	host, port := c.localHostPort()
	return &sip.ViaHeader{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: c.transport(), Host: host, Port: port,
		Params: sip.HeaderParams{{K: "branch", V: magicCookie + newTag()}, {K: "rport"}}}
}

// magicCookie begins every branch of RFC 3261 §8.1.1.7.
const magicCookie = "z9hG4bK"

// newTag is 80 random bits (RFC 3261 §19.3 asks for 32): it goes over the wire
// four times with each message, so it is no longer than that.
func newTag() string { return rand.Text()[:16] }

// put sets the body of m, its type and its length.
func (b Body) put(m interface {
	sip.Message
	RemoveHeader(string) bool
}) {
	for m.RemoveHeader("Content-Type") {
	}
	if b.Type != "" && len(b.Content) > 0 {
		t := sip.ContentTypeHeader(b.Type)
		m.AppendHeader(&t)
	}
	m.SetBody(b.Content)
}

// clone copies a request so that the original may be changed while the copy is
// being written. The body is shared.
func clone(r *sip.Request) *sip.Request {
	n := sip.NewRequest(r.Method, r.Recipient)
	for _, h := range r.Headers() {
		if hops, ok := h.(*sip.MaxForwardsHeader); ok { // its clone is the same pointer
			h := *hops
			n.AppendHeader(&h)
			continue
		}
		n.AppendHeader(sip.HeaderClone(h))
	}
	n.SetBody(r.Body())
	return n
}

// tag reads the tag of a From or To.
func tag(p sip.HeaderParams) string {
	t, _ := p.Get("tag")
	return t
}
