package msrp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// bubble runs a test with fake time; whatever it starts must have ended with it.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

var here, there = Path{NewURI("a.test", true)}, Path{NewURI("b.test", true)}

// pair joins two ends.
func pair(t *testing.T, a, b Options) (*Conn, *Conn) {
	t.Helper()
	x, y := net.Pipe()
	a.Self, b.Self = here[0], there[0]
	ca, cb := New(x, a), New(y, b)
	ca.Open(there)
	cb.Open(here)
	t.Cleanup(func() { _, _ = ca.Close(), cb.Close() })
	return ca, cb
}

// kept gathers what arrives.
type kept chan Message

func (k kept) take(m Message) error { k <- m; return nil }

func TestLongTextArrivesWholeAndIsConfirmed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		got := make(kept, 10)
		a, _ := pair(t, Options{}, Options{Receive: got.take})
		text := strings.Repeat("0123456789", 10_000)
		for i, body := range []string{text, "", "short", text[:chunkSize], text[:chunkSize+1]} {
			m := Message{ID: fmt.Sprintf("message%d", i), Type: "text/plain;charset=utf-8", Body: []byte(body), Report: true}
			if err := a.Send(t.Context(), m); err != nil {
				t.Fatalf("message %d: %v", i, err)
			}
			if g := <-got; string(g.Body) != body || g.ID != m.ID || g.Type != m.Type {
				t.Errorf("message %d: %d bytes of %s arrived", i, len(g.Body), g.Type)
			}
		}
	})
}

func TestBothWaysAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		at, bt := make(kept, 10), make(kept, 10)
		a, b := pair(t, Options{Receive: at.take}, Options{Receive: bt.take})
		done := make(chan error, 4)
		for i, c := range []*Conn{a, a, b, b} {
			go func() {
				done <- c.Send(t.Context(), Message{ID: fmt.Sprint("both", i), Type: "text/plain", Body: make([]byte, 200_000), Report: true})
			}()
		}
		for range 4 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if len(at) != 2 || len(bt) != 2 {
			t.Errorf("%d and %d arrived", len(at), len(bt))
		}
	})
}

func TestTooLargeIsRefusedCleanly(t *testing.T) {
	bubble(t, func(t *testing.T) {
		got := make(kept, 10)
		a, b := pair(t, Options{}, Options{Receive: got.take, Max: 10_000})
		var refused *StatusError
		if err := a.Send(t.Context(), Message{ID: "large", Type: "text/plain", Body: make([]byte, 10_001)}); !errors.As(err, &refused) || refused.Code != TooLarge {
			t.Errorf("10,001 bytes: %v, want 413", err)
		}
		if err := a.Send(t.Context(), Message{ID: "fits", Type: "text/plain", Body: make([]byte, 10_000), Report: true}); err != nil {
			t.Errorf("10,000 bytes on the same connection: %v", err)
		}
		if len(got) != 1 || b.coming.bytes != 0 || len(b.coming.parts) != 0 {
			t.Errorf("%d arrived, %d bytes of %d messages are still held", len(got), b.coming.bytes, len(b.coming.parts))
		}
	})
}

func TestRefusedTypeAndFailedStore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, _ := pair(t, Options{}, Options{
			Accept:  func(kind string) bool { return kind == "text/plain" },
			Receive: func(Message) error { return errors.New("disk full") },
		})
		var refused *StatusError
		if err := a.Send(t.Context(), Message{ID: "image", Type: "image/png", Body: []byte("x")}); !errors.As(err, &refused) || refused.Code != UnknownType {
			t.Errorf("image: %v, want 415", err)
		}
		if err := a.Send(t.Context(), Message{ID: "text", Type: "text/plain", Body: []byte("x"), Report: true}); !errors.As(err, &refused) || refused.Code != TooLarge {
			t.Errorf("not kept: %v, want a report of 413", err)
		}
	})
}

// raw is the other end, spoken by hand.
type raw struct {
	t  *testing.T
	nc net.Conn
	r  *bufio.Reader
}

func newRaw(t *testing.T, o Options) (*Conn, *raw) {
	x, y := net.Pipe()
	o.Self = uri(t, "msrps://a.test:2855/me;tcp")
	c := New(x, o)
	c.Open(Path{uri(t, "msrps://relay.test:2855/r;tcp"), uri(t, "msrps://b.test:2855/you;tcp")})
	t.Cleanup(func() { _, _ = c.Close(), y.Close() })
	return c, &raw{t, y, bufio.NewReader(y)}
}

