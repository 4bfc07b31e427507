package view

import (
	"strconv"
	"time"

	"communicator/autoconfig"
	"communicator/directory/addressbook"
	"communicator/presence"
	"communicator/session"
)

// StatusLine is the line at the foot of the main window.
type StatusLine struct {
	Good  bool // signed in
	Busy  bool // signed in, and something takes its time
	Text  string
	Right string // how long it took, or nothing
}

// StatusOf says in one line where the connection stands.
func StatusOf(s session.State, now time.Time) StatusLine {
	switch s.Phase {
	case session.SignedIn:
		secure := s.TLS
		if secure == "" {
			secure = say("not encrypted")
		}
		l := StatusLine{Good: true, Text: say("Signed in as {{.User}}", "User", s.User) + " · " + secure}
		if s.Took > 0 {
			l.Right = Seconds(s.Took)
		}
		return l
	case session.Waiting:
		return StatusLine{Text: joined(say("Not connected"), nextTry(s, now))}
	case session.Locating:
		return StatusLine{Text: say("Looking for the server…")}
	case session.Connecting:
		return StatusLine{Text: say("Connecting…")}
	case session.SigningIn:
		return StatusLine{Text: say("Signing in…")}
	default:
		return StatusLine{Text: say("Signed out")}
	}
}

// WithBook says instead how far the address book is, while it is being filled;
// took is for how long.
func WithBook(l StatusLine, b addressbook.State, took time.Duration) StatusLine {
	if l.Good && b.Filling {
		return StatusLine{Busy: true, Text: Reading(b), Right: Span(took)}
	}
	return l
}

func nextTry(s session.State, now time.Time) string {
	return say("next try in {{.Time}}", "Time", Span(s.Until.Sub(now)))
}

// Banner is the amber element over the window while the connection is lost.
type Banner struct{ Title, Text string }

// Lost makes the banner; since is when the connection was lost.
func Lost(s session.State, since, now time.Time) Banner {
	b := Banner{Title: say("Connection lost {{.Time}} ago", "Time", Span(now.Sub(since)))}
	wait := say("What you send leaves when you are connected again.")
	if s.Phase == session.Waiting && s.Until.After(now) {
		b.Text = say("Trying again in {{.Time}}.", "Time", Span(s.Until.Sub(now)+time.Second-1)) + " " + wait
	} else {
		b.Text = say("Trying again now.") + " " + wait
	}
	return b
}

// Own is one's own line at the head of the main window.
type Own struct {
	Name   string
	Face   string
	Button string // what others see
	Second string // says why that is not what was chosen; may be empty
	Note   string // as it is, without quotation marks
	Clears string // "clears 15:00"; may be empty
}

// OwnLine says what others see of oneself; chosen is what was chosen ("auto"
// when nothing was).
func OwnLine(s session.State, shown presence.State, chosen string, now time.Time) Own {
	o := Own{Name: s.Name, Note: shown.Note, Face: Face(shown), Button: Words(shown, now)}
	if o.Name == "" {
		o.Name = s.User
	}
	if shown.Note != "" && shown.NoteUntil.After(now) {
		o.Clears = say("clears {{.Time}}", "Time", Clock(shown.NoteUntil, now))
	}
	if s.Phase != session.SignedIn {
		o.Face, o.Button = "offline", say("Not signed in")
		return o
	}
	if shown.Availability == presence.Offline {
		o.Button = say("Appear offline")
	}
	if shown.Source != presence.FromChoice {
		o.Second = joined(source(shown.Source), overruled(shown, chosen))
	}
	return o
}

// overruled says what was chosen where others see something else.
func overruled(shown presence.State, chosen string) string {
	if chosen == "" || chosen == "auto" || chosen == string(shown.Availability) {
		return ""
	}
	for _, c := range Choices() {
		if string(c.State) == chosen {
			return say("you chose {{.State}}", "State", c.Words)
		}
	}
	return ""
}

// hostPort is a server as people write it.
func hostPort(t autoconfig.Target) string { return t.Host + ":" + strconv.Itoa(int(t.Port)) }
