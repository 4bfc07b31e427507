package im

import (
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"communicator/inorder"
)

// What a Book keeps. More is forgotten, oldest first.
const (
	keepLines         = 10000   // in one conversation
	keepBytes         = 4 << 20 // of text in one conversation
	keepConversations = 10000
)

// Book holds the conversations of one user. Its methods may be called from any
// goroutine.
type Book struct {
	o    Options
	tell inorder.Queue // events, in the order of changes

	mu    sync.Mutex
	talks map[string]*Conversation
	lines uint64                   // counts lines, so that talks can be put in order
	seen  recent                   // of incoming messages
	last  map[string]chan struct{} // per recipient: closed when the latest message to it has its final state
}

// New makes an empty Book.
func New(o Options) *Book {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Emit == nil {
		o.Emit = func(any) {}
	}
	return &Book{o: o, talks: map[string]*Conversation{}, last: map[string]chan struct{}{}}
}

// With returns the conversation with these people, making it if need be.
func (b *Book) With(members ...string) *Conversation {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.with(members)
}

// with does what With says; b.mu is held.
func (b *Book) with(members []string) *Conversation {
	var who []string
	for _, m := range members {
		if m = canonical(m); !slices.Contains(who, m) {
			who = append(who, m)
		}
	}
	sorted := slices.Sorted(slices.Values(who))
	key := strings.Join(sorted, ",")
	c := b.talks[key]
	if c == nil {
		c = &Conversation{b: b, key: key, members: who}
		b.forget()
		b.talks[key] = c
	}
	return c
}

// forget makes room for one more conversation; b.mu is held.
func (b *Book) forget() {
	if len(b.talks) < keepConversations {
		return
	}
	var oldest *Conversation
	for _, c := range b.talks {
		if oldest == nil || c.newest < oldest.newest {
			oldest = c
		}
	}
	delete(b.talks, oldest.key)
}

// Conversations returns all conversations, the one with the newest line first.
func (b *Book) Conversations() []*Conversation {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]*Conversation, 0, len(b.talks))
	for _, c := range b.talks {
		all = append(all, c)
	}
	sort.Slice(all, func(i, j int) bool {
		if all[i].newest != all[j].newest {
			return all[i].newest > all[j].newest
		}
		return all[i].key < all[j].key
	})
	return all
}

// canonical brings an address into the form used as key: "user@domain" with the
// domain in lower case, without scheme and parameters.
func canonical(a string) string {
	a = strings.TrimSpace(a)
	for _, scheme := range []string{"sip:", "sips:", "im:"} {
		if len(a) > len(scheme) && strings.EqualFold(a[:len(scheme)], scheme) {
			a = a[len(scheme):]
			break
		}
	}
	a, _, _ = strings.Cut(a, ";")
	if at := strings.LastIndexByte(a, '@'); at >= 0 {
		return a[:at] + strings.ToLower(a[at:])
	}
	return a
}
