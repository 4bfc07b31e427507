package pidf

import (
	"errors"
	"slices"
	"strconv"
	"time"
)

// ContentTypeWatchers is the content type of watcher information.
const ContentTypeWatchers = "application/watcherinfo+xml"

// WatcherInfo says who watches somebody (RFC 3858 §3).
type WatcherInfo struct {
	Version uint32
	Full    bool // all watchers are told; else only those that changed
	Lists   []WatcherList
}

// WatcherList is the watchers of one resource and event package.
type WatcherList struct {
	Resource string // URI of who is watched
	Package  string // "presence"
	Watchers []Watcher
}

// Watcher is one subscription to somebody (RFC 3858 §3, element watcher).
type Watcher struct {
	ID          string // unique; stays the same from one document to the next
	URI         string
	DisplayName string
	Status      string        // "pending", "active", "waiting" or "terminated"
	Event       string        // what brought it there: "subscribe", "approved", "rejected", "timeout", ...
	Expires     time.Duration // until the subscription ends; zero: not said
	Subscribed  time.Duration // since it began; zero: not said
}

// ErrMissed says that a partial document does not follow the one before:
// something was missed, a full one must be asked for.
var ErrMissed = errors.New("watcher information: a notification is missing")

// ParseWatcherInfo reads watcher information.
func ParseWatcherInfo(b []byte) (WatcherInfo, error) {
	root, err := read(b, nsWinfo, "watcherinfo")
	if err != nil {
		return WatcherInfo{}, err
	}
	w := WatcherInfo{Version: parseVersion(root.attr("version")), Full: root.attr("state") == "full"}
	root.each(nsWinfo, "watcher-list", func(k *node) {
		l := WatcherList{Resource: k.attr("resource"), Package: k.attr("package")}
		k.each(nsWinfo, "watcher", func(x *node) {
			l.Watchers = append(l.Watchers, Watcher{ID: x.attr("id"), URI: x.content(),
				DisplayName: x.attr("display-name"), Status: x.attr("status"), Event: x.attr("event"),
				Expires: parseSeconds(x.attr("expiration")), Subscribed: parseSeconds(x.attr("duration-subscribed"))})
		})
		w.Lists = append(w.Lists, l)
	})
	return w, nil
}

// Then returns what is known after next came (RFC 3858 §4). A document that is
// older than what is known changes nothing; a partial one that skips a version
// is ErrMissed.
func (w WatcherInfo) Then(next WatcherInfo) (WatcherInfo, error) {
	switch {
	case next.Full:
		return next.withoutEnded(), nil
	case next.Version <= w.Version:
		return w, nil
	case next.Version != w.Version+1:
		return w, ErrMissed
	}
	sum := WatcherInfo{Version: next.Version, Full: true, Lists: slices.Clone(w.Lists)}
	for _, l := range next.Lists {
		i := slices.IndexFunc(sum.Lists, func(x WatcherList) bool { return x.Resource == l.Resource && x.Package == l.Package })
		if i < 0 {
			sum.Lists = append(sum.Lists, l)
			continue
		}
		sum.Lists[i].Watchers = merged(sum.Lists[i].Watchers, l.Watchers)
	}
	return sum.withoutEnded(), nil
}

// merged returns old with each of changed put in the place of the one with its ID, or at the end.
func merged(old, changed []Watcher) []Watcher {
	old = slices.Clone(old)
	at := make(map[string]int, len(old))
	for i, w := range old {
		at[w.ID] = i
	}
	for _, w := range changed {
		if i, known := at[w.ID]; known {
			old[i] = w
			continue
		}
		at[w.ID] = len(old)
		old = append(old, w)
	}
	return old
}

// withoutEnded takes out the terminated watchers (RFC 3858 §4: they are told once).
func (w WatcherInfo) withoutEnded() WatcherInfo {
	lists := make([]WatcherList, len(w.Lists))
	for i, l := range w.Lists {
		lists[i] = WatcherList{Resource: l.Resource, Package: l.Package}
		for _, x := range l.Watchers {
			if x.Status != "terminated" {
				lists[i].Watchers = append(lists[i].Watchers, x)
			}
		}
	}
	w.Lists = lists
	return w
}

// Marshal writes the document.
func (w WatcherInfo) Marshal() []byte {
	state := "partial"
	if w.Full {
		state = "full"
	}
	x := newWriter()
	x.open("watcherinfo", "xmlns", nsWinfo, "version", strconv.FormatUint(uint64(w.Version), 10), "state", state)
	for _, l := range w.Lists {
		x.open("watcher-list", "resource", l.Resource, "package", l.Package)
		for _, p := range l.Watchers {
			x.leaf("watcher", p.URI, "display-name", p.DisplayName, "status", p.Status, "id", p.ID, "event", p.Event,
				"expiration", seconds(p.Expires), "duration-subscribed", seconds(p.Subscribed))
		}
		x.close()
	}
	return x.end()
}

// parseSeconds reads a number of seconds up to ten years; what is none is 0.
func parseSeconds(s string) time.Duration {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n > 10*366*24*3600 {
		return 0
	}
	return time.Duration(n) * time.Second
}
