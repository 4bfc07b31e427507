package im

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"communicator/wire/sipconn"
)

// shelf is a Store in memory that outlives its Book, as a file would.
type shelf struct {
	mu   sync.Mutex
	kept []Message
	full error // what Keep says
}

func (s *shelf) store() Store {
	return Store{Keep: s.keep, Settled: s.settled, Newest: s.newest, Unsent: s.unsent}
}

func (s *shelf) newest(with string, before time.Time, n int) (last []Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.kept {
		if m.With == with && (before.IsZero() || m.Time.Before(before)) {
			last = append(last, line{m}.snapshot())
		}
	}
	return last[max(0, len(last)-n):]
}

func (s *shelf) unsent() (open []Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.kept {
		if slices.ContainsFunc(m.Delivered, func(d Delivery) bool { return d.State == Queued || d.State == Sending }) {
			open = append(open, line{m}.snapshot())
		}
	}
	return open
}

// copy is what a kill leaves.
func (s *shelf) copy() *shelf {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := &shelf{}
	for _, m := range s.kept {
		left.kept = append(left.kept, line{m}.snapshot())
	}
	return left
}

func (s *shelf) keep(m Message) (known bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full != nil {
		return false, s.full
	}
	for _, k := range s.kept {
		if k.ID == m.ID && k.From == m.From && k.Text == m.Text {
			return true, nil
		}
	}
	s.kept = append(s.kept, m)
	return false, nil
}

func (s *shelf) settled(_ string, d Delivery) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.kept {
		for i := range m.Delivered {
			if m.ID == d.ID && m.Delivered[i].To == d.To {
				m.Delivered[i] = d
			}
		}
	}
	return nil
}

// is is the state of the newest message to its first recipient.
func (s *shelf) is() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept[len(s.kept)-1].Delivered[0].State
}

// queue lets messages wait for a connection.
func queue(o *Options) { o.Queue = true }

// keeping is a record whose messages are stored.
func keeping(s *shelf, tune ...func(*Options)) *record {
	r := &record{line: &sipconn.Line{}, events: make(chan any, 100000)}
	o := Options{Self: "anna@contoso.test", Line: r.line, Emit: func(e any) { r.events <- e }, Store: s.store()}
	for _, f := range tune {
		f(&o)
	}
	r.Book = New(o)
	return r
}

// A message is stored before it leaves, and what becomes of it after.
func TestStoredBeforeItIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		r := keeping(s)
		p := connect(t, r.line, r.Book)
		done := sent(t.Context(), r.With("bob@contoso.test"), "hello")
		m := p.next()
		if s.is() != Unknown {
			t.Errorf("stored as %s while nobody knows", s.is())
		}
		p.answer(m, "200 OK")
		<-done
		if s.is() != Delivered {
			t.Errorf("stored as %s at the end", s.is())
		}
	})
}

// With a full disk nothing is sent, and the sender of what comes hears that it
// is to be repeated; when there is room again it is shown once.
func TestDiskFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{full: errors.New("no space left on device")}
		r := keeping(s)
		p := connect(t, r.line, r.Book)
		if _, err := r.With("bob@contoso.test").Send(t.Context(), "hello"); err == nil || !strings.Contains(err.Error(), "could not be stored: no space left") {
			t.Errorf("sent with a full disk: %v", err)
		}
		p.send(incoming("1@x", "text/plain", "hello"))
		if m := p.next(); m.start != "SIP/2.0 500 Cannot Be Stored" || m.h.Get("Retry-After") != "30" {
			t.Errorf("answered %+v", m)
		}
		synctest.Wait()
		p.quiet()
		if len(r.events) > 0 || len(r.With("bob@contoso.test").Messages()) > 0 {
			t.Error("something is shown")
		}
		s.full = nil
		time.Sleep(repeatAfter)
		for range 2 {
			p.send(incoming("1@x", "text/plain", "hello"))
			if m := p.next(); m.start != "SIP/2.0 200 OK" {
				t.Errorf("answered %+v", m)
			}
		}
		if n := len(r.With("bob@contoso.test").Messages()); n != 1 {
			t.Errorf("%d lines", n)
		}
	})
}

// What came before a restart is not shown again after it; another text under the
// same ID is.
func TestRecognisedAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		for run, want := range []int{1, 0} {
			r := keeping(s)
			p := connect(t, r.line, r.Book)
			p.send(incoming("1@x", "text/plain", "hello"))
			p.next()
			if n := len(r.events); n != want {
				t.Errorf("run %d: %d events", run, n)
			}
		}
		r := keeping(s)
		p := connect(t, r.line, r.Book)
		p.send(incoming("1@x", "text/plain", "something else"))
		p.next()
		if e, _ := r.next(t).(Received); e.Message.Text != "something else" {
			t.Errorf("received %+v", e)
		}
	})
}
