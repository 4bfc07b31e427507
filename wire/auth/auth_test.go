package auth

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/emiago/sipgo/sip"
)

func request(method string) *sip.Request {
	r := sip.NewRequest(sip.RequestMethod(method), sip.Uri{Scheme: "sip", Host: "example.com"})
	r.AppendHeader(&sip.CSeqHeader{SeqNo: 1, MethodName: r.Method})
	return r
}

// requestTo is a request for an address, within the call id.
func requestTo(method, user, host, id string) *sip.Request {
	r := request(method)
	r.AppendHeader(&sip.ToHeader{Address: sip.Uri{Scheme: "sip", User: user, Host: host}})
	call := sip.CallIDHeader(id)
	r.AppendHeader(&call)
	return r
}

func refusal(status int, challenges ...string) *sip.Response {
	res := sip.NewResponse(status, "No")
	name := "WWW-Authenticate"
	if status == 407 {
		name = "Proxy-Authenticate"
	}
	for _, c := range challenges {
		res.AppendHeader(sip.NewHeader(name, c))
	}
	return res
}

func client() *Client {
	return NewClient("alice", "example.com", func() (string, error) { return "secret", nil })
}

// signed signs a new request and returns the parameters of its headers.
func signed(t *testing.T, c *Client, method string) (r *sip.Request, server, proxy map[string]string) {
	t.Helper()
	r = request(method)
	if err := c.Sign(r); err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]*map[string]string{"Authorization": &server, "Proxy-Authorization": &proxy} {
		for _, v := range values(r, name) {
			_, *p = credentials(v)
		}
	}
	return r, server, proxy
}

const first = `Digest realm="example.com", nonce="n1", qop="auth", algorithm=MD5`

func TestFirstChallengeThenUnasked(t *testing.T) {
	c := client()
	r, s, p := signed(t, c, "REGISTER")
	if s != nil || p != nil {
		t.Fatal("signed before any challenge")
	}
	if err := c.Challenge(r, refusal(401, first)); err != nil {
		t.Fatal(err)
	}
	r, s, p = signed(t, c, "REGISTER")
	if p != nil || s["username"] != "alice" || s["nonce"] != "n1" || s["nc"] != "00000001" || s["uri"] != "sip:example.com" {
		t.Fatal(s, p)
	}
	if err := c.Verify(r, sip.NewResponse(200, "OK")); err != nil {
		t.Fatal(err)
	}
	// What is not REGISTER goes through the same server as proxy.
	_, s, p = signed(t, c, "PUBLISH")
	if s != nil || p["nonce"] != "n1" || p["nc"] != "00000002" {
		t.Fatal(s, p)
	}
	if _, s, p = signed(t, c, "ACK"); s != nil || p != nil {
		t.Error("ACK was signed")
	}
	// A server that wants it as server says so once.
	own := requestTo("PUBLISH", "alice", "example.com", "1")
	if err := c.Challenge(own, refusal(401, first)); err != nil {
		t.Fatal(err)
	}
	if err := c.Sign(own); err != nil || len(values(own, "Authorization")) != 1 || len(values(own, "Proxy-Authorization")) != 0 {
		t.Error(err, own)
	}
	// But that is not for the eyes of somebody else.
	if _, s, p = signed(t, c, "PUBLISH"); s != nil || p == nil {
		t.Error(s, p)
	}
}

func TestWrongPassword(t *testing.T) {
	c := client()
	for _, status := range []int{401, 407} {
		if err := c.Challenge(request("REGISTER"), refusal(status, first)); err != nil {
			t.Fatal(err)
		}
		r, _, _ := signed(t, c, "REGISTER")
		if err := c.Challenge(r, refusal(status, strings.Replace(first, "n1", "n2", 1))); !errors.Is(err, ErrRejected) {
			t.Errorf("%d: %v", status, err)
		}
		if _, s, p := signed(t, c, "REGISTER"); s != nil || p != nil {
			t.Error("a rejected password is still sent")
		}
	}
}

func TestStaleNonce(t *testing.T) {
	c := client()
	_ = c.Challenge(request("REGISTER"), refusal(401, first))
	r, _, _ := signed(t, c, "REGISTER")
	if err := c.Challenge(r, refusal(401, strings.Replace(first, "n1", "n2", 1)+", stale=TRUE")); err != nil {
		t.Fatal(err)
	}
	r, s, _ := signed(t, c, "REGISTER")
	if s["nonce"] != "n2" || s["nc"] != "00000001" {
		t.Fatal(s)
	}
	// Another front end does not know the nonce, and does not say stale.
	_ = c.Verify(r, sip.NewResponse(200, "OK"))
	r, _, _ = signed(t, c, "REGISTER")
	if err := c.Challenge(r, refusal(401, strings.Replace(first, "n1", "n3", 1))); err != nil {
		t.Fatal(err)
	}
	// But if it refuses its own nonce, too, the password has changed.
	r, _, _ = signed(t, c, "REGISTER")
	if err := c.Challenge(r, refusal(401, strings.Replace(first, "n1", "n4", 1))); !errors.Is(err, ErrRejected) {
		t.Error(err)
	}
}

