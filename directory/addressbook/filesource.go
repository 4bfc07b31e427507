package addressbook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"communicator/contacts"
	"communicator/directory"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Limits on a file of addresses.
const (
	maxSource = 256 << 20 // bytes
	sourceAt  = 500       // people given at once
)

// FileSource returns the people in a file as a source: vCard (.vcf, .vcard) or
// CSV with a row of headings (.csv, .tsv, .txt). The file is read when the book
// is updated; it may be absent until then.
func FileSource(path string) (directory.Source, error) {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".vcf", ".vcard":
		return &fileSource{path, ParseVCards}, nil
	case ".csv", ".tsv", ".txt":
		return &fileSource{path, ParseCSV}, nil
	}
	return nil, fmt.Errorf("%s is no file of addresses: its name must end in .vcf or .csv", path)
}

// fileSource gives the people in a file. What has changed in it cannot be told:
// after a change they are all given again.
type fileSource struct {
	path  string
	parse func(text []byte, person func(directory.Person) error) error
}

func (f *fileSource) All(ctx context.Context, people func([]directory.Person) error) (directory.Mark, error) {
	mark, err := f.mark()
	if err != nil {
		return "", err
	}
	text, err := f.read()
	if err != nil {
		return "", err
	}
	var some []directory.Person
	err = f.parse(text, func(p directory.Person) error {
		if some = append(some, p); len(some) < sourceAt {
			return nil
		}
		all := some
		some = nil
		return errors.Join(ctx.Err(), people(all))
	})
	if err == nil && len(some) > 0 {
		err = people(some)
	}
	return mark, err
}

func (f *fileSource) Changes(ctx context.Context, since directory.Mark, people func([]directory.Person) error) (directory.Mark, error) {
	if mark, err := f.mark(); err != nil || mark == since {
		return since, err
	}
	return f.All(ctx, people)
}

func (f *fileSource) Keys(ctx context.Context, keys func([]string) error) error {
	_, err := f.All(ctx, func(people []directory.Person) error {
		some := make([]string, len(people))
		for i, p := range people {
			some[i] = p.Key
		}
		return keys(some)
	})
	return err
}

// mark tells one state of the file from another.
func (f *fileSource) mark() (directory.Mark, error) {
	about, err := os.Stat(f.path)
	if err != nil {
		return "", err
	}
	if about.Size() > maxSource {
		return "", fmt.Errorf("%s is larger than %d MB", f.path, maxSource>>20)
	}
	return directory.Mark(fmt.Sprintf("%d %d", about.Size(), about.ModTime().UnixNano())), nil
}

func (f *fileSource) read() ([]byte, error) {
	file, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxSource))
}

// decoded returns text in UTF-8: as the byte order mark at its beginning says,
// else as it is, else as Western Europe writes on Windows.
func decoded(text []byte) []byte {
	if marked, _, err := transform.Bytes(unicode.BOMOverride(transform.Nop), text); err == nil {
		text = marked
	}
	if !utf8.Valid(text) {
		if western, err := charmap.Windows1252.NewDecoder().Bytes(text); err == nil {
			text = western
		}
	}
	return bytes.ReplaceAll(text, []byte("\x00"), nil)
}

// keyed gives p a key when the file has none: what is likeliest to stay.
func keyed(p directory.Person) directory.Person {
	if p.Key == "" {
		p.Key = p.User
	}
	if p.Key == "" && len(p.Numbers) > 0 {
		p.Key = p.Name + " " + digits(p.Numbers[0].Number)
	}
	if p.Key == "" {
		p.Key = p.Name
	}
	return p
}

// user returns an address in its canonical form; empty if s is none.
func user(s string) string {
	u, err := contacts.Canonical(s)
	if err != nil {
		return "" // a slip in the file: he is shown, but cannot be messaged
	}
	return u
}
