package im

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"communicator/wire/sipconn"
)

const bob = "bob@contoso.test"

// lost ends the connection as the session sees it.
func (r *record) lost(p *peer) {
	p.close()
	r.line.Set(nil)
}

// back signs in again.
func (r *record) back(t *testing.T) *peer {
	t.Helper()
	p := connect(t, r.line, r.Book)
	r.Connected()
	return p
}

// state waits until nothing happens any more and returns where the newest own
// line with bob stands.
func (r *record) state() Delivery {
	synctest.Wait()
	lines := r.With(bob).Messages()
	for _, m := range slices.Backward(lines) {
		if len(m.Delivered) > 0 {
			return m.Delivered[0]
		}
	}
	return Delivery{}
}

// ours makes bob known as a user of this program.
func (r *record) ours(t *testing.T, p *peer) {
	t.Helper()
	done := sent(t.Context(), r.With(bob), "to know each other")
	p.answer(p.next(), "200 OK", "Server: Communicator/1.0")
	if m := <-done; m.Delivered[0].State != Delivered {
		t.Fatalf("%+v", m)
	}
	synctest.Wait()
	for len(r.events) > 0 {
		<-r.events
	}
}

// What is written while there is no connection leaves in order when there is one.
func TestQueuedWhileOffline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		r := keeping(s, queue)
		for i := range 5 {
			m, err := r.With(bob).Send(t.Context(), fmt.Sprint(i))
			if err != nil || m.Delivered[0].State != Queued || s.is() != Queued {
				t.Fatalf("offline: %+v, %v, stored %s", m.Delivered, err, s.is())
			}
			time.Sleep(20 * time.Second)
		}
		p := r.back(t)
		for i := range 5 {
			m := p.next()
			if m.body != fmt.Sprint(i) {
				t.Errorf("line %d is %q", i, m.body)
			}
			if i == 4 && s.is() != Unknown {
				t.Errorf("stored as %s once written: a client that is not ours must not get it twice", s.is())
			}
			p.quiet()
			p.answer(m, "200 OK")
		}
		if d := r.state(); d.State != Delivered || s.is() != Delivered {
			t.Errorf("%+v, stored %s", d, s.is())
		}
		states := []State{}
		for len(r.events) > 0 {
			switch e := (<-r.events).(type) {
			case Sent:
				states = append(states, e.Message.Delivered[0].State)
			case DeliveryChanged:
				states = append(states, e.Delivery.State)
			}
		}
		if slices.Contains(states, Failed) || slices.Contains(states, Unknown) {
			t.Errorf("told of %v", states)
		}
	})
}

// What waited for more than two minutes is not sent unasked; what was written
// later is. Neither a computer that slept nor a wrong clock changes that.
func TestAged(t *testing.T) {
	for _, c := range []struct {
		what string
		skew time.Duration // of the time of day, while it waits
		wait time.Duration
		asks bool
	}{
		{"soon", 0, 110 * time.Second, false},
		{"late", 0, 130 * time.Second, true},
		{"the computer slept", 8 * time.Hour, time.Second, true},
		{"the clock was a year ahead", -365 * 24 * time.Hour, time.Second, true},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, skew := &shelf{}, time.Duration(0)
				r := keeping(s, queue, func(o *Options) { o.Now = func() time.Time { return time.Now().Round(0).Add(skew) } })
				old, _ := r.With(bob).Send(t.Context(), "old")
				skew = c.skew
				time.Sleep(c.wait)
				if _, err := r.With(bob).Send(t.Context(), "new"); err != nil {
					t.Fatal(err)
				}
				p := r.back(t)
				m := p.next()
				if !c.asks {
					if m.body != "old" {
						t.Errorf("first %q", m.body)
					}
					return
				}
				if m.body != "new" {
					t.Fatalf("sent %q unasked", m.body)
				}
				p.answer(m, "200 OK")
				synctest.Wait()
				p.quiet()
				asked := 0
				for len(r.events) > 0 {
					if e, is := (<-r.events).(Aged); is && e == (Aged{bob, old.ID}) {
						asked++
					}
				}
				if m, _ := r.With(bob).message(old.ID); asked != 1 || m.Delivered[0].State != Queued {
					t.Errorf("asked %d times, %+v", asked, m.Delivered)
				}
				go func() { p.answer(p.next(), "200 OK") }()
				if m, err := r.With(bob).Again(t.Context(), old.ID); err != nil || m.Delivered[0].State != Delivered {
					t.Errorf("again: %+v, %v", m, err)
				}
			})
		})
	}
}

