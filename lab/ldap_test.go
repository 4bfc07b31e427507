package lab

import (
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

const people = "ou=People,dc=contoso,dc=test"

// search gives the uids that a filter finds below base, sorted.
func search(t *testing.T, l *ldap.Conn, base string, scope int, filter string) []string {
	t.Helper()
	found, err := l.Search(ldap.NewSearchRequest(base, scope, ldap.NeverDerefAliases, 0, 0, false, filter, []string{"uid"}, nil))
	if err != nil {
		t.Fatalf("%s: %v", filter, err)
	}
	var uids []string
	for _, e := range found.Entries {
		uids = append(uids, e.GetAttributeValue("uid"))
	}
	slices.Sort(uids)
	return uids
}

func bound(t *testing.T, c *Company) *ldap.Conn {
	t.Helper()
	l := c.dialLDAP(t)
	if err := l.Bind("uid=anna.albers,"+people, c.Newcomer().Password); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestFilters(t *testing.T) {
	bubble(t, Options{People: 11, Still: true}, func(t *testing.T, c *Company) {
		l := bound(t, c)
		defer l.Close() //nolint
		for filter, want := range map[string]string{
			"(uid=Anna.Albers)":                     "[anna.albers]",
			"(mail=anna.albers@contoso.test)":       "[anna.albers]",
			"(cn=amélie fournier)":                  "[amelie.fournier]",
			"(cn=AMÉLIE  FOURNIER)":                 "[amelie.fournier]",
			"(displayName=*da*)":                    "[chen.dahl]",
			"(&(givenName=a*)(sn=*r))":              "[amelie.fournier]",
			"(cn=*an*)":                             "[anna.albers goran.kaya ivo.hansen jana.ito]",
			"(cn=A*e*r)":                            "[amelie.fournier]",
			"(|(uid=chen.dahl)(uid=dina.costa))":    "[chen.dahl dina.costa]",
			"(&(objectClass=person)(!(title=*e*)))": "[]",
			"(&(uid=*)(!(manager=*)))":              "[solveig.adeyemi]",
			"(manager=UID=Mireille.Lund, OU=People, DC=Contoso, DC=test)": "[chen.dahl]",
			"(&(manager=uid=anna.albers," + people + ")(cn=*o*))":         "[bruno.berg dina.costa goran.kaya ivo.hansen jana.ito]",
			"(telephoneNumber=+493055504711)":                             "[anna.albers]",
			"(telephoneNumber=*4711)":                                     "[anna.albers]",
			"(sn>=kaya)":                                                  "[goran.kaya mireille.lund samuel.okafor]",
			"(&(sn>=dahl)(sn<=hansen))":                                   "[amelie.fournier chen.dahl ivo.hansen]",
			"(nosuch=x)":                                                  "[]",
			"(!(nosuch=x))":                                               "[]", // undefined, not false
			"(|(nosuch=x)(uid=ivo.hansen))":                               "[ivo.hansen]",
			"(uid:caseExactMatch:=ivo.hansen)":                            "[]",
			`(cn=Anna\20Albers)`:                                          "[anna.albers]",
			"(|)":                                                         "[]",
			"(msRTCSIP-PrimaryUserAddress=sip:jana.ito@contoso.test)": "[jana.ito]",
		} {
			if got := fmt.Sprint(search(t, l, "dc=contoso,dc=test", ldap.ScopeWholeSubtree, filter)); got != want {
				t.Errorf("%s: %s, want %s", filter, got, want)
			}
		}
	})
}

func TestScopes(t *testing.T) {
	bubble(t, Options{People: 3, Still: true}, func(t *testing.T, c *Company) {
		l := bound(t, c)
		defer l.Close() //nolint
		anna := "uid=anna.albers," + people
		for _, s := range []struct {
			base  string
			scope int
			want  int
		}{
			{"", ldap.ScopeBaseObject, 1}, {"", ldap.ScopeWholeSubtree, 6}, {"", ldap.ScopeSingleLevel, 1},
			{"dc=contoso,dc=test", ldap.ScopeBaseObject, 1}, {"DC=Contoso, DC=Test", ldap.ScopeSingleLevel, 2},
			{"dc=contoso,dc=test", ldap.ScopeWholeSubtree, 6}, {"dc=contoso,dc=test", ldap.ScopeChildren, 5},
			{people, ldap.ScopeBaseObject, 1}, {people, ldap.ScopeSingleLevel, 3}, {people, ldap.ScopeWholeSubtree, 4}, {people, ldap.ScopeChildren, 3},
			{anna, ldap.ScopeBaseObject, 1}, {anna, ldap.ScopeSingleLevel, 0}, {anna, ldap.ScopeWholeSubtree, 1},
		} {
			if got := len(search(t, l, s.base, s.scope, "(objectClass=*)")); got != s.want {
				t.Errorf("%q %s: %d entries, want %d", s.base, ldap.ScopeMap[s.scope], got, s.want)
			}
		}
		_, err := l.Search(ldap.NewSearchRequest("uid=nobody,"+people, ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", nil, nil))
		if !ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject) {
			t.Errorf("search below nobody: %v", err)
		}
	})
}

func TestEntryAsTheDirectoryClientNeedsIt(t *testing.T) {
	bubble(t, Options{People: 11, Still: true}, func(t *testing.T, c *Company) {
		l := bound(t, c)
		defer l.Close() //nolint
		found, err := l.Search(ldap.NewSearchRequest("uid=anna.albers,"+people, ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{"*"}, nil))
		if err != nil {
			t.Fatal(err)
		}
		e := found.Entries[0]
		for name, want := range map[string]string{
			"objectClass": "top", "uid": "anna.albers", "cn": "Anna Albers", "sn": "Albers", "givenName": "Anna", "displayName": "Anna Albers",
			"mail": "anna.albers@contoso.test", "msRTCSIP-PrimaryUserAddress": "sip:anna.albers@contoso.test",
			"telephoneNumber": "+49 30 5550 4711", "title": "Team Lead", "department": "Engineering", "manager": "uid=chen.dahl,ou=people,dc=contoso,dc=test",
		} {
			if got := e.GetAttributeValue(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		found, err = l.Search(ldap.NewSearchRequest(e.DN, ldap.ScopeBaseObject, 0, 0, 0, true, "(objectClass=*)", []string{"CN"}, nil))
		if err != nil || len(found.Entries[0].Attributes) != 1 || len(found.Entries[0].Attributes[0].Values) != 0 {
			t.Errorf("types only: %v, %v", found.Entries[0], err)
		}
		found, err = l.Search(ldap.NewSearchRequest(e.DN, ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{"1.1"}, nil))
		if err != nil || len(found.Entries[0].Attributes) != 0 {
			t.Errorf("1.1: %v, %v", found.Entries[0], err)
		}
	})
}

func TestBinds(t *testing.T) {
	bubble(t, Options{People: 3, Still: true}, func(t *testing.T, c *Company) {
		l := c.dialLDAP(t)
		defer l.Close() //nolint
		root := ldap.NewSearchRequest("", ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{"namingContexts", "+"}, nil)
		found, err := l.Search(root)
		if err != nil || found.Entries[0].GetAttributeValue("namingContexts") != "dc=contoso,dc=test" {
			t.Errorf("root DSE before a bind: %v, %v", found, err)
		}
		everybody := ldap.NewSearchRequest("dc=contoso,dc=test", ldap.ScopeWholeSubtree, 0, 0, 0, false, "(objectClass=*)", nil, nil)
		if _, err := l.Search(everybody); !ldap.IsErrorWithCode(err, ldap.LDAPResultStrongAuthRequired) {
			t.Errorf("search before a bind: %v", err)
		}
		secret := c.Newcomer().Password
		for _, b := range []struct {
			name, password string
			code           uint16
		}{
			{"anna.albers@contoso.test", secret, ldap.LDAPResultSuccess},
			{"Anna.Albers@Contoso.test", secret, ldap.LDAPResultSuccess},
			{"UID=anna.albers,ou=People,dc=contoso,dc=test", secret, ldap.LDAPResultSuccess},
			{"anna.albers@contoso.test", secret + "x", ldap.LDAPResultInvalidCredentials},
			{"nobody@contoso.test", secret, ldap.LDAPResultInvalidCredentials},
			{"dc=contoso,dc=test", secret, ldap.LDAPResultInvalidCredentials},
		} {
			if err := l.Bind(b.name, b.password); b.code == 0 && err != nil || b.code != 0 && !ldap.IsErrorWithCode(err, b.code) {
				t.Errorf("bind as %q: %v, want code %d", b.name, err, b.code)
			}
		}
		if _, err := l.Search(everybody); !ldap.IsErrorWithCode(err, ldap.LDAPResultStrongAuthRequired) {
			t.Errorf("search after a failed bind: %v", err)
		}
		if err := l.UnauthenticatedBind("anna.albers@contoso.test"); !ldap.IsErrorWithCode(err, ldap.LDAPResultUnwillingToPerform) {
			t.Errorf("bind without password: %v", err)
		}
		if err := l.Bind("anna.albers@contoso.test", secret); err != nil {
			t.Fatal(err)
		}
		if who, err := l.WhoAmI(nil); err != nil || who.AuthzID != "u:anna.albers@contoso.test" {
			t.Errorf("who am I: %v, %v", who, err)
		}
		if err := l.Del(ldap.NewDelRequest("uid=anna.albers,"+people, nil)); !ldap.IsErrorWithCode(err, ldap.LDAPResultUnwillingToPerform) {
			t.Errorf("delete: %v", err)
		}
	})
}

func TestAnonymousSearchWhereAllowed(t *testing.T) {
	bubble(t, Options{People: 3, Still: true, AnonymousLDAP: true}, func(t *testing.T, c *Company) {
		l := c.dialLDAP(t)
		defer l.Close() //nolint
		if got := search(t, l, people, ldap.ScopeSingleLevel, "(cn=*)"); len(got) != 3 {
			t.Errorf("found %q", got)
		}
	})
}

func TestLimitsAndPages(t *testing.T) {
	bubble(t, Options{People: 2500, Still: true}, func(t *testing.T, c *Company) {
		l := bound(t, c)
		defer l.Close() //nolint
		ask := ldap.NewSearchRequest(people, ldap.ScopeSingleLevel, 0, 0, 0, false, "(objectClass=person)", []string{"uid"}, nil)
		if found, err := l.Search(ask); !ldap.IsErrorWithCode(err, ldap.LDAPResultAdminLimitExceeded) || len(found.Entries) != 1000 {
			t.Errorf("without pages: %v", err)
		}
		ask.SizeLimit = 7
		if found, err := l.Search(ask); !ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded) || len(found.Entries) != 7 {
			t.Errorf("size limit: %v", err)
		}
		ask.SizeLimit = 0
		found, err := l.SearchWithPaging(ask, 600)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, e := range found.Entries {
			seen[e.DN] = true
		}
		if len(found.Entries) != 2500 || len(seen) != 2500 {
			t.Errorf("with pages: %d entries, %d different", len(found.Entries), len(seen))
		}
		wrong := ldap.NewControlPaging(10)
		wrong.SetCookie([]byte("no such cookie"))
		ask.Controls = []ldap.Control{wrong}
		if _, err := l.Search(ask); !ldap.IsErrorWithCode(err, ldap.LDAPResultUnwillingToPerform) {
			t.Errorf("unknown cookie: %v", err)
		}
		ask.Controls = []ldap.Control{ldap.NewControlString("1.2.3.4", true, "")}
		if _, err := l.Search(ask); !ldap.IsErrorWithCode(err, ldap.LDAPResultUnavailableCriticalExtension) {
			t.Errorf("unknown critical control: %v", err)
		}
	})
}

// A plain-text scenario: bytes written from RFC 4511, no codec of ours or of the library.
func TestBytesOfABind(t *testing.T) {
	bubble(t, Options{People: 1, Still: true}, func(t *testing.T, c *Company) {
		s := c.dialTLS(t, "ldap.contoso.test:636")
		defer s.Close() //nolint
		exchange := func(sent, want string) {
			t.Helper()
			if _, err := s.Write([]byte(sent)); err != nil {
				t.Fatal(err)
			}
			b := make([]byte, 512)
			_ = s.SetReadDeadline(time.Now().Add(time.Minute))
			n, err := s.Read(b)
			if got := string(b[:n]); got != want {
				t.Errorf("sent %q\ngot  %q, %v\nwant %q", sent, got, err, want)
			}
		}
		// an anonymous bind, its success
		exchange("0\x0c\x02\x01\x01`\x07\x02\x01\x03\x04\x00\x80\x00", "0\x0c\x02\x01\x01a\x07\x0a\x01\x00\x04\x00\x04\x00")
		// version 2
		exchange("0\x0c\x02\x01\x02`\x07\x02\x01\x02\x04\x00\x80\x00", "0\x1c\x02\x01\x02a\x17\x0a\x01\x02\x04\x00\x04\x10the version is 3")
		// no BER sequence at all: notice of disconnection (RFC 4511 §4.4.1), then the end
		exchange("GET / HTTP/1.1\r\n\r\n", "0N\x02\x01\x00xI\x0a\x01\x02\x04\x00\x04*a message is a sequence of definite length\x8a\x161.3.6.1.4.1.1466.20036")
		if n, err := s.Read(make([]byte, 1)); err == nil {
			t.Errorf("%d more bytes", n)
		}
	})
}

// capturedSearch is what ldapsearch of OpenLDAP 2.5.13 sends for a search with
// pages of two.
const capturedSearch = "0\x81\xa1\x02\x01\x02cw\x04\x12dc=contoso,dc=test\n\x01\x02\n\x01\x00\x02\x01\x00\x02\x01\x00\x01\x01\x00" +
	"\xa0L\xa4\x11\x04\x02cn0\x0b\x80\x02an\x81\x01l\x82\x02rs\xa2\t\xa5\x07\x04\x02sn\x04\x01b\xa1,\xa3\x08\x04\x03uid\x04\x01x" +
	"\xa3 \x04\x04mail\x04\x18anna.albers@contoso.test0\x04\x04\x02cn\xa0#0!\x04\x161.2.840.113556.1.4.319\x04\x070\x05\x02\x01\x02\x04\x00"

// The answer is written from RFC 4511 §4.5.2 and RFC 2696.
func TestBytesOfASearchByOpenLDAP(t *testing.T) {
	bubble(t, Options{People: 11, Still: true, AnonymousLDAP: true}, func(t *testing.T, c *Company) {
		s := c.dialTLS(t, "ldap.contoso.test:636")
		defer s.Close() //nolint
		if _, err := io.WriteString(s, capturedSearch); err != nil {
			t.Fatal(err)
		}
		want := "0J\x02\x01\x02dE\x04,uid=anna.albers,ou=people,dc=contoso,dc=test0\x150\x13\x04\x02cn1\x0d\x04\x0bAnna Albers" +
			"01\x02\x01\x02e\x07\x0a\x01\x00\x04\x00\x04\x00\xa0#0!\x04\x161.2.840.113556.1.4.319\x04\x070\x05\x02\x01\x01\x04\x00"
		b := make([]byte, len(want))
		_ = s.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := io.ReadFull(s, b); err != nil || string(b) != want {
			t.Errorf("got  %q, %v\nwant %q", b, err, want)
		}
	})
}

// frames are what clients send, in bytes: for the fuzzers.
func frames() [][]byte {
	m := func(op *ber.Packet, controls ...ldap.Control) []byte { return message(1, op, controls...) }
	bind := ber.Encode(ber.ClassApplication, ber.TypeConstructed, ldap.ApplicationBindRequest, nil, "")
	bind.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, 3, ""))
	bind.AppendChild(octets("anna.albers@contoso.test"))
	bind.AppendChild(ber.NewString(ber.ClassContext, ber.TypePrimitive, 0, "secret", ""))
	all := [][]byte{
		m(bind), []byte("0\x0c\x02\x01\x01`\x07\x02\x01\x03\x04\x00\x80\x00"), []byte(capturedSearch),
		m(ber.NewString(ber.ClassApplication, ber.TypePrimitive, ldap.ApplicationUnbindRequest, "", "")),
		[]byte("0\x84\x00\x00\x00\x00"), []byte("GET / HTTP/1.1\r\n"), {0x30, 0x80, 0, 0}, {0x30, 0x84, 0xff, 0xff, 0xff, 0xff},
	}
	for _, filter := range []string{"(objectClass=*)", "(&(cn=*a*b*)(!(sn>=x))(|(uid=a)(uid=b)))", "(cn~=x)", "(cn:dn:2.4.6:=x)"} {
		f, _ := ldap.CompileFilter(filter)
		op := ber.Encode(ber.ClassApplication, ber.TypeConstructed, ldap.ApplicationSearchRequest, nil, "")
		op.AppendChild(octets("dc=contoso,dc=test"))
		for range 2 {
			op.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, 2, ""))
		}
		for range 2 {
			op.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, 0, ""))
		}
		op.AppendChild(ber.NewBoolean(ber.ClassUniversal, ber.TypePrimitive, ber.TagBoolean, false, ""))
		op.AppendChild(f)
		op.AppendChild(ber.NewSequence(""))
		all = append(all, m(op, ldap.NewControlPaging(2)))
	}
	return all
}

