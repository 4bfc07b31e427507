//go:build cgo || !darwin

// Package pictures draws the windows into PNG files without a display: the
// same code as in the program, on Fyne's test driver, signed in with a real
// session. It is what `communicator demo` leaves behind where there is no
// display, and where README's pictures come from.
//
// The driver draws no menu bar; Draw puts the titles of the window's own menu
// where the program has it. Begin with Draw.
package pictures

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/software"
	"fyne.io/fyne/v2/test"

	"communicator/contacts"
	"communicator/im"
	"communicator/ui"
	"communicator/ui/theme"
	"communicator/ui/widgets"
)

// Options of Draw.
type Options struct {
	Dir   string                  // made if need be; receives the pictures
	User  string                  // who signs in
	Door  ui.Door                 // how
	Say   string                  // a message to the first direct report; empty: none is sent
	Hear  func(from string) error // makes that person answer it; nil: no answer
	All   string                  // a message to all direct reports; empty: none is sent
	Fail  func(user string) error // lets the next message to that person fail; nil: none does
	Type  func(from string)       // makes that person begin to write; nil: nobody does
	Knock func() error            // makes somebody unknown write; nil: nobody does
}

// Draw signs in, looks at every window and writes a picture of each, light and
// dark. It returns their file names.
func Draw(ctx context.Context, o Options) ([]string, error) {
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, err
	}
	s := &studio{Options: o, wake: make(chan struct{}, 1)}
	s.app = test.NewApp()
	defer s.app.Quit()
	var err error
	s.ui, err = ui.New(ui.Options{App: s.app, Post: s.post, Door: o.Door, User: o.User, Mode: theme.Light})
	if err != nil {
		return nil, err
	}
	defer s.ui.Close()
	s.ui.Show()
	return s.files, s.tour(ctx)
}

// studio is one run of Draw.
type studio struct {
	Options
	app   fyne.App
	ui    *ui.App
	files []string

	mu    sync.Mutex
	queue []func()
	wake  chan struct{}
}

