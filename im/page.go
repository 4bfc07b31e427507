package im

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"communicator/plain"
	"communicator/wire/auth"
	"communicator/wire/cpim"
	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

// maxReason is how much of a server's reason people get to read, in characters.
const maxReason = 200

// leg is one message on its way to one recipient.
type leg struct {
	talk   *Conversation
	id     string // of the message
	call   string // Call-ID
	to     string
	of     int  // so many people are in the conversation
	copied bool // the user's other devices have a copy
	text   string
	list   []byte        // of them, for a part of the body; nil: the conversation is not shared
	done   chan struct{} // closed when it has a final state or waits for a connection
	free   func()        // closes done

	// Guarded by b.mu, or the business of who sends it.
	ctx     context.Context // ends the attempt; nil: nothing but the transaction does
	slots   chan struct{}   // has an element for each of its message that is being sent; nil: there is no limit
	held    bool            // one of slots is this leg's
	ready   bool            // launched
	parked  bool            // has waited for a connection
	written bool            // it may have arrived
	since   time.Time       // when the user wanted it sent
	stored  State           // what the Store has
	stands  Delivery        // where it stands
	err     error           // of the latest request
	plain   string          // the text as a client gets it that takes no list; empty: it was not asked for
}

// callOf is the Call-ID of a message to one of its recipients, the same whenever
// and by whichever process it is repeated. What follows the dot is the message's.
func callOf(id, to string) string {
	sum := sha256.Sum256([]byte(to))
	return hex.EncodeToString(sum[:6]) + "." + id // RFC 3261 §8.1.1.4: globally unique
}

// acquire waits for a slot; false: ctx ended first.
func (l *leg) acquire(ctx context.Context) bool {
	if ctx.Err() != nil {
		return false
	}
	if l.slots == nil || l.held {
		return true
	}
	select {
	case l.slots <- struct{}{}:
		l.held = true
		return true
	case <-ctx.Done():
		return false
	}
}

// release gives the slot to the next.
func (l *leg) release() {
	if l.held {
		l.held = false
		<-l.slots
	}
}

// deliver sends a leg and records what became of it. waits: that takes another
// connection, and nothing more is known.
func (b *Book) deliver(l *leg) (waits bool) {
	start := b.o.Now()
	ctx := l.ctx
	if ctx == nil {
		ctx = context.Background() // a transaction ends after 32 s, or with the connection
	}
	d, waits := b.attempts(ctx, l)
	l.release()
	if waits {
		return true
	}
	if l.written && d.State == Failed {
		d.State, d.Reason = Unknown, "it may have arrived at the first try; now: "+d.Reason
	}
	d.Took = b.o.Now().Sub(start)
	b.mu.Lock()
	b.move(l, d)
	b.mu.Unlock()
	b.tell.Flush()
	return false
}

// attempts sends a leg, and once more if a server says when.
func (b *Book) attempts(ctx context.Context, l *leg) (d Delivery, waits bool) {
	d, waits = b.attempt(ctx, l)
	after := notNow(l.err)
	if waits || after == 0 || after > retryMost {
		return d, waits
	}
	switch err := b.pause(ctx, l, d, after); {
	case err == nil:
		return b.attempt(ctx, l)
	case errors.Is(err, sipconn.ErrOffline):
		return d, b.o.Queue
	}
	return d, false
}

// attempt sends a leg.
func (b *Book) attempt(ctx context.Context, l *leg) (d Delivery, waits bool) {
	if !l.acquire(ctx) {
		return Delivery{State: Failed, Reason: "cancelled: not sent"}, false
	}
	if d, arrived := b.arrived(l); arrived {
		return d, false
	}
	b.mark(l)
	l.err = nil // that of an earlier attempt says nothing of this one
	d = b.explained(b.carry(ctx, l), l.to)
	d.Plain = l.plain != ""
	switch {
	case !b.o.Queue:
	case errors.Is(l.err, sipconn.ErrOffline): // nothing was written
		return d, true
	case errors.Is(l.err, sipconn.ErrLost) && b.repeatable(l):
		l.written = true
		return d, true
	}
	return d, false
}

// arrived says whether a receipt was faster than the answer.
func (b *Book) arrived(l *leg) (Delivery, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := l.talk.delivery(l.id, l.to)
	if d == nil || d.State.rank() < Accepted.rank() {
		return Delivery{}, false
	}
	return *d, true
}

// repeatable says whether a leg whose fate is unknown may be sent again unasked.
func (b *Book) repeatable(l *leg) bool {
	return l.stored == Sending || b.peerOf(l.to).once
}

// mark stores, before a leg is written, what is to be made of it if no answer
// comes before this process ends: sending is repeated by the next one.
func (b *Book) mark(l *leg) {
	state := Unknown
	if b.o.Queue && b.repeatable(l) {
		state = Sending
	}
	if l.stored == state {
		return
	}
	l.stored = state
	marked := make(chan struct{})
	b.tell.Add(func() {
		b.record(l.talk.key, Delivery{ID: l.id, To: l.to, State: state, Reason: noAnswer})
		close(marked)
	})
	b.tell.Flush()
	<-marked
}

// retryMost is the longest Retry-After that is waited for: beyond it the user
// decides.
const retryMost = time.Minute

