package simple

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"communicator/wire/pidf"
)

// The contact list in Options.Dir is contacts.USER.xml, a resource-lists
// document (RFC 4826); beside it are the ten versions before it, dated.
const (
	oldTime = "20060102T150405.000" // UTC; sorts by time
	keepOld = 10
)

// file returns the path of a file of this user in Dir: an address may hold
// what a file name cannot.
func (s *Server) file(what, suffix string) string {
	user := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|[]`, r) || r < ' ' {
			return '_'
		}
		return r
	}, s.o.Self)
	return filepath.Join(s.o.Dir, what+"."+user+suffix)
}

func (s *Server) listFile() string { return s.file("contacts", ".xml") }

// readListFile returns the newest document in Dir that can be read: the file,
// else the newest of the versions before it. Nothing: there is none.
func (s *Server) readListFile() []byte {
	if s.o.Dir == "" {
		return nil
	}
	names := append(s.oldListFiles(), s.listFile())
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
func (s *Server) oldListFiles() (names []string) {
	entries, err := os.ReadDir(s.o.Dir)
	if err != nil {
		return nil // there is none yet
	}
	before, after := strings.TrimSuffix(filepath.Base(s.listFile()), "xml"), ".xml"
	for _, e := range entries {
		stamp, ok := strings.CutPrefix(strings.TrimSuffix(e.Name(), after), before)
		if _, err := time.Parse(oldTime, stamp); ok && err == nil {
			names = append(names, filepath.Join(s.o.Dir, e.Name()))
		}
	}
	slices.Sort(names)
	return names
}

// writeListFile writes the file, after putting what was there beside it under
// its date. What is the same is not written.
func (s *Server) writeListFile(raw []byte) error {
	if s.o.Dir == "" {
		return nil
	}
	name := s.listFile()
	old, err := os.ReadFile(name)
	switch {
	case err == nil && bytes.Equal(old, raw):
		return nil
	case err == nil && len(old) > 0:
		if err := writeFile(s.file("contacts", "."+s.o.Now().UTC().Format(oldTime)+".xml"), old); err != nil {
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
