package simple

import (
	"strings"
	"time"

	"communicator/presence"
	"communicator/wire/pidf"
)

// member is what a NOTIFY says of one person.
type member struct {
	user  string
	state presence.State
}

// readMembers reads the people of a list notification, in order, and who is
// listed without anything said. A person behind whom are several subscriptions
// is what all of them say together.
func readMembers(all []pidf.MemberState, now time.Time) (states []member, silent []string) {
	type said struct {
		docs   []pidf.Presence
		active bool
		any    bool
	}
	of, order := make(map[string]*said, len(all)), make([]string, 0, len(all))
	for _, m := range all {
		user := address(m.Resource.URI)
		p := of[user]
		if p == nil {
			p = &said{}
			of[user] = p
			order = append(order, user)
		}
		p.any = p.any || m.Instance != pidf.Instance{}
		if !strings.EqualFold(m.Instance.State, "active") {
			continue
		}
		if len(m.Document.Body) == 0 {
			p.active = true
			continue
		}
		doc, err := pidf.Parse(m.Document.Body)
		if err == nil && (doc.Entity == "" || address(doc.Entity) == user) {
			p.docs, p.active = append(p.docs, doc), true
		}
	}
	for _, user := range order {
		switch p := of[user]; {
		case !p.any:
			silent = append(silent, user)
		case !p.active: // pending, terminated, or not to be read
			states = append(states, member{user, unknown()})
		default:
			states = append(states, member{user, fromDocument(together(p.docs), now)})
		}
	}
	return states, silent
}

// together puts several documents of one person into one, as Kamailio does
// with several publications. No document: he publishes nothing.
func together(docs []pidf.Presence) pidf.Presence {
	if len(docs) == 1 {
		return docs[0]
	}
	var sum pidf.Presence
	for _, d := range docs {
		sum.Tuples = append(sum.Tuples, d.Tuples...)
		sum.Persons = append(sum.Persons, d.Persons...)
		sum.Devices = append(sum.Devices, d.Devices...)
		sum.Notes = append(sum.Notes, d.Notes...)
	}
	return sum
}
