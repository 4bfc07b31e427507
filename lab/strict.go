package lab

import (
	"slices"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// refusal is a final answer that ends a request.
type refusal struct {
	code    int
	reason  string
	headers []sip.Header
}

func (r *refusal) Error() string { return strconv.Itoa(r.code) + " " + r.reason }

// refuse makes a refusal.
func refuse(code int, reason string, headers ...sip.Header) *refusal {
	return &refusal{code, reason, headers}
}

// forbidden is the 400 to what a standard forbids; the reason phrase names the rule.
func forbidden(reason string) *refusal { return &refusal{code: 400, reason: reason} }

// rule is one thing that the standards forbid.
type rule struct {
	methods []string // nil: all
	broken  func(*sip.Request) bool
	reason  string
}

// rules are checked from the top; the first broken one is named in the answer.
// Framing, unparsable headers and missing From, To, Call-ID, CSeq or Via are
// the connection's business (wire/sipconn).
var rules = []rule{
	{nil, func(r *sip.Request) bool { return !strings.EqualFold(r.SipVersion, "SIP/2.0") }, "Not SIP/2.0 (RFC 3261 7.1)"},
	{nil, repeated("From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Length", "Content-Type", "Event", "Expires", "Subscription-State", "SIP-If-Match", "Date"), "Header Must Not Be Repeated (RFC 3261 7.3.1)"},
	{nil, func(r *sip.Request) bool { return r.MaxForwards() == nil }, "Max-Forwards Missing (RFC 3261 8.1.1)"},
	{nil, func(r *sip.Request) bool { return r.MaxForwards().Val() > 255 }, "Max-Forwards Above 255 (RFC 3261 20.22)"},
	{nil, func(r *sip.Request) bool { return r.CSeq().MethodName != r.Method }, "CSeq Method Differs From Request (RFC 3261 8.1.1.5)"},
	{nil, func(r *sip.Request) bool { return r.CSeq().SeqNo > 1<<31-1 }, "CSeq Above 2^31-1 (RFC 3261 8.1.1.5)"},
	{nil, func(r *sip.Request) bool { return !filled(r.From().Params, "tag") }, "From Tag Missing (RFC 3261 8.1.1.3)"},
	{nil, branchless, "Via Branch Without z9hG4bK (RFC 3261 8.1.1.7)"},
	{nil, func(r *sip.Request) bool { return !sipURI(r.From().Address) && r.From().Address.Scheme != "tel" }, "From Is No SIP Address (RFC 3261 8.1.1.3)"},
	{nil, func(r *sip.Request) bool { return len(r.From().Address.Headers)+len(r.To().Address.Headers) > 0 }, "Headers in From or To URI (RFC 3261 19.1.1)"},
	{nil, func(r *sip.Request) bool { return len(r.Recipient.Headers) > 0 }, "Headers in Request-URI (RFC 3261 19.1.1)"},
	{nil, func(r *sip.Request) bool { return r.Recipient.UriParams.Has("method") }, "method in Request-URI (RFC 3261 19.1.1)"},
	{nil, func(r *sip.Request) bool { return len(r.Body()) > 0 && r.ContentType() == nil }, "Content-Type Missing (RFC 3261 20.15)"},
	{nil, func(r *sip.Request) bool { return !number(r, "Expires") }, "Expires Is No Number (RFC 3261 20.19)"},
	{[]string{"INVITE", "SUBSCRIBE", "REFER"}, func(r *sip.Request) bool { return len(r.GetHeaders("Contact")) != 1 || !sipURI(r.Contact().Address) }, "Exactly One SIP Contact Needed (RFC 3261 8.1.1.8)"},
	{[]string{"MESSAGE"}, func(r *sip.Request) bool { return r.Contact() != nil }, "Contact in MESSAGE (RFC 3428 4)"},
	{[]string{"INVITE", "SUBSCRIBE", "MESSAGE", "PUBLISH", "OPTIONS", "REFER"}, starred, "Contact * Outside REGISTER (RFC 3261 20.10)"},
	{[]string{"REGISTER"}, func(r *sip.Request) bool { return r.Recipient.User != "" }, "User in Request-URI of REGISTER (RFC 3261 10.2)"},
	{[]string{"REGISTER"}, func(r *sip.Request) bool { return filled(r.To().Params, "tag") }, "To Tag in REGISTER (RFC 3261 10.2)"},
	{[]string{"REGISTER"}, func(r *sip.Request) bool { return len(r.GetHeaders("Record-Route")) > 0 }, "Record-Route in REGISTER (RFC 3261 10.3)"},
	{[]string{"REGISTER"}, func(r *sip.Request) bool { return starred(r) && len(r.GetHeaders("Contact")) > 1 }, "Contact * With Others (RFC 3261 10.3)"},
	{[]string{"REGISTER"}, func(r *sip.Request) bool { return starred(r) && value(r, "Expires") != "0" }, "Contact * Without Expires: 0 (RFC 3261 10.2.2)"},
	{[]string{"NOTIFY"}, func(r *sip.Request) bool { return value(r, "Event") == "" }, "Event Missing (RFC 6665 8.2.1)"},
	{[]string{"NOTIFY"}, func(r *sip.Request) bool { return value(r, "Subscription-State") == "" }, "Subscription-State Missing (RFC 6665 4.2.2)"},
	{[]string{"PUBLISH"}, func(r *sip.Request) bool { return len(r.Body()) == 0 && value(r, "SIP-If-Match") == "" }, "Initial PUBLISH Without Body (RFC 3903 4.1)"},
	{[]string{"PUBLISH"}, func(r *sip.Request) bool { return filled(r.To().Params, "tag") }, "PUBLISH Within a Dialog (RFC 3903 4)"},
	{[]string{"PUBLISH"}, func(r *sip.Request) bool {
		return len(r.Body()) > 0 && value(r, "Expires") == "0" && value(r, "SIP-If-Match") != ""
	}, "Body When Removing a Publication (RFC 3903 4.5)"},
	{[]string{"REFER"}, func(r *sip.Request) bool { return len(r.GetHeaders("Refer-To")) != 1 }, "Exactly One Refer-To Needed (RFC 3515 2.4.1)"},
}

// strict says which rule r breaks; nil: none.
func strict(r *sip.Request) *refusal {
	for _, x := range rules {
		if (x.methods == nil || slices.Contains(x.methods, string(r.Method))) && x.broken(r) {
			return forbidden(x.reason)
		}
	}
	return nil
}

// repeated looks for headers that may stand only once.
func repeated(names ...string) func(*sip.Request) bool {
	return func(r *sip.Request) bool {
		seen := map[string]bool{}
		for _, h := range r.Headers() {
			name := full(h.Name())
			if seen[name] && slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) {
				return true
			}
			seen[name] = true
		}
		return false
	}
}

