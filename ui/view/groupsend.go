package view

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"communicator/contacts"
	"communicator/im"
	"communicator/presence"
)

// Recipient is one person of a group message.
type Recipient struct {
	User, Name, Face string
	Hint             string // what will happen if they cannot be reached now
	Reason           string // why it failed, or is not known
	State            im.State
	Retry            bool // trying again may help
}

// GroupSend follows one message to many. It begins before it is sent.
type GroupSend struct {
	order []string
	names Names
	state map[string]im.Delivery
}

// NewGroupSend prepares a message to these people; each once.
func NewGroupSend(to []contacts.Contact) *GroupSend {
	g := &GroupSend{names: Names{}, state: map[string]im.Delivery{}}
	for _, c := range to {
		if _, twice := g.names[c.User]; !twice {
			g.order = append(g.order, c.User)
			g.names[c.User] = NameOf(c)
		}
	}
	return g
}

// To lists the addresses.
func (g *GroupSend) To() []string { return slices.Clone(g.order) }

// Plan says before sending who will get it when.
func (g *GroupSend) Plan(state func(string) presence.State) []Recipient {
	plan := make([]Recipient, 0, len(g.order))
	for _, user := range g.order {
		s := state(user)
		r := Recipient{User: user, Name: g.names.Of(user), Face: Face(s)}
		switch {
		case s.Availability == presence.Offline && !s.Old:
			r.Hint = say("gets it at next sign-in")
		case s.Availability == presence.DoNotDisturb && !s.Old:
			r.Hint = say("does not want to be disturbed")
		}
		plan = append(plan, r)
	}
	return plan
}

// Headline of the plan: "5 people, 3 can be reached now".
func Headline(plan []Recipient) string {
	reach := 0
	for _, r := range plan {
		if r.Hint == "" && r.Face != "unknown" {
			reach++
		}
	}
	return say("{{.N}} people, {{.M}} can be reached now", "N", strconv.Itoa(len(plan)), "M", strconv.Itoa(reach))
}

// Begin marks everybody, or only these, as being sent to.
func (g *GroupSend) Begin(users ...string) {
	if len(users) == 0 {
		users = g.order
	}
	for _, u := range users {
		g.state[u] = im.Delivery{To: u, State: im.Sending}
	}
}

// Update takes the final state of one recipient.
func (g *GroupSend) Update(d im.Delivery) {
	if _, known := g.names[d.To]; known {
		g.state[d.To] = d
	}
}

// Stopped says that nobody further is being sent to.
func (g *GroupSend) Stopped() {
	for u, d := range g.state {
		if d.State == im.Sending { // what waits for a connection goes all the same: it is in the outbox
			g.state[u] = im.Delivery{To: u, State: im.Failed, Reason: say("not sent: you stopped it")}
		}
	}
}

// stage is where somebody stands in the result: what was read was delivered, and
// what waits for a connection waits.
func stage(s im.State) im.State {
	switch s {
	case im.Read:
		return im.Delivered
	case im.Queued:
		return im.Sending
	}
	return s
}

// Count is the number of recipients in a state; those who have read it count as
// Delivered, those who are Queued as Sending.
func (g *GroupSend) Count(s im.State) int {
	n := 0
	for _, d := range g.state {
		if stage(d.State) == s {
			n++
		}
	}
	return n
}

// Total number of recipients.
func (g *GroupSend) Total() int { return len(g.order) }

// Running says whether anybody is still being waited for.
func (g *GroupSend) Running() bool { return g.Count(im.Sending) > 0 }

// Count is how many recipients are in one state.
type Count struct {
	State im.State
	N     int
	Words string
}

// Counts are the states that somebody is in, failures first.
func (g *GroupSend) Counts() []Count {
	var counts []Count
	for _, c := range []Count{
		{im.Failed, 0, say("failed")}, {im.Unknown, 0, say("without an answer")}, {im.Delivered, 0, say("delivered")},
		{im.Accepted, 0, say("offline, get it at next sign-in")}, {im.Sending, 0, say("waiting")},
	} {
		if c.N = g.Count(c.State); c.N > 0 {
			counts = append(counts, c)
		}
	}
	return counts
}

// Summary is the result in one line: "3 failed · 112 delivered · ...".
func (g *GroupSend) Summary() string {
	var parts []string
	for _, c := range g.Counts() {
		parts = append(parts, strconv.Itoa(c.N)+" "+c.Words)
	}
	return joined(parts...)
}

// People lists the recipients, failures first, then those without an answer,
// waiting, kept by the server, delivered.
func (g *GroupSend) People(state func(string) presence.State) []Recipient {
	people := make([]Recipient, 0, len(g.order))
	for _, user := range g.order {
		d := g.state[user]
		people = append(people, Recipient{
			User: user, Name: g.names.Of(user), Face: Face(state(user)), State: stage(d.State), Reason: Reason(d),
			Retry: d.State == im.Failed && d.Code != 404 && d.Code != 604 && !d.Blocked || d.State == im.Unknown,
		})
	}
	place := map[im.State]int{im.Failed: 0, im.Unknown: 1, im.Sending: 2, im.Accepted: 3, im.Delivered: 4}
	slices.SortStableFunc(people, func(a, b Recipient) int { return cmp.Compare(place[a.State], place[b.State]) })
	return people
}

// Report is the result as tab-separated text, with the columns of the command
// line's report.
func (g *GroupSend) Report() string {
	var b strings.Builder
	b.WriteString("to\tname\tstate\tcode\treason\tms\n")
	clean := strings.NewReplacer("\t", " ", "\n", " ")
	for _, user := range g.order {
		d := g.state[user]
		code := ""
		if d.Code != 0 {
			code = strconv.Itoa(d.Code)
		}
		b.WriteString(strings.Join([]string{"sip:" + user, clean.Replace(g.names.Of(user)), string(d.State), code,
			clean.Replace(d.Reason), strconv.FormatInt(d.Took.Milliseconds(), 10)}, "\t") + "\n")
	}
	return b.String()
}
