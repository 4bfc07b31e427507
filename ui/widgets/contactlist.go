//go:build cgo || !darwin

package widgets

import (
	"strings"
	"time"
	"unicode/utf8"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"

	"communicator/ui/theme"
	"communicator/ui/view"
)

// typeAhead is how long letters belong to one search in the list.
const typeAhead = time.Second

// ContactList is the list of groups and people, and of what was found. Return
// does the default action, Space shows the contact card; the Menu key or Shift+F10 opens the context menu;
// Left and Right fold; letters go to the next name that begins so.
type ContactList struct {
	widget.List
	OnOpen       func(view.Row)                // a person: Return, double click
	OnCard       func(view.Row)                // a person: Space
	OnMenu       func(view.Row, fyne.Position) // right click, Menu key; the position is on the canvas
	OnMessageAll func(view.Row)                // a group
	OnFold       func(group string, fold bool)
	OnLeave      func() // Escape; may be nil
	Searching    bool   // Return works from the find box: the selected row says so

	rows    []view.Row
	heights []fyne.ThemeSizeName // that the list has been given, by index
	length  int                  // 0 while many heights change
	cursor  string
	focused bool
	typed   string
	typedAt time.Time
}

var _ fyne.Focusable = (*ContactList)(nil)

// NewContactList makes an empty list. Put Box(list) into the window.
func NewContactList() *ContactList {
	l := &ContactList{}
	l.HideSeparators = true
	l.Length = func() int { return l.length }
	l.CreateItem = func() fyne.CanvasObject { return newContactRow(l) }
	l.UpdateItem = func(i int, o fyne.CanvasObject) {
		if i < len(l.rows) {
			o.(*ContactRow).set(i, l.rows[i], l.rows[i].Key == l.cursor)
		}
	}
	l.ExtendBaseWidget(l)
	return l
}

// Box is a list as it stands in a window: rows touch.
func Box(l fyne.CanvasObject) fyne.CanvasObject { return container.NewThemeOverride(l, theme.Flat()) }

// Rows are those that the list shows.
func (l *ContactList) Rows() []view.Row { return l.rows }

// SetRows shows other rows. The selection stays on the same line as long as
// there is one.
func (l *ContactList) SetRows(rows []view.Row) {
	l.rows, l.length = rows, 0 // then a changed height costs little
	for i, r := range rows {
		if i == len(l.heights) {
			l.heights = append(l.heights, theme.PersonRow)
		}
		if h := height(r); h != l.heights[i] {
			l.heights[i] = h
			l.SetItemHeight(i, theme.S(h))
		}
	}
	l.length = len(rows)
	l.Refresh()
}

// Selected is the row of the selection; false: there is none.
func (l *ContactList) Selected() (view.Row, bool) {
	if i := l.at(); i >= 0 {
		return l.rows[i], true
	}
	return view.Row{}, false
}

// SelectKey moves the selection to the row of that key, if there is one.
func (l *ContactList) SelectKey(key string) {
	l.cursor = key
	l.Refresh()
}

// at is the index of the selection, or -1.
func (l *ContactList) at() int {
	for i, r := range l.rows {
		if r.Key == l.cursor && selectable(r) {
			return i
		}
	}
	return -1
}

func selectable(r view.Row) bool { return r.Kind == view.PersonRow || r.Kind == view.GroupRow }

// move sets the selection and scrolls to it.
func (l *ContactList) move(i int) {
	if i < 0 || i >= len(l.rows) {
		return
	}
	l.cursor = l.rows[i].Key
	l.ScrollTo(i)
	l.Refresh()
}

// step goes n rows on, over rows that cannot be selected; n is not 0.
func (l *ContactList) step(from, n int) {
	way := 1
	if n < 0 {
		way = -1
	}
	best := -1
	for i := from + way; i >= 0 && i < len(l.rows); i += way {
		if !selectable(l.rows[i]) {
			continue
		}
		best = i
		if (i-from)*way >= n*way {
			break
		}
	}
	l.move(best)
}

// press is a click on a row.
func (l *ContactList) press(i int, primary bool) {
	if i >= len(l.rows) || !selectable(l.rows[i]) {
		return
	}
	if c := fyne.CurrentApp().Driver().CanvasForObject(l); c != nil {
		c.Focus(l)
	}
	l.cursor = l.rows[i].Key
	if r := l.rows[i]; primary && r.Kind == view.GroupRow && l.OnFold != nil {
		l.OnFold(r.Group, !r.Fold)
	}
	l.Refresh()
}

func (l *ContactList) open(i int) {
	if i < 0 || i >= len(l.rows) {
		return
	}
	if r := l.rows[i]; r.Kind == view.PersonRow && l.OnOpen != nil {
		l.OnOpen(r)
	}
}

