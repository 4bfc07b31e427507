package im

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestReceive(t *testing.T) {
	cpim := "From: MR SANDERS <im:piglet@100akerwood.com>\r\nTo: Depressed Donkey <im:eeyore@100akerwood.com>\r\n" +
		"DateTime: 2000-12-13T13:40:00-08:00\r\nSubject: the weather will be fine today\r\n\r\n" + // as in the example of RFC 3862
		"Content-Type: text/plain; charset=utf-8\r\nContent-ID: <1234567890@foo.com>\r\n\r\nHere is the text."
	for _, c := range []struct {
		name, contentType, body string
		header                  string
		text                    string // empty: not shown
		status                  string
	}{
		{"plain", "text/plain", "hello", "", "hello", "200"},
		{"no charset is UTF-8", "text/plain", "Grüße", "", "Grüße", "200"},
		{"ISO-8859-15", "text/plain; charset=ISO-8859-15", "5 \xa4", "", "5 €", "200"},
		{"UTF-16", "text/plain;charset=utf-16be", "\x00h\x00i", "", "hi", "200"},
		{"UTF-16 with a mark", "text/plain;charset=utf-16", "\xfe\xff\x00h\x00i", "", "hi", "200"},
		{"UTF-16 with the other mark", "text/plain;charset=UTF-16", "\xff\xfeh\x00i\x00", "", "hi", "200"},
		{"UTF-16 without", "text/plain;charset=utf-16", "\x00h\x00i", "", "hi", "200"},
		{"UTF-7", "text/plain;charset=utf-7", "+ADw-b+AD4-", "", "", "415"},
		{"charset that is not read", "text/plain;charset=iso-2022-kr", "hello", "", "", "415"},
		{"nothing to see", "text/plain", "\x00\u202e\u2069", "", "", "415"},
		{"html with nothing to see", "text/html", "<script>alert(1)</script>", "", "", "415"},
		{"parts", "multipart/alternative;boundary=x", strings.Repeat("--x\r\nContent-Type: multipart/mixed;boundary=x\r\n\r\n", 100), "", "", "415"},
		{"parts 100 deep", "multipart/mixed;boundary=b100", nested(100, "text/plain"), "", "", "415"},
		{"parts 5 deep", "multipart/mixed;boundary=b5", nested(5, "text/plain"), "", "hi", "200"},
		{"parts 6 deep", "multipart/mixed;boundary=b6", nested(6, "text/plain"), "", "", "415"},
		{"parts in cpim", "message/cpim", "From: <im:a@b>\r\n\r\nContent-Type: multipart/mixed;boundary=b1\r\n\r\n" + nested(1, "text/plain"), "", "hi", "200"},
		{"cpim in parts, kept by a store", "multipart/mixed;boundary=x", "[Offline message - Fri Nov 20 18:00:00 2026] \r\n--x\r\nContent-Type: message/cpim\r\n\r\n" + cpim + "\r\n--x--", "", "Here is the text.", "200"},
		{"the best of three", "multipart/alternative;boundary=x", "--x\r\nContent-Type: image/png\r\n\r\n\x89\r\n--x\r\nContent-Type: text/plain\r\n\r\nplain\r\n--x\r\nContent-Type: text/html\r\n\r\n<b>rich</b>\r\n--x--", "", "plain", "200"},
		{"the last of two", "multipart/alternative;boundary=x", "--x\r\nContent-Type: text/html\r\n\r\none\r\n--x\r\nContent-Type: text/html\r\n\r\n<b>two</b>\r\n--x--", "", "two", "200"},
		{"nothing for us among them", "multipart/alternative;boundary=x", "--x\r\nContent-Type: image/png\r\n\r\n\x89\r\n--x--", "", "", "415"},
		{"text and a picture", "multipart/mixed;boundary=x", "--x\r\n\r\nlook\r\n--x\r\nContent-Type: image/png\r\n\r\n\x89\r\n--x--", "", "", "415"},
		{"text and what may be left out", "multipart/mixed;boundary=x", "--x\r\n\r\nlook\r\n--x\r\nContent-Type: image/png\r\nContent-Disposition: icon;handling=optional\r\n\r\n\x89\r\n--x--", "", "look", "200"},
		{"two texts", "multipart/mixed;boundary=x", "--x\r\n\r\none\r\n--x\r\n\r\ntwo\r\n--x--", "", "one\ntwo", "200"},
		{"cpim in cpim", "message/cpim", "From: x\r\n\r\nContent-Type: message/cpim\r\n\r\n" + cpim, "", "", "415"},
		{"not UTF-8 though it should be", "text/plain", "Gr\xfc\xdfe", "", "Grüße", "200"},
		{"unknown charset", "text/plain;charset=klingon", "qapla", "", "", "415"},
		{"type in capitals, bad parameter", "TEXT/PLAIN; charset", "hello", "", "hello", "200"},
		{"harm", "text/plain", "a\x1b[2J\u202Eb\r\nc", "", "a[2Jb\nc", "200"},
		{"html", "text/html", "<html><head><title>t</title><style>p{}</style></head><body><p>1 &lt; 2<br>see <a href='http://x'>this</a></p><script>alert(1)</script><p>end</p></body></html>", "", "1 < 2\nsee this\nend", "200"},
		{"cpim", "message/cpim", cpim, "", "Here is the text.", "200"},
		{"cpim with line feeds", "Message/CPIM", strings.ReplaceAll(cpim, "\r", ""), "", "Here is the text.", "200"},
		{"cpim with a picture", "message/cpim", strings.Replace(cpim, "text/plain", "image/png", 1), "", "", "415"},
		{"cpim cut off", "message/cpim", cpim[:100], "", "", "415"},
		{"typing", "application/im-iscomposing+xml", `<?xml version="1.0"?><isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"><state>active</state></isComposing>`, "", "", "200"},
		{"receipt as linphone 5.1 sends it", "message/imdn+xml", "x\x9cK\xcb", "Content-Encoding: deflate", "", "200"},
		{"compressed text", "text/plain", "x\x9cK\xcb", "Content-Encoding: deflate", "", "415"},
		{"picture", "image/png", "\x89PNG", "", "", "415"},
		{"empty", "text/plain", "", "", "", "200"},
		{"too large", "text/plain", strings.Repeat("x", 70000), "", "", "513"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRecord()
				p := connect(t, r.line, r.Book)
				var h []string
				if c.header != "" {
					h = []string{c.header}
				}
				p.send(incoming("1@x", c.contentType, c.body, h...))
				m := p.next()
				if !strings.HasPrefix(m.start, "SIP/2.0 "+c.status) {
					t.Errorf("answered %s", m.start)
				}
				if c.status == "415" && !strings.Contains(m.h.Get("Accept"), "text/plain") {
					t.Error("RFC 3261 §21.4.13: a 415 says what is accepted")
				}
				if c.text == "" {
					if len(r.events) > 0 {
						t.Errorf("shown: %+v", <-r.events)
					}
					return
				}
				e, _ := r.next(t).(Received)
				if e.Message.Text != c.text || e.Message.From != "bob@contoso.test" || e.Message.With != "bob@contoso.test" || e.Message.Stored {
					t.Errorf("got %+v", e.Message)
				}
			})
		})
	}
}