func TestDiscard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		r := keeping(s, queue)
		c := r.With(bob)
		keep, _ := c.Send(t.Context(), "keep")
		drop, _ := c.Send(t.Context(), "drop")
		c.Discard(drop.ID)
		if d := r.state(); d.State != Failed || s.is() != Failed || d.Reason != "discarded: not sent" {
			t.Errorf("%+v, stored %s", d, s.is())
		}
		p := r.back(t)
		if m := p.next(); m.body != "keep" || m.h.Get("Call-Id") != keep.ID {
			t.Errorf("sent %+v", m)
		}
		c.Discard(keep.ID) // too late
		p.lost(r)
		if d := r.state(); d.State != Failed {
			t.Errorf("%+v", d)
		}
		r.back(t).quiet()
		if m, _ := c.message(keep.ID); m.Delivered[0].State != Unknown {
			t.Errorf("%+v", m.Delivered)
		}
	})
}

func (p *peer) lost(r *record) { r.lost(p) }

// What was written and not answered is repeated by itself, under the same
// Call-ID, only where it is shown once.
func TestLostBeforeTheAnswer(t *testing.T) {
	for _, once := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			s := &shelf{}
			r := keeping(s, queue)
			p := r.back(t)
			if once {
				r.ours(t, p)
			}
			sent(t.Context(), r.With(bob), "hello")
			first := p.next()
			behind := sent(t.Context(), r.With(bob), "behind")
			synctest.Wait()
			p.lost(r)
			if m := <-behind; m.Delivered[0].State != Queued {
				t.Errorf("what was not written: %+v", m.Delivered)
			}
			synctest.Wait()
			p = r.back(t)
			m := p.next()
			if once {
				if m.body != first.body || m.h.Get("Call-Id") != first.h.Get("Call-Id") {
					t.Errorf("repeated %+v, at first %+v", m, first)
				}
				p.answer(m, "200 OK")
				m = p.next()
			}
			if !strings.HasSuffix(m.body, "behind") { // in the form that the client takes
				t.Errorf("sent %q", m.body)
			}
			p.answer(m, "200 OK")
			synctest.Wait()
			p.quiet()
			for _, l := range r.With(bob).Messages() {
				want := Delivered
				if l.Text == "hello" && !once {
					want = Unknown
				}
				if l.Delivered[0].State != want {
					t.Errorf("%s is %+v, want %s", l.Text, l.Delivered, want)
				}
			}
		})
	}
}

// A refusal at the second try says nothing about the first.
func TestRepeatedAndRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := keeping(&shelf{}, queue)
		p := r.back(t)
		r.ours(t, p)
		sent(t.Context(), r.With(bob), "hello")
		p.next()
		p.lost(r)
		p = r.back(t)
		p.answer(p.next(), "404 Not Found")
		if d := r.state(); d.State != Unknown || d.Code != 404 || !strings.Contains(d.Reason, "may have arrived") {
			t.Errorf("%+v", d)
		}
	})
}

// kill -9 at each moment: what the next process makes of the message.
func TestTakenUpAfterAKill(t *testing.T) {
	for _, c := range []struct {
		what          string
		ours, written bool
		age           time.Duration
		sent          bool  // the next process sends it
		want          State // what the user sees when it does not
	}{
		{"not written", false, false, 0, true, ""},
		{"not written, long ago", false, false, time.Hour, false, Queued},
		{"written to a client that shows it twice", false, true, 0, false, Unknown},
		{"written to ours", true, true, 0, true, ""},
		{"written to ours, long ago", true, true, time.Hour, false, Unknown},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &shelf{}
				killed := keeping(s, queue)
				p := killed.back(t)
				if c.ours {
					killed.ours(t, p)
				}
				if !c.written {
					killed.lost(p)
				}
				sent(t.Context(), killed.With(bob), "hello \x1b[1m")
				synctest.Wait()
				left := s.copy() // what the file has at the kill
				lines, id := len(left.kept), left.kept[len(left.kept)-1].ID
				first := p.got
				time.Sleep(c.age)
				next := keeping(left, queue)
				next.TakeUp()
				p2 := next.back(t)
				synctest.Wait()
				if !c.sent {
					p2.quiet()
					if got := next.state(); got.State != c.want {
						t.Errorf("%+v, want %s", got, c.want)
					}
					return
				}
				m := p2.next()
				if m.body != "hello \x1b[1m" || m.h.Get("Call-Id") != id {
					t.Errorf("sent %+v", m)
				}
				if c.written && (<-first).h.Get("Call-Id") != m.h.Get("Call-Id") {
					t.Error("under another Call-ID than at first")
				}
				p2.answer(m, "200 OK")
				if got := next.state(); got.State != Delivered || left.is() != Delivered {
					t.Errorf("%+v, stored %s", got, left.is())
				}
				next.With(bob).Messages()
				if n := len(next.With(bob).Messages()); n != lines {
					t.Errorf("%d lines", n)
				}
			})
		})
	}
}