// notNow is after how long a server or client wants to be asked once more that
// cannot take a message now; 0: it does not say, or refuses it for good
// (RFC 3261 §20.33 says with which responses Retry-After has that meaning).
func notNow(err error) time.Duration {
	var refused *sipconn.StatusError
	if !errors.As(err, &refused) {
		return 0
	}
	switch refused.Code {
	case sip.StatusTemporarilyUnavailable, sip.StatusBusyHere, sip.StatusInternalServerError, sip.StatusServiceUnavailable:
		return refused.RetryAfter
	}
	return 0
}

// pause waits as a server asked. The error is ErrOffline when the connection
// ends, or that of ctx, at once if there is not so much time.
func (b *Book) pause(ctx context.Context, l *leg, d Delivery, after time.Duration) error {
	if end, limited := ctx.Deadline(); limited && end.Before(time.Now().Add(after)) {
		return context.DeadlineExceeded
	}
	c, err := b.o.Line.Conn()
	if err != nil {
		return err
	}
	l.release() // others may go meanwhile
	d.State, d.Reason = Sending, fmt.Sprintf("goes again in %d s: %s", int(after.Seconds()), d.Reason)
	b.mu.Lock()
	b.move(l, d)
	b.mu.Unlock()
	b.tell.Flush()
	timer := time.NewTimer(after)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-c.Done():
		return sipconn.ErrOffline
	case <-ctx.Done():
		return ctx.Err()
	}
}

// explained adds to a reason what it means.
func (b *Book) explained(d Delivery, to string) Delivery {
	if b.o.Explain == nil || d.Code < 300 || d.Blocked {
		return d
	}
	if means := b.o.Explain(to, d.Code); means != "" {
		d.Reason = plain.Cut(means+" ("+cmp.Or(d.Reason, strconv.Itoa(d.Code))+")", 2*maxReason)
	}
	return d
}

// page sends one leg as a MESSAGE outside any dialog, in the best form that the
// recipient is known to take. A client that says 415 gets the next simpler one.
func (b *Book) page(ctx context.Context, l *leg) Delivery {
	body := b.form(ctx, l)
	for cseq := uint32(1); ; cseq++ {
		res, err := b.message(ctx, l, cseq, body)
		var refused *sipconn.StatusError
		simpler, more := body, false
		if errors.As(err, &refused) && (refused.Code == sip.StatusUnsupportedMediaType ||
			refused.Code == sip.StatusNotAcceptableHere && body.Type == cpim.TypeMessage) { // linphone 5.1 says so
			simpler, more = b.simpler(l, body)
		}
		if !more {
			return outcome(res, err)
		}
		body = simpler
	}
}

// message sends one MESSAGE. The Call-ID belongs to the leg, also when it is
// repeated; a further try under it has a further CSeq.
func (b *Book) message(ctx context.Context, l *leg, cseq uint32, body sipconn.Body) (res *sip.Response, err error) {
	defer func() { l.err = err }()
	c, err := b.o.Line.Conn()
	if err != nil {
		return nil, err
	}
	r, err := c.NewRequest("MESSAGE", l.to, body)
	if err != nil {
		return nil, err
	}
	id := sip.CallIDHeader(l.call)
	r.ReplaceHeader(&id)
	r.ReplaceHeader(&sip.CSeqHeader{SeqNo: cseq, MethodName: sip.MESSAGE})
	res, err = c.Do(ctx, r, nil)
	if err == nil && res.StatusCode == sip.StatusOK { // 202 is the server's
		b.answeredBy(l.to, res)
	}
	return res, err
}

// outcome says what an answer, or the lack of one, means for the message.
func outcome(res *sip.Response, err error) Delivery {
	var status *sipconn.StatusError
	switch {
	case err == nil && res.StatusCode == sip.StatusAccepted: // RFC 3428 §7: 202 may be stored
		return Delivery{State: Accepted, Code: res.StatusCode, Reason: plain.Cut(plain.Line(res.Reason), maxReason)}
	case err == nil:
		return Delivery{State: Delivered, Code: res.StatusCode, Reason: plain.Cut(plain.Line(res.Reason), maxReason)}
	case errors.As(err, &status):
		d := Delivery{State: Failed, Code: status.Code, Reason: plain.Cut(plain.Line(status.Reason), maxReason), Blocked: filtered(status)}
		if status.Code == sip.StatusRequestTimeout || status.Code == sip.StatusGatewayTimeout {
			d.State = Unknown // the server passed it on and heard nothing: it may have arrived
		}
		return d
	case errors.Is(err, sipconn.ErrOffline):
		return Delivery{State: Failed, Reason: "not connected: not sent"}
	case errors.Is(err, sipconn.ErrLost):
		return Delivery{State: Unknown, Reason: noAnswer}
	case errors.Is(err, sipconn.ErrNoAnswer):
		return Delivery{State: Unknown, Reason: err.Error()}
	case errors.Is(err, auth.ErrNotGenuine):
		return Delivery{State: Unknown, Reason: err.Error()}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Delivery{State: Unknown, Reason: "gave up before the answer came"}
	}
	return Delivery{State: Failed, Reason: strings.TrimSpace(err.Error())}
}
