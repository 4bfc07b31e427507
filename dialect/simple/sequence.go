package simple

// sequence tells whether notifications are missing (RFC 4662 §5.2: versions
// rise by one), though they may come in another order than they were sent.
type sequence struct {
	any, full bool            // one came; a full one came
	from      uint32          // all from here to upto came
	upto      uint32          // nothing is missing up to here
	ahead     map[uint32]bool // came already, but something before is missing
}

// maxAhead is how many may come before a missing one.
const maxAhead = 1000

// take notes that a version came, and says whether it has come before.
func (q *sequence) take(version uint32, full bool) (twice bool) {
	twice = q.any && (q.from <= version && version <= q.upto || q.ahead[version])
	highest := q.upto
	for v := range q.ahead {
		highest = max(highest, v)
	}
	switch {
	case full && (!q.any || version > highest): // whatever was missing is in it
		q.from, q.upto, q.full, q.ahead = version, version, true, nil
	case !q.any:
		q.from, q.upto = version, version // what came before it is unknown: not whole until a full one comes
	case version > q.upto && len(q.ahead) < maxAhead:
		if q.ahead == nil {
			q.ahead = map[uint32]bool{}
		}
		q.ahead[version] = true
	}
	q.full = q.full || full
	q.any = true
	for q.ahead[q.upto+1] {
		q.upto++
		delete(q.ahead, q.upto)
	}
	return twice
}

// whole says that nothing is missing. Nothing came yet: nothing is missing.
func (q *sequence) whole() bool { return !q.any || q.full && len(q.ahead) == 0 }
