package view

import (
	"testing"
	"time"

	"communicator/autoconfig"
	"communicator/directory/addressbook"
	"communicator/presence"
	"communicator/session"
)

// now is a Friday.
var now = time.Date(2026, 11, 20, 10, 0, 0, 0, time.Local)

func at(hour, minute int) time.Time {
	return time.Date(2026, 11, 20, hour, minute, 0, 0, time.Local)
}

func TestWordsAndFace(t *testing.T) {
	for _, c := range []struct {
		s           presence.State
		words, face string
		online      bool
	}{
		{presence.State{Availability: presence.Available}, "Available", "available", true},
		{presence.State{Availability: presence.Available, Activity: presence.Inactive, Since: at(9, 48)}, "Inactive 12 min", "inactive", true},
		{presence.State{Availability: presence.Away, Since: at(9, 35)}, "Away 25 min", "away", true},
		{presence.State{Availability: presence.Away, Since: at(10, 0)}, "Away", "away", true},
		{presence.State{Availability: presence.Away, Since: at(11, 0)}, "Away", "away", true}, // their clock is ahead
		{presence.State{Availability: presence.BeRightBack}, "Be right back", "away", true},
		{presence.State{Availability: presence.Busy}, "Busy", "busy", true},
		{presence.State{Availability: presence.Busy, Activity: presence.Meeting, Until: at(10, 30)}, "In a meeting until 10:30", "meeting", true},
		{presence.State{Availability: presence.Busy, Activity: presence.Meeting, Until: at(9, 30)}, "In a meeting", "meeting", true}, // over, by their words
		{presence.State{Availability: presence.Busy, Activity: presence.Call}, "In a call", "call", true},
		{presence.State{Availability: presence.Busy, Activity: presence.Conference}, "In a conference", "call", true},
		{presence.State{Availability: presence.DoNotDisturb}, "Do not disturb", "dnd", true},
		{presence.State{Availability: presence.Offline, Activity: presence.OutOfOffice, Until: time.Date(2027, 5, 3, 0, 0, 0, 0, time.Local)},
			"Out of office until 3 May 2027", "outofoffice", false},
		{presence.State{Availability: presence.Offline, Since: at(8, 40)}, "Offline · last seen 08:40", "offline", false},
		{presence.State{Availability: presence.Offline, Since: at(8, 40).AddDate(0, 0, -3)}, "Offline · last seen Tue 08:40", "offline", false},
		{presence.State{Availability: presence.Offline}, "Offline", "offline", false},
		{presence.State{Availability: presence.Unknown}, "Status unknown", "unknown", false},
		{presence.State{}, "Status unknown", "unknown", false},
		{presence.State{Availability: presence.Available, Old: true}, "Status unknown", "unknown", false},
		{presence.State{Availability: presence.Offline, Activity: presence.OutOfOffice, Old: true}, "Status unknown", "unknown", false},
		{presence.State{Availability: "something new"}, "Status unknown", "unknown", false},
	} {
		if got := Words(c.s, now); got != c.words {
			t.Errorf("%+v: %q, want %q", c.s, got, c.words)
		}
		if got := Face(c.s); got != c.face {
			t.Errorf("%+v: face %q, want %q", c.s, got, c.face)
		}
		if got := c.s.Reachable(); got != c.online {
			t.Errorf("%+v: online %v", c.s, got)
		}
	}
}

