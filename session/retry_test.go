package session

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// RFC 3261 §20.33: nobody is asked again before Retry-After has passed.
func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		busy := time.Now().Add(25 * time.Second)
		serve := registrar(func(m message) (string, []string) {
			if time.Now().Before(busy) {
				return "503 Service Unavailable", []string{"Retry-After: 30"}
			}
			return accepting(m)
		})
		n.listen["10.0.0.11:5060"], n.listen["10.0.0.12:5060"] = serve, serve
		c := run(t, n.options())
		time.Sleep(20 * time.Second)
		st := c.State()
		if st.Phase != Waiting || st.Err == nil || !strings.Contains(st.Err.Error(), "503") || time.Until(st.Until) < 10*time.Second {
			t.Errorf("%+v", st)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := c.SignedIn(ctx); err != st.Err {
			t.Errorf("the latest reason: %v", err)
		}
		if err := c.SignedIn(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(busy); d < 5*time.Second || d > 25*time.Second {
			t.Errorf("signed in %v after", d+25*time.Second)
		}
	})
}

// What one front end asks for does not bind the others: while fe1 wants half an
// hour, fe2 is asked as often as ever, and fe1 not once, even when the user is in a hurry.
func TestRetryAfterOfOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.listen["10.0.0.11:5060"] = registrar(always("503 Service Unavailable", "Retry-After: 1800"))
		c := run(t, n.options())
		time.Sleep(20 * time.Minute)
		c.TryNow()
		synctest.Wait()
		if fe1, fe2 := n.dials("10.0.0.11:5060"), n.dials("10.0.0.12:5060"); len(fe1) != 1 || len(fe2) < 8 {
			t.Errorf("fe1 was asked %d times, fe2 %d times; want once and often", len(fe1), len(fe2))
		}
		n.mu.Lock()
		n.listen["10.0.0.12:5060"] = registrar(accepting)
		n.mu.Unlock()
		c.TryNow()
		if err := c.SignedIn(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// A registration that is refused with Retry-After when it is renewed: the other
// front end is taken at once, and the first again when its time has come.
func TestRetryAfterWhileSignedIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		first := true
		n.listen["10.0.0.11:5060"] = registrar(func(m message) (string, []string) {
			if first {
				first = false
				return "200 OK", []string{"Expires: 60"}
			}
			return "503 Service Unavailable", []string{"Retry-After: 600"}
		})
		n.listen["10.0.0.12:5060"] = registrar(accepting)
		c := signedIn(t, n.options())
		time.Sleep(time.Minute)
		if st := c.State(); st.Phase != SignedIn || st.Target.Host != "fe2.contoso.test" || time.Since(st.Since) < 5*time.Second {
			t.Errorf("%+v", st)
		}
	})
}

// A storm: 200 clients are told to come back after 30 s. Nobody comes sooner, and
// then not all at once; with one front end, and with two that say the same.
func TestSignInStorm(t *testing.T) {
	for name, ends := range map[string][]string{"one front end": {"10.0.0.11:5060"}, "all of a pool": {"10.0.0.11:5060", "10.0.0.12:5060"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const clients = 200
				n := newNetwork(t)
				if len(ends) == 1 {
					n.zone = append(n.zone[:1], n.zone[2:]...)
				}
				for _, e := range ends {
					n.listen[e] = registrar(always("503 Service Unavailable", "Retry-After: 30"))
				}
				for range clients {
					run(t, n.options())
				}
				time.Sleep(46 * time.Second)
				for _, e := range ends {
					perSecond := map[int]int{}
					for _, second := range n.dials(e) {
						perSecond[second]++
					}
					if perSecond[0] != clients || len(n.dials(e)) != 2*clients {
						t.Errorf("%s: %d at first and %d in all; want %d, and each once more", e, perSecond[0], len(n.dials(e)), clients)
					}
					delete(perSecond, 0)
					for second, tries := range perSecond {
						if second < 30 || tries > clients/5 {
							t.Errorf("%s: %d tries in second %d", e, tries, second)
						}
					}
				}
			})
		})
	}
}

// That the network came back while all was well does not cut short a later wait.
func TestOldNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		serve := func(p *peer) { // drops each connection; after the second the client waits
			end := time.AfterFunc(25*time.Second, func() { p.Close() })
			defer end.Stop()
			registrar(accepting)(p)
		}
		n.listen["10.0.0.11:5060"], n.listen["10.0.0.12:5060"] = serve, serve
		c := signedIn(t, n.options())
		time.Sleep(30 * time.Second)
		c.TryNow()
		time.Sleep(20*time.Second + time.Millisecond)
		if st := c.State(); st.Phase != Waiting || st.Since.Sub(n.begin) != 50*time.Second {
			t.Errorf("%+v", st)
		}
	})
}

// Nothing is there: tries at growing distances, and stopping is quick.
func TestBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		c := run(t, n.options())
		time.Sleep(time.Hour)
		n.mu.Lock()
		tries := len(n.dialed) / 2
		n.mu.Unlock()
		if tries < 25 || tries > 80 {
			t.Errorf("%d tries in an hour", tries)
		}
		if st := c.State(); st.Phase != Waiting || st.Err == nil || st.Until.IsZero() {
			t.Errorf("%+v", st)
		}
		n.mu.Lock()
		n.listen["10.0.0.12:5060"] = registrar(accepting)
		n.mu.Unlock()
		begin := time.Now()
		c.TryNow()
		if err := c.SignedIn(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(begin); d > 0 {
			t.Errorf("asked to try now, it took %v", d)
		}
		c.stop()
		if d := time.Since(begin); d > signOutTime {
			t.Errorf("stopping took %v", d)
		}
	})
}
