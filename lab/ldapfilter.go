package lab

import (
	"fmt"
	"slices"
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// filter is a search filter (RFC 4511 §4.5.1.7), checked when it is read.
type filter struct {
	op    ber.Tag
	attr  string   // lower case, without options
	value string   // folded
	parts []string // of a substring filter, folded: initial, any..., final
	inner []filter

	column []string // of a search through everybody: see tree.column; nil otherwise
}

// Limits of a filter, against a client that wants the server to sweat.
const (
	filterDepth = 20
	filterTerms = 2000
)

// readFilter checks and folds what the client sent. terms counts down.
func readFilter(p *ber.Packet, depth int, terms *int) (filter, error) {
	*terms--
	if p.ClassType != ber.ClassContext || depth > filterDepth || *terms < 0 {
		return filter{}, fmt.Errorf("filter is too deep, too long or none")
	}
	f := filter{op: p.Tag}
	switch p.Tag {
	case ldap.FilterAnd, ldap.FilterOr:
		for _, c := range p.Children {
			in, err := readFilter(c, depth+1, terms)
			if err != nil {
				return f, err
			}
			f.inner = append(f.inner, in)
		}
		return f, nil
	case ldap.FilterNot:
		if len(p.Children) != 1 {
			return f, fmt.Errorf("a not filter has one filter in it")
		}
		in, err := readFilter(p.Children[0], depth+1, terms)
		f.inner = []filter{in}
		return f, err
	case ldap.FilterPresent:
		f.attr = attributeName(p.Data.String())
		return f, nil
	case ldap.FilterExtensibleMatch:
		return f, nil // no rule is known: undefined
	case ldap.FilterEqualityMatch, ldap.FilterGreaterOrEqual, ldap.FilterLessOrEqual, ldap.FilterApproxMatch:
		if len(p.Children) != 2 {
			return f, fmt.Errorf("an assertion has an attribute and a value")
		}
		f.attr, f.value = attributeName(p.Children[0].Data.String()), fold(p.Children[1].Data.String())
		switch f.attr {
		case "manager":
			f.value = foldDN(f.value)
		case "telephonenumber", "mobile":
			if p.Tag == ldap.FilterEqualityMatch {
				f.value = digits(f.value)
			}
		}
		return f, nil
	case ldap.FilterSubstrings:
		return f, f.readSubstrings(p)
	}
	return f, fmt.Errorf("filter choice %d is unknown", p.Tag)
}

// readSubstrings fills parts: the first and the last may be empty, those between are not.
func (f *filter) readSubstrings(p *ber.Packet) error {
	if len(p.Children) != 2 || len(p.Children[1].Children) == 0 {
		return fmt.Errorf("a substring filter has an attribute and at least one part")
	}
	f.attr = attributeName(p.Children[0].Data.String())
	initial, final := "", ""
	var between []string
	for i, c := range p.Children[1].Children {
		text, last := fold(c.Data.String()), i == len(p.Children[1].Children)-1
		switch {
		case c.Tag == ldap.FilterSubstringsInitial && i == 0:
			initial = text
		case c.Tag == ldap.FilterSubstringsFinal && last:
			final = text
		case c.Tag == ldap.FilterSubstringsAny && text != "":
			between = append(between, text)
		default:
			return fmt.Errorf("the parts of a substring filter are out of order")
		}
	}
	f.parts = append(append([]string{initial}, between...), final)
	return nil
}

// truth of a filter for an entry: RFC 4511 §4.5.1.7 knows a third value.
type truth int

const (
	no truth = iota - 1
	undefined
	yes
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// match evaluates the filter for an entry.
func (f *filter) match(e ldapEntry) truth {
	switch f.op {
	case ldap.FilterAnd:
		t := yes // RFC 4526 §2: an empty and is true
		for i := 0; i < len(f.inner) && t > no; i++ {
			t = min(t, f.inner[i].match(e))
		}
		return t
	case ldap.FilterOr:
		t := no
		for i := 0; i < len(f.inner) && t < yes; i++ {
			t = max(t, f.inner[i].match(e))
		}
		return t
	case ldap.FilterNot:
		return -f.inner[0].match(e)
	case ldap.FilterExtensibleMatch:
		return undefined
	}
	if f.column != nil && e.at >= 0 {
		v := f.column[e.at]
		return truthOf(v != "" && (f.op == ldap.FilterPresent || f.holds(v)))
	}
	values, known := e.values(f.attr)
	if !known {
		return undefined
	}
	if f.op == ldap.FilterPresent {
		return truthOf(len(values) > 0)
	}
	return truthOf(slices.ContainsFunc(values, func(v string) bool { return f.holds(fold(v)) }))
}

// holds compares one value, folded.
func (f *filter) holds(value string) bool {
	switch f.op {
	case ldap.FilterEqualityMatch:
		return f.equal(value)
	case ldap.FilterApproxMatch: // RFC 4511 §4.5.1.7.6: as equality, where nothing better is known
		return value == f.value
	case ldap.FilterGreaterOrEqual:
		return value >= f.value
	case ldap.FilterLessOrEqual:
		return value <= f.value
	}
	first, last := f.parts[0], f.parts[len(f.parts)-1]
	value, ok := strings.CutPrefix(value, first)
	if !ok {
		return false
	}
	for _, part := range f.parts[1 : len(f.parts)-1] {
		if _, value, ok = strings.Cut(value, part); !ok {
			return false
		}
	}
	return strings.HasSuffix(value, last)
}

// equal obeys the matching rule of the attribute. Names of managers are ours, and folded as they are.
func (f *filter) equal(value string) bool {
	if f.attr == "telephonenumber" || f.attr == "mobile" { // RFC 4517 §4.2.29: spaces and hyphens do not count
		return digits(value) == f.value
	}
	return value == f.value
}

// prepare makes a search through everybody fast.
func (f *filter) prepare(t *tree) {
	f.column = t.column(f.attr)
	for i := range f.inner {
		f.inner[i].prepare(t)
	}
}

// fold prepares a string for comparison without regard to case and repeated
// spaces (RFC 4518 in short).
func fold(s string) string {
	s = strings.ToLower(s)
	if strings.Contains(s, "  ") || strings.HasPrefix(s, " ") || strings.HasSuffix(s, " ") {
		s = strings.Join(strings.Fields(s), " ")
	}
	return s
}

func digits(s string) string { return strings.NewReplacer(" ", "", "-", "").Replace(s) }

// foldDN makes a distinguished name comparable; what is none stays as it is.
func foldDN(s string) string {
	d, err := ldap.ParseDN(s)
	if err != nil {
		return s
	}
	return strings.ToLower(d.String())
}

// attributeName cuts the options off: cn;lang-de is cn.
func attributeName(s string) string {
	name, _, _ := strings.Cut(s, ";")
	return strings.ToLower(name)
}
