package lab

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Written from RFC 3863, RFC 4479 and RFC 4480.
const alicePIDF = `<?xml version="1.0" encoding="UTF-8"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:r="urn:ietf:params:xml:ns:pidf:rpid" entity="sip:alice@contoso.test"><tuple id="a1"><status><basic>open</basic></status></tuple><dm:person id="p1"><r:activities><r:busy/></r:activities><dm:note>In Lyon</dm:note></dm:person></presence>`

// The second device writes its namespaces in another way, with an element of its own.
const phonePIDF = `<p:presence xmlns:p="urn:ietf:params:xml:ns:pidf" xmlns:x="http://example.com/x" entity="pres:alice@contoso.test"><p:tuple id="a2"><p:status><p:basic>open</p:basic></p:status><x:battery>12</x:battery></p:tuple></p:presence>`

func (p *peer) publish(body, more string) string {
	p.t.Helper()
	if body != "" {
		more += "\nContent-Type: application/pidf+xml"
	}
	return p.ask(fmt.Sprintf("PUBLISH sip:%s@contoso.test SIP/2.0\n~\nEvent: presence%s\n\n%s", p.user, more, body))
}

// subscribe subscribes and returns the 200 and the first NOTIFY.
func (p *peer) subscribe(to, more string) (ok, notify string) {
	p.t.Helper()
	if !strings.Contains(more, "Event:") {
		more = "\nEvent: presence" + more
	}
	ok = p.ask(fmt.Sprintf("SUBSCRIBE sip:%s@contoso.test SIP/2.0\n~\nContact: <sip:%s@198.51.100.7:9>%s", to, p.user, more))
	if !strings.HasPrefix(ok, "SIP/2.0 200 ") {
		p.t.Fatalf("%s cannot subscribe:\n%s", p.user, ok)
	}
	return ok, p.notified()
}

// notified receives a NOTIFY and answers it.
func (p *peer) notified(texts ...string) string {
	p.t.Helper()
	m := p.expect(append([]string{"NOTIFY "}, texts...)...)
	p.answer(m, "200 OK")
	return m
}

// within sends a request inside a dialog that ok began, and returns the answer.
func (p *peer) within(ok, text string) string {
	p.t.Helper()
	filled := p.fill(text)
	for _, name := range []string{"To", "From", "Call-ID"} {
		filled = strings.Replace(filled, name+": "+headerOf(filled, name), name+": "+headerOf(ok, name), 1)
	}
	p.send(filled)
	return p.receive()
}

func TestPublishAndWatch(t *testing.T) {
	_, fe1, fe2 := testPool(t)
	a, b := signedIn(t, fe1, "alice"), signedIn(t, fe2, "bob")
	ok, first := b.subscribe("alice", "\nExpires: 9999")
	if headerOf(ok, "Expires") != "3600" || !strings.Contains(ok, "Contact: <sip:192.0.2.1:5071;transport=tcp>") {
		t.Errorf("got\n%s", ok)
	}
	if !strings.Contains(first, "Subscription-State: active;expires=3600") || headerOf(first, "Content-Length") != "0" || !strings.Contains(first, "NOTIFY sip:bob@198.51.100.7:9 SIP/2.0") {
		t.Errorf("before anything is published the first NOTIFY is active and empty:\n%s", first)
	}
	res := a.publish(alicePIDF, "\nExpires: 120")
	if !strings.HasPrefix(res, "SIP/2.0 200 ") || headerOf(res, "Expires") != "120" {
		t.Fatalf("got\n%s", res)
	}
	if m := b.notified("Event: presence", "Content-Type: application/pidf+xml"); !strings.HasSuffix(m, alicePIDF) {
		t.Errorf("one document passes as it is:\n%s", m)
	}
	etag := headerOf(res, "SIP-ETag")
	res = a.publish("", "\nSIP-If-Match: "+etag) // refresh
	next := headerOf(res, "SIP-ETag")
	if next == "" || next == etag {
		t.Errorf("a refresh brings a new entity tag (RFC 3903 4.1):\n%s", res)
	}
	if res := a.publish("", "\nSIP-If-Match: "+etag); !strings.HasPrefix(res, "SIP/2.0 412 ") {
		t.Errorf("an entity tag is good once:\n%s", res)
	}
	// The other front end takes the tag as well.
	a2 := signedIn(t, fe2, "alice")
	res = a2.publish(strings.Replace(alicePIDF, "busy", "away", 1), "\nSIP-If-Match: "+next)
	b.notified("r:away")
	res = a2.publish("", "\nExpires: 0\nSIP-If-Match: "+headerOf(res, "SIP-ETag"))
	if !strings.HasPrefix(res, "SIP/2.0 200 ") {
		t.Errorf("got\n%s", res)
	}
	if m := b.notified(`<tuple id="a1"><status><basic>closed</basic>`); strings.Contains(m, "person") {
		t.Errorf("person and note should be gone:\n%s", m)
	}
	if res := b.within(ok, "SUBSCRIBE sip:192.0.2.1:5071 SIP/2.0\n~\nContact: <sip:bob@198.51.100.7:9>\nEvent: presence\nExpires: 0"); !strings.HasPrefix(res, "SIP/2.0 200 ") {
		t.Errorf("got\n%s", res)
	}
	b.notified("Subscription-State: terminated;reason=timeout")
	if res := b.within(ok, "SUBSCRIBE sip:192.0.2.1:5071 SIP/2.0\n~\nContact: <sip:bob@198.51.100.7:9>\nEvent: presence\nExpires: 60"); !strings.HasPrefix(res, "SIP/2.0 481 ") {
		t.Errorf("got\n%s", res)
	}
}

