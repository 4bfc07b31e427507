package lab

import (
	"fmt"
	randv2 "math/rand/v2"
	"strings"
	"time"

	"communicator/wire/pidf"
)

// mood is what a simulated person shows.
type mood struct {
	state string // one of states
	note  string
	since time.Time     // zero: now
	lasts time.Duration // of a meeting or a leave, about: it ends at the full or half hour; 0: not said
	idle  time.Duration // nobody has touched the computer for so long
}

// states are the words of the command "state", with the activities they are
// published as (RFC 4480 §3.2).
var states = map[string]struct {
	activity string
	dnd      bool
}{
	"available": {}, "auto": {}, "offline": {},
	"busy": {activity: "busy"}, "dnd": {activity: "busy", dnd: true},
	"away": {activity: "away"}, "brb": {activity: "away"},
	"meeting": {activity: "meeting"}, "call": {activity: "on-the-phone"},
	"presentation": {activity: "presentation"}, "lunch": {activity: "lunch"}, "vacation": {activity: "vacation"},
}

// document is the mood as a presence document; nil: offline without a note.
func (m mood) document(user string, now time.Time) []byte {
	if m.since.IsZero() {
		m.since = now
	}
	var notes []pidf.Note
	if m.note != "" {
		notes = []pidf.Note{{Text: m.note}}
	}
	t := pidf.Tuple{ID: "lab", Basic: pidf.Open, Contact: "sip:" + user, Priority: 0.5, Notes: notes, Timestamp: m.since}
	person := pidf.Person{ID: "self", Notes: notes, Timestamp: m.since}
	switch s := states[m.state]; {
	case m.state == "offline" && m.note == "":
		return nil
	case m.state == "offline":
		t.Basic = pidf.Closed
	case s.activity != "":
		person.Activities = &pidf.Activities{Values: []string{s.activity}, DoNotDisturb: s.dnd}
		if m.lasts > 0 {
			person.Activities.From, person.Activities.Until = m.since, m.since.Add(m.lasts).Round(30*time.Minute)
		}
	default:
		person.Activities = &pidf.Activities{}
	}
	if m.idle > 0 {
		t.Input = pidf.Input{State: "idle", Since: now.Add(-m.idle)}
	}
	return pidf.Presence{Entity: "sip:" + user, Tuples: []pidf.Tuple{t}, Persons: []pidf.Person{person}}.Marshal()
}

// castMoods are the first moods of those whom the manual shows.
func castMoods(name string, now time.Time) (m mood, known bool) {
	switch name {
	case "Chen Dahl":
		return mood{state: "meeting", lasts: 90 * time.Minute}, true
	case "Bruno Berg":
		return mood{state: "available", note: "On site in Lyon, back Monday"}, true
	case "Dina Costa":
		return mood{state: "call"}, true
	case "Goran Kaya":
		return mood{state: "away", since: now.Add(-25 * time.Minute)}, true
	case "Ivo Hansen":
		return mood{state: "vacation", note: "Parental leave. Please ask Dina Costa.", lasts: 10 * 24 * time.Hour}, true
	case "Jana Ito":
		return mood{state: "offline", note: "Back Monday at 9", since: now.Add(-15 * time.Hour)}, true
	case "Amélie Fournier":
		return mood{state: "dnd"}, true
	case "Samuel Okafor":
		return mood{state: "available", idle: 12 * time.Minute, since: now.Add(-12 * time.Minute)}, true
	}
	return mood{}, false
}

var notes = []string{
	"At the customer’s until three", "Working from home", "In Lyon this week", "Quarterly figures, please be patient",
	"Sur site mardi et mercredi", "Im Labor, bitte anrufen", "Focus time until noon", "Training room 4", "在家办公",
	"Back on Thursday", "Ask me about the release", "Out for a coffee",
}

// firstMood is what somebody starts the day with. Who is away for days keeps it.
func (c *crowd) firstMood(at int) (m mood, keeps bool) {
	if m, known := castMoods(c.staff.people[at].Name, c.now()); known {
		return m, m.state == "offline" || m.state == "vacation"
	}
	return c.moodOf(at), false
}

// moodOf is what somebody does now: what the diary says, else anything.
func (c *crowd) moodOf(at int) mood {
	e, busy := c.diaries.at(at, c.now())
	switch {
	case busy && e.busy == "OOF":
		return mood{state: "vacation", note: e.text, since: e.from, lasts: e.until.Sub(e.from)}
	case busy:
		return mood{state: "meeting", since: e.from, lasts: e.until.Sub(e.from)}
	}
	return c.newMood()
}

// newMood draws a mood: most people are available.
func (c *crowd) newMood() mood {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := mood{state: "available"}
	switch n := c.random.IntN(100); {
	case n < 55:
	case n < 65:
		m.state = "busy"
	case n < 74:
		m.state, m.lasts = "meeting", time.Duration(1+c.random.IntN(4))*30*time.Minute
	case n < 80:
		m.state = "call"
	case n < 87:
		m.state = "away"
	case n < 90:
		m.state = "brb"
	case n < 93:
		m.state = "dnd"
	default:
		m.state = "offline"
	}
	if c.random.IntN(4) == 0 {
		m.note = notes[c.random.IntN(len(notes))]
	}
	return m
}

// pace of life: a person changes state every ten minutes or so; in a large
// company at most two people do in a second.
const (
	moodLasts = 10 * time.Minute
	quickest  = 500 * time.Millisecond
)

// live changes the state of somebody now and then, until the company closes.
func (c *crowd) live() {
	people := c.staff.people[:min(len(c.staff.people), mostPhantoms)]
	pause := max(quickest, moodLasts/time.Duration(len(people)))
	for c.pause(pause/2, pause) {
		c.mu.Lock()
		at := c.random.IntN(len(people))
		user := people[at].User
		p := c.phantoms[user]
		acts := p != nil && !p.keeps
		c.mu.Unlock()
		if acts {
			_ = c.set(user, c.moodOf(at), false) // who is signed in for real is left alone
		}
	}
}

// pause waits for from to from+more; false: the company closes.
func (c *crowd) pause(from, more time.Duration) bool {
	c.mu.Lock()
	t := time.NewTimer(from + time.Duration(c.random.Int64N(int64(more)+1)))
	c.mu.Unlock()
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-c.ctx.Done():
		return false
	}
}

var (
	toQuestions = []string{
		"Sure, let me check.", "Good question. I will ask and come back to you.", "Yes, after lunch if that suits you.",
		"I think so, but ask Dina to be sure.", "Not today, tomorrow works.",
	}
	toStatements = []string{
		"Thanks, got it.", "Sounds good.", "Fine with me.", "OK, I will have a look.", "Noted, thank you.", "Great, see you there.",
	}
)

// answerTo picks an answer: always the same for the same person and turn.
func answerTo(p *phantom, text string) string {
	from := toStatements
	if strings.Contains(text, "?") {
		from = toQuestions
	}
	turn := fmt.Sprint(p.user, p.answered)
	sum := uint64(14695981039346656037) // FNV-1a
	for _, b := range []byte(turn) {
		sum = (sum ^ uint64(b)) * 1099511628211
	}
	return from[randv2.New(randv2.NewPCG(seed, sum)).IntN(len(from))]
}
