package directory

import (
	"slices"
	"testing"
)

// A person with an entry in each of two companies is one, and is found by
// either address.
func TestFilledFromTheOtherEntry(t *testing.T) {
	user := Person{User: "anna@contoso.test", Name: "Anna Albers", Aliases: []string{"aalbers"}, Numbers: []Number{{"work", "+49 30 12"}}}
	contact := Person{User: "anna.albers@fabrikam.test", Mail: "anna.albers@fabrikam.test", Title: "Buyer", Aliases: []string{"aalbers", "Anna@contoso.test"}}
	p := user.FilledFrom(contact)
	if p.User != "anna@contoso.test" || p.Title != "Buyer" || p.Mail != "anna.albers@fabrikam.test" || len(p.Numbers) != 1 {
		t.Errorf("merged to %+v", p)
	}
	if want := []string{"aalbers", "anna.albers@fabrikam.test"}; !slices.Equal(p.Aliases, want) {
		t.Errorf("aliases %q, want %q", p.Aliases, want)
	}
	if len(user.Aliases) != 1 || len(user.Numbers) != 1 {
		t.Error("the entry it was made from has changed")
	}
}
