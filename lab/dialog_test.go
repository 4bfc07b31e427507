package lab

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/emiago/sipgo/sip"
)

// call sets a call from a to b up and returns the 200 that a got.
func call(a, b *peer, to, contact string) (ok string) {
	a.t.Helper()
	done := make(chan string)
	go func() {
		done <- a.ask("INVITE " + to + " SIP/2.0\n~\nContact: <sip:alice@198.51.100.7:8>\nContent-Type: application/sdp\n\nv=0\n")
	}()
	b.answer(b.expect("INVITE "), "200 OK", "Contact: <"+contact+">")
	return <-done
}

// inside writes a request within the dialog that ok began, with its route.
func (p *peer) inside(ok, method string) string {
	to, contact, route := dialogFields(ok)
	text := p.fill(method + " " + contact + " SIP/2.0\n~\n" + route)
	return regexp.MustCompile(`(?m)^To: .*$`).ReplaceAllString(text, "To: "+to)
}

// A call outlives a connection: the callee comes back at another front end, and
// its GRUU, or the Contact it registers again, still leads to it.
func TestCalleeComesBackElsewhere(t *testing.T) {
	for _, contact := range []string{"sip:bob@contoso.test;gr=urn:uuid:1", "sip:bob@198.51.100.7:9"} {
		synctest.Test(t, func(t *testing.T) {
			_, fe1, fe2 := testPool(t)
			a, b := signedIn(t, fe1, "alice"), connect(t, fe2, "bob")
			b.register(`;+sip.instance="<urn:uuid:1>";reg-id=1`)
			ok := call(a, b, "sip:bob@contoso.test", contact)
			fe2.stop()
			synctest.Wait()
			b = connect(t, fe1, "bob")
			b.register(`;+sip.instance="<urn:uuid:1>";reg-id=1`)
			text := a.inside(ok, "BYE")
			a.send(text)
			a.expect("SIP/2.0 407 ") // without the old route we ask who that is
			a.send(withCredentials(a, text))
			b.answer(b.expect("BYE "+contact+" SIP/2.0"), "200 OK")
			a.expect("SIP/2.0 200 OK", "BYE")
		})
	}
}

func TestReinviteAndInfoInACall(t *testing.T) {
	_, fe, _ := testPool(t)
	a, b := signedIn(t, fe, "alice"), signedIn(t, fe, "bob")
	ok := call(a, b, "sip:bob@contoso.test", "sip:bob@198.51.100.7:9")
	if n := strings.Count(ok, "Record-Route:"); n != 1 {
		t.Errorf("%d Record-Route at one front end, not 1:\n%s", n, ok)
	}
	a.send(a.inside(ok, "ACK"))
	b.expect("ACK ")
	text := a.inside(ok, "INVITE")
	a.send(strings.TrimRight(text, "\n") + "\nContact: <sip:alice@198.51.100.7:8>\n")
	m := b.expect("INVITE sip:bob@198.51.100.7:9")
	b.answer(m, "180 Ringing")
	a.expect("SIP/2.0 180 ")
	b.answer(m, "488 Not Acceptable Here")
	b.expect("ACK ")
	a.expect("SIP/2.0 488 ", "INVITE")
	// Messages of a session pass as well, in both directions.
	a.send(strings.TrimRight(a.inside(ok, "MESSAGE"), "\n") + "\nContent-Type: text/plain\n\nhi")
	b.answer(b.expect("MESSAGE ", "\n\nhi"), "200 OK")
	a.expect("SIP/2.0 200 OK", "MESSAGE")
}

// A device that sends a call back to where it came from makes a loop.
func TestLoop(t *testing.T) {
	_, fe, _ := testPool(t)
	a, b := signedIn(t, fe, "alice"), signedIn(t, fe, "bob")
	b.ask("OPTIONS sip:nobody@contoso.test SIP/2.0\n~") // to have a challenge
	go a.send(withCredentials(a, a.fill(hello)))
	m := b.expect("MESSAGE ")
	back := strings.Replace(m, "MESSAGE sip:bob@198.51.100.7:9", "MESSAGE sip:bob@contoso.test", 1)
	back = strings.Replace(back, "Via:", "Via: SIP/2.0/TCP 198.51.100.8;branch=z9hG4bKback\nVia:", 1)
	// It has alice's From, so it needs alice's credentials: a proxy would have kept them.
	b.challenge, b.nc1, b.user = a.challenge, 100, "alice"
	b.send(withCredentials(b, back))
	b.expect("SIP/2.0 482 Loop Detected")
}

