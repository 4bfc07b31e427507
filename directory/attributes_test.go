package directory

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
)

// Where the addresses are in Active Directory, and who has two.
func TestAddresses(t *testing.T) {
	for _, c := range []struct{ what, user, aliases string }{
		{"", "", ""},
		{"mail=anna@contoso.test", "anna@contoso.test", ""},
		{"proxyAddresses=SMTP:anna@contoso.test;proxyAddresses=x500:/o=x;proxyAddresses=SIP:Anna@CONTOSO.test", "Anna@contoso.test", ""},
		{"proxyAddresses=sip:a@contoso.test;proxyAddresses=sip:b@contoso.test;mail=a.b@contoso.test;sAMAccountName=aab", "a@contoso.test", "b@contoso.test a.b@contoso.test aab"},
		{"msRTCSIP-PrimaryUserAddress=sip:anna@contoso.test;mail=anna@contoso.test;sAMAccountName=ANNA", "anna@contoso.test", ""},
		{"msRTCSIP-PrimaryUserAddress=anna;mail=anna@contoso.test;mail=nonsense", "anna@contoso.test", ""},
		{"sAMAccountName=anna", "", "anna"},
	} {
		e := entry("x", append(strings.Split(c.what, ";"), "cn=Anna")...)
		e.Attributes = slices.DeleteFunc(e.Attributes, func(a *ldap.EntryAttribute) bool { return a.Name == "uid" })
		p, ok := DefaultAttributes().person(e)
		if got := strings.Join(p.Aliases, " "); !ok || p.User != c.user || got != c.aliases {
			t.Errorf("%s: address %q, aliases %q; want %q, %q", c.what, p.User, got, c.user, c.aliases)
		}
	}
}

// An administrator names other attributes; the search asks for those.
func TestOtherAttributes(t *testing.T) {
	s := (&server{anonymous: true, entries: []*ldap.Entry{
		entry("anna", "cn=Anna", "imAddress=anna@contoso.test", "mail=other@contoso.test", "boss="+dn("bob"), "homeTelephone=+49 30 9"),
		entry("bob", "cn=Bob", "imAddress=sip:bob@contoso.test"),
	}}).start(t, false)
	d := s.directory(Options{Attributes: Attributes{Address: []string{"imAddress"}, Manager: []string{"boss"}, Home: []string{"homeTelephone"}}})
	chart, err := d.Chart(t.Context(), "anna@contoso.test")
	if err != nil || chart.Manager == nil || chart.Manager.User != "bob@contoso.test" || len(chart.Self.Numbers) != 1 {
		t.Errorf("%+v, %v", chart, err)
	}
	if chart, err = d.Chart(t.Context(), "bob@contoso.test"); err != nil || users(chart.Reports) != "anna" {
		t.Errorf("reports %s, %v", users(chart.Reports), err)
	}
	var bad *Error
	_, _, err = s.directory(Options{Attributes: Attributes{Title: []string{"title)(cn=*"}}}).Find(t.Context(), "anna", 1)
	if !errors.As(err, &bad) || !strings.Contains(bad.Why, "not the name of an attribute") {
		t.Errorf("a name that would break a filter: %v", err)
	}
	if err := (Attributes{Key: make([]string, 11)}).Check(); err == nil {
		t.Error("eleven empty names are taken")
	}
}

// A person found by another of their addresses.
func TestPersonByAlias(t *testing.T) {
	s := (&server{anonymous: true, entries: []*ldap.Entry{
		entry("anna", "cn=Anna", "proxyAddresses=sip:anna@contoso.test", "mail=anna.albers@contoso.test"),
		entry("team", "cn=Team", "mail=team@contoso.test"), entry("bob", "cn=Bob", "proxyAddresses=sip:bob@contoso.test", "mail=team@contoso.test"),
	}}).start(t, false)
	d := s.directory(Options{})
	for user, want := range map[string]string{"anna.albers@contoso.test": "Anna", "team@contoso.test": "Team"} {
		if p, err := d.Person(t.Context(), user); err != nil || p.Name != want {
			t.Errorf("%s is %q, %v", user, p.Name, err)
		}
	}
}

func TestBindName(t *testing.T) {
	for _, c := range [][3]string{
		{"", "anna@contoso.test", "anna@contoso.test"},
		{"uid=%u,ou=people,dc=contoso,dc=test", "anna@contoso.test", "uid=anna,ou=people,dc=contoso,dc=test"},
		{"uid=%u,dc=contoso", "a,dc=x@contoso.test", `uid=a\,dc=x,dc=contoso`},
		{"CORP\\%u", "anna@contoso.test", `CORP\anna`},
	} {
		if got := BindName(c[0], c[1]); got != c[2] {
			t.Errorf("%s with %s: %s, want %s", c[1], c[0], got, c[2])
		}
	}
}
