package simple

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"communicator/presence"
)

const servicesPath = "/rls-services/users/sip:anna@contoso.test/index"

// captured returns content type and body of a NOTIFY as Kamailio sent it.
func captured(t testing.TB, name string) (contentType, body string) {
	t.Helper()
	b, err := os.ReadFile("testdata/kamailio-5.6-rls-" + name + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	head, body, _ := strings.Cut(string(b), "\r\n\r\n")
	return strings.TrimPrefix(head, "Content-Type: "), body
}

func pidfOf(user, inner string) string {
	return strings.Replace(head, "bob@contoso.test", user, 1) + inner + tail
}

const openTuple = `<tuple id="t"><status><basic>open</basic></status></tuple>`

// started is a Server that has started, with a peer and an XCAP server.
func started(t *testing.T, o Options) (*record, *peer) {
	t.Helper()
	r := newRecord(o)
	r.o.Sink.Watcher = nil // its subscription would be in the way
	p := connect(t, r.line)
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r, p
}

func watch(t *testing.T, r *record, users ...string) {
	t.Helper()
	if err := r.Watch(t.Context(), users); err != nil {
		t.Fatal(err)
	}
}

// The whole of a list subscription with what Kamailio 5.6 really sent.
func TestListAtKamailio(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		xcap := &store{docs: map[string]string{}}
		r, p := started(t, Options{XCAP: "https://xcap.contoso.test", HTTP: xcap.client()})
		watch(t, r, "bob@contoso.test", "carol@contoso.test", "nobody@contoso.test")
		m := p.next()
		if m.start != "SUBSCRIBE sip:anna-communicator-contacts@contoso.test SIP/2.0" || m.h.Get("Supported") != "eventlist" ||
			!strings.Contains(m.h.Get("Accept"), "application/rlmi+xml") || !strings.Contains(m.h.Get("Accept"), "multipart/related") {
			t.Errorf("sent %v", m)
		}
		if doc := xcap.docs[servicesPath]; !strings.Contains(doc, `uri="sip:anna-communicator-contacts@contoso.test"`) || strings.Count(doc, "entry") != 3 {
			t.Errorf("list on the server: %s", doc)
		}
		ct, body := captured(t, "first")
		p.notify(m, "active;expires=600", ct, body) // it may overtake the 200
		p.subscribed(m, "Require: eventlist")
		if got := r.news(); got != "" {
			t.Errorf("after the first NOTIFY: %s", got)
		}
		time.Sleep(90 * time.Millisecond)
		ct, body = captured(t, "states")
		p.notify(m, "active;expires=600", ct, body)
		if got := r.news(); got != "bob@contoso.test away out-of-office away till Monday" {
			t.Errorf("after the second: %s", got)
		}
		time.Sleep(listQuiet)
		again := p.next() // the full state, once more
		if again.h.Get("Call-Id") != m.h.Get("Call-Id") || again.h.Get("Supported") != "eventlist" {
			t.Errorf("sent %v", again)
		}
		p.subscribed(again, "Require: eventlist")
		ct, body = captured(t, "refresh")
		p.notify(m, "active;expires=600", ct, strings.ReplaceAll(body, "sip:dave@", "sip:nobody@")) // captured with another list
		time.Sleep(listQuiet)
		for range 2 { // carol and nobody, to be sure
			fetch := p.next()
			if fetch.h.Get("Expires") != "0" {
				t.Errorf("sent %v", fetch)
			}
			p.subscribed(fetch)
			p.notify(fetch, "terminated;reason=timeout", "", "")
		}
		if got := r.news(); got != "bob@contoso.test away out-of-office away till Monday; carol@contoso.test offline; nobody@contoso.test offline" {
			t.Errorf("who publishes nothing: %s", got)
		}
		ct, body = captured(t, "change")
		p.notify(m, "active;expires=597", ct, body)
		if got := r.news(); !strings.HasSuffix(got, "bob@contoso.test offline") {
			t.Errorf("after bob went: %s", got)
		}
		p.quiet()
	})
}

// Every request of a sign-in with 200 contacts, and of the next one.
func TestFewRequestsForManyContacts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		xcap := &store{docs: map[string]string{}}
		var users []string
		for i := range 200 {
			users = append(users, fmt.Sprintf("u%d@contoso.test", i))
		}
		r := newRecord(Options{XCAP: "https://xcap.contoso.test/root/", HTTP: xcap.client()})
		for _, want := range []string{
			"GET /root/resource-lists/users/sip:anna@contoso.test/index, GET /root" + servicesPath + ", PUT /root" + servicesPath,
			"GET /root/resource-lists/users/sip:anna@contoso.test/index, GET /root" + servicesPath,
		} {
			ctx, cancel := context.WithCancel(t.Context())
			p := connect(t, r.line)
			if err := r.Start(ctx); err != nil {
				t.Fatal(err)
			}
			watch(t, r, users...)
			watch(t, r, users...)
			m := p.next()
			p.subscribed(m, "Require: eventlist")
			p.quiet()
			slices.Sort(xcap.requests) // contact list and watching go on at the same time
			if got := strings.Join(xcap.requests, ", "); got != want {
				t.Errorf("XCAP: %s", got)
			}
			xcap.requests = nil
			cancel()
			p.close()
		}
	})
}

