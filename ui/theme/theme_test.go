package theme

import (
	"image"
	"image/color"
	"math"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/software"
	"fyne.io/fyne/v2/test"
	fynetheme "fyne.io/fyne/v2/theme"

	"communicator/assets"
)

// luminance is WCAG 2's relative luminance.
func luminance(c color.NRGBA) float64 {
	part := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= .04045 {
			return s / 12.92
		}
		return math.Pow((s+.055)/1.055, 2.4)
	}
	return .2126*part(c.R) + .7152*part(c.G) + .0722*part(c.B)
}

func contrast(a, b color.NRGBA) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + .05) / (min(x, y) + .05)
}

// over blends a translucent colour over an opaque one.
func over(top, bottom color.NRGBA) color.NRGBA {
	a := float64(top.A) / 255
	mix := func(t, b uint8) uint8 { return uint8(math.Round(float64(t)*a + float64(b)*(1-a))) }
	return color.NRGBA{mix(top.R, bottom.R), mix(top.G, bottom.G), mix(top.B, bottom.B), 0xff}
}

func shade(t *testing.T, name fyne.ThemeColorName, v fyne.ThemeVariant) color.NRGBA {
	t.Helper()
	c, ok := New(System, 100).Color(name, v).(color.NRGBA)
	if !ok {
		t.Fatalf("%s is not one of our colours", name)
	}
	if c.A != 0xff {
		c = over(c, shade(t, Background, v))
	}
	return c
}

const (
	text = 4.5 // WCAG 2 AA for text
	mark = 3.0 // icons, frames, focus
	none = 1.0 // decoration
)

// Every line of the table of colours, with the contrast it was measured at.
func TestContrast(t *testing.T) {
	for _, c := range []struct {
		on, under   fyne.ThemeColorName
		light, dark float64
		least       float64
	}{
		{Foreground, Background, 15.8, 14.9, text},
		{Foreground, Chrome, 14.4, 14.2, text},
		{Foreground, Selection, 13.8, 13.5, text},
		{Secondary, Background, 6.2, 7.6, text},
		{Secondary, Chrome, 5.7, 7.2, text},
		{Secondary, Selection, 5.5, 6.8, text},
		{Placeholder, Background, 5.2, 6.4, text},
		{fynetheme.ColorNameDisabled, Background, 5.2, 6.4, text},
		{LinkColor, Background, 7.5, 9.4, text},
		{Primary, Background, 6.7, 8.4, text},
		{OnPrimary, Primary, 6.7, 8.0, text},
		{Foreground, ButtonFill, 12.9, 10.6, text},
		{Foreground, Hover, 13.9, 13.5, text},
		{Foreground, Pressed, 12.4, 11.6, text},
		{InputBorder, Background, 3.6, 4.2, mark},
		{InputBorder, Chrome, 3.3, 4.0, mark},
		{Separator, Background, 1.3, 1.6, none},
		{Error, Background, 6.5, 7.9, text},
		{Error, ErrorTint, 5.7, 7.4, text},
		{fynetheme.ColorNameForegroundOnError, Error, 6.5, 7.8, text},
		{Foreground, ErrorTint, 13.8, 14.0, text},
		{ErrorLine, Background, 3.5, 3.4, mark},
		{Warning, WarningTint, 6.3, 10.2, text},
		{Foreground, WarningTint, 14.5, 14.0, text},
		{Secondary, WarningTint, 5.7, 7.1, text},
		{WarningLine, Background, 3.4, 3.6, mark},
		{Success, Background, 6.8, 9.5, text},
		{Success, SuccessTint, 6.0, 8.5, text},
		{fynetheme.ColorNameForegroundOnSuccess, Success, 6.8, 9.0, text},
		{Foreground, SuccessTint, 13.9, 13.3, text},
		{SuccessLine, Background, 3.3, 3.5, mark},
		{Foreground, BubbleMine, 13.3, 10.2, text},
		{Foreground, BubbleTheirs, 14.0, 12.1, text},
		{Secondary, BubbleTheirs, 5.5, 6.1, text},
		{Route, Chrome, 6.1, 8.0, mark},
		{RouteDiverted, WarningTint, 4.5, 10.2, text},
		{CalBusy, Background, 6.9, 6.4, mark},
		{CalTentative, Background, 3.8, 4.6, mark},
		{CalTentative, CalOffHours, 3.2, 3.6, mark},
		{CalOut, Background, 5.4, 5.4, mark},
		{OnCalOut, CalOut, 5.4, 5.6, text},
		{Secondary, CalOffHours, 5.3, 5.9, text},
		{"onMonogram0", "monogram0", 0, 0, text},
		{"onMonogram1", "monogram1", 0, 0, text},
		{"onMonogram2", "monogram2", 0, 0, text},
		{"onMonogram3", "monogram3", 0, 0, text},
		{"onMonogram4", "monogram4", 0, 0, text},
	} {
		for v, want := range map[fyne.ThemeVariant]float64{fynetheme.VariantLight: c.light, fynetheme.VariantDark: c.dark} {
			got := contrast(shade(t, c.on, v), shade(t, c.under, v))
			if math.Round(got*10)/10 < c.least {
				t.Errorf("%s on %s, variant %d: %.2f, needs %.1f", c.on, c.under, v, got, c.least)
			}
			if want != 0 && math.Abs(got-want) > .11 {
				t.Errorf("%s on %s, variant %d: %.2f, the table says %.1f", c.on, c.under, v, got, want)
			}
		}
	}
}