// "Not now" with a time is obeyed, once and up to a minute; a refusal is final.
func TestRetryAfter(t *testing.T) {
	for _, c := range []struct {
		status, header string
		limit          time.Duration // of the whole
		again          time.Duration // 0: never
	}{
		{"503 Service Unavailable", "Retry-After: 20", 0, 20 * time.Second},
		{"480 Temporarily Unavailable", "Retry-After: 60 (in a meeting)", 0, time.Minute},
		{"486 Busy Here", "Retry-After: 5", 0, 5 * time.Second},
		{"500 Cannot Be Stored", "Retry-After: 30", 0, 30 * time.Second},
		{"503 Service Unavailable", "Retry-After: 61", 0, 0},
		{"503 Service Unavailable", "X: y", 0, 0},
		{"503 Service Unavailable", "Retry-After: 20", 10 * time.Second, 0},
		{"403 Forbidden", "Retry-After: 5", 0, 0},
		{"603 Decline", "Retry-After: 5", 0, 0},
		{"606 Not Acceptable", "Retry-After: 5", 0, 0},
	} {
		for _, queued := range []bool{false, true} {
			if queued && c.limit > 0 {
				continue
			}
			synctest.Test(t, func(t *testing.T) {
				r := keeping(&shelf{}, func(o *Options) { o.Queue = queued })
				p := r.back(t)
				ctx, cancel := t.Context(), context.CancelFunc(func() {})
				if c.limit > 0 {
					ctx, cancel = context.WithTimeout(ctx, c.limit)
				}
				defer cancel()
				start := time.Now()
				done := sent(ctx, r.With(bob), "hello")
				first := p.next()
				p.answer(first, c.status, c.header)
				if c.again == 0 {
					if d := (<-done).Delivered[0]; d.State != Failed || time.Since(start) > 0 {
						t.Errorf("%s, %s: %+v after %v", c.status, c.header, d, time.Since(start))
					}
					return
				}
				if d := r.state(); d.State != Sending || !strings.HasPrefix(d.Reason, "goes again in ") {
					t.Errorf("%s: while it waits: %+v", c.status, d)
				}
				time.Sleep(c.again - time.Second)
				p.quiet()
				m := p.next()
				if time.Since(start) != c.again || m.h.Get("Call-Id") != first.h.Get("Call-Id") {
					t.Errorf("%s: again after %v as %+v", c.status, time.Since(start), m)
				}
				p.answer(m, c.status, c.header)
				if d := (<-done).Delivered[0]; d.State != Failed || d.Took != c.again {
					t.Errorf("%s: at last %+v", c.status, d)
				}
			})
		}
	}
}

// One who wants to be left alone does not hold up the others.
func TestOthersGoMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book)
		tries := map[string]int{}
		go func() {
			for m := range p.got {
				if tries[m.start]++; tries[m.start] == 1 && strings.Contains(m.start, "busy") {
					p.answer(m, "503 Overloaded", "Retry-After: 10")
				} else {
					p.answer(m, "200 OK")
				}
			}
		}()
		var to []string
		for i := range 200 {
			to = append(to, fmt.Sprintf("busy%d@contoso.test", i))
		}
		start, n := time.Now(), 0
		err := r.SendEach(t.Context(), Bulk{To: append(to, bob), Text: "all", Each: func(d Delivery) {
			if n++; d.To == bob && time.Since(start) > 0 || d.State != Delivered {
				t.Errorf("%v: %+v", time.Since(start), d)
			}
		}})
		if err != nil || n != 201 || time.Since(start) != 10*time.Second {
			t.Errorf("%d of 201 in %v, %v", n, time.Since(start), err)
		}
	})
}

