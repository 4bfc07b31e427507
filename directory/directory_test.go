package directory

import (
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
)

func users(people []Person) string {
	var u []string
	for _, p := range people {
		name, _, _ := strings.Cut(p.User, "@")
		if name == "" {
			name = "(" + p.Name + ")"
		}
		u = append(u, name)
	}
	return strings.Join(u, " ")
}

// company is ceo > vp > {chen > {anna > {bob, carol}, dina}, eva}.
func company() []*ldap.Entry {
	return []*ldap.Entry{
		worker("ceo", ""), worker("vp", "ceo"), worker("chen", "vp"), worker("eva", "vp"),
		worker("anna", "chen", "title=Engineer", "department=Research", "telephoneNumber=+49 30 1234-567", "mobile=+49 170 1"),
		worker("dina", "chen"), worker("bob", "anna"), worker("carol", "anna"),
	}
}

func TestChart(t *testing.T) {
	s := (&server{entries: company(), anonymous: true}).start(t, false)
	d := s.directory(Options{})
	for _, c := range []struct{ user, want string }{
		{"anna@contoso.test", "manager chen; second vp; peers dina; reports bob carol; everyone bob carol chen dina eva"},
		{"Anna@Contoso.Test", "manager chen; second vp; peers dina; reports bob carol; everyone bob carol chen dina eva"},
		{"vp@contoso.test", "manager ceo; second ; peers ; reports chen eva; everyone "},
		{"ceo@contoso.test", "manager ; second ; peers ; reports vp; everyone "},
		{"bob@contoso.test", "manager anna; second chen; peers carol; reports ; everyone anna carol dina"},
	} {
		chart, err := d.Chart(t.Context(), c.user)
		if err != nil {
			t.Errorf("%s: %v", c.user, err)
			continue
		}
		if got := say(chart); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.user, got, c.want)
		}
	}
	if got, err := d.Under(t.Context(), "vp@contoso.test"); err != nil || users(got) != "anna bob carol chen dina eva" {
		t.Errorf("under vp: %s, %v", users(got), err)
	}
	_, err := d.Chart(t.Context(), "zoe@contoso.test")
	if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "zoe@contoso.test") {
		t.Errorf("somebody who is not there: %v", err)
	}
}

func say(c Chart) string {
	one := func(p *Person) string {
		if p == nil {
			return ""
		}
		return users([]Person{*p})
	}
	incomplete := ""
	if c.Incomplete {
		incomplete = " (incomplete)"
	}
	return fmt.Sprintf("manager %s; second %s; peers %s; reports %s; everyone %s%s",
		one(c.Manager), one(c.SecondManager), users(c.Peers), users(c.Reports), users(c.Everyone), incomplete)
}

// The manager attribute may be wrong in every way.
func TestChartOddities(t *testing.T) {
	for _, c := range []struct {
		what    string
		entries []*ldap.Entry
		want    string
	}{
		{"one's own manager", []*ldap.Entry{worker("anna", "anna"), worker("bob", "anna")},
			"manager ; second ; peers ; reports bob; everyone "},
		{"two who manage each other", []*ldap.Entry{worker("anna", "bob"), worker("bob", "anna"), worker("carol", "bob")},
			"manager bob; second ; peers carol; reports bob; everyone "},
		{"a loop above", []*ldap.Entry{worker("anna", "bob"), worker("bob", "carol"), worker("carol", "bob")},
			"manager bob; second carol; peers carol; reports ; everyone bob"},
		{"a loop of three", []*ldap.Entry{worker("anna", "bob"), worker("bob", "carol"), worker("carol", "anna")},
			"manager bob; second carol; peers ; reports carol; everyone bob"},
		{"a manager who is not there", []*ldap.Entry{worker("anna", "gone"), worker("bob", "gone")},
			"manager ; second ; peers ; reports ; everyone "},
		{"a manager that is no name", []*ldap.Entry{worker("anna", "", "manager=the boss")},
			"manager ; second ; peers ; reports ; everyone "},
		{"another spelling", []*ldap.Entry{worker("anna", "", "manager=UID=Bob, OU=people,DC=Contoso,DC=test"), worker("bob", "")},
			"manager bob; second ; peers ; reports ; everyone "},
		{"somebody without address", []*ldap.Entry{worker("anna", "bob"), worker("bob", "carol"), worker("carol", ""), entry("dora", "cn=Dora", "manager="+dn("bob"))},
			"manager bob; second carol; peers (Dora); reports ; everyone bob (Dora)"},
		{"one person twice", []*ldap.Entry{worker("anna", "bob"), worker("bob", ""), worker("dora", "bob"), entry("dora2", "cn=Dora B", "mail=Dora@contoso.test", "manager="+dn("bob"))},
			"manager bob; second ; peers dora; reports ; everyone "},
		{"a manager whose account is disabled", []*ldap.Entry{worker("anna", "bob"), worker("bob", "", "userAccountControl=514"), worker("carol", "bob")},
			"manager bob; second ; peers carol; reports ; everyone "},
	} {
		t.Run(c.what, func(t *testing.T) {
			s := (&server{entries: c.entries, anonymous: true}).start(t, false)
			chart, err := s.directory(Options{}).Chart(t.Context(), "anna@contoso.test")
			if got := say(chart); err != nil || got != c.want {
				t.Errorf("\n got %s, %v\nwant %s", got, err, c.want)
			}
		})
	}
}

