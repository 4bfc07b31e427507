//go:build (cgo && !nowindow) || pictures

package main

import (
	"context"
	"errors"
	"strings"

	"communicator/session"
	"communicator/ui"
	"communicator/ui/pictures"
)

// draw writes pictures of the windows, drawn by the same code without a display.
func (t *tour) draw(ctx context.Context) error {
	t.step("Draw the windows, as a display would show them")
	refuses := "" // a message to the group
	files, err := pictures.Draw(ctx, pictures.Options{
		Dir: t.pictures, User: t.anna.who.User,
		Door: func(_ ui.Account, _ func() (string, error), notify func(any)) (*session.Session, error) {
			o := labOptions(t.company, t.anna.who)
			o.Notify = notify
			return session.New(o), nil
		},
		Say: "Do you have the numbers for Lyon?", All: "The office closes at 16:00 today.",
		Hear: func(from string) error {
			return t.command("say " + from + " " + t.anna.who.User + " Yes. Sending them now.")
		},
		Type: func(string) { t.bruno.IM.With(t.anna.who.User).Typing(true) },
		Fail: func(user string) error {
			refuses = user
			return t.command("client " + user + " refusing 486")
		},
		Knock: func() error { return t.knock(ctx) },
	})
	if refuses != "" {
		err = errors.Join(err, t.command("client "+refuses+" normal"))
	}
	if err != nil {
		return err
	}
	for _, f := range files {
		t.seen("%s", f)
	}
	return nil
}

// command tells the lab something.
func (t *tour) command(line string) error {
	if answer := t.company.Do(line); strings.Contains(answer, `"error"`) {
		return errors.New(answer)
	}
	return nil
}

// knock lets somebody write whom the directory does not know.
func (t *tour) knock(ctx context.Context) error {
	eve, err := t.enter(ctx, t.company.Administrator())
	if err != nil {
		return err
	}
	defer eve.stop()
	_, err = eve.IM.With(t.anna.who.User).Send(ctx, "Good morning! We met at the fair in Lyon: here is the plan, https://contoso.test/plan")
	return err
}
