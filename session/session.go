// Package session signs in and stays signed in, and puts the features
// together. The window, the command line and the tests all use exactly this.
//
// Begin with New, Session.Run and Session.SignedIn. Losing the connection is
// normal: everything that belonged to it dies, and Run builds it anew. When to
// do what about it is in state.go; what features do to each other is in
// wiring.go.
//
// Standards: RFC 3261 §10 (REGISTER), RFC 5626 (outbound), RFC 5627 (GRUU),
// RFC 3327 (Path).
package session

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"communicator/autoconfig"
	"communicator/calendar"
	"communicator/contacts"
	"communicator/dialect/simple"
	"communicator/directory"
	"communicator/im"
	"communicator/inorder"
	"communicator/presence"
	"communicator/wire/auth"
	"communicator/wire/sipconn"
)

// Options of a Session.
type Options struct {
	User                     string                                                            // sign-in address
	Name                     string                                                            // own display name; empty: from the directory
	Password                 func() (string, error)                                            // keyring, prompt or environment; asked late
	Server                   string                                                            // by hand; empty: autoconfig decides
	Resolver                 string                                                            // DNS server HOST:PORT; empty: the system's
	Roots                    *x509.CertPool                                                    // nil: the system's
	Further                  []*x509.Certificate                                               // authorities that are trusted beside Roots
	AllowTCP                 bool                                                              // plain TCP is allowed by configuration
	XCAP                     string                                                            // XCAP root; empty: found by DNS (TXT xcap.DOMAIN)
	AddressBook              []string                                                          // what the address book is a copy of: LDAP URLs instead of Directory, vCard and CSV files (in Dir) beside it
	Directory                string                                                            // LDAP URL; empty: found by DNS (_ldaps._tcp, _ldap._tcp)
	Calendar                 string                                                            // see calendar.Open; empty: found by DNS (_caldavs._tcp)
	CalendarNote             bool                                                              // others may read the title of a meeting, and what the calendar says while out of office
	CalendarEvery            time.Duration                                                     // between two reads; zero: calendar.Every
	MSRPRelay                string                                                            // HOST[:PORT] of the relay for long messages; empty: found by DNS (SRV _msrps._tcp)
	Base                     string                                                            // LDAP search base; empty: what the directory names
	DirectoryUser            string                                                            // name for the directory, with %u for the part before the @; empty: the sign-in address
	DirectoryAttributes      directory.Attributes                                              // where the directory has what; empty: as usual
	Dial                     func(ctx context.Context, network, addr string) (net.Conn, error) // nil: the real network
	Dir                      string                                                            // caches, the history, and the publication's ETag; empty: keep nothing
	NoHistory                bool                                                              // messages are not kept once their outcome is known
	HistoryDays              int                                                               // older messages are removed; 0: never
	Silent                   bool                                                              // sign in without publishing presence (scripts)
	Domains                  []string                                                          // further domains of one's own organisation
	Deaf                     bool                                                              // takes no messages (480): they stay where they are kept, for a client that shows them
	HideReading              bool                                                              // others are not told what I have read
	Device                   string                                                            // what this computer is called among the user's devices; empty: its host name
	InactiveAfter, AwayAfter time.Duration                                                     // nobody touched the computer: shown as inactive, as away; zero: presence.InactiveAfter and AwayAfter; negative: never
	Notify                   func(event any)                                                   // must not block; nil: nobody listens
	Log                      *slog.Logger                                                      // nil: silent

	wall func() time.Time // the time of day, for tests; nil: the computer's
}

// roots are all authorities that are trusted; nil: the system's.
func (o Options) roots() *x509.CertPool {
	if len(o.Further) == 0 {
		return o.Roots
	}
	var pool *x509.CertPool
	if o.Roots != nil {
		pool = o.Roots.Clone()
	} else if system, err := x509.SystemCertPool(); err == nil {
		pool = system
	} else {
		pool = x509.NewCertPool() // then only the further ones are
	}
	for _, c := range o.Further {
		pool.AddCert(c)
	}
	return pool
}

// Session is one user signed in (or on the way there). Its methods may be
// called from any goroutine.
type Session struct {
	Contacts *ContactBook
	Presence *Board
	IM       *im.Book
	History  *Past
	Requests *Requests // what strangers wrote
	People   *People
	Calendar *calendar.Agenda // not read by a Silent session

	o      Options
	self   string // canonical
	domain string
	bad    error // the sign-in address is none
	log    *slog.Logger
	roots  func() *x509.CertPool // Options.Roots and Further in one; the first call takes a moment
	line   *sipconn.Line
	events inorder.Queue
	ring   ring

	mu      sync.Mutex
	state   State
	changed chan struct{} // closed at the next change of state
	ended   bool          // Run has returned
	simple  *simple.Server
	root    string        // XCAP root of simple
	made    chan struct{} // closed when simple is there
	secret  string        // the password, once asked
	asking  chan struct{} // holds one token while somebody asks for the password
	nudge   chan struct{} // holds one token when somebody wants no more waiting
}

