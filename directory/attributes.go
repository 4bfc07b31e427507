package directory

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Attributes says which attributes of an entry make which part of a Person. Of
// several for one part the first that has a value counts; of numbers all count.
// An empty list stands for that of DefaultAttributes.
type Attributes struct {
	Address    []string `toml:"address"` // with or without "sip:" in front; other schemes are left out
	Mail       []string `toml:"mail"`
	Alias      []string `toml:"alias"` // short names somebody may type; all count
	Name       []string `toml:"name"`
	Title      []string `toml:"title"`
	Department []string `toml:"department"`
	Office     []string `toml:"office"`
	Work       []string `toml:"work"` // telephone numbers, by kind
	Mobile     []string `toml:"mobile"`
	Home       []string `toml:"home"`
	Other      []string `toml:"other"`
	Manager    []string `toml:"manager"` // a DN
	Photo      []string `toml:"photo"`
	Key        []string `toml:"key"`      // stays the same when the entry is renamed
	Modified   []string `toml:"modified"` // grows with every change: a number, a CSN or a time
}

// DefaultAttributes fit directories of inetOrgPerson and Active Directory:
// RFC 4519 and RFC 4524 (cn, ou, title, telephoneNumber, mail, manager, mobile,
// ...), RFC 2798 (displayName, departmentNumber, jpegPhoto), RFC 4530
// (entryUUID), RFC 4512 §3.4 (modifyTimestamp), OpenLDAP's entryCSN, and those
// of Active Directory (proxyAddresses, objectGUID, uSNChanged, thumbnailPhoto,
// msRTCSIP-..., which LCS adds to it).
func DefaultAttributes() Attributes {
	return Attributes{
		Address:    []string{"msRTCSIP-PrimaryUserAddress", "proxyAddresses", "mail"},
		Mail:       []string{"mail"},
		Alias:      []string{"sAMAccountName", "uid", "mailNickname"},
		Name:       []string{"displayName", "cn"},
		Title:      []string{"title"},
		Department: []string{"department", "ou", "departmentNumber"},
		Office:     []string{"physicalDeliveryOfficeName", "roomNumber"},
		Work:       []string{"telephoneNumber"},
		Mobile:     []string{"mobile"},
		Home:       []string{"homePhone"},
		Other:      []string{"ipPhone", "otherTelephone"},
		Manager:    []string{"manager"},
		Photo:      []string{"thumbnailPhoto", "jpegPhoto"},
		Key:        []string{"objectGUID", "entryUUID"},
		Modified:   []string{"uSNChanged", "entryCSN", "modifyTimestamp"},
	}
}

// parts are the lists of a, in the order of the fields.
func (a *Attributes) parts() []*[]string {
	return []*[]string{&a.Address, &a.Mail, &a.Alias, &a.Name, &a.Title, &a.Department, &a.Office, &a.Work, &a.Mobile, &a.Home,
		&a.Other, &a.Manager, &a.Photo, &a.Key, &a.Modified}
}

// maxAttributes is how many attributes one part may be made of.
const maxAttributes = 10

// attributeName is RFC 4512 §2.5: a name or an OID, with options.
var attributeName = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]*|[0-9]+(\.[0-9]+)+)(;[A-Za-z0-9-]+)*$`)

// Check says what is wrong in a; nil: nothing.
func (a Attributes) Check() error {
	for _, part := range a.parts() {
		for _, name := range *part {
			if len(name) > 100 || !attributeName.MatchString(name) {
				return fmt.Errorf("%q is not the name of an attribute", name)
			}
		}
		if len(*part) > maxAttributes {
			return fmt.Errorf("%d attributes for one thing; at most %d are read", len(*part), maxAttributes)
		}
	}
	return nil
}

// complete puts the defaults where a says nothing.
func (a Attributes) complete() Attributes {
	defaults := DefaultAttributes()
	for i, part := range a.parts() {
		if len(*part) == 0 {
			*part = *defaults.parts()[i]
		}
	}
	return a
}

// asked are the attributes of a whole Person: never "all", so that a photograph
// of ten megabytes stays where it is.
func (a Attributes) asked() []string {
	names := append([]string{"objectClass", "userAccountControl"}, a.identity()...)
	for _, part := range [][]string{a.Address, a.Mail, a.Alias, a.Name, a.Title, a.Department, a.Office, a.Work, a.Mobile, a.Home, a.Other, a.Manager} {
		names = append(names, part...)
	}
	return distinct(names)
}

// identity are the attributes that say which entry this is, and in which version.
func (a Attributes) identity() []string { return append(slices.Clone(a.Key), a.Modified...) }

// distinct leaves out names that are there already.
func distinct(names []string) (once []string) {
	seen := make(map[string]bool)
	for _, n := range names {
		if k := strings.ToLower(n); !seen[k] {
			seen[k] = true
			once = append(once, n)
		}
	}
	return once
}
