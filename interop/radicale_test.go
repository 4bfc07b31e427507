//go:build interop

package interop

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"communicator/calendar"
	"communicator/presence"
	"communicator/session"
)

// davServer is a calendar server of somebody else's.
type davServer struct {
	t              *testing.T
	root           string // https://127.0.0.1:PORT
	name, password string
	http           *http.Client
}

// do makes one request as the owner of the calendar.
func (s davServer) do(method, path, kind, body string, want int) {
	s.t.Helper()
	r, err := http.NewRequest(method, s.root+path, bytes.NewReader([]byte(body)))
	if err != nil {
		s.t.Fatal(err)
	}
	r.SetBasicAuth(s.name, s.password)
	r.Header.Set("Content-Type", kind)
	res, err := s.http.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	if text, _ := io.ReadAll(res.Body); res.StatusCode != want {
		s.t.Fatalf("%s %s: %s, want %d\n%s", method, path, res.Status, want, text)
	}
}

// put stores an event with these lines.
func (s davServer) put(path, uid string, lines ...string) {
	s.t.Helper()
	all := append([]string{"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//interop//", "BEGIN:VEVENT", "UID:" + uid, "DTSTAMP:20261101T000000Z"}, lines...)
	s.do(http.MethodPut, path, "text/calendar; charset=utf-8", strings.Join(append(all, "END:VEVENT", "END:VCALENDAR", ""), "\r\n"), http.StatusCreated)
}

func webClient(p *pool) *http.Client {
	return &http.Client{Timeout: patience, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.roots}, DisableKeepAlives: true}}
}

