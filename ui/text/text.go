// Package text is the text client: the same people, states and messages as the
// window, as plain lines without cursor movement, for screen readers, Braille
// terminals and SSH. What it says comes from ui/view.
//
// Begin with Run.
package text

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"communicator/calendar"
	"communicator/contacts"
	"communicator/im"
	"communicator/plain"
	"communicator/presence"
	"communicator/session"
	"communicator/ui/view"
)

// maxLine is the longest command line.
const maxLine = 64 << 10

// Streams are what a client reads and writes.
type Streams struct {
	In     io.Reader     // what the user types
	Out    io.Writer     // what the user reads
	Events iter.Seq[any] // what happens in the session (session.Options.Notify), from its start; ends after Run
}

// client is one text client at work.
type client struct {
	session    *session.Session
	out        io.Writer
	names      view.Names
	list       contacts.List
	seen       map[string]remark // what was last heard about a person
	talk       *im.Conversation  // whom `say` goes to
	waits      map[string]bool   // IDs of messages that were said to wait for a connection
	status     string            // last words said about the connection
	tried      bool              // to sign in: how it went was said step by step
	been       bool              // signed in
	lost       bool              // the connection
	noCalendar bool              // it could not be read at the last try
}

// remark is what was heard about somebody, and how it was said.
type remark struct {
	state presence.State
	words string
}

