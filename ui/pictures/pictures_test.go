//go:build cgo || !darwin

package pictures

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"communicator/lab"
	"communicator/session"
	"communicator/ui"
)

// The windows as they are, of a real session signed in to the lab.
func TestDraw(t *testing.T) {
	company, err := lab.New(lab.Options{People: 60, Still: true})
	if err != nil {
		t.Fatal(err)
	}
	defer company.Close()
	who := company.Newcomer()
	dir := t.TempDir()
	if keep := os.Getenv("PICTURES"); keep != "" {
		dir = keep
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	files, err := Draw(ctx, Options{
		Dir: dir, User: who.User, Say: "Do you have the numbers for Lyon?", All: "The office closes at 16:00 today.",
		Hear: func(from string) error {
			if answer := company.Do("say " + from + " " + who.User + " Yes. Sending them now."); strings.Contains(answer, `"error"`) {
				return errors.New(answer)
			}
			return nil
		},
		Door: func(a ui.Account, _ func() (string, error), notify func(any)) (*session.Session, error) {
			return session.New(session.Options{
				User: a.User, Password: func() (string, error) { return who.Password, nil },
				Resolver: company.Resolver(), Roots: company.Roots(), Dial: company.Dial, Notify: notify,
			}), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 10 {
		t.Errorf("drew %v", files)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Size() < 5000 {
			t.Errorf("%s: %v, %v", f, info, err)
		}
	}
}
