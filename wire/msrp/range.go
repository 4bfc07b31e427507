package msrp

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Range is a Byte-Range (RFC 4975 §7.1.1): the first byte of a message is 1.
type Range struct{ From, To, Total int64 } // To, Total: unknown when -1

// ParseRange reads "1-39/39", "1-*/*" and what lies between.
func ParseRange(s string) (Range, error) {
	span, total, ok := strings.Cut(strings.TrimSpace(s), "/")
	from, to, ok2 := strings.Cut(span, "-")
	var r Range
	var err [3]error
	r.From, err[0] = number(from)
	r.To, err[1] = number(to)
	r.Total, err[2] = number(total)
	switch {
	case !ok || !ok2 || err != [3]error{} || r.From < 1:
	case r.To >= 0 && r.To < r.From-1, r.Total >= 0 && max(r.From-1, r.To) > r.Total: // "1-0/0" is an empty message
	default:
		return r, nil
	}
	return Range{}, fmt.Errorf("bad byte range %.40q", s)
}

// number reads digits, or the star, which is -1.
func number(s string) (int64, error) {
	if s == "*" {
		return -1, nil
	}
	n, err := strconv.ParseUint(s, 10, 62)
	return int64(n), err
}

// String writes the range.
func (r Range) String() string {
	star := func(n int64) string {
		if n < 0 {
			return "*"
		}
		return strconv.FormatInt(n, 10)
	}
	return star(r.From) + "-" + star(r.To) + "/" + star(r.Total)
}

// spans are the bytes that are there: from and one past to, in order, apart.
type spans [][2]int64

// add notes that the bytes from to end (exclusive) are there.
func (s spans) add(from, end int64) spans {
	if from >= end {
		return s
	}
	i := 0
	for i < len(s) && s[i][1] < from {
		i++
	}
	j := i
	for ; j < len(s) && s[j][0] <= end; j++ {
		from, end = min(from, s[j][0]), max(end, s[j][1])
	}
	return slices.Replace(s, i, j, [2]int64{from, end})
}

// whole tells whether the bytes 1 to total are all there.
func (s spans) whole(total int64) bool {
	return total == 0 || len(s) == 1 && s[0][0] == 1 && s[0][1] > total
}
