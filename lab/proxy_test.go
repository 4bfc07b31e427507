package lab

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const hello = "MESSAGE sip:bob@contoso.test SIP/2.0\n~\nContent-Type: text/plain;charset=UTF-8\n\nhello"

func TestMessageAcrossFrontEnds(t *testing.T) {
	_, fe1, fe2 := testPool(t)
	a, b := signedIn(t, fe1, "alice"), signedIn(t, fe2, "bob")
	done := make(chan string)
	go func() {
		done <- a.ask(strings.Replace(hello, "~", "~\nRoute: <sip:localhost:5061;lr>\nP-Asserted-Identity: <sip:boss@contoso.test>", 1))
	}()
	m := b.expect("MESSAGE sip:bob@198.51.100.7:9 SIP/2.0", "\nhello"[1:], "P-Asserted-Identity: <sip:alice@contoso.test>", "Max-Forwards: 69")
	if strings.Contains(m, "boss") || strings.Contains(m, "\nRoute:") || strings.Contains(m, "Proxy-Authorization") {
		t.Errorf("passed on what it must not:\n%s", m)
	}
	b.answer(m, "200 OK")
	if res := <-done; !strings.HasPrefix(res, "SIP/2.0 200 OK") || strings.Count(res, "Via:") != 1 {
		t.Errorf("got\n%s", res)
	}
}

func TestMessageReachesAllDevices(t *testing.T) {
	_, fe1, fe2 := testPool(t)
	a, b1, b2 := signedIn(t, fe1, "alice"), signedIn(t, fe1, "bob"), connect(t, fe2, "bob")
	b2.ask("REGISTER sip:contoso.test SIP/2.0\n~\nContact: <sip:bob@198.51.100.8>")
	done := make(chan string)
	go func() { done <- a.ask(hello) }()
	b1.answer(b1.expect("MESSAGE "), "415 Unsupported Media Type")
	b2.answer(b2.expect("MESSAGE "), "200 OK")
	if res := <-done; !strings.HasPrefix(res, "SIP/2.0 200 OK") {
		t.Errorf("got\n%s", res)
	}
}

func TestNobodyThere(t *testing.T) {
	_, fe, _ := testPool(t)
	a := signedIn(t, fe, "alice")
	for _, x := range []struct{ request, want string }{
		{"MESSAGE sip:nobody@contoso.test SIP/2.0\n~", "404"},
		{"MESSAGE sip:bob@fabrikam.test SIP/2.0\n~", "403"},
		{"MESSAGE sip:contoso.test SIP/2.0\n~", "484"},
		{"OPTIONS sip:bob@contoso.test SIP/2.0\n~", "480"},
		{"INVITE sip:bob@contoso.test SIP/2.0\n~\nContact: <sip:alice@198.51.100.7>", "480"},
		{"NOTIFY sip:bob@contoso.test SIP/2.0\n~\nContact: <sip:a@b>\nEvent: presence\nSubscription-State: active", "481"},
		{"BYE sip:bob@contoso.test SIP/2.0\n~", "480"},
		{"MESSAGE sip:bob@contoso.test SIP/2.0\n~\nContent-Type: text/plain\n\n" + strings.Repeat("x", 61000), "413"},
		{"MESSAGE sip:bob@contoso.test;gr=urn:uuid:9 SIP/2.0\n~\nContent-Type: application/im-iscomposing+xml\n\n<isComposing/>", "202 Dropped"},
		{"OPTIONS sip:tgruu.AAAA@contoso.test;gr SIP/2.0\n~", "404"},
	} {
		if res := a.ask(x.request); !strings.HasPrefix(res, "SIP/2.0 "+x.want) {
			t.Errorf("want %s to %.60s, got\n%s", x.want, x.request, res)
		}
	}
	res := a.ask(strings.Replace(hello, "~", strings.Replace("~", "70", "0", 1), 1))
	if !strings.HasPrefix(res, "SIP/2.0 202 Stored") {
		t.Errorf("got\n%s", res)
	}
	a.send(strings.Replace(a.fill("OPTIONS sip:contoso.test SIP/2.0\n~"), "Max-Forwards: 70", "Max-Forwards: 0", 1))
	a.expect("SIP/2.0 483 ")
	if res := a.ask(strings.Replace(hello, "~", "~\nProxy-Require: magic", 1)); !strings.HasPrefix(res, "SIP/2.0 420 ") || !strings.Contains(res, "Unsupported: magic") {
		t.Errorf("got\n%s", res)
	}
}

