//go:build interop

package interop

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"communicator/lab"
)

// One message to 500 members at Kamailio, by the command: the time until each has
// a result, and, beside it, SIPp sending the same to the same. SIPp is the members
// as well, so that how often each got it is counted by a program of others.
func TestFiguresGroupSend(t *testing.T) {
	p := startPool(t)
	at := p.place()
	members := thousand(t, p)[:500]
	inbox := signInAll(t, p, members)
	list := filepath.Join(t.TempDir(), "members")
	if err := os.WriteFile(list, []byte(strings.Join(members, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := at.shell(t, build(t), alice, at.of(alice).password)
	for round := range 3 {
		text := fmt.Sprint("The office closes at 16:00 today, says the command, round ", round)
		cmd := s.command("send", "--list", list, "--rate", "5000", "--yes", "--json", "-m", text)
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		began := time.Now()
		err := cmd.Run()
		took := time.Since(began)
		if err != nil || strings.Count(out.String(), `"state":"delivered"`) != len(members) {
			t.Fatalf("send: %v\n%s%s", err, tailOf(out.Bytes()), &errs)
		}
		seconds := regexp.MustCompile(`"seconds":([\d.]+)`).FindStringSubmatch(out.String())
		t.Logf("FIGURE group send to %d at Kamailio: communicator %s s until each has a result, %v with sign-in and sign-out, %d MB",
			len(members), seconds[1], took.Round(time.Millisecond), cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss>>10)
		eachOnce(t, inbox, members, text)

		text = fmt.Sprint("The office closes at 16:00 today, says SIPp, round ", round)
		took = sippSends(t, p, members, text)
		t.Logf("FIGURE group send to %d at Kamailio: SIPp %v", len(members), took.Round(time.Millisecond))
		eachOnce(t, inbox, members, text)
	}
}

// The same to 5,000 at the lab, a tenth of whom are not signed in.
func TestFiguresGroupSendLab(t *testing.T) {
	company, err := lab.New(lab.Options{Domain: domain, People: 6000, Still: true})
	if err != nil {
		t.Fatal(err)
	}
	defer company.Close()
	ready, err := company.Listen("127.0.0.1", 0, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	me := company.Newcomer()
	var members []string
	for _, x := range company.People() {
		if x.User != me.User && len(members) < 5000 {
			members = append(members, x.User)
		}
	}
	list := filepath.Join(t.TempDir(), "members")
	if err := os.WriteFile(list, []byte(strings.Join(members, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const text = "The office closes at 16:00 today."
	s := place{resolver: ready.Resolver, ca: ready.CA}.shell(t, build(t), me.User, me.Password)
	cmd := s.command("send", "--list", list, "--rate", "50000", "--yes", "--json", "-m", text)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil || strings.Count(out.String(), `"to":`) != len(members) {
		t.Fatalf("send: %v\n%s%s", err, tailOf(out.Bytes()), &errs)
	}
	seconds := regexp.MustCompile(`"seconds":([\d.]+)`).FindStringSubmatch(out.String())
	t.Logf("FIGURE group send to %d at the lab: %s s until each has a result, %d MB", len(members), seconds[1], cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss>>10)
	delivered := 0
	for _, m := range members {
		if !strings.Contains(out.String(), `{"to":"sip:`+m+`","name":"","state":"delivered"`) {
			continue
		}
		delivered++
		if n := strings.Count(company.Do("inbox "+m), text); n != 1 {
			t.Errorf("%s has it %d times", m, n)
		}
	}
	t.Logf("%d delivered, each once", delivered)
}

// signInAll lets SIPp sign all of them in, through the door that trusts the front
// ends, and answer each message with 200. What they got is in the file returned.
func signInAll(t *testing.T, p *pool, members []string) (inbox string) {
	t.Helper()
	dir := t.TempDir()
	table := "SEQUENTIAL\n"
	for _, m := range members {
		name, _, _ := strings.Cut(m, "@")
		table += m + ";" + name + "\n"
	}
	inbox = filepath.Join(dir, "messages.log")
	for name, text := range map[string]string{"members.csv": table, "signin.xml": signInScenario, "answer.xml": answerScenario} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("sipp", fmt.Sprintf("127.0.0.1:%d", p.base+60), "-t", "t1", "-i", "127.0.0.1", "-sf", "signin.xml", "-oocsf", "answer.xml", "-inf", "members.csv",
		"-m", fmt.Sprint(len(members)), "-r", "500", "-l", fmt.Sprint(len(members)), "-nostdin", "-trace_msg", "-message_file", inbox, "-message_overwrite", "false", "-ringbuffer_size", "0")
	cmd.Dir = dir
	start(t, "sipp", cmd)
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		out, err := exec.Command("psql", "-X", "-At", "-d", p.env["DB"], "-c", "SELECT count(*) FROM location").CombinedOutput()
		if err == nil && strings.TrimSpace(string(out)) == fmt.Sprint(len(members)) {
			return inbox
		}
		if time.Since(began) > patience {
			t.Fatalf("signed in: %s %v", out, err)
		}
	}
}

// eachOnce reads from SIPp's log who got a text, and how often.
func eachOnce(t *testing.T, inbox string, members []string, text string) {
	t.Helper()
	log, err := os.ReadFile(inbox)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, m := range regexp.MustCompile(`(?s)message received.*?\n\nMESSAGE .*?\r\nTo: <?sip:([^>\r;]+).*?\r\n\r\n(.*?)\n-----`).FindAllSubmatch(log, -1) {
		if strings.TrimSpace(string(m[2])) == text {
			got[string(m[1])]++
		}
	}
	for _, m := range members {
		if got[m] != 1 {
			t.Errorf("%s got %q %d times", m, text, got[m])
		}
	}
}

// sippSends lets SIPp send the text to all, as fast as it can, and returns how long that took.
func sippSends(t *testing.T, p *pool, members []string, text string) time.Duration {
	t.Helper()
	dir := t.TempDir()
	table := "SEQUENTIAL\n"
	for _, m := range members {
		table += m + ";" + text + "\n"
	}
	for name, text := range map[string]string{"members.csv": table, "send.xml": sendScenario} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("sipp", fmt.Sprintf("127.0.0.1:%d", p.base+60), "-t", "t1", "-i", "127.0.0.1", "-sf", "send.xml", "-inf", "members.csv",
		"-m", fmt.Sprint(len(members)), "-r", "5000", "-l", fmt.Sprint(len(members)), "-nostdin", "-timeout", "60s", "-timeout_error")
	cmd.Dir = dir
	began := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("sipp: %v\n%s", err, tailOf(out))
	}
	return time.Since(began)
}

const signInScenario = `<?xml version="1.0" encoding="UTF-8"?>
<scenario name="sign in">
  <send><![CDATA[
REGISTER sip:contoso.test SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: <sip:[field0]>;tag=[call_number]
To: <sip:[field0]>
Call-ID: [call_id]
CSeq: 1 REGISTER
Contact: <sip:[field1]@[local_ip]:[local_port];transport=[transport]>
Supported: path
Expires: 3600
Content-Length: 0

]]></send>
  <recv response="200"/>
  <pause milliseconds="600000"/>
</scenario>
`

const answerScenario = `<?xml version="1.0" encoding="UTF-8"?>
<scenario name="answer">
  <recv request="MESSAGE"/>
  <send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:];tag=[call_number]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
</scenario>
`

const sendScenario = `<?xml version="1.0" encoding="UTF-8"?>
<scenario name="send">
  <send><![CDATA[
MESSAGE sip:[field0] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: <sip:alice@contoso.test>;tag=[call_number]
To: <sip:[field0]>
Call-ID: [call_id]
CSeq: 1 MESSAGE
Content-Type: text/plain
Content-Length: [len]

[field1]]]></send>
  <recv response="200"/>
</scenario>
`
