package calendar

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"communicator/lab"
	"communicator/wire/auth"
)

const chen = "chen.dahl@contoso.test"

// inLab runs f in fake time beside a company, from Monday 2000-01-03 at eight on.
func inLab(t *testing.T, f func(t *testing.T, c *lab.Company)) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(2*24*time.Hour + 8*time.Hour)
		c, err := lab.New(lab.Options{People: 60, Still: true})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		f(t, c)
	})
}

// config is that of a person of the lab.
func config(c *lab.Company, user, url string) Config {
	for _, p := range c.People() {
		if p.User == user {
			return Config{URL: url, User: user, Password: func() (string, error) { return p.Password, nil },
				TLS: &tls.Config{RootCAs: c.Roots()}, Dial: c.Dial, Local: time.UTC}
		}
	}
	panic(user + " is not in the lab")
}

func open(t *testing.T, c Config) Source {
	t.Helper()
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	switch s := s.(type) {
	case *caldav:
		t.Cleanup(s.web.close)
	case *ics:
		if s.web != nil {
			t.Cleanup(s.web.close)
		}
	}
	return s
}

func today() (from, until time.Time) {
	from = time.Now().UTC().Truncate(24 * time.Hour)
	return from, from.AddDate(0, 0, Days)
}

// Every address by which a person may know the calendar leads to it.
func TestFindCalendars(t *testing.T) {
	inLab(t, func(t *testing.T, c *lab.Company) {
		for _, url := range []string{
			"https://xcap.contoso.test", "https://xcap.contoso.test/", "https://xcap.contoso.test/dav", "https://xcap.contoso.test/dav/",
			"https://xcap.contoso.test/dav/chen.dahl/", "https://xcap.contoso.test/dav/chen.dahl/calendars/", "https://xcap.contoso.test/dav/chen.dahl/calendars/work/",
			"https://chen.dahl@xcap.contoso.test/",
		} {
			s := open(t, config(c, chen, url))
			from, until := today()
			r, err := s.Read(t.Context(), from, until)
			if err != nil {
				t.Errorf("%s: %v", url, err)
				continue
			}
			now := State{Periods: r.Periods}.At(time.Now())
			if now.Kind != Busy || now.Title != "Steering committee" || len(r.Periods) < 3 {
				t.Errorf("%s: now %+v of %d", url, now, len(r.Periods))
			}
			if again, err := s.Read(t.Context(), from, until); err != nil || !again.Same {
				t.Errorf("%s: read again: %+v, %v; nothing has changed", url, again, err)
			}
			s.(*caldav).web.close()
		}
	})
}

// An event that is stored is seen at the next read, and when others ask.
func TestStoredEvent(t *testing.T) {
	inLab(t, func(t *testing.T, c *lab.Company) {
		s := open(t, config(c, chen, "https://xcap.contoso.test/")).(*caldav)
		from, until := today()
		if _, err := s.Read(t.Context(), from, until); err != nil {
			t.Fatal(err)
		}
		at := *s.root
		at.Path = "/dav/chen.dahl/calendars/work/mine.ics"
		a, err := s.web.do(t.Context(), ask{http.MethodPut, &at, map[string]string{"Content-Type": "text/calendar", "If-None-Match": "*"},
			"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//\r\nBEGIN:VEVENT\r\nUID:mine\r\nDTSTAMP:20000103T000000Z\r\nDTSTART:20000108T100000Z\r\nDTEND:20000108T110000Z\r\nSUMMARY:On a Saturday\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"})
		if err != nil || a.status != http.StatusCreated {
			t.Fatalf("PUT: %d %s, %v", a.status, a.body, err)
		}
		r, err := s.Read(t.Context(), from, until)
		saturday := time.Date(2000, 1, 8, 10, 30, 0, 0, time.UTC)
		if now := (State{Periods: r.Periods}).At(saturday); err != nil || r.Same || now.Title != "On a Saturday" {
			t.Errorf("after storing: %+v, %v", now, err)
		}
		anna := open(t, config(c, "anna.albers@contoso.test", "https://xcap.contoso.test/"))
		busy, err := anna.FreeBusy(t.Context(), chen, from, until)
		if now := (State{Periods: busy}).At(saturday); err != nil || now.Kind != Busy || now.Title != "" {
			t.Errorf("seen by Anna: %+v of %d, %v; want busy without a title", now, len(busy), err)
		}
		if _, err := anna.FreeBusy(t.Context(), "nobody@contoso.test", from, until); !errors.Is(err, ErrNoFreeBusy) {
			t.Errorf("nobody's free/busy: %v", err)
		}
	})
}

