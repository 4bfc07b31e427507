package msrp

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// rfc holds the examples of RFC 4975 §4, §5.1, §11 and RFC 4976 §4, a frame each.
func rfc(t testing.TB) map[string]string {
	t.Helper()
	all := map[string]string{}
	files, err := filepath.Glob("testdata/rfc/*.msrp")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(file), ".msrp")] = strings.ReplaceAll(string(b), "\n", "\r\n")
	}
	return all
}

// readOne reads the only frame of text.
func readOne(t testing.TB, text string) *Frame {
	t.Helper()
	r := NewReader(strings.NewReader(text), DefaultMax)
	f, err := r.Next()
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if _, err := r.Next(); err != io.EOF {
		t.Fatalf("after the frame: %v, want EOF", err)
	}
	return f
}

func TestExamplesAreReadAndWrittenAlike(t *testing.T) {
	for name, text := range rfc(t) {
		f := readOne(t, text)
		if f.Bad != "" {
			t.Errorf("%s: %s", name, f.Bad)
		}
		if got := string(f.Bytes()); got != text {
			t.Errorf("%s: written as\n%s\nwant\n%s", name, got, text)
		}
	}
}

func TestFieldsOfExamples(t *testing.T) {
	all := rfc(t)
	f := readOne(t, all["4975-send"])
	if f.ID != "a786hjs2" || f.Method != "SEND" || string(f.Body) != "Hey Bob, are you there?" || f.Flag != '$' || f.Get("message-id") != "87652491" {
		t.Errorf("SEND: %+v", f)
	}
	if f.To.String() != "msrp://biloxi.example.com:12763/kjhd37s2s20w2a;tcp" {
		t.Errorf("To-Path %s", f.To)
	}
	f = readOne(t, all["4975-ok"])
	if f.Method != "" || f.Code != 200 || f.Comment != "OK" || f.Body != nil {
		t.Errorf("200: %+v", f)
	}
	if f = readOne(t, all["4975-chunk1"]); f.Flag != '+' || string(f.Body) != "abcd" {
		t.Errorf("chunk: %+v", f)
	}
	f = readOne(t, all["4976-granted"])
	p, err := ParsePath(f.Get("Use-Path"))
	if err != nil || len(p) != 1 || !p[0].Secure || p[0].Port != 9000 || p[0].Session != "jui787s2f" {
		t.Errorf("Use-Path %v, %v", p, err)
	}
	f = readOne(t, all["4976-relayed"])
	if len(f.To) != 2 || len(f.From) != 2 || f.To[1].User != "" {
		t.Errorf("paths %v, %v", f.To, f.From)
	}
}

func TestBodiesThatLookLikeAnEnd(t *testing.T) {
	for _, body := range []string{
		"-------zzzz$", "-------abcde$", "x -------abcd$", "-------abcd", "-------abcd$ ", "\r\n\r\n", "", "\r", "\n", "a\r\n",
		"line\n-------abcd$\nline", strings.Repeat("x", maxLine-1) + "\r\n", strings.Repeat("y", 3*maxLine) + "\r", "\x00\xff\r\n--",
	} {
		f := &Frame{ID: "abcd", Method: "SEND", To: Path{uri(t, "msrp://b.test/1;tcp")}, From: Path{uri(t, "msrp://a.test/1;tcp")},
			Header: []Header{{"Content-Type", "text/plain"}}, Body: []byte(body)}
		got := readOne(t, string(f.Bytes()))
		if string(got.Body) != body || got.Flag != '$' {
			t.Errorf("body %.40q came as %.40q %c", body, got.Body, got.Flag)
		}
	}
}

