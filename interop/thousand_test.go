//go:build interop

package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"communicator/presence"
	"communicator/session"
)

// A thousand contacts at Kamailio, with its list server and without: what it takes
// to have all states. SIPp, a program of others, publishes them at the door that
// trusts the front ends.
func TestFiguresThousand(t *testing.T) {
	for _, lists := range []string{"1", "0"} {
		t.Run("LISTS="+lists, func(t *testing.T) {
			p := startPool(t, "LISTS="+lists)
			users := thousand(t, p)
			publish(t, p, users, "Desk of ", 100)
			keepList(t, p, "alice", users)
			most := 6 + len(users)
			if lists == "0" {
				most = 20 + 2*len(users) // each is asked for by himself
			}
			c := contactFigures(t, p.place(), users, most)
			for _, u := range users {
				c.sees(u, "busy with a note", func(s presence.State) bool { return s.Note == "Desk of "+u && s.Availability == presence.Busy })
			}
		})
	}
}

// A thousand people watched by one list subscription change their state within one
// second: how long it takes until every last one is shown, and in how many messages.
func TestFiguresThousandChanges(t *testing.T) {
	p := startPool(t)
	users := thousand(t, p)
	publish(t, p, users, "Desk of ", 100)
	keepList(t, p, "alice", users)
	c := contactFigures(t, p.place(), users, 20+2*len(users)) // a machine that is too busy makes the client ask for each
	shows := func(note string) {
		t.Helper()
		for _, u := range users {
			c.sees(u, "busy, "+note, func(s presence.State) bool { return s.Note == note+u && s.Availability == presence.Busy })
		}
	}
	shows("Desk of ")
	mark, traffic := c.heard(), c.listen()
	began := time.Now()
	publish(t, p, users, "Away from ", len(users))
	published := time.Since(began)
	shows("Away from ")
	took := time.Since(began)
	requests, sip := traffic()
	t.Logf("FIGURE %d changes in a second: accepted after %v, the last one shown after %v; %v, %d bytes of SIP", len(users), published.Round(time.Millisecond), took.Round(time.Millisecond), requests, sip)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.events[mark:] {
		if s, is := e.(session.StateChanged); is && s.State.Phase != session.SignedIn {
			t.Logf("FIGURE the connection was lost meanwhile: %+v", s.State)
		}
	}
}

// thousand makes so many accounts.
func thousand(t *testing.T, p *pool) (users []string) {
	t.Helper()
	var list strings.Builder
	for i := range 1000 {
		users = append(users, fmt.Sprintf("u%03d@%s", i, domain))
		fmt.Fprintf(&list, "%s u%03d-pw\n", users[i], i)
	}
	cmd := exec.Command("../deploy/kamailio/users.sh", "add")
	cmd.Env, cmd.Stdin = append(os.Environ(), "DB="+p.env["DB"]), strings.NewReader(list.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("users.sh: %v\n%s", err, out)
	}
	return users
}

// publish lets SIPp (Debian 12: 3.6.1) publish a state of each user, so many a
// second, in the place of what he has published.
func publish(t *testing.T, p *pool, users []string, note string, rate int) {
	t.Helper()
	dir := t.TempDir()
	now := time.Now().UTC().Format(time.RFC3339Nano)
	etags := map[string]string{}
	for line := range strings.Lines(p.sql(t, "SELECT username || '@' || domain || ' ' || etag FROM presentity WHERE event = 'presence'")) {
		user, etag, _ := strings.Cut(strings.TrimSpace(line), " ")
		etags[user] = etag
	}
	table := "SEQUENTIAL\n"
	for _, u := range users {
		first := "Subject: the first"
		if etags[u] != "" {
			first = "SIP-If-Match: " + etags[u]
		}
		table += fmt.Sprintf("%s;%s;%s;%s\n", u, note+u, now, first)
	}
	for name, text := range map[string]string{"people.csv": table, "publish.xml": publishScenario} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("sipp", fmt.Sprintf("127.0.0.1:%d", p.base+60), "-t", "t1", "-i", "127.0.0.1", "-sf", "publish.xml", "-inf", "people.csv",
		"-m", fmt.Sprint(len(users)), "-r", fmt.Sprint(rate), "-l", fmt.Sprint(len(users)), "-nostdin", "-timeout", "60s", "-timeout_error")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil { // any answer but 200 is an error
		t.Fatalf("sipp: %v\n%s", err, out[max(0, len(out)-2000):])
	}
}

const publishScenario = `<?xml version="1.0" encoding="UTF-8"?>
<scenario name="publish">
  <send><![CDATA[
PUBLISH sip:[field0] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: <sip:[field0]>;tag=[call_number]
To: <sip:[field0]>
Call-ID: [call_id]
CSeq: 1 PUBLISH
Event: presence
[field3]
Expires: 3600
Content-Type: application/pidf+xml
Content-Length: [len]

<?xml version="1.0" encoding="UTF-8"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" entity="sip:[field0]"><tuple id="t1"><status><basic>open</basic></status><note>[field1]</note><timestamp>[field2]</timestamp></tuple><dm:person id="p1"><rpid:activities><rpid:busy/></rpid:activities><dm:note>[field1]</dm:note><dm:timestamp>[field2]</dm:timestamp></dm:person></presence>
]]></send>
  <recv response="200"/>
</scenario>
`
