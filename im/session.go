package im

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"communicator/wire/cpim"
	"communicator/wire/msrp"
	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

// Messages go by page mode, which is cheapest and understood by most. A session
// is begun for a text that is too long for it, or for a client that takes no
// messages outside of one (clients of LCS 2005, which take none but MESSAGE in
// the dialog of an INVITE); and whoever begins one with us is answered in it.
//
// Nothing ever goes straight to a peer, and nothing is ever listened for: a
// dialog runs over the server, and MSRP (msrp.go) over a relay of the server.

const (
	idleTime   = 10 * time.Minute // a session in which nothing is said ends
	inviteTime = 20 * time.Second // for a client to take an invitation, which no person has to answer
	byeTime    = 5 * time.Second
	typesFor   = 30 * time.Second // a client of LCS that says no more of typing has stopped

	maxChats     = 64 // sessions; more are refused, and of our own one that has nothing to do ends
	maxChatsWith = 4  // with one person, who may have several clients; more end the oldest
	maxJoining   = 8  // invitations for which a relay is asked; more are refused
)

// chat is one session with one person. It ends with its dialog, so with the
// connection at the latest; nothing is repaired, the next text begins anew.
type chat struct {
	b      *Book
	with   string
	dialog *sipconn.Dialog
	conn   *msrp.Conn // nil: messages go as MESSAGE in the dialog
	use    msrp.Path  // what the relay gave for conn
	self   msrp.URI   // our end of it
	peer   media      // where and what the peer takes
	offer  []media    // all that was agreed on, to know a re-INVITE that changes nothing
	ours   []byte     // our session description
	first  bool       // what is written goes here and not by page mode
	quiet  *time.Timer
	life   time.Duration // of a relay's path; 0: no end
	enough chan struct{} // has an element when it is to end
	busy   int           // texts that are being sent by conn; guarded by Book.mu
}

func newChat(b *Book, with string) *chat {
	return &chat{b: b, with: with, quiet: time.NewTimer(idleTime), enough: make(chan struct{}, 1)}
}

// carry sends one leg: in a session that the peer wants, else by page mode, and
// if the peer takes no such messages by a session of our own.
func (b *Book) carry(ctx context.Context, l *leg) Delivery {
	if len(l.text) > MaxText {
		return b.long(ctx, l)
	}
	if c := b.chatWith(l.to, func(c *chat) bool { return c.first }); c != nil {
		if d, over := c.send(ctx, l); !over {
			return d
		}
	}
	d := b.page(ctx, l)
	if !wantsSession(d) {
		return d
	}
	c, err := b.openDialog(ctx, l.to)
	if err != nil {
		return d // the refusal of the message says more than that of the invitation
	}
	d, _ = c.send(ctx, l)
	return d
}

// wantsSession says whether a refusal may mean that messages are taken in a
// session only.
func wantsSession(d Delivery) bool {
	return d.State == Failed && !d.Blocked && slices.Contains([]int{405, 415, 488, 501}, d.Code)
}

// send sends one leg in the session. over: it was not taken because the peer
// knows of no session any more.
func (c *chat) send(ctx context.Context, l *leg) (d Delivery, over bool) {
	c.touch()
	if c.conn != nil {
		return c.sendMSRP(ctx, l)
	}
	body := c.b.wrap(l, l.spoken(), client{cpim: c.peer.accepts(cpim.TypeMessage)})
	for {
		res, err := c.dialog.Do(ctx, "MESSAGE", body)
		if l.err = err; errors.Is(err, sipconn.ErrLost) && body.Type != cpim.TypeMessage {
			l.err = nil // it has no name by which it would be known again
		}
		var refused *sipconn.StatusError
		if errors.As(err, &refused) && refused.Code == sip.StatusUnsupportedMediaType {
			if simpler, more := c.b.simpler(l, body); more {
				body = simpler
				continue
			}
		}
		if refused != nil && (refused.Code == 481 || refused.Code == 480 || refused.Code == 408) {
			c.stop() // the next text begins anew
		}
		return outcome(res, err), refused != nil && refused.Code == 481
	}
}

// openDialog invites to a session with messages in the dialog: as newer clients
// write it, then as those of LCS 2005 and Windows Messenger do.
func (b *Book) openDialog(ctx context.Context, to string) (*chat, error) {
	var err error
	for _, kind := range []string{"message", "x-ms-message"} {
		c := newChat(b, to)
		c.first = true
		if err = c.invite(ctx, dialogMedia(kind, "")); err == nil {
			return c, nil
		}
		if !notAcceptable(err) {
			return nil, err
		}
	}
	return nil, err
}

// notAcceptable says whether another offer might be taken.
func notAcceptable(err error) bool {
	var refused *sipconn.StatusError
	return errors.As(err, &refused) && (refused.Code == 488 || refused.Code == 606 || refused.Code == 415)
}

// allowed are the methods that are taken in a session.
const allowed = "ACK, BYE, CANCEL, INFO, INVITE, MESSAGE, OPTIONS, UPDATE"

const sdpType = "application/sdp"

