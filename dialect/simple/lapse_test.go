package simple

import (
	"testing"
	"testing/synctest"
	"time"
)

// A subscription that the server forgot (481), does not answer, or that ran
// out reads "unknown", never as the last colour, and is made anew.
func TestSingleSubscriptionThatLapses(t *testing.T) {
	for name, lose := range map[string]func(p *peer, refresh message){
		"481 to the refresh":     func(p *peer, m message) { p.answer(m, "481 Subscription Does Not Exist") },
		"no answer":              func(*peer, message) {},
		"503 to the refresh":     func(p *peer, m message) { p.answer(m, "503 Service Unavailable") },
		"the server lets it end": func(p *peer, m message) { p.subscribed(m); p.notify(m, "terminated;reason=timeout", "", "") },
		"the server moves it":    func(p *peer, m message) { p.subscribed(m); p.notify(m, "terminated;reason=deactivated", "", "") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRecord(Options{Now: time.Now})
				r.o.Sink.Watcher = nil
				p := connect(t, r.line)
				_ = r.Start(t.Context()) // without XCAP the list cannot be read; that is not the point
				watch(t, r, "bob@contoso.test")
				first := p.next()
				p.subscribed(first)
				p.notify(first, "active;expires=3600", "application/pidf+xml", pidfOf("bob@contoso.test", openTuple))
				if got := r.news(); got != "bob@contoso.test available" {
					t.Fatal(got)
				}
				begin := time.Now()
				refresh := p.next()
				if took := time.Since(begin); took >= time.Hour || refresh.h.Get("Call-Id") != first.h.Get("Call-Id") {
					t.Fatalf("refreshed after %v: %v", took, refresh)
				}
				lose(p, refresh)
				var again message
				for again = p.next(); again.h.Get("Call-Id") == first.h.Get("Call-Id"); again = p.next() {
					lose(p, again)
				}
				if got := r.news(); got != "bob@contoso.test unknown" {
					t.Errorf("lapsed: %q", got)
				}
				if took := time.Since(begin); took > 62*time.Minute {
					t.Errorf("asked anew after %v", took)
				}
				p.subscribed(again)
				p.notify(again, "active;expires=3600", "application/pidf+xml", pidfOf("bob@contoso.test", openTuple))
				if got := r.news(); got != "bob@contoso.test available" {
					t.Errorf("anew: %q", got)
				}
			})
		})
	}
}
