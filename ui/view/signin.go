package view

import (
	"strings"
	"time"

	"communicator/autoconfig"
	"communicator/session"
)

// Progress of a step.
type Progress int

const (
	Later Progress = iota
	Working
	Done
	Broken
)

// Step is one line of signing in.
type Step struct {
	Name     string
	Text     string
	Detail   string // smaller, below Text
	Progress Progress
	Took     time.Duration // Done only
}

// SignIn follows a sign-in by its events and says where it stands. The zero
// value is ready.
type SignIn struct {
	steps   []autoconfig.Step
	state   session.State
	entered [4]time.Time // when each line began
	ended   [4]time.Time
	loaded  bool
}

// The lines of a sign-in.
const (
	lineServer = iota
	lineLink
	lineSignIn
	lineContacts
)

// Found takes one step of the search for the server.
func (s *SignIn) Found(step autoconfig.Step) { s.steps = append(s.steps, step) }

// Changed takes a new state of signing in.
func (s *SignIn) Changed(state session.State, now time.Time) {
	if state.Phase == session.Locating && s.state.Phase != session.Locating {
		*s = SignIn{} // a new try
	}
	s.state = state
	at := s.line()
	for i := range s.entered {
		if i <= at && s.entered[i].IsZero() {
			s.entered[i] = now
		}
		if i < at && s.ended[i].IsZero() {
			s.ended[i] = now
		}
	}
}

// Loaded says that the contact list has arrived.
func (s *SignIn) Loaded(now time.Time) {
	if !s.loaded {
		s.loaded, s.ended[lineContacts] = true, now
	}
}

// line is the one that is being worked on.
func (s *SignIn) line() int {
	switch s.state.Phase {
	case session.Connecting:
		return lineLink
	case session.SigningIn:
		return lineSignIn
	case session.SignedIn:
		return lineContacts
	default:
		return lineServer
	}
}

// Lines are the four steps as they stand.
func (s *SignIn) Lines() []Step {
	lines := []Step{
		{Name: say("Found server")}, {Name: say("Secure link")}, {Name: say("Signing in")}, {Name: say("Contacts")},
	}
	at := s.line()
	for i := range lines {
		switch {
		case i < at || i == lineContacts && s.loaded:
			lines[i].Progress = Done
			if !s.ended[i].IsZero() {
				lines[i].Took = s.ended[i].Sub(s.entered[i])
			}
		case i == at && s.state.Phase != "" && s.state.Phase != session.SignedOut:
			lines[i].Progress = Working
		default:
			lines[i].Text = say("waiting")
		}
	}
	s.fill(lines)
	return lines
}

// fill puts what is known into the lines.
func (s *SignIn) fill(lines []Step) {
	target := s.state.Target
	server := &lines[lineServer]
	if server.Progress == Working {
		server.Name = say("Finding server")
		if n := len(s.steps); n > 0 {
			server.Text, server.Detail = say("looking…"), s.steps[n-1].Text
		}
	}
	if target.Host != "" && server.Progress == Done {
		server.Text = hostPort(target)
		server.Detail = s.record()
	}
	link := &lines[lineLink]
	switch {
	case link.Progress == Working:
		link.Text = say("connecting…")
	case link.Progress == Done && s.state.TLS != "":
		link.Text, link.Detail = s.state.TLS, s.certificate()
	case link.Progress == Done && target.Transport == "tcp":
		link.Name, link.Text = say("Link"), say("not encrypted: plain TCP")
		link.Detail = say("your configuration allows it")
	}
	if l := &lines[lineSignIn]; l.Progress == Working {
		l.Text = say("asking for access…")
	} else if l.Progress == Done {
		l.Name, l.Text = say("Signed in"), s.state.User
	}
	if l := &lines[lineContacts]; l.Progress == Working {
		l.Text = say("reading the list…")
	}
}

// record says which DNS record led to the server.
func (s *SignIn) record() string {
	for i := len(s.steps) - 1; i >= 0; i-- {
		if step := s.steps[i]; step.Step == "srv" && step.Result == "found" {
			return say("from {{.Record}}", "Record", step.Name)
		}
	}
	return ""
}

// certificate is what the step that made the secure link said.
func (s *SignIn) certificate() string {
	for i := len(s.steps) - 1; i >= 0; i-- {
		if step := s.steps[i]; step.Step == "tls" && step.Result == "found" {
			return strings.TrimPrefix(step.Text, s.state.TLS+", ")
		}
	}
	return ""
}

// Trace is the whole search in words, for "Copy details".
func (s *SignIn) Trace() string { return Trace(s.steps) }