// A run that was stopped and its resumption name the message alike to each.
func TestBulkResumed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		ids := map[string]string{} // per recipient
		to := []string{"a@x", "b@x", "c@x", "d@x"}
		for run, skip := range []int{0, 2} {
			r := keeping(s)
			p := connect(t, r.line, r.Book)
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				for i := range 4 - skip {
					m := p.next()
					who, _, _ := strings.Cut(m.start, " SIP")
					if before := ids[who]; before != "" && before != m.h.Get("Call-Id") {
						t.Errorf("%s under %s, before under %s", who, m.h.Get("Call-Id"), before)
					}
					ids[who] = m.h.Get("Call-Id")
					if run == 0 && i == 2 {
						cancel()
						return
					}
					p.answer(m, "200 OK")
				}
			}()
			n := 0
			err := r.SendEach(ctx, Bulk{ID: "run-1", To: to[skip:], Text: "hi", Rate: 1, Each: func(d Delivery) {
				if n++; d.ID != "run-1" {
					t.Errorf("%+v", d)
				}
			}})
			if run == 0 && !errors.Is(err, context.Canceled) || run == 1 && (err != nil || n != 2) {
				t.Errorf("run %d: %d, %v", run, n, err)
			}
			cancel()
		}
		if len(s.kept) != 1 || s.kept[0].With != "" || len(s.kept[0].Delivered) != 4 || len(ids) != 4 {
			t.Fatalf("stored %+v", s.kept)
		}
		for _, d := range s.kept[0].Delivered {
			if d.State != Delivered {
				t.Errorf("stored %+v", d)
			}
		}
	})
}

// The send to a group that a window did not finish goes on in the next one.
func TestGroupSendTakenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		r := keeping(s, queue)
		states := map[State]int{}
		err := r.SendEach(t.Context(), Bulk{To: []string{"a@x", "b@x", "c@x"}, Text: "hi", Each: func(d Delivery) { states[d.State]++ }})
		if err != nil || states[Queued] != 3 {
			t.Errorf("offline: %v, %v", states, err)
		}
		next := keeping(s, queue)
		next.TakeUp()
		p := next.back(t)
		for range 3 {
			m := p.next()
			if !strings.HasSuffix(m.h.Get("Call-Id"), "."+s.kept[0].ID) {
				t.Errorf("sent %+v", m)
			}
			p.answer(m, "202 Accepted")
		}
		synctest.Wait()
		if len(s.unsent()) > 0 || len(next.Conversations()) != 3 {
			t.Errorf("left: %+v", s.unsent())
		}
	})
}

// After a restart a conversation begins with its newest lines; older ones come
// when they are asked for.
func TestConversationAfterARestart(t *testing.T) {
	s := &shelf{}
	began := time.Now()
	for i := range 250 {
		m := Message{ID: fmt.Sprint(i), With: bob, From: bob, Text: fmt.Sprint(i), Time: began.Add(time.Duration(i) * time.Second)}
		if _, err := s.keep(m); err != nil {
			t.Fatal(err)
		}
	}
	r := keeping(s)
	c := r.With(bob)
	r.receive(Message{ID: "new", From: bob, Text: "new", Time: began.Add(time.Hour)}, func(int) {})
	shows := func(n int, first string) {
		t.Helper()
		m := c.Messages()
		if len(m) != n || m[0].Text != first || m[n-1].Text != "new" {
			t.Errorf("%d lines from %s to %s", len(m), m[0].Text, m[len(m)-1].Text)
		}
	}
	shows(newestLines, "151")
	if n := c.Earlier(100); n != 100 {
		t.Errorf("%d earlier lines", n)
	}
	shows(200, "51")
	if n := c.Earlier(100); n != 51 || c.Earlier(100) != 0 {
		t.Errorf("%d earlier lines", n)
	}
	shows(251, "0")
}

// Without a connection nothing waits in a goroutine.
func TestRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := keeping(&shelf{}, queue)
		p := r.back(t)
		sent(t.Context(), r.With(bob), "hello")
		p.answer(p.next(), "503 Service Unavailable", "Retry-After: 60")
		synctest.Wait()
		r.lost(p)
		r.Rest()
		if d := r.state(); d.State != Queued {
			t.Errorf("%+v", d)
		}
		if _, err := r.line.Conn(); !errors.Is(err, sipconn.ErrOffline) {
			t.Error(err)
		}
	})
}