// Out of office comes with its text, and to others as not reachable.
func TestOutOfOfficeInLab(t *testing.T) {
	inLab(t, func(t *testing.T, c *lab.Company) {
		from, until := today()
		const ivo = "ivo.hansen@contoso.test"
		r, err := open(t, config(c, ivo, "https://xcap.contoso.test/")).Read(t.Context(), from, until)
		if now := (State{Periods: r.Periods}).At(time.Now()); err != nil || now.Kind != OutOfOffice || now.Text != "Parental leave. Please ask Dina Costa." || !now.AllDay {
			t.Errorf("%+v, %v", now, err)
		}
		busy, err := open(t, config(c, chen, "https://xcap.contoso.test/")).FreeBusy(t.Context(), ivo, from, until)
		if now := (State{Periods: busy}).At(time.Now()); err != nil || now.Kind != OutOfOffice {
			t.Errorf("seen by others: %+v, %v", now, err)
		}
	})
}

// A password that is refused is said and not tried again.
func TestWrongPassword(t *testing.T) {
	inLab(t, func(t *testing.T, c *lab.Company) {
		conf := config(c, chen, "https://xcap.contoso.test/")
		asked := 0
		conf.Password = func() (string, error) { asked++; return "wrong", nil }
		s := open(t, conf).(*caldav)
		from, until := today()
		for range 3 {
			_, err := s.Read(t.Context(), from, until)
			var e *Error
			if !errors.Is(err, auth.ErrRejected) || !errors.As(err, &e) || !strings.Contains(e.What, "does not accept") || e.Remedy == "" {
				t.Errorf("error %v", err)
			}
		}
		if asked > 2 {
			t.Errorf("the password was asked for %d times", asked)
		}
	})
}

// The agenda notices what changes, within its time, and that a server is gone.
func TestAgenda(t *testing.T) {
	inLab(t, func(t *testing.T, c *lab.Company) {
		ctx, stop := context.WithCancel(t.Context())
		var changes []State
		a := New(AgendaOptions{
			Open:  func(context.Context) (Source, error) { return Open(config(c, chen, "https://xcap.contoso.test/")) },
			Local: time.UTC, Changed: func(s State) { changes = append(changes, s) },
		})
		ended := make(chan struct{})
		go func() { defer close(ended); a.Run(ctx) }()
		synctest.Wait()
		if s := a.State(); s.Err != nil || !s.Known() || s.At(time.Now()).Title != "Steering committee" || len(changes) != 1 {
			t.Fatalf("%+v after %d changes", s, len(changes))
		}
		read := a.State().Read
		time.Sleep(6 * time.Minute)
		synctest.Wait()
		if s := a.State(); !s.Read.After(read) || len(changes) != 1 {
			t.Errorf("read at %s, then %s; %d changes", read, s.Read, len(changes))
		}
		if busy, err := a.FreeBusy(ctx, "dina.costa@contoso.test", time.Now(), time.Now().AddDate(0, 0, 7)); err != nil || len(busy) == 0 {
			t.Errorf("Dina's week: %v, %v", busy, err)
		}
		_ = c.Close()
		time.Sleep(6 * time.Minute)
		synctest.Wait()
		s := a.State()
		if s.Err == nil || s.At(read).Title != "Steering committee" || s.Read.After(time.Now().Add(-5*time.Minute)) || len(changes) != 2 {
			t.Errorf("without a server: %v, read %s, %d changes; the last known must stay, with its age", s.Err, s.Read, len(changes))
		}
		stop()
		<-ended
		if !slices.ContainsFunc(changes, func(s State) bool { return s.Err != nil }) {
			t.Error("nobody was told")
		}
	})
}
