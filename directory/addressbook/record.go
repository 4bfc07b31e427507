package addressbook

import (
	"cmp"
	"encoding/binary"
	"slices"
	"time"

	"communicator/directory"
	"communicator/plain"
)

// Limits on one entry. A source that is worth anything keeps to less.
const (
	maxText    = 256 // characters of a value
	maxName    = 2000
	maxNumbers = 10
	maxAliases = 20
	maxTwins   = 8 // entries of one person
)

// entry is somebody as one feed gives him.
type entry struct {
	feed uint8 // index into the feeds of the shelf
	directory.Person
}

// id names an entry within a book.
type id struct {
	feed uint8
	key  string
}

func (i id) compare(j id) int { return cmp.Or(cmp.Compare(i.feed, j.feed), cmp.Compare(i.key, j.key)) }

func (e entry) id() id { return id{e.feed, e.Key} }

// bounded returns p within the limits; ok is false when there is nothing in it
// to show or to know it by.
func bounded(p directory.Person) (q directory.Person, ok bool) {
	text := func(s string) string { return plain.Cut(plain.Line(s), maxText) }
	if p.Key == "" {
		p.Key = p.DN
	}
	if p.Key == "" {
		p.Key = p.User
	}
	p.User, p.Name, p.Mail = text(p.User), text(p.Name), text(p.Mail)
	p.Title, p.Department, p.Office = text(p.Title), text(p.Department), text(p.Office)
	if len(p.DN) > maxName || len(p.Manager) > maxName {
		p.DN, p.Manager = "", ""
	}
	p.Numbers = slices.Clone(p.Numbers[:min(len(p.Numbers), maxNumbers)]) // the source may go on using its own
	p.Aliases = slices.Clone(p.Aliases[:min(len(p.Aliases), maxAliases)])
	for i, n := range p.Numbers {
		p.Numbers[i] = directory.Number{Kind: text(n.Kind), Number: text(n.Number)}
	}
	for i, a := range p.Aliases {
		p.Aliases[i] = text(a)
	}
	return p, p.Key != "" && len(p.Key) <= maxName
}

// recorder writes entries. Texts that many share are written once.
type recorder struct {
	data   []byte
	texts  []byte // of the shared ones
	ends   []uint32
	number map[string]uint64
}

func newRecorder() *recorder { return &recorder{number: map[string]uint64{}} }

func (w *recorder) uint(n uint64) { w.data = binary.AppendUvarint(w.data, n) }

func (w *recorder) text(s string) {
	w.uint(uint64(len(s)))
	w.data = append(w.data, s...)
}

func (w *recorder) shared(s string) {
	n, known := w.number[s]
	if !known {
		n = uint64(len(w.ends))
		w.number[s] = n
		w.texts = append(w.texts, s...)
		w.ends = append(w.ends, uint32(len(w.texts)))
	}
	w.uint(n)
}

// name writes the name of an entry. The part above it is shared by many.
func (w *recorder) name(dn string) {
	at := len(dn)
	for i := 0; i < len(dn); i++ {
		if dn[i] == '\\' { // RFC 4514 §2.4: the next one is meant literally
			i++
		} else if dn[i] == ',' {
			at = i
			break
		}
	}
	w.text(dn[:at])
	w.shared(dn[at:])
}

// entry writes e. What is asked of everybody at once comes first.
func (w *recorder) entry(e entry) {
	w.data = append(w.data, e.feed)
	w.text(e.Key)
	w.shared(e.Department)
	w.text(e.User)
	w.text(e.Name)
	w.shared(e.Title)
	w.shared(e.Office)
	if e.Mail == e.User {
		w.text("=")
	} else {
		w.text(e.Mail)
	}
	w.name(e.DN)
	w.name(e.Manager)
	w.uint(uint64(len(e.Numbers)))
	for _, n := range e.Numbers {
		w.shared(n.Kind)
		w.text(n.Number)
	}
	w.uint(uint64(len(e.Aliases)))
	for _, a := range e.Aliases {
		w.text(a)
	}
	at := int64(0)
	if !e.Modified.IsZero() {
		at = e.Modified.Unix()
	}
	w.data = binary.AppendVarint(w.data, at)
}

// record reads what recorder wrote. Whatever the bytes are it ends, with
// something.
type record struct {
	data   []byte
	shared func(uint64) string
}

func (r *record) uint() uint64 {
	n, size := binary.Uvarint(r.data)
	if size <= 0 {
		r.data = nil
		return 0
	}
	r.data = r.data[size:]
	return n
}

func (r *record) bytes() []byte {
	n := r.uint()
	if n > uint64(len(r.data)) {
		r.data = nil
		return nil
	}
	b := r.data[:n]
	r.data = r.data[n:]
	return b
}

func (r *record) text() string { return string(r.bytes()) }

func (r *record) name() string {
	first := r.bytes()
	return string(first) + r.shared(r.uint())
}

// head reads the feed and the key, which are good until the record is changed.
func (r *record) head() (feed uint8, key []byte) {
	if len(r.data) == 0 {
		return 0, nil
	}
	feed = r.data[0]
	r.data = r.data[1:]
	return feed, r.bytes()
}

func (r *record) entry() (e entry) {
	feed, key := r.head()
	e.feed, e.Key = feed, string(key)
	e.Department = r.shared(r.uint())
	e.User, e.Name = r.text(), r.text()
	e.Title, e.Office = r.shared(r.uint()), r.shared(r.uint())
	if e.Mail = r.text(); e.Mail == "=" {
		e.Mail = e.User
	}
	e.DN, e.Manager = r.name(), r.name()
	for n := min(r.uint(), maxNumbers); n > 0; n-- {
		e.Numbers = append(e.Numbers, directory.Number{Kind: r.shared(r.uint()), Number: r.text()})
	}
	for n := min(r.uint(), maxAliases); n > 0; n-- {
		e.Aliases = append(e.Aliases, r.text())
	}
	at, size := binary.Varint(r.data)
	if size > 0 && at != 0 {
		e.Modified = time.Unix(at, 0).UTC()
	}
	return e
}
