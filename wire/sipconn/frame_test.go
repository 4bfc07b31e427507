package sipconn

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// head is a good MESSAGE with the id i, with CRLF, without Content-Length.
func goodHead(i string) string {
	text, _, _ := strings.Cut(wire(ask("MESSAGE", i)), "Content-Length")
	return text
}

func good(i string) string { return wire(ask("MESSAGE", i)) }

// One bad message of each kind between two good ones: both good ones are
// answered, in time, and the bad one is answered where it can be.
func TestBadMessagesBetweenGoodOnes(t *testing.T) {
	bad := goodHead("bad")
	length := "Content-Length: 0\r\n\r\n"
	change := func(old, new string) string { return strings.Replace(bad, old, new, 1) + length }
	for _, test := range []struct{ name, text, answer string }{
		{"bare LF", strings.ReplaceAll(bad+length, "\r\n", "\n"), "400 Bare"},
		{"bare LF in a value", change("Max-Forwards: 70", "Subject: a\nb"), "400 "},
		{"bare CR in a value", change("Max-Forwards: 70", "Subject: a\rb"), "400 Bare"},
		{"NUL", change("Max-Forwards: 70", "Subject: a\x00b"), "400 Bare"},
		{"two Content-Length, the same", bad + "Content-Length: 5\r\nl: 5\r\n\r\nhello", "400 More Than One Content-Length"},
		{"two Content-Length, not the same", bad + "Content-Type: text/plain\r\nContent-Length: 5\r\nContent-Length: 2\r\n\r\nhello\r\n", "400 Bad or Missing Content-Length"},
		{"no Content-Length", bad + "\r\n", "400 Bad or Missing Content-Length"},
		{"no Content-Length but a body", bad + "Content-Type: text/plain\r\n\r\nhello", "400 Bad or Missing Content-Length"},
		{"negative Content-Length", bad + "Content-Length: -999\r\n\r\n", "400 Bad or Missing Content-Length"},
		{"word as Content-Length", bad + "Content-Length: five\r\n\r\nhello\r\nsecond line\r\n", "400 Bad or Missing Content-Length"},
		{"too large", bad + "Content-Length: 70000\r\n\r\n" + strings.Repeat("x", 70000), "513 Message Too Large"},
		{"too many headers", bad + strings.Repeat("X-A: b\r\n", 300) + length, "400 Too Many Headers"},
		{"too large a header block", bad + strings.Repeat("X-A: "+strings.Repeat("b", 1000)+"\r\n", 20) + length, "400 Header Block Too Large"},
		{"method in CSeq", change("1 MESSAGE", "1 INVITE"), "400 CSeq Method Differs"},
		{"number in CSeq", change("CSeq: 1 ", "CSeq: 36893488147419103232 "), "400 Bad CSeq Header"},
		{"version", change("SIP/2.0\r\n", "SIP/9.9\r\n"), "505 Version Not Supported"},
		{"no Call-ID", change("Call-ID: bad\r\n", ""), "400 Missing Call-ID Header"},
		{"no From", change("From: <sip:bob@example.com>;tag=b\r\n", ""), "400 Missing From Header"},
		{"no To", change("To: <sip:alice@example.com>\r\n", ""), "400 Missing To Header"},
		{"no CSeq", change("CSeq: 1 MESSAGE\r\n", ""), "400 Missing CSeq Header"},
		{"no Via", change("Via: SIP/2.0/TCP 10.0.0.1:5061;branch=z9hG4bKbad\r\n", ""), ""},
		{"bad Via", change("SIP/2.0/TCP 10.0.0.1:5061", "TCP"), "400 Bad Via Header"},
		{"two From", change("Max-Forwards: 70", "f: sip:x@example.com"), "400 More Than One From Header"},
		{"bad From", change("<sip:bob@example.com>;tag=b", "<sip:bob@example.com"), "400 Bad From Header"},
		{"open quote in To", change("<sip:alice@example.com>", `"Alice <sip:alice@example.com>`), "400 Bad To Header"},
		{"bad Max-Forwards", change("Max-Forwards: 70", "Max-Forwards: 300"), "400 Bad Max-Forwards Header"},
		{"line without colon", change("Max-Forwards: 70", "Max-Forwards 70"), "400 Bad Header Line"},
		{"request URI in <>", change("sip:alice@example.com SIP", "<sip:alice@example.com> SIP"), "400 Bad Request URI"},
		{"blank in request URI", change("sip:alice@example.com SIP", "sip:alice@example.com; lr SIP"), "400 Bad Request Line"},
		{"* as request URI", change("sip:alice@example.com SIP", "* SIP"), "400 Bad Request URI"},
		{"a response that is bad", "SIP/2.0 4294967301 better not\r\nVia: SIP/2.0/TCP 10.0.0.2;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 1 MESSAGE\r\n" + length, ""},
		{"a response that nobody waits for", "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP 10.0.0.2;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 1 MESSAGE\r\n" + length, ""},
		{"HTTP", "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n", ""},
		{"noise", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", ""},
		{"ACK", strings.ReplaceAll(change("Max-Forwards: 70", "Max-Forwards: x"), "MESSAGE", "ACK"), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p := rawPeer(t, Options{Handle: ok})
				go func() { _, _ = p.nc.Write([]byte(good("first") + test.text + good("second"))) }()
				begun := time.Now()
				expected := 2
				if test.answer != "" {
					expected = 3
				}
				got := map[string]string{}
				for range expected { // the reader refuses at once, the dispatcher answers in its turn
					m := p.next()
					got[m.get("Call-Id")] = m.start
					if !strings.Contains(m.get("To"), ";tag=") && test.name != "no To" {
						t.Errorf("no tag in %v", m.header)
					}
				}
				id := "bad"
				if test.name == "no Call-ID" {
					id = ""
				}
				if got["first"] != "SIP/2.0 200 OK" || got["second"] != "SIP/2.0 200 OK" || !strings.Contains(got[id], test.answer) || len(got) != expected {
					t.Errorf("got %q", got)
				}
				if time.Since(begun) > 0 || c.Err() != nil {
					t.Errorf("took %v, ended with %v", time.Since(begun), c.Err())
				}
			})
		})
	}
}

