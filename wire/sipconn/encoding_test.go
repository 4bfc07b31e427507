package sipconn

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func gzipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.String()
}

func deflated(text string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.String()
}

// encoded is a request with a body in a coding.
func encoded(coding, body string) string {
	head := ask("MESSAGE", coding)
	return strings.TrimSuffix(head, "\n\n") + fmt.Sprintf("\nContent-Encoding: %s\nContent-Length: %d\n\n", coding, len(body))
}

func TestContentEncoding(t *testing.T) {
	for _, c := range []struct{ coding, body, want, left string }{
		{"gzip", gzipped("hello"), "hello", ""},
		{"deflate", deflated("hello"), "hello", ""},
		{"GZIP", gzipped("hello"), "hello", ""},
		{"identity", "hello", "hello", ""},
		{"br", "hello", "hello", "br"},
		{"gzip", "hello", "hello", "gzip"},
		{"gzip", gzipped("hello")[:12], gzipped("hello")[:12], "gzip"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var body, left string
			o := user
			o.Handle = func(in *Incoming) {
				body = string(in.Request.Body())
				if h := in.Request.GetHeader("Content-Encoding"); h != nil {
					left = h.Value()
				}
				_ = in.Reply(200, "OK", Body{})
			}
			_, p := rawPeer(t, o)
			p.write(strings.ReplaceAll(encoded(c.coding, c.body), "\n", "\r\n") + c.body)
			p.expect("SIP/2.0 200")
			if body != c.want || left != c.left {
				t.Errorf("%s: got %q, still %q", c.coding, body, left)
			}
		})
	}
}

// A few bytes that would become 100 MB do not; the connection goes on.
func TestContentEncodingTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := user
		o.MaxMessage = 1 << 20
		handled := 0
		o.Handle = func(in *Incoming) { handled++; _ = in.Reply(200, "OK", Body{}) }
		_, p := rawPeer(t, o)
		bomb := gzipped(strings.Repeat("x", 100<<20))
		p.write(strings.ReplaceAll(encoded("gzip", bomb), "\n", "\r\n") + bomb)
		p.expect("SIP/2.0 413")
		p.send(ask("OPTIONS", "2"))
		p.expect("SIP/2.0 200")
		if handled != 1 {
			t.Errorf("%d requests reached the handler", handled)
		}
	})
}

// A server passes on what it is given.
func TestContentEncodingAtServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got string
		_, p := rawPeer(t, Options{Handle: func(in *Incoming) {
			got = in.Request.GetHeader("Content-Encoding").Value() + string(in.Request.Body())
			_ = in.Reply(200, "OK", Body{})
		}})
		p.write(strings.ReplaceAll(encoded("gzip", gzipped("hello")), "\n", "\r\n") + gzipped("hello"))
		p.expect("SIP/2.0 200")
		if got != "gzip"+gzipped("hello") {
			t.Errorf("got %q", got)
		}
	})
}

// RFC 5839: what we have is not sent again; what we have not is.
func TestSuppressedNotify(t *testing.T) {
	tagged := func(m message, seq int, tag string) string {
		return strings.Replace(notify(m, seq, "active;expires=600", "state"), "\nEvent:", "\nSIP-ETag: "+tag+"\nEvent:", 1)
	}
	synctest.Test(t, func(t *testing.T) {
		c, p := rawPeer(t, user)
		anew := make(chan struct{}, 1)
		w := watch(t, c, Subscription{Expires: time.Hour, Refresh: anew})
		m := p.expect("SUBSCRIBE")
		if m.get("Suppress-If-Match") != "" || m.get("Accept-Encoding") != "gzip, deflate" {
			t.Errorf("the first asks for everything: %v", m.header)
		}
		p.reply(m, "200 OK", "Expires: 600", "Contact: <sip:10.0.0.1;transport=tls>")
		refresh := func(want string) {
			t.Helper()
			r := p.expect("SUBSCRIBE")
			if got := r.get("Suppress-If-Match"); got != want {
				t.Errorf("Suppress-If-Match %q, want %q", got, want)
			}
			p.reply(r, "204 No Notification", "Expires: 600")
			synctest.Wait()
		}
		say := func(seq int, tag string) {
			t.Helper()
			p.send(tagged(m, seq, tag))
			p.expect("SIP/2.0 200")
		}
		say(7, "a1")
		refresh("a1")
		say(8, "a2")
		refresh("a2")
		refresh("a2")
		say(10, "a4") // 9 never came
		refresh("")
		say(11, "a5")
		anew <- struct{}{} // everything is wanted
		refresh("")
		if w.ok != 1 || w.lapses != 0 || len(w.heard) != 4 {
			t.Errorf("accepted %d times, lapsed %d, heard %q", w.ok, w.lapses, w.heard)
		}
	})
}

func FuzzContentEncoding(f *testing.F) {
	f.Add("gzip", []byte(gzipped("hello")))
	f.Add("deflate", []byte(deflated("hello")))
	f.Add("deflate", []byte("x\x9cK\xcb")) // linphone 5.1, cut off
	f.Fuzz(func(t *testing.T, coding string, body []byte) {
		if text, _ := decoded(coding, body); len(text) > maxDecoded+1 && len(text) > len(body) {
			t.Errorf("%d bytes", len(text))
		}
	})
}
