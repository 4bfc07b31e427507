package directory

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// staff reads "anna<bob": anna, whose manager is bob.
func staff(specs string) (all []Person) {
	for _, s := range strings.Fields(specs) {
		uid, manager, _ := strings.Cut(s, "<")
		p := Person{User: uid + "@contoso.test", Name: uid, DN: dn(uid)}
		if manager != "" {
			p.Manager = dn(manager)
		}
		all = append(all, p)
	}
	return all
}

// placeOf says the place of user as say does, oneself left out.
func placeOf(people []Person, user string, most int) string {
	for p := range Charts(people, most) {
		if p.Self.User != user {
			continue
		}
		except := func(all []*Person, also *Person) (out []Person) {
			for _, one := range all {
				if one.User != user && one != also {
					out = append(out, *one)
				}
			}
			return out
		}
		return say(Chart{Manager: p.Manager, SecondManager: p.SecondManager, Peers: except(p.Peers, p.Manager),
			Reports: except(p.Reports, nil), Everyone: except(p.Everyone, nil), Incomplete: p.TooMany})
	}
	return "nobody"
}

// The answers are those of TestChart and TestChartOddities.
func TestCharts(t *testing.T) {
	const company = "ceo vp<ceo chen<vp eva<vp anna<chen dina<chen bob<anna carol<anna"
	for _, c := range []struct{ people, user, want string }{
		{company, "anna", "manager chen; second vp; peers dina; reports bob carol; everyone bob carol chen dina eva"},
		{company, "vp", "manager ceo; second ; peers ; reports chen eva; everyone "},
		{company, "ceo", "manager ; second ; peers ; reports vp; everyone "},
		{company, "bob", "manager anna; second chen; peers carol; reports ; everyone anna carol dina"},
		{"anna<anna bob<anna", "anna", "manager ; second ; peers ; reports bob; everyone "},
		{"anna<bob bob<anna carol<bob", "anna", "manager bob; second ; peers carol; reports bob; everyone "},
		{"anna<bob bob<carol carol<bob", "anna", "manager bob; second carol; peers carol; reports ; everyone bob"},
		{"anna<bob bob<carol carol<anna", "anna", "manager bob; second carol; peers ; reports carol; everyone bob"},
		{"anna<gone bob<gone", "anna", "manager ; second ; peers ; reports ; everyone "},
	} {
		if got := placeOf(staff(c.people), c.user+"@contoso.test", 100); got != c.want {
			t.Errorf("%s in %s:\n got %s\nwant %s", c.user, c.people, got, c.want)
		}
	}
	if got, want := placeOf(staff(company), "anna@contoso.test", 5), "manager chen; second vp; peers dina; reports bob carol; everyone  (incomplete)"; got != want {
		t.Errorf("six of at most five:\n got %s\nwant %s", got, want)
	}
}

// One person with two entries is one, whichever of them reports name as manager.
func TestChartsTwice(t *testing.T) {
	people := staff("top dora<top anna<dora bob<dora2")
	people = append(people, Person{User: "Dora@contoso.test", Name: "Dora B", DN: dn("dora2")})
	if got, want := placeOf(people, "anna@contoso.test", 100), "manager dora; second top; peers bob; reports ; everyone bob dora"; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	n := 0
	for range Charts(people, 100) {
		n++
	}
	if n != 4 {
		t.Errorf("%d people", n)
	}
}

// firm is n people; each has fan reports.
func firm(n, fan int) []Person {
	people := make([]Person, n)
	for i := range people {
		people[i] = Person{User: fmt.Sprintf("p%06d@contoso.test", i), Name: fmt.Sprintf("Person %06d", (i*7919)%n), DN: fmt.Sprintf("uid=p%06d,ou=People,dc=contoso,dc=test", i)}
		if i > 0 {
			people[i].Manager = people[(i-1)/fan].DN
		}
	}
	return people
}

// Everybody under a second manager is everybody with him above, somewhere.
func TestChartsLarge(t *testing.T) {
	people := firm(3000, 7)
	sizes, seen := map[string]int{}, 0
	for p := range Charts(people, len(people)) {
		seen++
		if p.SecondManager != nil {
			sizes[p.SecondManager.User] = len(p.Everyone)
			if !slices.Contains(p.Everyone, p.Self) || !slices.Contains(p.Everyone, p.Manager) || slices.Contains(p.Everyone, p.SecondManager) {
				t.Fatalf("%s: everyone under %s", p.Self.User, p.SecondManager.User)
			}
			if !slices.IsSortedFunc(p.Everyone, func(a, b *Person) int { return strings.Compare(a.Name, b.Name) }) {
				t.Fatalf("%s: not by name", p.Self.User)
			}
		}
	}
	if seen != len(people) || sizes[people[0].User] != len(people)-1 {
		t.Errorf("%d people, %d under the first", seen, sizes[people[0].User])
	}
}

// The places of 100,000 people: in a company as usual, and where managers have
// 3,000 reports.
func BenchmarkCharts(b *testing.B) {
	for _, c := range []struct {
		name string
		fan  int
	}{{"fan 8", 8}, {"fan 3000", 3000}} {
		b.Run(c.name, func(b *testing.B) {
			people := firm(100000, c.fan)
			for b.Loop() {
				n := 0
				for p := range Charts(people, 2000) {
					n += 1 + len(p.Peers) + len(p.Reports) + len(p.Everyone)
				}
				b.ReportMetric(float64(n), "entries")
			}
		})
	}
}
