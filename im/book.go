package im

import (
	"container/list"
	"log/slog"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"communicator/address"
	"communicator/inorder"
	"communicator/plain"
)

// What a Book keeps. More is forgotten, oldest first.
const (
	keepLines         = 10000    // in one conversation
	keepBytes         = 4 << 20  // in one conversation
	keepAll           = 64 << 20 // bytes in all of them: a flood costs no more memory, whoever it comes from
	keepConversations = 10000
)

// Book holds the conversations of one user. Its methods may be called from any
// goroutine.
type Book struct {
	o    Options
	tell inorder.Queue // events, in the order of changes

	mu    sync.Mutex
	talks map[string]*Conversation
	order list.List // of the same; the one that was made or got a line last is at the end
	bytes int       // of all lines
	lines uint64    // counts lines, so that talks can be put in order
	seen  recent    // of incoming messages

	lanes   map[string]*lane // per recipient: what is on its way
	running int              // lanes that are being served
	idle    *sync.Cond       // running has become 0
	round   int              // counts connections
	slots   chan struct{}    // has an element for each that is being sent of what waited for a connection

	peers   map[string]acquaintance // per person: what his client takes
	chats   map[string][]*chat      // per person: sessions, oldest first
	joining int                     // invitations that are being taken
	waiting int                     // how many talks wait to be admitted
	rates   rates                   // of those who send

	letters        map[string][]letter    // per address: what waits to be sent there
	postmen        map[string]bool        // to whom somebody carries letters
	devices        map[string]*device     // of the user, by GRUU
	empty          []chan struct{}        // closed when no letters wait
	waitingLetters int                    // of them, and those being carried
	writers        map[writer]*time.Timer // who is writing to us, until their news lapses
}

// New makes an empty Book.
func New(o Options) *Book {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Emit == nil {
		o.Emit = func(any) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	b := &Book{o: o, talks: map[string]*Conversation{}, lanes: map[string]*lane{}, slots: make(chan struct{}, inFlight), rates: rates{}}
	b.idle = sync.NewCond(&b.mu)
	return b
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
		b.hold(c)
	}
	return c
}

// hold takes a new conversation in; b.mu is held.
func (b *Book) hold(c *Conversation) {
	if len(b.talks) >= keepConversations {
		b.forgetOldest()
	}
	b.talks[c.key] = c
	c.place = b.order.PushBack(c)
}

// forgetOldest forgets the conversation in which nothing has happened for the
// longest time; b.mu is held.
func (b *Book) forgetOldest() {
	b.forget(b.order.Front().Value.(*Conversation))
}

// forget forgets a conversation; b.mu is held.
func (b *Book) forget(c *Conversation) {
	if c.waits {
		c.waits = false
		b.waiting--
	}
	b.order.Remove(c.place)
	delete(b.talks, c.key)
	b.bytes -= c.bytes
	c.place = nil
}

// Conversations returns all conversations but those that wait to be admitted
// (see Requests), the one with the newest line first.
func (b *Book) Conversations() []*Conversation {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]*Conversation, 0, len(b.talks))
	for _, c := range b.talks {
		if !c.waits {
			all = append(all, c)
		}
	}
	sort.Slice(all, func(i, j int) bool {
		if all[i].newest != all[j].newest {
			return all[i].newest > all[j].newest
		}
		return all[i].key < all[j].key
	})
	return all
}

// canonical brings an address into the form used as key. What is none stays
// readable, and no longer than one.
func canonical(a string) string {
	if user, err := address.Canonical(a); err == nil {
		return user
	}
	return plain.Cut(plain.Line(a), address.Max)
}
