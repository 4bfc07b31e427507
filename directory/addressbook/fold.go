package addressbook

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Limits on what is indexed of one field.
const (
	maxWords = 12 // of a field
	maxWord  = 64 // bytes
)

// apart are letters that the accents are not separable from.
var apart = strings.NewReplacer("ß", "ss", "ø", "o", "æ", "ae", "œ", "oe", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "ı", "i", "ħ", "h", "ς", "σ")

// written are the ways in which umlauts are written without them. Whoever has
// one in the name is found by the other.
var written = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ø", "oe", "å", "aa")

// collapsed is the way back: what may be meant by two vowels.
var collapsed = strings.NewReplacer("ae", "a", "oe", "o", "ue", "u", "aa", "a")

// fold returns s as it is compared: lower case, without accents.
func fold(s string) string {
	if ascii(s) {
		return strings.ToLower(s)
	}
	s = norm.NFKD.String(apart.Replace(strings.ToLower(s)))
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		if r < utf8.RuneSelf || !unicode.Is(unicode.Mn, r) {
			b.WriteRune(unicode.ToLower(r)) // again: NFKD makes capitals of ℌ and its like
		}
	}
	return apart.Replace(b.String())
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// split returns the words of s as they are written. An apostrophe is within a
// word: O'Neil is one.
func split(s string) []string {
	words := strings.FieldsFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && !isApostrophe(r)
	})
	return words[:min(len(words), maxWords)]
}

func isApostrophe(r rune) bool { return r == '\'' || r == '’' || r == 'ʼ' || r == '`' || r == '´' }

// word returns one word of split, folded and without apostrophes.
func word(s string) string {
	if strings.ContainsFunc(s, isApostrophe) {
		s = strings.Map(func(r rune) rune {
			if isApostrophe(r) {
				return -1
			}
			return r
		}, s)
	}
	return cut(fold(s), maxWord)
}

// cut returns at most n bytes of s, whole characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// spellings returns the other ways in which somebody may type a word, folded.
func spellings(s string) []string {
	var all []string
	folded := word(s)
	add := func(t string) {
		if t != "" && t != folded && !slices.Contains(all, t) {
			all = append(all, t)
		}
	}
	if !ascii(s) {
		add(word(written.Replace(strings.ToLower(norm.NFC.String(s)))))
	}
	add(collapsed.Replace(folded))
	if _, rest, found := strings.Cut(s, "'"); found {
		add(word(rest)) // Neil, of O'Neil
	}
	for i, r := range s {
		if !ideographic(r) || i > maxWord {
			break
		}
		add(word(s[i:])) // names are written without a space between family name and given name
	}
	return all
}

func ideographic(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana)
}
