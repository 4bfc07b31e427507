package history

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// everything is a history with one of each.
func everything(t testing.TB) *Store {
	s := begun(t, Options{})
	call := from(bob, 3, "")
	call.Kind, call.Own, call.From, call.Read, call.Device, call.Length = Call, true, anna, true, "tel:4711", 63500*time.Millisecond
	shared := from(eva, 4, "Anna, Bob: lunch?\nfrom bob@contoso.test  I pay")
	shared.With, shared.Title, shared.Members = "group:1", "Lunch", []string{bob, eva}
	late := from("sip.contoso.test", 5, "server says hello") // a server that speaks for itself
	late.Late, late.Request = true, true
	several := to(bob, 6, "to both", "delivered")
	several.With, several.To = bob+","+eva, append(several.To, Recipient{To: eva, State: "failed", Code: 404, Reason: "Not Found", Took: time.Second})
	joined := from(eva, 7, "Eva has joined")
	joined.Kind, joined.Notice, joined.With, joined.Title, joined.Members, joined.Added = Notice, "joined", "group:1", "Lunch", []string{bob, eva}, []string{eva}
	each := several
	each.ID, each.With, each.Text, each.Time = "each", "", "to each", noon.Add(8*time.Minute)
	add(t, s, from(bob, 1, "Hello"), to(bob, 2, "Hi", "queued"), call, shared, late, several, joined, each)
	return s
}

