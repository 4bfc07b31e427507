package calendar

import (
	"context"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// multistatus is the answer to PROPFIND and REPORT (RFC 4918 §13), as far as it
// is read here.
type multistatus struct {
	XMLName   xml.Name      `xml:"DAV: multistatus"`
	Responses []davResponse `xml:"DAV: response"`
}

type davResponse struct {
	Href      string `xml:"DAV: href"`
	Propstats []struct {
		Status string   `xml:"DAV: status"`
		Prop   davProps `xml:"DAV: prop"`
	} `xml:"DAV: propstat"`
}

type davHrefs struct {
	Hrefs []string `xml:"DAV: href"`
}

// davProps are the properties that are asked for.
type davProps struct {
	Principal davHrefs `xml:"DAV: current-user-principal"`                             // RFC 5397 §3
	Homes     davHrefs `xml:"urn:ietf:params:xml:ns:caldav calendar-home-set"`         // RFC 4791 §6.2.1
	Outbox    davHrefs `xml:"urn:ietf:params:xml:ns:caldav schedule-outbox-URL"`       // RFC 6638 §2.1.1
	Addresses davHrefs `xml:"urn:ietf:params:xml:ns:caldav calendar-user-address-set"` // RFC 6638 §2.4.1
	Type      struct {
		Calendar *struct{} `xml:"urn:ietf:params:xml:ns:caldav calendar"`
	} `xml:"DAV: resourcetype"`
	Components struct {
		List []struct {
			Name string `xml:"name,attr"`
		} `xml:"urn:ietf:params:xml:ns:caldav comp"`
	} `xml:"urn:ietf:params:xml:ns:caldav supported-calendar-component-set"`
	Transparency struct {
		Transparent *struct{} `xml:"urn:ietf:params:xml:ns:caldav transparent"`
	} `xml:"urn:ietf:params:xml:ns:caldav schedule-calendar-transp"` // RFC 6638 §9.1
	CTag      string `xml:"http://calendarserver.org/ns/ getctag"`
	SyncToken string `xml:"DAV: sync-token"` // RFC 6578 §4
	Data      string `xml:"urn:ietf:params:xml:ns:caldav calendar-data"`
}

// props are the properties that the server has.
func (r davResponse) props() davProps {
	for _, s := range r.Propstats {
		if s.Status == "" || strings.Contains(s.Status, " 2") {
			return s.Prop
		}
	}
	return davProps{}
}

// askedFor are the properties of a PROPFIND.
const askedFor = `<?xml version="1.0" encoding="utf-8"?>
<D:propfind xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:S="http://calendarserver.org/ns/"><D:prop>` +
	`<D:resourcetype/><D:current-user-principal/><D:sync-token/><S:getctag/><C:calendar-home-set/><C:schedule-outbox-URL/>` +
	`<C:calendar-user-address-set/><C:supported-calendar-component-set/><C:schedule-calendar-transp/></D:prop></D:propfind>`

// maxResponses bounds the entries of one multistatus.
const maxResponses = 10_000

// propfind asks for the properties of a place, depth "1": and of what is in it.
func (w *web) propfind(ctx context.Context, at *url.URL, depth string) (answer, []davResponse, error) {
	return w.multistatus(ctx, ask{"PROPFIND", at, map[string]string{"Depth": depth, "Content-Type": "application/xml; charset=utf-8"}, askedFor})
}

// multistatus makes a request that is answered by 207.
func (w *web) multistatus(ctx context.Context, q ask) (answer, []davResponse, error) {
	a, err := w.do(ctx, q)
	if err != nil {
		return a, nil, err
	}
	if a.status != http.StatusMultiStatus {
		if a.status/100 == 2 {
			return a, nil, w.broken(a.url, "it answers with "+whatItIs(a)+" instead of calendars; perhaps the address is that of a page for people, or of a single file ending in .ics", nil)
		}
		return a, nil, w.refusal(a)
	}
	var m multistatus
	if err := xml.Unmarshal(a.body, &m); err != nil {
		return a, nil, w.broken(a.url, "it answers with "+whatItIs(a)+" instead of XML", err)
	}
	return a, m.Responses[:min(len(m.Responses), maxResponses)], nil
}

// whatItIs names a body for a sentence.
func whatItIs(a answer) string {
	switch kind := a.kind(); {
	case strings.Contains(kind, "html"):
		return "a web page"
	case kind == "":
		return "something unknown"
	default:
		return short(kind)
	}
}

// stamped is a time as CalDAV wants it: UTC (RFC 4791 §9.9).
func stamped(t time.Time) string { return t.UTC().Format("20060102T150405Z") }

// report asks for the events of one calendar (RFC 4791 §7.8), as iCalendar
// texts one after the other.
func (w *web) report(ctx context.Context, at *url.URL, from, until time.Time) (string, answer, error) {
	body := `<?xml version="1.0" encoding="utf-8"?>
<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-data/></D:prop>` +
		`<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="` + stamped(from) + `" end="` + stamped(until) + `"/>` +
		`</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>`
	a, responses, err := w.multistatus(ctx, ask{"REPORT", at, map[string]string{"Depth": "1", "Content-Type": "application/xml; charset=utf-8"}, body})
	if err != nil {
		return "", a, err
	}
	var b strings.Builder
	for _, r := range responses {
		if data := r.props().Data; isCalendar(data) {
			b.WriteString(strings.TrimSpace(data))
			b.WriteString("\r\n")
		}
	}
	return b.String(), a, nil
}

// busyTimes asks for no more than when somebody is busy (RFC 4791 §7.10).
func (w *web) busyTimes(ctx context.Context, at *url.URL, from, until time.Time) (string, error) {
	body := `<?xml version="1.0" encoding="utf-8"?>
<C:free-busy-query xmlns:C="urn:ietf:params:xml:ns:caldav"><C:time-range start="` + stamped(from) + `" end="` + stamped(until) + `"/></C:free-busy-query>`
	a, err := w.do(ctx, ask{"REPORT", at, map[string]string{"Depth": "1", "Content-Type": "application/xml; charset=utf-8"}, body})
	switch {
	case err != nil:
		return "", err
	case a.status != http.StatusOK:
		return "", w.refusal(a)
	case !isCalendar(string(a.body)):
		return "", w.broken(a.url, "it answers with "+whatItIs(a)+" instead of busy times", nil)
	}
	return string(a.body), nil
}
