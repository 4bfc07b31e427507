//go:build interop

package interop

import (
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// pool is a running deploy/kamailio/pool.sh.
type pool struct {
	dir   string
	base  int
	env   map[string]string // what pool.sh wrote: DOMAIN, RESOLVER, CA, FE1, ...
	roots *x509.CertPool
}

// portOffsets are those that pool.sh uses, and those of the doors with bad certificates.
var portOffsets = []int{32, 36, 53, 60, 61, 81, 91, 92, 93}

// startPool starts a pool whose accounts are company; more are settings of pool.sh, "NAME=value".
func startPool(t *testing.T, more ...string) *pool {
	t.Helper()
	p := &pool{dir: t.TempDir(), base: freeBase(t, portOffsets...)}
	p.run(t, "certs.sh", p.dir, "contoso.test", "fabrikam.test")
	badDoors(t, p)

	users := filepath.Join(p.dir, "users.txt")
	var list strings.Builder
	for _, who := range company {
		fmt.Fprintf(&list, "%s %s\n", who.address(), who.password())
	}
	if err := os.WriteFile(users, []byte(list.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("../deploy/kamailio/pool.sh", p.dir)
	cmd.Env = append(os.Environ(), append(more, "BASE="+strconv.Itoa(p.base), "USERS="+users)...)
	started := start(t, "pool.sh", cmd)
	if m, _ := started.expect(0, `^(READY|FAILED.*)`); m[1] != "READY" {
		t.Fatal(m[1])
	}
	p.readEnv(t)
	pem, err := os.ReadFile(p.env["CA"])
	if err != nil {
		t.Fatal(err)
	}
	p.roots = x509.NewCertPool()
	p.roots.AppendCertsFromPEM(pem)
	t.Cleanup(func() {
		if t.Failed() {
			p.showLogs(t)
		}
	})
	return p
}

func (p *pool) run(t *testing.T, script string, args ...string) {
	t.Helper()
	if out, err := exec.Command("../deploy/kamailio/"+script, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
}

func (p *pool) readEnv(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, "env"))
	if err != nil {
		t.Fatal(err)
	}
	p.env = map[string]string{}
	for _, word := range strings.Fields(string(text)) {
		name, value, _ := strings.Cut(word, "=")
		p.env[name] = value
	}
}

// kill sends a signal to all processes of one part (fe1, fe2, director). SIGKILL
// ends it at once, as a crash would; SIGSTOP lets it hang with its connections open.
func (p *pool) kill(t *testing.T, part string, sig syscall.Signal) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, part+".pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid < 2 {
		t.Fatalf("%s.pid holds %q", part, text)
	}
	if err := syscall.Kill(-pid, sig); err != nil {
		t.Fatalf("%v %s: %v", sig, part, err)
	}
}

func (p *pool) showLogs(t *testing.T) {
	logs, _ := filepath.Glob(filepath.Join(p.dir, "*.log"))
	for _, name := range logs {
		text, _ := os.ReadFile(name)
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		t.Logf("%s ends:\n%s", filepath.Base(name), strings.Join(lines[max(0, len(lines)-15):], "\n"))
	}
}
