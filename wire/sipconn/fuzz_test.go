package sipconn

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
)

// seeds are the messages in testdata.
func seeds(tb testing.TB) [][]byte {
	names, _ := filepath.Glob("testdata/messages/*.sip")
	if len(names) == 0 {
		tb.Fatal("no messages in testdata")
	}
	var all [][]byte
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

// The seeds are good messages, and what we write of them means the same.
func TestSeedsAreUnderstood(t *testing.T) {
	for _, b := range seeds(t) {
		head, body, _ := bytes.Cut(b, []byte("\r\n\r\n"))
		m, _, fault := parse(frame{head: append(bytes.Clone(head), "\r\n\r\n"...), body: body})
		if fault != nil {
			t.Errorf("%s: %v", head[:40], fault)
			continue
		}
		text, err := marshal(m)
		if err != nil {
			t.Errorf("%s: %v", head[:40], err)
		}
		for line := range strings.Lines(string(head)) {
			name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ": ")
			if ok && name != "To" && name != "subscription-state" && !bytes.Contains(text, []byte(": "+strings.TrimSpace(value)+"\r\n")) && !strings.Contains(value, ">, <") {
				t.Errorf("%s of %.40s is lost: %s", name, head, value)
			}
		}
	}
}

// script is a connection that gives its bytes in pieces and takes everything.
type script struct {
	pieces [][]byte
	wrote  bytes.Buffer
}

func (s *script) Read(p []byte) (int, error) {
	if len(s.pieces) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.pieces[0])
	if s.pieces[0] = s.pieces[0][n:]; len(s.pieces[0]) == 0 {
		s.pieces = s.pieces[1:]
	}
	return n, nil
}
func (s *script) Write(p []byte) (int, error)      { return s.wrote.Write(p) }
func (s *script) Close() error                     { return nil }
func (s *script) LocalAddr() net.Addr              { return addr("10.0.0.2:5061") }
func (s *script) RemoteAddr() net.Addr             { return addr("10.0.0.1:5061") }
func (s *script) SetDeadline(time.Time) error      { return nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }

// frames cuts text, given in pieces of the size n, into messages.
func frames(text []byte, n int) (fs []frame, pings int, err error) {
	s := &script{}
	for len(text) > 0 {
		k := min(n, len(text))
		s.pieces = append(s.pieces, text[:k])
		text = text[k:]
	}
	f := framer{nc: s, limit: maxMessage, read: func() {}, ping: func() { pings++ }, pong: func() bool { return false }}
	for {
		fr, err := f.next()
		if err != nil {
			return fs, pings, err
		}
		fs = append(fs, fr)
		if len(fr.head)+len(fr.body) > 2*maxMessage {
			panic("a message beyond the limit")
		}
	}
}

// However a stream is cut, a good message is found if it comes after one that
// is framed, and nothing is read for ever.
func FuzzFraming(f *testing.F) {
	for _, b := range seeds(f) {
		f.Add(b, 1)
		f.Add(append(append([]byte("\r\n\r\n"), b...), b...), 7)
	}
	f.Add([]byte("MESSAGE sip:a@b SIP/2.0\r\nContent-Type: text/plain\r\n\r\nhelloSIP/2.0 200 OK\r\n\r\n"), 4)
	f.Add([]byte("MESSAGE sip:a@b SIP/2.0\r\nContent-Length: 70000\r\n\r\nhello"), 4)
	f.Fuzz(func(t *testing.T, text []byte, n int) {
		n = max(1, min(n, 4096))
		whole, _, _ := frames(text, 1<<20)
		pieces, _, _ := frames(text, n)
		for i := range min(len(whole), len(pieces)) { // resynchronising may differ by what had arrived
			if whole[i].fault != nil || pieces[i].fault != nil {
				break
			}
			if !bytes.Equal(whole[i].head, pieces[i].head) || !bytes.Equal(whole[i].body, pieces[i].body) {
				t.Fatalf("message %d differs", i)
			}
		}
	})
}

// A message that is understood can be written, and what was written is
// understood again as the same.
func FuzzMessage(f *testing.F) {
	for _, b := range seeds(f) {
		head, body, _ := strings.Cut(string(b), "\r\n\r\n")
		f.Add(strings.ReplaceAll(head, "\r\n", "\n"), []byte(body))
	}
	f.Fuzz(func(t *testing.T, head string, body []byte) {
		head = strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n"
		for _, fr := range []frame{{head: []byte(head), body: body}} {
			m, h, fault := parse(fr)
			if fault != nil {
				if r := h.refusal(fault); r != nil && !bytes.HasPrefix(r, []byte("SIP/2.0 ")) {
					t.Fatalf("refusal %q", r)
				}
				continue
			}
			_ = blanked(string(fr.head))
			again, err := marshal(m)
			if err != nil {
				t.Fatalf("%v\n%q", err, fr.head)
			}
			fs2, _, _ := frames(again, 1<<20)
			if len(fs2) != 1 {
				t.Fatalf("%d messages from %q", len(fs2), again)
			}
			m2, _, fault := parse(fs2[0])
			if fault != nil {
				t.Fatalf("%s\n%q\n%q", fault.reason, fr.head, again)
			}
			if a, b := identity(m), identity(m2); a != b {
				t.Fatalf("%q became %q", a, b)
			}
			handled(t, fr, m)
		}
	})
}

// handled gives a message to a connection and runs what it asks for.
func handled(t *testing.T, fr frame, m sip.Message) {
	c := newConn(&script{}, Options{Self: "alice@example.com", Handle: func(in *Incoming) {
		if d, err := in.Accept(Body{}); err == nil {
			_ = d.NewRequest("INFO", Body{})
			_ = d.request("ACK", 1)
		} else if err := in.Reply(200, "OK", Body{}); err != nil {
			t.Error(err)
		}
	}})
	defer c.Close()
	c.join(&subscription{conn: c, key: string(*m.CallID()) + " " + tag(m.To().Params), tag: tag(m.To().Params), wake: make(chan struct{}, 1),
		s: &Subscription{Event: "presence"}})
	c.received(fr)
	c.received(fr)
	for _, j := range c.in.take() {
		j.run()
	}
	if res, ok := m.(*sip.Response); ok {
		_ = statusError(res)
	}
}

// identity is what matching needs of a message.
func identity(m sip.Message) string {
	branch, _ := m.Via().Params.Get("branch")
	return string(*m.CallID()) + "|" + m.CSeq().Value() + "|" + tag(m.From().Params) + "|" + tag(m.To().Params) + "|" + branch + "|" + string(m.Body())
}
