package autoconfig

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// NotFoundError: no server could be reached. It says what was tried and why
// each failed, and what a person can do.
type NotFoundError struct {
	Domain string
	Steps  []Step
	Why    string // what happened and why, in a sentence or two
	Remedy string // what to do, in a sentence
	Err    error  // the end of the context, if that ended the search
}

func (e *NotFoundError) Error() string { return e.Why }
func (e *NotFoundError) Unwrap() error { return e.Err }

const (
	askAdmin = "Ask your administrator, or enter the server by hand."
	waitASec = "Try again in a while, or enter the server by hand."
)

// unusable is for a Query that cannot be used.
func (s *Search) unusable() *NotFoundError {
	e := &NotFoundError{Domain: short(s.q.Domain), Why: sentence(s.bad.Error()), Remedy: "Check the sign-in address."}
	if s.domain != "" {
		e.Remedy = "Enter the server as HOST, HOST:PORT or HOST:PORT;transport=tls."
	}
	return e
}

// notFound sums up the steps. What was nearest to success decides the sentence.
func (s *Search) notFound(ctx context.Context) *NotFoundError {
	if end, has := ctx.Deadline(); has && !time.Now().Before(end) {
		<-ctx.Done() // the last question, which ends at the same moment, was faster
	}
	e := &NotFoundError{Domain: s.domain, Steps: slices.Clone(s.steps), Err: ctx.Err()}
	for _, judge := range []func() (why, remedy string){
		s.untrusted, s.busy, s.silent, s.withoutAddress, s.sentAway, s.onlyPlain, s.deaf, s.unanswered,
	} {
		if e.Why, e.Remedy = judge(); e.Why != "" {
			break
		}
	}
	switch {
	case e.Why == "" && e.Err != nil:
		e.Why, e.Remedy = fmt.Sprintf("Looking for the server of %s took too long.", s.domain), waitASec
	case e.Why == "" && s.manual.host == "" && !s.dns.exists(context.WithoutCancel(ctx), s.domain):
		e.Why = fmt.Sprintf("There is no domain %s. %s", s.domain, s.checked())
		e.Remedy = "Check the sign-in address for a typing error, or enter the server by hand."
	case e.Why == "":
		e.Why, e.Remedy = fmt.Sprintf("No server is announced for %s. %s", s.domain, s.checked()), askAdmin
	}
	for _, st := range s.of("srv", None) { // a record that is of no use is somebody's mistake, or his decision
		if len(st.Answer) > 0 && !strings.Contains(e.Why, "certificate") {
			e.Why += fmt.Sprintf(" %s %s.", strings.TrimSuffix(st.Name, "."), st.Text)
		}
	}
	if s.doubt && !strings.Contains(e.Why, "certificate") && s.count("srv", Timeout, Servfail) > 0 && s.count("srv", Found) > 0 {
		e.Why += " Some names could not be looked up."
	}
	return e
}

// of returns the steps of one kind with one of these results.
func (s *Search) of(kind string, results ...string) []Step {
	var list []Step
	for _, st := range s.steps {
		if st.Step == kind && slices.Contains(results, st.Result) {
			list = append(list, st)
		}
	}
	return list
}

func (s *Search) count(kind string, results ...string) int { return len(s.of(kind, results...)) }

// untrusted: a server stood, but its certificate did not prove that it is the right one.
func (s *Search) untrusted() (string, string) {
	list := s.of("tls", Untrusted)
	if len(list) == 0 {
		return "", ""
	}
	st := list[len(list)-1]
	words := strings.TrimPrefix(st.Text, "the certificate ")
	if words != st.Text {
		words = fmt.Sprintf("The certificate of %s %s.", st.Name, words)
	} else {
		words = fmt.Sprintf("%s: %s.", st.Name, st.Text)
	}
	return words + " Signing in is not safe.", "Tell your administrator. If the certificate is your organisation's own, its authority must be made known (--ca FILE)."
}

// busy: a server wants to be left alone for a while.
func (s *Search) busy() (string, string) {
	list := s.of("connect", Busy)
	if len(list) == 0 {
		return "", ""
	}
	return fmt.Sprintf("%s %s.", list[0].Name, list[0].Text), "Nothing needs to be done; it is tried again by itself."
}

