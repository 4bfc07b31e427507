package lab

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// calendarServer is a CalDAV server (RFC 4791) with one calendar a person:
// /dav/USER/calendars/work/. Everybody sees the own calendar only, and when
// others are busy by the schedule outbox (RFC 6638). It is written without a
// CalDAV library, by itself and not by the client's code.
type calendarServer struct {
	pool    *pool
	diaries *diaries

	mu  sync.Mutex
	put map[string]map[string][]byte // what clients have stored, by address and name; nil: deleted
}

const (
	davRoot        = "/dav/"
	calendarObject = 64 << 10 // bytes
	mostObjects    = 200      // that one person may store
)

func newCalendarServer(p *pool, d *diaries) *calendarServer {
	return &calendarServer{pool: p, diaries: d, put: map[string]map[string][]byte{}}
}

// davPlace is what a path names.
type davPlace struct {
	kind string // root, principal, home, outbox, calendar or object
	user string // local part
	name string // of the object, with .ics
}

// parsePlace reads a path; false: there is nothing of the kind here.
func parsePlace(path string) (davPlace, bool) {
	rest, ok := strings.CutPrefix(strings.TrimSuffix(path, "/")+"/", davRoot)
	parts := strings.Split(strings.TrimSuffix(rest, "/"), "/")
	switch {
	case !ok:
		return davPlace{}, false
	case rest == "":
		return davPlace{kind: "root"}, true
	case len(parts) == 1:
		return davPlace{"principal", parts[0], ""}, true
	case len(parts) == 2 && parts[1] == "calendars":
		return davPlace{"home", parts[0], ""}, true
	case len(parts) == 2 && parts[1] == "outbox":
		return davPlace{"outbox", parts[0], ""}, true
	case len(parts) == 3 && parts[1] == "calendars" && parts[2] == "work":
		return davPlace{"calendar", parts[0], ""}, true
	case len(parts) == 4 && parts[1] == "calendars" && parts[2] == "work" && strings.HasSuffix(parts[3], ".ics"):
		return davPlace{"object", parts[0], parts[3]}, true
	}
	return davPlace{}, false
}

// path is the way to a place.
func (p davPlace) path() string {
	user := davRoot + url.PathEscape(p.user) + "/"
	return map[string]string{
		"root": davRoot, "principal": user, "home": user + "calendars/", "outbox": user + "outbox/",
		"calendar": user + "calendars/work/", "object": user + "calendars/work/" + url.PathEscape(p.name),
	}[p.kind]
}

// ServeHTTP answers one request.
func (s *calendarServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/.well-known/caldav" { // RFC 6764 §5
		http.Redirect(w, r, davRoot, http.StatusMovedPermanently)
		return
	}
	user, ok := s.authorize(w, r)
	if !ok {
		return
	}
	place, known := parsePlace(r.URL.Path)
	local, _, _ := strings.Cut(user, "@")
	switch {
	case !known:
		http.Error(w, "there is nothing here", http.StatusNotFound)
		return
	case place.kind != "root" && place.user != local:
		http.Error(w, user+" may see only the own calendar", http.StatusForbidden)
		return
	}
	w.Header().Set("DAV", "1, calendar-access") // RFC 4791 §5.1
	switch r.Method {
	case "PROPFIND":
		s.propfind(w, r, place, local)
	case "REPORT":
		s.report(w, r, place, user)
	case http.MethodOptions:
		w.Header().Set("Allow", "OPTIONS, PROPFIND, REPORT, GET, HEAD, PUT, DELETE, POST")
	case http.MethodGet, http.MethodHead:
		s.get(w, place, user)
	case http.MethodPut:
		s.store(w, r, place, user)
	case http.MethodDelete:
		s.remove(w, r, place, user)
	case http.MethodPost:
		s.outbox(w, r, place, user)
	default:
		http.Error(w, "no such method", http.StatusMethodNotAllowed)
	}
}

// authorize checks Digest, or Basic (RFC 7617), which is for programs that know
// nothing better: everything here is inside TLS.
func (s *calendarServer) authorize(w http.ResponseWriter, r *http.Request) (user string, ok bool) {
	if name, password, basic := r.BasicAuth(); basic {
		if !strings.Contains(name, "@") {
			name += "@" + s.pool.domain
		}
		if a, known := s.pool.accounts[strings.ToLower(name)]; known && subtle.ConstantTimeCompare([]byte(a.password), []byte(password)) == 1 {
			return a.address, true
		}
	}
	user, stale, err := s.pool.authorize(r.Header.Get("Authorization"), r.Method)
	if err == nil && !stale {
		if digestURI(r.Header.Get("Authorization")) != r.RequestURI { // RFC 7616 §3.4.6
			http.Error(w, "the Authorization is for another resource", http.StatusBadRequest)
			return "", false
		}
		return user, true
	}
	for _, c := range append(s.pool.challenges(stale), fmt.Sprintf(`Basic realm="%s", charset="UTF-8"`, s.pool.domain)) {
		w.Header().Add("WWW-Authenticate", c)
	}
	http.Error(w, "sign in with Digest or Basic", http.StatusUnauthorized)
	return "", false
}

