package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"communicator/im"
	"communicator/presence"
	"communicator/session"

	"github.com/spf13/cobra"
)

func (p *program) watch() *cobra.Command {
	var duration time.Duration
	c := &cobra.Command{
		Use: "watch [ADDRESS...]", Short: "Everything that happens, one line each, until Ctrl-C",
		Args: arguments(0, 1000, "addresses"),
		RunE: func(c *cobra.Command, args []string) error {
			if duration < 0 {
				return usage("--for %v: say how long, as 30s or 10m", duration)
			}
			users, err := canonical(args)
			if err != nil {
				return err
			}
			return p.watchEvents(c.Context(), users, duration)
		},
	}
	c.Flags().DurationVar(&duration, "for", 0, "end after `DURATION`")
	return c
}

// watchEvents prints events until ctx or duration ends.
func (p *program) watchEvents(ctx context.Context, users []string, duration time.Duration) error {
	events := newQueue()
	printed := make(chan struct{})
	go func() { // ends when the queue is closed
		defer close(printed)
		told := map[session.WatcherChanged]bool{}
		for e := range events.all() {
			if w, is := e.(session.WatcherChanged); !is || fresh(told, w) {
				p.event(e)
			}
		}
	}()
	defer func() { events.close(); <-printed }()
	return p.signedIn(ctx, events.put, func(ctx context.Context, s *session.Session) error {
		if err := s.Presence.Watch(ctx, users...); err != nil {
			return err
		}
		if len(users) == 0 { // the whole list, with the groups of the org chart
			if _, err := s.Contacts.Loaded(ctx); err != nil && ctx.Err() == nil {
				return err
			}
		}
		if duration > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, duration)
			defer cancel()
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
		p.presenceEvent(e)
	case session.ContactsChanged:
		for _, g := range e.List.Groups {
			for _, c := range g.Members {
				p.print("contact", c.User, g.Name, map[string]any{"user": uri(c.User), "name": c.Name, "group": g.Name})
			}
		}
	case session.WatcherChanged:
		p.print("watcher", e.User, e.Status, map[string]any{"user": uri(e.User), "name": e.Name, "status": e.Status})
	case im.Received:
		m := e.Message
		p.print("message", m.From, m.Text, map[string]any{"from": uri(m.From), "text": m.Text, "id": m.ID,
			"sent": stamp(m.Time), "stored": m.Stored})
	case im.DeliveryChanged:
		d := e.Delivery
		p.print("delivery", d.To, string(d.State), map[string]any{"to": uri(d.To), "id": d.ID, "state": d.State,
			"code": d.Code, "reason": d.Reason, "ms": milliseconds(d.Took)})
	}
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

// presenceEvent prints a state. What was true once and is not known to be so
// now is unknown, and old.
func (p *program) presenceEvent(e session.PresenceChanged) {
	s := e.State
	words := s.Words(time.Now())
	if s.Note != "" {
		words += "  “" + s.Note + "”"
	}
	fields := map[string]any{"user": uri(e.User), "availability": s.Availability, "activity": s.Activity, "note": s.Note,
		"until": stamp(s.Until), "since": stamp(s.Since), "old": s.Old || s.Availability == presence.Unknown}
	if s.Old {
		fields["availability"], fields["activity"], fields["until"], fields["since"] = presence.Unknown, presence.NoActivity, nil, nil
	}
	p.print("presence", e.User, words, fields)
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
