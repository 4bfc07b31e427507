package pidf

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// As a MESSAGE list server writes it: the example of RFC 5365 §9, with a blind
// copy and somebody unknown (RFC 5364 §4) that it should have left out.
const history = `<?xml version="1.0" encoding="UTF-8"?>
<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"
  xmlns:cp="urn:ietf:params:xml:ns:copycontrol">
  <list>
    <entry uri="sip:bill@example.com" cp:copyControl="to" />
    <entry uri="sip:joe@example.org" cp:copyControl="cc" />
    <list><entry uri="sip:ted@example.net" cp:copyControl="bcc" /></list>
    <entry uri="sip:anonymous@anonymous.invalid" cp:copyControl="to" cp:count="1"/>
    <entry uri="sip:ann@example.com" cp:anonymize="true"/>
  </list>
</resource-lists>`

func TestParseRecipients(t *testing.T) {
	for _, c := range []struct {
		name, document string
		want           Recipients
	}{
		{"a server's", history, Recipients{People: []Recipient{{URI: "sip:bill@example.com"}, {URI: "sip:joe@example.org"}}}},
		{"other prefixes", strings.NewReplacer("<cp", "<x", "cp:", "x:", ":cp=", ":x=").Replace(history), Recipients{People: []Recipient{{URI: "sip:bill@example.com"}, {URI: "sip:joe@example.org"}}}},
		{"a mark that is not ours", strings.Replace(history, "<list>", `<list name="n" xmlns:o="urn:other" o:notice="left">`, 1),
			Recipients{ID: "n", People: []Recipient{{URI: "sip:bill@example.com"}, {URI: "sip:joe@example.org"}}}},
		{"nothing", `<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"/>`, Recipients{}},
	} {
		if got, err := ParseRecipients([]byte(c.document)); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
	}
	for name, bad := range map[string]string{
		"cut off": history[:300], "another document": `<presence xmlns="urn:ietf:params:xml:ns:pidf"/>`, "no document": "hello",
	} {
		if r, err := ParseRecipients([]byte(bad)); err == nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
	_, err := ParseRecipients([]byte(`<!DOCTYPE x [<!ENTITY a "b">]>` + history[39:]))
	if !errors.Is(err, ErrDoctype) {
		t.Errorf("with entities: %v", err)
	}
	many := Recipients{}
	for i := range MaxRecipients + 10 {
		many.People = append(many.People, Recipient{URI: fmt.Sprint("sip:u", i, "@x")})
	}
	if got, err := ParseRecipients(many.Marshal()); err != nil || len(got.People) != MaxRecipients {
		t.Errorf("too many: %d are read, %v", len(got.People), err)
	}
}

func TestRecipientsReadBack(t *testing.T) {
	r := Recipients{ID: "4eb6", Title: `a "b" <c> & d`, Notice: "joined", People: []Recipient{{URI: "sip:anna@contoso.test"}, {URI: `sip:"q"@contoso.test`, Added: true}}}
	got, err := ParseRecipients(r.Marshal())
	if err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("%+v, %v", got, err)
	}
	if l, err := ParseResourceLists(r.Marshal()); err != nil || len(l.Lists()) != 1 || l.Lists()[0].Name != "4eb6" || len(l.Lists()[0].Entries()) != 2 {
		t.Errorf("as a list of contacts: %+v, %v", l, err)
	}
}
