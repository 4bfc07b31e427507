package im

import (
	"communicator/wire/cpim"
	"communicator/wire/sipconn"
)

// wrapRoom is kept free for the headers of the wrapping.
const wrapRoom = 1500

// wrap gives a leg the best form that its recipient takes: with a name for the
// message and the wish for receipts, where they are understood, and with the
// list of members.
func (b *Book) wrap(l *leg, text string, p client) sipconn.Body {
	body := b.wrapText(l, text, p)
	if l.list != nil && l.plain == "" {
		return withList(body, l.list)
	}
	return body
}

func (b *Book) wrapText(l *leg, text string, p client) sipconn.Body {
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
func (b *Book) simpler(l *leg, typed string, refused sipconn.Body) (sipconn.Body, bool) {
	text := sipconn.Text(typed)
	switch refused.Type {
	case "text/plain":
		return sipconn.Body{}, false
	case text.Type: // some take nothing but bare text/plain
		return sipconn.Body{Type: "text/plain", Content: text.Content}, true
	}
	b.learn(l.to, func(p *client) { p.known, p.cpim, p.lists = true, false, false })
	return text, true
}
