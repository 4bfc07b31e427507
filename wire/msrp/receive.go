package msrp

import (
	"errors"
	"fmt"
)

const (
	maxArriving = 16   // messages that are there in part
	maxRefused  = 1000 // refused messages that are remembered
)

// arrivals are the messages that are there in part. They belong to the reader.
type arrivals struct {
	parts   map[string]*arriving // by Message-ID
	bytes   int                  // of all of them
	refused map[string]bool      // whose further chunks are refused as well
}

// arriving is one of them.
type arriving struct {
	Message
	path  Path // of the sender, as a report needs it
	there spans
	total int64 // -1: not known yet
	quiet bool  // Failure-Report: no
}

// receive takes one SEND (RFC 4975 §7.3.1).
func (c *Conn) receive(f *Frame) {
	id, code := f.Get("Message-ID"), OK
	if c.coming.parts == nil {
		c.coming = arrivals{parts: map[string]*arriving{}, refused: map[string]bool{}}
	}
	switch {
	case c.o.Receive == nil:
		code = NoSession
	case f.Body == nil && f.Get("Content-Type") == "":
		c.respond(f, OK) // a SEND with nothing in it keeps a connection alive, or says who has made it
		return
	case !identifier(id):
		code = BadRequest
	case c.coming.refused[id]:
		code = TooLarge
	default:
		code = c.chunk(f, id)
	}
	if code != OK {
		c.refuse(f, id, code)
		return
	}
	c.respond(f, OK)
	c.finish(id, f.Flag)
}

// chunk puts a chunk where it belongs, and says what to answer.
func (c *Conn) chunk(f *Frame, id string) int {
	r := Range{1, -1, -1} // RFC 4975 §7.3.1: without Byte-Range it is the whole
	if text := f.Get("Byte-Range"); text != "" {
		var err error
		if r, err = ParseRange(text); err != nil {
			return BadRequest
		}
	}
	if f.Flag == '#' {
		return OK
	}
	// What is there counts, not what was said of it: a chunk may be interrupted.
	end := r.From - 1 + int64(len(f.Body))
	limit := int64(c.o.Max)
	if f.Cut || end > limit || r.Total > limit {
		return TooLarge
	}
	if f.Flag == '$' { // the examples of RFC 4975 say 1-25/25 of 23 bytes
		r.Total = end
	}
	a := c.coming.parts[id]
	if a == nil {
		if c.o.Accept != nil && !c.o.Accept(f.Get("Content-Type")) {
			return UnknownType
		}
		if len(c.coming.parts) >= maxArriving || c.coming.bytes >= 2*c.o.Max {
			return TooLarge
		}
		a = &arriving{Message: Message{ID: id, Type: f.Get("Content-Type"), Report: f.Get("Success-Report") == "yes"}, path: f.From, total: -1,
			quiet: f.Get("Failure-Report") == "no"}
		c.coming.parts[id] = a
	}
	if f.Flag == '$' {
		a.total = r.Total
	}
	c.coming.bytes -= len(a.Body)
	if more := int(end) - len(a.Body); more > 0 {
		a.Body = append(a.Body, make([]byte, more)...)
	}
	c.coming.bytes += len(a.Body)
	copy(a.Body[r.From-1:], f.Body) // RFC 4975 §7.3.1: of what comes twice the later counts
	if a.there = a.there.add(r.From, end+1); len(a.there) > maxRefused {
		return TooLarge
	}
	return OK
}

// finish hands a message over when it is whole, and forgets one given up.
func (c *Conn) finish(id string, flag byte) {
	a := c.coming.parts[id]
	switch {
	case a == nil:
	case flag == '#':
		c.forget(id)
	case a.total >= 0 && a.there.whole(a.total):
		c.forget(id)
		a.Body = a.Body[:a.total]
		err := c.o.Receive(a.Message)
		switch status, coded := errors.AsType[*StatusError](err); {
		case err == nil && a.Report:
			c.report(a, OK)
		case coded:
			c.report(a, status.Code)
		case err != nil:
			c.log.Debug("message not kept", "error", err)
			c.report(a, TooLarge)
		}
	}
}

func (c *Conn) forget(id string) {
	if a := c.coming.parts[id]; a != nil {
		c.coming.bytes -= len(a.Body)
		delete(c.coming.parts, id)
	}
}

// refuse answers a SEND that is not taken, forgets what was there of its message
// and takes no more of it. A relay before us should tell the sender (RFC 4976
// §6.3); Kamailio's (5.6) does not, so we do as well.
func (c *Conn) refuse(f *Frame, id string, code int) {
	c.forget(id)
	c.respond(f, code)
	if !identifier(id) || c.coming.refused[id] {
		return
	}
	if len(c.coming.refused) < maxRefused && (code == TooLarge || code == UnknownType) {
		c.coming.refused[id] = true
	}
	if len(f.From) > 1 {
		c.report(&arriving{Message: Message{ID: id}, path: f.From, total: -1, quiet: f.Get("Failure-Report") == "no"}, code)
	}
}

// report tells the sender what became of a message (RFC 4975 §7.1.2).
func (c *Conn) report(a *arriving, code int) {
	if a.quiet && code != OK {
		return
	}
	r := Range{1, a.total, a.total}
	c.write(&Frame{ID: newID(), Method: "REPORT", To: a.path, From: Path{c.o.Self}, Header: []Header{
		{"Message-ID", a.ID}, {"Byte-Range", r.String()}, {"Status", fmt.Sprintf("000 %03d %s", code, comments[code])},
	}})
}
