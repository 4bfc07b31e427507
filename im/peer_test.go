package im

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"communicator/wire/sipconn"
)

// peer is the other end of the connection: it speaks raw text.
type peer struct {
	t    *testing.T
	nc   net.Conn
	got  chan message
	conn *sipconn.Conn

	options   []string            // headers of the answer to OPTIONS; nil: it is not answered
	optionsOf map[string][]string // the same of one URI
	asked     atomic.Int32
	closed    atomic.Bool
}

// message is what the peer received.
type message struct {
	start string
	h     textproto.MIMEHeader
	body  string
}

// connect signs the line in to a new peer; b gets what comes.
func connect(t *testing.T, line *sipconn.Line, b *Book) *peer {
	t.Helper()
	ours, theirs := net.Pipe() // the peer reads all the time, so that it behaves as if it had a buffer
	p := &peer{t: t, nc: theirs, got: make(chan message, 10000)}
	p.conn = sipconn.New(ours, sipconn.Options{Self: "anna@contoso.test", MaxMessage: 1 << 20, Handle: func(in *sipconn.Incoming) {
		if !b.Handle(in) && !b.Invited(in) {
			_ = in.Reply(501, "Not Implemented", sipconn.Body{})
		}
	}})
	go p.read()
	line.Set(p.conn)
	t.Cleanup(p.close)
	return p
}

func (p *peer) close() {
	p.closed.Store(true)
	p.nc.Close()
	<-p.conn.Done()
}

func (p *peer) read() {
	r := textproto.NewReader(bufio.NewReader(p.nc))
	for {
		start, err := r.ReadLine()
		if err != nil {
			close(p.got)
			return
		}
		h, err := r.ReadMIMEHeader()
		if err != nil && p.closed.Load() {
			close(p.got)
			return // the connection was closed in the middle
		}
		if err != nil {
			p.t.Errorf("the client wrote a bad header: %v", err)
			close(p.got)
			return
		}
		n, _ := strconv.Atoi(h.Get("Content-Length"))
		body := make([]byte, n)
		_, _ = io.ReadFull(r.R, body)
		m := message{start, h, string(body)}
		if strings.HasPrefix(start, "OPTIONS ") {
			p.asked.Add(1)
			options := p.options
			if of := p.optionsOf[strings.Fields(start)[1]]; of != nil {
				options = of
			}
			if options != nil {
				answer := answerTo(m, "200 OK", options...)
				time.AfterFunc(time.Millisecond, func() { _, _ = io.WriteString(p.nc, answer) }) // the test may be over
			}
			continue
		}
		p.got <- m
	}
}

// next is the next message from the client.
func (p *peer) next() message {
	p.t.Helper()
	select {
	case m, ok := <-p.got:
		if !ok {
			p.t.Fatal("the connection ended")
		}
		return m
	case <-time.After(10 * time.Second):
		p.t.Fatal("the client sent nothing")
	}
	return message{}
}

// quiet fails if the client has sent something.
func (p *peer) quiet() {
	p.t.Helper()
	select {
	case m := <-p.got:
		p.t.Fatalf("the client sent %s", m.start)
	default:
	}
}

func (p *peer) send(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p.nc, text); err != nil {
		p.t.Fatal(err)
	}
}

// answer answers a request; headers are whole lines.
func (p *peer) answer(m message, status string, headers ...string) {
	p.t.Helper()
	p.send(answerTo(m, status, headers...))
}

func answerTo(m message, status string, headers ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %s\r\n", status)
	for _, name := range []string{"Via", "From", "Call-Id", "Cseq"} {
		fmt.Fprintf(&b, "%s: %s\r\n", name, m.h.Get(name))
	}
	fmt.Fprintf(&b, "To: %s;tag=far\r\n", m.h.Get("To"))
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	b.WriteString("Content-Length: 0\r\n\r\n")
	return b.String()
}

var branches atomic.Int64

// incoming is a MESSAGE as a server passes it on.
func incoming(id, contentType, body string, headers ...string) string {
	h := strings.Join(append(headers, "Content-Type: "+contentType), "\r\n")
	return fmt.Sprintf("MESSAGE sip:anna@192.0.2.1:5061;transport=tls SIP/2.0\r\n"+
		"Via: SIP/2.0/TLS fe1.contoso.test;branch=z9hG4bK%d\r\nMax-Forwards: 69\r\n"+
		"From: \"Bob\" <sip:bob@Contoso.test>;tag=1\r\nTo: <sip:anna@contoso.test>\r\n"+
		"Call-ID: %s\r\nCSeq: 1 MESSAGE\r\n%s\r\nContent-Length: %d\r\n\r\n%s",
		branches.Add(1), id, h, len(body), body)
}

// by is what incoming made, from somebody else.
func by(from, request string) string { return strings.Replace(request, "bob@Contoso.test", from, 1) }

// record is a book whose events are kept.
type record struct {
	*Book
	line   *sipconn.Line
	events chan any
}

func newRecord() *record {
	r := &record{line: &sipconn.Line{}, events: make(chan any, 100000)}
	r.Book = New(Options{Self: "anna@contoso.test", Line: r.line, Emit: func(e any) { r.events <- e }})
	return r
}

// next is the next event.
func (r *record) next(t *testing.T) any {
	t.Helper()
	select {
	case e := <-r.events:
		return e
	case <-time.After(10 * time.Second):
		t.Fatal("no event")
	}
	return nil
}

// sent starts Send and gives its result.
func sent(ctx context.Context, c *Conversation, text string) <-chan Message {
	done := make(chan Message, 1)
	go func() {
		m, _ := c.Send(ctx, text) // a test that sees no Delivered fails by that
		done <- m
	}()
	return done
}
