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
	files, err := pictures.Draw(ctx, pictures.Options{
		Dir: t.pictures, User: t.anna.who.User,
		Door: func(_ ui.Account, _ func() (string, error), notify func(any)) (*session.Session, error) {
			o := labOptions(t.company, t.anna.who)
			o.Notify = notify
			return session.New(o), nil
		},
		Say: "Do you have the numbers for Lyon?", All: "The office closes at 16:00 today.",
		Hear: func(from string) error {
			if answer := t.company.Do("say " + from + " " + t.anna.who.User + " Yes. Sending them now."); strings.Contains(answer, `"error"`) {
				return errors.New(answer)
			}
			return nil
		},
	})
	if err != nil {
		return err
	}
	for _, f := range files {
		t.seen("%s", f)
	}
	return nil
}
