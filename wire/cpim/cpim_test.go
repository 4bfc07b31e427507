package cpim

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"
)

// crlf makes the line ends of the wire.
func crlf(s string) []byte { return []byte(strings.ReplaceAll(s, "\n", "\r\n")) }

// The examples of RFC 3862 §5.1 (with a display name as in §4.1) and RFC 5438
// §7.1.1.3, the latter also as RCS clients write it (another prefix, lengths).
var messages = []struct {
	name, text string
	want       Message
}{
	{"RFC 3862", `From: MR SANDERS <im:piglet@100akerwood.com>
To: Depressed Donkey <im:eeyore@100akerwood.com>
DateTime: 2000-12-13T13:40:00-08:00
Subject: the weather will be fine today
Subject:;lang=fr beau temps prevu pour aujourd'hui
NS: MyFeatures <mid:MessageFeatures@id.foo.com>
Require: MyFeatures.VitalMessageOption
MyFeatures.VitalMessageOption: Confirmation-requested
MyFeatures.WackyMessageOption: Use-silly-font

Content-type: text/xml; charset=utf-8
Content-ID: <1234567890@foo.com>

<body>
Here is the text of my message.
</body>`, Message{From: "im:piglet@100akerwood.com", To: []string{"im:eeyore@100akerwood.com"}, Time: time.Date(2000, 12, 13, 21, 40, 0, 0, time.UTC),
		Content: Part{Type: "text/xml; charset=utf-8", Body: crlf("<body>\nHere is the text of my message.\n</body>")}}},
	{"RFC 5438", `From: Alice <im:alice@example.com>
To: Bob <im:bob@example.com>
NS: imdn <urn:ietf:params:imdn>
imdn.Message-ID: 34jk324j
DateTime: 2006-04-04T12:16:49-05:00
imdn.Disposition-Notification: positive-delivery, negative-delivery
Content-type: text/plain
Content-length: 12

Hello World`, Message{From: "im:alice@example.com", To: []string{"im:bob@example.com"}, ID: "34jk324j", Notify: []string{"positive-delivery", "negative-delivery"},
		Time: time.Date(2006, 4, 4, 17, 16, 49, 0, time.UTC), Content: Part{Type: "text/plain", Body: []byte("Hello World")}}},
	{"RCS", `NS: x <urn:ietf:params:imdn>
x.Disposition-Notification: Positive-Delivery,display
x.Message-ID: 1088
other.Message-ID: 7
To: <sip:anonymous@anonymous.invalid>
From: <sip:anonymous@anonymous.invalid>
DateTime: 2021-05-04T19:33:18+05:30

Content-type: text/plain;charset=UTF-8
Content-length: 5

Hello`, Message{From: "sip:anonymous@anonymous.invalid", To: []string{"sip:anonymous@anonymous.invalid"}, ID: "1088", Notify: []string{"positive-delivery", "display"},
		Time: time.Date(2021, 5, 4, 14, 3, 18, 0, time.UTC), Content: Part{Type: "text/plain;charset=UTF-8", Body: []byte("Hello")}}},
	{"no MIME headers", "From: <im:a@b>\n\n\nhi", Message{From: "im:a@b", Content: Part{Body: []byte("hi")}}},
	{"base64", "From: <im:a@b>\n\nContent-Transfer-Encoding: base64\n\naGk=", Message{From: "im:a@b", Content: Part{Body: []byte("hi")}}},
	{"unknown transfer encoding", "From: <im:a@b>\n\nContent-Transfer-Encoding: x-uuencode\n\naGk=", Message{}},
	{"a name that is none", "From: <im:a@b>\nimdn.Message-ID: a\x1b[2J\n\n\nhi", Message{From: "im:a@b", Content: Part{Body: []byte("hi")}}},
	{"too many headers", strings.Repeat("To: <im:a@b>\n", 300) + "\n\nhi", Message{}},
	{"cut off", "From: <im:a@b>", Message{}},
}

