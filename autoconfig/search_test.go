package autoconfig

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

const (
	fe1 = "fe1.contoso.test. 60 IN A 10.0.0.11"
	fe2 = "fe2.contoso.test. 60 IN A 10.0.0.12"
)

// next finds the first server, or the error in words.
func next(t *testing.T, q Query) (Link, *NotFoundError) {
	t.Helper()
	l, err := New(q).Next(t.Context())
	if err == nil {
		t.Cleanup(func() { l.Conn.Close() })
		l.Conn.Close()
		return l, nil
	}
	e, ok := errors.AsType[*NotFoundError](err)
	if !ok {
		t.Fatalf("error is %T %v", err, err)
	}
	if e.Why == "" || e.Remedy == "" {
		t.Errorf("no sentence: %+v", e)
	}
	return l, e
}

// Each single record of a domain is enough to sign in.
func TestEachRecordAlone(t *testing.T) {
	for _, c := range []struct {
		zone, want string
		tcp        bool
	}{
		{"_sipinternaltls._tcp.contoso.test. 60 IN SRV 0 0 5061 fe1.contoso.test.", "_sipinternaltls._tcp.contoso.test tls 10.0.0.11:5061", false},
		{"_sipinternal._tcp.contoso.test. 60 IN SRV 0 0 5060 fe1.contoso.test.", "_sipinternal._tcp.contoso.test tcp 10.0.0.11:5060", true},
		{"_sip._tls.contoso.test. 60 IN SRV 0 0 443 fe1.contoso.test.", "_sip._tls.contoso.test tls 10.0.0.11:443", false},
		{"_sip._tls.contoso.test. 60 IN SRV 0 0 12345 fe1.contoso.test.", "_sip._tls.contoso.test tls 10.0.0.11:12345", false},
		{"_sip._tcp.contoso.test. 60 IN SRV 0 0 5060 fe1.contoso.test.", "_sip._tcp.contoso.test tcp 10.0.0.11:5060", true},
		{"_sips._tcp.contoso.test. 60 IN SRV 0 0 5061 fe1.contoso.test.", "_sips._tcp.contoso.test tls 10.0.0.11:5061", false},
		{"sip.contoso.test. 60 IN A 10.0.0.11", "sip.contoso.test tls 10.0.0.11:5061", false},
		{"sip.contoso.test. 60 IN A 10.0.0.14", "sip.contoso.test tls 10.0.0.14:443", false},
		{"sip.contoso.test. 60 IN AAAA 2001:db8::11", "sip.contoso.test tls [2001:db8::11]:5061", false},
		{"sip.contoso.test. 60 IN CNAME fe1.contoso.test.", "sip.contoso.test tls 10.0.0.11:5061", false},
	} {
		t.Run(c.zone, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, c.zone, fe1)
				for _, a := range []string{"10.0.0.11:5061", "10.0.0.11:443", "10.0.0.11:12345", "10.0.0.14:443", "[2001:db8::11]:5061"} {
					w.secure(a, "contoso.test")
				}
				w.listen["10.0.0.11:5060"] = func(c net.Conn) { c.Close() }
				q := w.query()
				q.AllowTCP = c.tcp
				l, e := next(t, q)
				if e != nil {
					t.Fatal(e)
				}
				got := fmt.Sprintf("%s %s %s", l.Record, l.Target.Transport, net.JoinHostPort(l.Target.Address, fmt.Sprint(l.Target.Port)))
				if got != c.want {
					t.Errorf("got  %s\nwant %s", got, c.want)
				}
				if (l.TLS != nil) != (l.Target.Transport == "tls") {
					t.Errorf("TLS %v for %v", l.TLS, l.Target)
				}
			})
		})
	}
}

// The names are used in the order of the product's papers, the targets by
// priority, every address of each; a Search hands out all of them.
func TestOrderOfCandidates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t,
			"_sip._tls.contoso.test. 60 IN SRV 0 0 5061 fe3.contoso.test.",
			"_sipinternaltls._tcp.contoso.test. 60 IN SRV 20 0 5061 fe2.contoso.test.",
			"_sipinternaltls._tcp.contoso.test. 60 IN SRV 10 0 5061 fe1.contoso.test.",
			"_sipinternal._tcp.contoso.test. 60 IN SRV 0 0 5060 fe1.contoso.test.",
			fe1, "fe1.contoso.test. 60 IN AAAA 2001:db8::1", fe2, "fe3.contoso.test. 60 IN A 10.0.0.13", "fe3.contoso.test. 60 IN A 10.0.0.11",
			"sip.contoso.test. 60 IN A 10.0.0.15")
		for _, a := range []string{"[2001:db8::1]", "10.0.0.11", "10.0.0.12", "10.0.0.13", "10.0.0.15"} {
			w.secure(a+":5061", "contoso.test")
		}
		var got []string
		for s := New(w.query()); ; {
			l, err := s.Next(t.Context())
			if err != nil {
				break
			}
			l.Conn.Close()
			got = append(got, l.Target.Address)
		}
		want := "2001:db8::1 10.0.0.11 10.0.0.12 10.0.0.13 10.0.0.15"
		if strings.Join(got, " ") != want {
			t.Errorf("got %v\nwant %s", got, want)
		}
		if slices.Contains(w.dialed, "10.0.0.11:5060") {
			t.Error("plain TCP was tried without being allowed")
		}
		if slices.Contains(w.asked, "contoso.test.") {
			t.Error("the bare domain was asked for")
		}
	})
}

