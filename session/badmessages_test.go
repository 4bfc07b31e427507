package session

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"communicator/im"
)

// Messages that no client should send: what is shown of each, how it is answered,
// and that the connection and the next message do not suffer.
func TestBadMessages(t *testing.T) {
	date := func(d time.Duration) string {
		return "Date: " + time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(d).Format("Mon, 02 Jan 2006 15:04:05 GMT")
	}
	for _, c := range []struct{ what, text, header, status, shown string }{
		{"empty", "", "X: y", "200", ""},
		{"a megabyte", strings.Repeat("x", 1<<20), "X: y", "513", ""},
		{"invalid UTF-8", "Gr\xc3\x28\xff", "X: y", "200", "GrÃ(ÿ"},
		{"zero bytes", "a\x00b\x00", "X: y", "200", "ab"},
		{"only zero bytes", "\x00\x00", "X: y", "415", ""},
		{"turned round", "invoice\u202efdp.exe\u2066", "X: y", "200", "invoicefdp.exe"},
		{"many marks", "Z" + strings.Repeat("\u0335", 30000), "X: y", "200", "Z" + strings.Repeat("\u0335", 8)},
		{"terminal escapes", "\x1b]0;title\x07\x1b[2Jred", "X: y", "200", "]0;title[2Jred"},
		{"a clock that is a year late", "old", date(-365 * 24 * time.Hour), "200", "old"},
		{"a clock that is a year early", "new", date(365 * 24 * time.Hour), "200", "new"},
		{"no date at all", "when?", "Date: yesterday", "200", "when?"},
		{"the mark of a store in the middle of nowhere", "[Offline message - now] hi", "X: y", "200", "[Offline message - now] hi"},
		{"somebody else asserted", "it is the boss", "P-Asserted-Identity: <sip:boss@contoso.test>", "200", "it is the boss"},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork(t)
			d := newDoor(t, n)
			a := signedIn(t, n.options())
			if m := d.message("bruno@contoso.test", c.text, c.header); !strings.HasPrefix(m.text, "SIP/2.0 "+c.status+" ") {
				t.Errorf("%s: %s", c.what, m.text)
			}
			switch e := got[im.Received](a); {
			case c.shown == "" && len(e) > 0, c.shown != "" && len(e) != 1:
				t.Errorf("%s: %d shown", c.what, len(e))
			case c.shown != "":
				m := e[0].Message
				if m.Text != c.shown || !utf8.ValidString(m.Text) || m.From != "bruno@contoso.test" || time.Since(m.Time).Abs() > time.Minute || m.Stored {
					t.Errorf("%s: %+q from %s of %v, stored %t", c.what, m.Text, m.From, m.Time, m.Stored)
				}
			}
			d.message("bruno@contoso.test", "still there?")
			if e := got[im.Received](a); len(e) == 0 || e[len(e)-1].Message.Text != "still there?" {
				t.Errorf("%s: nothing came after it", c.what)
			}
		})
	}
}

// As fast as the line goes: a thousand messages each way between contacts, and
// none is refused.
func TestAThousandBothWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		d := newDoor(t, n)
		a := signedIn(t, n.options())
		if _, err := a.IM.With("bruno@contoso.test").Send(t.Context(), "ready?"); err != nil {
			t.Fatal(err)
		}
		for i := range 1000 {
			if m := d.message("bruno@contoso.test", fmt.Sprint("line ", i)); !strings.HasPrefix(m.text, "SIP/2.0 200 ") {
				t.Fatalf("line %d: %s", i, m.text)
			}
			if m, err := a.IM.With("bruno@contoso.test").Send(t.Context(), fmt.Sprint("back ", i)); err != nil || m.Delivered[0].State != im.Delivered {
				t.Fatalf("back %d: %+v, %v", i, m, err)
			}
		}
	})
}