func uri(t testing.TB, s string) URI {
	t.Helper()
	u, err := ParseURI(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestBadFramesWithKnownBounds(t *testing.T) {
	for what, header := range map[string]string{
		"no To-Path":   "From-Path: msrp://a.test/1;tcp\r\n",
		"no From-Path": "To-Path: msrp://a.test/1;tcp\r\n",
		"two To-Paths": "To-Path: msrp://a.test/1;tcp\r\nTo-Path: msrp://a.test/1;tcp\r\nFrom-Path: msrp://a.test/1;tcp\r\n",
		"sip":          "To-Path: sip:a@b.test\r\nFrom-Path: msrp://a.test/1;tcp\r\n",
		"no header":    "To-Path: msrp://a.test/1;tcp\r\nFrom-Path: msrp://a.test/1;tcp\r\nwhat is this\r\n",
	} {
		f := readOne(t, "MSRP abcd SEND\r\n"+header+"-------abcd$\r\n")
		if f.Bad == "" {
			t.Errorf("%s: taken", what)
		}
	}
}

func TestNoFrames(t *testing.T) {
	for what, text := range map[string]string{
		"http":        "GET / HTTP/1.1\r\n\r\n",
		"sip":         "MESSAGE sip:a@b.test SIP/2.0\r\n\r\n",
		"no method":   "MSRP abcd\r\n-------abcd$\r\n",
		"bad id":      "MSRP ab\"d SEND\r\n",
		"cut":         "MSRP abcd SEND\r\nTo-Path: msrp://a.test/1;tcp\r\n\r\nhello",
		"long line":   "MSRP abcd SEND\r\nX: " + strings.Repeat("x", maxLine) + "\r\n",
		"many lines":  "MSRP abcd SEND\r\n" + strings.Repeat("X: y\r\n", maxLines+1),
		"long header": "MSRP abcd SEND\r\n" + strings.Repeat("X: "+strings.Repeat("y", maxLine-10)+"\r\n", 5),
	} {
		if f, err := NewReader(strings.NewReader(text), 1000).Next(); err == nil {
			t.Errorf("%s: read as %+v", what, f)
		}
	}
}

func TestTooLongBodyIsCutAndTheNextFrameRead(t *testing.T) {
	head := "MSRP abcd SEND\r\nTo-Path: msrp://a.test/1;tcp\r\nFrom-Path: msrp://b.test/1;tcp\r\nContent-Type: text/plain\r\n\r\n"
	r := NewReader(strings.NewReader(head+strings.Repeat("long ", 100_000)+"\r\n-------abcd$\r\n"+head+"short\r\n-------abcd$\r\n"), 1000)
	f, err := r.Next()
	if err != nil || !f.Cut || len(f.Body) != 0 {
		t.Fatalf("%d bytes, cut %v, %v", len(f.Body), f.Cut, err)
	}
	if f, err = r.Next(); err != nil || string(f.Body) != "short" {
		t.Errorf("then %q, %v", f.Body, err)
	}
}

func TestURIs(t *testing.T) {
	for _, good := range []string{
		"msrp://atlanta.example.com:7654/jshA7weztas;tcp", "msrps://alice@intra.example.com;tcp", "msrp://[2001:db8::1]:2855/s;tcp",
		"msrps://h.test:9000/s;tcp;x=y",
	} {
		if u, err := ParseURI(good); err != nil || u.String() != good {
			t.Errorf("%s read as %s, %v", good, u, err)
		}
	}
	for _, bad := range []string{"", "msrp://", "msrp://h.test/s", "msrp://h.test/s;udp", "http://h.test/s;tcp", "msrp://h.test:0/s;tcp", "msrp://h.test:99999/s;tcp",
		"msrp://a b/s;tcp", "msrp://h.test/s\r\nX: y;tcp", "msrp://[::1/s;tcp", "msrp://h.test/" + strings.Repeat("s", maxURI) + ";tcp"} {
		if u, err := ParseURI(bad); err == nil {
			t.Errorf("%q read as %+v", bad, u)
		}
	}
	a, b := uri(t, "MSRP://Atlanta.Example.com:7654/jshA7weztas;TCP"), uri(t, "msrp://x@atlanta.example.com:7654/jshA7weztas;tcp;y")
	if !a.Same(b) || a.Same(uri(t, "msrp://atlanta.example.com:7654/JSHA7weztas;tcp")) {
		t.Error("RFC 4975 §6.1: host and scheme without case, session with it")
	}
}

func TestRanges(t *testing.T) {
	for text, want := range map[string]Range{"1-25/25": {1, 25, 25}, "1-*/*": {1, -1, -1}, "5-8/8": {5, 8, 8}, "1-0/0": {1, 0, 0}, "3-*/8": {3, -1, 8}} {
		if r, err := ParseRange(text); err != nil || r != want || r.String() != text {
			t.Errorf("%s: %v, %v", text, r, err)
		}
	}
	for _, bad := range []string{"", "1", "1-2", "0-1/1", "*-1/1", "5-3/8", "1-9/8", "1--2/3", "1-2/99999999999999999999", "+1-2/3", "9-*/3"} {
		if r, err := ParseRange(bad); err == nil {
			t.Errorf("%q: %v", bad, r)
		}
	}
	var s spans
	for _, p := range [][2]int64{{5, 9}, {1, 3}, {20, 30}, {3, 5}, {8, 21}} {
		s = s.add(p[0], p[1])
	}
	if !s.whole(29) || s.whole(30) {
		t.Errorf("spans %v", s)
	}
}

// Fuzzed: what is read is written and read alike, and nothing panics or grows.
func FuzzReader(f *testing.F) {
	for _, text := range rfc(f) {
		f.Add([]byte(text))
	}
	f.Add([]byte("MSRP abcd SEND\r\nTo-Path: msrp://a.test/1;tcp\r\nFrom-Path: msrp://b.test/1;tcp\r\n\r\n\r\n-------abcd#\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &Reader{bufio.NewReaderSize(bytes.NewReader(data), maxLine), 100}
		for {
			one, err := r.Next()
			if err != nil {
				return
			}
			if len(one.Body) > 102 {
				t.Fatalf("%d bytes taken", len(one.Body))
			}
			if one.Bad != "" || one.Cut {
				continue
			}
			again := readOne(t, string(one.Bytes()))
			if !bytes.Equal(again.Body, one.Body) || again.To.String() != one.To.String() || again.Flag != one.Flag || len(again.Header) != len(one.Header) {
				t.Fatalf("%+v became %+v", one, again)
			}
		}
	})
}
