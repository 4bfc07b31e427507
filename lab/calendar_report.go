package lab

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	davSpace    = "DAV:"
	caldavSpace = "urn:ietf:params:xml:ns:caldav"
	ctagSpace   = "http://calendarserver.org/ns/"
	davBody     = 64 << 10
)

// davProperties are what a place says of itself, as XML, by "namespace name".
func (s *calendarServer) davProperties(p davPlace, local string) map[string]string {
	href := func(kind string) string { return "<D:href>" + davPlace{kind: kind, user: local}.path() + "</D:href>" }
	all := map[string]string{davSpace + " current-user-principal": href("principal"), davSpace + " resourcetype": "<D:collection/>"}
	user := local + "@" + s.pool.domain
	switch p.kind {
	case "principal":
		all[davSpace+" resourcetype"] += "<D:principal/>"
		all[davSpace+" displayname"] = xmlText(s.diaries.staff.people[s.diaries.staff.index[user]].Name)
		all[caldavSpace+" calendar-home-set"] = href("home")
		all[caldavSpace+" schedule-outbox-URL"] = href("outbox")
		all[caldavSpace+" calendar-user-address-set"] = "<D:href>mailto:" + user + "</D:href><D:href>sip:" + user + "</D:href>"
	case "outbox":
		all[davSpace+" resourcetype"] += "<C:schedule-outbox/>"
	case "calendar":
		all[davSpace+" resourcetype"] += "<C:calendar/>"
		all[davSpace+" displayname"] = "Work"
		all[caldavSpace+" supported-calendar-component-set"] = `<C:comp name="VEVENT"/>`
		all[ctagSpace+" getctag"] = ctagOf(s.objects(user))
	case "object":
		all = objectProperties(s.objects(user)[p.name])
	}
	return all
}

func objectProperties(data []byte) map[string]string {
	return map[string]string{
		davSpace + " resourcetype": "", davSpace + " getetag": xmlText(etagOf(data)),
		davSpace + " getcontenttype": "text/calendar; charset=utf-8; component=vevent", caldavSpace + " calendar-data": xmlText(string(data)),
	}
}

// readDAV reads the XML of a request; false: it was answered.
func readDAV(w http.ResponseWriter, r *http.Request) (*element, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, davBody))
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if kind = strings.TrimSpace(kind); err == nil && kind != "application/xml" && kind != "text/xml" {
		http.Error(w, "the Content-Type must be application/xml", http.StatusUnsupportedMediaType) // RFC 4918 §8.2
		return nil, false
	}
	e, wrong := readXML(body)
	if err != nil || wrong != nil {
		http.Error(w, "the body is no XML", http.StatusBadRequest)
		return nil, false
	}
	return e, true
}

// propfind answers PROPFIND (RFC 4918 §9.1).
func (s *calendarServer) propfind(w http.ResponseWriter, r *http.Request, p davPlace, local string) {
	depth := r.Header.Get("Depth")
	if depth != "0" && depth != "1" {
		w.Header().Set("Content-Type", `application/xml; charset="utf-8"`)
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `<?xml version="1.0" encoding="utf-8"?><D:error xmlns:D="DAV:"><D:propfind-finite-depth/></D:error>`)
		return
	}
	e, ok := readDAV(w, r)
	if !ok {
		return
	}
	want := e.child("prop")
	if !e.is(davSpace, "propfind") || want == nil && e.child("allprop") == nil && e.child("propname") == nil {
		http.Error(w, "a propfind names prop, allprop or propname (RFC 4918 14.20)", http.StatusBadRequest)
		return
	}
	places := []davPlace{p}
	if depth == "1" {
		places = append(places, s.within(p, local)...)
	}
	var b strings.Builder
	for _, p := range places {
		if _, there := s.objects(local + "@" + s.pool.domain)[p.name]; p.kind == "object" && !there {
			http.Error(w, "there is none", http.StatusNotFound)
			return
		}
		b.WriteString(davAnswer(p.path(), want, s.davProperties(p, local)))
	}
	multistatusAnswer(w, b.String())
}

// within are the places directly inside another.
func (s *calendarServer) within(p davPlace, local string) []davPlace {
	switch p.kind {
	case "root":
		return []davPlace{{kind: "principal", user: local}}
	case "principal":
		return []davPlace{{kind: "home", user: local}, {kind: "outbox", user: local}}
	case "home":
		return []davPlace{{kind: "calendar", user: local}}
	case "calendar":
		var all []davPlace
		for _, name := range slices.Sorted(maps.Keys(s.objects(local + "@" + s.pool.domain))) {
			all = append(all, davPlace{"object", local, name})
		}
		return all
	}
	return nil
}

