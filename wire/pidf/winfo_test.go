package pidf

import (
	"reflect"
	"testing"
	"time"
)

func TestWatcherInfo(t *testing.T) {
	full, err := ParseWatcherInfo(file(t, "rfc3858-full.xml"))
	if err != nil {
		t.Fatal(err)
	}
	want := WatcherInfo{Version: 0, Full: true, Lists: []WatcherList{{Resource: "sip:professor@example.net", Package: "presence", Watchers: []Watcher{
		{ID: "8ajksjda7s", URI: "sip:userA@example.net", Status: "active", Event: "approved", Subscribed: 509 * time.Second},
		{ID: "hh8juja87s997-ass7", URI: "sip:userB@example.org", DisplayName: "Mr. Subscriber", Status: "pending", Event: "subscribe"},
	}}}}
	if !reflect.DeepEqual(full, want) {
		t.Errorf("got %+v\nwant %+v", full, want)
	}
	partial, err := ParseWatcherInfo(file(t, "rfc3858-partial.xml"))
	if err != nil {
		t.Fatal(err)
	}
	now, err := full.Then(partial)
	want = WatcherInfo{Version: 1, Full: true, Lists: []WatcherList{{Resource: "sip:professor@example.net", Package: "presence", Watchers: []Watcher{
		{ID: "hh8juja87s997-ass7", URI: "sip:userB@example.org", DisplayName: "Mr. Subscriber", Status: "active", Event: "approved", Expires: time.Hour},
		{ID: "new1", URI: "sip:userC@example.org", Status: "waiting", Event: "subscribe"},
	}}}}
	if err != nil || !reflect.DeepEqual(now, want) {
		t.Errorf("after the partial document %+v, %v\nwant %+v", now, err, want)
	}
	if len(full.Lists[0].Watchers) != 2 || full.Lists[0].Watchers[0].Status != "active" {
		t.Errorf("the document before was changed: %+v", full)
	}
	if again, err := now.Then(partial); err != nil || !reflect.DeepEqual(again, now) {
		t.Errorf("a repeated document changed something: %+v, %v", again, err)
	}
	partial.Version = 9
	if _, err := now.Then(partial); err != ErrMissed {
		t.Errorf("a missed document: error %v", err)
	}
	if fresh, err := now.Then(full); err != nil || fresh.Version != 0 || len(fresh.Lists[0].Watchers) != 2 {
		t.Errorf("a full document counts whatever its version: %+v, %v", fresh, err)
	}
}

func TestMarshalWatcherInfo(t *testing.T) {
	same(t, WatcherInfo{Version: 7, Lists: []WatcherList{{Resource: "sip:anna@contoso.test", Package: "presence", Watchers: []Watcher{
		{ID: "w1", URI: "sip:bob@contoso.test", DisplayName: `Bob "B" Berg`, Status: "pending", Event: "subscribe", Expires: time.Hour, Subscribed: 5 * time.Second},
	}}}}.Marshal(), file(t, "ours-watchers.xml"))
}
