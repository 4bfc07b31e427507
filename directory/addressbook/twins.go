package addressbook

import (
	"hash/maphash"
	"slices"
	"strings"

	"communicator/directory"
)

// together puts the entries of one person together: those with the same
// address, and those with the same name and number of which one has no address
// (a contact object beside a user object of another domain). The entry with an
// address comes first, else the one that was given first.
func together(entries []entry) [][]entry {
	g := grouping{byAddress: make(map[string]int32, len(entries)), byNumber: make(map[uint64]int32, len(entries)), seed: maphash.MakeSeed()}
	for _, e := range entries {
		g.add(e)
	}
	for _, twins := range g.people {
		slices.SortStableFunc(twins, func(a, b entry) int {
			switch {
			case a.User != "" && b.User == "":
				return -1
			case a.User == "" && b.User != "":
				return 1
			}
			return 0
		})
	}
	return g.people
}

type grouping struct {
	people    [][]entry
	byAddress map[string]int32
	byNumber  map[uint64]int32 // the same name and number
	seed      maphash.Seed
}

func (g *grouping) add(e entry) {
	i := g.find(e)
	if i < 0 {
		i = int32(len(g.people))
		g.people = append(g.people, []entry{e})
	} else {
		g.people[i] = append(g.people[i], e)
	}
	if e.User != "" {
		g.byAddress[strings.ToLower(e.User)] = i
	}
	name := fold(e.Name)
	for _, n := range e.Numbers {
		g.byNumber[g.sum(name, n)] = i
	}
}

// find returns the person that e is an entry of; -1: nobody yet.
func (g *grouping) find(e entry) int32 {
	if e.User != "" {
		if i, known := g.byAddress[strings.ToLower(e.User)]; known && len(g.people[i]) < maxTwins {
			return i
		}
	}
	name := fold(e.Name)
	for _, n := range e.Numbers {
		i, known := g.byNumber[g.sum(name, n)]
		if known && len(g.people[i]) < maxTwins && slices.ContainsFunc(g.people[i], e.sameNumber) && (e.User == "" || !slices.ContainsFunc(g.people[i], hasAddress)) {
			return i
		}
	}
	return -1
}

func (g *grouping) sum(name string, n directory.Number) uint64 {
	return maphash.String(g.seed, name+"\x00"+digits(n.Number))
}

func hasAddress(e entry) bool { return e.User != "" }

// sameNumber says whether both have the same name and a number in common.
func (e entry) sameNumber(f entry) bool {
	return e.Name != "" && fold(e.Name) == fold(f.Name) && slices.ContainsFunc(e.Numbers, func(n directory.Number) bool {
		d := digits(n.Number)
		return d != "" && slices.ContainsFunc(f.Numbers, func(m directory.Number) bool { return digits(m.Number) == d })
	})
}
