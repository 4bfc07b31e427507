package session

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"communicator/contacts"
	"communicator/im"
	"communicator/lab"
	"communicator/presence"
)

// Who is blocked sees nothing and reaches nobody, at all clients of the user, and
// nobody notices; after that he does again.
func TestBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{})
		anna, boss := co.Newcomer(), co.People()[0]
		a, b := signedIn(t, options(co, anna)), signedIn(t, options(co, boss))
		watch := func() presence.State {
			if err := b.Presence.Watch(t.Context(), anna.User); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Minute)
			return b.Presence.Of(anna.User)
		}
		write := func() im.Delivery {
			m, err := b.IM.With(anna.User).Send(t.Context(), "hello")
			if err != nil {
				t.Fatal(err)
			}
			return m.Delivered[0]
		}
		if _, err := a.Presence.Set(t.Context(), presence.State{Availability: presence.Busy, Note: "In Lyon"}); err != nil {
			t.Fatal(err)
		}
		if p := watch(); p.Note != "In Lyon" {
			t.Fatalf("at first %+v", p)
		}
		if err := a.Contacts.SetAccess(t.Context(), boss.User, contacts.Block); err != nil {
			t.Fatal(err)
		}
		laptop := signedIn(t, options(co, anna))
		time.Sleep(time.Minute)
		if got := laptop.Contacts.Blocked(); len(got) != 1 || got[0] != boss.User || !laptop.Contacts.RulesOnServer() {
			t.Errorf("blocked at the laptop: %v", got)
		}
		if p := watch(); !p.Old && p.Availability != presence.Unknown { // at most what was seen before, as old
			t.Errorf("who is blocked sees %+v", p)
		}
		if d := write(); d.State != im.Failed || d.Code != 603 {
			t.Errorf("who is blocked writes: %+v", d)
		}
		if n := len(got[im.Received](a)) + len(got[im.Received](laptop)); n != 0 {
			t.Errorf("%d messages came through", n)
		}
		if a.Contacts.AccessOf(co.People()[3].User) != contacts.Allow {
			t.Error("somebody else is not allowed any more")
		}
		if err := laptop.Contacts.SetAccess(t.Context(), boss.User, contacts.Undecided); err != nil {
			t.Fatal(err)
		}
		time.Sleep(readEvery + time.Minute)
		if p := watch(); p.Note != "In Lyon" {
			t.Errorf("afterwards %+v", p)
		}
		if d := write(); d.State != im.Delivered {
			t.Errorf("afterwards: %+v", d)
		}
	})
}

// Who was blocked is refused from the first moment on, before the server's rules
// have been read: calls, and the question whether somebody is there, too.
func TestBlockedFromTheStart(t *testing.T) {
	for method, want := range map[string]string{"INVITE": "603 Decline", "OPTIONS": "603 Decline", "MESSAGE": "603 Decline", "BYE": "481 "} {
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork(t)
			o := n.options()
			o.Dir = t.TempDir()
			n.listen["10.0.0.11:5060"] = registrar(accepting)
			before := signedIn(t, o)
			synctest.Wait() // the rules have been read
			if err := before.Contacts.SetAccess(t.Context(), "bruno@contoso.test", contacts.Block); err != nil {
				t.Fatal(err)
			}
			before.stop()
			answer := make(chan message, 1)
			n.listen["10.0.0.11:5060"] = func(p *peer) {
				for m := p.next(); m.text != ""; m = p.next() {
					switch {
					case m.method() == "REGISTER" && m.header("Expires") != "0":
						status, headers := accepting(m)
						p.reply(m, status, headers...)
						_, _ = io.WriteString(p, strings.ReplaceAll(method+` sip:anna@10.0.0.1:40000;transport=tcp SIP/2.0
Via: SIP/2.0/TCP 10.0.0.11:5060;branch=z9hG4bKserver1
From: <sip:%62runo@Contoso.test>;tag=b1
To: <sip:anna@contoso.test>
Call-ID: c1
CSeq: 1 `+method+`
Max-Forwards: 70
Contact: <sip:bruno@10.0.0.2>
Content-Type: text/plain
Content-Length: 2

hi`, "\n", "\r\n"))
					case strings.HasPrefix(m.text, "SIP/2.0 ") && !strings.HasPrefix(m.text, "SIP/2.0 1"):
						answer <- m
					case m.method() == "REGISTER":
						p.reply(m, "200 OK")
					case m.method() != "SIP/2.0":
						p.reply(m, "489 Bad Event")
					}
				}
			}
			signedIn(t, o)
			if m := <-answer; !strings.HasPrefix(m.text, "SIP/2.0 "+want) {
				t.Errorf("%s: %s", method, m.text)
			}
		})
	}
}

// Of somebody who wants to watch the user is asked once, and not after he has
// decided.
func TestWatcherAsksOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{})
		c := signedIn(t, options(co, co.Newcomer()))
		time.Sleep(time.Minute)
		c.Contacts.watcher("erin@fabrikam.test", "Erin", "pending")
		c.Contacts.watcher("erin@fabrikam.test", "Erin", "waiting")
		c.Contacts.watcher("frank@fabrikam.test", "", "active")
		if asks := got[WatcherAsks](c); len(asks) != 1 || asks[0] != (WatcherAsks{"erin@fabrikam.test", "Erin"}) {
			t.Errorf("asked: %+v", asks)
		}
		if err := c.Contacts.SetAccess(t.Context(), "gus@fabrikam.test", contacts.Polite); err != nil {
			t.Fatal(err)
		}
		c.Contacts.watcher("gus@fabrikam.test", "", "pending")
		if asks := got[WatcherAsks](c); len(asks) != 1 {
			t.Errorf("asked again: %+v", asks)
		}
	})
}
