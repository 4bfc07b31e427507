//go:build cgo || !darwin

package widgets

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	fynetheme "fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"communicator/ui/theme"
)

// Style of a Button.
type Style int

const (
	Plain   Style = iota
	Filled        // the one that Return presses, or that a form is for
	Outline       // a frame instead of a fill
	Quiet         // neither, until the pointer is over it
	Link          // underlined text
)

// Button is a push button whose focus can be seen: a line of two units around
// it. Space and Return press it.
type Button struct {
	widget.BaseWidget
	Text     string
	Icon     string // name of an interface icon; empty: none
	Style    Style
	Small    bool // inside rows
	Arrow    bool // it opens a menu
	OnTapped func()
	OnHover  func(over bool) // also while it is over the button; may be nil
	OnEscape func()          // Escape while it has the focus; may be nil

	disabled, hovered, focused bool
}

var (
	_ fyne.Focusable    = (*Button)(nil)
	_ fyne.Tappable     = (*Button)(nil)
	_ fyne.Accessible   = (*Button)(nil)
	_ desktop.Hoverable = (*Button)(nil)
)

// NewButton makes a button.
func NewButton(text, icon string, style Style, tapped func()) *Button {
	b := &Button{Text: text, Icon: icon, Style: style, OnTapped: tapped}
	b.ExtendBaseWidget(b)
	return b
}

// NewSmallButton makes a button for inside rows.
func NewSmallButton(text, icon string, tapped func()) *Button {
	b := NewButton(text, icon, Plain, tapped)
	b.Small = true
	return b
}

// SetText changes the words.
func (b *Button) SetText(text string) {
	if text != b.Text {
		b.Text = text
		b.Refresh()
	}
}

// Enable makes the button pressable or not.
func (b *Button) Enable(on bool) {
	if b.disabled == on {
		b.disabled = !on
		b.Refresh()
	}
}

// Enabled says whether it can be pressed.
func (b *Button) Enabled() bool { return !b.disabled }

// Tapped implements fyne.Tappable.
func (b *Button) Tapped(*fyne.PointEvent) {
	if !b.disabled && b.OnTapped != nil {
		b.OnTapped()
	}
}

// FocusGained implements fyne.Focusable.
func (b *Button) FocusGained() { b.focused = true; b.Refresh() }

// FocusLost implements fyne.Focusable.
func (b *Button) FocusLost() { b.focused = false; b.Refresh() }

// TypedRune implements fyne.Focusable.
func (b *Button) TypedRune(rune) {}

// TypedKey implements fyne.Focusable.
func (b *Button) TypedKey(e *fyne.KeyEvent) {
	if e.Name == fyne.KeySpace || e.Name == fyne.KeyReturn || e.Name == fyne.KeyEnter {
		b.Tapped(nil)
	}
	if e.Name == fyne.KeyEscape && b.OnEscape != nil {
		b.OnEscape()
	}
}

// MouseIn implements desktop.Hoverable.
func (b *Button) MouseIn(*desktop.MouseEvent) { b.over(true) }

// MouseMoved implements desktop.Hoverable.
func (b *Button) MouseMoved(*desktop.MouseEvent) {}

// MouseOut implements desktop.Hoverable.
func (b *Button) MouseOut() { b.over(false) }

func (b *Button) over(over bool) {
	b.hovered = over
	if b.OnHover != nil {
		b.OnHover(over)
	}
	b.Refresh()
}

// AccessibilityLabel implements fyne.Accessible.
func (b *Button) AccessibilityLabel() string { return b.Text }

// AccessibilityRole implements fyne.Accessible.
func (b *Button) AccessibilityRole() fyne.AccessibleRole { return fyne.AccessibleRoleButton }

// colors are the fill, the text and the frame, each empty for none.
func (b *Button) colors() (fill, text, line fyne.ThemeColorName) {
	fill, text = theme.ButtonFill, theme.Foreground
	switch b.Style {
	case Filled:
		fill, text = theme.Primary, theme.OnPrimary
	case Outline:
		fill, line = "", theme.InputBorder
	case Quiet:
		fill = ""
	case Link:
		fill, text = "", theme.LinkColor
	}
	if b.disabled {
		text = theme.Placeholder
		if b.Style == Filled {
			fill = theme.ButtonFill
		}
	}
	return fill, text, line
}

// form are the sizes of the two kinds of button.
type form struct {
	height, icon, text fyne.ThemeSizeName
	side, gap          float32
}

