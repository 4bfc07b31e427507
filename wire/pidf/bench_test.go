package pidf

import (
	"fmt"
	"testing"
)

// A presence document as a server sends it in every NOTIFY.
func BenchmarkParse(b *testing.B) {
	doc := file(b, "kamailio-5.6-two-publishers.xml")
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(doc); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMarshal(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		ours.Marshal()
	}
}

// The states of 100 contacts in one message.
func BenchmarkParseNotify(b *testing.B) {
	n := Notify{RLMI: RLMI{URI: "sip:list@contoso.test", FullState: true}}
	for i := range 100 {
		uri, cid := fmt.Sprintf("sip:u%d@contoso.test", i), fmt.Sprintf("c%d@contoso.test", i)
		n.RLMI.Resources = append(n.RLMI.Resources, Resource{URI: uri, Instances: []Instance{{ID: "1", State: "active", CID: cid}}})
		n.Parts = append(n.Parts, Part{ContentType, cid, ours.Marshal()})
	}
	contentType, body := n.Marshal("b", "root")
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		n, err := ParseNotify(contentType, body)
		if err != nil {
			b.Fatal(err)
		}
		for _, m := range n.Members() {
			if _, err := Parse(m.Document.Body); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// A contact list of 3,000 people.
func BenchmarkParseResourceLists(b *testing.B) {
	l := &List{Name: "all"}
	for i := range 3000 {
		l.Items = append(l.Items, Item{Entry: &Entry{URI: fmt.Sprintf("sip:u%d@contoso.test", i), DisplayName: "Somebody Else"}})
	}
	doc := ResourceLists{Items: []Item{{List: l}}}.Marshal()
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseResourceLists(doc); err != nil {
			b.Fatal(err)
		}
	}
}
