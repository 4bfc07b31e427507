package lab

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	httpdigest "github.com/icholy/digest"
)

// xcapClient is an HTTP client of somebody else's making, as user of the company.
func (c *Company) xcapClient(user string) *http.Client {
	p, _ := c.staff.account(user)
	return &http.Client{Transport: &httpdigest.Transport{
		Username: strings.TrimSuffix(p.User, "@"+c.options.Domain), Password: p.Password,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext:       func(ctx context.Context, n, addr string) (net.Conn, error) { return c.Dial(ctx, n, addr) },
			TLSClientConfig:   &tls.Config{RootCAs: c.Roots()},
		},
	}}
}

// exchange sends one request; head is "METHOD PATH" and further header lines.
func exchange(t *testing.T, h *http.Client, head, body string) (status int, headers http.Header, answer string) {
	t.Helper()
	lines := strings.Split(head, "\n")
	method, path, _ := strings.Cut(lines[0], " ")
	r, err := http.NewRequestWithContext(t.Context(), method, "https://xcap.contoso.test/xcap/"+path, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines[1:] {
		name, value, _ := strings.Cut(l, ": ")
		r.Header.Set(name, value)
	}
	res, err := h.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(b)
}

const (
	annasLists = "resource-lists/users/sip:anna.albers@contoso.test/index"
	listsType  = "\nContent-Type: application/resource-lists+xml"
	partType   = "\nContent-Type: application/xcap-el+xml"

	twoLists = `<?xml version="1.0" encoding="UTF-8"?>
<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists">
  <list name="Project Harbour"><entry uri="sip:samuel.okafor@contoso.test"/></list>
  <list name="Empty"/>
</resource-lists>`
)

func TestDocumentsComeAndGo(t *testing.T) {
	bubble(t, Options{People: 3, Still: true}, func(t *testing.T, c *Company) {
		h := c.xcapClient("anna.albers@contoso.test")
		if status, _, _ := exchange(t, h, "GET "+annasLists, ""); status != 404 {
			t.Errorf("at the start: %d", status)
		}
		status, headers, _ := exchange(t, h, "PUT "+annasLists+listsType+"\nIf-None-Match: *", twoLists)
		tag := headers.Get("ETag")
		if status != 201 || tag == "" {
			t.Fatalf("PUT: %d, ETag %q", status, tag)
		}
		status, headers, body := exchange(t, h, "GET "+annasLists, "")
		if status != 200 || body != twoLists || headers.Get("Content-Type") != "application/resource-lists+xml" || headers.Get("ETag") != tag {
			t.Errorf("GET: %d, %v, %s", status, headers, body)
		}
		if status, _, _ := exchange(t, h, "GET "+annasLists+"\nIf-None-Match: "+tag, ""); status != 304 {
			t.Errorf("GET of what is known: %d", status)
		}
		if status, _, _ := exchange(t, h, "PUT "+annasLists+listsType+"\nIf-None-Match: *", twoLists); status != 412 {
			t.Errorf("second PUT with If-None-Match: %d", status)
		}
		if status, _, _ := exchange(t, h, "PUT "+annasLists+listsType+"\nIf-Match: \"stale\"", twoLists); status != 412 {
			t.Errorf("PUT with a stale tag: %d", status)
		}
		status, headers, _ = exchange(t, h, "PUT "+annasLists+listsType+"\nIf-Match: "+tag, twoLists)
		if status != 200 || headers.Get("ETag") == "" || headers.Get("ETag") == tag {
			t.Errorf("PUT with the right tag: %d, ETag %q after %q", status, headers.Get("ETag"), tag)
		}
		if status, _, _ := exchange(t, h, "DELETE "+annasLists+"\nIf-Match: "+tag, ""); status != 412 {
			t.Errorf("DELETE with the old tag: %d", status)
		}
		if status, _, _ := exchange(t, h, "DELETE "+annasLists, ""); status != 200 {
			t.Errorf("DELETE: %d", status)
		}
		if status, _, _ := exchange(t, h, "DELETE "+annasLists, ""); status != 404 {
			t.Errorf("second DELETE: %d", status)
		}
	})
}

func TestElementsByNodeSelector(t *testing.T) {
	bubble(t, Options{People: 3, Still: true}, func(t *testing.T, c *Company) {
		h := c.xcapClient("anna.albers@contoso.test")
		harbour := annasLists + "/~~/resource-lists/list%5B@name=%22Project%20Harbour%22%5D"
		if status, _, body := exchange(t, h, "PUT "+harbour+partType, `<list name="Project Harbour"/>`); status != 409 || !strings.Contains(body, "<no-parent") {
			t.Errorf("PUT into no document: %d %s", status, body)
		}
		exchange(t, h, "PUT "+annasLists+listsType, twoLists)
		status, headers, body := exchange(t, h, "GET "+harbour, "")
		if want := `<list name="Project Harbour"><entry uri="sip:samuel.okafor@contoso.test"/></list>`; status != 200 || body != want || headers.Get("Content-Type") != "application/xcap-el+xml" {
			t.Errorf("GET: %d %q", status, body)
		}
		for _, put := range []struct {
			node, body string
			status     int
		}{
			{`list[@name="Project Harbour"]`, `<list name="Project Harbour"><entry uri="sip:x@contoso.test"/></list>`, 200},
			{`list[@name="New"]`, `<list name="New"/>`, 201},
			{`list[@name="Empty"]/entry[@uri="sip:y@contoso.test"]`, `<entry uri="sip:y@contoso.test"/>`, 201},
			{`list[1]`, `<list name="First"/>`, 200},
			{`list[@name="Other"]`, `<list name="Another"/>`, 409},
			{`list[@name="None"]/entry`, `<entry uri="sip:y@contoso.test"/>`, 409},
			{`list`, `<list/>`, 409},
			{`list[@name="New"]`, `<list name="New">`, 409},
			{`list[@name="New"]`, `<list name="New"/><list/>`, 409},
			{`list[`, `<list/>`, 404},
		} {
			node := strings.NewReplacer("[", "%5B", "]", "%5D", `"`, "%22", " ", "%20").Replace(put.node)
			if status, _, body := exchange(t, h, "PUT "+annasLists+"/~~/resource-lists/"+node+partType, put.body); status != put.status {
				t.Errorf("PUT %s: %d %s, want %d", put.node, status, body, put.status)
			}
		}
		for node, want := range map[string]int{"New": 412, "Newer": 201} {
			if status, _, _ := exchange(t, h, "PUT "+annasLists+"/~~/resource-lists/list%5B@name=%22"+node+"%22%5D"+partType+"\nIf-None-Match: *", `<list name="`+node+`"/>`); status != want {
				t.Errorf("PUT %s with If-None-Match: %d, want %d", node, status, want)
			}
		}
		exchange(t, h, "DELETE "+annasLists+"/~~/resource-lists/list%5B@name=%22Newer%22%5D", "")
		if status, _, _ := exchange(t, h, "DELETE "+annasLists+"/~~/resource-lists/list%5B@name=%22New%22%5D", ""); status != 200 {
			t.Errorf("DELETE: %d", status)
		}
		_, _, body = exchange(t, h, "GET "+annasLists, "")
		want := `<?xml version="1.0" encoding="UTF-8"?>
<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists">
  <list name="First"/>
  <list name="Empty"><entry uri="sip:y@contoso.test"/></list>
</resource-lists>`
		if body != want {
			t.Errorf("in the end:\n%s\nwant:\n%s", body, want)
		}
	})
}

func TestWhatXCAPRefuses(t *testing.T) {
	bubble(t, Options{People: 3, Still: true}, func(t *testing.T, c *Company) {
		h := c.xcapClient("anna.albers@contoso.test")
		for _, r := range []struct {
			head, body string
			status     int
			says       string
		}{
			{"GET resource-lists/users/sip:chen.dahl@contoso.test/index", "", 403, ""},
			{"PUT resource-lists/users/sip:chen.dahl@contoso.test/index" + listsType, twoLists, 403, ""},
			{"PUT " + annasLists + "\nContent-Type: text/xml", twoLists, 415, ""},
			{"PUT " + annasLists + listsType, "<resource-lists", 409, "<not-well-formed"},
			{"PUT " + annasLists + listsType, "", 409, "<not-well-formed"},
			{"PUT " + annasLists + listsType, `<!DOCTYPE x [<!ENTITY a "b">]><resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"/>`, 409, "<not-well-formed"},
			{"PUT " + annasLists + listsType, `<?xml version="1.0" encoding="ISO-8859-1"?><resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"/>`, 409, "<not-utf-8"},
			{"PUT " + annasLists + listsType, `<resource-lists xmlns="urn:example"/>`, 409, "<schema-validation-error"},
			{"PUT " + annasLists + listsType, strings.Repeat("<resource-lists xmlns='urn:ietf:params:xml:ns:resource-lists'>", 200), 409, "<not-well-formed"},
			{"PUT " + annasLists + listsType, strings.Repeat(" ", xcapDocument+1), 413, ""},
			{"POST " + annasLists, "", 405, ""},
			{"GET nonsense/users/sip:anna.albers@contoso.test/index", "", 404, ""},
			{"GET resource-lists/global/index", "", 404, ""},
			{"GET xcap-caps/global/index", "", 200, "<auid>resource-lists</auid>"},
		} {
			status, _, body := exchange(t, h, r.head, r.body)
			if status != r.status || !strings.Contains(body, r.says) {
				t.Errorf("%s\n%.80s: %d %.200s, want %d %s", r.head, r.body, status, body, r.status, r.says)
			}
		}
	})
}

// A plain-text scenario, written from RFC 4825 and RFC 7616.
func TestXCAPChallengesInPlainText(t *testing.T) {
	bubble(t, Options{People: 1, Still: true}, func(t *testing.T, c *Company) {
		s, err := c.Dial(t.Context(), "tcp", "xcap.contoso.test:443")
		if err != nil {
			t.Fatal(err)
		}
		secure := tls.Client(s, &tls.Config{RootCAs: c.Roots(), ServerName: "xcap.contoso.test"})
		defer secure.Close() //nolint
		_, _ = io.WriteString(secure, "GET /xcap/"+annasLists+" HTTP/1.1\r\nHost: xcap.contoso.test\r\nConnection: close\r\n\r\n")
		b, _ := io.ReadAll(secure)
		answer := string(b)
		first := strings.Index(answer, `Www-Authenticate: Digest realm="contoso.test", nonce="`)
		if !strings.HasPrefix(answer, "HTTP/1.1 401 Unauthorized\r\n") || first < 0 || !strings.Contains(answer[first:], `algorithm=SHA-256, qop="auth"`) ||
			!strings.Contains(answer, `algorithm=MD5, qop="auth"`) {
			t.Errorf("answer %s", answer)
		}
	})
}

func TestWrongPasswordAtXCAP(t *testing.T) {
	bubble(t, Options{People: 3, Still: true}, func(t *testing.T, c *Company) {
		h := c.xcapClient("anna.albers@contoso.test")
		h.Transport.(*httpdigest.Transport).Password += "x"
		if status, _, _ := exchange(t, h, "GET "+annasLists, ""); status != 401 {
			t.Errorf("status %d", status)
		}
	})
}

func FuzzSelector(f *testing.F) {
	for _, s := range []string{
		"/xcap/" + annasLists, "/xcap/xcap-caps/global/index",
		"/xcap/" + annasLists + "/~~/resource-lists/list%5B@name=%22x%22%5D", "/xcap/" + annasLists + "/~~/*/list[2][@name='a b']/entry",
		"/xcap/" + annasLists + "/~~/cp:ruleset/cp:rule%5b@id=%22a%22%5d", "/xcap/%zz", "/other",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		s, err := parseSelector(path)
		if err != nil || len(s.node) == 0 {
			return
		}
		if at, there := find([]byte(twoLists), s.node); there && (at.start < 0 || at.end > int64(len(twoLists)) || at.start >= at.end) {
			t.Errorf("%s selects %v", path, at)
		}
	})
}

