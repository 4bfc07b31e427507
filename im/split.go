package im

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// What is too long for one MESSAGE and cannot go by session is split.
const (
	maxParts = 10
	markRoom = 10 // for "(10/10) "

	// MaxParted is the longest text that is sent in parts, in bytes of UTF-8. Even
	// when every part ends early, at a word, no more than maxParts are needed.
	MaxParted = 100 << 10
)

// split cuts a text into parts of at most max bytes with their marks, between
// words where there are any. RFC 3428 §8: page-mode messages belong to nothing,
// so the marks tell the recipient that there is more, and in which order.
func split(text string, max int) []string {
	var parts []string
	for max -= markRoom; len(text) > max; {
		n := cut(text, max)
		parts = append(parts, text[:n])
		text = text[n:]
	}
	parts = append(parts, text)
	for i := range parts {
		parts[i] = fmt.Sprintf("(%d/%d) %s", i+1, len(parts), parts[i])
	}
	return parts
}

// cut is where the first part of a text ends that is longer than max bytes: after
// white space, if some is in the last fifth, and never before a mark that belongs
// to the letter before it.
func cut(text string, max int) int {
	letter := 0
	for i := max; i > 0; i-- {
		if !utf8.RuneStart(text[i]) {
			continue
		}
		r, _ := utf8.DecodeRuneInString(text[i:])
		before, _ := utf8.DecodeLastRuneInString(text[:i])
		if letter == 0 && !unicode.Is(unicode.M, r) && before != '\u200d' && r != '\u200d' {
			letter = i
		}
		if unicode.IsSpace(before) && !unicode.Is(unicode.M, r) {
			return i
		}
		if i < max-max/5 && letter > 0 {
			return letter
		}
		if i < max-max/5 { // nothing but marks: a rune is a rune
			for i = max; !utf8.RuneStart(text[i]); i-- {
			}
			return i
		}
	}
	return max
}
