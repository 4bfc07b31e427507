package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"communicator/lab"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"communicator": main})
}

// Each script is an example of docs/cli.md, run against a lab on loopback of
// its own.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   "testdata/script",
		Setup: company,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"as": as, "here": here, "lab": obey, "jsonlines": jsonLines, "exits": exits, "await": await, "once": gotOnce,
		},
	})
}

type companyKey struct{}

// company gives a script its lab and an empty home.
func company(e *testscript.Env) error {
	c, err := lab.New(lab.Options{People: 60, Still: true})
	if err != nil {
		return err
	}
	e.Defer(func() { _ = c.Close() })
	r, err := c.Listen("127.0.0.1", 0, filepath.Join(e.WorkDir, "company"))
	if err != nil {
		return err
	}
	e.Values[companyKey{}] = c
	e.Setenv("HOME", e.WorkDir)
	e.Setenv("XDG_CONFIG_HOME", filepath.Join(e.WorkDir, ".config"))
	e.Setenv("RESOLVER", r.Resolver)
	e.Setenv("CA", r.CA)
	return nil
}

// as USER: later commands are USER's; USER is the part before the @.
func as(ts *testscript.TestScript, neg bool, args []string) {
	c := ts.Value(companyKey{}).(*lab.Company)
	for _, who := range append(slices.Clip(c.People()), c.Administrator()) {
		if len(args) == 1 && strings.HasPrefix(who.User, args[0]+"@") {
			ts.Setenv("COMMUNICATOR_USER", who.User)
			ts.Setenv("COMMUNICATOR_PASSWORD", who.Password)
			return
		}
	}
	ts.Fatalf("as %v: nobody of that name works in the lab", args)
}

// here USER: waits until a client that the lab does not simulate is signed in.
func here(ts *testscript.TestScript, neg bool, args []string) {
	c := ts.Value(companyKey{}).(*lab.Company)
	for late := time.After(20 * time.Second); ; {
		var who struct{ Real []string }
		if json.Unmarshal([]byte(c.Do("who")), &who) == nil && slices.ContainsFunc(who.Real, func(u string) bool { return strings.HasPrefix(u, "sip:"+args[0]+"@") }) {
			return
		}
		select {
		case <-time.After(20 * time.Millisecond): // the lab answers questions and tells nothing
		case <-late:
			ts.Fatalf("%s has not signed in", args[0])
		}
	}
}

// lab COMMAND...: a command of the lab's standard input.
func obey(ts *testscript.TestScript, neg bool, args []string) {
	answer := ts.Value(companyKey{}).(*lab.Company).Do(strings.Join(args, " "))
	ts.Logf("%s", answer)
	if strings.Contains(answer, `"error"`) != neg {
		ts.Fatalf("lab %s: %s", strings.Join(args, " "), answer)
	}
}

// jsonlines FILE: every line is one JSON object and nothing else is there.
func jsonLines(ts *testscript.TestScript, neg bool, args []string) {
	text := ts.ReadFile(args[0])
	for _, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		var o map[string]any
		if err := json.Unmarshal([]byte(l), &o); err != nil {
			ts.Fatalf("%q is not a JSON object: %v", l, err)
		}
	}
}

// exits STATUS ARGUMENT...: runs the program, which ends with that status.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	err := ts.Exec("communicator", args[1:]...)
	got := "0"
	if err != nil {
		got = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if got != args[0] {
		ts.Fatalf("communicator %s: exit status %s, want %s", strings.Join(args[1:], " "), got, args[0])
	}
}

// await N FILE: waits until FILE has N lines.
func await(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		text, _ := os.ReadFile(ts.MkAbs(args[1])) // none yet has no lines
		if strings.Count(string(text), "\n") >= want {
			return
		}
		if time.Since(began) > time.Minute {
			ts.Fatalf("%s has no %d lines:\n%s", args[1], want, text)
		}
	}
}

// once TEXT MANAGER: everybody under MANAGER but the user has got TEXT once, as
// their clients say.
func gotOnce(ts *testscript.TestScript, neg bool, args []string) {
	c := ts.Value(companyKey{}).(*lab.Company)
	boss := map[string]string{}
	for _, p := range c.People() {
		boss[p.User] = p.Manager
	}
	seen := 0
	for user := range boss {
		over := boss[user]
		for over != "" && over != args[1] {
			over = boss[over]
		}
		if over == "" || user == ts.Getenv("COMMUNICATOR_USER") {
			continue
		}
		_ = c.Do("signin " + user) // what the server has kept comes
		seen++
		n := 0
		for began := time.Now(); n == 0 && time.Since(began) < time.Minute; time.Sleep(10 * time.Millisecond) {
			n = strings.Count(c.Do("inbox "+user), args[0])
		}
		if n != 1 {
			ts.Fatalf("%s has it %d times", user, n)
		}
	}
	if seen < 20 {
		ts.Fatalf("only %d people work under %s", seen, args[1])
	}
}