// Three thousand reports come in pages; nobody is lost.
func TestChartLarge(t *testing.T) {
	entries := []*ldap.Entry{worker("top", ""), worker("chen", "top"), worker("anna", "chen")}
	for i := range 3000 {
		entries = append(entries, worker(fmt.Sprintf("w%04d", i), "chen"))
	}
	s := (&server{entries: entries, anonymous: true}).start(t, false)
	d := s.directory(Options{})
	chart, err := d.Chart(t.Context(), "anna@contoso.test")
	if err != nil || len(chart.Peers) != 3000 || len(chart.Everyone) != 3001 || chart.Incomplete {
		t.Fatalf("%d peers, %d in all, incomplete %v, %v", len(chart.Peers), len(chart.Everyone), chart.Incomplete, err)
	}
	if all, err := d.Filter(t.Context(), "manager="+dn("chen")); err != nil || len(all) != 3001 {
		t.Errorf("filter: %d, %v", len(all), err)
	}
	if found, more, err := d.Find(t.Context(), "w", 600); err != nil || len(found) != 600 || !more {
		t.Errorf("find: %d, more %v, %v", len(found), more, err)
	}
}

// OpenLDAP tells at most 500 in one search, pages or not; nobody is lost as long
// as no single manager has more.
func TestChartLimitedServer(t *testing.T) {
	entries := []*ldap.Entry{worker("top", ""), worker("chen", "top"), worker("anna", "chen")}
	for i := range 600 {
		if i < 20 {
			entries = append(entries, worker(fmt.Sprintf("m%03d", i), "top"))
		}
		entries = append(entries, worker(fmt.Sprintf("w%03d", i), fmt.Sprintf("m%03d", i%20)))
	}
	s := (&server{entries: entries, anonymous: true, hard: 100}).start(t, false)
	chart, err := s.directory(Options{}).Chart(t.Context(), "anna@contoso.test")
	if err != nil || len(chart.Everyone) != 621 || chart.Incomplete {
		t.Errorf("%d in all, incomplete %v, %v", len(chart.Everyone), chart.Incomplete, err)
	}
	for i := range 100 { // with more under one manager the rest stays unknown, and it is said
		s.entries = append(s.entries, worker(fmt.Sprintf("x%03d", i), "chen"))
	}
	if chart, err = s.directory(Options{}).Chart(t.Context(), "anna@contoso.test"); err != nil || !chart.Incomplete || len(chart.Peers) == 0 {
		t.Errorf("%d peers, incomplete %v, %v", len(chart.Peers), chart.Incomplete, err)
	}
	if _, err := s.directory(Options{}).Under(t.Context(), "chen@contoso.test"); err == nil || !strings.Contains(err.Error(), "does not tell everybody") {
		t.Errorf("under: %v", err)
	}
}

