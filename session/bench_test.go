package session

import (
	"context"
	"testing"
	"time"

	"communicator/lab"
)

// BenchmarkSignIn signs in over real TLS on loopback, found by SRV, until
// registered ("registered-ms") and until the states of 200 contacts are shown
// ("states-ms"); "requests" are those of SIP.
func BenchmarkSignIn(b *testing.B) {
	co, err := lab.New(lab.Options{People: 460, Still: true})
	if err != nil {
		b.Fatal(err)
	}
	defer co.Close()
	ready, err := co.Listen("127.0.0.1", 0, b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	me := co.Newcomer()
	var registered, states time.Duration
	requests, bytes, contacts := 0, 0, 0
	for b.Loop() {
		c := &client{done: make(chan error, 1)}
		c.Session = New(Options{User: me.User, Password: func() (string, error) { return me.Password, nil }, Resolver: ready.Resolver, Roots: co.Roots()})
		ctx, stop := context.WithCancel(b.Context())
		begin := time.Now()
		go func() { c.done <- c.Run(ctx) }()
		if err := c.SignedIn(ctx); err != nil {
			b.Fatal(err)
		}
		registered += time.Since(begin)
		if err := c.Presence.Known(ctx); err != nil {
			b.Fatal(err)
		}
		states += time.Since(begin)
		requests += len(c.requests())
		contacts = len(c.Contacts.List().Users())
		for _, m := range c.Trace() {
			bytes += len(m.Message)
		}
		stop()
		<-c.done
	}
	n := float64(b.N)
	b.ReportMetric(float64(registered.Microseconds())/1000/n, "registered-ms")
	b.ReportMetric(float64(states.Microseconds())/1000/n, "states-ms")
	b.ReportMetric(float64(requests)/n, "requests")
	b.ReportMetric(float64(bytes)/n, "SIP-bytes")
	b.ReportMetric(float64(contacts), "contacts")
}