// The target that has just failed comes after the others of its name.
func TestAvoid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "_sip._tls.contoso.test. 60 IN SRV 1 0 5061 fe1.contoso.test.", "_sip._tls.contoso.test. 60 IN SRV 2 0 5061 fe2.contoso.test.", fe1, fe2)
		w.secure("10.0.0.11:5061", "contoso.test")
		w.secure("10.0.0.12:5061", "contoso.test")
		q := w.query()
		q.Avoid = "fe1.contoso.test:5061"
		if l, e := next(t, q); e != nil || l.Target.Host != "fe2.contoso.test" {
			t.Errorf("got %v %v", l.Target, e)
		}
	})
}

// A server that wants to be left alone is passed over: it is not even dialled, and
// it says for how long. That binds its own address, not the other of its host.
func TestBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "_sip._tls.contoso.test. 60 IN SRV 1 0 5061 fe1.contoso.test.", fe1, "fe1.contoso.test. 60 IN A 10.0.0.12")
		w.secure("10.0.0.11:5061", "contoso.test")
		w.secure("10.0.0.12:5061", "contoso.test")
		q := w.query()
		q.Busy = map[string]time.Time{"10.0.0.11:5061": time.Now().Add(time.Minute)}
		if l, e := next(t, q); e != nil || l.Target.Address != "10.0.0.12" {
			t.Errorf("got %v %v", l.Target, e)
		}
		q.Busy["10.0.0.12:5061"] = time.Now().Add(time.Hour)
		s := New(q)
		_, err := s.Next(t.Context())
		if e, ok := errors.AsType[*NotFoundError](err); !ok || !strings.Contains(e.Why, "fe1.contoso.test:5061 asked us to wait for another 1m0s") || e.Remedy == "" {
			t.Errorf("%v", err)
		}
		if wait, failed := s.Patience(); wait != time.Minute || failed {
			t.Errorf("wait %v, failed %t", wait, failed)
		}
		if slices.Contains(w.dialed, "10.0.0.11:5061") {
			t.Error("it was dialled")
		}
	})
}

// A port that drops what it gets costs three seconds, not more.
func TestSilentPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "sip.contoso.test. 60 IN A 10.0.0.11")
		w.silent["10.0.0.11:5061"] = true
		w.secure("10.0.0.11:443", "contoso.test")
		begin := time.Now()
		l, e := next(t, w.query())
		if e != nil || l.Target.Port != 443 {
			t.Fatal(l.Target, e)
		}
		if d := time.Since(begin); d != connectTime {
			t.Errorf("took %v", d)
		}
	})
}

// Several addresses of one host do not wait for each other's time-out.
func TestSilentAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "sip.contoso.test. 60 IN AAAA 2001:db8::1", "sip.contoso.test. 60 IN A 10.0.0.11")
		w.silent["[2001:db8::1]:5061"] = true
		w.secure("10.0.0.11:5061", "contoso.test")
		begin := time.Now()
		l, e := next(t, w.query())
		if e != nil || l.Target.Address != "10.0.0.11" {
			t.Fatal(l.Target, e)
		}
		if d := time.Since(begin); d != nextAddress {
			t.Errorf("took %v", d)
		}
	})
}

// DNS that answers after four seconds is slow, not absent.
func TestSlowDNS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "_sipinternal._tcp.contoso.test. 60 IN SRV 0 0 5060 fe1.contoso.test.", "_sip._tls.contoso.test. 60 IN SRV 0 0 5061 fe1.contoso.test.", fe1)
		w.slow = 4 * time.Second
		w.secure("10.0.0.11:5061", "contoso.test")
		l, e := next(t, w.query())
		if e != nil || l.Target.Transport != "tls" {
			t.Error(l.Target, e)
		}
		time.Sleep(w.slow) // the last late answers
	})
}