func TestTwoDevicesInOneDocument(t *testing.T) {
	_, fe, _ := testPool(t)
	a, b := signedIn(t, fe, "alice"), signedIn(t, fe, "bob")
	a.publish(alicePIDF, "")
	first := a.publish(phonePIDF, "")
	_, m := b.subscribe("alice", "")
	_, body, _ := strings.Cut(m, "\n\n")
	root, err := readXML([]byte(body))
	if err != nil {
		t.Fatalf("%v in\n%s", err, body)
	}
	var tuples, persons int
	battery := false
	root.all(func(e *element) {
		switch {
		case e.is(pidfSpace, "tuple"):
			tuples++
		case e.is("urn:ietf:params:xml:ns:pidf:data-model", "person"):
			persons++
		case e.is("http://example.com/x", "battery"):
			battery = true
		}
	})
	if tuples != 2 || persons != 1 || !battery {
		t.Errorf("%d tuples, %d persons, battery %v in\n%s", tuples, persons, battery, body)
	}
	a.publish("", "\nExpires: 0\nSIP-If-Match: "+headerOf(first, "SIP-ETag"))
	if m := b.notified(); !strings.HasSuffix(m, alicePIDF) {
		t.Errorf("the other device's document should be left:\n%s", m)
	}
}

func TestPublishRefused(t *testing.T) {
	_, fe, _ := testPool(t)
	a := signedIn(t, fe, "alice")
	for _, x := range []struct{ why, request, want string }{
		{"unknown event", "PUBLISH sip:alice@contoso.test SIP/2.0\n~\nEvent: weather\nContent-Type: text/plain\n\nx", "489"},
		{"no event", "PUBLISH sip:alice@contoso.test SIP/2.0\n~\nContent-Type: text/plain\n\nx", "489"},
		{"another's state", "PUBLISH sip:bob@contoso.test SIP/2.0\n~\nEvent: presence\nContent-Type: application/pidf+xml\n\n" + alicePIDF, "403"},
		{"too brief", "PUBLISH sip:alice@contoso.test SIP/2.0\n~\nExpires: 5\nEvent: presence\nContent-Type: application/pidf+xml\n\n" + alicePIDF, "423"},
		{"no such tag", "PUBLISH sip:alice@contoso.test SIP/2.0\n~\nSIP-If-Match: x\nEvent: presence", "412"},
		{"other type", "PUBLISH sip:alice@contoso.test SIP/2.0\n~\nEvent: presence\nContent-Type: text/plain\n\nx", "415"},
		{"broken XML", "PUBLISH sip:alice@contoso.test SIP/2.0\n~\nEvent: presence\nContent-Type: application/pidf+xml\n\n" + alicePIDF[:200], "400"},
		{"DOCTYPE", "PUBLISH sip:alice@contoso.test SIP/2.0\n~\nEvent: presence\nContent-Type: application/pidf+xml\n\n<!DOCTYPE presence>" + alicePIDF[39:], "400"},
		{"no entity", "PUBLISH sip:alice@contoso.test SIP/2.0\n~\nEvent: presence\nContent-Type: application/pidf+xml\n\n" + `<presence xmlns="urn:ietf:params:xml:ns:pidf"/>`, "400"},
		{"not PIDF", "PUBLISH sip:alice@contoso.test SIP/2.0\n~\nEvent: presence\nContent-Type: application/pidf+xml\n\n<a/>", "400"},
		{"too deep", "PUBLISH sip:alice@contoso.test SIP/2.0\n~\nEvent: presence\nContent-Type: application/pidf+xml\n\n" + strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100), "400"},
	} {
		if res := a.ask(x.request); !strings.HasPrefix(res, "SIP/2.0 "+x.want) {
			t.Errorf("%s: want %s, got\n%s", x.why, x.want, res)
		}
	}
}

