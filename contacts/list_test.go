package contacts

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func own(name string, users ...string) Group {
	g := Group{Name: name, Source: Own}
	for _, u := range users {
		g.Members = append(g.Members, Contact{User: u, Name: strings.ToUpper(u[:1]) + strings.Split(u, "@")[0][1:]})
	}
	return g
}

func (l List) String() string {
	var b strings.Builder
	for _, g := range l.Groups {
		fmt.Fprintf(&b, "%s (%s):", g.Name, g.Source)
		for _, c := range g.Members {
			fmt.Fprintf(&b, " %s=%s", c.Name, c.User)
		}
		b.WriteString("\n")
	}
	return b.String()
}

var sample = List{Groups: []Group{
	{Name: "My peers", Source: Org, Members: []Contact{{User: "peer@x.test", Name: "Pia Peer"}}},
	own("Friends", "bob@x.test", "carol@x.test"),
	own("Work", "bob@x.test"),
	own("Empty"),
}}

func TestApply(t *testing.T) {
	const peers = "My peers (org): Pia Peer=peer@x.test\n"
	const friends = "Friends (own): Bob=bob@x.test Carol=carol@x.test\n"
	const work = "Work (own): Bob=bob@x.test\n"
	const empty = "Empty (own):\n"
	for _, c := range []struct {
		what string
		e    Edit
		want string // the list, or "error: ..."
	}{
		{"add", Edit{Op: Add, User: "sip:Dina@X.test", Name: " Dina  Costa", Group: "work"},
			peers + friends + "Work (own): Bob=bob@x.test Dina Costa=Dina@x.test\n" + empty},
		{"add without group", Edit{Op: Add, User: "d@x.test"}, peers + friends + work + empty + "Contacts (own): =d@x.test\n"},
		{"add to a new group", Edit{Op: Add, User: "d@x.test", Group: "New"}, peers + friends + work + empty + "New (own): =d@x.test\n"},
		{"add again", Edit{Op: Add, User: "bob@x.test", Group: "Work"}, peers + friends + work + empty},
		{"add again with a name", Edit{Op: Add, User: "bob@x.test", Group: "Work", Name: "Robert"},
			peers + friends + "Work (own): Robert=bob@x.test\n" + empty},
		{"add somebody of the org chart", Edit{Op: Add, User: "peer@x.test", Group: "Empty"}, peers + friends + work + "Empty (own): =peer@x.test\n"},
		{"add to an org-chart group", Edit{Op: Add, User: "d@x.test", Group: "my PEERS"}, `error: the group "My peers" comes from the organisation chart and cannot be edited`},
		{"add nobody", Edit{Op: Add, Group: "Work"}, "error: the address is empty; it should be like anna@example.com"},
		{"add with an endless name", Edit{Op: Add, User: "d@x.test", Name: strings.Repeat("x", 201)}, "error: the name has more than 200 characters"},
		{"remove", Edit{Op: Remove, User: "bob@x.test", Group: "Friends"}, peers + "Friends (own): Carol=carol@x.test\n" + work + empty},
		{"remove everywhere", Edit{Op: Remove, User: "<sip:bob@x.test>"}, peers + "Friends (own): Carol=carol@x.test\nWork (own):\n" + empty},
		{"remove who is not there", Edit{Op: Remove, User: "zoe@x.test"}, "error: zoe@x.test is not on the contact list"},
		{"remove who is not in the group", Edit{Op: Remove, User: "carol@x.test", Group: "Work"}, `error: carol@x.test is not in the group "Work"`},
		{"remove from no group", Edit{Op: Remove, User: "carol@x.test", Group: "Nope"}, `error: there is no group "Nope"`},
		{"remove from the org chart", Edit{Op: Remove, User: "peer@x.test"}, `error: peer@x.test is only in "My peers", which comes from the organisation chart and cannot be edited`},
		{"move", Edit{Op: Move, User: "carol@x.test", To: "Work"}, peers + "Friends (own): Bob=bob@x.test\n" + "Work (own): Bob=bob@x.test Carol=carol@x.test\n" + empty},
		{"move to where he is already", Edit{Op: Move, User: "bob@x.test", Group: "Friends", To: "Work"}, peers + "Friends (own): Carol=carol@x.test\n" + work + empty},
		{"move to the same group", Edit{Op: Move, User: "carol@x.test", To: "friends"}, peers + friends + work + empty},
		{"move to a new group", Edit{Op: Move, User: "carol@x.test", To: "New"}, peers + "Friends (own): Bob=bob@x.test\n" + work + empty + "New (own): Carol=carol@x.test\n"},
		{"move from one of two", Edit{Op: Move, User: "bob@x.test", To: "Empty"}, `error: bob@x.test is in "Friends" and in "Work"; say from which group to move`},
		{"move from the org chart", Edit{Op: Move, User: "peer@x.test", Group: "My peers", To: "Work"}, `error: the group "My peers" comes from the organisation chart and cannot be edited`},
		{"move who is not there", Edit{Op: Move, User: "zoe@x.test", To: "Work"}, "error: zoe@x.test is in no group of your own"},
		{"move nowhere", Edit{Op: Move, User: "carol@x.test"}, "error: say to which group to move carol@x.test"},
		{"add group", Edit{Op: AddGroup, Group: " Lyon\tteam "}, peers + friends + work + empty + "Lyon team (own):\n"},
		{"add group twice", Edit{Op: AddGroup, Group: "FRIENDS"}, `error: there is already a group "Friends"`},
		{"add group without name", Edit{Op: AddGroup, Group: " \u202e"}, "error: a group needs a name"},
		{"remove group", Edit{Op: RemoveGroup, Group: "friends"}, peers + work + empty},
		{"remove org-chart group", Edit{Op: RemoveGroup, Group: "My peers"}, `error: the group "My peers" comes from the organisation chart and cannot be edited`},
		{"remove group without name", Edit{Op: RemoveGroup}, "error: a group needs a name"},
		{"rename group", Edit{Op: RenameGroup, Group: "work", To: "Office"}, peers + friends + "Office (own): Bob=bob@x.test\n" + empty},
		{"rename group to other case", Edit{Op: RenameGroup, Group: "work", To: "WORK"}, peers + friends + "WORK (own): Bob=bob@x.test\n" + empty},
		{"rename group to one that is there", Edit{Op: RenameGroup, Group: "work", To: "my peers"}, `error: there is already a group "My peers"`},
		{"rename group to nothing", Edit{Op: RenameGroup, Group: "work"}, "error: a group needs a name"},
		{"no operation", Edit{}, `error: unknown change "" of the contact list`},
	} {
		before := sample.String()
		l, err := sample.Apply(c.e)
		got := l.String()
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.what, got, c.want)
		}
		if sample.String() != before {
			t.Fatalf("%s changed the list it was applied to", c.what)
		}
	}
}

