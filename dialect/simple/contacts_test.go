package simple

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"communicator/contacts"
	"communicator/wire/auth"
	"communicator/wire/sipconn"
)

const listsPath = "/resource-lists/users/sip:anna@contoso.test/index"

// theirs is a contact list as another client keeps it, with what only that
// client knows.
const theirs = `<?xml version="1.0" encoding="UTF-8"?>
<rl:resource-lists xmlns:rl="urn:ietf:params:xml:ns:resource-lists" xmlns:x="urn:example:x">
  <!-- made by another client -->
  <rl:list name="friends" x:colour="red">
    <rl:display-name xml:lang="en">My Friends</rl:display-name>
    <rl:entry uri="sip:bob@contoso.test" x:ring="bell"><rl:display-name>Bob Berg</rl:display-name></rl:entry>
    <rl:entry uri="tel:+4930123456"/>
    <rl:external anchor="https://xcap.contoso.test/lists/all"/>
    <rl:list name="close"><rl:entry uri="sip:carol@Contoso.test"/></rl:list>
  </rl:list>
  <rl:list name="work"><rl:entry uri="sip:dave@contoso.test"/><rl:entry uri="sip:bob@contoso.test"/></rl:list>
  <x:note>kept</x:note>
</rl:resource-lists>`

// words is a list in one line.
func words(l contacts.List) string {
	var groups []string
	for _, g := range l.Groups {
		s := g.Name + ":"
		for _, m := range g.Members {
			s += " " + m.User
			if m.Name != "" {
				s += "(" + m.Name + ")"
			}
		}
		groups = append(groups, s)
	}
	return strings.Join(groups, "; ")
}

func (r *record) list(t *testing.T) string {
	t.Helper()
	if len(r.lists) == 0 {
		return "none told"
	}
	return words(r.lists[len(r.lists)-1])
}

func TestEditKeepsWhatOthersWrote(t *testing.T) {
	for _, c := range []struct {
		e    contacts.Edit
		list string   // afterwards
		has  []string // in the document
		not  []string
	}{
		{contacts.Edit{Op: contacts.Add, User: "eve@contoso.test", Name: "Eve", Group: "work"},
			"My Friends: bob@contoso.test(Bob Berg); My Friends / close: carol@contoso.test; work: dave@contoso.test bob@contoso.test eve@contoso.test(Eve)",
			[]string{`<rl:entry uri="sip:eve@contoso.test">`, "Eve"}, nil},
		{contacts.Edit{Op: contacts.Remove, User: "bob@contoso.test"},
			"My Friends: ; My Friends / close: carol@contoso.test; work: dave@contoso.test", nil, []string{"bob@"}},
		{contacts.Edit{Op: contacts.Move, User: "bob@contoso.test", Group: "My Friends", To: "New"},
			"My Friends: ; My Friends / close: carol@contoso.test; work: dave@contoso.test bob@contoso.test; New: bob@contoso.test(Bob Berg)",
			[]string{`x:ring="bell"`}, nil},
		{contacts.Edit{Op: contacts.RenameGroup, Group: "my friends", To: "Pals"},
			"Pals: bob@contoso.test(Bob Berg); Pals / close: carol@contoso.test; work: dave@contoso.test bob@contoso.test",
			[]string{`x:ring="bell"`}, []string{"Friends"}},
		{contacts.Edit{Op: contacts.RemoveGroup, Group: "work"},
			"My Friends: bob@contoso.test(Bob Berg); My Friends / close: carol@contoso.test", nil, []string{"dave@"}},
		{contacts.Edit{Op: contacts.AddGroup, Group: "Club"},
			"My Friends: bob@contoso.test(Bob Berg); My Friends / close: carol@contoso.test; work: dave@contoso.test bob@contoso.test; Club:", nil, nil},
	} {
		raw, err := editDocument([]byte(theirs), c.e)
		if err != nil {
			t.Errorf("%s: %v", c.e.Op, err)
			continue
		}
		doc, err := parseLists(raw)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.ReplaceAll(words(listOf(doc)), ": ;", ":;")
		if want := strings.ReplaceAll(c.list, ": ;", ":;"); got != want {
			t.Errorf("%s:\n got %s\nwant %s", c.e.Op, got, want)
		}
		for _, s := range append(c.has, "tel:+4930123456", "https://xcap.contoso.test/lists/all", `x:colour="red"`, "<x:note>kept</x:note>", "made by another client") {
			if !strings.Contains(string(raw), s) {
				t.Errorf("%s: %s is lost:\n%s", c.e.Op, s, raw)
			}
		}
		for _, s := range c.not {
			if strings.Contains(string(raw), s) {
				t.Errorf("%s: %s is still there:\n%s", c.e.Op, s, raw)
			}
		}
	}
}

