package simple

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"communicator/wire/pidf"
)

func TestGapInVersions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, p := started(t, Options{XCAP: "https://x", HTTP: (&store{docs: map[string]string{}}).client()})
		watch(t, r, "bob@contoso.test", "carol@contoso.test")
		m := p.next()
		p.subscribed(m, "Require: eventlist")
		send := func(version int, full bool, user string) {
			ct, body := rlmiOfTwo(version, full, user)
			p.notify(m, "active;expires=3600", ct, body)
		}
		send(1, true, "bob@contoso.test")
		send(2, false, "carol@contoso.test")
		if got := r.news(); got != "bob@contoso.test busy call In Lyon; carol@contoso.test busy call In Lyon; carol@contoso.test available" {
			t.Errorf("without a gap: %s", got)
		}
		time.Sleep(2 * time.Minute)
		p.quiet()
		send(4, false, "carol@contoso.test")
		send(3, false, "bob@contoso.test") // overtaken, not lost
		send(6, false, "carol@contoso.test")
		send(5, true, "carol@contoso.test") // older than what is known of carol
		if got := r.news(); got != "carol@contoso.test available; bob@contoso.test available; carol@contoso.test available; bob@contoso.test busy call In Lyon" {
			t.Errorf("in another order: %s", got)
		}
		time.Sleep(2 * listQuiet)
		p.quiet()
		send(8, false, "carol@contoso.test")
		time.Sleep(listQuiet)
		p.subscribed(p.next(), "Require: eventlist") // the full state is asked for
		send(9, true, "carol@contoso.test")
		time.Sleep(2 * listQuiet)
		p.quiet()
		send(11, false, "carol@contoso.test")
		time.Sleep(listQuiet)
		p.subscribed(p.next(), "Require: eventlist") // and does not come
		time.Sleep(fullTime + listQuiet)
		started := false
		for _, again := range p.requests() {
			started = started || again.h.Get("Call-Id") != m.h.Get("Call-Id")
		}
		if !started {
			t.Error("the list was not subscribed anew after a gap")
		}
	})
}

// rlmiOfTwo is a notification of a list of bob and carol: a full one says that
// both are busy, another that user is available.
func rlmiOfTwo(version int, full bool, user string) (contentType, body string) {
	if full { // RFC 4662 §5.2: everybody is in it
		ct, body := listOf200(version, []string{"bob@contoso.test", "carol@contoso.test"})
		return ct, strings.Replace(body, `fullState="false"`, `fullState="true"`, 1)
	}
	return `multipart/related;type="application/rlmi+xml";boundary=b`, strings.ReplaceAll(fmt.Sprintf("--b\nContent-ID: <l>\nContent-Type: application/rlmi+xml\n\n"+
		`<list xmlns="urn:ietf:params:xml:ns:rlmi" uri="sip:l@x" version="%d" fullState="%v"><resource uri="sip:%s"><instance id="1" state="active" cid="c"/></resource></list>`+
		"\n--b\nContent-ID: <c>\nContent-Type: application/pidf+xml\n\n%s\n--b--\n", version, full, user, pidfOf(user, openTuple)), "\n", "\r\n")
}

// Two front ends that send at the same time give one version twice: the full state
// tells which is the newer, and is not asked for again and again.
func TestVersionTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, p := started(t, Options{XCAP: "https://x", HTTP: (&store{docs: map[string]string{}}).client()})
		watch(t, r, "bob@contoso.test", "carol@contoso.test")
		m := p.next()
		p.subscribed(m, "Require: eventlist")
		send := func(version int, full bool, user string) {
			ct, body := rlmiOfTwo(version, full, user)
			p.notify(m, "active;expires=3600", ct, body)
		}
		send(1, true, "")
		send(2, false, "carol@contoso.test")
		send(2, false, "bob@contoso.test")
		time.Sleep(listQuiet)
		p.subscribed(p.next(), "Require: eventlist")
		send(3, true, "")
		if got := r.news(); !strings.HasSuffix(got, "bob@contoso.test busy call In Lyon; carol@contoso.test busy call In Lyon") {
			t.Errorf("at the end: %s", got)
		}
		for range 20 {
			send(3, true, "")
			time.Sleep(listQuiet)
		}
		p.quiet()
		p.subscribed(p.next(), "Require: eventlist")
		send(4, true, "")
		time.Sleep(2 * twiceRest)
		p.quiet()
	})
}

