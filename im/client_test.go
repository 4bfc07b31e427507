package im

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"communicator/wire/cpim"
)

// takes are the headers of an answer to OPTIONS.
func takes(kinds ...string) []string {
	return []string{"Allow: INVITE, ACK, MESSAGE", "Accept: text/plain," + strings.Join(kinds, ",") + ";q=0.5"}
}

// The first line goes at once and in the form that everybody takes; beside the
// second the client is asked once, and what follows has the form it takes.
func TestFormFollowsWhatThePeerTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book)
		p.options = takes("message/cpim", "application/im-iscomposing+xml")
		c := r.With("bob@contoso.test")
		for i, kind := range []string{"text/plain;charset=UTF-8", "text/plain;charset=UTF-8", "message/cpim", "message/cpim"} {
			done := sent(t.Context(), c, "Grüße")
			m := p.next()
			if i == 1 && m.h.Get("Content-Type") == cpim.TypeMessage {
				kind = cpim.TypeMessage // the client's answer overtook the line
			}
			if m.h.Get("Content-Type") != kind {
				t.Errorf("line %d is %s", i, m.h.Get("Content-Type"))
			}
			if kind == "message/cpim" {
				w, err := cpim.Parse([]byte(m.body))
				if err != nil || w.ID != m.h.Get("Call-Id") || w.From != "sip:anna@contoso.test" || w.To[0] != "sip:bob@contoso.test" || string(w.Content.Body) != "Grüße" || !w.Wants("display") {
					t.Errorf("%+v, %v", w, err)
				}
			}
			p.answer(m, "200 OK")
			<-done
			time.Sleep(time.Second)
		}
		if n := p.asked.Load(); n != 1 {
			t.Errorf("asked %d times", n)
		}
		time.Sleep(peerFor + time.Second) // its user may have gone to another client
		done := sent(t.Context(), c, "later")
		m := p.next()
		if m.h.Get("Content-Type") != "text/plain;charset=UTF-8" {
			t.Errorf("after an hour %s", m.h.Get("Content-Type"))
		}
		p.answer(m, "200 OK")
		<-done
	})
}

// 415: the next simpler form, down to bare text, and the same from then on.
func TestSimplerForm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book)
		p.options = takes("message/cpim")
		c := r.With("bob@contoso.test")
		c.Opened()
		time.Sleep(time.Second)
		done := sent(t.Context(), c, "hello")
		for i, kind := range []string{"message/cpim", "text/plain;charset=UTF-8", "text/plain"} {
			m := p.next()
			if m.h.Get("Content-Type") != kind || m.h.Get("Cseq") != fmt.Sprint(i+1, " MESSAGE") {
				t.Errorf("%s %s, want %s", m.h.Get("Cseq"), m.h.Get("Content-Type"), kind)
			}
			if kind == "text/plain" {
				p.answer(m, "200 OK")
			} else {
				p.answer(m, "415 Unsupported Media Type")
			}
		}
		if d := (<-done).Delivered[0]; d.State != Delivered {
			t.Errorf("%+v", d)
		}
		done = sent(t.Context(), c, "hello again")
		m := p.next()
		if m.h.Get("Content-Type") != "text/plain;charset=UTF-8" {
			t.Errorf("then %s", m.h.Get("Content-Type"))
		}
		p.answer(m, "200 OK")
		<-done
	})
}

// A message in CPIM, or a client that names itself as ours, needs no question;
// nobody asks a large group; who does not answer is not asked all the time.
func TestWhoIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book)
		p.options = []string{"Warning: 399"}
		var many []string
		for i := range 500 {
			many = append(many, fmt.Sprintf("u%d@contoso.test", i))
		}
		r.With(many...).Opened()
		synctest.Wait()
		if n := p.asked.Load(); n != 0 {
			t.Errorf("a group of 500 is asked %d times", n)
		}
		r.With(many[:20]...).Opened()
		synctest.Wait()
		if n := p.asked.Load(); n != 20 {
			t.Errorf("a group of 20 is asked %d times", n)
		}
		for i := range 2 * mostPeers {
			r.learn(fmt.Sprintf("u%d@contoso.test", i), func(p *client) { p.cpim = true })
		}
		if n := len(r.peers); n > mostPeers {
			t.Errorf("%d are remembered", n)
		}
		via := "Via: SIP/2.0/TLS 192.0.2.7;branch=z9hG4bKx"
		p.send(incoming("1@x", "text/plain", "hello", via, "User-Agent: Communicator/9.0"))
		p.next()
		if who := r.peerOf("bob@contoso.test"); !who.once || !who.cpim || !who.composing {
			t.Errorf("%+v", who)
		}
		p.send(by("eve@contoso.test", incoming("2@x", "text/plain", "hello", "User-Agent: Communicator/9.0")))
		p.next()
		r.next(t)
		if e, _ := r.next(t).(Received); e.Message.From != "eve@contoso.test" {
			t.Fatalf("%+v", e)
		}
		if who := r.peerOf("eve@contoso.test"); who.once {
			t.Error("a server's word about a client is believed")
		}
	})
}

func TestNotAskedAllTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book) // answers no OPTIONS
		c := r.With("bob@contoso.test")
		for range 20 {
			c.Opened()
			synctest.Wait()
			time.Sleep(10 * time.Second)
		}
		if n := p.asked.Load(); n != 4 {
			t.Errorf("asked %d times in 200 s", n)
		}
	})
}

func TestMarkRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book)
		p.send(incoming("1@x", "text/plain", "hello"))
		p.next()
		r.next(t)
		c := r.With("bob@contoso.test")
		c.MarkRead()
		c.MarkRead()
		if e, _ := r.next(t).(Seen); e.With != c.Key() || e.UpTo.IsZero() || !c.Messages()[0].Read || len(r.events) > 0 {
			t.Errorf("%+v", e)
		}
	})
}