func branchless(r *sip.Request) bool {
	branch, _ := r.Via().Params.Get("branch")
	return !strings.HasPrefix(strings.ToLower(branch), "z9hg4bk") || len(branch) == len("z9hG4bK")
}

func starred(r *sip.Request) bool {
	return slices.ContainsFunc(r.GetHeaders("Contact"), func(h sip.Header) bool { return h.Value() == "*" })
}

// number is true when the header is absent or a delta-seconds value.
func number(r *sip.Request, name string) bool {
	v := value(r, name)
	_, err := strconv.ParseUint(v, 10, 32)
	return v == "" && header(r, name) == nil || err == nil
}

func sipURI(u sip.Uri) bool {
	return (u.Scheme == "sip" || u.Scheme == "sips") && u.Host != "" && !u.Wildcard
}

func filled(p sip.HeaderParams, name string) bool {
	v, _ := p.Get(name)
	return v != ""
}

// full returns the lower-case long form of a header name (RFC 3261 §20,
// RFC 6665 §8.2, RFC 3515 §2.1, RFC 4028 §4, RFC 3892 §2.1).
func full(name string) string {
	name = strings.ToLower(name)
	if len(name) > 1 {
		return name
	}
	for _, c := range []string{"call-id i", "contact m", "content-encoding e", "content-length l", "content-type c", "from f", "subject s",
		"supported k", "to t", "via v", "event o", "allow-events u", "refer-to r", "referred-by b", "session-expires x"} {
		if c[len(c)-1:] == name {
			return c[:len(c)-2]
		}
	}
	return name
}

// headed is a request or a response.
type headed interface{ Headers() []sip.Header }

// header finds a header by its long name, also where it came in compact form.
func header(m headed, name string) sip.Header {
	name = strings.ToLower(name)
	for _, h := range m.Headers() {
		if full(h.Name()) == name {
			return h
		}
	}
	return nil
}

// value is the text of the first such header; empty: there is none.
func value(m headed, name string) string {
	if h := header(m, name); h != nil {
		return strings.TrimSpace(h.Value())
	}
	return ""
}

// tokens are the comma-separated values of all headers of a name, lower-case,
// without parameters.
func tokens(m headed, name string) []string {
	var all []string
	name = strings.ToLower(name)
	for _, h := range m.Headers() {
		if full(h.Name()) != name {
			continue
		}
		for t := range strings.SplitSeq(h.Value(), ",") {
			t, _, _ = strings.Cut(t, ";")
			if t = strings.ToLower(strings.TrimSpace(t)); t != "" {
				all = append(all, t)
			}
		}
	}
	return all
}

// supports says whether an option tag is in Supported or Require.
func supports(r *sip.Request, option string) bool {
	return slices.Contains(tokens(r, "Supported"), option) || slices.Contains(tokens(r, "Require"), option)
}

// unsupported refuses options that the server cannot do (RFC 3261 §8.2.2.3).
func unsupported(r *sip.Request, name string, known ...string) *refusal {
	var unknown []string
	for _, t := range tokens(r, name) {
		if !slices.Contains(known, t) {
			unknown = append(unknown, t)
		}
	}
	if unknown == nil {
		return nil
	}
	return refuse(420, "Bad Extension", sip.NewHeader("Unsupported", strings.Join(unknown, ", ")))
}

// userOf is the canonical user@domain of a URI: the escapes of the user part
// undone, all in lower case as our accounts are, no port or parameters.
func userOf(u sip.Uri) string { return strings.ToLower(unescape(u.User) + "@" + u.Host) }

// unescape undoes %xx (RFC 3261 §25.1); a malformed escape stays.
func unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(c))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
