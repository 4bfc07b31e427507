package lab

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"
)

// newcomers makes a pool with n people and nobody signed in.
func newcomers(b *testing.B, n int) (*pool, *frontEnd) {
	all := make([]account, n)
	for i := range all {
		all[i] = account{address: fmt.Sprintf("u%d@contoso.test", i), name: fmt.Sprint("User ", i), password: fmt.Sprintf("u%d-pw", i)}
	}
	p := newPool("contoso.test", all, nil, nil)
	fe := newFrontEnd(p, "fe1.contoso.test", 5061)
	b.Cleanup(func() {
		fe.stop()
		p.close()
	})
	return p, fe
}

// arrive signs number i in: two REGISTERs, PUBLISH, and the winfo subscription
// when all is set.
func arrive(b *testing.B, fe *frontEnd, i int, all bool) *peer {
	client, server := newPipe(&net.TCPAddr{IP: caller, Port: 40000}, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 5061})
	go fe.serve(server, "TCP") // ends with the connection
	b.Cleanup(func() { client.Close() })
	p := &peer{t: b, user: fmt.Sprint("u", i), nc: client, in: bufio.NewReaderSize(client, 512), id: token()[:6]}
	if res := p.register(`;+sip.instance="<urn:uuid:1>";reg-id=1`); !strings.HasPrefix(res, "SIP/2.0 200 ") {
		b.Fatal(res)
	}
	if all {
		p.publish(strings.ReplaceAll(alicePIDF, "alice", p.user), "")
		p.subscribe(p.user, "\nEvent: presence.winfo")
	}
	return p
}

// BenchmarkSignIn: one sign-in is connecting, REGISTER, 401 and REGISTER with
// the answer, over a connection in memory without TLS.
func BenchmarkSignIn(b *testing.B) {
	_, fe := newcomers(b, b.N)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		arrive(b, fe, i, false)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sign-ins/s")
}

// BenchmarkSignInTLS is the same with TLS 1.3, both ends on this machine.
func BenchmarkSignInTLS(b *testing.B) {
	c, err := New(Options{People: max(b.N, 200), Still: true})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	people := c.People()
	config := &tls.Config{RootCAs: c.Roots(), ServerName: "contoso.test"}
	b.ResetTimer()
	for i := range b.N {
		nc, err := c.Dial(b.Context(), "tcp", "fe1.contoso.test:5061")
		if err != nil {
			b.Fatal(err)
		}
		secure := tls.Client(nc, config)
		defer secure.Close()
		name, _, _ := strings.Cut(people[i].User, "@")
		p := &peer{t: b, user: name, password: people[i].Password, nc: secure, in: bufio.NewReaderSize(secure, 512), id: token()[:6]}
		if res := p.register(""); !strings.HasPrefix(res, "SIP/2.0 200 ") {
			b.Fatal(res)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sign-ins/s")
}

// BenchmarkUserMemory: what a user who is signed in, has published and hears of
// watchers holds in the lab, the test's end of the connection included.
func BenchmarkUserMemory(b *testing.B) {
	const users = 2000
	for range b.N {
		_, fe := newcomers(b, users)
		before := inUse()
		peers := make([]*peer, users)
		for i := range peers {
			peers[i] = arrive(b, fe, i, true)
		}
		time.Sleep(10 * time.Millisecond) // let the last answers be taken
		b.ReportMetric(float64(inUse()-before)/users, "B/user")
		runtime.KeepAlive(peers)
	}
}

// inUse is heap and stacks after a collection.
func inUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// BenchmarkMessage: from one client through the proxy to another and back.
func BenchmarkMessage(b *testing.B) {
	_, fe := newcomers(b, 2)
	from, to := arrive(b, fe, 0, false), arrive(b, fe, 1, false)
	go func() {
		for {
			m, err := to.read()
			if err != nil {
				return
			}
			to.answer(m, "200 OK")
		}
	}()
	b.ResetTimer()
	for range b.N {
		if res := from.ask("MESSAGE sip:u1@contoso.test SIP/2.0\n~\nContent-Type: text/plain\n\nhello"); !strings.HasPrefix(res, "SIP/2.0 200 ") {
			b.Fatal(res)
		}
	}
}

// BenchmarkNotify: a change of state reaches 200 watchers of one list each.
func BenchmarkNotify(b *testing.B) {
	const watchers = 200
	p, fe := newcomers(b, watchers+1)
	heard := make(chan struct{}, watchers)
	for i := range watchers {
		w := arrive(b, fe, i+1, false)
		w.subscribe("u0", "")
		go func() {
			for {
				m, err := w.read()
				if err != nil {
					return
				}
				w.answer(m, "200 OK")
				heard <- struct{}{}
			}
		}()
	}
	b.ResetTimer()
	for i := range b.N {
		p.publishLocal("u0@contoso.test", []byte(strings.Replace(alicePIDF, "Lyon", fmt.Sprint(i), 1)))
		for range watchers {
			<-heard
		}
	}
	b.ReportMetric(float64(b.N*watchers)/b.Elapsed().Seconds(), "NOTIFYs/s")
}
