package sipconn

import (
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

// push adds work of size bytes; false when there is too much already.
func (b *inbox) push(size int, run func()) bool {
	b.mu.Lock()
	if b.bytes+size > maxPendingBytes || len(b.work) > 2*maxPending {
		b.mu.Unlock()
		return false
	}
	b.work = append(b.work, job{run, size})
	b.bytes += size
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

// dispatch is the dispatcher: it runs the handlers one by one.
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
