package session

import (
	"testing"
	"testing/synctest"
	"time"

	"communicator/im"
	"communicator/lab"
)

// Two people at the lab: one sees that the other is writing, and then that what
// he wrote was delivered and, when it was looked at, read.
func TestTypingAndReceipts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{})
		anna, bruno := signedIn(t, options(co, co.Newcomer())), signedIn(t, options(co, co.People()[1]))
		for _, c := range []*client{anna, bruno} {
			if _, err := c.Contacts.Loaded(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		toBruno, toAnna := anna.IM.With(bruno.self), bruno.IM.With(anna.self)
		toBruno.Opened()
		toBruno.Typing(true)
		synctest.Wait()
		if e := got[im.Typing](bruno); len(e) != 1 || e[0] != (im.Typing{With: anna.self, From: anna.self, Active: true}) {
			t.Fatalf("bruno sees %+v", e)
		}
		time.Sleep(5 * time.Second)
		m, err := toBruno.Send(t.Context(), "Lunch?")
		if err != nil || m.Delivered[0].State != im.Delivered {
			t.Fatal(m, err)
		}
		synctest.Wait()
		if e := got[im.Typing](bruno); len(e) != 2 || e[1].Active {
			t.Errorf("after the line: %+v", e)
		}
		if lines := toAnna.Messages(); len(lines) != 1 || lines[0].ID != m.ID || lines[0].Text != "Lunch?" || lines[0].Read {
			t.Fatalf("bruno has %+v", lines)
		}
		toAnna.MarkRead()
		synctest.Wait()
		if d := toBruno.Messages()[0].Delivered[0]; d.State != im.Read {
			t.Errorf("%+v", d)
		}
		if e := got[im.Seen](bruno); len(e) != 1 || e[0].With != anna.self {
			t.Errorf("%+v", e)
		}
		toBruno.Typing(true)
		synctest.Wait()
		anna.stop() // and nobody says that she has stopped
		synctest.Wait()
		if e := got[im.Typing](bruno); len(e) != 4 || e[3].Active {
			t.Errorf("she went: %+v", e)
		}
	})
}

// Who does not want others to know what he has read says so in his profile.
func TestReadReceiptsInTheProfile(t *testing.T) {
	for text, hides := range map[string]bool{"": false, "read_receipts = true\n": false, "read_receipts = false\n": true} {
		dir := t.TempDir()
		write(t, dir, "profile.toml", text)
		p, err := loadProfile(dir, "/nonexistent/policy.toml")
		if err != nil || p.Options().HideReading != hides {
			t.Errorf("%q: %v, %v", text, p.Options().HideReading, err)
		}
	}
}
