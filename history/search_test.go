package history

import (
	"testing"
	"time"
)

func found(t testing.TB, s *Store, q Query) string {
	t.Helper()
	all, err := s.Search(q)
	if err != nil {
		t.Fatalf("search %+v: %v", q, err)
	}
	return texts(all)
}

func TestSearch(t *testing.T) {
	s := begun(t, Options{})
	add(t, s,
		from(bob, 1, "Treffen wir uns am Café, Größe 5?"),
		from(eva, 2, "The meeting moved to Monday."),
		to(bob, 3, "meet me at the cafe on monday", "delivered"),
		from(bob, 4, "AND OR NOT NEAR(x) text:1 \"quoted words\""),
		from(eva, 5, "Встреча в понедельник 10:30, Zi. 4711"))
	for _, c := range []struct{ typed, want string }{
		{"monday", "meet me at the cafe on monday|The meeting moved to Monday."},
		{"CAFE", "meet me at the cafe on monday|Treffen wir uns am Café, Größe 5?"},
		{"café gross", ""},
		{"grosse", ""}, // ß is a letter of its own
		{"größ", "Treffen wir uns am Café, Größe 5?"},
		{"mee", "meet me at the cafe on monday|The meeting moved to Monday."},
		{"mee monday", ""}, // only the last word may be a beginning
		{"meeting mon", "The meeting moved to Monday."},
		{"mon ", ""}, // the space says that the word is complete
		{"\"on monday\"", "meet me at the cafe on monday"},
		{"\"to monday\" meeting", "The meeting moved to Monday."},
		{"\"monday to\"", ""},
		{"встреч", "Встреча в понедельник 10:30, Zi. 4711"},
		{"4711", "Встреча в понедельник 10:30, Zi. 4711"},
		{"10:30", "Встреча в понедельник 10:30, Zi. 4711"},
		{"talk:2", ""},
		{"1", "AND OR NOT NEAR(x) text:1 \"quoted words\""}, // conversations have numbers too; and one letter is no beginning
		{"quoted", "AND OR NOT NEAR(x) text:1 \"quoted words\""},
		{"not and", "AND OR NOT NEAR(x) text:1 \"quoted words\""},
		{"!!! ???", ""},
		{"monday !!!", "meet me at the cafe on monday|The meeting moved to Monday."},
	} {
		want(t, "search "+c.typed, found(t, s, Query{Text: c.typed}), c.want)
	}
	want(t, "with Eva only", found(t, s, Query{Text: "monday", With: eva}), "The meeting moved to Monday.")
	want(t, "with nobody known", found(t, s, Query{Text: "monday", With: "nobody@contoso.test"}), "")
	want(t, "since 12:03", found(t, s, Query{Text: "monday", Since: noon.Add(3 * time.Minute)}), "meet me at the cafe on monday")
	want(t, "before 12:03", found(t, s, Query{Text: "monday", Until: noon.Add(3 * time.Minute)}), "The meeting moved to Monday.")
	want(t, "one only", found(t, s, Query{Text: "monday", Limit: 1}), "meet me at the cafe on monday")
	want(t, "all with Eva", found(t, s, Query{With: eva}), "Встреча в понедельник 10:30, Zi. 4711|The meeting moved to Monday.")
}

// Whatever is typed, also on the way to something sensible, is no error.
func FuzzSearch(f *testing.F) {
	for _, typed := range []string{
		`meeting mon`, `"on monday`, `"`, `""`, `"""`, `a"b"c`, `NEAR(a b, 5)`, `text : x`, `{text talk} : x`, `^x`, `a*`, `*`, `-a`, `a + b`,
		`a AND`, `NOT`, `(`, `)))`, `'; DROP TABLE entries; --`, "a\x00b", "\xff\xfe", "a\u0301\u0301", "👍", "日本語", "10:30", "x.y@z", "\\", "%_", "\"\x00\"",
	} {
		f.Add(typed)
	}
	s := begun(f, Options{})
	add(f, s, from(bob, 1, "The meeting moved to Monday, says x.y@z at 10:30"), from(eva, 2, "a b c 日本語 AND NOT"))
	f.Fuzz(func(t *testing.T, typed string) {
		for _, with := range []string{"", bob} {
			if _, err := s.Search(Query{Text: typed, With: with}); err != nil {
				t.Errorf("search %q: %v", typed, err)
			}
		}
	})
}
