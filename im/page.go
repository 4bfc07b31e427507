package im

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"strings"

	"communicator/plain"
	"communicator/wire/auth"
	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

// maxReason is how much of a server's reason people get to read, in characters.
const maxReason = 200

// leg is one message on its way to one recipient.
type leg struct {
	talk *Conversation
	id   string // of the message
	call string // Call-ID
	to   string
	text string
	turn turn
}

// turn is a leg's place in the order of its recipient: RFC 3428 §8 wants one
// MESSAGE outstanding to a recipient at a time, and lines must not swap.
type turn struct {
	after <-chan struct{} // nil: go at once
	done  chan struct{}
}

// takeTurn puts a leg behind all earlier ones to the same recipient; b.mu is held.
func (b *Book) takeTurn(to string) turn {
	t := turn{done: make(chan struct{})}
	if before, ok := b.last[to]; ok {
		t.after = before
	}
	b.last[to] = t.done
	return t
}

// wait waits for the turn; false: ctx ended first.
func (t turn) wait(ctx context.Context) bool {
	if ctx.Err() != nil {
		return false
	}
	if t.after == nil {
		return true
	}
	select {
	case <-t.after:
		return true
	case <-ctx.Done():
		return false
	}
}

// pass lets the next leg go. One that gives up before its turn hands the place
// on only when it would have had it, so that the others stay in order.
func (b *Book) pass(to string, t turn) {
	b.mu.Lock()
	if b.last[to] == t.done {
		delete(b.last, to)
	}
	b.mu.Unlock()
	if t.after == nil {
		close(t.done)
		return
	}
	select {
	case <-t.after:
		close(t.done)
	default:
		go func() { // ends with the leg before, whose transaction ends after 32 s at the latest
			<-t.after
			close(t.done)
		}()
	}
}

// deliver sends one leg when its turn comes and records what became of it.
func (b *Book) deliver(ctx context.Context, l leg) Delivery {
	start := b.o.Now()
	d := Delivery{State: Failed, Reason: "cancelled: not sent"}
	if l.turn.wait(ctx) {
		d = b.explained(b.page(ctx, l), l.to)
	}
	d.ID, d.To, d.Took = l.id, l.to, b.o.Now().Sub(start)
	b.pass(l.to, l.turn)
	l.talk.settle(d)
	return d
}

// explained adds to a reason what it means.
func (b *Book) explained(d Delivery, to string) Delivery {
	if b.o.Explain == nil || d.Code < 300 {
		return d
	}
	if means := b.o.Explain(to, d.Code); means != "" {
		d.Reason = plain.Cut(means+" ("+cmp.Or(d.Reason, strconv.Itoa(d.Code))+")", 2*maxReason)
	}
	return d
}

// page sends one leg as a MESSAGE outside any dialog, in the best form that the
// recipient is known to take. A client that says 415 gets the next simpler one.
func (b *Book) page(ctx context.Context, l leg) Delivery {
	body := b.wrap(l, b.peerOf(l.to))
	for cseq := uint32(1); ; cseq++ {
		res, err := b.message(ctx, l, cseq, body)
		var refused *sipconn.StatusError
		simpler, more := body, false
		if errors.As(err, &refused) && refused.Code == sip.StatusUnsupportedMediaType {
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
func (b *Book) message(ctx context.Context, l leg, cseq uint32, body sipconn.Body) (*sip.Response, error) {
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
	return c.Do(ctx, r, nil)
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
		d := Delivery{State: Failed, Code: status.Code, Reason: plain.Cut(plain.Line(status.Reason), maxReason)}
		if status.Code == sip.StatusRequestTimeout || status.Code == sip.StatusGatewayTimeout {
			d.State = Unknown // the server passed it on and heard nothing: it may have arrived
		}
		return d
	case errors.Is(err, sipconn.ErrOffline):
		return Delivery{State: Failed, Reason: "not connected: not sent"}
	case errors.Is(err, sipconn.ErrLost):
		return Delivery{State: Unknown, Reason: "the connection was lost before the answer came"}
	case errors.Is(err, sipconn.ErrNoAnswer):
		return Delivery{State: Unknown, Reason: err.Error()}
	case errors.Is(err, auth.ErrNotGenuine):
		return Delivery{State: Unknown, Reason: err.Error()}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Delivery{State: Unknown, Reason: "gave up before the answer came"}
	}
	return Delivery{State: Failed, Reason: strings.TrimSpace(err.Error())}
}
