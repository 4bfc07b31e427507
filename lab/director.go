package lab

import (
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"

	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

// director redirects every client to the front ends (RFC 3261 §8.3), as an
// LCS director or a Kamailio with a redirecting script does. It holds nothing.
type director struct {
	contacts string // one Contact value, comma separated
	log      *slog.Logger

	mu      sync.Mutex
	stopped bool
	open    map[net.Conn]struct{}
}

// newDirector makes a director; targets are Contact values in order of
// preference, e.g. <sip:fe1.contoso.test:5061;transport=tls>.
func newDirector(targets []string, log *slog.Logger) *director {
	for i := range targets {
		if i > 0 { // the first has q 1, by leaving it out (Kamailio 5.6)
			targets[i] = fmt.Sprintf("%s;q=%.2g", targets[i], max(0.1, 1-0.5*float64(i)))
		}
	}
	return &director{contacts: strings.Join(targets, ", "), log: log, open: map[net.Conn]struct{}{}}
}

// serve is like frontEnd.serve.
func (d *director) serve(nc net.Conn, transport string) {
	d.mu.Lock()
	stopped := d.stopped
	if !stopped {
		d.open[nc] = struct{}{}
	}
	d.mu.Unlock()
	if stopped {
		reset(nc)
		return
	}
	c := sipconn.New(nc, sipconn.Options{UserAgent: "Communicator lab director", Handle: d.handle, Log: d.log})
	<-c.Done()
	d.mu.Lock()
	delete(d.open, nc)
	d.mu.Unlock()
}

func (d *director) handle(in *sipconn.Incoming) {
	if in.Request.IsAck() {
		return
	}
	if r := strict(in.Request); r != nil {
		_ = in.Reply(r.code, r.reason, sipconn.Body{}) // a lost client needs no answer
		return
	}
	_ = in.Reply(302, "Redirected to pool", sipconn.Body{}, sip.NewHeader("Contact", d.contacts)) // as above
}

// stop and start are like those of a front end.
func (d *director) stop() {
	d.mu.Lock()
	d.stopped = true
	open := make([]net.Conn, 0, len(d.open))
	for nc := range d.open {
		open = append(open, nc)
	}
	d.mu.Unlock()
	for _, nc := range open {
		reset(nc)
	}
}

func (d *director) start() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopped = false
}
