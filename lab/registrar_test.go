package lab

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestRegister(t *testing.T) {
	p, fe, _ := testPool(t)
	a := connect(t, fe, "alice")
	res := a.register(`;+sip.instance="<urn:uuid:1>";reg-id=1`)
	for _, x := range []string{"SIP/2.0 200 OK", "Contact: <sip:alice@198.51.100.7:9>;expires=600;+sip.instance=\"<urn:uuid:1>\";reg-id=1",
		`pub-gruu="sip:alice@contoso.test;gr=urn:uuid:1"`, `temp-gruu="sip:tgruu.`, "Require: outbound", "Flow-Timer: 25", "Authentication-Info: ", "Date: "} {
		if !strings.Contains(res, x) {
			t.Errorf("no %q in\n%s", x, res)
		}
	}
	if got := p.signedIn(); len(got) != 1 || got[0] != "alice@contoso.test" {
		t.Errorf("signed in: %v", got)
	}
	// The same instance and flow number replace the binding, at any front end.
	again := connect(t, fe, "alice").register(`;+sip.instance="<urn:uuid:1>";reg-id=1`)
	if strings.Count(again, "Contact:") != 1 {
		t.Errorf("the old flow stayed:\n%s", again)
	}
	query := a.ask("REGISTER sip:contoso.test SIP/2.0\n~")
	if strings.Count(query, "Contact:") != 1 || strings.Contains(query, "pub-gruu") {
		t.Errorf("a query without Supported: gruu shows one plain contact:\n%s", query)
	}
	if res := a.ask("REGISTER sip:contoso.test SIP/2.0\n~\nContact: *\nExpires: 0"); strings.Contains(res, "Contact:") || !strings.Contains(res, " 200 ") {
		t.Errorf("all contacts should be gone:\n%s", res)
	}
}

func TestAuthenticationInfoProvesTheServer(t *testing.T) {
	_, fe, _ := testPool(t)
	a := connect(t, fe, "alice")
	res := a.register("")
	// RFC 7616 §3.5: like the request's response, with an empty method.
	want := regexp.MustCompile(`response="(\w+)"`).FindStringSubmatch(answerDigest(a.challenge, digestFor{"alice", "alice-pw", "", "sip:contoso.test", a.nc1}))[1]
	if !strings.Contains(res, `rspauth="`+want+`"`) {
		t.Errorf("rspauth is not %s in\n%s", want, res)
	}
}

func TestRegisterRefused(t *testing.T) {
	_, fe, _ := testPool(t)
	for _, x := range []struct{ why, user, request, want string }{
		{"nobody has this name", "nobody", "REGISTER sip:contoso.test SIP/2.0\n~", "404"},
		{"another domain", "alice", "REGISTER sip:fabrikam.test SIP/2.0\n~", "403"},
		{"unknown extension", "alice", "REGISTER sip:contoso.test SIP/2.0\n~\nRequire: magic", "420"},
		{"reg-id 0", "alice", "REGISTER sip:contoso.test SIP/2.0\n~\nContact: <sip:a@b>;reg-id=0;+sip.instance=\"<urn:x>\"", "400"},
		{"q of 2", "alice", "REGISTER sip:contoso.test SIP/2.0\n~\nContact: <sip:a@b>;q=2", "400"},
		{"expires is a word", "alice", "REGISTER sip:contoso.test SIP/2.0\n~\nContact: <sip:a@b>;expires=soon", "400"},
		{"nine contacts", "alice", "REGISTER sip:contoso.test SIP/2.0\n~" + strings.Repeat("\nContact: <sip:%d@b>", 9), "503"},
	} {
		p := connect(t, fe, x.user)
		for i := range 9 {
			x.request = strings.Replace(x.request, "%d", fmt.Sprint(i), 1)
		}
		if res := p.ask(x.request); !strings.HasPrefix(res, "SIP/2.0 "+x.want) {
			t.Errorf("%s: want %s, got\n%s", x.why, x.want, res)
		}
	}
}

func TestWrongPassword(t *testing.T) {
	_, fe, _ := testPool(t)
	p := connect(t, fe, "alice")
	p.send(p.fill("REGISTER sip:contoso.test SIP/2.0\n~"))
	p.heed(p.expect("SIP/2.0 401 "))
	answer := answerDigest(p.challenge, digestFor{"alice", "guess", "REGISTER", "sip:contoso.test", 1})
	p.send(p.fill("REGISTER sip:contoso.test SIP/2.0\n~\nAuthorization: " + answer))
	if res := p.expect("SIP/2.0 401 "); strings.Contains(res, "stale") {
		t.Error("a wrong password is not a stale nonce")
	}
}

