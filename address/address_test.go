package address

import (
	"strings"
	"testing"
)

func TestCanonical(t *testing.T) {
	for in, want := range map[string]string{
		"anna@contoso.test":                                    "anna@contoso.test",
		"  Anna.Albers@Contoso.TEST ":                          "Anna.Albers@contoso.test",
		"sip:anna@contoso.test":                                "anna@contoso.test",
		"SIPS:anna@contoso.test:5061;transport=tls?Subject=x":  "anna@contoso.test",
		"im:anna@contoso.test":                                 "anna@contoso.test",
		"pres:anna@contoso.test":                               "anna@contoso.test",
		"mailto:anna@contoso.test":                             "anna@contoso.test",
		"<sip:anna@contoso.test>":                              "anna@contoso.test",
		`"Albers, Anna <Sales>" <sip:anna@contoso.test>;tag=1`: "anna@contoso.test",
		"Anna <sip:anna@contoso.test;gr=urn:uuid:1>":           "anna@contoso.test",
		"sip:%61nna%2e1@contoso.test":                          "anna.1@contoso.test",
		"sip:a%23b%3Ac@contoso.test":                           "a%23b%3Ac@contoso.test",
		"sip:anna:secret@contoso.test":                         "anna@contoso.test",
		"sip:+4930123;phone-context=x@contoso.test;user=phone": "+4930123;phone-context=x@contoso.test",
		"jürgen@müller.example":                                "j%C3%BCrgen@xn--mller-kva.example",
		"j%c3%bcrgen@MÜLLER.example":                           "j%C3%BCrgen@xn--mller-kva.example",
		"anna@contoso.test.":                                   "anna@contoso.test",
		"anna@localhost":                                       "anna@localhost",
		"anna@127.0.0.1:5060":                                  "anna@127.0.0.1",
	} {
		got, err := Canonical(in)
		if err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
			continue
		}
		if again, err := Canonical("sip:" + got); err != nil || again != got {
			t.Errorf("%q is not canonical: it becomes %q, %v", got, again, err)
		}
	}
}

func TestCanonicalErrors(t *testing.T) {
	for in, want := range map[string]string{
		"":                            "empty",
		"  <> ":                       "empty",
		"anna":                        "@ is missing",
		"@contoso.test":               "name before the @ is missing",
		"anna@":                       "domain after the @ is missing",
		"anna@b@c":                    "not allowed ('@')",
		"an na@contoso.test":          "not allowed (' ')",
		"anna%0d%0aTo:x@contoso.test": `not allowed ('\r')`,
		"anna%@contoso.test":          "hexadecimal",
		"anna%ff@contoso.test":        "UTF-8",
		"an\u202ena@contoso.test":     "not allowed ('\\u202e')",
		"anna@con toso.test":          "is not a domain",
		"anna@-.test":                 "is not a domain",
		"anna@a..test":                "is not a domain",
		"anna@[::1]":                  "by number",
		"tel:+49301234":               "tel: is not an address of a person",
		"<sip:anna@contoso.test":      "> is missing",
		strings.Repeat("a", 321) + "@contoso.test":                    "longer than 320",
		strings.Repeat("a", 5000) + "@contoso.test":                   "too long",
		"a@" + strings.Repeat("long.", 60) + "contoso.test":           "is not a domain",
		"a@" + strings.Repeat("l", 64) + ".test":                      "is not a domain",
		"a@" + strings.Repeat("ü", 60) + ".test":                      "is not a domain",
		"javascript:alert(1)":                                         "@ is missing",
		"https://user@contoso.test/":                                  "not an address of a person",
		"sip:anna@contoso.test\r\nX: y@b":                             "not allowed",
		strings.Repeat("<", 100) + "sip:a@b" + strings.Repeat(">", 3): "",
	} {
		got, err := Canonical(in)
		if want == "" {
			if err != nil {
				t.Errorf("%q: %v", in, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q, %v; want an error with %q", in, got, err, want)
		}
	}
}

func FuzzCanonical(f *testing.F) {
	for _, s := range []string{"anna@contoso.test", `"A" <sip:anna@contoso.test;x=1>;y`, "j%c3%bcrgen@müller.example", "sip:a:b@c:5060?d", "<", "tel:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := Canonical(s)
		if err != nil {
			return
		}
		if strings.ContainsAny(got, " \r\n\t<>\"") || strings.Count(got, "@") != 1 || len(got) > Max {
			t.Fatalf("%q gives %q", s, got)
		}
		if again, err := Canonical(got); err != nil || again != got {
			t.Fatalf("%q gives %q, which gives %q, %v", s, got, again, err)
		}
	})
}
