package im

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"communicator/plain"
	"communicator/wire/cpim"
	"communicator/wire/msrp"
	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

// MaxSession is the longest text that is sent or taken by a session with MSRP,
// in bytes of UTF-8.
const MaxSession = 1 << 20

// Relay is a connection to the server's MSRP relay (RFC 4976).
type Relay struct {
	Conn net.Conn // secure
	URI  msrp.URI // of the relay, as it is to be asked
	Sign msrp.Credentials
}

const (
	relayTime   = 10 * time.Second       // for a relay to give a path
	reportTime  = 2 * time.Minute        // for the recipient to confirm
	lossNoticed = 200 * time.Millisecond // for the loss of one connection to a server after that of the other
)

var errNoRelay = errors.New("there is no relay")

// longest is the longest text that may be sent.
func (b *Book) longest() int {
	if b.o.Relay != nil {
		return MaxSession
	}
	return MaxParted
}

// long sends one leg that is too long for page mode: by MSRP where both sides
// have a relay, else in parts, if it is not too long for that.
func (b *Book) long(ctx context.Context, l *leg) Delivery {
	nc, err := b.o.Line.Conn()
	if l.err = err; err != nil {
		return outcome(nil, err)
	}
	d, sent := b.whole(ctx, l)
	switch {
	case sent:
		return d
	case ctx.Err() != nil:
		return Delivery{State: Failed, Reason: "cancelled: not sent"}
	case d.Reason != "" && gone(nc): // the next connection may do better
		l.err = sipconn.ErrOffline
		return outcome(nil, l.err)
	case len(l.text) <= MaxParted:
		return b.inParts(ctx, l)
	case d.Reason == "":
		d.Reason = fmt.Sprintf("too long for the recipient's client: at most %d bytes can be sent in parts", MaxParted)
	}
	return Delivery{State: Failed, Code: cmp.Or(d.Code, sip.StatusMessageTooLarge), Reason: d.Reason}
}

// whole sends a leg by MSRP: in the session that there is, else in a new one.
// sent: it is decided; else it certainly has not arrived, and d says why, if that
// is not the recipient's client.
func (b *Book) whole(ctx context.Context, l *leg) (d Delivery, sent bool) {
	if c := b.chatWith(l.to, func(c *chat) bool { return c.conn != nil }); c != nil {
		if d, over := c.send(ctx, l); !over {
			return d, true
		}
	}
	c, err := b.openMSRP(ctx, l.to)
	if err == nil {
		d, over := c.send(ctx, l)
		return d, !over
	}
	b.o.Log.Debug("no session for a long message", "to", l.to, "error", err)
	if _, refused := errors.AsType[*sipconn.StatusError](err); !refused && !errors.Is(err, errNoPlace) {
		d.Reason = plain.Cut(fmt.Sprintf("too long to be sent in parts, and by session it cannot be sent now: %v", err), maxReason)
	}
	return d, false
}

// gone says whether a connection has ended or ends within a moment: that to the
// relay of the same server may be noticed first.
func gone(nc *sipconn.Conn) bool {
	t := time.NewTimer(lossNoticed)
	defer t.Stop()
	select {
	case <-nc.Done():
		return true
	case <-t.C:
		return false
	}
}

// inParts sends one leg as several messages. Its state is the worst of theirs;
// after the first that fails no more is sent.
func (b *Book) inParts(ctx context.Context, l *leg) Delivery {
	var all Delivery
	parts := split(l.text, MaxText)
	for i, text := range parts {
		part := *l
		part.call, part.text = l.call+"-"+strconv.Itoa(i+1), text // each is a message of its own
		d := b.page(ctx, &part)
		if l.err = part.err; i > 0 && !b.peerOf(l.to).once {
			l.err = nil // the first would come twice
		}
		if d.State != Delivered && d.State != Accepted {
			d.Reason = plain.Cut(fmt.Sprintf("part %d of %d: %s", i+1, len(parts), d.Reason), maxReason)
			return d
		}
		if i == 0 || d.State == Accepted {
			all = d
		}
	}
	return all
}

// openMSRP begins a session for long messages.
func (b *Book) openMSRP(ctx context.Context, to string) (*chat, error) {
	if !b.makeRoom() {
		return nil, errors.New("too many long texts are being sent")
	}
	c := newChat(b, to)
	if err := c.askRelay(ctx); err != nil {
		return nil, err
	}
	if err := c.invite(ctx, msrpMedia(viaMSRPS, c.path())); err != nil { // RFC 4975 §8.1: TLS is said by the protocol
		_ = c.conn.Close()
		return nil, err
	}
	return c, nil
}

// acceptMSRP answers an INVITE for a session with MSRP, through a relay of ours.
func (c *chat) acceptMSRP(in *sipconn.Incoming, taken int) {
	ctx, cancel := context.WithTimeout(in.Context(), inviteTime)
	defer cancel()
	if err := c.askRelay(ctx); err != nil {
		c.b.o.Log.Info("invitation refused: no relay", "from", c.with, "error", err)
		_ = in.Reply(sip.StatusNotAcceptableHere, "Not Acceptable Here", sipconn.Body{}, // no connection: nobody to tell
			sip.NewHeader("Warning", `399 communicator "messages are taken through a relay only, and there is none now"`))
		return
	}
	c.accept(in, taken, msrpMedia(c.offer[taken].proto, c.path()))
}

// path is where we are reached: through the relay, then our own end.
func (c *chat) path() msrp.Path { return append(c.use[:len(c.use):len(c.use)], c.self) }

