package simple

import (
	"strings"
	"testing"

	"communicator/contacts"
)

// prefillOf is what the chart says of Anna.
func prefillOf(peers int) []contacts.Group {
	chart := contacts.Chart{Self: "anna@contoso.test", Manager: &contacts.Contact{User: "chen@contoso.test", Name: "Chen Dahl"},
		SecondManager: &contacts.Contact{User: "zoe@contoso.test", Name: "Zoe"}}
	for i := range peers {
		p := contacts.Contact{User: string(rune('a'+i%26)) + strings.Repeat("x", i/26) + "@contoso.test", Name: "Peer"}
		chart.Peers, chart.Everyone = append(chart.Peers, p), append(chart.Everyone, p)
	}
	return chart.Groups()
}

// An administrator's groups come beside what another client keeps in its own
// style; a later run replaces them, and one that changes nothing writes nothing.
func TestPrefill(t *testing.T) {
	xcap := &store{docs: map[string]string{listsPath: theirs}}
	r := newRecord(Options{Self: "lists@contoso.test", XCAP: "https://x", HTTP: xcap.client()})
	fill := func(groups []contacts.Group, largest int) Prefilled {
		t.Helper()
		p, err := r.Prefill(t.Context(), "anna@contoso.test", groups, largest)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	kept := func() string {
		t.Helper()
		doc, err := parseLists([]byte(xcap.docs[listsPath]))
		if err != nil {
			t.Fatal(err)
		}
		return words(listOf(doc))
	}
	own := kept()
	if p := fill(prefillOf(2), 1<<20); !p.Written || len(p.LeftOut) > 0 {
		t.Errorf("first: %+v", p)
	}
	if got, want := kept(), own+"; My manager: chen@contoso.test(Chen Dahl); My peers: a@contoso.test(Peer) b@contoso.test(Peer); Everyone under Zoe: a@contoso.test(Peer) b@contoso.test(Peer)"; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	for _, theirs := range []string{"made by another client", `x:ring="bell"`, "tel:+4930123456", `<x:note>kept</x:note>`, `<rl:external anchor=`} {
		if !strings.Contains(xcap.docs[listsPath], theirs) {
			t.Errorf("%q is lost in %s", theirs, xcap.docs[listsPath])
		}
	}
	tag := xcap.tag
	if p := fill(prefillOf(2), 1<<20); p.Written || xcap.tag != tag {
		t.Errorf("again: %+v", p)
	}
	if p := fill(prefillOf(1), 1<<20); !p.Written || !strings.HasSuffix(kept(), "; Everyone under Zoe: a@contoso.test(Peer)") {
		t.Errorf("one has left: %+v, %s", p, kept())
	}
	if p := fill(prefillOf(500), len(xcap.docs[listsPath])+1000); !p.Written || len(p.LeftOut) != 2 || p.LeftOut[0] != "Everyone under Zoe" {
		t.Errorf("too large: %+v", p)
	}
	if p := fill(nil, 1<<20); !p.Written || kept() != own {
		t.Errorf("nobody is there any more: %+v, %s", p, kept())
	}
}

// What the user hid stays hidden, a name that he chose stays his.
func TestPrefillKeepsWhatTheUserChose(t *testing.T) {
	xcap := &store{docs: map[string]string{}}
	r := newRecord(Options{Self: "lists@contoso.test", XCAP: "https://x", HTTP: xcap.client()})
	if _, err := r.Prefill(t.Context(), "anna@contoso.test", prefillOf(1), 1<<20); err != nil {
		t.Fatal(err)
	}
	for _, e := range []contacts.Edit{{Op: contacts.Hide, Group: "My manager"}, {Op: contacts.Rename, User: "chen@contoso.test", Name: "Chief"}} {
		doc, err := editDocument([]byte(xcap.docs[listsPath]), e)
		if err != nil {
			t.Fatal(err)
		}
		xcap.docs[listsPath] = string(doc)
	}
	for _, groups := range [][]contacts.Group{prefillOf(2), nil, prefillOf(2)} {
		if _, err := r.Prefill(t.Context(), "anna@contoso.test", groups, 1<<20); err != nil {
			t.Fatal(err)
		}
	}
	doc, err := parseLists([]byte(xcap.docs[listsPath]))
	if err != nil {
		t.Fatal(err)
	}
	list := listOf(doc)
	if shown := list.WithOrg(contacts.Chart{}); strings.Contains(words(shown), "manager") || !strings.Contains(words(shown), "My peers: a@") {
		t.Errorf("shown %s", words(shown))
	}
	if hidden := list.HiddenOrg(contacts.Chart{}); len(hidden) != 1 || hidden[0].Members[0].Name != "Chen Dahl" || list.Name("chen@contoso.test") != "Chief" {
		t.Errorf("hidden %+v", hidden)
	}
}

// Without a place for lists that is said, and nothing is written to a file.
func TestPrefillWithoutServer(t *testing.T) {
	r := newRecord(Options{Self: "lists@contoso.test", Dir: t.TempDir()})
	if _, err := r.Prefill(t.Context(), "anna@contoso.test", prefillOf(1), 1<<20); err == nil || !strings.Contains(err.Error(), "XCAP") {
		t.Errorf("%v", err)
	}
}
