package lab

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/miekg/dns"
)

func listen(t *testing.T, c *Company) (Ready, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "lab")
	r, err := c.Listen("127.0.0.1", 0, dir)
	if err != nil {
		t.Fatal(err)
	}
	return r, dir
}

// roots reads ca.pem as another program would.
func roots(t *testing.T, file string) *x509.CertPool {
	t.Helper()
	pem, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p := x509.NewCertPool()
	if !p.AppendCertsFromPEM(pem) {
		t.Fatal("ca.pem holds no certificate")
	}
	return p
}

func TestListenTellsWhatAProgramNeeds(t *testing.T) {
	c := company(t, Options{People: 12, Still: true, FrontEnds: 3})
	r, dir := listen(t, c)

	written, err := os.ReadFile(filepath.Join(dir, "lab.json"))
	if err != nil {
		t.Fatal(err)
	}
	line, _ := json.Marshal(r)
	if string(written) != string(line)+"\n" {
		t.Errorf("lab.json is %q, the ready line %q", written, line)
	}
	for _, key := range []string{`"ready":true`, `"domain":"contoso.test"`, `"resolver":"127.0.0.1:`, `"sip":[{"tls":"127.0.0.1:`, `"ldap":"ldaps://127.0.0.1:`, `"xcap":"https://127.0.0.1:`, `"calendar":"https://127.0.0.1:`} {
		if !strings.Contains(string(line), key) {
			t.Errorf("%s lacks %s", line, key)
		}
	}
	if len(r.SIP) != 3 || strings.Contains(string(line), "phone") {
		t.Errorf("ready line %s", line)
	}
	users, err := os.ReadFile(r.Users)
	if err != nil {
		t.Fatal(err)
	}
	first := strings.Split(strings.SplitN(string(users), "\n", 2)[0], "\t")
	if len(first) != 6 || first[0] != c.People()[0].User || first[1] != c.People()[0].Password {
		t.Errorf("first line of users.tsv has %d fields", len(first))
	}
	if runtime.GOOS == "windows" {
		return // it has no such modes
	}
	for name, mode := range map[string]os.FileMode{"": 0o700, "users.tsv": 0o600} {
		if i, err := os.Stat(filepath.Join(dir, name)); err != nil || i.Mode().Perm() != mode {
			t.Errorf("%q has mode %v, want %v (%v)", name, i.Mode().Perm(), mode, err)
		}
	}
}

func TestRealDNSOverUDPAndTCP(t *testing.T) {
	c := company(t, Options{People: 12, Still: true})
	r, _ := listen(t, c)
	for _, network := range []string{"udp", "tcp"} {
		client := &dns.Client{Net: network, Timeout: 5 * time.Second}
		answer, _, err := client.Exchange(new(dns.Msg).SetQuestion("_sip._tls.contoso.test.", dns.TypeSRV), r.Resolver)
		if err != nil || len(answer.Answer) != 2 {
			t.Fatalf("%s: %v, %v", network, answer, err)
		}
		s := answer.Answer[0].(*dns.SRV)
		if got := net.JoinHostPort("127.0.0.1", strconv.Itoa(int(s.Port))); got != r.SIP[0].TLS || s.Target != "fe1.contoso.test." {
			t.Errorf("%s: SRV names %s %s, the ready line %s", network, s.Target, got, r.SIP[0].TLS)
		}
		answer, _, err = client.Exchange(new(dns.Msg).SetQuestion("fe2.contoso.test.", dns.TypeAAAA), r.Resolver)
		if err != nil || len(answer.Answer) != 0 || answer.Rcode != dns.RcodeSuccess {
			t.Errorf("%s: AAAA of a host that listens on IPv4 only: %v, %v", network, answer, err)
		}
	}
}

func TestRealServersHaveCertificatesForAllTheirNames(t *testing.T) {
	c := company(t, Options{People: 12, Still: true})
	r, _ := listen(t, c)
	ca := roots(t, r.CA)
	for addr, names := range map[string][]string{
		r.SIP[0].TLS:                           {"contoso.test", "fe1.contoso.test", "sip.contoso.test", "127.0.0.1"},
		r.SIP[1].TLS:                           {"contoso.test", "fe2.contoso.test", "director.contoso.test"},
		strings.TrimPrefix(r.LDAP, "ldaps://"): {"ldap.contoso.test"},
		strings.TrimSuffix(r.XCAP[len("https://"):], "/xcap"): {"xcap.contoso.test", "localhost"},
	} {
		for _, name := range names {
			s, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: ca, ServerName: name})
			if err != nil {
				t.Errorf("%s as %s: %v", addr, name, err)
				continue
			}
			_ = s.Close()
		}
	}
	if _, err := tls.Dial("tcp", r.SIP[0].TLS, &tls.Config{RootCAs: ca, ServerName: "example.com"}); err == nil {
		t.Error("the certificate is good for example.com")
	}
}