// say writes lines.
func (r *raw) say(lines ...string) {
	r.t.Helper()
	if _, err := r.nc.Write([]byte(strings.Join(lines, "\r\n") + "\r\n")); err != nil {
		r.t.Fatal(err)
	}
}

// hear reads one frame and returns it line by line, with its transaction as ID.
func (r *raw) hear() (lines []string, id string) {
	r.t.Helper()
	for {
		l, err := r.r.ReadString('\n')
		if err != nil {
			r.t.Fatalf("%v after %q", err, lines)
		}
		if l = strings.TrimRight(l, "\r\n"); id == "" {
			id = strings.Fields(l)[1]
		}
		lines = append(lines, strings.ReplaceAll(l, id, "ID"))
		if strings.HasPrefix(l, "-------"+id) {
			return lines, id
		}
	}
}

func (r *raw) want(want ...string) (id string) {
	r.t.Helper()
	got, id := r.hear()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		r.t.Errorf("heard\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	return id
}

// Message and report as they pass a relay (RFC 4976 §4, RFC 4975 §11.4).
func TestSendThroughARelayWordForWord(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, r := newRaw(t, Options{})
		result := make(chan error, 1)
		go func() {
			result <- c.Send(t.Context(), Message{ID: "12339sdqwer", Type: "text/plain", Body: []byte("Hi, I'm Alice!"), Report: true})
		}()
		id := r.want("MSRP ID SEND", "To-Path: msrps://relay.test:2855/r;tcp msrps://b.test:2855/you;tcp", "From-Path: msrps://a.test:2855/me;tcp",
			"Message-ID: 12339sdqwer", "Byte-Range: 1-14/14", "Success-Report: yes", "Failure-Report: yes", "Content-Type: text/plain", "", "Hi, I'm Alice!", "-------ID$")
		r.say("MSRP "+id+" 200 OK", "To-Path: msrps://a.test:2855/me;tcp", "From-Path: msrps://relay.test:2855/r;tcp", "-------"+id+"$")
		synctest.Wait()
		select {
		case err := <-result:
			t.Fatalf("the relay's 200 is no delivery, but Send returned %v", err)
		default:
		}
		r.say("MSRP dkei38sd REPORT", "To-Path: msrps://a.test:2855/me;tcp", "From-Path: msrps://relay.test:2855/r;tcp msrps://b.test:2855/you;tcp",
			"Message-ID: 12339sdqwer", "Byte-Range: 1-14/14", "Status: 000 200 OK", "-------dkei38sd$")
		if err := <-result; err != nil {
			t.Error(err)
		}
	})
}

func TestReceiveThroughARelayWordForWord(t *testing.T) {
	bubble(t, func(t *testing.T) {
		got := make(kept, 1)
		_, r := newRaw(t, Options{Receive: got.take})
		paths := []string{"To-Path: msrps://a.test:2855/me;tcp", "From-Path: msrps://relay.test:2855/r;tcp msrps://b.test:2855/you;tcp"}
		chunk := func(id, span, body, flag string) {
			r.say(append(append([]string{"MSRP " + id + " SEND"}, paths...), "Message-ID: 4564dpWd", "Byte-Range: "+span, "Success-Report: yes",
				"Content-Type: text/plain", "", body, "-------"+id+flag)...)
			r.want("MSRP ID 200 OK", "To-Path: msrps://relay.test:2855/r;tcp", "From-Path: msrps://a.test:2855/me;tcp", "-------ID$")
		}
		chunk("dkei38ia", "5-8/8", "EFGH", "$") // the end may come first
		chunk("dkei38sd", "1-*/8", "abcd", "+")
		r.want("MSRP ID REPORT", "To-Path: msrps://relay.test:2855/r;tcp msrps://b.test:2855/you;tcp", "From-Path: msrps://a.test:2855/me;tcp",
			"Message-ID: 4564dpWd", "Byte-Range: 1-8/8", "Status: 000 200 OK", "-------ID$")
		if m := <-got; string(m.Body) != "abcdEFGH" {
			t.Errorf("%q", m.Body)
		}
	})
}

