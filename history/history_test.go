package history

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

const (
	anna = "anna@contoso.test"
	bob  = "bob@contoso.test"
	eva  = "eva@contoso.test"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.Local)

// begun opens a history in a folder of its own.
func begun(t testing.TB, o Options) *Store {
	t.Helper()
	return reopened(t, filepath.Join(t.TempDir(), "history.db"), o)
}

func reopened(t testing.TB, file string, o Options) *Store {
	t.Helper()
	s, err := Open(file, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// from is a message that came from somebody, n minutes after noon.
func from(who string, n int, text string) Entry {
	return Entry{ID: fmt.Sprintf("%s-%d", who, n), With: who, From: who, Text: text, Time: noon.Add(time.Duration(n) * time.Minute)}
}

// to is an own message to somebody.
func to(who string, n int, text, state string) Entry {
	e := from(who, n, text)
	e.ID, e.From, e.Own, e.Read, e.To = "own-"+e.ID, anna, true, true, []Recipient{{To: who, State: state}}
	return e
}

func add(t testing.TB, s *Store, all ...Entry) {
	t.Helper()
	for _, e := range all {
		if known, err := s.Add(e); err != nil || known {
			t.Fatalf("Add(%+v): known %v, %v", e, known, err)
		}
	}
}

// texts returns the texts of entries, in their order.
func texts(all []Entry) string {
	var s []string
	for _, e := range all {
		s = append(s, e.Text)
	}
	return strings.Join(s, "|")
}

func newest(t testing.TB, s *Store, with string) []Entry {
	t.Helper()
	all, err := s.Newest(with, time.Time{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func want(t testing.TB, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestKeepsWhatWasSaid(t *testing.T) {
	s := begun(t, Options{})
	sent := to(bob, 2, "see <you>", "sending")
	sent.Raw = "see \x07<you>"
	add(t, s, from(bob, 1, "Hello\nAnna"), sent, from(eva, 3, "other"))
	if err := s.Settle(sent.ID, Recipient{To: bob, State: "accepted", Code: 202, Reason: "Stored", Took: 12 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = reopened(t, s.file, Options{})
	all := newest(t, s, bob)
	sent.To = []Recipient{{To: bob, State: "accepted", Code: 202, Reason: "Stored", Took: 12 * time.Millisecond}}
	if len(all) != 2 || !reflect.DeepEqual(all[0], from(bob, 1, "Hello\nAnna")) || !reflect.DeepEqual(all[1], sent) {
		t.Errorf("after another start there is\n%+v, want\n%+v\n%+v", all, from(bob, 1, "Hello\nAnna"), sent)
	}
	if info, err := os.Stat(s.file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v; others must not read it", info.Mode(), err)
	}
}

func TestRecognisesWhatComesTwice(t *testing.T) {
	s := begun(t, Options{})
	e := from(bob, 1, "Hello")
	add(t, s, e)
	e.Time = e.Time.Add(time.Hour) // as a server that kept it says
	if known, err := s.Add(e); err != nil || !known {
		t.Errorf("the same message again: known %v, %v", known, err)
	}
	e.Text = "something else under the same ID"
	e2 := from(eva, 1, "Hello")
	e2.ID = e.ID // of another person
	add(t, s, e, e2)
	want(t, "what Bob wrote", texts(newest(t, s, bob)), "Hello|something else under the same ID")
}

func TestMessagesOfOneMomentStayInOrder(t *testing.T) {
	s := begun(t, Options{})
	for i := range 30 {
		e := from(bob, 0, fmt.Sprint(i))
		e.ID = fmt.Sprint(i)
		add(t, s, e)
	}
	all := newest(t, s, bob)
	for i, e := range all {
		if e.Text != fmt.Sprint(i) {
			t.Fatalf("order is %s", texts(all))
		}
	}
}

func TestReadsInPages(t *testing.T) {
	s := begun(t, Options{})
	for i := range 10 {
		add(t, s, from(bob, i, fmt.Sprint(i)))
	}
	page, err := s.Newest(bob, noon.Add(7*time.Minute), 3)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "before 12:07", texts(page), "4|5|6")
	page, at, err := s.Around(bob, noon.Add(4*time.Minute+30*time.Second), 2)
	if err != nil || at != 2 {
		t.Errorf("a jump to 12:04:30 puts it at %d, %v", at, err)
	}
	want(t, "around 12:04:30", texts(page), "3|4|5|6")
}

func TestTalksNewestFirstWithUnread(t *testing.T) {
	s := begun(t, Options{})
	add(t, s, from(bob, 1, "a"), from(eva, 2, "b"), from(bob, 3, "c"))
	shared := from(eva, 4, "in the group")
	shared.With, shared.Title, shared.Members = "group:1", "Lunch", []string{bob, eva}
	add(t, s, shared)
	if err := s.Seen(bob, noon.Add(2*time.Minute)); err != nil {
		t.Fatal(err)
	}
	talks, err := s.Talks(2)
	if err != nil || len(talks) != 2 {
		t.Fatal(talks, err)
	}
	if g := talks[0]; g.With != "group:1" || g.Title != "Lunch" || !reflect.DeepEqual(g.Members, []string{bob, eva}) || g.Unread != 1 || g.Last.Text != "in the group" {
		t.Errorf("the group is %+v", g)
	}
	if b := talks[1]; b.With != bob || b.Unread != 1 || b.Last.Text != "c" {
		t.Errorf("the talk with Bob is %+v", b)
	}
}

func TestCallsBelongToIt(t *testing.T) {
	s := begun(t, Options{})
	call := from(bob, 1, "")
	call.Kind, call.Device, call.Reason, call.Length = Call, "tel:4711", "diverted: no answer", 63*time.Second
	add(t, s, call, from(bob, 2, "Sorry"))
	if all := newest(t, s, bob); len(all) != 2 || !reflect.DeepEqual(all[0], call) {
		t.Errorf("the call is %+v, want %+v", all[0], call)
	}
}

// A message that went to several people separately is one entry, in the
// conversation with each.
func TestSeveralSeparately(t *testing.T) {
	s := begun(t, Options{})
	each := to("", 2, "The office closes", "unknown")
	each.To = []Recipient{{To: bob, State: "unknown"}, {To: eva, State: "unknown"}}
	add(t, s, from(bob, 1, "Hello"), each, from(bob, 3, "Why?"))
	each.To = append(each.To, Recipient{To: "dan@contoso.test", State: "unknown"})
	if err := s.Settle(each.ID, Recipient{To: bob, State: "delivered", Code: 200}); err != nil {
		t.Fatal(err)
	}
	if known, err := s.Add(each); err != nil || !known { // a run that is resumed
		t.Fatalf("known %v, %v", known, err)
	}
	talk := newest(t, s, bob)
	want(t, "with Bob", texts(talk), "Hello|The office closes|Why?")
	if len(talk) != 3 || talk[1].With != bob || !reflect.DeepEqual(talk[1].To, []Recipient{{To: bob, State: "delivered", Code: 200}}) {
		t.Errorf("the line with Bob is %+v", talk[1])
	}
	want(t, "with Dan", texts(newest(t, s, "dan@contoso.test")), "The office closes")
	want(t, "found with Eva", found(t, s, Query{Text: "office", With: eva}), "The office closes")
	want(t, "found with Bob", found(t, s, Query{With: bob}), "Why?|The office closes|Hello")
	want(t, "found anywhere", found(t, s, Query{Text: "office"}), "The office closes")
	if talks, err := s.Talks(10); err != nil || len(talks) != 3 || talks[0].With != bob || talks[1].Last.Text != each.Text || len(talks[1].Last.To) != 1 {
		t.Errorf("conversations: %+v, %v", talks, err)
	}
	for _, who := range []string{bob, eva} {
		if err := s.Forget(who); err != nil {
			t.Fatal(err)
		}
		want(t, "forgotten", texts(newest(t, s, who)), "")
	}
	want(t, "with Dan", texts(newest(t, s, "dan@contoso.test")), "The office closes")
	if err := s.Prune(noon.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if talks, err := s.Talks(10); err != nil || len(talks) != 0 {
		t.Errorf("conversations in the end: %+v, %v", talks, err)
	}
}

func TestRequestsUntilAccepted(t *testing.T) {
	s := begun(t, Options{})
	waits := func(with string) (all []bool) {
		for _, e := range newest(t, s, with) {
			all = append(all, e.Request)
		}
		return all
	}
	for _, who := range []string{bob, eva} {
		e := from(who, 1, "Buy!")
		e.Request = true
		add(t, s, e)
	}
	add(t, s, to(eva, 2, "No, thank you", "delivered"))
	if got := fmt.Sprint(waits(bob), waits(eva)); got != "[true] [false false]" {
		t.Errorf("after an answer to Eva: %s", got)
	}
	if err := s.Accept(bob); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(waits(bob)); got != "[false]" {
		t.Errorf("after accepting Bob: %s", got)
	}
}

func TestUnsentGoesToWhoComesNext(t *testing.T) {
	window := begun(t, Options{})
	command := reopened(t, window.file, Options{})
	add(t, command, to(bob, 1, "on its way", "sending"), to(eva, 2, "waits", "queued"), to(eva, 3, "arrived", "sending"))
	if err := command.Settle("own-"+eva+"-3", Recipient{To: eva, State: "delivered"}); err != nil {
		t.Fatal(err)
	}
	unsent := func(s *Store) string {
		all, err := s.Unsent()
		if err != nil {
			t.Fatal(err)
		}
		return texts(all)
	}
	want(t, "while the command is sending, the window gets", unsent(window), "")
	if err := command.Close(); err != nil { // as kill -9: the system gives its lock back
		t.Fatal(err)
	}
	want(t, "after it has ended, the window gets", unsent(window), "on its way|waits")
	want(t, "another window gets", unsent(reopened(t, window.file, Options{})), "")
	left, err := filepath.Glob(window.file + ".*.lock")
	if err != nil || len(left) != 2 { // of the two windows
		t.Errorf("locks: %v, %v", left, err)
	}
}

func TestForgetsAndPrunes(t *testing.T) {
	s := begun(t, Options{Now: func() time.Time { return noon.Add(time.Hour) }})
	add(t, s, from(bob, 1, "Zugspitze"), to(bob, 2, "waits", "queued"), from(eva, 3, "recent"), from(eva, 4, "newest"))
	if err := s.Prune(noon.Add(4 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	want(t, "of Bob is left", texts(newest(t, s, bob)), "waits")
	want(t, "of Eva is left", texts(newest(t, s, eva)), "newest")
	if known, err := s.Add(from(bob, 1, "Zugspitze")); err != nil || !known {
		t.Errorf("what a server brings again: known %v, %v", known, err)
	}
	if err := s.Forget(eva); err != nil {
		t.Fatal(err)
	}
	want(t, "of Eva is left", texts(newest(t, s, eva)), "")
	if talks, err := s.Talks(10); err != nil || len(talks) != 1 {
		t.Errorf("conversations: %+v, %v", talks, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(s.file)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"Zugspitze", "zugspitze", "newest"} {
		if strings.Contains(string(b), word) {
			t.Errorf("%q is still on the disk", word)
		}
	}
}

func TestOffKeepsOnlyWhatIsNeeded(t *testing.T) {
	s := begun(t, Options{Off: true, Now: func() time.Time { return noon }})
	add(t, s, from(bob, 1, "Zugspitze"), to(bob, 2, "Watzmann", "sending"))
	if known, err := s.Add(from(bob, 1, "Zugspitze")); err != nil || !known {
		t.Errorf("the same again: known %v, %v", known, err)
	}
	want(t, "while it is on its way there is", texts(newest(t, s, bob)), "Watzmann")
	if err := s.Settle("own-"+bob+"-2", Recipient{To: bob, State: "delivered"}); err != nil {
		t.Fatal(err)
	}
	want(t, "afterwards there is", texts(newest(t, s, bob)), "")
	if known, err := s.Add(to(bob, 2, "Watzmann", "delivered")); err != nil || !known {
		t.Errorf("the copy of another device: known %v, %v", known, err)
	}
	if err := s.Prune(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(s.file)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"Zugspitze", "Watzmann", "watzmann"} {
		if strings.Contains(string(b), word) {
			t.Errorf("%q is on the disk", word)
		}
	}
}

func TestNewerVersionIsNotTouched(t *testing.T) {
	s := begun(t, Options{})
	add(t, s, from(bob, 1, "Hello"))
	if _, err := s.writer.do("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(s.file)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(s.file, Options{})
	var newer *NewerError
	if !errors.As(err, &newer) || newer.Have != 99 {
		t.Errorf("opening says %v", err)
	}
	if after, err := os.ReadFile(s.file); err != nil || string(after) != string(before) {
		t.Errorf("the file was changed, %v", err)
	}
	if files, err := os.ReadDir(filepath.Dir(s.file)); err != nil || len(files) != 1 {
		t.Errorf("there are %v, %v", files, err)
	}
}