func TestApplyLimits(t *testing.T) {
	full := List{Groups: []Group{{Name: "Big", Source: Own, Members: make([]Contact, MaxContacts)}}}
	if _, err := full.Apply(Edit{Op: Add, User: "a@x.test", Group: "Big"}); err == nil || !strings.Contains(err.Error(), "full") {
		t.Errorf("error %v", err)
	}
	many := List{Groups: make([]Group, MaxGroups)}
	if _, err := many.Apply(Edit{Op: AddGroup, Group: "One more"}); err == nil || !strings.Contains(err.Error(), "already 500 groups") {
		t.Errorf("error %v", err)
	}
}

func TestList(t *testing.T) {
	if got, want := sample.Users(), []string{"peer@x.test", "bob@x.test", "carol@x.test"}; !reflect.DeepEqual(got, want) {
		t.Errorf("users %v", got)
	}
	if g, ok := sample.Group("friends "); !ok || g.Name != "Friends" {
		t.Errorf("group %+v, %v", g, ok)
	}
	if _, ok := sample.Group("nope"); ok {
		t.Error("a group that is not there was found")
	}
	both := List{Groups: []Group{{Name: "My peers", Source: Org}, own("my peers", "a@x.test")}}
	if g, _ := both.Group("My peers"); g.Source != Own {
		t.Errorf("of two groups of one name the user's own is meant; got %+v", g)
	}
	if sample.Name("peer@x.test") != "Pia Peer" || sample.Name("zoe@x.test") != "" {
		t.Error("wrong name")
	}
}

