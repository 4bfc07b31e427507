//go:build interop

package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"communicator/lab"
)

// administrator is an account whom the recipe lets write everybody's lists.
func administrator(t *testing.T, p *pool, program string) shell {
	t.Helper()
	cmd := exec.Command("../deploy/kamailio/users.sh", "add")
	cmd.Env, cmd.Stdin = append(os.Environ(), "DB="+p.env["DB"]), strings.NewReader("lists@contoso.test lists-pw\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("users.sh: %v\n%s", err, out)
	}
	return p.place().shell(t, program, "lists@contoso.test", "lists-pw")
}

// An administrator prefills the lists of a company: slapd knows who it is,
// Kamailio keeps the lists.
func TestPrefill(t *testing.T) {
	p := startPool(t)
	startSlapd(t, p)
	program := build(t)
	admin := administrator(t, p, program)

	lines := admin.run(0, "contacts", "prefill", "--all")
	admin.must(lines, map[string]any{"user": "sip:" + alice, "name": "Alice Abel", "state": "written"})
	written := 0
	for _, l := range lines {
		if l["state"] == "written" {
			written++
		}
	}
	if written != 9 { // Oscar is in nobody's chart: there is nothing to write
		t.Errorf("%d lists written", written)
	}
	admin.must(admin.run(0, "contacts", "prefill", alice), map[string]any{"user": "sip:" + alice, "state": "unchanged"})

	own := p.place().shell(t, program, alice, "alice-pw")
	own.run(0, "contacts", "add", bob, "--group", "Friends")
	admin.must(admin.run(0, "contacts", "prefill", alice), map[string]any{"user": "sip:" + alice, "state": "unchanged"})
	profile := filepath.Join(t.TempDir(), "profile")
	if err := os.MkdirAll(profile, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(profile, "profile.toml"), []byte(`directory = "ldaps://127.0.0.1:1"`), 0o600); err != nil {
		t.Fatal(err)
	}
	own.args[len(own.args)-1] = profile
	groups := own.run(4, "contacts", "groups") // the directory is not there, the lists are
	own.must(groups, map[string]any{"group": "My direct reports", "from": "org", "members": 3.0})
	own.must(groups, map[string]any{"group": "Friends", "from": "own", "members": 1.0})

	other := p.place().shell(t, program, bob, "bob-pw")
	other.must(other.run(1, "contacts", "prefill", alice), map[string]any{"user": "sip:" + alice, "state": "failed"})
}

// How fast Kamailio takes lists: those of a lab's company of 1,000, about 100
// people in each.
func TestFiguresPrefill(t *testing.T) {
	p := startPool(t)
	admin := administrator(t, p, build(t))
	company, err := lab.New(lab.Options{Domain: domain, People: 1000, Still: true, AnonymousLDAP: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { company.Close() })
	ready, err := company.Listen("127.0.0.1", 0, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	both := filepath.Join(dir, "both.pem")
	for _, ca := range []string{p.env["CA"], ready.CA} {
		pem, err := os.ReadFile(ca)
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(both, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(pem); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "profile.toml"), []byte(fmt.Sprintf("directory = %q\n", ready.LDAP)), 0o600); err != nil {
		t.Fatal(err)
	}
	admin.args[5], admin.args[len(admin.args)-1] = both, dir
	for _, run := range []string{"written", "unchanged"} {
		lines := admin.run(0, "contacts", "prefill", "--all", "--rate", "10000")
		sum, _ := lines[len(lines)-1]["summary"].(map[string]any)
		n, _ := sum[run].(float64)
		seconds, _ := sum["seconds"].(float64)
		if n < 990 || seconds == 0 {
			t.Fatalf("%v", sum)
		}
		t.Logf("FIGURE prefill at Kamailio: %s %.0f lists in %.1f s, %.0f a second", run, n, seconds, n/seconds)
	}
}
