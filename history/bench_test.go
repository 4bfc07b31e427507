//go:build !race

package history

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	benchMessages   = 1_000_000
	benchTalks      = 2000
	benchVocabulary = 60000
)

// language makes up messages whose words are as frequent and as long as those of a
// language (Zipf's laws): the most frequent word is in half of the messages and has
// two letters, the thousandth in one of a thousand and about five.
type language struct {
	r     *rand.Rand
	words []string
	zipf  *rand.Zipf
}

func newLanguage(r *rand.Rand) *language {
	syllables := strings.Fields("the an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le ve co me de hi ri ro ic ne ea ra ce li ch ll be ma si om ur")
	l := &language{r: r, zipf: rand.NewZipf(r, 1.05, 2, benchVocabulary-1)}
	seen := map[string]bool{}
	for len(l.words) < benchVocabulary {
		n := 1
		for _, rank := range []int{25, 150, 2500} {
			if len(l.words) >= rank {
				n++
			}
		}
		var w string
		for range n + r.IntN(2) {
			w += syllables[int(float64(len(syllables))*r.Float64()*r.Float64())]
		}
		if !seen[w] {
			seen[w] = true
			l.words = append(l.words, w)
		}
	}
	return l
}

func (l *language) word() string { return l.words[l.zipf.Uint64()] }

func (l *language) message() string {
	text := make([]string, 1+l.r.IntN(12)+l.r.IntN(12))
	for i := range text {
		text[i] = l.word()
	}
	return strings.Join(text, " ")
}

// A history of a million messages: searching it, opening a conversation, the list
// of conversations, a further message, and how large the file is.
func BenchmarkMillion(b *testing.B) {
	g := newLarge(b)
	b.Run("Search", g.search)
	b.Run("OpenConversation", g.openConversation)
	b.Run("Talks", g.talks)
	b.Run("Add", g.add)
	b.Run("File", g.file)
}

type large struct {
	s     *Store
	l     *language
	made  time.Duration
	texts []string // some of them
}

