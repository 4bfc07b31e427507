package directory

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"
)

// Whatever is in an entry, what is made of it is short, plain text.
func FuzzPerson(f *testing.F) {
	for _, v := range []string{"sip:anna@contoso.test", "SIP:Anna@Contoso.test;x=1", "smtp:a@b", "+49 30 1234-567", "uid=bob,ou=People,dc=x", "\x1b[2J\u202E", "514"} {
		f.Add("cn=x,dc=y", "mail", v, "telephoneNumber", v)
	}
	f.Fuzz(func(t *testing.T, name, a1, v1, a2, v2 string) {
		e := ldap.NewEntry(name, map[string][]string{a1: {v1, v2}, a2: {v2}, "cn": {v1}, "proxyAddresses": {v1, v2}, "manager": {v2}})
		p, ok := DefaultAttributes().person(e)
		if !ok {
			return
		}
		for _, s := range []string{p.Name, p.Title, p.Department, p.Office} {
			if !utf8.ValidString(s) || strings.ContainsAny(s, "\x00\x1b\n\u202e") || utf8.RuneCountInString(s) > maxText {
				t.Fatalf("%q", s)
			}
		}
		if p.User != "" && strings.Count(p.User, "@") != 1 {
			t.Fatalf("address %q", p.User)
		}
		key(p.Manager)
		if all := merged([]Person{p, p}); len(all) != 1 && (p.User != "" || len(p.Numbers) > 0) {
			t.Fatalf("%+v is not one person", all)
		}
	})
}

// What a user types never breaks a filter.
func FuzzFilters(f *testing.F) {
	for _, s := range []string{"anna", "a b c", "*)(cn=*", "030 1234", "(department=Sales)", `\28`, "\x00é"} {
		f.Add(s)
	}
	a := DefaultAttributes()
	f.Fuzz(func(t *testing.T, s string) {
		for _, filter := range []string{a.findFilter(s), a.addressFilter(s), a.reportsFilter([]string{s, s})} {
			if filter == "" {
				continue
			}
			if _, err := ldap.CompileFilter(filter); err != nil {
				t.Fatalf("%q makes %q: %v", s, filter, err)
			}
		}
		if filter, err := checkedFilter(s); err == nil && !strings.HasPrefix(filter, "(&"+onlyPeople) {
			t.Fatalf("%q makes %q", s, filter)
		}
	})
}
