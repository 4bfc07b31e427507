package lab

import (
	"bytes"
	"image"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
)

// One in twenty is there a second time, with the same address and another
// number; some have a photograph; the server's own attributes come when asked for.
func TestContactsOfAnotherForest(t *testing.T) {
	bubble(t, Options{People: 60, Still: true}, func(t *testing.T, c *Company) {
		l := bound(t, c)
		defer l.Close() //nolint
		const base, outer = "dc=contoso,dc=test", "ou=contacts,dc=contoso,dc=test"
		user := c.People()[contactEvery-1].User
		both, err := l.Search(ldap.NewSearchRequest(base, ldap.ScopeWholeSubtree, 0, 0, 0, false, "(|(proxyAddresses=sip:"+user+")(mail="+user+"))", []string{"*", "entryUUID"}, nil))
		if err != nil || len(both.Entries) != 2 || !strings.HasSuffix(both.Entries[1].DN, outer) {
			t.Fatalf("%v, %v", both, err)
		}
		own, contact := both.Entries[0], both.Entries[1]
		for _, name := range []string{"telephoneNumber", "entryUUID", "title"} {
			if own.GetAttributeValue(name) == contact.GetAttributeValue(name) {
				t.Errorf("both have %s %q", name, own.GetAttributeValue(name))
			}
		}
		if n := len(search(t, l, outer, ldap.ScopeSingleLevel, "(objectClass=person)")); n != 3 {
			t.Errorf("%d contacts of 60 people, want 3", n)
		}
		if n := len(search(t, l, contact.DN, ldap.ScopeBaseObject, "(objectClass=*)")); n != 1 {
			t.Errorf("%s: %d entries", contact.DN, n)
		}
		first, err := l.Search(ldap.NewSearchRequest(base, ldap.ScopeWholeSubtree, 0, 0, 0, false, "(mail="+c.People()[0].User+")", []string{"jpegPhoto", "entryCSN"}, nil))
		if err != nil || len(first.Entries) != 1 || !strings.HasSuffix(first.Entries[0].GetAttributeValue("entryCSN"), "Z#000000#000#000000") {
			t.Fatalf("%v, %v", first, err)
		}
		if _, kind, err := image.Decode(bytes.NewReader(first.Entries[0].GetRawAttributeValue("jpegPhoto"))); err != nil || kind != "jpeg" {
			t.Errorf("photograph: %s, %v", kind, err)
		}
		if own.GetAttributeValue("entryCSN") != "" {
			t.Error("the server's own attributes came without being asked for")
		}
	})
}
