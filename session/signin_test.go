package session

import (
	"context"
	"io"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The registration, in plain text: RFC 3261 §10 with Digest (RFC 2617 §3.5 for
// the response), RFC 5626 and RFC 5627. What stands in <> is chosen anew each time.
func TestRegisterInPlainText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		var all recorder
		blank := strings.NewReplacer("\r\n", "\n")
		random := regexp.MustCompile(`(branch=z9hG4bK|tag=|Call-ID: |uuid:|cnonce="|response="|User-Agent: )[^;"\n>]+`)
		n.listen["10.0.0.11:5060"] = func(p *peer) {
			for m := p.next(); m.text != ""; m = p.next() {
				all.add(random.ReplaceAllString(blank.Replace(m.text), "$1<>"))
				contact := m.header("Contact")
				switch {
				case m.method() != "REGISTER":
					p.reply(m, "489 Bad Event")
				case m.header("Authorization") == "":
					p.reply(m, "401 Unauthorized", `WWW-Authenticate: Digest realm="contoso.test", nonce="n1", qop="auth", algorithm=MD5`)
				default:
					gruu := ""
					if i := strings.Index(contact, "urn:uuid:"); i > 0 {
						gruu = `;pub-gruu="sip:anna@contoso.test;gr=` + contact[i:i+45] + `"`
					}
					p.reply(m, "200 OK", "Contact: <sip:anna@10.9.9.9:1;transport=tcp>;expires=7, "+contact+";expires=60"+gruu, "Require: outbound", "Flow-Timer: 25")
				}
			}
		}
		c := signedIn(t, n.options())
		time.Sleep(5 * time.Second)
		seen := all.get()
		want := []string{`REGISTER sip:contoso.test SIP/2.0
Via: SIP/2.0/TCP 10.0.0.1:40000;branch=z9hG4bK<>;rport
From: <sip:anna@contoso.test>;tag=<>
To: <sip:anna@contoso.test>
Call-ID: <>
CSeq: 1 REGISTER
Max-Forwards: 70
User-Agent: <>
Content-Length: 0
Contact: <sip:anna@10.0.0.1:40000;transport=tcp>;+sip.instance="<urn:uuid:<>>";reg-id=1
Expires: 1800
Supported: path, outbound, gruu, eventlist
Allow: ACK, BYE, CANCEL, INFO, INVITE, MESSAGE, NOTIFY, OPTIONS, UPDATE

`}
		want = append(want, strings.NewReplacer("CSeq: 1", "CSeq: 2", "UPDATE\n",
			"UPDATE\n"+`Authorization: Digest username="anna", realm="contoso.test", nonce="n1", uri="sip:contoso.test", response="<>", algorithm=MD5, qop=auth, nc=00000001, cnonce="<>"`+"\n").Replace(want[0]))
		for i, w := range want {
			if i >= len(seen) || seen[i] != w {
				t.Errorf("message %d:\n%s\nwant:\n%s", i, seen[min(i, len(seen)-1)], w)
			}
		}
		for _, m := range seen {
			if strings.HasPrefix(m, "SUBSCRIBE") && !strings.Contains(m, "Contact: <sip:anna@contoso.test;gr=urn:uuid:<>>") {
				t.Errorf("the public GRUU is not used as Contact:\n%s", m)
			}
		}
		before := len(seen)
		time.Sleep(50 * time.Second) // of the 60 granted
		seen = all.get()
		renewed := strings.Join(seen[before:], "")
		if !strings.Contains(renewed, "REGISTER sip:") || !strings.Contains(renewed, "Contact: <sip:anna@10.0.0.1:40000;transport=tcp>;+sip.instance") {
			t.Errorf("not renewed with the same contact:\n%s", renewed)
		}
		if strings.Count(renewed, "REGISTER sip:") != 1 {
			t.Errorf("the known nonce was not used unasked:\n%s", renewed)
		}
		before = len(seen)
		c.stop()
		seen = all.get()
		if last := strings.Join(seen[before:], ""); !strings.Contains(last, "REGISTER sip:") || !strings.Contains(last, "Expires: 0\n") || strings.Contains(last, "Contact: *") {
			t.Errorf("not signed out:\n%s", last)
		}
	})
}