// invite offers a session with one m-line.
func (c *chat) invite(ctx context.Context, offer media) error {
	b := c.b
	nc, err := b.o.Line.Conn()
	if err != nil {
		return err
	}
	c.ours = describe(b.host(offer), b.o.Now().Unix(), []media{offer})
	r, err := nc.NewRequest("INVITE", c.with, sipconn.Body{Type: sdpType, Content: c.ours})
	if err != nil {
		return err
	}
	r.AppendHeader(sip.NewHeader("Allow", allowed))
	ctx, cancel := context.WithTimeout(ctx, inviteTime)
	defer cancel()
	if c.dialog, err = nc.InviteWith(ctx, r, nil); err != nil {
		return fmt.Errorf("begin a session: %w", err)
	}
	c.offer, err = readSDP(c.dialog.Remote().Body())
	i := slices.IndexFunc(c.offer, func(m media) bool { return m.carries() != "" && (m.carries() == viaDialog) == (c.conn == nil) })
	if err == nil && i < 0 {
		err = errNoPlace
	}
	if err != nil {
		b.enter(c)
		c.stop()
		return fmt.Errorf("begin a session: %w", err)
	}
	c.agree(c.offer[i])
	b.enter(c)
	return nil
}

// errNoPlace: somebody took an invitation and not what it was for.
var errNoPlace = errors.New("the answer has no place for messages")

// agree takes where and what the peer takes.
func (c *chat) agree(peer media) {
	c.peer = peer
	if c.conn != nil {
		c.conn.Open(append(c.use[:len(c.use):len(c.use)], peer.path...))
	}
}

// host is what stands as address in a description.
func (b *Book) host(m media) string {
	if m.path != nil {
		return m.path[0].Host
	}
	_, domain, _ := strings.Cut(b.o.Self, "@")
	return domain
}

// Invited takes an INVITE that offers to exchange messages; false: it offers
// something else. The caller has refused who may not invite.
func (b *Book) Invited(in *sipconn.Incoming) bool {
	r, from := in.Request, sender(in.Request)
	if r.Method != sip.INVITE || from == "" {
		return false
	}
	offer, err := readSDP(r.Body())
	i := slices.IndexFunc(offer, func(m media) bool { return m.carries() == viaDialog || b.o.Relay != nil && m.carries() != "" })
	if err != nil || i < 0 || !strings.HasPrefix(strings.ToLower(header(r, "Content-Type")), sdpType) {
		return false
	}
	c := newChat(b, from)
	c.offer, c.first = offer, true
	require := header(r, "Require")
	switch {
	case require != "": // RFC 3261 §8.2.2.3; LCS asks so for its conversations of several
		_ = in.Reply(420, "Bad Extension", sipconn.Body{}, sip.NewHeader("Unsupported", require)) // no connection: nobody to tell
	case !b.room():
		_ = in.Reply(sip.StatusBusyHere, "Too Many Conversations", sipconn.Body{})
	case offer[i].carries() == viaDialog:
		c.accept(in, i, dialogMedia(offer[i].kind, b.o.Self))
	case b.stranger(from, from): // he may write, briefly
		return false
	case !b.joins(1):
		_ = in.Reply(sip.StatusBusyHere, "Too Many Invitations", sipconn.Body{})
	default:
		go func() { // ends after inviteTime
			defer b.joins(-1)
			c.acceptMSRP(in, i)
		}()
	}
	return true
}

// joins counts the invitations for which a relay is asked; false: one more is too
// many.
func (b *Book) joins(more int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.joining+more > maxJoining {
		return false
	}
	b.joining += more
	return true
}

// accept answers an INVITE with our media in place of the one that is taken.
func (c *chat) accept(in *sipconn.Incoming, taken int, m media) {
	all := make([]media, len(c.offer))
	for i, o := range c.offer {
		all[i] = media{kind: o.kind, port: "0", proto: o.proto, what: o.what} // RFC 3264 §6: a place for each, refused
	}
	all[taken] = m
	c.agree(c.offer[taken])
	c.ours = describe(c.b.host(m), c.b.o.Now().Unix(), all)
	d, err := in.Accept(sipconn.Body{Type: sdpType, Content: c.ours}, sip.NewHeader("Allow", allowed))
	if err != nil { // cancelled, or the connection ended
		if c.conn != nil {
			_ = c.conn.Close()
		}
		return
	}
	c.dialog = d
	c.b.enter(c)
}

// room says whether one more session is taken.
func (b *Book) room() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, all := range b.chats {
		n += len(all)
	}
	return n < maxChats
}

// makeRoom ends a session of ours for long texts that has nothing to do, if there
// are too many: a long text to many people holds no connection for each. false:
// there is none.
func (b *Book) makeRoom() bool {
	if b.room() {
		return true
	}
	b.mu.Lock()
	var over *chat
	for _, all := range b.chats {
		for _, c := range all {
			if c.conn != nil && !c.first && c.busy == 0 {
				over = c
			}
		}
	}
	b.mu.Unlock()
	if over != nil {
		over.stop()
	}
	return over != nil
}

