package sipconn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"
)

func ok(in *Incoming) { _ = in.Reply(200, "OK", Body{}) }

var user = Options{Self: "alice@example.com", Name: `Alice "Al" Ray`, UserAgent: "Communicator/0.1"}

func TestRequestAndResponseInText(t *testing.T) {
	c, p := rawPeer(t, user)
	go func() {
		m := p.expect("MESSAGE sip:bob@example.com SIP/2.0")
		if m.get("From") == "" || !strings.HasPrefix(m.get("From"), `"Alice \"Al\" Ray" <sip:alice@example.com>;tag=`) {
			t.Errorf("From is %q", m.get("From"))
		}
		for name, want := range map[string]string{"To": "<sip:bob@example.com>", "Cseq": "1 MESSAGE", "Max-Forwards": "70",
			"Content-Type": "text/plain;charset=UTF-8", "User-Agent": "Communicator/0.1", "Contact": ""} {
			if m.get(name) != want {
				t.Errorf("%s is %q, want %q", name, m.get(name), want)
			}
		}
		if m.body != "Grüezi" {
			t.Errorf("body is %q", m.body)
		}
		if v := m.get("Via"); !strings.HasPrefix(v, "SIP/2.0/TCP 10.0.0.2:40001;branch=z9hG4bK") || !strings.HasSuffix(v, ";rport") {
			t.Errorf("Via is %q", v)
		}
		p.reply(m, "200 Ok")
	}()
	r, err := c.NewRequest("MESSAGE", "bob@example.com", Text("Grüezi"))
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(t.Context(), r, nil)
	if err != nil || res.StatusCode != 200 || res.Reason != "Ok" || res.Via() != nil {
		t.Errorf("got %v, %v", res, err)
	}
}

func TestRefusalIsAStatusError(t *testing.T) {
	c, p := rawPeer(t, user)
	go func() {
		p.reply(p.next(), "503 Overload", `Warning: 399 fe1.example.com "come \"back\" later"`, "Retry-After: 18 (soon);duration=3600")
	}()
	r, _ := c.NewRequest("OPTIONS", "bob@example.com", Body{})
	res, err := c.Do(t.Context(), r, nil)
	var s *StatusError
	if !errors.As(err, &s) || res == nil || *s != (StatusError{503, `come "back" later`, `come "back" later`, 18 * time.Second}) {
		t.Errorf("got %v, %v", res, err)
	}
}

func TestIncomingRequest(t *testing.T) {
	_, p := rawPeer(t, Options{Self: "alice@example.com", UserAgent: "C", Handle: func(in *Incoming) {
		if string(in.Request.Body()) != "hello" {
			t.Errorf("body %q", in.Request.Body())
		}
		_ = in.Reply(202, "Accepted", Body{"text/plain", []byte("ok")}, sip.NewHeader("X-More", "yes"))
		_ = in.Reply(500, "Never", Body{})
	}})
	p.send("MESSAGE sip:alice@example.com SIP/2.0\nv: SIP/2.0/TCP pc33.example.com;branch=z9hG4bKnashds8;rport\nf: sip:bob@example.com;tag=99\n" +
		"t: <sip:alice@example.com>\ni: a84b4c76e66710\nCSeq: 314 MESSAGE\nc: text/plain\n\nhello")
	m := p.expect("SIP/2.0 202 Accepted")
	// RFC 3581 §4: received and rport say what we saw.
	if got, want := m.get("Via"), "SIP/2.0/TCP pc33.example.com;branch=z9hG4bKnashds8;rport=5061;received=10.0.0.1"; got != want {
		t.Errorf("Via is %q, want %q", got, want)
	}
	if m.get("From") != "<sip:bob@example.com>;tag=99" || !strings.Contains(m.get("To"), ";tag=") || m.get("Cseq") != "314 MESSAGE" ||
		m.get("Server") != "C" || m.get("X-More") != "yes" || m.body != "ok" {
		t.Errorf("got %v %q", m.header, m.body)
	}
}

