package im

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Somebody known whose program has gone wild: what is beyond the limit hears when
// to come back, what is here already is acknowledged all the same, and it is told
// of once. A script takes everything.
func TestTooMuch(t *testing.T) {
	for _, limited := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			r := newRecord()
			r.o.Limited = limited
			p := connect(t, r.line, r.Book)
			send := func(id, text string) string {
				p.send(incoming(id, "text/plain", text))
				m := p.next()
				return strings.TrimSuffix(strings.TrimPrefix(m.start, "SIP/2.0 ")+" "+m.h.Get("Retry-After"), " ")
			}
			count := map[string]int{}
			for i := range burst + 100 {
				count[send(fmt.Sprint(i), "line")]++
			}
			want := fmt.Sprint(map[string]int{"200 OK": burst, "480 Too Many Messages 1": 100})
			if !limited {
				want = fmt.Sprint(map[string]int{"200 OK": burst + 100})
			}
			if got := fmt.Sprint(count); got != want {
				t.Errorf("limited %t: %s", limited, got)
			}
			if got := send("7", "line"); got != "200 OK" {
				t.Errorf("a repetition: %s", got)
			}
			synctest.Wait()
			told := 0
			for len(r.events) > 0 {
				if _, is := (<-r.events).(TooMuch); is {
					told++
				}
			}
			if told == 1 != limited {
				t.Errorf("limited %t: told %d times", limited, told)
			}
			time.Sleep(time.Second)
			count = map[string]int{}
			for i := range refill + 1 {
				count[send(fmt.Sprint("later-", i), "line")]++
			}
			if limited && (count["200 OK"] != refill || len(r.events) != refill) {
				t.Errorf("a second later: %v, %d events", count, len(r.events))
			}
			time.Sleep(time.Minute) // then he is as good as anybody
			for i := range burst + 1 {
				send(fmt.Sprint("again-", i), "line")
			}
			if limited && len(r.events) != refill+burst+1 {
				t.Errorf("a minute later: %d events", len(r.events))
			}
		})
	}
}

// Many senders cost a bounded memory.
func TestRatesAreBounded(t *testing.T) {
	r, now := rates{}, time.Now()
	for i := range 3 * mostRates {
		r.take(fmt.Sprint("u", i), now.Add(time.Duration(i)*time.Millisecond))
	}
	if len(r) > mostRates {
		t.Errorf("%d senders are remembered", len(r))
	}
}

// What strangers may have waiting: so many lines and bytes of each, with those
// that a server kept a few more.
func TestStrangersAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		r.o.Limited, r.o.Stranger = true, func(key, from string) bool { return from == "bob@contoso.test" }
		p := connect(t, r.line, r.Book)
		n := 0
		send := func(text string, headers ...string) string {
			n++
			p.send(incoming(fmt.Sprint(n), "text/plain", text, headers...))
			m := p.next()
			return m.start[len("SIP/2.0 "):][:3] + " " + m.h.Get("Retry-After")
		}
		for i := range 7 {
			if got := send("hello"); (got == "200 ") != (i < requestLines) || i >= requestLines && got != "480 3600" {
				t.Errorf("line %d: %s", i, got)
			}
		}
		stored := "Date: " + time.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")
		for i := range 17 {
			if got := send("kept", stored); (got == "200 ") != (i < requestLinesKept-requestLines) {
				t.Errorf("kept line %d: %s", i, got)
			}
		}
		if waiting := r.Requests(); len(waiting) != 1 || len(waiting[0].Messages()) != requestLinesKept || !waiting[0].Waiting() {
			t.Errorf("%d wait", len(waiting))
		}
		if lines := r.Admit("bob@contoso.test"); len(lines) != requestLinesKept || lines[0].Request || r.Admit("bob@contoso.test") != nil {
			t.Errorf("admitted %d lines", len(lines))
		}
		if got := send("hello"); got != "200 " || len(r.Requests()) != 0 {
			t.Errorf("afterwards %s", got)
		}
	})
}

// Long texts of a stranger fill his request earlier.
func TestLongRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		r.o.Limited, r.o.Stranger = true, func(key, from string) bool { return true }
		p := connect(t, r.line, r.Book)
		for i, want := range []string{"200", "200", "480"} {
			p.send(incoming(fmt.Sprint(i), "text/plain", strings.Repeat("x", requestBytes/3+1)))
			if m := p.next(); !strings.HasPrefix(m.start, "SIP/2.0 "+want) {
				t.Errorf("text %d: %s", i, m.start)
			}
		}
		if !r.Dismiss("bob@contoso.test") || r.Dismiss("bob@contoso.test") || len(r.Requests()) != 0 {
			t.Error("not dismissed")
		}
	})
}
