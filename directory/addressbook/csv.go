package addressbook

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode"

	"communicator/directory"
)

// headings are the names of columns, folded and without anything but letters
// and digits, as mail programs and directories write them.
var headings = []struct {
	names []string
	set   func(p *directory.Person, value string)
}{
	{[]string{"id", "key", "uid", "employeeid", "employeenumber", "personalnummer"}, first(func(p *directory.Person) *string { return &p.Key })},
	{[]string{"name", "displayname", "fullname", "cn", "anzeigename"}, first(func(p *directory.Person) *string { return &p.Name })},
	{[]string{"sip", "sipaddress", "user", "im", "imaddress"}, func(p *directory.Person, v string) {
		if p.User == "" {
			p.User = user(v)
		}
	}},
	{[]string{"mail", "email", "emailaddress", "address", "email1value", "eaddress", "emailadresse", "primaryemail", "workemail"}, first(func(p *directory.Person) *string { return &p.Mail })},
	{[]string{"title", "jobtitle", "position", "organization1title", "role"}, first(func(p *directory.Person) *string { return &p.Title })},
	{[]string{"department", "abteilung", "unit", "organizationalunit", "organization1department", "ou"}, first(func(p *directory.Person) *string { return &p.Department })},
	{[]string{"office", "officelocation", "room", "location", "buro", "raum", "standort"}, first(func(p *directory.Person) *string { return &p.Office })},
	{[]string{"phone", "telephone", "telephonenumber", "workphone", "businessphone", "businessphone2", "phone1value", "telefon", "telefonnummer", "tel", "extension", "durchwahl"}, call("work")},
	{[]string{"mobile", "mobilephone", "cell", "cellphone", "mobil", "handy", "phone2value"}, call("mobile")},
	{[]string{"homephone", "home", "privat", "telefonprivat"}, call("home")},
	{[]string{"otherphone", "ipphone", "phone3value"}, call("other")},
	{[]string{"alias", "nickname", "login", "username", "account", "kurzel"}, func(p *directory.Person, v string) { p.Aliases = append(p.Aliases, v) }},
	{[]string{"manager", "vorgesetzter"}, first(func(p *directory.Person) *string { return &p.Manager })},
}

func first(field func(*directory.Person) *string) func(*directory.Person, string) {
	return func(p *directory.Person, value string) {
		if f := field(p); *f == "" {
			*f = value
		}
	}
}

func call(kind string) func(*directory.Person, string) {
	return func(p *directory.Person, value string) {
		p.Numbers = append(p.Numbers, directory.Number{Kind: kind, Number: value})
	}
}

var errNoHeadings = errors.New("the first row names no column that is known, as name, email, phone, department")

// ParseCSV reads people from rows whose first names the columns, and gives each
// to person, whose error ends it (RFC 4180, and what spreadsheets make of it:
// semicolons or tabs, a byte order mark, stray quotes, rows of any length).
func ParseCSV(text []byte, person func(directory.Person) error) error {
	text, comma := separator(decoded(text))
	rows := csv.NewReader(bytes.NewReader(text))
	rows.Comma, rows.LazyQuotes, rows.FieldsPerRecord, rows.ReuseRecord = comma, true, -1, true
	row, err := rows.Read()
	if errors.Is(err, io.EOF) {
		return nil
	}
	columns := columnsOf(row)
	if err != nil || len(columns.set) == 0 && columns.given < 0 && columns.last < 0 {
		return errNoHeadings
	}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if _, bad := errors.AsType[*csv.ParseError](err); bad {
			continue // a row that is none
		}
		if err != nil {
			return err
		}
		if p, ok := columns.person(row); ok {
			if err := person(p); err != nil {
				return err
			}
		}
	}
}

// separator finds out what separates the columns. Excel may say so in a line
// before the headings.
func separator(text []byte) (rest []byte, comma rune) {
	line, after, _ := bytes.Cut(text, []byte("\n"))
	if is, found := bytes.CutPrefix(bytes.TrimSpace(line), []byte("sep=")); found && len(is) == 1 && strings.ContainsRune(",;\t|", rune(is[0])) {
		return after, rune(is[0])
	}
	comma = ','
	for _, r := range ";\t|" {
		if bytes.Count(line, []byte(string(r))) > bytes.Count(line, []byte(string(comma))) {
			comma = r
		}
	}
	return text, comma
}

// columns of a file.
type columns struct {
	set         map[int]func(*directory.Person, string)
	given, last int // columns of the parts of a name; -1: none
}

func columnsOf(row []string) columns {
	c := columns{map[int]func(*directory.Person, string){}, -1, -1}
	for i, h := range row {
		name := strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				return r
			}
			return -1
		}, fold(h))
		switch name {
		case "firstname", "givenname", "vorname":
			c.given = i
		case "lastname", "surname", "familyname", "sn", "nachname":
			c.last = i
		}
		for _, known := range headings {
			if slices.Contains(known.names, name) {
				c.set[i] = known.set
			}
		}
	}
	return c
}

// person reads a row; ok is false for one with nobody in it.
func (c columns) person(row []string) (p directory.Person, ok bool) {
	for i, value := range row {
		if set := c.set[i]; set != nil && strings.TrimSpace(value) != "" {
			set(&p, strings.TrimSpace(value))
		}
	}
	part := func(i int) string {
		if i < 0 || i >= len(row) {
			return ""
		}
		return strings.TrimSpace(row[i])
	}
	given, last := part(c.given), part(c.last)
	switch {
	case given != "" && last == "" && p.Name != "" && !strings.Contains(p.Name, given):
		p.Name = given + " " + p.Name // "Name;Vorname": the first has the family name
	case p.Name == "":
		p.Name = strings.TrimSpace(given + " " + last)
	}
	if p.User == "" {
		p.User = user(p.Mail)
	}
	p, ok = bounded(keyed(p))
	return p, ok && p.Name+p.User != ""
}
