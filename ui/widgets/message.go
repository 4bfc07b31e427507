//go:build cgo || !darwin

package widgets

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"

	"communicator/ui/theme"
	"communicator/ui/view"
)

// message draws one view.Entry: a day line, who and when, the bubble, and what
// became of it.
type message struct {
	widget.BaseWidget
	entry       view.Entry
	bubble      fyne.Size
	apart       bool // the one above is from somebody else
	list        *MessageList
	text        *widget.Label    // of a message without links: it can be selected
	rich        *widget.RichText // of one with links
	again, mail *Button
	edit        *Button // in place of both where the text was refused
}

var _ fyne.Accessible = (*message)(nil)

func newMessage(l *MessageList) *message {
	m := &message{list: l, text: newBubbleText(), rich: newLinkedText()}
	m.text.Selectable = true
	m.again = NewSmallButton(lang.L("Send again"), "ui-retry", func() {
		if l.OnAgain != nil {
			l.OnAgain(m.entry)
		}
	})
	m.edit = NewSmallButton(lang.L("Edit"), "ui-pencil", func() { l.OnEdit(m.entry) })
	m.mail = NewSmallButton(lang.L("Send as e-mail"), "ui-mail", func() { l.OnMail(m.entry) })
	m.ExtendBaseWidget(m)
	return m
}

func (m *message) set(e view.Entry, bubble fyne.Size, apart bool) {
	m.entry, m.bubble, m.apart = e, bubble, apart
	m.text.Alignment = fyne.TextAlignLeading
	if view.RightToLeft(e.Text) {
		m.text.Alignment = fyne.TextAlignTrailing
	}
	if linked(e) {
		m.rich.Segments = segments(e.Text, m.text.Alignment, m.list.OnLink)
		m.rich.Refresh()
		m.text.SetText("")
	} else {
		m.text.SetText(e.Text)
	}
	show(m.rich, linked(e))
	show(m.text, !linked(e) && !e.Notice)
	m.Refresh()
}

// AccessibilityLabel says the message in a sentence.
func (m *message) AccessibilityLabel() string {
	return m.entry.Who + ", " + m.entry.Time + ": " + m.entry.Text + ". " + m.entry.Words
}

// AccessibilityRole implements fyne.Accessible.
func (m *message) AccessibilityRole() fyne.AccessibleRole { return fyne.AccessibleRoleText }

// bubble is what a message is drawn with.
type bubble struct {
	m           *message
	left, right *canvas.Rectangle // the lines of the day line
	day         *canvas.Text
	circle      *canvas.Circle
	letters     *canvas.Text
	who, time   *canvas.Text
	back        *canvas.Rectangle
	mark, warn  *canvas.Image
	what, why   *canvas.Text // "Not delivered:" and the reason
	notice      *canvas.Text // in place of all but the day line
}

// CreateRenderer implements fyne.Widget.
func (m *message) CreateRenderer() fyne.WidgetRenderer {
	text := func() *canvas.Text { return canvas.NewText("", color.Transparent) }
	b := &bubble{
		m: m, left: canvas.NewRectangle(nil), right: canvas.NewRectangle(nil), day: text(),
		circle: canvas.NewCircle(color.Transparent), letters: text(), who: text(), time: text(),
		back: canvas.NewRectangle(nil), mark: canvas.NewImageFromResource(nil), warn: canvas.NewImageFromResource(nil),
		what: text(), why: text(), notice: text(),
	}
	b.who.TextStyle.Bold, b.what.TextStyle.Bold, b.letters.TextStyle.Bold = true, true, true
	return &drawing{
		objects: []fyne.CanvasObject{b.left, b.right, b.day, b.circle, b.letters, b.who, b.time, b.back, m.text, m.rich,
			b.mark, b.warn, b.what, b.why, m.again, m.mail, m.edit, b.notice},
		min:    func() fyne.Size { return fyne.NewSize(theme.Px(200), theme.S(theme.Control)) },
		layout: b.layout, refresh: b.refresh, widget: m,
	}
}

