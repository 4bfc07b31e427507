package theme

import (
	"hash/fnv"
	"image/color"
	"strconv"

	"fyne.io/fyne/v2"
	fynetheme "fyne.io/fyne/v2/theme"
)

// Our own colour names, beside Fyne's.
const (
	Chrome        fyne.ThemeColorName = "chrome"    // menu bar, own header, tab strip, status line
	Secondary     fyne.ThemeColorName = "secondary" // status words, notes, captions
	ErrorTint     fyne.ThemeColorName = "errorTint"
	ErrorLine     fyne.ThemeColorName = "errorLine"
	WarningTint   fyne.ThemeColorName = "warningTint"
	WarningLine   fyne.ThemeColorName = "warningLine"
	SuccessTint   fyne.ThemeColorName = "successTint"
	SuccessLine   fyne.ThemeColorName = "successLine"
	BubbleMine    fyne.ThemeColorName = "bubbleMine"
	BubbleTheirs  fyne.ThemeColorName = "bubbleTheirs"
	Route         fyne.ThemeColorName = "route"
	RouteDiverted fyne.ThemeColorName = "routeDiverted"
	CalBusy       fyne.ThemeColorName = "calBusy"
	CalTentative  fyne.ThemeColorName = "calTentative"
	CalOut        fyne.ThemeColorName = "calOut"
	OnCalOut      fyne.ThemeColorName = "onCalOut"
	CalOffHours   fyne.ThemeColorName = "calOffHours"
)

// Fyne's colour names that widgets of ours use.
const (
	Background   = fynetheme.ColorNameBackground
	Foreground   = fynetheme.ColorNameForeground
	Placeholder  = fynetheme.ColorNamePlaceHolder
	Primary      = fynetheme.ColorNamePrimary
	OnPrimary    = fynetheme.ColorNameForegroundOnPrimary
	ButtonFill   = fynetheme.ColorNameButton
	Hover        = fynetheme.ColorNameHover
	Pressed      = fynetheme.ColorNamePressed
	Selection    = fynetheme.ColorNameSelection
	InputBorder  = fynetheme.ColorNameInputBorder
	Separator    = fynetheme.ColorNameSeparator
	Error        = fynetheme.ColorNameError
	Warning      = fynetheme.ColorNameWarning
	Success      = fynetheme.ColorNameSuccess
	MenuFill     = fynetheme.ColorNameMenuBackground
	LinkColor    = fynetheme.ColorNameHyperlink
	overlayColor = fynetheme.ColorNameOverlayBackground
)

type pair struct{ light, dark color.NRGBA }

// rgb reads 0xRRGGBB.
func rgb(hex uint32) color.NRGBA {
	return color.NRGBA{R: uint8(hex >> 16), G: uint8(hex >> 8), B: uint8(hex), A: 0xff}
}

// veil is a translucent colour; Fyne blends it over whatever lies below.
func veil(hex uint32, share float64) color.NRGBA {
	c := rgb(hex)
	c.A = uint8(share*255 + .5)
	return c
}

