package directory

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"
)

// begin says whether all of words begin one in e. Samba 4.17 takes the space off
// "* ost*" and finds those who have it in the middle of a word. What is nowhere
// in e is the server's to judge: it may take "o" for "ö".
func (a Attributes) begin(words []string, e *ldap.Entry) bool {
	for _, w := range words {
		within := false
		for _, v := range values(e, a.texts()) {
			begins, inside := find(strings.ToLower(v), strings.ToLower(w))
			if begins {
				within = false
				break
			}
			within = within || inside
		}
		if within {
			return false
		}
	}
	return true
}

// find says whether a word begins with w in text, and whether w is in it elsewhere.
func find(text, w string) (begins, inside bool) {
	for from := 0; ; {
		at := strings.Index(text[from:], w)
		if at < 0 {
			return false, inside
		}
		before, _ := utf8.DecodeLastRuneInString(text[:from+at])
		if from+at == 0 || !unicode.IsLetter(before) && !unicode.IsDigit(before) {
			return true, true
		}
		inside, from = true, from+at+len(w)
	}
}
