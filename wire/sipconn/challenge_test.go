package sipconn

import (
	"errors"
	"strings"
	"testing"

	"communicator/wire/auth"
)

func signedIn(t *testing.T, trace func(bool, string)) (*Conn, *raw) {
	o := user
	o.Trace = trace
	o.Auth = auth.NewClient("alice", "example.com", func() (string, error) { return "secret", nil })
	return rawPeer(t, o)
}

const kamailio = `Digest realm="example.com", nonce="Z0ItzmdCLKIH2zXLNHH5eTHb8z9EQnYe", qop="auth"`

func TestChallengeIsAnsweredOnTheSameConnection(t *testing.T) {
	c, p := signedIn(t, nil)
	go func() {
		m := p.expect("REGISTER sip:example.com SIP/2.0")
		if m.get("Authorization") != "" {
			t.Error("credentials before the challenge")
		}
		p.reply(m, "401 Unauthorized", "WWW-Authenticate: "+kamailio)
		again := p.expect("REGISTER")
		if again.get("Cseq") != "2 REGISTER" || again.get("Call-Id") != m.get("Call-Id") || again.get("Via") == m.get("Via") ||
			!strings.HasPrefix(again.get("Authorization"), `Digest username="alice", realm="example.com"`) {
			t.Errorf("second REGISTER is %v", again.header)
		}
		p.reply(again, "200 OK")
		pub := p.expect("PUBLISH") // the known nonce is sent unasked
		if !strings.Contains(pub.get("Proxy-Authorization"), "nc=00000002") || pub.get("Authorization") != "" {
			t.Errorf("PUBLISH is %v", pub.header)
		}
		p.reply(pub, "200 OK")
	}()
	r, _ := c.NewRequest("REGISTER", "sip:example.com", Body{})
	if _, err := c.Do(t.Context(), r, nil); err != nil {
		t.Fatal(err)
	}
	if r.CSeq().SeqNo != 2 || r.GetHeader("Authorization") != nil {
		t.Errorf("the caller's request is now %s", r)
	}
	r, _ = c.NewRequest("PUBLISH", "alice@example.com", Body{})
	if _, err := c.Do(t.Context(), r, nil); err != nil {
		t.Fatal(err)
	}
}

func TestWrongPasswordOnTheWire(t *testing.T) {
	c, p := signedIn(t, nil)
	go func() {
		p.reply(p.expect("REGISTER"), "401 Unauthorized", "WWW-Authenticate: "+kamailio)
		p.reply(p.expect("REGISTER"), "401 Unauthorized", "WWW-Authenticate: "+strings.Replace(kamailio, "Z0", "Z1", 1))
	}()
	r, _ := c.NewRequest("REGISTER", "sip:example.com", Body{})
	res, err := c.Do(t.Context(), r, nil)
	var s *StatusError
	if !errors.Is(err, auth.ErrRejected) || !errors.As(err, &s) || s.Code != 401 || res == nil {
		t.Error(err)
	}
}

// A server that says stale for ever must not keep us busy for ever.
func TestStaleForEver(t *testing.T) {
	c, p := signedIn(t, nil)
	n := 0
	go func() {
		for {
			m, err := p.read()
			if err != nil {
				return
			}
			n++
			p.reply(m, "407 Proxy Authentication Required", "Proxy-Authenticate: "+kamailio+", stale=true")
		}
	}()
	r, _ := c.NewRequest("MESSAGE", "bob@example.com", Body{})
	if res, err := c.Do(t.Context(), r, nil); err == nil || res.StatusCode != 407 || n != maxTries {
		t.Errorf("%v after %d requests", err, n)
	}
}

func TestTraceShowsNoSecrets(t *testing.T) {
	var shown strings.Builder
	lines := make(chan string, 20)
	c, p := signedIn(t, func(sent bool, text string) { lines <- text })
	go func() {
		p.reply(p.expect("REGISTER"), "401 Unauthorized", "WWW-Authenticate: Digest realm=\"example.com\",\n nonce=\"sensitive\", qop=\"auth\"")
		p.reply(p.expect("REGISTER"), "200 OK", `Authentication-Info: rspauth="", nextnonce="sensitive"`)
	}()
	r, _ := c.NewRequest("REGISTER", "sip:example.com", Body{})
	if _, err := c.Do(t.Context(), r, nil); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		shown.WriteString(<-lines)
	}
	all := shown.String()
	if strings.Contains(all, "sensitive") || strings.Contains(all, "username") || strings.Count(all, "REGISTER sip:example.com SIP/2.0\r\n") != 2 ||
		!strings.Contains(all, "Authorization: ...\r\n") || !strings.Contains(all, "WWW-Authenticate: ...\r\n") || !strings.Contains(all, "SIP/2.0 200 OK\r\n") {
		t.Error(all)
	}
}

func TestValuesWithLineBreaksAreRefused(t *testing.T) {
	c, _ := rawPeer(t, user)
	for _, to := range []string{"bob@example.com\r\nX: y", "sip:bob@example.com>\r\nX: y", "bob", "", "@example.com", "sip:", "sip:b c@example.com", "b@exa\x00mple.com", "*", "bob@example.com, eve@example.com"} {
		if r, err := c.NewRequest("MESSAGE", to, Body{}); err == nil {
			t.Errorf("%q became %s", to, r.Recipient.String())
		}
	}
	if _, err := c.NewRequest("MES SAGE", "bob@example.com", Body{}); err == nil {
		t.Error("a method with a blank")
	}
	for _, value := range []string{"a\r\nX: y", "a\nX: y", "a\rb", "a\x00b"} {
		for _, set := range []func() error{
			func() error {
				r, _ := c.NewRequest("MESSAGE", "bob@example.com", Body{})
				r.AppendHeader(hdr("Subject", value))
				_, err := c.Do(t.Context(), r, nil)
				return err
			},
			func() error {
				r, _ := c.NewRequest("MESSAGE", "bob@example.com", Body{Type: value, Content: []byte("x")})
				_, err := c.Do(t.Context(), r, nil)
				return err
			},
		} {
			if err := set(); err == nil || errors.Is(err, ErrLost) {
				t.Errorf("%q: %v", value, err)
			}
		}
	}
	if c.Err() != nil {
		t.Error(c.Err())
	}
}

