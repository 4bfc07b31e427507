// Package plain makes text from the network harmless before a person sees it
// or a script reads it: display names, notes, messages, reasons of errors.
//
// Begin with Line for what is shown on one line and Text for what may have
// several; Cut limits the length. All are pure. They do not escape: writing
// HTML, XML, JSON or a header is somebody else's business.
//
// Standards: Unicode Standard Annex #9 (the bidirectional controls that are
// taken out), Unicode Technical Report #36 (why).
package plain

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxMarks is how many combining marks, joiners and other characters without a
// width one character may carry: enough for every living language (Tibetan and
// Vietnamese need most) and for flags, too few to draw over the neighbouring
// lines, or to keep whoever draws them busy.
const MaxMarks = 8

// Line returns s on one line: line breaks and tabs become spaces, several of
// them one, and none is left at either end. What Text takes out is taken out.
func Line(s string) string {
	return strings.Join(strings.Fields(Text(s)), " ")
}

// Text returns s with its line breaks (always "\n") and tabs, but without what
// can do harm: control characters and thus escape sequences, bidirectional
// embeddings, overrides and isolates, and characters that never show. Each
// invalid byte becomes U+FFFD; a character keeps at most MaxMarks combining
// marks and joiners.
func Text(s string) string {
	if harmless(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	marks := 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		switch {
		case r == '\r' && i < len(s) && s[i] == '\n':
			continue // the line feed follows
		case r == '\r', r == 0x85, r == 0x2028, r == 0x2029: // also NEL, LINE and PARAGRAPH SEPARATOR
			r = '\n'
		case hidden(r):
			continue
		}
		if !unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) { // a joiner is no letter that marks could stand on
			marks = 0
		} else if marks++; marks > MaxMarks {
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Cut returns s if it has at most max characters, else its beginning and "…",
// together max characters. It never cuts a character in two.
func Cut(s string, max int) string {
	if len(s) <= max {
		return s
	}
	if max <= 0 {
		return ""
	}
	last, n := 0, 0
	for i := range s {
		if n++; n == max {
			last = i
		}
		if n > max {
			return s[:last] + "…"
		}
	}
	return s
}

// harmless says whether s is printable ASCII, line feeds and tabs only, as
// most text is.
func harmless(s string) bool {
	for i := range len(s) {
		if c := s[i]; c >= 0x7f || c < 0x20 && c != '\n' && c != '\t' {
			return false
		}
	}
	return true
}

// hidden says whether r is taken out: it moves the cursor, turns the direction
// of the text after it, or never shows. Marks that real languages need (U+200E,
// U+200F, U+061C, joiners, U+200B) stay.
func hidden(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case unicode.IsControl(r):
		return true
	case r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069: // UAX #9 §2: embeddings, overrides, isolates
		return true
	case r == 0xFEFF, r >= 0xFFF9 && r <= 0xFFFB: // byte order mark, interlinear annotation
		return true
	case r >= 0xE0000 && r < 0xE0020, r >= 0xE0080 && r < 0xE0100: // tags; those after U+E0020 spell flags
		return true
	}
	return unicode.Is(unicode.Noncharacter_Code_Point, r)
}
