package im

import (
	"strings"
	"testing"
)

// Descriptions as other products write them, and what they mean for messages.
var descriptions = map[string]struct{ text, want string }{
	"Communicator 2005": {"v=0\no=- 0 0 IN IP4 10.0.0.5\ns=session\nc=IN IP4 10.0.0.5\nt=0 0\nm=x-ms-message 5060 sip null\na=accept-types:text/plain text/html image/gif multipart/alternative application/im-iscomposing+xml text/x-msmsgsinvite\n", "sip"},
	"Communicator 2007": {"v=0\no=- 0 0 IN IP4 10.0.0.5\ns=session\nc=IN IP4 10.0.0.5\nt=0 0\nm=message 5060 sip sip:bob@lab.test\na=accept-types:text/plain multipart/alternative\n", "sip"},
	"RFC 4975 §8.1":     {"v=0\no=alice 2890844526 2890844527 IN IP4 alice.example.com\ns= -\nc=IN IP4 alice.example.com\nt=0 0\nm=message 7394 TCP/MSRP *\na=accept-types:text/plain\na=path:msrp://alice.example.com:7394/2s93i9ek2a;tcp\n", "TCP/MSRP"},
	"with a relay":      {"v=0\no=- 1 1 IN IP4 a.test\ns=-\nc=IN IP4 a.test\nt=0 0\nm=audio 4000 RTP/AVP 0\nm=message 2855 tcp/tls/msrp *\na=path:msrps://r.test:2855/x;tcp msrps://c.test:2855/y;tcp\n", "TCP/TLS/MSRP"},
	"a file (RFC 5547)": {"v=0\nm=message 7654 TCP/MSRP *\na=path:msrp://a.test:7654/jshA7we;tcp\na=file-selector:name:\"x.jpg\"\n", ""},
	"a call":            {"v=0\nm=audio 4000 RTP/AVP 0\n", ""},
	"refused":           {"v=0\nm=message 0 sip null\n", ""},
	"MSRP without path": {"v=0\nm=message 7394 TCP/MSRP *\n", ""},
	"nothing":           {"", ""},
}

func TestDescriptions(t *testing.T) {
	for name, d := range descriptions {
		all, err := readSDP([]byte(strings.ReplaceAll(d.text, "\n", "\r\n")))
		got := ""
		for _, m := range all {
			got += m.carries()
		}
		if err != nil || got != d.want {
			t.Errorf("%s: carries %q, %v, want %q", name, got, err, d.want)
		}
	}
}

func TestOurDescriptionIsOneOfTheirs(t *testing.T) {
	theirs, _ := readSDP([]byte(strings.ReplaceAll(descriptions["with a relay"].text, "\n", "\r\n")))
	mine := msrpMedia(viaMSRPS, theirs[1].path)
	got := string(describe("r.test", 7, []media{{kind: "audio", port: "0", proto: "RTP/AVP", what: "0"}, mine}))
	want := "v=0\r\no=- 7 1 IN IP4 r.test\r\ns=-\r\nc=IN IP4 r.test\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\nm=message 2855 TCP/TLS/MSRP *\r\n" +
		"a=accept-types:" + chatTypes + "\r\na=accept-wrapped-types:text/plain text/html\r\na=max-size:1050076\r\n" +
		"a=path:msrps://r.test:2855/x;tcp msrps://c.test:2855/y;tcp\r\n"
	if got != want {
		t.Errorf("described as\n%s\nwant\n%s", got, want)
	}
	all, err := readSDP([]byte(got))
	if err != nil || len(all) != 2 || all[1].carries() != viaMSRPS || !all[1].accepts("message/cpim") || all[1].accepts("image/png") {
		t.Errorf("read as %+v, %v", all, err)
	}
}

func FuzzSDP(f *testing.F) {
	for _, d := range descriptions {
		f.Add([]byte(strings.ReplaceAll(d.text, "\n", "\r\n")))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := readSDP(b)
		if err != nil {
			return
		}
		for _, m := range all {
			if how := m.carries(); how != "" && how != viaDialog && len(m.path) == 0 {
				t.Errorf("MSRP without a path: %+v", m)
			}
		}
	})
}
