package view

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"communicator/contacts"
	"communicator/directory"
	"communicator/directory/addressbook"
	"communicator/presence"
	"communicator/session"
)

var team = contacts.List{Groups: []contacts.Group{
	{Name: "My direct reports", Source: contacts.Org, Members: []contacts.Contact{
		{User: "zoe@contoso.test", Name: "Zoë Zander"}, {User: "a@contoso.test", Name: "Ärla Ahl"},
		{User: "bruno@contoso.test", Name: "bruno Berg"}, {User: "nameless@contoso.test"},
	}},
	{Name: "Project Harbour", Source: contacts.Own, Members: []contacts.Contact{{User: "bruno@contoso.test", Name: "bruno Berg"}}},
}}

func states(user string) presence.State {
	switch user {
	case "bruno@contoso.test":
		return presence.State{Availability: presence.Busy, Activity: presence.Call, Note: "On site", Seen: at(9, 40)}
	case "zoe@contoso.test":
		return presence.State{Availability: presence.Available}
	case "a@contoso.test":
		return presence.State{Availability: presence.Offline}
	}
	return presence.State{Availability: presence.Unknown}
}

// drawn is the list as one would read it.
func drawn(rows []Row) string {
	var b strings.Builder
	for _, r := range rows {
		switch r.Kind {
		case PersonRow:
			fmt.Fprintf(&b, "  (%s) %s | %s | %s\n", r.Face, r.Name, r.Words, r.Note)
		case HintRow:
			fmt.Fprintf(&b, "  %s\n", r.Note)
		default:
			fold := "v"
			if r.Fold {
				fold = ">"
			}
			fmt.Fprintf(&b, "%s %s %s org=%v\n", fold, r.Group, r.Count, r.Org)
		}
	}
	return b.String()
}

func TestRows(t *testing.T) {
	for _, c := range []struct {
		about string
		book  Book
		want  string
	}{
		{"by name, accents beside their letters", Book{Connected: true}, `v My direct reports 2/4 org=true
  (offline) Ärla Ahl | Offline | 
  (call) bruno Berg | In a call | “On site”
  (unknown) nameless@contoso.test | Status unknown | 
  (available) Zoë Zander | Available | 
v Project Harbour 1/1 org=false
  (call) bruno Berg | In a call | “On site”
`},
		{"reachable first", Book{Connected: true, Order: ByAvailability, Folded: map[string]bool{"Project Harbour": true}}, `v My direct reports 2/4 org=true
  (available) Zoë Zander | Available | 
  (call) bruno Berg | In a call | “On site”
  (offline) Ärla Ahl | Offline | 
  (unknown) nameless@contoso.test | Status unknown | 
> Project Harbour 1/1 org=false
`},
		{"not connected: nothing is kept green", Book{Folded: map[string]bool{"My direct reports": true}}, `> My direct reports –/4 org=true
v Project Harbour –/1 org=false
  (unknown) bruno Berg | Status unknown | “On site” · read 09:40
`},
		{"compact", Book{Connected: true, Compact: true, Folded: map[string]bool{"My direct reports": true}}, `> My direct reports 2/4 org=true
v Project Harbour 1/1 org=false
  (call) bruno Berg | In a call | 
`},
	} {
		c.book.List, c.book.State, c.book.Now = Sorted(team), states, now
		if got := drawn(c.book.Rows()); got != c.want {
			t.Errorf("%s:\n%s\nwant:\n%s", c.about, got, c.want)
		}
	}
	if team.Groups[0].Members[0].Name != "Zoë Zander" {
		t.Error("sorting changed the list it was given")
	}
}

func TestFindRows(t *testing.T) {
	person := func(user, name, dept, number string) directory.Person {
		p := directory.Person{User: user, Name: name, Department: dept, Office: "Berlin"}
		if number != "" {
			p.Numbers = []directory.Number{{Kind: "work", Number: number}}
		}
		return p
	}
	f := Search{Text: "ber", State: states, Now: now, Found: session.Found{Total: 43, Mine: 1, Hits: []session.Hit{
		{Person: person("bruno@contoso.test", "Bruno Berg", "Sales", "+49 30 1"), Source: "contact"},
		{Person: person("n@contoso.test", "Nathalie Bernard", "Legal", ""), Source: "directory"},
		{Person: person("", "Meeting room Hamberg", "", "+49 30 2"), Source: "directory"},
	}}}
	want := `v My contacts 1 org=false
  (call) Bruno Berg | In a call | Sales, Berlin · +49 30 1
v Address book 2 of 42 org=false
  (unknown) Nathalie Bernard | Status unknown | Legal, Berlin
  (unknown) Meeting room Hamberg | no address | Berlin · +49 30 2
  There are 40 more: type another letter.
`
	if got := drawn(f.Rows()); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if r := f.Rows()[1]; r.Name[r.Match[0]:r.Match[1]] != "Ber" {
		t.Errorf("the letters searched for: %v", r.Match)
	}
	if r := f.Rows()[4]; r.Match[0] != r.Match[1] {
		t.Errorf("letters within a word are not marked: %v", r.Match)
	}
	f.Book = addressbook.State{Filling: true, Read: 62400, Total: 100214}
	if got := drawn(f.Rows()); !strings.Contains(got, "v Address book 2 so far") || !strings.HasSuffix(got, "  Address book 62 % — results may be incomplete\n") {
		t.Errorf("while the address book is being filled:\n%s", got)
	}
	none := Search{Text: "xyz", State: states}
	if got := drawn(none.Rows()); got != "  Nobody called ‘xyz’ was found.\n" {
		t.Errorf("got %q", got)
	}
	none.Book = addressbook.State{Entries: 100214}
	if got := drawn(none.Rows()); got != "  Nobody called ‘xyz’ in 100,214 entries.\n" {
		t.Errorf("got %q", got)
	}
	none.Text = "eve@fabrikam.test"
	if got := drawn(none.Rows()); !strings.HasSuffix(got, "  Return writes to that address.\n") {
		t.Errorf("got %q", got)
	}
	none.Text = "xyz"
	none.Err = errors.New("connection refused")
	if got := drawn(none.Rows()); got != "  The address book could not be searched. Connection refused. Try again.\n" {
		t.Errorf("got %q", got)
	}
	none.Busy = true
	if got := drawn(none.Rows()); got != "  Searching the address book…\n" {
		t.Errorf("got %q", got)
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"Ulrike Bertram", "BER", "Ber"}, {"Élodie", "é", "É"}, {"Ana-Maria Berg", "mar x", "Mar"}, {"X", "", ""},
		{"Bo", "bob", ""}, {"İpek", "i", "İ"}, {"", "a", ""},
	} {
		m := match(c.name, c.text)
		if got := c.name[m[0]:m[1]]; got != c.want {
			t.Errorf("%q in %q: %q, want %q", c.text, c.name, got, c.want)
		}
	}
}
