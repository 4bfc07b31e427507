package session

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"communicator/history"
	"communicator/im"
	"communicator/lab"
)

// Two people talk; the window of one is closed and opened again.
func TestHistoryIsThereTheNextTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{Still: true})
		me, bob := co.Newcomer(), co.People()[1]
		o := options(co, me)
		o.Dir = t.TempDir()
		c, peer := signedIn(t, o), signedIn(t, options(co, bob))
		if _, err := c.IM.With(bob.User).Send(t.Context(), "Hello Bob"); err != nil {
			t.Fatal(err)
		}
		if _, err := peer.IM.With(me.User).Send(t.Context(), "Hello Anna"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		c.stop()

		c = signedIn(t, o)
		lines := c.IM.With(bob.User).Messages()
		if len(lines) != 2 || lines[0].Text != "Hello Bob" || lines[0].Delivered[0].State != im.Delivered || lines[1].Text != "Hello Anna" || lines[1].From != bob.User {
			t.Errorf("after another start: %+v", lines)
		}
		store, err := c.History.Open()
		if err != nil {
			t.Fatal(err)
		}
		found, err := store.Search(history.Query{Text: "hello an"})
		if err != nil || len(found) != 1 || found[0].Text != "Hello Anna" {
			t.Errorf("found %+v, %v", found, err)
		}
		c.stop()
	})
}

// Who is told that the history was damaged can look at the new one.
func TestHistoryWasDamaged(t *testing.T) {
	o := Options{User: "anna@contoso.test", Dir: t.TempDir()}
	var told []HistoryTrouble
	var s *Session
	o.Notify = func(e any) {
		if trouble, is := e.(HistoryTrouble); is {
			told = append(told, trouble)
			if store, err := s.History.Open(); err != nil || store == nil {
				t.Errorf("the new one: %v, %v", store, err)
			}
		}
	}
	s = New(o)
	defer s.History.Close()
	if err := os.WriteFile(filepath.Join(o.Dir, "history."+o.User+".db"), []byte(strings.Repeat("garbage ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := s.History.Open(); err != nil {
			t.Fatal(err)
		}
	}
	if len(told) != 1 || told[0].Repair == nil || !told[0].Repair.Lost {
		t.Errorf("told %+v", told)
	}
}

// With a history that cannot be used messages go all the same; the user is told
// once.
func TestHistoryOfANewerVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{Still: true})
		o := options(co, co.Newcomer())
		o.Dir = t.TempDir()
		file := filepath.Join(o.Dir, "history."+o.User+".db")
		newer := append([]byte("SQLite format 3\x00"), make([]byte, 4080)...)
		newer[63] = 200 // PRAGMA user_version
		if err := os.WriteFile(file, newer, 0o600); err != nil {
			t.Fatal(err)
		}
		c := signedIn(t, o)
		for range 2 {
			m, err := c.IM.With(co.People()[1].User).Send(t.Context(), "Hello")
			if err != nil || m.Delivered[0].State != im.Accepted {
				t.Errorf("sent: %+v, %v", m, err)
			}
		}
		synctest.Wait()
		told := got[HistoryTrouble](c)
		var newerError *history.NewerError
		if len(told) != 1 || !errors.As(told[0].Err, &newerError) || newerError.Have != 200 {
			t.Errorf("told %+v", told)
		}
		c.stop()
		if after, err := os.ReadFile(file); err != nil || string(after) != string(newer) {
			t.Errorf("the file was touched, %v", err)
		}
	})
}

func TestHistorySettings(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		"history = false\nhistory_days = 90\n": "",
		"history_days = -1\n":                  "history_days",
		"histroy = true\n":                     `unknown key "histroy"`,
	} {
		if err := os.WriteFile(filepath.Join(dir, "profile.toml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := loadProfile(dir, "")
		if want == "" && (err != nil || !p.Options().NoHistory || p.Options().HistoryDays != 90) {
			t.Errorf("%q: %+v, %v", text, p.Options(), err)
		}
		if want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if (Profile{}).Options().NoHistory {
		t.Error("without a word in the profile nothing is kept")
	}
}

// Retention is kept to, but not by a clock that has leapt.
func TestHistoryDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{Still: true})
		o := options(co, co.Newcomer())
		o.Dir, o.HistoryDays = t.TempDir(), 10
		texts := func(s *Session) (all []string) {
			store, err := s.History.Open()
			if err != nil {
				t.Fatal(err)
			}
			if err := store.All(history.Query{}, func(e history.Entry) error { all = append(all, e.Text); return nil }); err != nil {
				t.Fatal(err)
			}
			return all
		}
		before := New(o)
		for id, age := range map[string]time.Duration{"old": 11 * 24 * time.Hour, "recent": 9 * 24 * time.Hour} {
			if _, err := before.History.keep(im.Message{ID: id, With: "bob@contoso.test", From: "bob@contoso.test", Text: id, Time: time.Now().Add(-age)}); err != nil {
				t.Fatal(err)
			}
		}
		before.History.Close()
		c := signedIn(t, o)
		synctest.Wait()
		if all := texts(c.Session); len(all) != 1 || all[0] != "recent" {
			t.Errorf("left is %v", all)
		}
		c.stop()

		time.Sleep(40 * 24 * time.Hour) // or a wrong clock
		c = signedIn(t, o)
		synctest.Wait()
		if all := texts(c.Session); len(all) != 1 {
			t.Errorf("a clock that has leapt has removed it: %v", all)
		}
		time.Sleep(25 * time.Hour)
		synctest.Wait()
		if all := texts(c.Session); len(all) != 0 {
			t.Errorf("a day later there is %v", all)
		}
		c.stop()
	})
}