func TestListFromNothing(t *testing.T) {
	var raw []byte
	for _, e := range []contacts.Edit{
		{Op: contacts.Add, User: "bob@contoso.test", Name: `Doe, Jane "JD" <x>`, Group: "Über uns"},
		{Op: contacts.Add, User: "bob@contoso.test", Name: "Bob"},
		{Op: contacts.Add, User: "bob@contoso.test", Name: "Bob B", Group: "Über uns"},
	} {
		var err error
		if raw, err = editDocument(raw, e); err != nil {
			t.Fatal(err)
		}
	}
	doc, err := parseLists(raw)
	if got := words(listOf(doc)); err != nil || got != "Über uns: bob@contoso.test(Bob B); Contacts: bob@contoso.test(Bob)" {
		t.Errorf("%s, %v", got, err)
	}
}

func TestContactsByXCAP(t *testing.T) {
	xcap := &store{docs: map[string]string{listsPath: theirs}}
	r := newRecord(Options{XCAP: "https://x", HTTP: xcap.client(), Dir: t.TempDir()})
	connect(t, r.line)
	if err := r.Start(t.Context()); err != nil || !strings.Contains(r.list(t), "work: dave@contoso.test") {
		t.Fatalf("%s, %v", r.list(t), err)
	}
	raced := false
	xcap.before = func(q *http.Request) *http.Response {
		if q.Method == "PUT" && !raced {
			raced = true // another client is faster
			xcap.docs[listsPath] = strings.Replace(theirs, "dave@", "frank@", 1)
			xcap.tag++
		}
		return nil
	}
	if err := r.Edit(t.Context(), contacts.Edit{Op: contacts.Add, User: "eve@contoso.test", Group: "work"}); err != nil {
		t.Fatal(err)
	}
	if got := r.list(t); !strings.HasSuffix(got, "work: frank@contoso.test bob@contoso.test eve@contoso.test") {
		t.Errorf("after the race: %s", got)
	}
	before := len(xcap.requests)
	if err := r.Edit(t.Context(), contacts.Edit{Op: contacts.Remove, User: "nobody@contoso.test"}); err == nil || len(xcap.requests) != before {
		t.Errorf("a change that cannot be: %v, %v", err, xcap.requests[before:])
	}
	if err := r.Edit(t.Context(), contacts.Edit{Op: contacts.Remove, User: "frank@contoso.test"}); err != nil || len(xcap.requests) != before+1 {
		t.Errorf("a change takes %v, %v", xcap.requests[before:], err)
	}
}

// A39: server list is the master; an empty or failed answer never deletes.
func TestEmptyOrFailedAnswerDeletesNothing(t *testing.T) {
	dir := t.TempDir()
	xcap := &store{docs: map[string]string{listsPath: theirs}}
	again := func() *record {
		r := newRecord(Options{XCAP: "https://x", HTTP: xcap.client(), Dir: dir})
		connect(t, r.line)
		return r
	}
	r := again()
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	full := r.list(t)
	for name, answer := range map[string]*http.Response{
		"no document": response(404, "", ""), "empty": response(200, `"7"`, ""),
		"no list": response(200, `"7"`, `<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"/>`),
	} {
		xcap.before = func(*http.Request) *http.Response { return answer }
		r := again()
		if err := r.Start(t.Context()); err != nil || r.list(t) != full {
			t.Errorf("%s: %s, %v", name, r.list(t), err)
		}
	}
	for name, answer := range map[string]*http.Response{
		"error": response(503, "", ""), "rubbish": response(200, "", "<html>"), "refused": response(401, "", ""),
		"something huge": response(200, "", strings.Repeat("x", 5<<20)),
	} {
		xcap.before = func(*http.Request) *http.Response { return answer }
		r := again()
		if err := r.Start(t.Context()); err == nil || r.list(t) != full {
			t.Errorf("%s: %s, %v", name, r.list(t), err)
		}
	}
	r = newRecord(Options{XCAP: "https://x", HTTP: (&store{before: func(*http.Request) *http.Response { return response(503, "", "") }}).client()})
	connect(t, r.line)
	if err := r.Start(t.Context()); err == nil || len(r.lists) > 0 {
		t.Errorf("nothing is known, and told is %s, %v", r.list(t), err)
	}
}

