//go:build interop

package interop

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// build builds the program as an administrator would get it without a window.
func build(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "communicator")
	cmd := exec.Command("go", "build", "-o", file, "communicator/cmd/communicator")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return file
}

// shell runs the program's commands for one user.
type shell struct {
	t       *testing.T
	program string
	args    []string
	env     []string
}

func (p place) shell(t *testing.T, program, user, password string) shell {
	t.Helper()
	home := t.TempDir()
	return shell{t, program, []string{"--as", user, "--resolver", p.resolver, "--ca", p.ca, "--profile", filepath.Join(home, "profile")},
		append(os.Environ(), "COMMUNICATOR_PASSWORD="+password, "HOME="+home)}
}

// command makes a command with the flags that say who and where.
func (s shell) command(args ...string) *exec.Cmd {
	cmd := exec.Command(s.program, append(args, s.args...)...)
	cmd.Env = s.env
	return cmd
}

// run runs a command with --json, checks its exit status and returns its lines.
func (s shell) run(status int, args ...string) []map[string]any {
	s.t.Helper()
	cmd := s.command(append(args, "--json")...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != status {
		s.t.Fatalf("%s: exit status %d (%v), want %d\n%s%s", strings.Join(args, " "), code, err, status, &out, &errs)
	}
	var lines []map[string]any
	for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		if line == "" {
			continue
		}
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			s.t.Fatalf("%s: not JSON: %q", strings.Join(args, " "), line)
		}
		lines = append(lines, v)
	}
	return lines
}

// has reports whether a line has all these values.
func has(lines []map[string]any, want map[string]any) bool {
	return slices.ContainsFunc(lines, func(l map[string]any) bool {
		for k, v := range want {
			if l[k] != v {
				return false
			}
		}
		return true
	})
}

func (s shell) must(lines []map[string]any, want map[string]any) {
	s.t.Helper()
	if !has(lines, want) {
		s.t.Errorf("no line with %v among %v", want, lines)
	}
}

// commands: the public contract of docs/cli.md.
func commands(t *testing.T, p place) {
	program := build(t)
	me, boss, team, outsider := "sip:"+p.me, p.of(p.of(p.me).manager), p.reports(p.me), p.outsider()
	here, gone := team[0], team[1]
	p.away(t, gone)
	a, b := p.shell(t, program, p.me, p.of(p.me).password), p.shell(t, program, here, p.of(here).password)

	located := a.run(0, "locate", p.me)
	a.must(located, map[string]any{"step": "srv", "name": "_sipinternaltls._tcp.contoso.test.", "result": "found"})
	if target, _ := located[len(located)-1]["target"].(map[string]any); target["transport"] != "tls" {
		t.Errorf("locate ends with %v", located[len(located)-1])
	}
	for _, line := range a.run(0, "check") {
		if line["check"] != nil && line["check"] != "phone" && line["ok"] != true {
			t.Errorf("check: %v", line)
		}
	}
	a.must(a.run(0, "org"), map[string]any{"group": "manager", "user": "sip:" + boss.user, "name": boss.name, "title": boss.title})
	a.must(a.run(0, "org"), map[string]any{"group": "reports", "user": "sip:" + here})
	a.must(a.run(0, "find", outsider.name), map[string]any{"user": "sip:" + outsider.user, "source": "directory"})

	watch := start(t, "communicator watch", b.command("watch", "--json"))
	watch.expectJSON(0, map[string]any{"event": "signed-in", "user": "sip:" + here})
	a.must(a.run(0, "status", "busy", "--note", "In Lyon"), map[string]any{"availability": "busy", "note": "In Lyon"})
	watch.expectJSON(0, map[string]any{"event": "presence", "user": me, "availability": "busy", "note": "In Lyon"})
	a.must(b.run(0, "contacts"), map[string]any{"group": "My manager", "user": me, "availability": "busy", "note": "In Lyon"})

	sent := a.run(0, "send", "--group", "My direct reports", "-m", "Lunch at twelve")
	a.must(sent, map[string]any{"to": "sip:" + here, "state": "delivered", "code": 200.0})
	a.must(sent, map[string]any{"to": "sip:" + gone, "state": "accepted", "code": 202.0})
	watch.expectJSON(0, map[string]any{"event": "message", "from": me, "text": "Lunch at twelve"})
	sent = a.run(4, "send", "--to", here, "--to", "nobody@"+domain, "-m", "Is anybody there?")
	a.must(sent, map[string]any{"to": "sip:nobody@contoso.test", "state": "failed", "code": 404.0})
	a.run(1, "send", "--to", "nobody@"+domain, "-m", "Nobody?")

	wrong := p.shell(t, program, p.me, "not-the-password")
	wrong.run(3, "status")
	wrong.run(3, "check")
	a.run(2, "status", "sleepy")
}
