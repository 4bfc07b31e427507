//go:build cgo || !darwin

package ui

import (
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"communicator/im"
	"communicator/ui/view"
)

func TestMessageToAGroup(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.wait(time.Second)
		header := d.row(view.GroupRow, "My direct reports")
		menu := d.main.groupMenu(header)
		if menu.Items[0].Label != "Send an instant message to all…" {
			t.Fatalf("the first item is %q", menu.Items[0].Label)
		}
		menu.Items[0].Action()
		p := d.talks.pages[0].(*groupPage)
		plan := texts(d.talks.window)
		for _, want := range []string{"To: My direct reports", "5 people", "gets it at next sign-in", "Send to 5 people", "Everybody gets a private copy"} {
			if !strings.Contains(plan, want) {
				t.Errorf("%q is missing in:\n%s", want, plan)
			}
		}
		test.Type(p.entry, "The office closes at 16:00 today.")
		test.Tap(button(t, d.talks.window, "Send to 5 people"))
		d.wait(time.Second)
		if p.send.Running() || p.send.Count(im.Delivered) == 0 || p.send.Count(im.Accepted) == 0 || p.send.Count(im.Failed) != 0 {
			t.Errorf("result: %s", p.send.Summary())
		}
		for _, r := range p.send.People(d.of) {
			if r.State == im.Delivered && !slices.Contains(d.inbox(r.User), "The office closes at 16:00 today.") {
				t.Errorf("%s shows as delivered, but has nothing", r.Name)
			}
		}
		result := texts(d.talks.window)
		if !strings.Contains(result, "Sent to 5 people") || strings.Contains(result, "failed") {
			t.Errorf("got:\n%s", result)
		}
		test.Tap(button(t, d.talks.window, "Copy report"))
		if report := d.o.App.Clipboard().Content(); strings.Count(report, "\n") != 6 || !strings.HasPrefix(report, "to\tname\tstate") {
			t.Errorf("the report is %q", report)
		}
	})
}

func TestMessageToManyAsksFirst(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.wait(time.Second)
		g := d.list.Groups[0]
		for i := range 60 {
			g.Members = append(g.Members, g.Members[0])
			g.Members[len(g.Members)-1].User = strings.Repeat("x", i+1) + "@contoso.test"
		}
		d.talks.openGroup(g)
		p := d.talks.pages[0].(*groupPage)
		test.Type(p.entry, "Hello")
		p.submit()
		if p.started {
			t.Error("a message to 61 people goes out without a question")
		}
		asked := ""
		for _, o := range d.talks.window.Canvas().Overlays().List() {
			walk(o, func(o fyne.CanvasObject) {
				if l, is := o.(*widget.Label); is {
					asked += l.Text
				}
			})
		}
		if !strings.Contains(asked, "61 people will get this message") {
			t.Errorf("it asks %q", asked)
		}
	})
}

// Who could not take it is shown first, with a button that tries again: the same
// message, which arrives once.
func TestFailuresComeFirstAndCanBeTriedAgain(t *testing.T) {
	atDesk(t, true, func(t *testing.T, d *desk) {
		d.wait(time.Second)
		who := d.report()
		d.lab("client " + who.User + " refusing 486")
		d.OpenGroup("My direct reports", "The office closes at 16:00 today.")
		d.SendGroup()
		d.wait(time.Second)
		shown := texts(d.talks.window)
		if failed, rest := strings.Index(shown, "1 failed"), strings.Index(shown, "Delivered"); failed < 0 || rest < failed || !strings.Contains(shown, "refused, busy (486)") {
			t.Fatalf("the window shows\n%s", shown)
		}
		d.lab("client " + who.User + " normal")
		test.Tap(button(t, d.talks.window, "Try again"))
		d.wait(time.Second)
		if shown := texts(d.talks.window); strings.Contains(shown, "failed") {
			t.Errorf("tried again, and the window shows\n%s", shown)
		}
		if got := d.inbox(who.User); !slices.Equal(got, []string{"The office closes at 16:00 today."}) {
			t.Errorf("the other side has %q", got)
		}
	})
}
