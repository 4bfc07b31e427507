package simple

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"communicator/contacts"
)

// clock is a time that goes on by a minute whenever it is looked at, so that
// nothing counts as just asked.
func clock() func() time.Time {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	return func() time.Time { now = now.Add(time.Minute); return now }
}

// wiped is a client whose server had a list that is gone now.
func wiped(t *testing.T, dir string) (*record, *store, string) {
	xcap := &store{docs: map[string]string{listsPath: theirs}}
	r := newRecord(Options{XCAP: "https://x", HTTP: xcap.client(), Dir: dir, Now: clock()})
	connect(t, r.line)
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	full := r.list(t)
	delete(xcap.docs, listsPath)
	xcap.tag++
	return r, xcap, full
}

// The store is wiped while the client runs: the list stays, the user is asked,
// and what he answers is done.
func TestStoreWiped(t *testing.T) {
	add := contacts.Edit{Op: contacts.AddGroup, Group: "Club"}
	for _, keep := range []bool{true, false} {
		dir := t.TempDir()
		r, xcap, full := wiped(t, dir)
		if err := r.ReadContacts(t.Context()); err != nil || r.list(t) != full {
			t.Fatalf("read again: %s, %v", r.list(t), err)
		}
		if len(r.doubts) != 1 || r.doubts[0].Before != 3 || r.doubts[0].Now != 0 || words(r.doubts[0].Kept) != full {
			t.Fatalf("doubts %+v", r.doubts)
		}
		var doubt *contacts.DoubtError
		if err := r.Edit(t.Context(), add); !errors.As(err, &doubt) || xcap.docs[listsPath] != "" {
			t.Fatalf("a change before the answer: %v, %q", err, xcap.docs[listsPath])
		}
		again := newRecord(Options{XCAP: "https://x", HTTP: xcap.client(), Dir: dir, Now: clock()})
		connect(t, again.line)
		if err := again.Start(t.Context()); err != nil || again.list(t) != full || len(again.doubts) != 1 {
			t.Fatalf("after a new start: %s, %v, %d doubts", again.list(t), err, len(again.doubts))
		}
		if err := again.Answer(t.Context(), keep); err != nil {
			t.Fatal(err)
		}
		if err := again.Answer(t.Context(), keep); err == nil {
			t.Error("answered twice")
		}
		if err := r.ReadContacts(t.Context()); err != nil { // the first client hears of the answer
			t.Fatal(err)
		}
		want := full
		if !keep {
			want = ""
		}
		if r.list(t) != want || again.list(t) != want || len(r.doubts) != 2 || r.doubts[1] != nil {
			t.Errorf("keep %v: %q and %q, doubts %v", keep, r.list(t), again.list(t), r.doubts)
		}
		if err := r.Edit(t.Context(), add); err != nil {
			t.Error(err)
		}
		if doc := xcap.docs[listsPath]; strings.Contains(doc, "dave@") != keep || !strings.Contains(doc, "Club") || strings.Contains(doc, `x:ring="bell"`) != keep {
			t.Errorf("keep %v: on the server %s", keep, doc)
		}
		if !keep { // and it can still be had back
			copies := r.Copies()
			if len(copies) == 0 {
				t.Fatal("no copies")
			}
			if _, err := r.Restore(t.Context(), len(copies)); err != nil || r.list(t) != full {
				t.Errorf("restored: %s, %v", r.list(t), err)
			}
		}
	}
}

