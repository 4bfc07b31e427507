package im

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"communicator/wire/cpim"
)

// wrapped is a message in CPIM as another client writes it: RFC 5438 §7.1.1.3.
func wrapped(id, notify, kind, text string) string {
	return "From: <im:eve@example.com>\r\nTo: <im:anna@contoso.test>\r\nNS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: " + id + "\r\n" +
		"DateTime: 2006-04-04T12:16:49-05:00\r\nimdn.Disposition-Notification: " + notify + "\r\n\r\nContent-type: " + kind + "\r\n\r\n" + text
}

// imdn is a receipt as in RFC 5438 §7.2.1.3.
func imdn(id, notification, status string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><imdn xmlns="urn:ietf:params:xml:ns:imdn"><message-id>` + id + `</message-id>` +
		`<datetime>2008-04-04T12:16:49-05:00</datetime><` + notification + `-notification><status><` + status + `/></status></` + notification + `-notification></imdn>`
}

// receiptOf reads the receipt that the client sent.
func receiptOf(t *testing.T, m message) cpim.Receipt {
	t.Helper()
	w, err := cpim.Parse([]byte(m.body))
	if err != nil || !strings.HasPrefix(m.start, "MESSAGE sip:bob@contoso.test ") || m.h.Get("Content-Type") != "message/cpim" ||
		w.Content.Disposition != "notification" || len(w.Notify) > 0 {
		t.Fatalf("%s %+v, %v", m.start, w, err)
	}
	r, err := cpim.ParseReceipt(w.Content.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Whoever asks is told that it came, and that it was seen once it was; shown is
// what the server says of the sender and of the time.
func TestReceiptsThatAreAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book)
		p.send(incoming("1@x", "message/cpim", wrapped("34jk324j", "positive-delivery, display", "text/plain", "Hello World")))
		var ok, receipt message
		for range 2 {
			if m := p.next(); strings.HasPrefix(m.start, "SIP/2.0 200") {
				ok = m
			} else {
				receipt = m
			}
		}
		if got := receiptOf(t, receipt); ok.start == "" || got.ID != "34jk324j" || got.Kind != cpim.Delivery || got.Status != "delivered" {
			t.Errorf("%+v", got)
		}
		p.answer(receipt, "200 OK")
		e, _ := r.next(t).(Received)
		if m := e.Message; m.ID != "34jk324j" || m.From != "bob@contoso.test" || m.With != "bob@contoso.test" || m.Text != "Hello World" || m.Time.Year() != time.Now().Year() {
			t.Errorf("%+v", m)
		}
		p.send(incoming("2@x", "message/cpim", wrapped("34jk324j", "positive-delivery, display", "text/plain", "Hello World"))) // another front end brings it
		p.next()
		synctest.Wait()
		p.quiet()
		c := r.With("bob@contoso.test")
		c.MarkRead()
		c.MarkRead()
		m := p.next()
		if got := receiptOf(t, m); got.ID != "34jk324j" || got.Kind != cpim.Displayed || got.Status != "displayed" {
			t.Errorf("%+v", got)
		}
		p.answer(m, "200 OK")
		synctest.Wait()
		p.quiet()
		if e, _ := r.next(t).(Seen); e.With != "bob@contoso.test" || len(r.events) > 0 {
			t.Errorf("%+v", e)
		}
	})
}

// Nobody is told who did not ask, no stranger, and of reading nobody when the
// user does not want it.
func TestReceiptsThatAreNotSent(t *testing.T) {
	for _, c := range []struct {
		name, notify    string
		stranger, hides bool
		want            int
	}{
		{"asked", "positive-delivery,display", false, false, 2}, {"only for bad news", "negative-delivery", false, false, 0},
		{"a stranger", "positive-delivery,display", true, false, 0}, {"hidden", "positive-delivery,display", false, true, 1}, {"of reading only", "Display", false, false, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRecord()
				r.o.HideReading = c.hides
				r.o.Stranger = func(_, _ string) bool { return c.stranger }
				p := connect(t, r.line, r.Book)
				p.send(incoming("1@x", "message/cpim", wrapped("34jk324j", c.notify, "text/plain", "hello")))
				synctest.Wait()
				r.With("bob@contoso.test").MarkRead()
				synctest.Wait()
				sent := 0
				for range len(p.got) {
					if m := p.next(); strings.HasPrefix(m.start, "MESSAGE") {
						sent++
						p.answer(m, "200 OK")
						synctest.Wait()
					}
				}
				if sent += len(p.got); sent != c.want {
					t.Errorf("%d receipts", sent)
				}
			})
		})
	}
}

// A stranger who is admitted is told that it came.
func TestReceiptForAStrangerWhoIsAdmitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		r.o.Stranger = func(_, _ string) bool { return true }
		p := connect(t, r.line, r.Book)
		p.send(incoming("1@x", "message/cpim", wrapped("34jk324j", "positive-delivery", "text/plain", "hello")))
		p.next()
		synctest.Wait()
		p.quiet()
		r.Admit("bob@contoso.test")
		if got := receiptOf(t, p.next()); got.ID != "34jk324j" || got.Kind != cpim.Delivery {
			t.Errorf("%+v", got)
		}
	})
}

// What comes back: delivered and read, from who got it and of what he got, and
// never back again.
func TestReceiptsThatCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book)
		c := r.With("bob@contoso.test", "carol@contoso.test")
		done := sent(t.Context(), c, "hello")
		ids := map[string]string{}
		for range 2 {
			m := p.next()
			ids[strings.Fields(m.start)[1]] = m.h.Get("Call-Id")
			p.answer(m, "202 Accepted")
		}
		id := (<-done).ID
		bob := ids["sip:bob@contoso.test"]
		receipt := func(name, from, id, notification, status string, want State) {
			t.Helper()
			p.send(by(from, incoming(strings.ReplaceAll(name, " ", "-")+"@x", "message/imdn+xml", imdn(id, notification, status))))
			if m := p.next(); !strings.HasPrefix(m.start, "SIP/2.0 200") {
				t.Errorf("%s is answered %s", name, m.start)
			}
			synctest.Wait()
			m, err := c.message(c.Messages()[0].ID)
			if err != nil || m.Delivered[0].State != want || m.Delivered[1].State != Accepted {
				t.Errorf("after %s: %+v", name, m.Delivered)
			}
		}
		receipt("never sent", "bob@contoso.test", "34jk324j", "display", "displayed", Accepted)
		receipt("no recipient", "eve@contoso.test", bob, "display", "displayed", Accepted)
		receipt("another recipient", "carol@contoso.test", bob, "display", "displayed", Accepted)
		receipt("without its number", "bob@contoso.test", id, "display", "forbidden", Accepted)
		receipt("an error", "bob@contoso.test", bob, "display", "error", Accepted)
		receipt("delivery", "bob@contoso.test", bob, "delivery", "delivered", Delivered)
		receipt("display", "bob@contoso.test", bob, "display", "displayed", Read)
		receipt("an old one", "bob@contoso.test", bob, "delivery", "delivered", Read)
		p.send(by("carol@contoso.test", incoming("wrapped@x", "message/cpim", wrapped("r1", "", "message/imdn+xml", imdn(ids["sip:carol@contoso.test"], "delivery", "delivered")))))
		p.next()
		if m, _ := c.message(id); m.Delivered[1].State != Delivered {
			t.Errorf("wrapped as we wrap it: %+v", m.Delivered)
		}
		if n := len(r.Conversations()); n != 1 {
			t.Errorf("%d conversations by receipts", n)
		}
	})
}

// A receipt may overtake the answer of the server, and repair one that never came.
func TestReceiptAndAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book)
		c := r.With("bob@contoso.test")
		done := sent(t.Context(), c, "hello")
		m := p.next()
		p.send(incoming("1@x", "message/imdn+xml", imdn(m.h.Get("Call-Id"), "display", "displayed")))
		p.next()
		p.answer(m, "202 Accepted")
		if d := (<-done).Delivered[0]; d.State != Read {
			t.Errorf("overtaken: %+v", d)
		}
		done = sent(t.Context(), c, "hello")
		m = p.next()
		time.Sleep(time.Minute)
		if d := (<-done).Delivered[0]; d.State != Unknown {
			t.Fatalf("%+v", d)
		}
		p.send(incoming("2@x", "message/imdn+xml", imdn(m.h.Get("Call-Id"), "delivery", "delivered")))
		p.next()
		if d := c.Messages()[1].Delivered[0]; d.State != Delivered || d.Reason != "" {
			t.Errorf("late: %+v", d)
		}
	})
}

// A receipt waits for the next connection, and no more wait than is decent.
func TestLettersWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book)
		p.send(incoming("1@x", "message/cpim", wrapped("34jk324j", "display", "text/plain", "hello")))
		p.next()
		p.close()
		r.With("bob@contoso.test").MarkRead()
		synctest.Wait()
		for i := range 2 * mostLetters {
			r.postTyping(fmt.Sprintf("u%d@contoso.test", i), true, nil)
		}
		waiting := func() int {
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.waitingLetters
		}
		if n := waiting(); n > mostLetters {
			t.Errorf("%d wait", n)
		}
		time.Sleep(time.Minute)
		p = connect(t, r.line, r.Book)
		r.Connected()
		m := p.next()
		if got := receiptOf(t, m); got.Kind != cpim.Displayed {
			t.Errorf("%+v", got)
		}
		p.answer(m, "200 OK")
		synctest.Wait()
		p.quiet() // that somebody was typing a minute ago is of no use
		if n := waiting(); n != 0 {
			t.Errorf("%d still wait", n)
		}
	})
}
