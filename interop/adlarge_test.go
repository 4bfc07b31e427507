//go:build interop

package interop

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"communicator/directory"
)

// Active Directory with 100,000 people: the same questions as of 2,000; then
// copying everybody, and following 100 changes, by our library and by the
// program.
func TestFiguresActive(t *testing.T) {
	all := staff(100_000)
	s := largeAD(t, all)
	var moved atomic.Int64
	d := s.directory(t, &moved, directory.Options{User: s.me, Password: func() (string, error) { return s.of(s.me).password, nil }})
	const besides = 2 // Administrator and the one who searches
	full, mark := s.copied(t, "everybody", &moved, len(all)+besides, d.All)
	since := func(ctx context.Context, f func([]directory.Person) error) (directory.Mark, error) {
		return d.Changes(ctx, mark, f)
	}
	s.copied(t, "nothing changed", &moved, 0, since)
	s.change(t, all[1000:1100], "Promoted")
	some, _ := s.copied(t, "after 100 changes", &moved, 100, since)
	t.Logf("FIGURE an update after 100 changes moves %.2f %% of the bytes of everybody", 100*float64(some)/float64(full))
	if some*100 > full {
		t.Errorf("%d bytes after 100 changes, %d for everybody: more than 1 %%", some, full)
	}
	s.keys(t, d, &moved, len(all)+besides)
	s.fill(t, all)
	s.ask(t, all)
	s.kerberos(t, all[7])
}

// largeIP is where the large controller is: the address is in its DNS.
const largeIP = "127.0.10.1"

// largeAD starts a copy of the controller that is kept.
func largeAD(t *testing.T, all []member) ldapServer {
	t.Helper()
	lab := startLab(t, 20)
	alone, err := net.Listen("tcp4", net.JoinHostPort(largeIP, "389")) // until it is served there
	if err != nil {
		t.Fatalf("%v (another run of this test, or not root)", err)
	}
	defer alone.Close()
	c := controller{dir: filepath.Join(t.TempDir(), "dc"), ip: largeIP}
	tool(t, "cp", "-a", "--reflink=auto", keptAD(t, staffAD(lab.me, all)), c.dir)
	alone.Close()
	return c.serve(t, lab)
}

// keptAD is the folder of a controller with these people in the user's cache; it
// is made if it is not there, in three to seven minutes. One of other people, or of
// another Samba, is thrown away.
func keptAD(t *testing.T, ldif []string) string {
	t.Helper()
	version, err := exec.Command("samba", "--version").Output()
	if err != nil {
		t.Fatalf("samba: %v (interop/install.sh installs it)", err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(string(version) + strings.Join(ldif, "")))
	folder := filepath.Join(cache, "communicator-interop")
	kept := filepath.Join(folder, fmt.Sprintf("active-%x", sum[:8]))
	if _, err := os.Stat(kept); err == nil {
		return kept
	}
	began := time.Now()
	old, _ := filepath.Glob(filepath.Join(folder, "active-*")) // the pattern is a good one
	for _, o := range old {
		if err := os.RemoveAll(o); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	c := controller{dir: kept + ".new", ip: largeIP}
	c.provision(t, "--backend-store=mdb", "--backend-store-size=8Gb")
	c.hire(t, ldif)
	if err := os.Rename(c.dir, kept); err != nil {
		t.Fatal(err)
	}
	t.Logf("FIGURE a domain controller filled in %v", time.Since(began).Round(time.Second))
	return kept
}

// fill has the program fill its address book, follow 100 changes, and find people
// in it.
func (s ldapServer) fill(t *testing.T, all []member) {
	t.Helper()
	sh := s.shell(t, s.program, s.me, s.of(s.me).password)
	sh.env = append(sh.env, s.environment...)
	one := all[2050]
	refresh := func(what, title string) {
		began := time.Now()
		found := sh.run(0, "find", "--refresh", "--timeout", "10m", one.address())
		t.Logf("FIGURE find --refresh, %s: %v", what, time.Since(began).Round(time.Millisecond))
		if len(found) != 1 || found[0]["name"] != one.name() || found[0]["title"] != title {
			t.Errorf("%s: %v", what, found)
		}
	}
	refresh("filling the address book", "Engineer "+one.uid[5:])
	refresh("bringing it up to date", "Engineer "+one.uid[5:])
	s.change(t, all[2000:2100], "Director")
	refresh("the same after 100 changes", "Director")
	s.find(t, sh, all[3000:3020])
}
