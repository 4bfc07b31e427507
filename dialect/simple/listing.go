package simple

import (
	"context"
	"math/rand/v2"
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
	listQuiet    = 3 * time.Second
	listQuietMax = 8 * time.Second // after they were listed, however much comes

	gapRest   = time.Minute     // a list that loses notifications sooner does not work
	probes    = 2               // so many of the silent are asked for by themselves
	probeTime = 5 * time.Second // for the answer
)

// listing is one list subscription (RFC 4662).
type listing struct {
	w       *watcher
	conn    *sipconn.Conn
	ctx     context.Context // of this subscription
	cancel  context.CancelFunc
	people  map[string]bool // who is in the list; never changes
	decided chan error      // nil: the server has list subscriptions

	// What follows is guarded by w.mu.
	taken   bool            // the server took it as a list
	patient bool            // it has been waited for a second time
	alone   map[string]bool // who is in it, but is watched by himself: his state did not come
	seq     sequence
	told    map[string]uint32 // the version that told of a person last
	started time.Time         // of the first NOTIFY
	silent  map[string]bool   // who has been listed without any state
	since   time.Time         // when there was first something to wait for
	quiet   *time.Timer       // fires when nothing more came for a while
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
	states, silent := readMembers(n.Members(), l.w.s.o.Now())
	for _, m := range l.take(n.RLMI, states, silent) {
		l.report(m.user, m.state)
	}
}

// take notes what a notification says and returns the states that are newer
// than what is known of their person. Kamailio's processes send at the same
// time: a notification may overtake an earlier one.
func (l *listing) take(r pidf.RLMI, states []member, silent []string) (news []member) {
	now := l.w.s.o.Now()
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	if !l.seq.any {
		l.started = now
	}
	waited := len(l.silent) > 0 || !l.seq.whole()
	l.seq.take(r.Version, r.FullState)
	for _, m := range states {
		if at, ok := l.told[m.user]; ok && at > r.Version || l.alone[m.user] {
			continue
		}
		l.told[m.user] = r.Version
		delete(l.silent, m.user)
		news = append(news, m)
	}
	for _, u := range silent {
		if at, ok := l.told[u]; (!ok || at < r.Version) && !l.alone[u] {
			l.silent[u] = true
		}
	}
	if !waited {
		l.since = now
	}
	l.wait(now)
	return news
}

// wait sets the time at which nothing more is expected; w.mu is held.
func (l *listing) wait(now time.Time) {
	l.stopTimer()
	if (len(l.silent) == 0 && l.seq.whole()) || l.ctx.Err() != nil {
		return
	}
	rest := min(listQuiet, l.since.Add(listQuietMax).Sub(now))
	l.quiet = time.AfterFunc(max(0, rest), l.settle) // stopped by stopTimer
}

// stopTimer stops waiting; w.mu is held.
func (l *listing) stopTimer() {
	if l.quiet != nil {
		l.quiet.Stop()
		l.quiet = nil
	}
}

// settle draws the conclusion when nothing more came for a while. If a
// notification is missing the list is subscribed anew (RFC 4662 §5.2: full state
// is needed), or, if that happens at once, given up: its notifications are too
// large for the server (Kamailio 5.6 without max_notify_body_length loses those
// over its read buffer). Else those of whom nothing came are offline. But the
// server may be slow, and a notification that was lost last leaves no gap: two
// are asked for by themselves. If one of them has a state, there is a second
// wait; if that does not help either, all the silent are watched so.
func (l *listing) settle() {
	w := l.w
	now := w.s.o.Now()
	w.mu.Lock()
	live := l.ctx.Err() == nil && w.list == l
	lost, early := !l.seq.whole(), now.Sub(l.started) < gapRest
	who := l.silentNow()
	w.mu.Unlock()
	switch {
	case !live:
	case lost:
		l.giveUp(early)
	case !l.heardOf(who):
		l.callOffline(who)
	case l.waitMore():
	default:
		l.watchAlone(who)
	}
}

// waitMore waits once more, the first time it is asked.
func (l *listing) waitMore() bool {
	now := l.w.s.o.Now()
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	if l.patient {
		return false
	}
	l.patient, l.since = true, now
	l.wait(now)
	return true
}

// giveUp ends the list, unless another has taken its place; each says that
// none is to be tried again on this connection.
func (l *listing) giveUp(each bool) {
	w := l.w
	w.mu.Lock()
	mine := w.list == l
	if mine {
		w.list, w.noLists = nil, each
	}
	w.mu.Unlock()
	if mine {
		w.s.o.Log.Info("list notifications are lost", "each by himself", each)
		l.cancel()
		w.changed()
	}
}

// silentNow is of whom nothing came, in the order of the contacts; w.mu is held.
func (l *listing) silentNow() (who []string) {
	for _, u := range l.w.order {
		if l.silent[u] {
			who = append(who, u)
		}
	}
	return who
}

// callOffline reports those of whom still nothing came.
func (l *listing) callOffline(who []string) {
	for _, u := range who {
		l.w.mu.Lock()
		still := l.silent[u]
		delete(l.silent, u)
		l.w.mu.Unlock()
		if still {
			l.report(u, presence.State{Availability: presence.Offline, Seen: l.w.s.o.Now()})
		}
	}
}

// heardOf asks for some of the silent by themselves and says whether one of
// them has a state.
func (l *listing) heardOf(who []string) bool {
	ctx, cancel := context.WithTimeout(l.ctx, probeTime)
	defer cancel()
	for _, i := range rand.Perm(len(who))[:min(probes, len(who))] {
		var state presence.State
		_ = l.conn.Subscribe(ctx, sipconn.Subscription{ // no answer is no state
			To: who[i], Event: presencePkg, Accept: []string{pidf.ContentType},
			Notify: func(r *sip.Request) { state, _ = readState(who[i], r.Body(), l.w.s.o.Now()) },
		})
		if state.Reachable() {
			return true
		}
	}
	return false
}

// watchAlone has people watched one by one, though they are in the list.
func (l *listing) watchAlone(who []string) {
	l.w.mu.Lock()
	for _, u := range who {
		if l.silent[u] {
			delete(l.silent, u)
			l.alone[u] = true
		}
	}
	l.w.mu.Unlock()
	l.w.s.o.Log.Info("the list lacks states", "by themselves", len(who))
	l.w.changed()
}

// sequence tells whether notifications are missing (RFC 4662 §5.2: versions
// rise by one), though they may come in another order than they were sent.
type sequence struct {
	any, full bool            // one came; a full one came
	upto      uint32          // nothing is missing up to here
	ahead     map[uint32]bool // came already, but something before is missing
}

// maxAhead is how many may come before a missing one.
const maxAhead = 1000

// take notes that a version came.
func (q *sequence) take(version uint32, full bool) {
	highest := q.upto
	for v := range q.ahead {
		highest = max(highest, v)
	}
	switch {
	case full && (!q.any || version > highest): // whatever was missing is in it
		q.upto, q.full, q.ahead = version, true, nil
	case !q.any:
		q.upto = version // what came before it is unknown: not whole until a full one comes
	case version > q.upto && len(q.ahead) < maxAhead:
		if q.ahead == nil {
			q.ahead = map[uint32]bool{}
		}
		q.ahead[version] = true
	}
	q.full = q.full || full
	q.any = true
	for q.ahead[q.upto+1] {
		q.upto++
		delete(q.ahead, q.upto)
	}
}

// whole says that nothing is missing. Nothing came yet: nothing is missing.
func (q *sequence) whole() bool { return !q.any || q.full && len(q.ahead) == 0 }