func (b *bubble) refresh() {
	e := b.m.entry
	for _, t := range []*canvas.Text{b.day, b.time, b.why, b.notice} {
		t.TextSize, t.Color = theme.S(theme.Caption), theme.C(theme.Secondary)
	}
	for _, t := range []*canvas.Text{b.who, b.what, b.letters} {
		t.TextSize, t.Color = theme.S(theme.Caption), theme.C(theme.Foreground)
	}
	if e.Mark == view.Trouble {
		b.why.Color = theme.C(theme.Foreground)
	}
	b.left.FillColor, b.right.FillColor = theme.C(theme.Separator), theme.C(theme.Separator)
	b.day.Text, b.who.Text, b.time.Text = e.Day, e.Who, e.Time
	fill, letters := theme.Monogram(e.From)
	b.circle.FillColor, b.letters.Color, b.letters.Text = theme.C(fill), theme.C(letters), view.Initials(e.Who)
	b.letters.TextSize = theme.S(theme.Caption)
	for _, o := range []fyne.CanvasObject{b.left, b.right, b.day} {
		show(o, e.Day != "")
	}
	show(b.who, e.Head)
	show(b.time, e.Head)
	show(b.circle, e.Head && !e.Mine)
	show(b.letters, e.Head && !e.Mine)
	show(b.notice, e.Notice)
	show(b.back, !e.Notice)
	b.circle.Refresh()
	b.paintBubble(e)
	b.paintMark(e)
}

// paintBubble fills the bubble; one that failed has a frame instead.
func (b *bubble) paintBubble(e view.Entry) {
	round, corner := theme.S(theme.BubbleRadius), theme.S(theme.BubbleCorner)
	b.back.CornerRadius, b.back.TopLeftCornerRadius, b.back.TopRightCornerRadius = round, corner, round
	b.back.FillColor, b.back.StrokeColor, b.back.StrokeWidth = theme.C(theme.BubbleTheirs), nil, 0
	if e.Mine {
		b.back.FillColor = theme.C(theme.BubbleMine)
		b.back.TopLeftCornerRadius, b.back.TopRightCornerRadius = round, corner
	}
	if e.Mark == view.Trouble {
		b.back.FillColor, b.back.StrokeColor, b.back.StrokeWidth = nil, theme.C(theme.ErrorLine), 1
	}
	b.back.Refresh()
}

func (b *bubble) paintMark(e view.Entry) {
	trouble := e.Mark == view.Trouble
	switch e.Mark {
	case view.Ticked:
		b.mark.Resource = theme.Tinted("ui-check", theme.Secondary)
	case view.Seen:
		b.mark.Resource = theme.Tinted("ui-checks", theme.Primary)
	case view.Pending:
		b.mark.Resource = theme.Tinted("ui-pending", theme.Secondary)
	}
	show(b.mark, e.Mark != view.NoMark && !trouble)
	b.mark.Refresh()
	if trouble {
		b.warn.Resource = theme.Tinted("ui-warning", theme.Error)
		b.warn.Refresh()
		b.what.Color = theme.C(theme.Error)
	}
	show(b.warn, trouble)
	show(b.what, trouble)
	show(b.why, trouble || e.Below)
	show(b.m.edit, trouble && e.Edit != "" && b.m.list.OnEdit != nil)
	show(b.m.again, trouble && e.Retry)
	show(b.m.mail, trouble && e.Retry && b.m.list.OnMail != nil)
}