// silent: servers were found, and none of them answered.
func (s *Search) silent() (string, string) {
	var where []string
	for _, st := range s.steps {
		if (st.Step == "connect" || st.Step == "tls") && (st.Result == Timeout || st.Result == Refused) && len(st.Addrs) > 0 && !slices.Contains(where, st.Name) {
			where = append(where, st.Name)
		}
	}
	fallback := func(name string) bool { return name == "sip."+s.domain+":5061" || name == "sip."+s.domain+":443" }
	if why, _ := s.withoutAddress(); len(where) == 0 || why != "" && !slices.ContainsFunc(where, func(n string) bool { return !fallback(n) }) {
		return "", "" // the records of the domain are wrong, which says more than what was tried for want of them
	}
	why := where[0] + " does not answer."
	if list := s.of("tls", Refused, Timeout); len(list) > 0 && list[0].Name == where[0] {
		why = fmt.Sprintf("%s answers, but not as a SIP server should: it %s.", where[0], list[0].Text)
		if list[0].Result == Timeout {
			why = fmt.Sprintf("%s accepts the connection, but then does not answer.", where[0])
		}
	}
	if len(where) > 1 {
		why += " Also tried: " + listWords(where[1:]) + "."
	}
	return why, "Check the network and try again. If other programs work, tell your administrator, or enter the server by hand."
}

// withoutAddress: records name servers of which no address is known.
func (s *Search) withoutAddress() (string, string) {
	list := slices.DeleteFunc(s.of("address", None, Timeout, Servfail), func(st Step) bool { return st.Name == "sip."+s.domain+"." })
	if len(list) == 0 {
		return "", ""
	}
	st := list[0]
	host := strings.TrimSuffix(st.Name, ".")
	if st.Result == None {
		return fmt.Sprintf("%s, the server of %s, has no address in the DNS.", host, s.domain), askAdmin
	}
	return fmt.Sprintf("%s, the server of %s, could not be looked up: %s.", host, s.domain, st.Text), waitASec
}

// sentAway: a server redirected us to where we do not go.
func (s *Search) sentAway() (string, string) {
	list := s.of("redirect", Refused)
	if len(list) == 0 {
		return "", ""
	}
	st := list[len(list)-1]
	return fmt.Sprintf("The server sends us to %s. This was not done: %s.", st.Name, st.Text), "Tell your administrator, who can correct the server."
}

// onlyPlain: there are servers, but only without encryption.
func (s *Search) onlyPlain() (string, string) {
	if s.manual.tcp && !s.q.AllowTCP {
		return fmt.Sprintf("The server %s was entered for plain TCP. Connections without encryption are not allowed.", s.manual),
			"Leave out transport=tcp, or allow it by name in the profile: allow_tcp = true."
	}
	list := s.of("srv", Refused)
	if len(list) == 0 {
		return "", ""
	}
	name := strings.TrimSuffix(list[0].Name, ".")
	if s.q.AllowTCP {
		return fmt.Sprintf("%s was found only for connections without encryption (%s). It was not used, because the names for encrypted connections could not be looked up.", s.domain, name), waitASec
	}
	return fmt.Sprintf("%s offers only connections without encryption (%s). They are not allowed.", s.domain, name),
		"Ask your administrator for a server with TLS. Who must do without can allow it by name in the profile: allow_tcp = true."
}

// deaf: not one look-up was answered.
func (s *Search) deaf() (string, string) {
	asked := len(s.of("srv", Found, None, Timeout, Servfail)) + len(s.of("address", Found, None, Timeout, Servfail))
	if lost := s.count("srv", Timeout) + s.count("address", Timeout); lost == 0 || lost < asked {
		return "", ""
	}
	if s.q.Resolver != "" {
		return fmt.Sprintf("Cannot look up %s. The DNS server %s does not answer.", s.domain, short(s.q.Resolver)), "Check its address, or enter the server by hand."
	}
	return fmt.Sprintf("Cannot look up %s. This computer seems to be offline.", s.domain), "Check the network; this is tried again by itself."
}

// unanswered: some look-ups have no answer, and the others found nothing.
func (s *Search) unanswered() (string, string) {
	list := append(s.of("srv", Servfail, Timeout), s.of("address", Servfail, Timeout)...)
	if len(list) == 0 {
		return "", ""
	}
	return fmt.Sprintf("Cannot look up %s: %s, for %s. So it is not known whether there is a server.",
		s.domain, strings.TrimSuffix(list[0].Text, "."), countNames(list)), waitASec
}

func countNames(list []Step) string {
	first := strings.TrimSuffix(list[0].Name, ".")
	if len(list) == 1 {
		return first
	}
	return fmt.Sprintf("%s and %d more", first, len(list)-1)
}

// checked says what was looked for.
func (s *Search) checked() string {
	if n := s.count("srv", Found, None, Timeout, Servfail, Refused); n > 0 {
		return fmt.Sprintf("Checked: %d SRV names and sip.%s.", n, s.domain)
	}
	return "Checked: " + s.manual.String() + "."
}

// sentence makes a sentence of an error text.
func sentence(text string) string {
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
