package session

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// known is to whom the user has written and whom he has admitted. It is kept in
// a file with an address, or the key of a conversation, a line; what commands
// and windows of this user add to it at the same time is there for all of them.
type known struct {
	s    *Session
	file string // empty: nothing is kept

	mu   sync.Mutex
	all  map[string]bool
	read int64 // how much of the file is in all, in bytes
}

// maxKnown is how much of the file is read, in bytes: of a longer one the end.
const maxKnown = 4 << 20

func newKnown(s *Session) *known {
	k := &known{s: s, all: map[string]bool{}}
	if s.o.Dir != "" {
		k.file = filepath.Join(s.o.Dir, strings.TrimSuffix(s.mine("known"), ".json"))
	}
	return k
}

// has says whether who is known.
func (k *known) has(who string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.all[who] {
		k.catchUp()
	}
	return k.all[who]
}

// add remembers people; false: all were known.
func (k *known) add(people ...string) (news bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var b strings.Builder
	for _, who := range people {
		if !k.all[who] && who != "" {
			k.all[who] = true
			b.WriteString(who + "\n")
		}
	}
	if b.Len() > 0 {
		k.append(b.String())
	}
	return b.Len() > 0
}

// append writes lines at the end of the file, in one piece. What cannot be kept
// is no reason to fail. k.mu is held.
func (k *known) append(lines string) {
	if k.file == "" {
		return
	}
	err := os.MkdirAll(k.s.o.Dir, 0o700)
	var f *os.File
	if err == nil {
		f, err = os.OpenFile(k.file, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	}
	if err == nil {
		_, err = f.WriteString(lines)
		if e := f.Close(); err == nil {
			err = e
		}
	}
	if err != nil {
		k.s.log.Warn("file not written", "file", filepath.Base(k.file), "error", err)
	}
}

// catchUp reads what the file has more than before; k.mu is held.
func (k *known) catchUp() {
	if k.file == "" {
		return
	}
	info, err := os.Stat(k.file)
	if err != nil || info.Size() == k.read {
		return
	}
	f, err := os.Open(k.file)
	if err != nil {
		k.s.log.Warn("file not read", "file", filepath.Base(k.file), "error", err)
		return
	}
	defer f.Close()
	from := max(k.read, info.Size()-maxKnown)
	if info.Size() < k.read { // somebody has replaced it
		from = max(0, info.Size()-maxKnown)
	}
	lines := bufio.NewScanner(io.NewSectionReader(f, from, info.Size()-from))
	for lines.Scan() {
		if who := strings.TrimSpace(lines.Text()); who != "" {
			k.all[who] = true
		}
	}
	k.read = info.Size()
}