// What im stores comes back as it was.
func TestLinesComeBack(t *testing.T) {
	s := New(Options{User: "anna@contoso.test", Dir: t.TempDir()})
	defer s.History.Close()
	at := time.Date(2026, 11, 20, 16, 0, 0, 0, time.Local)
	lines := []im.Message{
		{ID: "1", With: "group:g", From: "bob@contoso.test", Text: "Bob came", Time: at, Stored: true, Request: true, Notice: "joined",
			Group: &im.Group{ID: "g", Title: "Lunch", Members: []string{"anna@contoso.test", "bob@contoso.test"}, Added: []string{"bob@contoso.test"}}},
		{ID: "2", With: "group:g", From: "anna@contoso.test", Text: "Hi", Raw: "Hi\x07", Time: at.Add(time.Second), Read: true, Delivered: []im.Delivery{
			{ID: "2", To: "bob@contoso.test", State: im.Failed, Code: 403, Reason: "Forbidden", Took: time.Second, Plain: true, Blocked: true}},
			Group: &im.Group{ID: "g", Title: "Dinner", Members: []string{"anna@contoso.test", "bob@contoso.test", "eva@contoso.test"}}},
	}
	for _, m := range lines {
		if known, err := s.History.keep(m); known || err != nil {
			t.Fatal(known, err)
		}
	}
	lines[0].Request = false // answered
	if got := s.History.newest("group:g", time.Time{}, 10); !reflect.DeepEqual(got, lines) {
		t.Errorf("read:\n%+v\nwant:\n%+v", got, lines)
	}
}

// The disk is full while others write: that is told once, and again when there
// was room meanwhile. What the user writes himself fails before his eyes.
func TestNoRoomIsTold(t *testing.T) {
	told := 0
	s := New(Options{User: "anna@contoso.test", Dir: t.TempDir(), Notify: func(e any) {
		if trouble, is := e.(HistoryTrouble); is && errors.Is(trouble.Err, history.ErrFull) {
			told++
		}
	}})
	defer s.History.Close()
	full := fmt.Errorf("add: %w", history.ErrFull)
	for _, step := range []struct {
		err  error
		want int
	}{{full, 1}, {full, 1}, {nil, 1}, {full, 2}} {
		if s.History.room(step.err); told != step.want {
			t.Errorf("after %v it was told %d times, not %d", step.err, told, step.want)
		}
	}
}

// A command that listens beside the window, with the same file, takes nothing
// from its eyes: each shows what comes, and it is kept once.
func TestWindowAndCommandBothShowWhatComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{})
		people := co.People()
		o := options(co, people[0])
		o.Dir = t.TempDir()
		window := signedIn(t, o)
		o.Silent = true
		command := signedIn(t, o)
		bruno := signedIn(t, options(co, people[1]))
		time.Sleep(time.Minute)
		if _, err := bruno.IM.With(people[0].User).Send(t.Context(), "Lunch?"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		for name, c := range map[string]*client{"window": window, "command": command} {
			if e := got[im.Received](c); len(e) != 1 || e[0].Message.Text != "Lunch?" {
				t.Errorf("the %s shows %+v", name, e)
			}
			if m := c.IM.With(people[1].User).Messages(); len(m) != 1 {
				t.Errorf("the conversation in the %s has %+v", name, m)
			}
		}
		store, err := window.History.Open()
		if err != nil {
			t.Fatal(err)
		}
		if all, err := store.Newest(people[1].User, time.Time{}, 10); err != nil || len(all) != 1 {
			t.Errorf("kept: %+v, %v", all, err)
		}
	})
}
