package lab

import (
	"bufio"
	"cmp"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The tests of the SIP side speak raw text: nothing of wire/ is on their end of
// the connection.

// testPool makes a pool of alice, bob and carol (password: name + "-pw") and two front ends.
func testPool(t testing.TB) (p *pool, fe1, fe2 *frontEnd) {
	var all []account
	for _, n := range []string{"alice", "bob", "carol"} {
		all = append(all, account{address: n + "@contoso.test", name: n, password: n + "-pw"})
	}
	p = newPool("contoso.test", all, nil, nil)
	fe1, fe2 = newFrontEnd(p, "fe1.contoso.test", 5061), newFrontEnd(p, "fe2.contoso.test", 5061)
	t.Cleanup(func() {
		fe1.stop()
		fe2.stop()
		p.close()
	})
	return p, fe1, fe2
}

// peer is a client that speaks raw SIP.
type peer struct {
	t        testing.TB
	user     string // before the @
	password string // empty: user + "-pw"
	nc       net.Conn
	in       *bufio.Reader
	seq      int
	nc1      int    // nonce count
	id       string // in its Call-IDs

	patience time.Duration // how long to wait for a message; 0: 20 s
	early    []string      // requests that came before the answer that was waited for

	challenge map[string]string // of the last 401 or 407
}

// connect opens a connection to a front end.
func connect(t testing.TB, fe *frontEnd, user string) *peer {
	port := 5061
	if strings.HasPrefix(fe.host, "fe2") {
		port = 5071
	}
	client, server := newPipe(&net.TCPAddr{IP: caller, Port: 40000}, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: port})
	go fe.serve(server, "TCP") // ends with the connection
	t.Cleanup(func() { client.Close() })
	return &peer{t: t, user: user, nc: client, in: bufio.NewReader(client), id: token()[:6]}
}

// signedIn connects and registers.
func signedIn(t testing.TB, fe *frontEnd, user string) *peer {
	p := connect(t, fe, user)
	if res := p.register(""); !strings.HasPrefix(res, "SIP/2.0 200 ") {
		t.Fatalf("%s cannot register:\n%s", user, res)
	}
	return p
}

// send writes a message given with plain line breaks. "Length:" at the end of
// the headers becomes the right Content-Length.
func (p *peer) send(text string) {
	p.t.Helper()
	text = strings.TrimLeft(text, "\n")
	head, body, _ := strings.Cut(text, "\n\n")
	head = strings.TrimRight(head, "\n")
	if !strings.Contains(head, "Content-Length:") {
		head += "\nContent-Length: " + strconv.Itoa(len(body))
	}
	if _, err := io.WriteString(p.nc, strings.ReplaceAll(head, "\n", "\r\n")+"\r\n\r\n"+body); err != nil {
		p.t.Fatal(err)
	}
}

// receive reads one message and gives it with plain line breaks.
func (p *peer) receive() string {
	p.t.Helper()
	m, err := p.read()
	if err != nil {
		p.t.Fatalf("%s: nothing came: %v", p.user, err)
	}
	return m
}

func (p *peer) read() (string, error) {
	if len(p.early) > 0 {
		m := p.early[0]
		p.early = p.early[1:]
		return m, nil
	}
	return p.next()
}

// answered receives the next response; requests that come before it are for later.
func (p *peer) answered() string {
	p.t.Helper()
	for {
		m, err := p.next()
		if err != nil {
			p.t.Fatalf("%s: no answer came: %v", p.user, err)
		}
		if strings.HasPrefix(m, "SIP/2.0 ") {
			return m
		}
		p.early = append(p.early, m)
	}
}

// next reads a message from the connection.
func (p *peer) next() (string, error) {
	if err := p.nc.SetReadDeadline(time.Now().Add(cmp.Or(p.patience, 20*time.Second))); err != nil {
		return "", err
	}
	var head strings.Builder
	length := 0
	for {
		line, err := p.in.ReadString('\n')
		if err != nil {
			return head.String(), err
		}
		line = strings.TrimRight(line, "\r\n")
		if line == "" && head.Len() == 0 {
			continue
		}
		head.WriteString(line + "\n")
		if v, is := strings.CutPrefix(line, "Content-Length: "); is {
			length, _ = strconv.Atoi(v)
		}
		if line == "" {
			break
		}
	}
	body := make([]byte, length)
	_, err := io.ReadFull(p.in, body)
	return head.String() + string(body), err
}

// expect receives a message that holds all the texts.
func (p *peer) expect(texts ...string) string {
	p.t.Helper()
	m := p.receive()
	for _, x := range texts {
		if !strings.Contains(m, x) {
			p.t.Fatalf("%s expected %q in\n%s", p.user, x, m)
		}
	}
	return m
}

