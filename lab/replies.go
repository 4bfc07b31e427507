package lab

import (
	"time"

	"communicator/wire/cpim"
	"communicator/wire/sipconn"
)

// mayAnswer has somebody's client tell the sender what he asked for, and the
// person read and answer in a few seconds, unless all stand still, he has no
// time, or the other is simulated as well: they would never end. Under c.mu.
func (c *crowd) mayAnswer(p *phantom, to, text string, m cpim.Message) {
	other := c.phantoms[to]
	if c.ctx.Err() != nil || to == "" || other != nil && other.signedIn {
		return
	}
	if m.ID != "" && m.Wants(cpim.PositiveDelivery) {
		c.working.Go(func() { c.receipt(p.user, to, m.ID, cpim.Delivery, "delivered") })
	}
	wait, reads := c.attention(p)
	if !reads {
		return
	}
	seen := m.ID != "" && m.Wants(cpim.Display)
	answers := !p.owes[to]
	reply := ""
	if answers {
		reply = answerTo(p, text)
		if p.owes == nil {
			p.owes = map[string]bool{}
		}
		p.owes[to] = true
		p.answered++
	} else if !seen {
		return
	}
	c.working.Go(func() {
		if c.pause(wait/2, wait/2) && seen {
			c.receipt(p.user, to, m.ID, cpim.Displayed, "displayed")
		}
		if !answers {
			return
		}
		c.write(p.user, to, reply, wait)
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(p.owes, to)
	})
}

// attention is how long somebody takes to look at a message; false: he does not
// look. Under c.mu.
func (c *crowd) attention(p *phantom) (wait time.Duration, reads bool) {
	if c.still {
		return 0, false
	}
	switch p.mood.state {
	case "away", "brb", "dnd", "vacation", "offline", "presentation":
		return 0, false
	case "busy", "meeting", "call":
		return 8 * time.Second, true
	}
	return 2 * time.Second, true
}

// write sends a message as a person does: its client says that he is writing
// (RFC 3994) for a while, and then the text comes.
func (c *crowd) write(from, to, text string, takes time.Duration) {
	active := sipconn.Body{Type: cpim.TypeComposing, Content: cpim.Composing{Active: true, Refresh: cpim.RefreshUsual}.Bytes()}
	c.pool.send(from, to, active)
	if c.pause(takes/2, takes/2) {
		c.pool.message(from, to, text)
	}
}

// receipt tells the sender of message id what has become of it (RFC 5438 §8, in
// CPIM as §8.2 wants it).
func (c *crowd) receipt(from, to, id string, kind cpim.Kind, status string) {
	r := cpim.Receipt{ID: id, Kind: kind, Status: status, Time: c.now()}
	m := cpim.Message{From: "sip:" + from, To: []string{"sip:" + to}, Time: c.now(), ID: token(),
		Content: cpim.Part{Type: cpim.TypeReceipt, Disposition: "notification", Body: r.Bytes()}}
	c.pool.send(from, to, sipconn.Body{Type: cpim.TypeMessage, Content: m.Bytes()})
}
