package calendar

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"communicator/wire/auth"
)

// site is a server of the domain example.com that answers in plain text, and
// what it was asked.
type site struct {
	*httptest.Server
	mu     sync.Mutex
	asked  []string // "METHOD path"
	dialed []string
}

// newSite serves with f, over TLS with the certificate of example.com.
func newSite(t *testing.T, f http.HandlerFunc) *site {
	s := &site{}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.Method+" "+r.URL.Path)
		s.mu.Unlock()
		f(w, r)
	}))
	s.Server.Config.ErrorLog = nil
	t.Cleanup(s.Close)
	return s
}

// config leads every host to the site.
func (s *site) config(url string) Config {
	return Config{
		URL: url, User: "anna@example.com", Password: func() (string, error) { return "secret", nil }, Local: time.UTC,
		TLS: s.Client().Transport.(*http.Transport).TLSClientConfig.Clone(),
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			s.mu.Lock()
			s.dialed = append(s.dialed, addr)
			s.mu.Unlock()
			return new(net.Dialer).DialContext(ctx, network, s.Listener.Addr().String())
		},
	}
}

func (s *site) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

// read reads one week of the address.
func (s *site) read(t *testing.T, url string, tune ...func(*Config)) (Reading, error) {
	c := s.config(url)
	for _, f := range tune {
		f(&c)
	}
	from := time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)
	return open(t, c).Read(t.Context(), from, from.AddDate(0, 0, 7))
}

// says checks that err is a sentence with all it needs.
func says(t *testing.T, what string, err error, words string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.What == "" || e.Why == "" || e.Remedy == "" || !strings.Contains(e.What+": "+e.Why+". "+e.Remedy, words) {
		t.Errorf("%s: %v, want %q", what, err, words)
	}
}

var anEvent = vcalendar(vevent("DTSTART:20261117T100000Z", "DURATION:PT1H", "SUMMARY:Here"))

// What a server can do wrong is said in a sentence, and costs no more than that.
func TestServersThatAreWrong(t *testing.T) {
	answer := func(status int, kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	to := func(where string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", where)
			w.WriteHeader(http.StatusFound)
		}
	}
	const dav, text = "https://example.com/dav/", "https://example.com/anna.ics"
	for _, c := range []struct {
		what, url string
		serve     http.HandlerFunc
		words     string
	}{
		{"a web page for a calendar server", dav, answer(200, "text/html", "<html>Sign in</html>"), "a web page instead of calendars"},
		{"a web page as 207", dav, answer(207, "text/html; charset=utf-8", "<html><br>"), "a web page instead of XML"},
		{"a web page for a file", text, answer(200, "text/html", "<!DOCTYPE html>"), "a web page instead of a calendar"},
		{"XML cut short", dav, answer(207, "application/xml", `<D:multistatus xmlns:D="DAV:"><D:response>`), "application/xml instead of XML"},
		{"an empty multistatus", dav, answer(207, "application/xml", `<D:multistatus xmlns:D="DAV:"/>`), "it says nothing about /dav/"},
		{"no calendars", dav, answer(207, "application/xml", `<D:multistatus xmlns:D="DAV:"><D:response><D:href>/dav/</D:href></D:response></D:multistatus>`), "names no place for your calendars"},
		{"not there", text, answer(404, "text/plain", ""), "there is none at /anna.ics"},
		{"not allowed", text, answer(403, "text/plain", ""), "you may not read it (403 Forbidden)"},
		{"another host", dav, to("https://evil.test/dav/"), "sends on to another host, evil.test"},
		{"a host that only looks like it", dav, to("https://example.com.evil.test/"), "another host"},
		{"not encrypted", text, to("http://example.com/anna.ics"), "is not encrypted"},
		{"round and round", dav, to("/dav/"), "from one place to the next without end"},
		{"50 MB", text, func(w http.ResponseWriter, _ *http.Request) {
			for range 50 {
				if _, err := io.WriteString(w, strings.Repeat("BEGIN:VCALENDAR\r\n", 1<<20/17)); err != nil {
					return
				}
			}
		}, "sends too much: more than 16 MB"},
		{"a principal elsewhere", dav, answer(207, "application/xml", `<D:multistatus xmlns:D="DAV:"><D:response><D:href>/dav/</D:href><D:propstat><D:prop><D:current-user-principal><D:href>https://evil.test/anna/</D:href></D:current-user-principal></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response></D:multistatus>`), "another host, evil.test"},
	} {
		s := newSite(t, c.serve)
		_, err := s.read(t, c.url)
		says(t, c.what, err, c.words)
		if n := s.count(); n > maxRedirects {
			t.Errorf("%s: asked %d times", c.what, n)
		}
		if slices.ContainsFunc(s.dialed, func(a string) bool { return a != "example.com:443" }) {
			t.Errorf("%s: dialled %q", c.what, s.dialed)
		}
	}
}

