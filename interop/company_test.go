//go:build interop

package interop

import (
	"fmt"
	"strings"
)

// employee is a person of the company that Kamailio and slapd know.
type employee struct {
	user, domain string
	name, title  string
	manager      string // user part; empty: the head
}

func (e employee) address() string  { return e.user + "@" + e.domain }
func (e employee) password() string { return e.user + "-pw" }
func (e employee) dn() string       { return "uid=" + e.user + ",ou=people," + ldapBase }

const (
	domain   = "contoso.test"
	ldapBase = "dc=contoso,dc=test"
)

// company: alice has a manager (mary), a manager's manager (harriet), two
// peers (ivan, judy) and three reports (bob, carol, dave). The people of
// fabrikam.test sign in through the director.
var company = []employee{
	{"harriet", domain, "Harriet Holm", "Head", ""},
	{"mary", domain, "Mary Moss", "Director of Sales", "harriet"},
	{"alice", domain, "Alice Abel", "Sales Manager", "mary"},
	{"ivan", domain, "Ivan Ito", "Marketing Manager", "mary"},
	{"judy", domain, "Judy Jonas", "Events Manager", "mary"},
	{"bob", domain, "Bob Berg", "Account Manager", "alice"},
	{"carol", domain, "Carol Cruz", "Account Manager", "alice"},
	{"dave", domain, "Dave Dunn", "Trainee", "alice"},
	{"kate", domain, "Kate Kern", "Designer", "ivan"},
	{"oscar", domain, "Oscar Olsen", "Gardener", ""}, // in nobody's org chart
	{"erin", "fabrikam.test", "Erin Egg", "Partner", ""},
	{"frank", "fabrikam.test", "Frank Fink", "Partner", ""},
}

// ldif is the directory of contoso.test, with standard attributes only.
func ldif() string {
	var b strings.Builder
	fmt.Fprintf(&b, "dn: %s\nobjectClass: dcObject\nobjectClass: organization\no: Contoso\ndc: contoso\n\n", ldapBase)
	fmt.Fprintf(&b, "dn: ou=people,%s\nobjectClass: organizationalUnit\nou: people\n\n", ldapBase)
	for i, e := range company {
		if e.domain != domain {
			continue
		}
		given, surname, _ := strings.Cut(e.name, " ")
		fmt.Fprintf(&b, "dn: %s\nobjectClass: inetOrgPerson\nuid: %s\ncn: %s\ndisplayName: %s\ngivenName: %s\nsn: %s\n", e.dn(), e.user, e.name, e.name, given, surname)
		fmt.Fprintf(&b, "mail: %s\ntitle: %s\nou: Sales\ndepartmentNumber: Sales\nphysicalDeliveryOfficeName: B %d\n", e.address(), e.title, 100+i)
		fmt.Fprintf(&b, "telephoneNumber: +49 30 5550 %d\nmobile: +49 170 5550 %d\n", 100+i, 100+i)
		if e.manager != "" {
			fmt.Fprintf(&b, "manager: uid=%s,ou=people,%s\n", e.manager, ldapBase)
		}
		b.WriteString("\n")
	}
	return b.String()
}