func TestNotYourIdentity(t *testing.T) {
	_, fe, _ := testPool(t)
	a := signedIn(t, fe, "alice")
	text := strings.Replace(a.fill(hello), "From: <sip:alice@", "From: <sip:carol@", 1)
	a.send(strings.Replace(text, "\nCSeq:", "\n"+a.credentials(text)+"\nCSeq:", 1))
	a.expect("SIP/2.0 403 Not your identity")
}

// A message for somebody absent is kept, with its date, and delivered at the
// next sign-in, each once and in order.
func TestKeptMessages(t *testing.T) {
	_, fe1, fe2 := testPool(t)
	a := signedIn(t, fe1, "alice")
	for _, text := range []string{"one", "two"} {
		if res := a.ask(strings.Replace(hello, "hello", text, 1)); !strings.HasPrefix(res, "SIP/2.0 202 ") {
			t.Fatalf("got\n%s", res)
		}
	}
	b := signedIn(t, fe2, "bob")
	m := b.expect("MESSAGE sip:bob@198.51.100.7:9", "Date: ", " GMT", "\n\n[Offline message - ", "] one", "From: <sip:alice@contoso.test>;tag=f-alice", "Call-ID: "+a.id)
	b.answer(m, "200 OK")
	m = b.expect("\n\n[Offline message - ", "] two")
	b.answer(m, "200 OK")
	b.silent()
	signedIn(t, fe1, "bob").silent()
}

// Who signs in while an earlier connection still holds up the delivery gets
// the messages when that one is given up.
func TestKeptMessagesOvertakeADeadDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, fe, _ := testPool(t)
		a := signedIn(t, fe, "alice")
		a.ask(hello)
		signedIn(t, fe, "bob").expect("] hello") // and never answers
		b := connect(t, fe, "bob")
		b.ask("REGISTER sip:contoso.test SIP/2.0\n~\nContact: <sip:bob@198.51.100.8>")
		b.answer(b.expect("MESSAGE sip:bob@198.51.100.8", "] hello"), "200 OK")
		b.silent()
	})
}

func TestKeptMessagesExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, fe, _ := testPool(t)
		a := signedIn(t, fe, "alice")
		a.ask(strings.Replace(hello, "~", "~\nExpires: 60", 1))
		a.ask(strings.Replace(hello, "hello", "still good", 1))
		time.Sleep(2 * time.Minute)
		b := signedIn(t, fe, "bob")
		b.answer(b.expect("] still good"), "200 OK")
		b.silent()
	})
}

// A front end dies with a message under way: the message is kept, and the user
// who came back elsewhere gets it.
func TestMessageWhileAFrontEndDies(t *testing.T) {
	_, fe1, fe2 := testPool(t)
	a, b := signedIn(t, fe1, "alice"), signedIn(t, fe2, "bob")
	done := make(chan string)
	go func() { done <- a.ask(hello) }()
	b.expect("MESSAGE ")
	fe2.stop()
	if res := <-done; !strings.HasPrefix(res, "SIP/2.0 202 ") {
		t.Errorf("got\n%s", res)
	}
	b = signedIn(t, fe1, "bob")
	b.answer(b.expect("] hello"), "200 OK")
}

func TestSilentDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, fe, _ := testPool(t)
		a, b := signedIn(t, fe, "alice"), signedIn(t, fe, "bob")
		start := time.Now()
		if res := a.ask(hello); !strings.HasPrefix(res, "SIP/2.0 202 ") || time.Since(start) != answerTime {
			t.Errorf("after %v got\n%s", time.Since(start), res)
		}
		b.expect("MESSAGE ")
		if res := a.ask("INFO sip:bob@contoso.test SIP/2.0\n~"); !strings.HasPrefix(res, "SIP/2.0 408 ") {
			t.Errorf("got\n%s", res)
		}
	})
}

const invite = "INVITE sip:bob@contoso.test SIP/2.0\n~\nContact: <sip:alice@198.51.100.7:8>\nContent-Type: application/sdp\n\nv=0\n"

// dialogFields are what the caller needs for requests within the dialog.
func dialogFields(res string) (to, contact, route string) {
	var routes []string
	for line := range strings.SplitSeq(res, "\n") {
		if r, is := strings.CutPrefix(line, "Record-Route: "); is {
			routes = append([]string{"Route: " + r}, routes...)
		}
	}
	return headerOf(res, "To"), strings.Trim(headerOf(res, "Contact"), "<>"), strings.Join(routes, "\n")
}

