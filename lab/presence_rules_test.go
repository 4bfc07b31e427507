package lab

import (
	"strings"
	"testing"
)

// Rules written from RFC 4745 §7 and RFC 5025 §3.2.
func TestDecide(t *testing.T) {
	rule := func(conditions, handling string) string {
		return `<rule id="x"><conditions>` + conditions + `</conditions><actions><pr:sub-handling>` + handling + `</pr:sub-handling></actions></rule>`
	}
	const bob = `<identity><one id="sip:bob@contoso.test"/></identity>`
	for _, x := range []struct {
		why, rules string
		want       handling
	}{
		{"nothing matches: the user is asked", "", confirm},
		{"everybody", rule("", "allow"), allowed},
		{"an unknown handling is a block", rule(bob, "maybe"), block},
		{"the kindest counts", rule(bob, "block") + rule("<identity><many/></identity>", "allow"), allowed},
		{"somebody else", rule(`<identity><one id="sip:carol@contoso.test"/></identity>`, "allow"), confirm},
		{"another spelling", rule(`<identity><one id="pres:BOB@contoso.test"/></identity>`, "polite-block"), politeBlock},
		{"the domain", rule(`<identity><many domain="contoso.test"/></identity>`, "allow"), allowed},
		{"another domain", rule(`<identity><many domain="fabrikam.test"/></identity>`, "allow"), confirm},
		{"all but bob", rule(`<identity><many><except id="sip:bob@contoso.test"/></many></identity>`, "allow"), confirm},
		{"all but his domain", rule(`<identity><many><except domain="contoso.test"/></many></identity>`, "allow"), confirm},
		{"a condition that is not known here", rule(bob+"<sphere value='work'/>", "allow"), confirm},
		{"no conditions at all", `<rule id="x"><actions><pr:sub-handling>block</pr:sub-handling></actions></rule>`, block},
		{"no actions", `<rule id="x"><conditions/></rule>`, confirm},
	} {
		doc := `<ruleset xmlns="urn:ietf:params:xml:ns:common-policy" xmlns:pr="urn:ietf:params:xml:ns:pres-rules">` + x.rules + `</ruleset>`
		if got := readRules([]byte(doc)).decide("bob@contoso.test"); got != x.want {
			t.Errorf("%s: got %d, want %d", x.why, got, x.want)
		}
	}
	for _, broken := range []string{"", "<a/>", "<ruleset>"} {
		if got := readRules([]byte(broken)).decide("bob@contoso.test"); got != allowed {
			t.Errorf("%q: a broken document counts as none, got %d", broken, got)
		}
	}
}

func TestMergeKeepsOneTupleOfAnID(t *testing.T) {
	newer := strings.Replace(strings.Replace(alicePIDF, "open", "closed", 1), "Lyon", "Bern", 1)
	got := string(mergePIDF([][]byte{[]byte(alicePIDF), []byte(newer)}))
	if strings.Count(got, "<tuple") != 1 || !strings.Contains(got, "closed") || !strings.Contains(got, "Lyon") || !strings.Contains(got, "Bern") {
		t.Errorf("one tuple, the newer, and both persons expected:\n%s", got)
	}
	huge := strings.Replace(alicePIDF, "Lyon", strings.Repeat("x", bodyLimit), 1)
	if got := string(mergePIDF([][]byte{[]byte(huge), []byte(newer)})); got != newer {
		t.Error("what fits no message should give way to the newest")
	}
	empty := `<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:alice@contoso.test"/>`
	if _, err := readXML(mergePIDF([][]byte{[]byte(empty), []byte(phonePIDF)})); err != nil {
		t.Error("an empty root must be opened for the other's tuples")
	}
}

// RFC 5025 §3.3: what is not granted is not shown; the basic state always is.
func TestTransformations(t *testing.T) {
	const doc = `<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:r="urn:ietf:params:xml:ns:pidf:rpid" entity="sip:a@b">` +
		`<tuple id="t"><status><basic>open</basic></status><r:class>x</r:class><note>In Lyon</note></tuple>` +
		`<note>top</note><dm:person id="p"><r:activities><r:meeting/></r:activities><dm:note>In Lyon</dm:note></dm:person></presence>`
	head, _, _ := strings.Cut(doc, "<tuple")
	for _, x := range []struct{ why, transformations, want string }{
		{"everything", `<pr:provide-services><pr:all-services/></pr:provide-services><pr:provide-persons><pr:all-persons/></pr:provide-persons><pr:provide-all-attributes/>`, doc},
		{"nothing", ``, head + "</presence>"},
		{"limited", `<pr:provide-services><pr:all-services/></pr:provide-services>`, head + `<tuple id="t"><status><basic>open</basic></status></tuple></presence>`},
		{"the note of persons", `<pr:provide-persons><pr:all-persons/></pr:provide-persons><pr:provide-note>true</pr:provide-note><pr:provide-activities>false</pr:provide-activities>`,
			head + `<note>top</note><dm:person id="p"><dm:note>In Lyon</dm:note></dm:person></presence>`},
	} {
		rules := readRules([]byte(`<ruleset xmlns="urn:ietf:params:xml:ns:common-policy" xmlns:pr="urn:ietf:params:xml:ns:pres-rules"><rule id="x"><actions><pr:sub-handling>allow</pr:sub-handling></actions><transformations>` +
			x.transformations + `</transformations></rule></ruleset>`))
		if got := string(rules.shows("bob@b").filter([]byte(doc))); got != x.want {
			t.Errorf("%s:\n got %s\nwant %s", x.why, got, x.want)
		}
	}
}
