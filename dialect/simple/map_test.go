package simple

import (
	"os"
	"strings"
	"testing"
	"time"

	"communicator/presence"
	"communicator/wire/pidf"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// looks says that others see the same in both, since the same time.
func looks(a, b presence.State) bool {
	return a.Looks(b) && a.Since.Equal(b.Since) && a.Seen.Equal(b.Seen)
}

// Whatever can be chosen or computed comes out at the other side as it went in.
func TestStatesThereAndBack(t *testing.T) {
	for _, a := range []presence.Availability{presence.Available, presence.Busy, presence.DoNotDisturb, presence.BeRightBack, presence.Away} {
		for _, v := range []presence.Activity{presence.NoActivity, presence.Meeting, presence.Call, presence.Conference, presence.OutOfOffice} {
			if a == presence.BeRightBack && v == presence.Conference {
				continue // both are in words of the one "other"
			}
			in := presence.State{Availability: a, Activity: v, Note: "In Lyon\nuntil <Friday>", Until: noon.Add(time.Hour), Since: noon}
			doc, err := pidf.Parse(author{"anna@contoso.test", "d1", ""}.document(in, noon).Marshal())
			if err != nil {
				t.Fatal(err)
			}
			in.Seen = noon
			if out := fromDocument(doc, noon); !looks(out, in) {
				t.Errorf("%s %s came out as %+v", a, v, out)
			}
		}
	}
	idle := presence.State{Availability: presence.Available, Activity: presence.Inactive, Source: presence.FromIdle, Since: noon, Seen: noon}
	if out := fromDocument(author{"anna@contoso.test", "d1", ""}.document(idle, noon), noon); !looks(out, idle) {
		t.Errorf("inactive came out as %+v", out)
	}
	offline := presence.State{Availability: presence.Offline, Note: "Back Monday", Since: noon, Seen: noon}
	if out := fromDocument(author{"anna@contoso.test", "d1", ""}.document(offline, noon), noon); !looks(out, offline) {
		t.Errorf("appear offline came out as %+v", out)
	}
}

func TestLongNoteIsCut(t *testing.T) {
	s := presence.State{Availability: presence.Busy, Note: strings.Repeat("ü", 600)}
	if out := fromDocument(author{"a@x", "d", ""}.document(s, noon), noon); len([]rune(out.Note)) != presence.MaxNote {
		t.Errorf("%d characters", len([]rune(out.Note)))
	}
}

const (
	head = `<?xml version="1.0" encoding="UTF-8"?><presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" entity="sip:bob@contoso.test">`
	tail = `</presence>`
)

// Documents of other products, as their sources write them and Kamailio passes
// them on.
func TestOtherClients(t *testing.T) {
	open := `<tuple id="t1"><status><basic>open</basic></status></tuple>`
	closed := `<tuple id="t1"><status><basic>closed</basic></status></tuple>`
	person := func(id, stamp, inner string) string {
		if stamp != "" {
			inner += "<dm:timestamp>" + stamp + "</dm:timestamp>"
		}
		return `<dm:person id="` + id + `">` + inner + `</dm:person>`
	}
	act := func(names string) string {
		s := "<rpid:activities>"
		for _, n := range strings.Fields(names) {
			s += "<rpid:" + n + "/>"
		}
		return s + "</rpid:activities>"
	}
	for _, c := range []struct {
		name, body, want string // availability activity note
	}{
		{"pidgin 2.14", `<tuple id="bs35r9f"><status><basic>open</basic></status><note>Back at 3</note></tuple>`, "available  Back at 3"},
		{"baresip 1.0", open + person("p1", "", act("")), "available"},
		{"linphone 5.1 online", `<tuple id="h9g3"><status><basic>open</basic></status><contact priority="0.8">sip:bob@contoso.test</contact><timestamp>2026-11-20T11:00:00Z</timestamp></tuple>`, "available"},
		{"linphone 5.1 busy", open + person("f0", "", act("busy")), "busy"},
		{"unpublished at Kamailio 5.6", `<tuple xmlns="urn:ietf:params:xml:ns:pidf" id="b1"><status xmlns="urn:ietf:params:xml:ns:pidf"><basic>closed</basic></status></tuple>`, "offline"},
		{"no tuple at all", "", "offline"},
		{"a person without a tuple cannot be reached", person("p", "", act("busy")), "offline"},
		{"note shown while offline", closed + person("p", "", "<dm:note>Back Monday</dm:note>"), "offline  Back Monday"},
		{"on the phone", open + person("p", "", act("on-the-phone")), "busy call"},
		{"appointment", open + person("p", "", act("appointment")), "busy meeting"},
		{"lunch", open + person("p", "", act("lunch")), "away"},
		{"travelling", open + person("p", "", act("travel")), "away out-of-office"},
		{"unknown activity and foreign element", open + person("p", "", `<rpid:activities><rpid:unknown/><x:juggling xmlns:x="urn:x"/></rpid:activities>`), "available"},
		{"two publishers, the newest person counts", open + `<tuple id="t2"><status><basic>open</basic></status></tuple>` +
			person("p1", "2026-11-20T11:00:00Z", act("busy")+"<dm:note>new</dm:note>") + person("p2", "2026-11-20T10:00:00Z", act("away")+"<dm:note>old</dm:note>"), "busy  new"},
		{"two publishers, one closed", closed + `<tuple id="t2"><status><basic>open</basic></status></tuple>`, "available"},
		{"a softphone beside the desktop says nothing", open + person("p1", "2026-11-20T11:00:00Z", act("meeting busy")) + person("p2", "", act("")), "busy meeting"},
		{"activities in the status, as older clients", `<tuple id="t"><status><basic>open</basic><rpid:activities><rpid:away/></rpid:activities></status></tuple>`, "away"},
		{"harm in a note", open + person("p", "", "<dm:note>a\u202Eb</dm:note>"), "available  ab"},
	} {
		s, ok := readState("bob@contoso.test", []byte(head+c.body+tail), noon)
		got := strings.TrimSpace(strings.Join([]string{string(s.Availability), string(s.Activity), s.Note}, " "))
		if !ok || got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// The same, captured from the products or made after them
// (wire/pidf/testdata/README.md).
func TestDocumentsOfOthers(t *testing.T) {
	for name, want := range map[string]string{
		"baresip-1.0.xml":                 "bob@contoso.test: Available",
		"linphone-5.1.xml":                "carol@contoso.test: Available",
		"linphone-with-person.xml":        "carol@contoso.test: In a call “rehearsal & lunch”",
		"pidgin-2.14.xml":                 "dave@contoso.test: Available “gone © fishing”",
		"kamailio-5.6-two-publishers.xml": "alice@contoso.test: Busy “In Lyon”",
		"kamailio-5.6-signed-out.xml":     "alice@contoso.test: Offline",
		"latin1.xml":                      "eve@contoso.test: Available “Zürich, café”",
		"rfc4479-data-model.xml":          "someone@example.com: In a call",
		"rfc3863-extension.xml":           "someone@example.com: Available “I'll be in Tokyo next week”",
	} {
		text, err := os.ReadFile("../../wire/pidf/testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		user, words, _ := strings.Cut(want, ": ")
		s, ok := readState(user, text, noon)
		got := s.Words(noon)
		if s.Note != "" {
			got += " “" + s.Note + "”"
		}
		if !ok || got != words {
			t.Errorf("%s: %q, want %q", name, got, words)
		}
	}
}

func TestNotAboutHim(t *testing.T) {
	for _, body := range []string{"rubbish", head, `<?xml version="1.0"?><!DOCTYPE x><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:bob@contoso.test"/>`} {
		if s, ok := readState("bob@contoso.test", []byte(body), noon); !ok || s.Availability != presence.Unknown {
			t.Errorf("%.60s is read as %+v %v", body, s, ok)
		}
	}
	if s, ok := readState("bob@contoso.test", []byte(strings.Replace(head, "bob@", "eve@", 1)+tail), noon); ok {
		t.Errorf("what is said of somebody else is believed: %+v", s)
	}
	if s, ok := readState("bob@contoso.test", nil, noon); !ok || s.Availability != presence.Offline {
		t.Errorf("nothing published is %+v", s)
	}
	if _, ok := readState("bob@contoso.test", []byte(strings.Replace(head, "sip:bob@contoso.test", "pres:bob@CONTOSO.test", 1)+tail), noon); !ok {
		t.Error("the same address in other words")
	}
}

func FuzzReadState(f *testing.F) {
	f.Add([]byte(head + `<tuple id="t"><status><basic>open</basic></status><note>n</note></tuple><dm:person id="p"><rpid:activities until="2026-11-20T11:00:00Z"><rpid:busy/></rpid:activities></dm:person>` + tail))
	f.Add(author{"bob@contoso.test", "d", ""}.document(presence.State{Availability: presence.DoNotDisturb, Activity: presence.Conference, Note: "x"}, noon).Marshal())
	f.Fuzz(func(t *testing.T, body []byte) {
		s, ok := readState("bob@contoso.test", body, noon)
		if !ok && !s.Equal(presence.State{}) {
			t.Error("a state of what was not read")
		}
		if len([]rune(s.Note)) > presence.MaxNote || strings.ContainsAny(s.Note, "\x00\x1b\u202e") {
			t.Errorf("note %q", s.Note)
		}
	})
}
