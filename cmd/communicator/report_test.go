package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"communicator/im"
)

func deliveries(states ...im.State) []im.Delivery {
	var all []im.Delivery
	for i, s := range states {
		all = append(all, im.Delivery{To: string(rune('a'+i)) + "@example.com", State: s, Code: 486, Reason: "Busy here"})
	}
	return all
}

// The exit status is the worst that is known, and never better than that.
func TestExitStatusOfSend(t *testing.T) {
	for _, c := range []struct {
		states  []im.State
		total   int
		stopped bool
		want    int
	}{
		{[]im.State{im.Delivered, im.Accepted}, 2, false, statusDone},
		{[]im.State{im.Delivered, im.Failed}, 2, false, statusPartly},
		{[]im.State{im.Unknown, im.Failed}, 2, false, statusPartly},
		{[]im.State{im.Failed, im.Failed}, 2, false, statusFailed},
		{[]im.State{im.Delivered, im.Unknown}, 2, false, statusUnknown},
		{[]im.State{im.Delivered}, 2, true, statusPartly},
		{[]im.State{im.Delivered}, 2, false, statusPartly}, // one has no result at all
	} {
		r := &report{program: &program{out: &bytes.Buffer{}}, total: c.total}
		for _, d := range deliveries(c.states...) {
			r.add(d)
		}
		got, e := statusDone, exit{}
		if errors.As(r.status(c.stopped), &e) {
			got = e.status
		}
		if got != c.want {
			t.Errorf("%v of %d: exit status %d, want %d", c.states, c.total, got, c.want)
		}
	}
}

func TestFailuresAreShownFirst(t *testing.T) {
	var out bytes.Buffer
	r := &report{program: &program{out: &out}, total: 3}
	for _, d := range deliveries(im.Delivered, im.Failed, im.Accepted) {
		r.add(d)
	}
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	if !strings.HasPrefix(lines[0], "failed     b@example.com: Busy here (486)") || !strings.HasPrefix(lines[3], "Of 3: 1 delivered, 1 accepted for later, 1 failed") {
		t.Errorf("got\n%s", out.String())
	}
}

// A report that a crash cut off in the middle of a line is gone on with.
func TestResume(t *testing.T) {
	file := filepath.Join(t.TempDir(), "report")
	text := `{"to":"sip:a@example.com","state":"delivered"}
{"to":"sip:b@example.com","state":"failed"}
{"to":"sip:c@example.com","state":"accepted"}
{"to":"sip:d@exam`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	head := newHead("The office closes at 16:00.")
	r, err := newReport(&program{out: &bytes.Buffer{}}, file, head, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.add(im.Delivery{To: "e@example.com", State: im.Delivered})
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	done, again, err := reported(file, newHead("The office closes at 16:00."))
	if again != head {
		t.Error("the same text to those who are left is another message")
	}
	if _, other, _ := reported(file, newHead("It stays open.")); other.Message == head.Message {
		t.Error("another text is the same message")
	}
	if err != nil || len(done) != 3 || !done["a@example.com"] || !done["c@example.com"] || !done["e@example.com"] {
		t.Errorf("got %v, %v", done, err)
	}
}

// Whoever stops halfway reads how many have it and how many were not sent to.
func TestStoppedHalfway(t *testing.T) {
	var out bytes.Buffer
	people := []recipient{{user: "a@example.com"}, {user: "b@example.com"}, {user: "c@example.com"}}
	r := &report{program: &program{out: &out}, total: len(people)}
	r.add(im.Delivery{To: "b@example.com", State: im.Failed, Code: 486, Reason: "Busy here"})
	r.unsent(people, "stopped")
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.Count(got, "not sent: stopped") != 2 || !strings.Contains(got, "0 delivered, 0 accepted for later, 1 failed, 0 unknown, 2 not sent") {
		t.Errorf("it says\n%s", got)
	}
}