// A server that is asked whether the document has changed, and says no.
func TestReadAgainIsCheap(t *testing.T) {
	xcap := &store{docs: map[string]string{listsPath: theirs}}
	r := newRecord(Options{XCAP: "https://x", HTTP: xcap.client(), Now: clock()})
	connect(t, r.line)
	for range 3 {
		if err := r.ReadContacts(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	var known []string
	xcap.before = func(q *http.Request) *http.Response { known = append(known, q.Header.Get("If-None-Match")); return nil }
	if err := r.ReadContacts(t.Context()); err != nil || len(known) != 1 || known[0] != `"0"` {
		t.Errorf("asked with %q, %v", known, err)
	}
}

func TestUndo(t *testing.T) {
	for name, root := range map[string]string{"server": "https://x", "file": ""} {
		t.Run(name, func(t *testing.T) {
			xcap := &store{docs: map[string]string{}}
			r := newRecord(Options{XCAP: root, HTTP: xcap.client(), Dir: t.TempDir(), Now: clock()})
			for _, g := range []string{"A", "B", "C"} {
				if err := r.Edit(t.Context(), contacts.Edit{Op: contacts.AddGroup, Group: g}); err != nil {
					t.Fatal(err)
				}
			}
			for _, want := range []string{"A:; B:", "A:"} {
				if _, err := r.Undo(t.Context()); err != nil || r.list(t) != want {
					t.Fatalf("%s, %v; want %s", r.list(t), err, want)
				}
			}
			if _, err := r.Undo(t.Context()); !errors.Is(err, errNothingKept) {
				t.Errorf("nothing more to undo: %v", err)
			}
			var found string
			for _, c := range r.Copies() {
				found += fmt.Sprintf("%d %v %d; ", c.N, c.Undone, c.Groups)
			}
			if found != "1 true 2; 2 true 3; " {
				t.Errorf("copies %s", found)
			}
			if _, err := r.Restore(t.Context(), 2); err != nil || r.list(t) != "A:; B:; C:" {
				t.Errorf("restored: %s, %v", r.list(t), err)
			}
			if _, err := r.Restore(t.Context(), 9); err == nil {
				t.Error("a copy that is not there was restored")
			}
			if root != "" && !strings.Contains(xcap.docs[listsPath], `name="C"`) {
				t.Errorf("on the server %s", xcap.docs[listsPath])
			}
		})
	}
}

// The server closes the kept connection just when a change comes; in the second
// case it has made the change already. Both times it is made once.
func TestChangeOnAClosedConnection(t *testing.T) {
	for _, done := range []bool{false, true} {
		var cut atomic.Bool
		doc, tag, puts := theirs, 1, 0
		h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if q.Method == "PUT" {
				puts++
				first := cut.CompareAndSwap(false, true)
				if (!first || done) && q.Header.Get("If-Match") == fmt.Sprintf(`"%d"`, tag) {
					b := make([]byte, q.ContentLength)
					for n := 0; n < len(b); {
						m, err := q.Body.Read(b[n:])
						if n += m; err != nil {
							break
						}
					}
					doc, tag = string(b), tag+1
				} else if !first {
					w.WriteHeader(412)
					return
				}
				if first {
					c, _, err := http.NewResponseController(w).Hijack()
					if err == nil {
						_ = c.(*net.TCPConn).SetLinger(0)
						_ = c.Close()
					}
					return
				}
			}
			w.Header().Set("ETag", fmt.Sprintf(`"%d"`, tag))
			if q.Method == "GET" {
				_, _ = w.Write([]byte(doc))
			}
		}))
		r := newRecord(Options{XCAP: h.URL, HTTP: h.Client(), Dir: t.TempDir()})
		connect(t, r.line)
		if err := r.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := r.Edit(t.Context(), contacts.Edit{Op: contacts.Remove, User: "dave@contoso.test"}); err != nil || strings.Contains(doc, "dave@") {
			t.Errorf("had made it %v: %v after %d tries\n%s", done, err, puts, doc)
		}
		if strings.Contains(r.list(t), "dave@") {
			t.Errorf("shown is %s", r.list(t))
		}
		h.Close()
	}
}

// A server on which every change meets another one: it ends, with a reason.
func TestChangeNeverWins(t *testing.T) {
	xcap := &store{docs: map[string]string{listsPath: theirs}}
	r := newRecord(Options{XCAP: "https://x", HTTP: xcap.client()})
	puts := 0
	xcap.before = func(q *http.Request) *http.Response {
		if q.Method != "PUT" {
			return nil
		}
		puts++
		return response(412, "", "")
	}
	if err := r.Edit(t.Context(), contacts.Edit{Op: contacts.AddGroup, Group: "x"}); !errors.Is(err, errChanged) || puts != writes {
		t.Errorf("%v after %d tries", err, puts)
	}
	xcap.before = func(q *http.Request) *http.Response {
		if q.Method != "PUT" {
			return nil
		}
		return response(409, "", `<?xml version="1.0"?><xcap-error xmlns="urn:ietf:params:xml:ns:xcap-error"><schema-validation-error phrase="list needs a name"/></xcap-error>`)
	}
	if err := r.Edit(t.Context(), contacts.Edit{Op: contacts.AddGroup, Group: "x"}); err == nil || !strings.Contains(err.Error(), "list needs a name") {
		t.Errorf("the server's reason: %v", err)
	}
}

// What is said to be the XCAP root is a web server that answers everything.
func TestWebPageInsteadOfXCAP(t *testing.T) {
	dir := t.TempDir()
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		_, _ = w.Write([]byte("<!DOCTYPE html><html><body>Welcome</body></html>"))
	}))
	defer h.Close()
	r := newRecord(Options{XCAP: h.URL, HTTP: h.Client(), Dir: dir})
	connect(t, r.line)
	if err := r.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "web page") {
		t.Errorf("read: %v", err)
	}
	if err := r.Edit(t.Context(), contacts.Edit{Op: contacts.AddGroup, Group: "x"}); err == nil || !strings.Contains(err.Error(), "web page") {
		t.Errorf("change: %v", err)
	}
	if kept, _ := filepath.Glob(filepath.Join(dir, "*")); len(kept) > 0 {
		t.Errorf("kept %v", kept)
	}
}
