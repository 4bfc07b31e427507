package sipconn

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"
)

// answers counts, by status, what a peer that reads everything is answered, until
// the response with the Call-ID "last".
func (p *raw) answers() chan map[string]int {
	counted := make(chan map[string]int, 1)
	go func() {
		n := map[string]int{}
		for {
			m := p.next()
			n[strings.TrimPrefix(m.start, "SIP/2.0 ")[:3]]++
			if m.get("Call-Id") == "last" {
				counted <- n
				return
			}
		}
	}()
	return counted
}

// used is the memory in use, in bytes, and the goroutines that run.
func used() (uint64, int) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc, runtime.NumGoroutine()
}

// Floods of whatever kind, from a peer that reads the answers: each request is
// answered, the next good one as well, and nothing is kept of them.
func TestFloods(t *testing.T) {
	const many = 20000
	for _, test := range []struct {
		name string
		text func(i int) string
		want []string // the statuses that answer it
	}{
		{"requests", func(i int) string { return good(fmt.Sprint(i)) }, []string{"200", "503"}},
		{"requests without a handler for them", func(i int) string { return wire(ask("FOO", fmt.Sprint(i))) }, []string{"200", "503"}},
		{"calls that are cancelled", func(i int) string {
			return wire(ask("INVITE", fmt.Sprint(i), "Contact: <sip:bob@10.0.0.1>")) + wire(ask("CANCEL", fmt.Sprint(i))) + wire(ask("ACK", fmt.Sprint(i)))
		}, []string{"200", "487", "503", "481"}},
		{"CANCEL of nothing", func(i int) string { return wire(ask("CANCEL", fmt.Sprint(i))) }, []string{"481"}},
		{"ACK of nothing", func(i int) string { return wire(ask("ACK", fmt.Sprint(i))) }, nil},
		{"responses to nothing", func(i int) string {
			return wire(fmt.Sprintf("SIP/2.0 200 OK\nVia: SIP/2.0/TCP 10.0.0.2;branch=z9hG4bK%d\nFrom: <sip:a@b>;tag=1\nTo: <sip:a@b>;tag=2\nCall-ID: %d\nCSeq: 1 INVITE\n\n", i, i))
		}, nil},
		{"NOTIFY in no dialog", func(i int) string {
			return strings.Replace(wire(ask("NOTIFY", fmt.Sprint(i), "Event: presence", "Subscription-State: active")), "<sip:alice@example.com>\r\n", "<sip:alice@example.com>;tag=none\r\n", 1)
		}, []string{"481", "503"}},
		{"bad messages", func(i int) string { return "MESSAGE sip:a@b SIP/2.0\r\n\r\n" }, nil},
		{"keep-alives", func(i int) string { return "\r\n\r\n" }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := user
			o.Handle = ok
			c, p := rawPeer(t, o)
			before, running := used()
			counted := p.answers()
			for i := range many {
				p.write(test.text(i))
			}
			p.write(good("last"))
			n := <-counted
			for status := range n {
				if !strings.Contains(strings.Join(append(test.want, "200", "503"), " "), status) {
					t.Errorf("answers: %v", n)
				}
			}
			if c.Err() != nil {
				t.Errorf("the connection has ended: %v", c.Err())
			}
			after, now := used()
			c.mu.Lock()
			servers := len(c.servers)
			c.mu.Unlock()
			if kept := int64(after) - int64(before); kept > 40<<20 || now > running+20 || servers > 4*maxPending {
				t.Errorf("%d MiB, %d more goroutines and %d transactions are kept", kept>>20, now-running, servers)
			}
		})
	}
}

