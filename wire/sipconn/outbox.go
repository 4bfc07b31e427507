package sipconn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"
	"time"

	"github.com/emiago/sipgo/sip"
)

const (
	maxQueued    = 1 << 20          // bytes waiting to be written; more ends the connection
	writeTimeout = 10 * time.Second // for one write; a peer that stops reading is lost after it
	closeFlush   = time.Second      // how long Close lets queued responses go out
	pongTimeout  = 10 * time.Second // RFC 5626 §4.4.1: the connection is lost then
	pongSoon     = 7 * time.Second  // the same at a peer that is known to answer: ours to choose, as it is no longer
	overdue      = 3 * time.Second  // a request without any answer for that long, and nothing else heard: is anybody there?
	maxBatch     = 64 << 10         // bytes gathered into one write
)

var (
	errNotReading = errors.New("the other side does not read: 1 MiB is waiting for it")
	errNoPong     = errors.New("no answer to the keep-alive")
	errTooLarge   = fmt.Errorf("the message is larger than %d bytes", maxMessage)
)

// outbox holds what the writer is to write, in order.
type outbox struct {
	wake chan struct{} // has one element when there is something

	mu    sync.Mutex
	queue []outgoing
	size  int
	room  chan struct{} // closed when the writer has taken the queue
}

// outgoing is a finished text, or a request that the writer signs first.
type outgoing struct {
	text []byte
	tx   *clientTx
	size int
}

// send queues o without waiting. Too much unread ends the connection.
func (c *Conn) send(o outgoing) {
	if !c.out.add(o, maxQueued) {
		c.end(errNotReading)
	}
}

// sendWhenRoom queues a request, but waits while much is queued already, so
// that callers who may wait do not push the connection over its limit.
func (c *Conn) sendWhenRoom(ctx context.Context, tx *clientTx) {
	o := tx.outgoing()
	for {
		taken := c.out.nextTake() // asked for first, so that none is missed
		if c.out.add(o, max(maxQueued/2, o.size)) {
			return
		}
		select {
		case <-taken:
		case <-ctx.Done():
			return
		case <-tx.done: // timer F, or the end of the connection
			return
		}
	}
}

func (tx *clientTx) outgoing() outgoing { return outgoing{tx: tx, size: len(tx.req.Body()) + 1024} }

// add queues o unless the queue would grow beyond limit bytes.
func (b *outbox) add(o outgoing, limit int) bool {
	b.mu.Lock()
	if b.size+o.size > limit {
		b.mu.Unlock()
		return false
	}
	b.queue = append(b.queue, o)
	b.size += o.size
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return true
}

// nextTake is closed when the writer next takes the queue.
func (b *outbox) nextTake() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.room
}

// sendMessage queues a message that needs no signature.
func (c *Conn) sendMessage(m sip.Message) error {
	text, err := marshal(m)
	if err != nil {
		return err
	}
	c.send(outgoing{text: text, size: len(text)})
	return nil
}

func (b *outbox) take() []outgoing {
	b.mu.Lock()
	defer b.mu.Unlock()
	q := b.queue
	b.queue, b.size = nil, 0
	close(b.room)
	b.room = make(chan struct{})
	return q
}

// writeAll is the writer. It also keeps the connection alive.
func (c *Conn) writeAll() {
	var pinged, due time.Duration // due: when timer fires, as c.age()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	look := func(d time.Duration) {
		due = c.age() + d
		timer.Reset(d)
	}
	look(c.keepAlive(&pinged, false))
	for {
		select {
		case <-c.out.wake:
			c.flush(c.out.take())
			if c.ping.Load() > 0 && due-c.age() > overdue { // it may have been a request
				look(overdue)
			}
		case <-c.pingSet:
			look(c.keepAlive(&pinged, c.probe.Swap(false)))
		case <-timer.C:
			look(c.keepAlive(&pinged, false))
		case <-c.done:
			c.lastFlush()
			return
		}
	}
}

