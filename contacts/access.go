package contacts

import (
	"fmt"
	"slices"
	"strings"
)

// Access is what somebody gets of me: how much of my state, and whether his
// messages and calls reach me.
type Access string

// Values of Access.
const (
	Undecided Access = ""        // nothing was said of him
	Allow     Access = "allow"   // everything
	Limited   Access = "limited" // whether I can be reached; no note and no activity
	Polite    Access = "polite"  // he sees me offline; his messages and calls are refused as if I were
	Block     Access = "block"   // nothing, and he is told so; his messages and calls are refused
)

// ParseAccess returns the access of that name.
func ParseAccess(s string) (Access, error) {
	a := Access(strings.ToLower(strings.TrimSpace(s)))
	if !slices.Contains([]Access{Undecided, Allow, Limited, Polite, Block}, a) {
		return Undecided, fmt.Errorf("%q is no access; it is allow, limited, polite or block", s)
	}
	return a, nil
}

// Refuses says whether messages and calls are refused.
func (a Access) Refuses() bool { return a == Block || a == Polite }

// Outside says whether user belongs to another organisation than self, as far
// as their domains say so. further are domains that belong to one's own, in
// lower case. Both addresses are canonical; a domain alone is a server's.
func Outside(self, user string, further ...string) bool {
	domain := func(a string) string { return a[strings.LastIndexByte(a, '@')+1:] }
	return domain(self) != domain(user) && !slices.Contains(further, domain(user))
}

// OutsideReason says in words what a refusal with this SIP status means when
// user belongs to another organisation; empty: nothing more than its reason.
func OutsideReason(user string, code int) string {
	domain := user[strings.LastIndexByte(user, '@')+1:]
	switch code {
	case 403:
		return domain + " does not accept this from your organisation, or your server does not let it out; ask your administrator"
	case 404, 604:
		return domain + " knows nobody with the address " + user + "; check the address"
	case 408, 478, 502, 503, 504:
		return domain + " cannot be reached from your server at the moment; try again later"
	}
	return ""
}
