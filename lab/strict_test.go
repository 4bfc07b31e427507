package lab

import (
	"strings"
	"testing"
	"time"
)

// What a standard forbids is answered 400, with the rule in the reason phrase.
func TestForbidden(t *testing.T) {
	_, fe, _ := testPool(t)
	const rest = "Max-Forwards: 70\nFrom: <sip:alice@contoso.test>;tag=1\nTo: <sip:bob@contoso.test>\nCall-ID: x\nCSeq: 1 MESSAGE\n"
	const via = "Via: SIP/2.0/TCP 198.51.100.7;branch=z9hG4bKx\n"
	const message = "MESSAGE sip:bob@contoso.test SIP/2.0\n"
	register := func(more string) string {
		return "REGISTER sip:contoso.test SIP/2.0\n" + via + strings.Replace(rest, "MESSAGE", "REGISTER", 1) + more
	}
	for _, x := range []struct{ rule, text string }{
		{"Max-Forwards", message + via + strings.Replace(rest, "Max-Forwards: 70\n", "", 1)},
		{"Max-Forwards", message + via + strings.Replace(rest, "70", "300", 1)},
		{"CSeq", message + via + strings.Replace(rest, "1 MESSAGE", "1 INVITE", 1)},
		{"From Tag", message + via + strings.Replace(rest, ";tag=1", "", 1)},
		{"Via", message + strings.Replace(via, "z9hG4bK", "old", 1) + rest},
		{"", message + rest}, // no Via at all
		{"Content-Type Missing", message + via + rest + "\nhello"},
		{"More Than One Call-ID", message + via + rest + "Call-ID: y\n"},
		{"More Than One From", message + via + rest + "f: <sip:carol@contoso.test>;tag=2\n"},
		{"Repeated", message + via + rest + "Date: Sat, 01 Jan 2000 00:00:00 GMT\nDate: Sun, 02 Jan 2000 00:00:00 GMT\n"},
		{"Request-URI", "MESSAGE sip:bob@contoso.test?Subject=x SIP/2.0\n" + via + rest},
		{"Request-URI", "MESSAGE sip:bob@contoso.test;method=INVITE SIP/2.0\n" + via + rest},
		{"Expires", message + via + rest + "Expires: tomorrow\n"},
		{"Contact in MESSAGE", message + via + rest + "Contact: <sip:alice@198.51.100.7>\n"},
		{"Exactly One SIP Contact", strings.ReplaceAll(message+via+rest, "MESSAGE", "INVITE")},
		{"Exactly One SIP Contact", strings.ReplaceAll(message+via+rest, "MESSAGE", "SUBSCRIBE") + "Event: presence\nContact: <sip:a@b>, <sip:c@d>\n"},
		{"Contact *", strings.ReplaceAll(message+via+rest, "MESSAGE", "PUBLISH") + "Event: presence\nSIP-If-Match: x\nContact: *\n"},
		{"User in Request-URI", strings.Replace(register(""), "REGISTER sip:", "REGISTER sip:alice@", 1)},
		{"To Tag", strings.Replace(register(""), "bob@contoso.test>", "bob@contoso.test>;tag=x", 1)},
		{"Contact * Without", register("Contact: *\n")},
		{"Contact * With Others", register("Contact: *\nContact: <sip:a@b>\nExpires: 0\n")},
		{"Event Missing", strings.ReplaceAll(message+via+rest, "MESSAGE", "NOTIFY") + "Contact: <sip:a@b>\nSubscription-State: active\n"},
		{"Subscription-State", strings.ReplaceAll(message+via+rest, "MESSAGE", "NOTIFY") + "Contact: <sip:a@b>\nEvent: presence\n"},
		{"Without Body", strings.ReplaceAll(message+via+rest, "MESSAGE", "PUBLISH") + "Event: presence\n"},
		{"Refer-To", strings.ReplaceAll(message+via+rest, "MESSAGE", "REFER") + "Contact: <sip:a@b>\n"},
	} {
		p := connect(t, fe, "alice")
		if x.rule == "" { // without Via an answer finds no way back
			p.send(x.text)
			p.silent()
			continue
		}
		p.send(x.text)
		if res := p.receive(); !strings.HasPrefix(res, "SIP/2.0 400 ") || !strings.Contains(res, x.rule) {
			t.Errorf("expected 400 %s to\n%s\n\ngot\n%s", x.rule, x.text, res)
		}
	}
}

