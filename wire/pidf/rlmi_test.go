package pidf

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

// message splits a testdata file into its content type and its body with CRLF.
func message(t testing.TB, name string) (contentType string, body []byte) {
	t.Helper()
	head, rest, _ := bytes.Cut(bytes.ReplaceAll(file(t, name), []byte("\r\n"), []byte("\n")), []byte("\n\n"))
	return strings.TrimPrefix(string(head), "Content-Type: "), bytes.ReplaceAll(rest, []byte("\n"), []byte("\r\n"))
}

func TestParseNotify(t *testing.T) {
	type row struct{ uri, state, reason, entity string }
	for name, want := range map[string][]row{
		"rfc4662-6-nested.mime": {
			{"sip:bob@vancouver.example.com", "active", "", "sip:bob@vancouver.example.com"},
			{"sip:dave@vancouver.example.com", "active", "", "sip:dave@vancouver.example.com"},
			{"sip:ed@dallas.example.net", "", "", ""},
			{"sip:joe@stockholm.example.org", "active", "", "sip:joe@stockholm.example.org"},
			{"sip:mark@stockholm.example.org", "terminated", "rejected", ""},
		},
		"unquoted-start.mime": {
			{"sip:bob@contoso.test", "active", "", "sip:bob@contoso.test"},
			{"sip:carol@contoso.test", "pending", "", ""},
		},
		"kamailio-5.6-rls-states.mime": {
			{"sip:bob@contoso.test", "active", "", "sip:bob@contoso.test"},
			{"sip:carol@contoso.test", "", "", ""},
			{"sip:nobody@contoso.test", "", "", ""},
		},
		"asterisk-13.mime": {{"sip:200@contoso.test", "active", "", "sip:200@contoso.test"}},
	} {
		n, err := ParseNotify(message(t, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []row
		for _, m := range n.Members() {
			r := row{m.Resource.URI, m.Instance.State, m.Instance.Reason, ""}
			if m.Document.Body != nil {
				p, err := Parse(m.Document.Body)
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				r.entity = p.Entity
			}
			got = append(got, r)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %v\nwant %v", name, got, want)
		}
	}
}

func TestParseRLMI(t *testing.T) {
	n, err := ParseNotify(message(t, "rfc4662-6-nested.mime"))
	if err != nil {
		t.Fatal(err)
	}
	l := n.RLMI
	if l.URI != "sip:adam-friends@pres.vancouver.example.com" || l.Version != 1 || !l.FullState ||
		!reflect.DeepEqual(l.Names, []Note{{"en", "Buddy List at COM"}, {"de", "Liste der Freunde an COM"}}) {
		t.Errorf("got %+v", l)
	}
	// A NOTIFY without any document may bring RLMI alone.
	alone, err := ParseNotify("application/rlmi+xml;charset=UTF-8", l.Marshal())
	if err != nil || !reflect.DeepEqual(alone.RLMI, l) {
		t.Errorf("alone: %+v, %v", alone, err)
	}
}

func TestMarshalNotify(t *testing.T) {
	n := Notify{RLMI: RLMI{URI: "sip:anna-contacts@contoso.test", Version: 2, Resources: []Resource{
		{URI: "sip:bob@contoso.test", Names: []Note{{Text: "Bob Berg"}}, Instances: []Instance{{ID: "i1", State: "active", CID: "bob@contoso.test"}}},
		{URI: "sip:carol@contoso.test", Instances: []Instance{{ID: "i2", State: "terminated", Reason: "rejected"}}},
		{URI: "sip:dina@contoso.test"},
	}}, Parts: []Part{{ContentType, "bob@contoso.test", []byte(`<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:bob@contoso.test"/>`)}}}
	wantType, wantBody := message(t, "ours-notify.mime")
	// The XML inside has plain line feeds.
	wantBody = bytes.ReplaceAll(wantBody, []byte(">\r\n"), []byte(">\n"))
	wantBody = bytes.ReplaceAll(wantBody, []byte("test>\n"), []byte("test>\r\n"))
	wantBody = bytes.ReplaceAll(wantBody, []byte("/>\n--b1"), []byte("/>\r\n--b1"))
	gotType, gotBody := n.Marshal("b1", "list@contoso.test")
	if gotType != wantType {
		t.Errorf("content type %s, want %s", gotType, wantType)
	}
	same(t, gotBody, wantBody)
}

// A list inside a list survives being written and read.
func TestMarshalNested(t *testing.T) {
	n, err := ParseNotify(message(t, "rfc4662-6-nested.mime"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseNotify(n.Marshal("outer", "root@here"))
	if err != nil || !reflect.DeepEqual(again, n) {
		t.Errorf("got %+v, %v\nwant %+v", again, err, n)
	}
}

func TestParseNotifyBad(t *testing.T) {
	nested := func(depth int) (string, []byte) {
		n := Notify{RLMI: RLMI{URI: "sip:l@b"}}
		for range depth {
			n = Notify{RLMI: RLMI{Resources: []Resource{{Instances: []Instance{{CID: "in"}}}}}, Lists: map[string]Notify{"in": n}}
		}
		return n.Marshal("b", "root")
	}
	deepType, deep := nested(MaxNesting + 1)
	const multipart = `multipart/related;boundary="b"`
	for what, c := range map[string]struct{ contentType, body, want string }{
		"other type":       {"text/plain", "x", `content type "text/plain"`},
		"no type":          {"", "x", `content type ""`},
		"no boundary":      {"multipart/related", "x", "boundary"},
		"empty":            {multipart, "", "EOF"},
		"no parts":         {multipart, "--b--\r\n", "no parts"},
		"cut off":          {multipart, "--b\r\nContent-Type: application/rlmi+xml\r\n\r\n<list", "EOF"},
		"root is no list":  {multipart, "--b\r\n\r\nhello\r\n--b--\r\n", "list document"},
		"start names none": {multipart + ";start=\"<x>\"", "--b\r\n\r\n<a/>\r\n--b--\r\n", "list document"},
		"deep":             {deepType, string(deep), "lists inside lists"},
	} {
		if _, err := ParseNotify(c.contentType, []byte(c.body)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", what, err, c.want)
		}
	}
	if _, err := ParseNotify(nested(MaxNesting)); err != nil {
		t.Errorf("%d lists inside each other: %v", MaxNesting, err)
	}
}

// A list inside a list that is named again and again must not multiply what a
// message of a few megabytes makes.
func TestListNamedAgainAndAgain(t *testing.T) {
	again := Resource{URI: "sip:inner@x", Instances: []Instance{{ID: "1", State: "active", CID: "inner"}}}
	n := Notify{Lists: map[string]Notify{"inner": {RLMI: RLMI{Resources: make([]Resource, 1000)}}}}
	for range 1000 {
		n.RLMI.Resources = append(n.RLMI.Resources, again)
	}
	if all := n.Members(); len(all) != 1000 {
		t.Errorf("%d members", len(all))
	}
}
