package view

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"communicator/autoconfig"
	"communicator/contacts"
	"communicator/im"
	"communicator/presence"
	"communicator/session"
)

const anna, bruno = "anna@contoso.test", "bruno@contoso.test"

func TestTranscript(t *testing.T) {
	done := []im.Delivery{{To: bruno, State: im.Delivered}}
	messages := []im.Message{
		{ID: "1", From: bruno, Text: "Morning!", Time: at(9, 14).AddDate(0, 0, -1)},
		{ID: "2", From: bruno, Text: "Do you have the numbers?", Time: at(9, 14)},
		{ID: "3", From: bruno, Text: "Q4", Time: at(9, 18)},
		{ID: "4", From: bruno, Text: "Hello?", Time: at(9, 24)},
		{ID: "5", From: anna, Text: "Sending them now.", Time: at(9, 25), Delivered: done},
		{ID: "6", From: anna, Text: "And the offer?", Time: at(9, 26), Delivered: []im.Delivery{{To: bruno, State: im.Failed, Code: 480}}},
		{ID: "7", From: anna, Text: "Hm", Time: at(9, 27), Delivered: []im.Delivery{{To: bruno, State: im.Sending}}},
		{ID: "8", From: bruno, Text: "Late", Time: at(9, 28), Stored: true},
	}
	var b strings.Builder
	for _, e := range Transcript(messages, anna, Names{bruno: "Bruno Berg"}, now) {
		if e.Day != "" {
			fmt.Fprintf(&b, "-- %s --\n", e.Day)
		}
		if e.Head {
			fmt.Fprintf(&b, "%s %s\n", e.Who, e.Time)
		}
		fmt.Fprintf(&b, "  %s %s %s\n", e.Text, e.Mark, e.Words)
	}
	want := `-- Yesterday, 19 November --
Bruno Berg 09:14
  Morning!  
-- Today, 20 November --
Bruno Berg 09:14
  Do you have the numbers?  
  Q4  
Bruno Berg 09:24
  Hello?  
You 09:25
  Sending them now. ✓ delivered
  And the offer? ⚠ Not delivered: not signed in (480)
  Hm … sending
Bruno Berg 09:28
  Late  sent while you were away
`
	if b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", b.String(), want)
	}
}

func TestLongMessagesAreCutButCopiedWhole(t *testing.T) {
	for _, text := range []string{strings.Repeat("w", 60000), strings.Repeat("é\n", 9000)} {
		messages := []im.Message{{ID: "1", From: bruno, Text: text, Time: now}}
		e := Transcript(messages, anna, nil, now)[0]
		if utf8.RuneCountInString(e.Text) > shownCharacters+1 || strings.Count(e.Text, "\n") > shownLines || !strings.Contains(e.Words, "more characters") {
			t.Errorf("%d characters are shown, %q", utf8.RuneCountInString(e.Text), e.Words)
		}
		if !strings.Contains(Plain(messages, anna, nil, now), text) {
			t.Error("the copy is cut")
		}
	}
	if e := Transcript([]im.Message{{ID: "1", From: bruno, Text: "short", Time: now}}, anna, nil, now)[0]; e.Text != "short" || e.Words != "" {
		t.Errorf("got %+v", e)
	}
}

func TestDelivery(t *testing.T) {
	for _, c := range []struct {
		ds    []im.Delivery
		mark  Mark
		words string
		retry bool
	}{
		{nil, Pending, "sending", false},
		{[]im.Delivery{{State: im.Delivered}, {State: im.Sending}}, Pending, "sending", false},
		{[]im.Delivery{{State: im.Accepted}}, Ticked, "kept by the server until they sign in", false},
		{[]im.Delivery{{State: im.Accepted}, {State: im.Delivered}}, Ticked, "delivered to 1, kept by the server for 1", false},
		{[]im.Delivery{{State: im.Queued}}, Pending, "waits here until you are connected", false},
		{[]im.Delivery{{State: im.Read}}, Seen, "read", false},
		{[]im.Delivery{{State: im.Read}, {State: im.Delivered}, {State: im.Delivered}}, Ticked, "read by 1, delivered to 2", false},
		{[]im.Delivery{{State: im.Read}, {State: im.Sending}}, Pending, "sending", false},
		{[]im.Delivery{{State: im.Unknown}, {State: im.Delivered}}, Trouble, "No final answer: it may or may not have arrived.", true},
		{[]im.Delivery{{To: bruno, State: im.Failed, Code: 404}, {State: im.Sending}}, Trouble, "Not delivered: Bruno: address unknown (404)", true},
	} {
		mark, words, retry := Delivery(c.ds, Names{bruno: "Bruno"})
		if mark != c.mark || words != c.words || retry != c.retry {
			t.Errorf("%+v: %q %q %v", c.ds, mark, words, retry)
		}
	}
}

func TestReason(t *testing.T) {
	for _, c := range []struct {
		d    im.Delivery
		want string
	}{
		{im.Delivery{State: im.Failed, Code: 486}, "refused, busy (486)"},
		{im.Delivery{State: im.Failed, Code: 403, Reason: "Blocked by policy"}, "refused (403 Blocked by policy)"},
		{im.Delivery{State: im.Failed, Code: 503, Reason: "Overloaded"}, "Overloaded (503)"},
		{im.Delivery{State: im.Failed, Reason: "connection lost"}, "connection lost"},
		{im.Delivery{State: im.Failed}, "not sent"},
		{im.Delivery{State: im.Unknown, Took: 32 * time.Second}, "no answer after 32 s"},
		{im.Delivery{State: im.Delivered}, ""},
	} {
		if got := Reason(c.d); got != c.want {
			t.Errorf("%+v: %q, want %q", c.d, got, c.want)
		}
	}
}