func TestParse(t *testing.T) {
	for _, m := range messages {
		for _, body := range [][]byte{[]byte(m.text), crlf(m.text)} {
			got, err := Parse(body)
			if bad := m.want.From == ""; bad || err != nil {
				if bad != (err != nil) {
					t.Errorf("%s: %+v, %v", m.name, got, err)
				}
				continue
			}
			got.Time = got.Time.UTC()
			got.Content.Body = []byte(strings.ReplaceAll(string(got.Content.Body), "\r", ""))
			want := m.want
			want.Content.Body = []byte(strings.ReplaceAll(string(want.Content.Body), "\r", ""))
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s:\n got %+v\nwant %+v", m.name, got, want)
			}
		}
	}
}

func TestWrite(t *testing.T) {
	m := Message{From: "im:alice@example.com", To: []string{"im:bob@example.com"}, Time: time.Date(2006, 4, 4, 12, 16, 49, 0, time.FixedZone("", -5*3600)),
		ID: "34jk\r\nFrom: <im:eve@example.com>", Notify: []string{PositiveDelivery, Display}, Content: Part{Type: "text/plain", Body: []byte("Hello\n\nWorld")}}
	want := "From: <im:alice@example.com>\r\nTo: <im:bob@example.com>\r\nDateTime: 2006-04-04T12:16:49-05:00\r\nNS: imdn <urn:ietf:params:imdn>\r\n" +
		"imdn.Message-ID: 34jk  From: <im:eve@example.com>\r\nimdn.Disposition-Notification: positive-delivery, display\r\n\r\nContent-Type: text/plain\r\n\r\nHello\n\nWorld"
	if got := string(m.Bytes()); got != want {
		t.Errorf("got %q", got)
	}
	if !m.Wants(Display) || m.Wants(NegativeDelivery) {
		t.Error("what it asks for")
	}
}

