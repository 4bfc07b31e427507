package simple

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"communicator/contacts"
	"communicator/lab"
	"communicator/presence"
	"communicator/wire/pidf"
)

const rulesPath = "/pres-rules/users/sip:anna@contoso.test/index"

func rulesOf(t *testing.T, doc string) Rules {
	t.Helper()
	set, err := pidf.ParseRuleset([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	return Rules{set: set}
}

// theirRules are rules as deploy/kamailio makes them for a new account, below
// one of another client.
const theirRules = `<?xml version="1.0" encoding="UTF-8"?>
<ruleset xmlns="urn:ietf:params:xml:ns:common-policy" xmlns:pr="urn:ietf:params:xml:ns:pres-rules" xmlns:x="urn:x">
  <!-- another client -->
  <rule id="pals" x:colour="red">
    <conditions><identity><one id="sip:bob@contoso.test"/><one id="sip:out@fabrikam.test"/></identity></conditions>
    <actions><pr:sub-handling>allow</pr:sub-handling></actions>
  </rule>
  <rule id="bad">
    <conditions><identity><one id="sip:spam@fabrikam.test"/></identity></conditions>
    <actions><pr:sub-handling>polite-block</pr:sub-handling></actions>
  </rule>
  <rule id="colleagues">
    <conditions><identity><many domain="contoso.test"/></identity></conditions>
    <actions><pr:sub-handling>allow</pr:sub-handling></actions>
    <transformations><pr:provide-all-attributes/></transformations>
  </rule>
</ruleset>`

func TestAccessOf(t *testing.T) {
	r := rulesOf(t, theirRules)
	for user, want := range map[string]contacts.Access{"bob@contoso.test": "allow", "out@fabrikam.test": "allow", "spam@fabrikam.test": "polite", "eve@contoso.test": "allow", "x@fabrikam.test": ""} {
		if got := r.Of(user); got != want {
			t.Errorf("%s: %q, want %q", user, got, want)
		}
	}
}

// Whatever is decided, in whatever order: it holds, for nobody else anything
// changes, and what another client wrote stays.
func TestAllowing(t *testing.T) {
	others := []string{"bob@contoso.test", "out@fabrikam.test", "spam@fabrikam.test", "eve@contoso.test", "new@fabrikam.test", "jürgen@contoso.test"}
	for i := range others {
		others[i], _ = contacts.Canonical(others[i])
	}
	r := rulesOf(t, theirRules)
	want := map[string]contacts.Access{}
	for _, u := range others {
		want[u] = r.Of(u)
	}
	all := []contacts.Access{contacts.Block, contacts.Limited, contacts.Allow, contacts.Polite}
	for n := range 60 {
		user, a := others[n*7%len(others)], all[n*5%len(all)]
		if n*5%4 == n%3 {
			a = all[n%len(all)]
		}
		allowing(&r.set, user, a)
		want[user] = a
		again := rulesOf(t, string(r.set.Marshal()))
		for _, u := range others {
			if got := again.Of(u); got != want[u] {
				t.Fatalf("step %d, %s %s: %s has %q, want %q\n%s", n, user, a, u, got, want[u], r.set.Marshal())
			}
		}
	}
	if doc := string(r.set.Marshal()); !strings.Contains(doc, "another client") || len(r.set.Rules()) > 7 {
		t.Errorf("%d rules\n%s", len(r.set.Rules()), doc)
	}
	for _, u := range others {
		allowing(&r.set, u, contacts.Undecided)
	}
	if got := len(r.People()); got != 0 {
		t.Errorf("%d people are named when all is taken back:\n%s", got, r.set.Marshal())
	}
	if got := r.Of("eve@contoso.test"); got != contacts.Allow {
		t.Errorf("a colleague of whom nothing is said has %q", got)
	}
}

// Nothing but what must change does.
func TestBlockChangesLittle(t *testing.T) {
	r := rulesOf(t, theirRules)
	allowing(&r.set, "bob@contoso.test", contacts.Block)
	doc := string(r.set.Marshal())
	for _, s := range []string{`x:colour="red"`, `<one id="sip:out@fabrikam.test"/>`, `<except id="sip:bob@contoso.test"/>`, `<rule id="communicator-block">`} {
		if !strings.Contains(doc, s) {
			t.Errorf("%s is missing:\n%s", s, doc)
		}
	}
	if strings.Count(doc, "bob@") != 2 {
		t.Error(doc)
	}
}

func TestRulesByXCAP(t *testing.T) {
	dir := t.TempDir()
	xcap := &store{docs: map[string]string{rulesPath: theirRules}}
	var told []Rules
	open := func() *Server {
		r := newRecord(Options{XCAP: "https://x", HTTP: xcap.client(), Dir: dir})
		r.o.Sink.Rules = func(r Rules) { told = append(told, r) }
		return r.Server
	}
	s := open()
	if err := s.ReadRules(t.Context()); err != nil || len(told) != 1 || !told[0].OnServer {
		t.Fatal(told, err)
	}
	raced := false
	xcap.before = func(q *http.Request) *http.Response {
		if q.Method == "PUT" && !raced {
			raced = true // another client is faster
			xcap.docs[rulesPath] = strings.Replace(theirRules, "spam@", "junk@", 1)
			xcap.tag++
		}
		return nil
	}
	if err := s.SetAccess(t.Context(), map[string]contacts.Access{"Bob@contoso.test": contacts.Block}); err != nil {
		t.Fatal(err)
	}
	if doc := xcap.docs[rulesPath]; !strings.Contains(doc, "junk@") || rulesOf(t, doc).Of("Bob@contoso.test") != contacts.Block {
		t.Error(doc)
	}
	if last := told[len(told)-1]; last.Of("Bob@contoso.test") != contacts.Block || len(last.People()) != 4 {
		t.Errorf("told: %v", last.People())
	}

	// The store is reset: who was blocked is blocked again, and was meanwhile.
	delete(xcap.docs, rulesPath)
	again := open()
	if err := again.ReadRules(t.Context()); err != nil || rulesOf(t, xcap.docs[rulesPath]).Of("Bob@contoso.test") != contacts.Block {
		t.Errorf("%v, on the server: %s", err, xcap.docs[rulesPath])
	}
	xcap.before = func(*http.Request) *http.Response { return response(503, "", "") }
	told = nil
	if err := open().ReadRules(t.Context()); err == nil || len(told) != 1 || told[0].Of("Bob@contoso.test") != contacts.Block {
		t.Errorf("without an answer of the server: %v, %v", told, err)
	}
}

func TestRulesInAFile(t *testing.T) {
	dir := t.TempDir()
	s := newRecord(Options{Dir: dir}).Server
	if err := s.SetAccess(t.Context(), map[string]contacts.Access{"bob@contoso.test": contacts.Limited}); err == nil {
		t.Error("a server without rules shows somebody less")
	}
	if err := s.SetAccess(t.Context(), map[string]contacts.Access{"bob@contoso.test": contacts.Block}); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(s.rules.file()); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", st, err)
	}
	var told Rules
	again := newRecord(Options{Dir: dir})
	again.o.Sink.Rules = func(r Rules) { told = r }
	if err := again.ReadRules(t.Context()); err != nil || told.OnServer || told.Of("bob@contoso.test") != contacts.Block || told.Of("x@contoso.test") != contacts.Allow {
		t.Errorf("%v, %v", told.People(), err)
	}
}

// A damaged file is not written anew: who was blocked would be let in.
func TestDamagedRulesFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "rules.anna@contoso.test.xml")
	if err := os.WriteFile(file, []byte("<ruleset><rule"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newRecord(Options{Dir: dir}).Server
	for _, err := range []error{s.ReadRules(t.Context()), s.SetAccess(t.Context(), map[string]contacts.Access{"bob@contoso.test": contacts.Block})} {
		if err == nil || !strings.Contains(err.Error(), "mend or remove "+file) {
			t.Errorf("error %v", err)
		}
	}
	if b, _ := os.ReadFile(file); string(b) != "<ruleset><rule" {
		t.Errorf("the file is now %s", b)
	}
}

// What others see of me in the lab, which obeys the rules.
func TestSeenAsAllowed(t *testing.T) {
	office(t, 20, func(t *testing.T, c *lab.Company) {
		anna, boss := signIn(t, c, c.Newcomer(), labXCAP), signIn(t, c, c.People()[0], labXCAP)
		defer anna.signOut()
		defer boss.signOut()
		self := anna.o.Self
		if err := anna.Publish(t.Context(), presence.State{Availability: presence.Busy, Activity: presence.Meeting, Note: "In Lyon"}); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			access contacts.Access
			want   string
		}{
			{contacts.Limited, "available"}, {contacts.Allow, "busy meeting In Lyon"}, {contacts.Polite, "offline"}, {contacts.Allow, "busy meeting In Lyon"}, {contacts.Block, "unknown"},
		} {
			if err := anna.SetAccess(t.Context(), map[string]contacts.Access{boss.o.Self: step.access}); err != nil {
				t.Fatal(err)
			}
			watch(t, boss.record, self)
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			boss.mu.Lock()
			s := boss.latest[self]
			boss.mu.Unlock()
			if got := strings.TrimSpace(fmt.Sprint(s.Availability, " ", s.Activity, " ", s.Note)); got != step.want {
				t.Errorf("%s: seen as %q, want %q", step.access, got, step.want)
			}
		}
	})
}
