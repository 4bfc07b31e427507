package calendar

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"
)

// ics is a Source: one iCalendar text, in a file or behind an https URL.
type ics struct {
	c    Config
	web  *web // nil: a file
	url  *url.URL
	path string

	mu   sync.Mutex
	last fetched
}

// fetched is what the latest Read went by.
type fetched struct {
	from, until time.Time
	mark        string // entity tag, or size and time of the file
}

// Read reads the text, unless it is the one of the latest Read.
func (s *ics) Read(ctx context.Context, from, until time.Time) (Reading, error) {
	s.mu.Lock()
	last := s.last
	s.mu.Unlock()
	known := ""
	if last.from.Equal(from) && last.until.Equal(until) {
		known = last.mark
	}
	get := s.file
	if s.web != nil {
		get = s.fetch
	}
	text, mark, err := get(ctx, known)
	switch {
	case err != nil:
		return Reading{}, err
	case mark != "" && mark == known:
		return Reading{Same: true}, nil
	}
	s.mu.Lock()
	s.last = fetched{from, until, mark}
	s.mu.Unlock()
	return Parse(text, Options{From: from, Until: until, Self: []string{s.c.User}, Local: s.c.Local}), nil
}

// fetch gets the text with its entity tag, unless it has the known one.
func (s *ics) fetch(ctx context.Context, known string) (text, mark string, err error) {
	header := map[string]string{"Accept": "text/calendar"}
	if known != "" {
		header["If-None-Match"] = known
	}
	a, err := s.web.do(ctx, ask{http.MethodGet, s.url, header, ""})
	switch {
	case err != nil:
		return "", "", err
	case a.status == http.StatusNotModified && known != "":
		return "", known, nil
	case a.status != http.StatusOK:
		return "", "", s.web.refusal(a)
	case !isCalendar(string(a.body)):
		return "", "", s.web.broken(a.url, "it answers with "+whatItIs(a)+" instead of a calendar; perhaps the address is that of a page for people", nil)
	}
	return string(a.body), a.header.Get("ETag"), nil
}

// file reads the text with a mark of its own, unless it has the known one.
func (s *ics) file(_ context.Context, known string) (text, mark string, err error) {
	bad := func(why, remedy string, err error) (string, string, error) {
		return "", "", &Error{What: "The calendar " + s.path + " could not be read", Why: why, Remedy: remedy, Err: err}
	}
	info, err := os.Stat(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return bad("there is no such file", "Check the address of the calendar", err)
	case err != nil:
		return bad(reason(err), "Check the permissions of the file", err)
	case !info.Mode().IsRegular():
		return bad("it is no file", "Set the address of a file that ends in .ics", nil)
	case info.Size() > maxBytes:
		return "", "", tooLarge("The calendar " + s.path + " is too large")
	}
	if mark = fmt.Sprint(info.Size(), info.ModTime().UnixNano()); mark == known {
		return "", mark, nil
	}
	f, err := os.Open(s.path)
	if err != nil {
		return bad(reason(err), "Check the permissions of the file", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxBytes))
	if err != nil {
		return bad(reason(err), "Try again", err)
	}
	if !isCalendar(string(b)) {
		return bad("it holds something else", "Set the address of a file that ends in .ics", nil)
	}
	return string(b), mark, nil
}

// FreeBusy: one text tells of nobody else.
func (s *ics) FreeBusy(context.Context, string, time.Time, time.Time) ([]Period, error) {
	return nil, ErrNoFreeBusy
}