// A server may put a long list with all its states into one NOTIFY.
func TestThousandStatesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, p := started(t, Options{XCAP: "https://x", HTTP: (&store{docs: map[string]string{}}).client()})
		var users []string
		for i := range 1000 {
			users = append(users, fmt.Sprintf("u%d@contoso.test", i))
		}
		watch(t, r, users...)
		m := p.next()
		p.subscribed(m, "Require: eventlist")
		ct, body := listOf200(1, users)
		p.notify(m, "active;expires=3600", ct, strings.Replace(body, `fullState="false"`, `fullState="true"`, 1))
		if n := strings.Count(r.news(), "busy"); n != 1000 || len(body) < 10*65535 {
			t.Errorf("%d states from %d bytes", n, len(body))
		}
	})
}

// A full state that lacks somebody: the server's list is not the one that was
// written. He is unknown, and watched by himself.
func TestListThatLacksPeople(t *testing.T) {
	full := func(p *peer, m message, version int, users ...string) {
		ct, body := listOf200(version, users)
		p.notify(m, "active;expires=3600", ct, strings.Replace(body, `fullState="false"`, `fullState="true"`, 1))
	}
	synctest.Test(t, func(t *testing.T) {
		r, p := started(t, Options{XCAP: "https://x", HTTP: (&store{docs: map[string]string{}}).client()})
		watch(t, r, "bob@contoso.test", "carol@contoso.test", "dave@contoso.test")
		m := p.next()
		p.subscribed(m, "Require: eventlist")
		full(p, m, 1, "bob@contoso.test", "carol@contoso.test", "dave@contoso.test")
		if n := strings.Count(r.news(), "busy"); n != 3 {
			t.Errorf("%d states", n)
		}
		full(p, m, 2, "bob@contoso.test") // cut in two: the others follow
		ct, body := listOf200(3, []string{"carol@contoso.test", "dave@contoso.test"})
		p.notify(m, "active;expires=3600", ct, body)
		time.Sleep(2 * listQuiet)
		p.quiet()
		r.news()
		full(p, m, 4, "bob@contoso.test", "dave@contoso.test")
		time.Sleep(listQuiet)
		again := p.next() // it is asked for the full state once more
		p.subscribed(again, "Require: eventlist")
		full(p, m, 5, "bob@contoso.test", "dave@contoso.test")
		time.Sleep(listQuiet)
		one := p.next()
		if !strings.Contains(one.start, "carol@") || strings.Contains(r.news(), "carol@contoso.test busy") || r.latest["carol@contoso.test"].Availability != "unknown" {
			t.Errorf("%s; carol is %v", one.start, r.latest["carol@contoso.test"])
		}
		p.subscribed(one)
		p.notify(one, "active;expires=3600", "application/pidf+xml", pidfOf("carol@contoso.test", openTuple))
		if got := r.news(); got != "carol@contoso.test available" {
			t.Errorf("told %s", got)
		}
		full(p, m, 6, "bob@contoso.test", "dave@contoso.test")
		time.Sleep(time.Minute)
		if got := r.news(); strings.Contains(got, "carol") {
			t.Errorf("told %s", got)
		}
		p.quiet()
	})
}

func TestSequence(t *testing.T) {
	for _, c := range []struct {
		versions string // f: full
		whole    bool
	}{
		{"", true}, {"1f", true}, {"0f 1 2", true}, {"1f 3", false}, {"1f 3 2", true}, {"1f 3 2f", true}, {"1f 3 4f", true},
		{"2", false}, {"2 3", false}, {"2 3f 4", true}, {"2f 1f 3", true}, {"1f 2 2 4 4 3", true}, {"1f 5 3 2", false}, {"4294967295f 4294967294", true},
	} {
		var q sequence
		for _, v := range strings.Fields(c.versions) {
			n, err := strconv.ParseUint(strings.TrimSuffix(v, "f"), 10, 32)
			if err != nil {
				t.Fatal(err)
			}
			q.take(uint32(n), strings.HasSuffix(v, "f"))
		}
		if q.whole() != c.whole {
			t.Errorf("%q is whole: %v", c.versions, q.whole())
		}
	}
}

