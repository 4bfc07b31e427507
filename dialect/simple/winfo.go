package simple

import (
	"context"
	"errors"
	"strings"
	"time"

	"communicator/contacts"
	"communicator/plain"
	"communicator/wire/pidf"
	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

// watchersAfter is how long the subscription to one's own watchers waits for
// what people wait for at sign-in: the list and the states.
const watchersAfter = 2 * time.Second

// maxWatchers is how many watchers are remembered, so that each is told of once;
// beyond that they are told of again.
const maxWatchers = 10000

// watchWatchers subscribes to one's own watcher information (RFC 3857) until
// ctx or conn ends. A server without it is left in peace.
func (s *Server) watchWatchers(ctx context.Context, conn *sipconn.Conn) {
	if s.o.Sink.Watcher == nil {
		return
	}
	timer := time.NewTimer(watchersAfter)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-conn.Done():
			return
		case <-timer.C:
		}
		one, cancel := context.WithCancel(ctx)
		o := observers{s: s, status: map[string]string{}, again: cancel}
		err := conn.Subscribe(one, sipconn.Subscription{
			To: s.o.Self, Event: "presence.winfo", Accept: []string{pidf.ContentTypeWatchers}, Expires: watchFor,
			Notify: o.notify,
		})
		missed := one.Err() != nil && ctx.Err() == nil
		cancel()
		if !missed {
			if err != nil && ctx.Err() == nil && !ended(conn) {
				s.o.Log.Info("the server does not say who watches", "reason", err)
			}
			return
		}
		timer.Reset(gapRest) // a full document is asked for, but not in a storm
	}
}

// observers is what one winfo subscription has told. It is used on the
// dispatcher only.
type observers struct {
	s      *Server
	known  pidf.WatcherInfo
	heard  bool
	status map[string]string // by watcher ID
	again  func()            // ask for a full document
}

// notify takes a NOTIFY of the winfo package: at first all watchers, then
// those that changed (RFC 3858 §4).
func (o *observers) notify(r *sip.Request) {
	if subscriptionState(r) != "active" || len(r.Body()) == 0 {
		return
	}
	doc, err := pidf.ParseWatcherInfo(r.Body())
	if err != nil {
		o.s.o.Log.Warn("watcher information not understood", "error", err)
		return
	}
	if !o.heard && !doc.Full {
		o.known.Version = doc.Version - 1 // joined in the middle: what comes is new
	}
	known, err := o.known.Then(doc)
	if errors.Is(err, pidf.ErrMissed) {
		o.again()
		return
	}
	if o.heard && !doc.Full && doc.Version <= o.known.Version {
		return
	}
	o.known, o.heard = pidf.WatcherInfo{Version: known.Version}, true // status says the rest
	for _, l := range doc.Lists {
		if l.Package != "" && l.Package != presencePkg {
			continue
		}
		for _, w := range l.Watchers {
			o.tell(w)
		}
	}
}

// tell tells Sink of a watcher whose status is new.
func (o *observers) tell(w pidf.Watcher) {
	user, status := plain.Line(address(w.URI)), strings.ToLower(w.Status)
	if user == "" || user == o.s.o.Self || o.status[w.ID] == status {
		return
	}
	switch status {
	case "active", "pending", "waiting":
		if len(o.status) >= maxWatchers {
			clear(o.status)
		}
		o.status[w.ID] = status
	case "terminated":
		delete(o.status, w.ID)
	default:
		return
	}
	name := plain.Cut(plain.Line(w.DisplayName), contacts.MaxName)
	o.s.tell.Add(func() { o.s.o.Sink.Watcher(user, name, status) })
	o.s.tell.Flush()
}
