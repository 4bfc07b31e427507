package autoconfig

import (
	"cmp"
	"context"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// maxContacts bounds the Contacts taken from one redirect.
const maxContacts = 20

// Redirect connects to where a 3xx answer sends us (RFC 3261 §8.1.3.4).
// contacts are the values of its Contact headers, one each; they are tried in
// order of q. A host outside the domain and a step down from TLS to TCP are
// refused before anything is sent there. When none of them stands, the search
// goes on as by Next.
func (s *Search) Redirect(ctx context.Context, contacts []string) (Link, error) {
	var queue []candidate
	for _, c := range byQ(contacts) {
		if c, ok := s.redirected(c); ok {
			queue = append(queue, c)
		}
	}
	if len(queue) == 0 {
		if len(contacts) == 0 {
			s.step(Step{Step: "redirect", Name: "nowhere", Result: Refused, Text: "its answer names no address"})
		}
		e := &NotFoundError{Domain: s.domain, Steps: slices.Clone(s.steps)}
		e.Why, e.Remedy = s.sentAway()
		return Link{}, e
	}
	s.queue = append(queue, s.queue...)
	return s.Next(ctx)
}

// redirected judges one Contact.
func (s *Search) redirected(c redirect) (candidate, bool) {
	st := Step{Step: "redirect", Name: short(c.text), Result: Refused}
	host, err := hostname(strings.Trim(c.uri.Host, "[]"))
	transport, _ := c.uri.UriParams.Get("transport")
	plainTCP := strings.EqualFold(transport, "tcp") && !strings.EqualFold(c.uri.Scheme, "sips")
	switch {
	case err != nil || c.uri.Port < 0 || c.uri.Port > 65535:
		st.Text = "it is not an address"
	case !strings.EqualFold(c.uri.Scheme, "sip") && !strings.EqualFold(c.uri.Scheme, "sips"):
		st.Name, st.Text = short(c.text), "it is not a SIP address"
	case transport != "" && !plainTCP && !strings.EqualFold(transport, "tls") && !strings.EqualFold(transport, "tcp"):
		st.Name, st.Text = host, "this program does not use "+short(strings.ToUpper(transport))
	case net.ParseIP(host) == nil && !inside(host, s.domain) && host != s.manual.host:
		st.Name, st.Text = host, "it lies outside "+s.domain
	case plainTCP && (s.secure || !s.q.AllowTCP):
		st.Name, st.Text = host, "it would be a step from an encrypted connection to plain TCP"
		if !s.secure {
			st.Text = "unencrypted connections are not allowed"
		}
	case s.stood[hostPort(host, portOf(c.uri, plainTCP))]:
		st.Name, st.Text = hostPort(host, portOf(c.uri, plainTCP)), "it was asked already, so we would go round in a circle"
	default:
		port := portOf(c.uri, plainTCP)
		st.Name, st.Result, st.Text = hostPort(host, port), Found, "sent to "+hostPort(host, port)
		s.step(st)
		names := []string{s.domain}
		if host != s.domain && (inside(host, s.domain) || host == s.manual.host) {
			names = append(names, host)
		}
		return candidate{host: host, port: port, tls: !plainTCP, record: "redirect", names: names}, true
	}
	s.step(st)
	return candidate{}, false
}

// portOf is the port of a URI, or the usual one (RFC 3261 §19.1.2).
func portOf(u sip.Uri, plainTCP bool) uint16 {
	switch {
	case u.Port != 0:
		return uint16(u.Port)
	case plainTCP:
		return 5060
	}
	return 5061
}

// redirect is one Contact of a 3xx answer.
type redirect struct {
	text string
	uri  sip.Uri
	q    float64
}

// byQ sorts Contacts by their q, the highest first; a missing q is 1.
func byQ(contacts []string) []redirect {
	var list []redirect
	for _, text := range contacts[:min(len(contacts), maxContacts)] {
		r := redirect{text: text, q: 1}
		var params sip.HeaderParams
		if _, err := sip.ParseAddressValue(text, &r.uri, &params); err != nil {
			r.uri = sip.Uri{}
		}
		if q, ok := params.Get("q"); ok {
			if v, err := strconv.ParseFloat(q, 64); err == nil && v >= 0 && v <= 1 {
				r.q = v
			}
		}
		list = append(list, r)
	}
	slices.SortStableFunc(list, func(a, b redirect) int { return cmp.Compare(b.q, a.q) })
	return list
}