func TestListThatLacksStates(t *testing.T) {
	for name, c := range map[string]struct {
		refreshed, online bool // the states come then
		offline, asked    int  // wanted: called offline, asked for by themselves
	}{
		"lost, but the server has them": {true, true, 0, 0},
		"too large for the server":      {false, true, 0, 102},
		"they publish nothing":          {false, false, 102, probes},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, p := started(t, Options{XCAP: "https://x", HTTP: (&store{docs: map[string]string{}}).client()})
				users := []string{"bob@contoso.test", "carol@contoso.test", "nobody@contoso.test"}
				ct, body := captured(t, "states")
				for i := range 100 {
					users = append(users, fmt.Sprintf("u%d@contoso.test", i))
					body = strings.Replace(body, "</list>", fmt.Sprintf(`<resource uri="sip:u%d@contoso.test"/></list>`, i), 1)
				}
				watch(t, r, users...)
				m := p.next()
				p.subscribed(m, "Require: eventlist")
				p.notify(m, "active;expires=600", ct, body)
				asked := map[string]bool{}
				list := m.h.Get("Call-Id")
				answer := func(m message) {
					if m.h.Get("Call-Id") == list {
						p.subscribed(m, "Require: eventlist")
						if c.refreshed {
							ct, body := listOf200(3, users[:51])
							p.notify(m, "active;expires=600", ct, strings.Replace(body, `fullState="false"`, `fullState="true"`, 1))
							ct, body = listOf200(4, users[51:])
							p.notify(m, "active;expires=600", ct, body)
						}
						return
					}
					p.subscribed(m)
					asked[m.start] = true
					state, user := "active;expires=3600", strings.TrimSuffix(strings.TrimPrefix(m.start, "SUBSCRIBE sip:"), " SIP/2.0")
					if m.h.Get("Expires") == "0" {
						state = "terminated;reason=timeout"
					}
					if c.online {
						p.notify(m, state, "application/pidf+xml", pidfOf(user, openTuple))
					} else {
						p.notify(m, state, "", "")
					}
				}
				for range 60 {
					requests := p.requests()
					for _, m := range requests {
						answer(m)
					}
					if len(requests) == 0 {
						time.Sleep(listQuiet)
					}
				}
				if offline := strings.Count(r.news(), "offline"); offline != c.offline || len(asked) != c.asked || len(r.latest) != 103 {
					t.Errorf("%d called offline, %d asked for, %d known", offline, len(asked), len(r.latest))
				}
			})
		})
	}
}

func TestSlowServerIsNoVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, p := started(t, Options{XCAP: "https://x", HTTP: (&store{docs: map[string]string{}}).client()})
		watch(t, r, "bob@contoso.test", "carol@contoso.test", "nobody@contoso.test")
		m := p.next()
		p.subscribed(m, "Require: eventlist")
		ct, body := captured(t, "states")
		p.notify(m, "active;expires=600", ct, body)
		time.Sleep(2 * fullTime)
		p.subscribed(p.next(), "Require: eventlist")
		time.Sleep(fullTime)
		if got := r.news(); strings.Contains(got, "offline") {
			t.Errorf("told: %s", got)
		}
		if again := len(p.requests()); again < 2 {
			t.Errorf("%d requests: it is not asked again", again)
		}
	})
}

func TestListThatLosesStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, p := started(t, Options{XCAP: "https://x", HTTP: (&store{docs: map[string]string{}}).client()})
		watch(t, r, "bob@contoso.test", "carol@contoso.test", "nobody@contoso.test")
		m := p.next()
		p.subscribed(m, "Require: eventlist")
		for _, name := range []string{"first", "change"} { // "states" between them is lost
			ct, body := captured(t, name)
			p.notify(m, "active;expires=600", ct, body)
		}
		time.Sleep(listQuiet)
		p.subscribed(p.next(), "Require: eventlist") // the full state is asked for, and lost again
		time.Sleep(fullTime + listQuiet)
		if got := r.news(); got != "bob@contoso.test offline" {
			t.Errorf("told: %s", got)
		}
		singles := 0
		for _, m := range p.requests() {
			if m.h.Get("Expires") != "0" && !strings.Contains(m.start, "contacts@") {
				singles++
			}
		}
		if singles != 3 {
			t.Errorf("%d single subscriptions", singles)
		}
	})
}

func FuzzListNotification(f *testing.F) {
	for _, name := range []string{"first", "states", "refresh", "change"} {
		contentType, body := captured(f, name)
		f.Add(contentType, body)
	}
	f.Fuzz(func(t *testing.T, contentType, body string) {
		n, err := pidf.ParseNotify(contentType, []byte(body))
		if err != nil {
			return
		}
		states, silent := readMembers(n.Members(), noon)
		once := map[string]bool{}
		for _, m := range states {
			silent = append(silent, m.user)
			if m.state.Availability == "" {
				t.Errorf("%s has no state", m.user)
			}
		}
		for _, u := range silent {
			if once[u] {
				t.Errorf("%s comes twice", u)
			}
			once[u] = true
		}
	})
}
