package lab

import (
	"fmt"
	"regexp"
	"slices"
	"testing"
)

func reports(s *staff, user string) []string {
	var names []string
	for _, p := range s.people {
		if p.Manager == user {
			names = append(names, p.Name)
		}
	}
	return names
}

func TestNewcomersPlaceInTheCompany(t *testing.T) {
	s := newStaff("contoso.test", 200)
	if len(s.people) != 200 {
		t.Fatalf("%d people, want 200", len(s.people))
	}
	anna := s.people[s.newcomer]
	if anna.User != "anna.albers@contoso.test" || anna.Extension != "4711" {
		t.Errorf("newcomer is %+v", anna)
	}
	if got, want := fmt.Sprint(reports(s, anna.User)), "[Bruno Berg Dina Costa Goran Kaya Ivo Hansen Jana Ito]"; got != want {
		t.Errorf("direct reports %s, want %s", got, want)
	}
	chen := s.people[s.index[anna.Manager]]
	peers := reports(s, chen.User)
	if chen.Name != "Chen Dahl" || len(peers) != 10 || !slices.Contains(peers, "Amélie Fournier") {
		t.Errorf("manager %q with reports %q", chen.Name, peers)
	}
	under := 0
	for i := range s.people {
		for at := i; at >= 0; at = s.boss[at] {
			if s.people[at].User == chen.Manager {
				under++
				break
			}
		}
	}
	if under < 50 || under > 180 {
		t.Errorf("%d people under the manager's manager of 200", under)
	}
}

func TestCompaniesOfAllSizes(t *testing.T) {
	address := regexp.MustCompile(`^[a-z0-9.]+@x\.test$`)
	for _, n := range []int{1, 2, 3, 7, 8, 9, 11, 12, 40, 3000} {
		s := newStaff("x.test", n)
		if len(s.people) != n || len(s.index) != n {
			t.Fatalf("%d people with %d addresses, want %d", len(s.people), len(s.index), n)
		}
		if s.people[s.newcomer].Name != "Anna Albers" {
			t.Errorf("of %d: newcomer is %q", n, s.people[s.newcomer].Name)
		}
		for i, p := range s.people {
			if (p.Manager == "") != (i == 0) || s.boss[i] >= i {
				t.Errorf("of %d: number %d, %s, has manager %q", n, i, p.Name, p.Manager)
			}
			if !address.MatchString(p.User) || len(p.Password) != 16 || p.Title == "" || p.Department == "" {
				t.Errorf("of %d: %+v", n, p)
			}
		}
	}
}

func TestSameCompanyEveryTimeButNewPasswords(t *testing.T) {
	a, b := newStaff("x.test", 300), newStaff("x.test", 300)
	namesakes := map[string]int{}
	for i := range a.people {
		p, q := a.people[i], b.people[i]
		if p.Password == q.Password {
			t.Fatalf("%s has the same password twice", p.User)
		}
		p.Password, q.Password = "", ""
		if p != q {
			t.Fatalf("%+v differs from %+v", p, q)
		}
		namesakes[p.Name]++
	}
	if len(namesakes) > 297 {
		t.Errorf("%d names of 300 people: too few namesakes", len(namesakes))
	}
}

func TestLocalPart(t *testing.T) {
	for name, want := range map[string]string{
		"José van den Berg": "jose.van.den.berg", "Łucja Groß": "lucja.gross", "Eun-ji O’Brien": "eunji.obrien",
		"Gülşen Yılmaz": "gulsen.yilmaz", "Nguyễn Žukauskas": "nguyen.zukauskas", "Søren Åkesson": "soren.akesson",
	} {
		if got := localPart(name); got != want {
			t.Errorf("localPart(%q) = %q, want %q", name, got, want)
		}
	}
}

func BenchmarkPeople100000(b *testing.B) {
	for b.Loop() {
		newStaff("contoso.test", 100_000)
	}
}

// A company of 600 or 6,000 has a group of 500 or 5,000 for the newcomer.
func TestLargeBranch(t *testing.T) {
	for n, want := range map[int]int{600: 500, 6000: 5000} {
		s := newStaff("contoso.test", n)
		under := make([]int, len(s.people))
		for i := len(s.people) - 1; i > 0; i-- {
			under[s.boss[i]] += under[i] + 1
		}
		if boss := s.boss[s.boss[s.newcomer]]; len(s.people) != n || under[boss] != want {
			t.Errorf("%d of %d people under %s", under[boss], len(s.people), s.people[boss].Name)
		}
	}
}
