package directory

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/go-ldap/ldap/v3"
)

// MaxPhoto is the largest photograph in bytes that Photo returns.
const MaxPhoto = 200 << 10

// Photo returns the photograph of the entry: JPEG or PNG. Nil means that it has
// none. One that is larger than MaxPhoto is an error, and is not read.
func (d *Directory) Photo(ctx context.Context, dn string) (photo []byte, err error) {
	err = d.do(ctx, func(ctx context.Context, c *conn) error {
		photo = nil
		c.limit.most.Store(MaxPhoto + 4<<10) // with its name and that of the entry
		defer c.limit.most.Store(maxMessage)
		for _, name := range d.attributes.Photo { // one by one: the second may be large where the first is not
			entries, _, err := d.search(ctx, c, query{base: dn, filter: "(objectClass=*)", attributes: []string{name}, limit: 1})
			switch {
			case c.limit.over.Load():
				return largePhoto(dn)
			case notThere(err):
				return nil
			case err != nil:
				return err
			}
			for _, e := range entries {
				if v := e.GetEqualFoldRawAttributeValue(name); isPicture(v) {
					photo = v
				}
			}
			if len(photo) > MaxPhoto {
				photo = nil
				return largePhoto(dn)
			}
			if photo != nil {
				return nil
			}
		}
		return nil
	})
	return photo, err
}

// ErrPhoto is wrapped by the error for a photograph that is too large.
var ErrPhoto = errors.New("the photograph is too large")

func largePhoto(dn string) error {
	return &Error{What: "The photograph of " + shortDN(dn) + " is not shown", Why: fmt.Sprintf("it is larger than %d kB", MaxPhoto>>10),
		Remedy: "Have it made smaller in the directory", Err: ErrPhoto}
}

// shortDN is the first part of a name: "uid=anna".
func shortDN(dn string) string {
	if parsed, err := ldap.ParseDN(dn); err == nil && len(parsed.RDNs) > 0 {
		return clean(parsed.RDNs[0].String())
	}
	return clean(dn)
}

// isPicture: JPEG (RFC 2798 §2.6) or PNG, which people put there as well.
func isPicture(b []byte) bool {
	return bytes.HasPrefix(b, []byte("\xff\xd8\xff")) || bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n"))
}
