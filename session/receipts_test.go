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

// What is written on one device is on the other as one's own, in the same
// conversation, with what became of it, once; and what was read on one is read on
// both.
func TestTwoDevices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{})
		desk := signedIn(t, options(co, co.Newcomer()))
		laptop := signedIn(t, options(co, co.Newcomer()))
		bruno := signedIn(t, options(co, co.People()[1]))
		for _, c := range []*client{desk, laptop, bruno} {
			if _, err := c.Contacts.Loaded(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		for i, c := range []*client{desk, laptop} { // either has found the other
			here, there := desk, laptop
			if c == laptop {
				here, there = laptop, desk
			}
			m, err := here.IM.With(bruno.self).Send(t.Context(), "Lunch?")
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			lines := there.IM.With(bruno.self).Messages()
			if len(lines) != i+1 {
				t.Fatalf("on the other device %+v", lines)
			}
			l := lines[i]
			if l.ID != m.ID || l.From != desk.self || l.Text != "Lunch?" || len(l.Delivered) != 1 || l.Delivered[0].State != im.Delivered {
				t.Errorf("on the other device %+v", l)
			}
			if n := len(got[im.Sent](there)); n != i+1 {
				t.Errorf("%d Sent", n)
			}
		}
		if n := len(bruno.IM.With(desk.self).Messages()); n != 2 {
			t.Errorf("bruno has %d", n)
		}
		bruno.IM.With(desk.self).MarkRead()
		synctest.Wait()
		for _, c := range []*client{desk, laptop} {
			if d := c.IM.With(bruno.self).Messages()[0].Delivered[0]; d.State == im.Unknown {
				t.Errorf("%+v", d)
			}
		}
		for range 2 { // the second is wrapped in CPIM, as bruno knows by then whom he writes to
			if _, err := bruno.IM.With(desk.self).Send(t.Context(), "At one"); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			laptop.IM.With(bruno.self).MarkRead()
			synctest.Wait()
			lines := desk.IM.With(bruno.self).Messages()
			if l := lines[len(lines)-1]; !l.Read || len(got[im.Seen](desk)) == 0 {
				t.Errorf("read on the laptop, on the desk %+v", l)
			}
		}
		if n := len(got[im.Seen](desk)); n != 2 {
			t.Errorf("%d times seen", n)
		}
		team := desk.IM.Together("Team", bruno.self, co.People()[2].User)
		if _, err := team.Send(t.Context(), "Hello all"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		all := laptop.IM.Conversations()
		if c := all[0]; c.Key() != team.Key() || c.Title() != "Team" || len(c.Members()) != 2 || len(c.Messages()) != 1 || c.Messages()[0].Delivered[0].State != im.Delivered {
			t.Errorf("what everyone sees is on the other device %s %v %+v", c.Key(), c.Members(), c.Messages())
		}
		laptop.stop()
		if _, err := desk.IM.With(bruno.self).Send(t.Context(), "Alone"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
	})
}
