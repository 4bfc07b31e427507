package im

import (
	"context"
	"errors"
	"time"

	"communicator/wire/sipconn"
)

// letter is a small message that this program sends of its own accord: a
// receipt, news of typing, a copy for another device. Nobody waits for it, and
// nothing depends on its getting through.
type letter struct {
	to    string // address or URI
	kind  string // a later letter of this kind takes the place of one that waits; empty: it waits behind it
	body  sipconn.Body
	until time.Time   // then it is of no use
	heard func(error) // hears what became of it; nil: nobody does
}

const (
	mostLetters = 1000             // that wait, to all together; what is more is not sent
	letterTime  = 32 * time.Second // for the answer to one
)

// post sends a letter behind those to the same address. What cannot be sent for
// want of a connection waits for the next one. It never blocks.
func (b *Book) post(l letter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.put(l)
}

// put does what post says; b.mu is held.
func (b *Book) put(l letter) {
	waiting := b.letters[l.to]
	for i := range waiting {
		if l.kind != "" && waiting[i].kind == l.kind {
			waiting[i] = l
			return
		}
	}
	if b.waitingLetters >= mostLetters {
		return
	}
	if b.letters == nil {
		b.letters, b.postmen = map[string][]letter{}, map[string]bool{}
	}
	b.waitingLetters++
	b.letters[l.to] = append(waiting, l)
	b.sendLetters(l.to)
}

// sendLetters sends what waits for one address, unless that is being done; b.mu
// is held.
func (b *Book) sendLetters(to string) {
	if d := b.devices[to]; len(b.letters[to]) == 0 || b.postmen[to] || d != nil && !d.ours {
		return
	}
	b.postmen[to] = true
	go func() { // ends when all is sent, or with the connection
		for {
			l, round, there := b.nextLetter(to)
			if !there {
				return
			}
			err := b.sendLetter(l)
			if errors.Is(err, sipconn.ErrOffline) || errors.Is(err, sipconn.ErrLost) {
				if b.putBack(l, round) {
					return
				}
				continue
			}
			b.carried()
			if l.heard != nil {
				l.heard(err)
			}
		}
	}()
}

// nextLetter takes the next letter to an address that is still of use, and the
// number of the connection; false: there is none, and nobody carries any longer.
func (b *Book) nextLetter(to string) (letter, int, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.letters[to]) > 0 {
		l := b.letters[to][0]
		b.letters[to] = b.letters[to][1:]
		if l.until.After(b.o.Now()) {
			return l, b.round, true
		}
		b.fewer(1)
	}
	delete(b.letters, to)
	delete(b.postmen, to)
	return letter{}, 0, false
}

// putBack lets a letter wait for the next connection; false: that has come
// meanwhile.
func (b *Book) putBack(l letter, round int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.letters[l.to] = append([]letter{l}, b.letters[l.to]...)
	if b.round != round {
		return false
	}
	delete(b.postmen, l.to)
	return true
}

// carried makes room for one more letter.
func (b *Book) carried() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fewer(1)
}

// fewer notes that n letters no longer wait; b.mu is held.
func (b *Book) fewer(n int) {
	if b.waitingLetters -= n; b.waitingLetters > 0 {
		return
	}
	for _, empty := range b.empty {
		close(empty)
	}
	b.empty = nil
}

// dropLetters drops what waits for an address; b.mu is held.
func (b *Book) dropLetters(to string) {
	b.fewer(len(b.letters[to]))
	delete(b.letters, to)
}

// sendLetter sends one letter.
func (b *Book) sendLetter(l letter) error {
	c, err := b.o.Line.Conn()
	if err != nil {
		return err
	}
	r, err := c.NewRequest("MESSAGE", l.to, l.body)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), letterTime)
	defer cancel()
	_, err = c.Do(ctx, r, nil)
	return err
}
