package view

import (
	"context"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"communicator/autoconfig"
	"communicator/calendar"
	"communicator/directory"
	"communicator/history"
	"communicator/plain"
	"communicator/session"
)

// Problem is an error for people, in the one form that the window, the text
// client and the command line use: what happened, why, what you can do.
type Problem struct {
	What    string
	Why     string
	Remedy  string
	Details string // for "Copy details": a redacted trace, no passwords

	ByHand   bool // entering the server by hand may help
	Password bool // it is about the name or password
}

// Explain turns an error into a Problem. doing is what the user wanted, as a
// sentence that says it did not happen: "The message was not sent."
func Explain(doing string, err error) Problem {
	p := explain(say(doing), err)
	p.ByHand = errors.As(err, new(*autoconfig.NotFoundError))
	p.Password = errors.Is(err, session.ErrRejected)
	p.What, p.Why, p.Remedy = sentence(p.What), sentence(p.Why), sentence(p.Remedy)
	if p.Details == "" && err != nil {
		p.Details = plain.Text(err.Error())
	}
	return p
}

func explain(doing string, err error) Problem {
	var (
		signIn  *session.SignInError
		nowhere *autoconfig.NotFoundError
		profile *session.ProfileError
		search  *directory.Error
		agenda  *calendar.Error
	)
	switch {
	case errors.As(err, &signIn):
		p := Problem{What: signIn.What, Why: signIn.Why, Remedy: signIn.Remedy}
		if errors.As(err, &nowhere) {
			p.Details = Trace(nowhere.Steps)
		}
		return p
	case errors.As(err, &nowhere):
		return Problem{What: doing, Why: nowhere.Why, Remedy: nowhere.Remedy, Details: Trace(nowhere.Steps)}
	case errors.As(err, &profile):
		return Problem{What: say("The configuration in {{.File}} cannot be used.", "File", profile.File),
			Why: profile.Why, Remedy: profile.Remedy}
	case errors.As(err, &search):
		return Problem{What: search.What, Why: search.Why, Remedy: search.Remedy}
	case errors.As(err, &agenda):
		return Problem{What: agenda.What, Why: agenda.Why, Remedy: agenda.Remedy}
	case errors.As(err, new(*history.NewerError)), errors.Is(err, history.ErrFull), errors.Is(err, history.ErrBusy):
		return historyProblem(doing, err)
	case errors.Is(err, directory.ErrNotFound):
		return Problem{What: doing, Why: say("Nobody of that name or address is in the directory."), Remedy: say("Check the spelling.")}
	case errors.Is(err, context.DeadlineExceeded):
		return Problem{What: doing, Why: say("There was no answer in time."), Remedy: say("Try again; if it stays like this, ask your help desk.")}
	case errors.Is(err, context.Canceled):
		return Problem{What: doing, Why: say("It was stopped."), Remedy: say("Nothing, unless you want to try again.")}
	case err == nil:
		return Problem{What: doing}
	}
	p := Problem{What: doing, Why: plain.Line(plain.Cut(err.Error(), 300))}
	if doing != "" { // a click can be repeated; a command has said in its own words what to do
		p.Remedy = say("Try again.")
	}
	return p
}

// headline is the longest reason that fits into one.
const headline = 75

// Headline is the problem for a page whose title says already what did not
// happen: the reason takes the first place, as far as it fits.
func (p Problem) Headline() Problem {
	if p.Why == "" {
		return p
	}
	if utf8.RuneCountInString(p.Why) <= headline {
		p.What, p.Why = p.Why, ""
		return p
	}
	if first, rest, ok := strings.Cut(p.Why, ": "); ok && utf8.RuneCountInString(first) <= headline {
		p.What, p.Why = sentence(first), sentence(rest)
	}
	return p
}

// String is the problem in one paragraph.
func (p Problem) String() string {
	var parts []string
	for _, s := range []string{p.What, p.Why, p.Remedy} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, " ")
}

// Trace lists the steps of a search for the server, one a line.
func Trace(steps []autoconfig.Step) string {
	var b strings.Builder
	for _, s := range steps {
		text := s.Text
		if text == "" {
			text = s.Step + " " + s.Name + ": " + s.Result
		}
		b.WriteString(plain.Line(text))
		b.WriteString(" (" + Seconds(s.Took) + ")\n")
	}
	return b.String()
}

// sentence begins with a capital and ends with a full stop. A first word that
// is a name of a host or an address stays as it is.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return ""
	}
	first, _, _ := strings.Cut(s, " ")
	if !strings.ContainsAny(strings.TrimRight(first, ".,:;"), ".@:/_") {
		r, size := utf8.DecodeRuneInString(s)
		s = string(unicode.ToUpper(r)) + s[size:]
	}
	if !strings.ContainsAny(s[len(s)-1:], ".!?:") {
		s += "."
	}
	return s
}
