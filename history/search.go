package history

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Query is what to search for.
type Query struct {
	Text         string    // as a person types it: see Search; empty: everything
	With         string    // key of a conversation; empty: all
	Since, Until time.Time // from Since on, before Until; zero: no limit
	Limit        int       // at most so many, the newest; 0: 200
}

const (
	searchLimit = 200
	maxTerms    = 16   // words and phrases of a query; more are passed over
	maxQuery    = 1000 // bytes of a query; more are passed over
)

// Search returns what has all words of a query, newest first. Case and accents do
// not count, the last word may be a beginning (of two letters), and "words in
// quotes" are found side by side. Nothing that is typed is an error.
func (s *Store) Search(q Query) ([]Entry, error) {
	var all []Entry
	err := s.read(func(c *conn) error {
		ids, err := c.search(q)
		if err != nil {
			return err
		}
		if q.With != "" {
			all, err = c.entriesWith(q.With, ids)
		} else {
			all, err = c.entries(ids)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("search the history: %w", err)
	}
	return all, nil
}

func (c *conn) search(q Query) ([]int64, error) {
	since, until, limit := int64(math.MinInt64), int64(math.MaxInt64), cmp.Or(q.Limit, searchLimit)
	if !q.Since.IsZero() {
		since = q.Since.UnixMicro()
	}
	if !q.Until.IsZero() {
		until = q.Until.UnixMicro() - 1
	}
	talk, err := c.first("SELECT id FROM talks WHERE key = ?1", q.With)
	if err != nil || q.With != "" && talk == nil {
		return nil, err
	}
	if strings.TrimSpace(q.Text) == "" {
		if talk != nil {
			return c.ids(inTalk("id BETWEEN ?2 AND ?3 ORDER BY 1 DESC LIMIT ?4"), q.With, since, until, limit)
		}
		return c.ids("SELECT id FROM entries WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT ?3", since, until, limit)
	}
	words := match(q.Text)
	if words == "" {
		return nil, nil // there is no word in it
	}
	if talk == nil {
		return c.ids("SELECT rowid FROM words WHERE words MATCH ?1 AND rowid BETWEEN ?2 AND ?3 ORDER BY rowid DESC LIMIT ?4", words, since, until, limit)
	}
	ids, err := c.ids("SELECT rowid FROM words WHERE words MATCH ?1 AND rowid BETWEEN ?2 AND ?3 ORDER BY rowid DESC LIMIT ?4",
		fmt.Sprintf("talk:%d AND %s", talk.number(0), words), since, until, limit)
	if err != nil {
		return nil, err
	}
	if r, err := c.first("SELECT 1 FROM places WHERE talk = ?1", talk.number(0)); err != nil || r == nil {
		return ids, err
	}
	separately, err := c.ids(`SELECT rowid FROM words WHERE words MATCH ?1 AND rowid BETWEEN ?2 AND ?3
		AND EXISTS (SELECT 1 FROM places WHERE talk = ?5 AND entry = words.rowid) ORDER BY rowid DESC LIMIT ?4`,
		"talk:0 AND "+words, since, until, limit, talk.number(0))
	ids = append(ids, separately...)
	slices.SortFunc(ids, func(a, b int64) int { return cmp.Compare(b, a) })
	return ids[:min(len(ids), limit)], err
}

// match writes what was typed in the language of FTS5: every word and phrase as
// a quoted string, in which nothing has a meaning of its own. It is empty if there
// is no word. https://www.sqlite.org/fts5.html §3
func match(typed string) string {
	typed = strings.ToValidUTF8(cut(typed, maxQuery), " ")
	var terms []string
	parts := strings.Split(typed, `"`)
	for i, part := range parts {
		if i%2 == 1 && i < len(parts)-1 { // between two quotes
			terms = appendTerm(terms, part, false)
			continue
		}
		words := strings.Fields(part)
		for j, w := range words {
			last := i == len(parts)-1 && j == len(words)-1 && strings.HasSuffix(part, w)
			terms = appendTerm(terms, w, last)
		}
	}
	if len(terms) == 0 {
		return ""
	}
	return "text:(" + strings.Join(terms, " AND ") + ")"
}

// appendTerm appends a quoted term, unless there is no word in it.
func appendTerm(terms []string, text string, beginning bool) []string {
	if len(terms) >= maxTerms || !strings.ContainsFunc(text, isWord) {
		return terms
	}
	clean := strings.Map(func(r rune) rune {
		if r == '"' || r < ' ' {
			return ' '
		}
		return r
	}, text)
	term := `"` + clean + `"`
	if last, n := utf8.DecodeLastRuneInString(clean); beginning && isWord(last) && (n > 1 || len(clean) > 1) {
		term += "*"
	}
	return append(terms, term)
}

// isWord says whether FTS5's tokenizer takes r as part of a word.
func isWord(r rune) bool { return unicode.In(r, unicode.L, unicode.N, unicode.Co) }

// cut cuts a text after at most n bytes.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n]
}