func (b *Button) form() form {
	if b.Small {
		return form{theme.SmallControl, theme.IconSmall, theme.Caption, 8, 6}
	}
	return form{theme.Control, theme.IconRow, theme.Body, 12, 6}
}

// CreateRenderer implements fyne.Widget.
func (b *Button) CreateRenderer() fyne.WidgetRenderer {
	back, veil, focus := canvas.NewRectangle(nil), canvas.NewRectangle(nil), canvas.NewRectangle(nil)
	under := canvas.NewRectangle(nil)
	icon, arrow := canvas.NewImageFromResource(nil), canvas.NewImageFromResource(nil)
	label := canvas.NewText("", nil)
	d := &drawing{objects: []fyne.CanvasObject{back, veil, icon, label, under, arrow, focus}, widget: b}
	d.min = b.min
	d.layout = func(size fyne.Size) {
		f := b.form()
		put(back, 0, 0, size.Width, size.Height)
		put(veil, 0, 0, size.Width, size.Height)
		put(focus, -theme.Px(2), -theme.Px(2), size.Width+theme.Px(4), size.Height+theme.Px(4))
		x := (size.Width - b.min().Width) / 2
		if b.Style != Link {
			x += theme.Px(b.side())
		}
		if b.Icon != "" {
			s := theme.S(f.icon)
			put(icon, x, (size.Height-s)/2, s, s)
			x += s + theme.Px(f.gap)
		}
		words := label.MinSize()
		put(label, x, (size.Height-words.Height)/2, words.Width, words.Height)
		put(under, x, (size.Height+words.Height)/2-theme.Px(2), words.Width, 1)
		s := theme.S(theme.IconRow)
		put(arrow, size.Width-theme.Px(12)-s, (size.Height-s)/2, s, s)
	}
	d.refresh = func() { b.paint(back, veil, focus, under, label, icon, arrow) }
	d.refresh()
	return d
}

func (b *Button) paint(back, veil, focus, under *canvas.Rectangle, label *canvas.Text, icon, arrow *canvas.Image) {
	fill, text, line := b.colors()
	back.FillColor, back.StrokeColor, back.StrokeWidth, back.CornerRadius = nil, nil, 0, theme.S(theme.Radius)
	if fill != "" {
		back.FillColor = theme.C(fill)
	}
	if line != "" {
		back.StrokeColor, back.StrokeWidth = theme.C(line), 1
	}
	veil.CornerRadius, veil.FillColor = back.CornerRadius, theme.C(theme.Hover)
	show(veil, b.hovered && !b.disabled && b.Style != Link)
	focus.FillColor, focus.StrokeColor = nil, theme.C(theme.Primary)
	focus.StrokeWidth, focus.CornerRadius = 2, theme.S(theme.Radius)+theme.Px(2)
	show(focus, b.focused)
	under.FillColor = theme.C(text)
	show(under, b.Style == Link)
	label.Text, label.TextSize, label.Color = b.Text, theme.S(b.form().text), theme.C(text)
	if b.Icon != "" {
		icon.Resource = theme.Tinted(b.Icon, text)
		icon.Refresh()
	}
	show(icon, b.Icon != "")
	if b.Arrow {
		arrow.Resource = theme.Tinted("ui-menu", text)
		arrow.Refresh()
	}
	show(arrow, b.Arrow)
}

// side is the room left and right of the content; a bare icon needs less.
func (b *Button) side() float32 {
	if b.Text == "" {
		return 5
	}
	return b.form().side
}

func (b *Button) min() fyne.Size {
	f := b.form()
	size := fyne.NewSize(theme.Px(2*b.side()), theme.S(f.height))
	if b.Style == Link {
		size.Width = 0
	}
	if b.Text != "" {
		size.Width += fyne.MeasureText(b.Text, theme.S(f.text), fyne.TextStyle{}).Width
	}
	if b.Icon != "" {
		size.Width += theme.S(f.icon)
		if b.Text != "" {
			size.Width += theme.Px(f.gap)
		}
	}
	if b.Arrow {
		size.Width += theme.S(theme.IconRow) + theme.Px(8)
	}
	return size
}

// Below shows a menu under an object.
func Below(o fyne.CanvasObject, menu *fyne.Menu) {
	c := fyne.CurrentApp().Driver().CanvasForObject(o)
	at := fyne.CurrentApp().Driver().AbsolutePositionForObject(o)
	widget.ShowPopUpMenuAtPosition(menu, c, at.AddXY(0, o.Size().Height+fynetheme.Padding()))
}
