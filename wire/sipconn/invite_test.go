package sipconn

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"
)

var sdp = Body{"application/sdp", []byte("v=0\r\n")}

// The caller's side of a call, through two proxies.
func TestCallInText(t *testing.T) {
	c, p := rawPeer(t, user)
	got, late := make(chan string, 1), make(chan string, 1)
	ringing := ""
	go func() {
		inv := p.expect("INVITE sip:bob@example.com SIP/2.0")
		if inv.get("Contact") != "<sip:alice@10.0.0.2:40001;transport=tcp>" || inv.body != "v=0\r\n" {
			t.Errorf("INVITE has %v %q", inv.header, inv.body)
		}
		p.reply(inv, "100 Trying")
		p.reply(inv, "180 Ringing")
		p.reply(inv, "200 OK", "Record-Route: <sip:p2.example.com;lr>, <sip:p1.example.com;lr>", "Contact: <sip:bob@192.0.2.4:5062;alias=10.0.0.9~50000~2>")
		ack := p.expect("ACK sip:bob@192.0.2.4:5062;alias=10.0.0.9~50000~2 SIP/2.0")
		// RFC 3261 §12.1.2: the route set is reversed.
		if r := strings.Join(ack.header["Route"], ","); r != "<sip:p1.example.com;lr>,<sip:p2.example.com;lr>" {
			t.Errorf("Route is %s", r)
		}
		if ack.get("Cseq") != "1 ACK" || !strings.HasSuffix(ack.get("To"), ";tag=peer") || ack.get("Via") == inv.get("Via") {
			t.Errorf("ACK is %v", ack.header)
		}
		p.reply(inv, "200 OK", "Contact: <sip:bob@192.0.2.4:5062>") // our ACK was late
		p.expect("ACK")
		late <- "over"
		info := p.expect("INFO sip:bob@192.0.2.4:5062")
		if info.get("Cseq") != "2 INFO" {
			t.Errorf("CSeq is %s", info.get("Cseq"))
		}
		p.reply(info, "200 OK")
		bye := p.expect("BYE")
		p.reply(bye, "200 OK")
		got <- "end"
	}()
	d, err := c.Invite(t.Context(), "bob@example.com", sdp, func(res *sip.Response) { ringing += res.Reason + " " })
	if err != nil {
		t.Fatal(err)
	}
	if ringing != "Trying Ringing " {
		t.Errorf("progress: %q", ringing)
	}
	<-late
	if _, err := d.Do(t.Context(), "INFO", Body{}); err != nil {
		t.Error(err)
	}
	if err := d.Bye(t.Context()); err != nil {
		t.Error(err)
	}
	<-d.Done()
	<-got
}

func TestRefusedCallIsAcknowledged(t *testing.T) {
	c, p := rawPeer(t, user)
	go func() {
		inv := p.expect("INVITE")
		p.reply(inv, "486 Busy Here")
	}()
	_, err := c.Invite(t.Context(), "bob@example.com", sdp, nil)
	var s *StatusError
	if !errors.As(err, &s) || s.Code != 486 {
		t.Error(err)
	}
	if ack := p.expect("ACK sip:bob@example.com"); ack.get("Cseq") != "1 ACK" || !strings.Contains(ack.get("To"), "tag=peer") {
		t.Error(ack.header)
	}
}

func TestForkedCall(t *testing.T) {
	c, p := rawPeer(t, user)
	done, forked := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		inv := p.expect("INVITE")
		p.reply(inv, "200 OK", "Contact: <sip:bob@192.0.2.1>")
		p.expect("ACK sip:bob@192.0.2.1")
		second := inv
		second.header.Set("To", inv.get("To")+";tag=second")
		p.reply(second, "200 OK", "Contact: <sip:bob@192.0.2.2>")
		p.expect("ACK sip:bob@192.0.2.2")
		p.reply(p.expect("BYE sip:bob@192.0.2.2"), "200 OK")
		p.reply(second, "200 OK", "Contact: <sip:bob@192.0.2.2>") // once more: ACK, no second BYE
		p.expect("ACK sip:bob@192.0.2.2")
		close(forked)
		p.reply(p.expect("INFO sip:bob@192.0.2.1"), "200 OK")
	}()
	d, err := c.Invite(t.Context(), "bob@example.com", sdp, nil)
	if err != nil {
		t.Fatal(err)
	}
	<-forked
	if _, err := d.Do(t.Context(), "INFO", Body{}); err != nil {
		t.Error(err)
	}
	<-done
}

