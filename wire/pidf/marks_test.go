package pidf

import (
	"strings"
	"testing"
)

// marked is how an administrator's program, with prefixes of its own, writes a
// list that it made from the organisation chart.
const marked = `<?xml version="1.0" encoding="UTF-8"?>
<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists" xmlns:m="urn:uuid:4eb650b6-5700-551f-b38e-1a0830a84c78">
  <list name="peers" m:chart="peers">
    <display-name xml:lang="en">My peers</display-name>
    <display-name xml:lang="de">Kollegen</display-name>
    <entry uri="sip:bob@contoso.test" m:name="chosen"/>
  </list>
  <list name="everyone" m:chart="everyone" m:hidden="true"/>
  <list name="bots"><entry uri="sip:robot@contoso.test" m:kind="service"/></list>
</resource-lists>
`

func TestMarks(t *testing.T) {
	r, err := ParseResourceLists([]byte(marked))
	if err != nil {
		t.Fatal(err)
	}
	peers, everyone, bots := r.Lists()[0], r.Lists()[1], r.Lists()[2]
	if peers.Chart != ChartPeers || peers.Hidden || everyone.Chart != ChartEveryone || !everyone.Hidden || bots.Chart != "" {
		t.Errorf("lists: %+v, %+v, %+v", peers.ListMarks, everyone.ListMarks, bots.ListMarks)
	}
	bob, robot := peers.Entries()[0], bots.Entries()[0]
	if !bob.Chosen || bob.Service || !robot.Service || bob.Line() != 6 {
		t.Errorf("entries: %+v in line %d, %+v", bob.EntryMarks, bob.Line(), robot.EntryMarks)
	}
	same(t, r.Marshal(), []byte(strings.Replace(marked, "<list name=\"bots\"><entry uri=\"sip:robot@contoso.test\" m:kind=\"service\"/></list>",
		"<list name=\"bots\">\n    <entry uri=\"sip:robot@contoso.test\" m:kind=\"service\"/>\n  </list>", 1)))
	bob.Chosen, everyone.Hidden, bots.Hidden = false, false, true
	again, err := ParseResourceLists(r.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	if l := again.Lists(); l[0].Entries()[0].Chosen || l[1].Hidden || l[1].Chart != ChartEveryone || !l[2].Hidden {
		t.Errorf("changed: %s", r.Marshal())
	}
}

func TestNewMarks(t *testing.T) {
	r := ResourceLists{Items: []Item{{List: &List{Name: "a", ListMarks: ListMarks{Chart: ChartReports, Access: "block"}, Items: []Item{
		{Entry: &Entry{URI: "sip:x@y", EntryMarks: EntryMarks{Service: true}}}}}}}}
	same(t, r.Marshal(), []byte(`<?xml version="1.0" encoding="UTF-8"?>
<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists" xmlns:communicator="urn:uuid:4eb650b6-5700-551f-b38e-1a0830a84c78">
  <list name="a" communicator:chart="reports" communicator:access="block">
    <entry uri="sip:x@y" communicator:kind="service"/>
  </list>
</resource-lists>
`))
}

// Our prefix means something else in this document: no new mark, and what is
// there stays.
func TestMarksWithTakenPrefix(t *testing.T) {
	r, err := ParseResourceLists([]byte(`<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"><list name="a" xmlns:communicator="urn:x" communicator:chart="1"/></resource-lists>`))
	if err != nil {
		t.Fatal(err)
	}
	l := r.Lists()[0]
	if l.Chart != "" {
		t.Errorf("chart %q is not ours", l.Chart)
	}
	l.Hidden = true
	if out := string(r.Marshal()); strings.Contains(out, "hidden") || !strings.Contains(out, `communicator:chart="1"`) {
		t.Error(out)
	}
}

// An entry goes to a list where its prefixes mean nothing, or something else.
func TestMovedEntryKeepsItsMeaning(t *testing.T) {
	r, err := ParseResourceLists([]byte(`<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists">
<list name="a" xmlns:x="urn:x"><entry uri="sip:b@c" x:ring="bell"><x:y/></entry></list>
<rl:list name="b" xmlns:rl="urn:ietf:params:xml:ns:resource-lists" xmlns="urn:z" xmlns:x="urn:other"/>
</resource-lists>`))
	if err != nil {
		t.Fatal(err)
	}
	a, b := r.Lists()[0], r.Lists()[1]
	a.Items, b.Items = nil, a.Items
	same(t, r.Marshal(), []byte(`<?xml version="1.0" encoding="UTF-8"?>
<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists">
  <list name="a" xmlns:x="urn:x"/>
  <rl:list name="b" xmlns:rl="urn:ietf:params:xml:ns:resource-lists" xmlns="urn:z" xmlns:x="urn:other">
    <entry uri="sip:b@c" x:ring="bell" xmlns="urn:ietf:params:xml:ns:resource-lists" xmlns:x="urn:x">
      <x:y/>
    </entry>
  </rl:list>
</resource-lists>
`))
}
