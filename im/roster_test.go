package im

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const (
	anna  = "anna@contoso.test"
	carol = "carol@contoso.test"
	dave  = "dave@contoso.test"
	eve   = "eve@contoso.test"
)

// As Bob, who is in a conversation with Anna and Carol, hears it; Dave has left it.
func TestRoster(t *testing.T) {
	for _, c := range []struct {
		name  string
		lines []said
		in    []string
		title string
		news  string // of the last line, as Bob reads it
	}{
		{"somebody writes", []said{{from: anna, list: []string{anna, bob, carol}}}, []string{anna, bob, carol}, "Lunch", ""},
		{"one is added", []said{{from: anna, list: []string{anna, bob, carol, eve}, added: []string{eve}, notice: Joined}},
			[]string{anna, bob, carol, eve}, "Lunch", "anna@contoso.test added eve@contoso.test."},
		{"two add somebody at the same moment", []said{
			{from: anna, list: []string{anna, bob, carol, eve}, added: []string{eve}, notice: Joined},
			{from: carol, list: []string{anna, bob, carol, "finn@contoso.test"}, added: []string{"finn@contoso.test"}, notice: Joined},
		}, []string{anna, bob, carol, eve, "finn@contoso.test"}, "Lunch", "carol@contoso.test added finn@contoso.test."},
		{"both add the same", []said{
			{from: anna, list: []string{anna, bob, carol, eve}, added: []string{eve}, notice: Joined},
			{from: carol, list: []string{anna, bob, carol, eve}, added: []string{eve}, notice: Joined},
		}, []string{anna, bob, carol, eve}, "Lunch", ""},
		{"who was added is there in somebody's list only", []said{{from: carol, list: []string{anna, bob, carol, eve}}},
			[]string{anna, bob, carol, eve}, "Lunch", "eve@contoso.test is in this conversation too."},
		{"one leaves", []said{{from: anna, list: []string{bob, carol}, notice: Left}}, []string{bob, carol}, "Lunch", "anna@contoso.test left the conversation."},
		{"who left is in the list of one who has not heard of it", []said{
			{from: anna, list: []string{bob, carol}, notice: Left}, {from: carol, list: []string{anna, bob, carol}}}, []string{bob, carol}, "Lunch", ""},
		{"who left is in the list of one who adds another", []said{
			{from: carol, list: []string{anna, bob, carol, dave, eve}, added: []string{eve}, notice: Joined}}, []string{anna, bob, carol, eve}, "Lunch", "carol@contoso.test added eve@contoso.test."},
		{"who left writes", []said{{from: dave, list: []string{anna, bob, carol, dave}}}, []string{anna, bob, carol, dave}, "Lunch", "dave@contoso.test is in this conversation too."},
		{"who left has a late line", []said{{from: dave, list: []string{anna, bob, carol}}}, []string{anna, bob, carol}, "Lunch", ""},
		{"who left is added anew", []said{{from: anna, list: []string{anna, bob, carol, dave}, added: []string{dave}, notice: Joined}},
			[]string{anna, bob, carol, dave}, "Lunch", "anna@contoso.test added dave@contoso.test."},
		{"I left and am in a list", []said{{from: bob, list: []string{anna, carol}, notice: Left}, {from: anna, list: []string{anna, bob, carol}}}, []string{anna, carol}, "Lunch", ""},
		{"I left and am added anew", []said{{from: bob, list: []string{anna, carol}, notice: Left}, {from: anna, list: []string{anna, bob, carol}, added: []string{bob}, notice: Joined}},
			[]string{anna, carol, bob}, "Lunch", "anna@contoso.test added you to “Lunch”. carol@contoso.test is in it. You see what is written from now on."},
		{"another cannot be put out", []said{{from: carol, list: []string{carol, bob}, notice: Left}, {from: carol, list: []string{carol, bob}}}, []string{anna, bob, carol}, "Lunch", ""},
		{"another title", []said{{from: anna, title: "Dinner", list: []string{anna, bob, carol}, notice: Renamed}}, []string{anna, bob, carol}, "Dinner", "anna@contoso.test named the conversation “Dinner”."},
		{"no title", []said{{from: anna, list: []string{anna, bob, carol}, notice: Renamed}}, []string{anna, bob, carol}, "", "anna@contoso.test took the title of the conversation away."},
		{"an old title comes back", []said{{from: anna, title: "Dinner", list: []string{anna, bob, carol}, notice: Renamed}, {from: carol, title: "Lunch", list: []string{anna, bob, carol}}},
			[]string{anna, bob, carol}, "Dinner", ""},
		{"a notice of nothing", []said{{from: anna, list: []string{anna, bob, carol}, notice: Joined}}, []string{anna, bob, carol}, "Lunch", ""},
		{"no address", []said{{from: anna, list: []string{anna, bob, carol, "rm -rf /", "", "sip:"}}}, []string{anna, bob, carol}, "Lunch", ""},
		{"too many", []said{{from: anna, list: many(600)}}, append([]string{anna, bob, carol}, many(497)...), "Lunch",
			"u0@contoso.test, u1@contoso.test, u2@contoso.test and 494 others are in this conversation too." +
				"More people are in this conversation than the 500 who can be: the others do not get what you write."},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &roster{title: "Lunch", in: []string{anna, bob, carol}, gone: []string{dave}}
			var got string
			for _, l := range c.lines {
				l = l.clean()
				got = ""
				for _, n := range (speaker{self: bob}).notices(l.from, r.hear(l), r) {
					got += n.text
				}
			}
			if slices.Sort(r.in); !slices.Equal(r.in, slices.Sorted(slices.Values(c.in))) {
				t.Errorf("in it are %q, want %q", r.in, c.in)
			}
			if r.title != c.title {
				t.Errorf("it is called %q, want %q", r.title, c.title)
			}
			if got != c.news {
				t.Errorf("told is\n%q, want\n%q", got, c.news)
			}
		})
	}
}