// Presence colours must reach 3 : 1 on every surface they may stand on.
func TestPresenceContrast(t *testing.T) {
	for name, hex := range map[string]uint32{"available": 0x1F9D61, "away": 0xB77900, "busy": 0xD13F4F,
		"dnd": 0xC0355A, "out of office": 0x8A63D2, "offline": 0x7A828E} {
		for _, under := range []fyne.ThemeColorName{Background, Chrome, Selection} {
			for _, v := range []fyne.ThemeVariant{fynetheme.VariantLight, fynetheme.VariantDark} {
				if got := contrast(rgb(hex), shade(t, under, v)); got < 3 {
					t.Errorf("%s on %s, variant %d: %.2f", name, under, v, got)
				}
			}
		}
		if got := contrast(rgb(hex), rgb(0xFFFFFF)); got < 3 {
			t.Errorf("white glyph on %s: %.2f", name, got)
		}
	}
}

// grey draws an icon on white without its colours.
func grey(face string, px int) []float64 {
	img := canvas.NewImageFromResource(Presence(face))
	c := software.NewCanvas()
	c.SetPadded(false)
	c.SetContent(img)
	c.Resize(fyne.NewSquareSize(float32(px)))
	drawn := c.Capture()
	levels := make([]float64, 0, px*px)
	for y := range px {
		for x := range px {
			levels = append(levels, float64(color.GrayModel.Convert(drawn.At(x, y)).(color.Gray).Y))
		}
	}
	return levels
}

// Nobody should need colours to tell two states apart.
func TestPresenceIconsDifferInGrey(t *testing.T) {
	test.NewTempApp(t).Settings().SetTheme(New(Light, 100))
	for _, c := range []struct {
		px    int
		least float64
	}{{16, .08}, {24, .05}, {32, .05}} {
		drawn := map[string][]float64{}
		for _, f := range Faces() {
			drawn[f] = grey(f, c.px)
		}
		for i, a := range Faces() {
			for _, b := range Faces()[:i] {
				differ := 0
				for p := range drawn[a] {
					if math.Abs(drawn[a][p]-drawn[b][p]) > 40 {
						differ++
					}
				}
				if share := float64(differ) / float64(c.px*c.px); share < c.least {
					t.Errorf("%s and %s at %d px differ in %.1f %% of the pixels only", a, b, c.px, share*100)
				}
			}
		}
	}
}

func TestSizesFollowTheFactor(t *testing.T) {
	for _, c := range []struct {
		percent int
		name    fyne.ThemeSizeName
		want    float32
	}{
		{100, PersonRow, 29}, {200, PersonRow, 58}, {80, Body, 11.2}, {200, fynetheme.SizeNameInnerPadding, 12},
		{200, fynetheme.SizeNameSeparatorThickness, 1}, {500, PersonRow, 58}, {0, Body, 11.2},
	} {
		if got := New(Light, c.percent).Size(c.name); math.Abs(float64(got-c.want)) > .01 {
			t.Errorf("%s at %d %% is %v, want %v", c.name, c.percent, got, c.want)
		}
	}
}

func TestModeBeatsTheSystem(t *testing.T) {
	if got := New(Dark, 100).Color(Background, fynetheme.VariantLight); got != rgb(0x171718) {
		t.Errorf("dark asked for, got %v", got)
	}
	if got := New(System, 100).Color(Background, fynetheme.VariantLight); got != rgb(0xFFFFFF) {
		t.Errorf("the system is light, got %v", got)
	}
}

func TestEveryIconDraws(t *testing.T) {
	test.NewTempApp(t).Settings().SetTheme(New(Light, 100))
	for _, name := range assets.Icons() {
		c := software.NewCanvas()
		c.SetPadded(false)
		c.SetContent(canvas.NewImageFromResource(Tinted(name, Foreground)))
		c.Resize(fyne.NewSquareSize(16))
		if blank(c.Capture()) {
			t.Errorf("%s draws nothing", name)
		}
	}
	if Presence("no such state").Name() != "presence-unknown.svg" {
		t.Error("an unknown state must not look like a known one")
	}
}

func blank(img image.Image) bool {
	first := img.At(0, 0)
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			if img.At(x, y) != first {
				return false
			}
		}
	}
	return true
}

func TestMonogramIsStable(t *testing.T) {
	a, _ := Monogram("anna@contoso.test")
	b, _ := Monogram("anna@contoso.test")
	if a != b {
		t.Error("the same person has two colours")
	}
}