// Whatever a client sends, the server answers or hangs up, and lives.
func FuzzLDAP(f *testing.F) {
	for _, b := range frames() {
		f.Add(b)
	}
	s := newStaff("contoso.test", 12)
	server := &ldapServer{tree: newTree("contoso.test", s), anonymous: true}
	f.Fuzz(func(t *testing.T, sent []byte) {
		client, end := pipe()
		done := make(chan struct{})
		go func() { server.serve(end, true); close(done) }() // ends with the pipe
		go func() { _, _ = client.Write(sent); _ = client.CloseWrite() }()
		_, _ = io.Copy(io.Discard, client)
		<-done
		_ = client.Close()
	})
}

func FuzzFilter(f *testing.F) {
	for _, s := range []string{"(cn=*)", "(&(objectClass=person)(|(cn=*da*)(mail=d*)))", "(!(sn<=x))", "(manager=uid=a\\2cb,dc=c)", "(|)", "(telephoneNumber=+49*11)"} {
		f.Add(s)
	}
	tree := newTree("contoso.test", newStaff("contoso.test", 12))
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ldap.CompileFilter(text)
		if err != nil {
			return
		}
		if p, err = ber.DecodePacketErr(p.Bytes()); err != nil {
			return
		}
		terms := filterTerms
		q, err := readFilter(p, 0, &terms)
		if err != nil {
			return
		}
		// the index only saves time
		found := tree.search(ldapEntry{tree, unitEntry}, ldap.ScopeSingleLevel, &q)
		var slow []int
		for at := range tree.staff.people {
			if q.match(ldapEntry{tree, at}) == yes {
				slow = append(slow, at)
			}
		}
		if !slices.Equal(found, slow) {
			t.Errorf("%s: %v with the index, %v without", text, found, slow)
		}
	})
}

func BenchmarkFindAmong100000(b *testing.B) {
	tree := newTree("contoso.test", newStaff("contoso.test", 100_000))
	for name, text := range map[string]string{
		"Substring": "(|(displayName=*lber*)(mail=*lber*)(telephoneNumber=*lber*))",
		"Manager":   "(manager=uid=anna.albers,ou=people,dc=contoso,dc=test)",
	} {
		p, _ := ldap.CompileFilter(text)
		p, _ = ber.DecodePacketErr(p.Bytes())
		terms := filterTerms
		q, err := readFilter(p, 0, &terms)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				tree.search(ldapEntry{tree, unitEntry}, ldap.ScopeSingleLevel, &q)
			}
		})
	}
}

func BenchmarkStart(b *testing.B) {
	for _, n := range []int{200, 5000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				c, err := New(Options{People: n, Still: true})
				if err != nil {
					b.Fatal(err)
				}
				_ = c.Close()
			}
		})
	}
}
