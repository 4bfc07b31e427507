package auth

import (
	"errors"
	"strings"
	"testing"
)

// parsed reads one challenge that must be usable.
func parsed(t *testing.T, text string) challenge {
	t.Helper()
	ch, err := strongest([]string{text})
	if err != nil {
		t.Fatal(err)
	}
	return ch
}

const (
	challenge7616 = `Digest realm="http-auth@example.org", qop="auth, auth-int", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS", algorithm=`
	challenge2617 = `Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"`
)

func TestResponsesOfTheStandards(t *testing.T) {
	lion := answer{user: "Mufasa", password: "Circle of Life", cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", nc: 1, method: "GET", uri: "/dir/index.html"}
	old := answer{user: "Mufasa", password: "Circle Of Life", cnonce: "0a4f113b", nc: 1, method: "GET", uri: "/dir/index.html", body: []byte("body")}
	proof := old
	proof.method = ""
	jason := answer{user: "Jäsøn Doe", password: "Secret, or not?", cnonce: "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v", nc: 1, method: "GET", uri: "/doe.json"}
	for _, test := range []struct {
		source, challenge string
		answer            answer
		want              string
	}{
		{"RFC 7616 §3.9.1 MD5", challenge7616 + "MD5", lion, "8ca523f5e9506fed4657c9700eebdbec"},
		{"RFC 7616 §3.9.1 SHA-256", challenge7616 + "SHA-256", lion, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
		{"RFC 7616 §3.9.2 with erratum 4897", `Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash=true`,
			jason, "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"},
		{"RFC 2617 §3.5", challenge2617 + `, qop="auth,auth-int"`, old, "6629fae49393a05397450978507c4ef1"},
		{"RFC 2069, computed apart", challenge2617, old, "670fd8c2df070c60b045671b8b24ff02"},
		{"MD5-sess, computed apart", challenge2617 + `, qop=auth, algorithm=MD5-sess`, old, "8e3825c57e897f5a0dec6c2d4e5059d0"},
		{"auth-int, computed apart", challenge2617 + `, qop="auth-int"`, old, "f93d61f87864e6c8c6a46b339ad998de"},
		{"rspauth, computed apart", challenge2617 + `, qop="auth"`, proof, "376602cfd2f4e8e5e78b948a85263e85"},
	} {
		if got := parsed(t, test.challenge).response(test.answer); got != test.want {
			t.Errorf("%s: got %s, want %s", test.source, got, test.want)
		}
	}
}

func TestUserhash(t *testing.T) {
	ch := parsed(t, `Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, nonce="n", charset=UTF-8, userhash=true`)
	got := ch.credentials(answer{user: "Jäsøn Doe", password: "p", cnonce: "c", nc: 1, method: "GET", uri: "/"})
	if !strings.HasPrefix(got, `Digest username="793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b", realm="api@example.org"`) || // erratum 4897 of RFC 7616
		!strings.HasSuffix(got, ", userhash=true") {
		t.Error(got)
	}
}

func TestCredentialsAreQuotedAsTheStandardSays(t *testing.T) {
	ch := parsed(t, `Digest realm="a \"b\" \\c", nonce="N\"1", qop="auth", algorithm=MD5, opaque="o"`)
	got := ch.credentials(answer{user: `jo"e`, password: "p", cnonce: "c", nc: 255, method: "REGISTER", uri: "sip:example.com"})
	head, tail, _ := strings.Cut(got, `response="`)
	if head != `Digest username="jo\"e", realm="a \"b\" \\c", nonce="N\"1", uri="sip:example.com", ` ||
		tail[32:] != `", algorithm=MD5, qop=auth, nc=000000ff, cnonce="c", opaque="o"` {
		t.Error(got)
	}
	scheme, p := credentials(got)
	if scheme != "Digest" || p["realm"] != `a "b" \c` || p["username"] != `jo"e` || p["nc"] != "000000ff" {
		t.Error(scheme, p)
	}
}

func TestTheStrongestIsChosen(t *testing.T) {
	md5 := `Digest realm="r", nonce="m", algorithm=MD5, qop="auth"`
	sha := `Digest realm="r", nonce="s", algorithm=SHA-256, qop="auth"`
	best := `digest realm="r",nonce="b",algorithm=sha-512-256,qop="auth"`
	for _, test := range []struct {
		name    string
		headers []string
		nonce   string
	}{
		{"one", []string{md5}, "m"},
		{"several headers", []string{md5, sha, best}, "b"},
		{"one header", []string{md5 + ", " + sha}, "s"},
		{"among others", []string{`NTLM realm="r", targetname="t", Basic realm="a, b", ` + sha + `, Negotiate`, md5}, "s"},
		{"unknown algorithm", []string{`Digest realm="r", nonce="x", algorithm=SHA3-512`, md5}, "m"},
		{"unknown qop", []string{`Digest realm="r", nonce="x", algorithm=SHA-256, qop="vote"`, md5}, "m"},
		{"no nonce", []string{`Digest realm="r", algorithm=SHA-256`, md5}, "m"},
		{"no realm", []string{`Digest nonce="x", algorithm=SHA-256`, md5}, "m"},
		{"two equal", []string{md5, `Digest realm="other", nonce="x", algorithm=MD5`}, "m"},
	} {
		if ch, err := strongest(test.headers); err != nil || ch.nonce != test.nonce {
			t.Errorf("%s: %q, %v", test.name, ch.nonce, err)
		}
	}
}

func TestNothingUsable(t *testing.T) {
	for _, test := range []struct {
		headers []string
		want    string
	}{
		{nil, "the server asks for sign-in but offers no method"},
		{[]string{`NTLM realm="x", targetname="y"`, `Kerberos realm="x"`}, "no usable sign-in method among NTLM, Kerberos"},
		{[]string{`Digest realm="r", nonce="n", algorithm=SHA3`}, "no usable sign-in method among Digest SHA3"},
		{[]string{`Digest realm="r", nonce="` + strings.Repeat("n", 5000) + `"`}, "no usable sign-in method among Digest"},
		{[]string{`Digest realm="r", nonce="` + strings.Repeat("n", 50000) + `"`}, "the server asks for sign-in but offers no method"},
	} {
		var u *UnsupportedError
		if _, err := strongest(test.headers); !errors.As(err, &u) || err.Error() != test.want {
			t.Errorf("%.40q: %v", test.headers, err)
		}
	}
}
