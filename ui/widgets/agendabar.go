//go:build cgo || !darwin

package widgets

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/widget"

	"communicator/calendar"
	"communicator/ui/theme"
	"communicator/ui/view"
)

// Heights of an AgendaBar in units of the design: a tentative time is half as
// high as one that is taken, so that colour is not all that tells them apart.
const (
	barHeight    = 28
	barNow       = 4 // what now sticks out above
	barLabels    = 18
	barTentative = barHeight / 2
)

// AgendaBar shows the next working hours of somebody's calendar.
type AgendaBar struct {
	widget.BaseWidget
	agenda view.Agenda
}

// NewAgendaBar makes a bar of an agenda.
func NewAgendaBar(a view.Agenda) *AgendaBar {
	b := &AgendaBar{agenda: a}
	b.ExtendBaseWidget(b)
	return b
}

// CreateRenderer implements fyne.Widget.
func (b *AgendaBar) CreateRenderer() fyne.WidgetRenderer {
	off, blocks, labels := make([]*canvas.Rectangle, len(b.agenda.Hours)), make([]*canvas.Rectangle, len(b.agenda.Blocks)), make([]*canvas.Text, len(b.agenda.Hours))
	base, now := canvas.NewRectangle(nil), canvas.NewRectangle(nil)
	d := &drawing{widget: b}
	for i := range off {
		off[i], labels[i] = canvas.NewRectangle(nil), canvas.NewText(b.agenda.Hours[i].Label, nil)
		show(off[i], b.agenda.Hours[i].Off)
		d.objects = append(d.objects, off[i], labels[i])
	}
	for i := range blocks {
		blocks[i] = canvas.NewRectangle(nil)
		d.objects = append(d.objects, blocks[i])
	}
	d.objects = append(d.objects, base, now)
	show(now, b.agenda.Now >= 0)
	d.min = func() fyne.Size { return fyne.NewSize(theme.Px(240), theme.Px(barNow+barHeight+barLabels)) }
	d.layout = func(size fyne.Size) {
		b.arrange(size.Width, off, blocks, labels)
		put(base, 0, theme.Px(barNow+barHeight)-1, size.Width, 1)
		put(now, size.Width*b.agenda.Now-theme.Px(1), 0, theme.Px(2), theme.Px(barNow+barHeight+2))
	}
	d.refresh = func() {
		b.paint(off, blocks, labels)
		base.FillColor, now.FillColor = theme.C(theme.InputBorder), theme.C(theme.Error)
	}
	d.refresh()
	return d
}

func (b *AgendaBar) arrange(width float32, off, blocks []*canvas.Rectangle, labels []*canvas.Text) {
	hour := width / float32(max(len(off), 1))
	for i := range off {
		x := hour * float32(i)
		put(off[i], x, theme.Px(barNow), hour, theme.Px(barHeight))
		labels[i].Move(fyne.NewPos(x, theme.Px(barNow+barHeight)))
	}
	for i, r := range blocks {
		k, high := b.agenda.Blocks[i], float32(barHeight)
		if k.Kind == calendar.Tentative {
			high = barTentative
		}
		put(r, width*k.From, theme.Px(barNow+barHeight-high), width*(k.Until-k.From), theme.Px(high))
	}
}

func (b *AgendaBar) paint(off, blocks []*canvas.Rectangle, labels []*canvas.Text) {
	for i := range off {
		off[i].FillColor = theme.C(theme.CalOffHours)
		labels[i].TextSize, labels[i].Color = theme.S(theme.Caption), theme.C(theme.Secondary)
	}
	for i, r := range blocks {
		r.FillColor, r.CornerRadius = theme.C(blockColor(b.agenda.Blocks[i].Kind)), theme.Px(2)
	}
}

func blockColor(k calendar.Kind) fyne.ThemeColorName {
	switch k {
	case calendar.OutOfOffice:
		return theme.CalOut
	case calendar.Busy:
		return theme.CalBusy
	default:
		return theme.CalTentative
	}
}

// NewAgendaKey says what the parts of an AgendaBar mean.
func NewAgendaKey(free, tentative, busy, out string) fyne.CanvasObject {
	entry := func(color fyne.ThemeColorName, high float32, words string) fyne.CanvasObject {
		swatch := Sized(NewFill(color, "", ""), 10, high)
		foot := Sized(NewFill(theme.InputBorder, "", ""), 10, 1)
		return Row(4, -1, Column(0, swatch, foot), NewText(words, theme.Caption, theme.Secondary))
	}
	return Row(12, -1, entry("", 9, free), entry(theme.CalTentative, 5, tentative), entry(theme.CalBusy, 9, busy), entry(theme.CalOut, 9, out))
}
