//go:build linux

package history

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// This test binary is also the other process of these tests: HISTORY_CHILD says
// what it does with the file in HISTORY_FILE.
func TestMain(m *testing.M) {
	if os.Getenv("HISTORY_CHILD") == "" {
		os.Exit(m.Run())
	}
	if err := child(os.Getenv("HISTORY_CHILD"), os.Getenv("HISTORY_FILE")); err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
}

// child adds messages, and says after each that it is stored, until it is killed
// or an error comes.
func child(name, file string) error {
	if largest := map[string]uint64{"quota": 1 << 20, "no room": 4 << 10}[name]; largest > 0 { // no file may become larger
		signal.Ignore(syscall.SIGXFSZ)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: largest, Max: largest}); err != nil {
			return err
		}
	}
	s, err := Open(file, Options{})
	if err != nil {
		fmt.Println("full", errors.Is(err, ErrFull))
		return err
	}
	for i := 0; ; i++ {
		e := to(bob, i, fmt.Sprintf("%s %d %s", name, i, strings.Repeat("words ", 30)), "sending")
		e.ID = fmt.Sprint(name, i)
		if _, err := s.Add(e); err != nil {
			fmt.Println("full", errors.Is(err, ErrFull))
			return err
		}
		fmt.Println("stored", i)
		time.Sleep(time.Millisecond) // SQLite's lock is not fair: who writes without a pause keeps others out
	}
}

func start(t *testing.T, name, file string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "HISTORY_CHILD="+name, "HISTORY_FILE="+file)
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewScanner(out)
}

// Three processes write at the same time; two are killed in the middle of it.
// What they said was stored is there, once, and the third takes up what they had
// to send.
func TestKilledProcesses(t *testing.T) {
	s := begun(t, Options{})
	stored := map[string]int{}
	for round := range 3 {
		var all []*exec.Cmd
		var outputs []*bufio.Scanner
		for _, name := range []string{"a", "b"} {
			c, out := start(t, fmt.Sprint(name, round, "-"), s.file)
			all, outputs = append(all, c), append(outputs, out)
		}
		for i := range 40 {
			add(t, s, from(eva, 100*round+i, "meanwhile"))
		}
		for i, c := range all {
			last := ""
			for n := 0; n < 20*(round+1) && outputs[i].Scan(); n++ {
				last = outputs[i].Text()
			}
			if err := c.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			for outputs[i].Scan() { // what it still said
				last = outputs[i].Text()
			}
			_ = c.Wait() // it was killed
			if n, err := strconv.Atoi(strings.TrimPrefix(last, "stored ")); err == nil {
				stored[fmt.Sprint([]string{"a", "b"}[i], round, "-")] = n + 1
			}
		}
	}
	there := map[string]bool{}
	unsent, err := s.Unsent()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range unsent {
		if there[e.ID] {
			t.Errorf("%s is there twice", e.ID)
		}
		there[e.ID] = true
	}
	total := 0
	for name, n := range stored {
		for i := range n {
			total++
			if !there[fmt.Sprint(name, i)] {
				t.Errorf("%s%d was stored and is gone", name, i)
			}
		}
	}
	if total < 100 {
		t.Errorf("%d messages were stored: too few to say anything", total)
	}
	if n := len(newest(t, s, eva)); n != 100 { // of 120
		t.Errorf("of Eva there are %d", n)
	}
	checkWhole(t, s)
	if locks, _ := filepath.Glob(s.file + ".*.lock"); len(locks) != 1 {
		t.Errorf("locks of the killed are left: %v", locks)
	}
}

// The system refuses to make the file larger, as with a quota.
func TestQuota(t *testing.T) {
	file := filepath.Join(t.TempDir(), "history.db")
	c, out := start(t, "quota", file)
	timeout := time.AfterFunc(time.Minute, func() { _ = c.Process.Kill() })
	defer timeout.Stop()
	stored, full := 0, false
	for out.Scan() {
		if strings.HasPrefix(out.Text(), "stored") {
			stored++
		}
		full = full || out.Text() == "full true"
	}
	if err := c.Wait(); err == nil || !full {
		t.Errorf("after %d messages: full %v, %v", stored, full, err)
	}
	s := reopened(t, file, Options{})
	unsent, err := s.Unsent()
	if err != nil || len(unsent) != stored || stored == 0 {
		t.Errorf("%d of %d messages are there, %v", len(unsent), stored, err)
	}
	checkWhole(t, s)
}

// There is no room already when the file is opened: that is told as such, and
// the file is as it was.
func TestNoRoomToOpen(t *testing.T) {
	file := filepath.Join(t.TempDir(), "history.db")
	s := reopened(t, file, Options{})
	if _, err := s.Add(to(bob, 1, "Hello", "sending")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	c, out := start(t, "no room", file)
	timeout := time.AfterFunc(time.Minute, func() { _ = c.Process.Kill() })
	defer timeout.Stop()
	var said []string
	for out.Scan() {
		said = append(said, out.Text())
	}
	if err := c.Wait(); err == nil || len(said) == 0 || said[0] != "full true" {
		t.Errorf("without room it says %q, %v", said, err)
	}
	if unsent, err := reopened(t, file, Options{}).Unsent(); err != nil || len(unsent) != 1 {
		t.Errorf("%d messages are there, %v", len(unsent), err)
	}
}
