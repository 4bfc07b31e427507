package pidf

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestParseRuleset(t *testing.T) {
	r, err := ParseRuleset(file(t, "foreign-rules.xml"))
	if err != nil {
		t.Fatal(err)
	}
	rules := r.Rules()
	for i := range rules {
		rules[i].node = nil
	}
	want := []Rule{
		{ID: "wp_prs_allow_own", Handling: HandleAllow, Ones: []string{"sip:anna@contoso.test"}},
		{ID: "wp_prs_blockedcontacts", Handling: HandleBlock, Everyone: true, Unclear: true},
		{ID: "all", Handling: HandleAllow, Many: []Many{{"contoso.test", []string{"sip:eve@contoso.test"}, []string{"x.test"}}}, Bare: true},
	}
	if !reflect.DeepEqual(rules, want) {
		t.Errorf("got\n%+v\nwant\n%+v", rules, want)
	}
}

// Another client's rules are changed; all that we do not know stays.
func TestEditForeignRules(t *testing.T) {
	r, err := ParseRuleset(file(t, "foreign-rules.xml"))
	if err != nil {
		t.Fatal(err)
	}
	rules := r.Rules()
	eve := func(uri string) bool { return uri == "sip:eve@contoso.test" }
	if rules[0].RemoveOne(eve) || !rules[0].RemoveOne(func(string) bool { return true }) {
		t.Error("whether a rule has become empty is said wrongly")
	}
	rules[2].Readmit(eve)
	rules[2].Except("sip:bob@contoso.test")
	rules[1].Except("sip:bob@contoso.test")
	r.Remove(rules[0])
	r.Add("ours", HandleBlock, false).AddOne("sip:bob@contoso.test")
	out := string(r.Marshal())
	for _, s := range []string{"as OMA clients write it", `<ocp:entry anc="http://xcap/x"/>`, "<x:ring>loud</x:ring>", `<cp:except domain="x.test"/>`,
		`<cp:one id="sip:bob@contoso.test"/>`, `<pr:sub-handling>block</pr:sub-handling>`, `xmlns:pr="urn:ietf:params:xml:ns:pres-rules"`} {
		if !strings.Contains(out, s) {
			t.Errorf("%s is missing:\n%s", s, out)
		}
	}
	if strings.Contains(out, "eve@") || strings.Contains(out, "wp_prs_allow_own") || strings.Count(out, `<cp:except id="sip:bob@contoso.test"/>`) != 2 {
		t.Error(out)
	}
	again, err := ParseRuleset([]byte(out))
	if err != nil || len(again.Rules()) != 3 || again.Rules()[0].Handling != HandleBlock || again.Rules()[0].ID != "ours" {
		t.Errorf("%v:\n%s", err, out)
	}
}

// The form of RFC 5025 §6, as Kamailio 5.6 obeys it.
func TestNewRules(t *testing.T) {
	var r Ruleset
	r.Add("some", HandleAllow, true).AddOne("sip:bob@contoso.test")
	r.Add("friends", HandleAllow, false).AddOne(`sip:"x"@contoso.test`)
	same(t, r.Marshal(), []byte(`<?xml version="1.0" encoding="UTF-8"?>
<ruleset xmlns="urn:ietf:params:xml:ns:common-policy" xmlns:pr="urn:ietf:params:xml:ns:pres-rules">
  <rule id="friends">
    <conditions>
      <identity>
        <one id="sip:&quot;x&quot;@contoso.test"/>
      </identity>
    </conditions>
    <actions>
      <pr:sub-handling>allow</pr:sub-handling>
    </actions>
    <transformations>
      <pr:provide-services>
        <pr:all-services/>
      </pr:provide-services>
      <pr:provide-persons>
        <pr:all-persons/>
      </pr:provide-persons>
      <pr:provide-devices>
        <pr:all-devices/>
      </pr:provide-devices>
      <pr:provide-all-attributes/>
    </transformations>
  </rule>
  <rule id="some">
    <conditions>
      <identity>
        <one id="sip:bob@contoso.test"/>
      </identity>
    </conditions>
    <actions>
      <pr:sub-handling>allow</pr:sub-handling>
    </actions>
    <transformations>
      <pr:provide-services>
        <pr:all-services/>
      </pr:provide-services>
    </transformations>
  </rule>
</ruleset>
`))
}

func FuzzRuleset(f *testing.F) {
	f.Add(file(f, "foreign-rules.xml"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseRuleset(b)
		if err != nil {
			return
		}
		before := len(r.Rules())
		for _, rule := range r.Rules() {
			rule.Except("sip:a@b")
			rule.Readmit(func(uri string) bool { return uri == "sip:a@b" })
			rule.RemoveOne(func(string) bool { return false })
		}
		r.Add("x", HandleBlock, false).AddOne("sip:a@b")
		again, err := ParseRuleset(r.Marshal())
		if err != nil {
			t.Fatalf("%v\n%s", err, r.Marshal())
		}
		if rules := again.Rules(); len(rules) != before+1 || rules[0].Handling != HandleBlock || fmt.Sprint(rules[0].Ones) != "[sip:a@b]" {
			t.Fatalf("%+v\n%s", rules, r.Marshal())
		}
	})
}
