package simple

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"communicator/contacts"
)

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// A contact list server that answers strangely: the list is not taken for empty,
// the user's credentials go nowhere else, and memory stays bounded.
func TestStrangeXCAP(t *testing.T) {
	elsewhere := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere++ }))
	defer other.Close()
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter, q *http.Request)
		want   string
	}{
		"redirect": {func(w http.ResponseWriter, q *http.Request) {
			http.Redirect(w, q, other.URL+q.URL.Path, http.StatusFound)
		}, "302"},
		"without end": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.Copy(w, io.LimitReader(zeros{}, 100<<20))
		}, "over the limit"},
		"gzip bomb": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = io.Copy(z, io.LimitReader(zeros{}, 1<<30))
			_ = z.Close()
		}, "over the limit"},
		"no gzip": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, "not compressed")
		}, "gzip"},
		"HTML as XML": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/resource-lists+xml")
			_, _ = io.WriteString(w, "<html><body>Sign in to the hotel</body></html>")
		}, "root is <html>"},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, "<resource-lists")
		}, "unexpected EOF"},
		"forbidden": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, "not allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			h := httptest.NewServer(http.HandlerFunc(c.answer))
			defer h.Close()
			client := h.Client()
			client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			r := newRecord(Options{XCAP: h.URL, HTTP: client, Dir: t.TempDir()})
			connect(t, r.line)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if err := r.Start(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("read: %v", err)
			}
			runtime.ReadMemStats(&after)
			if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 64 {
				t.Errorf("it took %d MiB", took)
			}
			if err := r.Edit(t.Context(), contacts.Edit{Op: contacts.AddGroup, Group: "x"}); err == nil {
				t.Error("a list that was never read was changed")
			}
		})
	}
	if elsewhere > 0 {
		t.Errorf("%d requests went elsewhere", elsewhere)
	}
}

// An entity tag may be weak because something before the server has compressed
// the answer; the list can be changed all the same.
func TestWeakTag(t *testing.T) {
	var kept []byte
	tag := ""
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		switch {
		case !strings.Contains(q.URL.Path, "resource-lists") || q.Method == http.MethodGet && kept == nil:
			w.WriteHeader(404)
		case q.Method == http.MethodGet:
			w.Header().Set("ETag", "W/"+tag)
			_, _ = w.Write(kept)
		case kept != nil && q.Header.Get("If-Match") != tag:
			w.WriteHeader(412)
		default:
			kept, _ = io.ReadAll(q.Body)
			tag = `"` + strings.Repeat("v", len(tag)) + `"`
			w.Header().Set("ETag", "W/"+tag)
		}
	}))
	defer h.Close()
	r := newRecord(Options{XCAP: h.URL, HTTP: h.Client(), Dir: t.TempDir()})
	connect(t, r.line)
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, group := range []string{"one", "two", "three"} {
		if err := r.Edit(t.Context(), contacts.Edit{Op: contacts.AddGroup, Group: group}); err != nil {
			t.Errorf("%s: %v", group, err)
		}
	}
	if text := string(kept); !strings.Contains(text, "one") || !strings.Contains(text, "three") {
		t.Errorf("kept %s", text)
	}
}
