package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
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
	p, err := session.LoadProfile(f.profile)
	if err != nil {
		return p, err
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
	return p, nil
}

// options makes the options of a session from profile, environment and flags.
func (p *program) options() (session.Options, error) {
	if p.flags.timeout <= 0 {
		return session.Options{}, usage("--timeout %v: say how long, as 30s or 2m", p.flags.timeout)
	}
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
		return o, usage("sign-in address: %v", err)
	}
	o.Password = p.password(o.User)
	return o, nil
}

// profileOptions is options without the account.
func (p *program) profileOptions(profile session.Profile) (o session.Options, err error) {
	o = profile.Options()
	if o.Roots, err = roots(profile.CA); err != nil {
		return o, err
	}
	o.Log, err = p.logger()
	return o, err
}

// roots are the system's root certificates and those in file; nil for the system's alone.
func roots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, usage("root certificates: %v", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, usage("root certificates: %s holds no PEM certificate", file)
	}
	return pool, nil
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