// davAnswer is one response of a multistatus: what is asked for and there, and
// what is not (RFC 4918 §9.1). want is nil for everything.
func davAnswer(path string, want *element, have map[string]string) string {
	names := slices.Sorted(maps.Keys(have))
	if want == nil { // RFC 4791 §5.2: calendar-data is no property
		names = slices.DeleteFunc(names, func(n string) bool { return n == caldavSpace+" calendar-data" })
	} else {
		names = nil
		for _, c := range want.children {
			names = append(names, c.name.Space+" "+c.name.Local)
		}
	}
	var found, missing strings.Builder
	for _, n := range names {
		space, local, _ := strings.Cut(n, " ")
		if value, has := have[n]; has {
			fmt.Fprintf(&found, `<x:%s xmlns:x="%s">%s</x:%s>`, local, xmlText(space), value, local)
		} else {
			fmt.Fprintf(&missing, `<x:%s xmlns:x="%s"/>`, local, xmlText(space))
		}
	}
	b := "<D:response><D:href>" + xmlText(path) + "</D:href>"
	if found.Len() > 0 || missing.Len() == 0 {
		b += "<D:propstat><D:prop>" + found.String() + "</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>"
	}
	if missing.Len() > 0 {
		b += "<D:propstat><D:prop>" + missing.String() + "</D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>"
	}
	return b + "</D:response>"
}

func multistatusAnswer(w http.ResponseWriter, responses string) {
	w.Header().Set("Content-Type", `application/xml; charset="utf-8"`)
	w.WriteHeader(http.StatusMultiStatus)
	_, _ = io.WriteString(w, `<?xml version="1.0" encoding="utf-8"?><D:multistatus xmlns:D="DAV:" xmlns:C="`+caldavSpace+`">`+responses+`</D:multistatus>`)
}

// report answers REPORT on a calendar (RFC 4791 §7).
func (s *calendarServer) report(w http.ResponseWriter, r *http.Request, p davPlace, user string) {
	e, ok := readDAV(w, r)
	if !ok {
		return
	}
	if p.kind != "calendar" {
		precondition(w, "supported-filter")
		return
	}
	switch {
	case e.is(caldavSpace, "calendar-query"):
		s.query(w, e, p, user)
	case e.is(caldavSpace, "calendar-multiget"):
		s.multiget(w, e, p, user)
	case e.is(caldavSpace, "free-busy-query"):
		from, until, ok := timeRange(e.child("time-range"))
		if !ok {
			http.Error(w, "a free-busy-query has a time-range in UTC (RFC 4791 9.11)", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "text/calendar; charset=utf-8")
		_, _ = w.Write(s.busyObject("", s.diaries.staff.index[user], from, until))
	default:
		w.Header().Set("Content-Type", `application/xml; charset="utf-8"`)
		w.WriteHeader(http.StatusForbidden) // RFC 3253 §3.6
		_, _ = io.WriteString(w, `<?xml version="1.0" encoding="utf-8"?><D:error xmlns:D="DAV:"><D:supported-report/></D:error>`)
	}
}

// query finds the events of a stretch of time (RFC 4791 §7.8). Those that
// repeat or have a zone of their own always come: the client knows better.
func (s *calendarServer) query(w http.ResponseWriter, e *element, p davPlace, user string) {
	outer := e.child("filter")
	for range 2 { // VCALENDAR, and VEVENT in it
		if outer != nil {
			outer = outer.child("comp-filter")
		}
	}
	if outer == nil || outer.get("name") != "VEVENT" {
		precondition(w, "supported-filter")
		return
	}
	span := outer.child("time-range")
	from, until, ok := timeRange(span)
	if span != nil && !ok {
		precondition(w, "valid-filter")
		return
	}
	var b strings.Builder
	objects := s.objects(user)
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		begin, end, plain := timesOf(objects[name])
		if plain && span != nil && (!begin.Before(until) || !end.After(from)) {
			continue
		}
		p.kind, p.name = "object", name
		b.WriteString(davAnswer(p.path(), e.child("prop"), objectProperties(objects[name])))
	}
	multistatusAnswer(w, b.String())
}

func (s *calendarServer) multiget(w http.ResponseWriter, e *element, p davPlace, user string) {
	objects := s.objects(user)
	var b strings.Builder
	for _, c := range e.children {
		if !c.is(davSpace, "href") {
			continue
		}
		place, ok := parsePlace(strings.TrimSpace(c.text))
		data, there := objects[place.name]
		if !ok || !there || place.user != p.user {
			b.WriteString("<D:response><D:href>" + xmlText(c.text) + "</D:href><D:status>HTTP/1.1 404 Not Found</D:status></D:response>")
			continue
		}
		b.WriteString(davAnswer(place.path(), e.child("prop"), objectProperties(data)))
	}
	multistatusAnswer(w, b.String())
}

