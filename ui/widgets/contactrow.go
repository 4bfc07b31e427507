//go:build cgo || !darwin

package widgets

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"

	"communicator/ui/theme"
	"communicator/ui/view"
)

// ContactRow draws one view.Row: a group, a person, a section or a hint.
type ContactRow struct {
	widget.BaseWidget
	row      view.Row
	list     *ContactList
	index    int
	selected bool
	hovered  bool
	all      *Button // "Message all": only while the pointer is over a group
	more     *Button
}

var (
	_ desktop.Hoverable      = (*ContactRow)(nil)
	_ desktop.Mouseable      = (*ContactRow)(nil)
	_ fyne.SecondaryTappable = (*ContactRow)(nil)
	_ fyne.DoubleTappable    = (*ContactRow)(nil)
	_ fyne.Accessible        = (*ContactRow)(nil)
)

func newContactRow(l *ContactList) *ContactRow {
	r := &ContactRow{list: l}
	r.all = NewSmallButton(lang.L("Message all"), "ui-message", func() { l.messageAll(r.row) })
	r.more = NewSmallButton("", "ui-more", func() {
		l.menu(r.index, fyne.CurrentApp().Driver().AbsolutePositionForObject(r.more).AddXY(0, theme.S(theme.SmallControl)))
	})
	r.all.OnHover, r.more.OnHover = r.over, r.over
	r.ExtendBaseWidget(r)
	return r
}

// set shows another row.
func (r *ContactRow) set(index int, row view.Row, selected bool) {
	if row.Key != r.row.Key {
		r.hovered = false
	}
	r.index, r.row, r.selected = index, row, selected
	r.Refresh()
}

// height of a row in the list.
func height(r view.Row) fyne.ThemeSizeName {
	switch {
	case r.Kind == view.GroupRow || r.Kind == view.SectionRow:
		return theme.GroupRow
	case r.Kind == view.PersonRow && r.Tight:
		return theme.CompactRow
	case r.Kind == view.PersonRow && r.Note != "":
		return theme.NoteRow
	default:
		return theme.PersonRow
	}
}

// MouseDown selects, or folds a group, at once: waiting for a second click to
// come or not would feel slow.
func (r *ContactRow) MouseDown(e *desktop.MouseEvent) {
	r.list.press(r.index, e.Button == desktop.MouseButtonPrimary)
}

// MouseUp implements desktop.Mouseable.
func (r *ContactRow) MouseUp(*desktop.MouseEvent) {}

// DoubleTapped does the default action.
func (r *ContactRow) DoubleTapped(*fyne.PointEvent) { r.list.open(r.index) }

// TappedSecondary opens the context menu.
func (r *ContactRow) TappedSecondary(e *fyne.PointEvent) { r.list.menu(r.index, e.AbsolutePosition) }

// MouseIn implements desktop.Hoverable.
func (r *ContactRow) MouseIn(*desktop.MouseEvent) { r.over(true) }

// MouseMoved implements desktop.Hoverable.
func (r *ContactRow) MouseMoved(*desktop.MouseEvent) {}

// MouseOut implements desktop.Hoverable.
func (r *ContactRow) MouseOut() { r.over(false) }

func (r *ContactRow) over(over bool) {
	if r.hovered != over {
		r.hovered = over
		r.Refresh()
	}
}

// AccessibilityLabel says the row in a sentence.
func (r *ContactRow) AccessibilityLabel() string {
	if r.row.Kind != view.PersonRow {
		return r.row.Group + " " + r.row.Count + r.row.Note
	}
	label := r.row.Name + ", " + r.row.Words
	if r.row.Note != "" {
		label += ", " + r.row.Note
	}
	return label
}

// AccessibilityRole implements fyne.Accessible.
func (r *ContactRow) AccessibilityRole() fyne.AccessibleRole { return fyne.AccessibleRoleText }

// face is what a ContactRow is drawn with.
type face struct {
	row                     *ContactRow
	back                    *canvas.Rectangle
	icon, mark              *canvas.Image
	pre, match, post        *canvas.Text // the name, with what was searched for in bold
	words, note             *canvas.Text
	chip                    *canvas.Rectangle // "Return"
	key                     *canvas.Text
	name, status, noteWords string // uncut
}