func TestFind(t *testing.T) {
	s := (&server{anonymous: true, entries: []*ldap.Entry{
		worker("anna", "", "displayName=Anna Albers", "title=Engineer", "department=Research", "physicalDeliveryOfficeName=B 12",
			"telephoneNumber=+49 30 1234-567", "mobile=+49 170 1", "homePhone=+49 30 99", "jpegPhoto=huge"),
		entry("annika", "cn=Annika Öberg", "msRTCSIP-PrimaryUserAddress=SIP:Annika@CONTOSO.test", "mail=other@contoso.test"),
		entry("bob", "cn=Bob Annan", "proxyAddresses=smtp:b@x.test", "proxyAddresses=sip:bob@contoso.test", "department=Sales (north)"),
		entry("printer", "cn=Annex printer", "objectClass=computer", "mail=p@contoso.test"),
		entry("left", "cn=Anna Left", "mail=left@contoso.test", "userAccountControl=514"),
		entry("evil", "cn=An\x1b[2J\u202Ena * (x)", "mail=e v@contoso.test", "title="+strings.Repeat("x", 5000)),
	}}).start(t, false)
	d := s.directory(Options{})
	for _, c := range []struct{ text, want string }{
		{"ann", "anna Annika bob"},
		{"ANNA albers", "anna"},
		{"albers ann", "anna"},
		{"öberg", "Annika"},
		{"annika@contoso.test", "Annika"},
		{"research", "anna"},
		{"b 12", "anna"},
		{"030 1234", "anna"},
		{"1234567", ""}, // gldap's server compares characters; real ones leave out the hyphen
		{"(x)", "(An[2Jna * (x))"},
		{"*", "anna Annika bob (An[2Jna * (x))"},
		{"zzz", ""},
		{"  ", ""},
	} {
		found, more, err := d.Find(t.Context(), c.text, 10)
		if got := users(found); err != nil || more || got != c.want {
			t.Errorf("%q: %s, more %v, %v; want %s", c.text, got, more, err, c.want)
		}
	}
	p, err := d.Person(t.Context(), "anna@contoso.test")
	want := Person{User: "anna@contoso.test", Name: "Anna Albers", Title: "Engineer", Department: "Research", Office: "B 12", DN: dn("anna"),
		Mail: "anna@contoso.test", Key: "uid=anna,ou=people,dc=contoso,dc=test",
		Numbers: []Number{{"work", "+49 30 1234-567"}, {"mobile", "+49 170 1"}, {"home", "+49 30 99"}}}
	if err != nil || !reflect.DeepEqual(p, want) {
		t.Errorf("person %+v, %v\nwant %+v", p, err, want)
	}
	if found, more, err := d.Find(t.Context(), "ann", 2); err != nil || len(found) != 2 || !more {
		t.Errorf("find with a limit: %s, more %v, %v", users(found), more, err)
	}
	if found, err := d.Filter(t.Context(), "(department=Sales \\28north\\29)"); err != nil || users(found) != "bob" {
		t.Errorf("filter: %s, %v", users(found), err)
	}
	var bad *Error
	if _, err := d.Filter(t.Context(), "(department=Sales"); !errors.As(err, &bad) || bad.Remedy == "" {
		t.Errorf("broken filter: %v", err)
	}
	for _, f := range s.searches {
		if strings.Contains(f, "(x)") && !strings.Contains(f, `\28x\29`) {
			t.Errorf("not escaped: %s", f)
		}
	}
}

func password(p string) func() (string, error) { return func() (string, error) { return p, nil } }

// Anonymous first; with a name where the server wants one, however it says so.
func TestSignIn(t *testing.T) {
	for what, code := range map[string]int{
		"strong authentication required": ldap.LDAPResultStrongAuthRequired,
		"insufficient rights":            ldap.LDAPResultInsufficientAccessRights,
		"operations error":               ldap.LDAPResultOperationsError,
		"no such object":                 ldap.LDAPResultNoSuchObject,
		"finds nothing":                  ldap.LDAPResultSuccess,
	} {
		t.Run(what, func(t *testing.T) {
			s := (&server{entries: company(), code: code}).start(t, false)
			d := s.directory(Options{User: "anna@contoso.test", Password: password("secret")})
			for range 2 {
				if found, _, err := d.Find(t.Context(), "bob", 10); err != nil || users(found) != "bob" {
					t.Errorf("found %s, %v", users(found), err)
				}
			}
			if s.dialled != 1 || len(s.binds) != 1 {
				t.Errorf("%d connections, binds %v; want one of each", s.dialled, s.binds)
			}
		})
	}
}

func TestSignInRefused(t *testing.T) {
	s := (&server{entries: company(), code: ldap.LDAPResultStrongAuthRequired}).start(t, false)
	d := s.directory(Options{User: "anna@contoso.test", Password: password("wrong")})
	for range 3 {
		_, _, err := d.Find(t.Context(), "bob", 10)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(e.What, "name or password of anna@contoso.test") || e.Remedy == "" {
			t.Errorf("error %v", err)
		}
	}
	if len(s.binds) != 1 {
		t.Errorf("a wrong password was tried %d times: that locks accounts", len(s.binds))
	}
	_, err := s.directory(Options{}).Chart(t.Context(), "anna@contoso.test")
	if err == nil || !strings.Contains(err.Error(), "refuses the search") {
		t.Errorf("no name set: %v", err)
	}
	_, err = s.directory(Options{User: "anna@contoso.test", Password: func() (string, error) { return "", errors.New("no keyring") }}).Chart(t.Context(), "a@b")
	if err == nil || !strings.Contains(err.Error(), "no keyring") {
		t.Errorf("no password: %v", err)
	}
}

func TestStartTLS(t *testing.T) {
	s := (&server{entries: company(), anonymous: true}).start(t, true)
	d := s.directory(Options{URL: "ldap://localhost:" + strconv.Itoa(s.port)})
	if found, _, err := d.Find(t.Context(), "bob", 10); err != nil || users(found) != "bob" {
		t.Errorf("found %s, %v", users(found), err)
	}
}

