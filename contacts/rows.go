package contacts

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"communicator/plain"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// Row is a person in a group, as files of other programs say it.
type Row struct {
	Line    int    // of the file, from 1
	User    string // as it stands there; Merge says what is wrong with it
	Name    string
	Group   string // empty: none was named
	Access  Access // Undecided: nothing was said
	Service bool
}

// Result says what became of a Row.
type Result string

// Values of Result.
const (
	Added   Result = "added"
	Known   Result = "already there"
	Refused Result = "refused" // Outcome.Why says why
)

// Outcome is what became of a Row.
type Outcome struct {
	Row
	Result Result
	Why    string
}

// Limits of a file that is imported.
const (
	MaxFile = 4 << 20 // bytes
	MaxRows = 60000
)

// Merge adds what rows say to the list and says what became of each, in their
// order. Nobody is dropped, and who is in the group already keeps his name, unless he
// has none. A row that only says who is blocked puts nobody on the list.
func (l List) Merge(rows []Row) (List, []Outcome) {
	m := merge{list: List{Groups: slices.Clone(l.Groups)}, at: map[[2]string]int{}}
	for i, g := range m.list.Groups {
		m.list.Groups[i].Members = slices.Clone(g.Members)
		for j, c := range g.Members {
			if g.Source == Own {
				m.at[[2]string{strings.ToLower(g.Name), c.User}] = j
			}
		}
	}
	m.count = l.count()
	done := make([]Outcome, 0, len(rows))
	for _, r := range rows {
		o := Outcome{Row: r}
		var err error
		if o.User, err = Canonical(r.User); err == nil {
			o.Result, err = m.add(o.Row)
		} else {
			o.User = plain.Cut(plain.Line(r.User), MaxName)
		}
		if err != nil {
			o.Result, o.Why = Refused, err.Error()
		}
		done = append(done, o)
	}
	return m.list, done
}

// merge is the list while rows are put in.
type merge struct {
	list  List
	at    map[[2]string]int // group in lower case, user: place in the group
	count int
}

func (m *merge) add(r Row) (Result, error) {
	r.Group, r.Name = plain.Line(r.Group), plain.Cut(plain.Line(r.Name), MaxName)
	if r.Group == "" && r.Access.Refuses() {
		return Added, nil // whoever reads the rows gives the access
	}
	r.Group = cmp.Or(r.Group, DefaultGroup)
	i, err := m.list.ensure(r.Group)
	if err != nil {
		return "", err
	}
	members, key := &m.list.Groups[i].Members, [2]string{strings.ToLower(m.list.Groups[i].Name), r.User}
	if j, there := m.at[key]; there {
		if (*members)[j].Name == "" {
			(*members)[j].Name = r.Name
		}
		return Known, nil
	}
	if m.count++; m.count > MaxContacts {
		return "", fmt.Errorf("the contact list is full: it has %d people", MaxContacts)
	}
	m.at[key] = len(*members)
	*members = append(*members, Contact{User: r.User, Name: r.Name, Service: r.Service})
	return Added, nil
}

// Rows returns what a file of the user's own groups says, and who has which
// access. People who are not on the list come last.
func (l List) Rows(access map[string]Access) (rows []Row) {
	on := map[string]bool{}
	for _, g := range l.Without(Org).Groups {
		for _, c := range g.Members {
			on[c.User] = true
			rows = append(rows, Row{Group: g.Name, User: c.User, Name: c.Name, Access: access[c.User], Service: c.Service})
		}
	}
	for user, a := range access {
		if !on[user] && a.Refuses() {
			rows = append(rows, Row{User: user, Access: a})
		}
	}
	slices.SortStableFunc(rows, func(a, b Row) int {
		if a.Group != "" || b.Group != "" {
			return cmp.Compare(word(a.Group == ""), word(b.Group == ""))
		}
		return cmp.Compare(a.User, b.User)
	})
	return rows
}

func word(b bool) int {
	if b {
		return 1
	}
	return 0
}

// text returns the content of a file as UTF-8: with a byte order mark, UTF-16
// or, as spreadsheets of Windows write, one byte a character.
func text(b []byte) (string, error) {
	if len(b) > MaxFile {
		return "", fmt.Errorf("the file has more than %d bytes", MaxFile)
	}
	decoder := unicode.UTF8BOM.NewDecoder()
	switch {
	case bytes.HasPrefix(b, []byte("\xff\xfe")), bytes.HasPrefix(b, []byte("\xfe\xff")):
		decoder = unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder()
	case !utf8.Valid(b):
		decoder = charmap.Windows1252.NewDecoder()
	}
	out, err := decoder.Bytes(b)
	return string(out), err
}
