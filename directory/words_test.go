package directory

import "testing"

// Who has the word only in the middle of another is not found, whatever the
// server says.
func TestWordsBegin(t *testing.T) {
	e := worker("goran", "", "displayName=Goran O'Halmodahl-Ostberg", "sn=Halmodahl", "physicalDeliveryOfficeName=B 12", "department=Øst")
	a := DefaultAttributes()
	for text, want := range map[string]bool{
		"goran": true, "HALMO gor": true, "ostb": true, "halmodahl-ost": true, "goran@contoso": true, "contoso": true, "12": true, "øs": true,
		"*": true, "Almodahl": false, "goran dahl": false, "ran": false,
		"Ost": true, "unseen": true, // the server may know why
	} {
		if got := a.begin(words(text), e); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
