package simple

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"communicator/presence"
	"communicator/wire/pidf"
	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

const (
	// Kamailio 5.6 lists people who publish nothing without any instance, just
	// as those whose state has not come yet. Who is still so when nothing more
	// came for this long is offline.
	listQuiet    = time.Second
	listQuietMax = 5 * time.Second // after they were listed, however much comes

	gapRest    = time.Minute     // a list is not started anew more often because of a gap
	decideTime = 5 * time.Second // for writing the list; then each is watched by himself
	tooSilent  = 20              // a list of more people than that of whom nothing at all comes does not work
)

// listing is one list subscription (RFC 4662).
type listing struct {
	w       *watcher
	ctx     context.Context // of this subscription
	cancel  context.CancelFunc
	people  map[string]bool // who is in the list; never changes
	decided chan error      // nil: the server has list subscriptions

	// What follows is guarded by w.mu.
	taken   bool // the server took it as a list
	heard   bool // a NOTIFY came
	spoke   bool // a state came
	version uint32
	started time.Time       // of the first NOTIFY
	silent  map[string]bool // who has been listed without any state
	since   time.Time       // when the first of the silent was listed
	quiet   *time.Timer     // fires when the silent are to be called offline
}

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
	l := &listing{w: w, people: people, decided: make(chan error, 1), silent: map[string]bool{}}
	l.ctx, l.cancel = context.WithCancel(ctx)
	w.mu.Lock()
	old := w.list
	w.list = l // before the SUBSCRIBE: a NOTIFY may overtake its answer
	w.mu.Unlock()
	go l.run(conn) // ends with l.ctx or conn
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
func (l *listing) run(conn *sipconn.Conn) {
	w := l.w
	err := conn.Subscribe(l.ctx, sipconn.Subscription{
		To: w.s.serviceURI(), Event: presencePkg, Expires: watchFor,
		Accept:   []string{pidf.ContentType, pidf.ContentTypeRLMI, "multipart/related"},
		Headers:  []sip.Header{sip.NewHeader("Supported", "eventlist")}, // RFC 4662 §4.1
		Accepted: l.accepted,
		Notify:   l.notify,
		Lapsed:   func() { l.forget() },
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
	if current && !ended(conn) {
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
	var who []string
	for _, u := range l.w.order {
		if l.people[u] {
			who = append(who, u)
		}
	}
	l.heard = false
	l.stopTimer()
	l.w.mu.Unlock()
	for _, u := range who {
		l.report(u, unknown())
	}
}

// report reports a state that came by this list, unless it has ended or has
// been replaced.
func (l *listing) report(user string, state presence.State) {
	l.w.mu.Lock()
	wanted := l.w.want[user] && l.w.ctx != nil && l.w.ctx.Err() == nil && (l.w.list == l || l.w.list == nil)
	l.w.mu.Unlock()
	if wanted {
		l.w.s.report(user, state)
	}
}

// notify takes a NOTIFY for the list.
func (l *listing) notify(r *sip.Request) {
	if s := subscriptionState(r); s != "active" || len(r.Body()) == 0 {
		return
	}
	ct := ""
	if h := r.GetHeader("Content-Type"); h != nil {
		ct = h.Value()
	}
	n, err := pidf.ParseNotify(ct, r.Body())
	if err != nil {
		l.w.s.o.Log.Warn("list notification not understood", "error", err)
		return
	}
	newer, gap := l.follows(n.RLMI)
	if !newer {
		return
	}
	now := l.w.s.o.Now()
	states, silent := readMembers(n.Members(), now)
	for _, m := range states {
		l.report(m.user, m.state)
	}
	l.wait(states, silent, now)
	if gap {
		l.anew(now)
	}
}

// follows looks at the version (RFC 4662 §5.2): whether r is newer than what is
// known, and whether something between is missing.
func (l *listing) follows(r pidf.RLMI) (newer, gap bool) {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	gap = l.heard && !r.FullState && r.Version > l.version+1
	switch {
	case !l.heard:
		l.started = l.w.s.o.Now()
	case !r.FullState && r.Version <= l.version:
		return false, false
	}
	l.heard, l.version = true, r.Version
	return true, gap
}

// anew subscribes to the list once more, for that brings the full state.
func (l *listing) anew(now time.Time) {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	if l.w.list == l && now.Sub(l.started) >= gapRest {
		l.w.list = nil
		l.cancel()
		l.w.changed()
	}
}

// wait remembers who is listed without a state and sets the time at which they
// are called offline.
func (l *listing) wait(known []member, silent []string, now time.Time) {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	for _, m := range known {
		l.spoke = true
		delete(l.silent, m.user)
	}
	if len(l.silent) == 0 {
		l.since = now
	}
	for _, u := range silent {
		l.silent[u] = true
	}
	l.stopTimer()
	if len(l.silent) == 0 || l.ctx.Err() != nil {
		return
	}
	rest := max(0, min(listQuiet, l.since.Add(listQuietMax).Sub(now)))
	l.quiet = time.AfterFunc(rest, l.callOffline) // stopped by stopTimer
}

// stopTimer stops waiting for the silent; w.mu is held.
func (l *listing) stopTimer() {
	if l.quiet != nil {
		l.quiet.Stop()
		l.quiet = nil
	}
}

// callOffline reports those of whom nothing came. If nothing came of anybody
// the states were perhaps too much for one NOTIFY (Kamailio 5.6 without
// max_notify_body_length): then each is watched by himself.
func (l *listing) callOffline() {
	l.w.mu.Lock()
	if !l.spoke && len(l.people) > tooSilent && l.w.list == l {
		l.w.noLists, l.w.list = true, nil
		l.w.mu.Unlock()
		l.cancel()
		l.w.changed()
		return
	}
	var who []string
	for _, u := range l.w.order {
		if l.silent[u] {
			who = append(who, u)
		}
	}
	clear(l.silent)
	live := l.heard && l.ctx.Err() == nil
	l.w.mu.Unlock()
	for _, u := range who {
		if live {
			l.report(u, presence.State{Availability: presence.Offline, Seen: l.w.s.o.Now()})
		}
	}
}
