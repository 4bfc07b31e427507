package addressbook

import (
	"math"
	"regexp"
	"strings"
)

// Limits on telephone numbers. Fewer digits are found as a word.
const (
	minDigits = 3
	maxDigits = 15 // ITU-T E.164 §6: no number is longer
)

// digits returns a telephone number in the form in which numbers are compared:
// without separators, and without what comes before the country or area code.
// "+49 (0)30 1234-56", "0049301234 56" and "+493012 3456" are 4930123456;
// "030/123456" is 30123456, which is a part of it.
func digits(number string) string {
	if strings.HasPrefix(number, "+") || strings.HasPrefix(number, "00") {
		number = strings.Replace(number, "(0)", "", 1)
	}
	all := strings.TrimLeft(strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, number), "0")
	return all[max(0, len(all)-maxDigits):]
}

// extension is how people set an extension apart (RFC 3966 §5.1.1: ";ext=").
var extension = regexp.MustCompile(`(?i)(?:^|[\s;,/\d])(?:x|ext(?:ension)?)[.:=]?\s*(?:\d)`)

// withoutExtension takes "x", "ext." and ";ext=" out of what was typed: "x4712"
// is 4712, "+49 30 1234;ext=56" is +49 30 123456.
func withoutExtension(text string) string {
	if !extension.MatchString(text) {
		return text
	}
	number := strings.Map(func(r rune) rune {
		if strings.ContainsRune("extnsioEXTNSIO;,:=", r) {
			return ' '
		}
		return r
	}, text)
	if !isNumber(number) {
		return text // words, as in "suite x100"
	}
	return number
}

// isNumber says whether somebody who types that is typing a telephone number.
func isNumber(text string) bool {
	n := 0
	for _, r := range text {
		switch {
		case notInNumber(r):
			return false
		case r >= '0' && r <= '9':
			n++
		}
	}
	return n >= minDigits
}

func notInNumber(r rune) bool {
	return (r < '0' || r > '9') && !strings.ContainsRune("+-/(). \u00a0", r)
}

// packed is a row of up to 15 digits in four bits each, from the top, so that
// its beginning sorts before it. A digit is 1 to 10; zero is the end.
type packed uint64

func pack(digits string) (p packed) {
	for i := range min(len(digits), maxDigits) {
		p |= packed(digits[i]-'0'+1) << (60 - 4*i)
	}
	return p
}

// from is what is left of p after its first n digits.
func (p packed) from(n int) packed { return p << (4 * n) }

// within returns the first and the last value that begin with p, of n digits.
func (p packed) within(n int) (first, last packed) {
	return p, p | math.MaxUint64>>(4*n)
}

// length is the number of digits.
func (p packed) length() (n int) {
	for ; p != 0; p <<= 4 {
		n++
	}
	return n
}
