package addressbook

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"communicator/directory"
)

// company makes a plausible company of that many people, always the same: names
// of many languages, accents, departments, offices, numbers as people write
// them.
func company(people int) []directory.Person {
	r := rand.New(rand.NewPCG(1, 2))
	given := strings.Fields(`Anna Bruno Chen Dina Émile Søren Jürgen Zoë Łukasz Şebnem Björn Åsa Iñigo João Máire Þóra Đorđe Žofie Ștefan Ilse
		Michael Maria Peter Susanne Thomas Ursula Hans-Peter Jean-Pierre François Inès Giovanni Chiara Pavel Olga Дмитрий Ольга Иван Анна Γιώργος Ελένη
		محمد فاطمة דוד שרה 伟 小明 太郎 花子 민준 서연 Nguyễn Thị Ravi Priya Ahmet Ayşe Juan Lucía Miguel Mónica Kofi Ama Noah Emma Liam Olivia William James
		Linda David Karen Robert Nancy Daniel Betty Mark Sandra Paul Ashley Kevin Donna Brian Carol George Ruth Edward Sharon Ronald Helen Timothy Laura`)
	family := strings.Fields(`Albers Berg Cheng Dahl Müller Mueller Schmidt Weiß Strauß Großmann Østergaard Åkesson Öztürk Çelik Łoś Dvořák Šimek Horváth Kovács Sørensen
		Jørgensen García Rodríguez Fernández Gómez Núñez Silva Sousa O'Neil O’Connor MacDonald Þórsson Đoković Popescu Иванов Петров Смирнова Παπαδόπουλος
		حسن כהן 王 李 田中 佐藤 김 이 Nguyễn Trần Patel Singh Yılmaz Rossi Ferrari Bianchi Dubois Lefèvre Martin Bernard Smith Johnson Williams Brown Jones
		Miller Davis Wilson Anderson Taylor Moore Jackson White Harris Lewis Clark Walker Hall Young King Wright Green Baker Adams Nelson Carter Mitchell`)
	syllables := strings.Fields("ba ber bru da del fan gar hol jan kel lun mar nor ost pet ram sol tur val wen stein mann dorf ini ova sson ez ski")
	departments := strings.Fields("Sales Marketing Engineering Purchasing Finance Logistics Legal Research Support Production Quality Facilities")
	regions := strings.Fields("Europe Americas Asia Africa Nord Süd Île-de-France Québec Zürich")
	titles := []string{"Engineer", "Senior Engineer", "Manager", "Assistant", "Director", "Buyer", "Clerk", "Vice President"}
	area := []string{"+49 30 1234-", "+49 (0)89/5555 ", "+1 (425) 555-", "+33 1 44 55 ", "030 9876-", "+44 20 7946 "}
	all := make([]directory.Person, people)
	pick := func(from []string) string { return from[r.IntN(len(from))] }
	for i := range all {
		last := pick(family)
		if i%2 == 0 { // half of the names are rare ones
			s := pick(syllables) + pick(syllables) + pick(syllables)
			last = strings.ToUpper(s[:1]) + s[1:]
		}
		name := pick(given) + " " + last
		user := fmt.Sprintf("%s%d@contoso.test", strings.Trim(strings.Join(split(asciiOnly(fold(name))), "."), "."), i)
		unit := fmt.Sprintf(",ou=%s,ou=People,dc=contoso,dc=test", pick(regions))
		p := directory.Person{
			User: user, Mail: user, Name: name, Title: pick(titles), Department: pick(departments) + " " + pick(regions), Office: fmt.Sprintf("%c%d/%d", 'A'+rune(r.IntN(20)), r.IntN(30), 100+r.IntN(400)),
			Numbers: []directory.Number{{Kind: "work", Number: fmt.Sprintf("%s%04d", pick(area), r.IntN(10000))}, {Kind: "mobile", Number: fmt.Sprintf("+49 17%d %07d", r.IntN(10), r.IntN(10000000))}},
			DN:      fmt.Sprintf("cn=%s %d%s", strings.ReplaceAll(name, ",", `\,`), i, unit), Key: fmt.Sprintf("%08x-0000-4000-8000-%012x", r.Uint32(), i),
			Aliases: []string{fmt.Sprintf("u%06d", i)}, Modified: time.Unix(1_700_000_000+int64(i), 0).UTC(),
		}
		if i > 0 {
			p.Manager = all[(i-1)/8].DN
		}
		all[i] = p
	}
	return all
}

func asciiOnly(s string) string {
	return strings.Map(func(r rune) rune {
		if r > 127 {
			return 'x'
		}
		return r
	}, s)
}

// fake is a source that does what a test wants.
type fake struct {
	people  []directory.Person
	changed []directory.Person // since the last mark
	mark    directory.Mark
	all     int   // how often everybody was read
	stop    int   // breaks off after so many people; zero: never
	err     error // of Changes
	page    int
}

var errBroken = fmt.Errorf("the connection broke")

func (f *fake) pages(people []directory.Person, give func([]directory.Person) error) error {
	given := 0
	page := f.page
	if page == 0 {
		page = 500
	}
	for len(people) > 0 {
		n := min(page, len(people))
		if err := give(people[:n]); err != nil {
			return err
		}
		if given, people = given+n, people[n:]; f.stop > 0 && given >= f.stop {
			return errBroken
		}
	}
	return nil
}

func (f *fake) All(_ context.Context, give func([]directory.Person) error) (directory.Mark, error) {
	f.all++
	return f.mark, f.pages(f.people, give)
}

func (f *fake) Changes(_ context.Context, _ directory.Mark, give func([]directory.Person) error) (directory.Mark, error) {
	if f.err != nil {
		return "", f.err
	}
	return f.mark, f.pages(f.changed, give)
}

func (f *fake) Keys(_ context.Context, give func([]string) error) error {
	return f.pages(f.people, func(people []directory.Person) error {
		var keys []string
		for _, p := range people {
			keys = append(keys, p.Key)
		}
		return give(keys)
	})
}

// feeds are the one feed of a test.
func feeds(f ...Feed) func(context.Context) ([]Feed, error) {
	return func(context.Context) ([]Feed, error) { return f, nil }
}