func TestBadStreamsEndTheConnection(t *testing.T) {
	for _, test := range []struct {
		name, text, want string
		after            time.Duration
	}{
		{"half a message", "MESSAGE sip:a@b SIP/2.0\r\nVia: ", "part of a message", 10 * time.Second},
		{"half a body", goodHead("1") + "Content-Length: 10\r\n\r\nhello", "part of a message", 10 * time.Second},
		{"no end of the head", "MESSAGE sip:a@b SIP/2.0\r\n" + strings.Repeat("X-A: b\r\n", 10000), "without the end of a message head", 0},
		{"one endless line", strings.Repeat("x", 70000), "without the end of a message head", 0},
		{"no next message to be found", goodHead("1") + "\r\n" + strings.Repeat("not a start line\r\n", 5000), "hold no next message", 0},
		{"web server", "HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n<html>", "speaks HTTP", 0},
		{"far too large", goodHead("1") + "Content-Length: 2000000\r\n\r\n", "2000", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p := rawPeer(t, Options{Handle: ok})
				begun := time.Now()
				go func() { _, _ = p.nc.Write([]byte(test.text)) }()
				<-c.Done()
				if !strings.Contains(c.Err().Error(), test.want) || time.Since(begun) != test.after {
					t.Errorf("%v after %v", c.Err(), time.Since(begun))
				}
			})
		})
	}
}

// A body of unknown length may come later, and nothing after it for long.
func TestBodyOfUnknownLengthComesLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, p := rawPeer(t, Options{Handle: ok})
		p.write(goodHead("bad") + "Content-Type: text/plain\r\n\r\n")
		p.expect("SIP/2.0 400")
		time.Sleep(time.Minute)
		p.write("hello\r\nsecond line")
		time.Sleep(time.Minute)
		p.write(good("good"))
		if m := p.expect("SIP/2.0 200"); m.get("Call-Id") != "good" {
			t.Error(m.header)
		}
	})
}

