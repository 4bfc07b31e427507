package simple

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"communicator/contacts"
	"communicator/presence"
	"communicator/wire/pidf"
	"communicator/wire/sipconn"
)

// peer is the server's end of the connection: it speaks raw text.
type peer struct {
	t    testing.TB
	nc   net.Conn
	got  chan message
	conn *sipconn.Conn

	closed atomic.Bool
}

// message is what the peer received.
type message struct {
	start string
	h     textproto.MIMEHeader
	body  string
}

func (m message) String() string { return fmt.Sprintf("%s %v\n%s", m.start, m.h, m.body) }

// connect makes a connection to a new peer and puts it on the line.
func connect(t testing.TB, line *sipconn.Line) *peer {
	t.Helper()
	ours, theirs := net.Pipe() // the peer reads all the time, so that it behaves as if it had a buffer
	p := &peer{t: t, nc: theirs, got: make(chan message, 10000)}
	p.conn = sipconn.New(ours, sipconn.Options{Self: "anna@contoso.test", MaxMessage: pidf.MaxSize})
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
	defer close(p.got)
	for {
		start, err := r.ReadLine()
		if err != nil {
			return
		}
		h, err := r.ReadMIMEHeader()
		if err != nil && p.closed.Load() {
			return // the connection was closed in the middle
		}
		if err != nil {
			p.t.Errorf("the client wrote a bad header: %v", err)
			return
		}
		n, _ := strconv.Atoi(h.Get("Content-Length"))
		body := make([]byte, n)
		_, _ = io.ReadFull(r.R, body)
		p.got <- message{start, h, string(body)}
	}
}

// next is the next request from the client; answers to NOTIFYs are passed over.
func (p *peer) next() message {
	p.t.Helper()
	for {
		select {
		case m, ok := <-p.got:
			if !ok {
				p.t.Fatal("the connection ended")
			}
			if !strings.HasPrefix(m.start, "SIP/2.0") {
				return m
			}
		case <-time.After(48 * time.Hour):
			p.t.Fatal("the client sent nothing")
		}
	}
}

// requests is what the client has sent so far and nobody has looked at.
func (p *peer) requests() (all []message) {
	synctest.Wait()
	for len(p.got) > 0 {
		if m, ok := <-p.got; ok && !strings.HasPrefix(m.start, "SIP/2.0") {
			all = append(all, m)
		}
	}
	return all
}

// quiet fails if the client has sent a request.
func (p *peer) quiet() {
	p.t.Helper()
	for _, m := range p.requests() {
		p.t.Fatalf("the client sent %v", m)
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
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %s\r\n", status)
	for _, name := range []string{"Via", "From", "Call-Id", "Cseq"} {
		fmt.Fprintf(&b, "%s: %s\r\n", name, m.h.Get(name))
	}
	to := m.h.Get("To")
	if !strings.Contains(to, "tag=") {
		to += ";tag=far"
	}
	fmt.Fprintf(&b, "To: %s\r\n", to)
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	b.WriteString("Content-Length: 0\r\n\r\n")
	p.send(b.String())
}

// subscribed answers a SUBSCRIBE as Kamailio 5.6 does.
func (p *peer) subscribed(m message, headers ...string) {
	p.t.Helper()
	p.answer(m, "200 OK", append(headers, "Expires: "+m.h.Get("Expires"), "Contact: <sip:presence@192.0.2.9:5060>")...)
}

var count atomic.Int64

// notify sends a NOTIFY in the dialog of a SUBSCRIBE.
func (p *peer) notify(m message, state, contentType, body string) {
	p.t.Helper()
	p.send(notifyText(m, state, contentType, body))
}

func notifyText(m message, state, contentType, body string) string {
	n := count.Add(1)
	h := ""
	if contentType != "" {
		h = "Content-Type: " + contentType + "\r\n"
	}
	return fmt.Sprintf("NOTIFY sip:anna@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/TLS fe1.contoso.test;branch=z9hG4bKn%d\r\nMax-Forwards: 69\r\n"+
		"From: %s;tag=far\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d NOTIFY\r\nContact: <sip:presence@192.0.2.9:5060>\r\nEvent: %s\r\n"+
		"Subscription-State: %s\r\n%sContent-Length: %d\r\n\r\n%s",
		n, bareTo(m), m.h.Get("From"), m.h.Get("Call-Id"), n, m.h.Get("Event"), state, h, len(body), body)
}

func bareTo(m message) string { to, _, _ := strings.Cut(m.h.Get("To"), ";tag="); return to }

// record is a Server whose news are kept.
type record struct {
	*Server
	line *sipconn.Line

	mu       sync.Mutex
	lists    []contacts.List
	doubts   []*contacts.Doubt
	watchers []string
	states   []string // "bob@contoso.test busy meeting note"
	latest   map[string]presence.State
}

func newRecord(o Options) *record {
	r := &record{line: &sipconn.Line{}, latest: map[string]presence.State{}}
	if o.Line = r.line; o.Self == "" {
		o.Self = "anna@contoso.test"
	}
	o.Sink = Sink{
		Contacts: func(l contacts.List) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.lists = append(r.lists, l)
		},
		Doubt: func(d *contacts.Doubt) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.doubts = append(r.doubts, d)
		},
		Watcher: func(user, name, status string) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.watchers = append(r.watchers, user+" "+name+" "+status)
		},
		Presence: func(user string, s presence.State) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.latest[user] = s
			r.states = append(r.states, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", user, s.Availability, s.Activity, s.Note)))
		},
	}
	r.Server = New(o)
	r.watcher.minList = 1 // one person shows what a list does
	return r
}

// news is what Sink.Presence got since it was asked last.
func (r *record) news() string {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	s := strings.Join(r.states, "; ")
	r.states = nil
	return s
}

// store is an XCAP server: documents by path, entity tags, conditions.
type store struct {
	mu       sync.Mutex
	docs     map[string]string
	tag      int
	requests []string
	before   func(r *http.Request) *http.Response // nil: as usual
}

func (s *store) client() *http.Client { return &http.Client{Transport: s} }

func (s *store) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.Method+" "+r.URL.Path)
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	if s.before != nil {
		if res := s.before(r); res != nil {
			return res, nil
		}
	}
	doc, ok := s.docs[r.URL.Path]
	tag := fmt.Sprintf(`"%d"`, s.tag)
	switch {
	case r.Method == "GET" && !ok:
		return response(404, "", ""), nil
	case r.Method == "GET" && r.Header.Get("If-None-Match") == tag:
		return response(304, tag, ""), nil
	case r.Method == "GET":
		return response(200, tag, doc), nil
	case r.Header.Get("If-Match") != "" && (r.Header.Get("If-Match") != tag || !ok), r.Header.Get("If-None-Match") == "*" && ok:
		return response(412, "", ""), nil
	}
	s.docs[r.URL.Path] = string(body)
	s.tag++
	return response(200, fmt.Sprintf(`"%d"`, s.tag), ""), nil
}

func response(status int, tag, body string) *http.Response {
	return &http.Response{StatusCode: status, Status: fmt.Sprint(status, " ", http.StatusText(status)),
		Header: http.Header{"Etag": {tag}}, Body: io.NopCloser(bytes.NewReader([]byte(body)))}
}