// timeRange reads start and end, which are in UTC (RFC 4791 §9.9).
func timeRange(e *element) (from, until time.Time, ok bool) {
	if e == nil {
		return from, until, false
	}
	from, err1 := time.Parse("20060102T150405Z", e.get("start"))
	until, err2 := time.Parse("20060102T150405Z", e.get("end"))
	return from, until, err1 == nil && err2 == nil && from.Before(until)
}

// busyObject is when somebody is busy (RFC 5545 §3.6.4). attendee is empty in
// the answer to a free-busy-query.
func (s *calendarServer) busyObject(attendee string, at int, from, until time.Time) []byte {
	lines := []string{"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Communicator//Lab//EN"}
	if attendee != "" {
		lines = append(lines, "METHOD:REPLY")
	}
	lines = append(lines, "BEGIN:VFREEBUSY", "DTSTAMP:"+calendarTime(s.diaries.now()), "DTSTART:"+calendarTime(from), "DTEND:"+calendarTime(until))
	if attendee != "" {
		lines = append(lines, "ATTENDEE:"+attendee)
	}
	types := map[string]string{"BUSY": "BUSY", "TENTATIVE": "BUSY-TENTATIVE", "OOF": "BUSY-UNAVAILABLE"}
	for _, e := range s.diaries.of(at) {
		if types[e.busy] != "" && e.from.Before(until) && e.until.After(from) {
			lines = append(lines, "FREEBUSY;FBTYPE="+types[e.busy]+":"+calendarTime(e.from)+"/"+calendarTime(e.until))
		}
	}
	s.mu.Lock()
	for _, data := range s.put[s.diaries.staff.people[at].User] {
		if begin, end, ok := timesOf(data); ok && begin.Before(until) && end.After(from) {
			lines = append(lines, "FREEBUSY:"+calendarTime(begin)+"/"+calendarTime(end))
		}
	}
	s.mu.Unlock()
	lines = append(lines, "END:VFREEBUSY", "END:VCALENDAR", "")
	return []byte(strings.Join(lines, "\r\n"))
}

// outbox tells when others are busy (RFC 6638 §5).
func (s *calendarServer) outbox(w http.ResponseWriter, r *http.Request, p davPlace, user string) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, calendarObject))
	text := "\r\n" + string(body)
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	find := func(name string) (values []string) {
		for line := range strings.SplitSeq(text, "\r\n") {
			head, value, _ := strings.Cut(line, ":")
			if head, _, _ = strings.Cut(head, ";"); head == name {
				values = append(values, value)
			}
		}
		return values
	}
	from, err1 := time.Parse("20060102T150405Z", strings.Join(find("DTSTART"), ""))
	until, err2 := time.Parse("20060102T150405Z", strings.Join(find("DTEND"), ""))
	switch organizer := strings.Join(find("ORGANIZER"), ""); {
	case p.kind != "outbox":
		http.Error(w, "that is no outbox", http.StatusMethodNotAllowed)
		return
	case err != nil || strings.TrimSpace(kind) != "text/calendar", !strings.Contains(text, "\r\nMETHOD:REQUEST\r\n"), !strings.Contains(text, "\r\nBEGIN:VFREEBUSY\r\n"),
		err1 != nil, err2 != nil, !from.Before(until), len(find("UID")) != 1, len(find("DTSTAMP")) != 1:
		precondition(w, "valid-scheduling-message")
		return
	case organizer != "mailto:"+user && organizer != "sip:"+user:
		precondition(w, "organizer-allowed")
		return
	}
	var b strings.Builder
	for _, attendee := range find("ATTENDEE") {
		_, address, _ := strings.Cut(strings.ToLower(attendee), ":")
		at, known := s.diaries.staff.index[address]
		b.WriteString("<C:response><C:recipient><D:href>" + xmlText(attendee) + "</D:href></C:recipient>")
		if known {
			b.WriteString("<C:request-status>2.0;Success</C:request-status><C:calendar-data>" + xmlText(string(s.busyObject(attendee, at, from, until))) + "</C:calendar-data>")
		} else {
			b.WriteString("<C:request-status>3.7;Invalid calendar user</C:request-status>")
		}
		b.WriteString("</C:response>")
	}
	w.Header().Set("Content-Type", `application/xml; charset="utf-8"`)
	_, _ = io.WriteString(w, `<?xml version="1.0" encoding="utf-8"?><C:schedule-response xmlns:D="DAV:" xmlns:C="`+caldavSpace+`">`+b.String()+`</C:schedule-response>`)
}
