package session

import (
	"context"
	"fmt"
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

// BenchmarkThousandChanges makes 1,000 changes at once, two of each of 500
// watched people, over real TLS on loopback: until the last is shown ("all-ms").
func BenchmarkThousandChanges(b *testing.B) {
	const people = 500
	co, err := lab.New(lab.Options{People: people + 1, Still: true})
	if err != nil {
		b.Fatal(err)
	}
	defer co.Close()
	ready, err := co.Listen("127.0.0.1", 0, b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	me := co.Newcomer()
	want, news := "", make(chan bool, 1)
	shown := 0 // in Notify, one event at a time, and while nothing changes
	c := &client{done: make(chan error, 1)}
	c.Session = New(Options{User: me.User, Password: func() (string, error) { return me.Password, nil }, Resolver: ready.Resolver, Roots: co.Roots(),
		Notify: func(e any) {
			if p, is := e.(PresenceChanged); is && want != "" && p.State.Note == want {
				if shown++; shown == people {
					news <- true
				}
			}
		}})
	ctx, stop := context.WithCancel(b.Context())
	go func() { c.done <- c.Run(ctx) }()
	if err := c.SignedIn(ctx); err != nil {
		b.Fatal(err)
	}
	var users []string
	for _, p := range co.People() {
		if p.User != me.User {
			users = append(users, p.User)
		}
	}
	if err := c.Presence.Known(ctx, users...); err != nil {
		b.Fatal(err)
	}
	round := 0
	for b.Loop() {
		round++
		want, shown = fmt.Sprint("round ", round), 0
		for _, note := range []string{"first", want} {
			for _, u := range users {
				co.Do("state " + u + " busy " + note)
			}
		}
		<-news
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "all-ms")
	stop()
	<-c.done
}
