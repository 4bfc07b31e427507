//go:build interop

package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"communicator/im"
	"communicator/session"
)

// TestStrangers: SIPp sends 500 messages of random senders, which make one notice,
// and nobody is watched for it. Who is not accepted yet may say five things, with
// those that the server kept twenty; what he says beyond them stays with the
// server, as it was, until he is accepted.
func TestStrangers(t *testing.T) {
	p := startPool(t)
	at := p.place()
	dir := t.TempDir()
	keep := func(o *session.Options) { o.Dir = dir }
	b := at.signIn(t, bob, keep)
	a := at.signIn(t, alice)
	var said []im.Delivery
	for i := range 22 {
		d := delivery(t, a, bob, fmt.Sprint("line ", i))
		if want := map[bool]im.State{true: im.Delivered, false: im.Accepted}[i < 5]; d.State != want {
			t.Errorf("line %d: %+v, want %s", i, d, want)
		}
		said = append(said, d)
	}
	first := await(b, 0, "a notice", func(session.RequestsChanged) bool { return true })
	if len(first.Requests) != 1 {
		t.Errorf("the notice is of %+v", first.Requests)
	}
	mark := b.heard()
	took := spam(t, p, 500)
	time.Sleep(2 * time.Second) // notices of what arrives come a second later, if at all
	notices := 0
	b.mu.Lock()
	for _, e := range b.events[mark:] {
		if _, is := e.(session.RequestsChanged); is {
			notices++
		}
	}
	b.mu.Unlock()
	if all := b.Requests.List(); notices > 1 || len(all) != 200 || !all[199].Outside {
		t.Errorf("%d notices, %d wait", notices, len(all))
	}
	if n := p.sql(t, "SELECT count(*) FROM active_watchers WHERE watcher_username = 'bob' AND presentity_uri LIKE '%spam%'"); n != "0" {
		t.Errorf("%s strangers are watched", n)
	}
	t.Logf("FIGURE 500 messages of random senders in %v: %d notices, 200 wait, the others were refused", took.Round(time.Millisecond), notices)

	b.stop()
	b = at.signIn(t, bob, keep)
	time.Sleep(12 * time.Second) // so long msilo may take what was refused as being on the way
	b.stop()
	b = at.signIn(t, bob, keep)
	time.Sleep(2 * time.Second) // the last two come, and are refused
	if all := b.Requests.List(); len(all) != 200 || len(all[0].Lines) != 20 {
		t.Errorf("after a restart %d wait, the first with %d lines", len(all), len(all[0].Lines))
	}
	if err := b.Requests.Accept(alice); err != nil {
		t.Fatal(err)
	}
	b.stop()
	time.Sleep(12 * time.Second)
	b = at.signIn(t, bob, keep)
	for i, d := range said[20:] {
		if m := b.gets(0, fmt.Sprint("line ", 20+i)); m.ID != d.ID || !m.Stored || m.Request {
			t.Errorf("line %d came as %+v", 20+i, m)
		}
	}
	if n := len(b.count()); n != 2 {
		t.Errorf("%d texts came, want those two", n)
	}
}

// spam lets SIPp (Debian 12: 3.6.1) send messages to bob at the door that trusts
// the front ends, each of another stranger.
func spam(t *testing.T, p *pool, n int) time.Duration {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "spam.xml"), []byte(spamScenario), 0o600); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	cmd := exec.Command("sipp", fmt.Sprintf("127.0.0.1:%d", p.base+60), "-t", "t1", "-i", "127.0.0.1", "-sf", "spam.xml",
		"-m", fmt.Sprint(n), "-r", fmt.Sprint(n), "-l", fmt.Sprint(n), "-nostdin", "-timeout", "60s", "-timeout_error")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("sipp: %v\n%s", err, tailOf(out))
	}
	return time.Since(began)
}

const spamScenario = `<?xml version="1.0" encoding="UTF-8"?>
<scenario name="spam">
  <send retrans="500"><![CDATA[

MESSAGE sip:bob@contoso.test SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: <sip:s[call_number]@spam[call_number].test>;tag=[call_number]
To: <sip:bob@contoso.test>
Call-ID: [call_id]
CSeq: 1 MESSAGE
Content-Type: text/plain
Content-Length: [len]

Buy now: http://spam.test/
]]></send>
  <recv response="200" optional="true" next="1"></recv>
  <recv response="480"></recv>
  <label id="1"/>
</scenario>
`