// A broken connection is made again, once, and then said.
func TestReconnect(t *testing.T) {
	s := (&server{entries: company(), anonymous: true}).start(t, false)
	d := s.directory(Options{})
	for range 3 {
		if found, _, err := d.Find(t.Context(), "bob", 10); err != nil || users(found) != "bob" {
			t.Errorf("found %s, %v", users(found), err)
		}
		s.cut()
	}
	if s.dialled != 3 {
		t.Errorf("%d connections, want 3", s.dialled)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if _, _, err := d.Find(t.Context(), "bob", 10); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("after Close: %v", err)
	}
}

func TestErrors(t *testing.T) {
	s := (&server{entries: company(), anonymous: true, referral: true}).start(t, false)
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { // ends with Close; says nothing sensible
		for {
			nc, err := plain.Accept()
			if err != nil {
				return
			}
			_, _ = nc.Write([]byte("220 smtp.contoso.test ESMTP\r\n"))
			_ = nc.Close()
		}
	}()
	t.Cleanup(func() { _ = plain.Close() })
	_, plainPort, _ := net.SplitHostPort(plain.Addr().String())
	port := strconv.Itoa(s.port)
	for _, c := range []struct{ what, url, want, remedy string }{
		{"referral", "", "points to another directory", "search base"},
		{"nobody listens", "ldaps://localhost:1", "does not answer", "network"},
		{"certificate of another name", "ldaps://ldap.other.test:" + port, "certificate is for another name", "administrator"},
		{"not LDAP", "ldaps://localhost:" + plainPort, "could not be reached securely", "administrator"},
		{"not LDAP, StartTLS", "ldap://localhost:" + plainPort, "could not be reached securely", "administrator"},
		{"other scheme", "http://localhost", "neither with ldaps", "Set it like"},
		{"no host", "ldaps://", "names no computer", "Set it like"},
		{"name in URL", "ldaps://anna:secret@localhost", "must not carry", "Set it like"},
		{"no URL", "::", "it is no URL", "Set it like"},
	} {
		_, _, err := s.directory(Options{URL: c.url}).Find(t.Context(), "bob", 10)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) || !strings.Contains(e.Remedy, c.remedy) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
	untrusted := New(Options{URL: "ldaps://localhost:" + port})
	if _, _, err := untrusted.Find(t.Context(), "bob", 10); err == nil || !strings.Contains(err.Error(), "nobody this computer trusts") {
		t.Errorf("unknown issuer: %v", err)
	}
}

// A server that never answers does not hold anybody longer than he waits.
func TestContext(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // the test ends
	for _, scheme := range []string{"ldap", "ldaps"} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, err = New(Options{URL: scheme + "://" + l.Addr().String()}).Chart(ctx, "anna@contoso.test")
		cancel()
		if err == nil || !strings.Contains(err.Error(), "took too long") {
			t.Errorf("%s: %v", scheme, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = New(Options{URL: "ldaps://" + l.Addr().String()}).Chart(ctx, "anna@contoso.test"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// The largest message is bounded, whatever the server claims.
func TestLimited(t *testing.T) {
	for what, c := range map[string]struct {
		in string
		ok bool
	}{
		"short messages":    {"\x30\x02\x02\x00\x30\x81\x01x\x30\x00", true},
		"long form":         {"\x30\x82\x00\x03abc\x30\x84\x00\x00\x00\x01x", true},
		"two gigabytes":     {"\x30\x84\x7f\xff\xff\xff", false},
		"indefinite length": {"\x30\x80", false},
		"not BER":           {"HTTP/1.1 400", false},
	} {
		for size := 1; size < 4; size++ {
			a, b := net.Pipe()
			go func() { // ends with the pipe
				_, _ = a.Write([]byte(c.in))
				_ = a.Close()
			}()
			l, got, err := &limited{Conn: b}, "", error(nil)
			l.most.Store(maxMessage)
			for err == nil {
				buf := make([]byte, size)
				var n int
				n, err = l.Read(buf)
				got += string(buf[:n])
			}
			if ok := !errors.Is(err, errMessage); ok != c.ok || ok && got != c.in {
				t.Errorf("%s, read by %d: %q, %v", what, size, got, err)
			}
			_ = b.Close()
		}
	}
}

func TestKey(t *testing.T) {
	same := []string{"uid=bob,ou=People,dc=contoso,dc=test", "UID=Bob, OU=people ,DC=contoso,DC=test", `uid=\62ob,ou=people,dc=contoso,dc=test`}
	for _, dn := range same {
		if key(dn) != key(same[0]) {
			t.Errorf("%q is not as %q", dn, same[0])
		}
	}
	if key("cn=a+sn=b,dc=x") != key("SN=b+CN=a,dc=x") || key("not a name") == "" || key("uid=bob") == key("uid=bo") {
		t.Error("wrong key")
	}
}
