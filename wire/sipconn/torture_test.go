package sipconn

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

// The torture messages of RFC 4475: what is good must be understood, and once
// more after we have written it; what is bad must be refused.
func TestTorture(t *testing.T) {
	all, err := os.ReadFile("testdata/torture.txt")
	if err != nil {
		t.Fatal(err)
	}
	entries := strings.Split(string(all), "\n=== ")[1:]
	if len(entries) != 23 {
		t.Fatalf("%d messages", len(entries))
	}
	for _, e := range entries {
		title, text, _ := strings.Cut(e, "\n")
		section, want, _ := strings.Cut(title, ": ")
		head, _, _ := strings.Cut(wire(text), "\r\n\r\n")
		m, _, fault := parse(frame{head: []byte(head + "\r\n\r\n")})
		got := ""
		if fault != nil {
			got = fault.reason
		}
		if got != want {
			t.Errorf("%s: %q, want %q", section, got, want)
		}
		if fault == nil {
			again, err := marshal(m)
			if err != nil {
				t.Errorf("%s: cannot be passed on: %v", section, err)
			} else if _, _, fault := parse(frame{head: again}); fault != nil {
				t.Errorf("%s: is bad when passed on: %s\n%s", section, fault.reason, again)
			}
		}
	}
}

// What tolerant reading gives.
func TestHeadersOfRealPeers(t *testing.T) {
	read := func(text string) *sip.Request {
		t.Helper()
		m, _, fault := parse(frame{head: []byte(strings.ReplaceAll(text, "\n", "\r\n"))})
		if fault != nil {
			t.Fatal(fault)
		}
		return m.(*sip.Request)
	}
	r := read(`SUBSCRIBE sip:bob@example.com SIP/2.0
Via: SIP/2.0/tls [2001:db8::9]:5061 ;branch=z9hG4bKa ; rport , SIP/2.0/TCP host:5060;branch=z9hG4bKb
f: "Doe, Jane \"JD\"" <sip:jane@example.com>;tag=1;epid=356bcace1925
t: sip:bob@example.com
i: 1
CSeq: 1 SUBSCRIBE
o: presence
k: eventlist
u: presence,vnd-microsoft-roaming-contacts
m: <sip:jane@10.0.0.5:49201;transport=tls>;methods="INVITE, MESSAGE";+sip.instance="<urn:uuid:1>";Expires=60 , "B, C" <tel:+4144>;q=0.5
Expires: 600
l: 0

`)
	if v := r.GetHeaders("Via"); len(v) != 2 || r.Via().Host != "2001:db8::9" || r.Via().Port != 5061 || v[1].Value() != "SIP/2.0/TCP host:5060;branch=z9hG4bKb" {
		t.Errorf("Via: %v", v)
	}
	for got, want := range map[string]string{
		DisplayName(r.From().DisplayName):          `Doe, Jane "JD"`,
		r.From().Value():                           `"Doe, Jane \"JD\"" <sip:jane@example.com>;tag=1;epid=356bcace1925`,
		r.To().Value():                             "<sip:bob@example.com>",
		r.GetHeader("Event").Value():               "presence",
		r.GetHeader("Supported").Value():           "eventlist",
		r.GetHeader("allow-events").Name():         "Allow-Events",
		r.GetHeaders("Contact")[0].Value():         `<sip:jane@10.0.0.5:49201;transport=tls>;methods="INVITE, MESSAGE";+sip.instance="<urn:uuid:1>";expires=60`,
		r.GetHeaders("Contact")[1].Value():         `"B, C" <tel:+4144>;q=0.5`,
		fmt.Sprint(r.GetHeader("Expires").Value()): "600",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
