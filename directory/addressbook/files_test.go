package addressbook

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"communicator/directory"
)

func everyone(t *testing.T, parse func([]byte, func(directory.Person) error) error, text string) (all []directory.Person) {
	t.Helper()
	if err := parse([]byte(text), func(p directory.Person) error { all = append(all, p); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

// The examples of the files in testdata say which program has written them.
func TestVCards(t *testing.T) {
	text, err := os.ReadFile("testdata/cards.vcf")
	if err != nil {
		t.Fatal(err)
	}
	all := everyone(t, ParseVCards, string(text))
	if len(all) != 4 {
		t.Fatalf("%d people, want 4: %+v", len(all), all)
	}
	simon := all[0]
	if simon.Name != "Simon Perreault" || simon.User != "simon.perreault@viagenie.ca" || simon.Key != "urn:uuid:4fbe8971-0bc3-424c-9c26-36c3e1eff6b1" || simon.Title != "" ||
		len(simon.Numbers) != 2 || simon.Numbers[0] != (directory.Number{Kind: "work", Number: "+1-418-656-9254;ext=102"}) || simon.Numbers[1].Kind != "mobile" {
		t.Errorf("RFC 6350: %+v", simon)
	}
	heidi := all[1]
	if heidi.Name != "Heidi Müller-Lüdenscheid" || heidi.Department != "Verkauf" || heidi.User != "heidi@contoso.test" || heidi.Mail != "h.mueller@contoso.test" ||
		heidi.Office != "B 12 Köln" || !slices.Contains(heidi.Aliases, "heidi.mueller@example.test") || heidi.Modified.IsZero() {
		t.Errorf("version 3.0: %+v", heidi)
	}
	old := all[2]
	if old.Name != "Jürgen Weiß, sehr langer Name der auf der nächsten Zeile weitergeht" || old.Numbers[0] != (directory.Number{Kind: "mobile", Number: "+49 171 1234567"}) {
		t.Errorf("version 2.1: %+v", old)
	}
	if all[3].Name != "After Broken" {
		t.Errorf("after a card that does not end: %+v", all[3])
	}
}

func TestCSV(t *testing.T) {
	for name, text := range map[string]string{
		"comma":      "Name,Email,Department,Phone,Room,Mobile\r\n\"Berg, Anna\",anna@contoso.test,\"Sales \"\"EU\"\"\",+49 30 1234,B12,0171 1\r\n",
		"semicolon":  "\ufeffName;E-Mail;Abteilung;Telefon;Büro;Mobil\nBerg, Anna;anna@contoso.test;Sales \"EU\";+49 30 1234;B12;0171 1\n",
		"tab":        "name\temail\tdepartment\tphone\toffice\tmobile\nBerg, Anna\tanna@contoso.test\tSales \"EU\"\t+49 30 1234\tB12\t0171 1\textra\tmore\n\n",
		"sep= UTF16": "\xff\xfe" + utf16("sep=;\r\nName;Email;Department;Phone;Office;Mobile phone\r\nBerg, Anna;anna@contoso.test;Sales \"EU\";+49 30 1234;B12;0171 1"),
	} {
		all := everyone(t, ParseCSV, text)
		if len(all) != 1 {
			t.Errorf("%s: %d people: %+v", name, len(all), all)
			continue
		}
		p := all[0]
		if p.Name != "Berg, Anna" || p.User != "anna@contoso.test" || p.Department != `Sales "EU"` || p.Office != "B12" || len(p.Numbers) != 2 || p.Numbers[1] != (directory.Number{Kind: "mobile", Number: "0171 1"}) {
			t.Errorf("%s: %+v", name, p)
		}
	}
	western := everyone(t, ParseCSV, "Nachname;Vorname;SIP;Mail\nM\xfcller;J\xf6rg;sip:Joerg@Contoso.test;jm@contoso.test\nnobody\n;;;\n")
	if len(western) != 2 || western[0].Name != "Jörg Müller" || western[0].User != "Joerg@contoso.test" || western[0].Mail != "jm@contoso.test" || western[1].Name != "nobody" {
		t.Errorf("Windows-1252: %+v", western)
	}
	family := everyone(t, ParseCSV, "Name;Vorname\nMüller;Anna\n")
	if len(family) != 1 || family[0].Name != "Anna Müller" {
		t.Errorf("family name in Name: %+v", family)
	}
	if err := ParseCSV([]byte("1;2;3\n4;5;6\n"), func(directory.Person) error { return nil }); !errors.Is(err, errNoHeadings) {
		t.Errorf("without headings: %v", err)
	}
}

func utf16(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteByte(byte(r))
		b.WriteByte(byte(r >> 8))
	}
	return b.String()
}

// A file that a user edits is read again, whoever is deleted in it goes.
func TestFileIsFollowed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "people.csv")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	source, err := FileSource(path)
	if err != nil {
		t.Fatal(err)
	}
	b := Open(Options{Feeds: feeds(Feed{Name: path, Source: source, Local: true})})
	if err := b.Update(t.Context()); err == nil || b.State().Complete {
		t.Fatalf("no file yet: %v, %+v", err, b.State())
	}
	write("Name;Email\nAnna;anna@contoso.test\nBruno;bruno@contoso.test\n")
	if err := b.Update(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := b.State(); s.Entries != 2 || !s.Complete {
		t.Errorf("after the first reading: %+v", s)
	}
	write("Name;Email\nAnna;anna@contoso.test\nChen Li;chen@contoso.test\nDina;dina@contoso.test\n")
	if err := b.Update(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, there := b.Person("bruno@contoso.test"); there || b.State().Entries != 3 {
		t.Errorf("after a change: Bruno is there: %v, %+v", there, b.State())
	}
	if r := b.Search(Query{Text: "li", Limit: 5}); r.Total != 1 || r.Hits[0].User != "chen@contoso.test" {
		t.Errorf("found %+v", r)
	}
	if _, err := FileSource("people.pdf"); err == nil {
		t.Error("a PDF is taken as a file of addresses")
	}
}

func FuzzParseVCards(f *testing.F) {
	text, err := os.ReadFile("testdata/cards.vcf")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("BEGIN:VCARD\nTEL;CELL;X=\"a:b\":1\nEND:VCARD"))
	f.Fuzz(func(t *testing.T, text []byte) { within(t, ParseVCards, text) })
}

func FuzzParseCSV(f *testing.F) {
	f.Add([]byte("\ufeffName;E-Mail;Abteilung;Telefon;Büro;Mobil\nBerg, Anna;anna@contoso.test;\"Sales\" EU;+49 30 1234;B12;0171 1\n"))
	f.Add([]byte("sep=,\nName,Vorname\n\"a"))
	f.Fuzz(func(t *testing.T, text []byte) { within(t, ParseCSV, text) })
}

// within holds the people of any file to the limits.
func within(t *testing.T, parse func([]byte, func(directory.Person) error) error, text []byte) {
	var all []entry
	_ = parse(text, func(p directory.Person) error { // a file that is none has nobody
		again, ok := bounded(p)
		a, _ := json.Marshal(p)
		if b, _ := json.Marshal(again); !ok || string(a) != string(b) {
			t.Errorf("not within the limits: %s", a)
		}
		if all = append(all, entry{0, p}); len(all) > 50 {
			return errEnough
		}
		return nil
	})
	s := build(together(all))
	if _, err := newSegment(s.parts()); err != nil {
		t.Errorf("the index of %+v is wrong", all)
	}
}