// A certificate that is not right ends it before anything is said.
func TestWrongCertificates(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, anEvent) })
	_, err := s.read(t, "https://example.com/anna.ics", func(c *Config) { c.TLS = &tls.Config{RootCAs: x509.NewCertPool()} })
	says(t, "unknown authority", err, "could not be reached securely: nobody this computer trusts has issued its certificate")
	_, err = s.read(t, "https://other.test/anna.ics")
	says(t, "another name", err, "its certificate is for another name")
	_, err = s.read(t, "https://example.com/anna.ics", func(c *Config) { c.TLS.Time = func() time.Time { return time.Now().AddDate(200, 0, 0) } })
	says(t, "expired", err, "its certificate has expired")
	if s.count() != 0 {
		t.Errorf("asked %q", s.asked)
	}
}

// The address is tried as name first, then what is before the @ (RFC 6764 §6);
// who is refused is not tried again, however often the server asks.
func TestSignIn(t *testing.T) {
	for name, c := range map[string]struct {
		good  string // the name that is accepted
		asked int    // requests for two reads
	}{"anna@example.com": {"anna@example.com", 3}, "anna": {"anna", 4}, "nobody": {"", 3}} {
		var names []string
		s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
			user, password, _ := r.BasicAuth()
			if user != "" {
				names = append(names, user)
			}
			if user == "" || user != c.good || password != "secret" {
				w.Header().Add("WWW-Authenticate", `Negotiate`)
				w.Header().Add("WWW-Authenticate", `Basic realm="x", charset="UTF-8"`)
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			_, _ = io.WriteString(w, anEvent)
		})
		source := open(t, s.config("https://example.com/anna.ics"))
		from := time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)
		for range 2 {
			r, err := source.Read(t.Context(), from, from.AddDate(0, 0, 7))
			if c.good != "" && (err != nil || len(r.Periods) != 1) || c.good == "" && !errors.Is(err, auth.ErrRejected) {
				t.Errorf("%s: %+v, %v", name, r, err)
			}
		}
		if s.count() != c.asked {
			t.Errorf("%s: %d requests as %q, want %d", name, s.count(), names, c.asked)
		}
	}
}

// A server that wants something we have not, or nothing that can be given.
func TestSignInThatCannotBe(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", "Negotiate")
		w.WriteHeader(http.StatusUnauthorized)
	})
	_, err := s.read(t, "https://example.com/anna.ics")
	says(t, "Negotiate only", err, "no usable sign-in method among Negotiate")
	_, err = s.read(t, "https://example.com/anna.ics", func(c *Config) { c.Password = nil })
	says(t, "no password", err, "there is no password to sign in with")
	if s.count() > 3 {
		t.Errorf("asked %d times", s.count())
	}
}

// A text that has not changed is not sent again.
func TestUnchangedText(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"7"`)
		if r.Header.Get("If-None-Match") == `"7"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = io.WriteString(w, anEvent)
	})
	source := open(t, s.config("webcal://example.com/anna.ics"))
	from := time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)
	for i, same := range []bool{false, true, false} {
		r, err := source.Read(t.Context(), from, from.AddDate(0, 0, 7+i/2)) // the third time another day
		if err != nil || r.Same != same || !same && len(r.Periods) != 1 {
			t.Errorf("read %d: %+v, %v", i, r, err)
		}
	}
}

