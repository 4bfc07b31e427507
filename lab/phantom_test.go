package lab

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"communicator/wire/auth"
	"communicator/wire/pidf"
	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

// player is somebody who plays a person of the company with a real client.
type player struct {
	t    *testing.T
	conn *sipconn.Conn
	user string
	got  chan string // "method text"
}

// play signs somebody in at the first front end.
func (c *Company) play(t *testing.T, user string) *player {
	t.Helper()
	return c.playAt(t, "fe1", user)
}

func (c *Company) playAt(t *testing.T, host, user string) *player {
	t.Helper()
	p := &player{t: t, user: user, got: make(chan string, 100)}
	local, domain, _ := strings.Cut(user, "@")
	secret := c.staff.people[c.staff.index[user]].Password
	p.conn = sipconn.New(c.dialTLS(t, host+"."+domain+":5061"), sipconn.Options{
		Self: user, Auth: auth.NewClient(local, domain, func() (string, error) { return secret, nil }),
		Handle: func(in *sipconn.Incoming) {
			p.got <- string(in.Request.Method) + " " + string(in.Request.Body())
			_ = in.Reply(200, "OK", sipconn.Body{})
		},
	})
	r, err := p.conn.NewRequest("REGISTER", user, sipconn.Body{})
	if err != nil {
		t.Fatal(err)
	}
	r.Recipient = sip.Uri{Scheme: "sip", Host: domain}
	r.AppendHeader(sip.NewHeader("Contact", "<"+p.conn.Contact()+">"))
	r.AppendHeader(sip.NewHeader("Expires", "600"))
	if _, err := p.conn.Do(t.Context(), r, nil); err != nil {
		t.Fatalf("%s signs in: %v", user, err)
	}
	return p
}

// hear is what comes next.
func (p *player) hear(t *testing.T) string {
	t.Helper()
	select {
	case m := <-p.got:
		return m
	case <-time.After(15 * time.Second):
		t.Fatal("nothing came")
		return ""
	}
}

// say sends a message and gives the status code.
func (p *player) say(to, text string) int {
	p.t.Helper()
	r, err := p.conn.NewRequest("MESSAGE", to, sipconn.Text(text))
	if err != nil {
		p.t.Fatal(err)
	}
	res, err := p.conn.Do(p.t.Context(), r, nil)
	if res == nil {
		p.t.Fatalf("%s says %q: %v", p.user, text, err)
	}
	return res.StatusCode
}

// do obeys a command and fails the test on an error.
func do(t *testing.T, c *Company, line string) string {
	t.Helper()
	answer := c.Do(line)
	if !json.Valid([]byte(answer)) || strings.Contains(answer, `"error"`) {
		t.Fatalf("%s: %s", line, answer)
	}
	return answer
}

func TestMessagesReachSimulatedPeopleAndWaitForTheAbsent(t *testing.T) {
	bubble(t, Options{People: 11, Still: true}, func(t *testing.T, c *Company) {
		anna := c.play(t, "anna.albers@contoso.test")
		defer anna.conn.Close() //nolint
		for _, m := range []struct {
			to   string
			code int
		}{{"bruno.berg", 200}, {"chen.dahl", 200}, {"amelie.fournier", 200}, {"jana.ito", 202}, {"nobody", 404}} {
			if code := anna.say(m.to+"@contoso.test", "Hello "+m.to); code != m.code {
				t.Errorf("to %s: %d, want %d", m.to, code, m.code)
			}
		}
		do(t, c, "signout bruno.berg")
		if code := anna.say("bruno.berg@contoso.test", "Anybody there?"); code != 202 {
			t.Errorf("to somebody signed out: %d", code)
		}
		do(t, c, "signin bruno.berg")
		synctest.Wait()
		in := do(t, c, "inbox sip:bruno.berg@contoso.test")
		for _, want := range []string{`"user":"sip:bruno.berg@contoso.test"`, `"from":"sip:anna.albers@contoso.test"`, `"text":"Hello bruno.berg"`, `Anybody there?`} {
			if !strings.Contains(in, want) {
				t.Errorf("inbox %s lacks %s", in, want)
			}
		}
		if in := do(t, c, "inbox jana.ito"); !strings.HasSuffix(in, `"messages":[]}`) {
			t.Errorf("inbox of somebody absent: %s", in)
		}
		time.Sleep(time.Hour)
		select {
		case m := <-anna.got:
			t.Errorf("people who stand still sent %q", m)
		default:
		}
	})
}

func TestPeopleAnswer(t *testing.T) {
	bubble(t, Options{People: 11}, func(t *testing.T, c *Company) {
		anna := c.play(t, "anna.albers@contoso.test")
		defer anna.conn.Close() //nolint
		do(t, c, "state bruno.berg available")
		if code := anna.say("bruno.berg@contoso.test", "Do you have a minute?"); code != 200 {
			t.Fatalf("code %d", code)
		}
		if m := anna.hear(t); !strings.Contains(m, "<state>active</state>") {
			t.Errorf("before he answers: %q", m)
		}
		if text, is := strings.CutPrefix(anna.hear(t), "MESSAGE "); !is || !slices.Contains(toQuestions, text) {
			t.Errorf("answer %q", text)
		}
		do(t, c, "state bruno.berg dnd")
		anna.say("bruno.berg@contoso.test", "And now?")
		select {
		case m := <-anna.got:
			t.Errorf("somebody who does not want to be disturbed says %q", m)
		case <-time.After(20 * time.Second):
		}
	})
}