func TestNote(t *testing.T) {
	s := presence.State{Note: "On site in Lyon", Seen: at(9, 40)}
	if got := Note(s, now); got != "“On site in Lyon”" {
		t.Errorf("got %q", got)
	}
	s.Old = true
	if got := Note(s, now); got != "“On site in Lyon” · read 09:40" {
		t.Errorf("a note that may be out of date says when it was read; got %q", got)
	}
	if got := Note(presence.State{}, now); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestClock(t *testing.T) {
	for _, c := range []struct {
		t    time.Time
		want string
	}{
		{at(15, 0), "15:00"}, {at(15, 0).AddDate(0, 0, -2), "Wed 15:00"}, {at(15, 0).AddDate(0, 0, -30), "21 Oct"},
		{at(15, 0).AddDate(1, 0, 0), "20 Nov 2027"}, {time.Time{}, ""},
	} {
		if got := Clock(c.t, now); got != c.want {
			t.Errorf("%v: %q, want %q", c.t, got, c.want)
		}
	}
}

func TestDay(t *testing.T) {
	for _, c := range []struct {
		t    time.Time
		want string
	}{
		{now, "Today, 20 November"}, {now.AddDate(0, 0, -1), "Yesterday, 19 November"},
		{now.AddDate(0, 0, -2), "Wednesday, 18 November"}, {now.AddDate(-1, 0, 0), "Thursday, 20 November 2025"},
	} {
		if got := Day(c.t, now); got != c.want {
			t.Errorf("%v: %q, want %q", c.t, got, c.want)
		}
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 12 * time.Second: "12 s", 25 * time.Minute: "25 min", time.Hour: "1 h", 72 * time.Hour: "3 days",
	} {
		if got := Span(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestSeconds(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0 ms", 12 * time.Millisecond: "12 ms", 100 * time.Millisecond: "0.1 s", 2 * time.Second: "2.0 s"} {
		if got := Seconds(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestStatusLine(t *testing.T) {
	s := session.State{Phase: session.SignedIn, User: "anna@contoso.test", TLS: "TLS 1.3", Took: 400 * time.Millisecond}
	if got := StatusOf(s, now); got != (StatusLine{Good: true, Text: "Signed in as anna@contoso.test · TLS 1.3", Right: "0.4 s"}) {
		t.Errorf("got %+v", got)
	}
	filling := addressbook.State{Filling: true, Read: 62400, Total: 100214}
	if got := WithBook(StatusOf(s, now), filling, 41*time.Second); got != (StatusLine{Busy: true, Text: "Address book: 62,400 of 100,214", Right: "41 s"}) {
		t.Errorf("got %+v", got)
	}
	s.TLS = ""
	if got := StatusOf(s, now); got.Text != "Signed in as anna@contoso.test · not encrypted" {
		t.Errorf("got %+v", got)
	}
	s = session.State{Phase: session.Waiting, Until: now.Add(8 * time.Second)}
	if got := StatusOf(s, now); got.Good || got.Text != "Not connected · next try in 8 s" {
		t.Errorf("got %+v", got)
	}
}

func TestLost(t *testing.T) {
	s := session.State{Phase: session.Waiting, Until: now.Add(8 * time.Second)}
	want := Banner{"Connection lost 12 s ago", "Trying again in 8 s. What you send leaves when you are connected again."}
	if got := Lost(s, now.Add(-12*time.Second), now); got != want {
		t.Errorf("got %+v", got)
	}
	s.Phase = session.Connecting
	if got := Lost(s, now, now); got.Text != "Trying again now. What you send leaves when you are connected again." {
		t.Errorf("got %+v", got)
	}
}

func TestOwnLine(t *testing.T) {
	on := session.State{Phase: session.SignedIn, User: "anna@contoso.test", Name: "Anna Albers"}
	meeting := presence.State{Availability: presence.Busy, Activity: presence.Meeting, Until: at(10, 30), Note: "x", NoteUntil: at(15, 0), Source: presence.FromCalendar}
	got := OwnLine(on, meeting, "available", now)
	if want := (Own{"Anna Albers", "meeting", "In a meeting until 10:30", "from the calendar · you chose Available", "x", "clears 15:00"}); got != want {
		t.Errorf("got %+v", got)
	}
	if got := OwnLine(on, presence.State{Availability: presence.Busy, Source: presence.FromChoice}, "busy", now); got.Second != "" {
		t.Errorf("what is seen is what was chosen; got %q", got.Second)
	}
	got = OwnLine(session.State{Phase: session.Waiting, User: "anna@contoso.test"}, presence.State{Availability: presence.Available}, "auto", now)
	if got.Button != "Not signed in" || got.Face != "offline" || got.Name != "anna@contoso.test" {
		t.Errorf("nobody sees anything of somebody who is not signed in; got %+v", got)
	}
}

func TestSignIn(t *testing.T) {
	var s SignIn
	target := autoconfig.Target{Host: "sip1.contoso.test", Port: 5061, Transport: "tls"}
	s.Changed(session.State{Phase: session.Locating}, now)
	s.Found(autoconfig.Step{Step: "srv", Name: "_sipinternaltls._tcp.contoso.test.", Result: "found", Text: "found it"})
	if l := s.Lines(); l[0].Progress != Working || l[0].Detail != "found it" || l[1].Progress != Later || l[3].Text != "waiting" {
		t.Errorf("got %+v", l)
	}
	s.Changed(session.State{Phase: session.Connecting, Target: target}, now.Add(100*time.Millisecond))
	s.Found(autoconfig.Step{Step: "tls", Result: "found", Text: "certificate valid until 1 March 2027"})
	s.Changed(session.State{Phase: session.SigningIn, Target: target, TLS: "TLS 1.3"}, now.Add(300*time.Millisecond))
	l := s.Lines()
	if l[0].Text != "sip1.contoso.test:5061" || l[0].Detail != "from _sipinternaltls._tcp.contoso.test." || l[0].Took != 100*time.Millisecond {
		t.Errorf("server: %+v", l[0])
	}
	if l[1].Text != "TLS 1.3" || l[1].Detail != "certificate valid until 1 March 2027" || l[1].Took != 200*time.Millisecond || l[1].Progress != Done {
		t.Errorf("link: %+v", l[1])
	}
	if l[2].Progress != Working || l[3].Progress != Later {
		t.Errorf("sign-in: %+v", l[2])
	}
	s.Changed(session.State{Phase: session.SignedIn, Target: target, TLS: "TLS 1.3", User: "anna@contoso.test"}, now.Add(time.Second))
	s.Loaded(now.Add(2 * time.Second))
	for i, l := range s.Lines() {
		if l.Progress != Done {
			t.Errorf("line %d is not done: %+v", i, l)
		}
	}
	s.Changed(session.State{Phase: session.Locating}, now.Add(time.Hour))
	if l := s.Lines(); l[1].Progress != Later {
		t.Errorf("a new try begins from the start; got %+v", l)
	}
}

func TestClearTimes(t *testing.T) {
	words := func(now time.Time) string {
		all := ""
		for _, c := range ClearTimes(now) {
			all += c.Words + ", "
			if !c.Time.After(now) {
				t.Errorf("%q is past", c.Words)
			}
		}
		return all
	}
	thursday := time.Date(2026, 11, 19, 9, 0, 0, 0, time.Local)
	if got := words(thursday); got != "In an hour, Today 18:00, Tomorrow 08:00, Mon 08:00, " {
		t.Errorf("on Thursday morning: %s", got)
	}
	if got := words(thursday.Add(9 * time.Hour)); got != "In an hour, Tomorrow 08:00, Mon 08:00, " {
		t.Errorf("on Thursday evening: %s", got)
	}
	if got := words(thursday.AddDate(0, 0, 3)); got != "In an hour, Today 18:00, Tomorrow 08:00, " {
		t.Errorf("on Sunday: %s", got)
	}
}
