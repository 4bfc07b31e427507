//go:build cgo || !darwin

package widgets

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"communicator/ui/theme"
)

// Sized gives an object at least this size, in units of the design.
func Sized(o fyne.CanvasObject, w, h float32) *fyne.Container {
	return container.New(sized{w, h}, o)
}

type sized struct{ w, h float32 }

func (s sized) MinSize(objects []fyne.CanvasObject) fyne.Size {
	return objects[0].MinSize().Max(fyne.NewSize(theme.Px(s.w), theme.Px(s.h)))
}

func (s sized) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	put(objects[0], 0, 0, size.Width, size.Height)
}

// Inset keeps room around an object, in units of the design.
func Inset(top, right, bottom, left float32, o fyne.CanvasObject) *fyne.Container {
	return container.New(inset{top, right, bottom, left}, o)
}

type inset struct{ top, right, bottom, left float32 }

func (i inset) MinSize(objects []fyne.CanvasObject) fyne.Size {
	return objects[0].MinSize().AddWidthHeight(theme.Px(i.left+i.right), theme.Px(i.top+i.bottom))
}

func (i inset) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	put(objects[0], theme.Px(i.left), theme.Px(i.top),
		size.Width-theme.Px(i.left+i.right), size.Height-theme.Px(i.top+i.bottom))
}

// Row puts objects side by side, gap units apart, each at its own width and
// centred in height. The one named by Grow takes what is left.
func Row(gap float32, grow int, objects ...fyne.CanvasObject) *fyne.Container {
	return container.New(&row{gap, grow}, objects...)
}

type row struct {
	gap  float32
	grow int // index; -1: none
}

func (r *row) MinSize(objects []fyne.CanvasObject) fyne.Size {
	size := fyne.Size{}
	shown := 0
	for _, o := range objects {
		if o.Visible() {
			shown++
			size.Width += o.MinSize().Width
			size.Height = max(size.Height, o.MinSize().Height)
		}
	}
	size.Width += theme.Px(r.gap) * float32(max(shown-1, 0))
	return size
}

func (r *row) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	spare := size.Width - r.MinSize(objects).Width
	x := float32(0)
	for i, o := range objects {
		if !o.Visible() {
			continue
		}
		min := o.MinSize()
		if i == r.grow {
			min.Width = max(min.Width+spare, 0)
		}
		put(o, x, (size.Height-min.Height)/2, min.Width, min.Height)
		x += min.Width + theme.Px(r.gap)
	}
}

// Beside puts a narrow object at the right of one that takes the rest; both
// have the full height.
func Beside(wide, narrow fyne.CanvasObject) *fyne.Container {
	return container.New(beside{}, wide, narrow)
}

type beside struct{}

func (beside) MinSize(o []fyne.CanvasObject) fyne.Size {
	a, b := o[0].MinSize(), o[1].MinSize()
	return fyne.NewSize(a.Width+b.Width, max(a.Height, b.Height))
}

func (beside) Layout(o []fyne.CanvasObject, size fyne.Size) {
	w := o[1].MinSize().Width
	put(o[0], 0, 0, size.Width-w, size.Height)
	put(o[1], size.Width-w, 0, w, size.Height)
}

// Column puts objects below each other, gap units apart, at full width.
func Column(gap float32, objects ...fyne.CanvasObject) *fyne.Container {
	return container.New(column{gap}, objects...)
}

type column struct{ gap float32 }

func (c column) MinSize(objects []fyne.CanvasObject) fyne.Size {
	size := fyne.Size{}
	shown := 0
	for _, o := range objects {
		if o.Visible() {
			shown++
			size.Height += o.MinSize().Height
			size.Width = max(size.Width, o.MinSize().Width)
		}
	}
	size.Height += theme.Px(c.gap) * float32(max(shown-1, 0))
	return size
}

func (c column) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	y := float32(0)
	for _, o := range objects {
		if o.Visible() {
			put(o, 0, y, size.Width, o.MinSize().Height)
			h := o.MinSize().Height // wrapped text knows its height only now that it has its width
			put(o, 0, y, size.Width, h)
			y += h + theme.Px(c.gap)
		}
	}
}

// Page puts a head above and a foot below what takes the rest of the height;
// head or foot may be nil. Unlike Fyne's border layout the focus goes through
// them in the order in which they are seen.
func Page(head, middle, foot fyne.CanvasObject) *fyne.Container {
	p := &page{middle: middle}
	c := container.New(p)
	for _, o := range []fyne.CanvasObject{head, middle, foot} {
		if o != nil {
			c.Add(o)
		}
	}
	return c
}

type page struct{ middle fyne.CanvasObject }

func (p *page) MinSize(objects []fyne.CanvasObject) fyne.Size { return column{}.MinSize(objects) }

func (p *page) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	rest := size.Height
	for _, o := range objects {
		if o != p.middle && o.Visible() {
			rest -= o.MinSize().Height
		}
	}
	y := float32(0)
	for _, o := range objects {
		if !o.Visible() {
			continue
		}
		h := o.MinSize().Height
		if o == p.middle {
			h = max(rest, 0)
		}
		put(o, 0, y, size.Width, h)
		y += h
	}
}

// Flow puts objects side by side and begins a new line when one is full.
func Flow(gap float32, objects ...fyne.CanvasObject) *fyne.Container {
	return container.New(&flow{gap: gap}, objects...)
}

type flow struct {
	gap   float32
	width float32 // of the last layout
}

func (f *flow) MinSize(objects []fyne.CanvasObject) fyne.Size {
	widest := float32(0)
	for _, o := range objects {
		widest = max(widest, o.MinSize().Width)
	}
	return fyne.NewSize(widest, f.place(objects, f.width, false))
}

func (f *flow) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	f.width = size.Width
	f.place(objects, size.Width, true)
}

// place walks through the lines and returns their height.
func (f *flow) place(objects []fyne.CanvasObject, width float32, move bool) float32 {
	x, y, line := float32(0), float32(0), float32(0)
	for _, o := range objects {
		min := o.MinSize()
		if x > 0 && x+min.Width > width && width > 0 {
			x, y, line = 0, y+line+theme.Px(f.gap), 0
		}
		if move {
			put(o, x, y, min.Width, min.Height)
		}
		x += min.Width + theme.Px(f.gap)
		line = max(line, min.Height)
	}
	return y + line
}

// Panel is content with inner room over a filled, framed rectangle.
func Panel(fill *Fill, room float32, content fyne.CanvasObject) *fyne.Container {
	return container.NewStack(fill, Inset(room, room, room, room, content))
}