func TestRealDirectoryOverLDAPSAndStartTLS(t *testing.T) {
	c := company(t, Options{People: 30, Still: true})
	r, _ := listen(t, c)
	secure := &tls.Config{RootCAs: roots(t, r.CA), ServerName: "ldap.contoso.test"}
	l, err := ldap.DialURL(r.LDAP, ldap.DialWithTLSConfig(secure))
	if err != nil {
		t.Fatal(err)
	}
	bindAndFindAnna(t, c, l)

	answer, _, err := new(dns.Client).Exchange(new(dns.Msg).SetQuestion("_ldap._tcp.contoso.test.", dns.TypeSRV), r.Resolver)
	if err != nil {
		t.Fatal(err)
	}
	l, err = ldap.DialURL("ldap://127.0.0.1:" + strconv.Itoa(int(answer.Answer[0].(*dns.SRV).Port)))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Bind("anna.albers@contoso.test", c.Newcomer().Password); !ldap.IsErrorWithCode(err, ldap.LDAPResultConfidentialityRequired) {
		t.Errorf("bind without TLS: %v", err)
	}
	if err := l.StartTLS(secure); err != nil {
		t.Fatal(err)
	}
	bindAndFindAnna(t, c, l)
}

func bindAndFindAnna(t *testing.T, c *Company, l *ldap.Conn) {
	t.Helper()
	defer l.Close() //nolint
	if err := l.Bind("anna.albers@contoso.test", c.Newcomer().Password); err != nil {
		t.Fatal(err)
	}
	found, err := l.Search(ldap.NewSearchRequest("dc=contoso,dc=test", ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false,
		"(msRTCSIP-PrimaryUserAddress=sip:anna.albers@contoso.test)", nil, nil))
	if err != nil || len(found.Entries) != 1 || found.Entries[0].GetAttributeValue("displayName") != "Anna Albers" {
		t.Errorf("found %v, %v", found, err)
	}
}

func TestBusyPortIsSaid(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()                                //nolint
	base := taken.Addr().(*net.TCPAddr).Port - baseDNS // the first to be opened
	c := company(t, Options{People: 2, Still: true})
	dir := filepath.Join(t.TempDir(), "lab")
	_, err = c.Listen("127.0.0.1", base, dir)
	if err == nil || !strings.Contains(err.Error(), taken.Addr().String()+" for DNS") || !strings.Contains(err.Error(), "--port-base") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("files were written although nothing listens")
	}
	if r, err := c.Listen("127.0.0.1", 0, dir); err != nil || !r.Ready {
		t.Errorf("second try: %v", err)
	}
}

func TestListenRefusesWhatCannotBe(t *testing.T) {
	c := company(t, Options{People: 1, Still: true})
	for _, bad := range []struct {
		host string
		base int
	}{{"example.com", 0}, {"127.0.0.1", -1}, {"127.0.0.1", 65000}, {"1.2.3", 0}} {
		if _, err := c.Listen(bad.host, bad.base, t.TempDir()); err == nil {
			t.Errorf("Listen(%q, %d) has no error", bad.host, bad.base)
		}
	}
	for _, o := range []Options{{Domain: "no domain"}, {Domain: "test"}, {People: -1}, {People: 1 << 20}, {FrontEnds: 10}} {
		if _, err := New(o); err == nil {
			t.Errorf("New(%+v) has no error", o)
		}
	}
}

func TestFolderOfOurOwnIsTakenAway(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	c := company(t, Options{People: 2, Still: true})
	r, err := c.Listen("127.0.0.1", 0, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(r.Users); err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Dir(r.Users)); !os.IsNotExist(err) {
		t.Errorf("the folder with the passwords is still there: %v", err)
	}
	if _, err := net.Dial("tcp", r.SIP[0].TLS); err == nil {
		t.Error("the port is still open")
	}
}

// The lab is started a second time in a folder, and cannot write: what was there
// stays, and nothing half-written is left.
func TestWriteFileKeepsTheOldOne(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "users.tsv")
	if err := writeFile(name, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(name, []byte("new"), 0o640); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(name); err != nil || string(b) != "new" {
		t.Errorf("%q, %v", b, err)
	}
	if st, err := os.Stat(name); err != nil || st.Mode().Perm() != 0o640 {
		t.Errorf("%v, %v", st, err)
	}
	taken := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(taken, "inside"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(taken, []byte("x"), 0o600); err == nil {
		t.Error("a folder was replaced by a file")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("left are %v, %v", left, err)
	}
}
