package im

import (
	"context"

	"communicator/wire/cpim"
	"communicator/wire/sipconn"
)

// wrapRoom is kept free for the headers of the wrapping.
const wrapRoom = 1500

// form gives a leg the best form that its recipient takes.
func (b *Book) form(ctx context.Context, l *leg) sipconn.Body {
	if l.list == nil {
		return b.wrap(l, l.text, b.peerOf(l.to))
	}
	p := b.askFirst(ctx, l.to)
	switch {
	case p.lists, !p.known && l.talk.proven(l.to):
		return withList(b.wrap(l, l.text, p), l.list)
	case p.known:
		return b.wrap(l, l.inWords(), p)
	}
	return l.readable()
}

// spoken is the text of a leg when nothing can go with it.
func (l *leg) spoken() string {
	if l.list == nil {
		return l.text
	}
	return l.inWords()
}

// wrap wraps a text: with a name for the message and the wish for receipts,
// where they are understood.
func (b *Book) wrap(l *leg, text string, p client) sipconn.Body {
	if !p.cpim || len(text)+len(l.list)*4/3+wrapRoom > MaxText {
		return sipconn.Text(text)
	}
	m := cpim.Message{
		From: "sip:" + b.o.Self, To: []string{"sip:" + l.to}, Time: b.o.Now(), ID: l.call,
		Content: cpim.Part{Type: "text/plain;charset=UTF-8", Body: []byte(text)},
	}
	if l.of <= smallTalk {
		m.Notify = []string{cpim.PositiveDelivery, cpim.Display} // RFC 5438 §7.1.1.2
	}
	return sipconn.Body{Type: cpim.TypeMessage, Content: m.Bytes()}
}

// simpler is the next form for a recipient whose client does not take this one;
// false: there is none.
func (b *Book) simpler(l *leg, refused sipconn.Body) (sipconn.Body, bool) {
	if refused.Type == "text/plain" {
		return sipconn.Body{}, false
	}
	text := sipconn.Text(l.spoken())
	switch refused.Type {
	case text.Type: // some take nothing but bare text/plain
		return sipconn.Body{Type: "text/plain", Content: text.Content}, true
	}
	b.learn(l.to, func(p *client) { p.known, p.cpim, p.lists = true, false, false })
	return text, true
}
