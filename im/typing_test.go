package im

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// RFC 3994 §4, as its example.
const isComposing = `<?xml version="1.0" encoding="UTF-8"?>
<isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:ietf:params:xml:ns:im-composing iscomposing.xsd">
  <state>%s</state><contenttype>text/plain</contenttype><refresh>90</refresh></isComposing>`

// typed answers what the client sends and returns the states it tells, as
// "second state".
func typed(p *peer, began time.Time) (states []string) {
	for {
		synctest.Wait()
		if len(p.got) == 0 {
			return states
		}
		m := p.next()
		state := strings.Fields(m.start)[0]
		for _, s := range []string{"active", "idle"} {
			if strings.Contains(m.body, "<state>"+s+"</state>") {
				state = s
			}
		}
		states = append(states, fmt.Sprint(int(time.Since(began).Seconds()), " ", state))
		p.answer(m, "200 OK")
	}
}

// The sender's clocks: active at the first letter, again after 60 s of writing,
// idle 15 s after the last letter, nothing when the line itself says so.
func TestTypingIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book)
		p.options = takes("application/im-iscomposing+xml")
		c := r.With("bob@contoso.test")
		began := time.Now()
		var told []string
		for range 14 { // 70 s of writing; what the client takes is asked meanwhile
			c.Typing(true)
			told = append(told, typed(p, began)...)
			time.Sleep(10 * time.Millisecond)
			told = append(told, typed(p, began)...)
			time.Sleep(5*time.Second - 10*time.Millisecond)
		}
		for range 6 {
			time.Sleep(5 * time.Second)
			told = append(told, typed(p, began)...)
		}
		c.Typing(false)
		c.Typing(true)
		told = append(told, typed(p, began)...)
		done := sent(t.Context(), c, "done")
		told = append(told, typed(p, began)...)
		<-done
		time.Sleep(time.Hour)
		told = append(told, typed(p, began)...)
		c.Typing(true)
		synctest.Wait()
		if got := strings.Join(told, ", "); got != "0 active, 60 active, 80 idle, 100 active, 100 MESSAGE" {
			t.Errorf("told %s", got)
		}
	})
}

// Nobody is told whose client does not take it, nor a large group.
func TestTypingIsNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book)
		p.options = takes("message/cpim")
		r.With("bob@contoso.test").Typing(true)
		time.Sleep(time.Second)
		var many []string
		for i := range 21 {
			many = append(many, fmt.Sprintf("u%d@contoso.test", i))
			r.learn(many[i], func(c *client) { c.known, c.composing = true, true })
		}
		r.With(many...).Typing(true)
		synctest.Wait()
		p.quiet()
		r.With(many[:20]...).Typing(true)
		if told := typed(p, time.Now()); len(told) != 20 {
			t.Errorf("of 20 members %d are told", len(told))
		}
	})
}

// What the other side says ends by itself: with its refresh, with the line, with
// idle, when he goes. There must be a conversation, and he no stranger.
func TestTypingIsHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book)
		n := 0
		send := func(kind, body string) {
			n++
			p.send(incoming(fmt.Sprint(n, "@x"), kind, body))
			if m := p.next(); !strings.HasPrefix(m.start, "SIP/2.0 200") {
				t.Errorf("answered %s", m.start)
			}
		}
		active := func() {
			send("application/im-iscomposing+xml", fmt.Sprintf(isComposing, "active"))
		}
		is := func(want ...string) {
			t.Helper()
			synctest.Wait()
			var got []string
			for range len(r.events) {
				switch e := r.next(t).(type) {
				case Typing:
					got = append(got, fmt.Sprint(e.With == "bob@contoso.test", e.From == e.With, e.Active))
				case Received:
					got = append(got, e.Message.Text)
				}
			}
			if strings.Join(got, ",") != strings.Join(want, ",") {
				t.Errorf("heard %q, want %q", got, want)
			}
		}
		const begins, ends = "true true true", "true true false"
		active()
		is()
		r.With("bob@contoso.test")
		active()
		active()
		is(begins)
		time.Sleep(80 * time.Second)
		active()
		time.Sleep(80 * time.Second)
		is()
		time.Sleep(11 * time.Second)
		is(ends)
		active()
		is(begins)
		send("application/im-iscomposing+xml", fmt.Sprintf(isComposing, "idle"))
		is(ends)
		active()
		is(begins)
		send("text/plain", "there")
		is("there", ends)
		active()
		r.Gone("bob@contoso.test")
		is(begins, ends)
		time.Sleep(time.Hour)
		is()
	})
}
