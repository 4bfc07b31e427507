package sipconn

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"
)

// notify is a NOTIFY in the dialog of the SUBSCRIBE m.
func notify(m message, seq int, state, body string) string {
	return "NOTIFY sip:alice@10.0.0.2:40001 SIP/2.0\nVia: SIP/2.0/TCP 10.0.0.1;branch=z9hG4bKn" + m.get("Call-Id") + itoa(seq) +
		"\nFrom: <sip:bob@example.com>;tag=peer\nTo: " + m.get("From") + "\nCall-ID: " + m.get("Call-Id") + "\nCSeq: " + itoa(seq) +
		" NOTIFY\nContact: <sip:10.0.0.1;transport=tls>\nEvent: presence\nSubscription-State: " + state + "\n\n" + body
}

// watching starts Subscribe and collects what it hears.
type watching struct {
	heard  []string
	lapses int
	ok     int
	err    chan error
	stop   context.CancelFunc
}

func watch(t *testing.T, c *Conn, s Subscription) *watching {
	w := &watching{err: make(chan error, 1)}
	s.To, s.Event, s.Accept = "bob@example.com", "presence", []string{"application/pidf+xml", "text/xml"}
	s.Notify = func(r *sip.Request) { w.heard = append(w.heard, string(r.Body())) }
	s.Accepted = func(*sip.Response) { w.ok++ }
	s.Lapsed = func() { w.lapses++ }
	ctx, stop := context.WithCancel(t.Context())
	w.stop = stop
	t.Cleanup(stop)
	go func() { w.err <- c.Subscribe(ctx, s) }()
	return w
}

func TestSubscriptionInText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := rawPeer(t, user)
		w := watch(t, c, Subscription{Expires: time.Hour, Headers: []sip.Header{sip.NewHeader("Supported", "eventlist")}})
		begun := time.Now()
		m := p.expect("SUBSCRIBE sip:bob@example.com SIP/2.0")
		for name, want := range map[string]string{"Event": "presence", "Expires": "3600", "Accept": "application/pidf+xml, text/xml", "Supported": "eventlist", "Cseq": "1 SUBSCRIBE"} {
			if m.get(name) != want {
				t.Errorf("%s is %q", name, m.get(name))
			}
		}
		p.send(notify(m, 1, "active;expires=3600", "early")) // overtakes the 200
		p.expect("SIP/2.0 200")
		p.reply(m, "200 OK", "Expires: 600", "Contact: <sip:10.0.0.1;transport=tls>", "Record-Route: <sip:fe1.example.com;lr>")
		p.send(notify(m, 2, "active;expires=600", "next"))
		p.expect("SIP/2.0 200")
		p.send(notify(m, 1, "active", "old"))
		p.expect("SIP/2.0 500")
		p.send(strings.Replace(notify(m, 9, "active", "fork"), "tag=peer", "tag=fork", 1))
		p.expect("SIP/2.0 481")
		p.send(strings.Replace(notify(m, 10, "active", "other"), "Event: presence", "Event: dialog", 1))
		p.expect("SIP/2.0 489")

		m2 := p.expect("SUBSCRIBE sip:10.0.0.1;transport=tls SIP/2.0")
		if took := time.Since(begun); took > 540*time.Second || took < 500*time.Second {
			t.Errorf("refreshed after %v of 600 s", took)
		}
		if m2.get("Cseq") != "2 SUBSCRIBE" || m2.get("Call-Id") != m.get("Call-Id") || m2.get("Supported") != "eventlist" || !strings.Contains(m2.get("To"), "tag=peer") {
			t.Errorf("refresh is %v", m2.header)
		}
		p.reply(m2, "200 OK", "Expires: 600")
		synctest.Wait()
		w.stop()
		m3 := p.expect("SUBSCRIBE")
		if m3.get("Expires") != "0" || m3.get("Cseq") != "3 SUBSCRIBE" {
			t.Errorf("unsubscribed with %v", m3.header)
		}
		p.reply(m3, "200 OK", "Expires: 0")
		p.send(notify(m, 3, "terminated;reason=timeout", "last"))
		p.expect("SIP/2.0 200")
		if err := <-w.err; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if got := strings.Join(w.heard, ","); got != "early,next,last" || w.ok != 2 || w.lapses != 0 {
			t.Errorf("heard %q, %d times accepted, %d lapses", got, w.ok, w.lapses)
		}
		p.send(notify(m, 4, "active", "ghost"))
		p.expect("SIP/2.0 481")
	})
}

