//go:build cgo || !darwin

// Package widgets holds what our windows are made of and Fyne does not have:
// the contact list with its rows, message bubbles, tabs with unread badges,
// buttons with a visible focus. They draw what ui/view says and know nothing
// of sessions; all numbers and colours come from ui/theme.
package widgets

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/widget"

	"communicator/ui/theme"
)

// drawing is a widget's renderer, made of functions. layout and refresh may be
// nil; refresh is for colours and texts and is followed by layout.
type drawing struct {
	objects []fyne.CanvasObject
	min     func() fyne.Size
	layout  func(fyne.Size)
	refresh func()
	widget  fyne.CanvasObject
}

func (d *drawing) Destroy()                     {}
func (d *drawing) MinSize() fyne.Size           { return d.min() }
func (d *drawing) Objects() []fyne.CanvasObject { return d.objects }

func (d *drawing) Layout(size fyne.Size) {
	if d.layout != nil {
		d.layout(size)
	}
}

func (d *drawing) Refresh() {
	if d.refresh != nil {
		d.refresh()
	}
	d.Layout(d.widget.Size())
	canvas.Refresh(d.widget)
}

// put moves and resizes an object.
func put(o fyne.CanvasObject, x, y, w, h float32) {
	o.Move(fyne.NewPos(x, y))
	o.Resize(fyne.NewSize(w, h))
}

// show shows or hides an object.
func show(o fyne.CanvasObject, visible bool) {
	if visible {
		o.Show()
	} else {
		o.Hide()
	}
}

// Text is one line of text in a size and colour of the theme.
type Text struct {
	widget.BaseWidget
	Text  string
	Type  fyne.ThemeSizeName  // size; empty: body
	Color fyne.ThemeColorName // empty: foreground
	Bold  bool
	Align fyne.TextAlign
	Cut   bool // too long: shortened with an ellipsis instead of taking room
}

// NewText makes a line of text.
func NewText(text string, size fyne.ThemeSizeName, color fyne.ThemeColorName) *Text {
	t := &Text{Text: text, Type: size, Color: color}
	t.ExtendBaseWidget(t)
	return t
}

// Strong makes the text bold and returns it.
func (t *Text) Strong() *Text { t.Bold = true; return t }

// Short lets the text be cut and returns it.
func (t *Text) Short() *Text { t.Cut = true; return t }

// Set changes the text.
func (t *Text) Set(text string) {
	if text != t.Text {
		t.Text = text
		t.Refresh()
	}
}

// CreateRenderer implements fyne.Widget.
func (t *Text) CreateRenderer() fyne.WidgetRenderer {
	line := canvas.NewText("", nil)
	d := &drawing{objects: []fyne.CanvasObject{line}, widget: t}
	d.min = func() fyne.Size {
		size := measure(t.Text, t.kind(), t.Bold)
		if t.Cut {
			size.Width = theme.Px(16)
		}
		return size
	}
	d.layout = func(size fyne.Size) {
		line.Text = t.Text
		if t.Cut {
			line.Text = fit(t.Text, t.kind(), t.Bold, size.Width)
		}
		line.Resize(size)
	}
	d.refresh = func() {
		line.TextSize, line.Alignment = theme.S(t.kind()), t.Align
		line.TextStyle.Bold = t.Bold
		line.Color = theme.C(t.color())
	}
	d.refresh()
	return d
}

func (t *Text) kind() fyne.ThemeSizeName {
	if t.Type == "" {
		return theme.Body
	}
	return t.Type
}

func (t *Text) color() fyne.ThemeColorName {
	if t.Color == "" {
		return theme.Foreground
	}
	return t.Color
}

// measure is the size of a line of text.
func measure(text string, size fyne.ThemeSizeName, bold bool) fyne.Size {
	return fyne.MeasureText(text, theme.S(size), fyne.TextStyle{Bold: bold})
}

// fit shortens text with an ellipsis until it is no wider than width.
func fit(text string, size fyne.ThemeSizeName, bold bool, width float32) string {
	if measure(text, size, bold).Width <= width {
		return text
	}
	runes := []rune(text)
	low, high := 0, len(runes) // the first low runes fit
	for low < high {
		middle := (low + high + 1) / 2
		if measure(string(runes[:middle])+"…", size, bold).Width <= width {
			low = middle
		} else {
			high = middle - 1
		}
	}
	if low == 0 {
		return ""
	}
	return string(runes[:low]) + "…"
}

// Icon is a picture in a size of the theme.
type Icon struct {
	widget.BaseWidget
	Resource fyne.Resource
	Side     fyne.ThemeSizeName
}

// NewIcon makes an icon.
func NewIcon(r fyne.Resource, size fyne.ThemeSizeName) *Icon {
	i := &Icon{Resource: r, Side: size}
	i.ExtendBaseWidget(i)
	return i
}

// Set changes the picture.
func (i *Icon) Set(r fyne.Resource) {
	i.Resource = r
	i.Refresh()
}

// CreateRenderer implements fyne.Widget.
func (i *Icon) CreateRenderer() fyne.WidgetRenderer {
	img := canvas.NewImageFromResource(i.Resource)
	img.FillMode = canvas.ImageFillContain
	d := &drawing{objects: []fyne.CanvasObject{img}, widget: i}
	d.min = func() fyne.Size { return fyne.NewSquareSize(theme.S(i.Side)) }
	d.layout = func(size fyne.Size) {
		s := theme.S(i.Side)
		put(img, (size.Width-s)/2, (size.Height-s)/2, s, s)
	}
	d.refresh = func() {
		img.Resource = i.Resource
		img.Refresh()
	}
	return d
}

// Fill is a rectangle in a colour of the theme, with an optional frame.
type Fill struct {
	widget.BaseWidget
	Color  fyne.ThemeColorName // empty: none
	Line   fyne.ThemeColorName // empty: no frame
	Radius fyne.ThemeSizeName  // empty: square corners

	TopOnly bool // only the upper corners are round
}

// NewFill makes a rectangle.
func NewFill(color, line fyne.ThemeColorName, radius fyne.ThemeSizeName) *Fill {
	f := &Fill{Color: color, Line: line, Radius: radius}
	f.ExtendBaseWidget(f)
	return f
}

// CreateRenderer implements fyne.Widget.
func (f *Fill) CreateRenderer() fyne.WidgetRenderer {
	r := canvas.NewRectangle(nil)
	d := &drawing{objects: []fyne.CanvasObject{r}, widget: f}
	d.min = func() fyne.Size { return fyne.Size{} }
	d.layout = r.Resize
	d.refresh = func() {
		r.FillColor, r.StrokeColor, r.StrokeWidth, r.CornerRadius = color.Transparent, nil, 0, 0
		if f.Color != "" {
			r.FillColor = theme.C(f.Color)
		}
		if f.Line != "" {
			r.StrokeColor, r.StrokeWidth = theme.C(f.Line), 1
		}
		if f.Radius != "" {
			r.CornerRadius = theme.S(f.Radius)
		}
		if f.TopOnly {
			r.TopLeftCornerRadius, r.TopRightCornerRadius, r.CornerRadius = r.CornerRadius, r.CornerRadius, 0
		}
		r.Refresh()
	}
	d.refresh()
	return d
}

// NewLine makes a line that separates, one unit high.
func NewLine() fyne.CanvasObject {
	return Sized(NewFill(theme.Separator, "", ""), 0, 1)
}