func TestCall(t *testing.T) {
	_, fe1, fe2 := testPool(t)
	a, b1, b2 := signedIn(t, fe1, "alice"), signedIn(t, fe1, "bob"), connect(t, fe2, "bob")
	b2.ask("REGISTER sip:contoso.test SIP/2.0\n~\nContact: <sip:bob@198.51.100.8>")
	done := make(chan string)
	go func() { done <- a.ask(invite) }()
	m1, m2 := b1.expect("INVITE ", "Record-Route: <sip:lab-", ";lr"), b2.expect("INVITE ")
	if n := strings.Count(m2, "Record-Route:"); n != 2 {
		t.Errorf("%d Record-Route across front ends, not 2:\n%s", n, m2)
	}
	b2.answer(m2, "180 Ringing")
	b2.answer(m2, "200 OK", "Contact: <sip:bob@198.51.100.8>")
	ok := <-done
	if !strings.HasPrefix(ok, "SIP/2.0 200 OK") {
		t.Fatalf("got\n%s", ok)
	}
	_ = m1 // the other device has not rung, so it can be cancelled only after a provisional answer
	b1.answer(m1, "180 Ringing")
	b1.expect("CANCEL sip:bob@198.51.100.7:9 SIP/2.0")

	to, contact, route := dialogFields(ok)
	inDialog := func(method string) string {
		text := a.fill(method + " " + contact + " SIP/2.0\n~\n" + route)
		return strings.Replace(text, "To: <"+contact+">", "To: "+to, 1)
	}
	a.send(inDialog("ACK"))
	if m := b2.expect("ACK sip:bob@198.51.100.8 SIP/2.0"); strings.Contains(m, "\nRoute:") {
		t.Errorf("our route was passed on:\n%s", m)
	}
	a.send(inDialog("BYE"))
	b2.answer(b2.expect("BYE sip:bob@198.51.100.8 SIP/2.0"), "200 OK")
	a.expect("SIP/2.0 200 OK", "BYE")

	// And from the callee, along its own route set.
	var routes []string
	for line := range strings.SplitSeq(m2, "\n") {
		if r, is := strings.CutPrefix(line, "Record-Route: "); is {
			routes = append(routes, "Route: "+r)
		}
	}
	bye := b2.fill("BYE sip:alice@198.51.100.7:8 SIP/2.0\n~\n" + strings.Join(routes, "\n"))
	b2.send(strings.Replace(bye, "To: <sip:alice@198.51.100.7:8>", "To: <sip:alice@contoso.test>;tag=f-alice", 1))
	a.answer(a.expect("BYE sip:alice@198.51.100.7:8 SIP/2.0"), "200 OK")
	b2.expect("SIP/2.0 200 OK", "BYE")

	stray := a.fill("BYE sip:198.51.100.99 SIP/2.0\n~")
	a.send(strings.Replace(stray, "To: <sip:alice@contoso.test>", "To: <sip:alice@contoso.test>;tag=no", 1))
	a.expect("SIP/2.0 481 ")
}

func TestCancel(t *testing.T) {
	_, fe, _ := testPool(t)
	a, b := signedIn(t, fe, "alice"), signedIn(t, fe, "bob")
	text := a.fill(invite)
	text = strings.Replace(text, "\nCSeq:", "\n"+a.credentials(text)+"\nCSeq:", 1)
	a.send(text)
	a.expect("SIP/2.0 100 ")
	m := b.expect("INVITE ")
	b.answer(m, "180 Ringing")
	a.expect("SIP/2.0 180 ")
	cancel := strings.ReplaceAll(strings.Split(text, "\nContact:")[0], "INVITE", "CANCEL")
	cancel = strings.Replace(cancel, "\nProxy-Authorization", "\nX-Old", 1)
	a.send(cancel + "\n")
	a.expect("SIP/2.0 200 OK", "CANCEL")
	a.expect("SIP/2.0 487 ", "INVITE")
	c := b.expect("CANCEL ")
	b.answer(c, "200 OK")
	b.answer(m, "487 Request Terminated")
	b.expect("ACK ")
}

func TestBestAnswerWins(t *testing.T) {
	_, fe, _ := testPool(t)
	a, b1, b2 := signedIn(t, fe, "alice"), signedIn(t, fe, "bob"), connect(t, fe, "bob")
	b2.ask("REGISTER sip:contoso.test SIP/2.0\n~\nContact: <sip:bob@198.51.100.8>")
	for _, x := range []struct{ one, two, want string }{
		{"486 Busy Here", "603 Decline", "603"},
		{"500 Oops", "486 Busy Here", "486"},
		{"408 Request Timeout", "480 Nobody", "480"},
	} {
		done := make(chan string)
		go func() { done <- a.ask(invite) }()
		m1, m2 := b1.expect("INVITE "), b2.expect("INVITE ")
		b1.answer(m1, x.one)
		b1.expect("ACK ")
		b2.answer(m2, x.two)
		b2.expect("ACK ")
		if res := <-done; !strings.HasPrefix(res, "SIP/2.0 "+x.want) {
			t.Errorf("%s and %s gave\n%s", x.one, x.two, res)
		}
	}
}