func TestWhatIsAnsweredToBadRequests(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, r := newRaw(t, Options{Receive: func(Message) error { return nil }})
		to, from := "To-Path: msrps://a.test:2855/me;tcp", "From-Path: msrps://b.test:2855/you;tcp"
		for what, c := range map[string]struct {
			first, to, header string
			want              string
		}{
			"another session": {"SEND", "To-Path: msrps://a.test:2855/other;tcp", "Message-ID: x", "481 No Such Session"},
			"method":          {"NICKNAME", to, "X: y", "501 Method Not Understood"},
			"no Message-ID":   {"SEND", to, "Content-Type: text/plain", "400 Bad Request"},
			"bad range":       {"SEND", to, "Message-ID: bad\r\nByte-Range: 9-1/2\r\nContent-Type: text/plain", "400 Bad Request"},
			"a petabyte":      {"SEND", to, "Message-ID: large\r\nByte-Range: 1-5/1125899906842624\r\nContent-Type: text/plain", "413 Message Too Large"},
			"far away":        {"SEND", to, "Message-ID: far\r\nByte-Range: 4611686018427387903-*/*\r\nContent-Type: text/plain\r\n\r\nhello", "413 Message Too Large"},
			"no header":       {"SEND", to, "what", "400 Bad Request"},
			"keep-alive":      {"SEND", to, "Message-ID: x", "200 OK"},
		} {
			r.say("MSRP abcd "+c.first, c.to, from, c.header, "-------abcd$")
			got, _ := r.hear()
			if got[0] != "MSRP ID "+c.want {
				t.Errorf("%s: %s, want %s", what, got[0], c.want)
			}
		}
		r.say("MSRP abcd SEND", to, from, "Message-ID: y", "Failure-Report: no", "Content-Type: image/x", "", "x", "-------abcd+")
		r.say("MSRP efgh 200 OK", to, from, "-------efgh$") // an answer to nothing
		r.say("MSRP ijkl REPORT", to, from, "Message-ID: never-sent", "Status: 000 200 OK", "-------ijkl$")
		r.say("MSRP mnop SEND", to, from, "Message-ID: z", "-------mnop$")
		if got, id := r.hear(); id != "mnop" {
			t.Errorf("something else was answered: %q", got)
		}
	})
}

func TestFatesOfAMessage(t *testing.T) {
	large := make([]byte, 40*chunkSize)
	answer := func(r *raw, code string) {
		_, id := r.hear()
		r.say("MSRP "+id+" "+code, "To-Path: msrps://a.test:2855/me;tcp", "From-Path: msrps://relay.test:2855/r;tcp", "-------"+id+"$")
	}
	report := func(r *raw, status string) {
		r.say("MSRP abcd REPORT", "To-Path: msrps://a.test:2855/me;tcp", "From-Path: msrps://b.test:2855/you;tcp", "Message-ID: one", "Byte-Range: 1-5/5", "Status: "+status, "-------abcd$")
	}
	for what, c := range map[string]struct {
		body []byte
		peer func(r *raw)
		want error
		code int
	}{
		"refused":             {[]byte("hello"), func(r *raw) { answer(r, "403 Forbidden") }, nil, 403},
		"no answer":           {[]byte("hello"), func(r *raw) { r.hear() }, ErrLost, 408},
		"half, then silence":  {large, func(r *raw) { answer(r, "200 OK") }, ErrIncomplete, 408},
		"half, then refused":  {large, func(r *raw) { answer(r, "413 Enough") }, nil, 413},
		"half, then lost":     {large, func(r *raw) { r.hear(); r.nc.Close() }, ErrIncomplete, 0},
		"lost":                {[]byte("hello"), func(r *raw) { r.hear(); r.nc.Close() }, ErrLost, 0},
		"taken, then lost":    {[]byte("hello"), func(r *raw) { answer(r, "200 OK"); r.nc.Close() }, ErrNotConfirmed, 0},
		"taken, no report":    {[]byte("hello"), func(r *raw) { answer(r, "200 OK") }, ErrNotConfirmed, 0},
		"failed further on":   {[]byte("hello"), func(r *raw) { answer(r, "200 OK"); report(r, "000 481 Gone") }, nil, 481},
		"report is no report": {[]byte("hello"), func(r *raw) { answer(r, "200 OK"); report(r, "001 481 Gone"); report(r, "nonsense") }, ErrNotConfirmed, 0},
	} {
		t.Run(what, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				conn, r := newRaw(t, Options{})
				go func() {
					c.peer(r)
					for {
						if _, err := r.r.ReadString('\n'); err != nil {
							return
						}
					}
				}()
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				err := conn.Send(ctx, Message{ID: "one", Type: "text/plain", Body: c.body, Report: true})
				var status *StatusError
				if errors.As(err, &status); c.want != nil && !errors.Is(err, c.want) || c.code != 0 && (status == nil || status.Code != c.code) {
					t.Errorf("%v, want %v %d", err, c.want, c.code)
				}
				conn.mu.Lock()
				defer conn.mu.Unlock()
				if len(conn.asked)+len(conn.reports) > 0 {
					t.Error("something still waits")
				}
			})
		})
	}
}