func (l *ContactList) menu(i int, at fyne.Position) {
	if i < 0 || i >= len(l.rows) || !selectable(l.rows[i]) || l.OnMenu == nil {
		return
	}
	l.cursor = l.rows[i].Key
	l.Refresh()
	l.OnMenu(l.rows[i], at)
}

func (l *ContactList) messageAll(r view.Row) {
	if l.OnMessageAll != nil {
		l.OnMessageAll(r)
	}
}

// fold folds the group of the selection or shows it again.
func (l *ContactList) fold(i int, fold bool) {
	if i < 0 || l.OnFold == nil {
		return
	}
	switch r := l.rows[i]; {
	case r.Kind == view.GroupRow && r.Fold != fold:
		l.OnFold(r.Group, fold)
	case r.Kind == view.PersonRow && fold: // to its group first
		for ; i > 0 && l.rows[i].Kind != view.GroupRow; i-- {
			continue
		}
		l.move(i)
	case r.Kind == view.GroupRow && !fold:
		l.step(i, 1)
	}
}

// FocusGained implements fyne.Focusable.
func (l *ContactList) FocusGained() {
	l.focused = true
	if l.at() < 0 {
		l.step(-1, 1)
	}
	l.Refresh()
}

// FocusLost implements fyne.Focusable.
func (l *ContactList) FocusLost() {
	l.focused = false
	l.Refresh()
}

// TypedKey implements fyne.Focusable.
func (l *ContactList) TypedKey(e *fyne.KeyEvent) {
	i := l.at()
	page := max(int(l.Size().Height/theme.S(theme.PersonRow))-1, 1)
	switch e.Name {
	case fyne.KeyUp:
		l.step(i, -1)
	case fyne.KeyDown:
		l.step(i, 1)
	case fyne.KeyPageUp:
		l.step(i, -page)
	case fyne.KeyPageDown:
		l.step(i, page)
	case fyne.KeyHome:
		l.step(-1, 1)
	case fyne.KeyEnd:
		l.step(len(l.rows), -1)
	case fyne.KeyLeft:
		l.fold(i, true)
	case fyne.KeyRight:
		l.fold(i, false)
	case fyne.KeyReturn, fyne.KeyEnter:
		l.enter(i)
	case desktop.KeyMenu:
		l.MenuAtSelection()
	case fyne.KeyEscape:
		if l.OnLeave != nil {
			l.OnLeave()
		}
	}
}

// TypedShortcut implements fyne.Shortcutable: Shift+F10 is the Menu key.
func (l *ContactList) TypedShortcut(s fyne.Shortcut) {
	if c, is := s.(*desktop.CustomShortcut); is && c.KeyName == fyne.KeyF10 && c.Modifier == fyne.KeyModifierShift {
		l.MenuAtSelection()
	}
}

// enter is Return on a row: a group folds or unfolds.
func (l *ContactList) enter(i int) {
	if i >= 0 && l.rows[i].Kind == view.GroupRow && l.OnFold != nil {
		l.OnFold(l.rows[i].Group, !l.rows[i].Fold)
		return
	}
	l.open(i)
}

// MenuAtSelection opens the context menu of the selected row, below it.
func (l *ContactList) MenuAtSelection() {
	i := l.at()
	if i < 0 {
		return
	}
	y := -l.GetScrollOffset()
	for _, r := range l.rows[:i+1] {
		y += theme.S(height(r))
	}
	at := fyne.CurrentApp().Driver().AbsolutePositionForObject(l)
	l.menu(i, at.AddXY(theme.Px(58), max(y, 0)))
}

// TypedRune goes to the next person whose name begins with the letters typed.
func (l *ContactList) TypedRune(r rune) {
	now := time.Now()
	if now.Sub(l.typedAt) > typeAhead {
		l.typed = ""
	}
	if r == ' ' && l.typed == "" { // within a name it is a letter
		if i := l.at(); i >= 0 && l.rows[i].Kind == view.PersonRow && l.OnCard != nil {
			l.OnCard(l.rows[i])
		}
		return
	}
	l.typed, l.typedAt = l.typed+strings.ToLower(string(r)), now
	from := max(l.at(), 0)
	if utf8.RuneCountInString(l.typed) == 1 {
		from++ // the same letter again goes on
	}
	for n := range l.rows {
		i := (from + n) % len(l.rows)
		row := l.rows[i]
		if row.Kind == view.PersonRow && strings.HasPrefix(strings.ToLower(row.Name), l.typed) {
			l.move(i)
			return
		}
	}
}
