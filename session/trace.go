package session

import (
	"strings"
	"sync"
	"time"
)

// maxTrace is how many SIP messages are kept for Diagnostics.
const maxTrace = 500

// Traced is one SIP message as it went over the connection, credentials blanked.
type Traced struct {
	Time    time.Time
	Sent    bool // by us
	Message string
}

// ring keeps the latest messages.
type ring struct {
	mu   sync.Mutex
	list []Traced
	next int // where the next one goes, once the ring is full
}

func (r *ring) add(sent bool, message string) {
	if strings.TrimSpace(message) == "" {
		return // a keep-alive
	}
	t := Traced{time.Now(), sent, message}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.list) < maxTrace {
		r.list = append(r.list, t)
		return
	}
	r.list[r.next] = t
	r.next = (r.next + 1) % maxTrace
}

// all returns what is kept, oldest first.
func (r *ring) all() []Traced {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append(append([]Traced(nil), r.list[r.next:]...), r.list[:r.next]...)
}

// Trace returns the latest SIP messages, oldest first, for Diagnostics.
func (s *Session) Trace() []Traced { return s.ring.all() }