func TestSubscribeRefused(t *testing.T) {
	_, fe, _ := testPool(t)
	b := signedIn(t, fe, "bob")
	const contact = "\nContact: <sip:bob@198.51.100.7>"
	for _, x := range []struct{ why, request, want, also string }{
		{"unknown event", "SUBSCRIBE sip:alice@contoso.test SIP/2.0\n~\nEvent: weather" + contact, "489", "Allow-Events: presence"},
		{"nobody", "SUBSCRIBE sip:nobody@contoso.test SIP/2.0\n~\nEvent: presence" + contact, "404", ""},
		{"too brief", "SUBSCRIBE sip:alice@contoso.test SIP/2.0\n~\nExpires: 5\nEvent: presence" + contact, "423", "Min-Expires: 10"},
		{"not PIDF", "SUBSCRIBE sip:alice@contoso.test SIP/2.0\n~\nAccept: text/plain\nEvent: presence" + contact, "406", ""},
		{"another's watchers", "SUBSCRIBE sip:alice@contoso.test SIP/2.0\n~\nEvent: presence.winfo" + contact, "403", ""},
		{"unknown extension", "SUBSCRIBE sip:alice@contoso.test SIP/2.0\n~\nRequire: magic\nEvent: presence" + contact, "420", "Unsupported: magic"},
	} {
		if res := b.ask(x.request); !strings.HasPrefix(res, "SIP/2.0 "+x.want) || !strings.Contains(res, x.also) {
			t.Errorf("%s: want %s, got\n%s", x.why, x.want, res)
		}
	}
}

func TestPresenceRunsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, fe, _ := testPool(t)
		a, b := signedIn(t, fe, "alice"), signedIn(t, fe, "bob")
		b.subscribe("alice", "\nExpires: 1000")
		a.publish(alicePIDF, "\nExpires: 60")
		b.notified("In Lyon")
		start := time.Now()
		b.nc.SetReadDeadline(time.Time{})
		b.patience = time.Hour
		b.notified("closed")
		if took := time.Since(start); took != time.Minute {
			t.Errorf("closed after %v", took)
		}
		b.notified("terminated;reason=timeout")
		if took := time.Since(start); took != 1000*time.Second {
			t.Errorf("ended after %v", took)
		}
	})
}

// A watcher that comes back over another connection goes on with its subscription.
func TestSubscriptionMovesToAnotherConnection(t *testing.T) {
	_, fe1, fe2 := testPool(t)
	b := signedIn(t, fe1, "bob")
	ok, _ := b.subscribe("alice", "")
	const refresh = "SUBSCRIBE sip:192.0.2.1:5061 SIP/2.0\n~\nContact: <sip:bob@198.51.100.7:9>\nExpires: 600\nEvent: "
	if res := b.within(ok, refresh+"dialog"); !strings.HasPrefix(res, "SIP/2.0 489 ") {
		t.Errorf("another event in the same dialog:\n%s", res)
	}
	b2 := signedIn(t, fe2, "bob")
	b2.seq = 50
	if res := b2.within(ok, refresh+"presence"); !strings.HasPrefix(res, "SIP/2.0 200 ") {
		t.Errorf("got\n%s", res)
	}
	b2.notified("Contact: <sip:192.0.2.1:5071;transport=tcp>")
	if res := b.within(ok, refresh+"presence"); !strings.HasPrefix(res, "SIP/2.0 500 ") {
		t.Errorf("an old CSeq:\n%s", res)
	}
	fe1.stop()
	signedIn(t, fe2, "alice").publish(alicePIDF, "")
	b2.notified("In Lyon")
}