// A look-up that fails is not "no such record": further TLS names are used,
// plain TCP is not, even where it is allowed.
func TestNoStepDown(t *testing.T) {
	plainTCP := "_sipinternal._tcp.contoso.test. 60 IN SRV 0 0 5060 fe1.contoso.test."
	for name, fail := range map[string]func(*world){
		"servfail": func(w *world) { w.rcode["_sipinternaltls._tcp.contoso.test."] = dns.RcodeServerFailure },
		"mute":     func(w *world) { w.mute["_sipinternaltls._tcp.contoso.test."] = true },
		"untrusted": func(w *world) {
			w.zone = append(w.zone, "_sipinternaltls._tcp.contoso.test. 60 IN SRV 0 0 5061 fe2.contoso.test.", fe2)
			w.secure("10.0.0.12:5061", "elsewhere.test")
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, plainTCP, fe1)
				w.listen["10.0.0.11:5060"] = func(c net.Conn) { c.Close() }
				fail(w)
				q := w.query()
				q.AllowTCP = true
				if l, e := next(t, q); e == nil {
					t.Fatalf("went on to %v", l.Target)
				}
				if slices.Contains(w.dialed, "10.0.0.11:5060") {
					t.Error("plain TCP was dialled")
				}
				w.zone = append(w.zone, "_sip._tls.contoso.test. 60 IN SRV 0 0 5061 fe1.contoso.test.")
				w.secure("10.0.0.11:5061", "contoso.test")
				if l, e := next(t, q); e != nil || l.Target.Transport != "tls" {
					t.Errorf("the other TLS name: %v %v", l.Target, e)
				}
			})
		})
	}
}

// Whatever the DNS says, nothing hangs and nothing is dialled that it should not.
func TestLyingDNS(t *testing.T) {
	srv := "_sip._tls.contoso.test. 60 IN SRV 0 0 5061 fe1.contoso.test."
	for name, c := range map[string]struct {
		zone []string
		edit func(*dns.Msg)
	}{
		"alias to itself":  {zone: []string{"_sip._tls.contoso.test. 60 IN CNAME _sip._tls.contoso.test."}},
		"alias in a ring":  {zone: []string{"sip.contoso.test. 60 IN CNAME a.contoso.test.", "a.contoso.test. 60 IN CNAME sip.contoso.test."}},
		"other question":   {zone: []string{srv, fe1}, edit: func(m *dns.Msg) { m.Question[0].Name = "other.test." }},
		"not an answer":    {zone: []string{srv, fe1}, edit: func(m *dns.Msg) { m.Response = false }},
		"records of other": {zone: []string{srv, fe1}, edit: func(m *dns.Msg) { rename(m, "other.test.") }},
		"target with dirt": {zone: []string{`_sip._tls.contoso.test. 60 IN SRV 0 0 5061 fe\0101.contoso.test.`}},
		"port 0":           {zone: []string{"_sip._tls.contoso.test. 60 IN SRV 0 0 0 fe1.contoso.test.", fe1}},
		"no address":       {zone: []string{srv, "fe1.contoso.test. 60 IN A 0.0.0.0", "fe1.contoso.test. 60 IN A 224.0.0.1"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, c.zone...)
				w.edit = c.edit
				w.secure("10.0.0.11:5061", "contoso.test")
				begin := time.Now()
				if l, e := next(t, w.query()); e == nil {
					t.Fatalf("found %v", l.Target)
				}
				if len(w.dialed) > 0 {
					t.Errorf("dialled %v", w.dialed)
				}
				if d := time.Since(begin); d > 4*lookupTime {
					t.Errorf("took %v", d)
				}
			})
		})
	}
}

func rename(m *dns.Msg, name string) {
	for _, rr := range m.Answer {
		rr.Header().Name = name
	}
}

// Three hundred records are a bounded amount of work.
func TestManyRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for i := range 300 {
			w.zone = append(w.zone, fmt.Sprintf("_sip._tls.contoso.test. 60 IN SRV 0 10 5061 h%d.contoso.test.", i),
				fmt.Sprintf("h%d.contoso.test. 60 IN A 10.1.%d.%d", i, i/250, i%250))
		}
		if l, e := next(t, w.query()); e == nil {
			t.Fatal(l)
		}
		if n := len(w.dialed); n != maxTargets {
			t.Errorf("%d targets were tried", n)
		}
		for i := range 300 {
			w.silent[fmt.Sprintf("10.1.%d.%d:5061", i/250, i%250)] = true
		}
		begin := time.Now()
		next(t, w.query())
		if d := time.Since(begin); d > searchTime {
			t.Errorf("silent ones took %v", d)
		}
	})
}

// When the caller's time is over, the search says what it knows by then.
func TestContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "_sip._tls.contoso.test. 60 IN SRV 0 0 5061 fe1.contoso.test.", fe1)
		w.mute["all"] = true
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		begin := time.Now()
		_, err := New(w.query()).Next(ctx)
		if e, ok := errors.AsType[*NotFoundError](err); !ok || !errors.Is(err, context.DeadlineExceeded) || e.Why == "" {
			t.Errorf("%T %v", err, err)
		}
		if d := time.Since(begin); d != 2*time.Second {
			t.Errorf("took %v", d)
		}
	})
}