// CreateRenderer implements fyne.Widget.
func (r *ContactRow) CreateRenderer() fyne.WidgetRenderer {
	text := func() *canvas.Text { return canvas.NewText("", color.Transparent) }
	f := &face{
		row: r, back: canvas.NewRectangle(nil), icon: canvas.NewImageFromResource(nil), mark: canvas.NewImageFromResource(nil),
		pre: text(), match: text(), post: text(), words: text(), note: text(),
		chip: canvas.NewRectangle(nil), key: text(),
	}
	f.match.TextStyle.Bold = true
	return &drawing{
		objects: []fyne.CanvasObject{f.back, f.icon, f.pre, f.match, f.post, f.mark, f.words, f.note, f.chip, f.key, r.all, r.more},
		min:     func() fyne.Size { return fyne.NewSize(theme.Px(200), theme.S(theme.PersonRow)) }, // others have SetItemHeight
		layout:  f.layout, refresh: f.refresh, widget: r,
	}
}

func (f *face) refresh() {
	r := f.row.row
	f.frame()
	group := r.Kind == view.GroupRow
	f.name, f.status, f.noteWords = r.Name, r.Words, r.Note
	if r.Kind != view.PersonRow {
		f.name, f.status = r.Group, r.Count
	}
	if r.Kind == view.HintRow {
		f.name = ""
	}
	for _, t := range []*canvas.Text{f.pre, f.match, f.post} {
		t.TextSize, t.Color = theme.S(theme.Body), theme.C(theme.Foreground)
	}
	f.pre.TextStyle.Bold = r.Kind != view.PersonRow
	f.key.Text = lang.L("Return")
	f.chip.FillColor, f.chip.StrokeColor, f.chip.StrokeWidth = theme.C(theme.Chrome), theme.C(theme.Separator), 1
	f.chip.CornerRadius = theme.S(theme.ChipCorner)
	returns := r.Kind == view.PersonRow && f.row.selected && f.row.list.Searching
	show(f.chip, returns)
	show(f.key, returns)
	for _, t := range []*canvas.Text{f.words, f.note, f.key} {
		t.TextSize, t.Color = theme.S(theme.Caption), theme.C(theme.Secondary)
	}
	switch {
	case r.Kind == view.PersonRow:
		f.icon.Resource = theme.Presence(r.Face)
	case group && r.Fold:
		f.icon.Resource = theme.Tinted("ui-right", theme.Secondary)
	case group:
		f.icon.Resource = theme.Tinted("ui-menu", theme.Secondary)
	}
	show(f.icon, r.Kind == view.PersonRow || group)
	f.icon.Refresh()
	if group && r.Org {
		f.mark.Resource = theme.Tinted("marker-orgchart", theme.Secondary)
		f.mark.Refresh()
	}
	show(f.mark, group && r.Org)
	show(f.row.all, group && f.row.hovered)
	show(f.row.more, group && f.row.hovered)
}

// frame paints hover and selection; a selection without the focus has a
// quieter outline.
func (f *face) frame() {
	f.back.FillColor, f.back.StrokeColor, f.back.StrokeWidth = nil, nil, 0
	f.back.CornerRadius = theme.S(theme.Radius)
	if f.row.row.Kind == view.SectionRow || f.row.row.Kind == view.HintRow {
		f.back.Refresh()
		return
	}
	switch {
	case f.row.selected:
		f.back.FillColor, f.back.StrokeWidth = theme.C(theme.Selection), 1
		f.back.StrokeColor = theme.C(theme.InputBorder)
		if f.row.list.focused {
			f.back.StrokeColor = theme.C(theme.Primary)
		}
	case f.row.hovered:
		f.back.FillColor = theme.C(theme.Hover)
	}
	f.back.Refresh()
}

