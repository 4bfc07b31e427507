package directory

import (
	"iter"
	"slices"
	"strings"
)

// Place is one person's place in the organisation: a Chart for going through
// everybody. People are shared between places, not copied.
type Place struct {
	Self          *Person
	Manager       *Person // nil: none
	SecondManager *Person // nil: none

	// By name. Oneself is among Peers and Everyone.
	Peers, Reports, Everyone []*Person

	TooMany bool // more than were asked for are under the second manager: Everyone is empty
}

// Charts goes through everybody of people, each once however many entries he
// has, and gives the same places that Directory.Chart finds one by one. A
// manager who is not there is none, loops end where they close. Those with the
// same second manager follow one another, by name. Of somebody with more than
// most people under him none are given.
func Charts(people []Person, most int) iter.Seq[Place] {
	o := organise(people)
	return func(yield func(Place) bool) {
		for top, members := range o.bySecond() {
			under, tooMany := o.under(top, most)
			for _, i := range members {
				if !yield(o.place(i, under, tooMany)) {
					return
				}
			}
		}
	}
}

// nobody stands for a person who is not there.
const nobody = -1

// organisation is everybody, by name, with who reports to whom.
type organisation struct {
	people  []Person
	manager []int       // of each, or nobody
	reports [][]int     // of each, by name
	direct  [][]*Person // the same
	visit   []int       // of each: 1 + the last top under which he was met; one walk at a time
}

func organise(entries []Person) organisation {
	people := merged(entries)
	slices.SortFunc(people, func(a, b Person) int { return strings.Compare(a.User, b.User) }) // those of one name
	o := organisation{people: byName(people)}
	at := o.entriesAt(entries)
	n := len(o.people)
	o.manager, o.reports, o.direct, o.visit = make([]int, n), make([][]int, n), make([][]*Person, n), make([]int, n)
	for i, p := range o.people {
		m, known := at[key(p.Manager)]
		if p.Manager == "" || !known || m == i {
			o.manager[i] = nobody
			continue
		}
		o.manager[i] = m
		o.reports[m] = append(o.reports[m], i)
		o.direct[m] = append(o.direct[m], &o.people[i])
	}
	return o
}

// entriesAt says whose each entry is: of somebody with several, some are named
// as manager by one report and some by another.
func (o organisation) entriesAt(entries []Person) map[string]int {
	at, byAddress, byNumber := make(map[string]int, len(entries)), map[string]int{}, map[string]int{}
	for i, p := range o.people {
		at[key(p.DN)] = i
	}
	if len(at) == len(entries) {
		return at
	}
	for i, p := range o.people {
		byAddress[strings.ToLower(p.User)] = i
		for _, n := range p.Numbers {
			byNumber[numberKey(p, n)] = i
		}
	}
	for _, e := range entries {
		k := key(e.DN)
		if _, known := at[k]; known {
			continue
		}
		if i, known := byAddress[strings.ToLower(e.User)]; known && e.User != "" {
			at[k] = i
			continue
		}
		for _, n := range e.Numbers {
			if i, known := byNumber[numberKey(e, n)]; known {
				at[k] = i
				break
			}
		}
	}
	return at
}

// second is the manager's manager; nobody where the chain ends or closes.
func (o organisation) second(i int) int {
	m := o.manager[i]
	if m == nobody {
		return nobody
	}
	s := o.manager[m]
	if s == i {
		return nobody
	}
	return s
}

// bySecond gives everybody, those with the same second manager together.
func (o organisation) bySecond() iter.Seq2[int, []int] {
	members := make([][]int, len(o.people)+1) // nobody comes first
	for i := range o.people {
		s := o.second(i)
		members[s+1] = append(members[s+1], i)
	}
	return func(yield func(int, []int) bool) {
		for s, is := range members {
			if len(is) > 0 && !yield(s-1, is) {
				return
			}
		}
	}
}

// under is everybody under top, at any depth, unless there are more than most.
func (o organisation) under(top, most int) (all []*Person, tooMany bool) {
	if top == nobody {
		return nil, false
	}
	o.visit[top] = top + 1
	found := []int{}
	for at, of := 0, top; ; at, of = at+1, found[at] {
		for _, i := range o.reports[of] {
			if o.visit[i] == top+1 {
				continue
			}
			if len(found) == most {
				return nil, true
			}
			o.visit[i], found = top+1, append(found, i)
		}
		if at == len(found) {
			break
		}
	}
	slices.Sort(found)
	for _, i := range found {
		all = append(all, &o.people[i])
	}
	return all, false
}

func (o organisation) place(i int, under []*Person, tooMany bool) Place {
	p := Place{Self: &o.people[i], Reports: o.direct[i], Everyone: under, TooMany: tooMany}
	if m := o.manager[i]; m != nobody {
		p.Manager, p.Peers = &o.people[m], o.direct[m]
	}
	if s := o.second(i); s != nobody {
		p.SecondManager = &o.people[s]
	}
	return p
}