// One broken event among others costs no more than itself; servers differ in
// prefixes and in what they leave out.
func TestBrokenAmongGood(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(207)
		if !strings.Contains(string(body), "calendar-query") {
			_, _ = io.WriteString(w, `<?xml version="1.0"?><multistatus xmlns="DAV:" xmlns:cal="urn:ietf:params:xml:ns:caldav">`+
				`<response><href>/cal/</href><propstat><prop><resourcetype><collection/><cal:calendar/></resourcetype></prop><status>HTTP/1.1 200 OK</status></propstat>`+
				`<propstat><prop><cal:calendar-home-set/></prop><status>HTTP/1.1 404 Not Found</status></propstat></response></multistatus>`)
			return
		}
		_, _ = fmt.Fprintf(w, `<?xml version="1.0"?><multistatus xmlns="DAV:" xmlns:cal="urn:ietf:params:xml:ns:caldav">`+
			`<response><href>/cal/1.ics</href><propstat><prop><cal:calendar-data>%s</cal:calendar-data></prop><status>HTTP/1.1 200 OK</status></propstat></response>`+
			`<response><href>/cal/2.ics</href><propstat><prop><cal:calendar-data>BEGIN:VCALENDAR&#13;
BEGIN:VEVENT&#13;
DTSTART;X=:nonsense&#13;
;;;</cal:calendar-data></prop><status>HTTP/1.1 200 OK</status></propstat></response>`+
			`<response><href>/cal/3.ics</href><propstat><prop><cal:calendar-data><![CDATA[%s]]></cal:calendar-data></prop><status>HTTP/1.1 200 OK</status></propstat></response>`+
			`<response><href>/cal/4.ics</href><status>HTTP/1.1 404 Not Found</status></response></multistatus>`, anEvent, strings.ReplaceAll(anEvent, "1117T10", "1118T10"))
	})
	r, err := s.read(t, "https://example.com/cal/")
	want := []string{"11-17 10:00-11-17 11:00 busy Here", "11-18 10:00-11-18 11:00 busy Here"}
	if got := said(time.UTC, r.Periods); err != nil || !slices.Equal(got, want) || len(r.Warnings) != 1 {
		t.Errorf("%q, warnings %q, %v", got, r.Warnings, err)
	}
}

// Addresses that cannot be used say so before anything is asked.
func TestAddresses(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "x.ics")
	if err := os.WriteFile(bad, []byte("<html>"), 0o600); err != nil {
		t.Fatal(err)
	}
	for url, words := range map[string]string{
		"http://example.com/":               "it is not encrypted",
		"ftp://example.com/":                "neither with https://",
		"https://anna:secret@example.com/":  "must not carry a password",
		"https:///anna.ics":                 "names no computer",
		"file://elsewhere/x.ics":            "names no file of this computer",
		"anna.ics":                          "neither with https://",
		"https://exa mple.com/":             "it is no URL",
		dir:                                 "it is no file",
		bad:                                 "it holds something else",
		filepath.Join(dir, "not-there.ics"): "there is no such file",
		"file://" + filepath.ToSlash(bad):   "it holds something else",
	} {
		source, err := Open(Config{URL: url, User: "anna@example.com"})
		if err == nil {
			_, err = source.Read(t.Context(), time.Now(), time.Now().AddDate(0, 0, 1))
		}
		says(t, url, err, words)
	}
}

// moody is a Source that fails when told to.
type moody struct {
	mu    sync.Mutex
	err   error
	reads int
}

func (m *moody) Read(context.Context, time.Time, time.Time) (Reading, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	return Reading{}, m.err
}

func (m *moody) FreeBusy(context.Context, string, time.Time, time.Time) ([]Period, error) {
	return nil, ErrNoFreeBusy
}

// A server that asks for patience gets it; one that is gone is looked up anew;
// nobody says free before the calendar was read.
func TestAgendaIsPatient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &moody{err: &Error{What: "x", Why: "y", Remedy: "z", RetryAfter: 20 * time.Minute}}
		opened := 0
		a := New(AgendaOptions{Every: time.Second, Open: func(context.Context) (Source, error) { opened++; return m, nil }})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); a.Run(ctx) }()
		time.Sleep(19 * time.Minute)
		synctest.Wait()
		if m.reads != 1 || a.State().Known() || a.State().Err == nil {
			t.Errorf("%d reads, %+v", m.reads, a.State())
		}
		a.ReadNow()
		synctest.Wait()
		if m.reads != 1 {
			t.Errorf("%d reads: asked again before the time", m.reads)
		}
		m.mu.Lock()
		m.err = nil
		m.mu.Unlock()
		time.Sleep(90 * time.Second)
		synctest.Wait()
		if n := m.reads; n < 4 || n > 12 || opened != 2 || !a.State().Known() { // 30 s, at most every Quickest
			t.Errorf("%d reads, opened %d times, %+v", n, opened, a.State())
		}
		stop()
		<-ended
	})
}