// nested is a text in that many multipart bodies.
func nested(depth int, kind string) string {
	body := "hi"
	for i := range depth {
		body = fmt.Sprintf("--b%d\r\nContent-Type: %s\r\n\r\n%s\r\n--b%d--\r\n", i+1, kind, body, i+1)
		kind = fmt.Sprintf("multipart/mixed;boundary=b%d", i+1)
	}
	return body
}

// Store first, then acknowledge: who hears 200 can rely on it.
func TestAcknowledgedWhenStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		var p *peer
		emitted := false
		r.o.Emit = func(any) { p.quiet(); emitted = true }
		p = connect(t, r.line, r.Book)
		p.send(incoming("1@x", "text/plain", "hello"))
		if p.next(); !emitted {
			t.Error("acknowledged before it was told of")
		}
	})
}

func TestShownOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		first := connect(t, r.line, r.Book)
		first.send(incoming("1@x", "text/plain", "hello"))
		first.send(incoming("1@x", "text/plain", "hello"))
		first.next()
		first.next()
		second := connect(t, r.line, r.Book) // the next front end brings it once more
		second.send(incoming("1@x", "text/plain", "hello"))
		if m := second.next(); m.start != "SIP/2.0 200 OK" {
			t.Errorf("answered %s", m.start)
		}
		second.send(incoming("1@x", "text/plain", "something else under the same Call-ID"))
		second.send(incoming("2@x", "text/plain", "hello"))
		second.next()
		second.next()
		if n := len(r.With("bob@contoso.test").Messages()); n != 3 {
			t.Errorf("%d lines", n)
		}
	})
}

// The answer to a message was lost with a front end, so another one kept the
// message, and delivers it when the receiver is back.
func TestStoredCopyOfWhatWasShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		first := connect(t, r.line, r.Book)
		first.send(incoming("1@x", "text/plain", "hello"))
		first.next()
		second := connect(t, r.line, r.Book)
		kept := []string{"Date: Fri, 31 Dec 1999 23:59:55 GMT", "Message-ID: <1@x>"}
		second.send(incoming("9@store", "text/plain", "[Offline message - Fri Dec 31 23:59:55 1999] hello", kept...))
		if m := second.next(); m.start != "SIP/2.0 200 OK" {
			t.Errorf("answered %s", m.start)
		}
		second.send(incoming("8@store", "text/plain", "[Offline message - Fri Dec 31 23:59:55 1999] another", kept...))
		second.next()
		if n := len(r.With("bob@contoso.test").Messages()); n != 2 {
			t.Errorf("%d lines, want hello once and another", n)
		}
	})
}

func TestStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it is 2000-01-01 00:00:00 UTC
		yesterday := "Date: Fri, 31 Dec 1999 20:15:00 GMT"
		for _, c := range []struct {
			name, body string
			headers    []string
			text       string
			age        time.Duration
			stored     bool
		}{
			// As msilo of Kamailio 5.6 sends it.
			{"msilo", "[Offline message - Fri Dec 31 20:15:00 1999] kept for later", []string{yesterday}, "kept for later", 3*time.Hour + 45*time.Minute, true},
			{"a store without a mark", "kept", []string{"Date: Fri, 31 Dec 1999 23:59:55 GMT"}, "kept", 5 * time.Second, true},
			// linphone 5.1 dates every message; a proxy has passed it on.
			{"linphone", "now", []string{"Via: SIP/2.0/TLS 10.0.0.1;branch=z9hG4bK7", "Date: Fri, 31 Dec 1999 23:59:58 GMT"}, "now", 0, false},
			{"from the future", "now", []string{"Via: SIP/2.0/TLS 10.0.0.1;branch=z9hG4bK7", "Date: Sat, 01 Jan 2000 08:00:00 GMT"}, "now", 0, false},
			{"a clock a year ahead", "now", []string{"Via: SIP/2.0/TLS 10.0.0.1;branch=z9hG4bK7", "Date: Mon, 01 Jan 2001 00:00:00 GMT"}, "now", 0, false},
			{"a clock a year behind", "now", []string{"Via: SIP/2.0/TLS 10.0.0.1;branch=z9hG4bK7", "Date: Fri, 01 Jan 1999 00:00:00 GMT"}, "now", 0, false},
			{"somebody types the mark", "[Offline message - x] no", nil, "[Offline message - x] no", 0, false},
			{"bad date", "hi", []string{"Date: tomorrow"}, "hi", 0, false},
		} {
			r := newRecord()
			p := connect(t, r.line, r.Book)
			p.send(incoming("1@x", "text/plain", c.body, c.headers...))
			p.next()
			e, _ := r.next(t).(Received)
			if m := e.Message; m.Text != c.text || time.Since(m.Time) != c.age || m.Stored != c.stored {
				t.Errorf("%s: %+v", c.name, m)
			}
		}
	})
}

func TestFloodIsBounded(t *testing.T) {
	r := newRecord()
	for i := range keepLines + 500 {
		r.receive(Message{ID: fmt.Sprint(i), From: "bob@contoso.test", Text: "x"}, func(int) {})
	}
	got := r.With("bob@contoso.test").Messages()
	if len(got) != keepLines || got[0].ID != "500" {
		t.Errorf("%d lines from %s", len(got), got[0].ID)
	}
	long := strings.Repeat("x", 60000)
	for i := range 200 {
		r.receive(Message{ID: fmt.Sprint("l", i), From: "eve@contoso.test", Text: long}, func(int) {})
	}
	if got := r.With("eve@contoso.test").Messages(); len(got) != keepBytes/len(long) {
		t.Errorf("%d long lines", len(got))
	}
	if all := r.Conversations(); len(all) != 2 || all[0].Key() != "eve@contoso.test" {
		t.Error("the conversation with the newest line is not first")
	}
}

func FuzzReadBody(f *testing.F) {
	f.Add("text/plain;charset=utf-8", "", []byte("hello"))
	f.Add("text/html", "", []byte("<p>a<br/>b&amp;<script>x</script></p></script>"))
	f.Add("message/cpim", "", []byte("From: <im:a@b>\r\n\r\nContent-Type: text/plain\r\n\r\nhi"))
	f.Add("text/plain; charset=utf-16", "identity", []byte("\xff\xfeh\x00i\x00"))
	f.Add("message/imdn+xml", "deflate", []byte("x"))
	f.Add("multipart/mixed;boundary=b7", "", []byte(nested(7, "text/html")))
	f.Add("multipart/alternative;boundary=b1", "", []byte(nested(1, "message/cpim")))
	f.Fuzz(func(t *testing.T, contentType, encoding string, body []byte) {
		c := readBody(contentType, encoding, body)
		text := c.text
		if c.verdict != shown && text != "" {
			t.Error("text of what is not shown")
		}
		if len(text) > 8*len(body)+16 {
			t.Errorf("%d bytes became %d", len(body), len(text))
		}
	})
}
