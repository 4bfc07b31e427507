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
		{"407 of our domain", requestTo("MESSAGE", "bob", "example.com", "1"), 407, strings.Replace(first, "example", "Example", 1), true},
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

// Providers name their realm as they like; REGISTER tells which it is.
func TestRegisterTeachesTheRealm(t *testing.T) {
	c := client()
	const asterisk = `Digest realm="asterisk", nonce="a1"`
	if err := c.Challenge(request("REGISTER"), refusal(401, asterisk)); err != nil {
		t.Fatal(err)
	}
	if err := c.Challenge(requestTo("INVITE", "bob", "far.test", "2"), refusal(407, asterisk)); err != nil {
		t.Error(err)
	}
}

// A stranger's nonce in our realm must not look like a wrong password later,
// however often they refuse their own.
func TestStrangersNonceIsNotAWrongPassword(t *testing.T) {
	for _, nonces := range [][]string{{"e1"}, {"e1", "e2"}, {"e1", "e2", "e3"}} {
		c := client()
		_ = c.Challenge(request("REGISTER"), refusal(401, first))
		r, _, _ := signed(t, c, "REGISTER")
		_ = c.Verify(r, sip.NewResponse(200, "OK"))
		for _, nonce := range nonces {
			m := requestTo("MESSAGE", "bob", "example.com", "theirs")
			_ = c.Sign(m)
			_ = c.Challenge(m, refusal(407, strings.Replace(first, "n1", nonce, 1)))
		}
		r, s, _ := signed(t, c, "REGISTER")
		if s["nonce"] != "e1" {
			t.Errorf("REGISTER carries %v", s)
		}
		if err := c.Challenge(r, refusal(401, strings.Replace(first, "n1", "n2", 1))); err != nil {
			t.Errorf("%d nonces: %v", len(nonces), err)
			continue
		}
		// But once only: this nonce it was given itself.
		r, _, _ = signed(t, c, "REGISTER")
		if err := c.Challenge(r, refusal(401, strings.Replace(first, "n1", "n3", 1))); !errors.Is(err, ErrRejected) {
			t.Errorf("%d nonces: %v", len(nonces), err)
		}
	}
}
