package addressbook

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/natefinch/atomic"
)

// A copy is two files of one form: everybody, and, beside it under the same
// name with ".changes", what has changed since. The form: the magic bytes, the
// version, the number of parts, the length of each in eight bytes, the parts,
// and the CRC-32C of it all. Numbers are little-endian.
const (
	magic       = "\x89Book\r\n\x1a"
	version     = 1
	maxFile     = 1 << 30
	changesName = ".changes"

	fileParts = 2 + segmentParts
)

// meta is the first part of a file, in JSON.
type meta struct {
	ID      string    `json:"id"`           // of everybody; the changes say to which they belong
	Feeds   []fed     `json:"feeds"`        // in the order of entry.feed
	Updated time.Time `json:"updated"`      // when all feeds were last read without an error
	Cut     bool      `json:"cut,omitzero"` // there were more than maxPeople
}

// fed is what is known of a feed.
type fed struct {
	Name  string    `json:"name"`
	Mark  string    `json:"mark,omitzero"`
	Full  time.Time `json:"full,omitzero"`  // when everybody was last read; zero: not yet
	Swept time.Time `json:"swept,omitzero"` // when the keys were last compared
	Doubt bool      `json:"doubt,omitzero"` // last time most people were missing
}

// newerError: a newer version of the program has written the file.
type newerError struct{ version uint32 }

func (e *newerError) Error() string {
	return fmt.Sprintf("the copy was written by a newer version of the program (format %d)", e.version)
}

// content is a file's.
type content struct {
	meta
	gone    u32s // persons of everybody that no longer count; in the changes only
	segment *segment
}

func (c content) parts() ([][]byte, error) {
	about, err := json.Marshal(c.meta)
	if err != nil {
		return nil, err
	}
	return append([][]byte{about, c.gone}, c.segment.parts()...), nil
}

// writeFile writes a file, whole or not at all.
func writeFile(file string, c content) error {
	parts, err := c.parts()
	if err != nil {
		return err
	}
	var readers []io.Reader
	for _, p := range framed(parts) {
		readers = append(readers, bytes.NewReader(p))
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	return atomic.WriteFile(file, io.MultiReader(readers...))
}

// framed returns the bytes of a file with those parts.
func framed(parts [][]byte) [][]byte {
	head := []byte(magic)
	head = binary.LittleEndian.AppendUint32(head, version)
	head = binary.LittleEndian.AppendUint32(head, uint32(len(parts)))
	for _, p := range parts {
		head = binary.LittleEndian.AppendUint64(head, uint64(len(p)))
	}
	all := append([][]byte{head}, parts...)
	sum := uint32(0)
	for _, p := range all {
		sum = crc32.Update(sum, castagnoli(), p)
	}
	return append(all, binary.LittleEndian.AppendUint32(nil, sum))
}

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// readFile reads a file. Errors: fs.ErrNotExist, errDamaged, *newerError, or why
// it could not be read.
func readFile(file string) (content, error) {
	about, err := os.Stat(file)
	if err != nil {
		return content{}, err
	}
	if about.Size() > maxFile {
		return content{}, errDamaged
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return content{}, err
	}
	return parse(b)
}

// parse reads the bytes of a file, and keeps them.
func parse(b []byte) (c content, err error) {
	const fixed = len(magic) + 8
	if len(b) < fixed || string(b[:len(magic)]) != magic {
		return c, errDamaged
	}
	if v := binary.LittleEndian.Uint32(b[len(magic):]); v > version {
		return c, &newerError{v}
	}
	count := binary.LittleEndian.Uint32(b[len(magic)+4:])
	rest := b[fixed:]
	if count != fileParts || len(rest) < 8*fileParts+4 {
		return c, errDamaged
	}
	end := len(b) - 4
	if crc32.Checksum(b[:end], castagnoli()) != binary.LittleEndian.Uint32(b[end:]) {
		return c, errDamaged
	}
	lengths, rest := u64s(rest[:8*fileParts]), b[fixed+8*fileParts:end]
	parts := make([][]byte, fileParts)
	for i := range parts {
		n := lengths.at(i)
		if n > uint64(len(rest)) {
			return c, errDamaged
		}
		parts[i], rest = rest[:n:n], rest[n:]
	}
	if json.Unmarshal(parts[0], &c.meta) != nil || len(parts[1])%4 != 0 || len(c.Feeds) > maxFeeds {
		return content{}, errDamaged
	}
	c.gone = parts[1]
	c.segment, err = newSegment(parts[2:])
	return c, err
}

// stamp tells one state of a file from another without reading it.
type stamp struct {
	size int64
	at   time.Time
}

func stampOf(file string) stamp {
	about, err := os.Stat(file)
	if err != nil {
		return stamp{}
	}
	return stamp{about.Size(), about.ModTime()}
}

// load reads a copy. What is damaged of it is left out; err says so. With
// nothing there is no error. Of before the part is kept that is the same.
func load(file string, before *shelf, same bool) (*shelf, error) {
	s := &shelf{meta: before.meta, base: before.base}
	if !same {
		base, err := readFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			return &shelf{}, nil
		}
		if err != nil {
			return &shelf{}, err
		}
		s = &shelf{meta: base.meta, base: base.segment}
	}
	changes, err := readFile(file + changesName)
	if err != nil || changes.ID != s.ID || !changes.gone.below(uint32(s.base.len()), 0) {
		return s, nil // the changes since the mark of the base are read again
	}
	s.meta, s.delta, s.gone = changes.meta, changes.segment, changes.gone
	return s, nil
}
