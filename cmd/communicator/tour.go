package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"communicator/im"
	"communicator/lab"
	"communicator/presence"
	"communicator/session"
)

// tour plays the product without display and terminal. Each step says what
// was done and what the other side saw; the first that does not come true
// ends it.
type tour struct {
	program  *program
	company  *lab.Company
	pictures string
	anna     *guest // the newcomer
	bruno    *guest // a colleague on a second client
	dir      string // what the clients keep; removed at the end
	number   int
}

// guest is somebody signed in for the tour, with everything their client heard.
type guest struct {
	*session.Session
	who  lab.Person
	stop context.CancelFunc
	done chan error

	mu      sync.Mutex
	events  []any
	changed chan struct{} // closed and replaced at each event
}

const (
	tourLimit = 50 * time.Second // for all of it
	stepLimit = 15 * time.Second // for each thing that must come true

	tourNote = "In Lyon until Friday"
)

func (p *program) tour(ctx context.Context, company *lab.Company, pictures string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, tourLimit, errors.New("the tour took too long"))
	defer cancel()
	dir, err := os.MkdirTemp("", "communicator-tour-")
	if err != nil {
		return fmt.Errorf("a folder for the tour: %w", err)
	}
	defer os.RemoveAll(dir)
	t := &tour{program: p, company: company, pictures: pictures, dir: dir}
	p.say("A company of %d people runs in this process: DNS, SIP servers, address book.", len(company.People()))
	for _, step := range []func(context.Context) error{
		t.signIn, t.contactList, t.note, t.chat, t.group, t.everyone, t.stranger, t.draw, t.failover, t.signOut, t.noteStays,
	} {
		if err := step(ctx); err != nil {
			return exit{statusFailed, fmt.Errorf("step %d of the tour did not come true: %w", t.number, because(ctx, err))}
		}
	}
	p.say("\nAll %d steps came true. With a display, `make demo` opens the window; on a terminal, the text client.", t.number)
	return nil
}

// step prints what is being done.
func (t *tour) step(format string, a ...any) {
	t.number++
	t.program.say("\n%d. "+format, append([]any{t.number}, a...)...)
}

// seen prints what came of it.
func (t *tour) seen(format string, a ...any) { t.program.say("   "+format, a...) }

// enter signs somebody in.
func (t *tour) enter(ctx context.Context, who lab.Person) (*guest, error) {
	g := &guest{who: who, done: make(chan error, 1), changed: make(chan struct{})}
	o := labOptions(t.company, who)
	o.Name, o.Notify, o.Dir = who.Name, g.hear, t.dir
	g.Session = session.New(o)
	running, stop := context.WithCancel(ctx)
	g.stop = stop
	go func() { g.done <- g.Run(running) }() // ends after stop
	ctx, cancel := context.WithTimeout(ctx, stepLimit)
	defer cancel()
	return g, g.SignedIn(ctx)
}

// hear is the session's Notify.
func (g *guest) hear(e any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.events = append(g.events, e)
	close(g.changed)
	g.changed = make(chan struct{})
}

