package im

import (
	"context"
	"errors"
	"strings"
	"time"

	"communicator/wire/cpim"
	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

// client is what is known of the client that somebody uses. Of several clients of
// one person one has answered; what a server passes on to all of them then has
// the form for that one.
type client struct {
	known     bool // it has said what it takes
	cpim      bool // message/cpim, and with it receipts
	composing bool // news of typing
	lists     bool // the list of those who also got a message
	once      bool // it is this program, which shows a repeated message once
}

// acquaintance is a peer with what keeps it from being asked all the time.
type acquaintance struct {
	client
	until time.Time     // then it is forgotten: its user may have gone to another client
	next  time.Time     // it is not asked again before
	asked chan struct{} // closed when it has been asked; nil: it never was
}

const (
	peerFor     = time.Hour
	askEvery    = time.Minute // while it does not say
	askTime     = 10 * time.Second
	askPatience = 2 * time.Second // for so long a line waits for that whose form depends on it
	mostPeers   = 2000            // remembered
	smallTalk   = 20              // members of a conversation in which each is asked, told of typing, and asked for receipts
)

// product begins User-Agent and Server of this program.
const product = "Communicator/"

// Opened says that the user is looking at the conversation: its members are
// asked what their clients take, unless that is known or there are many. It
// never blocks.
func (c *Conversation) Opened() {
	members := c.Members()
	if len(members) > smallTalk {
		return
	}
	for _, m := range members {
		c.b.ask(m)
	}
}

// goesOn notes that a line was written. Who gets a second one before long is asked
// what his client takes: for a single one it is not worth the bytes.
func (c *Conversation) goesOn() {
	c.b.mu.Lock()
	now := c.b.o.Now()
	going := now.Sub(c.spoken) < peerFor
	c.spoken = now
	c.b.mu.Unlock()
	if going || c.Shared() {
		c.Opened()
	}
}

// peerOf is what is known of the client of user.
func (b *Book) peerOf(user string) client {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.acquaintance(user).client
}

// acquaintance is what is remembered of user; nothing, if it is too old. b.mu is
// held.
func (b *Book) acquaintance(user string) acquaintance {
	a := b.peers[user]
	if !a.until.After(b.o.Now()) {
		a.client = client{}
	}
	return a
}

// learn changes what is known of the client of user.
func (b *Book) learn(user string, f func(*client)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.acquaintance(user)
	f(&a.client)
	a.until = b.o.Now().Add(peerFor)
	b.remember(user, a)
}

// remember notes a; when there are too many, what is too old goes, and if that
// is not enough anybody. b.mu is held.
func (b *Book) remember(user string, a acquaintance) {
	if _, there := b.peers[user]; !there && len(b.peers) >= mostPeers {
		now := b.o.Now()
		for u, old := range b.peers {
			if !old.until.After(now) && !old.next.After(now) {
				delete(b.peers, u)
			}
		}
		for u := range b.peers {
			if len(b.peers) < mostPeers {
				break
			}
			delete(b.peers, u)
		}
	}
	if b.peers == nil {
		b.peers = map[string]acquaintance{}
	}
	b.peers[user] = a
}

// Gone says that user is no longer there with the client that he had. What that
// took is forgotten, unless it was this program, which his other computers
// probably have too.
func (b *Book) Gone(user string) {
	user = canonical(user)
	b.mu.Lock()
	if a, there := b.peers[user]; there && !a.once {
		delete(b.peers, user)
	}
	for w := range b.writers {
		if w.from == user {
			b.writesNoMore(w)
		}
	}
	b.mu.Unlock()
	b.tell.Flush()
}

// askFirst waits a moment for what the client of user takes.
func (b *Book) askFirst(ctx context.Context, user string) client {
	if p := b.peerOf(user); p.known {
		return p
	}
	late := time.NewTimer(askPatience)
	defer late.Stop()
	select {
	case <-b.ask(user):
	case <-late.C:
	case <-ctx.Done():
	}
	return b.peerOf(user)
}

// ask asks the client of user what it takes (RFC 3261 §11), unless that is
// known or was asked lately. It never blocks; what it returns is closed when the
// client has been asked.
func (b *Book) ask(user string) <-chan struct{} {
	done := make(chan struct{})
	c, err := b.o.Line.Conn()
	if err != nil {
		close(done)
		return done
	}
	b.mu.Lock()
	a := b.acquaintance(user)
	now := b.o.Now()
	due := !a.known && !a.next.After(now)
	if due {
		a.next, a.asked = now.Add(askEvery), done
		b.remember(user, a)
	}
	b.mu.Unlock()
	switch {
	case !due && a.asked != nil:
		return a.asked
	case !due:
		close(done)
		return done
	}
	go func() { // ends after askTime, or with the connection
		defer close(done)
		ctx, cancel := context.WithTimeout(context.Background(), askTime)
		defer cancel()
		r, err := c.NewRequest("OPTIONS", user, sipconn.Body{})
		if err != nil {
			return
		}
		r.AppendHeader(sip.NewHeader("Accept", "application/sdp")) // RFC 3261 §11.1
		res, err := c.Do(ctx, r, nil)
		if res != nil {
			b.told(user, res, err)
			b.typingTo(user)
		}
	}()
	return done
}

// told takes the answer to OPTIONS. A refusal tells something only when it is
// the client's own and not the server's.
func (b *Book) told(user string, res *sip.Response, err error) {
	var status *sipconn.StatusError
	switch {
	case err == nil:
		b.learn(user, func(p *client) { p.read(res) })
	case errors.As(err, &status) && (status.Code == 405 || status.Code == 501):
		b.learn(user, func(p *client) { p.known = true })
	}
}

// read takes what a 200 to OPTIONS says (RFC 3261 §11.2).
func (p *client) read(res *sip.Response) {
	if p.known = true; len(res.GetHeaders("Accept")) == 0 {
		return // baresip (1.0) and linphone (5.1) say nothing: what was heard from them counts
	}
	accept := " " + values(res.GetHeaders("Accept")) + " "
	takes := func(kind string) bool { return strings.Contains(accept, " "+kind+" ") }
	*p = client{
		known: true, cpim: takes(cpim.TypeMessage), composing: takes(cpim.TypeComposing),
		lists: takes("multipart/mixed") && takes("application/resource-lists+xml"),
		once:  ours(res.GetHeaders("Server")),
	}
}

// values are the values of a list header in lower case without parameters, with
// a space between them.
func values(headers []sip.Header) string {
	var all []string
	for _, h := range headers {
		for v := range strings.SplitSeq(h.Value(), ",") {
			v, _, _ = strings.Cut(v, ";")
			all = append(all, strings.ToLower(strings.TrimSpace(v)))
		}
	}
	return strings.Join(all, " ")
}

// ours says whether one of the headers names this program.
func ours(headers []sip.Header) bool {
	for _, h := range headers {
		if strings.HasPrefix(h.Value(), product) {
			return true
		}
	}
	return false
}

// answeredBy takes which client has answered a message with 200. This program
// need not be asked what it takes.
func (b *Book) answeredBy(user string, res *sip.Response) {
	once := ours(res.GetHeaders("Server"))
	switch p := b.peerOf(user); {
	case once && !(p.once && p.known):
		b.learn(user, func(p *client) {
			p.known, p.cpim, p.composing, p.lists, p.once = true, true, true, true, true
		})
	case !once && p.once:
		b.learn(user, func(p *client) { p.once = false })
	}
}

// heardFrom takes what a message says about the client it comes from. It was
// written by a server when that kept it, perhaps days ago.
func (b *Book) heardFrom(user string, r *sip.Request, c content, sent dating) {
	if sent.stored || len(r.GetHeaders("Via")) < 2 || c.wrapping == nil && c.composing == nil && c.list == nil && !ours(r.GetHeaders("User-Agent")) {
		return
	}
	b.learn(user, func(p *client) {
		p.once = ours(r.GetHeaders("User-Agent"))
		p.cpim = p.cpim || p.once || c.wrapping != nil
		p.composing = p.composing || p.once || c.composing != nil
		p.lists = p.lists || c.list != nil
	})
}
