//go:build interop

package interop

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// ask has the program look up twenty random people of everybody, and some odd
// ones, and compares with what ldapsearch says.
func (s ldapServer) ask(t *testing.T, all []member) {
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	everybody := s.search(t, "(objectClass=person)", "displayName", "mail", "manager")
	byMail := map[string]record{}
	for _, r := range everybody {
		byMail[r.first("mail")] = r
	}
	t.Logf("%d entries; random seed %d", len(everybody), seed)
	sh := s.shell(t, s.program, s.me, s.of(s.me).password)
	sh.env = append(sh.env, s.environment...)
	if err := os.MkdirAll(profileOf(sh), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(profileOf(sh), "profile.toml"), []byte(s.settings), 0o600); err != nil {
		t.Fatal(err)
	}
	var who []member
	last := len(all) - 1
	for range 20 {
		who = append(who, all[random.IntN(last-1)]) // the last but one has no address
	}
	who = append(who, all[last], all[last-2], all[last-3], all[last-4], all[boss]) // no manager, one's own, two in a circle, 3,000 reports
	sizes, largest := map[string]int{}, 0
	var took []time.Duration
	for _, m := range who {
		want := charts(everybody, byMail[m.address()].first("dn"))
		began := time.Now()
		got := printed(sh.run(0, "org", m.address()))
		took = append(took, time.Since(began))
		if !reflect.DeepEqual(got, want) {
			for _, g := range slices.Sorted(maps.Keys(want)) {
				t.Errorf("org %s: %s has %d, ldapsearch finds %d", m.address(), g, len(got[g]), len(want[g]))
			}
		}
		for g := range want {
			sizes[g] += len(want[g])
			largest = max(largest, len(want[g]))
		}
	}
	t.Logf("org: %d people, %v, the largest group %d; %s", len(who), sizes, largest, spread(took))
	s.find(t, sh, who)
}

// find looks people up by name, by number and by address.
func (s ldapServer) find(t *testing.T, sh shell, who []member) {
	t.Helper()
	total := 0
	var took []time.Duration
	for _, m := range who[:20] {
		filter := fmt.Sprintf("(&(objectClass=person)(givenName=%s*)(sn=%s*))", m.given, m.family)
		want := map[string]bool{}
		for _, r := range s.search(t, filter, "displayName", "mail") {
			want[r.first("displayname")+" sip:"+r.first("mail")] = true
		}
		got := map[string]bool{}
		began := time.Now()
		lines := sh.run(0, "find", m.family, m.given, "--limit", "500")
		took = append(took, time.Since(began))
		for _, l := range lines {
			got[fmt.Sprint(l["name"], " ", l["user"])] = true
		}
		if !maps.Equal(got, want) {
			t.Errorf("find %s %s: %d, ldapsearch finds %d: %v, %v", m.family, m.given, len(got), len(want), got, want)
		}
		total += len(want)
	}
	t.Logf("find: 20 names, %d people; %s", total, spread(took))
	for _, text := range []string{who[0].address(), "030 55" + who[0].uid[1:]} {
		if found := sh.run(0, "find", text); len(found) != 1 || found[0]["name"] != who[0].name() {
			t.Errorf("find %s: %v, want %s", text, found, who[0].name())
		}
	}
}

// spread says how long commands took, sign-in in.
func spread(took []time.Duration) string {
	slices.Sort(took)
	return fmt.Sprintf("median %v, longest %v", took[len(took)/2].Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond))
}

func profileOf(s shell) string { return s.args[slices.Index(s.args, "--profile")+1] }

// named is the place with a DNS of its own, in which the directory is another
// one: records are asked for there, or else at resolver; all else at the place.
func (p place) named(t *testing.T, resolver, authority string, records ...string) place {
	t.Helper()
	zone := map[string][]dns.RR{}
	for _, text := range records {
		rr, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		zone[rr.Header().Name] = append(zone[rr.Header().Name], rr)
	}
	lab := p.resolver
	answer := func(w dns.ResponseWriter, q *dns.Msg) {
		name, of := strings.ToLower(q.Question[0].Name), lab
		if directory := strings.HasPrefix(name, "_ldap") || strings.HasPrefix(name, "dc1."); directory && resolver != "" {
			of = resolver
		} else if directory || zone[name] != nil {
			a := new(dns.Msg).SetReply(q)
			for _, rr := range zone[name] {
				if rr.Header().Rrtype == q.Question[0].Qtype {
					a.Answer = append(a.Answer, rr)
				}
			}
			if zone[name] == nil {
				a.Rcode = dns.RcodeNameError
			}
			_ = w.WriteMsg(a) // who does not get it asks again
			return
		}
		client := &dns.Client{Net: w.LocalAddr().Network()}
		if a, _, err := client.Exchange(q, of); err == nil {
			_ = w.WriteMsg(a)
		}
	}
	address := fmt.Sprintf("127.0.0.1:%d", freeBase(t, 53)+53)
	for _, network := range []string{"udp", "tcp"} {
		ready := make(chan struct{})
		server := &dns.Server{Addr: address, Net: network, Handler: dns.HandlerFunc(answer), NotifyStartedFunc: func() { close(ready) }}
		go func() { // ends with Shutdown
			if err := server.ListenAndServe(); err != nil {
				t.Errorf("DNS: %v", err)
			}
		}()
		select {
		case <-ready:
		case <-time.After(patience):
			t.Fatal("the DNS does not start")
		}
		t.Cleanup(func() { _ = server.Shutdown() })
	}
	p.resolver, p.ca = address, bundle(t, p.ca, authority)
	return p
}

// bundle is a file with several authorities.
func bundle(t *testing.T, files ...string) string {
	t.Helper()
	var all []byte
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	name := filepath.Join(t.TempDir(), "authorities.pem")
	if err := os.WriteFile(name, all, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
