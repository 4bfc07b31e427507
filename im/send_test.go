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
)

func TestSendAsTheServerSeesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book)
		done := sent(t.Context(), r.With("bob@contoso.test"), "Grüße\nvon hier")
		m := p.next()
		if m.start != "MESSAGE sip:bob@contoso.test SIP/2.0" || m.body != "Grüße\nvon hier" {
			t.Errorf("sent %q with body %q", m.start, m.body)
		}
		for name, want := range map[string]string{
			"Content-Type": "text/plain;charset=UTF-8", "To": "<sip:bob@contoso.test>", "Cseq": "1 MESSAGE", "Max-Forwards": "70",
		} {
			if got := m.h.Get(name); got != want {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
		}
		if m.h.Get("Contact") != "" {
			t.Error("RFC 3428 §4: a MESSAGE outside a dialog has no Contact")
		}
		if e, ok := r.next(t).(Sent); !ok || e.Message.Delivered[0].State != Sending || e.Message.ID != m.h.Get("Call-Id") {
			t.Errorf("first event %+v", e)
		}
		time.Sleep(3 * time.Second)
		p.answer(m, "200 OK")
		got := <-done
		d := got.Delivered[0]
		if d.State != Delivered || d.Code != 200 || d.To != "bob@contoso.test" || d.Took != 3*time.Second {
			t.Errorf("delivery %+v", d)
		}
		if e, ok := r.next(t).(DeliveryChanged); !ok || e.Delivery != d || e.With != "bob@contoso.test" {
			t.Errorf("second event %+v", e)
		}
	})
}

func TestStatesAreHonest(t *testing.T) {
	for _, c := range []struct {
		status string
		header string
		want   Delivery
	}{
		{"200 OK", "", Delivery{State: Delivered, Code: 200, Reason: "OK"}},
		{"202 Accepted", "", Delivery{State: Accepted, Code: 202, Reason: "Accepted"}},
		{"404 Not Found", "", Delivery{State: Failed, Code: 404, Reason: "Not Found"}},
		{"403 Forbidden", `Warning: 399 fe1 "links are blocked by your organisation"`, Delivery{State: Failed, Code: 403, Reason: "links are blocked by your organisation", Blocked: true}},
		{"408 Request Timeout", "", Delivery{State: Unknown, Code: 408, Reason: "Request Timeout"}},
		{"504 Server Time-out", "", Delivery{State: Unknown, Code: 504, Reason: "Server Time-out"}},
		{"603 Decline", "", Delivery{State: Failed, Code: 603, Reason: "Decline"}},
	} {
		t.Run(c.status, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRecord()
				p := connect(t, r.line, r.Book)
				done := sent(t.Context(), r.With("bob@contoso.test"), "hello")
				var h []string
				if c.header != "" {
					h = []string{c.header}
				}
				p.answer(p.next(), c.status, h...)
				got := (<-done).Delivered[0]
				got.ID, got.To, got.Took = "", "", 0
				if got != c.want {
					t.Errorf("got %+v, want %+v", got, c.want)
				}
			})
		})
	}
}

func TestNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		c := r.With("bob@contoso.test")
		if d := (<-sent(t.Context(), c, "one")).Delivered[0]; d.State != Failed || d.Reason != "not connected: not sent" {
			t.Errorf("offline: %+v", d)
		}
		p := connect(t, r.line, r.Book)
		done := sent(t.Context(), c, "two")
		p.next()
		if d := (<-done).Delivered[0]; d.State != Unknown || d.Took != 32*time.Second {
			t.Errorf("no answer: %+v", d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		done = sent(ctx, c, "three")
		p.next()
		if d := (<-done).Delivered[0]; d.State != Unknown || d.Took != time.Second {
			t.Errorf("gave up: %+v", d)
		}
		done = sent(t.Context(), c, "four")
		p.next()
		p.close()
		if d := (<-done).Delivered[0]; d.State != Unknown || !strings.Contains(d.Reason, "lost") {
			t.Errorf("connection lost: %+v", d)
		}
	})
}

func TestAgainHasTheSameCallID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book)
		c := r.With("bob@contoso.test")
		done := sent(t.Context(), c, "hello")
		first := p.next()
		p.send(incoming(first.h.Get("Call-Id"), "text/plain", "under the same Call-ID"))
		p.next()
		p.close()
		m := <-done
		p = connect(t, r.line, r.Book)
		go func() {
			again := p.next()
			if again.h.Get("Call-Id") != first.h.Get("Call-Id") || again.h.Get("Cseq") != first.h.Get("Cseq") || again.body != first.body {
				t.Errorf("sent again as %+v, first as %+v", again, first)
			}
			p.answer(again, "200 OK")
		}()
		m, err := c.Again(t.Context(), m.ID)
		if err != nil || m.Delivered[0].State != Delivered {
			t.Errorf("again: %+v, %v", m, err)
		}
		if m, err = c.Again(t.Context(), m.ID); err != nil || m.Delivered[0].State != Delivered {
			t.Errorf("what is delivered is not sent again: %+v, %v", m, err)
		}
		synctest.Wait()
		p.quiet()
		if n := len(c.Messages()); n != 2 {
			t.Errorf("%d lines", n)
		}
	})
}

// pidgin and baresip take text/plain only; a strict one among such clients says
// 415 to the charset.
func TestBareTextAfter415(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book)
		done := sent(t.Context(), r.With("bob@contoso.test"), "hello")
		p.answer(p.next(), "415 Unsupported Media Type", "Accept: text/plain")
		m := p.next()
		if m.h.Get("Content-Type") != "text/plain" || m.body != "hello" {
			t.Errorf("second try: %+v", m)
		}
		p.answer(m, "200 OK")
		if d := (<-done).Delivered[0]; d.State != Delivered {
			t.Errorf("delivery %+v", d)
		}
	})
}