func TestPeopleChangeTheirState(t *testing.T) {
	bubble(t, Options{People: 40}, func(t *testing.T, c *Company) {
		do(t, c, "signout bruno.berg")
		do(t, c, "state goran.kaya dnd")
		before := do(t, c, "who")
		time.Sleep(30 * time.Minute)
		if after := do(t, c, "who"); after == before {
			t.Errorf("after half an hour the same people are signed in: %s", after)
		}
		time.Sleep(10 * time.Hour)
		if who := do(t, c, "who"); strings.Contains(who, "bruno") || strings.Contains(who, "jana") || !strings.Contains(who, "goran") {
			t.Errorf("what was commanded does not last: %s", who)
		}
	})
}

func TestWhoeverIsPlayedIsNotSimulated(t *testing.T) {
	bubble(t, Options{People: 11, Still: true}, func(t *testing.T, c *Company) {
		if who := do(t, c, "who"); strings.Contains(who, "anna") || !strings.Contains(who, `"real":[]`) || !strings.Contains(who, "sip:bruno.berg@contoso.test") {
			t.Errorf("at the start: %s", who)
		}
		bruno := c.play(t, "bruno.berg@contoso.test")
		synctest.Wait()
		if who := do(t, c, "who"); !strings.Contains(who, `"real":["sip:bruno.berg@contoso.test"]`) {
			t.Errorf("with bruno: %s", who)
		}
		if answer := c.Do("state bruno.berg busy"); !strings.Contains(answer, "not simulated") {
			t.Errorf("state of somebody played: %s", answer)
		}
		do(t, c, "say anna.albers bruno.berg Good morning, Bruno")
		if m := <-bruno.got; m != "MESSAGE Good morning, Bruno" {
			t.Errorf("bruno got %q", m)
		}
		_ = bruno.conn.Close()
		synctest.Wait()
		if who := do(t, c, "who"); strings.Contains(who, "bruno") {
			t.Errorf("after bruno has gone: %s", who)
		}
		do(t, c, "state bruno.berg busy Here again")
		if who := do(t, c, "who"); !strings.Contains(who, "bruno") || !strings.Contains(who, `"real":[]`) {
			t.Errorf("after state: %s", who)
		}
	})
}

func TestMoodsAsPresenceDocuments(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for _, m := range []struct {
		mood mood
		want string
	}{
		{mood{state: "available"}, "open [] false "},
		{mood{state: "busy", note: "In Lyon"}, "open [busy] false In Lyon"},
		{mood{state: "dnd"}, "open [busy] true "},
		{mood{state: "call"}, "open [on-the-phone] false "},
		{mood{state: "meeting", lasts: 90 * time.Minute}, "open [meeting] false  until 10:30"},
		{mood{state: "offline", note: "Back Monday at 9"}, "closed [] false Back Monday at 9"},
	} {
		p, err := pidf.Parse(m.mood.document("bruno.berg@contoso.test", now))
		if err != nil {
			t.Fatal(err)
		}
		a := p.Persons[0].Activities
		if a == nil {
			a = &pidf.Activities{}
		}
		note := ""
		if len(p.Persons[0].Notes) > 0 {
			note = p.Persons[0].Notes[0].Text
		}
		got := fmt.Sprintf("%s %v %v %s", p.Tuples[0].Basic, a.Values, a.DoNotDisturb, note)
		if !a.Until.IsZero() {
			got += " until " + a.Until.Format("15:04")
		}
		if got != m.want || p.Entity != "sip:bruno.berg@contoso.test" {
			t.Errorf("%+v: %q of %s, want %q", m.mood, got, p.Entity, m.want)
		}
	}
	if d := (mood{state: "offline"}).document("x@y", now); d != nil {
		t.Errorf("offline without a note: %s", d)
	}
}

func TestRepetitionIsShownOnce(t *testing.T) {
	bubble(t, Options{People: 11, Still: true}, func(t *testing.T, c *Company) {
		anna := c.play(t, "anna.albers@contoso.test")
		defer anna.conn.Close() //nolint
		for range 2 {
			r, err := anna.conn.NewRequest("MESSAGE", "bruno.berg@contoso.test", sipconn.Text("once"))
			if err != nil {
				t.Fatal(err)
			}
			id := sip.CallIDHeader("the-same")
			r.ReplaceHeader(&id)
			if res, err := anna.conn.Do(t.Context(), r, nil); err != nil || res.StatusCode != 200 {
				t.Fatal(err)
			}
		}
		if in := do(t, c, "inbox bruno.berg"); strings.Count(in, "once") != 1 || !strings.Contains(in, `"id":"the-same","call_id":"the-same","count":2}`) {
			t.Errorf("inbox %s", in)
		}
	})
}
