package contacts

import (
	"fmt"
	"testing"
)

func TestDoubtful(t *testing.T) {
	people := func(from, to int) List {
		l := List{Groups: []Group{{Name: "My peers", Source: Org, Members: []Contact{{User: "boss@x.test"}}}, {Name: "G", Source: Own}, {Name: "H", Source: Own}}}
		for i := from; i < to; i++ {
			g := &l.Groups[1+i%2]
			g.Members = append(g.Members, Contact{User: fmt.Sprintf("u%d@x.test", i)})
		}
		return l
	}
	for _, c := range []struct {
		what        string
		before, now List
		missing     int
		doubt       bool
	}{
		{"nothing before", List{}, List{}, 0, false},
		{"first list", List{}, people(0, 5), 0, false},
		{"the same", people(0, 5), people(0, 5), 0, false},
		{"the only one gone", people(0, 1), List{}, 1, true},
		{"all gone", people(0, 5), List{}, 5, true},
		{"all gone but the groups", people(0, 5), people(0, 0), 5, true},
		{"one of two", people(0, 2), people(0, 1), 1, false},
		{"two of three", people(0, 3), people(0, 1), 2, false},
		{"three of nine", people(0, 9), people(3, 9), 3, false},
		{"three of eight", people(0, 8), people(3, 8), 3, true},
		{"nine of a hundred", people(0, 100), people(9, 100), 9, false},
		{"ten of a hundred", people(0, 100), people(10, 100), 10, true},
		{"others instead", people(0, 5), people(5, 10), 5, true},
		{"only the chart gone", people(0, 5), people(0, 5).Without(Org), 0, false},
		{"all groups gone, nobody in them", List{Groups: []Group{{Name: "G", Source: Own}}}, List{}, 0, true},
		{"out of one group, still in another", List{Groups: []Group{own("A", "a@x", "b@x", "c@x"), own("B", "a@x", "b@x", "c@x")}},
			List{Groups: []Group{own("B", "a@x", "b@x", "c@x")}}, 0, false},
	} {
		l := LossOf(c.before, c.now)
		if len(l.Missing) != c.missing || l.Doubtful() != c.doubt {
			t.Errorf("%s: %d missing, doubt %v; want %d, %v", c.what, len(l.Missing), l.Doubtful(), c.missing, c.doubt)
		}
	}
}

func TestAccess(t *testing.T) {
	if a, err := ParseAccess(" Block "); a != Block || err != nil || !a.Refuses() {
		t.Errorf("%q, %v", a, err)
	}
	if _, err := ParseAccess("nope"); err == nil {
		t.Error("an access that is none was taken")
	}
	if Limited.Refuses() || !Polite.Refuses() || Undecided.Refuses() {
		t.Error("wrong people are refused")
	}
	if Outside("a@x.test", "b@x.test") || !Outside("a@x.test", "a@fe.x.test") {
		t.Error("wrong people are outside")
	}
	for code, want := range map[int]string{
		403: "y.test does not accept this from your organisation, or your server does not let it out; ask your administrator",
		404: "y.test knows nobody with the address b@y.test; check the address",
		504: "y.test cannot be reached from your server at the moment; try again later",
		486: "",
	} {
		if got := OutsideReason("b@y.test", code); got != want {
			t.Errorf("%d: %q", code, got)
		}
	}
}
