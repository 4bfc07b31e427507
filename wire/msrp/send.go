package msrp

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"strings"
	"time"
)

const (
	chunkSize  = 2048             // RFC 4975 §7.1.1: longer ones must be interruptible. Some relays take 10 kB at most
	inFlight   = 32               // chunks that have no answer yet
	answerTime = 30 * time.Second // RFC 4975 §7.1.1: without an answer so long it has failed
)

// Send sends a message in chunks and returns when its fate is known: nil when
// the next hop has taken it all and, with Report, the recipient has confirmed
// it. Errors: *StatusError (refused by a hop or the recipient), ErrIncomplete,
// ErrLost, ErrNotConfirmed (also when ctx ends while the confirmation is waited
// for), each also with its cause.
func (c *Conn) Send(ctx context.Context, m Message) error {
	s := &sending{c: c, m: m, inbox: &waiting{wake: make(chan struct{}, 1)}, open: map[string]bool{}}
	c.mu.Lock()
	s.to = c.remote
	_, twice := c.reports[m.ID]
	if !twice {
		c.reports[m.ID] = s.inbox
	}
	c.mu.Unlock()
	switch {
	case s.to == nil:
		return errors.New("msrp session is not open")
	case twice:
		return errors.New("this message is being sent already")
	}
	defer s.forget()
	return s.run(ctx)
}

// sending is one message on its way. It belongs to the goroutine of Send.
type sending struct {
	c     *Conn
	m     Message
	to    Path
	inbox *waiting        // answers to its chunks, and reports
	open  map[string]bool // chunks without an answer
	sent  int             // bytes
	all   bool            // the last chunk is written
	there spans           // what the recipient has confirmed
}

func (s *sending) forget() {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	delete(s.c.reports, s.m.ID)
	for id := range s.open {
		delete(s.c.asked, id)
	}
}

func (s *sending) run(ctx context.Context) error {
	timer := time.NewTimer(answerTime)
	defer timer.Stop()
	for {
		for !s.all && len(s.open) < inFlight {
			if !s.chunk() {
				return s.c.lost(ErrIncomplete)
			}
		}
		if len(s.open) == 0 && s.arrived() {
			return nil
		}
		select {
		case <-s.inbox.wake:
			if err := s.hear(); err != nil {
				s.giveUp()
				return err
			}
			if len(s.open) > 0 {
				timer.Reset(answerTime)
			} else {
				timer.Stop() // the recipient may take as long as ctx allows
			}
		case <-timer.C:
			return s.failed(&StatusError{Timeout, "no answer from the next hop"})
		case <-ctx.Done():
			return s.failed(ctx.Err())
		case <-s.c.done:
			_ = s.hear() // what came with the end
			if len(s.open) == 0 && s.arrived() {
				return nil
			}
			return s.failed(s.c.Err())
		}
	}
}

// arrived tells whether there is nothing more to hear.
func (s *sending) arrived() bool {
	return s.all && (!s.m.Report || s.there.whole(int64(len(s.m.Body))))
}

// failed says what it means that no more is heard of the message.
func (s *sending) failed(cause error) error {
	kind := ErrLost
	switch {
	case !s.all:
		s.giveUp()
		kind = ErrIncomplete
	case len(s.open) == 0:
		kind = ErrNotConfirmed
	}
	return errors.Join(kind, cause)
}

// chunk writes the next chunk; false: the connection has ended.
func (s *sending) chunk() bool {
	body := s.m.Body[s.sent:min(s.sent+chunkSize, len(s.m.Body))]
	f := s.frame(body)
	f.Flag = '+'
	if s.sent += len(body); s.sent == len(s.m.Body) {
		f.Flag = '$'
	}
	s.c.mu.Lock()
	s.c.asked[f.ID] = s.inbox
	s.c.mu.Unlock()
	s.open[f.ID] = true
	if !s.c.write(f) {
		return false
	}
	s.all = f.Flag == '$'
	return true
}

// frame makes a SEND with that part of the message which begins at s.sent.
func (s *sending) frame(body []byte) *Frame {
	r := Range{int64(s.sent) + 1, int64(s.sent + len(body)), int64(len(s.m.Body))}
	f := &Frame{ID: newID(), Method: "SEND", To: s.to, From: Path{s.c.o.Self}, Body: body}
	for bytes.Contains(body, []byte(endLine(f.ID))) { // RFC 4975 §7.1
		f.ID = newID()
	}
	f.Header = []Header{{"Message-ID", s.m.ID}, {"Byte-Range", r.String()}}
	if s.m.Report {
		f.Header = append(f.Header, Header{"Success-Report", "yes"})
	}
	f.Header = append(f.Header, Header{"Failure-Report", "yes"}, Header{"Content-Type", s.m.Type})
	return f
}

// giveUp tells the recipient to forget what it has (RFC 4975 §7.1.1, flag #).
func (s *sending) giveUp() {
	if s.all || s.sent == 0 {
		return
	}
	f := s.frame([]byte{})
	f.Flag = '#'
	s.c.write(f)
	s.all = true
}

// hear takes answers and reports.
func (s *sending) hear() error {
	for _, f := range s.c.news(s.inbox) {
		if f.Method == "REPORT" {
			if err := s.report(f); err != nil {
				return err
			}
			continue
		}
		delete(s.open, f.ID)
		s.c.mu.Lock()
		delete(s.c.asked, f.ID)
		s.c.mu.Unlock()
		if f.Code != OK {
			return &StatusError{f.Code, f.Comment}
		}
	}
	return nil
}

// report takes one REPORT (RFC 4975 §7.1.2). One whose status is of another
// name space than 000 says nothing to us.
func (s *sending) report(f *Frame) error {
	space, status, _ := strings.Cut(f.Get("Status"), " ")
	digits, comment, _ := strings.Cut(status, " ")
	code, err := strconv.Atoi(digits)
	r, bad := ParseRange(f.Get("Byte-Range"))
	switch {
	case space != "000" || err != nil:
		return nil
	case code != OK:
		return &StatusError{code, comment}
	case bad != nil:
		return nil
	}
	if r.To < 0 {
		r.To = r.Total // a report of "1-*/n" is about all of it
	}
	if r.To <= int64(s.sent) && len(s.there) < maxFrames {
		s.there = s.there.add(r.From, r.To+1)
	}
	return nil
}
