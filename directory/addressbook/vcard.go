package addressbook

import (
	"bytes"
	"io"
	"mime/quotedprintable"
	"strings"
	"time"

	"communicator/directory"

	"github.com/emersion/go-vcard"
)

// maxCard is the largest card in bytes, without its pictures.
const maxCard = 64 << 10

// ParseVCards reads people from vCards, and gives each to person, whose error
// ends it (RFC 6350; versions 2.1 and 3.0, as many programs still write them).
// A card that cannot be read is left out.
func ParseVCards(text []byte, person func(directory.Person) error) error {
	text = decoded(text)
	for len(text) > 0 {
		var card []byte
		if card, text = nextCard(text); len(card) == 0 || len(card) > maxCard {
			continue
		}
		c, err := vcard.NewDecoder(bytes.NewReader(card)).Decode()
		if err != nil {
			continue
		}
		if p, ok := bounded(keyed(personOf(c))); ok && p.Name+p.User != "" {
			if err := person(p); err != nil {
				return err
			}
		}
	}
	return nil
}

// nextCard returns the lines of the next card without those of pictures, and
// what follows it.
func nextCard(text []byte) (card, rest []byte) {
	inside, skip, soft := false, false, false
	for len(text) > 0 {
		line, after, _ := bytes.Cut(text, []byte("\n"))
		text = after
		line = bytes.TrimSuffix(line, []byte("\r"))
		switch {
		case soft: // the rest of a quoted-printable value
			card, soft = addLine(card[:len(card)-3], line), softBreak(line)
		case is(line, "BEGIN:VCARD"):
			inside, card = true, addLine(nil, line)
		case !inside:
		case is(line, "END:VCARD"):
			return addLine(card, line), text
		case len(line) > 0 && (line[0] == ' ' || line[0] == '\t'): // RFC 6350 §3.2: it belongs to the line before
			if !skip {
				card = addLine(card, line)
			}
		default:
			skip = picture(line)
			if !skip && len(bytes.TrimSpace(line)) > 0 {
				card = addLine(card, named(line))
				soft = softBreak(line) && bytes.Contains(bytes.ToUpper(line), []byte("QUOTED-PRINTABLE"))
			}
		}
	}
	return nil, nil
}

// named gives the parameters of version 2.1 their names: TEL;CELL is
// TEL;TYPE=CELL.
func named(line []byte) []byte {
	head, value, found := bytes.Cut(line, []byte(":"))
	if !found || bytes.ContainsRune(head, '"') {
		return line
	}
	parts := strings.Split(string(head), ";")
	for i, p := range parts[1:] {
		switch {
		case strings.Contains(p, "="):
		case strings.EqualFold(p, "QUOTED-PRINTABLE"):
			parts[i+1] = "ENCODING=" + p
		default:
			parts[i+1] = "TYPE=" + p
		}
	}
	return append([]byte(strings.Join(parts, ";")+":"), value...)
}

// addLine adds a line to a card; to one that is too large already it does not.
func addLine(card, line []byte) []byte {
	if len(card) > maxCard {
		return card
	}
	return append(append(card, line...), "\r\n"...)
}

func is(line []byte, what string) bool { return strings.EqualFold(string(bytes.TrimSpace(line)), what) }

func softBreak(line []byte) bool { return bytes.HasSuffix(line, []byte("=")) }

// picture says whether a line begins something that is not text.
func picture(line []byte) bool {
	name, _, _ := bytes.Cut(line[:min(len(line), 200)], []byte(":"))
	name, _, _ = bytes.Cut(name, []byte(";"))
	if at := bytes.LastIndexByte(name, '.'); at >= 0 {
		name = name[at+1:] // RFC 6350 §3.3: a group
	}
	switch strings.ToUpper(string(name)) {
	case "PHOTO", "LOGO", "SOUND", "KEY":
		return true
	}
	return false
}

// personOf reads a card (RFC 6350 §6).
func personOf(c vcard.Card) (p directory.Person) {
	p.Key, p.Name = value(c.Get(vcard.FieldUID)), value(c.Preferred(vcard.FieldFormattedName))
	if p.Name == "" {
		n := components(c.Get(vcard.FieldName)) // family, given
		p.Name = strings.TrimSpace(n[1] + " " + n[0])
	}
	p.Title = value(c.Preferred(vcard.FieldTitle))
	p.Department = components(c.Preferred(vcard.FieldOrganization))[1]
	for _, f := range append(c[vcard.FieldIMPP], c["X-SIP"]...) {
		if _, after, found := strings.Cut(value(f), ":"); p.User == "" && (!found || strings.EqualFold(value(f)[:len(value(f))-len(after)], "sip:")) {
			p.User = user(value(f))
		}
	}
	for _, f := range c[vcard.FieldEmail] {
		if v := strings.TrimPrefix(value(f), "mailto:"); p.Mail == "" {
			p.Mail = v
		} else {
			p.Aliases = append(p.Aliases, v)
		}
	}
	if p.User == "" {
		p.User = user(p.Mail)
	}
	for _, f := range c[vcard.FieldTelephone] {
		p.Numbers = append(p.Numbers, directory.Number{Kind: kindOf(f), Number: strings.TrimPrefix(value(f), "tel:")})
	}
	for _, f := range c[vcard.FieldNickname] {
		p.Aliases = append(p.Aliases, value(f))
	}
	for _, f := range c[vcard.FieldAddress] {
		if at := components(f); p.Office == "" && !f.Params.HasType(vcard.TypeHome) {
			p.Office = strings.TrimSpace(at[1] + " " + at[3]) // the room, the town
		}
	}
	if at, err := time.Parse("20060102T150405Z", strings.NewReplacer("-", "", ":", "").Replace(value(c.Get(vcard.FieldRevision)))); err == nil {
		p.Modified = at
	}
	return p
}

// kindOf says what a number is for.
func kindOf(f *vcard.Field) string {
	switch {
	case f.Params.HasType(vcard.TypeCell):
		return "mobile"
	case f.Params.HasType(vcard.TypeHome):
		return "home"
	case f.Params.HasType(vcard.TypeFax), f.Params.HasType("pager"):
		return "other"
	}
	return "work"
}

// value returns the text of a field; empty for none.
func value(f *vcard.Field) string {
	if f == nil {
		return ""
	}
	v := f.Value
	if strings.EqualFold(f.Params.Get("ENCODING"), "QUOTED-PRINTABLE") { // version 2.1
		if b, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(v))); err == nil {
			v = string(decoded(b))
		}
	}
	return strings.TrimSpace(v)
}

// components returns at least five parts of a field that has parts.
func components(f *vcard.Field) []string {
	parts := strings.Split(value(f), ";")
	for i, p := range parts {
		parts[i] = strings.TrimSpace(p)
	}
	return append(parts, "", "", "", "", "")
}
