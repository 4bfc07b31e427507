package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"communicator/address"
	"communicator/plain"
)

// line is an entry as a line of JSON; docs/cli.md has it.
type line struct {
	Time      string   `json:"time"`
	With      string   `json:"with"`
	Direction string   `json:"direction"`
	Kind      string   `json:"kind"`
	Text      string   `json:"text"`
	State     string   `json:"state"`
	ID        string   `json:"id"`
	From      string   `json:"from"`
	To        []lineTo `json:"to,omitempty"`
	Stored    bool     `json:"stored,omitempty"`
	Request   bool     `json:"request,omitempty"`
	Notice    string   `json:"notice,omitempty"`
	Title     string   `json:"title,omitempty"`
	Members   []string `json:"members,omitempty"`
	Added     []string `json:"added,omitempty"`
	Device    string   `json:"device,omitempty"`
	Reason    string   `json:"reason,omitempty"`
	Seconds   float64  `json:"seconds,omitempty"`
}

type lineTo struct {
	To     string `json:"to"`
	State  string `json:"state"`
	Code   int    `json:"code"`
	Reason string `json:"reason"`
	Ms     int64  `json:"ms"`
	Plain  bool   `json:"plain,omitempty"`
	Block  bool   `json:"blocked,omitempty"`
}

// Direction is "out" of what the user wrote or called, else "in".
func (e Entry) Direction() string {
	if e.Own {
		return "out"
	}
	return "in"
}

// State is that of an entry in one word: of an own message the worst of its
// recipients, of an incoming one "read" or "unread", of a call "answered" or
// "unanswered".
func (e Entry) State() string {
	switch {
	case e.Kind == Call && e.Length > 0:
		return "answered"
	case e.Kind == Call:
		return "unanswered"
	case e.Own && len(e.To) > 0:
		return slices.MinFunc(e.To, func(a, b Recipient) int { return rank(a.State) - rank(b.State) }).State
	case e.Own || e.Read:
		return "read"
	}
	return "unread"
}

