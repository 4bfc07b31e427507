package simple

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

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
