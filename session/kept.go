package session

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"communicator/contacts"
	"communicator/plain"

	"github.com/google/uuid"
	"github.com/natefinch/atomic"
)

// Files in Options.Dir; those of a user bear his address, as several may share
// a folder.
const (
	listCache = "list"          // the contact list as last seen, to be there at once
	ownFile   = "own"           // the state one chose
	idFile    = "instance.json" // names this installation to the server (RFC 5626 §4.1)
)

// keptList is the contact list as last seen.
type keptList struct {
	User  string         `json:"user"`
	Name  string         `json:"name,omitempty"` // own display name, from the directory
	Own   contacts.List  `json:"own"`
	Chart contacts.Chart `json:"chart"`

	Access map[string]contacts.Access `json:"access,omitempty"` // so that who is blocked is so from the start
}

// mine is the name of a file that holds what concerns this user alone.
func (s *Session) mine(what string) string {
	return what + "." + strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|[]`, r) || r < ' ' {
			return '_'
		}
		return r
	}, s.self) + ".json"
}

func (s *Session) readKept() keptList {
	var k keptList
	if !s.readJSON(s.mine(listCache), &k) || k.User != s.self {
		return keptList{}
	}
	return k
}

// instance is the URN of this installation. A session beside the window (a
// command) must not take its place, so it has one of its own.
func (s *Session) instance() string {
	var kept struct {
		Instance uuid.UUID `json:"instance"`
	}
	if s.o.Silent || s.o.Dir == "" {
		return uuid.New().URN()
	}
	if !s.readJSON(idFile, &kept) || kept.Instance == uuid.Nil {
		kept.Instance = uuid.New()
		s.writeJSON(idFile, kept)
	}
	return kept.Instance.URN()
}

// device is what this computer is called among one's devices.
func (s *Session) device() string {
	name := s.o.Device
	if host, err := os.Hostname(); name == "" && err == nil {
		name, _, _ = strings.Cut(host, ".")
	}
	return plain.Line(name)
}

// readJSON reads a file in Dir; false: there is none that can be used.
func (s *Session) readJSON(name string, v any) bool {
	if s.o.Dir == "" {
		return false
	}
	b, err := os.ReadFile(filepath.Join(s.o.Dir, name))
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.log.Warn("file not read", "file", name, "error", err)
	}
	return err == nil
}

// writeJSON writes a file in Dir, whole or not at all. What cannot be kept is
// no reason to fail.
func (s *Session) writeJSON(name string, v any) {
	if s.o.Dir == "" {
		return
	}
	b, err := json.MarshalIndent(v, "", " ")
	if err == nil {
		err = os.MkdirAll(s.o.Dir, 0o700)
	}
	if err == nil {
		err = atomic.WriteFile(filepath.Join(s.o.Dir, name), bytes.NewReader(append(b, '\n')))
	}
	if err != nil {
		s.log.Warn("file not written", "file", name, "error", err)
	}
}
