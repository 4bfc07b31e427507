package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"communicator/autoconfig"
	"communicator/calendar"
	"communicator/presence"
	"communicator/session"
	"communicator/ui/view"

	"github.com/spf13/cobra"
)

// checkLine is one line of `check --json`.
type checkLine struct {
	Check  string `json:"check"`
	OK     bool   `json:"ok"`
	Text   string `json:"text,omitempty"`
	Why    string `json:"why,omitempty"`
	Remedy string `json:"remedy,omitempty"`
	MS     int64  `json:"ms"`
}

func (p *program) check() *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "Diagnose: locate, connect, certificate, sign-in, presence, contacts, directory, calendar", Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, cancel := p.deadline(c.Context())
			defer cancel()
			return p.diagnose(ctx)
		},
	}
}

// diagnose checks one thing after the other. What cannot be checked because
// an earlier thing failed is not shown as if it had been.
func (p *program) diagnose(ctx context.Context) error {
	o, err := p.options()
	if err != nil {
		return err
	}
	if err := p.checkServer(ctx, o); err != nil {
		return exit{statusSignIn, nil}
	}
	o.Silent = true
	failed := 0
	start := time.Now()
	err = p.firstReason(ctx, o, func(ctx context.Context, s *session.Session) error {
		state := s.State()
		p.passed("sign-in", start, "signed in as %s at %s:%d", state.User, state.Target.Host, state.Target.Port)
		failed += p.checkPresence(ctx, s) + p.checkContacts(ctx, s) + p.checkCalendar(ctx, s)
		return nil
	})
	if err != nil {
		p.failed("sign-in", start, err)
		return exit{statusSignIn, nil}
	}
	if failed > 0 {
		return exit{statusPartly, nil}
	}
	return nil
}

// checkServer checks finding the server, connecting to it, and its certificate.
func (p *program) checkServer(ctx context.Context, o session.Options) error {
	start := time.Now()
	took := map[string]time.Duration{}
	link, err := autoconfig.New(autoconfig.Query{
		Domain: domain(o.User), Server: o.Server, Resolver: o.Resolver, AllowTCP: o.AllowTCP, Roots: o.Roots, Further: o.Further,
		Trace: func(s autoconfig.Step) { took[s.Step] = s.Took },
	}).Next(ctx)
	if err != nil {
		p.noServer(start, because(ctx, err))
		return err
	}
	defer link.Conn.Close()
	t := link.Target
	p.checked(checkLine{Check: "locate", OK: true, MS: milliseconds(time.Since(start) - took["connect"] - took["tls"]),
		Text: fmt.Sprintf("%s:%d by %s, from %s", t.Host, t.Port, t.Transport, link.Record)})
	p.checked(checkLine{Check: "connect", OK: true, MS: milliseconds(took["connect"]), Text: t.Address})
	if link.TLS == nil {
		p.checked(checkLine{Check: "certificate", OK: true, Text: "none: plain TCP, as the configuration allows"})
		return nil
	}
	leaf := link.TLS.PeerCertificates[0]
	p.checked(checkLine{Check: "certificate", OK: true, MS: milliseconds(took["tls"]),
		Text: "valid until " + leaf.NotAfter.Format(time.DateOnly)})
	return nil
}

// noServer says how far the search came: what it got to was found and, if it
// is the certificate, connected to.
func (p *program) noServer(start time.Time, err error) {
	var none *autoconfig.NotFoundError
	var connect, tls *autoconfig.Step
	if errors.As(err, &none) {
		for i, s := range none.Steps {
			switch s.Step {
			case "connect":
				connect = &none.Steps[i]
			case "tls":
				tls = &none.Steps[i]
			}
		}
	}
	failed := "locate"
	if last := cmp.Or(tls, connect); last != nil {
		p.checked(checkLine{Check: failed, OK: true, MS: milliseconds(time.Since(start) - last.Took), Text: last.Name})
		failed = "connect"
	}
	if tls != nil {
		p.checked(checkLine{Check: failed, OK: true, Text: strings.Join(tls.Addrs, " ")})
		failed = "certificate"
	}
	p.failed(failed, start, err)
}

// presenceTime is enough for any server to tell a state, and leaves time for the
// other checks when one does not.
const presenceTime = 10 * time.Second

