package im

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
)

// Messages of who is blocked are refused and leave no trace; a copy that a
// server kept is taken from it, or it would come again at each sign-in.
func TestRefuse(t *testing.T) {
	for _, c := range []struct{ what, contentType, header, status string }{
		{"message", "text/plain", "", "603 Decline"},
		{"typing", "application/im-iscomposing+xml", "", "603 Decline"},
		{"picture", "image/png", "", "603 Decline"},
		{"kept for days", "text/plain", "Date: Sat, 13 Nov 2010 23:29:00 GMT", "200 OK"},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRecord()
			r.o.Refuse = func(from string) (int, string) {
				if from != "bob@contoso.test" {
					t.Errorf("asked about %q", from)
				}
				return 603, "Decline"
			}
			p := connect(t, r.line, r.Book)
			var h []string
			if c.header != "" {
				h = []string{c.header}
			}
			p.send(incoming("1@x", c.contentType, "hello", h...))
			if m := p.next(); m.start != "SIP/2.0 "+c.status {
				t.Errorf("%s: %s", c.what, m.start)
			}
			synctest.Wait()
			if len(r.events) > 0 || len(r.Conversations()) > 0 {
				t.Errorf("%s: something is shown", c.what)
			}
		})
	}
}

// A refusal of another organisation is said in words, with the server's reason.
func TestExplain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		r.o.Explain = func(to string, code int) string {
			if code == 404 {
				return "fabrikam.test knows nobody called " + to
			}
			return ""
		}
		p := connect(t, r.line, r.Book)
		for status, want := range map[string]string{"404 Not Found": "fabrikam.test knows nobody called bob@fabrikam.test (Not Found)", "486 Busy Here": "Busy Here"} {
			done := sent(t.Context(), r.With("bob@fabrikam.test"), "hello")
			m := p.next()
			p.answer(m, status)
			if d := (<-done).Delivered[0]; d.Reason != want {
				t.Errorf("%s: %q", status, d.Reason)
			}
		}
	})
}

// What a filter refuses says so, and is not sent again: only a refusal with a
// text of the server's is the filter's.
func TestBlockedByAFilter(t *testing.T) {
	for _, c := range []struct {
		status, warning, reason string
		blocked                 bool
	}{
		{"606 Not Acceptable", `Warning: 399 fe1.contoso.test "links are not allowed"`, "links are not allowed", true},
		{"403 Forbidden", `Warning: 399 fe1.contoso.test "the word \"merger\" is not allowed"`, `the word "merger" is not allowed`, true},
		{"488 Not Acceptable Here", "Warning: 399 contoso \"no files\"\r\nms-diagnostics: 1;reason=\"File transfer is off\"", "File transfer is off", true},
		{"606 Not Acceptable", "", "Not Acceptable", false},
		{"403 Forbidden", `ms-diagnostics: 4033;reason="Not allowed to write to her"`, "Not allowed to write to her", false},
		{"480 Not Here", `Warning: 399 fe1 "too many messages wait"`, "too many messages wait", false},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRecord()
			r.o.Explain = func(string, int) string { return "" }
			p := connect(t, r.line, r.Book)
			talk := r.With("bob@contoso.test")
			done := sent(t.Context(), talk, "see http://example.com")
			var h []string
			if c.warning != "" {
				h = strings.Split(c.warning, "\r\n")
			}
			p.answer(p.next(), c.status, h...)
			m := <-done
			if d := m.Delivered[0]; d.State != Failed || d.Blocked != c.blocked || d.Reason != c.reason || m.Text != "see http://example.com" {
				t.Errorf("%s: %+v", c.status, d)
			}
			again := make(chan Message, 1)
			go func() {
				m, _ := talk.Again(t.Context(), m.ID)
				again <- m
			}()
			synctest.Wait()
			if c.blocked {
				p.quiet()
			} else {
				p.answer(p.next(), "200 OK")
			}
			if d := (<-again).Delivered[0]; d.Blocked != c.blocked || (d.State == Delivered) == c.blocked {
				t.Errorf("%s, again: %+v", c.status, d)
			}
		})
	}
}

// A line that comes in while its conversation is admitted belongs to it: it is no
// request, and what was admitted does not wait, and is not told of, once more.
func TestAdmittedWhileALineComesIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		r.o.Stranger = func(_, _ string) bool { return true }
		p := connect(t, r.line, r.Book)
		r.o.Store.Keep = func(m Message) (bool, error) {
			if m.Text == "two" { // the contact list has been read just now
				r.Admit("bob@contoso.test")
			}
			return false, nil
		}
		for i, text := range []string{"one", "two"} {
			p.send(incoming(fmt.Sprint(i), "text/plain", text))
			p.next()
			if e, _ := r.next(t).(Received); e.Message.Text != text || e.Message.Request != (text == "one") {
				t.Errorf("%+v", e)
			}
		}
		if again := r.Admit("bob@contoso.test"); again != nil {
			t.Errorf("waits again: %+v", again)
		}
	})
}
