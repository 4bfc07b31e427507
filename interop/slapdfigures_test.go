//go:build interop

package interop

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"communicator/directory"
)

// Copying a directory of 100,000 from OpenLDAP, and following 100 changes.
func TestFiguresDirectory(t *testing.T) {
	all := staff(100_000)
	s := largeSlapd(t, all)
	var moved atomic.Int64
	me := s.of(s.me)
	local, _, _ := strings.Cut(me.user, "@")
	named := s.directory(t, &moved, directory.Options{User: "uid=" + local + "," + staffUnit, Password: func() (string, error) { return me.password, nil }})
	if _, err := named.Filter(t.Context(), "(uid="+all[boss].uid+")"); err != nil { // signs in
		t.Fatal(err)
	}
	full, mark := s.copied(t, "everybody, signed in", &moved, len(all)+1, named.All)
	s.copied(t, "nothing changed but the last one", &moved, 1, func(ctx context.Context, f func([]directory.Person) error) (directory.Mark, error) {
		return named.Changes(ctx, mark, f)
	})
	s.change(t, all[1000:1100], "Promoted")
	some, _ := s.copied(t, "after 100 changes, and the last one before", &moved, 101, func(ctx context.Context, f func([]directory.Person) error) (directory.Mark, error) {
		return named.Changes(ctx, mark, f)
	})
	t.Logf("FIGURE an update after 100 changes moves %.2f %% of the bytes of everybody", 100*float64(some)/float64(full))
	if some*100 > full {
		t.Errorf("%d bytes after 100 changes, %d for everybody: more than 1 %%", some, full)
	}
	s.keys(t, named, &moved, len(all)+1)
	nameless := s.directory(t, &moved, directory.Options{})
	began := time.Now()
	if found, err := nameless.Filter(t.Context(), "(manager="+all[boss].dn(false)+")"); err != nil || len(found) < 3000 {
		t.Errorf("without a name: %d report to one, %v", len(found), err)
	} else {
		t.Logf("FIGURE %d who report to one, 500 a search (split): %v", len(found), time.Since(began).Round(time.Millisecond))
	}
	s.copied(t, "everybody, 500 a search (split)", &moved, len(all)+1, nameless.All)
}

// copied reads from a directory, which must give want people, and perhaps some of
// the last minutes again, and states time and bytes.
func (s ldapServer) copied(t *testing.T, what string, moved *atomic.Int64, want int, read func(context.Context, func([]directory.Person) error) (directory.Mark, error)) (int64, directory.Mark) {
	t.Helper()
	moved.Store(0)
	began, seen := time.Now(), map[string]bool{}
	mark, err := read(t.Context(), func(people []directory.Person) error {
		for _, p := range people {
			seen[p.Key] = true
		}
		return nil
	})
	if err != nil || mark == "" || len(seen) < want || len(seen) > want+5 {
		t.Fatalf("%s: %d people, want %d; mark %q, %v", what, len(seen), want, mark, err)
	}
	t.Logf("FIGURE %s: %d people, %v, %d bytes", what, len(seen), time.Since(began).Round(time.Millisecond), moved.Load())
	return moved.Load(), mark
}

// keys reads the keys of everybody, who must be want, and states time and bytes.
func (s ldapServer) keys(t *testing.T, d *directory.Directory, moved *atomic.Int64, want int) {
	t.Helper()
	moved.Store(0)
	began, keys := time.Now(), 0
	if err := d.Keys(t.Context(), func(k []string) error { keys += len(k); return nil }); err != nil || keys != want {
		t.Errorf("%d keys, want %d; %v", keys, want, err)
	}
	t.Logf("FIGURE keys of everybody, to find who was deleted: %v, %d bytes", time.Since(began).Round(time.Millisecond), moved.Load())
}

// change gives these people another title, as an administrator does.
func (s ldapServer) change(t *testing.T, who []member, title string) {
	t.Helper()
	var ldif bytes.Buffer
	for _, m := range who {
		fmt.Fprintf(&ldif, "dn: %s\nchangetype: modify\nreplace: title\ntitle: %s\n\n", m.dn(s.active), title)
	}
	cmd := exec.Command("ldapmodify", "-x", "-H", s.url, "-D", s.bindDN, "-w", s.password)
	cmd.Env, cmd.Stdin = append(os.Environ(), "LDAPTLS_REQCERT=never"), &ldif
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ldapmodify: %v\n%s", err, out)
	}
}

// directory is our client of s, whose bytes are counted, TLS included.
func (s ldapServer) directory(t *testing.T, moved *atomic.Int64, o directory.Options) *directory.Directory {
	t.Helper()
	at, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(s.ca)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	o.URL, o.TLS = "ldaps://"+s.host+":"+at.Port(), &tls.Config{RootCAs: roots}
	dial := counting(moved)
	o.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) { return dial(ctx, network, at.Host) }
	d := directory.New(o)
	t.Cleanup(func() { _ = d.Close() })
	return d
}