// objects are the calendar of a user, by name.
func (s *calendarServer) objects(user string) map[string][]byte {
	all := map[string][]byte{}
	for _, e := range s.diaries.of(s.diaries.staff.index[user]) {
		all[e.name+".ics"] = e.object()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, data := range s.put[user] {
		if data == nil {
			delete(all, name)
		} else {
			all[name] = data
		}
	}
	return all
}

// etagOf is the same for the same content, with its quotes.
func etagOf(data []byte) string {
	sum := sha256.Sum256(data)
	return `"` + hex.EncodeToString(sum[:8]) + `"`
}

// ctagOf changes whenever the calendar does.
func ctagOf(objects map[string][]byte) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		_, _ = fmt.Fprintln(h, name, etagOf(objects[name])) // never fails
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

func (s *calendarServer) get(w http.ResponseWriter, place davPlace, user string) {
	data, there := s.objects(user)[place.name]
	if place.kind != "object" || !there {
		http.Error(w, "there is none", http.StatusNotFound)
		return
	}
	w.Header().Set("ETag", etagOf(data))
	w.Header().Set("Content-Type", "text/calendar; charset=utf-8; component=vevent")
	_, _ = w.Write(data) // the other side is gone
}

// store takes a calendar object (RFC 4791 §5.3.2).
func (s *calendarServer) store(w http.ResponseWriter, r *http.Request, place davPlace, user string) {
	if place.kind != "object" {
		http.Error(w, "an event is stored as calendars/work/NAME.ics", http.StatusForbidden)
		return
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, calendarObject))
	if err != nil {
		precondition(w, "max-resource-size")
		return
	}
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); strings.TrimSpace(kind) != "text/calendar" {
		precondition(w, "supported-calendar-data")
		return
	}
	if broken := brokenObject(data); broken != "" {
		precondition(w, broken)
		return
	}
	old, there := s.objects(user)[place.name]
	if !conditionHolds(r, old, there) {
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	}
	if !s.keep(user, place.name, data) {
		http.Error(w, "the calendar is full", http.StatusInsufficientStorage)
		return
	}
	w.Header().Set("ETag", etagOf(data))
	if there {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.WriteHeader(http.StatusCreated)
}

func (s *calendarServer) remove(w http.ResponseWriter, r *http.Request, place davPlace, user string) {
	old, there := s.objects(user)[place.name]
	switch {
	case place.kind != "object" || !there:
		http.Error(w, "there is none", http.StatusNotFound)
	case !conditionHolds(r, old, there):
		w.WriteHeader(http.StatusPreconditionFailed)
	case !s.keep(user, place.name, nil):
		http.Error(w, "the calendar is full", http.StatusInsufficientStorage)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// keep notes what a client has stored; nil: deleted.
func (s *calendarServer) keep(user, name string, data []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.put[user] == nil {
		s.put[user] = map[string][]byte{}
	}
	if _, there := s.put[user][name]; !there && len(s.put[user]) >= mostObjects {
		return false
	}
	s.put[user][name] = data
	return true
}

// conditionHolds checks If-Match and If-None-Match (RFC 9110 §13.1).
func conditionHolds(r *http.Request, old []byte, there bool) bool {
	if m := r.Header.Get("If-Match"); m != "" && (!there || m != "*" && m != etagOf(old)) {
		return false
	}
	n := r.Header.Get("If-None-Match")
	return n == "" || !there || n != "*" && n != etagOf(old)
}

// brokenObject names the precondition of RFC 4791 §5.3.2.1 that an object
// violates; empty: none.
func brokenObject(data []byte) string {
	text := string(data)
	uids := map[string]bool{}
	for _, line := range strings.Split(text, "\r\n") {
		if uid, is := strings.CutPrefix(line, "UID:"); is {
			uids[uid] = true
		}
	}
	switch {
	case !bytes.HasPrefix(data, []byte("BEGIN:VCALENDAR\r\n")), !strings.HasSuffix(strings.TrimRight(text, "\r\n"), "END:VCALENDAR"), !strings.Contains(text, "\r\nVERSION:2.0\r\n"):
		return "valid-calendar-data"
	case strings.Contains(text, "\r\nMETHOD:"), len(uids) != 1:
		return "valid-calendar-object-resource"
	case !strings.Contains(text, "\r\nBEGIN:VEVENT\r\n"), !strings.Contains(text, "\r\nDTSTART"):
		return "supported-calendar-component"
	}
	return ""
}

// precondition answers 403 with a reason a program can read (RFC 4918 §16).
func precondition(w http.ResponseWriter, element string) {
	w.Header().Set("Content-Type", `application/xml; charset="utf-8"`)
	w.WriteHeader(http.StatusForbidden)
	_, _ = fmt.Fprintf(w, `<?xml version="1.0" encoding="utf-8"?><D:error xmlns:D="DAV:" xmlns:C="%s"><C:%s/></D:error>`, caldavSpace, element)
}

// timesOf are the times of a stored event that begins and ends in UTC; false:
// they are written otherwise, or it repeats.
func timesOf(data []byte) (from, until time.Time, ok bool) {
	for line := range strings.SplitSeq(string(data), "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		t, err := time.Parse("20060102T150405Z", value)
		switch {
		case name == "RRULE":
			return from, until, false
		case err == nil && name == "DTSTART":
			from = t
		case err == nil && name == "DTEND":
			until = t
		}
	}
	return from, until, !from.IsZero() && from.Before(until)
}
