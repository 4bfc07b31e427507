package autoconfig

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// asked is the look-up of one SRV name, perhaps still under way.
type asked struct {
	done    chan struct{}
	records []Record
	err     error
	took    time.Duration
}

// askAhead looks up all names from services[i] on at once, so that four names
// without a record cost one round trip. The look-ups end with ctx.
func (s *Search) askAhead(ctx context.Context, i int) {
	for _, service := range services[i:] {
		if s.srv[service.name] != nil {
			continue
		}
		a := &asked{done: make(chan struct{})}
		s.srv[service.name] = a
		go func() {
			defer close(a.done)
			begin := time.Now()
			a.records, a.err = s.dns.srv(ctx, service.name+"."+s.domain+".")
			a.took = time.Since(begin)
		}()
	}
}

// settle waits for the look-ups, whose context has ended, and forgets those
// that were cut off: they will be asked again.
func (s *Search) settle() {
	for name, a := range s.srv {
		if <-a.done; errors.Is(a.err, context.Canceled) || errors.Is(a.err, context.DeadlineExceeded) {
			delete(s.srv, name)
		}
	}
}

// expandSRV takes the answer for services[i] and queues its targets.
func (s *Search) expandSRV(ctx context.Context, i int) {
	service := services[i]
	name := service.name + "." + s.domain + "."
	a := s.srv[service.name]
	<-a.done
	if ctx.Err() != nil {
		s.next = i // asked again by the next Next
		return
	}
	st := Step{Step: "srv", Name: name, Answer: a.records, Took: a.took}
	if a.err != nil {
		st.Result, st.Text = dnsResult(a.err), a.err.Error()
		s.doubt = s.doubt || service.tls && st.Result != None
		s.step(st)
		return
	}
	records := usable(a.records)
	switch {
	case len(records) == 0 && slices.ContainsFunc(a.records, func(r Record) bool { return r.Target == "." }):
		// RFC 2782: a target of "." means that the service is decidedly not available.
		st.Result, st.Text = None, "says that this service is not offered here"
	case len(records) == 0:
		st.Result, st.Text = None, "names no server that can be used: "+short(listTargets(a.records))
	case !service.tls && !s.q.AllowTCP:
		st.Result, st.Text = Refused, "offers "+listTargets(records)+" without encryption, which is not allowed"
	case !service.tls && s.doubt:
		st.Result = Refused
		st.Text = "offers " + listTargets(records) + " without encryption; not used, because a name for encrypted connections could not be checked or trusted"
	default:
		st.Result, st.Text = Found, listTargets(records)
		s.queueRecords(records, service.tls, strings.TrimSuffix(name, "."))
	}
	s.step(st)
}

// usable leaves out what does not name a server.
func usable(records []Record) []Record {
	return slices.DeleteFunc(slices.Clone(records), func(r Record) bool {
		return !validHost(strings.TrimSuffix(r.Target, ".")) || r.Port == 0
	})
}

// queueRecords makes candidates of the records of one name.
func (s *Search) queueRecords(records []Record, secure bool, record string) {
	var last []candidate
	for _, r := range order(records, rand.IntN) {
		c := candidate{host: strings.TrimSuffix(r.Target, "."), port: r.Port, tls: secure, record: record, names: []string{s.domain}}
		if c.host != s.domain && inside(c.host, s.domain) {
			c.names = append(c.names, c.host)
		}
		if hostPort(c.host, c.port) == s.q.Avoid {
			last = append(last, c)
		} else {
			s.queue = append(s.queue, c)
		}
	}
	s.queue = append(s.queue, last...)
}

// order puts records in the order of RFC 2782: by priority, and within one by
// lot in proportion to the weight. intn draws a number from 0 to below n.
func order(records []Record, intn func(n int) int) []Record {
	rest := slices.Clone(records)
	// RFC 2782: those of weight 0 come first, so that they have a small chance.
	slices.SortStableFunc(rest, func(a, b Record) int {
		if a.Priority != b.Priority {
			return int(a.Priority) - int(b.Priority)
		}
		return min(int(a.Weight), 1) - min(int(b.Weight), 1)
	})
	var done []Record
	for len(rest) > 0 && len(done) < maxTargets {
		n, sum := 0, 0
		for n < len(rest) && rest[n].Priority == rest[0].Priority {
			sum += int(rest[n].Weight)
			n++
		}
		draw, i := intn(sum+1), 0
		for draw -= int(rest[0].Weight); draw > 0; draw -= int(rest[i].Weight) {
			i++
		}
		done = append(done, rest[i])
		rest = slices.Delete(rest, i, i+1)
	}
	return done
}

// listTargets names the first few targets.
func listTargets(records []Record) string {
	var names []string
	for i, r := range records {
		if i == 4 {
			names = append(names, fmt.Sprintf("and %d more", len(records)-i))
			break
		}
		names = append(names, hostPort(strings.TrimSuffix(r.Target, "."), r.Port))
	}
	return strings.Join(names, ", ")
}

func hostPort(host string, port uint16) string {
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}