func newLarge(b *testing.B) *large {
	s := begun(b, Options{})
	r := rand.New(rand.NewPCG(1, 2))
	g := &large{s: s, l: newLanguage(r)}
	talks := rand.NewZipf(r, 1.2, 10, benchTalks-1)
	begin := time.Now()
	for n := 0; n < benchMessages; {
		err := s.write(func(c *conn) error {
			for range 5000 {
				e := to(fmt.Sprintf("person%d@contoso.test", talks.Uint64()), 0, g.l.message(), "delivered")
				e.ID, e.Time = fmt.Sprintf("%08x-5b1e-4f7a-9c3d-%012x", r.Uint32(), n), noon.Add(time.Duration(n)*time.Minute)
				if n%2 == 0 {
					e.Own, e.From, e.To = false, e.With, nil
				}
				if n%1000 == 0 {
					g.texts = append(g.texts, e.Text)
				}
				if _, err := c.add(e, "", false); err != nil {
					return err
				}
				n++
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	g.made = time.Since(begin)
	return g
}

// queries are what people type: of words in messages, as frequent as they are
// there, the beginnings of one to six letters on the way to them, two and three
// words, phrases; every fifth in one conversation.
func (g *large) queries() []Query {
	r := rand.New(rand.NewPCG(3, 4))
	var all []Query
	add := func(text string) {
		q := Query{Text: text, Limit: 50}
		if len(all)%5 == 4 {
			q.With = fmt.Sprintf("person%d@contoso.test", r.IntN(200))
		}
		all = append(all, q)
	}
	for range 80 {
		words := strings.Fields(g.texts[r.IntN(len(g.texts))])
		w := words[r.IntN(len(words))]
		for n := 1; n <= min(6, len(w)); n++ {
			add(w[:n])
		}
		add(w + " ")
		add(w + " " + g.l.word()[:2])
		if i := r.IntN(len(words)); i+2 < len(words) {
			add(strings.Join(words[i:i+3], " ") + " ")
			add(`"` + strings.Join(words[i:i+2], " ") + `"`)
		}
	}
	for _, w := range g.l.words[:20] { // the most frequent
		add(w + " ")
		add(w + " " + g.l.words[1000+r.IntN(1000)] + " ")
		add(w + " " + g.l.words[r.IntN(20)] + " ")
		add(g.l.words[5000+r.IntN(1000)] + " " + g.l.words[r.IntN(20)])
	}
	return all
}

func report(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	at := func(p float64) float64 { return float64(took[int(p*float64(len(took)-1))].Microseconds()) / 1000 }
	b.ReportMetric(at(0.5), "median-ms")
	b.ReportMetric(at(0.95), "p95-ms")
	b.ReportMetric(at(0.99), "p99-ms")
	b.ReportMetric(at(1), "max-ms")
	b.ReportMetric(0, "ns/op")
}

func (g *large) search(b *testing.B) {
	all := g.queries()
	var took []time.Duration
	var worst Query
	hits := 0
	for b.Loop() {
		for _, q := range all {
			begin := time.Now()
			found, err := g.s.Search(q)
			if err != nil {
				b.Fatal(err)
			}
			if d := time.Since(begin); len(took) == 0 || d > slices.Max(took) {
				worst = q
			}
			took = append(took, time.Since(begin))
			hits += len(found)
		}
	}
	b.Logf("%d queries, %.1f hits each; the slowest: %+v", len(all), float64(hits)/float64(len(took)), worst)
	report(b, took)
}

func (g *large) openConversation(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 6))
	var took []time.Duration
	for b.Loop() {
		begin := time.Now()
		all, err := g.s.Newest(fmt.Sprintf("person%d@contoso.test", r.IntN(200)), time.Time{}, 200)
		if err != nil || len(all) != 200 {
			b.Fatal(len(all), err)
		}
		took = append(took, time.Since(begin))
	}
	report(b, took)
}

func (g *large) talks(b *testing.B) {
	for b.Loop() {
		if all, err := g.s.Talks(50); err != nil || len(all) != 50 {
			b.Fatal(len(all), err)
		}
	}
}

func (g *large) file(b *testing.B) {
	if err := g.s.Close(); err != nil { // the log goes into the file
		b.Fatal(err)
	}
	info, err := os.Stat(g.s.file)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := g.s.Newest("person1@contoso.test", time.Time{}, 1); err != nil {
			b.Fatal(err)
		}
		if err := g.s.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(info.Size())/1e6, "MB")
	b.ReportMetric(g.made.Seconds(), "s-to-make")
}

func (g *large) add(b *testing.B) {
	n := 0
	for b.Loop() {
		n++
		e := from(bob, benchMessages+n, g.l.message())
		if _, err := g.s.Add(e); err != nil {
			b.Fatal(err)
		}
	}
}

// A message to 500 people separately: stored once, then 500 results.
func BenchmarkGroupSend500(b *testing.B) {
	s := begun(b, Options{})
	n := 0
	var stored, settled time.Duration
	for b.Loop() {
		n++
		e := to("", n, "The office closes at 16:00.", "unknown")
		e.To = nil
		for i := range 500 {
			e.To = append(e.To, Recipient{To: fmt.Sprintf("person%d@contoso.test", i), State: "unknown"})
		}
		begin := time.Now()
		if _, err := s.Add(e); err != nil {
			b.Fatal(err)
		}
		stored += time.Since(begin)
		begin = time.Now()
		for _, r := range e.To {
			r.State, r.Code, r.Reason, r.Took = "delivered", 200, "OK", 3*time.Millisecond
			if err := s.Settle(e.ID, r); err != nil {
				b.Fatal(err)
			}
		}
		settled += time.Since(begin)
	}
	b.ReportMetric(float64(stored.Milliseconds())/float64(n), "store-ms")
	b.ReportMetric(float64(settled.Milliseconds())/float64(n), "results-ms")
}
