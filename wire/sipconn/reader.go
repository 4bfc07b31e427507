package sipconn

import (
	"errors"
	"io"

	"github.com/emiago/sipgo/sip"
)

var errPeerClosed = errors.New("the other side closed the connection")

// readAll is the reader: it cuts the stream into messages, checks them and
// hands them on. One bad message is answered or dropped and changes nothing
// for the next.
func (c *Conn) readAll() {
	f := framer{
		nc: c.nc, limit: c.o.MaxMessage,
		read: func() { c.heard.Store(int64(c.age())) },
		ping: func() { c.send(outgoing{text: []byte("\r\n"), size: 2}) },
		pong: c.pong,
	}
	if f.limit == 0 {
		f.limit = maxMessage
	}
	for {
		fr, err := f.next()
		if errors.Is(err, io.EOF) {
			err = errPeerClosed
		}
		if err != nil {
			c.end(err)
			return
		}
		c.received(fr)
	}
}

// pong takes what may be the answer to a ping, and says whether it was one.
func (c *Conn) pong() bool {
	was := c.pinged.Swap(false)
	if was {
		c.ponged.Store(true)
	}
	return was
}

// received handles one message.
func (c *Conn) received(fr frame) {
	c.trace(false, fr.head, fr.body)
	m, h, fault := parse(fr)
	size := len(fr.head) + len(fr.body)
	if fault != nil {
		c.log.Debug("bad message", "fault", fault.reason, "start", shown(h.start, 80))
		if text := h.refusal(fault); text != nil {
			c.send(outgoing{text: text, size: len(text)})
		}
		return
	}
	switch m := m.(type) {
	case *sip.Request:
		c.request(m, size)
	case *sip.Response:
		c.response(m)
	}
}
