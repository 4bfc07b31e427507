package theme

import (
	"fyne.io/fyne/v2"
	fynetheme "fyne.io/fyne/v2/theme"
)

// Type sizes.
const (
	Caption = fynetheme.SizeNameCaptionText    // notes, status words, times, counts, hints
	Body    = fynetheme.SizeNameText           // names, messages, buttons, fields
	Title   = fynetheme.SizeNameSubHeadingText // own name, name in a card
	Heading = fynetheme.SizeNameHeadingText    // sign-in only
)

// Heights and other sizes of things.
const (
	unit         fyne.ThemeSizeName = "unit"
	MenuBar      fyne.ThemeSizeName = "menuBar"
	FindBand     fyne.ThemeSizeName = "findBand"
	Control      fyne.ThemeSizeName = "control"
	SmallControl fyne.ThemeSizeName = "smallControl"
	GroupRow     fyne.ThemeSizeName = "groupRow"
	PersonRow    fyne.ThemeSizeName = "personRow"
	NoteRow      fyne.ThemeSizeName = "noteRow"
	CompactRow   fyne.ThemeSizeName = "compactRow"
	TabStrip     fyne.ThemeSizeName = "tabStrip"
	Tab          fyne.ThemeSizeName = "tab"
	TalkHead     fyne.ThemeSizeName = "talkHead"
	Composer     fyne.ThemeSizeName = "composer"
	StatusLine   fyne.ThemeSizeName = "statusLine"
	Badge        fyne.ThemeSizeName = "badge"
	IconSmall    fyne.ThemeSizeName = "iconSmall" // markers after a name, inline hints
	IconRow      fyne.ThemeSizeName = "iconRow"   // rows, buttons, menus
	IconBanner   fyne.ThemeSizeName = "iconBanner"
	IconHead     fyne.ThemeSizeName = "iconHead" // conversation heads and forms
	IconSelf     fyne.ThemeSizeName = "iconSelf" // one's own state; monograms
	BubbleRadius fyne.ThemeSizeName = "bubbleRadius"
	BubbleCorner fyne.ThemeSizeName = "bubbleCorner" // at the speaker's side
	ChipRadius   fyne.ThemeSizeName = "chipRadius"
	ChipCorner   fyne.ThemeSizeName = "chipCorner"
	BubbleWidth  fyne.ThemeSizeName = "bubbleWidth"
	TextPadding                     = fynetheme.SizeNameInnerPadding // what Fyne keeps around text
	Radius                          = fynetheme.SizeNameInputRadius
	PanelRadius                     = fynetheme.SizeNameCardRadius
)

// sizes are at 100 %; 1 unit is 1 pixel of an ordinary screen.
var sizes = map[fyne.ThemeSizeName]float32{
	fynetheme.SizeNameInnerPadding:       6,
	fynetheme.SizeNamePadding:            4,
	fynetheme.SizeNameInlineIcon:         16,
	fynetheme.SizeNameInputBorder:        1,
	fynetheme.SizeNameSeparatorThickness: 1,
	fynetheme.SizeNameInputRadius:        6,
	fynetheme.SizeNameButtonRadius:       6,
	fynetheme.SizeNameSelectionRadius:    6,
	fynetheme.SizeNameMenuRadius:         8,
	fynetheme.SizeNamePopupRadius:        8,
	fynetheme.SizeNameCardRadius:         8,
	fynetheme.SizeNameDialogRadius:       10,
	fynetheme.SizeNameScrollBar:          10,
	fynetheme.SizeNameScrollBarSmall:     4,
	Caption:                              12,
	Body:                                 14,
	Title:                                16,
	Heading:                              20,

	unit:         1,
	MenuBar:      29,
	FindBand:     47,
	Control:      31,
	SmallControl: 24,
	GroupRow:     30, // 28, and 2 above it
	PersonRow:    29,
	NoteRow:      45,
	CompactRow:   25,
	TabStrip:     40,
	Tab:          33,
	TalkHead:     54,
	Composer:     70,
	StatusLine:   26,
	Badge:        18,
	IconSmall:    14,
	IconRow:      16,
	IconBanner:   20,
	IconHead:     24,
	IconSelf:     28,
	BubbleRadius: 10,
	BubbleCorner: 3,
	ChipRadius:   13,
	ChipCorner:   4,
	BubbleWidth:  430,
}
