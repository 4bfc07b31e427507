// Package inorder tells of changes in the order in which they were made.
//
// A part of the program changes something under its lock and must tell others
// without it. Begin with Queue: Add under the same lock as the change, Flush
// after the lock has been released. It starts no goroutine.
package inorder

import "sync"

// Queue runs functions one after the other, in the order in which they were
// added. The zero Queue is ready to use.
type Queue struct {
	mu      sync.Mutex
	waiting []func()
	busy    bool // a goroutine is running them
}

// Add puts f at the end. It runs nothing, so it may be called with a lock held.
func (q *Queue) Add(f func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, f)
}

// Flush runs what waits, one at a time and without a lock. While another
// goroutine does so, or a function that it runs calls Flush, it returns at once:
// what was added is run there.
func (q *Queue) Flush() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.busy {
		return
	}
	q.busy = true
	defer func() { q.busy = false }() // also when one panics: the others still run
	for len(q.waiting) > 0 {
		f := q.waiting[0]
		q.waiting = q.waiting[1:]
		q.run(f)
	}
	q.waiting = nil
}

// run runs f without the lock.
func (q *Queue) run(f func()) {
	q.mu.Unlock()
	defer q.mu.Lock()
	f()
}
