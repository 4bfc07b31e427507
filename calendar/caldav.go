package calendar

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxCalendars is how many calendars of one person are read.
const maxCalendars = 50

// caldav is a Source: the calendars of one person on a CalDAV server.
type caldav struct {
	web  *web
	root *url.URL
	c    Config

	mu   sync.Mutex
	at   places // empty: not found yet
	last seen
}

// places are where things are on the server.
type places struct {
	homes   []*url.URL // what holds the calendars, or is one
	outbox  *url.URL   // nil: the server does not tell about others
	aliases []string   // own addresses
}

// seen is what the latest Read went by.
type seen struct {
	from, until time.Time
	marks       []string // of each calendar: its URL and what changes with it
}

// collection is one calendar.
type collection struct {
	at   *url.URL
	mark string // empty: the server has none
}

// Read reads every calendar of the user that counts as taking time.
func (s *caldav) Read(ctx context.Context, from, until time.Time) (Reading, error) {
	at, err := s.places(ctx)
	if err != nil {
		return Reading{}, err
	}
	list, err := s.calendars(ctx, at)
	if err != nil {
		s.forget()
		return Reading{}, err
	}
	now := seen{from: from, until: until}
	for _, c := range list {
		if c.mark == "" {
			now.marks = nil
			break
		}
		now.marks = append(now.marks, c.at.String()+" "+c.mark)
	}
	s.mu.Lock()
	last := s.last
	s.mu.Unlock()
	if now.marks != nil && last.from.Equal(from) && last.until.Equal(until) && slices.Equal(now.marks, last.marks) {
		return Reading{Same: true}, nil
	}
	var b strings.Builder
	cut := false
	for _, c := range list {
		text, err := s.one(ctx, c.at, from, until)
		if err != nil {
			return Reading{}, err
		}
		if cut = b.Len()+len(text) > maxBytes; cut {
			break
		}
		b.WriteString(text)
	}
	r := Parse(b.String(), Options{From: from, Until: until, Self: append([]string{s.c.User}, at.aliases...), Local: s.c.Local})
	if cut {
		r.Warnings = append(r.Warnings, "The calendars are too large; some were left out")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = now
	return r, nil
}

// one reads one calendar: its events or, where they may not be seen, when they are.
func (s *caldav) one(ctx context.Context, at *url.URL, from, until time.Time) (string, error) {
	text, a, err := s.web.report(ctx, at, from, until)
	if err != nil && slices.Contains([]int{http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusNotImplemented}, a.status) {
		if busy, e := s.web.busyTimes(ctx, at, from, until); e == nil {
			return busy, nil
		}
	}
	return text, err
}

// forget has everything looked up anew at the next Read.
func (s *caldav) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at, s.last = places{}, seen{}
}

