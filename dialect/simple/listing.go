package simple

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"communicator/presence"
	"communicator/wire/pidf"
	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

const (
	// Kamailio 5.6 lists people who publish nothing without any instance, just
	// as those whose state has not come yet. The list is quiet when nothing more
	// came for this long.
	listQuiet    = 2 * time.Second
	listQuietMax = 6 * time.Second       // after there was first something to wait for, however much comes
	listQuietOne = 10 * time.Millisecond // more, for each person in the list: a question costs a busy server as much as all it has done

	fullTime = 30 * time.Second // for the full state to come when it is asked for

	gapRest   = time.Minute      // a list that loses notifications sooner does not work
	twiceRest = time.Minute      // between two questions because a version came twice
	probes    = 5                // so many of those of whom nothing came are asked for by themselves
	probeTime = 10 * time.Second // for each answer
)

// listing is one list subscription (RFC 4662).
type listing struct {
	w       *watcher
	conn    *sipconn.Conn
	ctx     context.Context // of this subscription
	cancel  context.CancelFunc
	people  map[string]bool // who is in the list; never changes
	decided chan error      // nil: the server has list subscriptions
	refresh chan struct{}   // asks for the full state

	// What follows is guarded by w.mu.
	taken   bool            // the server took it as a list
	asked   bool            // for the full state, because something is missing
	full    bool            // it came
	alone   map[string]bool // who is in it, but is watched by himself: his state did not come
	seq     sequence
	twice   bool              // a version came twice: which of two states is the newer is not known
	sorted  time.Time         // when the full state was asked for, which tells
	told    map[string]uint32 // the version that told of a person last
	started time.Time         // of the first NOTIFY
	lacking map[string]bool   // who is not in the server's full state of the list
	silent  map[string]bool   // who has been listed without any state, and has not been called offline
	offline map[string]bool   // who has been called offline, and of whom nothing came since
	since   time.Time         // when there was first something to wait for
	quiet   *time.Timer       // fires when nothing more came for a while
}

