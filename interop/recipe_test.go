//go:build interop

package interop

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// The recipe by itself, without our client.
func TestRecipe(t *testing.T) {
	p := startPool(t)
	startSlapd(t, p)
	t.Run("XCAP over HTTPS", func(t *testing.T) { xcapOverHTTPS(t, p) })
	t.Run("zone file and dnsmasq say the same", func(t *testing.T) { sameRecords(t, p) })
}

// xcapOverHTTPS: Go's client accepts the certificate of the name in the TXT record.
func xcapOverHTTPS(t *testing.T, p *pool) {
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, p.env["RESOLVER"])
	}}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	txt, err := resolver.LookupTXT(ctx, "xcap."+domain+".")
	if err != nil || len(txt) != 1 {
		t.Fatalf("TXT xcap.%s: %q, %v", domain, txt, err)
	}
	dialer := net.Dialer{Resolver: resolver}
	client := http.Client{Timeout: patience, Transport: &http.Transport{
		DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{RootCAs: p.roots}, DisableKeepAlives: true,
	}}
	for path, want := range map[string]int{
		"/xcap-caps/global/index":                                200,
		"/resource-lists/users/sip:alice@contoso.test/index":     401,
		"/resource-lists/users/sip:stranger@elsewhere.org/index": 401,
	} {
		res, err := client.Get(txt[0] + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("GET %s: %s, want %d", path, res.Status, want)
		}
	}
}

// sameRecords: what an administrator puts into BIND is what our tests run with.
func sameRecords(t *testing.T, p *pool) {
	text, err := os.ReadFile("../deploy/kamailio/dns/records.zone")
	if err != nil {
		t.Fatal(err)
	}
	_, ldaps, _ := net.SplitHostPort(p.env["LDAPS"])
	port := fmt.Sprint(p.base + 61)
	zone := strings.NewReplacer("@DOMAIN@", domain, "@PORT1@", port, "@PORT2@", port, "@LDAPS@", ldaps,
		"@IP1@", "127.0.0.1", "@IP2@", "127.0.0.2", "@IPLDAP@", "127.0.0.1").Replace(string(text))
	parser := dns.NewZoneParser(strings.NewReader(zone), "", "records.zone")
	want := map[dns.Question][]string{}
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		q := dns.Question{Name: rr.Header().Name, Qtype: rr.Header().Rrtype, Qclass: dns.ClassINET}
		want[q] = append(want[q], value(rr))
	}
	if err := parser.Err(); err != nil {
		t.Fatal(err)
	}
	if len(want) < 10 {
		t.Fatalf("only %d names in records.zone", len(want))
	}
	client := dns.Client{Timeout: 5 * time.Second}
	for q, values := range want {
		answer, _, err := client.Exchange(&dns.Msg{MsgHdr: dns.MsgHdr{Id: dns.Id(), RecursionDesired: true}, Question: []dns.Question{q}}, p.env["RESOLVER"])
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, rr := range answer.Answer {
			got = append(got, value(rr))
		}
		slices.Sort(got)
		slices.Sort(values)
		if !slices.Equal(got, values) {
			t.Errorf("%s %s: dnsmasq says %q, the zone %q", q.Name, dns.TypeToString[q.Qtype], got, values)
		}
	}
}

// value is a record without name and time to live.
func value(rr dns.RR) string { return strings.TrimPrefix(rr.String(), rr.Header().String()) }