func TestSubscriptionThatMustStartAnew(t *testing.T) {
	for _, test := range []struct {
		name         string
		lapse        func(p *raw, m message)
		least, limit time.Duration
	}{
		{"481 to the refresh", func(p *raw, m message) { p.reply(p.expect("SUBSCRIBE"), "481 Gone") }, 0, time.Hour},
		{"refresh unanswered", func(p *raw, m message) { p.expect("SUBSCRIBE") }, 32 * time.Second, time.Hour},
		{"503 to the refresh", func(p *raw, m message) { p.reply(p.expect("SUBSCRIBE"), "503 Busy", "Retry-After: 100") }, 100 * time.Second, time.Hour},
		{"deactivated", func(p *raw, m message) {
			p.send(notify(m, 1, "terminated;reason=deactivated", ""))
			p.expect("SIP/2.0 200")
		}, 0, 10 * time.Second},
		{"probation", func(p *raw, m message) {
			p.send(notify(m, 1, "terminated;reason=probation;retry-after=60", ""))
			p.expect("SIP/2.0 200")
		}, time.Minute, time.Minute + time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p := rawPeer(t, user)
				w := watch(t, c, Subscription{Expires: time.Hour})
				m := p.expect("SUBSCRIBE")
				p.reply(m, "200 OK", "Expires: 600", "Contact: <sip:10.0.0.1>")
				synctest.Wait()
				begun := time.Now()
				test.lapse(p, m)
				m2 := p.expect("SUBSCRIBE sip:bob@example.com")
				if m2.get("Call-Id") == m.get("Call-Id") || strings.Contains(m2.get("To"), "tag=") {
					t.Errorf("in the old dialog: %v", m2.header)
				}
				if took := time.Since(begun); took < test.least || took > test.limit {
					t.Errorf("after %v", took)
				}
				p.reply(m2, "200 OK", "Expires: 600")
				synctest.Wait()
				if w.lapses != 1 || w.ok != 2 {
					t.Errorf("%d lapses, %d accepted", w.lapses, w.ok)
				}
				p.nc.Close()
				if err := <-w.err; !errors.Is(err, ErrLost) {
					t.Error(err)
				}
			})
		})
	}
}

func TestSubscriptionThatEnds(t *testing.T) {
	for _, test := range []struct {
		name  string
		end   func(p *raw, m message)
		check func(error) bool
	}{
		{"refused", func(p *raw, m message) { p.reply(m, "489 Bad Event") }, isStatus(489)},
		{"not available from the first", func(p *raw, m message) { p.reply(m, "503 Busy") }, isStatus(503)},
		{"rejected", func(p *raw, m message) {
			p.reply(m, "200 OK", "Expires: 600")
			p.send(notify(m, 1, "terminated;reason=rejected", ""))
			p.expect("SIP/2.0 200")
		}, func(err error) bool {
			var e *EndedError
			return errors.As(err, &e) && e.Reason == "rejected"
		}},
		{"connection lost", func(p *raw, m message) { p.nc.Close() }, func(err error) bool { return errors.Is(err, ErrLost) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p := rawPeer(t, user)
				w := watch(t, c, Subscription{Expires: time.Hour})
				test.end(p, p.expect("SUBSCRIBE"))
				if err := <-w.err; !test.check(err) {
					t.Errorf("%v (%T)", err, err)
				}
			})
		})
	}
}

func isStatus(code int) func(error) bool {
	return func(err error) bool {
		var s *StatusError
		return errors.As(err, &s) && s.Code == code
	}
}

func TestTooBriefAndFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := rawPeer(t, user)
		w := watch(t, c, Subscription{Expires: 10 * time.Second})
		p.reply(p.expect("SUBSCRIBE"), "423 Interval Too Brief", "Min-Expires: 60")
		if m := p.expect("SUBSCRIBE"); m.get("Expires") != "60" {
			t.Error(m.header)
		}
		w.stop()
		<-w.err

		f := watch(t, c, Subscription{})
		m := p.expect("SUBSCRIBE")
		if m.get("Expires") != "0" {
			t.Error(m.header)
		}
		p.reply(m, "200 OK", "Expires: 0")
		p.send(notify(m, 1, "terminated;reason=timeout", "state"))
		p.expect("SIP/2.0 200")
		if err := <-f.err; err != nil || strings.Join(f.heard, "") != "state" {
			t.Error(err, f.heard)
		}
	})
}

// A server's side of a subscription, and its end with the final NOTIFY.
func TestNotifier(t *testing.T) {
	made := make(chan *Dialog, 1)
	c, p := rawPeer(t, Options{Handle: func(in *Incoming) {
		d, err := in.Accept(Body{}, sip.NewHeader("Expires", "600"))
		if err != nil {
			t.Error(err)
		}
		made <- d
	}})
	p.send(ask("SUBSCRIBE", "s", "Event: presence", "Expires: 3600", "Contact: <sip:bob@10.0.0.1:5061>"))
	if m := p.expect("SIP/2.0 200"); m.get("Expires") != "600" || m.get("Contact") == "" {
		t.Error(m.header)
	}
	d := <-made
	for i, state := range []string{"active;expires=600", "terminated;reason=timeout"} {
		go func() { p.reply(p.expect("NOTIFY sip:bob@10.0.0.1:5061"), "200 OK") }()
		r := d.NewRequest("NOTIFY", Body{})
		r.AppendHeader(sip.NewHeader("Event", "presence"))
		r.AppendHeader(sip.NewHeader("Subscription-State", state))
		if _, err := c.Do(t.Context(), r, nil); err != nil {
			t.Fatal(err)
		}
		select {
		case <-d.Done():
			if i == 0 {
				t.Error("ended too early")
			}
		default:
			if i == 1 {
				t.Error("lives after the final NOTIFY")
			}
		}
	}
}
