package lab

import (
	"fmt"
	"strings"
	"testing"
)

const services = `<?xml version="1.0"?><rls-services xmlns="urn:ietf:params:xml:ns:rls-services" xmlns:rl="urn:ietf:params:xml:ns:resource-lists"><service uri="sip:carol-team@contoso.test"><list><rl:entry uri="sip:alice@contoso.test"><rl:display-name>Alice &amp; Co</rl:display-name></rl:entry><rl:entry uri="sip:bob@contoso.test"/><rl:entry uri="sip:ghost@contoso.test"/></list><packages><package>presence</package></packages></service></rls-services>`

const forLists = "\nSupported: eventlist\nAccept: application/pidf+xml, application/rlmi+xml, multipart/related"

func TestListSubscription(t *testing.T) {
	p, fe1, fe2 := testPool(t)
	a, b, c := signedIn(t, fe1, "alice"), signedIn(t, fe1, "bob"), signedIn(t, fe2, "carol")
	a.publish(alicePIDF, "")
	if _, created, err := p.putXCAP("rls-services", "carol@contoso.test", []byte(services), condition{}); err != nil || !created {
		t.Fatal(err)
	}
	ok, m := c.subscribe("carol-team", forLists)
	if headerOf(ok, "Require") != "eventlist" {
		t.Errorf("got\n%s", ok)
	}
	for _, x := range []string{"Require: eventlist", `Content-Type: multipart/related;type="application/rlmi+xml";start="<`, `version="0" fullState="true"`,
		`<resource uri="sip:alice@contoso.test"><name>Alice &amp; Co</name><instance id="`, "In Lyon", `state="terminated" reason="noresource"`, `<resource uri="sip:bob@contoso.test"><instance `} {
		if !strings.Contains(m, x) {
			t.Errorf("no %s in\n%s", x, m)
		}
	}
	b.publish(strings.ReplaceAll(strings.Replace(alicePIDF, "Lyon", "Bern", 1), "alice", "bob"), "")
	m = c.notified(`version="1" fullState="false"`, "In Bern")
	if strings.Contains(m, "alice") {
		t.Errorf("only what changed is sent:\n%s", m)
	}
	// The list changes: full state again.
	shorter := strings.Replace(services, `<rl:entry uri="sip:bob@contoso.test"/>`, "", 1)
	if _, _, err := p.putXCAP("rls-services", "carol@contoso.test", []byte(shorter), condition{}); err != nil {
		t.Fatal(err)
	}
	if m := c.notified(`version="2" fullState="true"`); strings.Contains(m, "sip:bob") {
		t.Errorf("bob is still there:\n%s", m)
	}
	res := c.within(ok, "SUBSCRIBE sip:192.0.2.1:5071 SIP/2.0\n~\nContact: <sip:carol@198.51.100.7:9>\nEvent: presence\nExpires: 600"+forLists)
	if !strings.HasPrefix(res, "SIP/2.0 200 ") || headerOf(res, "Require") != "eventlist" {
		t.Errorf("got\n%s", res)
	}
	c.notified(`version="3" fullState="true"`, "In Lyon")
}

func TestListRefused(t *testing.T) {
	p, fe, _ := testPool(t)
	if _, _, err := p.putXCAP("rls-services", "carol@contoso.test", []byte(services), condition{}); err != nil {
		t.Fatal(err)
	}
	c := signedIn(t, fe, "carol")
	const rest = "\n~\nEvent: presence\nContact: <sip:carol@198.51.100.7>"
	for _, x := range []struct{ request, want string }{
		{"SUBSCRIBE sip:carol-team@contoso.test SIP/2.0" + rest, "421"},
		{"SUBSCRIBE sip:carol-team@contoso.test SIP/2.0" + rest + "\nSupported: eventlist\nAccept: application/pidf+xml", "406"},
		{"SUBSCRIBE sip:other-team@contoso.test SIP/2.0" + rest + forLists, "404"},
		{"SUBSCRIBE sip:carol@contoso.test SIP/2.0" + rest + forLists + "\nRequire: recipient-list-subscribe\nContent-Type: text/plain\n\nx", "415"},
		{"SUBSCRIBE sip:carol@contoso.test SIP/2.0" + rest + forLists + "\nRequire: recipient-list-subscribe\nContent-Type: application/resource-lists+xml\n\n<a/>", "400"},
	} {
		if res := c.ask(x.request); !strings.HasPrefix(res, "SIP/2.0 "+x.want) {
			t.Errorf("want %s to\n%s\ngot\n%s", x.want, x.request, res)
		}
	}
}

// RFC 5367: the list comes with the request. 300 entries with a document each
// do not fit one message: full state first, the rest as partial state.
func TestCarriedListInSeveralNotifies(t *testing.T) {
	var all []account
	for i := range 300 {
		all = append(all, account{address: fmt.Sprintf("u%d@contoso.test", i), password: fmt.Sprintf("u%d-pw", i)})
	}
	p := newPool("contoso.test", all, nil, nil)
	fe := newFrontEnd(p, "fe1.contoso.test", 5061)
	defer p.close()
	defer fe.stop()
	var list strings.Builder
	for _, a := range all {
		fmt.Fprintf(&list, `<entry uri="sip:%s"/>`, a.address)
		p.publishLocal(a.address, []byte(strings.ReplaceAll(alicePIDF, "alice@contoso.test", a.address)))
	}
	c := signedIn(t, fe, "u0")
	_, m := c.subscribe("u0", forLists+"\nRequire: recipient-list-subscribe\nContent-Type: application/resource-lists+xml\n\n"+
		`<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"><list>`+list.String()+`</list></resource-lists>`)
	if n := strings.Count(m, "<resource "); n != 300 || !strings.Contains(m, `fullState="true"`) {
		t.Errorf("the first NOTIFY names %d of 300", n)
	}
	states := strings.Count(m, "<presence")
	for states < 300 {
		m = c.notified(`fullState="false"`)
		if len(m) > 65535 {
			t.Errorf("%d bytes", len(m))
		}
		states += strings.Count(m, "<presence")
	}
	c.silent()
}