func TestLinesToOnePersonDoNotSwap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book)
		c := r.With("bob@contoso.test")
		for i := range 5 {
			sent(t.Context(), c, fmt.Sprint(i))
			synctest.Wait()
		}
		ctx, cancel := context.WithCancel(t.Context())
		dropped := sent(ctx, c, "dropped")
		synctest.Wait()
		last := sent(t.Context(), c, "5")
		synctest.Wait()
		cancel()
		if d := (<-dropped).Delivered[0]; d.State != Failed || d.Reason != "cancelled: not sent" {
			t.Errorf("cancelled while waiting: %+v", d)
		}
		for i := range 6 {
			m := p.next()
			if m.body != fmt.Sprint(i) {
				t.Fatalf("line %d is %q", i, m.body)
			}
			time.Sleep(time.Second)
			p.quiet() // RFC 3428 §8: one at a time
			p.answer(m, "200 OK")
		}
		<-last
	})
}

func TestSeveralMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book)
		var members []string
		for i := range 100 {
			members = append(members, fmt.Sprintf("u%d@contoso.test", i))
		}
		c := r.With(append(members, "U0@contoso.test", "u0@CONTOSO.test")...)
		done := sent(t.Context(), c, "all")
		ids := map[string]bool{}
		for waiting := []message(nil); len(ids) < 101; {
			synctest.Wait()
			for len(p.got) > 0 {
				waiting = append(waiting, p.next())
			}
			if len(waiting) == 0 || len(waiting) > inFlight {
				t.Fatalf("%d in flight", len(waiting))
			}
			ids[waiting[0].h.Get("Call-Id")] = true
			status := "200 OK"
			if strings.Contains(waiting[0].start, "u7@") {
				status = "404 Not Found"
			}
			p.answer(waiting[0], status)
			waiting = waiting[1:]
		}
		m := <-done
		counts := map[State]int{}
		for _, d := range m.Delivered {
			counts[d.State]++
		}
		if counts[Delivered] != 100 || counts[Failed] != 1 {
			t.Errorf("states %v", counts)
		}
		if got := c.Members(); !slices.Equal(got, append(members, "U0@contoso.test")) {
			t.Errorf("members %v", got)
		}
		if r.With(c.Members()...) != c || len(r.Conversations()) != 1 {
			t.Error("the same people are another conversation")
		}
	})
}

func TestWhatIsNotSent(t *testing.T) {
	c := newRecord().With("bob@contoso.test")
	for _, text := range []string{"", " \n\t"} {
		if _, err := c.Send(t.Context(), text); err == nil {
			t.Errorf("%q was sent", text)
		}
	}
	var long *TooLongError
	if _, err := c.Send(t.Context(), strings.Repeat("ü", MaxParted/2+1)); !errors.As(err, &long) || long.Size != MaxParted+2 {
		t.Errorf("too long: %v", err)
	}
	if len(c.Messages()) != 0 {
		t.Error("it is in the conversation")
	}
}

// The largest text fits into what servers take, with the longest addresses.
func TestLargestMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book)
		sent(t.Context(), r.With(strings.Repeat("x", 200)+"@contoso.test"), strings.Repeat("x", MaxText))
		m := p.next()
		size := len(m.start) + len(m.body)
		for name, v := range m.h {
			size += len(name) + len(v[0]) + 4
		}
		if size += 700; size > 15000 { // 700: Digest credentials
			t.Errorf("%d bytes", size)
		}
	})
}

func TestBulk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book)
		go func() {
			for m := range p.got {
				switch {
				case strings.Contains(m.start, "u3@"):
					p.answer(m, "404 Not Found")
				case strings.Contains(m.start, "u4@"):
					p.answer(m, "202 Accepted")
				default:
					p.answer(m, "200 OK")
				}
			}
		}()
		var to []string
		for i := range 100 {
			to = append(to, fmt.Sprintf("u%d@contoso.test", i), fmt.Sprintf("sip:u%d@Contoso.TEST", i/2))
		}
		counts, start := map[State]int{}, time.Now()
		err := r.SendEach(t.Context(), Bulk{To: to, Text: "to all", Rate: 20, Each: func(d Delivery) { counts[d.State]++ }})
		if err != nil || counts[Delivered] != 98 || counts[Accepted] != 1 || counts[Failed] != 1 {
			t.Errorf("%v, %v", counts, err)
		}
		if took := time.Since(start); took != 99*time.Second/20 {
			t.Errorf("100 messages at 20 a second took %v", took)
		}
		if n := len(r.Conversations()); n != 100 {
			t.Errorf("%d conversations", n)
		}
	})
}

func TestBulkStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for i := range 3 {
				m := p.next()
				if i == 2 {
					cancel()
					return
				}
				p.answer(m, "200 OK")
			}
		}()
		var got []State
		err := r.SendEach(ctx, Bulk{To: []string{"a@x", "b@x", "c@x", "d@x"}, Text: "hi", Rate: 1, Each: func(d Delivery) { got = append(got, d.State) }})
		if !errors.Is(err, context.Canceled) || !slices.Equal(got, []State{Delivered, Delivered, Unknown}) {
			t.Errorf("%v, %v", got, err)
		}
		synctest.Wait()
		p.quiet()
	})
}
