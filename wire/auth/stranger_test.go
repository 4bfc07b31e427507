package auth

import (
	"errors"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

const evil = `Digest realm="evil.test", nonce="e1", algorithm=MD5`

// Only our own server gets an answer made with the password.
func TestWhoIsAnswered(t *testing.T) {
	inDialog := func(method string) *sip.Request {
		r := requestTo(method, "alice", "example.com", "1")
		r.To().Params = sip.HeaderParams{{K: "tag", V: "x"}}
		return r
	}
	for _, x := range []struct {
		name      string
		r         *sip.Request
		status    int
		challenge string
		answered  bool
	}{
		{"401 to a message", requestTo("MESSAGE", "bob", "example.com", "1"), 401, evil, false},
		{"401 to a message in our realm", requestTo("MESSAGE", "bob", "example.com", "1"), 401, first, false},
		{"401 to a subscription", requestTo("SUBSCRIBE", "bob", "example.com", "1"), 401, evil, false},
		{"401 from a namesake", requestTo("MESSAGE", "alice", "evil.test", "1"), 401, first, false},
		{"401 from a caller with our address", inDialog("BYE"), 401, first, false},
		{"401 without a method we have", requestTo("MESSAGE", "bob", "example.com", "1"), 401, "NTLM", false},
		{"407 of an unknown realm", requestTo("MESSAGE", "bob", "example.com", "1"), 407, evil, false},
		{"407 of our domain", requestTo("MESSAGE", "bob", "example.com", "1"), 407, first, false},
		{"407 without a method we have", requestTo("MESSAGE", "bob", "example.com", "1"), 407, "NTLM", false},
		{"401 to our own subscription", requestTo("SUBSCRIBE", "alice", "Example.com", "1"), 401, first, true},
		{"401 to its refresh", inDialog("SUBSCRIBE"), 401, first, true},
		{"407 to what is for us", requestTo("PUBLISH", "alice", "example.com", "1"), 407, `Digest realm="asterisk", nonce="a"`, true},
	} {
		asked := false
		c := NewClient("alice", "example.com", func() (string, error) { asked = true; return "secret", nil })
		err := c.Challenge(x.r, refusal(x.status, x.challenge))
		if x.answered != (err == nil) || !x.answered && !errors.Is(err, ErrStranger) || asked != x.answered {
			t.Errorf("%s: %v, password asked: %v", x.name, err, asked)
		}
		_ = c.Sign(x.r)
		if n := len(values(x.r, "Authorization")) + len(values(x.r, "Proxy-Authorization")); n > 0 != x.answered {
			t.Errorf("%s: %d credentials", x.name, n)
		}
	}
	c := NewClient("j d", "example.com", func() (string, error) { return "secret", nil })
	if err := c.Challenge(requestTo("PUBLISH", "j%20d", "example.com", "1"), refusal(401, first)); err != nil {
		t.Error(err)
	}
}

// A challenge to what is for somebody else counts when our server makes the
// same one for nobody, and then it is the server's nonce that is used.
func TestWhatIsAskedOfNobody(t *testing.T) {
	const asterisk = `Digest realm="asterisk", nonce="a1"`
	other := func(s string) string { return strings.NewReplacer(`"n1"`, `"n2"`, `"a1"`, `"a2"`).Replace(s) }
	weak := strings.Replace(first, `qop="auth", algorithm=MD5`, "algorithm=MD5", 1)
	for _, x := range []struct {
		name          string
		registered    string // the challenge to REGISTER
		status        int
		theirs        string
		asked         bool
		ours          *sip.Response
		server, proxy string // the nonces in use then for a request to bob
	}{
		{"a proxy whose nonce is stale", first, 407, other(first), true, refusal(407, strings.Replace(first, "n1", "n3", 1)), "", "n3"},
		{"a server that wants 401 for everything", asterisk, 401, other(asterisk), true, refusal(401, strings.Replace(asterisk, "a1", "a3", 1)), "a3", ""},
		{"before we have registered", "", 407, strings.Replace(first, "example", "Example", 1), true, refusal(407, strings.Replace(first, "example", "Example", 1)), "", "n1"},
		{"bob's 401 through a server that uses 407", first, 401, other(first), true, refusal(407, first), "", "n1"},
		{"bob's 407 through a server that asks nobody", first, 407, other(first), true, sip.NewResponse(404, "Not Found"), "", "n1"},
		{"bob's 401 through a server that takes everything", first, 401, other(first), true, sip.NewResponse(202, "Accepted"), "", "n1"},
		{"bob's 407 that would weaken the answer", first, 407, other(weak), true, refusal(407, strings.Replace(first, "n1", "n3", 1)), "", "n3"},
		{"bob's own realm", first, 401, evil, false, nil, "", "n1"},
		{"bob's own realm as proxy", first, 407, evil, false, nil, "", "n1"},
		{"a server of two realms", first, 407, other(first), true, refusal(407, asterisk), "", "n1"},
	} {
		c := client()
		if x.registered != "" {
			if err := c.Challenge(request("REGISTER"), refusal(401, x.registered)); err != nil {
				t.Fatal(err)
			}
		}
		m := requestTo("MESSAGE", "bob", "far.test", "1")
		_ = c.Sign(m)
		nobody, again := c.Doubt(m, refusal(x.status, x.theirs))
		if again || x.asked != strings.HasSuffix(nobody, "@example.com") || len(nobody) > 0 && len(nobody) < 30 {
			t.Errorf("%s: asks %q, again %v", x.name, nobody, again)
		}
		if x.asked {
			_ = c.Confirm(m, refusal(x.status, x.theirs), x.ours)
		}
		r := requestTo("MESSAGE", "bob", "far.test", "2")
		_ = c.Sign(r)
		if server, proxy := nonce(r, "Authorization"), nonce(r, "Proxy-Authorization"); server != x.server && proxy != x.proxy || server != x.server {
			t.Errorf("%s: credentials with nonces %q and %q", x.name, server, proxy)
		}
		for _, theirs := range []string{"n2", "a2", "e1"} {
			if nonce(r, "Authorization") == theirs || nonce(r, "Proxy-Authorization") == theirs {
				t.Errorf("%s: the nonce %q of the other end is answered", x.name, theirs)
			}
		}
		if _, s, _ := signed(t, c, "REGISTER"); x.registered == first && s == nil {
			t.Errorf("%s: the registration is forgotten", x.name)
		}
	}
}

func nonce(r *sip.Request, header string) string {
	for _, v := range values(r, header) {
		_, p := credentials(v)
		return p["nonce"]
	}
	return ""
}

// Many messages whose nonce is stale ask once: what the first has learned is
// used by the others.
func TestStaleNonceOfMany(t *testing.T) {
	c := client()
	_ = c.Challenge(request("REGISTER"), refusal(401, first))
	var all []*sip.Request
	for range 3 {
		m := requestTo("MESSAGE", "bob", "example.com", "1")
		_ = c.Sign(m)
		all = append(all, m)
	}
	stale := refusal(407, strings.Replace(first, "n1", "n2", 1)+", stale=true")
	for i, m := range all {
		nobody, again := c.Doubt(m, stale)
		if again != (i > 0) || (nobody == "") != again {
			t.Errorf("%d: %q, again %v", i, nobody, again)
		}
		if nobody != "" {
			if err := c.Confirm(m, stale, refusal(407, strings.Replace(first, "n1", "n3", 1))); err != nil {
				t.Error(err)
			}
		}
	}
}
