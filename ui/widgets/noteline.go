//go:build cgo || !darwin

package widgets

import (
	"unicode/utf8"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"

	"communicator/ui/theme"
)

// NoteLine shows one's note; a click or Return makes it editable. Then Return
// saves and Escape restores; leaving the field saves nothing.
type NoteLine struct {
	widget.BaseWidget
	OnSave func(note string)
	Focus  func(fyne.Focusable) // of the window it is in

	note, hint string
	aside      string // at the right: when the note clears
	entry      *Entry
	box        *fyne.Container // the entry while editing
	editing    bool
	focused    bool
	hovered    bool
}

var (
	_ fyne.Tappable     = (*NoteLine)(nil)
	_ fyne.Focusable    = (*NoteLine)(nil)
	_ desktop.Hoverable = (*NoteLine)(nil)
	_ fyne.Accessible   = (*NoteLine)(nil)
)

// NewNoteLine makes a line; hint stands where there is no note, limit is the
// longest note in characters.
func NewNoteLine(hint string, limit int, save func(note string)) *NoteLine {
	n := &NoteLine{hint: hint, OnSave: save, entry: NewEntry(hint)}
	n.entry.OnReturn = func() {
		text := n.entry.Text
		n.stop()
		n.OnSave(text)
	}
	n.entry.OnEscape = n.stop
	n.entry.OnFocus = func(on bool) {
		if !on && n.editing {
			n.editing = false
			n.Refresh()
		}
	}
	n.entry.OnChanged = func(text string) {
		if utf8.RuneCountInString(text) > limit {
			n.entry.SetText(string([]rune(text)[:limit]))
		}
	}
	n.box = container.NewStack(n.entry)
	n.ExtendBaseWidget(n)
	return n
}

// Set shows another note, and aside at its right; one that is being edited
// stays as it is.
func (n *NoteLine) Set(note, aside string) {
	if note != n.note || aside != n.aside {
		n.note, n.aside = note, aside
		n.Refresh()
	}
}

// Edit begins editing.
func (n *NoteLine) Edit() {
	n.editing = true
	n.entry.SetText(n.note)
	n.entry.CursorColumn = utf8.RuneCountInString(n.note)
	n.Refresh()
	n.Focus(n.entry)
}

func (n *NoteLine) stop() {
	n.editing = false
	n.Refresh()
	n.Focus(n)
}

// Entry is the field in which the note is edited.
func (n *NoteLine) Entry() *Entry { return n.entry }

// Tapped implements fyne.Tappable.
func (n *NoteLine) Tapped(*fyne.PointEvent) { n.Edit() }

// FocusGained implements fyne.Focusable.
func (n *NoteLine) FocusGained() { n.focused = true; n.Refresh() }

// FocusLost implements fyne.Focusable.
func (n *NoteLine) FocusLost() { n.focused = false; n.Refresh() }

// TypedRune implements fyne.Focusable.
func (n *NoteLine) TypedRune(rune) {}

// TypedKey implements fyne.Focusable.
func (n *NoteLine) TypedKey(e *fyne.KeyEvent) {
	if e.Name == fyne.KeyReturn || e.Name == fyne.KeyEnter || e.Name == fyne.KeySpace {
		n.Edit()
	}
}

// MouseIn implements desktop.Hoverable.
func (n *NoteLine) MouseIn(*desktop.MouseEvent) { n.hovered = true; n.Refresh() }

// MouseMoved implements desktop.Hoverable.
func (n *NoteLine) MouseMoved(*desktop.MouseEvent) {}

// MouseOut implements desktop.Hoverable.
func (n *NoteLine) MouseOut() { n.hovered = false; n.Refresh() }

// AccessibilityLabel implements fyne.Accessible.
func (n *NoteLine) AccessibilityLabel() string { return n.hint + ": " + n.note }

// AccessibilityRole implements fyne.Accessible.
func (n *NoteLine) AccessibilityRole() fyne.AccessibleRole { return fyne.AccessibleRoleButton }

// CreateRenderer implements fyne.Widget.
func (n *NoteLine) CreateRenderer() fyne.WidgetRenderer {
	veil := canvas.NewRectangle(nil)
	pencil := canvas.NewImageFromResource(nil)
	line, aside := NewText("", theme.Body, "").Short(), NewText("", theme.Caption, theme.Secondary)
	d := &drawing{objects: []fyne.CanvasObject{veil, pencil, line, aside, n.box}, widget: n}
	d.min = func() fyne.Size { return fyne.NewSize(theme.Px(60), theme.Px(25)) }
	d.layout = func(size fyne.Size) {
		put(veil, -theme.Px(2), 0, size.Width+theme.Px(4), size.Height)
		s, h := theme.S(theme.IconSmall), line.MinSize().Height
		put(pencil, theme.Px(1), (size.Height-s)/2, s, s)
		x := s + theme.Px(6)
		right := aside.MinSize()
		put(aside, size.Width-right.Width, (size.Height-right.Height)/2, right.Width, right.Height)
		put(line, x, (size.Height-h)/2, max(size.Width-x-right.Width-theme.Px(8), 0), h)
		put(n.box, 0, -theme.Px(3), size.Width, n.entry.MinSize().Height)
	}
	d.refresh = func() {
		pencil.Resource = theme.Tinted("ui-pencil", theme.Secondary)
		pencil.Refresh()
		line.Text, line.Color = n.note, theme.Foreground
		if n.note == "" {
			line.Text, line.Color = n.hint, theme.Placeholder
		}
		line.Refresh()
		aside.Set(n.aside)
		veil.FillColor, veil.StrokeColor, veil.StrokeWidth = nil, nil, 0
		veil.CornerRadius = theme.S(theme.Radius)
		if n.hovered {
			veil.FillColor = theme.C(theme.Hover)
		}
		if n.focused {
			veil.StrokeColor, veil.StrokeWidth = theme.C(theme.Primary), 2
		}
		show(line, !n.editing)
		show(aside, !n.editing)
		show(pencil, !n.editing)
		show(veil, !n.editing)
		show(n.box, n.editing)
	}
	d.refresh()
	return d
}
