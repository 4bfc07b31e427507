//go:build cgo || !darwin

package ui

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"communicator/lab"
	"communicator/session"
	"communicator/ui/idle"
	"communicator/ui/theme"
	"communicator/ui/view"
	"communicator/ui/widgets"
)

// desk is one user in front of the windows, with a lab behind them. Everything
// happens in a bubble of fake time.
type desk struct {
	*App
	t       *testing.T
	company *lab.Company
	who     lab.Person
	dir     string // of the profile
	idle    func(idle.State)

	mu    sync.Mutex
	queue []func()
}

// atDesk runs a test at a desk. With an empty user nobody is signed in yet.
func atDesk(t *testing.T, signIn bool, body func(t *testing.T, d *desk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		company, err := lab.New(lab.Options{People: 40, Still: true})
		if err != nil {
			t.Fatal(err)
		}
		defer company.Close()
		d := &desk{t: t, company: company, who: company.Newcomer(), dir: t.TempDir()}
		user := ""
		if signIn {
			user = d.who.User
		}
		d.App, err = New(Options{App: test.NewTempApp(t), Post: d.post, Door: d.enter, User: user, Mode: theme.Light, TryLab: d.tryLab, Idle: d.watch})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		d.Show()
		d.settle()
		if signIn && !d.SignedIn() {
			t.Fatalf("not signed in: %+v", d.state)
		}
		body(t, d)
	})
}

func (d *desk) enter(a Account, ask func() (string, error), notify func(any)) (*session.Session, error) {
	return session.New(session.Options{
		User: a.User, Server: a.Server, Password: func() (string, error) {
			if a.User == d.who.User {
				return d.who.Password, nil
			}
			return ask()
		},
		Resolver: d.company.Resolver(), Roots: d.company.Roots(), Dial: d.company.Dial, Dir: d.dir, Notify: notify,
	}), nil
}

func (d *desk) tryLab(context.Context) (string, Door, error) { return d.who.User, d.enter, nil }

// watch is the computer that notices whether somebody is there.
func (d *desk) watch(_ context.Context, tell func(idle.State)) { d.idle = tell }

func (d *desk) post(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.queue = append(d.queue, f)
}

// settle waits until nothing happens any more.
func (d *desk) settle() {
	for {
		synctest.Wait()
		d.mu.Lock()
		queue := d.queue
		d.queue = nil
		d.mu.Unlock()
		if len(queue) == 0 {
			return
		}
		for _, f := range queue {
			f()
		}
	}
}

// wait lets time pass.
func (d *desk) wait(span time.Duration) {
	for end := time.Now().Add(span); time.Now().Before(end); {
		time.Sleep(min(time.Second, time.Until(end)))
		d.settle()
	}
}

// lab obeys a command and must not refuse it.
func (d *desk) lab(line string) string {
	d.t.Helper()
	answer := d.company.Do(line)
	if strings.Contains(answer, `"error"`) {
		d.t.Fatalf("%s: %s", line, answer)
	}
	return answer
}

// inbox is what reached somebody's client.
func (d *desk) inbox(user string) []string {
	d.t.Helper()
	var box struct{ Messages []struct{ Text string } }
	if err := json.Unmarshal([]byte(d.lab("inbox "+user)), &box); err != nil {
		d.t.Fatal(err)
	}
	var texts []string
	for _, m := range box.Messages {
		texts = append(texts, m.Text)
	}
	return texts
}

// report is the first direct report who is signed in.
func (d *desk) report() view.Row {
	d.t.Helper()
	for _, r := range d.main.people.Rows() {
		if r.Group == "My direct reports" && r.Kind == view.PersonRow && r.Face != "offline" {
			return r
		}
	}
	d.t.Fatal("nobody of the direct reports is there")
	return view.Row{}
}

// row finds a row of the list.
func (d *desk) row(kind view.Kind, name string) view.Row {
	d.t.Helper()
	for _, r := range d.main.people.Rows() {
		if r.Kind == kind && (r.Name == name || kind == view.GroupRow && r.Group == name) {
			return r
		}
	}
	d.t.Fatalf("no row %q in %+v", name, d.main.people.Rows())
	return view.Row{}
}

// talk is the conversation that shows.
func (d *desk) talk() *talkPage {
	d.t.Helper()
	i := d.talks.at(d.talks.current)
	if i < 0 {
		d.t.Fatal("no conversation shows")
	}
	p, is := d.talks.pages[i].(*talkPage)
	if !is {
		d.t.Fatalf("%q is not a conversation", d.talks.current)
	}
	return p
}

// press presses a key where the focus is.
func press(w fyne.Window, name fyne.KeyName) {
	w.Canvas().Focused().TypedKey(&fyne.KeyEvent{Name: name})
}

// walk calls f for every object that shows.
func walk(o fyne.CanvasObject, f func(fyne.CanvasObject)) {
	if !o.Visible() {
		return
	}
	f(o)
	switch o := o.(type) {
	case *fyne.Container:
		for _, c := range o.Objects {
			walk(c, f)
		}
	case fyne.Widget:
		for _, c := range test.WidgetRenderer(o).Objects() {
			walk(c, f)
		}
	}
}

// showing is what a window shows: its content, and what lies over it.
func showing(w fyne.Window, f func(fyne.CanvasObject)) {
	walk(w.Canvas().Content(), f)
	for _, o := range w.Canvas().Overlays().List() {
		walk(o, f)
	}
}

// button finds a button that shows by its words.
func button(t *testing.T, w fyne.Window, words string) *widgets.Button {
	t.Helper()
	var found *widgets.Button
	showing(w, func(o fyne.CanvasObject) {
		if b, is := o.(*widgets.Button); is && b.Text == words {
			found = b
		}
	})
	if found == nil {
		t.Fatalf("there is no button %q", words)
	}
	return found
}

// texts are all words in a window.
func texts(w fyne.Window) string {
	var b strings.Builder
	showing(w, func(o fyne.CanvasObject) {
		switch o := o.(type) {
		case *widgets.Text:
			b.WriteString(o.Text + "\n")
		case *widgets.Button:
			b.WriteString(o.Text + "\n")
		case interface{ String() string }:
			b.WriteString(o.String() + "\n")
		}
	})
	return b.String()
}
