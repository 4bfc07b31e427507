package im

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// An invitation as a server passes it on, from a client of LCS 2005.
func invitation(call, sdp string, headers ...string) string {
	body := strings.ReplaceAll(sdp, "\n", "\r\n")
	h := strings.Join(append(headers, "Content-Type: application/sdp"), "\r\n")
	return fmt.Sprintf("INVITE sip:anna@192.0.2.1:5061;transport=tls SIP/2.0\r\n"+
		"Via: SIP/2.0/TLS fe1.contoso.test;branch=z9hG4bK%d\r\nMax-Forwards: 69\r\nRecord-Route: <sip:fe1.contoso.test;transport=tls;lr>\r\n"+
		"From: \"Bob\" <sip:bob@contoso.test>;tag=1\r\nTo: <sip:anna@contoso.test>\r\nContact: <sip:bob@10.0.0.5:40001;transport=tls>\r\n"+
		"Call-ID: %s\r\nCSeq: 1 INVITE\r\n%s\r\nContent-Length: %d\r\n\r\n%s",
		branches.Add(1), call, h, len(body), body)
}

// within is a request of the inviting peer inside the dialog.
func within(call, method string, cseq int, to, contentType, body string) string {
	kind := ""
	if contentType != "" {
		kind = "Content-Type: " + contentType + "\r\n"
	}
	return fmt.Sprintf("%s sip:anna@192.0.2.1:5061;transport=tls SIP/2.0\r\n"+
		"Via: SIP/2.0/TLS fe1.contoso.test;branch=z9hG4bK%d\r\nMax-Forwards: 69\r\n"+
		"From: \"Bob\" <sip:bob@contoso.test>;tag=1\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n%sContent-Length: %d\r\n\r\n%s",
		method, branches.Add(1), to, call, cseq, method, kind, len(body), body)
}

// begun lets the peer invite and returns To with our tag.
func begun(t *testing.T, p *peer, call string) (to string) {
	t.Helper()
	p.send(invitation(call, descriptions["Communicator 2005"].text))
	m := p.next()
	if m.start != "SIP/2.0 200 OK" || !strings.Contains(m.body, "m=x-ms-message 5060 sip sip:anna@contoso.test\r\n") || m.h.Get("Contact") == "" {
		t.Fatalf("the invitation was answered %s %v\n%s", m.start, m.h, m.body)
	}
	p.send(within(call, "ACK", 1, m.h.Get("To"), "", ""))
	return m.h.Get("To")
}

// A client of LCS invites: what it writes is shown
// once, what is answered goes in its dialog, and not by page mode.
func TestPeerBeginsASessionInItsDialog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book)
		to := begun(t, p, "call1")
		for i, text := range []string{"Hello", "Are you there?", "Are you there?"} {
			p.send(within("call1", "MESSAGE", 2+i, to, "text/plain; charset=UTF-8;msgr=WAAtAE0ATQBTAA", text))
			if m := p.next(); m.start != "SIP/2.0 200 OK" {
				t.Fatal(m.start)
			}
			if e, _ := r.next(t).(Received); e.Message.Text != text || e.Message.From != "bob@contoso.test" {
				t.Fatalf("received %+v", e)
			}
		}
		p.send(within("call1", "INFO", 5, to, "application/xml", `<KeyboardActivity><status status="type"/></KeyboardActivity>`))
		if m := p.next(); m.start != "SIP/2.0 200 OK" {
			t.Fatal(m.start)
		}
		if e, _ := r.next(t).(Typing); !e.Active || e.From != "bob@contoso.test" {
			t.Errorf("typing: %+v", e)
		}
		done := sent(t.Context(), r.With("bob@contoso.test"), "Yes.")
		m := p.next()
		if !strings.HasPrefix(m.start, "MESSAGE sip:bob@10.0.0.5:40001;transport=tls ") || m.h.Get("Call-Id") != "call1" || m.body != "Yes." ||
			m.h.Get("Route") != "<sip:fe1.contoso.test;transport=tls;lr>" {
			t.Fatalf("the answer goes as %s %v", m.start, m.h)
		}
		p.send(strings.Replace(answerTo(m, "200 OK"), ";tag=far", "", 1))
		if d := (<-done).Delivered[0]; d.State != Delivered {
			t.Errorf("%+v", d)
		}
		p.send(within("call1", "BYE", 6, to, "", ""))
		if m := p.next(); m.start != "SIP/2.0 200 OK" {
			t.Fatal(m.start)
		}
		synctest.Wait()
		done = sent(t.Context(), r.With("bob@contoso.test"), "Bye.")
		if m = p.next(); !strings.HasPrefix(m.start, "MESSAGE sip:bob@contoso.test ") || m.h.Get("Call-Id") == "call1" {
			t.Errorf("after BYE: %s", m.start)
		}
		p.answer(m, "200 OK")
		<-done
	})
}