// startRadicale starts Radicale with the pool's certificate and one account.
func startRadicale(t *testing.T, p *pool, name, password string) davServer {
	t.Helper()
	dir, port := t.TempDir(), freeBase(t, 1)+1
	users, conf := filepath.Join(dir, "users"), filepath.Join(dir, "config")
	for file, text := range map[string]string{
		users: name + ":" + password + "\n",
		conf: fmt.Sprintf("[server]\nhosts = 127.0.0.1:%d\nssl = True\ncertificate = %s\nkey = %s\n[auth]\ntype = htpasswd\nhtpasswd_filename = %s\nhtpasswd_encryption = plain\ndelay = 0\n[storage]\nfilesystem_folder = %s\n[logging]\nlevel = info\n",
			port, filepath.Join(p.dir, "server.pem"), filepath.Join(p.dir, "server.key"), users, filepath.Join(dir, "data")),
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	start(t, "radicale", exec.Command("/usr/bin/radicale", "--config", conf)).expect(0, `Radicale server ready`)
	return davServer{t, fmt.Sprintf("https://127.0.0.1:%d", port), name, password, webClient(p)}
}

func stamp(t time.Time) string { return t.UTC().Format("20060102T150405Z") }

// follows has the session read its calendar there.
func follows(address string) func(*session.Options) {
	return func(o *session.Options) {
		o.Calendar, o.CalendarEvery, o.CalendarNote = address, calendar.Quickest, true
	}
}

// A meeting that is put into Radicale turns my state to "In a meeting until ..."
// for another client at Kamailio, and back, without a hand.
func TestRadicale(t *testing.T) {
	p := startPool(t)
	here := p.place()
	me, other := here.me, here.reports(here.me)[0]
	local, _, _ := strings.Cut(me, "@")
	for _, name := range []string{me, local} { // it may know me by either
		t.Run(name, func(t *testing.T) {
			s := startRadicale(t, p, name, here.of(me).password)
			work := "/" + name + "/work/"
			s.do("MKCALENDAR", work, "application/xml", "", http.StatusCreated)
			watcher := here.signIn(t, other)
			if err := watcher.Presence.Watch(within(t), me); err != nil {
				t.Fatal(err)
			}
			mine := here.signIn(t, me, follows(s.root+"/"))
			watcher.sees(me, "available", func(s presence.State) bool { return s.Availability == presence.Available })

			begins := time.Now().Add(12 * time.Second).Truncate(time.Second)
			ends := begins.Add(20 * time.Second)
			s.put(work+"meeting.ics", "meeting", "DTSTART:"+stamp(begins), "DTEND:"+stamp(ends), "SUMMARY:Łódź round")
			shown := watcher.sees(me, "in a meeting", func(s presence.State) bool { return s.Activity == presence.Meeting })
			late := time.Since(begins)
			if shown.Availability != presence.Busy || !shown.Until.Equal(ends) || shown.Note != "Łódź round" || late < 0 {
				t.Errorf("seen %s after its beginning: %+v, want busy until %s with its title", late, shown, ends)
			}
			watcher.sees(me, "available again", func(s presence.State) bool { return s.Availability == presence.Available && s.Note == "" })
			t.Logf("%s; seen %.1f s after its beginning and %.1f s after its end", shown.Words(begins), late.Seconds(), time.Since(ends).Seconds())
			if st := mine.Calendar.State(); st.Err != nil || len(st.Warnings) > 0 {
				t.Errorf("calendar: %v, %q", st.Err, st.Warnings)
			}

			// A meeting every day in another zone, of which one is moved and one is private.
			now := time.Now().In(newYork(t))
			day := func(n int) string { return now.AddDate(0, 0, n).Format("20060102") }
			s.do(http.MethodPut, work+"daily.ics", "text/calendar; charset=utf-8", strings.ReplaceAll(`BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//interop//
BEGIN:VEVENT
UID:daily
DTSTAMP:20261101T000000Z
DTSTART;TZID=America/New_York:`+day(-30)+`T200000
DTEND;TZID=America/New_York:`+day(-30)+`T203000
RRULE:FREQ=DAILY
EXDATE;TZID=America/New_York:`+day(3)+`T200000
SUMMARY:Daily
END:VEVENT
BEGIN:VEVENT
UID:daily
RECURRENCE-ID;TZID=America/New_York:`+day(2)+`T200000
DTSTAMP:20261101T000000Z
DTSTART;TZID=America/New_York:`+day(2)+`T210000
DTEND;TZID=America/New_York:`+day(2)+`T220000
CLASS:PRIVATE
SUMMARY:Secret
END:VEVENT
END:VCALENDAR
`, "\n", "\r\n"), http.StatusCreated)
			await(mine, 0, "the daily meeting", func(e session.CalendarChanged) bool {
				at := func(n, hour, minute int) calendar.Period {
					y, m, d := now.AddDate(0, 0, n).Date()
					return e.State.At(time.Date(y, m, d, hour, minute, 0, 0, now.Location()))
				}
				moved := at(2, 21, 30)
				return at(1, 20, 15).Title == "Daily" && at(2, 20, 15).Kind == calendar.Free && at(3, 20, 15).Kind == calendar.Free &&
					moved.Kind == calendar.Busy && moved.Title == ""
			})
			if _, err := mine.Calendar.FreeBusy(within(t), other, now, now.Add(time.Hour)); !errors.Is(err, calendar.ErrNoFreeBusy) {
				t.Errorf("Radicale has no schedule outbox, yet: %v", err)
			}
		})
	}
}

func newYork(t *testing.T) *time.Location {
	loc, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// Xandikos shows the times only, as servers do where one may not see more: it
// answers a free-busy-query.
func TestXandikos(t *testing.T) {
	p := startPool(t)
	here := p.place()
	base := freeBase(t, 1, 2)
	cmd := exec.Command("/usr/bin/xandikos", "--defaults", "--current-user-principal", "/me/", "-d", filepath.Join(t.TempDir(), "data"),
		"-l", "127.0.0.1", "-p", fmt.Sprint(base+1))
	cmd.Env = append(os.Environ(), "PYTHONUNBUFFERED=1")
	start(t, "xandikos", cmd).expect(0, `Running on`)
	behind, _ := url.Parse(fmt.Sprintf("http://127.0.0.1:%d", base+1))
	// It has neither TLS nor accounts: those are before it, as in its manual.
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(behind) }}
	front := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, password, _ := r.BasicAuth()
		body, _ := io.ReadAll(r.Body)
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		switch {
		case name != here.me || password != here.of(here.me).password:
			w.Header().Set("WWW-Authenticate", `Basic realm="calendar"`)
			w.WriteHeader(http.StatusUnauthorized)
		case r.Method == "REPORT" && bytes.Contains(body, []byte("calendar-query")):
			w.WriteHeader(http.StatusForbidden)
		default:
			proxy.ServeHTTP(w, r)
		}
	})}
	l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", base+2))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { // ends with Close
		defer close(ended)
		_ = front.ServeTLS(l, filepath.Join(p.dir, "server.pem"), filepath.Join(p.dir, "server.key"))
	}()
	t.Cleanup(func() { _ = front.Close(); <-ended })
	s := davServer{t, "https://" + l.Addr().String(), here.me, here.of(here.me).password, webClient(p)}
	begins := time.Now().Add(-time.Minute).Truncate(time.Second)
	s.put("/me/calendars/calendar/now.ics", "now", "DTSTART:"+stamp(begins), "DTEND:"+stamp(begins.Add(time.Hour)), "SUMMARY:Not to be seen")
	mine := here.signIn(t, here.me, follows(s.root+"/"))
	found := await(mine, 0, "the meeting of now", func(e session.CalendarChanged) bool { return e.State.At(time.Now()).Kind == calendar.Busy })
	if now := found.State.At(time.Now()); now.Title != "" || !now.Until.Equal(begins.Add(time.Hour)) {
		t.Errorf("%+v, want an hour without a title", now)
	}
}
