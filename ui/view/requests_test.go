package view

import (
	"strings"
	"testing"
	"time"

	"communicator/im"
	"communicator/session"
)

func TestRequests(t *testing.T) {
	at := time.Date(2026, 11, 20, 9, 30, 0, 0, time.Local)
	line := im.Message{From: "sam@elsewhere.test", Text: "Buy\nnow " + strings.Repeat("x", 1000), Time: at, Request: true}
	rows := Requests([]session.Request{
		{With: "sam@elsewhere.test", From: "sam@elsewhere.test", Outside: true, Lines: []im.Message{line, line}},
		{With: "tom@contoso.test", From: "tom@contoso.test", Lines: []im.Message{{Text: "Hi", Time: at}}},
	}, Names{}, at)
	if r := rows[0]; r.Outside != "outside your organisation" || r.Count != "2 messages" || !strings.HasPrefix(r.Lines[0], "Buy now xx") ||
		len(r.Lines) != 2 || len(r.Lines[0]) > 510 || r.When != "Today, 20 November · 09:30" {
		t.Errorf("%+v", r)
	}
	if r := rows[1]; r.Outside != "" || r.Count != "" || r.Who != "tom@contoso.test" || r.Address != "" {
		t.Errorf("%+v", r)
	}
	if RequestsLine(0) != "" || RequestsLine(3) != "3 people you do not know have written" {
		t.Error(RequestsLine(3))
	}
	if e := Transcript([]im.Message{line}, "anna@contoso.test", Names{}, at); !e[0].Inert {
		t.Error("the links of a stranger can be followed")
	}
}

// What a filter refused is said so, cannot be sent again and can be edited; to
// the others it can be sent again.
func TestBlockedByTheOrganisation(t *testing.T) {
	blocked := im.Delivery{To: "bob@contoso.test", State: im.Failed, Code: 606, Reason: "links are not allowed", Blocked: true}
	m := im.Message{From: "anna@contoso.test", Text: "see", Raw: "see\u202e", Delivered: []im.Delivery{blocked}}
	e := Transcript([]im.Message{m}, "anna@contoso.test", Names{}, time.Now())[0]
	if e.Words != "Not delivered: blocked by your organisation: links are not allowed" || e.Retry || e.Edit != m.Raw {
		t.Errorf("%+v", e)
	}
	m.Delivered = append(m.Delivered, im.Delivery{To: "eva@contoso.test", State: im.Failed, Code: 486})
	if e := Transcript([]im.Message{m}, "anna@contoso.test", Names{}, time.Now())[0]; !e.Retry {
		t.Errorf("%+v", e)
	}
	m.Delivered = m.Delivered[1:]
	if e := Transcript([]im.Message{m}, "anna@contoso.test", Names{}, time.Now())[0]; e.Edit != "" || !e.Retry {
		t.Errorf("%+v", e)
	}
}
