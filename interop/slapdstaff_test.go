//go:build interop

package interop

import (
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"time"
)

// member is one of a generated company.
type member struct {
	uid, given, family string
	manager            int // -1: none
	noAddress          bool
}

// boss is the number of the one to whom so many report.
const boss = 700

// staff invents n people, 1,000 at least: eight report to each, and 3,000 or a tenth to one of
// them. The last are those whom every directory has: two who manage each other,
// one who manages himself, one without address, one without a manager.
func staff(n int) []member {
	all := make([]member, 0, n)
	many := min(3000, n/10)
	tree := n - many - 5
	for i := range tree {
		all = append(all, invent(i, (i-1)/8))
	}
	all[0].manager = -1
	for i := range many {
		all = append(all, invent(tree+i, boss))
	}
	last := len(all)
	for i, manager := range []int{last + 1, last, last + 2, boss, -1} {
		all = append(all, invent(last+i, manager))
	}
	all[last+3].noAddress = true
	return all
}

// invent gives number i a name that some dozens share the halves of.
func invent(i, manager int) member {
	given := []string{"Amélie", "Bruno", "Chen", "Dina", "Émile", "Fatma", "Goran", "Hanne", "Ivo", "Jana", "Kofi", "Lena", "Mira", "Nils", "Öykü", "Paula"}
	one := []string{"Al", "Ber", "Cor", "Dar", "El", "Fer", "Gor", "Hal", "Ing", "Jor", "Kar", "Lun", "Mar", "Nor", "Ost", "Pet"}
	two := []string{"ba", "de", "di", "ga", "ke", "li", "mo", "na", "ri", "sa", "te", "vo"}
	three := []string{"berg", "dahl", "feld", "gren", "holm", "lund", "mann", "son", "stein", "vik", "witz"}
	family := one[i/16%16] + two[i/7%12] + three[i/5%11]
	return member{uid: fmt.Sprintf("p%06d", i), given: given[i%16], family: family, manager: manager}
}

func (m member) address() string { return m.uid + "@" + domain }
func (m member) name() string    { return m.given + " " + m.family }

const staffUnit = "ou=staff," + ldapBase

func (m member) dn(active bool) string {
	if active {
		return "CN=" + m.uid + "," + staffUnit
	}
	return "uid=" + m.uid + "," + staffUnit
}

// line writes an attribute of LDIF (RFC 2849): what is not ASCII in base64.
func line(w io.Writer, name, value string) {
	if strings.ContainsFunc(value, func(r rune) bool { return r > 126 }) {
		name, value = name+":", base64.StdEncoding.EncodeToString([]byte(value))
	}
	fmt.Fprintf(w, "%s: %s\n", name, value)
}

// entry writes what is the same for all kinds of directories.
func (m member) entry(w io.Writer, all []member, active bool) {
	line(w, "givenName", m.given)
	line(w, "sn", m.family)
	line(w, "displayName", m.name())
	line(w, "title", "Engineer "+m.uid[5:])
	line(w, "physicalDeliveryOfficeName", "B "+m.uid[3:])
	line(w, "telephoneNumber", "+49 30 55"+m.uid[1:])
	if !m.noAddress {
		line(w, "mail", m.address())
	}
	if m.manager >= 0 {
		line(w, "manager", all[m.manager].dn(active))
	}
}

// staffLDIF is the staff for OpenLDAP, of whom one was changed every minute until
// yesterday; and the entry of the one who searches.
func staffLDIF(w io.Writer, all []member, me person) {
	begin := time.Now().UTC().Add(-24*time.Hour - time.Duration(len(all))*time.Minute)
	changed := func(i int) {
		at := begin.Add(time.Duration(i) * time.Minute).Format("20060102150405")
		fmt.Fprintf(w, "entryCSN: %s.000000Z#000000#000#000000\nmodifyTimestamp: %[1]sZ\n\n", at)
	}
	fmt.Fprintf(w, "dn: %s\nobjectClass: dcObject\nobjectClass: organization\no: Contoso\ndc: contoso\n\n", ldapBase)
	fmt.Fprintf(w, "dn: %s\nobjectClass: organizationalUnit\nou: staff\n\n", staffUnit)
	local, _, _ := strings.Cut(me.user, "@")
	fmt.Fprintf(w, "dn: uid=%s,%s\nobjectClass: inetOrgPerson\nuid: %[1]s\ncn: Searcher\nsn: Searcher\nuserPassword: %[3]s\n", local, staffUnit, me.password)
	changed(-1)
	for i, m := range all {
		fmt.Fprintf(w, "dn: %s\nobjectClass: inetOrgPerson\nuid: %s\ndepartmentNumber: Sales %d\n", m.dn(false), m.uid, i/500)
		line(w, "cn", m.name())
		m.entry(w, all, false)
		changed(i)
	}
}

// activeLDIF is people from number from on to before number to, for Active
// Directory: without a password, and not disabled. later gets the managers who
// are not there by then.
func activeLDIF(w, later io.Writer, all []member, from, to int) {
	for i, m := range all[from:to] {
		fmt.Fprintf(w, "dn: %s\nchangetype: add\nobjectClass: user\nsAMAccountName: %s\nuserPrincipalName: %s\nuserAccountControl: 544\ndepartment: Sales\n", m.dn(true), m.uid, m.address())
		if !m.noAddress {
			fmt.Fprintf(w, "proxyAddresses: SMTP:%[1]s\nproxyAddresses: sip:%[1]s\n", m.address())
		}
		if m.manager >= from+i {
			fmt.Fprintf(later, "dn: %s\nchangetype: modify\nreplace: manager\nmanager: %s\n\n", m.dn(true), all[m.manager].dn(true))
			m.manager = -1
		}
		m.entry(w, all, true)
		io.WriteString(w, "\n")
	}
}
