package directory

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
)

// A photograph comes when it is asked for, and only then; a huge one is not read.
func TestPhoto(t *testing.T) {
	const jpeg, png = "\xff\xd8\xff\xe0", "\x89PNG\r\n\x1a\n"
	small, large := jpeg+strings.Repeat("s", 50_000), jpeg+strings.Repeat("l", 10<<20)
	photo := func(uid string, attributes ...string) *ldap.Entry {
		e := worker(uid, "")
		for i := 0; i < len(attributes); i += 2 {
			e.Attributes = append(e.Attributes, ldap.NewEntryAttribute(attributes[i], attributes[i+1:i+2]))
		}
		return e
	}
	s := (&server{anonymous: true, entries: []*ldap.Entry{
		photo("anna", "jpegPhoto", small), photo("bob", "jpegPhoto", large), photo("carol"), photo("dora", "thumbnailPhoto", png+"x", "jpegPhoto", large),
		photo("eve", "jpegPhoto", "<script>"), photo("frank", "jpegPhoto", jpeg+strings.Repeat("f", MaxPhoto+1)),
	}}).start(t, false)
	d := s.directory(Options{})
	for uid, want := range map[string]string{"anna": small, "carol": "", "dora": png + "x", "eve": "", "nobody": ""} {
		if got, err := d.Photo(t.Context(), dn(uid)); err != nil || string(got) != want {
			t.Errorf("%s: %d bytes, %v; want %d", uid, len(got), err, len(want))
		}
	}
	for _, uid := range []string{"bob", "frank"} {
		got, err := d.Photo(t.Context(), dn(uid))
		var e *Error
		if got != nil || !errors.Is(err, ErrPhoto) || !errors.As(err, &e) || !strings.Contains(e.What, "uid="+uid) {
			t.Errorf("%s: %d bytes, %v", uid, len(got), err)
		}
	}
	if all, _, err := everybody(t, d); err != nil || len(all) != 6 {
		t.Errorf("everybody beside large photographs: %d, %v", len(all), err)
	}
}