// A server that never stops notifying does not stop what we ask of it, and of
// what is not for the subscription nothing is believed.
func TestNotifyFlood(t *testing.T) {
	c, p := rawPeer(t, user)
	w := watch(t, c, Subscription{Expires: time.Hour})
	m := p.expect("SUBSCRIBE sip:bob@example.com SIP/2.0")
	p.reply(m, "200 OK", "Expires: 600", "Contact: <sip:10.0.0.1;transport=tls>")
	go func() {
		for i := range 1000 {
			p.send(notify(m, i+1, "active;expires=600", "state"))
		}
		p.send(strings.Replace(notify(m, 1001, "terminated;reason=rejected", "from a fork"), "tag=peer", "tag=other", 1))
		p.send(strings.Replace(notify(m, 1002, "terminated;reason=rejected", "of something else"), "Event: presence", "Event: reg", 1))
		p.send(strings.Replace(strings.Replace(notify(m, 1003, "active", ""), " NOTIFY\n", " BYE\n", 1), "NOTIFY sip", "BYE sip", 1))
		p.send(notify(m, 1004, "active;expires=99999999999", "last"))
	}()
	done := make(chan error, 1)
	go func() {
		r, _ := c.NewRequest("MESSAGE", "bob@example.com", Text("still there?"))
		_, err := c.Do(t.Context(), r, nil)
		done <- err
	}()
	refused := map[string]int{}
	for answered := 0; answered < 1004; {
		switch a := p.next(); {
		case strings.HasPrefix(a.start, "MESSAGE "):
			p.reply(a, "200 OK")
		case strings.HasPrefix(a.start, "SIP/2.0 200"):
			answered++
		default:
			answered++
			refused[a.start[8:11]+" "+a.get("Cseq")]++
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if len(refused) != 3 || refused["481 1001 NOTIFY"] != 1 || refused["489 1002 NOTIFY"] != 1 || refused["481 1003 BYE"] != 1 {
		t.Errorf("refused: %v", refused)
	}
	w.stop()
	m = p.expect("SUBSCRIBE ")
	p.reply(m, "481 No")
	if <-w.err; len(w.heard) != 1001 || w.heard[1000] != "last" {
		t.Errorf("heard %d", len(w.heard))
	}
}

// How often a server hears of one subscription in an hour that it never lets be.
func TestSubscriptionsThatNeverHold(t *testing.T) {
	for name, c := range map[string]struct {
		status  string
		headers []string
		state   string // of a NOTIFY after the 2xx; empty: none
		most    int
	}{
		"granted for no time":     {"200 OK", []string{"Expires: 0"}, "", 25},
		"granted for a second":    {"200 OK", []string{"Expires: 1"}, "", 3700},
		"granted for ever":        {"200 OK", []string{"Expires: 99999999999999"}, "", 2},
		"ended at once":           {"200 OK", []string{"Expires: 600"}, "terminated;reason=deactivated", 25},
		"ended without a reason":  {"200 OK", []string{"Expires: 600"}, "terminated", 25},
		"unknown again and again": {"481 Gone", nil, "", 25},
		"a little longer":         {"423 Interval Too Brief", []string{"Min-Expires: longer"}, "", 25},
		"sent elsewhere":          {"302 Moved", []string{"Contact: <sip:bob@example.com>"}, "", 1},
		"only 100":                {"100 Trying", nil, "", 60},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn, p := rawPeer(t, user)
				w := watch(t, conn, Subscription{Expires: 10 * time.Minute})
				asked := 0
				go func() {
					for {
						m, err := p.read()
						if err != nil {
							return
						}
						if !strings.HasPrefix(m.start, "SUBSCRIBE ") {
							continue
						}
						asked++
						headers := append([]string{"Contact: <sip:10.0.0.1;transport=tls>"}, c.headers...)
						for i := range headers {
							headers[i] = strings.Replace(headers[i], "longer", itoa(600+asked), 1)
						}
						p.reply(m, c.status, headers...)
						if c.state != "" {
							p.send(notify(m, 1, c.state, ""))
						}
					}
				}()
				time.Sleep(time.Hour)
				synctest.Wait()
				if asked > c.most || asked == 0 {
					t.Errorf("asked %d times in an hour", asked)
				}
				_ = conn.Close()
				<-conn.Done()
				if name != "sent elsewhere" {
					<-w.err
				}
			})
		})
	}
}

// A 302 within a dialog is an answer like any other: it leads nowhere.
func TestRedirectInADialog(t *testing.T) {
	c, p := rawPeer(t, user)
	go func() {
		m := p.expect("INVITE ")
		p.reply(m, "200 OK", "Contact: <sip:10.0.0.1;transport=tls>")
		p.expect("ACK ")
		m = p.expect("INFO ")
		p.reply(m, "302 Moved", "Contact: <sip:evil.example.org>")
		m = p.expect("BYE sip:10.0.0.1;transport=tls")
		p.reply(m, "302 Moved", "Contact: <sip:evil.example.org>")
	}()
	d, err := c.Invite(t.Context(), "bob@example.com", sdp, func(*sip.Response) {})
	if err != nil {
		t.Fatal(err)
	}
	if res, err := d.Do(t.Context(), "INFO", Body{}); res == nil || res.StatusCode != 302 || err == nil {
		t.Errorf("%v %v", res, err)
	}
	if err := d.Bye(t.Context()); err == nil {
		t.Error("no error")
	}
	<-d.Done()
}
