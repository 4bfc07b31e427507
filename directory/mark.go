package directory

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// What is told again, in case it came later than what was told before it.
const (
	oneOverlap  = 10 * time.Second // where one server writes: between two writers of it
	manyOverlap = 5 * time.Minute  // where several write, and tell each other
	farOverlap  = 24 * time.Hour   // between controllers of Active Directory, which may tell each other at night
)

// position is a place of a Directory's Source in time. As text:
//
//	usn <seen> <configuration> <invocation> <number>              Active Directory
//	csn|csns|time <seen> <configuration> <attribute> <from> <newest>   others
type position struct {
	kind          string    // csns: of several servers
	seen          time.Time // on our clock: when newest was first seen
	configuration string    // base and attributes: with others a copy is another
	who           string    // invocation of the controller, or the attribute that grows
	usn           int64
	from, newest  time.Time // on the server's: what is asked for next, and the latest change known
}

const markTime = "20060102150405"

func (p position) mark() Mark {
	if p.kind == "" {
		return ""
	}
	parts := []string{p.kind, p.seen.UTC().Format(markTime), p.configuration, p.who}
	if p.kind == "usn" {
		parts = append(parts, strconv.FormatInt(p.usn, 10))
	} else {
		parts = append(parts, p.from.UTC().Format(markTime), p.newest.UTC().Format(markTime))
	}
	return Mark(strings.Join(parts, " "))
}

// readMark is the opposite of mark; ErrMark for one of another configuration.
func readMark(m Mark, configuration string) (p position, err error) {
	parts := strings.Split(string(m), " ")
	if len(m) > MaxMark || len(parts) < 5 || parts[2] != configuration {
		return p, ErrMark
	}
	p = position{kind: parts[0], configuration: configuration, who: parts[3]}
	moment := func(text string) (t time.Time) {
		if err == nil {
			t, err = time.Parse(markTime, text)
		}
		return t
	}
	p.seen = moment(parts[1])
	switch p.kind {
	case "usn":
		if p.usn, _ = strconv.ParseInt(parts[4], 10, 64); p.usn > 0 && len(parts) == 5 && err == nil {
			return p, nil
		}
	case "csn", "csns", "time":
		if len(parts) == 6 && attributeName.MatchString(p.who) {
			if p.from, p.newest = moment(parts[4]), moment(parts[5]); err == nil {
				return p, nil
			}
		}
	}
	return position{}, ErrMark
}

// since is the filter for what has changed since p.
func (p position) since() string {
	switch p.kind {
	case "usn":
		return fmt.Sprintf("(uSNChanged>=%d)", p.usn+1)
	case "time":
		return "(" + p.who + ">=" + p.from.UTC().Format(markTime) + "Z)"
	}
	// OpenLDAP: time, count, server, modification
	return "(" + p.who + ">=" + p.from.UTC().Format(markTime) + ".000000Z#000000#000#000000)"
}

// overlap is how much later than a change an earlier one may appear.
func (p position) overlap() time.Duration {
	if p.kind == "csn" {
		return oneOverlap
	}
	return manyOverlap
}

// upTo moves p on after reading for so long. What was changed while it was read
// may be missing, so the latest change seen less that time is safe: the two
// clocks are never compared. When nothing new appears for the length of the
// overlap it is over, else a mass import would be told again and again.
func (p position) upTo(last newest, took time.Duration, now time.Time) position {
	switch {
	case p.kind == "usn":
		p.seen = now // for other controllers, with farOverlap
		return p
	case last.when.IsZero() && p.kind == "":
		return p
	case p.kind != "csns" && last.kind != "":
		p.kind, p.who = last.kind, last.who
	}
	if last.when.After(p.newest) {
		p.newest, p.seen = last.when, now
		if from := last.when.Add(-took - p.overlap()).Truncate(time.Second); from.After(p.from) {
			p.from = from
		}
	} else if now.Sub(p.seen) > p.overlap() {
		p.from = p.newest.Add(time.Second)
	}
	return p
}

// elsewhere is the filter for what another domain controller has changed since
// p: its numbers are its own, but the times are roughly everybody's.
func (p position) elsewhere() string {
	return "(whenChanged>=" + p.seen.Add(-farOverlap).UTC().Format(markTime) + ".0Z)"
}

// newest is the latest of the changes seen.
type newest struct {
	attributes []string // that tell it, best first
	kind, who  string
	server     string // of a CSN
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
			n.who, n.attributes = name, n.attributes[:i+1]
			if when.After(n.when) {
				n.when = when
			}
			switch csn := strings.Split(v, "#"); { // time#count#server#modification
			case len(csn) != 4:
				n.kind = "time"
			case n.server != "" && n.server != csn[2]:
				n.kind = "csns"
			case n.kind == "":
				n.kind, n.server = "csn", csn[2]
			}
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
