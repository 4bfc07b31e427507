package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"communicator/contacts"
	"communicator/directory"
	"communicator/session"

	"github.com/spf13/cobra"
)

// prefilling is what `contacts prefill` was asked to do.
type prefilling struct {
	users   []string // empty: everybody
	rate    int      // people a second
	largest int      // bytes of a list
	dry     bool
	report  string
	done    map[string]bool // users whom an earlier report shows as done
}

const (
	prefillLanes  = 4      // lists written at the same time
	mostRate      = 10000  // people a second
	smallestEntry = 60     // bytes of a person in a list, at least
	largestList   = 120000 // what the recipe for Kamailio takes, with room for what users add
)

func (p *program) prefill() *cobra.Command {
	var f prefilling
	var all bool
	var resume string
	c := &cobra.Command{
		Use:   "prefill --all | ADDRESS...",
		Short: "For administrators: write the groups of the organisation chart into people's lists",
		Args:  arguments(0, 1000, "addresses, or --all"),
		RunE: func(c *cobra.Command, args []string) (err error) {
			switch {
			case all == (len(args) > 0):
				return usage("prefill whose list? give addresses, or --all for everybody in the directory")
			case f.rate < 1 || f.rate > mostRate:
				return usage("--rate %d: say how many a second, 1 to %d", f.rate, mostRate)
			case f.largest < 1000:
				return usage("--largest %d: say how many bytes, at least 1000", f.largest)
			}
			if f.users, err = canonical(args); err != nil {
				return err
			}
			if f.done, err = prefilled(resume); err != nil {
				return err
			}
			return p.prefillLists(c.Context(), f)
		},
	}
	s := c.Flags()
	s.BoolVar(&all, "all", false, "everybody in the directory")
	s.IntVar(&f.rate, "rate", 50, "at most `N` people a second")
	s.IntVar(&f.largest, "largest", largestList, "leave out groups that would make a list larger than `BYTES`")
	s.BoolVar(&f.dry, "dry-run", false, "print what would be written, write nothing")
	s.StringVar(&f.report, "report", "", "also write the lines to `FILE`, as they happen")
	s.StringVar(&resume, "resume", "", "skip those that `FILE`, an earlier report, shows as written or unchanged")
	return c
}

// prefillLine is what `contacts prefill` says of one person; a public contract.
type prefillLine struct {
	User    string                `json:"user"`
	Name    string                `json:"name"`
	State   string                `json:"state"` // written, unchanged, failed, unknown; planned with --dry-run
	Groups  map[contacts.Kind]int `json:"groups"`
	LeftOut []string              `json:"left_out,omitempty"`
	Reason  string                `json:"reason,omitempty"`
	MS      int64                 `json:"ms"`
}

func (p *program) prefillLists(ctx context.Context, f prefilling) error {
	return p.signedIn(ctx, nil, func(ctx context.Context, s *session.Session) error {
		if p.flags.timeoutSet() {
			var cancel context.CancelFunc
			ctx, cancel = p.deadline(ctx)
			defer cancel()
		}
		people, err := s.People.Everybody(ctx)
		if err != nil {
			return because(ctx, err)
		}
		todo := f.todo(people)
		if len(todo) == 0 && len(f.done) == 0 {
			return errors.New("nobody of them is in the directory")
		}
		strangers := f.strangers(todo)
		r, err := newPrefillReport(p, f.report, len(todo)+len(strangers))
		if err != nil {
			return err
		}
		for _, user := range strangers {
			r.add(prefillLine{User: uri(user), State: "failed", Groups: map[contacts.Kind]int{}, Reason: "nobody in the directory has this address"})
		}
		f.write(ctx, s, todo, r)
		return r.end(ctx.Err() != nil)
	})
}

// todo is whose lists are to be written, without those who are done.
func (f prefilling) todo(people []directory.Person) []session.Prefill {
	var todo []session.Prefill
	for one := range session.Prefills(people, f.largest/smallestEntry) {
		if !f.done[one.User] && (len(f.users) == 0 || slices.Contains(f.users, one.User)) {
			todo = append(todo, one)
		}
	}
	return todo
}

// strangers are those who were asked for and whom the directory does not have.
func (f prefilling) strangers(todo []session.Prefill) (users []string) {
	for _, user := range f.users {
		if !f.done[user] && !slices.ContainsFunc(todo, func(one session.Prefill) bool { return one.User == user }) {
			users = append(users, user)
		}
	}
	return users
}

