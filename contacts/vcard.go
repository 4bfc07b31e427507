package contacts

import (
	"bytes"
	"errors"
	"io"
	"mime/quotedprintable"
	"strings"

	"github.com/emersion/go-vcard"
)

const (
	accessField = "X-COMMUNICATOR-ACCESS"
	maxLine     = 8192 // a longer one is a photo
	comma       = "\x1f"
)

// ParseVCard reads cards (RFC 6350, and the older 3.0 and 2.1): the address is the
// IMPP property (RFC 4770) that is one of SIP, else X-SIP, else the first EMAIL;
// each of CATEGORIES is a group. A card that cannot be read is returned as refused.
func ParseVCard(b []byte) (rows []Row, bad []Outcome, err error) {
	s, err := text(b)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range cards(s) {
		card, err := vcard.NewDecoder(strings.NewReader(c.text)).Decode()
		switch {
		case err != nil:
			bad = append(bad, Outcome{Row: Row{Line: c.line}, Result: Refused, Why: strings.TrimPrefix(err.Error(), "vcard: ")})
			continue
		case len(rows)+len(bad) >= MaxRows:
			return rows, bad, errors.New("the file has too many cards")
		}
		person := Row{Line: c.line, User: addressOf(card), Name: value(card.Get(vcard.FieldFormattedName)), Service: strings.EqualFold(card.Value(vcard.FieldKind), "application")} // RFC 6473
		if person.User == "" {
			bad = append(bad, Outcome{Row: person, Result: Refused, Why: "the card has neither a SIP nor a mail address"})
			continue
		}
		if strings.HasSuffix(person.User, person.Name) {
			person.Name = "" // it stands for one: a card must have it
		}
		if a, err := ParseAccess(card.Value(accessField)); err == nil {
			person.Access = a
		}
		groups := groupsOf(card)
		for _, g := range groups {
			person.Group = g
			rows = append(rows, person)
		}
		if len(groups) == 0 {
			rows = append(rows, person)
		}
	}
	if len(rows)+len(bad) == 0 && strings.TrimSpace(s) != "" {
		return nil, nil, errors.New("there is no card in the file: no line says BEGIN:VCARD")
	}
	return rows, bad, nil
}

// piece is one card of a file.
type piece struct {
	line int
	text string // with one line for each property
}

// cards cuts a file into its cards. Folded lines are put together (RFC 6350
// §3.2); what is too long to be read is left out.
func cards(s string) (all []piece) {
	var now *piece
	var b, property strings.Builder
	flush := func() {
		if l := property.String(); l != "" && len(l) <= maxLine {
			if isCategories(l) {
				l = markCommas(l)
			}
			b.WriteString(named(l) + "\r\n")
		}
		property.Reset()
	}
	end := func() {
		flush()
		if now != nil {
			now.text = b.String()
			all = append(all, *now)
		}
		b.Reset()
	}
	n := 0
	for line := range strings.SplitSeq(s, "\n") {
		n++
		line = strings.TrimRight(line, "\r")
		switch {
		case strings.EqualFold(strings.TrimSpace(line), "BEGIN:VCARD"):
			end()
			now = &piece{line: n}
		case line != "" && (line[0] == ' ' || line[0] == '\t'):
			if property.Len() <= maxLine {
				property.WriteString(line[1:])
			}
			continue
		}
		flush()
		if bare := strings.TrimSpace(line); strings.EqualFold(bare, "BEGIN:VCARD") || strings.EqualFold(bare, "END:VCARD") {
			line = bare
		}
		if now != nil {
			property.WriteString(line)
		}
	}
	end()
	return all
}

// named gives the parameters of version 2.1, which are bare values, their name.
func named(line string) string {
	head, rest, ok := strings.Cut(line, ":")
	if !ok || strings.Contains(head, `"`) {
		return line
	}
	parts := strings.Split(head, ";")
	for i, p := range parts {
		if i > 0 && !strings.Contains(p, "=") {
			parts[i] = "TYPE=" + p
		}
	}
	return strings.Join(parts, ";") + ":" + rest
}

func isCategories(line string) bool {
	name, _, _ := strings.Cut(line, ":")
	name, _, _ = strings.Cut(name, ";")
	return strings.EqualFold(name[strings.LastIndexByte(name, '.')+1:], vcard.FieldCategories)
}

// markCommas marks the commas that separate values, so that they can be told
// from those that are in a value and escaped (RFC 6350 §3.4).
func markCommas(line string) string {
	var b strings.Builder
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == '\\' && i+1 < len(line):
			b.WriteString(line[i : i+2])
			i++
		case line[i] == ',':
			b.WriteString(comma)
		default:
			b.WriteByte(line[i])
		}
	}
	return b.String()
}

func groupsOf(card vcard.Card) (groups []string) {
	for _, f := range card[vcard.FieldCategories] {
		for _, g := range strings.Split(value(f), comma) {
			if g = strings.TrimSpace(g); g != "" {
				groups = append(groups, g)
			}
		}
	}
	return groups
}

func addressOf(card vcard.Card) string {
	for _, name := range []string{vcard.FieldIMPP, "X-SIP", "X-SIP-ADDRESS", vcard.FieldEmail} {
		for _, f := range card[name] {
			v := strings.TrimSpace(value(f))
			scheme, _, has := strings.Cut(strings.ToLower(v), ":")
			if has && scheme != "sip" && scheme != "sips" && scheme != "im" && scheme != "mailto" || v == "" {
				continue // of another network
			}
			return v
		}
	}
	return ""
}

// value is what a property says; the old version 2.1 writes it with =XX.
func value(f *vcard.Field) string {
	if f == nil {
		return ""
	}
	if strings.EqualFold(f.Params.Get("ENCODING"), "QUOTED-PRINTABLE") {
		if b, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(f.Value))); err == nil {
			return string(b)
		}
	}
	return f.Value
}

// VCard writes rows as cards (RFC 6350), one for each person.
func VCard(rows []Row) []byte {
	var b bytes.Buffer
	groups, first, order := map[string][]string{}, map[string]Row{}, []string{}
	for _, r := range rows {
		if _, seen := first[r.User]; !seen {
			first[r.User] = r
			order = append(order, r.User)
		}
		if r.Group != "" {
			groups[r.User] = append(groups[r.User], r.Group)
		}
	}
	w := vcard.NewEncoder(&b)
	for _, user := range order {
		r := first[user]
		c := vcard.Card{}
		c.SetValue(vcard.FieldVersion, "4.0")
		c.SetValue(vcard.FieldFormattedName, r.Name)
		if r.Name == "" {
			c.SetValue(vcard.FieldFormattedName, r.User) // RFC 6350 §6.2.1: there must be one
		}
		c.SetValue(vcard.FieldIMPP, "sip:"+r.User)
		for _, g := range groups[user] {
			c.AddValue(vcard.FieldCategories, g)
		}
		if r.Access != Undecided {
			c.SetValue(accessField, string(r.Access))
		}
		if r.Service {
			c.SetValue(vcard.FieldKind, "application")
		}
		_ = w.Encode(c) // into memory, with a version
	}
	return b.Bytes()
}
