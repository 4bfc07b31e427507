package simple

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"communicator/presence"
	"communicator/wire/sipconn"
)

// BenchmarkNotifyToState is how fast presence comes from the socket to Sink:
// one operation is one person's state.
func BenchmarkNotifyToState(b *testing.B) {
	b.Run("one", func(b *testing.B) {
		r, p := benched(b, Options{}, "bob@contoso.test")
		m := p.next()
		p.subscribed(m)
		body := string(author{"bob@contoso.test", "d1", ""}.document(presence.State{Availability: presence.Busy, Activity: presence.Meeting, Note: "In Lyon"}, noon).Marshal())
		r.run(b, 1, func() string { return notifyText(m, "active;expires=3600", "application/pidf+xml", body) })
	})
	b.Run("list of 200", func(b *testing.B) {
		var users []string
		for i := range 200 {
			users = append(users, fmt.Sprintf("u%d@contoso.test", i))
		}
		r, p := benched(b, Options{XCAP: "https://x", HTTP: (&store{docs: map[string]string{}}).client()}, users...)
		m := p.next()
		p.subscribed(m, "Require: eventlist")
		version := 0
		r.run(b, len(users), func() string {
			var text strings.Builder
			for from := range 4 { // a server keeps each under 64 KB
				version++
				ct, body := listOf200(version, users[from*50:][:50])
				text.WriteString(notifyText(m, "active;expires=3600", ct, body))
			}
			return text.String()
		})
	})
}

// listOf200 is a part of the full state of a list, as Kamailio writes it.
func listOf200(version int, users []string) (contentType, body string) {
	var rlmi, parts strings.Builder
	for _, u := range users {
		fmt.Fprintf(&rlmi, "<resource uri=\"sip:%s\"><instance id=\"i\" state=\"active\" cid=\"%s\"/></resource>", u, u)
		doc := author{u, "d1", ""}.document(presence.State{Availability: presence.Busy, Activity: presence.Call, Note: "In Lyon"}, noon).Marshal()
		fmt.Fprintf(&parts, "--b\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <%s>\r\nContent-Type: application/pidf+xml\r\n\r\n%s\r\n", u, doc)
	}
	return `multipart/related;type="application/rlmi+xml";start="<l>";boundary=b`, fmt.Sprintf("--b\r\nContent-ID: <l>\r\nContent-Type: application/rlmi+xml\r\n\r\n"+
		`<list xmlns="urn:ietf:params:xml:ns:rlmi" uri="sip:l@x" version="%d" fullState="false">%s</list>`+"\r\n%s--b--\r\n", version, rlmi.String(), parts.String())
}

// benchRecord counts states.
type benchRecord struct {
	states chan struct{}
	p      *peer
}

func benched(b *testing.B, o Options, users ...string) (*benchRecord, *peer) {
	r := &benchRecord{states: make(chan struct{}, 1000)}
	o.Self, o.Line = "anna@contoso.test", &sipconn.Line{}
	o.Sink.Presence = func(string, presence.State) { r.states <- struct{}{} }
	s := New(o)
	r.p = connect(b, o.Line)
	ctx, cancel := context.WithCancel(context.Background())
	b.Cleanup(cancel)
	if err := s.Start(ctx); err != nil {
		b.Fatal(err)
	}
	if err := s.Watch(ctx, users); err != nil {
		b.Fatal(err)
	}
	return r, r.p
}

// run sends what notify makes until b.N states have come; each brings so many.
func (r *benchRecord) run(b *testing.B, each int, notify func() string) {
	go func() { // ends with the connection; the peer reads on only while its answers are taken
		for range r.p.got {
		}
	}()
	b.ReportAllocs()
	text := notify()
	b.SetBytes(int64(len(text) / each))
	b.ResetTimer()
	for done := 0; done < b.N; {
		if _, err := io.WriteString(r.p.nc, notify()); err != nil {
			b.Fatal(err)
		}
		for range each {
			<-r.states
		}
		done += each
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "states/s")
}
