package lab

import (
	"crypto/rand"
	"encoding/base32"
	"fmt"
	randv2 "math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Person is somebody of the company.
type Person struct {
	User, Password, Name, Title, Department, Office, Phone, Mobile, Extension string
	Manager                                                                   string // address; empty: the head
}

// People returns everybody; the first is the head of the company, and a
// manager comes before those who report to him. Do not change it.
func (c *Company) People() []Person { return c.staff.people }

// Newcomer is the person whom a newcomer plays: has a manager, peers and
// direct reports, as far as the company is large enough. Nobody plays this
// person in the lab.
func (c *Company) Newcomer() Person { return c.staff.people[c.staff.newcomer] }

// Administrator is the account that may read and write everybody's documents
// (XCAP). It is nobody's: no entry in the directory, no place in the company.
func (c *Company) Administrator() Person { return c.staff.administrator }

// staff is everybody, and who reports to whom.
type staff struct {
	people        []Person
	administrator Person
	index         map[string]int // by address
	boss          []int          // index of the manager; -1: the head
	newcomer      int
}

// seed makes the company the same every time; only passwords are new.
const seed = 2005

// newStaff invents n people of domain, at least one. Passwords are random.
func newStaff(domain string, n int) *staff {
	b := &staffBuilder{
		staff:  staff{people: make([]Person, 0, n), index: make(map[string]int, n), boss: make([]int, 0, n)},
		domain: domain, limit: n, random: randv2.New(randv2.NewPCG(seed, seed)),
		castAt: make([]int, len(cast)), taken: make(map[string]int, n), extension: 4999,
	}
	if n >= 4000 {
		b.extension = 99999
	}
	b.hireAll()
	b.passwords()
	return &b.staff
}

// staffBuilder hires people level by level, so that a manager comes first.
type staffBuilder struct {
	staff
	domain    string
	limit     int
	random    *randv2.Rand
	level     []int  // depth below the head, by person
	castAt    []int  // index of a member of cast; -1: not in this company
	branch    []bool // by person: under the newcomer's second manager
	room      [2]int // how many more may be hired outside that branch, and in it
	taken     map[string]int
	extension int
}

// hireAll fills the company breadth first: each gets 5 to 7 reports until all are hired.
func (b *staffBuilder) hireAll() {
	castSize := min(b.limit, len(cast))
	waiting := b.limit - castSize // hired beside the cast
	for i := range b.castAt {
		b.castAt[i] = -1
	}
	bossOf := func(i int) int { // the next above who is in this company
		for i = cast[i].boss; i >= castSize; i = cast[i].boss {
		}
		return i
	}
	hireCast := func(boss int) {
		for i := range castSize {
			if bossOf(i) == boss {
				b.castAt[i] = b.hireCast(i)
			}
		}
	}
	b.room = rooms(b.limit)
	hireCast(-1)
	for at := 0; at < len(b.people); at++ {
		reports := len(b.people)
		role := b.roleOf(at)
		if role >= 0 {
			hireCast(role)
		}
		reports = len(b.people) - reports
		for want := b.span(role); reports < want && waiting > 0 && b.room[b.side(at)] > 0; reports, waiting = reports+1, waiting-1 {
			b.hire(at)
		}
	}
	b.newcomer = b.castAt[0]
}

// A company of this size has a branch of five sixths of it, so that there are
// groups of 500 (of 600 people) and of 5,000 (of 6,000) under the newcomer's
// second manager. In others everybody has about as many people.
const (
	leastBranched = 600
	mostBranched  = 10_000
	secondManager = 7 // of the cast
)

// rooms is how many of n people are outside the large branch, and in it.
func rooms(n int) [2]int {
	if n < leastBranched || n > mostBranched {
		return [2]int{n, n}
	}
	return [2]int{n - n*5/6, n * 5 / 6}
}

// side is 1 for who reports to person at, if these are in the large branch.
func (b *staffBuilder) side(at int) int {
	if at >= 0 && (b.branch[at] || at == b.castAt[secondManager]) {
		return 1
	}
	return 0
}

// roleOf is which of the cast a person is; -1: none.
func (b *staffBuilder) roleOf(at int) int {
	for i, a := range b.castAt {
		if a == at {
			return i
		}
	}
	return -1
}

// span is how many people report to somebody.
func (b *staffBuilder) span(role int) int {
	switch role {
	case 0: // the newcomer's five are known by name
		return 0
	case 1, 7: // so that the newcomer has peers enough
		return 10
	}
	return 5 + b.random.IntN(3)
}

func (b *staffBuilder) hireCast(i int) int {
	m := cast[i]
	boss := -1
	for up := m.boss; up >= 0 && boss < 0; up = cast[up].boss {
		boss = b.castAt[up]
	}
	return b.add(m.name, boss, Person{Title: m.title, Department: m.department, Extension: m.extension}, 0)
}

func (b *staffBuilder) hire(boss int) {
	name := givenNames[b.random.IntN(len(givenNames))] + " " + familyNames[b.random.IntN(len(familyNames))]
	if len(b.people)%40 == 39 { // namesakes are a fact of life
		name = b.people[len(b.people)-20].Name
	}
	p := Person{Department: b.people[boss].Department}
	switch level := b.level[boss] + 1; level {
	case 1:
		branch := branches[1+b.random.IntN(len(branches)-1)]
		p.Department, p.Title = branch.name, branch.head
	case 2:
		p.Title = directorTitles[b.random.IntN(len(directorTitles))]
	case 3:
		p.Title = leadTitles[b.random.IntN(len(leadTitles))]
	default:
		p.Title = pick(b.random, staffTitles[p.Department])
	}
	b.extension++
	p.Extension = strconv.Itoa(b.extension)
	b.add(name, boss, p, b.random.IntN(len(offices)))
}

func pick(r *randv2.Rand, from []string) string {
	if len(from) == 0 {
		return "Assistant"
	}
	return from[r.IntN(len(from))]
}

// add completes p and gives it an address of its own.
func (b *staffBuilder) add(name string, boss int, p Person, office int) int {
	i := len(b.people)
	p.Name = name
	local := localPart(name)
	b.taken[local]++
	if again := b.taken[local]; again > 1 {
		local += strconv.Itoa(again)
	}
	p.User = local + "@" + b.domain
	o := offices[office]
	p.Office = fmt.Sprintf("%s, %s, %d.%02d", o.city, o.building, 1+i%7, 1+i/7%40)
	p.Phone = o.phone + " " + p.Extension
	if b.random.IntN(10) < 7 {
		p.Mobile = fmt.Sprintf("%s%05d", o.mobile, b.random.IntN(100000))
	}
	level := 0
	if boss >= 0 {
		p.Manager = b.people[boss].User
		level = b.level[boss] + 1
	}
	side := b.side(boss)
	b.room[side]--
	b.branch = append(b.branch, side == 1)
	b.people, b.boss, b.level = append(b.people, p), append(b.boss, boss), append(b.level, level)
	b.index[p.User] = i
	return i
}

// passwords gives everybody 16 random characters, 80 bits.
func (b *staffBuilder) passwords() {
	raw := make([]byte, 10*len(b.people)+10)
	_, _ = rand.Read(raw) // crypto/rand never fails
	letters := strings.ToLower(base32.StdEncoding.EncodeToString(raw))
	for i := range b.people {
		b.people[i].Password = letters[16*i : 16*i+16]
	}
	b.administrator = Person{User: "administrator@" + b.domain, Name: "Administrator", Password: letters[16*len(b.people):][:16]}
}

// accounts are everybody's and, last, the administrator's.
func (s *staff) accounts() []Person { return append(slices.Clip(s.people), s.administrator) }

// account returns whose address this is: somebody's of the company, or the administrator's.
func (s *staff) account(address string) (Person, bool) {
	if at, known := s.index[address]; known {
		return s.people[at], true
	}
	return s.administrator, address == s.administrator.User
}

// plainLetters are those that decomposition leaves as they are.
var plainLetters = strings.NewReplacer("ł", "l", "ø", "o", "ß", "ss", "ı", "i", "æ", "ae", "đ", "d", "’", "", "-", "", " ", ".")

// localPart makes "josé van den Berg" into "jose.van.den.berg".
func localPart(name string) string {
	s := plainLetters.Replace(strings.ToLower(name))
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(s))
}
