// Package theme is the look of the windows: colours, sizes and icons, light
// and dark, at any text size. It wraps Fyne's default theme (fonts and the
// icons we have none for) and holds every number of the design; widgets ask
// it and have no numbers of their own.
//
// Begin with New, then C (a colour), S (a size), Px (spacing) and Icon.
package theme

import (
	"image/color"

	"fyne.io/fyne/v2"
	fynetheme "fyne.io/fyne/v2/theme"
)

// Mode is light, dark, or what the system says.
type Mode int

const (
	System Mode = iota
	Light
	Dark
)

// Percent limits of the text size.
const (
	MinPercent = 80
	MaxPercent = 200
)

// Theme is our fyne.Theme.
type Theme struct {
	mode   Mode
	factor float32
}

// New makes a theme; percent is the text size, 80 to 200, and sizes
// everything else with it.
func New(m Mode, percent int) *Theme {
	return &Theme{mode: m, factor: float32(min(max(percent, MinPercent), MaxPercent)) / 100}
}

// Color implements fyne.Theme.
func (t *Theme) Color(name fyne.ThemeColorName, v fyne.ThemeVariant) color.Color {
	switch t.mode {
	case Light:
		v = fynetheme.VariantLight
	case Dark:
		v = fynetheme.VariantDark
	}
	pair, ours := palette[name]
	switch {
	case !ours:
		return fynetheme.DefaultTheme().Color(name, v)
	case v == fynetheme.VariantDark:
		return pair.dark
	default:
		return pair.light
	}
}

// Font implements fyne.Theme: Noto Sans, as bundled. Its digits all have the
// same width, so that counters do not jitter.
func (t *Theme) Font(s fyne.TextStyle) fyne.Resource { return fynetheme.DefaultTheme().Font(s) }

// Icon implements fyne.Theme with our icons where we have one.
func (t *Theme) Icon(name fyne.ThemeIconName) fyne.Resource {
	if own, ok := ownIcons[name]; ok {
		return Icon(own)
	}
	return fynetheme.DefaultTheme().Icon(name)
}

// Size implements fyne.Theme.
func (t *Theme) Size(name fyne.ThemeSizeName) float32 {
	if s, ok := sizes[name]; ok {
		if name == fynetheme.SizeNameInputBorder || name == fynetheme.SizeNameSeparatorThickness {
			return s // lines stay one unit thin
		}
		return s * t.factor
	}
	return fynetheme.DefaultTheme().Size(name) * t.factor
}

// C is the colour of that name now.
func C(name fyne.ThemeColorName) color.Color { return fynetheme.Color(name) }

// S is the size of that name now.
func S(name fyne.ThemeSizeName) float32 { return fynetheme.Size(name) }

// Px is n units of the design at the current text size; for spacing.
func Px(n float32) float32 { return n * fynetheme.Size(unit) }

// Flat is the current theme without padding: for lists, whose rows must touch.
func Flat() fyne.Theme { return flat{fyne.CurrentApp().Settings().Theme()} }

type flat struct{ fyne.Theme }

func (f flat) Size(name fyne.ThemeSizeName) float32 {
	if name == fynetheme.SizeNamePadding {
		return 0
	}
	return f.Theme.Size(name)
}

// Color leaves hover and selection to our rows, which draw them with their
// outline, and takes the shadow away.
func (f flat) Color(name fyne.ThemeColorName, v fyne.ThemeVariant) color.Color {
	switch name {
	case fynetheme.ColorNameHover, fynetheme.ColorNameSelection, fynetheme.ColorNameShadow:
		return color.Transparent
	}
	return f.Theme.Color(name, v)
}

// Small is the current theme for buttons inside rows: 24 units high, caption text.
func Small() fyne.Theme { return small{fyne.CurrentApp().Settings().Theme()} }

type small struct{ fyne.Theme }

func (s small) Size(name fyne.ThemeSizeName) float32 {
	switch name {
	case fynetheme.SizeNameInnerPadding:
		return 4 * s.Theme.Size(unit)
	case fynetheme.SizeNameText:
		return s.Theme.Size(fynetheme.SizeNameCaptionText)
	case fynetheme.SizeNameInlineIcon:
		return s.Theme.Size(IconSmall)
	}
	return s.Theme.Size(name)
}