// write writes the lists, several at a time, until ctx ends.
func (f prefilling) write(ctx context.Context, s *session.Session, todo []session.Prefill, r *prefillReport) {
	turn := time.NewTicker(time.Second / time.Duration(f.rate))
	defer turn.Stop()
	lanes := make(chan struct{}, prefillLanes)
	var all sync.WaitGroup
	defer all.Wait()
	for _, one := range todo {
		if f.dry {
			r.add(newPrefillLine(one, "planned"))
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-turn.C:
		}
		lanes <- struct{}{}
		all.Go(func() { // ends with its exchange, which has a time limit
			defer func() { <-lanes }()
			r.add(writeOne(ctx, s, one, f.largest))
		})
	}
}

func newPrefillLine(one session.Prefill, state string) prefillLine {
	l := prefillLine{User: uri(one.User), Name: one.Name, State: state, Groups: map[contacts.Kind]int{}, LeftOut: one.LeftOut()}
	for _, g := range one.Groups() {
		l.Groups[g.Kind] = len(g.Members)
	}
	return l
}

func writeOne(ctx context.Context, s *session.Session, one session.Prefill, largest int) prefillLine {
	start := time.Now()
	written, leftOut, err := s.Prefill(ctx, one, largest)
	l := newPrefillLine(one, "unchanged")
	l.LeftOut, l.MS = leftOut, milliseconds(time.Since(start))
	for _, g := range one.Groups() {
		if slices.Contains(leftOut, g.Name) {
			delete(l.Groups, g.Kind)
		}
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled):
		l.State, l.Reason = "unknown", "no answer in time"
	case err != nil:
		l.State, l.Reason = "failed", err.Error()
	case written:
		l.State = "written"
	}
	return l
}

// prefillReport collects what became of each list.
type prefillReport struct {
	program *program
	total   int
	start   time.Time
	file    *reportFile

	mu    sync.Mutex
	count map[string]int // by state
}

func newPrefillReport(p *program, file string, total int) (*prefillReport, error) {
	f, err := openReport(file)
	return &prefillReport{program: p, total: total, start: time.Now(), file: f, count: map[string]int{}}, err
}

func (r *prefillReport) add(l prefillLine) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count[l.State]++
	r.file.add(l)
	if r.program.flags.json {
		r.program.line(l)
		return
	}
	words := fmt.Sprintf("%-9s  %s <%s>", l.State, l.Name, strings.TrimPrefix(l.User, "sip:"))
	for _, k := range []contacts.Kind{contacts.Manager, contacts.Reports, contacts.Peers, contacts.Everyone} {
		if n, is := l.Groups[k]; is {
			words += fmt.Sprintf("  %s %d", k, n)
		}
	}
	if len(l.LeftOut) > 0 {
		words += "  left out: " + strings.Join(l.LeftOut, ", ")
	}
	if l.Reason != "" {
		words += "  " + l.Reason
	}
	r.program.say("%s", words)
}

// end prints the sum, and turns it into the exit status.
func (r *prefillReport) end(stopped bool) error {
	sum := map[string]any{"seconds": time.Since(r.start).Round(time.Millisecond).Seconds()}
	for _, state := range []string{"written", "unchanged", "failed", "unknown"} {
		sum[state] = r.count[state]
	}
	n := r.count["written"] + r.count["unchanged"] + r.count["failed"] + r.count["unknown"] + r.count["planned"]
	if r.program.flags.json {
		r.program.line(map[string]any{"summary": sum})
	} else {
		r.program.say("%d lists: %d written, %d unchanged, %d failed, %d unknown, %d not tried; %.1f s", r.total, sum["written"],
			sum["unchanged"], sum["failed"], sum["unknown"], r.total-n, sum["seconds"])
	}
	if err := r.file.close(); err != nil {
		return exit{statusPartly, fmt.Errorf("the lists were written, but the report is incomplete: %w", err)}
	}
	switch {
	case stopped || n < r.total:
		return exit{statusPartly, nil}
	case r.count["failed"] == r.total && r.total > 0:
		return exit{statusFailed, nil}
	case r.count["failed"] > 0:
		return exit{statusPartly, nil}
	case r.count["unknown"] > 0:
		return exit{statusUnknown, nil}
	}
	return nil
}

// prefilled reads an earlier report: whose list is done.
func prefilled(file string) (map[string]bool, error) {
	done := map[string]bool{}
	err := earlier(file, "prefill", func(line []byte) bool {
		var l prefillLine
		if json.Unmarshal(line, &l) != nil || l.User == "" {
			return false
		}
		if l.State == "written" || l.State == "unchanged" {
			done[strings.TrimPrefix(l.User, "sip:")] = true
		}
		return true
	})
	return done, err
}
