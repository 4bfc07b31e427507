//go:build cgo || !darwin

package widgets

import (
	"net/url"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"

	"communicator/ui/view"
)

// linked says that a message has links that can be followed.
func linked(e view.Entry) bool {
	for _, p := range view.Pieces(e.Text) {
		if p.URL != nil {
			return !e.Inert && !e.Notice
		}
	}
	return false
}

func newLinkedText() *widget.RichText {
	text := widget.NewRichText()
	text.Wrapping = fyne.TextWrapWord
	text.Hide()
	return text
}

// segments are the pieces of a message as Fyne draws them.
func segments(text string, align fyne.TextAlign, follow func(*url.URL)) (all []widget.RichTextSegment) {
	style := widget.RichTextStyleInline
	style.Alignment = align
	for _, p := range view.Pieces(text) {
		if p.URL == nil {
			all = append(all, &widget.TextSegment{Text: p.Text, Style: style})
			continue
		}
		all = append(all, &widget.HyperlinkSegment{Alignment: align, Text: p.Text, URL: p.URL, OnTapped: func() {
			if follow != nil {
				follow(p.URL)
			}
		}})
	}
	return all
}