func TestAskTheRelayWordForWord(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, r := newRaw(t, Options{})
		relay := uri(t, "msrps://relay.test:2855;tcp")
		type answer struct {
			path Path
			life time.Duration
			err  error
		}
		result := make(chan answer, 1)
		ask := func() {
			p, life, err := c.Auth(t.Context(), relay, func(challenges []string, method, uri string, _ []byte) (string, error) {
				return fmt.Sprintf("Digest of %s for %s %s", challenges, method, uri), nil
			})
			result <- answer{p, life, err}
		}
		paths := []string{"To-Path: msrps://relay.test:2855;tcp", "From-Path: msrps://a.test:2855/me;tcp"}
		reply := func(id string, lines ...string) {
			r.say(append(append([]string{"MSRP " + id + " " + lines[0], "To-Path: msrps://a.test:2855/me;tcp", "From-Path: msrps://relay.test:2855;tcp"}, lines[1:]...), "-------"+id+"$")...)
		}
		go ask()
		id := r.want(append(append([]string{"MSRP ID AUTH"}, paths...), "-------ID$")...)
		reply(id, "401 Unauthorized", `WWW-Authenticate: Digest realm="x"`)
		signed := `Authorization: Digest of [Digest realm="x"] for AUTH msrps://relay.test:2855;tcp`
		id = r.want(append(append([]string{"MSRP ID AUTH"}, paths...), signed, "-------ID$")...)
		reply(id, "200 OK", "Use-Path: msrps://relay.test:2855/jui787s2f;tcp", "Expires: 900")
		if a := <-result; a.err != nil || a.life != 15*time.Minute || a.path.String() != "msrps://relay.test:2855/jui787s2f;tcp" {
			t.Errorf("%+v", a)
		}
		for what, last := range map[string][]string{
			"wrong password": {"401 Unauthorized", `WWW-Authenticate: Digest realm="x"`},
			"another place":  {"200 OK", "Use-Path: msrp://evil.test:2855/x;tcp"},
			"no path":        {"200 OK"},
			"bad path":       {"200 OK", "Use-Path: sip:x"},
			"forbidden":      {"403 Forbidden"},
			"bounds, twice":  {"423 Interval Out Of Bounds", "Max-Expires: 60"},
		} {
			go ask()
			_, id := r.hear()
			reply(id, "401 Unauthorized", `WWW-Authenticate: Digest realm="x"`)
			_, id = r.hear()
			reply(id, last...)
			if what == "bounds, twice" {
				lines, id := r.hear()
				if lines[3] != "Expires: 60" {
					t.Errorf("after 423: %q", lines)
				}
				reply(id, last...)
			}
			if a := <-result; a.err == nil {
				t.Errorf("%s: granted %+v", what, a)
			}
		}
	})
}

func TestPeerThatDoesNotReadLosesTheConnection(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, _ := newRaw(t, Options{})
		err := c.Send(t.Context(), Message{ID: "one", Type: "text/plain", Body: []byte("hello")})
		time.Sleep(time.Second) // of fake time
		if err == nil || c.Err() == nil {
			t.Errorf("Send %v, connection %v", err, c.Err())
		}
	})
}

// Fuzzed: whatever chunks come, no more is held than allowed, and what is whole
// is handed over once.
func FuzzReceive(f *testing.F) {
	all := rfc(f)
	f.Add([]byte(all["4975-send"] + all["4975-chunk2"] + all["4975-chunk1"] + all["4975-html"]))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &Conn{o: Options{Self: uri(t, "msrp://a.test/1;tcp"), Max: 1000, Receive: func(m Message) error {
			if len(m.Body) > 1000 {
				t.Errorf("%d bytes handed over", len(m.Body))
			}
			return nil
		}}, remote: Path{uri(t, "msrp://b.test/1;tcp")}, done: make(chan struct{}), wake: make(chan struct{}, 1), asked: map[string]*waiting{}, reports: map[string]*waiting{}}
		r := NewReader(strings.NewReader(string(data)), 1000)
		for {
			one, err := r.Next()
			if err != nil {
				return
			}
			if len(one.To) > 0 {
				one.To[len(one.To)-1] = c.o.Self
			}
			if one.Bad == "" && one.Method == "SEND" {
				c.receive(one)
			}
			if c.coming.bytes > 3*1000 || len(c.coming.parts) > maxArriving {
				t.Fatalf("%d bytes of %d messages are held", c.coming.bytes, len(c.coming.parts))
			}
		}
	})
}