func TestGrantedTimes(t *testing.T) {
	_, fe, _ := testPool(t)
	for asked, granted := range map[int]int{3: 10, 100: 100, 99999: 3600} {
		res := connect(t, fe, "bob").register(fmt.Sprintf(";expires=%d", asked))
		if want := fmt.Sprintf("expires=%d", granted); !strings.Contains(res, want) {
			t.Errorf("asked for %d, expected %s in\n%s", asked, want, res)
		}
	}
}

func TestNoncesHoldEverywhereAndGrowOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, fe1, fe2 := testPool(t)
		a := signedIn(t, fe1, "alice")
		b := connect(t, fe2, "alice")
		b.challenge, b.nc1 = a.challenge, a.nc1
		b.send(b.fill("REGISTER sip:contoso.test SIP/2.0\n~\n" + b.credentials("REGISTER sip:contoso.test SIP/2.0")))
		b.expect("SIP/2.0 200 OK")
		time.Sleep(nonceLife + time.Second)
		b.send(b.fill("REGISTER sip:contoso.test SIP/2.0\n~\n" + b.credentials("REGISTER sip:contoso.test SIP/2.0")))
		b.expect("SIP/2.0 401 ", "stale=true")
	})
}

// sipp names the server by its address in the digest uri: the same resource.
func TestDigestForTheServersAddress(t *testing.T) {
	_, fe, _ := testPool(t)
	a := signedIn(t, fe, "alice")
	for uri, want := range map[string]string{"sip:192.0.2.1:5061": "200", "sip:fe1.contoso.test": "200", "sip:alice@contoso.test": "400", "sip:192.0.2.1:99": "400", "": "400"} {
		a.nc1++
		answer := answerDigest(a.challenge, digestFor{"alice", "alice-pw", "REGISTER", uri, a.nc1})
		a.send(a.fill("REGISTER sip:contoso.test SIP/2.0\n~\nAuthorization: " + answer))
		if res := a.receive(); !strings.HasPrefix(res, "SIP/2.0 "+want) {
			t.Errorf("%q: want %s, got\n%s", uri, want, res)
		}
	}
}

// The same nonce with the same count is somebody who repeats what he heard.
func TestNonceCountIsGoodOnce(t *testing.T) {
	_, fe, _ := testPool(t)
	a := signedIn(t, fe, "alice")
	a.challenge["nonce"] = fe.pool.digest.nonce()
	for _, x := range []struct {
		nc   int
		want string
	}{{5, "200"}, {5, "401"}, {3, "200"}, {3, "401"}, {4, "200"}, {6, "200"}, {5, "401"}, {200, "200"}, {7, "401"}, {150, "200"}, {200, "401"}, {0, "401"}} {
		a.nc1 = x.nc - 1
		a.send(a.fill("REGISTER sip:contoso.test SIP/2.0\n~\n" + a.credentials("REGISTER sip:contoso.test")))
		if res := a.receive(); !strings.HasPrefix(res, "SIP/2.0 "+x.want) || x.want == "401" && !strings.Contains(res, "stale=true") {
			t.Errorf("nc %d: want %s, got\n%s", x.nc, x.want, res)
		}
	}
}

func TestContactsRunOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, fe, _ := testPool(t)
		a := signedIn(t, fe, "alice")
		time.Sleep(601 * time.Second)
		if got := p.signedIn(); len(got) != 0 {
			t.Errorf("still signed in: %v", got)
		}
		if res := a.ask("REGISTER sip:contoso.test SIP/2.0\n~"); strings.Contains(res, "Contact:") {
			t.Errorf("still bound:\n%s", res)
		}
	})
}

func TestLateRegisterChangesNothing(t *testing.T) {
	_, fe, _ := testPool(t)
	a := signedIn(t, fe, "alice")
	a.seq = 0
	for range 2 { // the challenge is fresh enough; only CSeq is old
		if res := a.register(""); !strings.HasPrefix(res, "SIP/2.0 400 CSeq Not Higher") {
			t.Errorf("got\n%s", res)
		}
		a.seq = 0
	}
}
