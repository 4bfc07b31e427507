package sipconn

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"
)

// Limits on what the other side may send. The library has none but the first.
const (
	maxMessage     = 65535            // bytes of one message, head and body, unless Options.MaxMessage allows more to come in
	maxHead        = 16 << 10         // bytes of start line and headers
	maxLines       = 200              // header lines
	maxSkip        = 1 << 20          // bytes of a too large body that we read past rather than hang up
	messageTimeout = 10 * time.Second // from the first byte of a message to its last, or for each 64 KiB of it
	smallBuffer    = 4 << 10
)

var (
	errIncomplete = errors.New("the other side sent part of a message and then nothing for 10 s")
	errNoHeadEnd  = errors.New("the other side sent 64 KiB without the end of a message head")
	errWeb        = errors.New("the other side speaks HTTP, not SIP")
	errNoResync   = errors.New("the other side sent a message without a usable Content-Length and 64 KiB of it that hold no next message")
)

// frame is one message as it came: its head with all line ends, and its body.
// With a fault the message must not be used; the head still says who sent it.
type frame struct {
	head, body []byte
	fault      *fault
}

// A fault says why a message is refused, as status code and reason phrase.
type fault struct {
	code   int
	reason string
}

// framer cuts the byte stream into messages (RFC 3261 §18.3). It is used by
// the reader only.
type framer struct {
	nc       net.Conn
	limit    int    // bytes of one message
	buf      []byte // buf[start:] has not been cut yet
	start    int
	met      bool   // a message has come
	deadline bool   // a read deadline is set
	renew    int    // length of buf at which the deadline is set anew
	lost     bool   // it is unknown where the last message ended
	half     bool   // the last thing seen was one CRLF that was nobody's pong
	read     func() // called after every successful read
	ping     func() // CRLFCRLF came
	pong     func() bool
}

// next returns the next message. An error ends the connection.
func (f *framer) next() (frame, error) {
	if f.lost {
		if err := f.resync(); err != nil {
			return frame{}, err
		}
	}
	if err := f.keepAlives(); err != nil {
		return frame{}, err
	}
	end, err := f.headEnd()
	if err != nil {
		return frame{}, err
	}
	head := bytes.Clone(f.buf[f.start : f.start+end])
	if !f.met && bytes.HasPrefix(head, []byte("HTTP/")) { // port 443 of sip.DOMAIN is often a web server's
		return frame{}, errWeb
	}
	f.met = true
	length, known := contentLength(head)
	if !known {
		f.start += end
		return f.lengthless(head)
	}
	if end+length > f.limit {
		f.start += end
		return f.oversized(head, length)
	}
	for len(f.buf)-f.start < end+length {
		if err := f.fill(); err != nil {
			return frame{}, err
		}
	}
	body := bytes.Clone(f.buf[f.start+end : f.start+end+length])
	f.start += end + length
	f.half = false
	return frame{head: head, body: body}, f.atRest()
}

// keepAlives eats the CRLFs between messages until a message begins.
//
// RFC 5626 §4.4.1: CRLFCRLF is a ping, CRLF its pong. RFC 3261 §7.5: other
// CRLFs before a start line are ignored.
func (f *framer) keepAlives() error {
	for {
		rest := f.buf[f.start:]
		switch {
		case len(rest) == 0 || len(rest) == 1 && rest[0] == '\r':
			if err := f.fill(); err != nil {
				return err
			}
		case bytes.HasPrefix(rest, []byte("\r\n\r\n")):
			f.start += 4
			f.ping()
		case bytes.HasPrefix(rest, []byte("\r\n")):
			f.start += 2
			f.crlf()
		case rest[0] == '\n' || rest[0] == '\r': // a sloppy line end after a body
			f.start++
		default:
			return nil
		}
		if err := f.atRest(); err != nil {
			return err
		}
	}
}

// crlf sees one CRLF: the pong to our ping, or half of a ping that TCP cut in two.
func (f *framer) crlf() {
	switch {
	case f.pong():
		f.half = false
	case f.half:
		f.half = false
		f.ping()
	default:
		f.half = true
	}
}

// headEnd reads until the empty line and returns the length of the head with
// it. Line ends without CR count here, so that a message written with them is
// refused alone and does not swallow the next.
func (f *framer) headEnd() (int, error) {
	from := 0
	for {
		rest := f.buf[f.start:]
		for {
			i := bytes.IndexByte(rest[from:], '\n')
			if i < 0 {
				break
			}
			line := rest[from : from+i]
			from += i + 1
			if len(line) == 0 || len(line) == 1 && line[0] == '\r' {
				return from, nil
			}
		}
		if len(rest) >= maxMessage {
			return 0, errNoHeadEnd
		}
		if err := f.fill(); err != nil {
			return 0, err
		}
	}
}

// contentLength finds the length of the body that follows head, if head says
// it once, or several times the same.
func contentLength(head []byte) (n int, known bool) {
	for line := range bytes.Lines(head) {
		name, value, ok := bytes.Cut(line, []byte(":"))
		name = bytes.TrimRight(name, " \t")
		if !ok || !bytes.EqualFold(name, []byte("content-length")) && !bytes.EqualFold(name, []byte("l")) {
			continue
		}
		v, err := strconv.ParseUint(string(bytes.TrimSpace(value)), 10, 31)
		if err != nil || known && int(v) != n {
			return 0, false
		}
		n, known = int(v), true
	}
	return n, known
}

