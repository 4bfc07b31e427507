package im

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestSplit(t *testing.T) {
	words := strings.Repeat("word ", 20_480)
	for name, text := range map[string]string{
		"words":      words,
		"no spaces":  strings.Repeat("x", MaxParted),
		"umlauts":    strings.Repeat("ü", MaxParted/2),
		"accents":    strings.Repeat("e\u0301", MaxParted/3),
		"only marks": strings.Repeat("\u0301", MaxParted/2),
		"families":   strings.Repeat("👩\u200d👧", MaxParted/11),
		"lines":      strings.Repeat(strings.Repeat("x", 3000)+"\r\n", 34),
		"just over":  strings.Repeat("x", MaxText+1),
	} {
		parts := split(text, MaxText)
		whole := ""
		for i, p := range parts {
			mark := fmt.Sprintf("(%d/%d) ", i+1, len(parts))
			said, marked := strings.CutPrefix(p, mark)
			if !marked || len(p) > MaxText || !utf8.ValidString(p) {
				t.Errorf("%s: part %d has %d bytes and begins %.20q", name, i+1, len(p), p)
			}
			first, _ := utf8.DecodeRuneInString(said)
			if name != "only marks" && i > 0 && (unicode.Is(unicode.M, first) || first == '\u200d') {
				t.Errorf("%s: part %d begins with a mark", name, i+1)
			}
			if name == "words" && !strings.HasSuffix(said, " ") {
				t.Errorf("part %d ends within a word: %q", i+1, said[len(said)-10:])
			}
			whole += said
		}
		if whole != text || len(parts) > maxParts || len(parts) < 2 {
			t.Errorf("%s: %d parts, together %d bytes of %d", name, len(parts), len(whole), len(text))
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("some words that go on and on", 14)
	f.Add("e\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301", 15)
	f.Fuzz(func(t *testing.T, text string, max int) {
		if max < markRoom+utf8.UTFMax || max > 1000 || !utf8.ValidString(text) || len(text) > 9*max/2 {
			return
		}
		whole := ""
		for _, p := range split(text, max) {
			_, said, _ := strings.Cut(p, " ")
			if whole += said; len(p) > max || !utf8.ValidString(p) {
				t.Fatalf("part %q of %d bytes at most", p, max)
			}
		}
		if whole != text {
			t.Fatalf("%q became %q", text, whole)
		}
	})
}
