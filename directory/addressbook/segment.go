package addressbook

import (
	"encoding/binary"
	"errors"
	"slices"
	"sort"
	"strings"

	"communicator/directory"
)

// segment is a number of people with their index, which does not change. It is
// a file's content as it lies there: reading it is one read, and a search
// follows numbers in it. People are in the order of their names.
type segment struct {
	records   []byte // of person i: the number of entries, and each after its length
	recordEnd u32s
	texts     []byte // shared by many
	textEnd   u32s
	words     []byte // of the index, sorted
	wordEnd   u32s
	postEnd   u32s // of word i
	posts     u32s // person<<classBits | class
	numbers   u64s // packed
	owners    u32s // person of number i
	places    u32s // number<<4 | digit, sorted by the digits that begin there
}

// class says where in an entry a word stands. Lower is better.
type class = uint32

const (
	inName class = iota
	inSpelling
	inInitials
	inAddress
	inNumber
	inDepartment
	inOffice

	classBits = 3
)

// u32s are numbers of four bytes, u64s of eight, little-endian.
type (
	u32s []byte
	u64s []byte
)

func (u u32s) at(i int) uint32 { return binary.LittleEndian.Uint32(u[4*i:]) }
func (u u32s) len() int        { return len(u) / 4 }
func (u u64s) at(i int) uint64 { return binary.LittleEndian.Uint64(u[8*i:]) }
func (u u64s) len() int        { return len(u) / 8 }

// span is where part i is, when parts end at ends.
func (u u32s) span(i int) (from, to uint32) {
	if i > 0 {
		from = u.at(i - 1)
	}
	return from, u.at(i)
}

// len is the number of people.
func (s *segment) len() int {
	if s == nil {
		return 0
	}
	return s.recordEnd.len()
}

func (s *segment) text(i uint64) string {
	if i >= uint64(s.textEnd.len()) {
		return ""
	}
	from, to := s.textEnd.span(int(i))
	return string(s.texts[from:to])
}

func (s *segment) word(i int) []byte {
	from, to := s.wordEnd.span(i)
	return s.words[from:to]
}

// each gives the record of each entry of person i until f says false.
func (s *segment) each(i int, f func(record) bool) {
	from, to := s.recordEnd.span(i)
	all := record{data: s.records[from:to]}
	for n := min(all.uint(), maxTwins); n > 0; n-- {
		if !f(record{all.bytes(), s.text}) {
			return
		}
	}
}

// entries returns the entries of person i.
func (s *segment) entries(i int) (all []entry) {
	s.each(i, func(r record) bool {
		all = append(all, r.entry())
		return true
	})
	return all
}

// person returns person i.
func (s *segment) person(i int) directory.Person { return joined(s.entries(i)) }

// joined makes one person of his entries.
func joined(entries []entry) (p directory.Person) {
	for i, e := range entries {
		if i == 0 {
			p = e.Person
		} else {
			p = p.FilledFrom(e.Person)
		}
	}
	return p
}

// department returns the number of the shared text.
func (s *segment) department(i int) (n uint64) {
	s.each(i, func(r record) bool {
		r.head()
		n = r.uint()
		return false
	})
	return n
}

// beginning returns the words that begin with prefix.
func (s *segment) beginning(prefix string) (from, to int) {
	n := s.wordEnd.len()
	from = sort.Search(n, func(i int) bool { return string(s.word(i)) >= prefix })
	to = from + sort.Search(n-from, func(i int) bool {
		w := s.word(from + i)
		return string(w[:min(len(w), len(prefix))]) > prefix
	})
	return from, to
}

// holders returns the posts of words from to to.
func (s *segment) holders(from, to int) u32s {
	if from >= to {
		return nil
	}
	first, _ := s.postEnd.span(from)
	return s.posts[4*first : 4*s.postEnd.at(to-1)]
}

// place returns the owner of a place, the digit it begins at and what is there.
func (s *segment) place(i int) (owner uint32, digit int, there packed) {
	at := s.places.at(i)
	digit = int(at & 15)
	return s.owners.at(int(at >> 4)), digit, packed(s.numbers.at(int(at >> 4))).from(digit)
}

// called returns the places where these digits are in a number.
func (s *segment) called(digits string) (from, to int) {
	first, last := pack(digits).within(len(digits))
	n := s.places.len()
	from = sort.Search(n, func(i int) bool { _, _, there := s.place(i); return there >= first })
	to = from + sort.Search(n-from, func(i int) bool { _, _, there := s.place(from + i); return there > last })
	return from, to
}

// at returns the person with that address, or who has it beside another; -1:
// nobody.
func (s *segment) at(user string) int {
	if s == nil || user == "" {
		return -1
	}
	address, second := folded(user), -1
	from, to := s.beginning(address)
	if from == to || string(s.word(from)) != address {
		return -1
	}
	posts := s.holders(from, from+1)
	for i := range posts.len() {
		n := int(posts.at(i) >> classBits)
		p := s.person(n)
		if folded(p.User) == address {
			return n
		}
		if strings.Contains(address, "@") && second < 0 && slices.ContainsFunc(append(p.Aliases, p.Mail), func(a string) bool { return folded(a) == address }) {
			second = n
		}
	}
	return second
}

// parts are the contents of a file, in order.
func (s *segment) parts() [][]byte {
	return [][]byte{s.records, s.recordEnd, s.texts, s.textEnd, s.words, s.wordEnd, s.postEnd, s.posts, s.numbers, s.owners, s.places}
}

const segmentParts = 11

var errDamaged = errors.New("the copy is damaged")

// newSegment takes the parts of a file. Afterwards no number in it points to
// where nothing is.
func newSegment(p [][]byte) (*segment, error) {
	if len(p) != segmentParts {
		return nil, errDamaged
	}
	s := &segment{p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9], p[10]}
	people := uint32(s.len())
	ok := people < 1<<(32-classBits) && len(s.numbers)%8 == 0 && s.owners.len() == s.numbers.len() && s.postEnd.len() == s.wordEnd.len() &&
		s.recordEnd.ascends(len(s.records)) && s.textEnd.ascends(len(s.texts)) && s.wordEnd.ascends(len(s.words)) && s.postEnd.ascends(s.posts.len()) &&
		s.owners.below(people, 0) && s.posts.below(people, classBits) && s.places.below(uint32(s.numbers.len()), 4) && s.sorted()
	if !ok {
		return nil, errDamaged
	}
	return s, nil
}

// ascends says whether u are ends of parts of which the last is at end.
func (u u32s) ascends(end int) bool {
	last := uint32(0)
	for i := range u.len() {
		if u.at(i) < last {
			return false
		}
		last = u.at(i)
	}
	return len(u)%4 == 0 && int(last) == end
}

// below says whether all of u, without their low bits, are below limit.
func (u u32s) below(limit uint32, bits int) bool {
	for i := range u.len() {
		if u.at(i)>>bits >= limit {
			return false
		}
	}
	return len(u)%4 == 0
}

// sorted says whether the words are in order, so that searching finds an end.
func (s *segment) sorted() bool {
	for i := 1; i < s.wordEnd.len(); i++ {
		if string(s.word(i-1)) >= string(s.word(i)) {
			return false
		}
	}
	return true
}
