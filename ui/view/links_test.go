package view

import (
	"strings"
	"testing"
)

// shown joins the links of a message, each with where it leads.
func shown(text string) string {
	var links []string
	for _, p := range Pieces(text) {
		if p.URL != nil {
			links = append(links, p.Text+" -> "+p.URL.String())
		}
	}
	return strings.Join(links, "; ")
}

func TestPieces(t *testing.T) {
	for text, want := range map[string]string{
		"see https://example.com/a?b=c#d, then come": "https://example.com/a?b=c#d -> https://example.com/a?b=c#d",
		"(https://example.com/wiki/Go_(game))":       "https://example.com/wiki/Go_(game) -> https://example.com/wiki/Go_(game)",
		"www.example.com.":                           "www.example.com -> https://www.example.com",
		"HTTP://EXAMPLE.COM":                         "HTTP://EXAMPLE.COM -> http://EXAMPLE.COM",
		"<https://example.com>":                      "https://example.com -> https://example.com",
		"https://a.example https://b.example":        "https://a.example -> https://a.example; https://b.example -> https://b.example",
		"mailto:anna@contoso.test!":                  "mailto:anna@contoso.test -> mailto:anna@contoso.test",
		"call sip:bob@contoso.test or tel:+49301234": "sip:bob@contoso.test -> sip:bob@contoso.test; tel:+49301234 -> tel:+49301234",
		"http://[::1]/x":                             "", // no name
		"http://10.0.0.1:8080/x":                     "http://10.0.0.1:8080/x -> http://10.0.0.1:8080/x",
		"http://localhost:8080":                      "http://localhost:8080 -> http://localhost:8080",
		"example.com":                                "",
		"javascript:alert(1)":                        "",
		"file:///etc/passwd":                         "",
		"https://":                                   "",
		"https://intranet":                           "",
		"https://bank.example@evil.example/":         "", // leads elsewhere than it seems
		"https://bank.example\u202egro.live":         "https://bank.example -> https://bank.example",
		"https://ex\u0430mple.com":                   "", // a Cyrillic letter
		"https://пример.рф":                          "https://пример.рф -> https://%D0%BF%D1%80%D0%B8%D0%BC%D0%B5%D1%80.%D1%80%D1%84",
		"the tel: of mailto: sip:":                   "",
		"awww.example.com":                           "",
		"https://example.com/%zz":                    "",
		"https://" + strings.Repeat("a", 3000):       "",
	} {
		if got := shown(text); got != want {
			t.Errorf("%.60q: %q, want %q", text, got, want)
		}
	}
}

// However many there are, the pieces are the message.
func FuzzPieces(f *testing.F) {
	for _, seed := range []string{"https://example.com).", strings.Repeat("www.a.b ", 200), "\xffhttps://a.b\u202e", "sip:a@b mailto:"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var b strings.Builder
		links := 0
		for _, p := range Pieces(text) {
			if b.WriteString(p.Text); p.Text == "" {
				t.Error("an empty piece")
			}
			if p.URL != nil {
				links++
			}
		}
		if b.String() != text || links > maxLinks {
			t.Errorf("%q of %q, %d links", b.String(), text, links)
		}
	})
}
