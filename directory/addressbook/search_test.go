package addressbook

import (
	"slices"
	"strings"
	"testing"

	"communicator/directory"
)

// book returns a book with those people, kept nowhere.
func book(t *testing.T, people ...directory.Person) *Book {
	t.Helper()
	b := Open(Options{Feeds: feeds(Feed{Name: "company", Source: &fake{people: people}})})
	if err := b.Update(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b
}

func names(r Result) (all []string) {
	for _, h := range r.Hits {
		all = append(all, h.Name)
	}
	return all
}

func numbered(numbers ...string) (all []directory.Number) {
	for _, n := range numbers {
		all = append(all, directory.Number{Kind: "work", Number: n})
	}
	return all
}

func staff() []directory.Person {
	return []directory.Person{
		{User: "anna.berg@contoso.test", Name: "Anna Berg", Department: "Sales Europe", Office: "B12/301", Numbers: numbered("+49 30 1234-56"), Aliases: []string{"aberg", "anna@fabrikam.test"}},
		{User: "juergen.mueller@contoso.test", Name: "Jürgen Müller", Department: "Einkauf", Numbers: numbered("030 1234-77")},
		{User: "u3@contoso.test", Name: "Karla Mueller", Department: "Berg- und Hüttenwesen", Office: "7.28"},
		{User: "u4@contoso.test", Name: "Søren Østergaard", Office: "Bergen"},
		{User: "u5@contoso.test", Name: "Ilse Strauß-Weiss"},
		{User: "u6@contoso.test", Name: "Siobhán O’Neil"},
		{User: "u7@contoso.test", Name: "王小明"},
		{User: "u8@contoso.test", Name: "Bergmann, Ute", Numbers: numbered("+49 (0)89 5555 12")},
		{User: "u9@contoso.test", Name: "Дмитрий Йовович"},
		{User: "u10@contoso.test", Name: "Jean-Pierre Łoś", Numbers: numbered("42")},
		{Key: "no address", Name: "Empfang", Numbers: numbered("0049 30 1234 0")},
	}
}

func TestSearchFinds(t *testing.T) {
	b := book(t, staff()...)
	for text, want := range map[string]string{
		"anna":                   "Anna Berg",
		"berg anna":              "Anna Berg",
		"BER A":                  "Anna Berg",
		"anna.berg":              "Anna Berg",
		"anna.berg@con":          "Anna Berg",
		"sip:Anna.Berg@":         "Anna Berg",
		"aberg":                  "Anna Berg",
		"anna@fabrikam.test":     "Anna Berg",
		"ab":                     "Anna Berg", // initials, before nobody else
		"sales eur":              "Anna Berg",
		"anna sales":             "Anna Berg",
		"b12":                    "Anna Berg",
		"+49 30 1234-56":         "Anna Berg",
		"030123456":              "Anna Berg",
		"0049 (0)30 / 1234 56":   "Anna Berg",
		"123456":                 "Anna Berg",
		"berg 123456":            "Anna Berg",
		"x123456":                "Anna Berg",
		"ext. 123477":            "Jürgen Müller",
		"+49 30 1234;ext=56":     "Anna Berg",
		"+49 30 1234 ext 56":     "Anna Berg",
		"7.28":                   "Karla Mueller", // an office
		"728":                    "Karla Mueller",
		"123477":                 "Jürgen Müller",
		"+49 30 123477":          "Jürgen Müller", // kept without the country
		"jurgen":                 "Jürgen Müller",
		"jürgen":                 "Jürgen Müller",
		"juergen":                "Jürgen Müller",
		"ju\u0308rg":             "Jürgen Müller", // typed in two parts
		"müller, karla":          "Karla Mueller",
		"muller karla":           "Karla Mueller",
		"soren":                  "Søren Østergaard",
		"soeren oestergaard":     "Søren Østergaard",
		"østergård":              "Søren Østergaard",
		"strauss":                "Ilse Strauß-Weiss",
		"STRAUSS":                "Ilse Strauß-Weiss",
		"weiß":                   "Ilse Strauß-Weiss",
		"strauß-weiß":            "Ilse Strauß-Weiss",
		"straussweiss":           "Ilse Strauß-Weiss",
		"oneil":                  "Siobhán O’Neil",
		"o'neil siobhan":         "Siobhán O’Neil",
		"王":                      "王小明",
		"小明":                     "王小明",
		"ute bergmann":           "Bergmann, Ute",
		"089 555512":             "Bergmann, Ute",
		"+49895555":              "Bergmann, Ute",
		"дмитр":                  "Дмитрий Йовович",
		"иович":                  "",
		"йов":                    "Дмитрий Йовович",
		"jeanpierre":             "Jean-Pierre Łoś",
		"jean pierre los":        "Jean-Pierre Łoś",
		"jpl":                    "Jean-Pierre Łoś",
		"42":                     "Jean-Pierre Łoś",
		"empf":                   "Empfang",
		"+49 30 12340":           "Empfang",
		"zzz":                    "",
		"anna zzz":               "",
		"":                       "",
		"   ":                    "",
		"*":                      "",
		"%":                      "",
		"..":                     "",
		"12345678901234567890":   "",
		strings.Repeat("ä", 999): "",
		"\xff\xfe":               "",
	} {
		r := b.Search(Query{Text: text, Limit: 10})
		if want == "" {
			if r.Total != 0 || len(r.Hits) != 0 {
				t.Errorf("%q finds %q, want nobody", text, names(r))
			}
		} else if len(r.Hits) == 0 || r.Hits[0].Name != want {
			t.Errorf("%q finds %q, want %s", text, names(r), want)
		}
	}
}

// Contacts come first, then one's department, then others; of these the name
// before an office or a department of that name; a whole name before a part.
func TestBestFirst(t *testing.T) {
	b := book(t, staff()...)
	if got, want := names(b.Search(Query{Text: "berg", Limit: 10})), []string{"Anna Berg", "Bergmann, Ute", "Karla Mueller", "Søren Østergaard"}; !slices.Equal(got, want) {
		t.Errorf("berg finds %q, want %q", got, want)
	}
	b.Prefer([]directory.Person{{User: "u8@contoso.test", Name: "My Ute"}, {User: "friend@example.test", Name: "Nils Bergström"}}, "berg- und hüttenwesen")
	r := b.Search(Query{Text: "berg", Limit: 10})
	if got, want := names(r), []string{"Nils Bergström", "My Ute", "Karla Mueller", "Anna Berg", "Søren Østergaard"}; !slices.Equal(got, want) {
		t.Errorf("berg finds %q, want %q", got, want)
	}
	if r.Mine != 2 || r.Total != 5 || !r.Hits[0].Mine || r.Hits[2].Mine || r.Hits[1].User != "u8@contoso.test" || len(r.Hits[1].Numbers) != 1 {
		t.Errorf("found %+v", r)
	}
	if r := b.Search(Query{Text: "my ute", Limit: 10}); r.Total != 1 {
		t.Errorf("by the name the user gave: %q", names(r))
	}
	if r := b.Search(Query{Text: "berg", Limit: 2}); len(r.Hits) != 2 || r.Total != 5 {
		t.Errorf("with a limit of 2: %d of %d", len(r.Hits), r.Total)
	}
	if r := b.Search(Query{Text: "berg"}); len(r.Hits) != 0 || r.Total != 5 {
		t.Errorf("without a limit: %d of %d", len(r.Hits), r.Total)
	}
	if p, ok := b.Person("u8@contoso.test"); !ok || p.Name != "Bergmann, Ute" {
		t.Errorf("the contact is %+v in the book", p)
	}
	b.Prefer([]directory.Person{{User: "anna@fabrikam.test", Name: "Anna"}}, "")
	if r := b.Search(Query{Text: "anna berg", Limit: 10}); r.Total != 1 || r.Mine != 1 || r.Hits[0].User != "anna@fabrikam.test" || r.Hits[0].Department != "Sales Europe" {
		t.Errorf("a contact by a second address: %+v", r)
	}
	b.Prefer(nil, "")
	if r := b.Search(Query{Text: "ute", Limit: 10}); r.Total != 1 || r.Mine != 0 || r.Hits[0].Name != "Bergmann, Ute" {
		t.Errorf("no contact any more: %+v", r)
	}
}

// One who is in two subtrees is shown once: by address, else by number and name.
func TestOnePersonOnce(t *testing.T) {
	b := book(t,
		directory.Person{Key: "1", User: "anna@contoso.test", Name: "Anna Berg", Numbers: numbered("+49 30 1234-56")},
		directory.Person{Key: "2", User: "Anna@contoso.test", Name: "Berg, Anna", Department: "Sales"},
		directory.Person{Key: "3", Name: "Anna Berg", Title: "Buyer", Numbers: numbered("0049 (0)30 123456")},
		directory.Person{Key: "4", Name: "Anna Berg", Numbers: numbered("+49 30 999999")},
		directory.Person{Key: "5", User: "other.anna@contoso.test", Name: "Anna Berg", Numbers: numbered("+49 30 1234-56")},
	)
	r := b.Search(Query{Text: "anna", Limit: 10})
	if r.Total != 3 {
		t.Fatalf("found %d: %+v", r.Total, r.Hits)
	}
	p, _ := b.Person("anna@contoso.test")
	if p.Department != "Sales" || p.Title != "Buyer" || p.Name != "Anna Berg" {
		t.Errorf("made of three entries: %+v", p)
	}
	if b.State().Entries != 3 {
		t.Errorf("%d people", b.State().Entries)
	}
}

// What the index finds is what reading everybody finds, for every beginning of
// a word.
func TestSearchIsComplete(t *testing.T) {
	people := company(3000)
	b := book(t, people...)
	for _, text := range typed(people)[:800] {
		if strings.ContainsFunc(text, func(r rune) bool { return r > 127 }) || text == "" || strings.ContainsAny(text, "0123456789@'’/-") {
			continue // the simple rule below knows words of ASCII only
		}
		want := 0
		for _, p := range people {
			if simply(p, text) {
				want++
			}
		}
		if got := b.Search(Query{Text: text}).Total; got < want {
			t.Errorf("%q finds %d, want at least %d", text, got, want)
		}
	}
}

// simply says whether every word of text begins a word of p.
func simply(p directory.Person, text string) bool {
	in := strings.FieldsFunc(strings.ToLower(p.Name+" "+p.Department+" "+p.Office), func(r rune) bool { return r == ' ' || r == '-' || r == '/' })
	for _, w := range strings.Fields(strings.ToLower(text)) {
		if !slices.ContainsFunc(in, func(s string) bool { return strings.HasPrefix(s, w) }) {
			return false
		}
	}
	return true
}
