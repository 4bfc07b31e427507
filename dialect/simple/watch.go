package simple

import (
	"context"
	"strings"
	"sync"
	"time"

	"communicator/presence"
	"communicator/wire/pidf"
	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

const (
	watchFor    = time.Hour        // asked for; the server's answer decides
	maxAtOnce   = 16               // subscriptions being set up at the same time
	maxSingles  = 10               // people beside the list before it is written anew
	tryAgain    = 30 * time.Minute // after a subscription was refused
	presencePkg = "presence"
)

// watcher watches people: by one list subscription where the server has it,
// and by one subscription each for those who are not in the list.
//
// One goroutine for each connection, run, compares whom we want with whom we
// watch and makes up the difference.
type watcher struct {
	s    *Server
	wake chan struct{} // tells run that something has changed

	mu      sync.Mutex
	want    map[string]bool // whom to report
	order   []string        // the same, in order
	ctx     context.Context // that of Start
	group   *sync.WaitGroup // its goroutines
	noLists bool            // the server has no list subscriptions: found out on this connection
	list    *listing        // the running list subscription, or nil
	singles map[string]context.CancelFunc
	slots   chan struct{} // tokens for setting up a subscription
	minList int           // for fewer people no list is made: one that asks for himself does not touch the list of his other clients
}

func (w *watcher) init(s *Server) {
	w.s, w.wake, w.minList = s, make(chan struct{}, 1), 2
	w.want, w.singles = map[string]bool{}, map[string]context.CancelFunc{}
}

// start watches over conn until ctx ends; what was watched before is over.
func (w *watcher) start(ctx context.Context, conn *sipconn.Conn, group *sync.WaitGroup) {
	w.mu.Lock()
	w.ctx, w.group, w.list, w.noLists = ctx, group, nil, w.s.o.XCAP == ""
	w.singles, w.slots = map[string]context.CancelFunc{}, make(chan struct{}, maxAtOnce)
	w.mu.Unlock()
	group.Go(func() { w.run(ctx, conn) }) // ends with ctx or conn
}

// watch sets whom to watch.
func (w *watcher) watch(ctx context.Context, users []string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w.mu.Lock()
	w.want, w.order = make(map[string]bool, len(users)), w.order[:0:0]
	for _, u := range users {
		if u = address(u); strings.Contains(u, "@") && !w.want[u] {
			w.want[u] = true
			w.order = append(w.order, u)
		}
	}
	w.mu.Unlock()
	w.changed()
	return nil
}

// changed wakes run.
func (w *watcher) changed() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// run keeps the subscriptions as they are wanted.
func (w *watcher) run(ctx context.Context, conn *sipconn.Conn) {
	for {
		if w.listDue(ctx) {
			w.startList(ctx, conn)
		}
		w.fixSingles(ctx, conn)
		select {
		case <-ctx.Done():
			return
		case <-conn.Done():
			return
		case <-w.wake:
		}
	}
}

// mine says that ctx is still that of the current connection; w.mu is held.
func (w *watcher) mine(ctx context.Context) bool { return w.ctx == ctx && ctx.Err() == nil }

// listDue says that a list subscription is to be started: there is none, or
// too many people are not in it.
func (w *watcher) listDue(ctx context.Context) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.mine(ctx) || w.noLists || len(w.want) == 0 {
		return false
	}
	if w.list == nil {
		return len(w.want) >= w.minList
	}
	missing := 0
	for u := range w.want {
		if !w.list.people[u] {
			missing++
		}
	}
	return missing > maxSingles
}

// fixSingles starts and ends subscriptions to single people.
func (w *watcher) fixSingles(ctx context.Context, conn *sipconn.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.mine(ctx) {
		return
	}
	inList := func(u string) bool { return w.list != nil && w.list.people[u] && !w.list.alone[u] }
	for u, cancel := range w.singles {
		if !w.want[u] || inList(u) {
			cancel()
			delete(w.singles, u)
		}
	}
	for _, u := range w.order {
		if w.singles[u] != nil || inList(u) {
			continue
		}
		one, cancel := context.WithCancel(ctx)
		w.singles[u] = cancel
		w.group.Go(func() { w.watchOne(one, conn, u) }) // ends with its context or conn
	}
}

// watchOne watches one person until ctx or conn ends. After a refusal it asks
// again much later: who was blocked may be let in again.
func (w *watcher) watchOne(ctx context.Context, conn *sipconn.Conn, user string) {
	for {
		err := w.subscribeOne(ctx, conn, user)
		if ctx.Err() != nil || ended(conn) {
			return
		}
		w.reportIf(ctx, user, unknown())
		w.s.o.Log.Debug("not watched", "user", user, "error", err)
		timer := time.NewTimer(retryAfter(err, tryAgain))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-conn.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// subscribeOne subscribes to one person and returns when that has ended. It
// takes its turn among those that are being set up.
func (w *watcher) subscribeOne(ctx context.Context, conn *sipconn.Conn, user string) error {
	w.mu.Lock()
	slots := w.slots
	w.mu.Unlock()
	select {
	case slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-conn.Done():
		return conn.Err()
	}
	var once sync.Once
	free := func() { once.Do(func() { <-slots }) }
	defer free()
	return conn.Subscribe(ctx, sipconn.Subscription{
		To: user, Event: presencePkg, Accept: []string{pidf.ContentType}, Expires: watchFor,
		Accepted: func(*sip.Response) { free() },
		Lapsed: func() {
			free() // one that does not answer holds up nobody else
			w.reportIf(ctx, user, unknown())
		},
		Notify: func(r *sip.Request) {
			if state, ok := w.notified(user, r); ok {
				w.reportIf(ctx, user, state)
			}
		},
	})
}

// notified reads a NOTIFY about one person.
func (w *watcher) notified(user string, r *sip.Request) (presence.State, bool) {
	switch subscriptionState(r) {
	case "active":
		if kind := contentType(r); kind != "" && kind != pidf.ContentType {
			return presence.State{}, false
		}
		return readState(user, r.Body(), w.s.o.Now())
	case "pending":
		return unknown(), true // waits for his consent
	}
	return presence.State{}, false // its end is the subscription's business
}

// reportIf reports a state, unless ctx has ended or nobody wants it any more.
func (w *watcher) reportIf(ctx context.Context, user string, state presence.State) {
	w.mu.Lock()
	if w.want[user] && ctx.Err() == nil {
		w.s.report(user, state)
	}
	w.mu.Unlock()
	w.s.tell.Flush()
}

// ended says that conn has ended.
func ended(conn *sipconn.Conn) bool {
	select {
	case <-conn.Done():
		return true
	default:
		return false
	}
}

// subscriptionState is the state in Subscription-State (RFC 6665 §8.2.3).
func subscriptionState(r *sip.Request) string { return firstWord(r, "Subscription-State") }

// contentType is the media type of the body, without parameters.
func contentType(r *sip.Request) string { return firstWord(r, "Content-Type") }

// firstWord returns what stands before the parameters of a header.
func firstWord(r *sip.Request, name string) string {
	h := r.GetHeader(name)
	if h == nil {
		return ""
	}
	word, _, _ := strings.Cut(h.Value(), ";")
	return strings.ToLower(strings.TrimSpace(word))
}