func TestNextNonceAndProof(t *testing.T) {
	c := client()
	_ = c.Challenge(request("REGISTER"), refusal(401, first))
	r, s, _ := signed(t, c, "REGISTER")
	ch := parsed(t, first)
	proof := ch.response(answer{user: "alice", password: "secret", cnonce: s["cnonce"], nc: 1, uri: s["uri"]})
	res := sip.NewResponse(200, "OK")
	res.AppendHeader(sip.NewHeader("Authentication-Info", `qop=auth, rspauth="`+proof+`", cnonce="`+s["cnonce"]+`", nc=00000001, nextnonce="n9"`))
	if err := c.Verify(r, res); err != nil {
		t.Fatal(err)
	}
	r, s, _ = signed(t, c, "REGISTER")
	if s["nonce"] != "n9" || s["nc"] != "00000001" {
		t.Fatal(s)
	}
	res = sip.NewResponse(200, "OK")
	res.AppendHeader(sip.NewHeader("Authentication-Info", `rspauth="`+proof+`"`))
	if err := c.Verify(r, res); !errors.Is(err, ErrNotGenuine) {
		t.Error(err)
	}
}

func TestRealmsAreKeptApart(t *testing.T) {
	c := client()
	_ = c.Challenge(request("REGISTER"), refusal(407, first))
	_ = c.Challenge(request("REGISTER"), refusal(401, `Digest realm="far", nonce="f1"`))
	r, s, p := signed(t, c, "REGISTER")
	if s["realm"] != "far" || s["qop"] != "" || p["realm"] != "example.com" && len(values(r, "Proxy-Authorization")) != 1 {
		t.Error(s, p)
	}
	for i := range 50 {
		_ = c.Challenge(request("REGISTER"), refusal(401, `Digest realm="r`+string(rune('0'+i))+`", nonce="f1"`))
	}
	if r, _, _ := signed(t, c, "REGISTER"); len(values(r, "Authorization")) > maxRealms {
		t.Errorf("%d credentials on one request", len(values(r, "Authorization")))
	}
}

func TestThePasswordIsAskedOnce(t *testing.T) {
	asked := 0
	c := NewClient("alice", "example.com", func() (string, error) { asked++; return "p", nil })
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if err := c.Challenge(request("REGISTER"), refusal(401, first)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	c = NewClient("alice", "example.com", func() (string, error) { return "", errors.New("no keyring") })
	if err := c.Challenge(request("REGISTER"), refusal(401, first)); err == nil || err.Error() != "password: no keyring" {
		t.Error(err)
	}
}

func TestHTTP(t *testing.T) {
	c := client()
	ch := []string{`Digest realm="xcap", nonce="x1", qop="auth", algorithm=MD5`}
	for i, want := range []string{"nc=00000001", "nc=00000002"} {
		v, err := c.Authorization(ch, "GET", "/xcap-root/index", nil)
		if err != nil || !strings.Contains(v, want) || !strings.Contains(v, `uri="/xcap-root/index"`) {
			t.Errorf("%d: %q %v", i, v, err)
		}
	}
	if v, err := c.Authorization([]string{strings.Replace(ch[0], "x1", "x2", 1)}, "PUT", "/", nil); err != nil || !strings.Contains(v, "nc=00000001") {
		t.Error(v, err)
	}
	if r, s, p := signed(t, c, "REGISTER"); s != nil || p != nil {
		t.Error("credentials for HTTP on a SIP request", r)
	}
}

func FuzzChallenge(f *testing.F) {
	f.Add(`Digest realm="example.com", nonce="Z0ItzmdCLKIH2zXLNHH5eTHb8z9EQnYe", qop="auth"`) // as Kamailio 5.6 writes it
	f.Add(`Digest algorithm=SHA-256, realm="x", nonce="Zz8=", qop="auth,auth-int", stale=true`)
	f.Add(`NTLM realm="SIP Communications Service", targetname="lcs.lab.test", version=3`)
	f.Add(`Negotiate, Basic realm="a\"b, c", Digest realm="r",nonce="n",algorithm=MD5-sess,charset=UTF-8,userhash=true`)
	f.Add(challenge7616 + "SHA-512-256")
	f.Fuzz(func(t *testing.T, text string) {
		c := client()
		if err := c.Challenge(request("REGISTER"), refusal(401, text)); err != nil {
			return
		}
		r := request("REGISTER")
		if err := c.Sign(r); err != nil {
			return
		}
		vs := values(r, "Authorization")
		if len(vs) != 1 {
			t.Fatalf("%d headers", len(vs))
		}
		scheme, p := credentials(vs[0])
		if scheme != "Digest" || p["username"] == "" || p["nonce"] == "" || p["response"] == "" {
			t.Errorf("%q gives %q", text, vs[0])
		}
		if len(challenges([]string{vs[0]})) != 1 {
			t.Errorf("%q gives more than one challenge: %q", text, vs[0])
		}
		res := sip.NewResponse(200, "OK")
		res.AppendHeader(sip.NewHeader("Authentication-Info", text))
		_ = c.Verify(r, res)
	})
}
