package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"communicator/calendar"
	"communicator/directory/addressbook"
	"communicator/im"
	"communicator/presence"
	"communicator/session"
	"communicator/ui/view"

	"github.com/spf13/cobra"
)

// watching is what `watch` was asked to do.
type watching struct {
	users    []string // empty: the whole list
	tell     []string // say once when these become available
	book     bool     // bring the address book up to date meanwhile
	duration time.Duration
}

func (p *program) watch() *cobra.Command {
	var w watching
	c := &cobra.Command{
		Use: "watch [ADDRESS...]", Short: "Everything that happens, one line each, until Ctrl-C",
		Args: arguments(0, 1000, "addresses"),
		RunE: func(c *cobra.Command, args []string) (err error) {
			if w.duration < 0 {
				return usage("--for %v: say how long, as 30s or 10m", w.duration)
			}
			if w.users, err = canonical(args); err != nil {
				return err
			}
			if w.tell, err = canonical(w.tell); err != nil {
				return err
			}
			return p.watchEvents(c.Context(), w)
		},
	}
	c.Flags().DurationVar(&w.duration, "for", 0, "end after `DURATION`")
	c.Flags().BoolVar(&w.book, "address-book", false, "bring the copy of the address book up to date, and say how that goes")
	c.Flags().StringArrayVar(&w.tell, "tell", nil, "say once when `ADDRESS` becomes available (repeatable)")
	return c
}

// watchEvents prints events until ctx or the duration ends.
func (p *program) watchEvents(ctx context.Context, w watching) error {
	events := newQueue()
	printed := make(chan struct{})
	go func() { // ends when the queue is closed
		defer close(printed)
		told := map[session.WatcherChanged]bool{}
		for e := range events.all() {
			if who, is := e.(session.WatcherChanged); is && !fresh(told, who) {
				continue
			}
			if _, is := e.(session.ContactsChanged); is && len(w.users)+len(w.tell) > 0 {
				continue // those people were asked for, not the list
			}
			p.event(e)
		}
	}()
	defer func() { events.close(); <-printed }()
	return p.signedIn(ctx, events.put, func(ctx context.Context, s *session.Session) error {
		if w.duration > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, w.duration)
			defer cancel()
		}
		if err := s.Presence.Watch(ctx, slices.Concat(w.users, w.tell)...); err != nil {
			return err
		}
		for _, user := range w.tell {
			s.Presence.TellWhenAvailable(user, true)
		}
		var updating sync.WaitGroup
		defer updating.Wait()
		if w.book {
			updating.Go(func() { _ = s.People.Refresh(ctx) }) // ends with ctx; its error is in the event
		}
		if len(w.users)+len(w.tell) == 0 { // the whole list, with the groups of the org chart
			if _, err := s.Contacts.Loaded(ctx); err != nil && ctx.Err() == nil {
				p.warn("Your own groups are missing. %s", view.Explain("", err))
			}
			s.Calendar.Run(ctx)
		}
		<-ctx.Done()
		events.close() // what signing out brings is no news
		return nil
	})
}

// fresh: who watches is worth a line once. Clients and commands that come and
// go would fill the screen.
func fresh(told map[session.WatcherChanged]bool, w session.WatcherChanged) bool {
	if told[w] || w.Status == "terminated" {
		return false
	}
	told[w] = true
	return true
}

// event prints one event.
func (p *program) event(e any) {
	switch e := e.(type) {
	case session.StateChanged:
		p.stateEvent(e.State)
	case session.PresenceChanged:
		p.presenceEvent("presence", e.User, e.State)
	case session.BecameAvailable:
		p.presenceEvent("available", e.User, e.State)
	case session.WatcherAsks:
		p.print("asks", e.User, "wants to see your state", map[string]any{"user": uri(e.User), "name": e.Name})
	case session.CalendarChanged:
		p.calendarEvent(e.State)
	case session.ContactsDoubt:
		p.doubtEvent(e)
	case session.AddressBookChanged:
		p.bookEvent(e.State)
	case session.ContactsChanged:
		for _, g := range e.List.Groups {
			for _, c := range g.Members {
				p.print("contact", c.User, g.Name, map[string]any{"user": uri(c.User), "name": c.Name, "group": g.Name,
					"outside": p.outside(c.User)})
			}
		}
	case session.WatcherChanged:
		p.print("watcher", e.User, e.Status, map[string]any{"user": uri(e.User), "name": e.Name, "status": e.Status})
	case im.Received:
		p.messageEvent(e.Message)
	case im.Sent: // on another device: nobody writes here
		p.messageEvent(e.Message)
	case im.Typing:
		words := map[bool]string{true: "is typing", false: "has stopped typing"}[e.Active]
		p.print("typing", e.From, words, map[string]any{"user": uri(e.From), "conversation": e.With, "active": e.Active})
	case im.MembersChanged:
		p.print("members", e.With, strings.Join(e.Members, ", "), map[string]any{"conversation": e.With, "members": uris(e.Members)})
	case im.DeliveryChanged:
		d := e.Delivery
		p.print("delivery", d.To, string(d.State), map[string]any{"to": uri(d.To), "id": d.ID, "state": d.State,
			"code": d.Code, "reason": d.Reason, "ms": milliseconds(d.Took)})
	}
}

