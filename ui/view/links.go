package view

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Piece is a part of a message: text, or a link that shows exactly where it
// leads.
type Piece struct {
	Text string
	URL  *url.URL // nil: text
}

// Limits on what is looked at; what is beyond stays text.
const (
	maxLinks = 50
	maxLink  = 2000 // bytes
)

// linkStart is what a link begins with. Nothing is guessed: a bare host is text,
// and what could start a program (file:, javascript:) is never a link.
var linkStart = regexp.MustCompile(`(?i)\b(?:https?://|www\.|mailto:|sips?:|tel:)`)

// Pieces cuts a message into text and links. All pieces joined are the message.
func Pieces(text string) []Piece {
	var all []Piece
	done := 0
	for at, links := 0, 0; links < maxLinks; {
		found := linkStart.FindStringIndex(text[at:])
		if found == nil {
			break
		}
		from := at + found[0]
		to := from + linkEnd(text[from:])
		if at = max(to, at+found[1]); joinedOn(text[:from]) {
			continue
		}
		target := link(text[from:to])
		if target == nil {
			continue
		}
		if from > done {
			all = append(all, Piece{Text: text[done:from]})
		}
		all, done, links = append(all, Piece{text[from:to], target}), to, links+1
	}
	if done < len(text) {
		all = append(all, Piece{Text: text[done:]})
	}
	return all
}

// joinedOn says that what stands before goes on: "a.www." and "x-sip:" are no links.
func joinedOn(before string) bool {
	last, _ := utf8.DecodeLastRuneInString(before)
	return strings.ContainsRune(".-_@/:+", last) || unicode.IsLetter(last) || unicode.IsDigit(last)
}

// linkEnd is where the link at the beginning of s ends: at a space, a quotation
// mark or a character that would hide where it leads, and before what belongs to
// the sentence around it.
func linkEnd(s string) int {
	end := strings.IndexFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune(`<>"“”„«»`, r) || r == utf8.RuneError
	})
	if end < 0 {
		end = len(s)
	}
	for end > 0 {
		last, size := utf8.DecodeLastRuneInString(s[:end])
		closes := strings.IndexRune(")]}", last)
		switch {
		case closes >= 0 && strings.Count(s[:end], string(last)) > strings.Count(s[:end], string("([{"[closes])):
		case strings.ContainsRune(".,;:!?'’*_", last):
		default:
			return end
		}
		end -= size
	}
	return 0
}

// link is where a text leads, or nil.
func link(text string) *url.URL {
	if len(text) > maxLink {
		return nil
	}
	if len(text) >= 4 && strings.EqualFold(text[:4], "www.") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.User != nil { // https://bank.example@evil.example leads elsewhere than it seems
		return nil
	}
	switch u.Scheme = strings.ToLower(u.Scheme); u.Scheme {
	case "http", "https":
		if !strings.Contains(strings.Trim(u.Hostname(), "."), ".") && u.Hostname() != "localhost" || mixed(u.Hostname()) {
			return nil
		}
	case "mailto", "sip", "sips":
		if before, after, is := strings.Cut(u.Opaque, "@"); !is || before == "" || after == "" {
			return nil
		}
	case "tel":
		if !strings.ContainsFunc(u.Opaque, unicode.IsDigit) {
			return nil
		}
	default:
		return nil
	}
	return u
}

// mixed says that a host has letters of several scripts, of which one may look
// like another's: "exаmple.com" with a Cyrillic а. It stays text.
func mixed(host string) bool {
	for _, label := range strings.Split(host, ".") {
		latin, other := false, false
		for _, r := range label {
			switch {
			case unicode.Is(unicode.Latin, r):
				latin = true
			case unicode.In(r, unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Cherokee):
				other = true
			}
		}
		if latin && other {
			return true
		}
	}
	return false
}