// WriteJSON writes an entry as one line of JSON, which ParseLine reads.
func WriteJSON(w io.Writer, e Entry) error {
	l := line{Time: e.Time.Format(time.RFC3339Nano), With: uris(e.With), Direction: e.Direction(), Kind: e.Kind.String(), Text: e.Text, State: e.State(),
		ID: e.ID, From: "sip:" + e.From, Stored: e.Late, Request: e.Request, Notice: e.Notice, Title: e.Title,
		Device: e.Device, Reason: e.Reason, Seconds: e.Length.Seconds()}
	for _, m := range e.Members {
		l.Members = append(l.Members, "sip:"+m)
	}
	for _, m := range e.Added {
		l.Added = append(l.Added, "sip:"+m)
	}
	for _, r := range e.To {
		l.To = append(l.To, lineTo{"sip:" + r.To, r.State, r.Code, r.Reason, r.Took.Milliseconds(), r.Plain, r.Blocked})
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(l)
}

// uris writes the key of a conversation with its addresses as URIs.
func uris(key string) string {
	if key == "" || strings.HasPrefix(key, groupPrefix) {
		return key
	}
	return "sip:" + strings.ReplaceAll(key, ",", ",sip:")
}

const groupPrefix = "group:"

// WriteText writes an entry for people: further lines of its text are indented, so
// that nothing somebody wrote looks like another entry.
func WriteText(w io.Writer, e Entry) error {
	who, text := "from "+e.From, e.Text
	if e.Own {
		who = "to " + e.whom()
	}
	switch e.Kind {
	case Call:
		who = "call " + who
		text = strings.TrimSpace(strings.Join([]string{e.Length.Round(time.Second).String(), e.Device, e.Reason}, " "))
	case Notice:
		who = e.Notice + " " + e.From
	}
	if s := e.State(); e.Own && e.Kind == Message && s != "delivered" && s != "read" {
		who += " (" + s + ")"
	}
	_, err := fmt.Fprintf(w, "%s  %s  %s\n", e.Time.Local().Format("2006-01-02 15:04:05"), who, strings.ReplaceAll(text, "\n", "\n    "))
	return err
}

// whom says with whom an own entry is.
func (e Entry) whom() string {
	switch {
	case e.Title != "":
		return plain.Line(e.Title)
	case e.With != "" && !strings.HasPrefix(e.With, groupPrefix): // its key says nothing to a person
		return e.With
	case len(e.To) == 1:
		return e.To[0].To
	}
	return fmt.Sprintf("%d people", len(e.To))
}

// Limits of a line that is read.
const (
	maxLine    = 4 << 20
	maxID      = 300     // bytes
	maxText    = 1 << 20 // bytes
	maxMembers = 10000
)

// ParseLine reads a line of JSON as WriteJSON writes it. What it holds is as
// harmless afterwards as what came from the network.
func ParseLine(b []byte) (Entry, error) {
	var l line
	if err := json.Unmarshal(b, &l); err != nil {
		return Entry{}, err
	}
	at, err := time.Parse(time.RFC3339Nano, l.Time)
	kind := slices.Index(kinds, l.Kind)
	switch {
	case err != nil:
		return Entry{}, fmt.Errorf("time %q: it should be like 2026-11-20T16:00:00Z", plain.Cut(l.Time, 50))
	case at.Year() < 1970:
		return Entry{}, errors.New("nobody wrote before 1970")
	case l.ID == "" || len(l.ID) > maxID:
		return Entry{}, errors.New("id: it is missing or too long")
	case kind < 0:
		return Entry{}, fmt.Errorf("kind %q is none", plain.Cut(l.Kind, 50))
	case l.Direction != "in" && l.Direction != "out":
		return Entry{}, fmt.Errorf("direction %q: it should be in or out", plain.Cut(l.Direction, 50))
	case len(l.Text) > maxText || len(l.To) > maxMembers || len(l.Members)+len(l.Added) > maxMembers:
		return Entry{}, errors.New("it is too long")
	}
	e := Entry{ID: plain.Line(l.ID), Own: l.Direction == "out", Kind: Kind(kind), Text: plain.Text(l.Text), Time: at, Late: l.Stored, Request: l.Request,
		Read: l.Direction == "out" || l.State == "read", Notice: plain.Line(l.Notice), Title: plain.Line(l.Title),
		Device: plain.Line(l.Device), Reason: plain.Line(l.Reason), Length: seconds(l.Seconds)}
	if e.From, err = parseAddress(l.From); err != nil {
		return Entry{}, fmt.Errorf("from: %w", err)
	}
	if separately := l.With == "" && e.Own && len(l.To) > 0; !separately {
		if e.With, err = keyOf(l.With); err != nil {
			return Entry{}, fmt.Errorf("with: %w", err)
		}
	}
	return e, e.parseMembers(l)
}

func (e *Entry) parseMembers(l line) (err error) {
	if e.Members, err = parseAddresses(l.Members); err != nil {
		return fmt.Errorf("members: %w", err)
	}
	if e.Added, err = parseAddresses(l.Added); err != nil {
		return fmt.Errorf("added: %w", err)
	}
	for _, t := range l.To {
		user, err := parseAddress(t.To)
		if err != nil {
			return fmt.Errorf("to: %w", err)
		}
		e.To = append(e.To, Recipient{To: user, State: states[rank(t.State)], Code: t.Code, Reason: plain.Line(t.Reason), Took: time.Duration(max(0, min(t.Ms, math.MaxInt32))) * time.Millisecond, Plain: t.Plain, Blocked: t.Block})
	}
	return nil
}

func seconds(s float64) time.Duration {
	if !(s > 0 && s < 1e9) {
		return 0
	}
	return time.Duration(s * float64(time.Second)).Truncate(time.Millisecond)
}

// keyOf reads what uris writes.
func keyOf(with string) (string, error) {
	if id, is := strings.CutPrefix(with, groupPrefix); is {
		if id = plain.Line(id); id == "" || len(id) > maxID {
			return "", errors.New("the group has no name")
		}
		return groupPrefix + id, nil
	}
	all := strings.Split(with, ",")
	if len(all) > maxMembers {
		return "", errors.New("it is too long")
	}
	for i, a := range all {
		user, err := parseAddress(a)
		if err != nil {
			return "", err
		}
		all[i] = user
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), ","), nil
}

func parseAddresses(all []string) (users []string, err error) {
	for _, a := range all {
		user, err := parseAddress(a)
		if err != nil {
			return nil, err
		}
		users = append(users, user)
	}
	return users, nil
}

// parseAddress reads an address, or the name of a server that speaks for itself.
func parseAddress(s string) (string, error) {
	user, err := address.Canonical(s)
	if host := strings.TrimPrefix(s, "sip:"); err != nil && !strings.ContainsAny(host, "@,") {
		if host = plain.Line(host); host != "" && len(host) <= address.Max {
			return host, nil
		}
	}
	return user, err
}
