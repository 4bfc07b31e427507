package directory

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/go-ldap/ldap/v3"
)

// Limits on what is searched for.
const (
	maxWords  = 8
	maxFilter = 10000 // bytes of a filter written by hand
)

// onlyPeople is in every filter. Classes of people are below it everywhere:
// inetOrgPerson, Active Directory's user and contact.
const onlyPeople = "(objectClass=person)"

// findFilter makes a filter of what a user typed; empty if that is nothing.
// RFC 4511 §4.5.1.7: an attribute a server does not know makes its part of an
// "or" undefined, not the whole wrong, so all may be asked for everywhere; searched leaves out some.
func (a Attributes) findFilter(text string) string {
	if digits := numberPattern(text); digits != "" {
		return allOf(onlyPeople, eachIs(digits, a.Work, a.Mobile, a.Home, a.Other))
	}
	terms := []string{onlyPeople}
	for _, w := range words(text) {
		terms = append(terms, a.wordFilter(ldap.EscapeFilter(w)))
	}
	if len(terms) == 1 {
		return ""
	}
	return allOf(terms...)
}

// words are those of what a user typed.
func words(text string) (all []string) {
	for i, w := range strings.Fields(text) {
		if i == maxWords || len(w) > maxText {
			break
		}
		all = append(all, strings.Trim(w, `"*,<>`)) // "": whatever it is
	}
	return all
}

// texts are the attributes in which a word is looked for at the beginning.
func (a Attributes) texts() []string {
	return distinct(slices.Concat(a.Name, a.Alias, []string{"cn", "sn", "givenName"}, a.Address, a.Mail, a.Department, a.Office, a.Work))
}

func (a Attributes) wordFilter(w string) string {
	if w == "" {
		return onlyPeople
	}
	return anyOf(
		eachIs(w+"*", a.texts()),
		eachIs("* "+w+"*", a.Name, a.Department, a.Office), // a later word
		eachIs("sip:"+w+"*", a.Address))
}

// eachIs is true where one of the attributes is like pattern.
func eachIs(pattern string, parts ...[]string) string {
	var terms []string
	for _, name := range distinct(slices.Concat(parts...)) {
		terms = append(terms, "("+name+"="+pattern+")")
	}
	return anyOf(terms...)
}

// numberPattern returns a pattern for a telephone number whatever its
// separators, or nothing if text is not one: "030 1234" is *30*1234*.
func numberPattern(text string) string {
	digits := 0
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case !strings.ContainsRune("+-/(). ", r):
			return ""
		}
	}
	if digits < 3 || digits > 30 {
		return ""
	}
	parts := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsDigit(r) })
	if first := strings.TrimLeft(parts[0], "0"); first != "" { // 030 and 0049 30 are +49 30
		parts[0] = first
	}
	return "*" + strings.Join(parts, "*") + "*"
}

// addressFilter finds the entries of an address.
func (a Attributes) addressFilter(user string) string {
	u := ldap.EscapeFilter(user)
	return allOf(onlyPeople, anyOf(eachIs("sip:"+u, a.Address), eachIs(u, a.Address)))
}

// reportsFilter finds whoever has one of these as manager.
func (a Attributes) reportsFilter(managers []string) string {
	terms := make([]string, len(managers))
	for i, dn := range managers {
		terms[i] = eachIs(ldap.EscapeFilter(dn), a.Manager)
	}
	return allOf(onlyPeople, anyOf(terms...))
}

// checkedFilter returns a filter written by hand, for people only.
func checkedFilter(filter string) (string, error) {
	filter = strings.TrimSpace(filter)
	if !strings.HasPrefix(filter, "(") {
		filter = "(" + filter + ")"
	}
	if len(filter) > maxFilter {
		return "", fmt.Errorf("the filter is longer than %d characters", maxFilter)
	}
	if _, err := ldap.CompileFilter(filter); err != nil {
		return "", &Error{What: "The filter cannot be understood", Why: reason(err), Remedy: "Write it as (department=Sales) or (&(title=*engineer*)(l=Lyon))", Err: err}
	}
	return allOf(onlyPeople, filter), nil
}

func allOf(terms ...string) string { return "(&" + strings.Join(terms, "") + ")" }

func anyOf(terms ...string) string {
	if len(terms) == 1 {
		return terms[0]
	}
	return "(|" + strings.Join(terms, "") + ")"
}
