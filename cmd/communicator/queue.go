package main

import (
	"iter"
	"sync"
)

// queue carries events from the session, which must never wait, to a printer,
// which may be slow. Nothing is dropped.
type queue struct {
	mu     sync.Mutex
	filled *sync.Cond
	events []any
	closed bool
}

func newQueue() *queue {
	q := &queue{}
	q.filled = sync.NewCond(&q.mu)
	return q
}

func (q *queue) put(e any) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.events = append(q.events, e)
		q.filled.Signal()
	}
}

// close lets all end after the events that are still in the queue; later ones
// are nobody's business any more.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.filled.Signal()
}

// all yields events as they come, until close.
func (q *queue) all() iter.Seq[any] {
	return func(yield func(any) bool) {
		for {
			q.mu.Lock()
			for len(q.events) == 0 && !q.closed {
				q.filled.Wait()
			}
			if len(q.events) == 0 {
				q.mu.Unlock()
				return
			}
			batch := q.events
			q.events = nil
			q.mu.Unlock()
			for _, e := range batch {
				if !yield(e) {
					return
				}
			}
		}
	}
}