// places finds out where the calendars are (RFC 6764 §6, RFC 4791 §6.2).
func (s *caldav) places(ctx context.Context) (places, error) {
	s.mu.Lock()
	at := s.at
	s.mu.Unlock()
	if len(at.homes) > 0 {
		return at, nil
	}
	a, p, err := s.enter(ctx)
	if err != nil {
		return at, err
	}
	if p.Type.Calendar != nil { // the address names one calendar
		at.homes = []*url.URL{a.url}
	}
	if len(p.Homes.Hrefs) == 0 && len(p.Principal.Hrefs) > 0 {
		to, err := a.url.Parse(strings.TrimSpace(p.Principal.Hrefs[0]))
		if err != nil {
			return at, s.web.broken(a.url, "it names no place for your calendars", err)
		}
		var list []davResponse
		if a, list, err = s.web.propfind(ctx, to, "0"); err != nil && len(at.homes) == 0 {
			return at, err
		}
		if len(list) > 0 {
			p = list[0].props()
		}
	}
	if len(at.homes) == 0 {
		at.homes = resolve(a.url, p.Homes.Hrefs)
	}
	if len(at.homes) == 0 {
		return at, s.web.broken(a.url, "it names no place for your calendars", nil)
	}
	if out := resolve(a.url, p.Outbox.Hrefs); len(out) > 0 {
		at.outbox = out[0]
	}
	for _, address := range p.Addresses.Hrefs[:min(len(p.Addresses.Hrefs), 20)] {
		at.aliases = append(at.aliases, strings.TrimSpace(address))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = at
	return at, nil
}

// enter asks at the address that was set or found; of a server without a path
// at its well-known one first (RFC 6764 §5).
func (s *caldav) enter(ctx context.Context) (answer, davProps, error) {
	doors := []string{s.root.Path}
	if strings.Trim(s.root.Path, "/") == "" {
		doors = []string{"/.well-known/caldav", "/"}
	}
	var first error
	for _, path := range doors {
		u := *s.root
		u.Path, u.User = path, nil
		a, list, err := s.web.propfind(ctx, &u, "0")
		if err == nil && len(list) > 0 {
			return a, list[0].props(), nil
		}
		if err == nil {
			err = s.web.broken(&u, "it says nothing about "+short(path), nil)
		}
		if first == nil {
			first = err
		}
		if a.status == 0 || ctx.Err() != nil { // no answer: the other door is not better
			break
		}
	}
	return answer{}, davProps{}, first
}

// resolve makes addresses of what a server calls href.
func resolve(at *url.URL, hrefs []string) []*url.URL {
	var list []*url.URL
	for _, h := range hrefs[:min(len(hrefs), 10)] {
		if u, err := at.Parse(strings.TrimSpace(h)); err == nil && strings.TrimSpace(h) != "" {
			list = append(list, u)
		}
	}
	return list
}

// calendars lists the calendars that hold events and take time.
func (s *caldav) calendars(ctx context.Context, at places) ([]collection, error) {
	var list []collection
	for _, home := range at.homes {
		a, responses, err := s.web.propfind(ctx, home, "1")
		if err != nil {
			return nil, err
		}
		for _, r := range responses {
			p := r.props()
			events := len(p.Components.List) == 0 // RFC 4791 §5.2.3: then it takes anything
			for _, c := range p.Components.List {
				events = events || strings.EqualFold(c.Name, "VEVENT")
			}
			where := resolve(a.url, []string{r.Href})
			if p.Type.Calendar == nil || !events || p.Transparency.Transparent != nil || len(where) == 0 {
				continue
			}
			if len(list) < maxCalendars {
				list = append(list, collection{where[0], strings.TrimSpace(p.CTag + " " + p.SyncToken)})
			}
		}
	}
	if len(list) == 0 {
		return nil, &Error{What: "The calendar server " + s.root.Host + " has no calendar of yours", Why: "there is none in " + short(at.homes[0].Path),
			Remedy: "Make one with your calendar program, or check the address of the calendar"}
	}
	return list, nil
}

// scheduleResponse is the answer of a schedule outbox (RFC 6638 §10.4).
type scheduleResponse struct {
	XMLName   xml.Name `xml:"urn:ietf:params:xml:ns:caldav schedule-response"`
	Responses []struct {
		Status string `xml:"urn:ietf:params:xml:ns:caldav request-status"`
		Data   string `xml:"urn:ietf:params:xml:ns:caldav calendar-data"`
	} `xml:"urn:ietf:params:xml:ns:caldav response"`
}

// FreeBusy asks the server when somebody is busy, by its schedule outbox
// (RFC 6638 §5).
func (s *caldav) FreeBusy(ctx context.Context, user string, from, until time.Time) ([]Period, error) {
	at, err := s.places(ctx)
	if err != nil {
		return nil, err
	}
	if at.outbox == nil || strings.ContainsAny(user, "\r\n;:,\"") {
		return nil, ErrNoFreeBusy
	}
	stamp := stamped(time.Now())
	body := strings.Join([]string{
		"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Communicator//EN", "METHOD:REQUEST", "BEGIN:VFREEBUSY",
		fmt.Sprintf("UID:%s-%d@communicator", stamp, from.UnixNano()), "DTSTAMP:" + stamp, "DTSTART:" + stamped(from), "DTEND:" + stamped(until),
		"ORGANIZER:mailto:" + s.c.User, "ATTENDEE:mailto:" + user, "END:VFREEBUSY", "END:VCALENDAR", "",
	}, "\r\n")
	a, err := s.web.do(ctx, ask{http.MethodPost, at.outbox, map[string]string{"Content-Type": "text/calendar; charset=utf-8; component=VFREEBUSY; method=REQUEST",
		"Originator": "mailto:" + s.c.User, "Recipient": "mailto:" + user}, body})
	var r scheduleResponse
	switch {
	case err != nil:
		return nil, err
	case a.status/100 != 2:
		return nil, errors.Join(ErrNoFreeBusy, s.web.refusal(a))
	case xml.Unmarshal(a.body, &r) != nil || len(r.Responses) != 1:
		return nil, s.web.broken(a.url, "it answers with "+whatItIs(a)+" instead of busy times", nil)
	case !strings.HasPrefix(strings.TrimSpace(r.Responses[0].Status), "2") || !isCalendar(r.Responses[0].Data):
		return nil, ErrNoFreeBusy // RFC 5546 §3.6: such as 3.7, an invalid user
	}
	return Parse(r.Responses[0].Data, Options{From: from, Until: until, Local: s.c.Local}).Periods, nil
}