func many(n int) (people []string) {
	for i := range n {
		people = append(people, fmt.Sprintf("u%d@contoso.test", i))
	}
	return people
}

// What comes from the network does no harm on the screen.
func TestSaidIsCleaned(t *testing.T) {
	s := said{from: anna, id: strings.Repeat("x", 1000), title: "a\x1b[2J\u202eb\r\nc" + strings.Repeat("\u0301", 1e6), notice: "<b>shout</b>",
		list: []string{"sip:Bob@Contoso.TEST;gr=1", "sip:Bob@contoso.test", "\u202eeve@contoso.test"}}.clean()
	if len(s.id) > maxID*2 || s.title != "a[2Jb c"+strings.Repeat("\u0301", 8) || s.notice != "" {
		t.Errorf("cleaned: %+v", s)
	}
	if len(s.list) == 0 || s.list[0] != "Bob@contoso.test" || slices.Contains(s.list, "\u202eeve@contoso.test") {
		t.Errorf("members %q", s.list)
	}
}

// The same people are one conversation, whoever of them writes; whoever is not
// in it gets another one by its name.
func TestNameOfAConversation(t *testing.T) {
	atBob := said{from: anna, list: []string{bob, carol}}.named(bob)
	atAnna := said{from: carol, list: []string{bob, anna}}.named(anna)
	other := said{from: carol, list: []string{bob, anna, eve}}.named(anna)
	if atBob.id == "" || atBob.id != atAnna.id || other.id == atBob.id {
		t.Errorf("%q, %q, %q", atBob.id, atAnna.id, other.id)
	}
	one, two := said{from: eve, id: "1"}.strange(), said{from: dave, id: "1"}.strange()
	if one.id == "1" || one.id == two.id || one.id != (said{from: eve, id: "1"}).strange().id {
		t.Errorf("of strangers: %q, %q", one.id, two.id)
	}
}

func TestFirstLineForPlainClients(t *testing.T) {
	p := speaker{self: anna, name: func(user string) string { return map[string]string{bob: "Bob Berg", anna: "Anna Berg"}[user] }}
	for want, members := range map[string][]string{
		"":                                    {anna, dave},
		"To: Bob Berg":                        {anna, bob, dave},
		"To: Bob Berg and carol@contoso.test": {anna, bob, carol, dave},
		"To: Bob Berg, u0@contoso.test, u1@contoso.test and 98 others": append([]string{anna, bob, dave}, many(100)...),
	} {
		if got := p.to(members, dave); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
