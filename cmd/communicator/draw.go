package main

import (
	"context"
	"path/filepath"

	"communicator/session"
	"communicator/ui/pictures"
)

// draw writes pictures of the windows: the window's own code, signed in to the
// lab, on a canvas instead of a display.
func (t *tour) draw(ctx context.Context) error {
	t.step("Draw the windows, as a display would show them")
	who := t.company.Newcomer()
	files, err := pictures.Draw(ctx, pictures.Options{
		Dir: t.pictures, User: who.User,
		Door: func(_ string, _ func() (string, error), notify func(any)) (*session.Session, error) {
			o := labOptions(t.company, who)
			o.Name, o.Notify = who.Name, notify
			return session.New(o), nil
		},
		Say: "Do you have the numbers for Lyon?", All: "The office closes at 16:00 today.",
	})
	if err != nil {
		return err
	}
	for _, f := range files {
		t.seen("%s", filepath.ToSlash(f))
	}
	return nil
}
