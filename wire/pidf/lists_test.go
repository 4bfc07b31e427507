package pidf

import (
	"strings"
	"testing"
)

func outline(items []Item, depth int, b *strings.Builder) {
	for _, it := range items {
		b.WriteString(strings.Repeat(" ", depth))
		switch {
		case it.List != nil:
			b.WriteString("list " + it.List.Name + " " + it.List.DisplayName + "\n")
			outline(it.List.Items, depth+1, b)
		case it.Entry != nil:
			b.WriteString("entry " + it.Entry.URI + " " + it.Entry.DisplayName + "\n")
		case it.EntryRef != nil:
			b.WriteString("ref " + it.EntryRef.Ref[:20] + "\n")
		case it.External != nil:
			b.WriteString("external " + it.External.DisplayName + "\n")
		default:
			b.WriteString("kept\n")
		}
	}
}

func TestParseResourceLists(t *testing.T) {
	r, err := ParseResourceLists(file(t, "rfc4826-resource-lists.xml"))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	outline(r.Items, 0, &b)
	if want := `list friends 
 entry sip:bill@example.com Bill Doe
 ref resource-lists/users
 list close-friends Close Friends
  entry sip:joe@example.com Joe Smith
  entry sip:nancy@example.com Nancy Gross
  external Marketing
`; b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// A list that is read and written says the same, in the same words.
func TestResourceListsUnchanged(t *testing.T) {
	in := file(t, "rfc4826-resource-lists.xml")
	r, err := ParseResourceLists(in)
	if err != nil {
		t.Fatal(err)
	}
	squeeze := func(b []byte) string {
		s := strings.Join(strings.Fields(string(b)), " ")
		return strings.ReplaceAll(s, "> <", "><")
	}
	if got := r.Marshal(); squeeze(got) != squeeze(in) {
		t.Errorf("got\n%s", got)
	}
}

// Another client's list is edited: a name changed, one person removed, one and
// a group added. All that we do not know stays.
func TestEditForeignList(t *testing.T) {
	r, err := ParseResourceLists(file(t, "foreign-lists.xml"))
	if err != nil {
		t.Fatal(err)
	}
	l := r.Lists()[0]
	l.Entries()[0].DisplayName = "Robert Berg"
	for i, it := range l.Items {
		if it.Entry != nil && it.Entry.URI == "sip:carol@contoso.test" {
			l.Items = append(l.Items[:i], l.Items[i+1:]...)
			break
		}
	}
	l.Items = append(l.Items, Item{Entry: &Entry{URI: "sip:dina@contoso.test", DisplayName: "Dina Costa"}})
	r.Items = append(r.Items, Item{List: &List{Name: "new", DisplayName: "Neue Gruppe"}})
	same(t, r.Marshal(), file(t, "foreign-lists.edited.xml"))
}

func TestNewResourceLists(t *testing.T) {
	same(t, ResourceLists{Items: []Item{{List: &List{Name: "a&b", Items: []Item{
		{Entry: &Entry{URI: `sip:"x"@contoso.test`}}, {EntryRef: &EntryRef{Ref: "r"}}, {External: &External{Anchor: "h"}}}}}}}.Marshal(),
		[]byte(`<?xml version="1.0" encoding="UTF-8"?>
<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists">
  <list name="a&amp;b">
    <entry uri="sip:&quot;x&quot;@contoso.test"/>
    <entry-ref ref="r"/>
    <external anchor="h"/>
  </list>
</resource-lists>
`))
	same(t, ResourceLists{}.Marshal(), []byte(`<?xml version="1.0" encoding="UTF-8"?>
<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"/>
`))
}

func TestRLSServices(t *testing.T) {
	in := file(t, "rfc4826-rls-services.xml")
	r, err := ParseRLSServices(in)
	if err != nil {
		t.Fatal(err)
	}
	one, two := r.Services[0], r.Services[1]
	if one.URI != "sip:mybuddies@example.com" || !strings.HasPrefix(one.ResourceList, "http://xcap.example.com/") || one.Packages[0] != "presence" {
		t.Errorf("first service: %+v", one)
	}
	if two.List == nil || two.List.Name != "marketing" || len(two.List.Entries()) != 2 || two.List.Entries()[1].URI != "sip:sudhir@example.com" {
		t.Errorf("second service: %+v", two)
	}
	two.List.Items = append(two.List.Items, Item{Entry: &Entry{URI: "sip:new@example.com"}})
	out := string(r.Marshal())
	if !strings.Contains(out, `<rl:entry uri="sip:new@example.com"/>`) || !strings.Contains(out, "list%5b@name=%22l1%22%5d</resource-list>") {
		t.Errorf("edited:\n%s", out)
	}
	again, err := ParseRLSServices([]byte(out))
	if err != nil || len(again.Services) != 2 || len(again.Services[1].List.Entries()) != 3 {
		t.Errorf("read again: %+v, %v", again, err)
	}
}

func TestNewRLSServices(t *testing.T) {
	lists, err := ParseResourceLists([]byte(`<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"><list name="watched"><entry uri="sip:bob@contoso.test"/></list></resource-lists>`))
	if err != nil {
		t.Fatal(err)
	}
	for what, l := range map[string]*List{
		"made":                        {Name: "watched", Items: []Item{{Entry: &Entry{URI: "sip:bob@contoso.test"}}}},
		"taken from another document": lists.Lists()[0],
	} {
		t.Run(what, func(t *testing.T) {
			same(t, RLSServices{Services: []Service{{URI: "sip:anna-contacts@contoso.test", List: l, Packages: []string{"presence"}}}}.Marshal(), file(t, "ours-rls.xml"))
		})
	}
}

// Lists of services as stores hold them: in either namespace.
func TestRLSServicesForeign(t *testing.T) {
	for what, in := range map[string]string{
		"entries in the namespace of the document": `<rls-services xmlns="urn:ietf:params:xml:ns:rls-services"><service uri="sip:l@b"><list><entry uri="sip:a@b"/></list></service></rls-services>`,
		"list in the namespace of lists":           `<r:rls-services xmlns:r="urn:ietf:params:xml:ns:rls-services"><r:service uri="sip:l@b"><l:list xmlns:l="urn:ietf:params:xml:ns:resource-lists"><l:entry uri="sip:a@b"/></l:list></r:service></r:rls-services>`,
		"namespace on each entry":                  `<rls-services xmlns="urn:ietf:params:xml:ns:rls-services"><service uri="sip:l@b"><list><entry xmlns="urn:ietf:params:xml:ns:resource-lists" uri="sip:a@b"/></list></service></rls-services>`,
	} {
		r, err := ParseRLSServices([]byte(in))
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		for range 2 {
			if len(r.Services) != 1 || len(r.Services[0].List.Entries()) != 1 || r.Services[0].List.Entries()[0].URI != "sip:a@b" {
				t.Errorf("%s: %+v", what, r)
			}
			if r, err = ParseRLSServices(r.Marshal()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestListsBad(t *testing.T) {
	for what, c := range map[string]struct{ in, want string }{
		"undeclared prefix": {`<rls-services xmlns="urn:ietf:params:xml:ns:rls-services"><service uri="sip:l@b"><list><rl:entry uri="sip:a@b"/></list></service></rls-services>`, "prefix of <rl:entry> is not declared"},
		"a contact list":    {`<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"/>`, "its root is <resource-lists>"},
	} {
		if _, err := ParseRLSServices([]byte(c.in)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", what, err, c.want)
		}
	}
}

// A prefix of somebody else keeps its meaning when a first entry is added.
func TestRLSServicesForeignPrefix(t *testing.T) {
	r, err := ParseRLSServices([]byte(`<rls-services xmlns="urn:ietf:params:xml:ns:rls-services" xmlns:rl="urn:example-com:rules"><service uri="sip:l@b"><list><rl:allow/></list></service></rls-services>`))
	if err != nil {
		t.Fatal(err)
	}
	r.Services[0].List.Items = append(r.Services[0].List.Items, Item{Entry: &Entry{URI: "sip:a@b"}})
	same(t, r.Marshal(), []byte(`<?xml version="1.0" encoding="UTF-8"?>
<rls-services xmlns="urn:ietf:params:xml:ns:rls-services" xmlns:rl="urn:example-com:rules">
  <service uri="sip:l@b">
    <list xmlns:rl1="urn:ietf:params:xml:ns:resource-lists">
      <rl:allow/>
      <rl1:entry uri="sip:a@b"/>
    </list>
  </service>
</rls-services>
`))
}
