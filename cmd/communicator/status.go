package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"communicator/presence"
	"communicator/session"
	"communicator/ui/view"

	"github.com/spf13/cobra"
)

// statusFlags are what `status` is asked to change.
type statusFlags struct {
	note, until        string
	noteSet, clearNote bool
}

func (p *program) status() *cobra.Command {
	var f statusFlags
	c := &cobra.Command{
		Use:   "status [available|busy|dnd|brb|away|offline|auto]",
		Short: "Show or set my state and note",
		Args:  arguments(0, 1, "at most one state"),
		RunE: func(c *cobra.Command, args []string) error {
			f.noteSet = c.Flags().Changed("note")
			change, err := f.change(args, time.Now())
			if err != nil {
				return err
			}
			return p.signedIn(c.Context(), nil, func(ctx context.Context, s *session.Session) error {
				ctx, cancel := p.deadline(ctx)
				defer cancel()
				if len(args) == 0 && !f.noteSet && !f.clearNote && f.until == "" {
					return p.showStatus(ctx, s)
				}
				return p.setStatus(ctx, s, change)
			})
		},
	}
	c.Flags().StringVar(&f.note, "note", "", "note that others see")
	c.Flags().StringVar(&f.until, "until", "", "end of the state: `TIME` as 15:30, 2026-11-20T15:30 or a duration as 45m")
	c.Flags().BoolVar(&f.clearNote, "clear-note", false, "take the note away")
	return c
}

// change reads arguments and flags into the function that changes a state.
func (f statusFlags) change(args []string, now time.Time) (func(*presence.State), error) {
	var state *presence.Availability
	if len(args) == 1 {
		a, err := presence.ParseAvailability(args[0])
		if err != nil {
			return nil, exit{statusUsage, err}
		}
		state = &a
	}
	var until time.Time
	if f.until != "" {
		var err error
		if until, err = parseTime(f.until, now); err != nil {
			return nil, exit{statusUsage, err}
		}
	}
	if f.clearNote && f.note != "" {
		return nil, usage("--note and --clear-note exclude each other")
	}
	if n := len([]rune(f.note)); n > presence.MaxNote {
		return nil, usage("the note has %d characters; at most %d are allowed", n, presence.MaxNote)
	}
	return func(s *presence.State) {
		if state != nil {
			s.Availability, s.Activity = *state, presence.NoActivity
		}
		if f.noteSet || f.clearNote {
			s.Note = f.note
		}
		if state != nil || f.until != "" {
			s.Until = until
		}
	}, nil
}

// parseTime reads a clock time of today or tomorrow, a date with a time, or a duration from now.
func parseTime(text string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(d), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return t, nil
		}
	}
	if t, err := time.ParseInLocation("15:04", text, now.Location()); err == nil {
		at := time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), 0, 0, now.Location())
		if !at.After(now) {
			at = at.AddDate(0, 0, 1)
		}
		return at, nil
	}
	return time.Time{}, fmt.Errorf("time %q: say 15:30, 2026-11-20T15:30 or a duration as 45m", text)
}

func (p *program) showStatus(ctx context.Context, s *session.Session) error {
	if err := p.ownStatus(ctx, s); err != nil {
		return err
	}
	shown, chosen := s.Presence.Self()
	p.printStatus(shown, chosen, time.Time{})
	return nil
}

// ownStatus asks the server what others see of me.
func (p *program) ownStatus(ctx context.Context, s *session.Session) error {
	me := s.State().User
	if err := s.Presence.Watch(ctx, me); err != nil {
		return because(ctx, fmt.Errorf("ask for my own state: %w", err))
	}
	return because(ctx, s.Presence.Known(ctx, me))
}

func (p *program) setStatus(ctx context.Context, s *session.Session, change func(*presence.State)) error {
	if err := p.ownStatus(ctx, s); err != nil {
		return err
	}
	now := s.Presence.Chosen()
	change(&now)
	kept, err := s.Presence.Set(ctx, now)
	if err != nil {
		return because(ctx, fmt.Errorf("set the state: %w", err))
	}
	shown, chosen := s.Presence.Self()
	p.printStatus(shown, chosen, kept)
	return nil
}

func (p *program) printStatus(s presence.State, chosen string, kept time.Time) {
	if p.flags.json {
		fields := stateFields(s)
		fields["chosen"], fields["kept"] = chosen, stamp(kept)
		p.line(fields)
		return
	}
	now := time.Now()
	words := []string{s.Words(now)}
	if !s.Until.IsZero() && !strings.Contains(words[0], "until") { // not every state's words say it
		words = append(words, "until "+view.Clock(s.Until, now))
	}
	if s.Note != "" {
		words = append(words, quoted(s.Note))
	}
	if s.Source == presence.FromCalendar {
		words = append(words, "from your calendar")
	}
	if free := s.Free(now); free != "" && s.Until.IsZero() {
		words = append(words, free)
	}
	p.say("%s", strings.Join(words, "  "))
	if !kept.IsZero() {
		p.say("The server shows this until %s.", kept.Format("15:04:05, 2 January"))
	}
}
