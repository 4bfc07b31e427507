package session

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"communicator/contacts"
	"communicator/im"
	"communicator/lab"
)

// dialled notes whom a session connects to.
type dialled struct {
	mu  sync.Mutex
	all []string
}

func (d *dialled) through(dial func(context.Context, string, string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		d.mu.Lock()
		d.all = append(d.all, addr)
		d.mu.Unlock()
		return dial(ctx, network, addr)
	}
}

func (d *dialled) to(port string) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, a := range d.all {
		if strings.HasSuffix(a, ":"+port) {
			n++
		}
	}
	return n
}

// acquainted are two people signed in who have written to each other.
func acquainted(t *testing.T, co *lab.Company, tune func(a, b *Options)) (a, b *client) {
	t.Helper()
	oa, ob := options(co, co.Newcomer()), options(co, co.People()[0])
	tune(&oa, &ob)
	a, b = signedIn(t, oa), signedIn(t, ob)
	for _, way := range [][2]*client{{a, b}, {b, a}} {
		if m, err := way[0].IM.With(way[1].State().User).Send(t.Context(), "Hello"); err != nil || m.Delivered[0].State != im.Delivered {
			t.Fatalf("%+v, %v", m.Delivered, err)
		}
	}
	return a, b
}

// A long text takes the relay that the DNS names, is kept in the history as it
// was, and nobody has connected to anybody else than the company's servers.
func TestLongTextByTheRelayOfTheDNS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{})
		var whom dialled
		a, b := acquainted(t, co, func(oa, ob *Options) {
			oa.Dial, ob.Dial = whom.through(co.Dial), whom.through(co.Dial)
			ob.Dir = t.TempDir()
		})
		text := strings.Repeat("A long text. ", im.MaxSession/13)
		m, err := a.IM.With(b.State().User).Send(t.Context(), text)
		if err != nil || m.Delivered[0].State != im.Delivered {
			t.Fatalf("%+v, %v", m.Delivered, err)
		}
		got := b.IM.With(a.State().User).Messages()
		if last := got[len(got)-1]; last.Text != text || last.ID != m.ID {
			t.Errorf("%d bytes arrived as %s", len(last.Text), last.ID)
		}
		if co.Relayed() < len(text) || whom.to("2855") != 2 {
			t.Errorf("%d bytes were relayed, %d connections to the relay", co.Relayed(), whom.to("2855"))
		}
		ours := []string{"53", "443", "5061", "636", "389", "2855"}
		for _, addr := range whom.all {
			if _, port, _ := net.SplitHostPort(addr); !slices.Contains(ours, port) {
				t.Errorf("somebody connected to %s", addr)
			}
		}
	})
}

func TestRelayOfTheProfile(t *testing.T) {
	for relay, delivered := range map[string]string{"msrp.contoso.test": "", "msrp.contoso.test:2855": "", "fe1.contoso.test:5060": "(1/2) "} {
		synctest.Test(t, func(t *testing.T) {
			co := company(t, lab.Options{})
			a, b := acquainted(t, co, func(oa, ob *Options) { oa.MSRPRelay = relay })
			if m, err := a.IM.With(b.State().User).Send(t.Context(), strings.Repeat("x", 20_000)); err != nil || m.Delivered[0].State != im.Delivered {
				t.Fatalf("%s: %+v, %v", relay, m.Delivered, err)
			}
			got := b.IM.With(a.State().User).Messages()
			if last := got[2]; !strings.HasPrefix(last.Text, delivered+"xxx") {
				t.Errorf("%s: %.20q arrived", relay, last.Text)
			}
		})
	}
}

// Who is blocked begins no session, and a client that takes no messages none either.
func TestWhoBeginsNoSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{})
		a, b := acquainted(t, co, func(oa, ob *Options) {})
		if err := b.Contacts.SetAccess(t.Context(), a.State().User, contacts.Block); err != nil {
			t.Fatal(err)
		}
		m, err := a.IM.With(b.State().User).Send(t.Context(), strings.Repeat("x", 20_000))
		if d := m.Delivered; err != nil || d[0].State != im.Failed || d[0].Code != 603 {
			t.Errorf("blocked: %+v, %v", d, err)
		}
		deaf := options(co, co.People()[1])
		deaf.Deaf = true
		signedIn(t, deaf)
		m, err = a.IM.With(co.People()[1].User).Send(t.Context(), strings.Repeat("x", 20_000))
		if d := m.Delivered; err != nil || d[0].State != im.Accepted {
			t.Errorf("deaf: %+v, %v; want it kept for another client", d, err)
		}
		if co.Relayed() != 0 {
			t.Errorf("%d bytes were relayed", co.Relayed())
		}
	})
}