func TestTargets(t *testing.T) {
	for to, want := range map[string]string{
		"bob@example.com":               "sip:bob@example.com",
		"sip:bob@example.com;gr=urn:x":  "sip:bob@example.com;gr=urn:x",
		"tel:+41445551234":              "tel:+41445551234",
		"j d\"o@example.com":            "sip:j%20d%22o@example.com",
		"anna-maria@grüezi.example.com": "sip:anna-maria@grüezi.example.com",
		"jürg@example.com":              "sip:j%C3%BCrg@example.com",
		"a%20b@example.com":             "sip:a%20b@example.com",
		"first@last@example.com":        "sip:first%40last@example.com",
		"alice@[2001:db8::1]:5070":      "sip:alice@[2001:db8::1]:5070",
	} {
		if u, err := Target(to); err != nil || u.String() != want {
			t.Errorf("%q: %q %v", to, u.String(), err)
		}
	}
}

// Whoever answers our MESSAGE could search for the password with an answer to
// a challenge of their own making. This server is a proxy that asks for nothing.
func TestStrangersChallengeIsNotAnswered(t *testing.T) {
	for _, answer := range [][2]string{
		{"401 Unauthorized", `WWW-Authenticate: Digest realm="evil.test", nonce="e1", algorithm=MD5`},
		{"401 Unauthorized", "WWW-Authenticate: " + kamailio},
		{"407 Proxy Authentication Required", `Proxy-Authenticate: Digest realm="evil.test", nonce="e1", algorithm=MD5`},
		{"407 Proxy Authentication Required", "Proxy-Authenticate: " + kamailio},
	} {
		c, p := signedIn(t, nil)
		requests := make(chan message, 9)
		go func() {
			defer close(requests)
			for {
				m, err := p.read()
				if err != nil {
					return
				}
				requests <- m
				if strings.Contains(m.start, "sip:nobody-") {
					p.reply(m, "404 Not Found")
					continue
				}
				p.reply(m, answer[0], answer[1])
			}
		}()
		r, _ := c.NewRequest("MESSAGE", "bob@example.com", Text("for bob"))
		res, err := c.Do(t.Context(), r, nil)
		if s, ok := err.(*StatusError); !ok || res == nil || s.Code != res.StatusCode {
			t.Errorf("%s: %v", answer[1], err)
		}
		_ = c.Close()
		n := 0
		for m := range requests {
			n++
			if m.get("Authorization")+m.get("Proxy-Authorization") != "" {
				t.Errorf("%s is answered: %v", answer[1], m.header)
			}
			if !strings.Contains(m.start, "bob@") && (len(m.body) > 0 || m.get("Content-Type") != "") {
				t.Errorf("nobody is told: %s", m.body)
			}
		}
		if n > 2 {
			t.Errorf("%s: %d requests", answer[1], n)
		}
	}
}

// A server that answers 401 to everything without credentials, as Asterisk
// does: it takes messages and subscriptions.
func TestServerThatAsks401OfEverything(t *testing.T) {
	c, p := signedIn(t, nil)
	served := make(chan string, 20)
	go func() {
		for {
			m, err := p.read()
			if err != nil {
				return
			}
			if a := m.get("Authorization"); !strings.Contains(a, `nonce="Z0ItzmdC`) {
				served <- m.start + " 401"
				p.reply(m, "401 Unauthorized", "WWW-Authenticate: "+strings.ReplaceAll(kamailio, "example.com", "asterisk"))
				continue
			}
			served <- m.start + " 200"
			p.reply(m, "200 OK", "Expires: 3600")
		}
	}()
	var got []string
	for _, x := range [...][2]string{{"REGISTER", "sip:example.com"}, {"MESSAGE", "bob@example.com"}, {"MESSAGE", "carol@example.com"}, {"SUBSCRIBE", "bob@example.com"}} {
		r, _ := c.NewRequest(x[0], x[1], Body{})
		if _, err := c.Do(t.Context(), r, nil); err != nil {
			t.Errorf("%v: %v", x, err)
		}
		for len(served) > 0 {
			s := strings.ReplaceAll(<-served, " SIP/2.0", "")
			if method, _, nobody := strings.Cut(s, " sip:nobody-"); nobody {
				s = method + " nobody" + s[len(s)-4:]
			}
			got = append(got, s)
		}
	}
	if want := "REGISTER sip:example.com 401; REGISTER sip:example.com 200; " +
		"MESSAGE sip:bob@example.com 401; MESSAGE nobody 401; MESSAGE sip:bob@example.com 200; MESSAGE sip:carol@example.com 200; " +
		"SUBSCRIBE sip:bob@example.com 401; SUBSCRIBE nobody 401; SUBSCRIBE sip:bob@example.com 200"; strings.Join(got, "; ") != want {
		t.Error(strings.Join(got, "\n"))
	}
}