// silent makes sure that nothing more came: an OPTIONS is answered first.
func (p *peer) silent() {
	p.t.Helper()
	p.send(p.fill("OPTIONS sip:contoso.test SIP/2.0\n~"))
	p.expect("SIP/2.0 200 OK", "OPTIONS")
}

// fill replaces the line "~" by the headers that every request has.
func (p *peer) fill(text string) string {
	p.seq++
	method, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	to := "sip:" + p.user + "@contoso.test"
	if m := regexp.MustCompile(`(?m)^\w+ (sip:\S+@\S+) SIP/2.0`).FindStringSubmatch(text); m != nil {
		to = m[1]
	}
	return strings.Replace(text, "~", fmt.Sprintf(`Via: SIP/2.0/TCP 198.51.100.7:40000;branch=z9hG4bK%s%s%d;rport
Max-Forwards: 70
From: <sip:%s@contoso.test>;tag=f-%s
To: <%s>
Call-ID: %s-%s
CSeq: %d %s`, p.user, token()[:6], p.seq, p.user, p.user, to, p.id, method, p.seq, method), 1)
}

// ask sends a request, answers one challenge, and returns the final response.
func (p *peer) ask(text string) string {
	p.t.Helper()
	for range 3 {
		filled := p.fill(text)
		if p.challenge != nil {
			filled = strings.Replace(filled, "\nCSeq:", "\n"+p.credentials(filled)+"\nCSeq:", 1)
		}
		p.send(filled)
		res := p.answered()
		for strings.HasPrefix(res, "SIP/2.0 1") {
			res = p.answered()
		}
		if !strings.HasPrefix(res, "SIP/2.0 401") && !strings.HasPrefix(res, "SIP/2.0 407") || p.challenge != nil && !strings.Contains(res, "stale=true") {
			return res
		}
		p.heed(res)
	}
	p.t.Fatal("challenged again and again")
	return ""
}

// heed remembers the MD5 challenge of a 401 or 407.
func (p *peer) heed(res string) {
	p.t.Helper()
	p.challenge = map[string]string{}
	m := regexp.MustCompile(`(?m)^(?:WWW|Proxy)-Authenticate: Digest (.*algorithm=MD5.*)$`).FindStringSubmatch(res)
	if m == nil {
		p.t.Fatalf("no MD5 challenge in\n%s", res)
	}
	for _, kv := range regexp.MustCompile(`(\w+)="?([^",]*)`).FindAllStringSubmatch(m[1], -1) {
		p.challenge[kv[1]] = kv[2]
	}
}

// credentials writes the (Proxy-)Authorization header for a request.
func (p *peer) credentials(text string) string {
	f := strings.Fields(text)
	name := "Proxy-Authorization"
	if f[0] == "REGISTER" {
		name = "Authorization"
	}
	p.nc1++
	return name + ": " + answerDigest(p.challenge, digestFor{user: p.user, password: cmp.Or(p.password, p.user+"-pw"), method: f[0], uri: f[1], nc: p.nc1})
}

type digestFor struct {
	user, password, method, uri string
	nc                          int
}

// answerDigest is written from RFC 7616 §3.4.1, apart from the lab's own.
func answerDigest(c map[string]string, d digestFor) string {
	h := func(s string) string {
		var x hash.Hash = md5.New()
		if c["algorithm"] == "SHA-256" {
			x = sha256.New()
		}
		io.WriteString(x, s)
		return hex.EncodeToString(x.Sum(nil))
	}
	nc := fmt.Sprintf("%08x", d.nc)
	response := h(h(d.user+":"+c["realm"]+":"+d.password) + ":" + c["nonce"] + ":" + nc + ":abc:auth:" + h(d.method+":"+d.uri))
	return fmt.Sprintf(`Digest username="%s", realm="%s", nonce="%s", uri="%s", response="%s", algorithm=%s, qop=auth, cnonce="abc", nc=%s`,
		d.user, c["realm"], c["nonce"], d.uri, response, c["algorithm"], nc)
}

// register registers the peer's contact; more is added to Contact.
func (p *peer) register(more string) string {
	p.t.Helper()
	return p.ask(fmt.Sprintf("REGISTER sip:contoso.test SIP/2.0\n~\nSupported: outbound, gruu\nContact: <sip:%s@198.51.100.7:9>%s\nExpires: 600\n\n", p.user, more))
}

