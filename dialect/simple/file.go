package simple

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"communicator/contacts"
	"communicator/wire/pidf"
)

// The contact list in Options.Dir is contacts.USER.xml, a resource-lists
// document (RFC 4826); beside it are the ten versions before it, dated.
const (
	oldTime   = "20060102T150405.000" // UTC; sorts by time
	keepOld   = 10
	undoneXML = ".undone.xml" // ends the name of a version that was given up by Undo
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

// keptSays says whether the file holds that list: then another program of ours
// has written it, or taken it over.
func (s *Server) keptSays(l contacts.List) bool {
	b, err := os.ReadFile(s.listFile())
	if err != nil || s.o.Dir == "" {
		return false
	}
	doc, err := parseLists(b)
	return err == nil && listOf(doc).Equal(l)
}

// oldListFiles returns the former versions, oldest first.
func (s *Server) oldListFiles() (names []string) {
	entries, err := os.ReadDir(s.o.Dir)
	if err != nil {
		return nil // there is none yet
	}
	for _, e := range entries {
		if _, _, ok := s.stampOf(e.Name()); ok {
			names = append(names, filepath.Join(s.o.Dir, e.Name()))
		}
	}
	slices.Sort(names)
	return names
}

// stampOf returns the date in the name of a former version's file.
func (s *Server) stampOf(name string) (at time.Time, undone, ok bool) {
	stamp, ok := strings.CutPrefix(name, strings.TrimSuffix(filepath.Base(s.listFile()), "xml"))
	if stamp, undone = strings.CutSuffix(stamp, undoneXML); !undone {
		stamp = strings.TrimSuffix(stamp, ".xml")
	}
	at, err := time.Parse(oldTime, stamp)
	return at, undone, ok && err == nil
}

// readCopy reads a former version.
func (s *Server) readCopy(name string) (Copy, error) {
	raw, err := os.ReadFile(name)
	if err != nil {
		return Copy{}, err
	}
	doc, err := pidf.ParseResourceLists(raw)
	if err != nil {
		return Copy{}, fmt.Errorf("%s: %w", filepath.Base(name), err)
	}
	own := listOf(doc).Without(contacts.Org)
	at, undone, _ := s.stampOf(filepath.Base(name))
	return Copy{Time: at, Undone: undone, Groups: len(own.Groups), People: len(own.Users()), name: name, raw: raw}, nil
}

// markUndone ends an Undo that went back to c: c is the list again and no former
// version any more, and the version that has just become one was undone.
func (s *Server) markUndone(c Copy) error {
	if names := s.oldListFiles(); len(names) > 0 {
		newest := names[len(names)-1]
		if _, undone, _ := s.stampOf(filepath.Base(newest)); newest != c.name && !undone {
			if err := os.Rename(newest, strings.TrimSuffix(newest, ".xml")+undoneXML); err != nil {
				return fmt.Errorf("undo: %w", err)
			}
		}
	}
	if err := os.Remove(c.name); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("undo: %w", err)
	}
	return nil
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
	if len(raw) == 0 {
		return
	}
	if err := s.writeListFile(raw); err != nil {
		s.o.Log.Warn("no copy of the contact list", "error", err)
	}
}
