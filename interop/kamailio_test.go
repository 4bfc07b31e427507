//go:build interop

package interop

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"communicator/autoconfig"
	"communicator/contacts"
	"communicator/im"
	"communicator/presence"
	"communicator/session"
)

const (
	alice = "alice@" + domain
	bob   = "bob@" + domain
	carol = "carol@" + domain
	dave  = "dave@" + domain
	kate  = "kate@" + domain
	erin  = "erin@fabrikam.test"
)

// What only the pool has: a director, a second domain, doors with bad
// certificates, an administrator.
func TestKamailio(t *testing.T) {
	p := startPool(t)
	for _, story := range []struct {
		name string
		tell func(*testing.T, *pool)
	}{
		{"director sends on", directorSendsOn},
		{"bad certificates", badCertificates},
		{"a stranger waits for leave", strangerWaits},
		{"account made and removed", accountMadeAndRemoved},
		{"a note is kept for thirty days", noteKeptForThirtyDays},
	} {
		t.Run(story.name, func(t *testing.T) { story.tell(t, p) })
	}
}

func directorSendsOn(t *testing.T, p *pool) {
	s := p.place().signIn(t, erin).State()
	if s.Target.Host != "fe1.fabrikam.test" {
		t.Errorf("signed in at %q, want fe1.fabrikam.test, where the director sends its users", s.Target.Host)
	}
}

// badCertificates: three faults, three sentences.
func badCertificates(t *testing.T, p *pool) {
	said := map[string]string{}
	for _, d := range doors {
		search := autoconfig.New(autoconfig.Query{Domain: d.domain, Resolver: p.env["RESOLVER"], Roots: p.roots})
		link, err := search.Next(within(t))
		var e *autoconfig.NotFoundError
		if !errors.As(err, &e) {
			t.Errorf("%s: %+v, %v; want no server", d.domain, link.Target, err)
			continue
		}
		if e.Why == "" || e.Remedy == "" || !slices.ContainsFunc(e.Steps, func(s autoconfig.Step) bool { return s.Result == "untrusted" }) {
			t.Errorf("%s: %+v; want why, a remedy and an untrusted step", d.domain, e)
		}
		sentence := strings.ReplaceAll(e.Why, d.domain, "DOMAIN")
		if other, twice := said[sentence]; twice {
			t.Errorf("%s and %s: both say %q", d.domain, other, sentence)
		}
		said[sentence] = d.domain
		t.Logf("%s: %s %s", d.domain, e.Why, e.Remedy)
	}
}

// sql asks the pool's database.
func (p *pool) sql(t *testing.T, query string) string {
	t.Helper()
	out, err := exec.Command("psql", "-X", "-At", "-d", p.env["DB"], "-c", query).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", query, err, out)
	}
	return strings.TrimSpace(string(out))
}

// strangerWaits: the rules that users.sh gives a new account let its own domain in and nobody else.
func strangerWaits(t *testing.T, p *pool) {
	h, e := p.place().signIn(t, "harriet@"+domain), p.place().signIn(t, erin)
	mark := h.heard()
	if _, err := h.Presence.Set(within(t), presence.State{Availability: presence.Available, Note: "For colleagues"}); err != nil {
		t.Fatal(err)
	}
	if err := e.Presence.Watch(within(t), h.user); err != nil {
		t.Fatal(err)
	}
	await(h, mark, "the news that erin asks", func(w session.WatcherChanged) bool { return w.User == erin && w.Status == "pending" })
	if s := e.Presence.Of(h.user); s.Availability == presence.Available || s.Note != "" {
		t.Errorf("a stranger sees %+v", s)
	}
}

// noteKeptForThirtyDays: what is left at a sign-out stays in the server's own table.
func noteKeptForThirtyDays(t *testing.T, p *pool) {
	c := p.place().signIn(t, carol)
	c.set(presence.State{Availability: presence.Busy, Note: "Back in a month"})
	c.stop()
	left := p.sql(t, "SELECT max(expires) - extract(epoch FROM now())::int FROM presentity WHERE username='carol' AND event='presence'")
	if seconds, err := strconv.Atoi(left); err != nil || seconds < 29*24*3600 {
		t.Errorf("the note is kept for %s s: %v", left, err)
	}
}

// accountMadeAndRemoved: an administrator changes the accounts of a running pool.
func accountMadeAndRemoved(t *testing.T, p *pool) {
	const zoe, password = "zoe@" + domain, `p\ä"':$s\\`
	users := func(input string, args ...string) {
		cmd := exec.Command("../deploy/kamailio/users.sh", args...)
		cmd.Env, cmd.Stdin = append(os.Environ(), "DB="+p.env["DB"]), strings.NewReader(input)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("users.sh %s: %v\n%s", args, err, out)
		}
	}
	users("# new\n\n"+zoe+"\t"+password+"\n", "add")
	c := p.place().open(t, zoe, password)
	if err := c.SignedIn(within(t)); err != nil {
		t.Fatal(err)
	}
	c.stop()
	users("", "remove", zoe)
	refused(t, p.place(), zoe, password)
}

// The same with SHA-256 instead of MD5 for every challenge, of SIP and of XCAP.
func TestKamailioSHA256(t *testing.T) {
	p := startPool(t, "DIGEST=SHA-256")
	c := p.place().signIn(t, alice)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := c.Contacts.Loaded(ctx); err != nil {
		t.Fatal(err)
	}
	if err := c.Contacts.Edit(ctx, contacts.Edit{Op: contacts.AddGroup, Group: "New"}); err != nil {
		t.Fatal(err)
	}
	if got := delivery(t, c, bob, "hello"); got.State != im.Accepted {
		t.Errorf("%+v, want accepted", got)
	}
	refused(t, p.place(), bob, "not-his-password")
}