// answer sends a response to a request that came.
func (p *peer) answer(request, status string, more ...string) {
	p.t.Helper()
	var b strings.Builder
	b.WriteString("SIP/2.0 " + status + "\n")
	for line := range strings.SplitSeq(request, "\n") {
		if line == "" {
			break
		}
		for _, name := range []string{"Via:", "From:", "To:", "Call-ID:", "CSeq:", "Record-Route:"} {
			if !strings.HasPrefix(line, name) {
				continue
			}
			if name == "To:" && !strings.Contains(line, ";tag=") {
				line += ";tag=t-" + p.user
			}
			b.WriteString(line + "\n")
		}
	}
	for _, m := range more {
		b.WriteString(m + "\n")
	}
	p.send(strings.TrimRight(b.String(), "\n") + "\n\n")
}

// headerOf reads a header of a raw message.
func headerOf(m, name string) string {
	x := regexp.MustCompile(`(?mi)^` + name + `: (.*)$`).FindStringSubmatch(m)
	if x == nil {
		return ""
	}
	return x[1]
}

func TestOptionsToTheServer(t *testing.T) {
	_, fe, _ := testPool(t)
	p := connect(t, fe, "alice")
	p.send(p.fill("OPTIONS sip:contoso.test SIP/2.0\n~"))
	p.expect("SIP/2.0 200 OK", "Allow: INVITE, ACK", "Allow-Events: presence", "Accept: application/pidf+xml", "Supported: ")
}

func TestEverythingElseWantsCredentials(t *testing.T) {
	_, fe, _ := testPool(t)
	p := connect(t, fe, "alice")
	p.send(p.fill("MESSAGE sip:bob@contoso.test SIP/2.0\n~\nContent-Type: text/plain\n\nhi"))
	res := p.expect("SIP/2.0 407 ", "algorithm=SHA-256", "algorithm=MD5", `qop="auth"`, `realm="contoso.test"`)
	if strings.Index(res, "SHA-256") > strings.Index(res, "MD5") {
		t.Error("the stronger challenge must come first (RFC 8760 2.3)")
	}
}

func TestStoppedFrontEndResetsItsConnections(t *testing.T) {
	_, fe, _ := testPool(t)
	p := signedIn(t, fe, "alice")
	fe.stop()
	if m, err := p.read(); err == nil {
		t.Fatalf("still there: %s", m)
	}
	if _, err := connect(t, fe, "alice").read(); err == nil {
		t.Fatal("a stopped front end took a connection")
	}
	fe.start()
	signedIn(t, fe, "alice")
}

func TestFaults(t *testing.T) {
	_, fe, _ := testPool(t)
	p := connect(t, fe, "alice")
	ping := "OPTIONS sip:contoso.test SIP/2.0\n~\nX-Number: "
	fe.drop(1)
	p.send(p.fill(ping + "1"))
	p.send(p.fill(ping + "2"))
	p.expect("SIP/2.0 200 OK", "CSeq: 2 ")
	fe.refuse(503)
	p.send(p.fill(ping + "3"))
	p.expect("SIP/2.0 503 ", "CSeq: 3 ")
	fe.refuse(0)
	fe.delay(30 * time.Millisecond)
	start := time.Now()
	p.send(p.fill(ping + "4"))
	p.send(p.fill(ping + "5"))
	p.expect("CSeq: 4 ")
	fe.delay(0)
	p.expect("CSeq: 5 ")
	if time.Since(start) < 30*time.Millisecond {
		t.Error("not delayed")
	}
}

func TestDirectorNamesTheFrontEnds(t *testing.T) {
	d := newDirector([]string{"<sip:fe1.contoso.test:5061;transport=tls>", "<sip:fe2.contoso.test:5061;transport=tls>"}, nil)
	client, server := newPipe(&net.TCPAddr{IP: caller, Port: 40000}, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 9), Port: 5061})
	go d.serve(server, "TCP")
	p := &peer{t: t, user: "alice", nc: client, in: bufio.NewReader(client)}
	p.send(p.fill("REGISTER sip:contoso.test SIP/2.0\n~\nContact: <sip:alice@198.51.100.7>"))
	p.expect("SIP/2.0 302 ", "Contact: <sip:fe1.contoso.test:5061;transport=tls>, <sip:fe2.contoso.test:5061;transport=tls>;q=0.5\n")
	p.send(strings.Replace(p.fill("REGISTER sip:contoso.test SIP/2.0\n~"), "Max-Forwards: 70\n", "", 1))
	p.expect("SIP/2.0 400 Max-Forwards Missing")
	d.stop()
	if _, err := p.read(); err == nil {
		t.Error("the connection outlived its director")
	}
	d.start()
	client, server = newPipe(&net.TCPAddr{IP: caller, Port: 40001}, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 9), Port: 5061})
	go d.serve(server, "TCP")
	p = &peer{t: t, user: "alice", nc: client, in: bufio.NewReader(client)}
	p.send(p.fill("OPTIONS sip:contoso.test SIP/2.0\n~"))
	p.expect("SIP/2.0 302 ")
	client.Close()
}