// lengthless handles a head without a usable Content-Length, which RFC 3261
// §18.3 demands on a stream. We cannot know where its body ends, but the next
// message begins with a start line, so we look for one. Closing instead would
// let one bad message of a stranger, relayed by the server, end everything.
func (f *framer) lengthless(head []byte) (frame, error) {
	start, _, _ := bytes.Cut(head, []byte("\n"))
	if isResponseLine(start) && !hasHeader(head, "content-length", "l") && !hasHeader(head, "content-type", "c") {
		return frame{head: head}, f.atRest() // tolerated: it has no body and says so by having no type
	}
	f.lost = true
	return frame{head: head, fault: &fault{400, "Bad or Missing Content-Length"}}, f.atRest()
}

// resync drops what comes up to the next start line, within reason. There is
// no deadline: what came may be the end of a body after which nothing follows.
func (f *framer) resync() error {
	for dropped := 0; dropped <= maxMessage; {
		rest := f.buf[f.start:]
		line, _, whole := bytes.Cut(rest, []byte("\n"))
		switch {
		case bytes.HasPrefix(rest, []byte("\r\n\r\n")):
			f.start += 4
			f.ping()
			continue
		case !whole && len(rest) > maxMessage:
			return errNoResync
		case !whole:
			if err := f.fill(); err != nil {
				return err
			}
			continue
		}
		if at := startLineIn(line); at >= 0 {
			f.start += at
			f.lost = false
			return nil
		}
		f.start += len(line) + 1
		dropped += len(line) + 1
	}
	return errNoResync
}

// oversized reads past a body that is too large, if that is bearable.
func (f *framer) oversized(head []byte, length int) (frame, error) {
	if length > max(maxSkip, 2*f.limit) {
		return frame{}, fmt.Errorf("the other side announced a message of %d bytes", length)
	}
	for length > 0 {
		n := min(length, len(f.buf)-f.start)
		f.start += n
		if length -= n; length == 0 {
			break
		}
		if err := f.fill(); err != nil {
			return frame{}, err
		}
	}
	return frame{head: head, fault: &fault{513, "Message Too Large"}}, f.atRest()
}

// fill reads more bytes. Once a message has begun it must end in time, so that
// nobody can hold a connection's memory by sending a byte now and then.
func (f *framer) fill() error {
	if f.start > 0 {
		f.buf = f.buf[:copy(f.buf, f.buf[f.start:])]
		f.start = 0
	}
	if len(f.buf) > 0 && !f.lost && (!f.deadline || len(f.buf) >= f.renew) {
		f.deadline, f.renew = true, len(f.buf)+maxMessage
		if err := f.nc.SetReadDeadline(time.Now().Add(messageTimeout)); err != nil {
			return err
		}
	}
	if len(f.buf) == cap(f.buf) {
		f.buf = append(make([]byte, 0, max(smallBuffer, 2*cap(f.buf))), f.buf...)
	}
	n, err := f.nc.Read(f.buf[len(f.buf):cap(f.buf)])
	f.buf = f.buf[:len(f.buf)+n]
	if n > 0 {
		f.read()
		return nil // an error comes again at the next read
	}
	if errors.Is(err, os.ErrDeadlineExceeded) && f.deadline {
		return errIncomplete
	}
	return err
}

// atRest is called between messages: the deadline is lifted and a buffer that
// a large message has grown is given back.
func (f *framer) atRest() error {
	if f.start == len(f.buf) {
		f.start, f.buf = 0, f.buf[:0]
		if cap(f.buf) > smallBuffer {
			f.buf = nil
		}
	}
	if !f.deadline {
		return nil
	}
	f.deadline = false
	return f.nc.SetReadDeadline(time.Time{})
}

// isResponseLine tells the first line of a response.
func isResponseLine(line []byte) bool {
	return len(line) > 4 && bytes.EqualFold(line[:4], []byte("SIP/"))
}

// startLineIn finds where in line a start line begins, or -1. The bytes before
// it are the end of a body that has no line end of its own.
func startLineIn(line []byte) int {
	line = bytes.TrimRight(line, "\r")
	if i := bytes.Index(line, []byte("SIP/2.0 ")); i >= 0 {
		return i
	}
	head, ok := bytes.CutSuffix(line, []byte(" SIP/2.0"))
	if !ok {
		return -1
	}
	i := bytes.LastIndexByte(head, ' ')
	if i < 0 {
		return -1
	}
	head = head[:i]
	for _, m := range [...]string{"INVITE", "ACK", "BYE", "CANCEL", "REGISTER", "OPTIONS", "SUBSCRIBE", "BENOTIFY", "NOTIFY",
		"MESSAGE", "INFO", "PUBLISH", "UPDATE", "REFER", "PRACK", "SERVICE"} {
		if bytes.HasSuffix(head, []byte(m)) {
			return len(head) - len(m)
		}
	}
	return -1
}

// hasHeader tells whether head has a header of one of these lower-case names.
func hasHeader(head []byte, names ...string) bool {
	for line := range bytes.Lines(head) {
		name, _, ok := bytes.Cut(line, []byte(":"))
		for _, n := range names {
			if ok && bytes.EqualFold(bytes.TrimRight(name, " \t"), []byte(n)) {
				return true
			}
		}
	}
	return false
}