// post is the windows' way to this goroutine.
func (s *studio) post(f func()) {
	s.mu.Lock()
	s.queue = append(s.queue, f)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// drain runs what was posted.
func (s *studio) drain() {
	for {
		s.mu.Lock()
		queue := s.queue
		s.queue = nil
		s.mu.Unlock()
		if len(queue) == 0 {
			return
		}
		for _, f := range queue {
			f()
		}
	}
}

// until waits for a condition; what it waits for names it in the error.
func (s *studio) until(ctx context.Context, what string, true func() bool) error {
	for {
		s.drain()
		if true() {
			return nil
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return fmt.Errorf("the window did not show %s: %w", what, context.Cause(ctx))
		}
	}
}

// tour looks at every window in turn.
func (s *studio) tour(ctx context.Context) error {
	if err := s.until(ctx, "the contact list", s.ui.SignedIn); err != nil {
		return err
	}
	if err := s.known(ctx); err != nil {
		return err
	}
	for _, g := range s.ui.Session().Contacts.List().Groups {
		s.ui.Fold(g.Name, g.Name != "My manager" && g.Name != "My direct reports")
	}
	reports, ok := s.ui.Session().Contacts.List().Group("My direct reports")
	if !ok || len(reports.Members) == 0 {
		return errors.Join(s.both("main", s.ui.Window, true), errors.New("nobody reports to the user; the other pictures need somebody"))
	}
	if err := s.both("main", s.ui.Window, true); err != nil {
		return err
	}
	if err := s.find(ctx, reports.Members[0]); err != nil {
		return err
	}
	if err := s.card(ctx, reports.Members[0].User); err != nil {
		return err
	}
	if err := s.conversation(ctx, reports.Members[0].User); err != nil {
		return err
	}
	if err := s.group(ctx, reports.Members); err != nil {
		return err
	}
	return s.requests(ctx)
}

// known waits until every contact's state has been heard.
func (s *studio) known(ctx context.Context) error {
	var result error
	done := false
	board := s.ui.Session().Presence
	go func() { // ends with ctx
		err := board.Known(ctx)
		s.post(func() { result, done = err, true })
	}()
	return errors.Join(s.until(ctx, "everybody's state", func() bool { return done }), result)
}

func (s *studio) find(ctx context.Context, who contacts.Contact) error {
	_, last, _ := strings.Cut(who.Name, " ")
	s.ui.Find(last[:min(3, len(last))])
	err := s.until(ctx, "what was found", s.ui.Idle)
	err = errors.Join(err, s.shoot("find", s.ui.Window(), true))
	s.ui.Find("")
	return err
}

func (s *studio) card(ctx context.Context, user string) error {
	s.ui.OpenCard(user)
	err := s.until(ctx, "the contact card", s.ui.Idle)
	err = errors.Join(err, s.shoot("card", s.ui.Window(), true))
	s.ui.CloseCard()
	return err
}

func (s *studio) conversation(ctx context.Context, user string) error {
	s.ui.OpenConversation(user)
	talk := s.ui.Session().IM.With(user)
	if s.Say != "" {
		if _, err := talk.Send(ctx, s.Say); err != nil {
			return err
		}
	}
	for _, m := range talk.Messages() {
		for _, d := range m.Delivered {
			if d.State == im.Sending {
				return fmt.Errorf("the message to %s is still on its way", user)
			}
		}
	}
	if s.Hear != nil {
		if err := s.Hear(user); err != nil {
			return err
		}
		err := s.until(ctx, "the answer", func() bool {
			return slices.ContainsFunc(talk.Messages(), func(m im.Message) bool { return m.From == user })
		})
		if err != nil {
			return err
		}
	}
	if s.Type != nil {
		s.Type(user)
		if err := s.until(ctx, "somebody typing", func() bool { return s.ui.SeesTyping(user) }); err != nil {
			return err
		}
	}
	s.drain()
	return s.both("conversation", s.ui.Conversations, false)
}

func (s *studio) group(ctx context.Context, members []contacts.Contact) error {
	s.ui.OpenGroup("My direct reports", s.All)
	if err := s.both("group", s.ui.Conversations, false); err != nil || s.All == "" {
		return err
	}
	if s.Fail != nil {
		if err := s.Fail(members[min(1, len(members)-1)].User); err != nil {
			return err
		}
	}
	s.ui.SendGroup()
	err := s.until(ctx, "the result of the group message", s.ui.Idle)
	return errors.Join(err, s.both("group-sent", s.ui.Conversations, false))
}

// requests shows the box of what strangers write.
func (s *studio) requests(ctx context.Context) error {
	if s.Knock == nil {
		return nil
	}
	if err := s.Knock(); err != nil {
		return err
	}
	if err := s.until(ctx, "the request", func() bool { return len(s.ui.Session().Requests.List()) > 0 }); err != nil {
		return err
	}
	s.ui.OpenRequests()
	return s.both("requests", s.ui.Conversations, false)
}

// both draws a window in light and in dark.
func (s *studio) both(name string, w func() fyne.Window, menu bool) error {
	if err := s.shoot(name, w(), menu); err != nil {
		return err
	}
	s.ui.SetLook(theme.Dark, 100)
	s.drain()
	err := s.shoot(name+"-dark", w(), menu)
	s.ui.SetLook(theme.Light, 100)
	return err
}

// shoot writes one picture.
func (s *studio) shoot(name string, w fyne.Window, menu bool) error {
	s.drain()
	img := w.Canvas().Capture()
	if menu {
		img = under(menuBar(w), img)
	}
	file := filepath.Join(s.Dir, name+".png")
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := errors.Join(png.Encode(out, img), out.Close()); err != nil {
		return err
	}
	s.files = append(s.files, file)
	return nil
}

// menuBar draws the titles of a window's menu.
func menuBar(w fyne.Window) image.Image {
	titles := widgets.Row(14, -1)
	for _, m := range w.MainMenu().Items {
		titles.Add(widgets.NewText(m.Label, theme.Body, ""))
	}
	c := software.NewCanvas()
	c.SetPadded(false)
	c.SetContent(container.NewStack(canvas.NewRectangle(theme.C(theme.Chrome)), widgets.Inset(5, 14, 5, 14, titles)))
	c.Resize(fyne.NewSize(w.Canvas().Size().Width, theme.S(theme.MenuBar)))
	return c.Capture()
}

// under puts one picture below another.
func under(top, bottom image.Image) image.Image {
	h := top.Bounds().Dy()
	all := image.NewNRGBA(image.Rect(0, 0, bottom.Bounds().Dx(), h+bottom.Bounds().Dy()))
	draw.Draw(all, top.Bounds(), top, image.Point{}, draw.Src)
	draw.Draw(all, bottom.Bounds().Add(image.Pt(0, h)), bottom, image.Point{}, draw.Src)
	return all
}