func TestGRUU(t *testing.T) {
	_, fe, _ := testPool(t)
	a, b1 := signedIn(t, fe, "alice"), connect(t, fe, "bob")
	res := b1.register(`;+sip.instance="<urn:uuid:1>";reg-id=1`)
	temp := strings.SplitN(res, `temp-gruu="`, 2)[1]
	temp, _, _ = strings.Cut(temp, `"`)
	b2 := connect(t, fe, "bob")
	b2.register(`;+sip.instance="<urn:uuid:2>";reg-id=1`)
	for _, uri := range []string{"sip:bob@contoso.test;gr=urn:uuid:1", temp} {
		done := make(chan string)
		go func() { done <- a.ask("OPTIONS " + uri + " SIP/2.0\n~") }()
		b1.answer(b1.expect("OPTIONS sip:bob@198.51.100.7:9"), "200 OK")
		if res := <-done; !strings.HasPrefix(res, "SIP/2.0 200 ") {
			t.Errorf("got\n%s", res)
		}
	}
	b2.silent()
}

// Somebody who does not read holds nobody else up, and is let go in the end.
func TestClientThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, fe, _ := testPool(t)
		a, b, c := signedIn(t, fe, "alice"), signedIn(t, fe, "bob"), signedIn(t, fe, "carol")
		big := strings.Replace(hello, "hello", strings.Repeat("x", 50_000), 1)
		start := time.Now()
		for range 40 { // 2 MB, more than the pipe and the server's queue hold
			a.send(withCredentials(a, a.fill(big)))
		}
		a.send(withCredentials(a, a.fill(strings.Replace(hello, "bob", "carol", 1))))
		m := c.expect("\n\nhello")
		if time.Since(start) > time.Second {
			t.Errorf("carol had to wait %v", time.Since(start))
		}
		c.answer(m, "200 OK")
		for range 41 { // kept for bob, all but what was for carol
			a.receive()
		}
		for {
			if _, err := b.read(); err != nil {
				break // cut off
			}
		}
	})
}

// A hundred lines typed at once arrive in their order.
func TestOrderIsKept(t *testing.T) {
	_, fe1, fe2 := testPool(t)
	a, b := signedIn(t, fe1, "alice"), signedIn(t, fe2, "bob")
	go func() {
		for range 100 {
			text := a.fill(hello)
			a.send(strings.Replace(text, "\nCSeq:", "\n"+a.credentials(text)+"\nCSeq:", 1))
		}
	}()
	last := ""
	for range 100 {
		m := b.expect("MESSAGE ")
		if seq := headerOf(m, "CSeq"); len(seq) < len(last) || len(seq) == len(last) && seq <= last {
			t.Fatalf("%s after %s", seq, last)
		} else {
			last = seq
		}
		b.answer(m, "200 OK")
	}
}

// 200 messages are under way when the receiver's front end dies. All that were
// called delivered or kept arrive, and only what was under way may come twice.
func TestFailoverLosesNothing(t *testing.T) {
	_, fe1, fe2 := testPool(t)
	a, b := signedIn(t, fe1, "alice"), signedIn(t, fe2, "bob")
	const all = 200
	go func() {
		for i := range all {
			a.send(withCredentials(a, a.fill(strings.Replace(hello, "hello", fmt.Sprint("text ", i), 1))))
		}
	}()
	got := map[string]int{}
	take := func() bool {
		m, err := b.read()
		if err != nil || !strings.HasPrefix(m, "MESSAGE ") {
			return err == nil
		}
		_, text, _ := strings.Cut(m, "\n\n")
		if _, kept, is := strings.Cut(text, "] "); is {
			text = kept
		}
		got[text]++
		b.answer(m, "200 OK")
		return true
	}
	for range 50 {
		take()
	}
	fe2.stop()
	b = signedIn(t, fe1, "bob")
	answers := make(chan bool)
	go func() {
		for range all {
			res := a.receive()
			if !strings.HasPrefix(res, "SIP/2.0 200 ") && !strings.HasPrefix(res, "SIP/2.0 202 ") {
				t.Errorf("got\n%s", res)
			}
		}
		close(answers)
	}()
	b.patience = time.Second // of silence, once all are answered
	for done := false; take() || !done; {
		select {
		case <-answers:
			done = true
		default:
		}
	}
	twice := 0
	for i := range all {
		n := got[fmt.Sprint("text ", i)]
		if n == 0 {
			t.Errorf("message %d is lost", i)
		}
		twice += n - 1
	}
	if len(got) != all || twice > all-50 {
		t.Errorf("%d messages, %d of them again", len(got), twice)
	}
}
