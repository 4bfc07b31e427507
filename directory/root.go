package directory

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// root is what a server says of itself (RFC 4512 §5.1), and what Active
// Directory adds to it ([MS-ADTS] §3.1.1.3.2).
type root struct {
	base    string // naming context; empty: not said
	sasl    []string
	service string // dsServiceName, the domain controller; empty: not Active Directory
	schema  string // schemaNamingContext: where it describes its attributes
	usn     int64  // highestCommittedUSN: the number of its last change
}

// active: the server is a domain controller of Active Directory.
func (r root) active() bool { return r.service != "" && r.usn > 0 }

// root asks the server.
func (c *conn) root() (root, error) {
	r, err := c.ldap.Search(ldap.NewSearchRequest("", ldap.ScopeBaseObject, ldap.NeverDerefAliases, 1, searchLimit, false, "(objectClass=*)",
		[]string{"defaultNamingContext", "namingContexts", "supportedSASLMechanisms", "dsServiceName", "schemaNamingContext", "highestCommittedUSN"}, nil))
	if err != nil {
		return root{}, err
	}
	var is root
	for _, e := range r.Entries {
		// Active Directory has several contexts and names its main one.
		for _, base := range values(e, []string{"defaultNamingContext", "namingContexts"}) {
			if base != "" && len(base) <= maxDN && !strings.EqualFold(base, "cn=config") && is.base == "" {
				is.base = base
			}
		}
		is.sasl = e.GetEqualFoldAttributeValues("supportedSASLMechanisms")
		is.service = e.GetEqualFoldAttributeValue("dsServiceName")
		is.schema = e.GetEqualFoldAttributeValue("schemaNamingContext")
		is.usn, _ = strconv.ParseInt(e.GetEqualFoldAttributeValue("highestCommittedUSN"), 10, 64) // 0: it has none
	}
	return is, nil
}

// offers says whether the server takes a SASL mechanism.
func (r root) offers(mechanism string) bool {
	return slices.ContainsFunc(r.sasl, func(m string) bool { return strings.EqualFold(m, mechanism) })
}

// searchBase returns where to search: what was set, or what the server names.
func (d *Directory) searchBase(c *conn) (string, error) {
	d.mu.Lock()
	base, known := d.o.Base, d.root
	d.mu.Unlock()
	if known == nil {
		r, err := c.root()
		if lost(err) {
			return "", err
		}
		known = &r // of a server that hides it nothing is known
		d.mu.Lock()
		d.root = known
		d.mu.Unlock()
	}
	if at, err := parseURL(d.o.URL); base == "" && err == nil {
		base = at.base
	}
	if base == "" {
		base = known.base
	}
	if base == "" {
		return "", &Error{What: "The directory does not say where its people are", Why: "its root names no naming context", Remedy: "Set the search base of the directory"}
	}
	return base, nil
}

// invocation names the database of a domain controller: it is another one after
// the controller was restored from a backup ([MS-ADTS] §3.1.1.1.9). Without the
// right to read it, the controller's own name has to do.
func (c *conn) invocation(r root) string {
	found, err := c.ldap.Search(ldap.NewSearchRequest(r.service, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 1, searchLimit, false,
		"(objectClass=*)", []string{"invocationId"}, nil))
	if err == nil && len(found.Entries) > 0 {
		if id := found.Entries[0].GetEqualFoldRawAttributeValue("invocationId"); len(id) == 16 {
			return hex.EncodeToString(id)
		}
	}
	return hex.EncodeToString([]byte(key(r.service)))
}
