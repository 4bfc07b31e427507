package im

import (
	"strconv"
	"time"

	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

// What is taken of one sender who is known, when Options.Limited: so much at
// once, and so many lines a second in the long run. It is far above what people
// write and what a program reports, and keeps a program that has gone wild from
// filling history and window.
const (
	burst  = 5000
	refill = 100 // lines a second
)

// What may wait of strangers. A line that a server has kept counts less: the
// stranger may have written for days.
const (
	mostRequests     = 200
	requestLines     = 5  // of one stranger who is here now
	requestLinesKept = 20 // with those that a server kept
	requestBytes     = 64 << 10
	requestRetry     = time.Hour
)

// TooMuch: From sends more than is taken; the rest is refused for now. It comes
// once, until he has been calm for a while.
type TooMuch struct{ From string }

// rate is what one sender may still send.
type rate struct {
	lines float64
	at    time.Time
	told  bool // of TooMuch
}

// rates are of the senders who are not at their best; the others need none.
type rates map[string]*rate

// mostRates is how many senders are remembered. There are never more than those
// who are known; one who is forgotten begins anew.
const mostRates = 10000

// take takes one line of from into account. wait: it is too much, until then;
// news: nobody was told of that yet.
func (r rates) take(from string, now time.Time) (wait time.Duration, news bool) {
	x := r[from]
	if x == nil {
		if len(r) >= mostRates {
			r.drop(now)
		}
		x = &rate{lines: burst, at: now}
		r[from] = x
	}
	x.lines, x.at = min(burst, x.lines+refill*now.Sub(x.at).Seconds()), now
	if x.lines < 1 {
		news, x.told = !x.told, true
		return time.Second, news
	}
	x.lines--
	x.told = x.told && x.lines < burst/2
	return 0, false
}

// drop forgets those who may send everything again, and anybody if there are none.
func (r rates) drop(now time.Time) {
	for from, x := range r {
		if x.lines+refill*now.Sub(x.at).Seconds() >= burst {
			delete(r, from)
		}
	}
	for from := range r {
		if len(r) < mostRates {
			return
		}
		delete(r, from)
	}
}

// tooMuch refuses what is beyond the limits, and says when to try again
// (RFC 3261 §20.33). A line that is here already is never too much: its sender
// did not hear that it arrived.
func (b *Book) tooMuch(in *sipconn.Incoming, key string, m Message) bool {
	if !b.o.Limited {
		return false
	}
	b.mu.Lock()
	wait := b.excess(key, m)
	b.mu.Unlock()
	b.tell.Flush()
	if wait == 0 {
		return false
	}
	_ = in.Reply(sip.StatusTemporarilyUnavailable, "Too Many Messages", sipconn.Body{},
		sip.NewHeader("Retry-After", strconv.Itoa(int(wait.Seconds())))) // no connection: nobody to tell
	return true
}

// excess is how long the sender of a line is to wait; 0: it is taken. b.mu is held.
func (b *Book) excess(key string, m Message) (wait time.Duration) {
	now, c := b.o.Now(), b.talks[key]
	switch {
	case b.seen.has(fingerprint(m)):
		return 0
	case m.Request:
		if b.asksTooMuch(c, m) {
			return requestRetry
		}
		return 0
	case m.Stored: // a server may bring what has gathered for weeks
		return 0
	}
	wait, news := b.rates.take(m.From, now)
	if news {
		b.tell.Add(func() { b.o.Emit(TooMuch{m.From}) })
	}
	return wait
}

// asksTooMuch says whether a stranger's line has no place in the conversation c,
// nil: none yet; b.mu is held.
func (b *Book) asksTooMuch(c *Conversation, m Message) bool {
	switch {
	case c == nil || !c.waits:
		return b.waiting >= mostRequests || len(m.Text) > requestBytes
	case c.bytes+len(m.Text) > requestBytes:
		return true
	case m.Stored:
		return len(c.lines) >= requestLinesKept
	}
	return len(c.lines) >= requestLines
}
