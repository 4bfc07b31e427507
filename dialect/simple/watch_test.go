package simple

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"communicator/presence"
	"communicator/wire/pidf"
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
		for range probes {
			time.Sleep(listQuiet)
			fetch := p.next()
			p.subscribed(fetch)
			p.notify(fetch, "terminated;reason=timeout", "", "")
			synctest.Wait()
		}
		if got := r.news(); got != "carol@contoso.test offline; nobody@contoso.test offline" {
			t.Errorf("who publishes nothing: %s", got)
		}
		ct, body = captured(t, "refresh")
		p.notify(m, "active;expires=600", ct, body)
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
func TestGapInVersions(t *testing.T) {
	rlmi := func(version int, full bool, user string) (string, string) {
		return `multipart/related;type="application/rlmi+xml";boundary=b`, strings.ReplaceAll(fmt.Sprintf("--b\nContent-ID: <l>\nContent-Type: application/rlmi+xml\n\n"+
			`<list xmlns="urn:ietf:params:xml:ns:rlmi" uri="sip:l@x" version="%d" fullState="%v"><resource uri="sip:%s"><instance id="1" state="active" cid="c"/></resource></list>`+
			"\n--b\nContent-ID: <c>\nContent-Type: application/pidf+xml\n\n%s\n--b--\n", version, full, user, pidfOf(user, openTuple)), "\n", "\r\n")
	}
	synctest.Test(t, func(t *testing.T) {
		r, p := started(t, Options{XCAP: "https://x", HTTP: (&store{docs: map[string]string{}}).client()})
		watch(t, r, "bob@contoso.test", "carol@contoso.test")
		m := p.next()
		p.subscribed(m, "Require: eventlist")
		send := func(version int, full bool, user string) {
			ct, body := rlmi(version, full, user)
			p.notify(m, "active;expires=3600", ct, body)
		}
		send(1, true, "bob@contoso.test")
		send(2, false, "carol@contoso.test")
		if got := r.news(); got != "bob@contoso.test available; carol@contoso.test available" {
			t.Errorf("without a gap: %s", got)
		}
		time.Sleep(2 * time.Minute)
		p.quiet()
		send(4, false, "carol@contoso.test")
		send(3, false, "bob@contoso.test") // overtaken, not lost
		send(6, false, "carol@contoso.test")
		send(5, true, "carol@contoso.test") // older than what is known of carol
		if got := r.news(); got != "carol@contoso.test available; bob@contoso.test available; carol@contoso.test available" {
			t.Errorf("in another order: %s", got)
		}
		time.Sleep(2 * listQuiet)
		p.quiet()
		send(8, false, "carol@contoso.test")
		time.Sleep(2 * listQuiet)
		started := false
		for _, again := range p.requests() {
			started = started || again.h.Get("Call-Id") != m.h.Get("Call-Id")
		}
		if !started {
			t.Error("the list was not subscribed anew after a gap")
		}
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

// Kamailio 5.6 without max_notify_body_length: the last notification, with most
// of the states, was too large for it and got lost; or it forgot somebody.
func TestListThatLosesTheLast(t *testing.T) {
	for _, c := range []struct {
		silent int
		online bool
	}{{100, true}, {100, false}, {0, true}, {0, false}} {
		synctest.Test(t, func(t *testing.T) {
			r, p := started(t, Options{XCAP: "https://x", HTTP: (&store{docs: map[string]string{}}).client()})
			users := []string{"bob@contoso.test", "carol@contoso.test", "nobody@contoso.test"}
			ct, body := captured(t, "states")
			for i := range c.silent {
				users = append(users, fmt.Sprintf("u%d@contoso.test", i))
				body = strings.Replace(body, "</list>", fmt.Sprintf(`<resource uri="sip:u%d@contoso.test"/></list>`, i), 1)
			}
			watch(t, r, users...)
			m := p.next()
			p.subscribed(m, "Require: eventlist")
			p.notify(m, "active;expires=600", ct, body)
			asked := map[string]int{}
			for range 20 {
				time.Sleep(listQuiet)
				for _, m := range p.requests() {
					p.subscribed(m)
					asked[m.start]++
					state := "active;expires=3600"
					if m.h.Get("Expires") == "0" {
						state = "terminated;reason=timeout"
					}
					if user := strings.TrimSuffix(strings.TrimPrefix(m.start, "SUBSCRIBE sip:"), " SIP/2.0"); c.online {
						p.notify(m, state, "application/pidf+xml", pidfOf(user, openTuple))
					} else {
						p.notify(m, state, "", "")
					}
				}
			}
			time.Sleep(time.Minute)
			news := r.news()
			offline, online := strings.Count(news, "offline"), strings.Count(news, "available")
			silent := c.silent + 2
			if c.online && (offline > 0 || online != silent || len(asked) != silent) || !c.online && (offline != silent || len(asked) != probes) {
				t.Errorf("%+v: %d called offline, %d available, %d asked for", c, offline, online, len(asked))
			}
		})
	}
}

// Notifications that get lost from the beginning: the list does not work.
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
		time.Sleep(2 * listQuiet)
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

func TestWatchers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord(Options{})
		p := connect(t, r.line)
		if err := r.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.quiet() // it comes after what people wait for
		m := p.next()
		if m.start != "SUBSCRIBE sip:anna@contoso.test SIP/2.0" || m.h.Get("Event") != "presence.winfo" {
			t.Errorf("sent %v", m)
		}
		p.subscribed(m)
		// As Kamailio 5.6 writes it.
		doc := func(version int, state, watchers string) string {
			return fmt.Sprintf(`<?xml version="1.0"?><watcherinfo xmlns="urn:ietf:params:xml:ns:watcherinfo" version="%d" state="%s"><watcher-list resource="sip:anna@contoso.test" package="presence">%s</watcher-list></watcherinfo>`, version, state, watchers)
		}
		w := func(id, status, name string) string {
			return fmt.Sprintf(`<watcher id="%s" event="subscribe" status="%s" display-name="%s">sip:%s@contoso.test</watcher>`, id, status, name, id)
		}
		send := func(body string) { p.notify(m, "active;expires=600", "application/watcherinfo+xml", body) }
		send(doc(0, "full", w("bob", "active", "Bob Berg")+w("anna", "active", "me")))
		send(doc(1, "partial", w("carol", "pending", "")))
		send(doc(1, "partial", w("carol", "active", "")))
		send(doc(2, "partial", w("bob", "terminated", "Bob Berg")+w("carol", "pending", "")))
		synctest.Wait()
		r.mu.Lock()
		defer r.mu.Unlock()
		if got := strings.Join(r.watchers, "; "); got != "bob@contoso.test Bob Berg active; carol@contoso.test  pending; bob@contoso.test Bob Berg terminated" {
			t.Errorf("watchers: %s", got)
		}
		send(doc(5, "partial", w("dave", "pending", "")))
		start := time.Now()
		for m := p.next(); ; m = p.next() {
			if m.h.Get("Expires") == "0" {
				p.subscribed(m)
				continue
			}
			if m.h.Get("Event") != "presence.winfo" || time.Since(start) < gapRest {
				t.Errorf("after a gap: %v", m)
			}
			break
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