func TestChartGroups(t *testing.T) {
	boss, top := Contact{User: "chen@x.test", Name: "Chen Dahl"}, Contact{User: "zoe@x.test", Name: "Zoe Young"}
	c := Chart{Self: "anna@x.test", Manager: &boss, SecondManager: &top,
		Peers:    []Contact{{User: "b@x.test", Name: "eva"}, {User: "c@x.test", Name: "Dina"}, {User: "b@x.test", Name: "Eva again"}, {User: "", Name: "No Address"}, {User: "e@x.test", Name: "Élodie"}, {User: "f@x.test", Name: "Åsa"}},
		Everyone: []Contact{{User: "anna@x.test", Name: "Anna"}, boss, {User: "d@x.test", Name: ""}, {User: "b@x.test", Name: "eva"}},
	}
	want := `My manager (org): Chen Dahl=chen@x.test
My peers (org): Åsa=f@x.test Dina=c@x.test Élodie=e@x.test eva=b@x.test
Everyone under Zoe Young (org): Chen Dahl=chen@x.test =d@x.test eva=b@x.test
`
	if got := (List{Groups: c.Groups()}).String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	l := sample.WithOrg(c)
	if got := l.String(); got != want+sample.Without(Org).String() {
		t.Errorf("the new org chart is not above the own groups:\n%s", got)
	}
	if again := l.Without(Org).WithOrg(Chart{}); again.String() != sample.Without(Org).String() {
		t.Errorf("without a chart only the own groups are left:\n%s", again)
	}
	c.SecondManager = &Contact{User: "zoe@x.test"}
	if g := c.Groups(); g[2].Name != "Everyone under Chen Dahl's manager" {
		t.Errorf("second manager without name: %q", g[2].Name)
	}
	c.Manager = nil
	if g := c.Groups(); g[1].Name != "Everyone under my manager's manager" {
		t.Errorf("no names at all: %q", g[1].Name)
	}
	if g := (Chart{Manager: &Contact{Name: "No Address"}}).Groups(); len(g) != 0 {
		t.Errorf("a manager without address makes no group: %+v", g)
	}
}

// Three thousand people under the second manager.
func TestChartLarge(t *testing.T) {
	c := Chart{Self: "u0@x.test", SecondManager: &Contact{User: "z@x.test", Name: "Z"}}
	for i := range 3000 {
		c.Everyone = append(c.Everyone, Contact{User: fmt.Sprintf("u%d@x.test", i), Name: fmt.Sprintf("User %04d", 3000-i)})
	}
	g := c.Groups()[0]
	if len(g.Members) != 2999 || g.Members[0].Name != "User 0001" || g.Has("u0@x.test") {
		t.Errorf("%d members, first %+v", len(g.Members), g.Members[0])
	}
}

// Groups of the chart: replaced by the live one, hidden by kind whatever their
// name, and a chosen name shows in all of them.
func TestWithOrg(t *testing.T) {
	boss, top := Contact{User: "chen@x.test", Name: "Chen Dahl"}, Contact{User: "zoe@x.test", Name: "Zoe Young"}
	live := Chart{Self: "anna@x.test", Manager: &boss, SecondManager: &top, Everyone: []Contact{boss, {User: "eva@x.test", Name: "Eva"}}}
	kept := List{Groups: []Group{
		{Name: "My manager", Source: Org, Kind: Manager, Members: []Contact{{User: "old@x.test", Name: "Old Boss"}}},
		{Name: "Everyone under Somebody Else", Source: Org, Kind: Everyone, Hidden: true},
		{Name: "Names", Source: Org, Kind: Names, Hidden: true, Members: []Contact{{User: "chen@x.test", Name: "Chief", Chosen: true}}},
		own("Friends", "bob@x.test"),
	}}
	if got, want := kept.WithOrg(live).String(), "My manager (org): Chief=chen@x.test\nFriends (own): Bob=bob@x.test\n"; got != want {
		t.Errorf("with the live chart:\n%s", got)
	}
	if got, want := kept.WithOrg(Chart{}).String(), "My manager (org): Old Boss=old@x.test\nFriends (own): Bob=bob@x.test\n"; got != want {
		t.Errorf("without:\n%s", got)
	}
	if h := kept.HiddenOrg(live); len(h) != 1 || h[0].Name != "Everyone under Zoe Young" || len(h[0].Members) != 2 {
		t.Errorf("hidden: %+v", h)
	}
	if name := kept.WithOrg(live).Name("chen@x.test"); name != "Chief" {
		t.Errorf("name %q", name)
	}
}

