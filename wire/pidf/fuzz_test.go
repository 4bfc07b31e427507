package pidf

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// seed adds every document of testdata, whatever it is: wrong kinds are good seeds too.
func seed(f *testing.F) {
	names, err := filepath.Glob("testdata/*.*")
	if err != nil || len(names) < 15 {
		f.Fatal("no testdata: ", err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
}

// again checks that what was read can be written and is then read as the same.
func again[T any](t *testing.T, first T, write func(T) []byte, parse func([]byte) (T, error)) {
	t.Helper()
	b := write(first)
	second, err := parse(b)
	if err != nil {
		t.Fatalf("cannot read what was written: %v\n%q", err, b)
	}
	if b2 := write(second); string(b2) != string(b) {
		t.Fatalf("written twice is not the same:\n%q\n%q", b, b2)
	}
}

func FuzzParse(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := Parse(b); err == nil {
			again(t, p, Presence.Marshal, Parse)
		}
	})
}

func FuzzRecipients(f *testing.F) {
	seed(f)
	f.Add([]byte(history))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := ParseRecipients(b); err == nil {
			again(t, r, Recipients.Marshal, ParseRecipients)
		}
	})
}

func FuzzResourceLists(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := ParseResourceLists(b); err == nil {
			again(t, r, ResourceLists.Marshal, ParseResourceLists)
		}
	})
}

func FuzzRLSServices(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := ParseRLSServices(b); err == nil {
			again(t, r, RLSServices.Marshal, ParseRLSServices)
		}
	})
}

func FuzzWatcherInfo(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if w, err := ParseWatcherInfo(b); err == nil {
			again(t, w, WatcherInfo.Marshal, ParseWatcherInfo)
			if _, err := w.Then(w); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func FuzzNotify(f *testing.F) {
	for _, name := range []string{"rfc4662-6-nested.mime", "unquoted-start.mime", "asterisk-13.mime", "kamailio-5.6-rls-states.mime", "ours-notify.mime"} {
		contentType, body := message(f, name)
		f.Add(contentType, body)
	}
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		n, err := ParseNotify(contentType, body)
		if err != nil {
			return
		}
		n.Members()
		if l, err := ParseRLMI(n.RLMI.Marshal()); err != nil || !reflect.DeepEqual(l.Marshal(), n.RLMI.Marshal()) {
			t.Fatalf("%+v became %+v, %v", n.RLMI, l, err)
		}
	})
}