func (b *bubble) layout(size fyne.Size) {
	e, y := b.m.entry, float32(0)
	edge := theme.Px(12)
	if b.m.apart {
		y = theme.Px(6)
	}
	if e.Day != "" {
		b.layoutDay(size, y)
		y += theme.Px(dayHeight)
	}
	if e.Notice {
		b.notice.Text = fit(e.Text, theme.Caption, false, size.Width-2*edge)
		line := b.notice.MinSize()
		put(b.notice, (size.Width-line.Width)/2, y, line.Width, line.Height)
		return
	}
	w, h := b.m.bubble.Width, b.m.bubble.Height
	x := edge + theme.Px(36)
	if e.Mine {
		x = size.Width - edge - w
	}
	if e.Head {
		b.layoutHead(size, y)
		y += theme.Px(headHeight)
	}
	put(b.back, x, y, w, h)
	side := theme.Px(bubbleSide - 6)
	put(b.m.text, x+side, y, w-2*side, h)
	put(b.m.rich, x+side, y, w-2*side, h)
	s := theme.S(theme.IconSmall)
	put(b.mark, x-s-theme.Px(6), y+(h-s)/2, s, s)
	y += h
	switch {
	case e.Mark == view.Trouble:
		b.layoutTrouble(size, y+theme.Px(4))
	case e.Below:
		b.why.Text = e.Words
		if e.Mine {
			x += w - b.why.MinSize().Width
		}
		b.why.Move(fyne.NewPos(x, y+theme.Px(1)))
	}
}

func (b *bubble) layoutDay(size fyne.Size, y float32) {
	w := b.day.MinSize()
	middle := y + theme.Px(dayHeight-4)/2
	put(b.day, (size.Width-w.Width)/2, middle-w.Height/2, w.Width, w.Height)
	side := (size.Width-w.Width)/2 - theme.Px(24)
	put(b.left, theme.Px(12), middle, side, 1)
	put(b.right, size.Width-theme.Px(12)-side, middle, side, 1)
}

func (b *bubble) layoutHead(size fyne.Size, y float32) {
	who, time := b.who.MinSize(), b.time.MinSize()
	x := theme.Px(48)
	if b.m.entry.Mine {
		x = size.Width - theme.Px(12) - who.Width - time.Width - theme.Px(4)
	}
	put(b.who, x, y, who.Width, who.Height)
	put(b.time, x+who.Width+theme.Px(4), y, time.Width, time.Height)
	s := theme.S(theme.IconSelf)
	put(b.circle, theme.Px(12), y, s, s)
	l := b.letters.MinSize()
	put(b.letters, theme.Px(12)+(s-l.Width)/2, y+(s-l.Height)/2, l.Width, l.Height)
}

// layoutTrouble puts the reason and the remedies under the bubble, right-aligned.
func (b *bubble) layoutTrouble(size fyne.Size, y float32) {
	middle := y + theme.S(theme.SmallControl)/2
	right := size.Width - theme.Px(12)
	for _, o := range []*Button{b.m.mail, b.m.again, b.m.edit} {
		if o.Visible() {
			w := o.MinSize()
			right -= w.Width
			put(o, right, y, w.Width, w.Height)
			right -= theme.Px(8)
		}
	}
	b.what.Text, b.why.Text = "", b.m.entry.Words
	if head, rest, ok := cutAfterColon(b.m.entry.Words); ok {
		b.what.Text, b.why.Text = head, rest
	}
	what := b.what.MinSize()
	s := theme.S(theme.IconRow)
	b.why.Text = fit(b.why.Text, theme.Caption, false, right-what.Width-s-theme.Px(28))
	why := b.why.MinSize()
	right -= why.Width
	put(b.why, right, middle-why.Height/2, why.Width, why.Height)
	if b.what.Text != "" {
		right -= what.Width + theme.Px(4)
		put(b.what, right, middle-what.Height/2, what.Width, what.Height)
	}
	put(b.warn, right-s-theme.Px(8), middle-s/2, s, s)
}

func cutAfterColon(s string) (head, rest string, ok bool) {
	for i := range len(s) - 1 {
		if s[i] == ':' && s[i+1] == ' ' {
			return s[:i+1], s[i+2:], true
		}
	}
	return "", s, false
}