// messageEvent prints a message, and of a conversation that all see who is in it.
func (p *program) messageEvent(m im.Message) {
	fields := map[string]any{"from": uri(m.From), "text": m.Text, "id": m.ID,
		"sent": stamp(m.Time), "stored": m.Stored, "request": m.Request, "outside": p.outside(m.From)}
	words := m.Text
	if m.Group != nil {
		fields["conversation"], fields["title"], fields["members"] = m.With, m.Group.Title, uris(m.Group.Members)
		words = fmt.Sprintf("[%s] %s", cmp.Or(m.Group.Title, fmt.Sprintf("%d people", len(m.Group.Members))), m.Text)
	}
	if m.Notice != "" {
		fields["notice"] = m.Notice
	}
	p.print("message", m.From, words, fields)
}

func uris(users []string) []string {
	all := []string{}
	for _, u := range users {
		all = append(all, uri(u))
	}
	return all
}

func (p *program) stateEvent(s session.State) {
	switch s.Phase {
	case session.SignedIn:
		p.print("signed-in", s.User, fmt.Sprintf("%s:%d", s.Target.Host, s.Target.Port),
			map[string]any{"user": uri(s.User), "target": s.Target})
	case session.Waiting, session.SignedOut:
		why := ""
		if s.Err != nil {
			why = s.Err.Error()
		}
		p.print("signed-out", s.User, why, map[string]any{"user": uri(s.User), "reason": why, "retry": stamp(s.Until)})
	}
}

func (p *program) presenceEvent(event, user string, s presence.State) {
	words := s.Words(time.Now())
	if s.Note != "" {
		words += "  " + quoted(s.Note)
	}
	fields := stateFields(s)
	fields["user"] = uri(user)
	p.print(event, user, words, fields)
}

// calendarEvent prints one's own calendar. That there is none is no news.
func (p *program) calendarEvent(s calendar.State) {
	words, why := "", ""
	switch {
	case errors.Is(s.Err, calendar.ErrNone):
		return
	case s.Err != nil:
		why = s.Err.Error()
		words = why
	default:
		words = fmt.Sprintf("%d appointments in the days to come", len(s.Periods))
	}
	p.print("calendar", "", words, map[string]any{"periods": appointments(s.Periods), "out_of_office": s.OutOfOffice,
		"read": stamp(s.Read), "error": why})
}

// bookEvent prints how the copy of the address book stands.
func (p *program) bookEvent(s addressbook.State) {
	words, why := fmt.Sprintf("%d people", s.Entries), ""
	switch {
	case s.Err != nil:
		why = s.Err.Error()
		words += "; " + why
	case s.Filling && s.Total > 0:
		words = fmt.Sprintf("%d of %d people read", s.Read, s.Total)
	case s.Filling:
		words = fmt.Sprintf("%d people read", s.Read)
	}
	p.print("address-book", "", words, map[string]any{"people": s.Entries, "read": s.Read, "total": s.Total,
		"complete": s.Complete, "updated": stamp(s.Updated), "error": why})
}

// doubtEvent prints that the server's list lost people, or that this is settled.
func (p *program) doubtEvent(d session.ContactsDoubt) {
	words := "settled"
	if !d.Over {
		words = d.Loss.String() + "; the list as it was is kept until somebody answers"
	}
	p.print("contacts-doubt", "", words, map[string]any{"before": d.Before, "now": d.Now, "over": d.Over})
}

// print prints one event: its fields in JSON, or who and words for people.
func (p *program) print(event, who, words string, fields map[string]any) {
	now := time.Now()
	if p.flags.json {
		fields["time"], fields["event"] = now.Format(time.RFC3339Nano), event
		p.line(fields)
		return
	}
	p.say("%s  %-10s %s  %s", now.Format("15:04:05"), event, who, strings.ReplaceAll(words, "\n", "\n    "))
}
