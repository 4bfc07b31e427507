package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"communicator/contacts"
	"communicator/session"

	"github.com/spf13/pflag"
)

// flags are common to all commands that sign in; docs/cli.md, "Flags".
type flags struct {
	as, server, resolver, ca, profile, passwordFile, log string
	timeout                                              time.Duration
	timeoutSet                                           func() bool
	json                                                 bool
}

const defaultTimeout = 30 * time.Second

func (f *flags) add(s *pflag.FlagSet) {
	s.StringVar(&f.as, "as", "", "sign-in `ADDRESS` (default: COMMUNICATOR_USER, then the profile)")
	s.StringVar(&f.server, "server", "", "sign in at `HOST[:PORT][;transport=tls|tcp]` instead of asking the DNS")
	s.StringVar(&f.resolver, "resolver", "", "ask the DNS server at `HOST:PORT` instead of the system's")
	s.StringVar(&f.ca, "ca", "", "trust the root certificates in `FILE` (PEM) too")
	s.StringVar(&f.profile, "profile", "", "use the profile in `DIR`")
	s.StringVar(&f.passwordFile, "password-file", "", "read the password from `FILE`; - is standard input")
	s.DurationVar(&f.timeout, "timeout", defaultTimeout, "give up after `DURATION`")
	s.BoolVar(&f.json, "json", false, "print one JSON object a line")
	s.StringVar(&f.log, "log", "", "log to standard error from `LEVEL` on: debug, info, warn, error")
	f.timeoutSet = func() bool { return s.Changed("timeout") }
}

// profileWithFlags reads the profile and lays environment and flags over it:
// flag beats environment beats file; the administrator's policy beats all.
func (f *flags) profileWithFlags() (session.Profile, error) {
	if f.timeout <= 0 {
		return session.Profile{}, usage("--timeout %v: say how long, as 30s or 2m", f.timeout)
	}
	p, err := session.LoadProfile(f.profile)
	if err != nil {
		return p, exit{statusUsage, err}
	}
	over := func(key string, value *string, given ...string) error {
		for _, g := range given {
			if g == "" {
				continue
			}
			if g == *value {
				return nil
			}
			if p.IsLocked(key) {
				return fmt.Errorf("%q is set to %q by the administrator's policy (%s)", key, *value, session.PolicyFile)
			}
			*value = g
			return nil
		}
		return nil
	}
	for _, err := range []error{
		over("user", &p.User, f.as, os.Getenv("COMMUNICATOR_USER")),
		over("server", &p.Server, f.server), over("resolver", &p.Resolver, f.resolver), over("ca", &p.CA, f.ca),
	} {
		if err != nil {
			return p, exit{statusUsage, err}
		}
	}
	return p, checkResolver(p.Resolver)
}

// checkResolver: the address of a DNS server is HOST or HOST:PORT.
func checkResolver(resolver string) error {
	if resolver == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(resolver)
	if err != nil {
		host, port = strings.Trim(resolver, "[]"), "53"
	}
	_, notIP := netip.ParseAddr(host)
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || host == "" || notIP != nil && strings.ContainsAny(host, ":/@ ") {
		return usage("resolver %q: say HOST or HOST:PORT, as 192.0.2.53:53", resolver)
	}
	return nil
}

// options makes the options of a session from profile, environment and flags.
func (p *program) options() (session.Options, error) {
	profile, err := p.flags.profileWithFlags()
	if err != nil {
		return session.Options{}, err
	}
	if profile.User == "" {
		return session.Options{}, usage("no sign-in address: give --as ADDRESS, set COMMUNICATOR_USER, or write it into the profile")
	}
	o, err := p.profileOptions(profile)
	if err != nil {
		return o, err
	}
	if o.User, err = contacts.Canonical(profile.User); err != nil {
		return o, usage("%v", err)
	}
	o.Password = p.password(o.User)
	p.outside = func(user string) bool { return contacts.Outside(o.User, user, o.Domains...) }
	return o, nil
}

// profileOptions is options without the account.
func (p *program) profileOptions(profile session.Profile) (o session.Options, err error) {
	o = profile.Options()
	if o.Further, err = authorities(profile.CA); err != nil {
		return o, err
	}
	o.Log, err = p.logger()
	return o, err
}

// authorities are the root certificates in file, which are trusted beside the
// system's; none without a file.
func authorities(file string) (all []*x509.Certificate, err error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, usage("root certificates: %v", err)
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, usage("root certificates: %s: %v", file, err)
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, usage("root certificates: %s holds no PEM certificate", file)
	}
	return all, nil
}

func (p *program) logger() (*slog.Logger, error) {
	if p.flags.log == "" {
		return slog.New(slog.DiscardHandler), nil
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(p.flags.log)); err != nil {
		return nil, usage("--log %s: say debug, info, warn or error", p.flags.log)
	}
	return slog.New(slog.NewTextHandler(p.err, &slog.HandlerOptions{Level: level})), nil
}

// deadline bounds a command that acts once.
func (p *program) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, p.flags.timeout, fmt.Errorf("no result within %v (--timeout)", p.flags.timeout))
}
