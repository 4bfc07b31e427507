//go:build !race

package addressbook

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"communicator/directory"

	_ "modernc.org/sqlite"
)

// What SQLite takes for the same queries over the same people: a table of its
// full-text search (FTS5) with prefix indexes, the best fifty by its own rank,
// and how many there are. Numbers it finds by their beginning, with and without
// the code of the country, and by their last digits; it knows neither initials
// nor contacts.
func BenchmarkSearchFTS5(b *testing.B) {
	people := company(benchPeople)
	texts := typed(people)
	db := fts5(b, people)
	rows, err := db.Prepare(`SELECT p.user, p.name, p.title, p.department, p.office, p.numbers FROM found JOIN people p ON p.id = found.rowid
		WHERE found MATCH ? ORDER BY bm25(found, 10, 5, 4, 2, 1) LIMIT 50`)
	if err != nil {
		b.Fatal(err)
	}
	count, err := db.Prepare(`SELECT count(*) FROM found WHERE found MATCH ?`)
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	var took []time.Duration
	for b.Loop() {
		for _, text := range texts {
			match := fts5Query(text)
			if match == "" {
				continue
			}
			begin := time.Now()
			ask(b, rows, count, match)
			took = append(took, time.Since(begin))
		}
	}
	report(b, took)
	b.ReportMetric(float64(len(texts)), "queries")
}

func ask(b *testing.B, rows, count *sql.Stmt, match string) {
	b.Helper()
	var n int
	if err := count.QueryRow(match).Scan(&n); err != nil {
		b.Fatal(match, err)
	}
	found, err := rows.Query(match)
	if err != nil {
		b.Fatal(match, err)
	}
	defer found.Close()
	for found.Next() {
		var user, name, title, department, office, numbers string
		if err := found.Scan(&user, &name, &title, &department, &office, &numbers); err != nil {
			b.Fatal(err)
		}
	}
	if err := found.Err(); err != nil {
		b.Fatal(err)
	}
}

// fts5Query writes what was typed as SQLite wants it: every word a prefix.
func fts5Query(text string) string {
	var words []string
	for _, t := range terms(text) {
		if t.digits != "" {
			words = append(words, `"`+t.digits+`"*`)
			continue
		}
		for _, w := range split(t.word) {
			words = append(words, `"`+w+`"*`)
		}
	}
	return strings.Join(words, " ")
}

func fts5(b *testing.B, people []directory.Person) *sql.DB {
	b.Helper()
	db, err := sql.Open("sqlite", filepath.Join(b.TempDir(), "people.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	for _, s := range []string{
		`PRAGMA journal_mode = OFF`, `PRAGMA synchronous = OFF`, `PRAGMA cache_size = -200000`, `PRAGMA mmap_size = 1000000000`,
		`CREATE TABLE people (id INTEGER PRIMARY KEY, user TEXT, name TEXT, title TEXT, department TEXT, office TEXT, numbers TEXT)`,
		`CREATE VIRTUAL TABLE found USING fts5(name, address, numbers, department, office, tokenize = "unicode61 remove_diacritics 2", prefix = '1 2 3', content = '')`,
		`BEGIN`,
	} {
		if _, err := db.Exec(s); err != nil {
			b.Fatal(s, err)
		}
	}
	for i, p := range people {
		var numbers, forms []string
		for _, n := range p.Numbers {
			d := digits(n.Number)
			numbers, forms = append(numbers, n.Number), append(forms, d, strings.TrimPrefix(d, "49"), d[max(0, len(d)-4):])
		}
		if _, err := db.Exec(`INSERT INTO people VALUES (?, ?, ?, ?, ?, ?, ?)`, i+1, p.User, p.Name, p.Title, p.Department, p.Office, strings.Join(numbers, ", ")); err != nil {
			b.Fatal(err)
		}
		if _, err := db.Exec(`INSERT INTO found (rowid, name, address, numbers, department, office) VALUES (?, ?, ?, ?, ?, ?)`,
			i+1, fold(p.Name), p.User+" "+strings.Join(p.Aliases, " "), strings.Join(forms, " "), fold(p.Department), p.Office); err != nil {
			b.Fatal(err)
		}
	}
	for _, s := range []string{`COMMIT`, `INSERT INTO found (found) VALUES ('optimize')`} {
		if _, err := db.Exec(s); err != nil {
			b.Fatal(s, err)
		}
	}
	return db
}