func TestListTooLong(t *testing.T) {
	_, fe, _ := testPool(t)
	var list strings.Builder
	for i := range 1100 {
		fmt.Fprintf(&list, `<entry uri="sip:u%d@contoso.test"/>`, i)
	}
	res := signedIn(t, fe, "carol").ask("SUBSCRIBE sip:carol@contoso.test SIP/2.0\n~\nEvent: presence\nContact: <sip:carol@198.51.100.7>" + forLists +
		"\nRequire: recipient-list-subscribe\nContent-Type: application/resource-lists+xml\n\n<resource-lists><list>" + list.String() + "</list></resource-lists>")
	if !strings.HasPrefix(res, "SIP/2.0 413 ") {
		t.Errorf("got\n%s", res)
	}
}

// A document that fills a message by itself is left out of lists.
func TestHugeDocumentInAList(t *testing.T) {
	p, fe, _ := testPool(t)
	p.publishLocal("alice@contoso.test", []byte(strings.Replace(alicePIDF, "In Lyon", strings.Repeat("x", 55_000), 1)))
	c := signedIn(t, fe, "carol")
	_, m := c.subscribe("carol", forLists+"\nRequire: recipient-list-subscribe\nContent-Type: application/resource-lists+xml\n\n<resource-lists><list><entry uri=\"sip:alice@contoso.test\"/></list></resource-lists>")
	if !strings.Contains(m, `state="active"/>`) {
		t.Errorf("got\n%.2000s", m)
	}
	c.silent()
}

func TestListFromResourceLists(t *testing.T) {
	p, fe, _ := testPool(t)
	const link = `<rls-services xmlns="urn:ietf:params:xml:ns:rls-services"><service uri="sip:carol-team@contoso.test"><resource-list>https://xcap.contoso.test/xcap/resource-lists/users/sip:carol@contoso.test/index/~~/resource-lists/list%5b@name=%22team%22%5d</resource-list></service></rls-services>`
	const lists = `<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"><list name="other"><entry uri="sip:bob@contoso.test"/></list><list name="team"><list><entry uri="sip:alice@contoso.test"/></list></list></resource-lists>`
	for auid, doc := range map[string]string{"rls-services": link, "resource-lists": lists} {
		if _, _, err := p.putXCAP(auid, "carol@contoso.test", []byte(doc), condition{}); err != nil {
			t.Fatal(err)
		}
	}
	_, m := signedIn(t, fe, "carol").subscribe("carol-team", forLists)
	if !strings.Contains(m, "sip:alice@") || strings.Contains(m, "sip:bob@") {
		t.Errorf("got\n%s", m)
	}
}

func TestDocumentsHaveConditions(t *testing.T) {
	p, _, _ := testPool(t)
	d, created, err := p.putXCAP("resource-lists", "alice@contoso.test", []byte("<a/>"), condition{noneMatch: "*"})
	if err != nil || !created {
		t.Fatal(err)
	}
	if _, _, err := p.putXCAP("resource-lists", "alice@contoso.test", []byte("<b/>"), condition{noneMatch: "*"}); err != errPrecondition {
		t.Error("If-None-Match: * did not hold")
	}
	if _, _, err := p.putXCAP("resource-lists", "alice@contoso.test", []byte("<b/>"), condition{match: `"old"`}); err != errPrecondition {
		t.Error("If-Match did not hold")
	}
	if _, _, err := p.putXCAP("resource-lists", "alice@contoso.test", nil, condition{match: d.etag}); err != nil {
		t.Error(err)
	}
	if _, found := p.getXCAP("resource-lists", "alice@contoso.test"); found {
		t.Error("still there")
	}
}

// RFC 5839: a refresh with the tag of what was shown last brings nothing, one
// with another tag everything. RFC 3261 §20.2: gzip for who takes it.
func TestListNotRepeated(t *testing.T) {
	p, fe1, fe2 := testPool(t)
	a, c := signedIn(t, fe1, "alice"), signedIn(t, fe2, "carol")
	a.publish(alicePIDF, "")
	if _, _, err := p.putXCAP("rls-services", "carol@contoso.test", []byte(services), condition{}); err != nil {
		t.Fatal(err)
	}
	ok, m := c.subscribe("carol-team", forLists)
	refresh := func(condition string) string {
		return c.within(ok, "SUBSCRIBE sip:192.0.2.1:5071 SIP/2.0\n~\nContact: <sip:carol@198.51.100.7:9>\nEvent: presence\nExpires: 600"+condition+forLists)
	}
	tag := headerOf(m, "SIP-ETag")
	for range 2 {
		if res := refresh("\nSuppress-If-Match: " + tag); !strings.HasPrefix(res, "SIP/2.0 204 No Notification") || headerOf(res, "SIP-ETag") != tag {
			t.Errorf("got\n%s", res)
		}
	}
	a.publish(strings.Replace(alicePIDF, "Lyon", "Bern", 1), "")
	changed := c.notified(`version="1" fullState="false"`, "In Bern") // nothing was sent in between
	if headerOf(changed, "SIP-ETag") == tag {
		t.Error("the tag stays the same though the state has changed")
	}
	if res := refresh("\nSuppress-If-Match: " + tag); !strings.HasPrefix(res, "SIP/2.0 200 ") {
		t.Errorf("got\n%s", res)
	}
	c.notified(`version="2" fullState="true"`, "In Bern")
}