func withCredentials(p *peer, text string) string {
	return strings.Replace(text, "\nCSeq:", "\n"+p.credentials(text)+"\nCSeq:", 1)
}

// Clients in this process take part like any.
func TestInProcess(t *testing.T) {
	p, fe, _ := testPool(t)
	got := make(chan string, 9)
	take := func(r *sip.Request) answer {
		got <- string(r.Body())
		return answer{code: 200}
	}
	if code, _ := p.message("alice@contoso.test", "bob@contoso.test", "early"); code != 202 {
		t.Errorf("kept: %d", code)
	}
	p.attach("bob@contoso.test", take)
	a := signedIn(t, fe, "alice")
	if res := a.ask(hello); !strings.HasPrefix(res, "SIP/2.0 200 OK") {
		t.Errorf("got\n%s", res)
	}
	done := make(chan int)
	go func() { code, _ := p.message("bob@contoso.test", "alice@contoso.test", "from bob"); done <- code }()
	a.answer(a.expect("MESSAGE ", "P-Asserted-Identity: <sip:bob@contoso.test>", "\n\nfrom bob", `From: "bob" <sip:bob@contoso.test>;tag=`), "200 OK")
	if code := <-done; code != 200 {
		t.Errorf("delivered: %d", code)
	}
	for to, want := range map[string]int{"nobody@contoso.test": 404, "x@fabrikam.test": 403, "carol@contoso.test": 202} {
		if code, reason := p.message("bob@contoso.test", to, "hi"); code != want {
			t.Errorf("to %s: %d %s", to, code, reason)
		}
	}
	taken := []string{<-got, <-got} // what was kept comes beside what is new
	if slices.Sort(taken); !strings.HasSuffix(taken[0], "] early") || taken[1] != "hello" {
		t.Errorf("bob was given %q", taken)
	}
	p.detach("bob@contoso.test")
	if res := a.ask(hello); !strings.HasPrefix(res, "SIP/2.0 202 ") {
		t.Errorf("got\n%s", res)
	}
}

func TestBaresipGetsMD5Only(t *testing.T) {
	_, fe, _ := testPool(t)
	p := connect(t, fe, "alice")
	p.send(p.fill("REGISTER sip:contoso.test SIP/2.0\n~\nUser-Agent: baresip v1.0.0 (x86_64/linux)"))
	if res := p.expect("SIP/2.0 401 ", "algorithm=MD5"); strings.Contains(res, "SHA-256") {
		t.Errorf("got\n%s", res)
	}
}

func TestStrongerDigest(t *testing.T) {
	_, fe, _ := testPool(t)
	p := connect(t, fe, "alice")
	p.send(p.fill("REGISTER sip:contoso.test SIP/2.0\n~"))
	p.heed(p.expect("SIP/2.0 401 "))
	p.challenge["algorithm"] = "SHA-256"
	p.send(p.fill("REGISTER sip:contoso.test SIP/2.0\n~\n" + p.credentials("REGISTER sip:contoso.test")))
	p.expect("SIP/2.0 200 OK")
}

// Compact header names (RFC 3261 §20) and escapes in addresses mean the same.
func TestOtherSpellings(t *testing.T) {
	_, fe, _ := testPool(t)
	a, b := signedIn(t, fe, "alice"), signedIn(t, fe, "bob")
	res := b.ask("SUBSCRIBE sip:%61lice@CONTOSO.test SIP/2.0\n~\nm: <sip:bob@198.51.100.7:9>\no: presence\nk: eventlist")
	if !strings.HasPrefix(res, "SIP/2.0 200 ") {
		t.Fatalf("got\n%s", res)
	}
	b.notified("Subscription-State: active")
	a.publish(alicePIDF, "")
	b.notified("In Lyon")
}
