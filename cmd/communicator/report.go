package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"communicator/im"

	"github.com/google/uuid"
)

// reportLine is what `send` says of one recipient; a public contract.
type reportLine struct {
	To     string   `json:"to"`
	Name   string   `json:"name"`
	State  im.State `json:"state"`
	Code   int      `json:"code"`
	Reason string   `json:"reason"`
	MS     int64    `json:"ms"`

	Blocked bool `json:"blocked,omitempty"` // by a filter of the organisation
	Plain   bool `json:"plain,omitempty"`   // of --together: the client there takes plain text only and shows no others
}

// reportHead is the first line that a run writes into its report. A later run
// with the same text sends the same message, so that nobody is shown it twice
// who had it when the earlier run was cut off.
type reportHead struct {
	Message string `json:"message"` // its ID, of which each recipient's Call-ID is made
	Text    string `json:"sha256"`  // of the text
}

func newHead(text string) reportHead {
	sum := sha256.Sum256([]byte(text))
	return reportHead{uuid.NewString(), hex.EncodeToString(sum[:])}
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
	notSent int // of lines: failed because one stopped before
	file    *reportFile
}

func newReport(p *program, file string, head reportHead, people []recipient) (*report, error) {
	r := &report{program: p, names: map[string]string{}, total: len(people), start: time.Now()}
	for _, who := range people {
		r.names[who.user] = who.name
	}
	var err error
	r.file, err = openReport(file)
	r.file.add(head)
	return r, err
}

// add takes the final state of one recipient.
func (r *report) add(d im.Delivery) {
	l := reportLine{uri(d.To), r.names[d.To], d.State, d.Code, d.Reason, milliseconds(d.Took), d.Blocked, d.Plain}
	r.lines = append(r.lines, l)
	r.file.add(l)
	if r.program.flags.json {
		r.program.line(l)
	}
}

// unsent takes those who got no result as failed: certainly not sent.
func (r *report) unsent(people []recipient, why string) {
	told := make(map[string]bool, len(r.lines))
	for _, l := range r.lines {
		told[l.To] = true
	}
	for _, who := range people {
		if !told[uri(who.user)] {
			r.notSent++
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
	if err := r.file.close(); err != nil {
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
			if l.Blocked {
				why = fmt.Sprintf(": blocked by your organisation: %s", l.Reason)
			}
			if l.Code != 0 {
				why += fmt.Sprintf(" (%d)", l.Code)
			}
		} else if l.Plain {
			why = ": as plain text; answers come to you alone"
		}
		r.program.say("%-10s %s%s", l.State, who, why)
	}
	s := r.sum()
	r.program.say("Of %d: %d delivered, %d accepted for later, %d failed, %d unknown, %d not sent; %.1f s",
		r.total, s.Delivered, s.Accepted, s.Failed-r.notSent, s.Unknown, r.notSent, s.Seconds)
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

// reported reads an earlier report: who has the message already, and the message
// as it was sent then if it is the same as head. Whoever is in a line cut short
// is asked for again.
func reported(file string, head reportHead) (map[string]bool, reportHead, error) {
	done := map[string]bool{}
	err := earlier(file, "send", func(line []byte) bool {
		var l struct {
			reportLine
			reportHead
		}
		if json.Unmarshal(line, &l) != nil || l.To == "" && l.Message == "" {
			return false
		}
		if _, err := uuid.Parse(l.Message); err == nil && l.Text == head.Text {
			head.Message = l.Message
		}
		if l.State == im.Delivered || l.State == im.Accepted {
			done[strings.TrimPrefix(l.To, "sip:")] = true
		}
		return true
	})
	return done, head, err
}
