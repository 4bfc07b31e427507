package sipconn

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
)

// loopback returns the two ends of a TCP connection on this machine.
func loopback(b *testing.B) (net.Conn, net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	far, err := l.Accept()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}

// feed writes n messages while it takes care that no more than 1,000 are unanswered.
func feed(nc net.Conn, n int, text func(i int) string) (answers chan string) {
	answers = make(chan string, 64)
	window := make(chan struct{}, 1000)
	go func() {
		w := bufio.NewWriterSize(nc, 64<<10)
		for i := range n {
			select {
			case window <- struct{}{}:
			default:
				_ = w.Flush()
				window <- struct{}{}
			}
			_, _ = w.WriteString(text(i))
		}
		_ = w.Flush()
	}()
	go func() {
		defer close(answers)
		r := bufio.NewReader(nc)
		for seen := 0; seen < n; {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			if id, ok := strings.CutPrefix(line, "Call-ID: "); ok {
				answers <- strings.TrimSpace(id)
				seen++
				<-window
			}
		}
	}()
	return answers
}

// BenchmarkPipelined is one MESSAGE from the socket through the handler to the
// answer on the socket, with up to 1,000 under way.
func BenchmarkPipelined(b *testing.B) {
	near, far := loopback(b)
	wrong, next := 0, 0
	c := New(far, Options{Handle: func(in *Incoming) {
		if string(in.Request.Body()) != fmt.Sprint(next) {
			wrong++
		}
		next++
		ok(in)
	}})
	defer c.Close()
	b.ReportAllocs()
	b.ResetTimer()
	i := 0
	for id := range feed(near, b.N, func(i int) string {
		return wire(ask("MESSAGE", fmt.Sprint("m", i), "Content-Type: text/plain") + fmt.Sprint(i))
	}) {
		if id != fmt.Sprint("m", i) {
			wrong++
		}
		i++
	}
	if i != b.N {
		b.Fatalf("%d of %d answered: %v", i, b.N, c.Err())
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	b.ReportMetric(float64(wrong), "out-of-order")
}

// BenchmarkNotify is one NOTIFY with a presence document from the socket to
// the subscriber's Notify, answered.
func BenchmarkNotify(b *testing.B) {
	seed, err := os.ReadFile("testdata/messages/kamailio-notify.sip")
	if err != nil {
		b.Fatal(err)
	}
	_, body, _ := strings.Cut(string(seed), "\r\n\r\n")
	near, far := loopback(b)
	c := New(far, Options{Self: "alice@example.com"})
	defer c.Close()
	heard := 0
	sub := &subscription{conn: c, key: "s tag", tag: "tag", wake: make(chan struct{}, 1),
		s: &Subscription{Event: "presence", Expires: time.Hour, Notify: func(r *sip.Request) { heard += len(r.Body()) }}}
	c.join(sub)
	b.ReportAllocs()
	b.ResetTimer()
	for range feed(near, b.N, func(i int) string {
		return wire("NOTIFY sip:alice@127.0.0.1 SIP/2.0\nVia: SIP/2.0/TCP 10.0.0.1;branch=z9hG4bKn" + itoa(i) +
			"\nFrom: <sip:bob@example.com>;tag=peer\nTo: <sip:alice@example.com>;tag=tag\nCall-ID: s\nCSeq: " + itoa(i+1) +
			" NOTIFY\nMax-Forwards: 70\nContact: <sip:10.0.0.1;transport=tls>\nEvent: presence\nSubscription-State: active;expires=3599\nContent-Type: application/pidf+xml\n\n" + body)
	}) {
	}
	if heard != b.N*len(body) {
		b.Fatalf("%d bytes of %d", heard, b.N*len(body))
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "notifies/s")
}

// BenchmarkDo is one request and its answer between two connections, one at a time.
func BenchmarkDo(b *testing.B) {
	near, far := loopback(b)
	x, y := New(near, Options{Self: "x@example.com"}), New(far, Options{Handle: ok})
	defer x.Close()
	defer y.Close()
	b.ReportAllocs()
	for b.Loop() {
		r, _ := x.NewRequest("MESSAGE", "y@example.com", Text("hello"))
		if _, err := x.Do(b.Context(), r, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDrop is how long it takes from the end of a connection until 500
// waiting callers know.
func BenchmarkDrop(b *testing.B) {
	var worst time.Duration
	for b.Loop() {
		near, far := loopback(b)
		c := New(near, Options{Self: "x@example.com"})
		var sent, done sync.WaitGroup
		for range 500 {
			sent.Add(1)
			done.Go(func() {
				r, _ := c.NewRequest("MESSAGE", "y@example.com", Body{})
				sent.Done()
				if _, err := c.Do(b.Context(), r, nil); err == nil {
					b.Error("no error")
				}
			})
		}
		sent.Wait()
		_, _ = io.ReadAtLeast(far, make([]byte, 100_000), 50_000)
		at := time.Now()
		far.Close()
		done.Wait()
		worst = max(worst, time.Since(at))
	}
	b.ReportMetric(float64(worst.Microseconds())/1000, "worst-ms")
}

// BenchmarkParse is one message from its bytes to its typed headers.
func BenchmarkParse(b *testing.B) {
	for _, text := range seeds(b) {
		fs, _, _ := frames(text, 1<<20)
		name, _, _ := strings.Cut(string(text), " ")
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, fault := parse(fs[0]); fault != nil {
					b.Fatal(fault.reason)
				}
			}
		})
	}
}
