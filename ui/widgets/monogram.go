//go:build cgo || !darwin

package widgets

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/widget"

	"communicator/ui/theme"
	"communicator/ui/view"
)

// Monogram is a circle with a person's initials.
type Monogram struct {
	widget.BaseWidget
	user, name string
	diameter   float32
}

// NewMonogram makes a circle of that many units of the design.
func NewMonogram(user, name string, diameter float32) *Monogram {
	m := &Monogram{user: user, name: name, diameter: diameter}
	m.ExtendBaseWidget(m)
	return m
}

// CreateRenderer implements fyne.Widget.
func (m *Monogram) CreateRenderer() fyne.WidgetRenderer {
	circle, letters := canvas.NewCircle(color.Transparent), canvas.NewText(view.Initials(m.name), color.Transparent)
	letters.TextStyle.Bold = true
	d := &drawing{objects: []fyne.CanvasObject{circle, letters}, widget: m}
	d.min = func() fyne.Size { return fyne.NewSquareSize(theme.Px(m.diameter)) }
	d.layout = func(size fyne.Size) {
		s, w := theme.Px(m.diameter), letters.MinSize()
		put(circle, 0, (size.Height-s)/2, s, s)
		put(letters, (s-w.Width)/2, (size.Height-w.Height)/2, w.Width, w.Height)
	}
	d.refresh = func() {
		fill, text := theme.Monogram(m.user)
		circle.FillColor, letters.Color = theme.C(fill), theme.C(text)
		letters.TextSize = theme.S(theme.Title)
		circle.Refresh()
	}
	d.refresh()
	return d
}
