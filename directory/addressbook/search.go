package addressbook

import (
	"cmp"
	"slices"
	"strings"

	"communicator/directory"
)

// Limits on a search.
const (
	maxQuery = 200  // bytes of text
	maxTerms = 8    // words
	MaxHits  = 1000 // people returned
)

// Query is what somebody has typed so far.
type Query struct {
	Text  string // words of a name in any order, initials, address, number, department, office
	Limit int    // most people wanted, up to MaxHits; zero: only how many there are
}

// Result of a search, the best first: one's contacts, then one's department,
// then others; of these those with the name before those in an office or
// department of that name; then by name.
type Result struct {
	Hits     []Hit
	Total    int  // how many match
	Mine     int  // how many of them are contacts
	Complete bool // the book holds everybody; else there may be more
}

// Hit is somebody who matches.
type Hit struct {
	directory.Person
	Mine bool // a contact
}

// rank is where somebody stands before it is asked how well he matches.
type rank = uint8

const (
	contact rank = iota
	colleague
	other
	elsewhere // shown as a contact
	gone      // does not count any more
)

// view is a segment and where its people stand.
type view struct {
	*segment
	ranks []rank
}

// term is a word that has to match.
type term struct {
	word   string // folded; empty: none
	digits string // of a number; empty: it is none
	abroad bool   // the digits begin with the code of a country
}

// terms reads what was typed. What looks like a telephone number is one, with
// spaces or without.
func terms(text string) (all []term) {
	text = cut(strings.TrimSpace(text), maxQuery)
	for _, scheme := range []string{"sip:", "sips:", "tel:", "mailto:", "im:", "pres:"} {
		if rest, is := cutPrefixFold(text, scheme); is {
			text = rest
		}
	}
	fields := strings.Fields(withoutExtension(text))
	for len(fields) > 0 {
		n := 0
		for n < len(fields) && !strings.ContainsFunc(fields[n], notInNumber) {
			n++
		}
		if number := strings.Join(fields[:n], " "); isNumber(number) {
			all = append(all, numberTerm(number))
			fields = fields[n:]
			continue
		}
		n = max(n, 1)
		for _, field := range fields[:n] {
			all = append(all, wordTerms(field)...)
		}
		fields = fields[n:]
	}
	return all[:min(len(all), maxTerms)]
}

func numberTerm(number string) term {
	t := term{digits: digits(number), abroad: strings.HasPrefix(number, "+") || strings.HasPrefix(number, "00")}
	if len(t.digits) < minDigits {
		t.digits = ""
	}
	if !t.abroad {
		t.word = strings.Join(split(number), "") // it may be an office: 728, 7.28
	}
	return t
}

func wordTerms(field string) (all []term) {
	if strings.Contains(field, "@") {
		return []term{{word: cut(fold(strings.Trim(field, `<>,;"`)), maxText)}}
	}
	for _, s := range split(field) {
		if w := word(s); w != "" {
			all = append(all, term{word: w})
		}
	}
	return all
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
		return s[len(prefix):], true
	}
	return s, false
}

// A cost says how well somebody matches: for each term 1 (a whole word of the
// name) to maxCost. Zero is: not at all.
const maxCost = 2 * (int(inOffice) + 1)

func cost(in class, whole bool) uint8 {
	if whole {
		return uint8(2*in + 1)
	}
	return uint8(2*in + 2)
}

// costs are what everybody in a segment costs; room for one search.
type costs struct {
	all, term []uint8
}

// match finds out what everybody in s costs.
func (s *segment) match(terms []term, c *costs) {
	c.all = slices.Grow(c.all[:0], s.len())[:s.len()]
	clear(c.all)
	for i, t := range terms {
		if i == 0 {
			s.matchTerm(t, c.all)
			continue
		}
		c.term = slices.Grow(c.term[:0], s.len())[:s.len()]
		clear(c.term)
		s.matchTerm(t, c.term)
		for who, before := range c.all {
			if now := c.term[who]; now == 0 {
				c.all[who] = 0
			} else if before != 0 {
				c.all[who] = before + now
			}
		}
	}
}