func TestBadDigest(t *testing.T) {
	_, fe, _ := testPool(t)
	for _, x := range []struct{ why, old, new, want string }{
		{"no qop", "qop=auth, ", "", "SIP/2.0 400 "},
		{"no nonce", `nonce="`, `nonse="`, "SIP/2.0 400 "},
		{"algorithm not offered", "algorithm=MD5", "algorithm=SHA-1", "SIP/2.0 400 "},
		{"parameter twice", `realm="contoso.test"`, `realm="contoso.test", realm="contoso.test"`, "SIP/2.0 400 "},
		{"another realm", `realm="contoso.test"`, `realm="fabrikam.test"`, "SIP/2.0 407 "},
		{"open quote", `cnonce="abc"`, `cnonce="abc`, "SIP/2.0 400 "},
		{"another's nonce", `nonce="`, `nonce="A`, "SIP/2.0 407 "},
	} {
		p := connect(t, fe, "alice")
		p.send(p.fill("MESSAGE sip:bob@contoso.test SIP/2.0\n~\n"))
		p.heed(p.expect("SIP/2.0 407 "))
		good := p.credentials("MESSAGE sip:bob@contoso.test SIP/2.0")
		bad := strings.Replace(good, x.old, x.new, 1)
		p.send(p.fill("MESSAGE sip:bob@contoso.test SIP/2.0\n~\n" + bad + "\n"))
		if res := p.receive(); !strings.HasPrefix(res, x.want) {
			t.Errorf("%s: want %s, got\n%s", x.why, x.want, res)
		}
	}
	// The right answer for another resource.
	p := connect(t, fe, "alice")
	p.send(p.fill("MESSAGE sip:bob@contoso.test SIP/2.0\n~\n"))
	p.heed(p.expect("SIP/2.0 407 "))
	p.send(p.fill("MESSAGE sip:bob@contoso.test SIP/2.0\n~\n" + p.credentials("MESSAGE sip:carol@contoso.test SIP/2.0") + "\n"))
	p.expect("SIP/2.0 400 Digest uri")
}

func FuzzParseParams(f *testing.F) {
	f.Add(`username="alice", realm="contoso.test", nonce="a\"b", uri="sip:contoso.test", nc=00000001`)
	f.Add(`a="`)
	f.Fuzz(func(t *testing.T, s string) {
		if p, ok := parseParams(s); ok && len(p) == 0 {
			t.Error("nothing read from", s)
		}
	})
}

func FuzzReadXML(f *testing.F) {
	f.Add([]byte(alicePIDF))
	f.Add([]byte(`<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		root, err := readXML(doc)
		if err != nil {
			return
		}
		root.all(func(e *element) {
			if e.start < 0 || e.end > len(doc) || e.inner < e.start {
				t.Errorf("element %v at %d-%d", e.name, e.start, e.end)
			}
		})
		mergePIDF([][]byte{doc, doc})
		readRules(doc).decide("bob@contoso.test")
	})
}

// Whatever somebody who is signed in sends, the front end lives on and serves the next.
func FuzzFrontEnd(f *testing.F) {
	const contact = "Contact: <sip:alice@198.51.100.7>\nEvent: presence"
	f.Add("REGISTER", "sip:contoso.test", "Contact: <sip:a@b>;expires=7;q=0.5, <sip:c@d>;+sip.instance=\"<urn:x>\";reg-id=2", "")
	f.Add("SUBSCRIBE", "sip:alice@contoso.test;gr=urn:x", contact+forLists+"\nRequire: recipient-list-subscribe\nContent-Type: application/resource-lists+xml", `<resource-lists><list><entry uri="sip:alice@contoso.test"/></list></resource-lists>`)
	f.Add("SUBSCRIBE", "sip:alice@contoso.test", contact+".winfo\nExpires: 0", "")
	f.Add("PUBLISH", "sip:alice@contoso.test", "Event: presence\nContent-Type: application/pidf+xml", alicePIDF)
	f.Add("INVITE", "sip:alice@contoso.test", "Contact: <sip:alice@198.51.100.7>\nRoute: <sip:lab-.@x>, <sip:lab-a.b@y;lr>", "")
	f.Add("BYE", "sip:tgruu.AA@contoso.test;gr", "t: <sip:alice@contoso.test>;tag=x\nRoute: <sip:lab-.@x;lr>", "")
	f.Add("MESSAGE", "sip:alice@contoso.test", "Content-Type: text/plain\nProxy-Require: x\nExpires: 3", "hi")
	f.Fuzz(func(t *testing.T, method, uri, more, body string) {
		if strings.ContainsAny(method+uri, " \t\r\n") || strings.Contains(more, "\n\n") || len(method)*len(uri) == 0 {
			return
		}
		p, fe, _ := testPool(t)
		p.publishLocal("alice@contoso.test", []byte(alicePIDF))
		a := signedIn(t, fe, "alice")
		text := a.fill(method + " " + uri + " SIP/2.0\n~\n" + more + "\n\n" + body)
		a.send(strings.Replace(text, "\nCSeq:", "\n"+a.credentials(text)+"\nCSeq:", 1))
		a.patience = 20 * time.Millisecond
		_, _ = a.read() // whatever it is, or nothing
		a.nc.Close()
		connect(t, fe, "bob").silent()
	})
}