func all(t testing.TB, s *Store) (all []Entry) {
	t.Helper()
	if err := s.All(Query{}, func(e Entry) error { all = append(all, e); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

func export(t testing.TB, s *Store, write func(w *bytes.Buffer, e Entry) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := s.All(Query{}, func(e Entry) error { return write(&b, e) }); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestExportIsReadAgain(t *testing.T) {
	s := everything(t)
	file := filepath.Join(t.TempDir(), "export.jsonl")
	lines := export(t, s, func(w *bytes.Buffer, e Entry) error { return WriteJSON(w, e) })
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	other := begun(t, Options{})
	m, err := other.Merge(file)
	if err != nil || m.Added != 8 || m.Known != 0 || m.Bad != 0 {
		t.Fatalf("merging says %+v, %v", m, err)
	}
	before, after := all(t, s), all(t, other)
	before[1].To[0].State = "unknown" // what is queued at one device is not sent by another
	for i := range before {
		before[i].Time, after[i].Time = before[i].Time.UTC(), after[i].Time.UTC()
		if !reflect.DeepEqual(before[i], after[i]) {
			t.Errorf("entry %d has become\n%+v, it was\n%+v", i, after[i], before[i])
		}
	}
	if unsent, err := other.Unsent(); err != nil || len(unsent) > 0 {
		t.Errorf("unsent: %v, %v", unsent, err)
	}
	if m, err = other.Merge(file); err != nil || m.Added != 0 || m.Known != 8 {
		t.Errorf("a second time it says %+v, %v", m, err)
	}
}

func TestMergesTheFileOfAnotherDevice(t *testing.T) {
	s, laptop := everything(t), begun(t, Options{})
	first := from(bob, 1, "Hello")
	first.Read = true // there
	delivered := to(bob, 2, "Hi", "delivered")
	add(t, laptop, first, from(bob, 20, "seen by the laptop only"), delivered)
	failed := to(eva, 30, "x", "accepted")
	add(t, laptop, failed)
	failed.To[0].State = "delivered"
	add(t, s, failed)
	m, err := s.Merge(laptop.file) // it is open there
	if err != nil || m.Added != 1 || m.Known != 3 {
		t.Fatalf("merging says %+v, %v", m, err)
	}
	here := newest(t, s, bob)
	want(t, "what Bob wrote", texts(here), "Hello|Hi||to each|seen by the laptop only")
	if !here[0].Read || here[1].To[0].State != "queued" {
		t.Errorf("read %v; what is queued here and was never written from here is now %q", here[0].Read, here[1].To[0].State)
	}
	if e := newest(t, s, eva); e[len(e)-1].To[0].State != "delivered" {
		t.Errorf("the laptop knew less, but now it is %q", e[len(e)-1].To[0].State)
	}
}

func TestMergeRefuses(t *testing.T) {
	s := begun(t, Options{})
	newer := begun(t, Options{})
	if _, err := newer.writer.do("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	if err := newer.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Merge(newer.file); !errors.As(err, new(*NewerError)) {
		t.Errorf("a newer file: %v", err)
	}
	file := filepath.Join(t.TempDir(), "export.jsonl")
	good := `{"time":"2026-11-20T12:00:00Z","with":"sip:bob@contoso.test","direction":"in","kind":"message","text":"a\u202eb\u0007","state":"read","id":"1","from":"sip:bob@contoso.test"}`
	lines := []string{"nonsense", good, strings.Replace(good, "2026", "1926", 1), strings.Replace(good, `"in"`, `"up"`, 1), strings.Replace(good, `"1"`, `""`, 1), "", "[]"}
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := s.Merge(file)
	if err != nil || m.Added != 1 || m.Bad != 5 || m.First == nil || !strings.HasPrefix(m.First.Error(), "line 1:") {
		t.Errorf("merging says %+v, %v", m, err)
	}
	want(t, "what is left of control characters", texts(all(t, s)), "ab")
}

func TestTextForPeople(t *testing.T) {
	got := export(t, everything(t), func(w *bytes.Buffer, e Entry) error { return WriteText(w, e) })
	want(t, "text", got, `2026-11-20 12:01:00  from bob@contoso.test  Hello
2026-11-20 12:02:00  to bob@contoso.test (queued)  Hi
2026-11-20 12:03:00  call to bob@contoso.test  1m4s tel:4711
2026-11-20 12:04:00  from eva@contoso.test  Anna, Bob: lunch?
    from bob@contoso.test  I pay
2026-11-20 12:05:00  from sip.contoso.test  server says hello
2026-11-20 12:06:00  to bob@contoso.test,eva@contoso.test (failed)  to both
2026-11-20 12:07:00  joined eva@contoso.test  Eva has joined
2026-11-20 12:08:00  to 2 people (failed)  to each
`)
}

// A line is read as it was written, and nothing that is read breaks anything.
func FuzzParseLine(f *testing.F) {
	for l := range strings.Lines(export(f, everything(f), func(w *bytes.Buffer, e Entry) error { return WriteJSON(w, e) })) {
		f.Add([]byte(l))
	}
	f.Add([]byte(`{"time":"9999-12-31T23:59:59.999999999Z","with":"group:","direction":"out","kind":"call","id":"\u0000","from":"sip:@","seconds":1e300,"to":[{"to":"x","ms":-1}]}`))
	s := begun(f, Options{})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := ParseLine(b)
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := WriteJSON(&out, e); err != nil {
			t.Fatal(err)
		}
		again, err := ParseLine(out.Bytes())
		if err != nil {
			t.Fatalf("%s is not read again: %v", out.Bytes(), err)
		}
		if !e.Time.Equal(again.Time) {
			t.Errorf("time %v became %v", e.Time, again.Time)
		}
		if e.Time, again.Time = (time.Time{}), (time.Time{}); !reflect.DeepEqual(e, again) {
			t.Errorf("%+v became %+v", e, again)
		}
		if _, err := s.Add(e); err != nil {
			t.Errorf("%s cannot be stored: %v", b, err)
		}
	})
}

// A conversation that all see has a key that says nothing to a person: without
// a title it is told by who is in it.
func TestTextOfAConversationWithoutTitle(t *testing.T) {
	e := to(bob, 1, "Lunch?", "delivered")
	e.With, e.Title = "group:315d7f83", ""
	for want, people := range map[string][]Recipient{"to " + bob + "  Lunch?": e.To, "to 2 people  Lunch?": {e.To[0], {To: eva, State: "delivered"}}} {
		e.To = people
		var w bytes.Buffer
		if err := WriteText(&w, e); err != nil || !strings.Contains(w.String(), want) {
			t.Errorf("%q is not in %q, %v", want, w.String(), err)
		}
	}
}