// Who is in a conversation with us does not speak in it as somebody else, nor as
// the user himself, though the server looks at no From inside a dialog.
func TestNobodySpeaksAsSomebodyElseInASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book)
		to := begun(t, p, "call1")
		for i, forged := range []string{"boss@contoso.test", "anna@contoso.test"} {
			p.send(strings.Replace(within("call1", "MESSAGE", 2+i, to, "text/plain", "You are dismissed"), "bob@contoso.test", forged, 1))
			if m := p.next(); m.start[:11] != "SIP/2.0 403" {
				t.Errorf("as %s: %s", forged, m.start)
			}
		}
		synctest.Wait()
		if len(r.events) > 0 {
			t.Errorf("shown: %+v", <-r.events)
		}
		p.send(within("call1", "MESSAGE", 4, to, "text/plain", "Hello"))
		if e, _ := r.next(t).(Received); e.Message.From != "bob@contoso.test" {
			t.Errorf("%+v", e)
		}
	})
}

func TestASessionEndsWhenNothingIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book)
		to := begun(t, p, "call1")
		time.Sleep(idleTime - time.Second)
		p.send(within("call1", "MESSAGE", 2, to, "text/plain", "still here"))
		p.next()
		time.Sleep(idleTime - time.Second)
		synctest.Wait()
		p.quiet()
		time.Sleep(time.Second)
		if m := p.next(); !strings.HasPrefix(m.start, "BYE sip:bob@10.0.0.5") {
			t.Errorf("after ten minutes: %s", m.start)
		}
		synctest.Wait()
		if len(r.chats) != 0 {
			t.Error("the session is still known")
		}
	})
}

func TestWhatMayChangeInASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book)
		to := begun(t, p, "call1")
		crlf := func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
		for i, c := range []struct{ method, sdp, want string }{
			{"UPDATE", "", "200 OK"},
			{"UPDATE", crlf(descriptions["Communicator 2005"].text), "200 OK"},
			{"UPDATE", crlf(descriptions["a call"].text), "488 Not Acceptable Here"},
			{"REFER", "", "405 Method Not Allowed"},
			{"OPTIONS", "", "200 OK"},
			{"INVITE", crlf(descriptions["a call"].text), "488 Not Acceptable Here"},
			{"INVITE", crlf(descriptions["Communicator 2005"].text), "200 OK"},
		} {
			kind := ""
			if c.sdp != "" {
				kind = sdpType
			}
			p.send(within("call1", c.method, 2+i, to, kind, c.sdp))
			if m := p.next(); m.start != "SIP/2.0 "+c.want {
				t.Errorf("%s %q: %s, want %s", c.method, c.sdp, m.start, c.want)
			}
			if c.method == "INVITE" {
				p.send(within("call1", "ACK", 2+i, to, "", ""))
			}
		}
		p.send(within("call1", "MESSAGE", 20, to, "text/plain", "goes on"))
		p.next()
		if e, _ := r.next(t).(Received); e.Message.Text != "goes on" {
			t.Errorf("received %+v", e)
		}
	})
}

func TestInvitationsThatAreNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book)
		for what, c := range map[string]struct{ text, want string }{
			"a call":              {invitation("c1", descriptions["a call"].text), "501 Not Implemented"}, // 501 is the test's own
			"a file":              {invitation("c2", descriptions["a file (RFC 5547)"].text), "501 Not Implemented"},
			"MSRP, without relay": {invitation("c3", descriptions["RFC 4975 §8.1"].text), "501 Not Implemented"},
			"several, LCS":        {invitation("c4", descriptions["Communicator 2005"].text, "Require: com.microsoft.rtc-multiparty"), "420 Bad Extension"},
		} {
			p.send(c.text)
			if m := p.next(); m.start != "SIP/2.0 "+c.want {
				t.Errorf("%s: %s, want %s", what, m.start, c.want)
			}
		}
	})
}

func TestNobodyBeginsTooMuch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book)
		for i := range maxChatsWith + 1 {
			begun(t, p, fmt.Sprint("call", i))
		}
		if m := p.next(); !strings.HasPrefix(m.start, "BYE ") || m.h.Get("Call-Id") != "call0" {
			t.Errorf("one too many: %s %s", m.start, m.h.Get("Call-Id"))
		}
	})
}

