package addressbook

import (
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"communicator/directory"
)

const benchPeople = 100_000

// typed are what people type to find people of the company, letter by letter:
// every beginning of names in both orders, addresses, numbers, departments,
// offices, initials.
func typed(people []directory.Person) (texts []string) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 12 {
		p := people[r.IntN(len(people))]
		first, last, _ := strings.Cut(p.Name, " ")
		digits := strings.NewReplacer(" ", "", "-", "", "(0)", "", "/", "").Replace(p.Numbers[0].Number)
		for _, whole := range []string{p.Name, last + " " + first[:1], p.User, p.Numbers[0].Number, strings.TrimPrefix(digits, "+49"), p.Department, p.Office, "u" + p.Aliases[0][1:], first[:1] + last[:1]} {
			for i := range whole {
				if i > 0 {
					texts = append(texts, whole[:i])
				}
			}
			texts = append(texts, whole)
		}
	}
	return texts
}

// report states how long the slowest of the searches took.
func report(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	for _, q := range []struct {
		name string
		at   float64
	}{{"p50-µs", 0.5}, {"p95-µs", 0.95}, {"p99-µs", 0.99}, {"max-µs", 1}} {
		i := min(int(q.at*float64(len(took))), len(took)-1)
		b.ReportMetric(float64(took[i].Nanoseconds())/1000, q.name)
	}
	b.ReportMetric(0, "ns/op")
}

func heap() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / 1e6
}

// full returns a book with the company in it, and its file.
func full(tb testing.TB, people []directory.Person) (*Book, string) {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "book")
	b := Open(Options{File: file, Feeds: feeds(Feed{Name: "company", Source: &fake{people: people, mark: "1"}})})
	if err := b.Update(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return b, file
}

// From key to results: every beginning of what people type, over 100,000.
func BenchmarkSearch(b *testing.B) {
	people := company(benchPeople)
	texts := typed(people)
	book, _ := full(b, people)
	book.Prefer(people[:250], people[0].Department)
	b.ResetTimer()
	var took []time.Duration
	for b.Loop() {
		for _, text := range texts {
			begin := time.Now()
			book.Search(Query{Text: text, Limit: 50})
			took = append(took, time.Since(begin))
		}
	}
	report(b, took)
	b.ReportMetric(float64(len(texts)), "queries")
}

// What the book keeps in memory, and how long it takes to be there with a copy
// on disk.
func BenchmarkOpen(b *testing.B) {
	people := company(benchPeople)
	_, file := full(b, people)
	people = nil
	before := heap()
	var took []time.Duration
	var book *Book
	for b.Loop() {
		begin := time.Now()
		book = Open(Options{File: file})
		took = append(took, time.Since(begin))
	}
	if book.State().Entries < benchPeople*9/10 {
		b.Fatal("the copy was not read")
	}
	report(b, took)
	b.ReportMetric(heap()-before, "heap-MB")
	runtime.KeepAlive(book)
}

// The first fill, and a change of 100 people after it.
func BenchmarkFill(b *testing.B) {
	people := company(benchPeople)
	for b.Loop() {
		full(b, people)
	}
}

func BenchmarkChange(b *testing.B) {
	people := company(benchPeople)
	f := &fake{people: people, mark: "1"}
	book := Open(Options{File: filepath.Join(b.TempDir(), "book"), Feeds: feeds(Feed{Name: "company", Source: f})})
	if err := book.Update(b.Context()); err != nil {
		b.Fatal(err)
	}
	f.changed = people[500:600]
	b.ResetTimer()
	for b.Loop() {
		if err := book.Update(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
