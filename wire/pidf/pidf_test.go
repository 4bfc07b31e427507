package pidf

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

func file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func utc(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

// What others send, and what we must read in it.
func TestParse(t *testing.T) {
	someone := Note{Lang: "en", Text: "Don't Disturb Please!"}
	quelquun := Note{Lang: "fr", Text: "Ne derangez pas, s'il vous plait"}
	for name, want := range map[string]Presence{
		"rfc3863-default-namespace.xml": {
			Entity: "pres:someone@example.com",
			Tuples: []Tuple{{ID: "sg89ae", Basic: Open, Contact: "tel:+09012345678", Priority: 0.8}},
		},
		"rfc3863-extension.xml": {
			Entity: "pres:someone@example.com",
			Tuples: []Tuple{
				{ID: "bs35r9", Basic: Open, Contact: "im:someone@mobilecarrier.net", Priority: 0.8,
					Notes: []Note{someone, quelquun}, Timestamp: utc("2001-10-27T16:49:29Z")},
				{ID: "eg92n8", Basic: Open, Contact: "mailto:someone@example.com", Priority: 1},
			},
			Notes: []Note{{Text: "I'll be in Tokyo next week"}},
		},
		"rfc4479-data-model.xml": {
			Entity:  "pres:someone@example.com",
			Tuples:  []Tuple{{ID: "sg89ae", Basic: Open, DeviceID: "mac:8asd7d7d70", Contact: "sip:someone@example.com", Priority: -1}},
			Persons: []Person{{ID: "p1", Activities: &Activities{Values: []string{"on-the-phone"}}}},
			Devices: []Device{{ID: "pc122", DeviceID: "mac:8asd7d7d70", Input: Input{State: "idle"}}},
		},
		"rfc4480-example.xml": {
			Entity: "pres:someone@example.com",
			Tuples: []Tuple{
				{ID: "bs35r9", Basic: Open, DeviceID: "urn:device:0003ba4811e3", Contact: "im:someone@mobile.example.net", Priority: 0.8,
					Notes: []Note{someone, quelquun}, Timestamp: utc("2005-10-27T16:49:29Z")},
				{ID: "ty4658", Basic: Open, Contact: "mailto:secretary@example.com", Priority: 1,
					Timed: []Timed{{From: utc("2005-11-05T08:00:00Z"), Until: utc("2005-11-05T18:00:00Z"), Basic: Closed}}},
			},
			Persons: []Person{{ID: "p1", Class: "calendar", Timestamp: utc("2005-05-30T16:09:44+05:00"),
				Notes: []Note{{Text: "Scoring 120"}},
				Activities: &Activities{Values: []string{"away"}, Notes: []Note{{Text: "Far away"}},
					From: utc("2005-05-30T12:00:00+05:00"), Until: utc("2005-05-30T17:00:00+05:00")}}},
			Devices: []Device{{ID: "pc147", DeviceID: "urn:device:0003ba4811e3", Notes: []Note{{Text: "PC"}},
				Input: Input{State: "idle", IdleThreshold: 10 * time.Minute, Since: utc("2004-10-21T13:20:00-05:00")}}},
			Notes: []Note{{Text: "I'll be in Tokyo next week"}},
		},
		"baresip-1.0.xml": {
			Entity:  "sip:bob@contoso.test",
			Tuples:  []Tuple{{ID: "t4109", Basic: Open, Contact: "sip:bob@contoso.test", Priority: -1}},
			Persons: []Person{{ID: "p4159", Activities: &Activities{}}},
		},
		"linphone-5.1.xml": {
			Entity: "sip:carol@contoso.test",
			Tuples: []Tuple{{ID: "y-6p.y", Basic: Open, Contact: "sip:carol@contoso.test", Priority: 0.8, Timestamp: utc("2026-11-20T13:47:18Z")}},
		},
		"linphone-with-person.xml": {
			Entity: "sip:carol@contoso.test",
			Tuples: []Tuple{{ID: "ox84bc", Basic: Open, Contact: "sip:carol@contoso.test;gr=urn:uuid:1f2e3d4c-0000-4000-8000-000000000001",
				Priority: 0.8, Timestamp: utc("2026-11-20T12:00:05.123Z")}},
			Persons: []Person{{ID: "pxk3a1", Activities: &Activities{Values: []string{"on-the-phone"}},
				Notes: []Note{{"en", "rehearsal & lunch"}}, Timestamp: utc("2026-11-20T12:00:05Z")}},
		},
		"pidgin-2.14.xml": {
			Entity: "sip:dave@contoso.test",
			Tuples: []Tuple{{ID: "bs35r9f", Basic: Open, Priority: -1, Notes: []Note{{Text: "gone © fishing"}}}},
		},
		"kamailio-5.6-two-publishers.xml": {
			Entity: "sip:alice@contoso.test",
			Tuples: []Tuple{
				{ID: "t-desk", Basic: Open, Contact: "sip:alice@contoso.test", Priority: 0.8, Notes: []Note{{Text: "In Lyon"}}, Timestamp: utc("2026-11-20T10:00:00Z")},
				{ID: "t4109", Basic: Open, Contact: "sip:alice@contoso.test", Priority: -1},
			},
			Persons: []Person{
				{ID: "p-desk", Activities: &Activities{Values: []string{"busy"}}, Notes: []Note{{Text: "In Lyon"}}, Timestamp: utc("2026-11-20T10:00:00Z")},
				{ID: "p4159", Activities: &Activities{}},
			},
		},
		"kamailio-5.6-signed-out.xml": {
			Entity: "sip:alice@contoso.test",
			Tuples: []Tuple{{ID: "t-desk", Basic: Closed, Priority: -1}},
		},
		"latin1.xml": {
			Entity: "sip:eve@contoso.test",
			Tuples: []Tuple{{ID: "a1", Basic: Open, Priority: -1, Notes: []Note{{Text: "Zürich, café"}}}},
		},
		"ours-presence.xml": ours,
	} {
		got, err := Parse(file(t, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, want)
		}
	}
}

// ours is what is in ours-presence.xml.
var ours = Presence{
	Entity: "sip:anna@contoso.test",
	Tuples: []Tuple{{ID: "t1", Basic: Open, Contact: "sip:anna@contoso.test;gr=1", Priority: 0.8, Class: "desk",
		DeviceID: "urn:uuid:00000000-0000-4000-8000-000000000001", Notes: []Note{{Text: `At "R&D" <2nd floor>`}},
		Timestamp: utc("2026-11-20T09:45:00Z"),
		Input:     Input{State: "idle", IdleThreshold: 5 * time.Minute, Since: utc("2026-11-20T09:40:00Z")},
		Timed: []Timed{{From: utc("2026-11-20T14:00:00Z"), Until: utc("2026-11-20T15:00:00Z"), Basic: Closed, Activities: &Activities{Values: []string{"meeting", "busy"}}},
			{From: utc("2026-11-21T00:00:00Z")}}}},
	Persons: []Person{{ID: "p1", Class: "calendar", Timestamp: utc("2026-11-20T09:45:00Z"), Notes: []Note{{Text: `At "R&D" <2nd floor>`}},
		Activities: &Activities{Values: []string{"meeting", "other", "busy"}, Other: "planning", DoNotDisturb: true,
			Until: utc("2026-11-20T10:30:00Z"), Notes: []Note{{"en", "with the board"}}},
		Origin: Origin{Source: "calendar", Chosen: "auto", At: utc("2026-11-20T08:00:00Z"), NoteAt: utc("2026-11-20T08:30:00Z")}}},
	Devices: []Device{{ID: "d1", DeviceID: "urn:uuid:00000000-0000-4000-8000-000000000001", Notes: []Note{{Text: "PC"}},
		Timestamp: utc("2026-11-20T09:45:00Z"), Input: Input{State: "active"}}},
	Notes: []Note{{Text: "whole document"}},
}

func same(t *testing.T, got, want []byte) {
	t.Helper()
	if string(got) != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestMarshal(t *testing.T) { same(t, ours.Marshal(), file(t, "ours-presence.xml")) }

// Whatever a user types into a note, the document stays a document and says it.
func TestMarshalAnyText(t *testing.T) {
	for in, want := range map[string]string{
		"]]></dm:note><x>": "]]></dm:note><x>",
		"a\x00\x1b[1mb":    "a[1mb",
		"\xff\xfe":         "\uFFFD",
		"two\r\nlines":     "two\r\nlines",
		"東京 🏴":             "東京 🏴",
	} {
		p, err := Parse(Presence{Entity: `sip:"&<@x`, Persons: []Person{{ID: "p", Notes: []Note{{Lang: `"x`, Text: in}}}}}.Marshal())
		if err != nil {
			t.Errorf("%q: %v", in, err)
		} else if got := p.Persons[0].Notes[0].Text; got != want || p.Entity != `sip:"&<@x` {
			t.Errorf("note %q came as %q, entity %q", in, got, p.Entity)
		}
	}
}

func TestParseBad(t *testing.T) {
	const ns = `xmlns="urn:ietf:params:xml:ns:pidf"`
	for name, c := range map[string]struct{ in, want string }{
		"empty":            {"", "it is empty"},
		"not XML":          {"SIP/2.0 200 OK", "it is empty"},
		"cut off":          {"<presence " + ns + "><tuple id='a'>", "<tuple> is not closed"},
		"wrong end":        {"<presence " + ns + "><a></b></presence>", "closes nothing"},
		"other root":       {"<html/>", "its root is <html>"},
		"no namespace":     {"<presence/>", `in namespace ""`},
		"two roots":        {"<presence " + ns + "/><presence/>", "two root elements"},
		"DOCTYPE":          {`<!DOCTYPE x SYSTEM "file:///etc/passwd"><presence ` + ns + "/>", "DOCTYPE"},
		"entities":         {`<!DOCTYPE x [<!ENTITY a "b">]><presence ` + ns + ">&a;</presence>", "DOCTYPE"},
		"undefined entity": {"<presence " + ns + "><note>&nbsp;</note></presence>", "entity"},
		"unknown charset":  {`<?xml version="1.0" encoding="klingon"?><presence ` + ns + "/>", "klingon"},
		"bytes not UTF-8":  {"<presence " + ns + "><note>\xff</note></presence>", "UTF-8"},
		"deep":             {"<presence " + ns + ">" + strings.Repeat("<a>", 100), "depth"},
		"many elements":    {"<presence " + ns + ">" + strings.Repeat("<a/>", MaxElements+1), "number of elements"},
		"many attributes":  {"<presence " + ns + strings.Repeat(` a="1"`, MaxAttrs+1) + "/>", "number of attributes"},
		"many prefixes":    {"<presence " + ns + ">" + strings.Repeat(`<a xmlns:b="c" xmlns:d="e" xmlns:f="g" xmlns:h="i" xmlns:j="k">`, 26), "namespace prefixes"},
		"big":              {strings.Repeat(" ", MaxSize+1), "over the limit"},
	} {
		_, err := Parse([]byte(c.in))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
	if _, err := Parse([]byte("<!DOCTYPE x>")); !errors.Is(err, ErrDoctype) {
		t.Errorf("DOCTYPE: error %v", err)
	}
}

// What is wrong in one element does not spoil the others.
func TestParseTolerates(t *testing.T) {
	p, err := Parse([]byte(`<?xml version="1.0"?><p:presence xmlns:p="urn:ietf:params:xml:ns:pidf" xmlns:r="urn:ietf:params:xml:ns:pidf:rpid" entity=" sip:a@b ">
	 <p:tuple id="1"><p:status><p:basic>maybe</p:basic><r:activities><r:busy/></r:activities></p:status>
	   <p:contact priority="9">sip:a@b</p:contact><p:timestamp>yesterday</p:timestamp><undeclared:x/></p:tuple>
	 <p:tuple id="2"><p:status/><p:timestamp>2026-11-20T10:00:00</p:timestamp><p:note>` + strings.Repeat("é", 5000) + `</p:note></p:tuple>
	</p:presence>`))
	if err != nil {
		t.Fatal(err)
	}
	want := Tuple{ID: "1", Contact: "sip:a@b", Priority: -1, Activities: &Activities{Values: []string{"busy"}}}
	if p.Entity != "sip:a@b" || !reflect.DeepEqual(p.Tuples[0], want) {
		t.Errorf("got %+v", p)
	}
	if two := p.Tuples[1]; !two.Timestamp.Equal(utc("2026-11-20T10:00:00Z")) || two.Notes[0].Text != strings.Repeat("é", MaxText) {
		t.Errorf("got %+v", two)
	}
}

func TestUTF16(t *testing.T) {
	in := "\xff\xfe"
	for _, c := range `<?xml version="1.0" encoding="UTF-16"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:z@b"/>` {
		in += string([]byte{byte(c), 0})
	}
	if p, err := Parse([]byte(in)); err != nil || p.Entity != "sip:z@b" {
		t.Errorf("got %+v, %v", p, err)
	}
	if p, err := Parse([]byte("\xef\xbb\xbf" + `<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:z@b"/>`)); err != nil || p.Entity != "sip:z@b" {
		t.Errorf("UTF-8 with byte order mark: got %+v, %v", p, err)
	}
}

// Every activity of RFC 4480 §3.2 is read and written.
func TestActivities(t *testing.T) {
	names := strings.Fields(`appointment away breakfast busy dinner holiday in-transit looking-for-work lunch meal meeting
		on-the-phone other performance permanent-absence playing presentation shopping sleeping spectator steering travel tv
		vacation working worship`)
	for _, name := range append(names, "unknown") {
		p, err := Parse(Presence{Persons: []Person{{ID: "p", Activities: &Activities{Values: []string{name}}}}}.Marshal())
		if err != nil || !p.Persons[0].Activities.Has(name) || len(p.Persons[0].Activities.Values) != 1 {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	p, err := Parse(Presence{Persons: []Person{{ID: "p", Activities: &Activities{Values: append(names, "juggling", "unknown")}}}}.Marshal())
	if err != nil || !reflect.DeepEqual(p.Persons[0].Activities.Values, names) {
		t.Errorf("got %+v, %v", p, err)
	}
}
