//go:build interop

package interop

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for something that should come at once.
const patience = time.Minute

// program is a running program whose output the test reads line by line.
type program struct {
	t     *testing.T
	name  string
	cmd   *exec.Cmd
	stdin io.WriteCloser
	ended chan struct{} // closed when it has ended

	mu      sync.Mutex
	lines   []string
	changed chan struct{} // closed and replaced at every line
}

// start runs a program in a process group of its own until the test ends. When
// the test fails the end of its output is shown.
func start(t *testing.T, name string, cmd *exec.Cmd) *program {
	t.Helper()
	p := &program{t: t, name: name, cmd: cmd, ended: make(chan struct{}), changed: make(chan struct{})}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdin = stdin
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v (interop/install.sh installs it)", name, err)
	}
	read := make(chan struct{})
	go func() { // ends with the output
		defer close(read)
		p.read(r)
	}()
	go func() { // ends with the program
		_ = cmd.Wait() // the exit status is in ProcessState
		w.Close()
		<-read
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("%s said at the end:\n%s", name, p.tail(60))
		}
	})
	return p
}

func (p *program) read(r io.Reader) {
	s := bufio.NewScanner(r)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		p.mu.Lock()
		p.lines = append(p.lines, s.Text())
		close(p.changed)
		p.changed = make(chan struct{})
		p.mu.Unlock()
	}
	_, _ = io.Copy(io.Discard, r) // a line that is too long ends the Scanner
}

// tell writes a line to the program's standard input.
func (p *program) tell(format string, args ...any) {
	p.t.Helper()
	if _, err := fmt.Fprintf(p.stdin, format+"\n", args...); err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
}

// expect waits for a line that matches, from line number from on, and returns
// its submatches and the number of the line after it.
func (p *program) expect(from int, pattern string) ([]string, int) {
	p.t.Helper()
	m, next, err := p.match(from, regexp.MustCompile(pattern))
	if err != nil {
		p.t.Fatal(err)
	}
	return m, next
}

func (p *program) match(from int, re *regexp.Regexp) ([]string, int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for ended := false; ; {
		p.mu.Lock()
		for ; from < len(p.lines); from++ {
			if m := re.FindStringSubmatch(p.lines[from]); m != nil {
				p.mu.Unlock()
				return m, from + 1, nil
			}
		}
		changed := p.changed
		p.mu.Unlock()
		if ended {
			return nil, from, fmt.Errorf("%s ended without saying %q", p.name, re)
		}
		select {
		case <-changed:
		case <-p.ended:
			ended = true
		case <-ctx.Done():
			return nil, from, fmt.Errorf("%s did not say %q within %v", p.name, re, patience)
		}
	}
}

// expectJSON waits for a line that is a JSON object with these values.
func (p *program) expectJSON(from int, want map[string]any) {
	p.t.Helper()
	for {
		line, next, err := p.match(from, regexp.MustCompile(`^\{.*\}$`))
		if err != nil {
			p.t.Fatalf("%v with %v", err, want)
		}
		var v map[string]any
		if json.Unmarshal([]byte(line[0]), &v) == nil && has([]map[string]any{v}, want) {
			return
		}
		from = next
	}
}

// said is how many lines there were so far, for a later expect.
func (p *program) said() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.lines)
}

func (p *program) tail(n int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines[max(0, len(p.lines)-n):], "\n")
}

// stop asks the program to end and, after 30 s, ends its whole process group. A
// pool needs some seconds, and what it started would be left behind.
func (p *program) stop() {
	if p.cmd.Process == nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.ended
	}
}
