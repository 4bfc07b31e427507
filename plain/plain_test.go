package plain

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	for _, c := range []struct{ what, in, want string }{
		{"plain", "Back at 3", "Back at 3"},
		{"languages", "Zürich, 東京, שלום, ไทย", "Zürich, 東京, שלום, ไทย"},
		{"line breaks", "a\r\nb\rc\nd\u2028e", "a\nb\nc\nd\ne"},
		{"terminal escape", "\x1b[31mred\x07\x9b2J", "[31mred\uFFFD2J"},
		{"C1 control", "a\u009b2Jb", "a2Jb"},
		{"file name turned round", "invoice\u202Efdp.exe", "invoicefdp.exe"},
		{"isolates", "\u2066a\u2069b\u2067c\u2068", "abc"},
		{"invalid bytes", "a\xff\xc3b", "a\uFFFD\uFFFDb"},
		{"zero byte and byte order mark", "\uFEFFa\x00b", "ab"},
		{"family emoji keeps its joiners", "👨‍👩‍👧", "👨‍👩‍👧"},
		{"flag of Scotland keeps its tags", "🏴\U000E0067\U000E0062\U000E0073\U000E0063\U000E0074\U000E007F", "🏴\U000E0067\U000E0062\U000E0073\U000E0063\U000E0074\U000E007F"},
		{"runaway marks", "Z" + strings.Repeat("\u0335", 200) + "a\u0301", "Z" + strings.Repeat("\u0335", MaxMarks) + "a\u0301"},
		{"runaway marks with joiners", "Z" + strings.Repeat("\u0335\u200d", 20), "Z" + strings.Repeat("\u0335\u200d", MaxMarks/2)},
		{"Vietnamese", "Nguye\u0302\u0303n", "Nguye\u0302\u0303n"},
	} {
		if got := Text(c.in); got != c.want {
			t.Errorf("%s: Text(%q) = %q, want %q", c.what, c.in, got, c.want)
		}
	}
}

// A million marks, or joiners, cost no more to draw than a few.
func TestMillionMarks(t *testing.T) {
	for _, r := range []string{"\u0335", "\u0489", "\u200d", "\u200b", "\ufe0f", "\u0335\u200d", "\u00ad"} {
		if got := Text("Z" + strings.Repeat(r, 1_000_000/utf8.RuneCountInString(r)) + "a"); utf8.RuneCountInString(got) != 2+MaxMarks {
			t.Errorf("%+q leaves %d characters", r, utf8.RuneCountInString(got))
		}
	}
}

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"  In\tLyon\r\nuntil  Friday \n": "In Lyon until Friday",
		"\u202E \u0000":                  "",
		"one":                            "one",
	} {
		if got := Line(in); got != want {
			t.Errorf("Line(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		in   string
		max  int
		want string
	}{
		{"abcdef", 6, "abcdef"}, {"abcdef", 5, "abcd…"}, {"東京都", 3, "東京都"}, {"東京都", 2, "東…"},
		{"ab", 1, "…"}, {"ab", 0, ""}, {"", 0, ""},
	} {
		if got := Cut(c.in, c.max); got != c.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", c.in, c.max, got, c.want)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"Back at 3", "\x1b[2J", "a\u202Eb\u2069", "\xff\xfe", "Z\u0335\u0335\u0335", "a\r\nb"} {
		f.Add(s, 10)
	}
	f.Fuzz(func(t *testing.T, s string, max int) {
		got := Text(s)
		if !utf8.ValidString(got) || strings.ContainsAny(got, "\x00\x1b\r\u202e\u2067") {
			t.Fatalf("Text(%q) = %q is not harmless", s, got)
		}
		if again := Text(got); again != got {
			t.Fatalf("Text is not done in one go: %q, then %q", got, again)
		}
		if l := Line(s); strings.ContainsAny(l, "\n\t") {
			t.Fatalf("Line(%q) = %q has several lines", s, l)
		}
		if c := Cut(got, max); max >= 0 && utf8.RuneCountInString(c) > max {
			t.Fatalf("Cut(%q, %d) = %q is too long", got, max, c)
		}
	})
}