var palette = map[fyne.ThemeColorName]pair{
	Background:                             {rgb(0xFFFFFF), rgb(0x171718)},
	fynetheme.ColorNameInputBackground:     {rgb(0xFFFFFF), rgb(0x171718)},
	fynetheme.ColorNameHeaderBackground:    {rgb(0xF6F4F0), rgb(0x1C1C1E)},
	Chrome:                                 {rgb(0xF6F4F0), rgb(0x1C1C1E)},
	MenuFill:                               {rgb(0xFFFFFF), rgb(0x202022)},
	overlayColor:                           {rgb(0xFFFFFF), rgb(0x202022)},
	Foreground:                             {rgb(0x1F2328), rgb(0xECEAE6)},
	Secondary:                              {rgb(0x5B616A), rgb(0xABA8A2)},
	Placeholder:                            {rgb(0x676D76), rgb(0x9D9A95)},
	fynetheme.ColorNameDisabled:            {rgb(0x676D76), rgb(0x9D9A95)},
	fynetheme.ColorNameDisabledButton:      {rgb(0xECE8E1), rgb(0x323236)},
	LinkColor:                              {rgb(0x2350A8), rgb(0x9CBCFB)},
	Primary:                                {rgb(0x2857B4), rgb(0x8DB2FA)},
	OnPrimary:                              {rgb(0xFFFFFF), rgb(0x0E1B36)},
	fynetheme.ColorNameFocus:               {veil(0x2857B4, .25), veil(0x8DB2FA, .25)},
	ButtonFill:                             {rgb(0xECE8E1), rgb(0x323236)},
	Hover:                                  {veil(0x3C2D14, .07), veil(0xFFFFFF, .04)},
	Pressed:                                {veil(0x3C2D14, .13), veil(0xFFFFFF, .09)},
	Selection:                              {rgb(0xE9F0FC), rgb(0x13203A)},
	InputBorder:                            {rgb(0x8B867E), rgb(0x7C7A78)},
	Separator:                              {rgb(0xE2DED6), rgb(0x3C3C40)},
	Error:                                  {rgb(0xB4232F), rgb(0xF58F8E)},
	fynetheme.ColorNameForegroundOnError:   {rgb(0xFFFFFF), rgb(0x33090C)},
	ErrorTint:                              {rgb(0xFDECEC), rgb(0x2E1718)},
	ErrorLine:                              {rgb(0xCF6C75), rgb(0xA05658)},
	Warning:                                {rgb(0x7D5100), rgb(0xF3C366)},
	WarningTint:                            {rgb(0xFFF4DB), rgb(0x261C08)},
	WarningLine:                            {rgb(0xB7821A), rgb(0x8C6A22)},
	Success:                                {rgb(0x17683F), rgb(0x74CF9B)},
	fynetheme.ColorNameForegroundOnSuccess: {rgb(0xFFFFFF), rgb(0x07210F)},
	SuccessTint:                            {rgb(0xE6F4EB), rgb(0x10261A)},
	SuccessLine:                            {rgb(0x4F9C73), rgb(0x3F7A57)},
	BubbleMine:                             {rgb(0xE3ECFB), rgb(0x22345A)},
	BubbleTheirs:                           {rgb(0xF3F1EC), rgb(0x29292C)},
	Route:                                  {rgb(0x2857B4), rgb(0x8DB2FA)},
	RouteDiverted:                          {rgb(0x9A6500), rgb(0xF3C366)},
	CalBusy:                                {rgb(0x4A5A78), rgb(0x8A9AC0)},
	CalTentative:                           {rgb(0x7283A5), rgb(0x7080A8)},
	CalOut:                                 {rgb(0x7B52C7), rgb(0x9C7AE0)},
	OnCalOut:                               {rgb(0xFFFFFF), rgb(0x160B2C)},
	CalOffHours:                            {rgb(0xEFECE6), rgb(0x2B2B30)},

	"monogram0":   {rgb(0xDDE6F6), rgb(0x25335A)},
	"onMonogram0": {rgb(0x23407C), rgb(0xC9D8FA)},
	"monogram1":   {rgb(0xF1E4D5), rgb(0x47341C)},
	"onMonogram1": {rgb(0x6A4312), rgb(0xF2D6B0)},
	"monogram2":   {rgb(0xE1EBDD), rgb(0x28401F)},
	"onMonogram2": {rgb(0x345A28), rgb(0xCDE6C1)},
	"monogram3":   {rgb(0xEBDFF0), rgb(0x432E54)},
	"onMonogram3": {rgb(0x5E3A78), rgb(0xE3CCF2)},
	"monogram4":   {rgb(0xDFEAEC), rgb(0x213F47)},
	"onMonogram4": {rgb(0x2C525E), rgb(0xC2E1E8)},
}

// Monogram returns the colours of a person's initials: the same person always
// has the same. They mean nothing.
func Monogram(address string) (fill, letters fyne.ThemeColorName) {
	h := fnv.New32a()
	_, _ = h.Write([]byte(address)) // never fails
	n := strconv.Itoa(int(h.Sum32() % 5))
	return fyne.ThemeColorName("monogram" + n), fyne.ThemeColorName("onMonogram" + n)
}