func TestContactsInAFile(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	r := newRecord(Options{Dir: dir, Now: func() time.Time { now = now.Add(time.Minute); return now }})
	for i := range 15 {
		if err := r.Edit(t.Context(), contacts.Edit{Op: contacts.Add, User: fmt.Sprintf("u%d@contoso.test", i), Group: "Team"}); err != nil {
			t.Fatal(err)
		}
	}
	old, _ := filepath.Glob(filepath.Join(dir, "contacts.anna@contoso.test.2026*.xml"))
	if len(old) != keepOld {
		t.Errorf("%d dated copies", len(old))
	}
	if st, err := os.Stat(filepath.Join(dir, "contacts.anna@contoso.test.xml")); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("file: %v, %v", st, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "contacts.anna@contoso.test.xml"), []byte("half a fi"), 0o600); err != nil {
		t.Fatal(err)
	}
	r = newRecord(Options{Dir: dir})
	connect(t, r.line)
	if err := r.Start(t.Context()); err != nil || strings.Count(r.list(t), "@") != 14 {
		t.Errorf("a broken file: %s, %v", r.list(t), err)
	}
	r = newRecord(Options{Dir: filepath.Join(dir, "file"), Now: func() time.Time { return now }})
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.Edit(t.Context(), contacts.Edit{Op: contacts.AddGroup, Group: "x"}); err == nil || len(r.lists) != 0 {
		t.Errorf("a change that could not be kept is told as done: %v", err)
	}
}

// XCAP over real HTTP, with Digest as Kamailio asks for it.
func TestXCAPDigest(t *testing.T) {
	var seen []string
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		seen = append(seen, q.Method)
		if !strings.Contains(q.Header.Get("Authorization"), `username="anna"`) || !strings.Contains(q.Header.Get("Authorization"), `uri="`+q.RequestURI+`"`) {
			w.Header().Set("WWW-Authenticate", `Digest realm="contoso.test", nonce="awBGFGsAROg63NviJrpqNfIw2AUineuH", qop="auth"`)
			w.WriteHeader(401)
			return
		}
		w.Header().Set("ETag", `"sr-1"`)
		if q.Method == "GET" {
			_, _ = w.Write([]byte(theirs))
		}
	}))
	defer h.Close()
	o := Options{XCAP: h.URL + "/xcap-root", Auth: auth.NewClient("anna", "contoso.test", func() (string, error) { return "anna-pw", nil })}
	r := newRecord(o)
	connect(t, r.line)
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.Edit(t.Context(), contacts.Edit{Op: contacts.AddGroup, Group: "Club"}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(seen, " "); got != "GET GET PUT" { // challenged once only
		t.Errorf("requests %s", got)
	}
	o.Auth = nil
	r = newRecord(o)
	connect(t, r.line)
	if err := r.Start(t.Context()); !errors.Is(err, auth.ErrRejected) {
		t.Errorf("without a password: %v", err)
	}
}

func FuzzEditDocument(f *testing.F) {
	f.Add([]byte(theirs), "bob@contoso.test", "work", "New")
	f.Add([]byte(`<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"><list/><list><list name="a"/><entry/></list></resource-lists>`), "x@y", "", "a")
	f.Fuzz(func(t *testing.T, raw []byte, user, group, to string) {
		if rows, _, err := ParseRows(raw); err == nil {
			_, _ = contacts.List{}.Merge(rows)
		}
		for _, op := range []contacts.Op{contacts.Add, contacts.Remove, contacts.Move, contacts.AddGroup, contacts.RemoveGroup, contacts.RenameGroup,
			contacts.Copy, contacts.Rename, contacts.MoveUp, contacts.Hide, contacts.Show} {
			e := contacts.Edit{Op: op, User: user, Name: to, Group: group, To: to}
			if op == contacts.Hide {
				e.Kind = contacts.Peers
			}
			out, err := editDocument(raw, e)
			if err != nil {
				continue
			}
			doc, err := parseLists(out)
			if err != nil {
				t.Fatalf("%s made what cannot be read: %v\n%s", op, err, out)
			}
			before, err := parseLists(raw)
			if err != nil {
				t.Fatal(err)
			}
			want, err := listOf(before).Apply(e)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := len(listOf(doc).Users()), len(want.Users()); got != want {
				t.Fatalf("%s: %d people, want %d\n%s", op, got, want, out)
			}
		}
	})
}

// The window and a command share the file: neither undoes what the other did.
func TestTwoProcessesOneFile(t *testing.T) {
	dir := t.TempDir()
	open := func() *Server { return New(Options{Self: "anna@contoso.test", Line: &sipconn.Line{}, Dir: dir}) }
	window, command := open(), open()
	for _, step := range []struct {
		s    *Server
		user string
	}{{window, "dave@contoso.test"}, {command, "bob@contoso.test"}, {window, "carol@contoso.test"}} {
		if err := step.s.Edit(t.Context(), contacts.Edit{Op: contacts.Add, User: step.user, Group: "Team"}); err != nil {
			t.Fatal(err)
		}
	}
	doc, err := parseLists(window.readListFile())
	if err != nil {
		t.Fatal(err)
	}
	if n := len(listOf(doc).Users()); n != 3 {
		t.Errorf("%d people are left of 3", n)
	}
}