func TestReceipts(t *testing.T) {
	const head = `<?xml version="1.0" encoding="UTF-8"?><imdn xmlns="urn:ietf:params:xml:ns:imdn">`
	for _, c := range []struct {
		name, text string
		want       Receipt
		good       bool
	}{
		{"RFC 5438 §7.2.1.3, display", head + "\r\n <message-id>34jk324j</message-id>\r\n <datetime>2008-04-04T12:16:49-05:00</datetime>\r\n" +
			"<display-notification>\r\n<status>\r\n<displayed/>\r\n</status>\r\n</display-notification>\r\n</imdn>",
			Receipt{"34jk324j", Displayed, "displayed", "", time.Date(2008, 4, 4, 17, 16, 49, 0, time.UTC)}, true},
		{"delivery", head + `<message-id>d834jied93rf</message-id><datetime>2008-04-04T12:16:49-05:00</datetime><recipient-uri>im:bob@example.com</recipient-uri>` +
			`<original-recipient-uri>im:bob@example.com</original-recipient-uri><delivery-notification><status><delivered/></status></delivery-notification></imdn>`,
			Receipt{"d834jied93rf", Delivery, "delivered", "im:bob@example.com", time.Date(2008, 4, 4, 17, 16, 49, 0, time.UTC)}, true},
		{"without a namespace, as Jami writes it", `<imdn><message-id>1</message-id><display-notification><status><displayed/></status></display-notification></imdn>`, Receipt{ID: "1", Kind: Displayed, Status: "displayed"}, true},
		{"refused", head + `<message-id>1</message-id><display-notification><status><forbidden/></status></display-notification></imdn>`, Receipt{ID: "1", Kind: Displayed, Status: "forbidden"}, false},
		{"confused", head + `<message-id>1</message-id><delivery-notification><status><displayed/></status></delivery-notification></imdn>`, Receipt{ID: "1", Kind: Delivery, Status: "displayed"}, false},
		{"both", head + `<message-id>1</message-id><delivery-notification><status><delivered/></status></delivery-notification><display-notification><status><displayed/></status></display-notification></imdn>`, Receipt{}, false},
		{"of nothing", head + `<delivery-notification><status><delivered/></status></delivery-notification></imdn>`, Receipt{}, false},
		{"another document", `<presence xmlns="urn:ietf:params:xml:ns:imdn"/>`, Receipt{}, false},
		{"entities", `<!DOCTYPE imdn [<!ENTITY a "aaaa">]>` + strings.TrimPrefix(head, `<?xml version="1.0" encoding="UTF-8"?>`) + `<message-id>&a;</message-id><display-notification><status><displayed/></status></display-notification></imdn>`, Receipt{}, false},
		{"long", head + strings.Repeat(" ", 20000) + `</imdn>`, Receipt{}, false},
		{"deep", head + strings.Repeat("<a>", 5000), Receipt{}, false},
	} {
		got, err := ParseReceipt([]byte(c.text))
		if (err != nil) != (c.want.ID == "") {
			t.Errorf("%s: %v", c.name, err)
		}
		if got.Time = got.Time.UTC(); got != c.want || got.Good() != c.good {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
	r := Receipt{ID: "<1&2>", Recipient: "sip:a&b@c", Kind: Displayed, Status: "displayed", Time: time.Date(2008, 4, 4, 17, 16, 49, 0, time.UTC)}
	if got, err := ParseReceipt(r.Bytes()); got != r || err != nil {
		t.Errorf("written %s", r.Bytes())
	}
}

func TestComposing(t *testing.T) {
	const head = `<?xml version="1.0" encoding="UTF-8"?>
<isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xsi:schemaLocation="urn:ietf:params:xml:ns:im-composing iscomposing.xsd">`
	for _, c := range []struct {
		text string
		want Composing
		bad  bool
	}{
		{head + "<state>active</state><contenttype>text/plain</contenttype><refresh>90</refresh></isComposing>", Composing{true, 90 * time.Second}, false}, // RFC 3994 §4
		{head + "<state>idle</state><lastactive>2003-01-27T10:43:00Z</lastactive><contenttype>audio</contenttype></isComposing>", Composing{false, RefreshUsual}, false},
		{head + "<state>dreaming</state></isComposing>", Composing{false, RefreshUsual}, false},
		{head + "<state>active</state><refresh>1</refresh></isComposing>", Composing{true, RefreshLeast}, false},
		{head + "<state>active</state><refresh>99999999</refresh></isComposing>", Composing{true, refreshMost}, false},
		{"<isComposing><state>active</state></isComposing>", Composing{true, RefreshUsual}, false}, // as Jami writes it
		{head + "</isComposing>", Composing{}, true},
		{head, Composing{}, true},
	} {
		if got, err := ParseComposing([]byte(c.text)); got != c.want || (err != nil) != c.bad {
			t.Errorf("%s: %+v, %v", c.text, got, err)
		}
	}
	for _, c := range []Composing{{true, 90 * time.Second}, {false, RefreshUsual}} {
		if got, err := ParseComposing(c.Bytes()); got != c || err != nil {
			t.Errorf("written %s", c.Bytes())
		}
	}
}

// The mixed body of RFC 2046 §5.1.1, and what a store puts before one.
func TestSplit(t *testing.T) {
	const simple = `This is the preamble.  It is to be ignored, though it
is a handy place for composition agents to include an
explanatory note to non-MIME conformant readers.

--simple boundary

This is implicitly typed plain US-ASCII text.
It does NOT end with a linebreak.
--simple boundary
Content-type: text/plain; charset=us-ascii

This is explicitly typed plain US-ASCII text.
It DOES end with a linebreak.

--simple boundary--

This is the epilogue.  It is also to be ignored.`
	parts, err := Split(`multipart/mixed; boundary="simple boundary"`, crlf(simple))
	if err != nil || len(parts) != 2 || parts[0].Type != "" || !bytes.HasSuffix(parts[0].Body, []byte("a linebreak.")) ||
		parts[1].Type != "text/plain; charset=us-ascii" || !bytes.HasSuffix(parts[1].Body, []byte("a linebreak.\r\n")) {
		t.Errorf("%q, %v", parts, err)
	}
	list := Part{Type: "application/resource-lists+xml", Disposition: "recipient-list-history; handling=optional", Body: []byte("<x/>")}
	kind, body := Join("multipart/mixed", "b1", Part{Type: "text/plain", Body: []byte("hi")}, list)
	parts, err = Split(kind, append([]byte("[Offline message - Fri Nov 20 2026] "), body...))
	if err != nil || len(parts) != 2 || string(parts[0].Body) != "hi" || parts[0].Optional() || !reflect.DeepEqual(parts[1], list) || !parts[1].Optional() {
		t.Errorf("%q, %v", parts, err)
	}
	if parts, err = Split("multipart/mixed", body); err != nil || len(parts) != 2 {
		t.Errorf("as msilo of Kamailio 5.6 delivers it, without parameters: %q, %v", parts, err)
	}
	for _, bad := range []string{"multipart/mixed;boundary=y", "multipart/mixed;boundary=\"b1", ""} {
		if _, err := Split(bad, body); err == nil {
			t.Errorf("%q is split", bad)
		}
	}
	if _, err := Split("multipart/mixed;boundary=x", []byte(strings.Repeat("--x\r\n\r\n\r\n", 200)+"--x--")); err == nil {
		t.Error("200 parts are taken")
	}
}

func FuzzParse(f *testing.F) {
	for _, m := range messages {
		f.Add(crlf(m.text))
	}
	f.Add([]byte("From: <im:a@b>\r\nimdn.Message-ID: \x00\xffjk324j\r\n\r\n\r\nhi"))
	f.Add([]byte("om: <im:a@b>\r\n\r\nContent-Foo: x\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(b)
		if err != nil {
			return
		}
		again, err := Parse(m.Bytes())
		if err != nil || again.ID != oneLine(m.ID) || len(m.Content.Body) > 0 && !bytes.Equal(again.Content.Body, m.Content.Body) {
			t.Errorf("%q becomes %q: %v", m, again, err)
		}
	})
}

func FuzzReceipt(f *testing.F) {
	f.Add(Receipt{ID: "1", Kind: Delivery, Status: "delivered"}.Bytes())
	f.Add([]byte(`<?xml version="1.0"?><imdn xmlns="urn:ietf:params:xml:ns:imdn"><message-id>1</message-id><display-notification><status><displayed/></status></display-notification></imdn>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := ParseReceipt(b); err == nil && (r.ID == "" || r.Kind == "" || r.Status == "") {
			t.Errorf("%+v", r)
		}
	})
}

func FuzzComposing(f *testing.F) {
	f.Add([]byte("<isComposing><state>active</state><refresh>90</refresh></isComposing>"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := ParseComposing(b); err == nil && (c.Refresh < RefreshLeast || c.Refresh > refreshMost) {
			t.Errorf("%+v", c)
		}
	})
}

func FuzzSplit(f *testing.F) {
	f.Add("multipart/mixed;boundary=x", []byte("--x\r\nContent-Type: text/plain\r\n\r\nhi\r\n--x--"))
	f.Add(`multipart/alternative; boundary="a b"`, []byte("pre\n--a b\n\nhi\n--a b--\n"))
	f.Fuzz(func(t *testing.T, kind string, b []byte) {
		parts, err := Split(kind, b)
		size := 0
		for _, p := range parts {
			size += len(p.Body)
		}
		if err == nil && (len(parts) > MaxParts || size > len(b)) {
			t.Errorf("%d parts, %d bytes of %d", len(parts), size, len(b))
		}
	})
}
