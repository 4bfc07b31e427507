package contacts

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

func file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func said(rows []Row) string {
	var all []string
	for _, r := range rows {
		s := fmt.Sprintf("%d %s %s <%s>", r.Line, r.Group, r.Name, r.User)
		if r.Access != "" {
			s += " " + string(r.Access)
		}
		if r.Service {
			s += " service"
		}
		all = append(all, s)
	}
	return strings.Join(all, "\n")
}

func refused(bad []Outcome) (all string) {
	for _, o := range bad {
		all += fmt.Sprintf("%d: %s\n", o.Line, o.Why)
	}
	return all
}

// Files as other programs write them: the card in RFC 6350 §8, cards of old
// versions with a photo, a table of a German spreadsheet.
func TestParseFiles(t *testing.T) {
	for _, c := range []struct {
		name, want, bad string
		parse           func([]byte) ([]Row, []Outcome, error)
	}{
		{"rfc6350-author.vcf", "1  Simon Perreault <simon.perreault@viagenie.ca>", "", ParseVCard},
		{"old.vcf", "1  Jürgen Müller <juergen@contoso.test>\n309 Work Bob Berg <sip:bob@contoso.test>\n309 Friends, old ones Bob Berg <sip:bob@contoso.test>",
			"316: the card has neither a SIP nor a mail address\n320: no END field found\n", ParseVCard},
		{"excel.csv", "2 Büro Müller, Jürgen <juergen@contoso.test>\n3 Büro Doe; Jane \"JD\" <sip:jane@contoso.test>\n5 Büro Nobody <>", "", ParseCSV},
	} {
		rows, bad, err := c.parse(file(t, c.name))
		if got := said(rows); got != c.want || refused(bad) != c.bad || err != nil {
			t.Errorf("%s: %v\n%s\nrefused %s", c.name, err, got, refused(bad))
		}
	}
}

func TestParseCSV(t *testing.T) {
	for in, want := range map[string]string{
		"":                                "",
		"bob@x.test\ncarol@x.test":        "1   <bob@x.test>\n2   <carol@x.test>",
		"\xef\xbb\xbfaddress\nbob@x.test": "2   <bob@x.test>",
		"\xff\xfea\x00@\x00b\x00":         "1   <a@b>",
		"address,access,kind\nb@x,Block,\n\nr@x,?,service": "2   <b@x> block\n4   <r@x> service",
		"address\tname\nb@x\t'=1+1":                        "2  =1+1 <b@x>",
		"name\nb":                                          "1   <name>\n2   <b>",
		"address,name\nb@x,\"no end":                       "2  no end <b@x>",
	} {
		rows, bad, err := ParseCSV([]byte(in))
		if said(rows) != want || len(bad) > 0 || err != nil {
			t.Errorf("%q: %v, %s\n%s", in, err, refused(bad), said(rows))
		}
	}
	if _, _, err := ParseCSV(make([]byte, MaxFile+1)); err == nil {
		t.Error("an endless file is read")
	}
	if _, _, err := ParseVCard([]byte("hello")); err == nil {
		t.Error("a file without cards is taken")
	}
}

func TestMerge(t *testing.T) {
	rows := []Row{
		{Line: 1, User: "bob@x.test", Name: "Another Bob", Group: "friends"},
		{Line: 2, User: "sip:Dina@X.test", Name: "Dina", Group: "New"},
		{Line: 3, User: "dina@x.test", Name: "Dina 2"},
		{Line: 4, User: "nobody"},
		{Line: 5, User: "eve@x.test", Access: Block},
		{Line: 6, User: "a@x.test", Group: "My peers"},
		{Line: 7, User: "dina@x.test", Group: "Contacts"},
	}
	before := sample.String()
	l, done := sample.Merge(rows)
	if sample.String() != before {
		t.Fatal("the list itself was changed")
	}
	if want := before + "New (own): Dina=Dina@x.test\nContacts (own): Dina 2=dina@x.test\n"; l.String() != want {
		t.Errorf("got\n%s", l)
	}
	var results []string
	for _, o := range done {
		results = append(results, fmt.Sprintf("%d %s %s", o.Line, o.User, o.Result))
	}
	if got := strings.Join(results, "; "); got != "1 bob@x.test already there; 2 Dina@x.test added; 3 dina@x.test added; 4 nobody refused; 5 eve@x.test added; 6 a@x.test refused; 7 dina@x.test already there" {
		t.Error(got)
	}
	if !strings.Contains(done[3].Why, "@ is missing") || !strings.Contains(done[5].Why, "organisation chart") {
		t.Errorf("%q, %q", done[3].Why, done[5].Why)
	}
}

