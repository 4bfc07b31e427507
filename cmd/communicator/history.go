package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"communicator/contacts"
	"communicator/history"
	"communicator/session"
	"communicator/ui/view"

	"github.com/natefinch/atomic"
	"github.com/spf13/cobra"
)

// recalling is what `history` was asked for.
type recalling struct {
	with, search, since string
	around              string
	limit               int
	exported, imported  string
	forget              string

	at time.Time // around
}

func (p *program) history() *cobra.Command {
	var r recalling
	c := &cobra.Command{
		Use: "history", Short: "What was said and who called; it needs no server",
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			q, err := r.query(time.Now())
			if err != nil {
				return err
			}
			return p.withHistory(func(store *history.Store) error { return p.recall(c.Context(), store, r, q) })
		},
	}
	f := c.Flags()
	f.StringVar(&r.with, "with", "", "only with `ADDRESS`; several, joined by commas, are a conversation of several")
	f.StringVar(&r.search, "search", "", "only what has all words of `TEXT`, the last may be a beginning; \"words in quotes\" side by side")
	f.StringVar(&r.since, "since", "", "only from `TIME` on: 15:30, 2026-11-20, 2026-11-20T15:30, or a duration ago as 72h")
	f.StringVar(&r.around, "around", "", "jump to `TIME`: what was said with --with shortly before and after")
	f.IntVar(&r.limit, "limit", 200, "the newest `N`; an export has all")
	f.StringVar(&r.exported, "export", "", "write to `FILE`: text if it ends in .txt, else JSON lines; - is standard output")
	f.StringVar(&r.imported, "import", "", "take over from `FILE`: an export as JSON lines, or the history of another computer")
	f.StringVar(&r.forget, "forget", "", "remove the conversation with `ADDRESS` from this computer")
	return c
}

// query checks the flags.
func (r *recalling) query(now time.Time) (q history.Query, err error) {
	one := 0
	for _, is := range []bool{r.exported != "", r.imported != "", r.forget != "", r.search != "", r.around != ""} {
		if is {
			one++
		}
	}
	switch {
	case one > 1:
		return q, usage("say one of --search, --around, --export, --import and --forget")
	case r.around != "" && (r.with == "" || r.since != ""):
		return q, usage("--around needs --with, and no --since")
	case r.limit < 1:
		return q, usage("--limit %d: say how many, at least 1", r.limit)
	}
	q = history.Query{Text: r.search, Limit: r.limit}
	if q.With, err = conversation(r.with); err == nil && r.forget != "" {
		r.forget, err = conversation(r.forget)
	}
	if err != nil {
		return q, usage("%v", err)
	}
	if r.since != "" {
		if q.Since, err = pastTime(r.since, now); err != nil {
			return q, usage("--since: %v", err)
		}
	}
	if r.around != "" {
		if r.at, err = pastTime(r.around, now); err != nil {
			return q, usage("--around: %v", err)
		}
	}
	return q, nil
}

// conversation is the key of the one with these people; empty for nobody.
func conversation(with string) (string, error) {
	if with == "" || strings.HasPrefix(with, "group:") {
		return with, nil
	}
	var users []string
	for a := range strings.SplitSeq(with, ",") {
		user, err := contacts.Canonical(a)
		if err != nil {
			return "", err
		}
		users = append(users, user)
	}
	slices.Sort(users)
	return strings.Join(slices.Compact(users), ","), nil
}

// pastTime is parseTime for what lies in the past.
func pastTime(text string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	t, err := parseTime(text, now)
	if _, clock := time.Parse("15:04", text); clock == nil && t.After(now) {
		t = t.AddDate(0, 0, -1)
	}
	return t, err
}

// withHistory opens the history of the user, without signing in.
func (p *program) withHistory(f func(*history.Store) error) error {
	o, err := p.options()
	if err != nil {
		return err
	}
	o.Silent, o.Notify = true, p.historyTrouble
	s := session.New(o)
	defer s.History.Close()
	store, err := s.History.Open()
	switch {
	case errors.Is(err, session.ErrNoHistory), errors.Is(err, history.ErrFull), errors.Is(err, history.ErrBusy):
		return err
	case err != nil:
		return exit{statusFailed, nil} // historyTrouble has said it
	}
	return f(store)
}

// historyTrouble warns of a history that was damaged or cannot be used.
func (p *program) historyTrouble(e any) {
	if trouble, is := e.(session.HistoryTrouble); is {
		p.warn("%s", view.HistoryTrouble(trouble))
	}
}

func (p *program) recall(ctx context.Context, store *history.Store, r recalling, q history.Query) error {
	switch {
	case r.imported != "":
		return p.importHistory(store, r.imported)
	case r.forget != "":
		return store.Forget(r.forget)
	case r.exported != "":
		return p.exportHistory(ctx, store, r.exported, q)
	}
	found, err := find(store, r, q)
	if err != nil {
		return err
	}
	if len(found) == 0 && q.Text != "" {
		return fmt.Errorf("nothing found for %q", q.Text)
	}
	for _, e := range found {
		if err := p.writeEntry(p.out, e, p.flags.json); err != nil {
			return err
		}
	}
	return nil
}

// find reads what is asked for, oldest first.
func find(store *history.Store, r recalling, q history.Query) ([]history.Entry, error) {
	if !r.at.IsZero() {
		found, _, err := store.Around(q.With, r.at, (q.Limit+1)/2)
		return found, err
	}
	found, err := store.Search(q)
	slices.Reverse(found)
	return found, err
}

func (p *program) writeEntry(w io.Writer, e history.Entry, json bool) error {
	if json {
		return history.WriteJSON(w, e)
	}
	return history.WriteText(w, e)
}

// exportHistory writes the whole history, or the part that q asks for, to a file
// that is there whole or not at all.
func (p *program) exportHistory(ctx context.Context, store *history.Store, file string, q history.Query) error {
	json := p.flags.json || filepath.Ext(file) != ".txt"
	write := func(w io.Writer) error {
		b := bufio.NewWriter(w)
		err := store.All(q, func(e history.Entry) error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return p.writeEntry(b, e, json)
		})
		if err != nil {
			return err
		}
		return b.Flush()
	}
	if file == "-" {
		return write(p.out)
	}
	r, w := io.Pipe()
	go func() { _ = w.CloseWithError(write(w)) }() // ends with the last entry, or when the reader does
	defer r.Close()
	if err := atomic.WriteFile(file, r); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}

// importHistory says what of a file was new.
func (p *program) importHistory(store *history.Store, file string) error {
	m, err := store.Merge(file)
	if errors.Is(err, fs.ErrNotExist) {
		return usage("--import %s: there is no such file", file)
	}
	if p.flags.json {
		p.line(map[string]any{"summary": map[string]int{"added": m.Added, "known": m.Known, "refused": m.Bad}})
	} else if err == nil {
		p.say("%d added, %d already there, %d refused", m.Added, m.Known, m.Bad)
	}
	switch {
	case err != nil:
		return err
	case m.Bad == 0:
		return nil
	case m.Added+m.Known == 0:
		return fmt.Errorf("nothing could be read: %w", m.First)
	}
	return exit{statusPartly, fmt.Errorf("not all could be read: %w", m.First)}
}
