package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// line prints one JSON object on a line of standard output.
func (p *program) line(v any) {
	e := json.NewEncoder(p.out)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // standard output is gone: nobody is left to be told
}

// table prints aligned columns; the function writes cells separated by tabs.
func (p *program) table(rows func(w io.Writer)) {
	w := tabwriter.NewWriter(p.out, 0, 4, 2, ' ', 0)
	rows(w)
	_ = w.Flush()
}

func (p *program) say(format string, a ...any) { fmt.Fprintf(p.out, format+"\n", a...) }

// uri is an address as JSON output shows it.
func uri(user string) string {
	if user == "" {
		return ""
	}
	return "sip:" + user
}

// stamp is a time for JSON: RFC 3339, null when unknown.
func stamp(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.Format(time.RFC3339)
	return &s
}

func milliseconds(d time.Duration) int64 { return d.Milliseconds() }