func TestMergeMany(t *testing.T) {
	var rows []Row
	for i := range MaxContacts + 5 {
		rows = append(rows, Row{User: fmt.Sprintf("u%d@x.test", i), Group: fmt.Sprint("G", i%7)})
	}
	l, done := List{}.Merge(rows)
	if n := l.count(); n != MaxContacts || done[MaxContacts].Result != Refused {
		t.Errorf("%d people, the one too many is %s", n, done[MaxContacts].Result)
	}
}

// What is exported and imported again says the same.
func TestRoundTrip(t *testing.T) {
	l := List{Groups: []Group{
		{Name: "My peers", Source: Org, Members: []Contact{{User: "peer@x.test"}}},
		{Name: `Lyon, "east" \ ; office`, Source: Own, Members: []Contact{{User: "bob@x.test", Name: "Berg, Bob"}, {User: "j%C3%BCrgen@x.test", Name: "Jürgen"}}},
		{Name: "=Team", Source: Own, Members: []Contact{{User: "+49301@x.test", Name: "-1"}, {User: "robot@x.test", Service: true}, {User: "bob@x.test", Name: "Berg, Bob"}}},
	}}
	rows := l.Rows(map[string]Access{"eve@x.test": Block, "bob@x.test": Limited, "fay@x.test": Allow})
	for name, parsed := range map[string]func() ([]Row, []Outcome, error){
		"CSV":   func() ([]Row, []Outcome, error) { return ParseCSV(CSV(rows)) },
		"vCard": func() ([]Row, []Outcome, error) { return ParseVCard(VCard(rows)) },
	} {
		again, bad, err := parsed()
		if len(bad) > 0 || err != nil {
			t.Fatalf("%s: %v, %s", name, err, refused(bad))
		}
		merged, _ := List{}.Merge(again)
		for _, g := range l.Without(Org).Groups {
			got, _ := merged.Group(g.Name)
			for _, m := range g.Members {
				if !slices.Contains(got.Members, m) {
					t.Errorf("%s: %+v is not in %+v", name, m, got)
				}
			}
		}
		if i := slices.IndexFunc(again, func(r Row) bool { return strings.HasSuffix(r.User, "eve@x.test") }); i < 0 || again[i].Access != Block || len(again) != 6 {
			t.Errorf("%s: %d rows, eve %d", name, len(again), i)
		}
	}
}

func FuzzParseCSV(f *testing.F) {
	f.Add(file(f, "excel.csv"))
	f.Add([]byte("group,address,name,access,kind\r\n'=x,bob@x.test,\"a\"\"b\",block,service\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) { fuzz(t, b, ParseCSV, CSV) })
}

func FuzzParseVCard(f *testing.F) {
	f.Add(file(f, "old.vcf"))
	f.Add(file(f, "rfc6350-author.vcf"))
	f.Add([]byte("BEGIN:VCARD\nFN;X=\"a\":b\\,c\nCATEGORIES:a\\\\,b,c\nIMPP:sip:a@b\nX-COMMUNICATOR-ACCESS:polite\nEND:VCARD"))
	f.Fuzz(func(t *testing.T, b []byte) { fuzz(t, b, ParseVCard, VCard) })
}

// fuzz: what can be put on a list survives being written and read.
func fuzz(t *testing.T, b []byte, parse func([]byte) ([]Row, []Outcome, error), write func([]Row) []byte) {
	rows, _, err := parse(b)
	if err != nil {
		return
	}
	l, _ := List{}.Merge(rows)
	again, bad, err := parse(write(l.Rows(nil)))
	if l.count() > 0 && (err != nil || len(bad) > 0) {
		t.Fatalf("%v, %s", err, refused(bad))
	}
	m, _ := List{}.Merge(again)
	if len(m.Users()) != len(l.Users()) || m.count() != l.count() {
		t.Fatalf("%s\nbecame\n%s", l, m)
	}
}
