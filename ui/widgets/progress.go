//go:build cgo || !darwin

package widgets

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/widget"

	"communicator/ui/theme"
)

// Progress is a bar of what became of many messages. Its parts differ in
// height besides colour: failed is tallest, delivered middle, kept by the
// server low, waiting a hair line.
type Progress struct {
	widget.BaseWidget
	counts [4]int // failed, delivered, kept, waiting
}

// NewProgress makes a bar.
func NewProgress(failed, delivered, kept, waiting int) *Progress {
	p := &Progress{counts: [4]int{failed, delivered, kept, waiting}}
	p.ExtendBaseWidget(p)
	return p
}

// CreateRenderer implements fyne.Widget.
func (p *Progress) CreateRenderer() fyne.WidgetRenderer {
	var parts [4]*canvas.Rectangle
	d := &drawing{widget: p}
	for i := range parts {
		parts[i] = canvas.NewRectangle(nil)
		d.objects = append(d.objects, parts[i])
	}
	heights := [4]float32{14, 8, 4, 1}
	colors := [4]fyne.ThemeColorName{theme.Error, theme.Success, theme.CalTentative, theme.Secondary}
	d.min = func() fyne.Size { return fyne.NewSize(theme.Px(100), theme.Px(14)) }
	d.layout = func(size fyne.Size) {
		total := 0
		for _, n := range p.counts {
			total += n
		}
		x := float32(0)
		for i, n := range p.counts {
			show(parts[i], n > 0)
			if n == 0 {
				continue
			}
			w, h := size.Width*float32(n)/float32(total), theme.Px(heights[i])
			put(parts[i], x, (size.Height-h)/2, max(w-theme.Px(2), theme.Px(2)), h)
			x += w
		}
	}
	d.refresh = func() {
		for i, r := range parts {
			r.FillColor, r.CornerRadius = theme.C(colors[i]), theme.Px(min(heights[i]/4, 2))
		}
	}
	d.refresh()
	return d
}
