package simple

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"communicator/wire/pidf"
	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

// decideTime is how long writing the list may take; then each is watched by himself.
const decideTime = 5 * time.Second

// startList writes the list of those who are wanted and subscribes to it. It
// returns when it is known whether the server does lists; if it does not, there
// are none on this connection.
func (w *watcher) startList(ctx context.Context, conn *sipconn.Conn) {
	w.mu.Lock()
	want, old := append([]string(nil), w.order...), w.list
	w.mu.Unlock()
	people, err := w.writeListSoon(ctx, want)
	if err == nil {
		err = w.subscribeList(ctx, conn, people)
	}
	if ctx.Err() != nil || ended(conn) {
		return
	}
	if err != nil {
		w.s.o.Log.Info("no list subscription: each contact is watched by itself", "reason", err)
		w.mu.Lock()
		w.noLists = w.ctx == ctx
		w.mu.Unlock()
		return // people in an old list stay there
	}
	if old != nil {
		old.cancel()
	}
}

// writeListSoon is writeList, but states do not wait long for it.
func (w *watcher) writeListSoon(ctx context.Context, want []string) (map[string]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, decideTime)
	defer cancel()
	return w.writeList(ctx, want)
}

// subscribeList starts a list subscription and waits for the server's verdict.
func (w *watcher) subscribeList(ctx context.Context, conn *sipconn.Conn, people map[string]bool) error {
	l := &listing{w: w, conn: conn, people: people, decided: make(chan error, 1), silent: map[string]bool{}, lacking: map[string]bool{}, told: map[string]uint32{},
		refresh: make(chan struct{}, 1), alone: map[string]bool{}, offline: map[string]bool{}}
	l.ctx, l.cancel = context.WithCancel(ctx)
	w.mu.Lock()
	old := w.list
	w.list = l // before the SUBSCRIBE: a NOTIFY may overtake its answer
	group := w.group
	w.mu.Unlock()
	group.Go(l.run) // ends with l.ctx or conn
	select {
	case err := <-l.decided:
		if err == nil {
			return nil
		}
		l.cancel()
		w.mu.Lock()
		if w.list == l {
			w.list = old
		}
		w.mu.Unlock()
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run subscribes and says, when that has ended, what is to come now.
func (l *listing) run() {
	w := l.w
	err := l.conn.Subscribe(l.ctx, sipconn.Subscription{
		To: w.s.serviceURI(), Event: presencePkg, Expires: watchFor,
		Accept:   []string{pidf.ContentType, pidf.ContentTypeRLMI, "multipart/related"},
		Headers:  []sip.Header{sip.NewHeader("Supported", "eventlist")}, // RFC 4662 §4.1
		Accepted: l.accepted,
		Notify:   l.notify,
		Lapsed:   func() { l.forget() },
		Refresh:  l.refresh,
		Late:     true,
	})
	l.decide(fmt.Errorf("list subscription: %w", orLost(err)))
	w.mu.Lock()
	l.stopTimer()
	current := l.taken && w.list == l && w.ctx != nil && w.ctx.Err() == nil
	if current {
		w.list = nil
		var refused *sipconn.StatusError
		var over *sipconn.EndedError
		w.noLists = errors.As(err, &refused) || errors.As(err, &over)
	}
	w.mu.Unlock()
	if current && !ended(l.conn) {
		l.forget()
		w.changed()
	}
}

func orLost(err error) error {
	if err == nil {
		return sipconn.ErrLost
	}
	return err
}

// decide tells subscribeList what came out; only the first word counts.
func (l *listing) decide(err error) {
	select {
	case l.decided <- err:
	default:
	}
}

// accepted looks whether the server took the subscription as one to a list. One
// that does not know lists takes it as one to a person (RFC 4662 §4.4 demands
// Require: eventlist; Kamailio 5.6 does so).
func (l *listing) accepted(res *sip.Response) {
	for _, h := range res.GetHeaders("Require") {
		for _, tag := range strings.Split(h.Value(), ",") {
			if strings.EqualFold(strings.TrimSpace(tag), "eventlist") {
				l.w.mu.Lock()
				l.taken = true
				l.w.mu.Unlock()
				l.decide(nil)
				return
			}
		}
	}
	l.decide(errors.New("the server took it as a subscription to a person"))
}

// forget reports that nothing is known of the people in the list.
func (l *listing) forget() {
	l.w.mu.Lock()
	for _, u := range l.w.order {
		if l.people[u] && !l.alone[u] {
			l.report(u, unknown())
		}
	}
	l.seq, l.asked, l.twice = sequence{}, false, false
	clear(l.told)
	clear(l.silent)
	clear(l.lacking)
	clear(l.offline)
	l.stopTimer()
	l.w.mu.Unlock()
	l.w.s.tell.Flush()
}