// Run says what it offers, obeys the user and says what happens, until the
// user says quit, In ends or ctx ends. s is running, or about to. A read of In
// that blocks does not hold Run up, but outlives it.
func Run(ctx context.Context, s *session.Session, io Streams) error {
	c := &client{session: s, out: io.Out, names: view.Names{}, seen: map[string]remark{}, waits: map[string]bool{}}
	c.line("Communicator, text client. Signing in as %s.", s.State().User)
	c.line("Type help for the commands, quit to leave. Messages and changes appear as they happen.")
	quit := make(chan struct{})
	defer close(quit)
	lines, events, done := make(chan string), make(chan any), make(chan error, 1)
	go func() { done <- read(io.In, lines, quit) }() // ends with In, or at its next line after Run
	go func() {                                      // ends with Events, or at the next one after Run
		for e := range io.Events {
			select {
			case events <- e:
			case <-quit:
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-events:
			c.happened(e)
		case line := <-lines:
			if leave := c.obey(ctx, line); leave {
				return nil
			}
		case err := <-done:
			return err
		}
	}
}

// read hands the lines of in over.
func read(in io.Reader, lines chan<- string, quit <-chan struct{}) error {
	scan := bufio.NewScanner(in)
	scan.Buffer(nil, maxLine)
	for scan.Scan() {
		select {
		case lines <- scan.Text():
		case <-quit:
			return nil
		}
	}
	if errors.Is(scan.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("a line is longer than %d bytes", maxLine)
	}
	return scan.Err()
}

// line writes one line in the user's language.
func (c *client) line(format string, args ...any) {
	text := fmt.Sprintf(view.Translate(format), args...)
	_, _ = fmt.Fprintln(c.out, strings.ReplaceAll(text, "\n", "\n    ")) // nobody is there to be told
}

// happened says one event.
func (c *client) happened(event any) {
	switch e := event.(type) {
	case session.StateChanged:
		c.connection(e.State)
	case session.Step:
		c.step(e)
	case session.ContactsChanged:
		c.contacts(e.List)
	case session.PresenceChanged:
		c.presence(e.User, e.State)
	case session.WatcherAsks:
		c.asks(e)
	case session.BecameAvailable:
		c.line("%s is available now.", c.names.Of(e.User))
	case session.ContactsDoubt:
		c.doubt(e)
	case session.CalendarChanged:
		if !errors.Is(e.State.Err, calendar.ErrNone) {
			c.calendar(e.State.Err)
		}
	case session.HistoryTrouble:
		c.line("%s", view.HistoryTrouble(e))
	case session.RequestsChanged:
		if n := len(e.Requests); n > 0 {
			c.line("%s. Type requests to read them.", view.RequestsLine(n))
		}
	case im.TooMuch:
		c.line("%s sends more messages than are taken; the rest is refused for now.", c.names.Of(e.From))
	case im.Received:
		if !e.Message.Request {
			c.message(e.Message)
		}
	case im.DeliveryChanged:
		c.delivery(e.Delivery)
	case im.Aged:
		c.aged(e)
	}
}

// aged gives a message up that has waited too long to be sent unasked. Its text
// is said: who still wants it sent says it once more.
func (c *client) aged(e im.Aged) {
	for _, talk := range c.session.IM.Conversations() {
		if talk.Key() != e.With {
			continue
		}
		for _, m := range talk.Messages() {
			if m.ID == e.ID {
				c.line("What you wrote at %s has waited too long to be sent unasked. Write it again if it still matters: %s", view.Clock(m.Time, time.Now()), m.Text)
			}
		}
		talk.Discard(e.ID)
	}
}

// step says one step of the first try to sign in. Those of later tries are the
// same each time: of them, only the outcome is said.
func (c *client) step(e session.Step) {
	if c.tried || e.Step.Text == "" {
		return
	}
	text := plain.Line(e.Step.Text)
	if name := e.Step.Name; e.Step.Step == "address" || e.Step.Step == "connect" && !strings.Contains(text, name) {
		text = strings.TrimSuffix(plain.Line(name), ".") + ": " + text
	}
	c.line("%s", text)
}

// delivery says what came of a message when it did not arrive, or when it was
// said to wait.
func (c *client) delivery(d im.Delivery) {
	switch d.State {
	case im.Failed, im.Unknown:
		c.line("Not delivered to %s: %s.", c.names.Of(d.To), view.Reason(d))
		delete(c.waits, d.ID)
	case im.Accepted, im.Delivered, im.Read:
		if c.waits[d.ID] {
			delete(c.waits, d.ID)
			_, words, _ := view.Delivery([]im.Delivery{d}, c.names)
			c.line("To %s: %s.", c.names.Of(d.To), words)
		}
	}
}

func (c *client) connection(s session.State) {
	switch s.Phase {
	case session.SignedIn:
		l := view.StatusOf(s, time.Now())
		words := strings.TrimSpace(l.Text + " " + l.Right)
		if words != c.status { // it is told of again when the user's name becomes known
			c.line("%s", words)
		}
		c.status, c.tried, c.been, c.lost = words, true, true, false
	case session.Waiting:
		if !c.lost { // tries follow, and are not said: it may be a long time
			what := "You are not signed in yet."
			if c.been {
				what = "The connection to the server was lost."
			}
			c.line("%s", view.Explain(view.Translate(what), s.Err))
			c.line("It is tried again by itself. Until then nobody's state is known, and what you write waits.")
		}
		c.status, c.tried, c.lost = "", true, true
	case session.SignedOut:
		if s.Err != nil {
			c.line("%s", view.Explain("You are not signed in.", s.Err))
		}
	}
}

func (c *client) contacts(l contacts.List) {
	first := len(c.list.Groups) == 0
	c.list, c.names = view.Sorted(l), view.NamesIn(l)
	if first && len(l.Groups) > 0 {
		for _, g := range c.list.Groups {
			if len(g.Members) == 1 {
				c.line("Group %s: 1 person.", g.Name)
				continue
			}
			c.line("Group %s: %d people.", g.Name, len(g.Members))
		}
		c.line("Type list to read them.")
	}
}

// presence says a change of somebody's state. The first state of each at
// sign-in is not said, nor that all are unknown when the connection is lost
// and the same again afterwards, or it would be a flood.
func (c *client) presence(user string, s presence.State) {
	if s.Old {
		return
	}
	words := strings.Join(nonEmpty(view.Words(s, time.Now()), view.Note(s, time.Now())), ", ")
	last, heard := c.seen[user]
	c.seen[user] = remark{s, words}
	if heard && last.words != words && !last.state.Says(s) && user != c.session.State().User {
		c.line("%s: %s", c.names.Of(user), words)
	}
}

func (c *client) message(m im.Message) {
	when := ""
	if m.Stored {
		when = ", sent " + view.Clock(m.Time, time.Now())
	}
	c.line("Message from %s%s: %s", c.names.Of(m.From), when, m.Text)
	if c.talk == nil {
		c.talk = c.session.IM.With(m.From)
		c.line("Type say TEXT to answer.")
	}
}

func nonEmpty(parts ...string) []string {
	kept := parts[:0]
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return kept
}
