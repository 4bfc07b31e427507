package theme

import (
	"fyne.io/fyne/v2"
	fynetheme "fyne.io/fyne/v2/theme"

	"communicator/assets"
)

// ownIcons replaces icons of Fyne's own widgets by ours.
var ownIcons = map[fyne.ThemeIconName]string{
	fynetheme.IconNameCancel:        "ui-close",
	fynetheme.IconNameSearch:        "ui-search",
	fynetheme.IconNameConfirm:       "ui-check",
	fynetheme.IconNameArrowDropDown: "ui-menu",
	fynetheme.IconNameMenuExpand:    "ui-right",
	fynetheme.IconNameNavigateNext:  "ui-right",
	fynetheme.IconNameContentCopy:   "ui-copy",
}

// Icon returns one of the interface's own icons ("ui-search",
// "marker-orgchart") in the colour of text; it follows the theme.
func Icon(name string) fyne.Resource { return Tinted(name, Foreground) }

// Tinted returns an interface icon in a colour of the theme.
func Tinted(name string, c fyne.ThemeColorName) fyne.Resource {
	svg := assets.Icon(name)
	if svg == nil {
		return nil
	}
	return fynetheme.NewColoredResource(fyne.NewStaticResource(name+".svg", svg), c)
}

// Presence returns the icon of a state's face ("available", "busy", ...; see
// view.Face); it keeps its own colours. An unknown face is the dashed ring.
func Presence(face string) fyne.Resource {
	svg := assets.Icon("presence-" + face)
	if svg == nil {
		face, svg = "unknown", assets.Icon("presence-unknown")
	}
	return fyne.NewStaticResource("presence-"+face+".svg", svg)
}

// Faces are the eleven states that have an icon.
func Faces() []string {
	return []string{"available", "inactive", "away", "busy", "meeting", "call", "dnd",
		"outofoffice", "offline", "unknown", "blocked"}
}

// AppIcon is the program's icon; small for 24 pixels and less.
func AppIcon(small bool) fyne.Resource {
	name := "app"
	if small {
		name = "app-small"
	}
	return fyne.NewStaticResource(name+".svg", assets.Icon(name))
}

// Blank is an icon that shows nothing, so that menu items stand in line.
func Blank() fyne.Resource {
	return fyne.NewStaticResource("blank.svg", []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"></svg>`))
}

// Dot is a small filled circle, e.g. before "Signed in".
func Dot(c fyne.ThemeColorName) fyne.Resource {
	const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 14 14"><circle cx="7" cy="7" r="4" fill="#000000"/></svg>`
	return fynetheme.NewColoredResource(fyne.NewStaticResource("dot.svg", []byte(svg)), c)
}