func TestOneEachWithoutLists(t *testing.T) {
	refuseXCAP := &store{before: func(*http.Request) *http.Response { return response(403, "", "") }}
	for name, c := range map[string]struct {
		o      Options
		answer func(p *peer, m message) // to the SUBSCRIBE to the list; nil: there is none
	}{
		"no XCAP":                      {Options{}, nil},
		"XCAP refuses":                 {Options{XCAP: "https://x", HTTP: refuseXCAP.client()}, nil},
		"a plain subscription is made": {Options{XCAP: "https://x", HTTP: (&store{docs: map[string]string{}}).client()}, func(p *peer, m message) { p.subscribed(m) }},
		"unknown list":                 {Options{XCAP: "https://x", HTTP: (&store{docs: map[string]string{}}).client()}, func(p *peer, m message) { p.answer(m, "404 Not Found") }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.o.Now = time.Now
				r := newRecord(c.o)
				r.o.Sink.Watcher = nil
				p := connect(t, r.line)
				_ = r.Start(t.Context()) // without XCAP the list cannot be read; that is not the point
				watch(t, r, "bob@contoso.test", "carol@contoso.test")
				if c.answer != nil {
					c.answer(p, p.next())
				}
				of := map[string]message{}
				for len(of) < 2 {
					m := p.next()
					if m.h.Get("Expires") == "0" { // the plain one is taken back
						p.subscribed(m)
						continue
					}
					of[m.start] = m
					p.subscribed(m)
				}
				bob, carol := of["SUBSCRIBE sip:bob@contoso.test SIP/2.0"], of["SUBSCRIBE sip:carol@contoso.test SIP/2.0"]
				if bob.h.Get("Accept") != "application/pidf+xml" {
					t.Errorf("sent %v", bob)
				}
				p.notify(bob, "active;expires=3600", "", "")
				p.notify(carol, "pending;expires=3600", "", "")
				if got := r.news(); got != "bob@contoso.test offline; carol@contoso.test unknown" {
					t.Errorf("at first: %s", got)
				}
				p.notify(bob, "active;expires=3600", "application/pidf+xml;charset=UTF-8", pidfOf("bob@contoso.test", openTuple))
				p.notify(carol, "active;expires=3600", "application/pidf+xml", pidfOf("eve@contoso.test", openTuple))
				p.notify(carol, "active;expires=3600", "text/plain", "hello")
				if got := r.news(); got != "bob@contoso.test available" {
					t.Errorf("then: %s", got)
				}
				p.notify(bob, "terminated;reason=rejected", "", "")
				if got := r.news(); got != "bob@contoso.test unknown" {
					t.Errorf("blocked: %s", got)
				}
				start := time.Now()
				for m := p.next(); ; m = p.next() { // carol's is refreshed meanwhile
					p.subscribed(m)
					if m.start == bob.start {
						break
					}
				}
				if time.Since(start) < tryAgain {
					t.Errorf("asked again after %v", time.Since(start))
				}
			})
		})
	}
}

func TestPeopleComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		xcap := &store{docs: map[string]string{}}
		r, p := started(t, Options{XCAP: "https://x", HTTP: xcap.client()})
		watch(t, r, "bob@contoso.test")
		list := p.next()
		p.subscribed(list, "Require: eventlist")
		watch(t, r, "bob@contoso.test", "dave@contoso.test")
		one := p.next()
		if !strings.Contains(one.start, "sip:dave@") {
			t.Errorf("somebody more is asked for by %v", one)
		}
		p.subscribed(one)
		p.notify(one, "active;expires=3600", "application/pidf+xml", pidfOf("dave@contoso.test", openTuple))
		if got := r.news(); got != "dave@contoso.test available" {
			t.Errorf("dave: %s", got)
		}
		watch(t, r, "bob@contoso.test")
		end := p.next()
		if end.h.Get("Expires") != "0" || end.h.Get("Call-Id") != one.h.Get("Call-Id") {
			t.Errorf("somebody less: %v", end)
		}
		p.subscribed(end)
		p.notify(one, "terminated;reason=timeout", "application/pidf+xml", pidfOf("dave@contoso.test", openTuple))
		if got := r.news(); got != "" {
			t.Errorf("nobody wants dave any more: %s", got)
		}
		many := []string{"bob@contoso.test"}
		for i := range 30 {
			many = append(many, fmt.Sprintf("u%d@contoso.test", i))
		}
		watch(t, r, many...)
		again := p.next()
		if !strings.Contains(again.start, "contacts@") || again.h.Get("Call-Id") == list.h.Get("Call-Id") || strings.Count(xcap.docs["/rls-services/users/sip:anna@contoso.test/index"], "<rl:entry") != 31 {
			t.Errorf("many more: %v", again)
		}
		p.subscribed(again, "Require: eventlist")
		if end := p.next(); end.h.Get("Expires") != "0" || end.h.Get("Call-Id") != list.h.Get("Call-Id") {
			t.Errorf("the former list: %v", end)
		}
	})
}

func TestLapsedIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, p := started(t, Options{XCAP: "https://x", HTTP: (&store{docs: map[string]string{}}).client()})
		watch(t, r, "bob@contoso.test", "carol@contoso.test", "nobody@contoso.test")
		m := p.next()
		p.subscribed(m, "Require: eventlist")
		for _, name := range []string{"first", "states"} {
			ct, body := captured(t, name)
			p.notify(m, "active;expires=600", ct, body)
		}
		r.news()
		p.notify(m, "terminated;reason=deactivated", "", "")
		if got := r.news(); !strings.Contains(got, "bob@contoso.test unknown") || !strings.Contains(got, "carol@contoso.test unknown") {
			t.Errorf("lapsed: %s", got)
		}
		again := p.next()
		p.subscribed(again, "Require: eventlist")
		ct, body := captured(t, "states")
		p.notify(again, "active;expires=600", ct, body)
		if got := r.news(); !strings.HasPrefix(got, "bob@contoso.test away") {
			t.Errorf("renewed: %s", got)
		}
		p.notify(again, "terminated;reason=noresource", "", "") // the list is gone for good
		synctest.Wait()
		singles := 0
		for _, m := range p.requests() {
			if strings.Contains(m.start, "contacts@") {
				t.Errorf("asked for the list again: %v", m)
			}
			singles++
		}
		if got := r.news(); singles != 3 || !strings.Contains(got, "bob@contoso.test unknown") {
			t.Errorf("%d single subscriptions; %s", singles, got)
		}
	})
}

// The reaction to partial notifications: RFC 4662 §5.2.
// A list of 102 people, of whom bob's state comes at once. What comes when the
// full state is asked for, and when one is asked for by himself?
// A server that does not answer in time has not said that somebody is offline.
// Notifications that get lost from the beginning: the list does not work.
func TestAThousandOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, p := started(t, Options{})
		var users []string
		for i := range 1000 {
			users = append(users, fmt.Sprintf("u%d@contoso.test", i))
		}
		watch(t, r, users...)
		for done := 0; done < 1000; {
			batch := p.requests()
			if len(batch) == 0 || len(batch) > maxAtOnce {
				t.Fatalf("%d at once", len(batch))
			}
			for _, m := range batch {
				p.subscribed(m)
				p.notify(m, "active;expires=3600", "", "")
				done++
			}
		}
		synctest.Wait()
		r.mu.Lock()
		defer r.mu.Unlock()
		if n := len(r.latest); n != 1000 || r.latest["u999@contoso.test"].Availability != presence.Offline {
			t.Errorf("%d states", n)
		}
	})
}

// Others' lists and who else is in ours stay; nothing is written needlessly.
func TestListDocument(t *testing.T) {
	other := `<?xml version="1.0"?><rls-services xmlns="urn:ietf:params:xml:ns:rls-services" xmlns:r="urn:ietf:params:xml:ns:resource-lists">` +
		`<service uri="sip:anna-friends@contoso.test"><resource-list>http://x/y</resource-list><packages><package>presence</package></packages></service>` +
		`<service uri="sip:anna-communicator-contacts@contoso.test"><list name="contacts"><r:entry uri="sip:eve@contoso.test"/></list></service></rls-services>`
	synctest.Test(t, func(t *testing.T) {
		xcap := &store{docs: map[string]string{servicesPath: other}}
		raced := false
		xcap.before = func(r *http.Request) *http.Response {
			if r.Method == "PUT" && !raced {
				raced = true
				xcap.tag++ // somebody else writes just now
			}
			return nil
		}
		r, p := started(t, Options{XCAP: "https://x", HTTP: xcap.client()})
		watch(t, r, "bob@contoso.test")
		p.subscribed(p.next(), "Require: eventlist")
		doc := xcap.docs[servicesPath]
		for _, want := range []string{"sip:anna-friends@contoso.test", "http://x/y", "sip:eve@contoso.test", "sip:bob@contoso.test"} {
			if strings.Count(doc, want) != 1 {
				t.Errorf("%s is not once in %s", want, doc)
			}
		}
		if n := len(xcap.requests); n != 5 { // the contact list; read, 412, read, write
			t.Errorf("requests: %v", xcap.requests)
		}
	})
}
