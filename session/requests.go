package session

import (
	"context"
	"errors"
	"sync"
	"time"

	"communicator/contacts"
	"communicator/im"
)

// Request is a conversation that a stranger has begun and that nobody has
// admitted.
type Request struct {
	With    string // key of the conversation
	From    string // who wrote the first line
	Outside bool   // of another organisation
	Lines   []im.Message
}

// RequestsChanged: the box of requests is another one. What arrives is told of a
// second later and at most once a minute, so that it disturbs as little as
// possible; what the user does there, at once.
type RequestsChanged struct{ Requests []Request }

const (
	requestsSoon  = time.Second
	requestsEvery = time.Minute
)

// Requests is the box for what strangers write: no notification, nobody is
// watched, nothing is answered. A stranger is not on the contact list or in the
// organisation chart, not in the address book, was not allowed by a rule of his
// own, and I have never written to him nor admitted him. A conversation leaves
// the box by itself as soon as any of these changes.
type Requests struct {
	s *Session

	mu    sync.Mutex
	known *known      // to whom I have written, whom I have admitted
	timer *time.Timer // until the next RequestsChanged; nil: nothing to tell
	told  time.Time   // when the last one was
	ended bool
}

func newRequests(s *Session) *Requests { return &Requests{s: s, known: newKnown(s)} }

// List returns what waits, the oldest first.
func (r *Requests) List() []Request {
	var all []Request
	for _, c := range r.s.IM.Requests() {
		if lines := c.Messages(); len(lines) > 0 {
			from := lines[0].From
			all = append(all, Request{With: c.Key(), From: from, Outside: r.s.Outside(from), Lines: lines})
		}
	}
	return all
}

var errNoRequest = errors.New("this request is no longer there")

// Accept makes a request an ordinary conversation, and its sender one whose
// messages are taken from now on.
func (r *Requests) Accept(with string) error {
	lines := r.s.IM.Admit(with)
	if lines == nil {
		return errNoRequest
	}
	r.known.add(with)
	r.s.History.accept(with)
	for _, m := range lines {
		r.s.Presence.alsoWatch(m.From)
	}
	if group := lines[len(lines)-1].Group; group != nil {
		r.s.Presence.alsoWatch(group.Members...)
	}
	r.tell()
	return nil
}

// Dismiss forgets a request. When its sender writes again there is a new one.
func (r *Requests) Dismiss(with string) error {
	if !r.s.IM.Dismiss(with) {
		return errNoRequest
	}
	r.tell()
	if err := r.s.History.Forget(with); err != nil && !errors.Is(err, ErrNoHistory) {
		return err
	}
	return nil
}

// Block forgets a request and blocks who has written in it, on the server where
// it keeps rules; nothing of him comes any more. With an error it still waits.
func (r *Requests) Block(ctx context.Context, with string) error {
	blocked := map[string]bool{}
	for _, q := range r.List() {
		if q.With != with {
			continue
		}
		for _, m := range q.Lines {
			if blocked[m.From] {
				continue
			}
			if err := r.s.Contacts.SetAccess(ctx, m.From, contacts.Block); err != nil {
				return err
			}
			blocked[m.From] = true
		}
	}
	if len(blocked) == 0 {
		return errNoRequest
	}
	if err := r.Dismiss(with); err != errNoRequest { // the new rule may have done so already
		return err
	}
	return nil
}

// restore puts back what waited when the last process ended.
func (r *Requests) restore() {
	for _, m := range r.s.History.requests() {
		r.s.IM.Await(m)
	}
	r.review() // he may have got onto the list meanwhile
	if len(r.s.IM.Requests()) > 0 {
		r.tell()
	}
}

// stranger says whether what from writes into the conversation with this key is
// a request.
func (r *Requests) stranger(key, from string) bool {
	s := r.s
	if from == s.self || from == s.domain || r.known.has(from) || r.known.has(key) || s.Contacts.knows(from) {
		return false
	}
	_, listed := s.People.Person(from)
	return !listed
}

// arrived is told of each incoming line.
func (r *Requests) arrived(m im.Message) {
	if m.Request && !r.stranger(m.With, m.From) {
		r.review() // he stopped being one while it came in
		return
	}
	if m.Request {
		r.tellSoon()
		return
	}
	r.s.Presence.alsoWatch(m.From) // a stranger gets no subscription: it would show him that I am here
}

// wrote is told of each own line.
func (r *Requests) wrote(m im.Message) {
	var people []string
	for _, d := range m.Delivered {
		if !r.s.Contacts.knows(d.To) {
			people = append(people, d.To)
		}
	}
	if m.Group != nil {
		people = append(people, m.With)
	}
	if r.known.add(people...) {
		r.review()
	}
}

// review moves those out of the box who are no strangers any more, and forgets
// those who were blocked elsewhere. The lines of the first are told of as any
// that arrive.
func (r *Requests) review() {
	moved := false
	for _, q := range r.List() {
		for _, m := range q.Lines {
			if code, _ := r.s.Contacts.refusal(m.From); code != 0 {
				if r.s.IM.Dismiss(q.With) {
					moved = true
					_ = r.s.History.Forget(q.With) // what cannot be removed is asked about once more
				}
				break
			}
			if !r.stranger(q.With, m.From) {
				moved = true
				r.s.History.accept(q.With)
				for _, m := range r.s.IM.Admit(q.With) {
					r.s.later(im.Received{Message: m})
				}
				break
			}
		}
	}
	if moved {
		r.tell()
	}
	r.s.events.Flush()
}

// tellSoon tells of what has arrived, when it is time.
func (r *Requests) tellSoon() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.timer != nil || r.ended || r.s.o.Silent {
		return
	}
	r.timer = time.AfterFunc(max(requestsSoon, requestsEvery-time.Since(r.told)), r.tell) // ends with Run
}

// tell tells of the box as it is now.
func (r *Requests) tell() {
	r.mu.Lock()
	if r.timer != nil {
		r.timer.Stop()
	}
	r.timer, r.told = nil, time.Now()
	ended := r.ended
	r.mu.Unlock()
	if !ended {
		r.s.emit(RequestsChanged{r.List()})
	}
}

// end stops telling.
func (r *Requests) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	if r.timer != nil {
		r.timer.Stop()
		r.timer = nil
	}
}

// Outside says whether user belongs to another organisation, as far as his
// domain says so.
func (s *Session) Outside(user string) bool { return contacts.Outside(s.self, user, s.o.Domains...) }