// New makes a Session; nothing is contacted before Run.
func New(o Options) *Session {
	s := &Session{o: o, log: o.Log, line: &sipconn.Line{}, changed: make(chan struct{}), made: make(chan struct{}), asking: make(chan struct{}, 1), nudge: make(chan struct{}, 1)}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.roots = sync.OnceValue(o.roots)
	s.self, s.bad = contacts.Canonical(o.User)
	_, s.domain, _ = strings.Cut(s.self, "@")
	s.state = State{Phase: SignedOut, User: s.self, Name: o.Name, Since: time.Now()}
	kept := s.readKept()
	if s.state.Name == "" {
		s.state.Name = kept.Name
	}
	s.Contacts = newContactBook(s, kept)
	s.Presence = newBoard(s)
	s.People = newPeople(s)
	s.Calendar = newAgenda(s)
	s.Requests = newRequests(s)
	s.History = &Past{s: s, began: time.Now()}
	s.IM = im.New(im.Options{Self: s.self, Line: s.line, Emit: s.emit, Log: s.log, Queue: !o.Silent, Refuse: s.Contacts.refusal, HideReading: o.HideReading, Explain: s.Contacts.outside,
		Name: s.People.publicName, Relay: s.relay, Stranger: s.Requests.stranger, Limited: !o.Silent, Store: s.History.hooks()})
	return s
}

// SignedIn waits until signed in; it returns the error that Run ended with, or
// the latest reason why it is not signed in when ctx ends first.
func (s *Session) SignedIn(ctx context.Context) error {
	for {
		s.mu.Lock()
		state, ended, changed := s.state, s.ended, s.changed
		s.mu.Unlock()
		switch {
		case state.Phase == SignedIn:
			return nil
		case ended && state.Err != nil:
			return state.Err
		case ended:
			return errSignedOut
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return state.late(ctx.Err())
		}
	}
}

var errSignedOut = errors.New("signed out")

// late is why signing in has not come to an end yet.
func (st State) late(end error) error {
	switch {
	case st.Err != nil:
		return st.Err
	case errors.Is(end, context.Canceled): // it was stopped, nobody was slow
		return end
	}
	e := &SignInError{What: notSignedIn(st.User), Why: "there was no answer in time", Remedy: "Try again; if it stays like this, tell your administrator"}
	if st.Phase == SigningIn {
		e.Why = fmt.Sprintf("%s:%d has not answered in time", st.Target.Host, st.Target.Port)
	}
	return e
}

// TryNow ends the wait before the next try to sign in: the user asked for it,
// or the network has come back. While a try is under way another will follow
// it at once; while signed in it does nothing. A server's Retry-After is obeyed
// all the same.
func (s *Session) TryNow() {
	if s.State().Phase == SignedIn {
		return
	}
	select {
	case s.nudge <- struct{}{}:
	default:
	}
}

// State returns where signing in stands.
func (s *Session) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// change changes the state and tells of it.
func (s *Session) change(f func(*State)) {
	s.mu.Lock()
	before := s.state
	f(&s.state)
	if s.state.Phase != before.Phase {
		s.state.Since = time.Now()
	}
	close(s.changed)
	s.changed = make(chan struct{})
	s.later(StateChanged{s.state})
	s.mu.Unlock()
	s.events.Flush()
}

// dialect is the server as we speak to it; nil before the first sign-in.
func (s *Session) dialect() *simple.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.simple
}

// server is the same for who needs it now; just after signing in it waits.
func (s *Session) server(ctx context.Context) (*simple.Server, error) {
	if _, err := s.line.Conn(); err != nil {
		return nil, err
	}
	select {
	case <-s.made:
		return s.dialect(), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Phase of signing in.
type Phase string

const (
	SignedOut  Phase = "signed out"
	Locating   Phase = "locating"
	Connecting Phase = "connecting"
	SigningIn  Phase = "signing in"
	SignedIn   Phase = "signed in"
	Waiting    Phase = "waiting" // for the next try, at State.Until
)

// State of signing in; a value.
type State struct {
	Phase  Phase
	User   string
	Name   string            // own display name, when known
	Target autoconfig.Target // when connected
	TLS    string            // e.g. "TLS 1.3"; empty: not encrypted
	Since  time.Time         // of Phase
	Until  time.Time         // Waiting: the next try
	Took   time.Duration     // SignedIn: how long it took
	Err    error             // Waiting, SignedOut: why
}

// Events, given to Options.Notify beside those of im.
type (
	StateChanged    struct{ State State }
	Step            struct{ Step autoconfig.Step } // one step of finding the server
	ContactsChanged struct{ List contacts.List }
	PresenceChanged struct {
		User  string // own address: one's own state
		State presence.State
	}
	WatcherChanged struct{ User, Name, Status string }
)

// SignInError: signing in failed for a reason that trying again does not
// cure. Its text says what happened, why, and what to do.
type SignInError struct {
	What, Why, Remedy string
	Err               error
}

func (e *SignInError) Error() string { return e.What + ": " + e.Why }
func (e *SignInError) Unwrap() error { return e.Err }

// ErrRejected is within a SignInError when the name or password was not
// accepted.
var ErrRejected = auth.ErrRejected
