package sipconn

import (
	"math"
	"runtime/debug"
	"sync"
)

// Limits on what waits for the dispatcher. The reader never waits, so a peer
// that sends faster than the handlers work is told 503 instead.
const (
	maxPending      = 4096    // requests not yet answered
	maxPendingBytes = 8 << 20 // of messages not yet handled
)

// inbox holds what the dispatcher is to do, in order.
type inbox struct {
	wake chan struct{} // has one element when there is work

	mu    sync.Mutex
	work  []job
	bytes int
}

type job struct {
	run  func()
	size int
}

// push adds what a message of size bytes asks for; false when there is too
// much already.
func (b *inbox) push(size int, run func()) bool {
	return b.put(job{run, size}, maxPendingBytes, 2*maxPending)
}

// add adds work of our own, which is never too much.
func (b *inbox) add(run func()) { b.put(job{run: run}, math.MaxInt, math.MaxInt) }

func (b *inbox) put(j job, bytes, jobs int) bool {
	b.mu.Lock()
	if b.bytes+j.size > bytes || len(b.work) >= jobs {
		b.mu.Unlock()
		return false
	}
	b.work = append(b.work, j)
	b.bytes += j.size
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return true
}

// take removes all work.
func (b *inbox) take() []job {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.work
	b.work = nil
	return w
}

func (b *inbox) finished(j job) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bytes -= j.size
}

// dispatch is the dispatcher: it runs the handlers one by one. What is queued
// when the connection ends is dropped: it has not been answered, so whoever
// sent it does not take it as delivered and may deliver it elsewhere.
func (c *Conn) dispatch() {
	for {
		select {
		case <-c.in.wake:
		case <-c.done:
			return
		}
		for _, j := range c.in.take() {
			c.guarded("handle", j.run, nil)
			c.in.finished(j)
			select {
			case <-c.done:
				return
			default:
			}
		}
	}
}

// guarded runs f; a panic in it ends only this piece of work.
func (c *Conn) guarded(what string, f func(), failed func()) {
	defer func() {
		if p := recover(); p != nil {
			c.log.Error("panic", "in", what, "value", p, "stack", string(debug.Stack()))
			if failed != nil {
				failed()
			}
		}
	}()
	f()
}
