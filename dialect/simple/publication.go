package simple

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"github.com/natefinch/atomic"
)

// publicationFile is the file in Options.Dir that tells the next process of
// this user (a command, the window) which publication to replace.
func (s *Server) publicationFile() string { return s.file("publication", ".json") }

// publication is what is to be known of one's publication to replace it.
type publication struct {
	User    string    `json:"user"`
	Device  string    `json:"device"` // names this installation in documents; stays the same
	ETag    string    `json:"etag,omitempty"`
	Expires time.Time `json:"expires,omitzero"`
}

// load returns the publication as the file has it, which another process may
// have written meanwhile; without a file, or if it could not be written since,
// as it is remembered. An expired tag is forgotten.
func (p *publisher) load() publication {
	pub, ok := p.fromFile()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !ok || p.unwritten && pub.same(p.stale) {
		pub = p.published
	}
	if pub.Device == "" {
		pub.Device = uuid.NewString()
		p.published.Device = pub.Device
	}
	pub.User = p.s.o.Self
	if !p.s.o.Now().Before(pub.Expires) {
		pub.ETag = ""
	}
	return pub
}

// same says that two readings of the file are the same.
func (p publication) same(q publication) bool {
	return p.ETag == q.ETag && p.Device == q.Device && p.Expires.Equal(q.Expires)
}

// fromFile reads the file. One that cannot be understood, or is another
// user's, counts as none.
func (p *publisher) fromFile() (pub publication, ok bool) {
	if p.s.o.Dir == "" {
		return pub, false
	}
	b, err := os.ReadFile(p.s.publicationFile())
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			p.s.o.Log.Warn("publication not read", "error", err)
		}
		return pub, false
	}
	if err := json.Unmarshal(b, &pub); err != nil || pub.User != p.s.o.Self || len(pub.Device) > 64 || !headerValue(pub.ETag) {
		return publication{}, false
	}
	return pub, true
}

// store remembers the publication and writes the file. A file that cannot be
// written is no reason not to be present.
func (p *publisher) store(pub publication) error {
	p.mu.Lock()
	p.published = pub
	p.mu.Unlock()
	if p.s.o.Dir == "" {
		return nil
	}
	b, err := json.Marshal(pub)
	if err != nil {
		return fmt.Errorf("keep the publication: %w", err)
	}
	err = writeFile(p.s.publicationFile(), append(b, '\n'))
	if err != nil {
		p.s.o.Log.Warn("publication not kept", "error", err)
	}
	stale, _ := p.fromFile() // what is not there counts as none
	p.mu.Lock()
	p.unwritten, p.stale = err != nil, stale
	p.mu.Unlock()
	return nil
}

// writeFile writes a file that only its owner reads, whole or not at all.
func writeFile(name string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	return atomic.WriteFile(name, bytes.NewReader(b)) // 0600
}

// headerValue says that s can stand in a header.
func headerValue(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return false
		}
	}
	return len(s) <= 256
}