// A byte every second keeps no message open beyond its time, but a message
// that comes in pieces within it is fine, however it is cut.
func TestSlowPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := rawPeer(t, Options{Handle: ok})
		text := good("slow")
		for i := range text {
			p.write(text[i : i+1])
			time.Sleep(8 * time.Second / time.Duration(len(text)))
		}
		p.expect("SIP/2.0 200")
		time.Sleep(time.Hour) // an idle connection is not a slow one
		for i := range text {
			if _, err := p.nc.Write([]byte(text[i : i+1])); err != nil {
				break
			}
			time.Sleep(time.Second)
		}
		if c.Err() == nil || !strings.Contains(c.Err().Error(), "part of a message") {
			t.Errorf("the connection lives: %v", c.Err())
		}
	})
}

// The states of a long contact list may come in one NOTIFY, also over a slow
// line; who sends too slowly, or more than is allowed, is cut off or refused.
func TestLargeMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 2 << 20
		got := make(chan int, 9)
		var traced atomic.Int64
		c, p := rawPeer(t, Options{MaxMessage: limit, Trace: func(_ bool, s string) { traced.Store(max(traced.Load(), int64(len(s)))) },
			Handle: func(in *Incoming) { got <- len(in.Request.Body()); ok(in) }})
		send := func(length, chunk int, every time.Duration) {
			text := strings.Replace(good("large"), "Content-Length: 0", fmt.Sprintf("Content-Length: %d", length), 1) + strings.Repeat("x", length)
			for len(text) > 0 {
				n := min(chunk, len(text))
				if _, err := p.nc.Write([]byte(text[:n])); err != nil {
					return
				}
				text = text[n:]
				time.Sleep(every)
			}
		}
		send(1500000, 1500000, 0)
		p.expect("SIP/2.0 200")
		send(1500000, 16<<10, time.Second) // a minute and a half
		p.expect("SIP/2.0 200")
		if a, b := <-got, <-got; a != 1500000 || b != 1500000 {
			t.Errorf("bodies of %d and %d bytes", a, b)
		}
		send(limit+1, limit, 0)
		p.expect("SIP/2.0 513")
		if traced.Load() > 32<<10 {
			t.Errorf("the trace has a message of %d bytes", traced.Load())
		}
		send(1500000, 1<<10, time.Second)
		if c.Err() == nil || !strings.Contains(c.Err().Error(), "part of a message") {
			t.Errorf("1 KiB a second: %v", c.Err())
		}
	})
}

func TestPeerThatStopsReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := rawPeer(t, Options{Self: "a@b", Handle: ok})
		begun := time.Now()
		errs := make(chan error, 2000)
		for range cap(errs) {
			go func() {
				r, _ := c.NewRequest("MESSAGE", "x@example.com", Text(strings.Repeat("x", 2000)))
				_, err := c.Do(t.Context(), r, nil)
				errs <- err
			}()
		}
		for range cap(errs) {
			if <-errs == nil {
				t.Error("no error")
			}
		}
		if took := time.Since(begun); took != 10*time.Second {
			t.Errorf("noticed after %v: %v", took, c.Err())
		}
		_ = p
	})
}

// Replies cannot wait, so a peer that sends and does not read loses its
// connection when 1 MiB is waiting for it.
func TestFloodWithoutReading(t *testing.T) {
	c, p := rawPeer(t, Options{Handle: ok})
	go func() {
		for i := 0; ; i++ {
			if _, err := p.nc.Write([]byte(good(fmt.Sprint(i)))); err != nil {
				return
			}
		}
	}()
	<-c.Done()
	if !strings.Contains(c.Err().Error(), "does not read") {
		t.Error(c.Err())
	}
}

func TestOverloadIsSaid(t *testing.T) {
	hold := make(chan struct{})
	_, p := rawPeer(t, Options{Handle: func(in *Incoming) { <-hold; ok(in) }})
	go func() {
		for i := range maxPending + 10 {
			_, _ = p.nc.Write([]byte(good(fmt.Sprint(i))))
		}
	}()
	if m := p.expect("SIP/2.0 503"); m.get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
	close(hold)
	answers := map[string]int{}
	for range maxPending + 9 {
		answers[p.next().start]++
	}
	if answers["SIP/2.0 200 OK"] < maxPending {
		t.Error(answers)
	}
}
