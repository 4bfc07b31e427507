package directory

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// What is told again, in case it came later than what was told before it: from
// another server of the directory, or within the same second.
const (
	overlap     = 5 * time.Minute
	farOverlap  = 24 * time.Hour // between controllers of Active Directory, which may tell each other at night
	maxMarkPart = 200
)

// place of a Directory's Source in time. As text:
//
//	usn <time> <configuration> <invocation> <number>   Active Directory
//	csn|time <time> <configuration> <attribute>        others
type position struct {
	kind          string
	when          time.Time
	configuration string // base and attributes: with others a copy is another
	who           string // invocation of the controller, or the attribute that grows
	usn           int64
}

const markTime = "20060102150405"

func (p position) mark() Mark {
	if p.kind == "" || p.when.IsZero() {
		return ""
	}
	m := strings.Join([]string{p.kind, p.when.UTC().Format(markTime), p.configuration, p.who}, " ")
	if p.kind == "usn" {
		m += " " + strconv.FormatInt(p.usn, 10)
	}
	return Mark(m)
}

// readMark is the opposite of mark; ErrMark for one of another configuration.
func readMark(m Mark, configuration string) (p position, err error) {
	parts := strings.Split(string(m), " ")
	if len(m) > MaxMark || len(parts) < 4 || parts[2] != configuration || !attributeName.MatchString(parts[3]) && parts[0] != "usn" {
		return p, ErrMark
	}
	p = position{kind: parts[0], configuration: configuration, who: parts[3]}
	if p.when, err = time.Parse(markTime, parts[1]); err != nil {
		return p, ErrMark
	}
	switch {
	case p.kind == "usn" && len(parts) == 5:
		if p.usn, err = strconv.ParseInt(parts[4], 10, 64); err == nil && p.usn > 0 {
			return p, nil
		}
	case (p.kind == "csn" || p.kind == "time") && len(parts) == 4:
		return p, nil
	}
	return p, ErrMark
}

// since is the filter for what has changed since p.
func (p position) since() string {
	switch p.kind {
	case "usn":
		return fmt.Sprintf("(uSNChanged>=%d)", p.usn+1)
	case "csn": // OpenLDAP: time, count, server, modification
		return "(" + p.who + ">=" + p.when.Add(-overlap).UTC().Format(markTime) + ".000000Z#000000#000#000000)"
	}
	return "(" + p.who + ">=" + p.when.Add(-overlap).UTC().Format(markTime) + "Z)"
}

// elsewhere is the filter for what another domain controller has changed since
// p: its numbers are its own, but the times are roughly everybody's.
func (p position) elsewhere() string {
	return "(whenChanged>=" + p.when.Add(-farOverlap).UTC().Format(markTime) + ".0Z)"
}

// newest is the latest of the changes seen.
type newest struct {
	attributes []string // that tell it, best first
	kind, who  string
	when       time.Time
}

// see notes when e was changed.
func (n *newest) see(e *ldap.Entry) {
	for i, name := range n.attributes {
		for _, v := range e.GetEqualFoldAttributeValues(name) {
			when, ok := generalizedTime(v)
			if !ok {
				continue
			}
			kind := "time"
			if strings.Contains(v, "#") {
				kind = "csn"
			}
			if when.After(n.when) {
				n.when = when
			}
			n.kind, n.who, n.attributes = kind, name, n.attributes[:i+1]
			return
		}
	}
}

// generalizedTime reads RFC 4517 §3.3.13 as servers write it, in UTC with
// seconds, and the beginning of a CSN; a fraction is left out.
func generalizedTime(value string) (time.Time, bool) {
	if len(value) < len(markTime)+1 || len(value) > 60 || !strings.Contains(value, "Z") {
		return time.Time{}, false
	}
	t, err := time.Parse(markTime, value[:len(markTime)])
	return t, err == nil && t.Year() > 1970
}

// configuration is a short name for what decides how a copy looks.
func (d *Directory) configuration(base string) string {
	h := fnv.New64a()
	fmt.Fprintf(h, "1 %q %q", key(base), d.attributes)
	return strconv.FormatUint(h.Sum64(), 36)
}