func TestGivingUpACall(t *testing.T) {
	for _, test := range []struct {
		name   string
		before string // what the callee had said before we gave up
		after  string // its final answer
	}{
		{"ringing, then 487", "180 Ringing", "487 Request Terminated"},
		{"not yet a word", "", "487 Request Terminated"},
		{"answered at the same moment", "180 Ringing", "200 OK"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p := rawPeer(t, user)
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				done := make(chan error, 1)
				go func() {
					_, err := c.Invite(ctx, "bob@example.com", sdp, nil)
					done <- err
				}()
				inv := p.expect("INVITE")
				if test.before != "" {
					p.reply(inv, test.before)
					synctest.Wait()
				}
				stop()
				if err := <-done; !errors.Is(err, context.Canceled) {
					t.Errorf("Invite: %v", err)
				}
				if test.before == "" {
					p.reply(inv, "100 Trying") // RFC 3261 §9.1: only now may we cancel
				}
				cancel := p.expect("CANCEL sip:bob@example.com")
				if cancel.get("Via") != inv.get("Via") || cancel.get("Cseq") != "1 CANCEL" || cancel.get("To") != inv.get("To") {
					t.Errorf("CANCEL is %v", cancel.header)
				}
				p.reply(cancel, "200 OK")
				p.reply(inv, test.after, "Contact: <sip:bob@192.0.2.1>")
				p.expect("ACK")
				if test.after == "200 OK" {
					p.reply(p.expect("BYE sip:bob@192.0.2.1"), "200 OK")
				}
			})
		})
	}
}

// The callee's side: slow handler, ringing, retransmission of the 2xx.
func TestCalledInText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d *Dialog
		var heard []string
		o := user
		o.Handle = func(in *Incoming) {
			if in.Request.Method != "INVITE" {
				ok(in)
				return
			}
			go func() { // a person decides
				time.Sleep(time.Second)
				_ = in.Reply(180, "Ringing", Body{})
				time.Sleep(time.Second)
				var err error
				if d, err = in.Accept(sdp); err != nil {
					t.Error(err)
				}
				d.Handle(func(in *Incoming) { heard = append(heard, string(in.Request.Body())); ok(in) })
			}()
		}
		_, p := rawPeer(t, o)
		begun := time.Now()
		at := func(want time.Duration) {
			t.Helper()
			if got := time.Since(begun); got != want {
				t.Errorf("came after %v, not %v", got, want)
			}
		}
		p.send(ask("INVITE", "call", "Contact: <sip:bob@192.0.2.9:5070>", "Record-Route: <sip:p1.example.com;lr>", "Record-Route: <sip:p2.example.com;lr>"))
		p.expect("SIP/2.0 100 Trying")
		at(200 * time.Millisecond)
		p.send(ask("INVITE", "call", "Contact: <sip:bob@192.0.2.9:5070>")) // sent again
		p.expect("SIP/2.0 100 Trying")
		r := p.expect("SIP/2.0 180")
		at(time.Second)
		answer := p.expect("SIP/2.0 200")
		if r.get("To") != answer.get("To") || answer.get("Contact") != "<sip:alice@10.0.0.2:40001;transport=tcp>" ||
			strings.Join(answer.header["Record-Route"], " ") != "<sip:p1.example.com;lr> <sip:p2.example.com;lr>" || answer.body != "v=0\r\n" {
			t.Errorf("200 is %v %q", answer.header, answer.body)
		}
		at(2 * time.Second)
		p.expect("SIP/2.0 200") // RFC 3261 §13.3.1.4: T1, then twice that, ...
		at(2500 * time.Millisecond)
		p.expect("SIP/2.0 200")
		at(3500 * time.Millisecond)
		inDialog := func(method, id string, seq int, body string) string {
			m := ask(method, id, "Contact: <sip:bob@192.0.2.10>")
			m = strings.Replace(m, "To: <sip:alice@example.com>", "To: "+answer.get("To"), 1)
			m = strings.Replace(m, "Call-ID: "+id, "Call-ID: call", 1)
			return strings.Replace(m, "CSeq: 1 ", "CSeq: "+itoa(seq)+" ", 1) + body
		}
		p.send(inDialog("ACK", "a", 1, ""))
		p.send(inDialog("MESSAGE", "b", 7, "one"))
		p.expect("SIP/2.0 200")
		p.send(inDialog("MESSAGE", "c", 6, "too late"))
		p.expect("SIP/2.0 500")
		p.send(inDialog("INVITE", "d", 8, "moved")) // refreshes the target
		p.expect("SIP/2.0 200")
		p.send(inDialog("ACK", "e", 8, ""))
		synctest.Wait()
		if strings.Join(heard, ",") != "one,moved" {
			t.Errorf("heard %q", heard)
		}
		go func() {
			if _, err := d.Do(t.Context(), "INFO", Body{}); err != nil {
				t.Error(err)
			}
		}()
		info := p.expect("INFO sip:bob@192.0.2.10 SIP/2.0")
		if strings.Join(info.header["Route"], " ") != "<sip:p1.example.com;lr> <sip:p2.example.com;lr>" || !strings.HasPrefix(info.get("To"), "<sip:bob@example.com>;tag=b") {
			t.Errorf("INFO is %v", info.header)
		}
		p.reply(info, "200 OK")
		p.send(inDialog("BYE", "f", 9, ""))
		p.expect("SIP/2.0 200")
		<-d.Done()
		p.send(inDialog("MESSAGE", "g", 10, ""))
		p.expect("SIP/2.0 481")
		time.Sleep(time.Minute) // nothing is repeated any more
		p.send(ask("OPTIONS", "last"))
		if m := p.next(); m.get("Call-Id") != "last" {
			t.Errorf("%q %v", m.start, m.header)
		}
	})
}

func TestNoAckEndsTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := user
		made := make(chan *Dialog, 1)
		o.Handle = func(in *Incoming) {
			d, _ := in.Accept(sdp)
			made <- d
		}
		_, p := rawPeer(t, o)
		begun := time.Now()
		p.send(ask("INVITE", "call", "Contact: <sip:bob@192.0.2.9>"))
		for {
			m := p.next()
			if strings.HasPrefix(m.start, "BYE") {
				p.reply(m, "200 OK")
				break
			}
		}
		<-(<-made).Done()
		if took := time.Since(begun); took != 32*time.Second {
			t.Errorf("ended after %v", took)
		}
	})
}

func TestCancelOfTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		o := user
		o.Handle = func(in *Incoming) {
			_ = in.Reply(180, "Ringing", Body{})
			go func() {
				<-in.Context().Done()
				_, err := in.Accept(sdp)
				ended <- err
			}()
		}
		_, p := rawPeer(t, o)
		p.send(strings.Replace(ask("CANCEL", "none"), "none", "never", 1))
		p.expect("SIP/2.0 481")
		p.send(ask("INVITE", "call"))
		p.expect("SIP/2.0 180")
		p.send(ask("CANCEL", "call"))
		p.expect("SIP/2.0 200")
		p.expect("SIP/2.0 487")
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Accept after CANCEL: %v", err)
		}
		p.send(ask("ACK", "call"))
		p.send(ask("CANCEL", "call")) // too late, and the transaction is over
		p.expect("SIP/2.0 481")
	})
}

// Requests that come before anybody handles the dialog wait in order.
func TestEarlyRequestsWait(t *testing.T) {
	c, p := rawPeer(t, user)
	go func() {
		inv := p.expect("INVITE")
		p.reply(inv, "200 OK", "Contact: <sip:bob@192.0.2.1>")
		for _, n := range []string{"1", "2", "3"} {
			p.send("MESSAGE sip:alice@10.0.0.2 SIP/2.0\nVia: SIP/2.0/TCP 10.0.0.1;branch=z9hG4bK" + n + "\nFrom: " + inv.get("To") + ";tag=peer\nTo: " + inv.get("From") +
				"\nCall-ID: " + inv.get("Call-Id") + "\nCSeq: " + n + " MESSAGE\n\n" + n)
		}
	}()
	d, err := c.Invite(t.Context(), "bob@example.com", sdp, nil)
	if err != nil {
		t.Fatal(err)
	}
	p.expect("ACK")
	time.Sleep(20 * time.Millisecond)
	got := make(chan string, 3)
	d.Handle(func(in *Incoming) { got <- string(in.Request.Body()); ok(in) })
	for _, want := range []string{"1", "2", "3"} {
		if s := <-got; s != want {
			t.Errorf("%q came instead of %q", s, want)
		}
		p.expect("SIP/2.0 200")
	}
}

