package simple

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"communicator/wire/pidf"
)

// The contact list in Options.Dir: a resource-lists document (RFC 4826), and
// beside it the ten versions before it.
const (
	listFile   = "contacts.xml"
	oldPattern = "contacts-*.xml"
	oldTime    = "contacts-20060102T150405.000.xml" // UTC; sorts by time
	keepOld    = 10
)

// readListFile returns the newest document in Dir that can be read: the file,
// else the newest of the versions before it. Nothing: there is none.
func (s *Server) readListFile() []byte {
	if s.o.Dir == "" {
		return nil
	}
	names := append(s.oldListFiles(), filepath.Join(s.o.Dir, listFile))
	for _, name := range slices.Backward(names) {
		b, err := os.ReadFile(name)
		if err == nil {
			_, err = pidf.ParseResourceLists(b)
		}
		if err == nil {
			return b
		}
		if !os.IsNotExist(err) {
			s.o.Log.Warn("contact list file not read", "file", filepath.Base(name), "error", err)
		}
	}
	return nil
}

// oldListFiles returns the former versions, oldest first.
func (s *Server) oldListFiles() []string {
	names, _ := filepath.Glob(filepath.Join(globQuote(s.o.Dir), oldPattern)) // its only error is a bad pattern
	slices.Sort(names)
	return names
}

// globQuote makes a folder name stand for itself in a pattern.
func globQuote(dir string) string {
	var b bytes.Buffer
	for _, r := range dir {
		if (r == '*' || r == '?' || r == '[') && filepath.Separator != '\\' {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// writeListFile writes the file, after putting what was there beside it under
// its date. What is the same is not written.
func (s *Server) writeListFile(raw []byte) error {
	if s.o.Dir == "" {
		return nil
	}
	name := filepath.Join(s.o.Dir, listFile)
	old, err := os.ReadFile(name)
	switch {
	case err == nil && bytes.Equal(old, raw):
		return nil
	case err == nil && len(old) > 0:
		if err := writeFile(filepath.Join(s.o.Dir, s.o.Now().UTC().Format(oldTime)), old); err != nil {
			return fmt.Errorf("keep the former contact list: %w", err)
		}
	}
	if err := writeFile(name, raw); err != nil {
		return fmt.Errorf("write contact list: %w", err)
	}
	names := s.oldListFiles()
	for _, n := range names[:max(0, len(names)-keepOld)] {
		_ = os.Remove(n) // one copy too many does no harm
	}
	return nil
}

// keepListFile keeps a copy of what the server has.
func (s *Server) keepListFile(raw []byte) {
	if err := s.writeListFile(raw); err != nil {
		s.o.Log.Warn("no copy of the contact list", "error", err)
	}
}
