package addressbook

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"communicator/directory"
)

// builder makes a segment.
type builder struct {
	record recorder
	ends   []uint32

	number map[string]uint32 // of a word
	words  []string
	posts  []uint64 // word, person and class

	digits []packed
	owners []uint32

	mine []post // words of the person at hand
	seen map[string]int
}

// post is a word of somebody.
type post struct {
	word string
	in   class
}

// build makes a segment of people, each with one or more entries.
func build(people [][]entry) *segment {
	b := &builder{record: *newRecorder(), number: map[string]uint32{}, seen: map[string]int{}}
	slices.SortFunc(people, byName())
	for i, twins := range people {
		b.record.uint(uint64(len(twins)))
		for _, e := range twins {
			before := len(b.record.data)
			b.record.entry(e)
			b.enclose(before)
		}
		b.ends = append(b.ends, uint32(len(b.record.data)))
		b.index(uint32(i), twins)
	}
	s := &segment{records: slices.Clip(b.record.data), recordEnd: list(b.ends), texts: b.record.texts, textEnd: list(b.record.ends)}
	b.sortWords(s)
	b.sortNumbers(s)
	return s
}

// byName compares people by their names as they are folded, each folded once.
func byName() func(a, b []entry) int {
	folded := map[string]string{}
	key := func(all []entry) string {
		k, known := folded[all[0].Name]
		if !known {
			k = fold(all[0].Name)
			folded[all[0].Name] = k
		}
		return k
	}
	return func(a, b []entry) int {
		return cmp.Or(cmp.Compare(key(a), key(b)), cmp.Compare(a[0].User, b[0].User), cmp.Compare(a[0].Key, b[0].Key))
	}
}

// enclose puts its length before what has been written since at.
func (b *builder) enclose(at int) {
	var head [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(head[:], uint64(len(b.record.data)-at))
	b.record.data = slices.Insert(b.record.data, at, head[:n]...)
}

// index notes what person i is found by.
func (b *builder) index(i uint32, twins []entry) {
	b.mine = b.mine[:0]
	clear(b.seen)
	for _, e := range twins {
		b.indexEntry(e.Person)
		for _, n := range e.Numbers {
			b.call(i, n.Number)
		}
	}
	for _, p := range b.mine {
		n, known := b.number[p.word]
		if !known {
			n = uint32(len(b.words))
			word := strings.Clone(p.word)
			b.words, b.number[word] = append(b.words, word), n
		}
		b.posts = append(b.posts, uint64(n)<<32|uint64(i<<classBits|p.in))
	}
}

func (b *builder) indexEntry(p directory.Person) {
	b.indexName(p.Name)
	for _, a := range append([]string{p.User, p.Mail}, p.Aliases...) {
		b.indexAddress(a)
	}
	for _, w := range split(p.Department) {
		b.add(word(w), inDepartment)
	}
	for _, w := range split(p.Office) {
		b.add(word(w), inOffice)
	}
	for _, w := range strings.Fields(p.Office) {
		b.add(word(strings.Join(split(w), "")), inOffice) // 728, of 7.28
	}
}

// add notes a word of the person at hand; where it stands best counts.
func (b *builder) add(word string, in class) {
	if word == "" {
		return
	}
	if at, there := b.seen[word]; there {
		b.mine[at].in = min(b.mine[at].in, in)
		return
	}
	b.seen[word] = len(b.mine)
	b.mine = append(b.mine, post{word, in})
}

// indexName notes the parts of a name, other spellings, and the initials.
func (b *builder) indexName(name string) {
	parts := split(name)
	var initials []string
	for _, part := range parts {
		b.add(word(part), inName)
		for _, s := range spellings(part) {
			b.add(s, inSpelling)
		}
		if r, _ := utf8.DecodeRuneInString(part); unicode.IsLetter(r) {
			initials = append(initials, word(string(r)))
		}
	}
	if n := len(initials); n > 1 {
		b.add(strings.Join(initials, ""), inInitials)
		b.add(initials[0]+initials[n-1], inInitials)
		b.add(initials[n-1]+initials[0], inInitials) // Berg, Anna
	}
	for _, part := range strings.Fields(name) {
		if strings.Contains(part, "-") {
			b.add(word(strings.Join(split(part), "")), inSpelling) // Jeanpierre, of Jean-Pierre
		}
	}
}

// indexAddress notes an address or a short name, and its parts.
func (b *builder) indexAddress(address string) {
	if address == "" {
		return
	}
	before, _, whole := strings.Cut(address, "@")
	if whole {
		b.add(folded(address), inAddress)
	}
	for _, w := range split(before) {
		b.add(word(w), inAddress)
	}
}

// folded is an address as it is in the index.
func folded(address string) string { return cut(fold(address), maxText) }

// call notes a number of person i.
func (b *builder) call(i uint32, number string) {
	d := digits(number)
	if len(d) < minDigits {
		b.add(d, inNumber)
		return
	}
	p := pack(d)
	for n := len(b.owners); n > 0 && b.owners[n-1] == i; n-- {
		if b.digits[n-1] == p {
			return // it is in two of his entries
		}
	}
	b.digits, b.owners = append(b.digits, p), append(b.owners, i)
}

// sortWords writes the words in order, and who has each.
func (b *builder) sortWords(s *segment) {
	order := make([]uint32, len(b.words))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(x, y uint32) int { return cmp.Compare(b.words[x], b.words[y]) })
	rank := make([]uint32, len(order))
	for i, n := range order {
		rank[n] = uint32(i)
	}
	for i, p := range b.posts {
		b.posts[i] = uint64(rank[p>>32])<<32 | p&0xffffffff
	}
	slices.Sort(b.posts)
	postEnds := make([]uint32, len(order))
	posts := make([]uint32, len(b.posts))
	for i, p := range b.posts {
		posts[i] = uint32(p)
		postEnds[p>>32] = uint32(i + 1)
	}
	ends := make([]uint32, 0, len(order))
	for _, n := range order {
		s.words = append(s.words, b.words[n]...)
		ends = append(ends, uint32(len(s.words)))
	}
	s.words = slices.Clip(s.words)
	s.wordEnd, s.postEnd, s.posts = list(ends), list(postEnds), list(posts)
}

// sortNumbers writes every place in a number from which at least minDigits are
// left, in the order of the digits there.
func (b *builder) sortNumbers(s *segment) {
	type place struct {
		there packed
		at    uint32
	}
	var places []place
	s.numbers = make(u64s, 0, 8*len(b.digits))
	for i, p := range b.digits {
		s.numbers = binary.LittleEndian.AppendUint64(s.numbers, uint64(p))
		for d := range p.length() - minDigits + 1 {
			places = append(places, place{p.from(d), uint32(i)<<4 | uint32(d)})
		}
	}
	slices.SortFunc(places, func(x, y place) int { return cmp.Compare(x.there, y.there) })
	at := make([]uint32, len(places))
	for i, p := range places {
		at[i] = p.at
	}
	s.owners, s.places = list(b.owners), list(at)
}

func list(numbers []uint32) u32s {
	u := make(u32s, 0, 4*len(numbers))
	for _, n := range numbers {
		u = binary.LittleEndian.AppendUint32(u, n)
	}
	return u
}