// While a slow watcher has not answered, what changes is gathered: it gets the
// last state, once.
func TestSlowWatcherGetsTheLastState(t *testing.T) {
	_, fe, _ := testPool(t)
	a, b, c := signedIn(t, fe, "alice"), signedIn(t, fe, "bob"), signedIn(t, fe, "carol")
	b.subscribe("alice", "")
	c.subscribe("alice", "")
	etag := headerOf(a.publish(alicePIDF, ""), "SIP-ETag")
	slow := b.expect("In Lyon")
	c.notified("In Lyon")
	for i := range 50 {
		etag = headerOf(a.publish(strings.Replace(alicePIDF, "Lyon", fmt.Sprint("room ", i), 1), "\nSIP-If-Match: "+etag), "SIP-ETag")
		if i == 0 {
			c.notified("In room 0") // nobody waits for the slow one
		} else {
			c.notified("In room")
		}
		if i == 49 {
			break
		}
	}
	b.answer(slow, "200 OK")
	b.notified("In room 49")
	b.silent()
}

func TestSubscriptionEndsWithoutItsWatcher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, fe, _ := testPool(t)
		a, b := signedIn(t, fe, "alice"), signedIn(t, fe, "bob")
		ok, _ := b.subscribe("alice", "")
		a.publish(alicePIDF, "")
		b.answer(b.expect("NOTIFY "), "481 Subscription Does Not Exist")
		synctest.Wait()
		a.publish(phonePIDF, "")
		b.silent()
		if res := b.within(ok, "SUBSCRIBE sip:192.0.2.1:5061 SIP/2.0\n~\nContact: <sip:bob@198.51.100.7:9>\nEvent: presence"); !strings.HasPrefix(res, "SIP/2.0 481 ") {
			t.Errorf("got\n%s", res)
		}
	})
}

const rulesFor = `<ruleset xmlns="urn:ietf:params:xml:ns:common-policy" xmlns:pr="urn:ietf:params:xml:ns:pres-rules"><rule id="r"><conditions><identity><one id="sip:bob@contoso.test"/></identity></conditions><actions><pr:sub-handling>%s</pr:sub-handling></actions></rule></ruleset>`

func TestPresenceRules(t *testing.T) {
	p, fe, _ := testPool(t)
	a, b := signedIn(t, fe, "alice"), signedIn(t, fe, "bob")
	a.publish(alicePIDF, "")
	_, m := b.subscribe("alice", "")
	if !strings.Contains(m, "In Lyon") {
		t.Errorf("without rules everybody sees everything:\n%s", m)
	}
	_, w := a.subscribe("alice", "\nEvent: presence.winfo")
	if !strings.Contains(w, `version="0" state="full"`) || !strings.Contains(w, `status="active" event="approved">sip:bob@contoso.test</watcher>`) {
		t.Errorf("got\n%s", w)
	}
	rule := func(handling string) {
		if _, _, err := p.putXCAP("pres-rules", "alice@contoso.test", fmt.Appendf(nil, rulesFor, handling), condition{}); err != nil {
			t.Fatal(err)
		}
	}
	rule("polite-block")
	if m := b.notified("active"); strings.Contains(m, "presence xmlns") {
		t.Errorf("polite block shows nothing:\n%s", m)
	}
	a.notified("partial", `status="active"`)
	rule("confirm")
	b.notified("Subscription-State: pending;expires=")
	a.notified(`version="2" state="partial"`, `status="pending" event="subscribe"`)
	rule("allow")
	b.notified("active", "In Lyon")
	a.notified(`event="approved"`)
	rule("block")
	b.notified("Subscription-State: terminated;reason=rejected")
	a.notified(`status="terminated" event="rejected"`)
	_, m = b.subscribe("alice", "")
	if !strings.Contains(m, "Subscription-State: terminated;reason=rejected") {
		t.Errorf("got\n%s", m)
	}
}

func TestOtherEventsPass(t *testing.T) {
	_, fe, _ := testPool(t)
	a, b := signedIn(t, fe, "alice"), signedIn(t, fe, "bob")
	b.subscribe("alice", "\nEvent: message-summary")
	if res := a.ask("PUBLISH sip:alice@contoso.test SIP/2.0\n~\nEvent: message-summary\nContent-Type: application/simple-message-summary\n\nMessages-Waiting: yes\n"); !strings.HasPrefix(res, "SIP/2.0 200 ") {
		t.Errorf("got\n%s", res)
	}
	b.notified("Event: message-summary", "Messages-Waiting: yes")
}
