//go:build interop

package interop

import (
	"crypto/tls"
	"testing"

	"communicator/im"
	"communicator/wire/auth"
	"communicator/wire/sipconn"
)

// TestFilter: the recipe's filter refuses a link, says why, and lets the text
// through once it has been changed; who is not on the list writes into the box.
func TestFilter(t *testing.T) {
	p := startPool(t, "FILTER=https?://|project x")
	at := p.place()
	a, b := at.signIn(t, alice), at.signIn(t, bob)
	refused := delivery(t, a, bob, "see HTTP://example.com")
	if refused.State != im.Failed || refused.Code != 606 || refused.Reason != "messages with links are not allowed" || !refused.Blocked {
		t.Errorf("%+v, want it blocked by the filter", refused)
	}
	if m, err := a.IM.With(bob).Again(within(t), refused.ID); err != nil || m.Delivered[0] != refused || m.Text != "see HTTP://example.com" {
		t.Errorf("again: %+v, %v", m, err)
	}
	if got := delivery(t, a, bob, "see example.com"); got.State != im.Delivered {
		t.Errorf("%+v, want it delivered", got)
	}
	if m := b.gets(0, "see example.com"); !m.Request {
		t.Error("alice is no stranger to bob, who has no contacts")
	}
	if n := b.count()["see HTTP://example.com"]; n != 0 {
		t.Error("the link came through")
	}
	if all := b.Requests.List(); len(all) != 1 || all[0].From != alice || all[0].Outside {
		t.Errorf("the box holds %+v", all)
	}
	offer(t, p)
}

// offer: an offer of a file is refused with the reason, one of a session without.
func offer(t *testing.T, p *pool) {
	nc, err := tls.Dial("tcp", p.env["FE1"], &tls.Config{RootCAs: p.roots, ServerName: domain})
	if err != nil {
		t.Fatal(err)
	}
	password := p.place().of(carol).password
	c := sipconn.New(nc, sipconn.Options{Self: carol, Auth: auth.NewClient("carol", domain, func() (string, error) { return password, nil })})
	defer c.Close()
	for sdp, want := range map[string]*sipconn.StatusError{
		"v=0\r\nm=application 9 TCP *\r\na=file-selector:name:\"a.txt\" size:4\r\n": {Code: 606, Reason: "files cannot be sent here", Warning: "files cannot be sent here"},
		"v=0\r\nm=message 9 TCP/MSRP *\r\n":                                         {Code: 488, Reason: "Not Acceptable Here"},
	} {
		r, err := c.NewRequest("INVITE", bob, sipconn.Body{Type: "application/sdp", Content: []byte(sdp)})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Do(within(t), r, nil)
		if got, is := err.(*sipconn.StatusError); !is || *got != *want {
			t.Errorf("%q: %v", sdp, err)
		}
	}
}
