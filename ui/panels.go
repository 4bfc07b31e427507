//go:build cgo || !darwin

package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"

	"communicator/ui/theme"
	"communicator/ui/view"
	"communicator/ui/widgets"
)

// stepsPanel lists the steps of signing in.
func stepsPanel(steps []view.Step) fyne.CanvasObject {
	rows := widgets.Column(8)
	for i, s := range steps {
		if i > 0 {
			rows.Add(widgets.NewLine())
		}
		rows.Add(stepRow(s))
	}
	return widgets.Panel(widgets.NewFill(theme.BubbleTheirs, "", theme.PanelRadius), 14, rows)
}

func stepRow(s view.Step) fyne.CanvasObject {
	icon := map[view.Progress]fyne.Resource{
		view.Done:    theme.Tinted("ui-check", theme.Success),
		view.Working: theme.Tinted("ui-spinner", theme.Primary),
		view.Later:   theme.Tinted("ui-pending", theme.Secondary),
		view.Broken:  theme.Tinted("ui-warning", theme.Error),
	}[s.Progress]
	color := theme.Foreground
	if s.Progress == view.Later {
		color = theme.Secondary
	}
	words := widgets.Column(0, widgets.NewText(s.Text, theme.Body, color).Short())
	if s.Detail != "" {
		words.Add(widgets.NewText(s.Detail, theme.Caption, theme.Secondary).Short())
	}
	took := ""
	if s.Took > 0 {
		took = view.Seconds(s.Took)
	}
	name := widgets.Sized(widgets.NewText(s.Name, theme.Body, ""), 104, 0)
	first := func(o fyne.CanvasObject) fyne.CanvasObject { return container.NewBorder(o, nil, nil, nil) }
	return container.NewBorder(nil, nil,
		first(widgets.Row(8, -1, widgets.NewIcon(icon, theme.IconRow), name)),
		first(widgets.Inset(1, 0, 0, 0, widgets.NewText(took, theme.Caption, theme.Secondary))), words)
}

// problemPanel is the one form of every failure: what happened, why, what you
// can do.
func problemPanel(p view.Problem) fyne.CanvasObject {
	head := container.NewStack(topTint(), widgets.Inset(10, 12, 10, 12,
		container.NewBorder(nil, nil, container.NewBorder(widgets.Inset(2, 8, 0, 0,
			widgets.NewIcon(theme.Tinted("ui-warning", theme.Error), theme.IconRow)), nil, nil, nil), nil,
			widgets.Column(0, paragraph("", p.What, true)))))
	body := widgets.Column(10)
	if p.Why != "" {
		body.Add(paragraph(lang.L("Why"), p.Why, false))
	}
	if p.Remedy != "" {
		body.Add(paragraph(lang.L("What you can do"), p.Remedy, false))
	}
	return container.NewStack(widgets.NewFill("", theme.ErrorLine, theme.PanelRadius),
		widgets.Inset(1, 1, 1, 1, container.NewBorder(head, nil, nil, nil, widgets.Inset(10, 12, 12, 12, body))))
}

// topTint fills the head of a failure, round at its upper corners only.
func topTint() fyne.CanvasObject {
	f := widgets.NewFill(theme.ErrorTint, "", theme.PanelRadius)
	f.TopOnly = true
	return f
}

// paragraph is wrapped text, with its first words in bold if there are any.
func paragraph(lead, text string, bold bool) fyne.CanvasObject {
	return container.New(noPadding{}, richText(lead, text, bold))
}

func richText(lead, text string, bold bool) *widget.RichText {
	style := widget.RichTextStyle{Inline: true, ColorName: theme.Foreground, SizeName: theme.Body, TextStyle: fyne.TextStyle{Bold: bold}}
	segments := []widget.RichTextSegment{}
	if lead != "" {
		strong := style
		strong.TextStyle.Bold = true
		segments = append(segments, &widget.TextSegment{Text: lead, Style: strong}, &widget.TextSegment{Text: " — ", Style: style})
	}
	segments = append(segments, &widget.TextSegment{Text: text, Style: style})
	rich := widget.NewRichText(segments...)
	rich.Wrapping = fyne.TextWrapWord
	return rich
}

// noPadding takes away the room that Fyne keeps around text.
type noPadding struct{}

func (noPadding) MinSize(o []fyne.CanvasObject) fyne.Size {
	return o[0].MinSize().SubtractWidthHeight(2*theme.S(theme.TextPadding), 2*theme.S(theme.TextPadding))
}

func (noPadding) Layout(o []fyne.CanvasObject, size fyne.Size) {
	p := theme.S(theme.TextPadding)
	o[0].Move(fyne.NewPos(-p, -p))
	o[0].Resize(size.AddWidthHeight(2*p, 2*p))
}

// centred makes a piece of text stand in the middle.
func centred(s widget.RichTextSegment) widget.RichTextSegment {
	if t, is := s.(*widget.TextSegment); is {
		t.Style.Alignment = fyne.TextAlignCenter
	}
	return s
}