func FuzzPut(f *testing.F) {
	f.Add(twoLists, `list[@name="New"]`, `<list name="New"/>`)
	f.Add(`<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"/>`, `list[@name="New"]`, `<list name="New"/>`)
	f.Add(`<a><b /></a>`, `b`, `<b>c</b>`)
	f.Fuzz(func(t *testing.T, doc, last, content string) {
		st, err := parseStep(last)
		if err != nil {
			return
		}
		steps := []step{{name: "*"}, st}
		changed, _, err := put([]byte(doc), steps, []byte(content))
		if err != nil {
			return
		}
		at, there := find(changed, steps)
		if got := string(changed[at.start:at.end]); !there || got != strings.TrimSpace(content) {
			t.Errorf("put %q at %q in %q, got %q", content, last, doc, got)
		}
	})
}

// The administrator reads and writes what is somebody else's; nobody else does.
func TestTheAdministratorsRight(t *testing.T) {
	bubble(t, Options{People: 3, Still: true}, func(t *testing.T, c *Company) {
		if status, _, _ := exchange(t, c.xcapClient(c.Administrator().User), "PUT "+annasLists+listsType, twoLists); status != 201 {
			t.Errorf("the administrator: %d", status)
		}
		if status, _, body := exchange(t, c.xcapClient("anna.albers@contoso.test"), "GET "+annasLists, ""); status != 200 || body != twoLists {
			t.Errorf("Anna: %d %s", status, body)
		}
		if status, _, _ := exchange(t, c.xcapClient(c.People()[0].User), "PUT "+annasLists+listsType, twoLists); status != 403 {
			t.Errorf("somebody else: %d", status)
		}
	})
}
