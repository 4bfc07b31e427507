package im

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"communicator/wire/cpim"
)

const laptop = "sip:anna@contoso.test;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6" // RFC 5627 §3.1 has such a one

// fromLaptop is what another device of the user's sends, in CPIM.
func fromLaptop(id, to, headers, kind, body string) string {
	return by("anna@contoso.test", incoming(id+"-"+fmt.Sprint(branches.Load())+"@x", "message/cpim", "From: Anna <sip:anna@contoso.test>\r\n"+to+
		"NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: "+id+"\r\n"+headers+"\r\nContent-Type: "+kind+"\r\n\r\n"+body))
}

// about is an IMDN as in RFC 5438 §7.2.1.2, with the recipient named.
func about(id, recipient, notification, status string) string {
	return strings.Replace(imdn(id, notification, status), "<"+notification, "<recipient-uri>"+recipient+"</recipient-uri><"+notification, 1)
}

// What is written on another device is one's own line, once, with what becomes of
// it; what is read there is read here.
func TestCopiesThatCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book)
		take := func(text, status string) {
			t.Helper()
			p.send(text)
			if m := p.next(); !strings.HasPrefix(m.start, "SIP/2.0 "+status) {
				t.Errorf("answered %s", m.start)
			}
			synctest.Wait()
		}
		const toBob = "To: <sip:bob@contoso.test>\r\n"
		for range 2 {
			take(fromLaptop("c1", toBob, "DateTime: 1999-12-31T23:00:00Z\r\n", "text/plain", "See you"), "200")
		}
		c := r.With("bob@contoso.test")
		lines := c.Messages()
		if len(lines) != 1 || lines[0].ID != "c1" || lines[0].From != "anna@contoso.test" || lines[0].Time.Hour() != 23 || lines[0].Delivered[0].State != Unknown {
			t.Fatalf("%+v", lines)
		}
		if e, _ := r.next(t).(Sent); e.Message.Text != "See you" || e.Message.With != "bob@contoso.test" || len(r.events) > 0 {
			t.Errorf("%+v", e)
		}
		for _, s := range []struct {
			notification, status string
			want                 State
		}{{"delivery", "failed", Failed}, {"processing", "stored", Accepted}, {"processing", "processed", Accepted}, {"delivery", "delivered", Delivered}, {"delivery", "failed", Delivered}} {
			take(fromLaptop("n1", "To: <sip:anna@contoso.test>\r\n", "", "message/imdn+xml", about("c1", "sip:bob@contoso.test", s.notification, s.status)), "200")
			if d := c.Messages()[0].Delivered[0]; d.State != s.want {
				t.Errorf("after %s: %+v", s.status, d)
			}
		}
		take(fromLaptop("c2", toBob+"To: <sip:carol@contoso.test>\r\n", "DateTime: 2099-01-01T00:00:00Z\r\n", "text/plain", "Both of you"), "200")
		if m := r.With("bob@contoso.test", "carol@contoso.test").Messages(); len(m) != 1 || len(m[0].Delivered) != 2 || m[0].Time.After(time.Now()) {
			t.Errorf("%+v", m)
		}
		for _, id := range []string{"1@x", "2@x", "3@x"} {
			take(incoming(id, "text/plain", "line "+id), "200")
		}
		seen := fromLaptop("n2", "To: <sip:anna@contoso.test>\r\n", "", "message/imdn+xml", about("2@x", "sip:anna@contoso.test", "display", "displayed"))
		take(seen, "200")
		if m := c.Messages(); !m[1].Read || !m[2].Read || m[3].Read {
			t.Errorf("%+v", m)
		}
		// The same from anybody else is forged.
		eve := strings.ReplaceAll(fromLaptop("c3", toBob, "", "text/plain", "I quit"), "<sip:anna@contoso.test>;tag", "<sip:eve@contoso.test>;tag")
		eve = strings.Replace(eve, `"Bob" <sip:anna@`, `"Eve" <sip:eve@`, 1)
		take(eve, "403")
		if len(c.Messages()) != 4 || len(r.Conversations()) != 2 {
			t.Error("a forged copy is shown")
		}
	})
}

// A copy of each line goes to the device that is this program, before the news of
// what became of it, and to no other; a device that has gone gets no more.
func TestCopiesThatGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book)
		phone := strings.Replace(laptop, "f81d", "0000", 1)
		p.optionsOf = map[string][]string{phone: {"Server: Linphonec/5.1.65"}, laptop: {"Server: Communicator/0.1.0"}}
		r.Devices("sip:anna@contoso.test;gr=me", phone)
		time.Sleep(time.Second)
		r.Devices("sip:anna@contoso.test;gr=me", phone, laptop)
		c := r.With("bob@contoso.test") // what it is is not known yet
		done := sent(t.Context(), c, "hello")
		line := p.next()
		if !strings.HasPrefix(line.start, "MESSAGE sip:bob@contoso.test ") {
			t.Fatal(line.start)
		}
		time.Sleep(time.Second)
		copied := p.next()
		w, err := cpim.Parse([]byte(copied.body))
		if err != nil || copied.start != "MESSAGE "+laptop+" SIP/2.0" || w.From != "sip:anna@contoso.test" || w.To[0] != "sip:bob@contoso.test" || w.ID != line.h.Get("Call-Id") || string(w.Content.Body) != "hello" {
			t.Errorf("%s %+v", copied.start, w)
		}
		p.answer(line, "202 Accepted")
		p.answer(copied, "200 OK")
		id := (<-done).ID
		news := p.next()
		w, _ = cpim.Parse([]byte(news.body))
		if got, err := cpim.ParseReceipt(w.Content.Body); err != nil || got.ID != id || got.Status != "stored" || got.Recipient != "sip:bob@contoso.test" {
			t.Errorf("%+v, %v", got, err)
		}
		p.answer(news, "480 Gone")
		synctest.Wait()
		done = sent(t.Context(), c, "again")
		p.answer(p.next(), "200 OK")
		<-done
		synctest.Wait()
		p.quiet()
	})
}

// For a client of another make nothing is kept waiting, which would in the end
// leave no room for receipts, and hold up the end of the program.
func TestNothingWaitsForAnotherClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book)
		p.optionsOf = map[string][]string{laptop: {"Server: Linphonec/5.1.65"}}
		r.Devices("sip:anna@contoso.test;gr=me", laptop)
		time.Sleep(time.Second)
		done := sent(t.Context(), r.With("bob@contoso.test"), "hello")
		p.answer(p.next(), "200 OK")
		<-done
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if r.Farewell(ctx); time.Since(start) > 0 {
			t.Errorf("the end waits for %s", time.Since(start))
		}
		p.quiet()
	})
}
