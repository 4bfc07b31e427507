package lab

import (
	"fmt"
	"strings"

	"communicator/wire/sipconn"
)

// watcher is what a user hears about one who watches (RFC 3858 §4).
type watcher struct {
	id, uri, state, event string
}

// told writes a watcher's change down for the user who is watched; a.mu is held.
func (w *watch) told(event string) {
	if w.on == nil {
		return
	}
	a := w.sub.agent
	for _, s := range a.winfos[w.on] {
		s.changes = append(s.changes, w.info(event))
		s.notify()
	}
}

func (w *watch) info(event string) watcher {
	return watcher{id: w.id, uri: "sip:" + w.sub.user, state: w.state, event: event}
}

// watcherInfo is the body of a NOTIFY for presence.winfo: everybody at first,
// then only who changed (RFC 3858 §3.1, §4.1). a.mu is held.
func (s *subscription) watcherInfo() sipconn.Body {
	state, list := "partial", s.changes
	if s.full {
		state, list = "full", nil
		for w := range s.winfo.watches {
			event := "subscribe"
			if w.state == active {
				event = "approved"
			}
			list = append(list, w.info(event))
		}
	}
	s.full, s.changes = false, nil
	var b strings.Builder
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="UTF-8"?>`+"\r\n"+`<watcherinfo xmlns="urn:ietf:params:xml:ns:watcherinfo" version="%d" state="%s"><watcher-list resource="sip:%s" package="presence">`,
		s.version, state, xmlText(s.winfo.user))
	for _, w := range latest(list) {
		fmt.Fprintf(&b, `<watcher id="%s" status="%s" event="%s">%s</watcher>`, w.id, w.state, w.event, xmlText(w.uri))
	}
	b.WriteString("</watcher-list></watcherinfo>")
	s.version++ // RFC 3858 §4.1: begins with 0, one more each time
	return sipconn.Body{Type: packages["presence.winfo"], Content: []byte(b.String())}
}

// latest keeps the last of several changes of one watcher.
func latest(list []watcher) []watcher {
	at := map[string]int{}
	var short []watcher
	for _, w := range list {
		if i, there := at[w.id]; there {
			short[i] = w
			continue
		}
		at[w.id] = len(short)
		short = append(short, w)
	}
	return short
}