func TestApplyToChartAndNames(t *testing.T) {
	l := sample
	step := func(want string, edits ...Edit) {
		t.Helper()
		for _, e := range edits {
			var err error
			if l, err = l.Apply(e); err != nil {
				if want != "error: "+err.Error() {
					t.Errorf("%+v: %v", e, err)
				}
				l = sample
				return
			}
		}
		if got := strings.ReplaceAll(strings.TrimSuffix(l.String(), "\n"), "\n", "; "); got != want {
			t.Errorf("%+v:\n got %s\nwant %s", edits, got, want)
		}
		l = sample
	}
	const peers, rest = "My peers (org): Pia Peer=peer@x.test; ", "Friends (own): Bob=bob@x.test Carol=carol@x.test; Work (own): Bob=bob@x.test; Empty (own):"
	step("My peers (org): Pia Peer=peer@x.test; Friends (own): Robert=bob@x.test Carol=carol@x.test; Work (own): Robert=bob@x.test; Empty (own):",
		Edit{Op: Rename, User: "bob@x.test", Name: "Robert"})
	step(peers+rest+"; Names (org): P=peer@x.test", Edit{Op: Rename, User: "peer@x.test", Name: "P"})
	step(peers+rest+"; Names (org):", Edit{Op: Rename, User: "peer@x.test", Name: "P"}, Edit{Op: Rename, User: "peer@x.test"})
	step(peers+"Friends (own): Bob=bob@x.test Carol=carol@x.test; Work (own): Bob=bob@x.test Carol=carol@x.test; Empty (own):", Edit{Op: Copy, User: "carol@x.test", To: "work"})
	step(peers+"Friends (own): Bob=bob@x.test Carol=carol@x.test; Work (own): Bob=bob@x.test; Empty (own): Pia Peer=peer@x.test", Edit{Op: Copy, User: "peer@x.test", To: "Empty"})
	step("error: say to which group to copy bob@x.test", Edit{Op: Copy, User: "bob@x.test"})
	step(peers+"Work (own): Bob=bob@x.test; Friends (own): Bob=bob@x.test Carol=carol@x.test; Empty (own):", Edit{Op: MoveUp, Group: "work"})
	step(peers+"Work (own): Bob=bob@x.test; Empty (own):; Friends (own): Bob=bob@x.test Carol=carol@x.test", Edit{Op: MoveDown, Group: "Friends"}, Edit{Op: MoveDown, Group: "Friends"})
	step(`error: the group "Friends" is the first of your own already`, Edit{Op: MoveUp, Group: "Friends"})
	step(`error: the group "Empty" is the last already`, Edit{Op: MoveDown, Group: "Empty"})
	step(peers+rest+"; My manager (org):", Edit{Op: Hide, Group: "My manager", Kind: Manager})
	step(peers+rest, Edit{Op: Hide, Group: "My manager", Kind: Manager}, Edit{Op: Show, Group: "my manager"})
	step(peers+rest, Edit{Op: Hide, Group: "my peers"}, Edit{Op: Show, Group: "My peers"})
	step(`error: there is no group "Friends" from the organisation chart`, Edit{Op: Hide, Group: "Friends"})
	step(`error: no group "My peers" is hidden`, Edit{Op: Show, Group: "My peers"})
}

func TestServices(t *testing.T) {
	l, err := sample.Apply(Edit{Op: Add, User: "robot@x.test", Name: "Robot", Group: "Work", Service: true})
	if err != nil {
		t.Fatal(err)
	}
	if users, people := l.Users(), l.People(); len(users) != 4 || len(people) != 3 {
		t.Errorf("on the list %v, of them people %v", users, people)
	}
	if l.Equal(sample) || !l.Equal(l) {
		t.Error("lists are compared wrongly")
	}
}