// What comes from the server outside of dialogs gets a sane answer.
func TestAnswers(t *testing.T) {
	for method, want := range map[string]string{
		"OPTIONS": "200 OK", "INVITE": "488 Not Acceptable Here", "NOTIFY": "481 ", "BYE": "481 ", "SUBSCRIBE": "405 ", "REGISTER": "405 ", "FROBNICATE": "501 Not Implemented",
	} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t)
				answer := make(chan message, 1)
				n.listen["10.0.0.11:5060"] = func(p *peer) {
					for m := p.next(); m.text != ""; m = p.next() {
						switch {
						case m.method() == "REGISTER" && m.header("Expires") != "0":
							status, headers := accepting(m)
							p.reply(m, status, headers...)
							_, _ = io.WriteString(p, strings.ReplaceAll(method+` sip:anna@10.0.0.1:40000;transport=tcp SIP/2.0
Via: SIP/2.0/TCP 10.0.0.11:5060;branch=z9hG4bKserver1
From: <sip:bruno@contoso.test>;tag=b1
To: <sip:anna@contoso.test>
Call-ID: c1
CSeq: 1 `+method+`
Max-Forwards: 70
Contact: <sip:bruno@10.0.0.2>
Event: strange
Subscription-State: active
Content-Length: 0

`, "\n", "\r\n"))
						case strings.HasPrefix(m.text, "SIP/2.0 ") && !strings.HasPrefix(m.text, "SIP/2.0 1"):
							answer <- m
						case m.method() == "REGISTER":
							p.reply(m, "200 OK")
						case m.method() != "SIP/2.0":
							p.reply(m, "489 Bad Event")
						}
					}
				}
				signedIn(t, n.options())
				m := <-answer
				if !strings.HasPrefix(m.text, "SIP/2.0 "+want) {
					t.Errorf("%s", m.text)
				}
				if method == "OPTIONS" && (m.header("Allow") == "" || m.header("Accept") == "" || m.header("Supported") == "") {
					t.Errorf("%s", m.text)
				}
			})
		})
	}
}

// The first front end is of no use, each time in another way: signed in at the
// second before long.
func TestNextFrontEnd(t *testing.T) {
	for name, c := range map[string]struct {
		serve  func(*peer)
		within time.Duration
	}{
		"never answers":        {func(p *peer) { _, _ = io.Copy(io.Discard, p) }, registerTime},
		"closes at once":       {func(p *peer) {}, 0},
		"closes in the middle": {func(p *peer) { p.next(); _, _ = io.WriteString(p, "SIP/2.0 200 OK\r\nVia: SIP") }, 0},
		"garbage":              {func(p *peer) { p.next(); _, _ = io.WriteString(p, "HTTP/1.1 400 Bad Request\r\n\r\n<html>") }, registerTime},
		"503":                  {registrar(always("503 Service Unavailable", "Retry-After: 3600")), 0},
		"500":                  {registrar(always("500 Server Internal Error")), 0},
		"registers for 0 s":    {registrar(always("200 OK", "Expires: 0")), 0},
		"sends us on": {registrar(func(m message) (string, []string) {
			return "302 Moved", []string{"Contact: <sip:fe2.contoso.test:5060;transport=tcp>"}
		}), 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t)
				n.listen["10.0.0.11:5060"] = c.serve
				n.listen["10.0.0.12:5060"] = registrar(accepting)
				begin := time.Now()
				s := signedIn(t, n.options())
				if h := s.State().Target.Host; h != "fe2.contoso.test" {
					t.Errorf("at %s", h)
				}
				if d := time.Since(begin); d > c.within {
					t.Errorf("took %v", d)
				}
			})
		})
	}
}

// A server that has stopped answering does not hold up signing out.
func TestSignOutIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.listen["10.0.0.11:5060"] = func(p *peer) {
			m := p.next()
			status, headers := accepting(m)
			p.reply(m, status, headers...)
			_, _ = io.Copy(io.Discard, p)
		}
		c := signedIn(t, n.options())
		begin := time.Now()
		c.stop()
		if d := time.Since(begin); d > signOutTime {
			t.Errorf("took %v", d)
		}
	})
}

// A connection that is only apparently alive is noticed by the missing pong:
// within 15 s where the server says that it answers pings (RFC 5626).
func TestBlackHole(t *testing.T) {
	for name, c := range map[string]struct {
		header string
		within time.Duration
	}{
		"RFC 5626": {"Require: outbound", 15 * time.Second},
		"as timed": {"Flow-Timer: 25", 15 * time.Second},
		"older":    {"Allow: REGISTER", ping + 11*time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t)
				n.listen["10.0.0.11:5060"] = func(p *peer) {
					p.reply(p.next(), "200 OK", "Expires: 600", c.header)
					_, _ = io.Copy(io.Discard, p)
				}
				n.listen["10.0.0.12:5060"] = registrar(accepting)
				s := signedIn(t, n.options())
				begin := time.Now()
				for s.State().Target.Host != "fe2.contoso.test" {
					time.Sleep(time.Second)
					if time.Since(begin) > time.Minute {
						t.Fatal("never noticed")
					}
				}
				if d := time.Since(begin); d > c.within {
					t.Errorf("took %v", d)
				}
			})
		})
	}
}

// After a change of the network a silent connection is asked at once.
func TestNetworkChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		var pings recorder
		n.listen["10.0.0.11:5060"] = func(p *peer) {
			p.pinged = func() { pings.add("ping") }
			for m := p.next(); m.text != ""; m = p.next() {
				p.reply(m, "200 OK", "Expires: 600")
			}
		}
		c := signedIn(t, n.options())
		conn, err := c.line.Conn()
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		conn.Probe()
		time.Sleep(5 * time.Second)
		if got := len(pings.get()); got != 1 || conn.Err() != nil {
			t.Errorf("%d pings, %v", got, conn.Err())
		}
		c.networkChanged() // its own address, 10.0.0.1, is not this computer's
		if err := c.SignedIn(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if now, _ := c.line.Conn(); now == conn || conn.Err() == nil {
			t.Error("the dead connection was kept")
		}
	})
}

