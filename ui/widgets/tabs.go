//go:build cgo || !darwin

package widgets

import (
	"image/color"
	"strconv"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"

	"communicator/ui/theme"
)

// Tab is one tab of Tabs.
type Tab struct {
	Key    string
	Title  string
	Icon   fyne.Resource
	Unread int
}

// Tabs is the strip over the conversations.
type Tabs struct {
	widget.BaseWidget
	OnSelect func(key string)
	OnClose  func(key string)
	OnNew    func()

	tabs    []Tab
	current string
	strip   *fyne.Container
	add     *Button
}

// NewTabs makes an empty strip.
func NewTabs() *Tabs {
	t := &Tabs{}
	t.add = NewButton("", "ui-plus", Quiet, func() {
		if t.OnNew != nil {
			t.OnNew()
		}
	})
	t.strip = container.New(&row{0, -1})
	t.ExtendBaseWidget(t)
	return t
}

// Set shows these tabs.
func (t *Tabs) Set(tabs []Tab, current string) {
	t.tabs, t.current = tabs, current
	t.strip.Objects = nil
	for _, one := range tabs {
		t.strip.Add(newTab(t, one, one.Key == current))
	}
	t.strip.Add(t.add)
	t.strip.Refresh()
}

// Current is the key of the tab that is shown.
func (t *Tabs) Current() string { return t.current }

// Tabs are those shown.
func (t *Tabs) Tabs() []Tab { return t.tabs }

// CreateRenderer implements fyne.Widget.
func (t *Tabs) CreateRenderer() fyne.WidgetRenderer {
	scroll := container.NewHScroll(t.strip)
	back := NewFill(theme.Chrome, "", "")
	line := NewFill(theme.Separator, "", "")
	d := &drawing{objects: []fyne.CanvasObject{back, line, scroll}, widget: t}
	d.min = func() fyne.Size { return fyne.NewSize(theme.Px(100), theme.S(theme.TabStrip)) }
	d.layout = func(size fyne.Size) {
		put(back, 0, 0, size.Width, size.Height)
		put(line, 0, size.Height-1, size.Width, 1)
		h := theme.S(theme.Tab)
		put(scroll, theme.Px(8), size.Height-h, size.Width-theme.Px(8), h)
	}
	d.refresh = func() { t.strip.Refresh() }
	return d
}

// tab draws one Tab.
type tab struct {
	widget.BaseWidget
	Tab
	tabs    *Tabs
	current bool
	focused bool
	close   *Button
}

var (
	_ fyne.Tappable     = (*tab)(nil)
	_ fyne.Focusable    = (*tab)(nil)
	_ desktop.Hoverable = (*tab)(nil)
)

func newTab(t *Tabs, one Tab, current bool) *tab {
	b := &tab{Tab: one, tabs: t, current: current}
	b.close = NewButton("", "ui-close", Quiet, func() {
		if t.OnClose != nil {
			t.OnClose(one.Key)
		}
	})
	b.close.Small = true
	b.ExtendBaseWidget(b)
	return b
}

// Tapped implements fyne.Tappable.
func (b *tab) Tapped(*fyne.PointEvent) {
	if b.tabs.OnSelect != nil {
		b.tabs.OnSelect(b.Key)
	}
}

func (b *tab) FocusGained()                   { b.focused = true; b.Refresh() }
func (b *tab) FocusLost()                     { b.focused = false; b.Refresh() }
func (b *tab) TypedRune(rune)                 {}
func (b *tab) MouseIn(*desktop.MouseEvent)    {}
func (b *tab) MouseMoved(*desktop.MouseEvent) {}
func (b *tab) MouseOut()                      {}

// TypedKey implements fyne.Focusable.
func (b *tab) TypedKey(e *fyne.KeyEvent) {
	switch e.Name {
	case fyne.KeySpace, fyne.KeyReturn, fyne.KeyEnter:
		b.Tapped(nil)
	case fyne.KeyDelete:
		b.close.Tapped(nil)
	}
}

