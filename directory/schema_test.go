package directory

import (
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
)

// Active Directory without LCS is not asked for its attributes, and describes
// what it has once.
func TestSearchedAttributes(t *testing.T) {
	s := (&server{entries: company(), code: ldap.LDAPResultOperationsError}).start(t, false)
	s.root = []string{"dsServiceName=CN=NTDS Settings,CN=dc1", "highestCommittedUSN=1", "schemaNamingContext=CN=Schema," + base}
	for _, name := range []string{"mail", "displayName", "cn", "Department"} {
		s.entries = append(s.entries, ldap.NewEntry("CN="+name+",CN=Schema,"+base, map[string][]string{"objectClass": {"attributeSchema"}, "lDAPDisplayName": {name}}))
	}
	d := s.directory(Options{User: "anna@contoso.test", Password: password("secret")})
	for range 2 {
		if p, err := d.Person(t.Context(), "bob@contoso.test"); err != nil || p.User != "bob@contoso.test" {
			t.Errorf("%+v, %v", p, err)
		}
	}
	if found, _, err := d.Find(t.Context(), "bob", 10); err != nil || len(found) != 1 {
		t.Errorf("%v, %v", found, err)
	}
	if len(s.searches) != 4 || !strings.Contains(s.searches[0], "attributeSchema") {
		t.Errorf("%d searches: %v", len(s.searches), s.searches)
	}
	for _, f := range s.searches[1:] {
		if strings.Contains(f, "msRTCSIP") || strings.Contains(f, "(ou=") || !strings.Contains(f, "(mail=bob") {
			t.Errorf("searched with %s", f)
		}
	}
}