func (p *program) checkPresence(ctx context.Context, s *session.Session) int {
	start := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, presenceTime, fmt.Errorf("no state came within %v", presenceTime))
	defer cancel()
	err := p.ownStatus(ctx, s)
	if err == nil && s.Presence.Of(s.State().User).Availability == presence.Unknown {
		err = errors.New("the server does not tell the state of " + s.State().User)
	}
	if err != nil {
		p.failed("presence", start, err)
		return 1
	}
	p.passed("presence", start, "the server answers a subscription to %s", s.State().User)
	return 0
}

func (p *program) checkContacts(ctx context.Context, s *session.Session) (failed int) {
	start := time.Now()
	_, err := s.Contacts.Loaded(ctx)
	if err != nil {
		p.failed("contacts", start, because(ctx, err))
		failed++
	} else {
		list := s.Contacts.List()
		p.passed("contacts", start, "%d groups, %d people", len(list.Groups), len(list.Users()))
	}
	start = time.Now()
	chart, err := s.People.Chart(ctx, "")
	if errors.Is(err, session.ErrNoDirectory) { // no failure: one can do without
		p.passed("directory", start, "%s", err)
		return failed
	}
	if err != nil {
		p.failed("directory", start, because(ctx, err))
		return failed + 1
	}
	around := map[string]bool{} // peers and reports mostly are among everyone
	for _, x := range slices.Concat(chart.Peers, chart.Reports, chart.Everyone) {
		around[x.User] = true
	}
	if chart.Manager != nil {
		around[chart.Manager.User] = true
	}
	p.passed("directory", start, "%s, with %d people in the groups of the organisation chart", chart.Self.Name, len(around))
	return failed
}

// checkCalendar reads the calendar; that there is none is no failure.
func (p *program) checkCalendar(ctx context.Context, s *session.Session) int {
	start := time.Now()
	st := s.Calendar.Read(ctx)
	switch {
	case errors.Is(st.Err, calendar.ErrNone):
		p.passed("calendar", start, "%s", st.Err)
	case st.Err != nil:
		p.failed("calendar", start, because(ctx, st.Err))
		return 1
	case !st.Known():
		p.failed("calendar", start, because(ctx, ctx.Err()))
		return 1
	default:
		p.passed("calendar", start, "%s", st.Words(time.Now()))
		for _, w := range st.Warnings {
			p.passed("calendar", start, "%s", w)
		}
	}
	return 0
}

// remedies are for failures that do not say themselves what to do.
var remedies = map[string]string{
	"locate":      "Check the address, or give the server by hand with --server HOST.",
	"connect":     "Check the network; if other programs work, tell your administrator that this server does not.",
	"certificate": "Tell your administrator.",
	"sign-in":     "Try again; if it stays like this, tell your administrator what stands here.",
	"presence":    "Tell your administrator: the server takes the sign-in, but does not tell states.",
	"contacts":    "Tell your administrator: the contact list is kept at the XCAP server (`xcap` in the profile, or TXT xcap.DOMAIN).",
	"calendar":    "Check `calendar` in the profile, or tell your administrator; messages and states work without it.",
	"directory":   "Check `directory` and `base` in the profile, or tell your administrator; messages and states work without it.",
}

func (p *program) passed(check string, start time.Time, format string, a ...any) {
	p.checked(checkLine{Check: check, OK: true, Text: fmt.Sprintf(format, a...), MS: milliseconds(time.Since(start))})
}

// failed prints a check that failed, with what to do.
func (p *program) failed(check string, start time.Time, err error) {
	why := view.Explain("", err)
	p.checked(checkLine{Check: check, Why: strings.TrimSpace(why.What + " " + why.Why), Remedy: cmp.Or(why.Remedy, remedies[check]), MS: milliseconds(time.Since(start))})
}

func (p *program) checked(l checkLine) {
	switch {
	case p.flags.json:
		p.line(l)
	case l.OK:
		p.say("ok      %-12s %5d ms  %s", l.Check, l.MS, l.Text)
	default:
		p.say("FAILED  %-12s %5d ms  %s\n        %s", l.Check, l.MS, l.Why, l.Remedy)
	}
}