// sends counts the texts that are being sent by MSRP.
func (c *chat) sends(more int) {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	c.busy += more
}

// enter takes a session in. Whoever has too many loses his oldest: a client that
// was gone for a moment knows nothing of it.
func (b *Book) enter(c *chat) {
	b.mu.Lock()
	if b.chats == nil {
		b.chats = map[string][]*chat{}
	}
	all := append(b.chats[c.with], c)
	b.chats[c.with] = all
	b.mu.Unlock()
	if len(all) > maxChatsWith {
		all[0].stop()
	}
	c.dialog.Handle(c.request)
	go c.watch() // ends with the dialog, and so with the connection
}

// chatWith is the newest session with somebody that fits; nil: none.
func (b *Book) chatWith(who string, fits func(*chat) bool) *chat {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range slices.Backward(b.chats[who]) {
		if fits(c) {
			return c
		}
	}
	return nil
}

// watch ends the session when one of its parts has ended, or nothing is said.
func (c *chat) watch() {
	var lost <-chan struct{}
	if c.conn != nil {
		lost = c.conn.Done()
	}
	var old <-chan time.Time
	if c.life > 0 {
		t := time.NewTimer(c.life)
		defer t.Stop()
		old = t.C
	}
	select {
	case <-c.dialog.Done():
	case <-lost:
	case <-old:
	case <-c.quiet.C:
	case <-c.enough:
	}
	c.quiet.Stop()
	c.b.drop(c)
	ctx, cancel := context.WithTimeout(context.Background(), byeTime)
	defer cancel()
	_ = c.dialog.Bye(ctx) // over in any case
	if c.conn != nil {
		_ = c.conn.Close()
	}
}

// drop forgets a session.
func (b *Book) drop(c *chat) {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := slices.DeleteFunc(slices.Clone(b.chats[c.with]), func(o *chat) bool { return o == c })
	if b.chats[c.with] = all; len(all) == 0 {
		delete(b.chats, c.with)
	}
}

// stop ends the session; touch lets it live on.
func (c *chat) stop() {
	c.b.drop(c)
	select {
	case c.enough <- struct{}{}:
	default:
	}
}

func (c *chat) touch() { c.quiet.Reset(idleTime) }

// request takes a request inside the dialog. A server looks at From when a dialog
// begins, and need not later: who began it may not go on as somebody else.
func (c *chat) request(in *sipconn.Incoming) {
	c.touch()
	var err error
	switch r := in.Request; {
	case r.Method == sip.ACK: // never answered
	case sender(r) != c.with:
		err = in.Reply(sip.StatusForbidden, "From Is Not Whom This Conversation Is With", sipconn.Body{})
	default:
		err = c.within(in)
	}
	if err != nil {
		c.b.o.Log.Debug("reply in a session", "error", err)
	}
}

// within takes a request of whom the dialog is with.
func (c *chat) within(in *sipconn.Incoming) error {
	switch r := in.Request; r.Method {
	case sip.MESSAGE:
		c.b.Handle(in)
		return nil
	case sip.INFO:
		c.types(r.Body())
		return in.Reply(sip.StatusOK, "OK", sipconn.Body{})
	case sip.OPTIONS:
		return in.Reply(sip.StatusOK, "OK", sipconn.Body{}, sip.NewHeader("Allow", allowed), sip.NewHeader("Accept", Accept))
	case sip.INVITE, sip.UPDATE:
		return c.renew(in)
	}
	return in.Reply(sip.StatusMethodNotAllowed, "Method Not Allowed", sipconn.Body{}, sip.NewHeader("Allow", allowed))
}

// types takes the news of typing as clients of LCS send it; they say "type" again
// every few seconds, and nothing else by INFO.
func (c *chat) types(body []byte) {
	var doc struct {
		XMLName xml.Name `xml:"KeyboardActivity"`
		Status  struct {
			Status string `xml:"status,attr"`
		} `xml:"status"`
	}
	if len(body) < 1000 && xml.Unmarshal(body, &doc) == nil {
		c.b.noted(c.with, content{composing: &cpim.Composing{Active: doc.Status.Status == "type", Refresh: typesFor}})
	}
}

// renew answers an INVITE or UPDATE inside the dialog. One that changes nothing
// keeps the session alive (RFC 4028 §7); any other is refused, and the session
// goes on as it was (RFC 3261 §14.2).
func (c *chat) renew(in *sipconn.Incoming) error {
	offer, err := readSDP(in.Request.Body())
	ours := sipconn.Body{Type: sdpType, Content: c.ours}
	switch {
	case err == nil && len(offer) == 0 && in.Request.Method == sip.UPDATE:
		return in.Reply(sip.StatusOK, "OK", sipconn.Body{})
	case err == nil && (len(offer) == 0 || slices.EqualFunc(offer, c.offer, media.same)):
		return in.Reply(sip.StatusOK, "OK", ours)
	}
	return in.Reply(sip.StatusNotAcceptableHere, "Not Acceptable Here", sipconn.Body{},
		sip.NewHeader("Warning", `399 communicator "this conversation carries messages only"`))
}
