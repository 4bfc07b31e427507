package session

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"communicator/calendar"
	"communicator/lab"
	"communicator/presence"
)

func personOf(t *testing.T, co *lab.Company, user string) lab.Person {
	t.Helper()
	for _, p := range co.People() {
		if p.User == user {
			return p
		}
	}
	t.Fatal(user + " is not in the company")
	return lab.Person{}
}

// monday lets the days pass until Monday, eight o'clock.
func monday() {
	time.Sleep(time.Until(time.Date(2000, 1, 3, 8, 0, 0, 0, time.Local)))
}

const (
	chen = "chen.dahl@contoso.test"
	ivo  = "ivo.hansen@contoso.test"
)

// What the calendar server says is what others see, and it ends by itself. The
// title is theirs only if the user allows it.
func TestCalendarIsSeenByOthers(t *testing.T) {
	for _, titles := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			monday()
			co := company(t, lab.Options{})
			anna := signedIn(t, options(co, co.Newcomer()))
			if err := anna.Presence.Watch(t.Context(), chen, ivo); err != nil {
				t.Fatal(err)
			}
			for _, user := range []string{chen, ivo} { // found by DNS: nothing is configured
				o := options(co, personOf(t, co, user))
				o.CalendarNote = titles
				signedIn(t, o)
			}
			sees := func(user, want, note string) {
				t.Helper()
				time.Sleep(10 * time.Second)
				if !titles {
					note = ""
				}
				if s := anna.Presence.Of(user); s.Words(time.Now()) != want || s.Note != note {
					t.Errorf("%s: %q with the note %q, want %q with %q", user, s.Words(time.Now()), s.Note, want, note)
				}
			}
			sees(chen, "In a meeting until 09:30", "Steering committee")
			sees(ivo, "Out of office until 12 Jan", "Parental leave. Please ask Dina Costa.")
			time.Sleep(time.Until(time.Date(2000, 1, 3, 9, 30, 0, 0, time.Local)))
			sees(chen, "Available", "")

			busy, err := anna.FreeBusy(t.Context(), chen, time.Now().Add(-time.Hour), time.Now())
			if err != nil || len(busy) != 1 || busy[0].Kind != calendar.Busy || busy[0].Title != "" {
				t.Errorf("the last hour of %s: %+v, %v", chen, busy, err)
			}
		})
	}
}

// A calendar in a file, read anew by itself; one that is not there is said, and
// is not the same as a free one.
func TestCalendarInFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{})
		file := filepath.Join(t.TempDir(), "anna.ics")
		o := options(co, co.Newcomer())
		o.Calendar, o.CalendarEvery = file, 10*time.Second
		anna := signedIn(t, o)
		time.Sleep(10 * time.Second)
		st := anna.Calendar.State()
		var e *calendar.Error
		if !errors.As(st.Err, &e) || e.Why != "there is no such file" || st.Known() {
			t.Errorf("without a file: %+v", st)
		}
		begins, ends := time.Now().Add(time.Minute).UTC(), time.Now().Add(21*time.Minute).UTC()
		write := func(class string) {
			t.Helper()
			text := "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART:" + begins.Format("20060102T150405Z") + "\nDTEND:" + ends.Format("20060102T150405Z") + "\nSUMMARY:Dentist\n" + class + "END:VEVENT\nEND:VCALENDAR\n"
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write("CLASS:PRIVATE\n")
		time.Sleep(30 * time.Second)
		if s, _ := anna.Presence.Self(); s.Words(time.Now()) != "Available" {
			t.Errorf("before: %s", s.Words(time.Now()))
		}
		time.Sleep(time.Minute)
		if s, _ := anna.Presence.Self(); s.Activity != presence.Meeting || s.Note != "" || s.Source != presence.FromCalendar {
			t.Errorf("in it: %+v", s)
		}
		if st := anna.Calendar.State(); st.Err != nil || st.At(time.Now()).Title != "" {
			t.Errorf("what is private has no title: %+v", st)
		}
		time.Sleep(time.Until(ends) + time.Second)
		if s, _ := anna.Presence.Self(); s.Words(time.Now()) != "Available" {
			t.Errorf("after: %s", s.Words(time.Now()))
		}
		if n := len(got[CalendarChanged](anna)); n != 2 {
			t.Errorf("%d changes were told, want 2: not there, and there", n)
		}
	})
}

// A title is never told where it is private, and what is not certain, or lasts
// for days, is no meeting.
func TestMeetings(t *testing.T) {
	at := func(h int) time.Time { return time.Date(2026, 11, 20, h, 0, 0, 0, time.UTC) }
	st := calendar.State{Periods: []calendar.Period{
		{From: at(9), Until: at(10), Kind: calendar.Busy, Title: "Review"}, {From: at(10), Until: at(11), Kind: calendar.Tentative, Title: "Perhaps"},
		{From: at(11), Until: at(12), Kind: calendar.Busy}, {From: at(12), Until: at(36), Kind: calendar.Busy, Title: "Fair", AllDay: true},
		{From: at(36), Until: at(60), Kind: calendar.OutOfOffice, Title: "Leave", AllDay: true},
	}}
	want := []presence.Period{
		{From: at(9), Until: at(10), Busy: true, Activity: presence.Meeting, Note: "Review"}, {From: at(11), Until: at(12), Busy: true, Activity: presence.Meeting},
		{From: at(12), Until: at(36), Busy: true, Note: "Fair"}, {From: at(36), Until: at(60), Busy: true, Activity: presence.OutOfOffice},
	}
	for _, titles := range []bool{true, false} {
		got := meetings(st, titles)
		if len(got) != len(want) {
			t.Fatalf("%+v", got)
		}
		for i, w := range want {
			if !titles {
				w.Note = ""
			}
			if !got[i].Equal(w) {
				t.Errorf("titles %v: %+v, want %+v", titles, got[i], w)
			}
		}
	}
}

// Where the calendar server tells of nobody else, what somebody's presence says
// of the next hours serves; of who says nothing, nothing is made up.
func TestFreeBusyWithoutServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		monday()
		co := company(t, lab.Options{})
		file := filepath.Join(t.TempDir(), "anna.ics")
		if err := os.WriteFile(file, []byte("BEGIN:VCALENDAR\nEND:VCALENDAR\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		o := options(co, co.Newcomer())
		o.Calendar = file
		anna := signedIn(t, o)
		if err := anna.Presence.Watch(t.Context(), chen); err != nil {
			t.Fatal(err)
		}
		signedIn(t, options(co, personOf(t, co, chen)))
		time.Sleep(10 * time.Second)
		now := time.Now()
		periods, err := anna.FreeBusy(t.Context(), chen, now, now.Add(8*time.Hour))
		if st := (calendar.State{Read: now, Periods: periods}); err != nil || st.Words(now) != "Busy until 09:30" {
			t.Errorf("%s: %q, %v", chen, st.Words(now), err)
		}
		if _, err := anna.FreeBusy(t.Context(), "nobody@contoso.test", now, now.Add(time.Hour)); !errors.Is(err, calendar.ErrNoFreeBusy) {
			t.Errorf("of nobody: %v", err)
		}
	})
}