// Clients of LCS 2005 send no branch in requests of a stored Call-ID.
func TestPeerWithoutBranch(t *testing.T) {
	var made *Dialog
	o := user
	o.Handle = func(in *Incoming) {
		made, _ = in.Accept(sdp)
		made.Handle(ok)
	}
	_, p := rawPeer(t, o)
	plain := func(method string, seq, to string) string {
		return method + " sip:alice@example.com SIP/2.0\nVia: SIP/2.0/tcp 10.0.0.5:49201\nFrom: <sip:bob@example.com>;tag=1845;epid=356bcace1925\nTo: " + to +
			"\nCall-ID: a1f0\nCSeq: " + seq + " " + method + "\nMax-Forwards: 70\nContact: <sip:bob@10.0.0.5:49201;transport=tcp>\n\n"
	}
	p.send(plain("INVITE", "1", "<sip:alice@example.com>"))
	a := p.expect("SIP/2.0 200")
	p.send(plain("ACK", "1", a.get("To")))
	p.send(plain("MESSAGE", "2", a.get("To")))
	if m := p.expect("SIP/2.0 200"); m.get("Cseq") != "2 MESSAGE" {
		t.Errorf("answered %v", m.header)
	}
	p.send(plain("MESSAGE", "3", a.get("To")))
	p.expect("SIP/2.0 200")
	p.send(plain("BYE", "4", a.get("To")))
	p.expect("SIP/2.0 200")
	<-made.Done()
}

// pidgin repeats a challenged PUBLISH with the same branch and CSeq.
func TestSameBranchAgainIsANewRequest(t *testing.T) {
	n := 0
	_, p := rawPeer(t, Options{Handle: func(in *Incoming) {
		if n++; n == 1 {
			_ = in.Reply(407, "Proxy Authentication Required", Body{})
			return
		}
		ok(in)
	}})
	p.send(ask("PUBLISH", "x"))
	p.expect("SIP/2.0 407")
	p.send(ask("PUBLISH", "x", "Proxy-Authorization: Digest x=y"))
	p.expect("SIP/2.0 200")
}

// A proxy keeps the Via, From, Call-ID and CSeq that came and adds one Via.
func TestProxy(t *testing.T) {
	out, far := rawPeer(t, Options{})
	_, near := rawPeer(t, Options{Handle: func(in *Incoming) {
		r := in.Request
		go func() {
			res, err := out.Do(in.Context(), r, func(res *sip.Response) {
				if res.StatusCode > 100 {
					_ = in.Respond(res)
				}
			})
			if res == nil {
				t.Error(err)
				return
			}
			_ = in.Respond(res)
		}()
	}})
	near.send(ask("INVITE", "call", "Contact: <sip:bob@10.0.0.1>", "User-Agent: baresip"))
	inv := far.expect("INVITE")
	if v := inv.header["Via"]; len(v) != 2 || v[1] != "SIP/2.0/TCP 10.0.0.1:5061;branch=z9hG4bKcall" ||
		inv.get("From") != "<sip:bob@example.com>;tag=b" || inv.get("Call-Id") != "call" || len(inv.header["User-Agent"]) != 1 || len(inv.header["Contact"]) != 1 {
		t.Errorf("passed on: %v", inv.header)
	}
	far.reply(inv, "180 Ringing")
	if m := near.expect("SIP/2.0 180"); len(m.header["Via"]) != 1 || !strings.Contains(m.get("To"), "tag=peer") {
		t.Errorf("passed back: %v", m.header)
	}
	far.reply(inv, "200 OK", "Contact: <sip:alice@10.0.0.9>")
	if m := near.expect("SIP/2.0 200"); len(m.header["Via"]) != 1 || m.get("Contact") != "<sip:alice@10.0.0.9>" {
		t.Errorf("passed back: %v", m.header)
	}
}

// A proxy changes the request that it passes on while we answer CANCEL for it.
func TestChangingARequestWhileItIsCancelled(t *testing.T) {
	changed := make(chan struct{})
	_, p := rawPeer(t, Options{Handle: func(in *Incoming) {
		go func() {
			defer close(changed)
			for range 1000 {
				in.Request.PrependHeader(&sip.ViaHeader{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: "TCP", Host: "own.example.com"})
				in.Request.RemoveHeader("Via")
			}
		}()
	}})
	p.send(ask("INVITE", "call"))
	p.send(ask("CANCEL", "call"))
	p.expect("SIP/2.0 200")
	if m := p.expect("SIP/2.0 487"); strings.Join(m.header["Via"], " ") != "SIP/2.0/TCP 10.0.0.1:5061;branch=z9hG4bKcall" {
		t.Errorf("answered along %q", m.header["Via"])
	}
	<-changed
}