func TestPipelinedRequestsStayInOrder(t *testing.T) {
	const n = 2000
	var seen []string
	done := make(chan struct{})
	_, p := rawPeer(t, Options{Handle: func(in *Incoming) {
		seen = append(seen, string(in.Request.Body()))
		ok(in)
		if len(seen) == n {
			close(done)
		}
	}})
	go func() {
		var b strings.Builder
		for i := range n {
			b.WriteString(wire(ask("MESSAGE", fmt.Sprint("m", i), "Content-Type: text/plain") + fmt.Sprint(i)))
		}
		p.write(b.String())
	}()
	for i := range n {
		if m := p.expect("SIP/2.0 200"); m.get("Call-Id") != fmt.Sprint("m", i) {
			t.Fatalf("answer %d is for %s", i, m.get("Call-Id"))
		}
	}
	<-done
	for i, s := range seen {
		if s != fmt.Sprint(i) {
			t.Fatalf("message %d was %q", i, s)
		}
	}
}

// Both ends send at once over a pipe without any buffer, and one of them asks
// back from its handler before it answers.
func TestManyBothWaysDoNotHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		x, y := New(a, Options{Self: "x@example.com", Handle: ok}), New(b, Options{Self: "y@example.com", Handle: func(in *Incoming) {
			r, _ := in.Conn.NewRequest("INFO", "x@example.com", Body{})
			if _, err := in.Conn.Do(t.Context(), r, nil); err != nil {
				t.Error(err)
			}
			ok(in)
		}})
		defer x.Close()
		defer y.Close()
		var wg sync.WaitGroup
		for _, c := range []*Conn{x, y} {
			for range 500 {
				wg.Go(func() {
					r, _ := c.NewRequest("MESSAGE", "z@example.com", Text(strings.Repeat("x", 1000)))
					if _, err := c.Do(t.Context(), r, nil); err != nil {
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
	})
}

func TestDropIsToldToAllAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := rawPeer(t, user)
		const n = 50
		errs := make(chan error, n)
		for range n {
			go func() {
				r, _ := c.NewRequest("MESSAGE", "bob@example.com", Body{})
				_, err := c.Do(t.Context(), r, nil)
				errs <- err
			}()
		}
		for range n {
			p.expect("MESSAGE")
		}
		synctest.Wait()
		begun := time.Now()
		p.nc.Close()
		for range n {
			if err := <-errs; !errors.Is(err, ErrLost) {
				t.Errorf("got %v", err)
			}
		}
		<-c.Done()
		if time.Since(begun) != 0 || c.Err() == nil {
			t.Errorf("took %v, Err is %v", time.Since(begun), c.Err())
		}
		r, _ := c.NewRequest("MESSAGE", "bob@example.com", Body{})
		if _, err := c.Do(t.Context(), r, nil); !errors.Is(err, ErrOffline) {
			t.Errorf("after the end: %v", err)
		}
	})
}

func TestNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := rawPeer(t, user)
		begun := time.Now()
		go func() { _, _ = p.read() }()
		r, _ := c.NewRequest("MESSAGE", "bob@example.com", Body{})
		if _, err := c.Do(t.Context(), r, nil); !errors.Is(err, ErrNoAnswer) || time.Since(begun) != 32*time.Second {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
		if c.Err() != nil {
			t.Errorf("the connection ended: %v", c.Err())
		}
	})
}

func TestPanicEndsOnlyItsRequest(t *testing.T) {
	_, p := rawPeer(t, Options{Handle: func(in *Incoming) {
		if in.Request.Method == "INFO" {
			panic("oops")
		}
		ok(in)
	}})
	p.send(ask("INFO", "1"))
	p.send(ask("MESSAGE", "2"))
	p.expect("SIP/2.0 500")
	p.expect("SIP/2.0 200")
}

func TestNoHandlerAndUnknownDialog(t *testing.T) {
	_, p := rawPeer(t, user)
	p.send(ask("FOO", "1"))
	p.expect("SIP/2.0 501")
	p.send(strings.Replace(ask("INFO", "2"), "To: <sip:alice@example.com>", "To: <sip:alice@example.com>;tag=gone", 1))
	p.expect("SIP/2.0 481")
	p.send(ask("BENOTIFY", "3")) // never answered
	p.send(ask("ACK", "4"))
	p.send(ask("SERVICE", "5"))
	if m := p.expect("SIP/2.0 501"); m.get("Call-Id") != "5" {
		t.Errorf("answered %s", m.get("Call-Id"))
	}
}

func TestKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := user
		o.Ping = 30 * time.Second
		o.Handle = ok
		c, p := rawPeer(t, o)
		begun := time.Now()
		four := make([]byte, 4)
		for i := range 3 {
			if _, err := p.r.Read(four); err != nil || string(four) != "\r\n\r\n" {
				t.Fatalf("ping %d: %q %v", i, four, err)
			}
			if got, want := time.Since(begun), time.Duration(i+1)*30*time.Second; got != want {
				t.Errorf("ping %d after %v", i, got)
			}
			p.write("\r\n")
		}
		p.write("\r\n\r\n") // theirs
		if _, err := p.r.Read(four[:2]); err != nil || string(four[:2]) != "\r\n" {
			t.Fatalf("pong: %q %v", four, err)
		}
		p.write("\r\n")
		time.Sleep(time.Second)
		p.write("\r\n") // and cut in two
		if _, err := p.r.Read(four[:2]); err != nil || string(four[:2]) != "\r\n" {
			t.Fatalf("pong: %q %v", four, err)
		}
		// A request instead of the pong is life, too.
		_, _ = p.r.Read(four)
		p.send(ask("OPTIONS", "o"))
		p.expect("SIP/2.0 200")
		time.Sleep(15 * time.Second)
		if c.Err() != nil {
			t.Fatal(c.Err())
		}
		// Silence is not.
		_, _ = p.r.Read(four)
		at := time.Now()
		<-c.Done()
		if time.Since(at) != 7*time.Second || !strings.Contains(c.Err().Error(), "keep-alive") {
			t.Errorf("%v after %v", c.Err(), time.Since(at))
		}
	})
}

func TestContextOfDo(t *testing.T) {
	c, p := rawPeer(t, user)
	ctx, stop := context.WithCancel(t.Context())
	go func() { p.expect("MESSAGE"); stop() }()
	r, _ := c.NewRequest("MESSAGE", "bob@example.com", Body{})
	if _, err := c.Do(ctx, r, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// What certainly was not sent may be sent again elsewhere; of the rest nobody knows.
func TestSentOrNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe() // no buffer: the first write waits for a reader
		c := New(near, user)
		send := func(body string) <-chan error {
			err := make(chan error, 1)
			go func() {
				r, _ := c.NewRequest("MESSAGE", "bob@example.com", Text(body))
				_, e := c.Do(t.Context(), r, nil)
				err <- e
			}()
			synctest.Wait()
			return err
		}
		first, second := send("being written"), send("queued")
		far.Close()
		if err := <-first; !errors.Is(err, ErrLost) {
			t.Errorf("the one being written: %v", err)
		}
		if err := <-second; !errors.Is(err, ErrOffline) {
			t.Errorf("the queued one: %v", err)
		}
	})
}

// Close lets an answer go out that was given before it.
func TestCloseAfterReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, p := rawPeer(t, Options{Handle: func(in *Incoming) {
			ok(in)
			in.Conn.Close()
		}})
		p.send(ask("BYE", "1"))
		p.expect("SIP/2.0 200")
		if _, err := p.read(); !errors.Is(err, io.EOF) {
			t.Errorf("after Close: %v", err)
		}
	})
}

// Responses, too, are read while a handler is busy.
func TestHandlerMayAsk(t *testing.T) {
	_, p := rawPeer(t, Options{Self: "alice@example.com", Handle: func(in *Incoming) {
		seen := ""
		r, _ := in.Conn.NewRequest("OPTIONS", "bob@example.com", Body{})
		_, err := in.Conn.Do(in.Context(), r, func(res *sip.Response) { seen += itoa(res.StatusCode) })
		if err != nil || seen != "100" {
			t.Errorf("asked from a handler: %q %v", seen, err)
		}
		ok(in)
	}})
	p.send(ask("MESSAGE", "1"))
	m := p.expect("OPTIONS")
	p.reply(m, "100 Trying")
	p.reply(m, "200 OK")
	p.expect("SIP/2.0 200")
}

func TestPingSetLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := rawPeer(t, user) // no pings so far
		time.Sleep(time.Minute)
		c.SetPing(20 * time.Second)
		four := make([]byte, 4)
		if _, err := io.ReadFull(p.r, four); err != nil || string(four) != "\r\n\r\n" {
			t.Fatalf("%q %v", four, err) // silent for longer than that already: at once
		}
		p.write("\r\n")
		begun := time.Now()
		if _, err := io.ReadFull(p.r, four); err != nil || time.Since(begun) != 20*time.Second {
			t.Errorf("next after %v: %v", time.Since(begun), err)
		}
		p.write("\r\n")
		c.SetPing(0)
		time.Sleep(time.Hour)
		if p.r.Buffered() > 0 || c.Err() != nil {
			t.Errorf("pings go on, or ended: %v", c.Err())
		}
	})
}

func TestProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := rawPeer(t, user)
		four := make([]byte, 4)
		for range 2 {
			p.send(ask("FOO", "1")) // heard from at the same moment, which is no answer
			p.expect("SIP/2.0 501")
			c.Probe()
			if _, err := io.ReadFull(p.r, four); err != nil || string(four) != "\r\n\r\n" {
				t.Fatalf("%q %v", four, err)
			}
			p.write("\r\n")
			time.Sleep(time.Minute)
		}
		p.send(ask("FOO", "2"))
		p.expect("SIP/2.0 501")
		c.Probe()
		begun := time.Now()
		<-c.Done()
		if took := time.Since(begun); took != 7*time.Second || !strings.Contains(c.Err().Error(), "keep-alive") {
			t.Errorf("%v after %v", c.Err(), took)
		}
	})
}

// A request without any answer: is anybody there? Whoever answers the ping may
// take his time, whoever does not is gone within 10 s of the request.
func TestOverdueAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := user
		o.Ping = time.Minute
		c, p := rawPeer(t, o)
		ask := func() chan error {
			answered := make(chan error, 1)
			r, _ := c.NewRequest("OPTIONS", "bob@example.com", Body{})
			go func() {
				_, err := c.Do(t.Context(), r, nil)
				answered <- err
			}()
			return answered
		}
		ping := func(want time.Duration) {
			t.Helper()
			begun, four := time.Now(), make([]byte, 4)
			if _, err := io.ReadFull(p.r, four); err != nil || string(four) != "\r\n\r\n" || time.Since(begun) != want {
				t.Fatalf("%q %v after %v, want a ping after %v", four, err, time.Since(begun), want)
			}
		}
		answered := ask()
		m := p.expect("OPTIONS")
		time.Sleep(20 * time.Second) // not known to answer pings: not hurried
		p.reply(m, "200 OK")
		if err := <-answered; err != nil || p.r.Buffered() > 0 {
			t.Fatal(err, p.r.Buffered())
		}
		ping(time.Minute)
		p.write("\r\n")

		answered = ask()
		m = p.expect("OPTIONS")
		for range 4 { // slow, but alive
			ping(3 * time.Second)
			p.write("\r\n")
		}
		p.reply(m, "200 OK")
		if err := <-answered; err != nil {
			t.Fatal(err)
		}
		ping(time.Minute)
		p.write("\r\n")

		begun := time.Now()
		answered = ask()
		p.expect("OPTIONS")
		if err := <-answered; !errors.Is(err, ErrLost) || time.Since(begun) != 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	})
}

// A computer that slept while it waited for the pong asks again: the answer may lie unread.
func TestSleptWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		defer there.Close()
		go func() { _, _ = io.Copy(io.Discard, there) }()
		c := newConn(here, Options{Ping: 20 * time.Second})
		defer c.end(errClosed)
		var at time.Duration
		time.Sleep(20 * time.Second)
		c.keepAlive(&at, false)
		time.Sleep(time.Hour)
		if c.keepAlive(&at, false); c.Err() != nil {
			t.Fatal(c.Err())
		}
		time.Sleep(10 * time.Second)
		if c.keepAlive(&at, false); c.Err() == nil {
			t.Error("silent, and not lost")
		}
	})
}