// matchTerm writes into costs what each who matches t costs.
func (s *segment) matchTerm(t term, costs []uint8) {
	better := func(who uint32, cost uint8) {
		if c := costs[who]; c == 0 || cost < c {
			costs[who] = cost
		}
	}
	if t.word != "" {
		from, to := s.beginning(t.word)
		rest := from
		if from < to && string(s.word(from)) == t.word {
			rest++
			posts := s.holders(from, rest)
			for i := range posts.len() {
				p := posts.at(i)
				better(p>>classBits, cost(p&(1<<classBits-1), true))
			}
		}
		posts := s.holders(rest, to)
		for i := range posts.len() {
			p := posts.at(i)
			better(p>>classBits, cost(p&(1<<classBits-1), false))
		}
	}
	if t.digits != "" {
		s.matchNumber(t, better)
	}
}

// matchNumber finds the digits anywhere in a number. One that was kept without
// the code of its country is found by its beginning.
func (s *segment) matchNumber(t term, better func(uint32, uint8)) {
	whole := pack(t.digits)
	from, to := s.called(t.digits)
	for i := from; i < to; i++ {
		owner, _, there := s.place(i)
		better(owner, cost(inNumber, there == whole))
	}
	const least = 5 // digits that are left; fewer would match too many
	for code := 1; t.abroad && code <= 3 && len(t.digits)-code >= least; code++ {
		rest := t.digits[code:]
		from, to := s.called(rest)
		for i := from; i < to; i++ {
			if owner, digit, there := s.place(i); digit == 0 {
				better(owner, cost(inNumber, there == pack(rest)))
			}
		}
	}
}

// found is somebody who may be among the results.
type found struct {
	grade int
	view  int
	who   int
}

// search finds the best in all views. costs must have one for each view.
func search(views []view, q Query, costs []*costs) (r Result) {
	wanted := terms(q.Text)
	if len(wanted) == 0 {
		return r
	}
	var grades [int(elsewhere) * (maxTerms*maxCost + 1)]int // how many there are of each
	for v, w := range views {
		w.match(wanted, costs[v])
		for who, c := range costs[v].all {
			if at := w.ranks[who]; c != 0 && at < elsewhere {
				grades[grade(at, c)]++
			}
		}
	}
	for g, n := range grades {
		r.Total += n
		if g < grade(colleague, 0) {
			r.Mine += n
		}
	}
	r.Hits = best(views, costs, grades[:], min(max(q.Limit, 0), MaxHits))
	return r
}

func grade(at rank, cost uint8) int { return int(at)*(maxTerms*maxCost+1) + int(cost) }

// best returns the limit people with the lowest grades.
func best(views []view, costs []*costs, grades []int, limit int) []Hit {
	last, before := 0, 0 // the last grade of which somebody is wanted, and how many are in those before
	for ; last < len(grades)-1 && before+grades[last] < limit; last++ {
		before += grades[last]
	}
	var all []found
	for v, w := range views {
		of := 0 // the last grade, in this view: people are in order of names
		for who, c := range costs[v].all {
			if c == 0 || w.ranks[who] >= elsewhere {
				continue
			}
			g := grade(w.ranks[who], c)
			if g > last || g == last && of >= limit-before {
				continue
			}
			if g == last {
				of++
			}
			all = append(all, found{g, v, who})
		}
	}
	return pick(views, all, limit)
}

// pick puts those found in order and reads them.
func pick(views []view, all []found, limit int) []Hit {
	type named struct {
		Hit
		grade int
		name  string
	}
	hits := make([]named, len(all))
	for i, f := range all {
		w := views[f.view]
		hits[i] = named{Hit{w.person(f.who), w.ranks[f.who] == contact}, f.grade, ""}
		hits[i].name = fold(hits[i].Name)
	}
	slices.SortStableFunc(hits, func(a, b named) int {
		return cmp.Or(cmp.Compare(a.grade, b.grade), cmp.Compare(a.name, b.name))
	})
	out := make([]Hit, min(len(hits), limit))
	for i := range out {
		out[i] = hits[i].Hit
	}
	return out
}