// AccessibilityLabel implements fyne.Accessible.
func (b *tab) AccessibilityLabel() string {
	if b.Unread == 0 {
		return b.Title
	}
	return lang.L("{{.Name}}, {{.N}} unread", map[string]any{"Name": b.Title, "N": b.Unread})
}

// AccessibilityRole implements fyne.Accessible.
func (b *tab) AccessibilityRole() fyne.AccessibleRole { return fyne.AccessibleRoleButton }

// CreateRenderer implements fyne.Widget.
func (b *tab) CreateRenderer() fyne.WidgetRenderer {
	back, top, focus, badge := canvas.NewRectangle(nil), canvas.NewRectangle(nil), canvas.NewRectangle(nil), canvas.NewRectangle(nil)
	icon := canvas.NewImageFromResource(b.Icon)
	title, number := canvas.NewText(b.Title, color.Transparent), canvas.NewText(strconv.Itoa(b.Unread), color.Transparent)
	number.TextStyle.Bold = true
	d := &drawing{objects: []fyne.CanvasObject{back, top, icon, title, badge, number, b.close, focus}, widget: b}
	words := func() fyne.Size { return measure(b.Title, theme.Body, b.current) }
	d.min = func() fyne.Size {
		w := theme.Px(12+16+8) + min(words().Width, theme.Px(220)) + theme.Px(12)
		switch {
		case b.current:
			w += theme.Px(22)
		case b.Unread > 0:
			w += theme.Px(8) + badgeWidth(number.Text)
		}
		return fyne.NewSize(w, theme.S(theme.Tab))
	}
	d.layout = func(size fyne.Size) {
		put(back, 0, 0, size.Width, size.Height+theme.Px(4))
		put(top, 0, 0, size.Width, theme.Px(2))
		put(focus, theme.Px(2), theme.Px(2), size.Width-theme.Px(4), size.Height-theme.Px(4))
		middle, s, x := size.Height/2, theme.S(theme.IconRow), theme.Px(12)
		put(icon, x, middle-s/2, s, s)
		x += s + theme.Px(8)
		title.Text = fit(b.Title, theme.Body, b.current, theme.Px(220))
		w := title.MinSize()
		put(title, x, middle-w.Height/2, w.Width, w.Height)
		x += w.Width + theme.Px(8)
		n, bw, bh := number.MinSize(), badgeWidth(number.Text), theme.S(theme.Badge)
		put(badge, x, middle-bh/2, bw, bh)
		put(number, x+(bw-n.Width)/2, middle-n.Height/2, n.Width, n.Height)
		c := b.close.MinSize()
		put(b.close, size.Width-c.Width-theme.Px(6), middle-c.Height/2, c.Width, c.Height)
	}
	d.refresh = func() {
		r := theme.S(theme.Radius)
		back.FillColor, back.StrokeColor, back.StrokeWidth = theme.C(theme.Background), theme.C(theme.Separator), 1
		back.TopLeftCornerRadius, back.TopRightCornerRadius = r, r
		top.FillColor, focus.FillColor = theme.C(theme.Primary), nil
		top.TopLeftCornerRadius, top.TopRightCornerRadius = r, r
		focus.StrokeColor, focus.StrokeWidth, focus.CornerRadius = theme.C(theme.Primary), 2, r
		badge.FillColor, badge.CornerRadius = theme.C(theme.Primary), theme.S(theme.Badge)/2
		title.TextSize, title.TextStyle.Bold, title.Color = theme.S(theme.Body), b.current, theme.C(theme.Secondary)
		if b.current {
			title.Color = theme.C(theme.Foreground)
		}
		number.TextSize, number.Color = theme.S(theme.Caption), theme.C(theme.OnPrimary)
		show(back, b.current)
		show(top, b.current)
		show(b.close, b.current)
		show(badge, b.Unread > 0 && !b.current)
		show(number, b.Unread > 0 && !b.current)
		show(focus, b.focused)
	}
	d.refresh()
	return d
}

func badgeWidth(number string) float32 {
	return max(theme.S(theme.Badge), measure(number, theme.Caption, true).Width+theme.Px(10))
}
