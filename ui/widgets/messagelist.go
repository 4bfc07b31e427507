//go:build cgo || !darwin

package widgets

import (
	"net/url"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"

	"communicator/ui/theme"
	"communicator/ui/view"
)

// MessageList shows a transcript. It stays at the newest message unless the
// user has scrolled away from it.
type MessageList struct {
	widget.List
	OnAgain func(view.Entry) // "Send again"
	OnMail  func(view.Entry) // "Send as e-mail"; nil: not offered
	OnEdit  func(view.Entry) // "Edit", of what was refused because of its text; nil: not offered
	OnLink  func(*url.URL)   // a link was clicked

	entries []view.Entry
	length  int
	heights []float32
	cache   map[string]measured // by ID
	width   float32
	scratch *widget.Label    // measures wrapped text
	linked  *widget.RichText // the same with links
}

// measured is an entry as it was at a width: its bubble, and its whole height.
type measured struct {
	entry  view.Entry
	width  float32
	bubble fyne.Size
	height float32
}

// NewMessageList makes an empty transcript. Put Box(list) into the window.
func NewMessageList() *MessageList {
	l := &MessageList{cache: map[string]measured{}, scratch: newBubbleText(), linked: newLinkedText()}
	l.HideSeparators = true
	l.Length = func() int { return l.length }
	l.CreateItem = func() fyne.CanvasObject { return newMessage(l) }
	l.UpdateItem = func(i int, o fyne.CanvasObject) {
		if i < len(l.entries) {
			e := l.entries[i]
			o.(*message).set(e, l.cache[e.ID].bubble, e.Head && i > 0)
		}
	}
	l.ExtendBaseWidget(l)
	return l
}

// SetEntries shows other messages.
func (l *MessageList) SetEntries(entries []view.Entry) {
	bottom := l.atBottom()
	l.entries = entries
	l.measure()
	if bottom && l.width > 0 {
		l.ScrollToBottom()
	}
}

// Reveal scrolls to an entry.
func (l *MessageList) Reveal(i int) { l.ScrollTo(i) }

// Entries are those that the list shows.
func (l *MessageList) Entries() []view.Entry { return l.entries }

// Resize implements fyne.CanvasObject; another width breaks the lines anew.
func (l *MessageList) Resize(size fyne.Size) {
	bottom, changed := l.atBottom(), size.Width != l.width
	l.List.Resize(size)
	if l.width = size.Width; changed {
		l.measure()
	}
	if bottom {
		l.ScrollToBottom()
	}
}

func (l *MessageList) atBottom() bool {
	total := float32(0)
	for _, h := range l.heights {
		total += h
	}
	return l.GetScrollOffset()+l.Size().Height >= total-theme.Px(40)
}

// measure sets the height of every entry.
func (l *MessageList) measure() {
	if l.width == 0 {
		return
	}
	l.length = 0 // no refresh per changed height
	before := l.heights
	l.heights = make([]float32, len(l.entries))
	for i, e := range l.entries {
		m, known := l.cache[e.ID]
		if !known || m.entry != e || m.width != l.width {
			m = measured{entry: e, width: l.width, bubble: l.bubbleSize(e)}
			m.height = entryHeight(e, m.bubble.Height, e.Head && i > 0)
			l.cache[e.ID] = m
		}
		l.heights[i] = m.height
		if i >= len(before) || before[i] != m.height {
			l.SetItemHeight(i, m.height)
		}
	}
	l.length = len(l.entries)
	l.Refresh()
}

// entryHeight is the height of an entry whose bubble has that height; apart:
// another sender wrote above it.
func entryHeight(e view.Entry, bubble float32, apart bool) float32 {
	h := bubble + theme.Px(4)
	if apart {
		h += theme.Px(6)
	}
	if e.Day != "" {
		h += theme.Px(dayHeight)
	}
	if e.Head {
		h += theme.Px(headHeight)
	}
	if e.Mark == view.Trouble {
		h += theme.Px(troubleHeight)
	} else if e.Below {
		h += theme.Px(headHeight)
	}
	return h
}

// Heights of the parts of a message, in units of the design.
const (
	dayHeight     = 30
	headHeight    = 19
	troubleHeight = 30
)

func newBubbleText() *widget.Label {
	text := widget.NewLabel("")
	text.Wrapping = fyne.TextWrapWord
	return text
}

// bubbleSize is the size of the bubble around an entry.
func (l *MessageList) bubbleSize(e view.Entry) fyne.Size {
	if e.Notice {
		return fyne.NewSize(l.width, theme.Px(headHeight))
	}
	widest := min(theme.S(theme.BubbleWidth), l.width*.66)
	w := theme.Px(2 * bubbleSide)
	for _, line := range lines(e.Text) {
		w = max(w, measure(line, theme.Body, false).Width+theme.Px(2*bubbleSide+1))
	}
	w = min(w, widest)
	inner := fyne.NewSize(w-theme.Px(2*(bubbleSide-6)), 1)
	if linked(e) {
		l.linked.Segments = segments(e.Text, fyne.TextAlignLeading, nil)
		l.linked.Refresh()
		l.linked.Resize(inner)
		return fyne.NewSize(w, l.linked.MinSize().Height)
	}
	l.scratch.Text = e.Text
	l.scratch.Refresh()
	l.scratch.Resize(inner)
	return fyne.NewSize(w, l.scratch.MinSize().Height)
}

// bubbleSide is the room left and right of the text in a bubble.
const bubbleSide = 11

func lines(text string) []string {
	var all []string
	from := 0
	for i, r := range text {
		if r == '\n' {
			all, from = append(all, text[from:i]), i+1
		}
	}
	return append(all, text[from:])
}
