package autoconfig

import (
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"
)

func TestParseServer(t *testing.T) {
	for text, want := range map[string]string{
		"sip1.contoso.test":                    "sip1.contoso.test",
		" Sip1.Contoso.Test. ":                 "sip1.contoso.test",
		"sip1.contoso.test:5061":               "sip1.contoso.test:5061",
		"sip1.contoso.test:5061;transport=tls": "sip1.contoso.test:5061",
		"sip1.contoso.test;transport=TCP":      "sip1.contoso.test;transport=tcp",
		"127.0.0.1:20061":                      "127.0.0.1:20061",
		"2001:db8::1":                          "2001:db8::1",
		"[2001:db8::1]":                        "2001:db8::1",
		"[2001:DB8::1]:5061;transport=tcp":     "[2001:db8::1]:5061;transport=tcp",
		"bücher.example":                       "xn--bcher-kva.example",
		"":                                     "error",
		"a b":                                  "error",
		"sip1:0":                               "error",
		"sip1:65536":                           "error",
		"sip1:-1":                              "error",
		"sip1:port":                            "error",
		"sip1;transport=udp":                   "error",
		"sip1;lr":                              "error",
		"fe80::1%eth0":                         "error",
		"[::1":                                 "error",
		strings.Repeat("a.", 200):              "error",
	} {
		s, err := parseServer(text)
		got := s.String()
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%q: got %s, %v, want %s", text, got, err, want)
		}
	}
}

func TestServerByHand(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.11":                      "10.0.0.11:5061",
		"fe1.contoso.test":               "10.0.0.11:5061",
		"10.0.0.12":                      "10.0.0.12:443",
		"10.0.0.11:7777":                 "10.0.0.11:7777",
		"gate.hoster.test":               "10.0.0.13:5061",
		"fe1.contoso.test;transport=tcp": "10.0.0.11:5060",
		"10.0.0.11:5070;transport=tcp":   "10.0.0.11:5070",
		"fe1.contoso.test:7777":          "10.0.0.11:7777",
	} {
		t.Run(text, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "_sip._tls.contoso.test. 60 IN SRV 0 0 5061 fe2.contoso.test.", fe1, fe2, "gate.hoster.test. 60 IN A 10.0.0.13")
				w.secure("10.0.0.11:5061", "contoso.test")
				w.secure("10.0.0.12:443", "contoso.test")
				w.secure("10.0.0.11:7777", "contoso.test")
				w.secure("10.0.0.13:5061", "gate.hoster.test") // by hand the host's own name is enough
				w.listen["10.0.0.11:5060"] = w.serveDNS
				w.listen["10.0.0.11:5070"] = w.serveDNS
				q := w.query()
				q.Server, q.AllowTCP = text, true
				l, e := next(t, q)
				if e != nil {
					t.Fatal(e)
				}
				if got := hostPort(l.Target.Address, l.Target.Port); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			})
		})
	}
}

// RFC 2782: within one priority by weight; 10,000 draws come out within 3 %.
func TestWeights(t *testing.T) {
	records := []Record{{Priority: 1, Weight: 100, Target: "later."}, {Weight: 10, Target: "a."}, {Weight: 30, Target: "b."}, {Weight: 60, Target: "c."}}
	r := rand.New(rand.NewPCG(1, 2))
	first := map[string]int{}
	const draws = 10000
	for range draws {
		o := order(records, r.IntN)
		if len(o) != 4 || o[3].Target != "later." {
			t.Fatalf("priorities: %v", o)
		}
		first[o[0].Target]++
	}
	for _, rec := range records[1:] {
		share := float64(first[rec.Target]) / draws
		if want := float64(rec.Weight) / 100; share < want-0.03 || share > want+0.03 {
			t.Errorf("%s came first in %.3f, weight says %.2f", rec.Target, share, want)
		}
	}
}

// A record of weight 0 has a small chance beside others, and a fair one alone.
func TestWeightZero(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	zero := 0
	for range 1000 {
		if order([]Record{{Weight: 99, Target: "a."}, {Weight: 0, Target: "b."}}, r.IntN)[0].Target == "b." {
			zero++
		}
	}
	if zero == 0 || zero > 40 {
		t.Errorf("weight 0 came first %d times of 1000", zero)
	}
}

func FuzzServer(f *testing.F) {
	for _, s := range []string{"sip1.contoso.test:5061;transport=tls", "[2001:db8::1]:5061", "::1", "bücher.example", "a:b:c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseServer(text)
		if err != nil {
			return
		}
		if again, err := parseServer(s.String()); err != nil || again != s {
			t.Errorf("%q gives %q, which gives %v %v", text, s, again, err)
		}
	})
}

// Any bytes that the library takes for an answer are digested.
func FuzzSRVAnswer(f *testing.F) {
	name := "_sip._tls.contoso.test."
	for _, zone := range []string{name + " 60 IN SRV 0 10 5061 fe1.contoso.test.", name + " 60 IN CNAME a.test.", name + " 60 IN SRV 0 0 0 ."} {
		rr, err := dns.NewRR(zone)
		if err != nil {
			f.Fatal(err)
		}
		m := new(dns.Msg).SetQuestion(name, dns.TypeSRV)
		m.Answer = append(m.Answer, rr)
		b, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m := new(dns.Msg)
		if m.Unpack(b) != nil {
			return
		}
		_, found := follow(m.Answer, name, dns.TypeSRV)
		s := New(Query{Domain: "contoso.test", Resolver: "192.0.2.1"})
		s.queueRecords(usable(srvRecords(found)), true, "fuzz")
		for _, c := range s.queue {
			if !validHost(c.host) || c.port == 0 {
				t.Errorf("candidate %+v", c)
			}
		}
	})
}
