package auth

import "strings"

// challenges cuts header values into single challenges. RFC 7616 §3.7: one
// value may hold several, separated by the same commas as their parameters; a
// new one begins where a token is followed by a blank and more, or stands alone.
func challenges(headers []string) []string {
	var all []string
	for _, h := range headers {
		if len(h) > maxChallenge {
			continue
		}
		for _, piece := range splitCommas(h) {
			piece = strings.TrimSpace(piece)
			if piece == "" {
				continue
			}
			if !beginsChallenge(piece) && len(all) > 0 {
				all[len(all)-1] += "," + piece
				continue
			}
			if len(all) == maxChallenges {
				return all
			}
			all = append(all, piece)
		}
	}
	return all
}

// beginsChallenge tells "Digest realm=..." and "Negotiate" from "nonce=...".
func beginsChallenge(piece string) bool {
	i := 0
	for i < len(piece) && tokenByte(piece[i]) {
		i++
	}
	if i == 0 || i == len(piece) {
		return i > 0
	}
	rest := strings.TrimLeft(piece[i:], " \t")
	return len(rest) < len(piece[i:]) && !strings.HasPrefix(rest, "=")
}

// credentials cuts a challenge or credentials into scheme and parameters.
func credentials(text string) (scheme string, params map[string]string) {
	text = strings.TrimSpace(text)
	i := strings.IndexAny(text, " \t")
	if i < 0 {
		return text, map[string]string{}
	}
	return text[:i], parameters(text[i:])
}

// parameters reads name=value, name="quoted value", ...; the first of a name counts.
func parameters(text string) map[string]string {
	m := map[string]string{}
	for _, piece := range splitCommas(text) {
		name, value, ok := strings.Cut(piece, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if _, again := m[name]; !ok || again || name == "" {
			continue
		}
		m[name] = unquote(strings.TrimSpace(value))
	}
	return m
}

// splitCommas cuts at commas outside quoted strings.
func splitCommas(text string) []string {
	var parts []string
	quoted, from := false, 0
	for i := 0; i < len(text); i++ {
		switch {
		case quoted && text[i] == '\\':
			i++
		case text[i] == '"':
			quoted = !quoted
		case text[i] == ',' && !quoted:
			parts = append(parts, text[from:i])
			from = i + 1
		}
	}
	return append(parts, text[from:])
}

// unquote takes quotes and backslashes off a quoted-string (RFC 3261 §25.1).
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	var b strings.Builder
	s = s[1 : len(s)-1]
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// quote makes a quoted-string.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func tokenByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-.!%*_+`'~#$&^|", c) >= 0
}

// shown makes a name from the network fit for an error message.
func shown(s string) string {
	return strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f {
			return r
		}
		return -1
	}, s[:min(len(s), 40)])
}