// A client that takes messages in a session only gets them so: the newer form of
// the offer first, then that of LCS 2005.
func TestPeerTakesNoPageMode(t *testing.T) {
	for _, refusal := range []string{"405 Method Not Allowed", "415 Unsupported Media Type", "488 Not Acceptable Here", "501 Not Implemented"} {
		synctest.Test(t, func(t *testing.T) {
			r := newRecord()
			p := connect(t, r.line, r.Book)
			done := sent(t.Context(), r.With("bob@contoso.test"), "Hello")
			m := p.next()
			for ; strings.HasPrefix(m.start, "MESSAGE "); m = p.next() {
				p.answer(m, refusal)
			}
			if !strings.HasPrefix(m.start, "INVITE sip:bob@contoso.test ") || !strings.Contains(m.body, "m=message 5060 sip null\r\n") || m.h.Get("Content-Type") != sdpType {
				t.Fatalf("after %s: %s\n%s", refusal, m.start, m.body)
			}
			p.answer(m, "488 Not Acceptable Here")
			p.next() // ACK
			if m = p.next(); !strings.HasPrefix(m.start, "INVITE ") || !strings.Contains(m.body, "m=x-ms-message 5060 sip null\r\n") {
				t.Fatalf("after 488: %s\n%s", m.start, m.body)
			}
			answer := strings.Replace(answerTo(m, "200 OK", "Contact: <sip:bob@10.0.0.5:40001>", "Content-Type: application/sdp"), "Content-Length: 0\r\n\r\n", "", 1)
			sdp := strings.ReplaceAll(descriptions["Communicator 2005"].text, "\n", "\r\n")
			p.send(fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", answer, len(sdp), sdp))
			if m = p.next(); !strings.HasPrefix(m.start, "ACK sip:bob@10.0.0.5:40001 ") {
				t.Fatal(m.start)
			}
			if m = p.next(); !strings.HasPrefix(m.start, "MESSAGE sip:bob@10.0.0.5:40001 ") || m.body != "Hello" || !strings.HasSuffix(m.h.Get("To"), ";tag=far") {
				t.Fatalf("%s %v", m.start, m.h)
			}
			p.send(strings.Replace(answerTo(m, "200 OK"), ";tag=far;tag=far", ";tag=far", 1))
			if d := (<-done).Delivered[0]; d.State != Delivered {
				t.Errorf("%+v", d)
			}
			done = sent(t.Context(), r.With("bob@contoso.test"), "again")
			if m = p.next(); !strings.HasPrefix(m.start, "MESSAGE sip:bob@10.0.0.5:40001 ") || m.body != "again" {
				t.Fatalf("the next line: %s", m.start)
			}
			p.send(strings.Replace(answerTo(m, "481 Call/Transaction Does Not Exist"), ";tag=far;tag=far", ";tag=far", 1))
			if m = p.next(); !strings.HasPrefix(m.start, "MESSAGE sip:bob@contoso.test ") || m.body != "again" {
				t.Fatalf("after 481: %s", m.start)
			}
			p.answer(m, "200 OK")
			if d := (<-done).Delivered[0]; d.State != Delivered {
				t.Errorf("%+v", d)
			}
		})
	}
}

func TestPeerTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book)
		done := sent(t.Context(), r.With("phone@contoso.test"), "Hello")
		p.answer(p.next(), "405 Method Not Allowed")
		p.answer(p.next(), "486 Busy Here")
		if d := (<-done).Delivered[0]; d.State != Failed || d.Code != 405 {
			t.Errorf("%+v", d)
		}
	})
}

// Without a relay a long text goes in parts, each a message of its own.
func TestLongTextInParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		p := connect(t, r.line, r.Book)
		text := strings.Repeat("word ", 7000)
		done := sent(t.Context(), r.With("bob@contoso.test"), text)
		whole, ids := "", map[string]bool{}
		for i := range 3 {
			m := p.next()
			said, marked := strings.CutPrefix(m.body, fmt.Sprintf("(%d/3) ", i+1))
			if !marked || ids[m.h.Get("Call-Id")] {
				t.Fatalf("part %d: %.30q, %s", i+1, m.body, m.h.Get("Call-Id"))
			}
			ids[m.h.Get("Call-Id")] = true
			whole += said
			p.answer(m, "200 OK")
		}
		if m := <-done; m.Delivered[0].State != Delivered || whole != text {
			t.Errorf("%+v, %d bytes", m.Delivered, len(whole))
		}
		done = sent(t.Context(), r.With("bob@contoso.test"), text)
		p.answer(p.next(), "200 OK")
		p.answer(p.next(), "486 Busy Here")
		if d := (<-done).Delivered[0]; d.State != Failed || d.Code != 486 || d.Reason != "part 2 of 3: Busy Here" {
			t.Errorf("%+v", d)
		}
		synctest.Wait()
		p.quiet()
	})
}