// keepAlive pings when nothing was heard for too long, or when probe wants
// one now, and returns when to look again. No pong in time means that the
// connection is lost (RFC 5626 §4.4.1); any other byte will do for us. at is when the
// last ping left, 0 when it was answered.
func (c *Conn) keepAlive(at *time.Duration, probe bool) time.Duration {
	now, heard, ping := c.age(), time.Duration(c.heard.Load()), time.Duration(c.ping.Load())
	waited := time.Duration(-1) // for a pong
	if *at > 0 && heard < *at {
		waited = now - *at
	}
	patience := c.patience()
	slept := waited >= 2*pongTimeout // this computer, so that the pong may lie unread: once more
	quiet := c.quietUntil(heard, ping)
	switch {
	case waited >= patience && !slept:
		c.end(errNoPong)
		return patience
	case waited >= 0 && !slept:
		return patience - waited
	case !probe && !slept && ping == 0:
		*at = 0
		return time.Hour // only Probe wants a ping
	case !probe && !slept && now < quiet:
		*at = 0
		return quiet - now
	}
	*at = now
	c.heard.Store(int64(*at - 1)) // what came up to now is no answer
	c.pinged.Store(true)
	c.write([]byte("\r\n\r\n"))
	if ping > 0 {
		return min(ping, overdue) // it may be answered at once, and then silence begins anew
	}
	return patience
}

// patience is how long a pong may take.
func (c *Conn) patience() time.Duration {
	if c.ponged.Load() {
		return pongSoon
	}
	return pongTimeout
}

// quietUntil is how long the other side, last heard at that time, may go on to
// be silent: for ping, but while it owes an answer no longer than overdue. It is
// hurried like that only when it is known to answer pings: slow is not dead.
func (c *Conn) quietUntil(heard, ping time.Duration) time.Duration {
	quiet := heard + ping
	if !c.ponged.Load() {
		return quiet
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, tx := range c.clients {
		if tx.ready && !tx.proceeding && !tx.claimed && !tx.finished {
			quiet = min(quiet, max(heard, tx.written)+overdue)
		}
	}
	return quiet
}

// flush writes messages, several with one write.
func (c *Conn) flush(q []outgoing) {
	var batch []byte
	for _, o := range q {
		text := o.text
		if o.tx != nil {
			text = c.sign(o.tx)
		}
		c.trace(true, text)
		batch = append(batch, text...)
		if len(batch) > maxBatch {
			c.write(batch)
			batch = batch[:0]
		}
	}
	c.write(batch)
}

// lastFlush writes what is left after Close, then closes. After an error the
// connection is closed already and the writes fail at once.
func (c *Conn) lastFlush() {
	c.mu.Lock()
	closing := c.closing
	c.mu.Unlock()
	if closing {
		var batch []byte
		for _, o := range c.out.take() {
			batch = append(batch, o.text...) // requests are not begun any more
		}
		_, _ = c.nc.Write(batch) // nobody is left to hear of an error
	}
	_ = c.nc.Close()
}

func (c *Conn) write(text []byte) {
	if len(text) == 0 {
		return
	}
	err := c.nc.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err == nil {
		_, err = c.nc.Write(text)
	}
	switch {
	case errors.Is(err, io.ErrClosedPipe), errors.Is(err, syscall.EPIPE): // the reader may not have seen its end yet
		c.end(errPeerClosed)
	case err != nil:
		c.end(fmt.Errorf("write: %w", err))
	}
}

// sign makes the text of a request at the last moment; nil when it must not
// be sent any more.
func (c *Conn) sign(tx *clientTx) []byte {
	c.mu.Lock()
	skip := tx.finished || tx.gone
	tx.sent = !skip
	c.mu.Unlock()
	if skip {
		return nil
	}
	var err error
	if c.o.Auth != nil && !tx.plain {
		err = c.o.Auth.Sign(tx.req)
	}
	var text []byte
	if err == nil {
		text, err = marshal(tx.req)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		tx.sent = false
		c.finish(tx, nil, err)
		return nil
	}
	tx.ready, tx.written = true, c.age()
	return text
}

// marshal writes a message as text. RFC 3261 §7: one line per header; a value
// with a line break in it would make two, so such a message is an error here.
func marshal(m sip.Message) ([]byte, error) {
	body := m.Body()
	if n := m.ContentLength(); n == nil || int(*n) != len(body) {
		m.SetBody(body)
	}
	var b bytes.Buffer
	m.StringWrite(&b)
	text := b.Bytes()
	if len(text) > maxMessage {
		return nil, errTooLarge
	}
	var lines int
	switch m := m.(type) {
	case *sip.Request:
		lines = len(m.Headers()) + 2
	case *sip.Response:
		lines = len(m.Headers()) + 2
	}
	top := text[:len(text)-len(body)]
	if bytes.Count(top, []byte("\r")) != lines || bytes.Count(top, []byte("\n")) != lines || bytes.IndexByte(top, 0) >= 0 {
		return nil, errors.New("a header value holds a line break")
	}
	return text, nil
}