// await waits for an event that is wanted; events before are taken into account.
func (g *guest) await(ctx context.Context, what string, wanted func(any) bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, stepLimit, fmt.Errorf("%s did not see %s", g.who.Name, what))
	defer cancel()
	for from := 0; ; {
		g.mu.Lock()
		events, changed := g.events, g.changed
		g.mu.Unlock()
		for ; from < len(events); from++ {
			if wanted(events[from]) {
				return nil
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (t *tour) signIn(ctx context.Context) (err error) {
	t.step("Sign in as %s, by typing only the address", t.company.Newcomer().User)
	if t.anna, err = t.enter(ctx, t.company.Newcomer()); err != nil {
		return err
	}
	for _, e := range t.anna.events {
		if s, is := e.(session.Step); is {
			t.seen("%-8s %-36s %s", s.Step.Step, s.Step.Name, s.Step.Text)
		}
	}
	s := t.anna.State()
	t.seen("Signed in at %s:%d, %s, after %d ms.", s.Target.Host, s.Target.Port, s.TLS, s.Took.Milliseconds())
	return nil
}

func (t *tour) contactList(ctx context.Context) error {
	t.step("The contact list is filled from the organisation chart")
	if chart, err := t.anna.Contacts.Loaded(ctx); err != nil || chart != nil {
		return errors.Join(chart, err)
	}
	if err := t.anna.Presence.Known(ctx); err != nil {
		return err
	}
	now := time.Now()
	for _, g := range t.anna.Contacts.List().Groups {
		t.seen("%s (%d)", g.Name, len(g.Members))
		for i, c := range g.Members {
			if i == 5 {
				t.seen("  … and %d more", len(g.Members)-i)
				break
			}
			s := t.anna.Presence.Of(c.User)
			t.seen("  %-20s %s  %s", c.Name, s.Words(now), quoted(s.Note))
		}
	}
	return nil
}

// colleague is a direct report of the newcomer.
func (t *tour) colleague() (lab.Person, error) {
	for _, who := range t.company.People() {
		if who.Manager == t.company.Newcomer().User {
			return who, nil
		}
	}
	return lab.Person{}, errors.New("nobody in the lab reports to the newcomer")
}

func (t *tour) note(ctx context.Context) error {
	who, err := t.colleague()
	if err != nil {
		return err
	}
	t.step("%s signs in on a second client; you set a note", who.Name)
	if t.bruno, err = t.enter(ctx, who); err != nil {
		return err
	}
	if err := t.bruno.Presence.Watch(ctx, t.anna.who.User); err != nil {
		return err
	}
	if _, err := t.anna.Presence.Set(ctx, presence.State{Availability: presence.Busy, Note: tourNote}); err != nil {
		return err
	}
	return t.bruno.await(ctx, "the note", func(e any) bool {
		p, is := e.(session.PresenceChanged)
		if is && p.User == t.anna.who.User && p.State.Note == tourNote && p.State.Availability == presence.Busy {
			t.seen("%s sees: %s, %s, “%s”", who.Name, t.anna.who.Name, p.State.Words(time.Now()), p.State.Note)
			return true
		}
		return false
	})
}

// say sends a line and waits until it is on the other side.
func (t *tour) say(ctx context.Context, from, to *guest, text string) error {
	m, err := from.IM.With(to.who.User).Send(ctx, text)
	if err != nil {
		return err
	}
	if d := m.Delivered[0]; d.State != im.Delivered {
		return fmt.Errorf("message to %s: %s (%d %s)", to.who.Name, d.State, d.Code, d.Reason)
	}
	return to.await(ctx, "the message", func(e any) bool {
		r, is := e.(im.Received)
		if is && r.Message.From == from.who.User && r.Message.Text == text {
			t.seen("%s wrote “%s”; %s has it (%s).", from.who.Name, text, to.who.Name, m.Delivered[0].State)
			return true
		}
		return false
	})
}

func (t *tour) group(ctx context.Context) error {
	const group, text = "My direct reports", "The office closes at 16:00 today."
	t.step("Message the whole group “%s” at once", group)
	g, found := t.anna.Contacts.List().Group(group)
	if !found {
		return fmt.Errorf("there is no group %q", group)
	}
	var to []string
	for _, c := range g.Members {
		to = append(to, c.User)
	}
	results := map[im.State]int{}
	has := "" // somebody whose client took it
	err := t.anna.IM.SendEach(ctx, im.Bulk{To: to, Text: text, Each: func(d im.Delivery) {
		if results[d.State]++; d.State == im.Delivered && d.To != t.bruno.who.User { // who plays himself has no client in the lab
			has = d.To
		}
		t.seen("%-10s %s (%d %s)", d.State, d.To, d.Code, d.Reason)
	}})
	if err != nil {
		return err
	}
	if results[im.Failed]+results[im.Unknown] > 0 || results[im.Delivered]+results[im.Accepted] != len(to) {
		return fmt.Errorf("%d members, but %v", len(to), results)
	}
	received := t.company.Do("inbox " + has)
	if !strings.Contains(received, text) {
		return fmt.Errorf("the message did not reach the client of %s: %s", has, received)
	}
	t.seen("What a client of theirs received: %s", received)
	return nil
}

func (t *tour) failover(ctx context.Context) error {
	before := t.anna.State().Target
	number := 1
	if before.Host == "fe2."+domain(t.anna.who.User) {
		number = 2
	}
	t.step("The server you are signed in to (%s) stops", before.Host)
	t.seen("%s", t.company.Do(fmt.Sprintf("stop-front-end %d", number)))
	if err := t.anna.await(ctx, "being signed in elsewhere", func(e any) bool {
		s, is := e.(session.StateChanged)
		return is && s.State.Phase == session.SignedIn && s.State.Target.Host != before.Host
	}); err != nil {
		return err
	}
	s := t.anna.State()
	t.seen("Signed in again at %s after %d ms; the window kept its list and drafts.", s.Target.Host, s.Took.Milliseconds())
	ctx, cancel := context.WithTimeout(ctx, stepLimit)
	defer cancel()
	if err := t.bruno.SignedIn(ctx); err != nil {
		return err
	}
	return t.say(ctx, t.anna, t.bruno, "Still here?")
}

func (t *tour) signOut(ctx context.Context) error {
	t.step("Sign out")
	t.anna.stop()
	if err := <-t.anna.done; err != nil {
		return err
	}
	err := t.bruno.await(ctx, "the sign-out", func(e any) bool {
		p, is := e.(session.PresenceChanged)
		return is && p.User == t.anna.who.User && p.State.Availability == presence.Offline
	})
	if err != nil {
		return err
	}
	t.seen("%s sees: %s, %s", t.bruno.who.Name, t.anna.who.Name, t.bruno.Presence.Of(t.anna.who.User).Words(time.Now()))
	t.bruno.stop()
	return <-t.bruno.done
}

// noteStays shows that a note outlives its writer's sign-out.
func (t *tour) noteStays(ctx context.Context) error {
	t.step("%s signs in afterwards, and reads the note of who is not there", t.bruno.who.Name)
	later, err := t.enter(ctx, t.bruno.who)
	if err != nil {
		return err
	}
	if err := later.Presence.Watch(ctx, t.anna.who.User); err != nil {
		return err
	}
	err = later.await(ctx, "the note of somebody who has signed out", func(e any) bool {
		p, is := e.(session.PresenceChanged)
		if is && p.User == t.anna.who.User && p.State.Availability == presence.Offline && p.State.Note == tourNote {
			t.seen("%s sees: %s, %s, “%s”", later.who.Name, t.anna.who.Name, p.State.Words(time.Now()), p.State.Note)
			return true
		}
		return false
	})
	later.stop()
	return errors.Join(err, <-later.done)
}