// report reports a state that came by this list, unless it has ended or has
// been replaced; w.mu is held, and whoever holds it flushes what was reported.
func (l *listing) report(user string, state presence.State) {
	if l.w.want[user] && l.w.ctx != nil && l.w.ctx.Err() == nil && (l.w.list == l || l.w.list == nil) {
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
	l.take(n.RLMI, states, silent)
	l.w.s.tell.Flush()
}

// take notes what a notification says and reports the states that are newer
// than what is known of their person. Kamailio's processes send at the same
// time: a notification may overtake an earlier one.
func (l *listing) take(r pidf.RLMI, states []member, silent []string) {
	now := l.w.s.o.Now()
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	if !l.seq.any {
		l.started = now
	}
	waited := len(l.silent)+len(l.lacking) > 0 || !l.seq.whole()
	l.lacks(r, states, silent)
	l.twice = l.seq.take(r.Version, r.FullState) || l.twice
	l.full = l.full || r.FullState
	for _, m := range states {
		if at, ok := l.told[m.user]; ok && at > r.Version || l.alone[m.user] || !l.people[m.user] {
			continue
		}
		l.told[m.user] = r.Version
		delete(l.silent, m.user)
		delete(l.offline, m.user)
		l.report(m.user, m.state)
	}
	for _, u := range silent {
		if at, ok := l.told[u]; (!ok || at < r.Version) && l.people[u] && !l.alone[u] && !l.offline[u] {
			l.silent[u] = true
		}
	}
	if !waited {
		l.since = now
	}
	l.wait(now)
}

// lacks notes who is in the list that was written but not in what the server
// says is all of it; w.mu is held. RFC 4662 §5.2 has every resource in a full
// state. One that is cut into several messages names the others in the next.
func (l *listing) lacks(r pidf.RLMI, states []member, silent []string) {
	if r.FullState {
		for u := range l.people {
			if at, ok := l.told[u]; (!ok || at <= r.Version) && !l.alone[u] {
				l.lacking[u] = true
			}
		}
	}
	for _, m := range states {
		delete(l.lacking, m.user)
	}
	for _, u := range silent {
		delete(l.lacking, u)
	}
}

// wait sets the time at which nothing more is expected; w.mu is held.
func (l *listing) wait(now time.Time) {
	l.stopTimer()
	complete := len(l.silent)+len(l.lacking) == 0 && l.seq.whole()
	if complete {
		l.asked = false
	}
	if complete && !l.twice || l.ctx.Err() != nil {
		return
	}
	most := listQuietMax + time.Duration(len(l.people))*listQuietOne
	rest := min(listQuiet, l.since.Add(most).Sub(now))
	switch {
	case complete:
		rest = max(listQuiet, l.sorted.Add(twiceRest).Sub(now))
	case l.asked && !l.full:
		rest = l.since.Add(fullTime).Sub(now)
	}
	l.quiet = time.AfterFunc(max(0, rest), l.settle) // stopped by stopTimer
}

// stopTimer stops waiting; w.mu is held.
func (l *listing) stopTimer() {
	if l.quiet != nil {
		l.quiet.Stop()
		l.quiet = nil
	}
}

// settle draws the conclusion when the list is quiet and something is missing:
// a notification (RFC 4662 §5.2), or the states of some people.
//
// Kamailio 5.6 loses notifications, as its processes work at the same time, or
// because one is over its read buffer (without max_notify_body_length). So the
// full state is asked for first. Then, if notifications are still missing, the
// list is subscribed anew, or given up if it did not work from the start. And
// of whom still nothing came, he is offline, unless one of some that are asked
// for by themselves has a state: then they are all watched so. Whom the server
// does not have in the list at all is watched so in any case.
func (l *listing) settle() {
	w := l.w
	now := w.s.o.Now()
	w.mu.Lock()
	live := l.ctx.Err() == nil && w.list == l
	lost, early := !l.seq.whole(), now.Sub(l.started) < gapRest
	who := l.silentNow()
	first := !l.asked
	if live && first {
		l.asked, l.full, l.since = true, false, now
		l.twice, l.sorted = false, now
		l.wait(now)
	}
	w.mu.Unlock()
	switch {
	case !live:
	case first:
		select {
		case l.refresh <- struct{}{}:
		default: // it is asked for already
		}
	case lost:
		l.giveUp(early)
	default:
		l.watchLacking()
		l.judge(who)
	}
}

// judge says what it means that nothing came of these people.
func (l *listing) judge(who []string) {
	has, sure := l.hasState(who)
	switch {
	case has:
		l.watchAlone(who)
	case sure:
		l.callOffline(who)
	}
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	l.asked, l.since = false, l.w.s.o.Now()
	l.wait(l.since) // the server is too slow to be sure: once more from the beginning
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
		if l.silent[u] {
			delete(l.silent, u)
			l.offline[u] = true
			l.report(u, presence.State{Availability: presence.Offline, Seen: l.w.s.o.Now()})
		}
		l.w.mu.Unlock()
	}
	l.w.s.tell.Flush()
}

// hasState asks for some of the people by themselves and says whether one of
// them has a state; sure is false when the server did not answer in time.
func (l *listing) hasState(who []string) (has, sure bool) {
	for _, i := range rand.Perm(len(who))[:min(probes, len(who))] {
		ctx, cancel := context.WithTimeout(l.ctx, probeTime)
		reachable := make(chan bool, 1) // the answer may still come while we give up
		err := l.conn.Subscribe(ctx, sipconn.Subscription{
			To: who[i], Event: presencePkg, Accept: []string{pidf.ContentType},
			Notify: func(r *sip.Request) {
				if state, ok := readState(who[i], r.Body(), l.w.s.o.Now()); ok && state.Reachable() {
					select {
					case reachable <- true:
					default:
					}
				}
			},
		})
		cancel()
		var refused *sipconn.StatusError
		switch {
		case len(reachable) > 0:
			return true, true
		case err != nil && !errors.As(err, &refused): // refused: he has none that we may see
			return false, false
		}
	}
	return false, true
}

// watchLacking has those watched one by one who are not in the list as the
// server has it. What was known of them is not known any more.
func (l *listing) watchLacking() {
	l.w.mu.Lock()
	n := len(l.lacking)
	for _, u := range l.w.order {
		if l.lacking[u] {
			l.alone[u] = true
			l.report(u, unknown())
		}
	}
	clear(l.lacking)
	l.w.mu.Unlock()
	l.w.s.tell.Flush()
	if n > 0 {
		l.w.s.o.Log.Info("the server's list lacks people", "by themselves", n)
		l.w.changed()
	}
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
