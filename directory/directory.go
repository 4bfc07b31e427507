// Package directory finds people in the organisation's directory: search by
// name, and who reports to whom.
//
// Begin with New, then Directory.Find and Directory.Chart. It reads only, and
// it speaks only inside TLS: ldaps from the first byte, or ldap with StartTLS.
// A Directory is also a Source of everybody; package addressbook keeps the copy.
//
// Standards: RFC 4511 (LDAP), RFC 4513 (StartTLS, simple bind), RFC 4752
// (Kerberos), RFC 4515 (filters), RFC 4516 (URL), RFC 2696 (paged results),
// RFC 4530 (entryUUID); [MS-ADTS] for Active Directory.
package directory

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// Person is one entry of the directory, reduced to what the product shows. All
// text is plain and of bounded length.
type Person struct {
	User       string // address "user@domain", lower-case domain; empty: has none
	Name       string
	Title      string
	Department string
	Office     string
	Numbers    []Number
	Mail       string    // address for mail; empty: none, or not known
	Aliases    []string  // other addresses and short names somebody may type: "aberg", "anna@contoso.test"
	DN         string    // name of the entry within this directory
	Manager    string    // DN of the manager; empty: none
	Key        string    // names the entry for good, also when it is moved or renamed: objectGUID, entryUUID, UID of a vCard
	Modified   time.Time // when the entry was last changed; zero: not known
}

// Number is a telephone number, as written in the directory.
type Number struct{ Kind, Number string } // Kind: work, mobile, home, other

// Options say where the directory is and how to get in.
type Options struct {
	URL        string                                                            // ldaps://host:port or ldap://host:port (StartTLS is then required)
	Base       string                                                            // search base; empty: that of the URL, else what the server names as its own
	User       string                                                            // name for a simple bind if anonymous search is refused; usually the sign-in address
	Kerberos   *Kerberos                                                         // ticket of the user, tried before the password; nil: none
	Password   func() (string, error)                                            // asked when it is needed
	Attributes Attributes                                                        // where the parts of a Person are; empty: DefaultAttributes
	TLS        *tls.Config                                                       // roots; ServerName is set from the URL
	Dial       func(ctx context.Context, network, addr string) (net.Conn, error) // nil: the real network
}

// Directory is an LDAP directory. It connects when first asked and again when
// the connection was lost. Its methods may be called at the same time; each
// ends when its context ends, and after a limit of its own (operationLimit).
type Directory struct {
	o          Options
	attributes Attributes

	mu       sync.Mutex
	idle     []*conn     // connections nobody uses
	root     *root       // what the server says of itself, once known
	has      *Attributes // those of attributes that Active Directory has, once known
	bind     bool        // anonymous search was refused
	rejected *string     // password that was refused: it is not tried again
	closed   bool
}

// New makes a Directory; nothing is contacted yet.
func New(o Options) *Directory {
	return &Directory{o: o, attributes: o.Attributes.complete()}
}

// Close ends the connections that are not in use; those in use end with their
// call. A closed Directory answers every call with an error.
func (d *Directory) Close() error {
	d.mu.Lock()
	idle := d.idle
	d.idle, d.closed = nil, true
	d.mu.Unlock()
	for _, c := range idle {
		c.close()
	}
	return nil
}

// maxFind is the most people that Find returns.
const maxFind = 1000

// Find returns at most limit people whose name, address, number, department
// or office match all words of text; more says that there were more. A word
// matches the beginning of a word there; digits match anywhere in a number.
func (d *Directory) Find(ctx context.Context, text string, limit int) (found []Person, more bool, err error) {
	if d.attributes.findFilter(text) == "" || limit <= 0 {
		return nil, false, nil
	}
	limit = min(limit, maxFind)
	// Some entries are no people or the same person twice, so a few more are asked for.
	w := wanted{filter: func(a Attributes) string { return a.findFilter(text) }, limit: limit + limit/4 + 1}
	if numberPattern(text) == "" {
		w.more, w.fits = d.attributes.texts(), func(e *ldap.Entry) bool { return d.attributes.begin(words(text), e) }
	}
	people, partial, err := d.people(ctx, w)
	if err != nil {
		return nil, false, err
	}
	if len(people) == 0 && partial {
		return nil, false, gaveUp()
	}
	if people = merged(people); len(people) > limit {
		return people[:limit], true, nil
	}
	return people, partial, nil
}

// Person returns the entry with that address; ErrNotFound when there is none.
func (d *Directory) Person(ctx context.Context, user string) (Person, error) {
	entries, err := d.entries(ctx, user)
	if err != nil {
		return Person{}, err
	}
	return merged(entries)[0], nil
}

// entries returns every entry with that address: in a directory made of
// several, one person may have more than one. If it is nobody's first address,
// those that have it beside another.
func (d *Directory) entries(ctx context.Context, user string) ([]Person, error) {
	people, partial, err := d.people(ctx, wanted{filter: func(a Attributes) string { return a.addressFilter(user) }, limit: 50})
	if err == nil && len(people) == 0 && partial {
		err = gaveUp()
	}
	if err != nil {
		return nil, err
	}
	var first, alias []Person
	for _, p := range people {
		switch {
		case strings.EqualFold(p.User, user):
			first = append(first, p)
		case len(alias) == 0 || strings.EqualFold(alias[0].User, p.User):
			alias = append(alias, p)
		}
	}
	if len(first) == 0 {
		first = alias
	}
	if len(first) == 0 {
		return nil, notFound(user)
	}
	return first, nil
}

// Filter returns everybody who matches an LDAP filter (RFC 4515), also those
// without address. It is an error if the directory does not tell all.
func (d *Directory) Filter(ctx context.Context, filter string) ([]Person, error) {
	filter, err := checkedFilter(filter)
	if err != nil {
		return nil, err
	}
	people, partial, err := d.people(ctx, wanted{filter: func(Attributes) string { return filter }, limit: maxPeople, whole: true})
	if err == nil && partial {
		err = tooMany(len(people))
	}
	if err != nil {
		return nil, err
	}
	return merged(people), nil
}