func (f *face) layout(size fyne.Size) {
	r := f.row.row
	edge := theme.Px(6) // the row begins here; everything else is counted from it
	top, line := float32(0), size.Height
	if r.Kind == view.GroupRow || r.Kind == view.SectionRow {
		top = theme.Px(2)
		line -= top
	}
	put(f.back, edge, top, size.Width-2*edge, line)
	if r.Kind == view.PersonRow {
		line = min(size.Height, theme.S(theme.PersonRow))
	}
	middle := top + line/2
	right := f.layoutRight(size.Width-edge-theme.Px(8), middle)
	nameAt := edge + theme.Px(52)
	switch r.Kind {
	case view.GroupRow:
		s := theme.S(theme.IconSmall)
		put(f.icon, edge+theme.Px(7), middle-s/2, s, s)
		nameAt = edge + theme.Px(26)
	case view.PersonRow:
		s := theme.S(theme.IconRow)
		put(f.icon, edge+theme.Px(26), middle-s/2, s, s)
	default:
		nameAt = edge + theme.Px(6)
	}
	end := f.layoutName(nameAt, middle, right-theme.Px(8))
	s := theme.S(theme.IconSmall)
	put(f.mark, end+theme.Px(6), middle-s/2, s, s)
	noteAt := middle + theme.Px(8.5)
	if r.Kind == view.HintRow {
		noteAt = (size.Height - f.note.MinSize().Height) / 2
	}
	f.note.Text = fit(f.noteWords, theme.Caption, false, size.Width-nameAt-edge-theme.Px(8))
	f.note.Move(fyne.NewPos(nameAt, noteAt))
}

// layoutRight places the state or count at the right edge, and the buttons of
// a group left of it, and returns where their room begins. In a narrow row the
// words give way before the name is cut.
func (f *face) layoutRight(right, middle float32) float32 {
	room := f.row.Size().Width - theme.Px(58+14)
	if f.chip.Visible() {
		w := f.key.MinSize()
		put(f.key, right-w.Width-theme.Px(4), middle-w.Height/2, w.Width, w.Height)
		put(f.chip, right-w.Width-theme.Px(10), middle-theme.Px(9), w.Width+theme.Px(12), theme.Px(18))
		right -= w.Width + theme.Px(18)
		room -= w.Width + theme.Px(18)
	}
	f.words.Text = f.status
	if name := measure(f.name, theme.Body, false).Width; f.row.row.Kind == view.PersonRow && name < room {
		f.words.Text = fit(f.status, theme.Caption, false, max(room-name-theme.Px(12), room*.3))
	}
	w := measure(f.words.Text, theme.Caption, false)
	put(f.words, right-w.Width, middle-w.Height/2, w.Width, w.Height)
	left := right - w.Width
	if !f.row.more.Visible() {
		return left
	}
	for _, b := range []*Button{f.row.more, f.row.all} {
		min := b.MinSize()
		left -= min.Width + theme.Px(6)
		put(b, left, middle-min.Height/2, min.Width, min.Height)
	}
	return left
}

// layoutName writes the name in three parts and returns where it ends.
func (f *face) layoutName(x, middle, right float32) float32 {
	r := f.row.row
	bold := r.Kind != view.PersonRow
	f.pre.Text, f.match.Text, f.post.Text = f.name, "", ""
	width := right - x
	if f.row.row.Kind == view.GroupRow && r.Org {
		width -= theme.Px(20)
	}
	if r.Kind == view.PersonRow && r.Match[1] > r.Match[0] && measure(f.name, theme.Body, true).Width < width {
		f.pre.Text, f.match.Text, f.post.Text = f.name[:r.Match[0]], f.name[r.Match[0]:r.Match[1]], f.name[r.Match[1]:]
	} else {
		f.pre.Text = fit(f.name, theme.Body, bold, width)
	}
	for _, t := range []*canvas.Text{f.pre, f.match, f.post} {
		w := fyne.MeasureText(t.Text, t.TextSize, t.TextStyle)
		put(t, x, middle-w.Height/2, w.Width, w.Height)
		if t.Text != "" {
			x += w.Width
		}
	}
	return x
}
