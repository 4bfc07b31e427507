package sipconn

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"communicator/wire/auth"

	"github.com/emiago/sipgo/sip"
)

// call is an established call whose other side is raw.
func call(t *testing.T, o Options, okHeaders ...string) (*Dialog, *raw) {
	t.Helper()
	c, p := rawPeer(t, o)
	go func() {
		m, _ := p.read()
		p.reply(m, "200 OK", okHeaders...)
	}()
	d, err := c.Invite(t.Context(), "bob@example.com", sdp, nil)
	if err != nil {
		t.Fatal(err)
	}
	p.expect("ACK")
	return d, p
}

// A call that is put on hold: the re-INVITE is acknowledged with its own CSeq,
// along a target that may have moved.
func TestReInvite(t *testing.T) {
	d, p := call(t, user, "Contact: <sip:bob@192.0.2.1>")
	done := make(chan error, 1)
	go func() {
		_, err := d.Do(t.Context(), "INVITE", sdp)
		done <- err
	}()
	inv := p.expect("INVITE sip:bob@192.0.2.1 SIP/2.0")
	if inv.get("Cseq") != "2 INVITE" || inv.get("Contact") == "" || inv.body != string(sdp.Content) {
		t.Errorf("re-INVITE is %v", inv.header)
	}
	p.reply(inv, "200 OK", "Contact: <sip:bob@192.0.2.2>")
	if ack := p.expect("ACK sip:bob@192.0.2.2 SIP/2.0"); ack.get("Cseq") != "2 ACK" {
		t.Errorf("ACK is %v", ack.header)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	go func() {
		_, err := d.Do(t.Context(), "INVITE", sdp)
		done <- err
	}()
	p.reply(p.expect("INVITE sip:bob@192.0.2.2"), "488 Not Acceptable Here")
	if ack := p.expect("ACK"); ack.get("Cseq") != "3 ACK" {
		t.Errorf("ACK is %v", ack.header)
	}
	if err := <-done; !isStatus(488)(err) {
		t.Error(err)
	}
	select {
	case <-d.Done():
		t.Error("a refused re-INVITE ended the call")
	default:
	}
	go func() {
		_, err := d.Do(t.Context(), "INFO", Body{})
		done <- err
	}()
	p.reply(p.expect("INFO"), "481 Call/Transaction Does Not Exist")
	if err := <-done; !isStatus(481)(err) {
		t.Error(err)
	}
	<-d.Done() // RFC 3261 §12.2.1.2
}

// A challenge inside a dialog takes the dialog's next CSeq, and the request
// after it the one after that.
func TestChallengeInADialog(t *testing.T) {
	o := user
	o.Auth = auth.NewClient("alice", "example.com", func() (string, error) { return "secret", nil })
	d, p := call(t, o, "Contact: <sip:bob@192.0.2.1>")
	done := make(chan error, 2)
	go func() {
		for range 2 {
			_, err := d.Do(t.Context(), "INFO", Body{})
			done <- err
		}
	}()
	p.reply(p.expect("INFO sip:bob@"), "407 Proxy Authentication Required", "Proxy-Authenticate: "+kamailio)
	nobody := p.expect("INFO sip:nobody-") // is it the server that asks, or bob?
	if len(nobody.header["Route"]) > 0 || strings.Contains(nobody.get("To"), "tag=") {
		t.Errorf("asked of nobody: %v", nobody.header)
	}
	p.reply(nobody, "407 Proxy Authentication Required", "Proxy-Authenticate: "+kamailio)
	for i, want := range []string{"3 INFO", "4 INFO"} {
		m := p.expect("INFO")
		if m.get("Cseq") != want || !strings.Contains(m.get("Proxy-Authorization"), fmt.Sprintf("nc=%08x", i+1)) {
			t.Errorf("INFO is %v", m.header)
		}
		p.reply(m, "200 OK")
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// RFC 3261 §12.2.1.1: a first route without lr goes into the request line.
func TestStrictRouter(t *testing.T) {
	d, p := call(t, user, "Contact: <sip:bob@192.0.2.1>", "Record-Route: <sip:p2.example.com;lr>", "Record-Route: <sip:p1.example.com>")
	go func() { _, _ = d.Do(t.Context(), "INFO", Body{}) }()
	m := p.expect("INFO sip:p1.example.com SIP/2.0")
	if r := strings.Join(m.header["Route"], " "); r != "<sip:p2.example.com;lr> <sip:bob@192.0.2.1>" {
		t.Errorf("Route is %s", r)
	}
	p.reply(m, "200 OK")
}

func TestRemoteSaysWhoAnswered(t *testing.T) {
	d, _ := call(t, user, "Contact: <sip:bob@192.0.2.1>", "Server: bob's phone")
	res, is := d.Remote().(*sip.Response)
	if !is || res.GetHeader("Server").Value() != "bob's phone" {
		t.Errorf("%v", d.Remote())
	}
}

// A proxy that must not wait keeps the order of what it passes on, and passes
// on an ACK that has no transaction.
func TestSendAndWriteOfAProxy(t *testing.T) {
	out, far := rawPeer(t, Options{})
	_, near := rawPeer(t, Options{Handle: func(in *Incoming) {
		if in.Request.Method == sip.ACK {
			if err := out.Write(in.Request); err != nil {
				t.Error(err)
			}
			return
		}
		out.Send(in.Context(), in.Request, nil, func(res *sip.Response, err error) {
			if res != nil {
				_ = in.Respond(res)
			}
		})
	}})
	const n = 100
	for i := range n {
		near.send(ask("MESSAGE", fmt.Sprint("m", i)))
	}
	near.send(strings.Replace(ask("ACK", "ack"), "<sip:alice@example.com>\n", "<sip:alice@example.com>;tag=a\n", 1))
	var all []message
	for i := range n {
		m := far.expect("MESSAGE")
		if m.get("Call-Id") != fmt.Sprint("m", i) || len(m.header["Via"]) != 2 {
			t.Fatalf("%d: %v", i, m.header)
		}
		all = append(all, m)
	}
	if m := far.expect("ACK"); len(m.header["Via"]) != 2 || m.get("To") != "<sip:alice@example.com>;tag=a" {
		t.Errorf("ACK: %v", m.header)
	}
	far.reply(all[3], "404 Not Found")
	if m := near.expect("SIP/2.0 404"); m.get("Call-Id") != "m3" || len(m.header["Via"]) != 1 {
		t.Errorf("%v", m.header)
	}
	far.nc.Close()
	<-out.Done()
	lost := make(chan error, 1)
	r, _ := out.NewRequest("MESSAGE", "x@example.com", Body{})
	out.Send(t.Context(), r, nil, func(_ *sip.Response, err error) { lost <- err })
	if err := <-lost; !errors.Is(err, ErrOffline) {
		t.Error(err)
	}
	if err := out.Write(r); !errors.Is(err, ErrOffline) {
		t.Error(err)
	}
}

func TestContactCanBeReplaced(t *testing.T) {
	c, p := rawPeer(t, user)
	c.SetContact("sip:alice@example.com;gr=urn:uuid:1")
	go func() {
		_, _ = c.Invite(t.Context(), "bob@example.com", sdp, nil)
	}()
	if m := p.expect("INVITE"); m.get("Contact") != "<sip:alice@example.com;gr=urn:uuid:1>" {
		t.Error(m.get("Contact"))
	}
}

func TestStatusErrorTexts(t *testing.T) {
	for _, test := range []struct{ header, value, want string }{
		{"Warning", `310 lcs.example.com "Update your client"`, "Update your client"},
		{"Warning", `399 x "a \"b\" c", 301 y "other"`, `a "b" c`},
		{"Warning", "399 x no text", "Forbidden"},
		{"ms-diagnostics", `1003;reason="User does not exist";source="fe1"`, "User does not exist"},
		{"ms-diagnostics-public", `1003;source="fe1"`, "Forbidden"},
		{"X-Other", `"text"`, "Forbidden"},
		{"Warning", "399 x \"line\ttwo\u2028\x1b[31m" + strings.Repeat("x", 300) + `"`, "line two [31m" + strings.Repeat("x", 186) + "…"},
	} {
		res := sip.NewResponse(403, "Forbidden")
		res.AppendHeader(sip.NewHeader(test.header, test.value))
		if e := statusError(res); e.Reason != test.want || e.Code != 403 || e.RetryAfter != 0 {
			t.Errorf("%s: %s gives %q", test.header, test.value, e.Reason)
		}
	}
	if e := (&StatusError{Code: 403, Reason: "Forbidden"}); e.Error() != "403 Forbidden" {
		t.Error(e)
	}
}

func TestLine(t *testing.T) {
	var l Line
	if _, err := l.Conn(); !errors.Is(err, ErrOffline) {
		t.Error(err)
	}
	c, _ := rawPeer(t, user)
	l.Set(c)
	if got, err := l.Conn(); got != c || err != nil {
		t.Error(err)
	}
	l.Set(nil)
	if _, err := l.Conn(); !errors.Is(err, ErrOffline) {
		t.Error(err)
	}
}