func TestGroupSend(t *testing.T) {
	var to []contacts.Contact
	for i := range 6 {
		to = append(to, contacts.Contact{User: fmt.Sprintf("p%d@contoso.test", i), Name: fmt.Sprintf("Person %d", i)})
	}
	g := NewGroupSend(append(to, to[0]))
	if len(g.To()) != 6 {
		t.Fatalf("each once; got %v", g.To())
	}
	plan := g.Plan(func(user string) presence.State {
		switch user[1] {
		case '0':
			return presence.State{Availability: presence.Offline}
		case '1':
			return presence.State{Availability: presence.DoNotDisturb}
		case '2':
			return presence.State{}
		}
		return presence.State{Availability: presence.Available}
	})
	if got := Headline(plan); got != "6 people, 3 can be reached now" {
		t.Errorf("got %q", got)
	}
	if plan[0].Hint != "gets it at next sign-in" || plan[1].Hint == "" || plan[3].Hint != "" {
		t.Errorf("got %+v", plan)
	}
	g.Begin()
	if got := g.Summary(); got != "6 waiting" || !g.Running() {
		t.Errorf("got %q", got)
	}
	g.Update(im.Delivery{To: "p0@contoso.test", State: im.Delivered, Code: 200, Reason: "OK", Took: 12 * time.Millisecond})
	g.Update(im.Delivery{To: "p1@contoso.test", State: im.Accepted, Code: 202})
	g.Update(im.Delivery{To: "p2@contoso.test", State: im.Failed, Code: 404})
	g.Update(im.Delivery{To: "p3@contoso.test", State: im.Unknown, Took: 32 * time.Second})
	g.Update(im.Delivery{To: "stranger@contoso.test", State: im.Failed})
	if got := g.Summary(); got != "1 failed · 1 without an answer · 1 delivered · 1 offline, get it at next sign-in · 2 waiting" {
		t.Errorf("got %q", got)
	}
	people := g.People(states)
	if people[0].Name != "Person 2" || people[0].Retry || people[1].Name != "Person 3" || !people[1].Retry || people[5].Name != "Person 0" {
		t.Errorf("failures first; got %+v", people)
	}
	g.Stopped()
	if g.Running() || g.Count(im.Failed) != 3 {
		t.Errorf("after a stop nobody is waited for; got %q", g.Summary())
	}
	report := strings.Split(g.Report(), "\n")
	if report[0] != "to\tname\tstate\tcode\treason\tms" || report[1] != "sip:p0@contoso.test\tPerson 0\tdelivered\t200\tOK\t12" || len(report) != 8 {
		t.Errorf("got %q", report)
	}
	g.Begin("p2@contoso.test")
	if g.Count(im.Sending) != 1 {
		t.Error("trying one again sends to one")
	}
}

func TestExplain(t *testing.T) {
	nowhere := &autoconfig.NotFoundError{
		Domain: "contoso.test", Why: "No server is announced for contoso.test", Remedy: "Enter the server by hand",
		Steps: []autoconfig.Step{{Text: "No _sip._tls record", Took: 100 * time.Millisecond}},
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("sign in: %w", &session.SignInError{What: "the password was not accepted", Why: "2 tries so far", Remedy: "edit it"}),
			"The password was not accepted. 2 tries so far. Edit it."},
		{nowhere, "Not signed in. No server is announced for contoso.test. Enter the server by hand."},
		{fmt.Errorf("x: %w", context.DeadlineExceeded), "Not signed in. There was no answer in time. Try again; if it stays like this, ask your help desk."},
		{&session.ProfileError{File: "/p/profile.toml", Why: `unknown key "sever"`, Remedy: `Did you mean "server"?`},
			`The configuration in /p/profile.toml cannot be used. Unknown key "sever". Did you mean "server"?`},
		{errors.New("sip1.contoso.test:5061 does not answer\x1b[31m"), "Not signed in. sip1.contoso.test:5061 does not answer[31m. Try again."},
		{nil, "Not signed in."},
	} {
		if got := Explain("Not signed in.", c.err).String(); got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
	if got := Explain("", nowhere).Details; got != "No _sip._tls record (0.1 s)\n" {
		t.Errorf("the trace of the search goes into the details; got %q", got)
	}
}

func TestHeadline(t *testing.T) {
	long := "the DNS server 192.0.2.53:53 could not answer (REFUSED), so it is not known whether there is a server"
	for _, c := range []struct{ what, why, headline, rest string }{
		{"Not signed in.", "The name or password was not accepted.", "The name or password was not accepted.", ""},
		{"Not signed in.", "Cannot look up nowhere.example: " + long, "Cannot look up nowhere.example.", "The DNS" + long[7:] + "."},
		{"Not signed in.", long + long, "Not signed in.", long + long},
		{"The note was not saved.", "", "The note was not saved.", ""},
	} {
		if got := (Problem{What: c.what, Why: c.why}).Headline(); got.What != c.headline || got.Why != c.rest {
			t.Errorf("%q: %q, %q", c.why, got.What, got.Why)
		}
	}
}

func TestInitials(t *testing.T) {
	for name, want := range map[string]string{
		"Bruno Berg": "BB", "Ingrid Bergström-Álvarez": "IÁ", "anna@contoso.test": "A", "": "?", "élodie": "É",
	} {
		if got := Initials(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
