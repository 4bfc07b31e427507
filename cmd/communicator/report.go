package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"communicator/im"
)

// reportLine is what `send` says of one recipient; a public contract.
type reportLine struct {
	To     string   `json:"to"`
	Name   string   `json:"name"`
	State  im.State `json:"state"`
	Code   int      `json:"code"`
	Reason string   `json:"reason"`
	MS     int64    `json:"ms"`
}

// summary is the last line of a report.
type summary struct {
	Delivered int     `json:"delivered"`
	Accepted  int     `json:"accepted"`
	Failed    int     `json:"failed"`
	Unknown   int     `json:"unknown"`
	Seconds   float64 `json:"seconds"`
}

// report collects the results of one `send`.
type report struct {
	program *program
	names   map[string]string
	total   int
	start   time.Time
	lines   []reportLine
	file    *os.File // nil: none
	failed  error    // writing the file
}

func newReport(p *program, file string, people []recipient) (*report, error) {
	r := &report{program: p, names: map[string]string{}, total: len(people), start: time.Now()}
	for _, who := range people {
		r.names[who.user] = who.name
	}
	if file == "" {
		return r, nil
	}
	// Appending keeps what an earlier, interrupted run has written, so that
	// --report and --resume can name the same file.
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return nil, exit{statusFailed, fmt.Errorf("report: %w", err)}
	}
	r.file = f
	return r, r.endCutLine()
}

// endCutLine begins a new line where a crash has cut one off.
func (r *report) endCutLine() error {
	f, err := r.file.Stat()
	if err == nil && f.Mode().IsRegular() && f.Size() > 0 {
		last := make([]byte, 1)
		if _, err = r.file.ReadAt(last, f.Size()-1); err == nil && last[0] != '\n' {
			_, err = r.file.WriteString("\n")
		}
	}
	if err != nil {
		return exit{statusFailed, fmt.Errorf("report: %w", err)}
	}
	return nil
}

// add takes the final state of one recipient.
func (r *report) add(d im.Delivery) {
	l := reportLine{uri(d.To), r.names[d.To], d.State, d.Code, d.Reason, milliseconds(d.Took)}
	r.lines = append(r.lines, l)
	if r.file != nil && r.failed == nil {
		b, _ := json.Marshal(l) // strings and numbers always marshal
		_, r.failed = r.file.Write(append(b, '\n'))
	}
	if r.program.flags.json {
		r.program.line(l)
	}
}

// unsent takes those who got no result as failed: certainly not sent.
func (r *report) unsent(people []recipient, why string) {
	for _, who := range people {
		if !slices.ContainsFunc(r.lines, func(l reportLine) bool { return l.To == uri(who.user) }) {
			r.add(im.Delivery{To: who.user, State: im.Failed, Reason: "not sent: " + why})
		}
	}
}

// end prints what people read, and the summary.
func (r *report) end() error {
	if r.program.flags.json {
		r.program.line(map[string]summary{"summary": r.sum()})
	} else {
		r.print()
	}
	if r.file == nil {
		return nil
	}
	if err := errors.Join(r.failed, r.file.Close()); err != nil {
		return exit{statusPartly, fmt.Errorf("the messages went out, but the report is incomplete: %w", err)}
	}
	return nil
}

// print shows failures first, then the unknown, then the others.
func (r *report) print() {
	order := []im.State{im.Failed, im.Unknown, im.Accepted, im.Delivered}
	slices.SortStableFunc(r.lines, func(a, b reportLine) int {
		return slices.Index(order, a.State) - slices.Index(order, b.State)
	})
	for _, l := range r.lines {
		who := strings.TrimPrefix(l.To, "sip:")
		if l.Name != "" {
			who = l.Name + " <" + who + ">"
		}
		why := ""
		if l.State == im.Failed || l.State == im.Unknown {
			why = fmt.Sprintf(": %s", l.Reason)
			if l.Code != 0 {
				why += fmt.Sprintf(" (%d)", l.Code)
			}
		}
		r.program.say("%-10s %s%s", l.State, who, why)
	}
	s := r.sum()
	r.program.say("Sent to %d: %d delivered, %d accepted for later, %d failed, %d unknown, %d not sent; %.1f s",
		r.total, s.Delivered, s.Accepted, s.Failed, s.Unknown, r.total-len(r.lines), s.Seconds)
}

func (r *report) sum() summary {
	s := summary{Seconds: float64(time.Since(r.start).Round(time.Millisecond)) / float64(time.Second)}
	for _, l := range r.lines {
		switch l.State {
		case im.Delivered:
			s.Delivered++
		case im.Accepted:
			s.Accepted++
		case im.Failed:
			s.Failed++
		default:
			s.Unknown++
		}
	}
	return s
}

// status is the exit status that the results deserve; nil is 0.
func (r *report) status(stopped bool) error {
	switch s := r.sum(); {
	case stopped:
		return exit{statusPartly, nil}
	case s.Failed == r.total && r.total > 0:
		return exit{statusFailed, nil}
	case s.Failed > 0 || len(r.lines) < r.total:
		return exit{statusPartly, nil}
	case s.Unknown > 0:
		return exit{statusUnknown, nil}
	}
	return nil
}

// reported reads an earlier report: who has the message already. A line cut
// short by a crash is skipped; its recipient is asked for again.
func reported(file string) (map[string]bool, error) {
	done := map[string]bool{}
	if file == "" {
		return done, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, usage("resume: %v", err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	lines, understood := 0, 0
	for s.Scan() {
		lines++
		var l reportLine
		if json.Unmarshal(s.Bytes(), &l) != nil || l.To == "" {
			continue
		}
		understood++
		if l.State == im.Delivered || l.State == im.Accepted {
			done[strings.TrimPrefix(l.To, "sip:")] = true
		}
	}
	if s.Err() != nil || lines > 0 && understood == 0 {
		return nil, usage("resume: %s is no report of an earlier send", file)
	}
	return done, nil
}