// A server that takes us and drops us, again and again, is not run over.
func TestFlapping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		drop := func(p *peer) {
			m := p.next()
			p.reply(m, "200 OK", "Expires: 600")
			time.Sleep(100 * time.Millisecond)
		}
		n.listen["10.0.0.11:5060"], n.listen["10.0.0.12:5060"] = drop, drop
		run(t, n.options())
		time.Sleep(10 * time.Minute)
		n.mu.Lock()
		defer n.mu.Unlock()
		if got := len(n.dialed); got < 8 || got > 20 {
			t.Errorf("%d times in ten minutes: %v", got, n.dialed)
		}
	})
}

// RFC 5626 §4.4.1: a server may want signs of life more often.
func TestFlowTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		var pings recorder
		n.listen["10.0.0.11:5060"] = func(p *peer) {
			p.pinged = func() { pings.add("ping") }
			for m := p.next(); m.text != ""; m = p.next() {
				p.reply(m, "200 OK", "Expires: 600", "Flow-Timer: 3")
			}
		}
		signedIn(t, n.options())
		time.Sleep(81 * time.Second)
		if got := len(pings.get()); got < 30 || got > 36 {
			t.Errorf("%d pings in 80 s", got)
		}
	})
}

// Where a redirect does not lead.
func TestRedirects(t *testing.T) {
	for name, c := range map[string]struct{ fe1, fe2, want string }{
		"round in a circle": {"<sip:fe2.contoso.test:5060;transport=tcp>", "<sip:fe1.contoso.test:5060;transport=tcp>", "circle"},
		"to itself":         {"<sip:fe1.contoso.test:5060;transport=tcp>", "", "circle"},
		"elsewhere":         {"<sip:sip.evil.test:5060;transport=tcp>", "", "sip.evil.test"},
		"nowhere":           {"", "", "names no address"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t)
				n.zone = append(n.zone[:1], n.zone[2:]...) // only fe1 is announced
				send := func(contact string) func(*peer) {
					return registrar(func(message) (string, []string) {
						if contact == "" {
							return "302 Moved Temporarily", nil
						}
						return "302 Moved Temporarily", []string{"Contact: " + contact}
					})
				}
				n.listen["10.0.0.11:5060"], n.listen["10.0.0.12:5060"] = send(c.fe1), send(c.fe2)
				s := run(t, n.options())
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
				defer cancel()
				err := s.SignedIn(ctx)
				if err == nil || !strings.Contains(err.Error(), c.want) {
					// A person must see where it went wrong.
					t.Errorf("%v", err)
				}
				synctest.Wait()
				for _, d := range n.dialed {
					if !strings.Contains(d, "10.0.0.1") {
						t.Errorf("dialled %s", d)
					}
				}
			})
		})
	}
}

// Refusals carry the server's reason and are not repeated.
func TestRefusals(t *testing.T) {
	for status, want := range map[string]string{
		"403 Version Not Allowed": "Version Not Allowed",
		"404 Not Found":           "does not know anna@contoso.test",
		"406 Nothing For You":     "406 Nothing For You",
		"603 Decline":             "603 Decline",
	} {
		t.Run(status, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t)
				n.listen["10.0.0.11:5060"] = registrar(always(status))
				c := run(t, n.options())
				err := c.SignedIn(t.Context())
				if e, ok := err.(*SignInError); !ok || !strings.Contains(e.Why, want) || e.Remedy == "" || e.What == "" {
					t.Errorf("%T %v", err, err)
				}
				time.Sleep(time.Hour)
				synctest.Wait()
				if len(n.dialed) != 1 {
					t.Errorf("dialled %v", n.dialed)
				}
			})
		})
	}
}

// RFC 3261 §10.2.8: a registration that is too brief is asked for again.
func TestIntervalTooBrief(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.listen["10.0.0.11:5060"] = registrar(func(m message) (string, []string) {
			if m.header("Expires") == "600" {
				return "423 Interval Too Brief", []string{"Min-Expires: 1800"}
			}
			return "200 OK", []string{"Expires: " + m.header("Expires")}
		})
		c := signedIn(t, n.options())
		time.Sleep(20 * time.Minute)
		if n := len(c.requests()); c.State().Phase != SignedIn || n > 8 {
			t.Errorf("%d requests: %v", n, c.requests())
		}
	})
}

// A person may take his time over the password.
func TestSlowPassword(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.listen["10.0.0.11:5060"] = registrar(func(m message) (string, []string) {
			if m.header("Authorization") == "" {
				return "401 Unauthorized", []string{`WWW-Authenticate: Digest realm="contoso.test", nonce="n1", qop="auth"`}
			}
			return accepting(m)
		})
		o := n.options()
		asked := 0
		o.Password = func() (string, error) {
			asked++
			time.Sleep(45 * time.Second)
			return "secret", nil
		}
		c := signedIn(t, o)
		if st := c.State(); st.Target.Host != "fe1.contoso.test" || asked != 1 {
			t.Errorf("%+v, asked %d times", st, asked)
		}
	})
}