// askRelay connects to the relay and asks it for a path.
func (c *chat) askRelay(ctx context.Context) error {
	if c.b.o.Relay == nil {
		return errNoRelay
	}
	ctx, cancel := context.WithTimeout(ctx, relayTime)
	defer cancel()
	relay, err := c.b.o.Relay(ctx)
	if err != nil {
		return err
	}
	c.self = msrp.NewURI("client.invalid", true) // RFC 2606 §2: nobody connects to us
	conn := msrp.New(relay.Conn, msrp.Options{Self: c.self, Max: MaxSession + wrapRoom, Accept: taken, Receive: c.receive, Log: c.b.o.Log})
	use, life, err := conn.Auth(ctx, relay.URI, relay.Sign)
	if err != nil {
		_ = conn.Close()
		return err
	}
	c.conn, c.use, c.life = conn, use, max(life-time.Minute, life/2)
	return nil
}

// taken says whether a type of content is taken in a session.
func taken(contentType string) bool {
	kind, _ := mediaType(contentType)
	return strings.Contains(" "+chatTypes+" ", " "+kind+" ")
}

// sendMSRP sends one leg. The next hop's 200 is no delivery, the recipient's
// report is.
func (c *chat) sendMSRP(ctx context.Context, l *leg) (d Delivery, over bool) {
	ctx, cancel := context.WithTimeout(ctx, reportTime)
	defer cancel()
	c.sends(1)
	defer c.sends(-1)
	m := msrp.Message{ID: messageID(l.call), Type: "text/plain;charset=UTF-8", Body: []byte(l.spoken()), Report: true}
	if c.peer.accepts(cpim.TypeMessage) {
		w := cpim.Message{From: "sip:" + c.b.o.Self, To: []string{"sip:" + l.to}, Time: c.b.o.Now(), ID: l.call,
			Notify: []string{cpim.Display}, Content: cpim.Part{Type: m.Type, Body: m.Body}}
		m.Type, m.Body = cpim.TypeMessage, w.Bytes()
	}
	if c.peer.max > 0 && int64(len(m.Body)) > c.peer.max {
		return Delivery{}, true
	}
	return fate(c.conn.Send(ctx, m))
}

// fate says what the end of sending means for the message. over: the recipient
// certainly has not got it, and it may go another way.
func fate(err error) (d Delivery, over bool) {
	var status *msrp.StatusError
	errors.As(err, &status)
	switch {
	case err == nil:
		return Delivery{State: Delivered, Code: sip.StatusOK, Reason: "OK"}, false
	case errors.Is(err, msrp.ErrIncomplete):
		return Delivery{State: Failed, Reason: "the connection to the relay was lost before all was sent"}, true
	case errors.Is(err, msrp.ErrNotConfirmed):
		return Delivery{State: Unknown, Reason: "the server's relay took it, and the recipient's client has not confirmed it"}, false
	case errors.Is(err, msrp.ErrLost):
		return Delivery{State: Unknown, Reason: "the connection to the relay was lost before the answer came"}, false
	case status != nil && status.Code == msrp.Timeout:
		return Delivery{State: Unknown, Code: status.Code, Reason: "the relay heard nothing of the recipient's client"}, false
	case status != nil:
		return Delivery{State: Failed, Code: status.Code, Reason: plain.Cut(plain.Line(status.Comment), maxReason)},
			status.Code == msrp.TooLarge || status.Code == msrp.UnknownType || status.Code == msrp.NoSession
	}
	return Delivery{State: Failed, Reason: plain.Cut(plain.Line(err.Error()), maxReason)}, true
}

// messageID is a message's name in MSRP, which may have 32 characters
// (RFC 4975 §9) where a Call-ID has more.
func messageID(call string) string {
	sum := sha256.Sum256([]byte(call))
	return "m" + hex.EncodeToString(sum[:15])
}

// receive takes a whole message that came by MSRP. It returns when the message
// is stored, so that the report says what is true.
func (c *chat) receive(m msrp.Message) error {
	c.touch()
	b := c.b
	if b.o.Refuse != nil {
		if code, reason := b.o.Refuse(c.with); code != 0 {
			c.stop()
			return &msrp.StatusError{Code: msrp.Forbidden, Comment: reason}
		}
	}
	said := readBody(m.Type, "", m.Body)
	text := plain.Text(said.text)
	switch {
	case said.verdict == refused, said.verdict != hidden && text == "" && len(bytes.TrimSpace(m.Body)) > 0:
		return &msrp.StatusError{Code: msrp.UnknownType}
	case said.verdict == hidden || text == "":
		b.noted(c.with, said)
		return nil
	}
	line := Message{ID: m.ID, From: c.with, Text: text, Time: b.o.Now(), owes: said.wanted()}
	if id := said.id(); id != "" {
		line.ID = id
	}
	key, list := canonical(c.with), said.list
	if list != nil {
		key, list = b.addressed(c.with, *list)
	}
	line.Request = b.stranger(key, c.with)
	if b.o.Limited {
		b.mu.Lock()
		wait := b.excess(key, line)
		b.mu.Unlock()
		b.tell.Flush()
		if wait > 0 {
			return errors.New("too many messages")
		}
	}
	answered := make(chan int, 1)
	answer := func(code int) { answered <- code }
	if list != nil {
		b.receiveShared(line, *list, answer)
	} else {
		b.receive(line, answer)
	}
	if code := <-answered; code != sip.StatusOK {
		return fmt.Errorf("not stored: %d", code)
	}
	return nil
}
